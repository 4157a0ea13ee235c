"""Figures of the energies: every model side by side, break-even over activity, and which constant moves the answer most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...costs.energy import EnergyEstimate
from ...costs.energy_model import Part
from ..content.sentences import format_basis, format_basis_label
from .figure import INK, SERIES, Figure, draw_figure

SMALLEST_SWING = 1e-3
"""Constants that move the answer by less, relative to it, are left out: their bars could not be seen."""
MARKS: dict[str, dict[str, Any]] = {
    "one dense pass": {"marker": "|", "s": 90, "color": SERIES[1], "zorder": 3},
    "deployed, sum of operations": {"s": 26, "color": SERIES[0], "zorder": 2},
    "with static power": {"marker": "D", "s": 22, "color": SERIES[3], "zorder": 2},
    "whole steps": {"marker": "s", "s": 26, "color": SERIES[2], "zorder": 2},
}
"""How the numbers of a model are drawn."""
MIN_CONSTANTS = 3
"""A model with fewer constants needs no tornado."""


def draw_energies(energies: Sequence[EnergyEstimate], activity: float) -> tuple[Figure, ...]:
    """Draw all estimates of one run, `activity` being its events per neuron and step."""
    if not energies:
        return ()
    spiking = [energy for energy in energies if energy.break_even.activity is not None]
    tornados = [_draw_tornado(energy) for energy in energies if len(energy.sensitivities) >= MIN_CONSTANTS]
    return (_draw_models(energies), *([_draw_break_even(spiking, activity)] if spiking else []), *tornados)


def _draw_models(energies: Sequence[EnergyEstimate]) -> Figure:
    places = np.arange(len(energies))[::-1]

    def draw(canvas: Any) -> None:
        """Draw the range and the marks of every model."""
        axes = canvas.add_subplot()
        for place, energy in zip(places, energies, strict=True):
            axes.plot([energy.low, energy.high], [place, place], color=SERIES[0], alpha=0.35, linewidth=5, zorder=1)
        for mark, marked in _marks(energies).items():
            if marked:
                at = [(joules, places[index]) for index, joules in marked.items()]
                axes.scatter(*zip(*at, strict=True), label=mark, **MARKS[mark])
        axes.set_xscale("log")
        axes.set_yticks(places, [format_basis_label(energy) for energy in energies], fontsize=7)
        axes.set_xlabel("joules per sample")
        axes.grid(axis="x", color=INK, alpha=0.15)
        axes.legend(loc="lower center", bbox_to_anchor=(0.2, 1.0), ncols=2, columnspacing=1.0)

    caption = (
        "Energy of one sample by every model, in joules, on a logarithmic axis; nothing was measured on this network. Bars "
        "span the published ranges of the constants. Models differ in what they count and leave out: compare within a row, "
        "not down a column."
    )
    return draw_figure("energy-models", "Energy by model", caption, draw, width=5.0, height=1.0 + 0.36 * len(energies))


def _marks(energies: Sequence[EnergyEstimate]) -> dict[str, dict[int, float]]:
    """Return the joules of every mark by the index of the estimate; what a model does not count has no mark."""
    operating = {index: energy for index, energy in enumerate(energies) if not energy.prices_steps}
    return {
        "one dense pass": {index: energy.dense_joules_per_sample for index, energy in operating.items()},
        "deployed, sum of operations": {index: energy.dynamic_joules_per_sample for index, energy in operating.items()},
        "with static power": {
            index: energy.joules_per_sample for index, energy in operating.items() if energy.has_static_power
        },
        "whole steps": {
            index: energy.joules_per_sample for index, energy in enumerate(energies) if energy.prices_steps
        },
    }


def _draw_break_even(energies: Sequence[EnergyEstimate], activity: float) -> Figure:
    n_steps = energies[0].break_even.n_steps
    x = np.linspace(0.0, 1.0, 50)

    def draw(canvas: Any) -> None:
        """Draw the ratio of energies over activity × steps."""
        axes = canvas.add_subplot()
        for index, energy in enumerate(energies):
            even = energy.break_even
            style = "-" if index < len(SERIES) else "--"
            ratio = (even.fixed + even.per_activity * x) / even.dense
            axes.plot(x * n_steps, ratio, style, color=SERIES[index % len(SERIES)], label=energy.model, linewidth=1.3)
        axes.axhline(1.0, color=INK, linewidth=0.8)
        axes.axvline(activity * n_steps, color=INK, linewidth=0.8, linestyle=":")
        axes.set(xlabel="activity × steps", ylabel="spiking run / one dense pass", xlim=(0, n_steps), ylim=(0, None))
        axes.legend(fontsize=7)

    caption = (
        f"Dynamic energy of a spiking run of {n_steps} step{'s' if n_steps > 1 else ''} over that of one dense pass by the "
        "same model, no unit, if every spiking layer had the same activity. Below the line at one the spiking run costs less. "
        "Dotted: this network's activity."
    )
    return draw_figure("energy-break-even", "Break-even", caption, draw)


def _draw_tornado(energy: EnergyEstimate) -> Figure:
    base = energy.joules_per_sample
    rows = [s for s in energy.sensitivities if s.swing > SMALLEST_SWING * base] or energy.sensitivities[:1]
    places = np.arange(len(rows))[::-1]

    def draw(canvas: Any) -> None:
        """Draw how far every constant moves the energy."""
        axes = canvas.add_subplot()
        for place, row in zip(places, rows, strict=True):
            colour = SERIES[0] if row.is_published else SERIES[7]
            axes.barh(place, row.swing / base, left=row.low / base, height=0.6, color=colour)
        axes.axvline(1.0, color=INK, linewidth=0.8)
        axes.set_yticks(places, [row.constant.replace("_", " ") for row in rows])
        axes.set_xlabel(f"joules per sample, in units of {base:.3g} J")

    static = any(term.part is Part.STATIC for term in energy.terms)
    caption = (
        f"{energy.title} (constants {format_basis(energy)}): how far each constant alone moves the energy of one sample"
        f"{', static power included' if static else ''}. Blue: over its published range; grey: no range is known, shown "
        f"from half to twice its value. Unit: multiples of {base:.3g} J."
    )
    height = 0.8 + 0.3 * len(rows)
    return draw_figure(f"tornado-{energy.model}", f"What moves {energy.model}", caption, draw, height=height)
