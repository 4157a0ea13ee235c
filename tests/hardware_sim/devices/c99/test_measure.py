"""The row of this machine among the devices: what was compared, and a time that grows with the work."""

from __future__ import annotations

import pytest

import builders
import c_programs
from neuropinn_lava.engine.reference import run_integer
from neuropinn_lava.hardware_sim.devices.c99 import measure
from neuropinn_lava.hardware_sim.devices.c99.measure import measure_c99, time_samples
from neuropinn_lava.hardware_sim.devices.device_result import Basis

LARGER = 20.0
"""Least ratio of the times of two networks, one of which has some 400 times the synapses; a busy machine blurs it."""


def test_a_network_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    c_programs.require_compiler()
    monkeypatch.setattr(measure, "MIN_SECONDS", 0.01)
    network = builders.random_quantized(1, widths=(2, 5, 1))
    points = builders.random_points(network, 50)
    result = measure_c99(network, points, run_integer(network, points))
    assert (result.name, result.basis, result.n_samples, result.mismatches) == ("c99", Basis.COMPILED, 50, 0)
    assert result.seconds_low is not None
    assert result.seconds_high is not None
    assert 0.0 < result.seconds_low <= result.seconds_high
    assert "-std=c99" in result.source


def test_times_grow_with_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    c_programs.require_compiler()
    monkeypatch.setattr(measure, "MIN_SECONDS", 0.01)
    small, large = (builders.random_quantized(1, widths=(2, n, n, 1), n_steps=4) for n in (4, 100))
    short, long = (min(time_samples(each, builders.random_points(each, 20))) for each in (small, large))
    assert long > LARGER * short


def test_sequences_are_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    c_programs.require_compiler()
    monkeypatch.setattr(measure, "MIN_SECONDS", 0.001)
    network = c_programs.draw_graph(3)
    assert len(time_samples(network, builders.random_points(network, 4))) == measure.N_ROUNDS
