"""Graphs on Lava against the reference engines: skips, products, relays, delays, loops, several inputs, sequences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import builders
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.engine.reference import run_float, run_integer
from neuropinn_lava.engine.trace import LavaMode, Probe
from neuropinn_lava.hardware_sim.counts.counting import count_operations
from neuropinn_lava.hardware_sim.counts.held import run_held
from neuropinn_lava.hardware_sim.lava.simulate import simulate_on_lava
from neuropinn_lava.hardware_sim.parity.compare_traces import compare_traces
from neuropinn_lava.hardware_sim.steps.choices import LayerModel
from neuropinn_lava.hardware_sim.steps.timing import time_network
from neuropinn_lava.network.quantized import Network, QuantizedNetwork
from neuropinn_lava.network.spec import Readout
from small_graphs import gated_network, with_connection, with_held

pytestmark = pytest.mark.lava

FLOAT_ROUNDING = 1e-12
"""Sums of some tens of terms in another order, relative to the largest value."""
BOUNDED = ("tanh", "sin", "tanh_squared", "relu")
"""Activations of float graphs: exp, or a square in a loop, would amplify the rounding of sums in another order."""
HOW: dict[str, dict[str, Any]] = {
    "batched, whole": {"model": LayerModel.WHOLE},
    "batched, fused": {"model": LayerModel.FUSED, "batch_size": 2},
    "faithful, whole": {"mode": LavaMode.FAITHFUL, "model": LayerModel.WHOLE},
    "faithful, fused": {"mode": LavaMode.FAITHFUL, "model": LayerModel.FUSED},
    "faithful, dense": {"mode": LavaMode.FAITHFUL, "model": LayerModel.DENSE},
}


def drawn(seed: int, activations: tuple[str, ...] = builders.ACTIVATIONS) -> QuantizedNetwork:
    """Draw a graph; steps, inputs and read-outs take turns."""
    n_steps = (*builders.N_STEPS, None)[seed % 4]
    readouts = (Readout.MEAN, Readout.LAST) if n_steps else tuple(Readout)
    return builders.random_graph(
        seed,
        n_inputs=1 + seed % 3,
        n_steps=n_steps,
        readout=readouts[seed // 4 % len(readouts)],
        activations=activations,
    )


def assert_equal(network: Network, points: Any, how: str, n_probed: int = 3) -> None:
    """Run on Lava and on the reference engine, and compare every value."""
    probe = Probe(n_samples=n_probed)
    actual = simulate_on_lava(network, points, probe=probe, **HOW[how])
    if isinstance(network, QuantizedNetwork):
        found = compare_traces(run_integer(network, points, probe), actual, network=network)
    else:
        found = compare_traces(run_float(network, points, probe), actual, FLOAT_ROUNDING, network)
    assert (found.mismatches, found.first_difference) == (0, None)


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("seed", range(4))
def test_graphs_equal_the_integers(seed: int, how: str) -> None:
    network = drawn(seed)
    assert_equal(network, builders.random_points(network, 3), how)


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("seed", [6, 7])
def test_graphs_of_floats_equal_the_float_engine(seed: int, how: str) -> None:
    network = drawn(seed, BOUNDED).source
    assert_equal(network, builders.random_points(network, 3), how)


@pytest.mark.slow
@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("seed", range(8, 48))
def test_more_graphs_equal_the_engines(seed: int, how: str) -> None:
    network = drawn(seed)
    points = builders.random_points(network, 3)
    assert_equal(network, points, how)
    assert_equal(drawn(seed, BOUNDED).source, points, how)


@pytest.mark.parametrize("how", ["batched, fused", "faithful, fused", "faithful, dense"])
@pytest.mark.parametrize(("source", "delay", "interval"), [("hidden2", 1, 3), ("hidden2", 2, 2), ("hidden1", 1, 2)])
def test_loops_take_as_many_steps_of_lava_as_they_need(source: str, delay: int, interval: int, how: str) -> None:
    chain = builders.random_quantized(5, widths=(2, 6, 5, 4, 1), n_steps=5)
    network = with_connection(chain, "hidden0", source=source, delay=delay)
    assert time_network(network).interval == interval
    assert_equal(network, builders.random_points(network, 4), how)


@pytest.mark.parametrize(
    "how",
    ["batched, whole", *(pytest.param(how, marks=pytest.mark.slow) for how in ("faithful, fused", "batched, fused"))],
)
def test_a_recurrent_network_reads_a_thousand_steps(how: str) -> None:
    """Its state is carried from step to step and reset between samples; every step's output is kept."""
    network = builders.random_graph(3, n_inputs=2, n_steps=None, readout=Readout.EVERY)
    assert any(delay for node in network.nodes for _, delay in node.edges)
    rng, base = np.random.default_rng(0), network.source
    points = base.lower + (base.upper - base.lower) * rng.random((2, 1000, network.n_in))
    is_constant = np.concatenate([np.full(each.width, not each.is_sequence) for each in base.inputs])
    points[:, :, is_constant] = points[:, :1, is_constant]
    assert not is_constant.all()
    assert_equal(network, points, how, n_probed=2)


@pytest.mark.parametrize("how", ["batched, whole", "faithful, fused"])
def test_inputs_may_be_given_by_name(how: str) -> None:
    network = builders.random_graph(9, n_inputs=2, n_steps=2)
    points = builders.random_points(network, 3)
    first = network.inputs[0]
    by_name = {first.name: points[:, : first.width], network.inputs[1].name: points[:, first.width :]}
    trace = simulate_on_lava(network, by_name, **HOW[how])
    assert np.array_equal(trace.outputs, run_integer(network, points).outputs)


@pytest.mark.parametrize("how", ["batched, whole", "faithful, fused"])
def test_held_and_constant_inputs_send_the_same_bits(how: str) -> None:
    """A held input given once, on Lava, against a constant one of every sample on the reference engine."""
    network = builders.random_graph(9, n_inputs=2, n_steps=2)
    named = {name: part.copy() for name, part in network.split_inputs(builders.random_points(network, 4)).items()}
    named["x1"][:] = named["x1"][0]
    held = with_held(network, "x1")
    once = named | {"x1": named["x1"][:1]}
    assert_equal(held, once, how)
    trace = simulate_on_lava(held, once, **HOW[how])
    assert np.array_equal(trace.readout, run_integer(network, named).readout)  # type: ignore[arg-type]
    counts = count_operations(held, trace, run_held(held, np.hstack([named["x0"], named["x1"]])))
    assert {row.n_samples for row in counts.rows if row.is_held} == {1}


def test_a_probe_records_products() -> None:
    network = gated_network()
    probe = Probe(samples=(1, 3), nodes=("gate", "hidden2"), steps=(1,))
    points = builders.random_points(network, 4)
    trace = simulate_on_lava(network, points, probe=probe, **HOW["faithful, fused"])
    assert trace.probe is not None
    assert [node.name for node in trace.probe.nodes] == ["gate", "hidden2"]
    assert np.array_equal(trace.probe.nodes[0].payload, run_integer(network, points, probe).probe.nodes[0].payload)
    assert trace.probe.nodes[0].payload.any()
    assert not trace.probe.nodes[0].fired.any()


def test_an_input_left_out_is_named() -> None:
    network = builders.random_graph(9, n_inputs=2, n_steps=2)
    with pytest.raises(SpecError, match=r"hold every input of x0, x1; got none for x1"):
        simulate_on_lava(network, {"x0": np.zeros((3, network.inputs[0].width))})
