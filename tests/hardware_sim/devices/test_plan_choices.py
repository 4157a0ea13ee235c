"""What the plan of a network chooses: dense loops by activity, and what is kept for runs that continue others."""

from __future__ import annotations

import numpy as np
import pytest

import builders
import c_programs
from neuropinn_lava.engine.reference import run_integer
from neuropinn_lava.engine.state import RunState
from neuropinn_lava.hardware_sim.devices.c99.run import run_c99
from neuropinn_lava.hardware_sim.devices.integer_plan import PopulationPlan, continued_plan, plan_integers
from neuropinn_lava.hardware_sim.parity.compare_traces import compare_traces


def test_dense_loops_are_chosen_by_the_activity_of_the_source():
    network = builders.random_quantized(2, widths=(2, 9, 9, 9, 1), n_steps=1)
    trace = run_integer(network, builders.random_points(network, 40))
    shares = [float(node.events.mean()) / trace.n_samples for node in trace.nodes]
    limit = float(np.median(shares))
    plan = plan_integers(network, trace, dense_activity=limit)
    affines = [*(node.affine for node in plan.populations), plan.output.affine]
    found = [affine.connections[0].is_dense for affine in affines]
    assert found == [True, *(share > limit for share in shares)]  # an input is dense in any case
    assert set(found[1:]) == {True, False}


def test_the_plan_of_runs_that_continue_others_keeps_membranes_and_clips():
    network = builders.random_quantized(3, n_steps=1)
    plan = plan_integers(network)
    kept = continued_plan(plan)
    assert not any(node.has_membrane for node in plan.populations)
    for node in kept.nodes:
        assert isinstance(node, PopulationPlan)
        assert node.has_membrane
        assert node.clips_membrane
        assert node.clips_payload
        assert node.affine.clips_drive
    assert kept.output.affine.clips_drive


@pytest.mark.parametrize("seed", range(3))
def test_a_network_of_one_step_is_continued_with_its_membranes(seed):
    c_programs.require_compiler()
    network = builders.random_graph(seed, n_nodes=6, n_steps=1)
    points = builders.random_points(network, 5)
    expected = found = RunState.begin(network, len(points))
    for _ in range(4):
        ours, theirs = run_integer(network, points, state=expected), run_c99(network, points, state=found)
        assert compare_traces(ours, theirs, network=network).first_difference is None
        assert ours.state is not None
        assert theirs.state is not None
        expected, found = ours.state, theirs.state
