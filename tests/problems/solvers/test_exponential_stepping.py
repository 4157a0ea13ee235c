"""Periodic fields against themselves on finer grids, against a closed form and against another integrator."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from neuropinn_lava.base.arrays import FloatArray
from neuropinn_lava.base.metrics import relative_l2
from neuropinn_lava.problems.solvers.exponential_stepping import RingFields, etdrk4, solve_on_ring
from neuropinn_lava.problems.solvers.kuramoto_sivashinsky import FLAME, solve_kuramoto_sivashinsky
from neuropinn_lava.problems.solvers.reaction_spectral import Pair, solve_gray_scott

N = 64
"""Points of the short checks by another integrator."""


def points_on(left: float, right: float, horizon: float) -> FloatArray:
    return np.random.default_rng(0).uniform([left, 0.0], [right, horizon], (4000, 2))


def test_steps_are_of_fourth_order() -> None:
    """v' = -v + v^2 from 1/2 has v = 1 / (1 + exp t): twice as many steps leave a sixteenth of the error."""
    errors = []
    for n_steps in (20, 40):
        step, v = etdrk4(np.array([-1.0]), 2.0 / n_steps, lambda v: v**2), np.array([0.5])
        for _ in range(n_steps):
            v = step(v)
        errors.append(abs(v[0] - 1 / (1 + np.exp(2.0))))
    assert 14 < errors[0] / errors[1] < 18


def test_a_linear_equation_is_solved_exactly_around_the_seam() -> None:
    """u_t = u_xx on a ring of 2 pi from cos x: u = exp(-t) cos x, at the seam as elsewhere; 1e-10 is the spline's."""
    x = 2 * np.pi * np.arange(N) / N
    k = np.arange(N // 2 + 1.0)
    found = solve_on_ring(x, np.cos(x)[None], -(k[None] ** 2), np.zeros_like, horizon=1.0, n_steps=80, keep_every=1)
    points = np.vstack([points_on(0.0, 2 * np.pi, 1.0), [[0.0, 0.5], [2 * np.pi, 0.5]]])
    exact = np.exp(-points[:, 1]) * np.cos(points[:, 0])
    np.testing.assert_allclose(found.evaluate(points)[:, 0], exact, atol=1e-9)


@pytest.mark.parametrize(("n_modes", "n_steps"), [(1024, 800), (512, 1600)])
def test_gray_scott_is_converged(n_modes: int, n_steps: int) -> None:
    points = points_on(-1.0, 1.0, 20.0)
    found, finer = (
        fields.evaluate(points) for fields in (solve_gray_scott(), solve_gray_scott(n_modes=n_modes, n_steps=n_steps))
    )
    assert found.shape == (4000, 2)
    assert 0 < relative_l2(found, finer) <= 1e-6


@pytest.mark.parametrize(("horizon", "bound"), [(0.5, 1e-7), (1.0, 5e-6)])
def test_kuramoto_sivashinsky_is_converged(horizon: float, bound: float) -> None:
    """Against twice as many points and steps, of fourth order: what is left beyond them is a fifteenth of the difference."""
    points = points_on(0.0, 2 * np.pi, horizon)
    found, finer = (
        fields.evaluate(points)
        for fields in (solve_kuramoto_sivashinsky(), solve_kuramoto_sivashinsky(n_modes=1024, n_steps=8000))
    )
    assert found.shape == (4000, 1)
    assert 0 < relative_l2(found, finer) <= bound


def differentiate(u: FloatArray, order: int, length: float) -> FloatArray:
    """Differentiate periodic values by Fourier series."""
    k = 2j * np.pi / length * np.arange(u.shape[-1] // 2 + 1)
    return np.fft.irfft(k**order * np.fft.rfft(u), u.shape[-1])


def test_kuramoto_sivashinsky_agrees_with_an_implicit_integrator() -> None:
    """By scipy's Radau from the equation as it is written, to t = 0.2 on 192 points: 1e-8 apart."""
    a, b, c = FLAME

    def velocity(_: float, u: FloatArray) -> FloatArray:
        first, second, fourth = (differentiate(u, order, 2 * np.pi) for order in (1, 2, 4))
        return -a * u * first - b * second - c * fourth

    x = 2 * np.pi * np.arange(192) / 192
    solved = solve_ivp(velocity, (0, 0.2), np.cos(x) * (1 + np.sin(x)), method="Radau", rtol=1e-8, atol=1e-9)
    found = solve_kuramoto_sivashinsky().evaluate(np.stack([x, np.full(192, 0.2)], axis=1))
    assert relative_l2(solved.y[:, -1:], found) <= 1e-7


def test_gray_scott_agrees_with_an_explicit_integrator() -> None:
    """By scipy's DOP853 from the equations as they are written, with more diffusion so that 64 points suffice."""
    pair = Pair(diffusivity_u=1e-3, diffusivity_v=5e-4)
    x = -1 + 2 * np.arange(N) / N

    def velocity(_: float, flat: FloatArray) -> FloatArray:
        u, v = flat.reshape(2, N)
        u_t = pair.diffusivity_u * differentiate(u, 2, 2.0) + pair.feed * (1 - u) - u * v**2
        v_t = pair.diffusivity_v * differentiate(v, 2, 2.0) - pair.removal * v + u * v**2
        return np.concatenate([u_t, v_t])

    start = np.concatenate([1 - np.exp(-80 * (x + 0.05) ** 2), np.exp(-80 * (x - 0.05) ** 2)])
    solved = solve_ivp(velocity, (0, 20), start, method="DOP853", rtol=1e-9, atol=1e-11)
    fields: RingFields = solve_gray_scott(pair)
    found = fields.evaluate(np.stack([x, np.full(N, 20.0)], axis=1))
    assert relative_l2(solved.y[:, -1].reshape(2, N).T, found) <= 1e-6
