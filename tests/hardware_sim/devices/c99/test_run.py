"""Runs in C99 have the bits of the integer engine: outputs, counts, traces and states."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import builders
import c_programs
from neuropinn_lava.base.arrays import FloatArray, record_digest
from neuropinn_lava.base.errors import SimulationError, SpecError
from neuropinn_lava.engine.reference import run_integer
from neuropinn_lava.engine.state import RunState
from neuropinn_lava.engine.trace import Backend, Probe
from neuropinn_lava.hardware_sim.devices.c99 import run as run_module
from neuropinn_lava.hardware_sim.devices.c99.code.names import name_parts
from neuropinn_lava.hardware_sim.devices.c99.header import write_header
from neuropinn_lava.hardware_sim.devices.c99.run import build_driver, run_c99
from neuropinn_lava.hardware_sim.devices.integer_plan import IntegerPlan, plan_integers
from neuropinn_lava.hardware_sim.parity.compare_traces import compare_traces
from neuropinn_lava.network.quantized import QuantizedNetwork
from small_graphs import with_held

N = 60
HARD = c_programs.hard_networks()


def assert_same_bits(network: QuantizedNetwork, n: int = N) -> None:
    c_programs.require_compiler()
    points = builders.random_points(network, n, seed=3)
    points = points + 0.5 * (points - network.source.lower)  # a third of them outside the box
    probe = Probe(n_samples=n // 2)
    expected, actual = run_integer(network, points, probe), run_c99(network, points, probe)
    result = compare_traces(expected, actual, network=network)
    assert result.mismatches == 0, result.first_difference
    assert actual.backend is Backend.C99
    assert actual.probe is not None
    assert len(actual.probe.nodes) == len(network.nodes)
    assert actual.n_saturated == expected.n_saturated


@pytest.mark.parametrize("seed", range(6))
def test_graphs_have_the_same_bits(seed: int) -> None:
    assert_same_bits(c_programs.draw_graph(seed))


@pytest.mark.parametrize("name", HARD)
def test_hard_networks_have_the_same_bits(name: str) -> None:
    assert_same_bits(HARD[name])


def test_dense_loops_have_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    network = builders.random_quantized(2, widths=(2, 19, 17, 1), n_steps=2)
    points = builders.random_points(network, 200)
    busy = builders.with_activity(network, points, 0.95)
    plan = plan_integers(busy, run_integer(busy, points))
    assert all(each.is_dense for node in plan.populations for each in node.affine.connections)
    monkeypatch.setattr(run_module, "plan_integers", lambda _: plan)
    assert_same_bits(busy)


def test_hard_networks_are_hard() -> None:
    saturated = run_integer(HARD["saturation"], builders.random_points(HARD["saturation"], N))
    counts = saturated.nodes[0]
    assert min(counts.saturated_drive, counts.saturated_membrane, counts.saturated_payload) > 0
    assert saturated.saturated_output > 0
    lefts = HARD["shifts of mixed sign"].populations[0].affine.lefts[0]
    assert lefts.min() < 0 < lefts.max()


@pytest.mark.parametrize("seed", [3, 7, 11])
def test_a_run_in_parts_is_the_run(seed: int) -> None:
    c_programs.require_compiler()
    network = c_programs.draw_graph(seed)
    points = builders.random_points(network, 9)
    expected = actual = RunState.begin(network, 9)
    for part in (slice(0, 1), slice(1, 3), slice(3, 6)):
        ours = run_integer(network, points[:, part], Probe(n_samples=4), expected)
        theirs = run_c99(network, points[:, part], Probe(n_samples=4), actual)
        assert compare_traces(ours, theirs, network=network).mismatches == 0
        assert ours.state is not None
        assert theirs.state is not None
        expected, actual = ours.state, theirs.state
        assert record_digest(expected) == record_digest(actual)


def test_a_constant_network_continues_too() -> None:
    c_programs.require_compiler()
    network = c_programs.draw_graph(2)
    points = builders.random_points(network, 5)
    state = RunState.begin(network, 5)
    ours, theirs = run_integer(network, points, state=state), run_c99(network, points, state=state)
    again, there = run_integer(network, points, state=ours.state), run_c99(network, points, state=theirs.state)
    assert compare_traces(again, there, network=network).mismatches == 0
    assert again.state is not None
    assert there.state is not None
    assert record_digest(again.state) == record_digest(there.state)


def test_chosen_samples_and_steps_are_recorded() -> None:
    c_programs.require_compiler()
    network = c_programs.draw_graph(1)
    points = builders.random_points(network, 8)
    probe = Probe(samples=(2, 5), nodes=(network.nodes[0].name,), steps=(1,))
    trace = run_c99(network, points, probe)
    assert compare_traces(run_integer(network, points, probe), trace, network=network).mismatches == 0
    assert trace.probe is not None
    assert trace.probe.samples.tolist() == [2, 5]
    assert [node.name for node in trace.probe.nodes] == [network.nodes[0].name]


def test_more_samples_than_a_block_keep_their_order() -> None:
    c_programs.require_compiler()
    network = builders.random_quantized(1, widths=(1, 2, 1), n_steps=1)
    points = np.linspace(0.0, 1.0, 5000)[:, None]
    np.testing.assert_array_equal(run_c99(network, points).readout, run_integer(network, points).readout)


def test_a_program_is_compiled_once_and_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    c_programs.require_compiler()
    monkeypatch.setattr(run_module, "MAX_PROGRAMS", 1)
    first, second = (builders.random_quantized(seed, widths=(1, 2, 1)) for seed in (21, 22))
    program = build_driver(first)
    assert build_driver(first) is program
    assert program.path.exists()
    build_driver(second)
    assert not program.path.exists()


def test_what_does_not_fit_is_refused() -> None:
    network = c_programs.draw_graph(0)
    points = builders.random_points(network, 3)
    with pytest.raises(SpecError, match="be a quantized network; got NetworkSpec"):
        run_c99(network.source, points)  # type: ignore[arg-type]
    with pytest.raises(SpecError, match="run_c99: points of network"):
        run_c99(network, points[:, :0])
    with pytest.raises(SpecError, match=r"run_c99\.state must be of as many samples"):
        run_c99(network, points, state=RunState.begin(network, 2))
    with pytest.raises(SpecError, match=r"Probe\.nodes"):
        run_c99(network, points, Probe(n_samples=1, nodes=("nobody",)))


def test_a_program_that_fails_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    c_programs.require_compiler()
    network = builders.random_quantized(23, widths=(1, 2, 1))
    broken = tmp_path / "driver"
    broken.write_text("#!/bin/sh\necho no memory >&2\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setattr(build_driver(network), "path", broken)
    with pytest.raises(SimulationError, match="finish its run; got exit code 3: no memory"):
        run_c99(network, np.zeros((1, 1)))


def held_graph(seed: int, n_steps: int = 1) -> tuple[QuantizedNetwork, FloatArray]:
    """Draw a graph that holds one of two inputs, and points in stretches of one held value each."""
    network = with_held(builders.random_graph(seed, n_inputs=2, n_nodes=7, n_steps=n_steps), "x0")
    points, width = builders.random_points(network, 24), network.inputs[0].width
    points[:, :width] = np.repeat(points[:4, :width], [5, 1, 6, 12], axis=0)
    return network, points


@pytest.mark.parametrize("seed", [22, 43, 62, 72])
def test_what_is_held_gives_the_same_bits(seed: int) -> None:
    """The driver runs every sample twice, as a whole and with what is held, and ends with an error where sums differ."""
    network, points = held_graph(seed)
    plan = plan_integers(network)
    assert plan.held == network.held_sources - {"x0"}
    assert f"_{name_parts(plan).stem}_run_held(" in write_header(plan)
    probe = Probe(n_samples=5)
    found = compare_traces(run_integer(network, points, probe), run_c99(network, points, probe), network=network)
    assert (found.mismatches, found.first_difference) == (0, None)


def test_several_steps_hold_nothing() -> None:
    plan = plan_integers(held_graph(22, n_steps=2)[0])
    assert plan.held == frozenset()
    assert "run_held(" not in write_header(plan)


def test_a_held_node_that_is_left_out_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    network, points = held_graph(22)
    held = next(node for node in network.nodes if (node.name, 0) in network.output.edges)
    assert held.name in network.held_sources

    def without_a_call(plan: IntegerPlan) -> str:
        text, names = write_header(plan), name_parts(plan)
        before, after = text.split(f"{names.prefix}_hold(", 1)
        call = f"    {names.prefix}_node_{names.nodes[held.name]}(s, x);\n"
        assert call in after
        return before + f"{names.prefix}_hold(" + after.replace(call, "", 1)

    monkeypatch.setattr(run_module, "write_header", without_a_call)
    with pytest.raises(SimulationError, match="returned the error -9"):
        run_c99(replace(network, source=replace(network.source, name="mutant")), points)
