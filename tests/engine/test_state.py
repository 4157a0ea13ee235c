"""A run in parts is the run: states continue sequences without mask or reset, cut anywhere, in both engines."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import builders
import neuropinn_lava as nl
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.engine import recording
from neuropinn_lava.engine.reference import run_float, run_integer
from neuropinn_lava.engine.state import CarriedValues, RunState
from neuropinn_lava.engine.trace import Probe, RunTrace
from neuropinn_lava.network.spec import Readout

N = 3


def in_parts(run: Any, network: Any, points: Any, cuts: list[int], probe: Probe) -> list[RunTrace]:
    """Run a sequence in parts that end at `cuts` and at its end."""
    state, traces = RunState.begin(network, len(points)), []
    for begin, end in zip([0, *cuts], [*cuts, points.shape[1]], strict=True):
        traces.append(run(network, points[:, begin:end], probe, state))
        state = traces[-1].state
    return traces


def assert_same(parts: list[RunTrace], whole: RunTrace) -> None:
    """Compare every value of every step."""
    np.testing.assert_array_equal(np.concatenate([each.outputs for each in parts], axis=1), whole.outputs)
    for index, node in enumerate(whole.probe.nodes):
        for name in ("membrane", "fired", "payload"):
            joined = np.concatenate([getattr(each.probe.nodes[index], name) for each in parts], axis=1)
            np.testing.assert_array_equal(joined, getattr(node, name), f"{name} of {node.name}")
    counts = [np.concatenate([each.nodes[i].events for each in parts]) for i in range(len(whole.nodes))]
    assert all(np.array_equal(found, node.events) for found, node in zip(counts, whole.nodes, strict=True))


@pytest.mark.parametrize("seed", range(24))
def test_a_sequence_cut_anywhere_is_the_sequence(seed: int) -> None:
    network = builders.random_graph(
        seed, n_inputs=1 + seed % 3, n_nodes=4 + seed % 4, n_steps=None, readout=Readout.EVERY
    )
    points, probe = builders.random_points(network, N), Probe(n_samples=N)
    n_steps = points.shape[1]
    for run, record in ((run_integer, network), (run_float, network.source)):
        whole = run(record, points, probe)
        for cut in range(1, n_steps):
            assert_same(in_parts(run, record, points, [cut], probe), whole)
        parts = in_parts(run, record, points, list(range(1, n_steps)), probe)
        assert_same(parts, whole)
        assert parts[-1].state.step == n_steps


def test_sums_and_last_steps_add_up() -> None:
    """The sum of outputs is that of both parts, the last output that of the second one."""
    for readout, joined in ((Readout.MEAN, np.add), (Readout.LAST, lambda first, second: second)):
        network = builders.random_graph(5, n_nodes=6, n_steps=None, readout=readout)
        points = builders.random_points(network, N)
        first, second = in_parts(run_integer, network, points, [2], Probe())
        np.testing.assert_array_equal(joined(first.readout, second.readout), run_integer(network, points).readout)


def test_constant_inputs_go_on_for_twice_the_steps() -> None:
    network = builders.random_quantized(3, n_steps=2)
    points, probe = builders.random_points(network, N), Probe(n_samples=N)
    first = run_integer(network, points, probe, RunState.begin(network, N))
    second = run_integer(network, points, probe, first.state)
    source = replace(network.source, n_steps=4)
    whole = run_integer(replace(network, source=source), points, probe)
    for index, node in enumerate(whole.probe.nodes):
        np.testing.assert_array_equal(second.probe.nodes[index].membrane, node.membrane[:, 2:])


def test_blocks_of_samples_have_one_state(monkeypatch: pytest.MonkeyPatch) -> None:
    network = builders.random_graph(4, n_nodes=6, n_steps=None, readout=Readout.EVERY)
    points = builders.random_points(network, 7)
    expected = in_parts(run_integer, network, points, [1], Probe())
    monkeypatch.setattr(recording, "BLOCK", 3)
    found = in_parts(run_integer, network, points, [1], Probe())
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a.outputs, b.outputs)
        assert pickle.dumps(a.state) == pickle.dumps(b.state)


def test_a_state_is_read_only_and_survives_a_pickle() -> None:
    network = builders.random_graph(4, n_nodes=6, n_steps=None)
    points = builders.random_points(network, N)
    state = run_integer(network, points, state=RunState.begin(network, N)).state
    again = pickle.loads(pickle.dumps(state))
    assert not state.membranes[0].values.flags.writeable
    assert any(each.values.any() for each in state.membranes)
    np.testing.assert_array_equal(
        run_integer(network, points, state=again).outputs, run_integer(network, points, state=state).outputs
    )
    assert run_integer(network, points).state is None


def test_states_that_do_not_fit_are_refused() -> None:
    network, other = (builders.random_graph(seed, n_nodes=6, n_steps=None) for seed in (4, 5))
    points = builders.random_points(network, N)
    state = run_integer(network, points, state=RunState.begin(network, N)).state
    with pytest.raises(
        SpecError, match=r"run_integer.state must be a state of network 'graph', of digest \w+; got \w+"
    ):
        run_integer(network, points, state=RunState.begin(other, N))
    with pytest.raises(SpecError, match=r"run_integer.state must be of as many samples as the points, 2; got 3"):
        run_integer(network, points[:2], state=state)
    with pytest.raises(SpecError, match=r"run_integer.state.membranes must have the shapes"):
        run_integer(network, points, state=replace(state, membranes=state.membranes[1:]))
    with pytest.raises(SpecError, match=r"RunState: membranes of .* must have the shape"):
        replace(state, n_samples=2)
    with pytest.raises(SpecError, match=r"RunState.step must lie in .*; got -1"):
        replace(state, step=-1)
    with pytest.raises(SpecError, match=r"RunState.n_samples must lie in .*; got 0"):
        RunState.begin(network, 0)
    with pytest.raises(SpecError, match=r"values must have only finite entries"):
        CarriedValues(name="x", values=np.array([[np.nan]]))
    with pytest.raises(SpecError, match=r"run_integer.state must be left out where a probe chooses"):
        run_integer(network, points, Probe(samples=(1,)), state)


def test_lines_of_another_step_are_refused() -> None:
    network = next(
        graph
        for graph in (builders.random_graph(seed, n_nodes=6, n_steps=None) for seed in range(40))
        if RunState.begin(graph, N).lines
    )
    points = builders.random_points(network, N)
    state = run_integer(network, points[:, :1], state=RunState.begin(network, N)).state
    with pytest.raises(SpecError, match=r"run_integer.state.lines must have the shapes"):
        run_integer(network, points, state=replace(state, step=0))


def test_torch_begins_anew_and_refuses_a_state() -> None:
    network = builders.random_quantized(3, n_steps=2)
    points = builders.random_points(network, N)
    state = nl.run(network, points, state=nl.RunState.begin(network, N)).state
    assert state.step == 2
    with pytest.raises(SpecError, match=r"run.state must be left out on backend 'torch'.*; got a state after 2 steps"):
        nl.run(network, points, backend="torch", state=state)
