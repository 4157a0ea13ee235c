"""The engines on random graphs, against longhand loops: skips, products, relays, delays, loops, inputs, sequences."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import builders
import longhand
from neuropinn_lava.base.arrays import FloatArray, IntArray
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.engine.host import encode_points
from neuropinn_lava.engine.reference import IntegerArithmetic, constant_inputs, run_float, run_integer, step_integer
from neuropinn_lava.engine.trace import Probe
from neuropinn_lava.engine.walk import NodeStep, WalkState, walk
from neuropinn_lava.files.network_file import read_network, write_network
from neuropinn_lava.network.quantized import QuantizedNetwork
from neuropinn_lava.network.quantized_nodes import QuantizedNode, QuantizedOutput, QuantizedPopulation
from neuropinn_lava.network.spec import Readout
from small_graphs import with_held

N_STEPS = (1, 2, 8, None)
READOUTS = tuple(Readout)


def draw(seed: int, **changes: object) -> QuantizedNetwork:
    """Draw a graph of one to three inputs; every fourth one reads sequences and has any read-out."""
    n_steps = N_STEPS[seed % 4]
    readout = READOUTS[seed // 4 % 3] if n_steps is None else READOUTS[seed % 2]
    return builders.random_graph(seed, n_inputs=1 + seed % 3, n_steps=n_steps, readout=readout, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(100))
def test_integers_equal_longhand(seed: int) -> None:
    network = draw(seed)
    points = builders.random_points(network, 2)
    trace, expected = run_integer(network, points, Probe(n_samples=2)), longhand.run_integer(network, points)
    assert trace.probe is not None
    for node in trace.probe.nodes:
        for i in range(2):
            for t in range(trace.n_steps):
                where = (node.name, i, t)
                assert node.payload[i, t].tolist() == expected.payload[where], where
                assert node.membrane[i, t].tolist() == expected.membrane[where], where
                assert node.fired[i, t].tolist() == expected.fired[where], where
    assert trace.n_saturated == sum(expected.saturated.values())
    np.testing.assert_allclose(trace.outputs, expected.outputs, rtol=1e-13, atol=1e-13)


FLOAT_ROUNDING = 1e-14
"""Sums of a few dozen float64 products, in the order of the processor's own BLAS: 1.2e-15 was seen, as a share of the largest
payload or, where loops amplify rounding, of the change of the output for a relative change of the points."""
NUDGE = 1e-11
"""Relative change of the points: far above float64's rounding, far below what flips a spike."""


@pytest.mark.parametrize("seed", range(100))
def test_floats_equal_longhand(seed: int) -> None:
    network = draw(seed).source
    points = builders.random_points(network, 2)
    expected = longhand.run_float(network, points)
    assert expected.nearest > 1e-9
    largest = max(1.0, *(abs(value) for sent in expected.payload.values() for value in sent))
    outputs = run_float(network, points).outputs
    amplified = np.abs(run_float(network, points * (1 + NUDGE)).outputs - outputs).max() / NUDGE
    assert np.abs(outputs - np.array(expected.outputs)).max() <= FLOAT_ROUNDING * max(largest, amplified)


@pytest.mark.parametrize("seed", range(0, 40, 3))
def test_files_keep_every_bit(seed: int, tmp_path: Path) -> None:
    network = draw(seed)
    write_network(network, tmp_path / "graph.h5")
    again = read_network(tmp_path / "graph.h5")
    assert again.digest() == network.digest()
    points = builders.random_points(network, 3)
    np.testing.assert_array_equal(run_integer(again, points).outputs, run_integer(network, points).outputs)


@pytest.mark.parametrize("seed", range(3, 40, 4))
def test_a_walk_in_two_parts_is_the_walk(seed: int) -> None:
    network = draw(seed)
    x, _ = encode_points(network, builders.random_points(network, 4))

    def outputs(sequence: FloatArray, state: WalkState | None = None) -> tuple[list[list[int]], WalkState]:
        seen: list[list[int]] = []
        after = walk(
            network,
            constant_inputs(network, sequence),
            sequence.shape[1],
            IntegerArithmetic(len(sequence)),
            lambda t, node, step: seen.append(step.payload.tolist()),
            state,
        )
        return seen, after

    whole, end = outputs(x)
    first, state = outputs(x[:, :2])
    second, again = outputs(x[:, 2:], state)
    assert first + second == whole
    assert again.step == end.step == x.shape[1]


class SeenArithmetic(IntegerArithmetic):
    """Integers that refuse a membrane of a node that has none."""

    def step(self, node: QuantizedNode | QuantizedOutput, membrane: IntArray | None, received: Any) -> NodeStep:
        assert (membrane is not None) == isinstance(node, QuantizedPopulation), node.name
        return step_integer(node, membrane, received)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(3))
def test_only_populations_have_membranes(seed: int) -> None:
    network = draw(seed)
    x, _ = encode_points(network, builders.random_points(network, 4))
    state = walk(network, constant_inputs(network, x), 2, SeenArithmetic(len(x)), lambda t, node, step: None)
    assert set(state.membranes) == {node.name for node in network.populations}


def test_inputs_may_be_given_by_name() -> None:
    network = builders.random_graph(7, n_inputs=3, n_steps=None)
    points = builders.random_points(network, 5)
    at, named = 0, {}
    for each in network.inputs:
        columns = points[..., at : at + each.width]
        named[each.name] = columns if each.is_sequence else columns[:, 0]
        at += each.width
    np.testing.assert_array_equal(run_integer(network, named).outputs, run_integer(network, points).outputs)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: {"x0": p["x0"]}, r"must hold every input of x0, x1; got none for x1. Add it"),
        (lambda p: {**p, "y": p["x0"]}, r"input must be one of x0, x1; got 'y'"),
        (lambda p: {**p, "x1": p["x1"][:2]}, r"must have as many samples in every input; got 3 in 'x0', 2 in 'x1'"),
        (lambda p: {**p, "x0": p["x0"][:, 0]}, r"input 'x0' must have the shape \(n, n_steps, "),
        (lambda p: {**p, "x1": p["x1"][0]}, r"input 'x1' must have the shape \(n, .*`array\[(None|\.\.\., None)\]`"),
        (
            lambda p: {**p, "x0": np.where(np.arange(12).reshape(3, 4, 1) == 6, np.nan, p["x0"])},
            r"input 'x0' must have only finite coordinates; got .*nan.* in step 2 of sample 1",
        ),
    ],
)
def test_wrong_inputs_are_refused(change, message) -> None:  # type: ignore[no-untyped-def]
    network = builders.random_graph(5, n_inputs=2, n_steps=None)
    first, second = network.inputs
    points = {"x0": np.zeros((3, 4, first.width)), "x1": np.zeros((3, second.width))}
    run_integer(network, points)  # type: ignore[arg-type]
    with pytest.raises(SpecError, match=message):
        run_integer(network, change(points))


def test_a_constant_input_may_not_change_with_the_steps() -> None:
    network = builders.random_graph(5, n_inputs=2, n_steps=None)
    points = np.zeros((3, 4, network.n_in))
    run_integer(network, points)
    points[1, 2, -1] = 0.5
    message = r"constant input 'x1' must be the same at every step; got a change at step 2 of sample 1"
    with pytest.raises(SpecError, match=message):
        run_integer(network, points)


def test_sequences_of_unequal_length_are_refused() -> None:
    network = builders.random_graph(5, n_inputs=2, n_steps=None)
    both = replace(network.source, inputs=tuple(replace(each, is_sequence=True) for each in network.inputs))
    points = {each.name: np.zeros((2, 3 + i, each.width)) for i, each in enumerate(both.inputs)}
    with pytest.raises(SpecError, match=r"must have sequences of one length; got 3 in 'x0', 4 in 'x1'"):
        run_float(both, points)  # type: ignore[arg-type]


def test_a_held_input_may_be_given_once_and_computes_what_a_constant_one_does() -> None:
    for seed in range(6):
        plain = builders.random_graph(seed, n_inputs=2, n_steps=3)
        held = with_held(plain, "x1")
        named = {name: part.copy() for name, part in plain.split_inputs(builders.random_points(plain, 5)).items()}
        named["x1"][:] = named["x1"][0]
        expected = run_integer(plain, named).outputs  # type: ignore[arg-type]
        once = named | {"x1": named["x1"][:1]}
        np.testing.assert_array_equal(run_integer(held, once).outputs, expected)  # type: ignore[arg-type]
        np.testing.assert_array_equal(run_integer(held, named).outputs, expected)  # type: ignore[arg-type]
        for network, given in (
            (plain, once),
            (held, named | {"x1": named["x1"][:2]}),
            (held, once | {"x0": named["x0"][:0]}),
        ):
            with pytest.raises(SpecError, match=r"have as many samples in every input|hold at least one"):
                run_integer(network, given)  # type: ignore[arg-type]
