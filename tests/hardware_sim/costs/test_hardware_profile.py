"""The gathered profile: complete, of the right network, cheap, and in constant memory."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

import builders
from neuropinn_lava.base.arrays import FloatArray
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.conversion.targets.target import find_target
from neuropinn_lava.engine.reference import run_float, run_integer
from neuropinn_lava.engine.trace import Probe, RunTrace
from neuropinn_lava.hardware_sim.costs.energy_files import SHIPPED, find_energy_model
from neuropinn_lava.hardware_sim.costs.hardware_profile import profile_hardware
from neuropinn_lava.hardware_sim.counts import samples
from neuropinn_lava.hardware_sim.counts.counting import count_operations
from neuropinn_lava.hardware_sim.counts.samples import MAX_SAMPLES
from neuropinn_lava.network.quantized import QuantizedNetwork

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
    assert profile.sample_map is not None
    assert profile.samples.n_samples == 50
    assert profile.does_not_fit is None


def test_profile_of_a_float_network_has_no_cores() -> None:
    network = builders.random_spec(0)
    points = builders.random_points(network, 20)
    profile = profile_hardware(network, run_float(network, points), points)
    assert profile.placement is profile.latency is profile.does_not_fit is None
    assert profile.sample_map is not None
    assert np.isfinite(profile.sample_map.values).all()  # the whole box, where no domain is known
    assert len(profile.energies) == len(SHIPPED)


def test_what_does_not_fit_is_said_and_priced_without_hops() -> None:
    network = builders.random_quantized(0)
    points = builders.random_points(network, 20)
    tiny = replace(find_target("loihi1"), max_fan_in=1)
    profile = profile_hardware(network, run_integer(network, points), points, target=tiny, models=[])
    assert profile.placement is None
    assert profile.does_not_fit is not None
    assert "at most 1 inputs to a neuron" in profile.does_not_fit
    assert profile.energies == ()


@pytest.mark.slow
def test_static_power_lasts_as_long_as_the_busiest_core_of_the_placement() -> None:
    # 450 x 450 weights of 8 bits are more than the synaptic memory of a core of Loihi 2: the layer is dealt out evenly.
    network = builders.random_quantized(0, widths=(2, 450, 450, 1))
    points = builders.random_points(network, 5)
    trace = run_integer(network, points)
    model = replace(find_energy_model("loihi1-davies"), target="loihi2")
    profile = profile_hardware(network, trace, points, models=[model])
    assert profile.placement is not None
    (layer,) = [layer for layer in profile.placement.partition.nodes if layer.name == "hidden1"]
    assert layer.n_cores > 1
    share = -(-450 // layer.n_cores) / 450
    operations = count_operations(network, trace).rows[2].synaptic_operations / 5
    (term,) = [term for term in profile.energies[0].terms if term.quantity == "busiest_core_operations"]
    assert term.count == pytest.approx(profile.placement.partition.n_chips * share * operations)


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


def test_profiling_follows_at_most_max_samples_of_a_large_run(monkeypatch: pytest.MonkeyPatch) -> None:
    # A profile runs the engine on a fixed number of samples, so that its work does not grow with the run.
    network = builders.random_quantized(0, n_steps=2)
    points = builders.random_points(network, 4 * MAX_SAMPLES)
    trace = run_integer(network, points)
    followed: list[int] = []

    def run_counted(network: QuantizedNetwork, points: FloatArray, probe: Probe) -> RunTrace:
        followed.append(len(points))
        return run_integer(network, points, probe)

    monkeypatch.setattr(samples, "run_integer", run_counted)
    profile_hardware(network, trace, points)
    assert sum(followed) == MAX_SAMPLES
