"""Figures in time and neuron by neuron: sorted activity, operations and energy of every step, load of every core."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...costs.activity import ActivitySection
from ...costs.hardware_profile import Placement
from .figure import INK, SERIES, Figure, draw_figure
from .probe_figures import draw_probe


def draw_activity(section: ActivitySection) -> Iterator[Figure]:
    """Draw the activity of neurons, the steps where there are several, and the recorded samples."""
    yield _draw_neurons(section)
    has_time = len(section.operations_per_step) > 1
    if has_time:
        yield _draw_steps(section)
    if section.probe is not None:
        raster, *membranes = draw_probe(section.probe, section.labels)
        yield raster
        yield from membranes if has_time else ()


def _draw_neurons(section: ActivitySection) -> Figure:
    def draw(canvas: Any) -> None:
        """Draw one falling curve for each population."""
        axes = canvas.add_subplot()
        for index, node in enumerate(section.nodes):
            activity = np.sort(node.events.mean(axis=0))[::-1]
            colour = SERIES[index % len(SERIES)]
            axes.step(np.arange(1, len(activity) + 1), activity, where="mid", color=colour, label=node.name)
        axes.set(xlabel="neurons, most active first", ylabel="events per step", ylim=(0, 1.02))
        axes.legend(ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1.0))

    silent = sum(int((node.events.sum(axis=0) == 0).sum()) for node in section.nodes)
    n = sum(node.events.shape[1] for node in section.nodes)
    caption = (
        "Events of each neuron per sample and step, sorted within each layer, no unit; "
        f"{silent} of {n} neurons never send."
    )
    return draw_figure("activity-neurons", "Activity of single neurons", caption, draw, width=5.0)


def _draw_steps(section: ActivitySection) -> Figure:
    steps = np.arange(1, len(section.operations_per_step) + 1)

    def draw(canvas: Any) -> None:
        """Draw operations as bars, and energy as a curve on an axis of its own."""
        axes = canvas.add_subplot()
        axes.bar(steps, section.operations_per_step, 0.7, color=SERIES[0])
        axes.set(xlabel="step", ylabel="synaptic operations per sample")
        if section.joules_per_step is not None:
            right = axes.twinx()
            right.plot(steps, 1e9 * section.joules_per_step, color=SERIES[1], marker="o", markersize=3)
            right.set(ylabel="nJ per sample", ylim=(0, None))
            right.spines["right"].set_visible(True)
            right.yaxis.label.set_color(SERIES[1])

    energy = (
        "" if section.joules_per_step is None else f" (bars) and their energy by {section.model}, without hops (line)"
    )
    caption = f"Synaptic operations of each step{energy}; per sample."
    return draw_figure("activity-steps", "Operations and energy of each step", caption, draw, width=5.0)


def draw_loads(placement: Placement) -> Figure:
    """Draw the synaptic operations of every core at every step."""
    loads = placement.traffic.loads
    table = np.stack([load.synaptic_operations / load.n_samples for load in loads])
    names = {core.index: core.node for core in placement.partition.cores}

    def draw(canvas: Any) -> None:
        """Draw one row for each core, one column for each step."""
        axes = canvas.add_subplot()
        if table.shape[1] == 1:
            axes.barh(np.arange(len(loads)), table[:, 0], 0.7, color=SERIES[0])
            axes.invert_yaxis()
            axes.set_xlabel("synaptic operations per sample")
            axes.grid(axis="x", color=INK, alpha=0.15)
        else:
            n_steps = table.shape[1]
            image = axes.imshow(
                table, aspect="auto", cmap="viridis", vmin=0.0, extent=(0.5, n_steps + 0.5, len(loads) - 0.5, -0.5)
            )
            axes.set_xlabel("step of the network")
            canvas.colorbar(image, ax=axes, label="synaptic operations per sample").solids.set_rasterized(True)
        shown = range(0, len(loads), max(1, len(loads) // 16))
        axes.set_yticks(shown, [f"core {loads[k].core}, {names[loads[k].core]}" for k in shown])

    caption = "Synaptic operations of every core at every step, per sample: the fullest row sets the time of a step."
    return draw_figure(
        "cores-load", "Load of the cores", caption, draw, width=5.0, height=1.2 + min(0.3 * len(loads), 3.6)
    )
