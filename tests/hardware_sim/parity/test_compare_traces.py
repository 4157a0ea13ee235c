"""Comparing traces: what counts as a difference, and which one is the first; traces are made by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import builders
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.engine.reference import run_float, run_integer
from neuropinn_lava.engine.trace import NodeTrace, Probe, RunTrace
from neuropinn_lava.hardware_sim.parity.compare_traces import compare_traces
from small_graphs import gated_network

N, T = 7, 3
NETWORK = builders.random_quantized(1, widths=(2, 4, 3, 1), n_steps=T)
POINTS = builders.random_points(NETWORK, N)
TRACE = run_integer(NETWORK, POINTS, Probe(n_samples=5))


def changed(array: Any, *at: tuple[int, ...], by: float = 1) -> Any:
    """Copy an array and change entries; bool ones are turned round."""
    copy = array.copy()
    for place in at:
        copy[place] = not copy[place] if copy.dtype == np.bool_ else copy[place] + by
    return copy


def with_layer_trace(index: int, **fields: Any) -> RunTrace:
    """Replace fields of one probed layer."""
    assert TRACE.probe is not None
    layers: list[NodeTrace] = list(TRACE.probe.nodes)
    layers[index] = replace(layers[index], **fields)
    return replace(TRACE, probe=replace(TRACE.probe, nodes=tuple(layers)))


def probed(index: int, quantity: str) -> Any:
    assert TRACE.probe is not None
    return getattr(TRACE.probe.nodes[index], quantity)


def test_a_trace_equals_itself_and_its_values_are_counted() -> None:
    found = compare_traces(TRACE, TRACE)
    assert (found.mismatches, found.first_difference, found.n_samples) == (0, None, N)
    in_probes = 5 * T * ((4 + 3) * 3 + 1)
    in_counts = (
        T * 2 + 1 + 2 * T * (4 + 3) + 2 * 3 + 1 + 2 * N
    )  # input, its saturations, counts, theirs, output's, sums
    assert found.values_compared == in_probes + in_counts


def test_multiplications_of_a_product_are_compared() -> None:
    network = gated_network()
    trace = run_integer(network, builders.random_points(network, N))
    index = next(k for k, node in enumerate(trace.nodes) if node.name == "gate")
    gate, nodes = trace.nodes[index], list(trace.nodes)
    for multiplied, n_wrong in ((changed(gate.multiplied, (1, 2)), 1), (None, np.count_nonzero(gate.multiplied))):
        nodes[index] = replace(gate, multiplied=multiplied)
        found = compare_traces(trace, replace(trace, nodes=tuple(nodes)), network=network)
        assert found.mismatches == n_wrong > 0
        assert found.first_difference is not None
        assert (found.first_difference.layer, found.first_difference.quantity) == ("gate", "multiplication count")


def test_first_is_by_step_then_layer_then_sample() -> None:
    early = (4, 0, 2)  # sample 4, step 0, neuron 2 of the second layer
    late = (0, 1, 0)  # sample 0, step 1, neuron 0 of the first layer
    actual = with_layer_trace(1, payload=changed(probed(1, "payload"), early, (4, 2, 0)))
    first_layer = replace(actual.probe.nodes[0], payload=changed(probed(0, "payload"), late))
    actual = replace(actual, probe=replace(actual.probe, nodes=(first_layer, actual.probe.nodes[1])))
    found = compare_traces(TRACE, actual)
    first = found.first_difference
    assert found.mismatches == 3
    assert first is not None
    assert (first.layer, first.step, first.sample, first.neuron, first.quantity) == ("hidden1", 0, 4, 2, "payload")
    assert (first.expected, first.found) == (probed(1, "payload")[early], probed(1, "payload")[early] + 1)


def test_within_a_neuron_the_spike_comes_first_and_within_a_step_the_first_layer() -> None:
    at = (2, 1, 1)
    both = {name: changed(probed(0, name), at) for name in ("membrane", "payload", "fired")}
    first = compare_traces(TRACE, with_layer_trace(0, **both)).first_difference
    assert first is not None
    assert first.quantity == "fired"
    membrane = with_layer_trace(0, membrane=both["membrane"], payload=both["payload"])
    assert compare_traces(TRACE, membrane).first_difference.quantity == "membrane"
    later_sample_earlier_layer = with_layer_trace(1, fired=changed(probed(1, "fired"), (0, 1, 0)))
    layers = (with_layer_trace(0, fired=both["fired"]).probe.nodes[0], later_sample_earlier_layer.probe.nodes[1])
    actual = replace(TRACE, probe=replace(TRACE.probe, nodes=layers))
    assert compare_traces(TRACE, actual).first_difference.layer == "hidden0"


def test_outputs_of_a_step_are_compared_after_its_layers() -> None:
    actual = replace(TRACE, probe=replace(TRACE.probe, output=changed(TRACE.probe.output, (3, 1, 0))))
    first = compare_traces(TRACE, actual).first_difference
    assert (first.layer, first.step, first.sample, first.quantity) == ("output", 1, 3, "output")


def test_counts_and_sums_tell_of_samples_that_are_not_probed() -> None:
    counts = replace(TRACE.nodes[1], events=changed(TRACE.nodes[1].events, (2, 0)))
    actual = replace(
        TRACE,
        nodes=(TRACE.nodes[0], counts),
        readout=changed(TRACE.readout, (6, 0)),
        outputs=changed(TRACE.outputs, (6, 0)),
    )
    found = compare_traces(TRACE, actual)
    first = found.first_difference
    assert found.mismatches == 3
    assert (first.layer, first.step, first.sample, first.neuron) == ("hidden1", 2, None, 0)
    assert first.quantity == "event count"
    only_sums = compare_traces(TRACE, replace(actual, nodes=TRACE.nodes)).first_difference
    assert (only_sums.layer, only_sums.step, only_sums.sample, only_sums.quantity) == ("output", None, 6, "readout")


@pytest.mark.parametrize("kind", ["drive", "membrane", "payload"])
def test_saturations_are_compared(kind: str) -> None:
    counts = replace(TRACE.nodes[0], **{f"saturated_{kind}": 5})
    first = compare_traces(TRACE, replace(TRACE, nodes=(counts, TRACE.nodes[1]))).first_difference
    assert (first.layer, first.quantity, first.expected, first.found) == ("hidden0", f"saturated {kind}s", 0.0, 5.0)


def test_only_what_both_recorded_is_compared() -> None:
    fewer = run_integer(NETWORK, POINTS, Probe(n_samples=2, nodes=("hidden1",)))
    found = compare_traces(fewer, TRACE)
    n_full = compare_traces(TRACE, TRACE).values_compared
    assert found.mismatches == 0
    assert found.values_compared == n_full - 5 * T * 22 + 2 * T * (3 * 3 + 1)
    assert compare_traces(TRACE, run_integer(NETWORK, POINTS)).values_compared == n_full - 5 * T * 22


def test_floats_may_differ_by_a_share_of_the_largest() -> None:
    spec = builders.random_spec(1, n_steps=T)
    trace = run_float(spec, POINTS, Probe(n_samples=N))
    size = np.abs(trace.readout).max()
    near, far = (replace(trace, readout=changed(trace.readout, (0, 0), by=by * size)) for by in (0.9e-12, 1.1e-12))
    assert compare_traces(trace, near, 1e-12).mismatches == 0
    assert compare_traces(trace, near).mismatches == 1
    assert compare_traces(trace, far, 1e-12).mismatches == 1


def test_nan_equals_nan_and_nothing_else() -> None:
    spec = builders.random_spec(1, n_steps=T)
    trace = run_float(spec, POINTS)
    broken = replace(trace, outputs=changed(trace.outputs, (1, 0), by=np.nan))
    for tolerance in (0.0, 1e-12):
        assert compare_traces(trace, broken, tolerance).mismatches == 1
        assert compare_traces(broken, broken, tolerance).mismatches == 0


def test_runs_that_cannot_be_compared_are_refused() -> None:
    with pytest.raises(SpecError, match="n_samples must be as in the expected run, 7; got 6"):
        compare_traces(TRACE, run_integer(NETWORK, POINTS[:6]))
    other = run_integer(builders.random_quantized(2, widths=(2, 4, 3, 1), n_steps=T), POINTS)
    with pytest.raises(SpecError, match="network_digest must be as in the expected run"):
        compare_traces(TRACE, other)
