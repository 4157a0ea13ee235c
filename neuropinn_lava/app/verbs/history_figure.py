"""The figure of a training history: loss terms and error on a logarithmic axis, activity beneath, and the phases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ...hardware_sim.report.figures.figure import Figure
    from ...training.run.history import TrainingHistory

CURVES = (
    ("loss", "loss"),
    ("residual", "residual"),
    ("distillation", "distance to the teacher"),
    ("relative_l2", "error"),
)
"""Column and legend of what is drawn on the logarithmic axis; a column that is zero throughout is left out."""


def draw_history(history: TrainingHistory, title: str) -> Figure:
    """Return the figure of a history of one row or more."""
    from ...hardware_sim.report.figures.figure import INK, SERIES, draw_figure

    iterations = history.column("iteration")
    phases = history.column("phase")
    seams = iterations[1:][np.diff(phases) > 0]

    def draw(canvas: Any) -> None:
        """Draw the curves above and the activity below."""
        above, below = canvas.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        for (column, label), colour in zip(CURVES, SERIES, strict=False):
            values = history.column(column)
            if (values > 0).any():
                width = 2.6 if column == "loss" else 1.0  # it shows beneath a residual that is all of it
                above.plot(iterations, np.where(values > 0, values, np.nan), color=colour, label=label, linewidth=width)
        above.set(yscale="log", title=title)
        above.legend(ncols=2)
        below.plot(iterations, history.column("activity"), color=SERIES[4], linewidth=1.0)
        below.set(xlabel="iteration", ylabel="activity", ylim=(0, 1))
        for axes in (above, below):
            for seam in seams:
                axes.axvline(seam, color=INK, linewidth=0.5, linestyle=":")

    caption = (
        "Loss with its terms and relative L2 error against the reference, which training does not see (above), share of "
        "neurons and steps that fire (below); dotted lines begin a phase."
    )
    return draw_figure("training-history", title, caption, draw, width=6.0, height=4.2)
