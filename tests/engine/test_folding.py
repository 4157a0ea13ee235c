"""Networks folded at fixed points: the same outputs, also with conditions of the held columns, and every refusal."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import builders
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.engine.folding import fold_at
from neuropinn_lava.engine.reference import run_float
from neuropinn_lava.geometry.fields.expression_field import ExpressionField
from neuropinn_lava.geometry.fields.scalar_fields import Polynomial
from neuropinn_lava.network.spec import NetworkSpec
from neuropinn_lava.network.transforms import AffineTransform, Ansatz
from small_graphs import operator_network

NETWORK = operator_network(n_steps=1)
ROUNDED = 1e-13
"""Relative; the same sums in another order."""


def with_conditions(network: NetworkSpec, field: object) -> NetworkSpec:
    names = ("f", "x") if network.inputs[0].is_held else ("x", "f")
    offset = ExpressionField.of(lambda p: 3 * p.f * p.x + p.x, names)
    return replace(
        network,
        output_transform=AffineTransform(scale=np.full(1, 0.5), offset=np.full(1, 0.25)),
        ansatz=Ansatz(offset=(offset,), factor=(field or ExpressionField.of(lambda p: 2 + p.x**2 + p.f, names),)),
    )


@pytest.mark.parametrize("network", [NETWORK, with_conditions(NETWORK, None)], ids=["plain", "conditions"])
def test_outputs_are_those_at_the_points(network: NetworkSpec) -> None:
    rng = np.random.default_rng(0)
    points, functions = rng.uniform(-1, 1, (7, 1)), rng.uniform(-1, 1, (5, 1))
    folded = fold_at(network, points)
    assert [each.name for each in folded.inputs] == ["function"]
    assert [node.name for node in folded.nodes] == ["branch"]
    assert not folded.inputs[0].is_held
    assert folded.n_out == len(points)
    is_held = [each.is_held for each in network.inputs for _ in range(each.width)]
    grid = np.zeros((35, 2))
    grid[:, np.flatnonzero(is_held)] = np.repeat(functions, 7, axis=0)
    grid[:, np.flatnonzero(np.logical_not(is_held))] = np.tile(points, (5, 1))
    wanted = run_float(network, grid).outputs.reshape(5, 7)
    assert np.ptp(wanted) > 0
    assert np.abs(run_float(folded, functions).outputs - wanted).max() <= ROUNDED * np.abs(wanted).max()


def test_what_cannot_be_folded_is_refused() -> None:
    points = np.zeros((2, 1))
    with pytest.raises(SpecError, match="have held inputs and one step"):
        fold_at(builders.random_spec((2, 3, 1)), points)
    with pytest.raises(SpecError, match="have held inputs and one step"):
        fold_at(operator_network(n_steps=2), points)
    with pytest.raises(SpecError, match=r"fold_at\.points"):
        fold_at(NETWORK, np.zeros((2, 2)))
    with pytest.raises(SpecError, match=r"fold_at\.points"):
        fold_at(NETWORK, np.full((2, 1), np.nan))
    field = Polynomial(coefficients=np.ones(1), exponents=np.zeros((1, 2), dtype=np.int64))
    with pytest.raises(SpecError, match="have conditions that are expressions"):
        fold_at(with_conditions(NETWORK, field), points)


def test_a_population_that_reads_both_is_refused() -> None:
    (trunk,) = (node for node in NETWORK.nodes if node.name == "trunk")
    mixed = replace(trunk, connections=(*trunk.connections, replace(trunk.connections[0], source="function")))
    nodes = tuple(mixed if node.name == "trunk" else node for node in NETWORK.nodes)
    with pytest.raises(SpecError, match="join held inputs and points in products"):
        fold_at(replace(NETWORK, nodes=nodes), np.zeros((2, 1)))
