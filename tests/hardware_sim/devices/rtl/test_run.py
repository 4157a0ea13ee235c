"""What `run_rtl` refuses, how it counts cycles, and how lanes are chosen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import builders
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.engine.reference import run_integer
from neuropinn_lava.engine.state import RunState
from neuropinn_lava.engine.trace import Backend, Probe
from neuropinn_lava.hardware_sim.devices.integer_plan import plan_integers
from neuropinn_lava.hardware_sim.devices.rtl import run, verilator
from neuropinn_lava.hardware_sim.devices.rtl.core.lanes import choose_lanes
from neuropinn_lava.hardware_sim.devices.rtl.memories import check_memories, count_memory_bits
from neuropinn_lava.hardware_sim.devices.rtl.recording import make_job
from neuropinn_lava.hardware_sim.devices.rtl.run import CycleCount, run_rtl
from neuropinn_lava.hardware_sim.parity.compare_traces import compare_traces


def test_chosen_samples_and_steps_are_recorded() -> None:
    pytest.importorskip("amaranth", reason="the extra `rtl` is not installed")
    network = builders.random_quantized(0, widths=(1, 3, 1), n_steps=2, index_size=3)
    points, probe = builders.random_points(network, 3), Probe(samples=(0, 2), steps=(1,))
    trace = run_rtl(network, points, probe)
    assert trace.backend is Backend.RTL
    assert compare_traces(run_integer(network, points, probe), trace, network=network).mismatches == 0


def test_a_state_is_refused() -> None:
    network = builders.random_quantized(0)
    points = builders.random_points(network, 2)
    with pytest.raises(SpecError, match=r"run_rtl\.state must be left out"):
        run_rtl(network, points, state=RunState.begin(network, 2))


def test_many_points_need_verilator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verilator, "has_verilator", lambda: False)
    monkeypatch.setattr(run, "MAX_SIMULATED", 100)
    network = builders.random_quantized(0, n_steps=1)
    with pytest.raises(SpecError, match=r"run_rtl\.points must have at most 100 neuron steps where Verilator"):
        run_rtl(network, builders.random_points(network, 50))


def test_a_network_without_end_is_refused_by_the_name_of_its_largest_memory() -> None:
    plan = plan_integers(builders.random_quantized(0))
    first = plan.populations[1]
    wide = replace(first.affine.connections[0], weight=np.zeros((1000, 1000), np.int64))
    nodes = (plan.nodes[0], replace(first, affine=replace(first.affine, connections=(wide,))), *plan.nodes[2:])
    check_memories(plan)
    with pytest.raises(SpecError, match="8000000 are the weights from 'hidden0' to 'hidden1'"):
        check_memories(replace(plan, nodes=nodes))


def test_memories_are_counted() -> None:
    plan = plan_integers(builders.random_quantized(0, widths=(2, 7, 5, 1)))
    bits = count_memory_bits(plan)
    assert bits["weights from 'hidden0' to 'hidden1', delay 0"] == 7 * 5 * 8


def test_the_busiest_connection_gets_all_lanes_and_the_others_keep_its_pace() -> None:
    # A quarter of 40 values are events: 10 times 40 / 4 groups are 100 cycles. Two inputs may take 50 groups each: one lane.
    plan = plan_integers(builders.random_quantized(0, widths=(2, 40, 40, 1)))
    assert choose_lanes(plan, 4) == {("hidden0", 0): 1, ("hidden1", 0): 4, ("output", 0): 1}
    # With 40 lanes the walk over 40 neurons is the pace: 4 groups of 10 lanes for 10 events, 20 of 2 for two inputs.
    assert choose_lanes(plan, 40) == {("hidden0", 0): 2, ("hidden1", 0): 10, ("output", 0): 1}


def test_cycles_are_counted_between_points() -> None:
    count = CycleCount(n_samples=11, n_events=110, cycles=1100, latency=100)
    assert count.per_point == 100
    assert count.per_event == 10


def test_a_job_marks_the_last_word_of_each_sample() -> None:
    network = builders.random_graph(6, n_inputs=2, n_steps=None)
    plan = plan_integers(network)
    job = make_job(plan, np.zeros((2, 3, plan.n_in), np.int64))
    assert np.flatnonzero(job.lasts).tolist() == [3 * plan.n_in - 1, 6 * plan.n_in - 1]
    assert job.n_records[-1] == 2 * 3 * plan.output.n_out
