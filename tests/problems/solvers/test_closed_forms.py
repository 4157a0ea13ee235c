"""Closed forms against their equations by differences, and against their conditions on the boundary."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.integrate import quad

from neuropinn_lava.base.arrays import FloatArray
from neuropinn_lava.problems.solvers import closed_forms
from neuropinn_lava.problems.solvers.closed_forms import (
    decaying_sine,
    diffusion_in_a_field,
    diffusion_in_a_field_source,
    helmholtz_mode,
    kovasznay_flow,
    membrane_mode,
    mixed_poisson,
    robin_heat,
    robin_neumann_heat,
    standing_wave,
    travelling_sine,
    two_materials,
)

STEP = 1e-3
"""Step of the differences, of fourth order: they leave about 1e-11 of a derivative four orders higher, and rounding."""
CLOSE = 1e-6
"""Largest residual, in units of the equation's largest term."""

Solution = Callable[[FloatArray], FloatArray]


def points_in(low: list[float], high: list[float]) -> FloatArray:
    return np.random.default_rng(0).uniform(low, high, (300, len(low)))


def first(solution: Solution, points: FloatArray, axis: int) -> FloatArray:
    """Return the first derivative along an axis, shape (n, n_out)."""
    e = STEP * np.eye(points.shape[1])[axis]
    near, far = (solution(points + k * e) - solution(points - k * e) for k in (1, 2))
    return (8 * near - far) / (12 * STEP)


def second(solution: Solution, points: FloatArray, axis: int) -> FloatArray:
    """Return the second derivative along an axis, shape (n, n_out)."""
    e = STEP * np.eye(points.shape[1])[axis]
    near, far = (solution(points + k * e) + solution(points - k * e) for k in (1, 2))
    return (16 * near - far - 30 * solution(points)) / (12 * STEP**2)


def laplacian(solution: Solution, points: FloatArray) -> FloatArray:
    return second(solution, points, 0) + second(solution, points, 1)


def assert_balanced(*terms: FloatArray) -> None:
    """Assert that terms of one shape (n, n_out) sum to nothing in units of the largest."""
    assert terms[0].ndim == 2
    assert np.abs(sum(terms)).max() <= CLOSE * max(np.abs(term).max() for term in terms)


def on(points: FloatArray, axis: int, value: float) -> FloatArray:
    """Return the points moved to a side."""
    moved = points.copy()
    moved[:, axis] = value
    return moved


def assert_zero(values: FloatArray) -> None:
    np.testing.assert_allclose(values, 0.0, atol=1e-12)


@pytest.mark.parametrize("modes", [(1, 4), (2, 3)])
def test_helmholtz(modes: tuple[int, int]) -> None:
    points = points_in([-1, -1], [1, 1])
    u = helmholtz_mode(points, modes)
    source = (1 - np.pi**2 * (modes[0] ** 2 + modes[1] ** 2)) * u
    assert_balanced(laplacian(lambda p: helmholtz_mode(p, modes), points), u, -source)
    for axis in (0, 1):
        for side in (-1.0, 1.0):
            assert_zero(helmholtz_mode(on(points, axis, side), modes))


def test_standing_wave() -> None:
    points = points_in([0, 0], [1, 1])
    assert_balanced(second(standing_wave, points, 1), -4 * second(standing_wave, points, 0))
    start, x = on(points, 1, 0.0), points[:, :1]
    np.testing.assert_allclose(standing_wave(start), np.sin(np.pi * x) + np.sin(4 * np.pi * x) / 2, atol=1e-12)
    assert_zero(first(standing_wave, start, 1))
    assert_zero(standing_wave(on(points, 0, 0.0)))
    assert_zero(standing_wave(on(points, 0, 1.0)))


def test_membrane() -> None:
    points = points_in([0, 0, 0], [1, 1, 1])

    def u(p: FloatArray) -> FloatArray:
        return membrane_mode(p, 1.5, (1, 2))

    assert_balanced(second(u, points, 2), -2.25 * laplacian(u, points))
    assert_zero(first(u, on(points, 2, 0.0), 2))
    for axis in (0, 1):
        for side in (0.0, 1.0):
            assert_zero(u(on(points, axis, side)))


@pytest.mark.parametrize(("diffusivity", "exchange", "bound"), [(1.0, 1.0, 1e-7), (0.3, 10.0, 1e-6)])
def test_heat_with_a_robin_side(diffusivity: float, exchange: float, bound: float) -> None:
    def u(p: FloatArray) -> FloatArray:
        return robin_heat(p, diffusivity, exchange)

    points = points_in([0, 0.01], [1, 1])
    assert_balanced(first(u, points, 1), -diffusivity * second(u, points, 0))
    assert_zero(u(on(points, 0, 0.0)))
    side = on(points, 0, 1.0)
    assert_balanced(first(u, side, 0), exchange * u(side))
    x, b = points[:, :1], (1 + exchange) / (3 + exchange)
    np.testing.assert_allclose(u(on(points, 1, 0.0)), x - b * x**3, atol=bound)


def test_coefficients_of_the_heat_series_are_the_integrals() -> None:
    roots, coefficients = closed_forms._robin_series(2.0)
    for m, c in zip(roots[:5], coefficients[:5], strict=True):
        overlap = quad(lambda x, m=m: (x - 0.6 * x**3) * np.sin(m * x), 0, 1)[0]
        assert c == pytest.approx(overlap / quad(lambda x, m=m: np.sin(m * x) ** 2, 0, 1)[0], rel=1e-9)


def test_heat_with_a_robin_and_a_neumann_side() -> None:
    def u(p: FloatArray) -> FloatArray:
        return robin_neumann_heat(p, 0.5, 2.0)

    points = points_in([0, 0, 0.01], [1, 1, 1])
    assert_balanced(first(u, points, 2), -0.5 * laplacian(u, points))
    assert_zero(u(on(points, 0, 0.0)))
    assert_zero(u(on(points, 1, 1.0)))
    assert_zero(first(u, on(points, 1, 0.0), 1))
    side = on(points, 0, 1.0)
    assert_balanced(first(u, side, 0), 2.0 * u(side))


def test_poisson_with_mixed_conditions() -> None:
    points = points_in([0, 0], [1, 1])
    x, y = np.pi * points.T[:, :, None]
    assert_balanced(laplacian(mixed_poisson, points), 1.25 * np.pi**2 * np.sin(x) * np.sin(y / 2))
    for axis, side in ((0, 0.0), (0, 1.0), (1, 0.0)):
        assert_zero(mixed_poisson(on(points, axis, side)))
    assert_balanced(first(mixed_poisson, on(points, 1, 1.0), 1), -np.sin(x))


def test_advection_around_the_ring() -> None:
    def u(p: FloatArray) -> FloatArray:
        return travelling_sine(p, 3.0)

    points = points_in([0, 0], [2 * np.pi, 1])
    assert_balanced(first(u, points, 1), 3.0 * first(u, points, 0))
    np.testing.assert_allclose(u(on(points, 0, 0.0)), u(on(points, 0, 2 * np.pi)), atol=1e-12)
    np.testing.assert_allclose(u(on(points, 1, 0.0)), np.sin(points[:, :1]), atol=1e-12)


def test_kovasznay() -> None:
    points = points_in([-0.5, -0.5], [1, 1.5])
    u, v, _ = kovasznay_flow(points).T[:, :, None]
    d_x, d_y = (first(kovasznay_flow, points, axis) for axis in (0, 1))
    diffusion = laplacian(kovasznay_flow, points) / 40
    assert_balanced(d_x[:, :1], d_y[:, 1:2])
    assert_balanced(u * d_x[:, :1] + v * d_y[:, :1], d_x[:, 2:], -diffusion[:, :1])
    assert_balanced(u * d_x[:, 1:2] + v * d_y[:, 1:2], d_y[:, 2:], -diffusion[:, 1:2])


@pytest.mark.parametrize("interface", [0.5, 0.3])
def test_two_materials(interface: float) -> None:
    def u(p: FloatArray) -> FloatArray:
        return two_materials(p, (1.0, 10.0), interface, 2.0)

    points = points_in([0, 0], [1, 1])
    points = points[np.abs(points[:, 0] - interface) > 3 * STEP]
    k = np.where(points[:, :1] < interface, 1.0, 10.0)
    assert_balanced(k * laplacian(u, points), 2.0 * np.sin(np.pi * points[:, 1:]))
    for axis in (0, 1):
        for side in (0.0, 1.0):
            assert_zero(u(on(points, axis, side)))
    left, right = (on(points, 0, interface + shift) for shift in (-1e-12, 1e-12))
    np.testing.assert_allclose(u(left), u(right), atol=1e-10)
    fluxes = []
    for side, conductivity in (
        (-1, 1.0),
        (1, 10.0),
    ):  # from three steps away, with the slope there: off by their square
        near = on(points, 0, interface + side * 3 * STEP)
        fluxes.append(conductivity * (first(u, near, 0) - side * 3 * STEP * second(u, near, 0)))
    np.testing.assert_allclose(fluxes[0], fluxes[1], atol=1e-4)
    assert np.abs(fluxes[0]).max() > 0.01


def test_decaying_sine() -> None:
    points = points_in([0, 0], [1, 1])

    def u(p: FloatArray) -> FloatArray:
        return decaying_sine(p, 0.2)

    assert_balanced(first(u, points, 1), -0.2 * second(u, points, 0))
    np.testing.assert_allclose(u(on(points, 1, 0.0)), np.sin(np.pi * points[:, :1]), atol=1e-12)
    assert_zero(u(on(points, 0, 1.0)))


def test_diffusion_in_a_field() -> None:
    points = points_in([0, 0], [1, 1])
    a = diffusion_in_a_field(points)[:, 1:]
    slopes = [first(diffusion_in_a_field, points, axis) for axis in (0, 1)]
    diffused = a * laplacian(diffusion_in_a_field, points)[:, :1]
    turned = sum(slope[:, :1] * slope[:, 1:] for slope in slopes)
    assert_balanced(diffused, turned, diffusion_in_a_field_source(points)[:, None])
