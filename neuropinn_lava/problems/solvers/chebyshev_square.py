"""Elliptic equations on the unit square by Chebyshev collocation and Newton's method, for a function of its own at each point.

a (u_xx + u_yy) + a_x u_x + a_y u_y + q(u) + f = 0          u = 0 on the boundary
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ...base.arrays import FloatArray

N = 20
"""Degree of the polynomials along each axis."""
N_NEWTON = 8
"""Steps of Newton's method from zero, at most."""
CLOSE = 1e-11
"""Correction, relative to the solution, at which it ends."""


class Coefficients(NamedTuple):
    """Coefficients of the equation at the points of the grid, shape (n,) each."""

    a: FloatArray
    a_x: FloatArray
    a_y: FloatArray
    f: FloatArray


def solve_on_square(
    points: FloatArray,
    coefficients: Callable[[FloatArray, FloatArray], Coefficients],
    cubic: float = 0.0,
) -> FloatArray:
    """Solve the equation with q(u) = -cubic u**3 for the function of each point.

    Args:
        points: x, y and the columns of a function, shape (n, 2 + n_columns).
        coefficients: Returns the coefficients at places (n_places, 2) for the columns of one function.
        cubic: Factor on u**3.

    Returns:
        u, shape (n, 1).
    """
    nodes, D = chebyshev_matrix(N)
    inside = slice(1, -1)
    second, eye = (D @ D)[inside, inside], np.eye(N - 1)
    d_x, d_y = np.kron(D[inside, inside], eye), np.kron(eye, D[inside, inside])
    laplace = np.kron(second, eye) + np.kron(eye, second)
    x, y = np.meshgrid(nodes[inside], nodes[inside], indexing="ij")
    places = np.stack([x.ravel(), y.ravel()], axis=1)
    columns, owners = np.unique(points[:, 2:], axis=0, return_inverse=True)
    owners, u = owners.ravel(), np.empty(len(points))
    for number, column in enumerate(columns):
        c = coefficients(places, column)
        linear = c.a[:, None] * laplace + c.a_x[:, None] * d_x + c.a_y[:, None] * d_y
        v = _newton(linear, c.f, cubic)
        mine = np.flatnonzero(owners == number)
        grid = np.zeros((N + 1, N + 1))
        grid[inside, inside] = v.reshape(N - 1, N - 1)
        along_x, along_y = (interpolation_matrix(nodes, points[mine, axis]) for axis in (0, 1))
        u[mine] = np.einsum("pi,ij,pj->p", along_x, grid, along_y)
    return u[:, None]


def _newton(linear: FloatArray, f: FloatArray, cubic: float) -> FloatArray:
    v = np.zeros(len(f))
    for _ in range(N_NEWTON):
        step = np.linalg.solve(linear - np.diag(3 * cubic * v**2), -(linear @ v - cubic * v**3 + f))
        v = v + step
        if not cubic or np.abs(step).max() <= CLOSE * np.abs(v).max():
            break
    return v


def chebyshev_matrix(n: int) -> tuple[FloatArray, FloatArray]:
    """Return the n + 1 Chebyshev points of [0, 1], ascending, and the matrix of the derivative there.

    Source: Trefethen, Spectral Methods in MATLAB (2000), program `cheb`.
    """
    x = -np.cos(np.pi * np.arange(n + 1) / n)
    c = np.where((np.arange(n + 1) == 0) | (np.arange(n + 1) == n), 2.0, 1.0) * (-1.0) ** np.arange(n + 1)
    apart = x[:, None] - x[None, :] + np.eye(n + 1)
    D = np.outer(c, 1.0 / c) / apart
    D -= np.diag(D.sum(axis=1))
    return (1.0 + x) / 2.0, 2.0 * D


def interpolation_matrix(nodes: FloatArray, places: FloatArray) -> FloatArray:
    """Return the matrix from values at Chebyshev points to those at places, shape (n_places, n_nodes), by barycentric weights.

    Source: Berrut and Trefethen, SIAM Review 46 (2004) 501, equation 5.4.
    """
    n = len(nodes) - 1
    weights = (-1.0) ** np.arange(n + 1)
    weights[[0, n]] /= 2.0
    apart = places[:, None] - nodes[None, :]
    is_node = np.abs(apart) < 1e-14
    shares = weights / np.where(is_node, 1.0, apart)
    matrix = shares / shares.sum(axis=1, keepdims=True)
    hit = is_node.any(axis=1)
    matrix[hit] = is_node[hit]
    result: FloatArray = matrix
    return result
