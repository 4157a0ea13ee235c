"""Fields that vanish on the boundary of a region of lines and circles, as products of one expression for each of them."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ..base.arrays import FloatArray
from ..base.expression_sources import Names
from ..base.expressions import Expression
from .edges import Edges
from .fields.boundary_fields import is_convex
from .fields.expression_field import ExpressionField

if TYPE_CHECKING:
    from .ring_domain import RingDomain

PEAK_GRID = (32, 32)
"""Cells of the grid on which the largest value of a field is computed."""


def vanishing_product(region: RingDomain) -> ExpressionField | None:
    """Build the field that is zero on the boundary and positive inside; its largest value is about 1.

        d = scale prod_k (distance to line k)            for a convex outline, or 1 - |x - c|^2 / R^2 for a circle
                  prod_k (|x - c_k|^2 - R_k^2) / (|x - c_k|^2 + R_k^2)            for holes; it tends to 1 far away

    Returns:
        The field, or None where the outline is neither convex nor a circle, or a hole is no circle.
    """
    edges, sizes = region.edges(), np.cumsum([0, *(len(ring) for ring in region.rings)])
    circles = [_circle(edges, low, high) for low, high in pairwise(sizes)]
    outline = region.rings[0]
    straight = not edges.circles[: sizes[1], 2].any()
    convex = straight and all(is_convex(outline, k) for k in range(len(outline)))
    if any(circle is None for circle in circles[1:]) or (circles[0] is None and not convex):
        return None

    def product(p: Names) -> Expression:
        d = 1.0 - _square(p, circles[0]) if circles[0] is not None else _distances(p, edges, sizes[1])
        for circle in circles[1:]:
            r2 = _square(p, circle)
            d = d * ((r2 - 1.0) / (r2 + 1.0))
        return d

    raw = ExpressionField.of(product, "xy")
    peak = float(raw.evaluate(region.cloud(PEAK_GRID).centres).max())
    return ExpressionField.of(lambda p: product(p) * (1 / peak), "xy")


def _circle(edges: Edges, low: int, high: int) -> FloatArray | None:
    """Return the circle that all edges of a ring are chords of, None if there is no such one."""
    circles = edges.circles[low:high]
    return circles[0] if circles[0, 2] > 0 and (circles == circles[0]).all() else None


def _square(p: Names, circle: FloatArray | None) -> Expression:
    """Return |x - c|^2 / R^2."""
    assert circle is not None
    x, y, radius = circle.tolist()
    square: Expression = ((p.x - x) ** 2 + (p.y - y) ** 2) * radius**-2
    return square


def _distances(p: Names, edges: Edges, n: int) -> Expression:
    """Return the product of the distances to the lines of the first n edges."""
    starts = edges.starts[:n]
    inward = -edges.normals(np.arange(n), starts)
    factors = [a * (p.x - x) + b * (p.y - y) for (x, y), (a, b) in zip(starts.tolist(), inward.tolist(), strict=True)]
    d: Expression = factors[0]
    for factor in factors[1:]:
        d = d * factor
    return d
