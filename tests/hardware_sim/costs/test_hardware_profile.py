"""The gathered profile: complete, of the right network, cheap, and in constant memory."""

from __future__ import annotations

import time
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

import builders
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.conversion.targets.target import find_target
from neuropinn_lava.engine.reference import run_float, run_integer
from neuropinn_lava.hardware_sim.costs.energy_files import SHIPPED, find_energy_model
from neuropinn_lava.hardware_sim.costs.hardware_profile import profile_hardware
from neuropinn_lava.hardware_sim.counts.samples import MAX_SAMPLES

N_MANY = 60_000
MEMORY_OF_A_PROFILE = 150e6
"""Bytes that a profile may take beside points and outputs: single samples are followed in blocks."""


def test_profile_of_a_quantized_network_is_complete() -> None:
    network = builders.random_quantized(0, n_steps=2)
    points = builders.random_points(network, 50)
    profile = profile_hardware(network, run_integer(network, points), points, contains=lambda p: np.ones(len(p), bool))
    assert [energy.model for energy in profile.energies] == list(SHIPPED)
    assert profile.placement is not None
    assert profile.placement.partition.target.name == "loihi2"
    assert profile.latency is not None
    assert profile.sample_triangles is not None
    assert profile.samples.n_samples == 50
    assert profile.does_not_fit is None


def test_profile_of_a_float_network_has_no_cores() -> None:
    network = builders.random_spec(0)
    points = builders.random_points(network, 20)
    profile = profile_hardware(network, run_float(network, points), points)
    assert profile.placement is profile.latency is profile.does_not_fit is profile.sample_triangles is None
    assert len(profile.energies) == len(SHIPPED)


def test_what_does_not_fit_is_said_and_priced_without_hops() -> None:
    network = builders.random_quantized(0)
    points = builders.random_points(network, 20)
    tiny = replace(find_target("loihi1"), max_fan_in=1)
    profile = profile_hardware(network, run_integer(network, points), points, target=tiny, models=[])
    assert profile.placement is None
    assert profile.does_not_fit is not None
    assert "the fan-in of 1" in profile.does_not_fit
    assert profile.energies == ()


def test_a_target_without_times_has_no_latency() -> None:
    network = builders.random_quantized(0)
    points = builders.random_points(network, 20)
    own = replace(find_target("loihi2"), name="mine")
    profile = profile_hardware(
        network, run_integer(network, points), points, target=own, models=[find_energy_model("spinnaker2")]
    )
    assert profile.placement is not None
    assert profile.latency is None
    assert [energy.model for energy in profile.energies] == ["spinnaker2"]


def test_a_trace_of_another_network_is_refused() -> None:
    one, other = builders.random_quantized(0), builders.random_quantized(1)
    points = builders.random_points(one, 5)
    with pytest.raises(SpecError, match="digest"):
        profile_hardware(one, run_integer(other, points), points)


def test_sanafe_is_asked_on_request_only() -> None:
    network = builders.random_quantized(0)
    points = builders.random_points(network, 20)
    trace = run_integer(network, points)
    assert profile_hardware(network, trace, points, models=[]).sanafe is None
    with pytest.raises(SpecError, match=r"SANA-FE: .*a quantized network; got a float network"):
        profile_hardware(network.source, run_float(network.source, points), points, models=[], n_sanafe=2)
    pytest.importorskip("sanafe", reason="the extra `sanafe` is not installed")
    replay = profile_hardware(network, trace, points, models=[], n_sanafe=2).sanafe
    assert replay is not None
    assert replay.n_samples == 2


def test_many_points_cost_no_more_memory_than_few() -> None:
    network = builders.random_quantized(0, widths=(2, 50, 50, 50, 1), n_steps=2)
    points = builders.random_points(network, N_MANY)
    trace = run_integer(network, points[:2000])
    long = replace(trace, outputs=np.resize(trace.outputs, (N_MANY, 1)), readout=np.resize(trace.readout, (N_MANY, 1)))
    tracemalloc.start()
    try:
        profile = profile_hardware(network, long, points)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert profile.samples.n_samples == MAX_SAMPLES
    assert peak < MEMORY_OF_A_PROFILE


@pytest.mark.slow
def test_profiling_adds_at_most_a_tenth_to_a_large_run() -> None:
    network = builders.random_quantized(0, widths=(2, 50, 50, 50, 1), n_steps=2)
    points = builders.random_points(network, 200_000)
    start = time.process_time()
    trace = run_integer(network, points)
    run_seconds = time.process_time() - start
    profile_hardware(network, run_integer(network, points[:10]), points[:10])  # files read, modules loaded
    start = time.process_time()
    profile_hardware(network, trace, points)
    assert time.process_time() - start < 0.1 * run_seconds
