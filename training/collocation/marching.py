"""Marching: a front in time, ahead of which centres have no weight, moves through an evolution as its past is solved.

    w(t) = 1 / (1 + exp((t - front) / width - 2))     t from 0 to 1; 0 where that is below 1e-4

Far behind the front a centre counts fully, at the front e^2 / (1 + e^2) = 0.88, eleven widths ahead not at all. An unstable
state must be right before what grows out of it is fitted: an evolution as a whole has wrong branches that satisfy the equation
nearly everywhere.

Source: the idea, Wang, Sankaran and Perdikaris, arXiv 2203.07404; here the front is the loss's own, not an exponential's.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ...problems.recipes.phases import Marching
from .clouds import TrainingCloud

MARGIN = 2.0
"""Distance of the front behind the middle of the falling edge, in widths."""
LEAST_FACTOR = 1e-4
"""Value of w below which it is set to zero, so that its centres take no part in a step."""


@dataclass(slots=True, kw_only=True)
class Front:
    """Position of the front; it changes in place, and a checkpoint contains it."""

    window: int = 1
    """Time window of the front, from 1; in the last one every centre counts."""
    n_stayed: int = 0
    """Number of steps since the last move."""

    def advance(self, marching: Marching, mean_square: float) -> bool:
        """Count a step, and move the front if the past is solved or the patience is over; return whether it moved.

        Args:
            marching: Recipe of the marching.
            mean_square: Loss of the step, the mean over all centres with their factors.
        """
        self.n_stayed += 1
        solved = mean_square < marching.tolerance * self.window / marching.n_windows
        moves = self.window < marching.n_windows and (solved or self.n_stayed >= marching.patience)
        if moves:
            self.window, self.n_stayed = self.window + 1, 0
        return moves


def centre_factors(cloud: TrainingCloud, marching: Marching, front: Front) -> Tensor | None:
    """Compute w at every centre, shape (n_inside,); None where the front has come to the end."""
    if front.window >= marching.n_windows:
        return None
    times = (cloud.inputs[: cloud.n_inside, -1] + 1.0) / 2.0
    factors = ((front.window / marching.n_windows - times) / marching.width + MARGIN).sigmoid()
    return factors.masked_fill(factors < LEAST_FACTOR, 0.0)
