"""Held values on Lava: computed once, sent once, and every value and count as if computed at every sample."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import builders
from neuropinn_lava.conversion.quantize.post_training import quantize_network
from neuropinn_lava.engine.host import encode_points
from neuropinn_lava.engine.reference import run_integer
from neuropinn_lava.engine.trace import LavaMode, Probe
from neuropinn_lava.hardware_sim.lava.simulate import simulate_on_lava
from neuropinn_lava.hardware_sim.parity.compare_traces import compare_traces
from neuropinn_lava.hardware_sim.steps import holding as module
from neuropinn_lava.hardware_sim.steps.choices import LayerModel
from neuropinn_lava.hardware_sim.steps.holding import FEWEST_SAMPLES, Holding, Stretch
from neuropinn_lava.network.quantized import QuantizedNetwork
from small_graphs import operator_network, with_held

HOW: dict[str, dict[str, Any]] = {
    "batched, whole": {"model": LayerModel.WHOLE, "batch_size": 11},
    "batched, fused": {"model": LayerModel.FUSED, "batch_size": 3},
    "faithful, whole": {"mode": LavaMode.FAITHFUL, "model": LayerModel.WHOLE},
    "faithful, fused": {"mode": LavaMode.FAITHFUL, "model": LayerModel.FUSED},
}
STRETCHES = (5, 1, 6, 4, 9)
"""Samples of each held value: over the ends of messages, and several in one."""
SEEDS = (22, 43, 62)
"""Random graphs whose held nodes are several, with loops and delays among them and behind."""


def drawn(seed: int, n_steps: int = 2) -> tuple[QuantizedNetwork, Any]:
    """Draw a graph that holds one of two inputs, and points in stretches of one held value each."""
    network = with_held(builders.random_graph(seed, n_inputs=2, n_nodes=7, n_steps=n_steps), "x0")
    points = builders.random_points(network, sum(STRETCHES))
    width = network.inputs[0].width
    points[:, :width] = np.repeat(points[: len(STRETCHES), :width], STRETCHES, axis=0)
    return network, points


def assert_equal(network: QuantizedNetwork, points: Any, how: str) -> None:
    """Compare outputs, every membrane, spike and payload, and all counts, with those of the integer engine."""
    probe = Probe(n_samples=len(points))
    found = compare_traces(
        run_integer(network, points, probe), simulate_on_lava(network, points, probe=probe, **HOW[how]), network=network
    )
    assert (found.mismatches, found.first_difference) == (0, None)


@pytest.mark.lava
@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("seed", SEEDS)
def test_random_graphs_hold_and_keep_every_bit(how: str, seed: int) -> None:
    network, points = drawn(seed)
    words, _ = encode_points(network, points)
    held = Holding.of(network, words)
    assert held is not None
    assert held.sources - {"x0"}  # some nodes are computed once
    assert_equal(network, points, how)


@pytest.mark.lava
@pytest.mark.parametrize("how", HOW)
def test_an_operator_holds_its_branch(how: str) -> None:
    network = quantize_network(operator_network(n_steps=2)).network
    f, x = np.array([[0.5], [1.0], [-1.0]]), np.linspace(-1, 1, 7)[:, None]
    assert_equal(network, np.hstack([np.repeat(f, 7, axis=0), np.tile(x, (3, 1))]), how)


@pytest.mark.lava
@pytest.mark.parametrize("how", HOW)
def test_what_saturates_is_counted_for_every_sample(how: str) -> None:
    network, points = drawn(SEEDS[0], n_steps=3)
    loud = points.copy()
    loud[:, :] *= 40.0
    trace = run_integer(network, loud)
    assert any(
        each.saturated_drive or each.saturated_payload for each in trace.nodes if each.name in network.held_sources
    )
    assert_equal(network, loud, how)


def test_the_nodes_are_computed_once_for_each_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Lava: the work of a whole network, whose kernels count the rows that they are given."""
    from neuropinn_lava.hardware_sim.kernels.layer_kernel import IntegerKernel, make_kernel
    from neuropinn_lava.hardware_sim.steps.network_runs import NetworkRun
    from neuropinn_lava.hardware_sim.steps.recording import make_recordings

    network, points = drawn(SEEDS[0], n_steps=1)
    words = encode_points(network, points)[0].astype(np.int32)
    rows = dict.fromkeys((node.name for node in network.nodes), 0)
    kernels = [make_kernel(node) for node in network.nodes]
    for node, kernel in zip(network.nodes, kernels, strict=True):
        for verb in ("advance", "fire") if isinstance(kernel, IntegerKernel) else ("advance",):

            def counted(*given: Any, verb: str = verb, kernel: Any = kernel, name: str = node.name) -> None:
                rows[name] += len(given[2])
                getattr(type(kernel), verb)(kernel, *given)

            setattr(kernel, verb, counted)
    recordings, emitted = make_recordings(network, Probe(), 1, len(points))
    run = NetworkRun(
        network, kernels, make_kernel(network.output), 1, recordings, emitted, 8, holding=Holding.of(network, words)
    )
    run.advance(0, words)
    assert np.array_equal(emitted.total.values, run_integer(network, points).readout)
    assert rows == {
        node.name: len(STRETCHES) if node.name in network.held_sources else len(points) for node in network.nodes
    }


def test_stretches_of_some_samples() -> None:
    network, points = drawn(SEEDS[0])
    held = Holding.of(network, encode_points(network, points)[0])
    assert held is not None
    assert list(held.stretches(0, 12)) == [Stretch(0, 5, 0), Stretch(5, 1, 1), Stretch(6, 6, 2)]
    assert list(held.stretches(3, 4)) == [Stretch(0, 2, 0), Stretch(2, 1, 1), Stretch(3, 1, 2)]
    assert held.is_new(0, 7).tolist() == [True, False, False, False, False, True, True]
    assert held.is_new(5, 3).tolist() == [True, True, False]


def test_nothing_is_held_where_it_does_not_pay() -> None:
    network, points = drawn(SEEDS[0])
    words, _ = encode_points(network, points)
    assert Holding.of(with_held(network), words) is None
    assert Holding.of(network.source, points) is None  # sums of floats depend on the number of rows
    scattered = np.concatenate([words[:5], words[5:6], words[6:7]])
    assert len(scattered) < FEWEST_SAMPLES * 3
    assert Holding.of(network, scattered) is None
    assert module.FEWEST_SAMPLES > 1
