"""Rows of a problem on a cloud against longhand: values, Jacobians, boundary rows, means, and data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.geometry.domain import Box
from neuropinn_lava.geometry.grading import Grading
from neuropinn_lava.operators.operator_kind import OperatorKind
from neuropinn_lava.operators.projection import build_operators
from neuropinn_lava.problems.conditions import Condition, Data, Dirichlet, Equation, Free, Mean, Neumann, Robin
from neuropinn_lava.problems.discretization import Discretization, discretize, mean_weights
from neuropinn_lava.problems.problem import PdeProblem
from neuropinn_lava.problems.solvers.star import star_domain

SQUARE = Box(lower=np.zeros(2), upper=np.array([1.0, 2.0]))
EXACT = 1e-9
"""Relative: least squares reproduce polynomials of their degree to rounding, divided by the spacing squared."""
DIFFERENCE = 1e-6
"""Relative: central differences of step 1e-5 of rows that are quadratic in the unknowns, whose entries reach 1e3."""
KIND, N_NEIGHBOURS = OperatorKind.QUADRATIC, 12


def of_square(*conditions: Condition, **changes: Any) -> PdeProblem:
    held = {"domain": SQUARE, "equations": lambda f: f.u_xx + f.u_yy, "conditions": conditions}
    return PdeProblem(**{**held, **changes})


def laid(problem: PdeProblem, n_per_axis: tuple[int, ...] = (6, 7)) -> Discretization:
    return discretize(problem, problem.domain.cloud(n_per_axis), KIND, N_NEIGHBOURS)


def coupled() -> PdeProblem:
    """Two unknowns, a field, products, and every kind of soft condition."""
    return of_square(
        Dirichlet(lambda p: (p.k * p.y, 1.0), on="x_lower", hard=False),
        Robin(lambda p: p.x, coefficient=lambda p: 1 + p.y, on="x_upper", unknown="u"),
        Equation(lambda f: (f.u_n * f.v - f.u_x, f.v**2 - f.u), on=("y_lower", "y_upper"), weight=3.0),
        Free(),
        Mean(0.25, unknown="v"),
        Data([[0.21, 0.33], [0.5, 1.9], [0.0, 0.7]], [1.0, -2.0, 0.5], unknown="u"),
        unknowns="u v",
        fields={"k": lambda points: np.exp(points[:, 0])},
        equations=lambda f: (f.u_xx + f.k * f.u * f.v_y - f.y, f.v_xx + np.sin(f.u) * f.u_y + f.v_xy),
    )


def random_values(held: Discretization) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(held.n_points, held.problem.n_out))


def test_rows_by_explicit_matrices() -> None:
    """The equations of `coupled`, written out with the operators' own matrices."""
    problem = coupled()
    held = laid(problem)
    cloud, u = held.cloud, random_values(held)
    n = cloud.n_inside
    operators = build_operators(cloud, ("xx", "xy", "y"), ("x", "y"), KIND, N_NEIGHBOURS)
    D = {each: operators.matrix(each).toarray() for each in ("xx", "xy", "y")}
    a, b = u[: cloud.n_points].T
    x, y = cloud.points[:n].T
    first = D["xx"] @ a + np.exp(x) * a[:n] * (D["y"] @ b) - y
    second = D["xx"] @ b + np.sin(a[:n]) * (D["y"] @ a) + D["xy"] @ b
    rows = held.evaluate(u, problem.rest_values())
    np.testing.assert_allclose(rows[0], [first, second], rtol=0, atol=EXACT * np.abs(first).max())
    assert [block.label for block in held.blocks] == [
        "equations",
        "dirichlet on x_lower",
        "robin on x_upper",
        "equation on y_lower and y_upper",
        "mean",
        "data",
    ]
    assert [block.weight for block in held.blocks] == [1.0, 1.0, 1.0, 3.0, 1.0, 1.0]
    assert sum(block.n_rows for block in held.blocks) == sum(each.size for each in rows)


def test_values_and_data_rows_by_hand() -> None:
    problem = coupled()
    held = laid(problem)
    u = random_values(held)
    rows = dict(zip([block.label for block in held.blocks], held.evaluate(u, problem.rest_values()), strict=True))
    on_left = np.flatnonzero(SQUARE.on("x_lower", held.cloud.points))
    y = held.cloud.points[on_left, 1]
    np.testing.assert_array_equal(rows["dirichlet on x_lower"], [u[on_left, 0] - y, u[on_left, 1] - 1.0])
    assert held.n_points == held.cloud.n_points + 3
    np.testing.assert_array_equal(held.points[-3:], [[0.21, 0.33], [0.5, 1.9], [0.0, 0.7]])
    np.testing.assert_array_equal(rows["data"], [u[-3:, 0] - [1.0, -2.0, 0.5]])
    weights = mean_weights(problem, held.cloud)
    assert rows["mean"].item() == pytest.approx(weights @ u[:-3, 1] - 0.25)


def test_boundary_rows_are_one_sided_and_exact_on_quadratics() -> None:
    """u = x^2 y + y^2 is quadratic along each axis; (n_x u_x + n_y u_y) and a u + du/dn by hand, a free corner once a part."""
    problem = of_square(
        Neumann(0.0, on=("x_lower", "y_upper")), Robin(0.0, coefficient=2.0, on="x_upper"), Dirichlet(0.0, on="y_lower")
    )
    held = laid(problem)
    x, y = held.points.T
    rows = held.evaluate((x**2 + y**2 - x * y)[:, None], problem.rest_values())
    (left,) = (block for block in held.blocks if block.label.startswith("neumann"))
    at, normals = left.index, np.stack([left.values["n_x"], left.values["n_y"]], axis=1)
    expected = np.where(normals[:, 0] == -1, -(2 * x - y)[at], (2 * y - x)[at])
    np.testing.assert_allclose(rows[1][0], expected, atol=EXACT)
    assert (normals[normals[:, 0] != -1] == [0, 1]).all()
    on_left, on_top = (SQUARE.on(tag, held.points[at]) for tag in ("x_lower", "y_upper"))
    assert (on_left[normals[:, 0] == -1]).all()
    assert (on_top[normals[:, 1] == 1]).all()
    assert len(at) == (7 - 1) + (6 - 1) + 3  # the corner of both twice, that with the Robin side once
    at = held.blocks[2].index
    np.testing.assert_allclose(rows[2][0], (2 * (x**2 + y**2 - x * y) + 2 * x - y)[at], atol=EXACT)


@pytest.mark.parametrize("domain", [SQUARE, star_domain()])
def test_normal_derivatives_are_outward(domain: Any) -> None:
    """u = (x, y) . a for a linear field: the rows of Neumann(0) are n . a, and n points out of the domain."""
    problem = of_square(Neumann(0.0), domain=domain)
    held = discretize(problem, domain.cloud((14, 14)), KIND, N_NEIGHBOURS)
    a = np.array([0.3, -1.2])
    rows = held.evaluate((held.points @ a)[:, None], problem.rest_values())
    at = held.points[held.blocks[1].index]
    normals = np.stack([held.blocks[1].values["n_x"], held.blocks[1].values["n_y"]], axis=1)
    np.testing.assert_allclose(rows[1][0], normals @ a, atol=EXACT)
    is_smooth = np.isfinite(domain.normals(at)).all(axis=1)
    np.testing.assert_allclose(normals[is_smooth], domain.normals(at)[is_smooth], atol=EXACT)
    at, normals = at[is_smooth], normals[is_smooth]
    assert domain.contains(at - 1e-3 * normals).mean() > 0.99
    assert (~domain.contains(at + 1e-3 * normals)).mean() > 0.99


@pytest.mark.parametrize("make", [coupled, lambda: of_square(Neumann(0.0))])
def test_the_jacobian_is_the_central_difference(make: Any) -> None:
    problem = make()
    held = laid(problem, (4, 5))
    u, h = random_values(held), 1e-5
    constants = problem.rest_values()
    A = np.concatenate([J.toarray() for J in held.jacobian(u, constants)])

    def rows(values: np.ndarray) -> np.ndarray:
        return np.concatenate([each.ravel() for each in held.evaluate(values, constants)])

    for column in range(A.shape[1]):
        step = np.zeros((problem.n_out, held.n_points))
        step.ravel()[column] = h
        difference = (rows(u + step.T) - rows(u - step.T)) / (2 * h)
        assert np.abs(A[:, column] - difference).max() <= DIFFERENCE * max(1.0, np.abs(difference).max())
    assert not np.abs(A[:, ~held.used_values]).any()


def test_values_that_no_row_uses_are_known() -> None:
    """Values at the centres and at data are used; what is not used has an empty column."""
    problem = of_square(Dirichlet(0.0), Data([[0.5, 0.5]], [1.0]), equations=lambda f: f.u_xx + f.u_yy)
    held = laid(problem)
    used = held.used_values
    assert used[-1]
    inner = np.arange(held.n_points) < held.cloud.n_inside
    assert used[inner].all()
    A = np.concatenate([J.toarray() for J in held.jacobian(np.ones((held.n_points, 1)), problem.rest_values())])
    assert not np.abs(A[:, ~used]).any()


def test_the_viscosity_is_a_constant_of_the_rows() -> None:
    problem = of_square(Dirichlet(0.0), equations=lambda f: f.u_x**2 + f.u_y**2 - 1 - f.viscosity * (f.u_xx + f.u_yy))
    held = laid(problem)
    u = (held.points**2).sum(axis=1, keepdims=True)
    x, y = held.points[: held.cloud.n_inside].T
    (rows,) = held.evaluate(u, problem.rest_values(0.5))
    np.testing.assert_allclose(rows[0], 4 * x**2 + 4 * y**2 - 1 - 0.5 * 4, atol=EXACT)


GRADED = (Grading(axis=0, centre=0.3, width=0.2, gain=4.0),)


@pytest.mark.parametrize("gradings", [(), GRADED])
@pytest.mark.parametrize(
    "box", [SQUARE, Box.space_time([-1.0, 0.0], [2.0, 3.0]), Box(lower=[0, 0, 0], upper=[1, 2, 3])]
)
def test_means_of_linear_functions_are_exact_on_a_box(box: Box, gradings: tuple[Grading, ...]) -> None:
    """a + b . x has the mean a + b . centre."""
    first = {2: lambda f: f.u_x, 3: lambda f: f.u_x}[box.n_dim]
    problem = PdeProblem(domain=box, equations=first, conditions=[Free()])
    cloud = box.cloud((5, 6, 4)[: box.n_dim], gradings)
    weights, b = mean_weights(problem, cloud), np.array([0.7, -1.3, 2.0])[: box.n_dim]
    assert weights.sum() == pytest.approx(1.0)
    assert (weights > 0).all()
    assert weights @ (3.0 + cloud.points @ b) == pytest.approx(3.0 + (box.lower + box.upper) / 2 @ b, rel=EXACT)


def test_means_of_waves_are_exact_on_a_ring() -> None:
    ring = Box(lower=np.zeros(2), upper=np.ones(2), periodic_axes=(0,))
    problem = PdeProblem(domain=ring, equations=lambda f: f.u_x, conditions=[Free()])
    cloud = ring.cloud((6, 4))
    x, y = cloud.points.T
    assert mean_weights(problem, cloud) @ (np.sin(2 * np.pi * x) + y) == pytest.approx(0.5, abs=EXACT)


def test_means_of_other_domains_count_centres_alike() -> None:
    problem = of_square(Dirichlet(0.0), domain=star_domain())
    cloud = problem.domain.cloud((16, 16))
    weights = mean_weights(problem, cloud)
    np.testing.assert_array_equal(weights[: cloud.n_inside], 1 / cloud.n_inside)
    assert not weights[cloud.n_inside :].any()


def test_a_condition_inside_the_domain_by_its_mask() -> None:
    """A mask takes points of the cloud wherever they are; named parts take boundary points alone."""
    problem = of_square(Dirichlet(0.0), Equation(lambda f: f.u_y - 1, on=lambda p: p.x == 0.5))
    held = discretize(problem, SQUARE.cloud((6, 6)), KIND, N_NEIGHBOURS)
    at = held.points[held.blocks[1].index]
    assert len(at) == 7
    np.testing.assert_allclose(at[:, 0], 0.5)
    rows = held.evaluate(2 * held.points[:, 1:], problem.rest_values())
    np.testing.assert_allclose(rows[1], 1.0, atol=EXACT)


def test_a_condition_that_covers_no_point_is_refused() -> None:
    problem = of_square(Dirichlet(0.0), Equation(lambda f: f.u_y - 1, on=lambda p: p.x == 0.123, name="probe"))
    with pytest.raises(SpecError, match=r"probe of problem 'problem' must cover a point of the cloud; got none"):
        laid(problem)
