"""Fifteen architectures as their papers' public code writes them: one line in, and the numbers of torch out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from _architectures import ARCHITECTURES, LastStep, SequenceRnn  # noqa: E402
from torch import Tensor, nn  # noqa: E402

from neuropinn_lava.base.errors import SpecError  # noqa: E402
from neuropinn_lava.conversion.formats.torch_modules import from_torch  # noqa: E402
from neuropinn_lava.engine.reference import run_float  # noqa: E402
from neuropinn_lava.network.nodes import ProductSpec  # noqa: E402
from neuropinn_lava.network.spec import NetworkSpec  # noqa: E402
from neuropinn_lava.training.neuron.vsn import VSN  # noqa: E402

PROMISED = 1e-9
"""Largest difference of an import, relative to max |u|."""


def made(name: str) -> nn.Module:
    torch.manual_seed(len(name))
    return ARCHITECTURES[name]().double().eval()


def difference(module: nn.Module, network: NetworkSpec, seed: int = 7) -> float:
    """Return the largest difference between module and float engine, relative to the largest output."""
    steps = (9,) if network.has_sequences else ()
    points = np.random.default_rng(seed).uniform(network.lower, network.upper, (40, *steps, network.n_in))
    columns = torch.tensor(points).split([each.width for each in network.inputs], dim=-1)
    with torch.no_grad():
        result = module(*columns)
    wanted = (torch.cat(result, dim=-1) if isinstance(result, tuple) else result).numpy()
    got = run_float(network, points).outputs
    assert got.shape == wanted.shape
    return float(np.abs(got - wanted).max() / np.abs(wanted).max())


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_an_architecture_is_imported_in_one_line(name: str) -> None:
    module = made(name)
    network = from_torch(module, sequence=hasattr(module, "rnn"))
    assert difference(module, network) <= PROMISED


def nodes_of(name: str) -> list[str]:
    module = made(name)
    return [node.name for node in from_torch(module, sequence=hasattr(module, "rnn")).nodes]


def test_sums_that_are_used_again_are_relays_and_others_are_folded() -> None:
    """h is tanh(embed); h + a F(h) is read by the next block and by the next sum, the last one by the head alone."""
    names = nodes_of("residual")
    assert sorted(names) == sorted([*(f"hidden{i}" for i in range(1, 8)), "relay1", "relay2"])


def test_gates_are_one_product_a_layer_with_the_difference_of_both() -> None:
    """z u + (1 - z) v = v + z (u - v), and u - v is one relay for all layers."""
    network = from_torch(made("modified mlp"))
    products = [node for node in network.nodes if isinstance(node, ProductSpec)]
    assert len(products) == 3
    assert [node.name for node in network.populations if node.is_relay] == ["relay1"]


def test_normalisation_by_buffers_is_the_hosts() -> None:
    network = from_torch(made("normalised inputs"), lower=[1, -2, 150], upper=[5, 0, 250])
    assert [each.name for each in network.inputs] == ["x", "y", "t"]
    np.testing.assert_allclose(network.input_transform.scale, [0.5, 2.0, 1 / 40])
    np.testing.assert_allclose(network.input_transform.offset, [-1.5, 2.0, -5.0])
    assert difference(made("normalised inputs"), network) <= PROMISED


class StepModule(nn.Module):
    """A recurrent layer of spiking neurons, written for one step; the first state leaks, the second is the last output."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.again, self.vsn, self.head = (
            nn.Linear(2, 5),
            nn.Linear(5, 5),
            VSN(5, theta=0.3),
            nn.Linear(5, 1),
        )

    def forward(self, x: Tensor, trace: Tensor, h: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        h = self.vsn(self.inner(x) + self.again(h) + trace)
        trace = 0.5 * trace + 0.1 * h + 0.05
        return self.head(h * trace), trace, h


class GruStep(nn.Module):
    def __init__(self, cell: nn.Module) -> None:
        super().__init__()
        self.cell, self.head = cell, nn.Linear(5, 1)

    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        h = self.cell(x, h)
        return self.head(h), h


STEP_MODULES = {
    "spiking": (StepModule, {"trace": 5, "h": 5}),
    "gru cell": (lambda: GruStep(nn.GRUCell(2, 5)), {"h": 5}),
    "rnn cell": (lambda: GruStep(nn.RNNCell(2, 5)), {"h": 5}),
}


@pytest.mark.parametrize("name", STEP_MODULES)
@pytest.mark.parametrize("sequence", [True, False])
def test_states_of_step_modules_are_connections_with_a_delay(name: str, sequence: bool) -> None:
    """The gate of `from_torch` runs the module step by step; this runs it again, by other points."""
    from neuropinn_lava.training.neuron.vsn import successive_steps

    torch.manual_seed(3)
    make, states = STEP_MODULES[name]
    module = make().double()
    options = {"sequence": True} if sequence else {"n_steps": 6, "readout": "last"}
    network = from_torch(module, states=states, **options)
    assert any(delay for node in network.nodes for _, delay in node.edges)
    points = np.random.default_rng(1).uniform(-1, 1, (30, 6, 2) if sequence else (30, 2))
    held, outputs = [torch.zeros(30, n, dtype=torch.float64) for n in states.values()], []
    with torch.no_grad(), successive_steps(module):
        for t in range(6):
            output, *held = module(torch.tensor(points[:, t] if sequence else points), *held)
            outputs.append(output.numpy())
    wanted = np.stack(outputs, axis=1) if sequence else outputs[-1]
    assert np.abs(run_float(network, points).outputs - wanted).max() <= PROMISED * np.abs(wanted).max()


class Conditioned(nn.Module):
    """A GRU over a sequence with a constant beside it: joined to every step, as a bias of a sum, and as a gate."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.gru = nn.Linear(2, 3), nn.GRU(5, 6, batch_first=True)
        self.bias, self.gate, self.head = nn.Linear(3, 6), nn.Linear(3, 6), nn.Linear(6, 2)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        e = torch.tanh(self.embed(c))
        h, _ = self.gru(torch.cat([x, e[:, None, :].expand(-1, x.shape[1], -1)], dim=-1))
        return self.head(torch.tanh(h + self.bias(e).unsqueeze(1)) * torch.sigmoid(self.gate(e))[:, None])


class ConstantFirst(Conditioned):
    def forward(self, c: Tensor, x: Tensor) -> Tensor:
        c = c[:, None].repeat(1, x.shape[1], 1)
        return self.head(self.gru(torch.cat([torch.tanh(self.embed(c)), x], dim=-1))[0])


class LastConditioned(Conditioned):
    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        return super().forward(x, c)[:, -1]


@pytest.mark.parametrize("make", [Conditioned, ConstantFirst, LastConditioned])
def test_a_constant_beside_a_sequence_is_read_at_every_step(make: type[nn.Module]) -> None:
    torch.manual_seed(5)
    module = make().double()
    network = from_torch(module, sequence={"x"}, inputs=dict.fromkeys("cx" if make is ConstantFirst else "xc", 2))
    assert {each.name: each.is_sequence for each in network.inputs} == {"x": True, "c": False}
    x, c = np.random.default_rng(3).uniform(-1, 1, (2, 30, 9, 2))
    c = c[:, :1].repeat(9, axis=1)
    parts = {"x": torch.tensor(x), "c": torch.tensor(c[:, 0])}
    with torch.no_grad():
        wanted = module(*(parts[each.name] for each in network.inputs)).numpy()
    points = np.concatenate([{"x": x, "c": c}[each.name] for each in network.inputs], axis=-1)
    assert np.abs(run_float(network, points).outputs - wanted).max() <= PROMISED * np.abs(wanted).max()


class ConditionedStep(nn.Module):
    """A cell that reads one step of a sequence, a constant and its state."""

    def __init__(self) -> None:
        super().__init__()
        self.cell, self.head = nn.GRUCell(4, 5), nn.Linear(5, 1)

    def forward(self, x: Tensor, c: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        h = self.cell(torch.cat([x, torch.sin(c)], dim=-1), h)
        return self.head(h) + c[:, :1], h


def test_a_step_module_reads_a_constant_at_every_step() -> None:
    torch.manual_seed(6)
    module = ConditionedStep().double()
    network = from_torch(module, sequence=["x"], inputs={"x": 2, "c": 2}, states={"h": 5})
    assert [each.is_sequence for each in network.inputs] == [True, False]
    x, c = np.random.default_rng(3).uniform(-1, 1, (2, 30, 9, 2))
    c, h, outputs = c[:, :1].repeat(9, axis=1), torch.zeros(30, 5, dtype=torch.float64), []
    with torch.no_grad():
        for t in range(9):
            output, h = module(torch.tensor(x[:, t]), torch.tensor(c[:, t]), h)
            outputs.append(output.numpy())
    wanted = np.stack(outputs, axis=1)
    got = run_float(network, np.concatenate([x, c], axis=-1)).outputs
    assert np.abs(got - wanted).max() <= PROMISED * np.abs(wanted).max()


class StateOfConstant(Conditioned):
    """A constant as the first state, which begins with zero in a network."""

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        h = torch.tanh(self.bias(self.embed(c)))[None]
        return self.head(self.gru(x.repeat(1, 1, 3)[..., :5], h)[0])


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (StateOfConstant, {"sequence": ["x"]}, "layer 'gru' .GRU. must begin with states of zero; got other states"),
        (Conditioned, {"sequence": ["z"]}, "from_torch.sequence must be one of c, x; got 'z'"),
        (ConditionedStep, {"sequence": ["x"], "states": {"x": 5}}, "states 'x' must have a name that no input has"),
    ],
)
def test_constants_beside_sequences_that_are_refused(make: type, options: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        from_torch(make().double(), inputs={"x": 2, "c": 2}, **options)


class LoopOverTime(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner, self.again = nn.Linear(3, 5), nn.Linear(5, 5)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.zeros(len(x), 5, dtype=x.dtype)
        for t in range(x.shape[1]):
            h = torch.tanh(self.inner(x[:, t]) + self.again(h))
        return h


class StepsFirst(SequenceRnn):
    """An RNN of torch's default, steps first, over samples first."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.RNN(3, 6)


class StepsMovedFirst(StepsFirst):
    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.rnn(x.transpose(0, 1))[0].transpose(0, 1))


class Backwards(SequenceRnn):
    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.rnn(x)[0][..., :6])


class Nonlinear(LastStep):
    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(super().forward(x))


@pytest.mark.parametrize(
    ("module", "options", "message"),
    [
        (
            LoopOverTime(),
            {},
            r"use every step of a sequence, or the last; got step 0 alone in line .* step module",
        ),
        (Nonlinear(), {}, "be affine behind the last step or the mean of a sequence"),
        (Backwards(bidirectional=True), {}, "layer 'rnn' .RNN. must run forwards in time, without projection"),
        (
            StepsFirst(),
            {},
            r"layer 'rnn' \(RNN\) must run over the steps, not the samples; got batch_first=False in line",
        ),
        (LastStep(), {"readout": "mean"}, "from_torch.readout must be last, as in the module; got mean"),
    ],
)
def test_what_a_sequence_cannot_do_is_refused(module: nn.Module, options: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        from_torch(module.double(), sequence=True, inputs={"x": 3}, **options)


def test_a_recurrent_layer_of_steps_first_reads_a_transposed_sequence() -> None:
    module = StepsMovedFirst().double()
    assert difference(module, from_torch(module, sequence=True)) <= PROMISED


def test_a_recurrent_layer_in_a_network_without_sequences_is_refused() -> None:
    class Repeated(SequenceRnn):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x[:, None].repeat(1, 4, 1))[:, -1]

    with pytest.raises(SpecError, match=r"get a sequence that is an input of the network.*sequence=True"):
        from_torch(Repeated().double())
