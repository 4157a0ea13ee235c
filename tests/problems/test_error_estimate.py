"""Errors estimated without a reference: a Newton correction finds a known perturbation, and the true error of networks."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from neuropinn_lava.app.lookup.networks import find_network
from neuropinn_lava.base.metrics import relative_l2
from neuropinn_lava.engine.reference import run_float
from neuropinn_lava.geometry.domain import Box
from neuropinn_lava.operators.operator_kind import OperatorKind
from neuropinn_lava.problems import find_problem
from neuropinn_lava.problems.conditions import Condition, Data, Dirichlet, Equation, Free, Initial, Mean, Neumann
from neuropinn_lava.problems.discretization import Discretization, discretize
from neuropinn_lava.problems.error_estimate import can_estimate, estimate_error, newton_correction, row_scales
from neuropinn_lava.problems.problem import PdeProblem
from neuropinn_lava.problems.residuals import measure_residual, residual_cloud

SQUARE = Box(lower=np.zeros(2), upper=np.ones(2))
SOLVER = 1e-9
"""Relative: one sparse factorisation of a Laplacian of 1000 points in float64."""
LEAST_SQUARES = 1e-5
"""Relative: lsmr stops at residuals of 1e-9, times the condition of the rows."""
TRUNCATION = 2e-3
"""Relative to the solution: quartic operators on 22 cells; a bump of 2 % must be found to a tenth of it."""


def of_square(*conditions: Condition, **changes: Any) -> PdeProblem:
    held = {"domain": SQUARE, "equations": lambda f: f.u_xx + f.u_yy, "conditions": conditions}
    return PdeProblem(**{**held, **changes})


def laid(
    problem: PdeProblem, n: int = 22, kind: OperatorKind = OperatorKind.QUARTIC, n_near: int = 24
) -> Discretization:
    return discretize(problem, problem.domain.cloud((n, n)), kind, n_near)


def quadratic(points: np.ndarray) -> np.ndarray:
    """x^2 - y^2 + x y, harmonic, and exact for every operator."""
    x, y = points.T
    return (x**2 - y**2 + x * y)[:, None]


DATA = Dirichlet(lambda p: p.x**2 - p.y**2 + p.x * p.y)


def bump(points: np.ndarray) -> np.ndarray:
    x, y = points.T
    return (0.02 * np.sin(np.pi * x) * np.sin(2 * np.pi * y))[:, None]


def test_a_linear_problem_gives_the_perturbation_back() -> None:
    """As many rows as free values: one factorisation, and an estimate that is exact."""
    held = laid(of_square(DATA))
    exact, off = quadratic(held.points), bump(held.points)
    found = estimate_error(held, exact + off)
    np.testing.assert_allclose(found.error, -off, atol=SOLVER)
    weighted = np.linalg.norm(off) / np.linalg.norm(exact)
    assert found.relative_l2 == pytest.approx(
        weighted, rel=0.1
    )  # trapezoidal weights at the walls, where bumps are zero
    assert found.by_unknown == pytest.approx((found.relative_l2,), rel=1e-14)  # two orders of one sum
    assert estimate_error(held, exact).relative_l2 <= SOLVER


def test_values_that_the_ansatz_fixes_stay() -> None:
    held = laid(of_square(DATA))
    off = 0.0 * bump(held.points) + 0.1  # wrong on the walls as well, where no correction may help
    delta = newton_correction(held, quadratic(held.points) + off)
    on = SQUARE.on_boundary(held.points)
    assert not delta[on].any()
    np.testing.assert_allclose(delta[~on], 0.0, atol=SOLVER)  # a constant is harmonic: walls at 0.1 too keep it so


@pytest.mark.parametrize(
    "conditions",
    [
        (Dirichlet(DATA.value, hard=False),),
        (Dirichlet(DATA.value, on=("x_lower", "y_lower", "y_upper")), Neumann(lambda p: 2 * p.x + p.y, on="x_upper")),
        (
            Dirichlet(DATA.value, on=("x_lower", "y_lower"), hard=False),
            Neumann(lambda p: p.n_x * (2 * p.x + p.y) + p.n_y * (p.x - 2 * p.y), on=("x_upper", "y_upper")),
        ),
        (Equation(lambda f: (f.u_x - 2 * f.x - f.y, f.u_y - f.x + 2 * f.y)), Mean(0.25)),
        (Dirichlet(DATA.value), Data([[0.3, 0.4], [0.8, 0.1]], [0.09 - 0.16 + 0.12, 0.64 - 0.01 + 0.08])),
    ],
)
def test_soft_rows_give_it_back_too(conditions: tuple[Condition, ...]) -> None:
    """As many rows as values, or more: soft walls, fluxes, a mean and data, all of the exact solution, whose mean is 1/4."""
    problem = of_square(*conditions)
    assert problem.soft_conditions
    held = laid(problem, 12, OperatorKind.QUADRATIC, 12)
    exact, off = quadratic(held.points), bump(held.points)
    delta = newton_correction(held, exact + off)
    np.testing.assert_allclose(delta, -off, atol=LEAST_SQUARES)


def burgers_like() -> tuple[PdeProblem, Any]:
    """u_t + u u_x = 0.1 u_xx + s with the solution u = exp(-t) sin(pi x) and the source s that belongs to it."""
    box = Box.space_time([0.0, 0.0], [1.0, 1.0])

    def source(f: Any) -> Any:
        u = np.exp(-f.t) * np.sin(np.pi * f.x)
        return -u + u * np.pi * np.exp(-f.t) * np.cos(np.pi * f.x) + 0.1 * np.pi**2 * u

    problem = PdeProblem(
        domain=box,
        equations=lambda f: f.u_t + f.u * f.u_x - 0.1 * f.u_xx - source(f),
        conditions=[Initial(lambda p: np.sin(np.pi * p.x)), Dirichlet(0.0, on=("x_lower", "x_upper"))],
    )
    return problem, lambda points: (np.exp(-points[:, 1]) * np.sin(np.pi * points[:, 0]))[:, None]


def test_a_nonlinear_evolution_gives_the_perturbation_back_to_first_order() -> None:
    """Newton leaves the square of the perturbation, 4e-4 of the bump's slope, and the truncation."""
    problem, solution = burgers_like()
    held = laid(problem)
    x, t = held.points.T
    exact, off = solution(held.points), (0.02 * np.sin(np.pi * x) * t * (2 - t))[:, None]
    floor = estimate_error(held, exact).relative_l2
    assert floor <= TRUNCATION
    found = estimate_error(held, exact + off)
    assert relative_l2(-found.error, off) <= 0.1
    assert found.relative_l2 == pytest.approx(relative_l2(exact + off, exact), rel=0.1)


def test_unknowns_have_errors_of_their_own() -> None:
    """v is off by 10 % of itself, u is right; the equations do not couple them."""
    problem = of_square(
        Dirichlet(0.0),
        unknowns="u v",
        equations=lambda f: (f.u_xx + f.u_yy + 2 * f.one, f.v_xx + f.v_yy + 2 * f.one),
        fields={"one": lambda points: points[:, 0] * (1 - points[:, 0]) + points[:, 1] * (1 - points[:, 1])},
    )
    held = laid(problem)
    x, y = held.points.T
    u = (x * (1 - x) * y * (1 - y))[:, None]  # u_xx + u_yy = -2 y (1 - y) - 2 x (1 - x)
    found = estimate_error(held, np.concatenate([u, 1.1 * u], axis=1))
    assert found.by_unknown[0] <= SOLVER
    assert found.by_unknown[1] == pytest.approx(0.1, rel=1e-6)
    assert found.relative_l2 == pytest.approx(0.1 / 2**0.5, rel=1e-6)


@pytest.mark.parametrize("name", ["poisson", "heat"])
def test_the_estimate_of_a_shipped_network_is_its_true_error_within_a_factor_of_two(name: str) -> None:
    problem, network = find_problem(name), find_network(name)
    measuring = residual_cloud(problem)
    u = run_float(network, measuring.points).outputs
    true = relative_l2(u, problem.reference.evaluate(measuring.points))
    estimated = estimate_error(measuring, u).relative_l2
    assert 0.5 <= estimated / true <= 2.0
    assert measure_residual(problem, lambda x: run_float(network, x).outputs).estimate.relative_l2 == pytest.approx(
        estimated
    )


def test_systems_that_are_not_estimated() -> None:
    assert can_estimate(laid(of_square(DATA)))
    assert not can_estimate(laid(of_square(Free(), equations=lambda f: 0.0 * f.u + 0.0), 4))
    large = dataclasses.replace(laid(of_square(DATA), 4), points=np.zeros((60_001, 2)))
    assert not can_estimate(large)
    assert not can_estimate(residual_cloud(find_problem("elasticity3d")))


def test_scales_are_the_largest_terms_at_the_solution() -> None:
    """u = sin(pi x) sin(2 pi y) / (5 pi^2): terms u_xx, u_yy and the source, whose root mean square 1/2 is the largest."""
    source = lambda f: np.sin(np.pi * f.x) * np.sin(2 * np.pi * f.y)  # noqa: E731
    problem = of_square(Dirichlet(0.0), equations=lambda f: f.u_xx + f.u_yy + source(f))
    held = laid(problem)
    inside = held.points[: held.cloud.n_inside]
    expected = np.sqrt(np.mean((np.sin(np.pi * inside[:, 0]) * np.sin(2 * np.pi * inside[:, 1])) ** 2))
    (scale,) = row_scales(held)
    assert scale.tolist() == pytest.approx([expected], rel=1e-6)
    (own,) = row_scales(laid(dataclasses.replace(problem, residual_scale=7.0)))
    assert own.tolist() == [7.0]


def test_scales_of_conditions_are_those_of_their_terms() -> None:
    """u = 3 x: du/dn = 3 on the right; what vanishes, as du/dn below and above, counts as |u| / (1/2)^order."""
    problem = of_square(
        Dirichlet(0.0, on="x_lower"), Neumann(3.0, on="x_upper"), Neumann(0.0, on=("y_lower", "y_upper"))
    )
    held = laid(problem, 8, OperatorKind.QUADRATIC, 10)
    scales = row_scales(held)
    assert scales[1].tolist() == pytest.approx([3.0], rel=1e-4)
    start = problem.ansatz.apply(held.points, np.zeros((held.n_points, 1)))
    size = np.sqrt(np.mean((start + newton_correction(held, start)) ** 2))
    assert scales[2].tolist() == pytest.approx([size / 0.5], rel=1e-4)
    assert (scales[0] > 0).all()


@pytest.mark.slow
def test_a_problem_without_a_reference_is_measured() -> None:
    problem = of_square(Dirichlet(0.0, on="x_lower"), Neumann(1.0, on="x_upper", name="flux"), Free())
    report = measure_residual(problem, lambda points: points[:, :1])
    assert report.reference_residual_rms is None
    assert dict(report.condition_rms)["flux"] <= 1e-6
    assert report.boundary_rms == pytest.approx(0.0, abs=1e-12)
    off = measure_residual(problem, lambda points: 1.5 * points[:, :1])
    assert dict(off.condition_rms)["flux"] == pytest.approx(0.5, rel=0.01)


@pytest.mark.parametrize(
    "conditions",
    [
        (Dirichlet(0.0, on="x_lower"), Neumann(0.0, on=("x_upper", "y_lower", "y_upper"))),
        (Neumann(0.0),),
        (Dirichlet(0.0, on="x_lower"), Neumann(0.0, on=("x_upper", "y_lower")), Neumann(0.0, on="y_upper")),
    ],
)
def test_corners_between_two_fluxes_are_determined(conditions: tuple[Condition, ...]) -> None:
    """A wave of mean zero added to u = 0 comes back whole, also where its corners have two rows and no value."""
    held = laid(of_square(*conditions, equations=lambda f: f.u_xx + f.u_yy), 12)
    x, y = held.points.T
    off = 0.02 * (np.sin(np.pi * x) * np.sin(2 * np.pi * y))[:, None]
    np.testing.assert_allclose(estimate_error(held, off).error, -off, rtol=0, atol=1e-9)


def channel() -> PdeProblem:
    """u = 4 y (1 - y) between two walls, p = 8 (1/2 - x): a pressure whose mean is zero."""
    return PdeProblem(
        domain=SQUARE,
        unknowns="u p",
        equations=lambda f: (f.u_xx + f.u_yy - f.p_x, f.u_x, f.p_y),
        conditions=(
            Dirichlet(lambda p: 4 * p.y * (1 - p.y), unknown="u"),
            Free(),
        ),
    )


def test_a_mean_of_zero_is_measured_by_the_size_of_its_unknown() -> None:
    """The root mean square of p: the mean itself is zero, and rounding divided by rounding hid every other row."""
    held = laid(channel(), 12)
    assert held.blocks[-1].label == "level of p"
    p = 8 * (0.5 - held.points[:, 0])
    assert row_scales(held)[-1].item() == pytest.approx(np.sqrt(np.mean(p**2)), rel=LEAST_SQUARES)


def test_a_constant_of_a_pressure_is_no_error() -> None:
    held = laid(channel(), 12)
    x, y = held.points.T
    off = np.stack([4 * y * (1 - y), 8 * (0.5 - x) + 3.0], axis=1)
    assert estimate_error(held, off).relative_l2 <= LEAST_SQUARES
