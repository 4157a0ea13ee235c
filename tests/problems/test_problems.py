"""Every problem: its closed pieces against longhand, its conditions against its reference and its ansatz, its options."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from neuropinn_lava.base.arrays import FloatArray
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.geometry.domain import Box
from neuropinn_lava.network.transforms import ansatz_relative_l2
from neuropinn_lava.problems import find_problem, list_problems
from neuropinn_lava.problems.built_in import vanishing_polynomial
from neuropinn_lava.problems.conditions import Condition, Data, Dirichlet, Mean, Periodic, Smooth
from neuropinn_lava.problems.coverage import covered, values_at
from neuropinn_lava.problems.problem import PdeProblem
from neuropinn_lava.problems.residuals import boundary_points, evaluation_points

ROUNDING = 1e-12
"""Sines and exponentials of arguments of order ten, multiplied by values of order ten."""


SLOPES = 1e-5
"""Differences of order 4 and step 1e-3, relative to the values: (m pi 1e-3)^4 / 5 for m half waves, and rounding / 1e-3."""
SOFT = {
    "poisson-mixed": {"flux"},
    "poisson-holes": {"sides", "holes"},
    "interface": {"interface"},
    "heat-robin": {"side that loses heat", "insulated side"},
    "wave": {"speed at the start"},
    "wave2d": {"speed at the start"},
    "kovasznay": {"level of p"},
    "cavity": {"level of p"},
    "burgers-inverse": {"measurements"},
    "diffusion-inverse": {"measurements"},
    "conductivity-inverse": {"measurements", "smooth q"},
}
"""Conditions that are rows of the residual; those of all other problems are built in."""
NAMES = [name for name in list_problems() if name != "elasticity3d"]
"""The plane and evolution problems; the solid has tests of its own."""


@pytest.fixture(params=NAMES, scope="module")
def problem(request: pytest.FixtureRequest) -> PdeProblem:
    return find_problem(request.param)


def test_problem_carries_its_name(problem: PdeProblem) -> None:
    assert find_problem(problem.name).name == problem.name


def on_conditions(problem: PdeProblem, points: FloatArray) -> list[tuple[Condition, FloatArray]]:
    """Give each condition of the boundary with those of the points that it covers."""
    kinds = (Periodic, Mean, Data, Smooth)
    held = [condition for condition in problem.conditions if not isinstance(condition, kinds)]
    return [(condition, points[covered(problem, condition, points)]) for condition in held]


def test_ansatz_keeps_what_is_built_in_whatever_the_network_says(problem: PdeProblem) -> None:
    soft = {condition.label for condition in problem.soft_conditions}
    assert soft == SOFT.get(problem.name, set())
    for condition, points in on_conditions(problem, boundary_points(problem, 300, seed=2)):
        assert len(points)
        wild = np.random.default_rng(3).normal(size=(len(points), problem.n_out)) * 10

        def outputs(at: FloatArray, wild: FloatArray = wild) -> FloatArray:
            return problem.ansatz.apply(at, wild)

        if condition.label not in soft:
            bound = 1e-10 if isinstance(condition, Dirichlet) else SLOPES * np.abs(wild).max()
            assert max_of_rows(problem, condition, points, outputs) <= bound


def test_reference_meets_every_condition(problem: PdeProblem) -> None:
    size = np.abs(problem.reference.evaluate(evaluation_points(problem, 500, seed=5))).max()
    for condition, points in on_conditions(problem, boundary_points(problem, 300, seed=4)):
        rounding = ROUNDING if isinstance(condition, Dirichlet) else SLOPES
        bound = size * max(problem.reference.relative_accuracy, rounding)
        assert max_of_rows(problem, condition, points, problem.reference.evaluate) <= bound


def max_of_rows(
    problem: PdeProblem, condition: Condition, points: FloatArray, evaluate: Callable[[FloatArray], FloatArray]
) -> float:
    """Give the largest row of a condition at points of the boundary, derivatives by differences into the domain."""
    given = {**values_at(problem, points), **dict(zip(problem.unknowns, evaluate(points).T, strict=True))}
    letters, names = problem.coordinates, problem.names(on_boundary=True)
    given.update(
        {f"n_{letter}": column for letter, column in zip(letters, problem.domain.normals(points).T, strict=True)}
    )
    rows = condition.rows(names, problem.unknowns)
    for derivative in problem.derivatives_in(rows):
        unknown, _, letter = derivative.partition("_")
        slope = inward_slope(problem, points, letters.index(letter), evaluate)
        given[derivative] = slope[:, problem.unknowns.index(unknown)]
    return max(float(np.abs(row.evaluate(given)).max()) for row in rows)


def inward_slope(
    problem: PdeProblem, points: FloatArray, axis: int, evaluate: Callable[[FloatArray], FloatArray]
) -> FloatArray:
    """Differentiate by one-sided differences of order 4 away from the nearer end of the axis, step 1e-3 of its length."""
    span = problem.domain.upper - problem.domain.lower
    step = 1e-3 * span[axis] * np.where(points[:, axis] - problem.domain.lower[axis] < span[axis] / 2, 1.0, -1.0)
    total = np.zeros((len(points), problem.n_out))
    for k, weight in enumerate((-25 / 12, 4.0, -3.0, 4 / 3, -1 / 4)):
        moved = points.copy()
        moved[:, axis] += k * step
        total += weight * evaluate(moved)
    return total / step[:, None]


def test_factor_of_the_ansatz_vanishes_nowhere_inside(problem: PdeProblem) -> None:
    factor = problem.ansatz.evaluate(evaluation_points(problem, 2000, seed=6))[1]
    assert (factor > 0).all()


def test_ansatz_does_not_hold_the_solution(problem: PdeProblem) -> None:
    """An ansatz of boundary data leaves an error of its own; every report shows it."""
    points = evaluation_points(problem, 2000, seed=7)
    assert ansatz_relative_l2(problem.ansatz, points, problem.reference.evaluate(points)) > 0.01


def test_evaluation_points_are_inside_repeat_and_lie_on_no_training_point(problem: PdeProblem) -> None:
    points = evaluation_points(problem, 200, seed=8)
    assert points.shape == (200, problem.n_in)
    assert problem.domain.contains(points).all()
    np.testing.assert_array_equal(points, evaluation_points(problem, 200, seed=8))
    cloud = problem.domain.cloud(problem.recipe.cloud.n_per_axis, problem.recipe.cloud.gradings)
    distances = np.linalg.norm(cloud.points[:, None, :] - points[None, :, :], axis=2)
    assert distances.min() > 0


def test_heat_reference_by_hand() -> None:
    """k = 0.5, q = 2 at x = 1/2, t = 1: u = 2 / (0.5 pi^2) * (1 - exp(-0.5 pi^2)) = 0.405285 * 0.992808 = 0.402370."""
    u = find_problem("heat", diffusivity=0.5, strength=2.0).reference.evaluate(np.array([[0.5, 1.0]]))
    assert u[0, 0] == pytest.approx(0.402370, abs=1e-6)


def test_poisson_reference_by_hand() -> None:
    """Modes 1 and 2 at (1/2, 1/4): sin(pi/2) sin(pi/2) = 1, and f = 5 pi^2."""
    problem, point = find_problem("poisson"), np.array([[0.5, 0.25]])
    assert problem.reference.evaluate(point)[0, 0] == pytest.approx(1.0)
    assert source_at(problem, point) == pytest.approx(5 * np.pi**2)


def source_at(problem: PdeProblem, point: FloatArray) -> float:
    """Give f of an equation L u - f at one point: minus the residual where all derivatives are zero."""
    nothing = dict.fromkeys(problem.derivatives, 0.0)
    return float(-problem.residuals[0].evaluate({**values_at(problem, point), **nothing})[0])


def test_vanishing_polynomial_is_scaled_and_knows_open_faces() -> None:
    d = vanishing_polynomial(Box.space_time([-1.0, 0.0], [1.0, 4.0]))
    values = d.evaluate(np.array([[0.0, 4.0], [0.0, 2.0], [0.5, 4.0], [1.0, 3.0], [0.3, 0.0]]))
    np.testing.assert_allclose(values, [1.0, 0.5, 0.75, 0.0, 0.0], atol=ROUNDING)


def test_poisson_steep_source_by_hand() -> None:
    """k = 1 at y = 1/4, x -> 0: u = 0.1 sin 2 pi x + tanh x, f = u_xx - 4 pi^2 u; at x = 1/4: tanh = 0.244919, so
    u_xx = -0.4 pi^2 - 2 * 0.244919 * 0.940015 = -4.408300 and 4 pi^2 u = 4 pi^2 * 0.344919 = 13.616840."""
    problem = find_problem("poisson-steep", steepness=1.0)
    assert source_at(problem, np.array([[0.25, 0.25]])) == pytest.approx(-4.408300 - 13.616840, abs=1e-5)


def test_strength_scales_the_solution() -> None:
    point = np.array([[-0.5, -0.4]])
    once, thrice = (find_problem("poisson-lshape", strength=f).reference.evaluate(point) for f in (1.0, 3.0))
    assert thrice == pytest.approx(3 * once)


def test_advection_carries_the_substance_along() -> None:
    """The peak lies further along the velocity than that of diffusion alone."""
    points = evaluation_points(find_problem("advection-diffusion-star"), 2000, seed=9)
    still = {"velocity_x": 0.0, "velocity_y": 0.0}
    calm, windy = (
        find_problem("advection-diffusion-star", **velocity).reference.evaluate(points) for velocity in (still, {})
    )
    along = points @ np.array([1.0, 0.5])
    assert along[windy.argmax()] > along[calm.argmax()]


def test_eikonal_reference_by_hand() -> None:
    """0.3 from the left wall; 0.5 from the corner of the notch at (-0.3, -0.4)."""
    u = find_problem("eikonal").reference.evaluate(np.array([[-0.7, 0.2], [-0.3, -0.4]]))
    np.testing.assert_allclose(u[:, 0], [0.3, 0.5])


def test_viscosity_is_a_matter_of_training() -> None:
    """The eikonal residual by hand: u_x = 0.6, u_y = 0.8, Laplacian 2, viscosity 0.1 gives 1 - 0.2 - 1."""
    values = {"u_x": 0.6, "u_y": 0.8, "u_xx": 1.5, "u_yy": 0.5, "viscosity": 0.1}
    assert find_problem("eikonal").residuals[0].evaluate(values) == pytest.approx(-0.2)
    assert find_problem("eikonal").recipe.viscosity > 0


def test_laplace_data_are_continued_from_the_edges_alone() -> None:
    """At the centre: half the sum of the four edge values less a quarter of the corner values.

    L = 0.4, R = 0.5 / 4.25, B = 0, T = 1 / 3.25; corners 0, 0, 1/2, 1/5.
    """
    data = find_problem("laplace").ansatz.offset[0].evaluate(np.array([[0.5, 0.5]]))[0]
    assert data == pytest.approx((0.4 + 0.5 / 4.25 + 0.0 + 1 / 3.25) / 2 - (0.5 + 0.2) / 4)


def test_derivatives_by_unknown_coordinates_show_the_nearest_names() -> None:
    problem = find_problem("heat")
    with pytest.raises(SpecError, match=r"name in problem 'heat' must .*got 'u_y'\. .*u_x"):
        _ = problem.names().u_y


def test_unknown_problems_show_the_nearest_names() -> None:
    with pytest.raises(SpecError, match="Did you mean poisson"):
        find_problem("poison")


def test_unknown_parameters_show_the_nearest_names() -> None:
    with pytest.raises(SpecError, match=r"parameter must .*Did you mean diffusivity"):
        find_problem("heat", diffusion=1.0)


OUT_OF_RANGE = [
    ("heat", "diffusivity", 0.0),
    ("heat", "strength", 1e9),
    ("heat", "diffusivity", float("nan")),
    ("poisson", "mode_x", 0),
    ("burgers", "viscosity", 0.001),
    ("burgers-shock", "viscosity", 1e-4),
    ("poisson-steep", "steepness", 100.0),
    ("poisson-lshape", "strength", 0.0),
    ("poisson-star", "strength", -1.0),
    ("allen-cahn", "diffusivity", 0.0),
    ("allen-cahn", "rate", 50.0),
    ("advection-diffusion-star", "diffusivity", 0.001),
    ("advection-diffusion-star", "velocity_y", 9.0),
    ("helmholtz", "wave_number", 5.0),
    ("poisson-mixed", "strength", 0.0),
    ("poisson-holes", "level", 0.0),
    ("interface", "conductivity_right", 0.0),
    ("heat-robin", "diffusivity", 0.0),
    ("heat-robin", "exchange", 50.0),
    ("advection", "speed", 50.0),
    ("wave", "speed", 0.0),
    ("wave2d", "speed", 9.0),
    ("kovasznay", "reynolds", 1.0),
    ("cavity", "reynolds", 1000.0),
    ("reaction-diffusion", "diffusivity", 1e-5),
    ("kuramoto-sivashinsky", "horizon", 9.0),
    ("burgers-family", "lowest", 0.001),
    ("burgers-family", "highest", 2.0),
    ("poisson-moving", "width", 0.01),
    ("burgers-inverse", "viscosity", 0.01),
    ("burgers-inverse", "noise", -0.1),
    ("diffusion-inverse", "noise_seed", -1),
    ("conductivity-inverse", "noise", 0.5),
]


@pytest.mark.parametrize(("name", "parameter", "value"), OUT_OF_RANGE)
def test_parameters_out_of_range_are_refused(name: str, parameter: str, value: float) -> None:
    with pytest.raises(SpecError, match=rf"make_{name.replace('-', '_')}\.{parameter} must lie in"):
        find_problem(name, **{parameter: value})


def test_broken_modes_are_refused() -> None:
    with pytest.raises(SpecError, match=r"a whole number; got 1\.5"):
        find_problem("poisson", mode_y=1.5)


def test_a_problem_carries_the_options_that_it_was_built_with():
    assert find_problem("heat").options == ()
    built = find_problem("heat", diffusivity=0.5, strength=2)
    assert {option.name: option.value for option in built.options} == {"diffusivity": 0.5, "strength": 2.0}
