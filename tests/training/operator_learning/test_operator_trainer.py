"""Training of networks that take functions: what comes out, that it repeats, what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import neuropinn_lava as nl
from neuropinn_lava.problems.default_recipe import any_recipe_of, is_linear, recipe_of
from neuropinn_lava.problems.recipes.operator_recipe import OPERATOR_NETWORK, OperatorRecipe
from neuropinn_lava.problems.recipes.recipe import CloudRecipe

SMALL = replace(OPERATOR_NETWORK, widths=(12, 10))
QUICK = OperatorRecipe(
    trunk=SMALL, cloud=CloudRecipe(n_per_axis=(8, 6, 4)), n_pool=2, n_trunk=12, n_solved=24, n_branch=20, activity=0.3
)


def problem_of(cubic: float = 0.0) -> nl.PdeProblem:
    return nl.PdeProblem(
        name="rod",
        domain=nl.Box.space_time([0.0, 0.0], [1.0, 1.0]),
        equations=lambda f: f.u_t - 0.1 * f.u_xx + cubic * f.u**3 - f.load,
        parameters={"load": nl.SineSeries(n_waves=3)},
        conditions=[nl.Dirichlet(0.0)],
    )


def test_a_linear_problem_needs_no_neurons_in_the_branch() -> None:
    problem = problem_of()
    assert is_linear(problem)
    chosen = any_recipe_of(problem)
    assert isinstance(chosen, OperatorRecipe)
    assert chosen.branch is None
    result = nl.train(problem, QUICK)
    network = result.network
    assert [(each.name, each.width) for each in network.inputs] == [("point", 2), ("function", 3)]
    assert sorted(node.name for node in network.nodes) == ["coefficients", "terms", "trunk1", "trunk2"]
    x = problem.domain.sample(50, np.random.default_rng(0))
    u = nl.run_float(network, x).outputs
    doubled = np.hstack([x[:, :2], 2 * x[:, 2:]])
    rest = nl.run_float(network, np.hstack([x[:, :2], np.zeros((50, 3))])).outputs
    assert np.allclose(nl.run_float(network, doubled).outputs - rest, 2 * (u - rest), atol=1e-9)
    octaves = np.log2(network.output.connections[0].weight)
    assert (octaves == np.round(octaves)).all()
    assert np.ptp(octaves) <= 6  # 1, 2, 4 ... 64 in words of eight bits
    folded = nl.fold_at(network, x[:4, :2])
    wanted = nl.run_float(network, np.hstack([x[:4, :2], np.tile(x[7, 2:], (4, 1))])).outputs
    assert np.allclose(nl.run_float(folded, x[7:8, 2:]).outputs, wanted.T, rtol=0, atol=1e-12)


def test_a_nonlinear_problem_gets_neurons_and_repeats_to_the_bit(tmp_path) -> None:  # type: ignore[no-untyped-def]
    problem = problem_of(cubic=5.0)
    assert not is_linear(problem)
    recipe = replace(QUICK, branch=SMALL)
    seen: list[int] = []
    first = nl.train(problem, recipe, path=tmp_path / "rod.h5", on_progress=lambda row: seen.append(row.phase))
    assert seen == [0, 1]
    assert {"branch1", "branch2"} < {node.name for node in first.network.nodes}
    assert nl.train(problem, recipe).network.digest() == first.network.digest()
    assert nl.read_network(tmp_path / "rod.h5").digest() == first.network.digest()
    assert nl.train(problem, recipe, seed=1).network.digest() != first.network.digest()


def test_what_such_a_training_does_not_have_is_refused() -> None:
    from neuropinn_lava.app.verbs.train import RecipeChanges, TrainingFiles

    with pytest.raises(nl.SpecError, match=r"RecipeChanges\.cells must be left out"):
        nl.train(problem_of(), QUICK, changes=RecipeChanges(cells=(4, 4)))
    with pytest.raises(nl.SpecError, match=r"TrainingFiles\.checkpoint must be left out"):
        nl.train(problem_of(), QUICK, files=TrainingFiles(checkpoint="x.safetensors"))  # type: ignore[arg-type]
    with pytest.raises(nl.SpecError, match="have a parameter that is a function"):
        nl.train(problem_of().at(load=np.zeros(3)), QUICK)


def test_other_verbs_refuse_such_a_problem_by_its_recipe() -> None:
    with pytest.raises(nl.SpecError, match="recipe of problem 'rod' must be a TrainingRecipe here"):
        recipe_of(problem_of())
