"""Derivative operators: exact on polynomials, of the right order, and equal to what is known on a regular grid."""

from __future__ import annotations

import time

import numpy as np
import pytest
from scipy.spatial import cKDTree

from neuropinn_lava.base.arrays import FloatArray
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.geometry.domain import Box, Cloud
from neuropinn_lava.geometry.grading import Grading
from neuropinn_lava.operators.neighbours import find_neighbours
from neuropinn_lava.operators.operator_kind import OperatorKind
from neuropinn_lava.operators.projection import DerivativeOperators, build_operators, fit_terms

EXACT = 1e-9
"""Relative error of a second derivative that is exact but for rounding: 1e-16, times 4e3 for the condition of a quartic
fit, times 1e3 for division by h^2 and h^4 terms."""
ORDER_SLACK = 0.4
"""Observed orders between two grids differ from the limit by the next term of the expansion."""

SQUARE = Box(lower=np.zeros(2), upper=np.ones(2))
XY = ("x", "y")
KINDS = [(OperatorKind.QUADRATIC, 8), (OperatorKind.QUARTIC, 28)]


def scattered_cloud(n: int, seed: int) -> Cloud:
    """A grid whose inside points are jittered by a quarter of a cell."""
    grid = SQUARE.cloud((n, n))
    points = grid.points.copy()
    points[: grid.n_inside] += np.random.default_rng(seed).uniform(-0.25, 0.25, grid.centres.shape) / n
    return Cloud.scattered(points, grid.n_inside, spacing=1 / n)


def slow_fit(cloud: Cloud, row: int, kind: OperatorKind, n_neighbours: int, values: FloatArray) -> dict[str, float]:
    """The fit of one centre, longhand: neighbours by sorting all distances, numpy's least squares, coefficients by name."""
    degree = {OperatorKind.QUADRATIC: 2, OperatorKind.QUARTIC: 4}[kind]
    distances = np.linalg.norm(cloud.cell_coordinates - cloud.cell_coordinates[row], axis=1)
    limit = np.sort(distances)[n_neighbours] * (1 + 1e-6)
    rows, rights = [], []
    exponents = [(i, j) for i in range(degree + 1) for j in range(degree + 1) if 1 <= i + j <= degree]
    factorials = [1, 1, 2, 6, 24]
    for other in np.flatnonzero((distances <= limit) & (distances > 0)):
        dx, dy = cloud.points[other] - cloud.points[row]
        weight = distances[other] ** -3
        rows.append([weight * dx**i * dy**j / factorials[i] / factorials[j] for i, j in exponents])
        rights.append(weight * (values[other] - values[row]))
    coefficients = np.linalg.lstsq(np.array(rows), np.array(rights), rcond=None)[0]
    return {"x" * i + "y" * j: float(c) for (i, j), c in zip(exponents, coefficients, strict=True)}


@pytest.mark.parametrize(("kind", "n_neighbours"), KINDS)
def test_fast_fit_equals_the_longhand_one(kind: OperatorKind, n_neighbours: int) -> None:
    cloud = scattered_cloud(8, seed=3)
    values = np.random.default_rng(4).normal(size=cloud.n_points)
    names = ("x", "y", "xx", "xy", "yy")
    operators = build_operators(cloud, names, XY, kind, n_neighbours)
    for row in (0, 17, cloud.n_inside - 1):
        expected = slow_fit(cloud, row, kind, n_neighbours, values)
        for name in names:
            assert operators.apply(name, values)[row] == pytest.approx(expected[name], rel=1e-8)


@pytest.mark.parametrize(("kind", "n_neighbours"), KINDS)
@pytest.mark.parametrize("graded", [False, True])
def test_polynomials_of_the_fitted_degree_are_exact(kind: OperatorKind, n_neighbours: int, graded: bool) -> None:
    """u = (1 + 2x - y)^p has u_x = 2p (..)^(p-1), u_xy = -2p(p-1) (..)^(p-2), u_yy = p(p-1) (..)^(p-2)."""
    p = {OperatorKind.QUADRATIC: 2, OperatorKind.QUARTIC: 4}[kind]
    gradings = (Grading(axis=0, centre=0.3, width=0.1, gain=3.0),)
    cloud = SQUARE.cloud((12, 7), gradings) if graded else scattered_cloud(10, seed=1)
    base = 1 + 2 * cloud.points[:, 0] - cloud.points[:, 1]
    operators = build_operators(cloud, ("x", "xy", "yy"), XY, kind, n_neighbours)
    second = p * (p - 1) * base[: cloud.n_inside] ** (p - 2)
    for name, exact in (("x", 2 * p * base[: cloud.n_inside] ** (p - 1)), ("xy", -2 * second), ("yy", second)):
        error = np.abs(operators.apply(name, base**p) - exact).max()
        assert error <= EXACT * np.abs(exact).max()


def test_three_dimensions_and_mixed_derivatives_are_exact() -> None:
    """u = x y + y z + z^2: u_xy = 1, u_zz = 2, u_z = y + 2z."""
    cloud = Box(lower=np.zeros(3), upper=np.ones(3)).cloud((5, 5, 5))
    x, y, z = cloud.points.T
    operators = build_operators(cloud, ("xy", "zz", "z"), ("x", "y", "z"), OperatorKind.QUADRATIC, 18)
    u = x * y + y * z + z**2
    np.testing.assert_allclose(operators.apply("xy", u), 1.0, atol=EXACT)
    np.testing.assert_allclose(operators.apply("zz", u), 2.0, atol=EXACT)
    np.testing.assert_allclose(operators.apply("z", u), (y + 2 * z)[: cloud.n_inside], atol=EXACT)


def laplacian_error(cloud: Cloud, kind: OperatorKind, n_neighbours: int) -> float:
    """Relative error of the Laplacian of the manufactured u = sin(pi x) sin(2 pi y), for which it is -5 pi^2 u."""
    u = np.sin(np.pi * cloud.points[:, 0]) * np.sin(2 * np.pi * cloud.points[:, 1])
    operators = build_operators(cloud, ("xx", "yy"), XY, kind, n_neighbours)
    exact = -5 * np.pi**2 * u[: cloud.n_inside]
    error = operators.apply("xx", u) + operators.apply("yy", u) - exact
    return float(np.linalg.norm(error) / np.linalg.norm(exact))


@pytest.mark.parametrize(
    ("kind", "n_neighbours", "order", "at_24_cells"),
    [
        (OperatorKind.QUADRATIC, 8, 2.0, 7.1e-3),  # odd terms cancel on symmetric stencils
        (
            OperatorKind.QUARTIC,
            28,
            3.5,
            5.2e-4,
        ),  # fourth order inside, third in a rim of width h: 3.5 in the mean square
    ],
)
def test_observed_order_of_the_laplacian(
    kind: OperatorKind, n_neighbours: int, order: float, at_24_cells: float
) -> None:
    coarse, fine = (laplacian_error(SQUARE.cloud((n, n)), kind, n_neighbours) for n in (24, 48))
    assert coarse == pytest.approx(at_24_cells, rel=0.02)
    assert np.log2(coarse / fine) >= order - ORDER_SLACK


def test_nested_projection_is_the_central_difference_on_a_grid() -> None:
    """Inside: u_x = (u_E - u_W) / 2h, and twice that, with the checkerboard in its null space."""
    n = 10
    cloud = SQUARE.cloud((n, n))
    operators = build_operators(cloud, ("x", "xx"), XY, OperatorKind.NESTED_SP, 4)
    values = np.random.default_rng(5).normal(size=(n + 1, n + 1))
    i, j = cloud.cell_coordinates.astype(int).T
    u_x, u_xx = (operators.apply(name, values[i, j]) for name in ("x", "xx"))
    for row in np.flatnonzero((np.abs(i - n / 2) < n / 2 - 1) & (np.abs(j - n / 2) < n / 2 - 1)):
        a, b = i[row], j[row]
        assert u_x[row] == pytest.approx((values[a + 1, b] - values[a - 1, b]) * n / 2)
        assert u_xx[row] == pytest.approx((values[a + 2, b] - 2 * values[a, b] + values[a - 2, b]) * n**2 / 4)


def test_nested_projection_is_the_published_formula() -> None:
    """grad u = [sum (u_i - u)(x_i - x)^T] [sum (x_i - x)(x_i - x)^T]^-1 over all neighbours, equally weighted."""
    cloud = scattered_cloud(7, seed=8)
    values = np.random.default_rng(9).normal(size=cloud.n_points)
    operators = build_operators(cloud, XY, XY, OperatorKind.NESTED_SP, 6)
    row = 11
    others = cKDTree(cloud.cell_coordinates).query(cloud.cell_coordinates[row], k=7)[1][1:]
    offsets = cloud.points[others] - cloud.points[row]
    gradient = ((values[others] - values[row]) @ offsets) @ np.linalg.inv(offsets.T @ offsets)
    found = [operators.apply(name, values)[row] for name in XY]
    np.testing.assert_allclose(found, gradient, rtol=1e-10)


def test_periodic_neighbours_reach_round() -> None:
    """On a ring, u = sin(pi x) with period 2 has u_xx = -pi^2 u at the seam as anywhere: every row is the same stencil."""
    cloud = Box.space_time([-1.0, 0.0], [1.0, 1.0], periodic_axes=(0,)).cloud((40, 10))
    u = np.sin(np.pi * (cloud.points[:, 0] + 0.1))
    u_xx = build_operators(cloud, ("xx",), ("x", "t"), OperatorKind.QUARTIC, 28).apply("xx", u)
    error = np.abs(u_xx + np.pi**2 * u[: cloud.n_inside]) / np.pi**2
    seam = cloud.centres[:, 0] == -1.0
    assert seam.any()
    assert error[seam].max() <= 2 * error[~seam].max() <= 1e-4


def test_ties_make_stencils_symmetric() -> None:
    cloud = SQUARE.cloud((6, 6))
    found = find_neighbours(cloud, cloud.n_inside, 9)
    middle = np.flatnonzero((cloud.centres == 0.5).all(axis=1))[0]
    assert found.present[middle].sum() == 12  # 4 beside, 4 diagonal, and all 4 at distance 2
    np.testing.assert_allclose(found.offsets[middle].sum(axis=0), 0.0, atol=1e-15)


def test_operators_take_several_outputs_at_once() -> None:
    cloud = SQUARE.cloud((6, 6))
    operators = build_operators(cloud, ("x",), XY, OperatorKind.QUADRATIC, 8)
    both = operators.apply("x", cloud.points)
    assert both.shape == (cloud.n_inside, 2)
    np.testing.assert_allclose(both, np.tile([1.0, 0.0], (cloud.n_inside, 1)), atol=1e-12)


def test_ten_thousand_centres_are_quick() -> None:
    cloud = SQUARE.cloud((101, 101))
    start = time.process_time()
    build_operators(cloud, ("xx", "yy"), XY, OperatorKind.QUARTIC, 28)
    assert cloud.n_inside == 10_000
    assert time.process_time() - start < 4.0  # about 1 s of one core; twice the promise, for busy machines


def test_terms_are_ordered_by_degree() -> None:
    assert fit_terms(2, 2) == ((0, 1), (1, 0), (0, 2), (1, 1), (2, 0))
    assert len(fit_terms(2, 4)) == 14


def quadratic(cloud: Cloud, names: tuple[str, ...] = ("xx",), n_neighbours: int = 8) -> DerivativeOperators:
    return build_operators(cloud, names, XY, OperatorKind.QUADRATIC, n_neighbours)


def test_unknown_derivatives_are_refused() -> None:
    cloud = SQUARE.cloud((4, 4))
    with pytest.raises(SpecError, match="letters x, y; got 'xz'"):
        quadratic(cloud, ("xz",))
    with pytest.raises(SpecError, match="orders up to 2, which quadratic can fit; got 'xxx'"):
        quadratic(cloud, ("xxx",))
    with pytest.raises(SpecError, match="Did you mean xx"):
        quadratic(cloud).apply("x", cloud.points[:, 0])
    with pytest.raises(SpecError, match="2 different letters"):
        build_operators(cloud, ("x",), ("x",), OperatorKind.QUADRATIC, 8)


def test_duplicate_points_are_named() -> None:
    points = np.vstack([SQUARE.cloud((4, 4)).points, [[0.5, 0.5]]])
    with pytest.raises(SpecError, match=r"points 4 and 25 both at \[0.5 0.5\]; 2 such points in all"):
        quadratic(Cloud.scattered(points, 9, spacing=0.25))


def test_too_few_neighbours_are_counted() -> None:
    with pytest.raises(SpecError, match="point 0 has only 8 neighbours"):
        quadratic(SQUARE.cloud((2, 2)), n_neighbours=9)
    with pytest.raises(SpecError, match="be 5 or more for quadratic in 2 dimensions; got 4"):
        quadratic(SQUARE.cloud((4, 4)), n_neighbours=4)


def test_a_centre_takes_more_neighbours_where_a_fit_needs_them() -> None:
    """28 points around a centre at the edge lie on fewer than 5 of these lines of constant y: no quartic in y.

    With up to 42, 63 or 94 neighbours the fits of all centres reproduce quartics.
    """
    x, y = (axis.ravel() for axis in np.meshgrid(0.4 * np.arange(21), np.arange(9.0), indexing="ij"))
    cloud = Cloud.scattered(np.stack([x, y], axis=1), len(x))
    narrow = find_neighbours(cloud, cloud.n_inside, 28)
    assert len(np.unique(y[narrow.index[0]])) < 5
    operators = build_operators(cloud, ("xx", "yy"), ("x", "y"), OperatorKind.QUARTIC, 28)
    u = (x - 4) ** 2 * (y - 4) ** 2 + (y - 4) ** 4
    expected = 2 * (x - 4) ** 2 + 12 * (y - 4) ** 2
    assert (
        np.abs(operators.apply("yy", u) - expected).max() <= 1e-7 * expected.max()
    )  # conditions of 1e-5, to the square
    n_taken = np.diff(operators.matrix("yy").indptr)
    assert n_taken.min() < 42 < n_taken.max()


def test_neighbours_that_do_not_determine_the_fit_are_named() -> None:
    """Points on a line say nothing of the derivative across it, along an axis or not, even if all eight others are asked."""
    line = np.stack([np.arange(9.0), np.zeros(9)], axis=1)
    with pytest.raises(SpecError, match=r"point 0 at \[0. 0.\] with 8 neighbours, and 9 such points in all"):
        quadratic(Cloud.scattered(line, 9), n_neighbours=6)
    slanted = np.stack([np.arange(9.0), 2 * np.arange(9.0)], axis=1)
    with pytest.raises(SpecError, match="get neighbours of every centre that determine the fit"):
        quadratic(Cloud.scattered(slanted, 9), n_neighbours=6)


LEAST_NEIGHBOURS = {(1, OperatorKind.QUADRATIC): 4, (1, OperatorKind.QUARTIC): 5, (2, OperatorKind.QUARTIC): 28}
LEAST_NEIGHBOURS |= {(3, OperatorKind.QUARTIC): 60, (4, OperatorKind.QUADRATIC): 40}
ONE_SIDED = 1e-7
"""As `EXACT`, times 1e2: fits in corners look one way along every axis, and their condition is worse."""


@pytest.mark.parametrize(("n_dim", "kind"), LEAST_NEIGHBOURS)
def test_rows_at_the_boundary_are_exact_in_one_to_four_coordinates(n_dim: int, kind: OperatorKind) -> None:
    """u = (1 + a.x)^p with p the degree has u_x = p a_x (..)^(p-1) and u_xx = p(p-1) a_x^2 (..)^(p-2), also in corners."""
    box = Box.space_time([0.0] * n_dim, [1.0] * n_dim)
    cloud, p = box.cloud((5,) * n_dim), {OperatorKind.QUADRATIC: 2, OperatorKind.QUARTIC: 4}[kind]
    slopes = np.array([2.0, -1.0, 0.5, 1.5])[:n_dim]
    base = 1 + cloud.points @ slopes
    letters = ("x", "y", "z", "t")[:n_dim]
    operators = build_operators(cloud.everywhere, ("x", "xx"), letters, kind, LEAST_NEIGHBOURS[n_dim, kind])
    assert operators.matrix("x").shape == (cloud.n_points, cloud.n_points)
    first, second = p * slopes[0] * base ** (p - 1), p * (p - 1) * slopes[0] ** 2 * base ** (p - 2)
    for name, exact in (("x", first), ("xx", second)):
        assert np.abs(operators.apply(name, base**p) - exact).max() <= ONE_SIDED * np.abs(exact).max()


@pytest.mark.parametrize("kind", OperatorKind)
def test_rows_of_the_inside_are_those_of_the_cloud_itself(kind: OperatorKind) -> None:
    cloud = scattered_cloud(8, seed=5)
    inside, every = (build_operators(c, ("x", "yy"), XY, kind, 28) for c in (cloud, cloud.everywhere))
    for name in ("x", "yy"):
        rows = every.matrix(name)[: cloud.n_inside].toarray()
        np.testing.assert_allclose(rows, inside.matrix(name).toarray(), atol=EXACT * np.abs(rows).max())
