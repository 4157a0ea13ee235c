"""From torch to the record and back: same numbers, and torch's run equal to the float engine's."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from torch import nn

import builders
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.engine.reference import run_float
from neuropinn_lava.engine.spike_flips import samples_at_risk
from neuropinn_lava.engine.trace import Backend, Probe
from neuropinn_lava.network.nodes import Polarity
from neuropinn_lava.network.spec import NetworkSpec, Readout
from neuropinn_lava.network.transforms import AffineTransform
from neuropinn_lava.training.network.export import export_network
from neuropinn_lava.training.network.network import VsnNetwork
from neuropinn_lava.training.network.rebuild import rebuild_network
from neuropinn_lava.training.network.trace import run_torch
from neuropinn_lava.training.neuron.vsn import VSN

PARITY = {torch.float64: 1e-12, torch.float32: 1e-6}
"""Largest difference over max|u| where no spike can flip; the bounds that the project states."""


def sequential() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(2, 6), VSN(6, activation="tanh"), nn.Linear(6, 4, bias=False), VSN(4), nn.Linear(4, 1)
    )


def test_a_sequential_becomes_a_record() -> None:
    module = sequential()
    spec = export_network(module, n_steps=3, lower=[0, 0], upper=[1, 2])
    assert spec.widths == (2, 6, 4, 1)
    assert [layer.name for layer in spec.populations] == ["hidden1", "hidden2"]
    assert [layer.activation for layer in spec.populations] == ["tanh", "tanh_squared"]
    assert (spec.n_steps, spec.readout) == (3, Readout.MEAN)
    assert spec.populations[1].bias.tolist() == [0.0] * 4
    assert np.array_equal(spec.populations[0].weight, module[0].weight.detach().double().numpy())
    assert spec.upper.tolist() == [1.0, 2.0]


def test_a_network_brings_its_own_steps_and_readout() -> None:
    spec = export_network(VsnNetwork(sequential(), 4, Readout.LAST))
    assert (spec.n_steps, spec.readout) == (4, Readout.LAST)
    assert (spec.lower.tolist(), spec.upper.tolist()) == ([-1.0, -1.0], [1.0, 1.0])


def test_box_is_what_the_input_transform_takes_to_the_unit_box() -> None:
    transform = AffineTransform.to_unit_box(np.array([0.0, -3.0]), np.array([4.0, 5.0]))
    spec = export_network(sequential(), input_transform=transform)
    assert (spec.lower.tolist(), spec.upper.tolist()) == ([0.0, -3.0], [4.0, 5.0])


def assert_parity(spec: NetworkSpec, dtype: torch.dtype) -> None:
    """The module itself, and torch as a backend, against the float engine."""
    points = builders.random_points(spec, 300)
    numbers = np.float64 if dtype is torch.float64 else np.float32
    safe = ~samples_at_risk(spec, points, numbers)
    assert safe.mean() > 0.9
    torch_run = run_torch(spec, points, Probe(n_samples=300), dtype)
    float_run = run_float(spec, points, Probe(n_samples=300))
    assert torch_run.backend is Backend.TORCH
    with torch.no_grad():
        output = rebuild_network(spec, dtype)(torch.as_tensor(spec.input_transform.apply(points), dtype=dtype))
    scale = np.abs(float_run.outputs).max()
    for outputs in (torch_run.outputs, spec.restored(points, output.double().numpy())):
        assert np.abs(outputs - float_run.outputs)[safe].max() <= PARITY[dtype] * scale
    assert torch_run.probe is not None
    assert float_run.probe is not None
    for got, wanted in zip(torch_run.probe.nodes, float_run.probe.nodes, strict=True):
        assert got.name == wanted.name
        assert np.array_equal(got.fired[safe], wanted.fired[safe])
        reach = PARITY[dtype] * max(1.0, float(np.abs(wanted.membrane).max())) * 10
        assert np.abs(got.membrane - wanted.membrane)[safe].max() <= reach
        assert np.abs(got.payload - wanted.payload)[safe].max() <= reach


@pytest.mark.parametrize(("activation", "polarity"), list(product(builders.ACTIVATIONS, builders.POLARITIES)))
def test_torch_equals_the_float_engine(activation: str, polarity: Polarity) -> None:
    for n_steps, readout in product(builders.N_STEPS, builders.READOUTS):
        spec = builders.random_spec(
            5, n_steps=n_steps, activation=activation, polarity=polarity, readout=readout, ansatz=True
        )
        assert_parity(spec, torch.float64)


@pytest.mark.parametrize("activation", ["z_tanh_z", "tanh_squared"])
def test_torch_in_single_precision_equals_the_float_engine(activation: str) -> None:
    spec = builders.random_spec(1, n_steps=2, activation=activation, widths=(2, 20, 20, 1), theta=0.05)
    rounded = export_network(rebuild_network(spec, torch.float32), lower=spec.lower, upper=spec.upper)
    assert_parity(rounded, torch.float32)


@pytest.mark.parametrize("first", range(0, 60, 10))
def test_torch_equals_the_float_engine_on_random_graphs(first: int) -> None:
    """Skips, products, relays, loops, delays, several inputs, sequences; samples whose spikes could flip are left out.

    A loop may multiply a rounding at every step: the bound is widened by what a change of the points by 1e-13 changes.
    """
    for seed in range(first, first + 10):
        readout = Readout.EVERY if seed % 3 == 2 else builders.READOUTS[seed % 2]
        n_steps = None if readout is Readout.EVERY else (1, 2, 8)[seed // 3 % 3]
        options = {"n_steps": n_steps, "readout": readout}
        spec = builders.random_graph(seed, n_inputs=1 + seed % 3, n_nodes=6, **options).source
        points = builders.random_points(spec, 40)
        safe = ~samples_at_risk(spec, points, np.float64)
        got, wanted = run_torch(spec, points), run_float(spec, points)
        apart = np.abs(got.outputs - wanted.outputs)[safe]
        conditioning = np.abs(run_float(spec, points * (1 + 1e-13)).outputs - wanted.outputs)[safe].max(initial=0.0)
        assert apart.max(initial=0.0) <= PARITY[torch.float64] * np.abs(wanted.outputs).max() + conditioning
        assert safe.any()
        assert [each.name for each in got.nodes] == [each.name for each in wanted.nodes]


def test_counts_are_those_of_the_float_engine() -> None:
    spec = builders.random_spec(2, n_steps=3)
    points = builders.random_points(spec, 100)
    torch_run, float_run = run_torch(spec, points), run_float(spec, points)
    assert torch_run.probe is None
    assert np.array_equal(torch_run.input_events, float_run.input_events)
    for got, wanted in zip(torch_run.nodes, float_run.nodes, strict=True):
        assert np.array_equal(got.fired, wanted.fired)
        assert np.array_equal(got.events, wanted.events)


def test_rebuilding_and_exporting_gives_the_same_record() -> None:
    spec = builders.random_spec(4, polarity=Polarity.BOTH, ansatz=True)
    again = export_network(
        rebuild_network(spec),
        name=spec.name,
        input_transform=spec.input_transform,
        output_transform=spec.output_transform,
        ansatz=spec.ansatz,
        lower=spec.lower,
        upper=spec.upper,
    )
    for got, wanted in zip(again.populations, spec.populations, strict=True):
        for name in ("weight", "bias", "beta", "theta"):
            assert np.array_equal(getattr(got, name), getattr(wanted, name))
        assert (got.activation, got.polarity) == (wanted.activation, wanted.polarity)


def test_refused_modules() -> None:
    with pytest.raises(
        SpecError, match=r"export_network.module must be a VsnNetwork or a torch.nn.Sequential; got Linear"
    ):
        export_network(nn.Linear(2, 1))
    with pytest.raises(SpecError, match=r"layer 1 \(ReLU\).*Replace it by VSN\(n, activation='relu', theta=0.0\)"):
        export_network(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)))
    with pytest.raises(SpecError, match=r"from_torch.n_steps must be 2, as the module has; got 3"):
        export_network(VsnNetwork(sequential(), 2), n_steps=3)
    with pytest.raises(SpecError, match=r"from_torch.readout must .*as the module has; got last"):
        export_network(VsnNetwork(sequential(), 2), readout="last")
    with pytest.raises(SpecError, match="both corners of the box or neither"):
        export_network(sequential(), lower=[0, 0])


def test_graphs_are_not_rebuilt() -> None:
    with pytest.raises(SpecError, match="must be a chain of populations; got a graph"):
        rebuild_network(builders.random_graph(3, n_nodes=6).source)


def test_refused_numbers() -> None:
    module = sequential()
    with torch.no_grad():
        module[0].weight[0, 0] = float("nan")
    with pytest.raises(SpecError, match="connection from 'input': weight must have only finite entries; got nan"):
        export_network(module)
