"""The identities of trainings and points: what shares one, and what must not."""

from __future__ import annotations

import dataclasses

import pytest

from neuropinn_lava.app.sweep.grid import SweepPoint
from neuropinn_lava.app.sweep.plan import plan_sweep
from neuropinn_lava.app.verbs.train import RecipeChanges
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.problems import find_problem
from neuropinn_lava.problems.conditions import Data, Dirichlet

POISSON = find_problem("poisson")
POINT = SweepPoint(weight_bits=8, payload_bits=12, theta=0.05)


def keys(plan, point=POINT):
    return plan.training_key(point), plan.point_key(point)


def test_identities_are_the_same_every_time():
    assert keys(plan_sweep(POISSON)) == keys(plan_sweep(POISSON))


@pytest.mark.parametrize(
    "other",
    [SweepPoint(weight_bits=4, payload_bits=12, theta=0.05), SweepPoint(weight_bits=8, payload_bits=8, theta=0.05)],
)
def test_points_that_differ_in_bits_share_a_training(other):
    plan = plan_sweep(POISSON)
    training, point = keys(plan)
    assert keys(plan, other)[0] == training
    assert keys(plan, other)[1] != point


@pytest.mark.parametrize(
    "other",
    [
        SweepPoint(weight_bits=8, payload_bits=12, theta=0.1),
        SweepPoint(weight_bits=8, payload_bits=12, theta=0.05, n_steps=2),
        SweepPoint(weight_bits=8, payload_bits=12, theta=0.05, activity=0.1),
    ],
)
def test_points_that_differ_otherwise_do_not(other):
    plan = plan_sweep(POISSON)
    assert not set(keys(plan)) & set(keys(plan, other))


def test_a_value_that_is_the_recipe_s_own_is_no_other_training():
    plan = plan_sweep(POISSON)
    own = plan.problem.recipe.network.theta
    assert plan.training_key(SweepPoint(weight_bits=8, payload_bits=8, theta=own)) == plan.training_key(
        SweepPoint(weight_bits=8, payload_bits=8)
    )


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"changes": RecipeChanges(iterations=0.5)},
        {"problem": find_problem("poisson", mode_x=2.0)},
        {"problem": dataclasses.replace(POISSON, equations=lambda f: POISSON.equations(f) + f.x)},
        {"problem": dataclasses.replace(POISSON, conditions=[Dirichlet(0.0, hard=False)], own_ansatz=None)},
    ],
)
def test_what_changes_a_training_changes_both_identities(change):
    assert not set(keys(plan_sweep(POISSON))) & set(keys(plan_sweep(**{"problem": POISSON, **change})))


@pytest.mark.parametrize(
    "changes",
    [
        [
            {"equations": lambda f: -(f.u_xx + f.u_yy) - f.s, "fields": {"s": lambda x, axis=axis: x[:, axis]}}
            for axis in (0, 1)
        ],
        [{"conditions": [Dirichlet(0.0), Data([[0.5, 0.5]], [value])]} for value in (1.0, 2.0)],
    ],
)
def test_functions_and_data_behind_one_text_are_told_apart(changes):
    first, other = (dataclasses.replace(POISSON, **each) for each in changes)
    assert first.equation == other.equation
    assert not set(keys(plan_sweep(first))) & set(keys(plan_sweep(other)))


@pytest.mark.parametrize(
    "change",
    [{"n_points": 100}, {"tune_iterations": 0}, {"energy": "spinnaker"}, {"target": "loihi1"}, {"with_lava": False}],
)
def test_what_changes_a_measurement_keeps_the_training(change):
    first, second = keys(plan_sweep(POISSON)), keys(plan_sweep(POISSON, **change))
    assert first[0] == second[0]
    assert first[1] != second[1]


def test_another_version_does_not_trust_what_this_one_found(monkeypatch):
    first = keys(plan_sweep(POISSON))
    monkeypatch.setattr("neuropinn_lava.__version__", "9.9.9")
    assert not set(first) & set(keys(plan_sweep(POISSON)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"problem": "poisson"},
            r"sweep\.problem must be a PdeProblem or a SweepPlan; got 'poisson'.*nl\.find_problem",
        ),
        ({"energy": "loihi1-davis"}, "Did you mean loihi1-davies"),
        ({"energy": "loihi2-builtin-step"}, r"SweepPlan\.energy must be a model that prices operations"),
        ({"target": "loihi3"}, "Did you mean loihi"),
        ({"n_points": 0}, r"SweepPlan\.n_points"),
        ({"tune_iterations": -1}, r"TuningSettings\.n_iterations"),
    ],
)
def test_wrong_plans_are_refused(arguments, message):
    with pytest.raises(SpecError, match=message):
        plan_sweep(**{"problem": POISSON, **arguments})


def test_a_sweep_over_bits_is_priced_by_a_model_that_sees_bits():
    assert plan_sweep(POISSON).energy.sees_bits
    assert not plan_sweep(POISSON, energy="loihi1-davies").energy.sees_bits


def test_an_activity_needs_a_recipe_in_which_spikes_cost():
    free = tuple(dataclasses.replace(phase, activity_weight=0.0) for phase in POISSON.recipe.phases)
    silent = dataclasses.replace(POISSON, recipe=dataclasses.replace(POISSON.recipe, phases=free))
    with pytest.raises(SpecError, match=r"RecipeChanges\.activity must be left out where no phase of the recipe"):
        plan_sweep(silent).recipe_of(SweepPoint(weight_bits=8, payload_bits=8, activity=0.1))


def test_a_problem_whose_functions_are_wrong_is_refused():
    broken = dataclasses.replace(POISSON, fields={"f": lambda points: points})
    with pytest.raises(SpecError, match=r"PdeProblem 'poisson'\.fields\['f'\] must return values of the shape \(64,\)"):
        keys(plan_sweep(broken))


def test_what_a_point_leaves_open_is_the_plan_s_own():
    plan = plan_sweep(POISSON, changes=RecipeChanges(theta=0.3, n_steps=4))
    recipe = plan.recipe_of(SweepPoint(weight_bits=8, payload_bits=8, theta=0.1, activity=0.2))
    assert (recipe.network.theta, recipe.network.n_steps) == (0.1, 4)
    assert 0.2 in [phase.target_activity for phase in recipe.phases]
