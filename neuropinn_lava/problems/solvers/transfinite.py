"""Continuation of data from the four edges of the unit square into its inside, as one polynomial."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.polynomial import Chebyshev
from numpy.polynomial import Polynomial as Series

from ...base.arrays import FloatArray
from ...geometry.fields.scalar_fields import Polynomial

EdgeData = Callable[[FloatArray], FloatArray]
"""Data along an edge, as a function of the coordinate that runs from 0 to 1 on it."""

DEGREE = 20
"""Degree by which data of an edge are interpolated in Chebyshev points; the caller checks that it is enough."""


def coons_polynomial(left: EdgeData, right: EdgeData, bottom: EdgeData, top: EdgeData) -> Polynomial:
    """Build the transfinite interpolant of edge data on [0, 1]^2.

        g(x, y) = (1 - x) L(y) + x R(y) + (1 - y) B(x) + y T(x)
                - (1 - x)(1 - y) B(0) - x (1 - y) B(1) - (1 - x) y T(0) - x y T(1)

    Args:
        left: L at x = 0, a function of y.
        right: R at x = 1.
        bottom: B at y = 0, a function of x.
        top: T at y = 1.

    Source: Coons, MIT MAC-TR-41 (1967).
    """
    coefficients = np.zeros((DEGREE + 1, DEGREE + 1))  # of x^i y^j
    _add_blended(coefficients, _edge_series(left), _edge_series(right))
    _add_blended(coefficients.T, _edge_series(bottom), _edge_series(top))
    ends = np.array([0.0, 1.0])
    (b0, b1), (t0, t1) = bottom(ends), top(ends)
    coefficients[:2, :2] -= [[b0, t0 - b0], [b1 - b0, t1 - t0 - b1 + b0]]
    exponents = np.argwhere(coefficients)
    return Polynomial(exponents=exponents, coefficients=coefficients[tuple(exponents.T)])


def _edge_series(data: EdgeData) -> FloatArray:
    """Return the coefficients of 1, s, s^2 ... of the data's interpolant on [0, 1], shape (DEGREE + 1,)."""
    nodes = (1 + np.cos(np.pi * (np.arange(DEGREE + 1) + 0.5) / (DEGREE + 1))) / 2
    fit: Any = Chebyshev.fit  # numpy 1 has no types for it
    series: FloatArray = fit(nodes, data(nodes), DEGREE, domain=[0.0, 1.0]).convert(kind=Series).coef
    padded = np.zeros(DEGREE + 1)
    padded[: len(series)] = series
    return padded


def _add_blended(coefficients: FloatArray, near: FloatArray, far: FloatArray) -> None:
    """Add (1 - x) near(y) + x far(y) to the coefficients of x^i y^j, in place."""
    coefficients[0] += near
    coefficients[1] += far - near
