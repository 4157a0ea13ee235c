"""The figure of a choice: error over energy, one dot per deployment, coloured by synaptic bits, the front joined."""

from __future__ import annotations

import math
from typing import Any

from ..content.pareto import ParetoChoice
from .figure import INK, SERIES, Figure, draw_figure

COLOURS = "viridis"
"""Few bits are dark, many are light."""
BITS_PER_KILOBIT = 1000.0
SI_UNITS = {0: "J", -3: "mJ", -6: "µJ", -9: "nJ", -12: "pJ"}
"""Units of energy, by the power of ten."""
NARROW = 20.0
"""Largest over smallest value below which powers of ten are too few ticks."""


def draw_pareto(choice: ParetoChoice, energy_title: str) -> Figure:
    """Draw all candidates of a choice with their front.

    Args:
        choice: At least one candidate.
        energy_title: Name of the energy model that priced them.
    """
    candidates = choice.candidates
    energy_unit, energy_factor = _si_unit(max(candidate.joules for candidate in candidates))
    energies = [candidate.joules / energy_factor for candidate in candidates]
    errors = [candidate.error for candidate in candidates]
    kilobits = [candidate.synaptic_bits / BITS_PER_KILOBIT for candidate in candidates]

    def draw(canvas: Any) -> None:
        """Draw the candidates, the front and the chosen one."""
        axes = canvas.add_subplot()
        axes.set(xscale="log", yscale="log")
        if choice.chosen is not None:
            x, y, name = energies[choice.chosen], errors[choice.chosen], candidates[choice.chosen].name
            axes.scatter([x], [y], marker="*", s=330, color=SERIES[1], linewidths=0, zorder=1, label=name)
        dots = axes.scatter(energies, errors, c=kilobits, cmap=COLOURS, s=26, linewidths=0, zorder=2)
        on_front = ([values[k] for k in choice.front] for values in (energies, errors))
        axes.scatter(*on_front, s=62, facecolors="none", edgecolors=INK, linewidths=0.9, zorder=3, label="front")
        axes.set(xlabel=f"dynamic energy per sample, {energy_unit}", ylabel="relative L2 error")
        for axis, values in ((axes.xaxis, energies), (axes.yaxis, errors)):
            _label_plainly(axis, max(values) / min(values) if min(values) > 0 else math.inf)
        axes.grid(color=INK, alpha=0.12)
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
        canvas.colorbar(dots, ax=axes, label="synaptic kilobits")

    caption = (
        f"Relative L2 error against the reference over the dynamic energy of one sample by {energy_title}, both axes"
        " logarithmic; colour: thousands of bits of all stored weights. Ringed: no other deployment is better in one of the"
        f" three and worse in none. Star: {choice.rule}."
    )
    return draw_figure("pareto-front", "Error, energy and synaptic bits", caption, draw, width=5.6, height=3.8)


def _si_unit(joules: float) -> tuple[str, float]:
    """Return the unit in which an energy is written with one to three digits, and its size in joules."""
    exponent = min(max(3 * math.floor(math.log10(joules) / 3), -12), 0) if joules > 0 else 0
    return SI_UNITS[exponent], 10.0**exponent


def _label_plainly(axis: Any, ratio: float) -> None:
    """Write ticks of a logarithmic axis as plain numbers: a few round ones where it spans little more than a decade."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter, NullLocator

    if ratio < NARROW:
        axis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
        axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())
