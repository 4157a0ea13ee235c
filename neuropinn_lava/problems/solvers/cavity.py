"""Steady flow in a square cavity under a moving lid, by a Galerkin method for the stream function.

    u u_x + v u_y = -p_x + nu (u_xx + u_yy),  u v_x + v v_y = -p_y + nu (v_xx + v_yy),  u_x + v_y = 0     on [0, 1]^2
    u = lid(x), v = 0 at y = 1;  u = v = 0 on the other walls;  p = 0 at (0, 0)

With u = psi_y, v = -psi_x and q = psi_xx + psi_yy this is, for every phi that vanishes with its slope on the walls,

    int q (psi_x phi_y - psi_y phi_x) = nu int q (phi_xx + phi_yy)

The singular flow in the two upper corners is split off in closed form; it drops out of the right side. The rest is a
polynomial of x and y, found by Newton's method. The pressure is the polynomial whose gradient fits the momentum equations best.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from ...base.arrays import FloatArray
from ...base.errors import SimulationError
from .corner_flow import StreamField, corner_field

chebyshev: Any = np.polynomial.chebyshev  # numpy 1 has no types for it
legendre: Any = np.polynomial.legendre

PLAIN_LID = (1.0,)
"""A lid that moves at unit velocity, also in the corners."""
PARABOLIC_LID = (0.0, 4.0, -4.0)
"""The lid 4 x (1 - x) of PINNacle's NS2d-C (`NS2D_LidDriven` of its `src/pde/ns.py`, a = 4)."""
DEGREE = 40
"""Degree of the stream function in x and in y. With 32, 40, 48 (against 56) the velocity's relative L2 error at Reynolds number
100 is 2.1e-4, 9e-5, 4e-5 under the plain lid and 6e-7, 8e-8, 2e-8 under the parabolic one; there the pressure's is 2e-5, 7e-6,
2e-6."""
N_NEWTON = 20
"""Largest number of Newton steps; Reynolds number 100 takes five."""
CONVERGED = 1e-10
"""Largest Newton correction of the stream function at which the iteration ends; the stream function is about 0.1."""


class CavityFlow(NamedTuple):
    """The flow in a cavity: Chebyshev series and the corners' closed forms."""

    lid: tuple[float, ...]
    """Coefficients of 1, x, x^2 ... of the lid's velocity."""
    viscosity: float
    """Kinematic viscosity nu."""
    stream: FloatArray
    """Chebyshev coefficients of the smooth part of psi in (2x - 1, 2y - 1), shape (degree + 1, degree + 1)."""
    pressure: FloatArray
    """Chebyshev coefficients of the smooth part of p, shape (n, n)."""

    def evaluate(self, points: FloatArray) -> FloatArray:
        """Return u, v and p at points (x, y) of the cavity, shape (n, 2) to (n, 3).

        In the upper corners themselves p is infinite, and u jumps if the lid moves there; what is returned at points nearer
        than `corner_flow.NEAREST` holds at that distance.
        """
        x, y = points.T
        singular = corner_fields(x, y, self.lid)
        psi_x, psi_y = (_series_at(x, y, 2 * chebyshev.chebder(self.stream, axis=axis)) for axis in (0, 1))
        p = _series_at(x, y, self.pressure) + self.viscosity * singular.conjugate
        return np.stack([psi_y + singular.y, -psi_x - singular.x, p], axis=1)


def corner_fields(x: FloatArray, y: FloatArray, lid: tuple[float, ...]) -> StreamField:
    """Evaluate the sum of the singular flows of both upper corners, each for the whole lid."""
    return left_corner(x, y, lid).plus(right_corner(x, y, lid))


def left_corner(x: FloatArray, y: FloatArray, lid: tuple[float, ...]) -> StreamField:
    """Evaluate the slow flow about the upper left corner."""
    return corner_field(x, y - 1, lid)


def right_corner(x: FloatArray, y: FloatArray, lid: tuple[float, ...]) -> StreamField:
    """Evaluate the slow flow about the upper right corner, the mirror image of one about a left corner."""
    from_right = np.polynomial.Polynomial(lid)(np.polynomial.Polynomial([1.0, -1.0]))
    coefficients = tuple(from_right.coef) + (0.0,) * (len(lid) - len(from_right.coef))
    return corner_field(1 - x, y - 1, coefficients).mirrored()


@lru_cache(maxsize=4)
def solve_cavity(lid: tuple[float, ...] = PLAIN_LID, reynolds: float = 100.0, degree: int = DEGREE) -> CavityFlow:
    """Solve for the steady flow in the cavity.

    Args:
        lid: Coefficients of 1, x, x^2 ... of the lid's velocity.
        reynolds: 1 / nu, 0 to 400.
        degree: Degree of the stream function in x and in y.

    Returns:
        u, v and p; `.evaluate(points)` takes (x, y), shape (n, 2), to (n, 3). The relative errors of velocity and pressure are
        5e-7 and 2e-5 under the parabolic lid. Under the plain lid that of the velocity is 2e-4, and the pressure, which grows
        like 1 / r toward the upper corners and has no finite L2 norm, is good to 4e-3 where r is 0.1 or more.

    Raises:
        SimulationError: If Newton's method does not converge.

    Source: Botella and Peyret, Computers and Fluids 27 (1998) 421, for the subtraction of the corners' flow; PINNacle,
    arXiv 2306.08827, NS2d-C, for the parabolic lid. The pressure under that lid grows like log r toward the upper corners.
    """
    grid = HermiteGrid.build(degree)
    data = _boundary_data(grid, lid)
    balance = _Balance(grid, lid, 1 / reynolds)
    for index in range(N_NEWTON):
        correction = balance.newton_correction(data, inertia=float(index > 0))  # slow flow first
        data[: grid.n_inner, : grid.n_inner] += correction
        if np.abs(correction).max() <= CONVERGED:
            return CavityFlow(lid, 1 / reynolds, grid.series(data), balance.pressure_series(data))
    got = f"a Reynolds number of {reynolds:g}"
    repair = "Choose a smaller Reynolds number."
    raise SimulationError("solve_cavity", f"converge within {N_NEWTON} Newton steps", got, repair)


class HermiteGrid(NamedTuple):
    """Polynomials on [0, 1] by their values at inner nodes, then at 0 and 1, then their slopes at 0 and 1."""

    nodes: FloatArray
    """Inner nodes, shape (degree - 3,)."""
    to_series: FloatArray
    """Matrix from these data to Chebyshev coefficients, square."""
    quadrature: FloatArray
    """Points of Gauss' quadrature on [0, 1], shape (n_quadrature,)."""
    weights: FloatArray
    """Weights of the quadrature, shape (n_quadrature,)."""
    derivatives: tuple[FloatArray, ...]
    """Matrices from the data to the derivatives of order 0 to 3 at the points, shape (n_quadrature, degree + 1)."""

    @property
    def n_inner(self) -> int:
        """Number of inner nodes."""
        return len(self.nodes)

    @classmethod
    def build(cls, degree: int) -> HermiteGrid:
        """Build the grid for polynomials of a degree."""
        inner, ends = -np.cos(np.pi * np.arange(1, degree - 2) / (degree - 2)), np.array([-1.0, 1.0])
        slope = 2 * chebyshev.chebder(np.eye(degree + 1))
        rows = [chebyshev.chebvander(inner, degree), chebyshev.chebvander(ends, degree)]
        to_series = np.linalg.inv(np.vstack([*rows, chebyshev.chebvander(ends, degree - 1) @ slope]))
        points, weights = legendre.leggauss(2 * degree)
        return cls((1 + inner) / 2, to_series, (1 + points) / 2, weights / 2, _derivatives_at(points, to_series))

    def series(self, data: FloatArray) -> FloatArray:
        """Return the Chebyshev coefficients of a polynomial of two coordinates from its data."""
        coefficients: FloatArray = self.to_series @ data @ self.to_series.T
        return coefficients


def _derivatives_at(points: FloatArray, series: FloatArray) -> tuple[FloatArray, ...]:
    """Return derivatives of order 0 to 3 of Chebyshev series, one a column, at points of [-1, 1], each (n, n_columns)."""
    return tuple(
        2**order * chebyshev.chebvander(points, len(series) - 1 - order) @ chebyshev.chebder(series, order)
        for order in range(4)
    )


class _Balance:
    """The balance of vorticity and that of momentum at the points of a grid's quadrature."""

    def __init__(self, grid: HermiteGrid, lid: tuple[float, ...], viscosity: float) -> None:
        self.grid, self.viscosity, self.lid = grid, viscosity, lid
        x, y = np.meshgrid(grid.quadrature, grid.quadrature, indexing="ij")
        self.singular = corner_fields(x, y, lid)
        self.weights = np.outer(grid.weights, grid.weights)
        self.tests = [matrix[:, : grid.n_inner] for matrix in grid.derivatives]
        second = ((2, 0), (0, 2))
        self.viscous = viscosity * sum(self._matrix(self.weights, a, b) for a in second for b in second)

    def _smooth(self, data: FloatArray, a: int, b: int) -> FloatArray:
        """Return the derivative of the smooth part of psi, a times along x and b times along y."""
        d = self.grid.derivatives
        part: FloatArray = d[a] @ data @ d[b].T
        return part

    def _vector(self, values: FloatArray, a: int, b: int) -> FloatArray:
        """Integrate values times the derivative of order (a, b) of every test function, shape (n_inner, n_inner)."""
        integrals: FloatArray = self.tests[a].T @ values @ self.tests[b]
        return integrals

    def _matrix(self, values: FloatArray, test: tuple[int, int], trial: tuple[int, int]) -> FloatArray:
        """Integrate values times a derivative of every test function times one of every trial function."""
        n = self.grid.n_inner
        along_x, along_y = (
            (self.tests[test[i]][:, :, None] * self.tests[trial[i]][:, None]).reshape(-1, n * n) for i in (0, 1)
        )
        blocks: FloatArray = (along_x.T @ values @ along_y).reshape(n, n, n, n)
        return blocks.transpose(0, 2, 1, 3).reshape(n * n, n * n)

    def newton_correction(self, data: FloatArray, inertia: float) -> FloatArray:
        """Solve the linearised equation, its left side times `inertia`, for the correction of the inner values."""
        q_smooth = self._smooth(data, 2, 0) + self._smooth(data, 0, 2)
        scale = inertia * self.weights
        x = scale * (self._smooth(data, 1, 0) + self.singular.x)
        y = scale * (self._smooth(data, 0, 1) + self.singular.y)
        q = q_smooth + self.singular.xx + self.singular.yy
        residual = self._vector(q * x, 0, 1) - self._vector(q * y, 1, 0)
        pull = self.viscosity * self.weights * q_smooth
        residual -= self._vector(pull, 2, 0) + self._vector(pull, 0, 2)
        jacobian = self._matrix(scale * q, (0, 1), (1, 0)) - self._matrix(scale * q, (1, 0), (0, 1)) - self.viscous
        for second in ((2, 0), (0, 2)):
            jacobian += self._matrix(x, (0, 1), second) - self._matrix(y, (1, 0), second)
        correction: FloatArray = np.linalg.solve(jacobian, -residual.ravel()).reshape(residual.shape)
        return correction

    def pressure_series(self, data: FloatArray) -> FloatArray:
        """Return the Chebyshev coefficients of the smooth part of p, two degrees below psi, with p = 0 at (0, 0)."""
        n = len(data) - 2
        value, slope, *_ = _derivatives_at(2 * self.grid.quadrature - 1, np.eye(n))
        mass, stiffness = (part.T @ (self.grid.weights[:, None] * part) for part in (value, slope))
        p_x, p_y = (self.weights * part for part in self._momentum(data))
        right = slope.T @ p_x @ value + value.T @ p_y @ slope
        matrix = np.kron(stiffness, mass) + np.kron(mass, stiffness)
        series = np.zeros((n, n))
        series.flat[1:] = np.linalg.solve(matrix[1:, 1:], right.flat[1:])  # without the constant
        origin = np.zeros(1)
        singular = self.viscosity * corner_fields(origin, origin, self.lid).conjugate
        series[0, 0] = -(_series_at(origin, origin, series) + singular)[0]
        return series

    def _momentum(self, data: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return p_x and p_y of the momentum equations without the pressure of the corners' slow flow."""
        orders = ((1, 0), (0, 1), (2, 0), (1, 1), (0, 2))
        parts = (self._smooth(data, *order) for order in orders)
        x, y, xx, xy, yy = (part + corner for part, corner in zip(parts, self.singular[1:6], strict=True))
        q_x = self._smooth(data, 3, 0) + self._smooth(data, 1, 2)
        q_y = self._smooth(data, 2, 1) + self._smooth(data, 0, 3)
        return self.viscosity * q_y - y * xy + x * yy, -self.viscosity * q_x + y * xx - x * xy


def _boundary_data(grid: HermiteGrid, lid: tuple[float, ...]) -> FloatArray:
    """Return the smooth part's data, zero at the inner nodes: on a wall, minus the flow of the corners that it does not touch.

    The flow of a corner satisfies the conditions on both of its walls. The lid touches both corners, so that its velocity is
    met twice, and the smooth part has to take one of them away.
    """
    n, s = grid.n_inner, grid.nodes
    data = np.zeros((n + 4, n + 4))
    low, high = np.zeros(n), np.ones(n)
    for wall, field in enumerate((right_corner(low, s, lid), left_corner(high, s, lid))):  # left wall, right wall
        data[n + wall, :n], data[n + 2 + wall, :n] = -field.value, -field.x
    below = corner_fields(s, low, lid)
    data[:n, n], data[:n, n + 2] = -below.value, -below.y
    data[:n, n + 3] = -np.polynomial.Polynomial(lid)(s)
    zero, one = np.zeros(1), np.ones(1)
    for i, x in enumerate((zero, one)):
        for j, y in enumerate((zero, one)):
            field = corner_fields(x, y, lid) if j == 0 else (right_corner, left_corner)[i](x, y, lid)
            corner = [[field.value, field.y], [field.x, field.xy]]
            data[np.ix_([n + i, n + 2 + i], [n + j, n + 2 + j])] = -np.array(corner)[..., 0]
    return data


def _series_at(x: FloatArray, y: FloatArray, series: FloatArray) -> FloatArray:
    """Evaluate a Chebyshev series in (2x - 1, 2y - 1) at points of shape (n,) each."""
    along_x = chebyshev.chebvander(2 * x - 1, series.shape[0] - 1)
    value: FloatArray = ((along_x @ series) * chebyshev.chebvander(2 * y - 1, series.shape[1] - 1)).sum(axis=1)
    return value
