"""Probes on Lava: chosen samples, layers and steps have the integer engine's values, faithful and batched."""

from __future__ import annotations

from typing import Any

import pytest

import builders
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.engine.reference import run_integer
from neuropinn_lava.engine.trace import LavaMode, Probe
from neuropinn_lava.hardware_sim.lava.simulate import simulate_on_lava
from neuropinn_lava.hardware_sim.parity.compare_traces import compare_traces
from neuropinn_lava.hardware_sim.steps.choices import LayerModel

pytestmark = pytest.mark.lava

NETWORK = builders.random_quantized(4, widths=(2, 7, 9, 1), n_steps=4)
POINTS = builders.random_points(NETWORK, 14)
CHOSEN = Probe(samples=(2, 7, 13), nodes=("hidden1",), steps=(1, 3))
HOW: dict[str, dict[str, Any]] = {
    "faithful, whole": {"mode": LavaMode.FAITHFUL, "model": LayerModel.WHOLE},
    "faithful, fused": {"mode": LavaMode.FAITHFUL, "model": LayerModel.FUSED},
    "faithful, dense": {"mode": LavaMode.FAITHFUL, "model": LayerModel.DENSE},
    "batched, whole": {"model": LayerModel.WHOLE},
    "batched, fused": {"model": LayerModel.FUSED, "batch_size": 4},
}


@pytest.mark.parametrize("how", HOW)
def test_a_probe_has_the_same_values_in_every_mode(how: str) -> None:
    expected = run_integer(NETWORK, POINTS, CHOSEN)
    actual = simulate_on_lava(NETWORK, POINTS, probe=CHOSEN, **HOW[how])
    assert actual.probe is not None
    assert (actual.probe.samples.tolist(), actual.probe.nodes[0].membrane.shape) == ([2, 7, 13], (3, 2, 9))
    assert compare_traces(expected, actual).mismatches == 0


def test_probes_of_other_samples_are_not_compared() -> None:
    other = run_integer(NETWORK, POINTS, Probe(samples=(2, 8, 13)))
    with pytest.raises(
        SpecError, match=r"probe\.samples must be as in the expected run, \[2, 7, 13\]; got \[2, 8, 13\]"
    ):
        compare_traces(run_integer(NETWORK, POINTS, Probe(samples=(2, 7, 13))), other)
