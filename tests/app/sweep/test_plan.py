"""The identities of trainings and points: what shares one, and what must not."""

from __future__ import annotations

import pytest

from neuropinn_lava.app.sweep.grid import SweepPoint
from neuropinn_lava.app.sweep.plan import plan_sweep
from neuropinn_lava.app.verbs.train import RecipeChanges
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.network.spec import ProblemParameter

POINT = SweepPoint(weight_bits=8, payload_bits=12, theta=0.05)


def keys(plan, point=POINT):
    return plan.training_key(point), plan.point_key(point)


def test_identities_are_the_same_every_time():
    assert keys(plan_sweep("poisson")) == keys(plan_sweep("poisson"))


@pytest.mark.parametrize(
    "other",
    [SweepPoint(weight_bits=4, payload_bits=12, theta=0.05), SweepPoint(weight_bits=8, payload_bits=8, theta=0.05)],
)
def test_points_that_differ_in_bits_share_a_training(other):
    plan = plan_sweep("poisson")
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
    plan = plan_sweep("poisson")
    assert not set(keys(plan)) & set(keys(plan, other))


def test_a_value_that_is_the_recipe_s_own_is_no_other_training():
    plan = plan_sweep("poisson")
    own = plan.posed().recipe.model.theta
    assert plan.training_key(SweepPoint(weight_bits=8, payload_bits=8, theta=own)) == plan.training_key(
        SweepPoint(weight_bits=8, payload_bits=8)
    )


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"changes": RecipeChanges(iterations=0.5)},
        {"parameters": (ProblemParameter(name="mode_x", value=2.0),)},
    ],
)
def test_what_changes_a_training_changes_both_identities(change):
    assert not set(keys(plan_sweep("poisson"))) & set(keys(plan_sweep("poisson", **change)))


@pytest.mark.parametrize(
    "change",
    [{"n_points": 100}, {"tune_iterations": 0}, {"energy": "spinnaker"}, {"target": "loihi1"}, {"with_lava": False}],
)
def test_what_changes_a_measurement_keeps_the_training(change):
    first, second = keys(plan_sweep("poisson")), keys(plan_sweep("poisson", **change))
    assert first[0] == second[0]
    assert first[1] != second[1]


def test_another_version_does_not_trust_what_this_one_found(monkeypatch):
    first = keys(plan_sweep("poisson"))
    monkeypatch.setattr("neuropinn_lava.__version__", "9.9.9")
    assert not set(first) & set(keys(plan_sweep("poisson")))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"problem": "poison"}, "Did you mean poisson"),
        ({"problem": "poisson", "energy": "loihi1-davis"}, "Did you mean loihi1-davies"),
        ({"problem": "poisson", "target": "loihi3"}, "Did you mean loihi"),
        ({"problem": "poisson", "n_points": 0}, r"SweepPlan\.n_points"),
        ({"problem": "poisson", "tune_iterations": -1}, r"TuningSettings\.n_iterations"),
    ],
)
def test_wrong_plans_are_refused(arguments, message):
    with pytest.raises(SpecError, match=message):
        plan_sweep(**arguments)


def test_an_activity_needs_a_recipe_in_which_spikes_cost(monkeypatch):
    import dataclasses

    plan = plan_sweep("poisson")
    posed = plan.posed()
    free = tuple(dataclasses.replace(phase, rate_weight=0.0) for phase in posed.recipe.phases)
    silent = dataclasses.replace(posed, recipe=dataclasses.replace(posed.recipe, phases=free))
    monkeypatch.setattr("neuropinn_lava.app.sweep.plan._posed", lambda name, parameters: silent)
    with pytest.raises(SpecError, match=r"SweepGrid\.activity: a recipe of 'poisson' in which spikes cost"):
        plan.recipe_of(SweepPoint(weight_bits=8, payload_bits=8, activity=0.1))
