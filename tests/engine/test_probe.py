"""Probes of chosen samples, layers and steps: the values of a full trace, at their places, whatever else runs."""

from __future__ import annotations

import numpy as np
import pytest

import builders
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.engine.reference import run_float, run_integer
from neuropinn_lava.engine.trace import Probe

NETWORK = builders.random_quantized(4, widths=(2, 7, 9, 1), n_steps=5)
POINTS = builders.random_points(NETWORK, 50)
FULL = run_integer(NETWORK, POINTS, Probe(n_samples=50))


@pytest.mark.parametrize("samples", [(0,), (49,), (3, 17, 18, 40), tuple(range(50))])
@pytest.mark.parametrize("steps", [None, (0,), (1, 4)])
@pytest.mark.parametrize("nodes", [None, ("hidden1",)])
def test_what_is_chosen_is_what_a_full_trace_has(samples, steps, nodes):
    trace = run_integer(NETWORK, POINTS, Probe(samples=samples, steps=steps, nodes=nodes))
    assert trace.outputs.tobytes() == FULL.outputs.tobytes()
    assert trace.readout.tobytes() == FULL.readout.tobytes()
    assert all(
        np.array_equal(a.events, b.events) and np.array_equal(a.fired, b.fired)
        for a, b in zip(trace.nodes, FULL.nodes, strict=True)
    )
    probe, at = trace.probe, slice(None) if steps is None else list(steps)
    assert probe.samples.tolist() == list(samples)
    assert (None if probe.steps is None else tuple(probe.steps)) == steps
    expected = {layer.name: layer for layer in FULL.probe.nodes}
    assert [layer.name for layer in probe.nodes] == list(nodes or expected)
    for layer in probe.nodes:
        for name in ("membrane", "fired", "payload"):
            assert np.array_equal(getattr(layer, name), getattr(expected[layer.name], name)[list(samples)][:, at])
    assert np.array_equal(probe.output, FULL.probe.output[list(samples)][:, at])


def test_steps_of_the_first_samples():
    trace = run_integer(NETWORK, POINTS, Probe(n_samples=3, steps=(2,)))
    assert trace.probe.samples.tolist() == [0, 1, 2]
    assert np.array_equal(trace.probe.output[:, 0], FULL.probe.output[:3, 2])


def test_the_float_engine_takes_the_same_probe():
    probe = run_float(NETWORK.source, POINTS, Probe(samples=(5, 9), steps=(4,))).probe
    full = run_float(NETWORK.source, POINTS, Probe(n_samples=50)).probe
    assert np.array_equal(probe.nodes[0].fired, full.nodes[0].fired[[5, 9]][:, [4]])


def test_the_size_is_that_of_the_arrays():
    probe = run_integer(NETWORK, POINTS, Probe(samples=(5, 9), steps=(4,))).probe
    assert probe.n_bytes == 2 * (7 + 9) * (8 + 1 + 8) + 2 * 8


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"samples": ()}, r"Probe\.samples must be ascending numbers from 0 on, at least one; got \(\)"),
        ({"samples": (3, 3)}, r"ascending numbers.*got \(3, 3\)"),
        ({"samples": (-1,)}, r"ascending numbers.*got \(-1,\)"),
        ({"steps": (1.5,)}, r"Probe\.steps must be a whole number; got 1\.5"),
        ({"samples": (1,), "n_samples": 2}, r"Probe\.samples must be left out beside n_samples"),
    ],
)
def test_choices_that_are_none(choice, message):
    with pytest.raises(SpecError, match=message):
        Probe(**choice)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"samples": (50,)}, r"Probe\.samples must be numbers below 50; got 50"),
        ({"n_samples": 1, "steps": (5,)}, "below 5"),
    ],
)
def test_choices_beyond_the_end(choice, message):
    with pytest.raises(SpecError, match=message):
        run_integer(NETWORK, POINTS, Probe(**choice))
