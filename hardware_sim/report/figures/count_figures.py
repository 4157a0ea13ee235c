"""Figures of the counts: activity per layer and step, synaptic operations beside the dense network's."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...counts.operations import OperationCounts, RowKind
from .figure import INK, SERIES, Figure, draw_figure

MOST_BARS = 4
"""Up to so many steps are drawn as bars side by side, more as curves."""


def draw_counts(counts: OperationCounts) -> tuple[Figure, ...]:
    """Draw activity per layer and step, and operations per layer."""
    return _draw_activity(counts), _draw_operations(counts)


def _draw_activity(counts: OperationCounts) -> Figure:
    rows = [row for row in counts.rows if row.kind is not RowKind.OUTPUT]
    activity = np.stack([row.spikes_per_step / (row.n_neurons * row.n_samples) for row in rows])

    def draw_bars(axes: Any) -> None:
        """Draw the activity of every layer and step as bars."""
        width = 0.8 / counts.n_steps
        for step in range(counts.n_steps):
            places = np.arange(len(rows)) + (step - (counts.n_steps - 1) / 2) * width
            axes.bar(places, activity[:, step], width * 0.9, color=SERIES[step], label=f"step {step + 1}")
        axes.set_xticks(range(len(rows)), [row.name for row in rows])

    def draw_lines(axes: Any) -> None:
        """Draw the activity of every layer as a curve over the steps."""
        for index, row in enumerate(rows):
            colour, marker = SERIES[index % len(SERIES)], "os^Dv"[index // len(SERIES) % 5]
            axes.plot(range(1, counts.n_steps + 1), activity[index], color=colour, marker=marker, label=row.name)
        axes.set_xlabel("step")

    def draw(canvas: Any) -> None:
        """Draw the activity in the form that suits the number of steps."""
        axes = canvas.add_subplot()
        (draw_bars if counts.n_steps <= MOST_BARS else draw_lines)(axes)
        axes.set(ylabel="events per neuron and step", ylim=(0, 1.02))
        if counts.n_steps > 1:
            axes.legend(ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1.0))

    caption = (
        f"Spiking activity per layer and step: share of neurons (of input words, in the first row) that send a payload "
        f"other than zero, over {counts.n_samples} samples; no unit."
    )
    return draw_figure("counts-activity", "Spiking activity", caption, draw)


def _draw_operations(counts: OperationCounts) -> Figure:
    rows = [row for row in counts.rows if row.kind is not RowKind.INPUT]
    places = np.arange(len(rows))[::-1]
    per = "operations per sample" + (", or held value" if any(row.is_held for row in rows) else "")

    def draw(canvas: Any) -> None:
        """Draw both numbers of operations of every layer."""
        axes = canvas.add_subplot()
        spiking = [row.synaptic_operations / row.n_samples for row in rows]
        axes.barh(places + 0.2, spiking, 0.36, color=SERIES[0], label="deployed: synaptic operations")
        axes.barh(places - 0.2, [row.ann_macs for row in rows], 0.36, color=SERIES[1], label="dense network: MACs")
        axes.set_yticks(places, [row.name for row in rows])
        axes.set_xlabel(per)
        axes.grid(axis="x", color=INK, alpha=0.15)
        axes.legend(loc="lower center", bbox_to_anchor=(0.4, 1.0))

    caption = (
        "Synaptic operations of the deployed network by layer, beside the multiply-accumulates of one pass of the dense "
        f"network; {per}. Every graded event multiplies, so both are MACs."
    )
    return draw_figure("counts-operations", "Operations per sample", caption, draw)
