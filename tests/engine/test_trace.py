"""Traces: read-only, joined block by block, and refused where they do not belong together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import builders
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.engine.reference import run_float, run_integer
from neuropinn_lava.engine.trace import NodeCounts, Probe, RunTrace, joined_traces


def make_traces() -> list[RunTrace]:
    network = builders.saturating_quantized(0)
    points = builders.random_points(network, 9)
    probe = Probe(n_samples=2)
    return [run_integer(network, points[:4], probe), run_integer(network, points[4:]), run_integer(network, points)]


def test_joining_blocks_gives_the_whole() -> None:
    first, second, whole = make_traces()
    joined = joined_traces([first, second])
    np.testing.assert_array_equal(joined.outputs, whole.outputs)
    np.testing.assert_array_equal(joined.readout, whole.readout)
    np.testing.assert_array_equal(joined.input_events, whole.input_events)
    assert joined.n_saturated == whole.n_saturated > 0
    assert joined.saturated_input == whole.saturated_input
    for layer, again in zip(joined.nodes, whole.nodes, strict=True):
        np.testing.assert_array_equal(layer.fired, again.fired)
        np.testing.assert_array_equal(layer.events, again.events)
        assert layer.saturated_membrane == again.saturated_membrane
    assert joined.probe is first.probe
    assert joined.seconds == (first.seconds or 0) + (second.seconds or 0)


def test_joining_nothing_or_strangers() -> None:
    with pytest.raises(SpecError, match="joined_traces must get blocks of one run of one network; got 0"):
        joined_traces([])
    network = builders.random_spec()
    stranger = run_float(network, builders.random_points(network, 2))
    with pytest.raises(SpecError, match="joined_traces must get blocks of one run of one network; got 2"):
        joined_traces([make_traces()[0], stranger])


def test_saturations_are_summed() -> None:
    trace = make_traces()[2]
    layers = [
        NodeCounts(name="a", fired=[[1]], events=[[1]], saturated_drive=1, saturated_membrane=20, saturated_payload=300)
    ]
    total = replace(trace, nodes=tuple(layers), saturated_input=4000, saturated_output=50000)
    assert total.n_saturated == 54321


def test_events_have_the_shape_of_fired() -> None:
    with pytest.raises(SpecError, match=r"NodeCounts 'a'.events must have the shape \(n_steps, n_neurons\) = \(1, 2\)"):
        NodeCounts(name="a", fired=[[1, 2]], events=[[1]])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"outputs": np.zeros(3)}, r"RunTrace.outputs must have the shape \(n_samples, n_out\)"),
        (
            {"readout": np.zeros((2, 1))},
            r"RunTrace.readout must have the shape \(n_samples, n_out\) = \(9, 1\); got \(2, 1\)",
        ),
        (
            {"input_events": np.zeros((1, 2), dtype=int)},
            r"RunTrace.input_events must have the shape \(n_steps, n_in\) = \(2, any\)",
        ),
    ],
)
def test_shapes(changes: dict[str, object], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        replace(make_traces()[2], **changes)  # type: ignore[arg-type]


def test_arrays_are_read_only_and_keep_their_kind() -> None:
    trace = make_traces()[0]
    assert trace.probe is not None
    assert trace.readout.dtype == trace.probe.output.dtype == np.int64
    for array in (trace.outputs, trace.readout, trace.nodes[0].fired, trace.probe.nodes[0].membrane):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
