"""Figures of the error budget: flips only where spikes flip, and nothing to warn of where no cause adds anything."""

from __future__ import annotations

import builders
from neuropinn_lava.conversion.search.error_budget import BudgetEntry, Cause, ErrorBudget, measure_error_budget
from neuropinn_lava.hardware_sim.report.figures.budget_figures import draw_budget


def budget_of(*entries: BudgetEntry, whole: float = 0.0) -> ErrorBudget:
    return ErrorBudget(n_points=3, entries=entries, whole_change=whole, whole_flipped=0.0)


def test_only_causes_that_add_something_have_a_colour_in_the_legend() -> None:
    entries = [BudgetEntry(name="hidden1", cause=cause, relative_change=0.0, flipped_spikes=0.0) for cause in Cause]
    felt = BudgetEntry(name="output", cause=Cause.WEIGHTS, relative_change=0.01, flipped_spikes=0.0)
    (figure,) = draw_budget(budget_of(*entries, felt, whole=0.01))
    assert figure.name == "budget-error"
    assert ">weights<" in figure.svg
    assert ">beta<" not in figure.svg


def test_nothing_that_adds_anything_is_drawn_as_nothing() -> None:
    nothing = BudgetEntry(name="hidden1", cause=Cause.THETA, relative_change=0.0, flipped_spikes=0.0)
    assert len(draw_budget(budget_of(nothing))) == 1


def test_spikes_that_flip_have_a_figure() -> None:
    network = builders.random_quantized(5, n_steps=1)
    raised = builders.with_layer(network, 0, theta=network.populations[0].theta + 2**16)
    names = [figure.name for figure in draw_budget(measure_error_budget(raised, builders.random_points(raised, 500)))]
    assert names == ["budget-error", "budget-flips"]
