"""The picture of a training in a notebook: loss and error so far, the field of the error as it is now, and the activity.

It is drawn anew so seldom that drawing takes a small share of the training's time.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ...base.arrays import BoolArray, FloatArray
from ...base.extras import MissingPackageError, import_extra

if TYPE_CHECKING:
    from ...hardware_sim.fields.field_grid import GridAxis
    from ...hardware_sim.report.figures.figure import Figure
    from ...problems.problem import PdeProblem
    from ...training.run.history import TrainingProgress

SHARE = 0.1
"""Largest share of the time that is spent on pictures."""
THIN = 3
"""Every so many points of a report's grid are shown."""


def in_notebook() -> bool:
    """Return whether this process is the kernel of a notebook, and matplotlib is there to draw."""
    shell = sys.modules.get("IPython")
    if shell is None or type(shell.get_ipython()).__name__ != "ZMQInteractiveShell":
        return False
    try:
        import_extra("matplotlib", "report")
    except MissingPackageError:
        return False
    return True


def notebook_view(
    problem: PdeProblem, show: Callable[[str], None] | None = None, clock: Callable[[], float] = time.perf_counter
) -> Callable[[TrainingProgress], None]:
    """Return the function that takes the reports of a training and shows its picture.

    Args:
        problem: The problem that is trained on.
        show: Shows an SVG in place of the one before; None takes the output of the notebook's cell.
        clock: Returns seconds.
    """
    show = show or _cell_output()
    axes = _plane_axes(problem)
    reference: FloatArray | None = None
    rows: list[TrainingProgress] = []
    due = cost = 0.0

    def advance(row: TrainingProgress) -> None:
        """Take a report, and draw the picture where it is due."""
        nonlocal due, cost, reference
        rows.append(row)
        start = clock()
        is_last = row.iteration == row.n_iterations and not row.teacher
        if start < due and not is_last:
            return
        field = None
        if axes is not None and row.evaluate is not None:
            from ...hardware_sim.fields.field_grid import grid_points

            points = grid_points(axes)
            inside = problem.domain.contains(points)
            if reference is None and problem.reference is not None:
                reference = problem.reference.evaluate(points[inside])
            field = _error_field(problem, row.evaluate(points[inside]), reference, inside)
        show(draw_training(problem, rows, axes, field).svg)
        cost = clock() - start
        due = clock() + cost / SHARE

    return advance


def _cell_output() -> Callable[[str], None]:
    """Return the function that shows an SVG in the output of the cell, in place of the one before."""
    display: Any = import_extra("IPython.display", "dev")
    handle = display.display(display.HTML("building the collocation set and its operators"), display_id=True)
    return lambda svg: handle.update(display.HTML(f'<div style="max-width: 980px">{svg}</div>'))


def _plane_axes(problem: PdeProblem) -> tuple[GridAxis, ...] | None:
    """Return the axes of the plane that is shown: the first two, with the others in the middle; None for one coordinate."""
    from ...geometry.parametric_domain import ParametricDomain
    from ...hardware_sim.fields.field_grid import AxisRole, GridAxis, region_axes

    region = problem.region
    if len(region.lower) < 2:
        return None
    rest = len(region.lower) - 2
    lower, upper = region.lower, region.upper
    middle = ((lower + upper) / 2)[2:]
    if isinstance(problem.domain, ParametricDomain):
        middle = np.concatenate([middle, problem.domain.draw(1, np.random.default_rng(0))[0]])
    has_time = region.has_time and rest == 0
    drawn = region_axes(problem.axes[:2], lower[:2], upper[:2], has_time, (), len(problem.unknowns))
    thin = (GridAxis(name=axis.name, role=axis.role, columns=axis.columns[::THIN]) for axis in drawn)
    return (*thin, *([GridAxis(name="rest", role=AxisRole.PARAMETER, columns=middle[None])] if len(middle) else []))


def _error_field(problem: PdeProblem, u: FloatArray, reference: FloatArray | None, inside: BoolArray) -> FloatArray:
    """Return the error of the first unknown, or its values where no reference is known, at all points; NaN outside."""
    values = np.full(len(inside), np.nan)
    values[inside] = (u if reference is None else u - problem.aligned(reference, u))[:, 0]
    return values


def draw_training(
    problem: PdeProblem, rows: list[TrainingProgress], axes: tuple[GridAxis, ...] | None, field: FloatArray | None
) -> Figure:
    """Return the picture of a training.

    Args:
        problem: The problem that is trained on.
        rows: The reports so far, at least one.
        axes: Axes of the plane; None draws no field.
        field: Values on the plane, shape (n_points,), NaN outside; None draws no field.
    """
    from ...hardware_sim.report.figures.figure import SERIES, draw_figure
    from ...hardware_sim.report.figures.plane_maps import paint_axes, plain_scale, signed_scale

    row = rows[-1]
    iterations = np.arange(1, len(rows) + 1) if rows[0].teacher else np.array([each.iteration for each in rows])

    def draw(canvas: Any) -> None:
        """Draw loss and error on the left, the field in the middle, the activity on the right."""
        left, *middle, right = canvas.subplots(1, 2 + (field is not None))
        for index, name in enumerate(("loss", "relative_l2")):
            values = np.array([getattr(each, name) for each in rows], dtype=np.float64)
            label = "loss" if name == "loss" else "relative error"
            left.plot(iterations, np.where(values > 0, values, np.nan), color=SERIES[index], label=label, linewidth=1.2)
        left.set(yscale="log", xlabel="reports" if rows[0].teacher else "iteration")
        left.legend()
        if field is not None and axes is not None:
            values = field.reshape(axes[0].n, axes[1].n)
            scale = signed_scale(values) if problem.reference else plain_scale(values, has_contours=True)
            is_plane = "t" not in (axes[0].name, axes[1].name)
            names = (axes[0].name, axes[1].name)
            image = paint_axes(middle[0], (axes[0].values, axes[1].values), values, names, scale, is_plane)
            canvas.colorbar(image, ax=middle[0], shrink=0.8).solids.set_rasterized(True)
            middle[0].set_title(f"{problem.unknowns[0]}{' − reference' if problem.reference else ''}")
        right.plot(iterations, [each.activity for each in rows], color=SERIES[4], linewidth=1.2)
        right.set(ylim=(0, 1), title="activity")
        whose = ", its teacher" if row.teacher else ""
        canvas.suptitle(
            f"{problem.name}{whose}: {row.iteration:,} of {row.n_iterations:,}, phase {row.phase + 1} of {row.n_phases}"
        )

    caption = "Loss and relative error, the error on a plane, and the share of neurons and steps that fire."
    return draw_figure("training-live", problem.title, caption, draw, width=9.6, height=2.9)
