"""Figures of the error budget: what every cause in every layer adds alone, and how many spikes it flips."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ....conversion.search.error_budget import BudgetEntry, Cause, ErrorBudget
from .figure import INK, SERIES, Figure, draw_figure

FLOOR = 1e-6
"""Left end of the axis, at least: what is smaller never shows in a result."""
COLOURS = dict(zip(Cause, SERIES, strict=False))
"""One for each cause, the same in all figures."""


def draw_budget(budget: ErrorBudget) -> tuple[Figure, ...]:
    """Draw the error that each cause adds, and the spikes that it flips, if any flip at all."""
    error = _draw_bars(
        budget,
        name="budget-error",
        title="Where the error comes from",
        caption=(
            f"Change of the network's output (relative L2, no unit) by each cause in each layer alone, everything else "
            f"being float, on {budget.n_points} points; the line is the whole integer network. Causes do not add up: "
            "weights that were rounded with compensation, or tuned, make up for others."
        ),
        label="relative L2 of the output",
        value=lambda entry: entry.relative_change,
        whole=budget.whole_change,
    )
    if not any(entry.flipped_spikes for entry in budget.entries):
        return (error,)
    flips = _draw_bars(
        budget,
        name="budget-flips",
        title="Which cause flips spikes",
        caption=(
            "Share of all spikes, fired or not (no unit), that differ from the float network's; the line is the whole "
            "integer network."
        ),
        label="share of spikes flipped",
        value=lambda entry: entry.flipped_spikes,
        whole=budget.whole_flipped,
    )
    return error, flips


def _draw_bars(
    budget: ErrorBudget,
    *,
    name: str,
    title: str,
    caption: str,
    label: str,
    value: Callable[[BudgetEntry], float],
    whole: float,
) -> Figure:
    """Draw a row of bars for every layer, on a logarithmic axis; causes that add nothing anywhere are left out."""
    felt = [entry for entry in budget.entries if value(entry) > 0]
    causes = [cause for cause in Cause if any(entry.cause is cause for entry in felt)]
    height = 0.8 / max(len(causes), 1)
    lowest = min([value(entry) for entry in felt] + [whole or 1.0])

    def draw(canvas: Any) -> None:
        """Draw one bar for each layer and cause."""
        axes = canvas.add_subplot()
        for k, cause in enumerate(causes):
            found = [(row, budget.entry(layer, cause)) for row, layer in enumerate(budget.names)]
            bars = [(row + (k - (len(causes) - 1) / 2) * height, value(entry)) for row, entry in found if entry]
            places, widths = zip(*bars, strict=True)
            axes.barh(places, widths, height * 0.9, color=COLOURS[cause], label=cause.value)
        if whole > 0:
            axes.axvline(whole, color=INK, linewidth=1.0, linestyle="--")
        axes.set_xscale("log")
        axes.set_xlim(left=max(lowest / 2, FLOOR))
        axes.set_yticks(range(len(budget.names)), budget.names)
        axes.set_ylim(len(budget.names) - 0.5, -0.5)
        axes.set_xlabel(label)
        axes.grid(axis="x", color=INK, alpha=0.15)
        if causes:
            axes.legend(ncols=3, loc="lower center", bbox_to_anchor=(0.45, 1.0))

    return draw_figure(name, title, caption, draw, height=1.6 + 0.5 * len(budget.names))
