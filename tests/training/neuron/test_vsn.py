"""The VSN layer as a module: one step at a time, its state, and what it refuses."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.training.neuron.vsn import VSN, successive_steps, vsn_layers


def test_steps_one_by_one_give_what_all_at_once_gives() -> None:
    layer = VSN(4, theta=0.3)
    drive = torch.randn(5, 6, 4, generator=torch.Generator().manual_seed(0))
    expected = layer.unrolled(drive, 5)
    with successive_steps(layer):
        payloads = torch.stack([layer(drive[t]) for t in range(5)])
    assert torch.equal(payloads, expected.payload)


def test_each_call_starts_from_rest_outside_successive_steps() -> None:
    layer = VSN(1, activation="identity", beta=1.0, theta=1.0)
    drive = torch.tensor([[0.6]])
    for _ in range(2):
        with successive_steps(layer):
            assert layer(drive).item() == 0.0
            assert layer(drive).item() == pytest.approx(0.6)  # 0.6 + 0.6 reaches 1; the payload is z, not m
    assert [layer(drive).item() for _ in range(2)] == [0.0, 0.0]


def test_beta_and_theta_are_buffers_unless_they_are_learned() -> None:
    assert not list(VSN(3).parameters())
    layer = VSN(3, theta=0.2, learn_beta=True, learn_theta=True)
    assert {name for name, _ in layer.named_parameters()} == {"beta", "theta"}
    layer(torch.randn(8, 3, generator=torch.Generator().manual_seed(1))).sum().backward()
    assert layer.theta.grad is not None
    assert layer.theta.grad.abs().sum() > 0


def test_clamp_brings_learned_values_back_into_range() -> None:
    layer = VSN(3, learn_beta=True, learn_theta=True)
    with torch.no_grad():
        layer.beta.copy_(torch.tensor([-0.5, 0.5, 1.5]))
        layer.theta.copy_(torch.tensor([-1.0, 0.0, 2.0]))
    layer.clamp_()
    assert layer.beta.tolist() == [0.0, 0.5, 1.0]
    assert layer.theta.tolist() == [0.0, 0.0, 2.0]


def test_per_neuron_values() -> None:
    layer = VSN(2, beta=torch.tensor([0.1, 0.2]), theta=torch.tensor([0.3, 0.4]))
    assert layer.beta.tolist() == pytest.approx([0.1, 0.2])
    assert vsn_layers(torch.nn.Sequential(torch.nn.Linear(1, 2), layer)) == (layer,)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"activation": "cos"}, r"VSN.activation must be an elementwise function .* Write cos\(z\) as sin"),
        ({"activation": "tanhsquared"}, "Did you mean tanh_squared"),
        ({"beta": 1.5}, r"VSN.beta must lie in \[0, 1\]; got 1.5"),
        ({"theta": -0.1}, r"VSN.theta must lie in \[0, "),
        ({"surrogate_slope": 0.0}, r"VSN.surrogate_slope must lie in"),
        ({"n_neurons": 0}, r"VSN.n_neurons must lie in \[1, inf\]"),
    ],
)
def test_refused_options(options: dict[str, object], match: str) -> None:
    with pytest.raises(SpecError, match=match):
        VSN(**{"n_neurons": 3, **options})  # type: ignore[arg-type]


def test_refused_drives() -> None:
    layer = VSN(3)
    with pytest.raises(SpecError, match=r"VSN.forward must get drives of the shape \(n_samples, 3\); got \(2, 4\)"):
        layer(torch.zeros(2, 4))
    with successive_steps(layer):
        layer(torch.zeros(2, 3))
        with pytest.raises(
            SpecError, match=r"drives of the shape \(2, 3\); got \(5, 3\). Put one `with successive_steps"
        ):
            layer(torch.zeros(5, 3))
    assert layer(torch.zeros(5, 3)).shape == (5, 3)


@pytest.mark.parametrize("polarity", ["positive", "both"])
def test_torch_export_keeps_a_layer_as_one_operator(polarity: str) -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(2, 6), VSN(6, activation="sin", theta=0.2, polarity=polarity), nn.Linear(6, 1))
    x = torch.randn(5, 2)
    program = torch.export.export(module.eval(), (x,), strict=False)
    names = [str(node.target) for node in program.graph.nodes if node.op == "call_function"]
    assert names == ["aten.linear.default", "neuropinn_lava.vsn.default", "aten.linear.default"]
    assert torch.equal(program.module()(x), module(x))
