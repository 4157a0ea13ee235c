"""Flow in the lid-driven cavity against published figures, against itself and against the equations by differences."""

from __future__ import annotations

import numpy as np
import pytest

from neuropinn_lava.base.arrays import FloatArray
from neuropinn_lava.base.errors import SimulationError
from neuropinn_lava.base.metrics import relative_l2
from neuropinn_lava.problems.solvers.cavity import PARABOLIC_LID, PLAIN_LID, corner_fields, solve_cavity
from neuropinn_lava.problems.solvers.corner_flow import corner_field

GHIA_U = {
    0.0547: -0.03717, 0.0625: -0.04192, 0.0703: -0.04775, 0.1016: -0.06434, 0.1719: -0.10150, 0.2813: -0.15662,
    0.4531: -0.21090, 0.5000: -0.20581, 0.6172: -0.13641, 0.7344: 0.00332, 0.8516: 0.23151, 0.9531: 0.68717,
    0.9609: 0.73722, 0.9688: 0.78871, 0.9766: 0.84123, 1.0000: 1.00000,
}  # fmt: skip
"""u at x = 1/2 against y. Source: Ghia, Ghia and Shin, J. Comput. Phys. 48 (1982) 387, table I, Re = 100."""
GHIA_V = {
    0.0625: 0.09233, 0.0703: 0.10091, 0.0781: 0.10890, 0.0938: 0.12317, 0.1563: 0.16077, 0.2266: 0.17507, 0.2344: 0.17527,
    0.5000: 0.05454, 0.8047: -0.24533, 0.8594: -0.22445, 0.9063: -0.16914, 0.9453: -0.10313, 0.9531: -0.08864,
    0.9609: -0.07391, 0.9688: -0.05906, 1.0000: 0.00000,
}  # fmt: skip
"""v at y = 1/2 against x. Source: the same, table II."""
GHIA_ACCURACY = 1e-2
"""Error of the table, which is of second order on 129 points: its extrema are 0.003 to 0.008 below the spectral ones."""


def centre_line(along: FloatArray, axis: int, lid: tuple[float, ...] = PLAIN_LID) -> FloatArray:
    """Return v along y = 1/2 (axis 0) or u along x = 1/2 (axis 1)."""
    points = np.full((len(along), 2), 0.5)
    points[:, axis] = along
    return solve_cavity(lid).evaluate(points)[:, 1 - axis]


@pytest.mark.slow
def test_the_table_of_ghia_is_met() -> None:
    for table, axis in ((GHIA_V, 0), (GHIA_U, 1)):
        found = centre_line(np.array(list(table)), axis)
        np.testing.assert_allclose(found, list(table.values()), atol=GHIA_ACCURACY)


def test_the_extrema_of_a_spectral_solution_are_met() -> None:
    """Botella and Peyret, Computers and Fluids 27 (1998) 421, Re = 100: -0.2140424 at y = 0.4581, 0.1795728, -0.2538030."""
    line = np.linspace(0, 1, 10001)
    u, v = centre_line(line, 1), centre_line(line, 0)
    np.testing.assert_allclose([u.min(), v.max(), v.min()], [-0.2140424, 0.1795728, -0.2538030], atol=2e-6)
    np.testing.assert_allclose(line[[u.argmin(), v.argmax(), v.argmin()]], [0.4581, 0.2370, 0.8104], atol=2e-4)


def away_from_the_upper_corners() -> FloatArray:
    """Return 2000 points at least 0.1 away from the walls and from the upper corners."""
    return np.random.default_rng(0).uniform(0.1, 0.9, (2000, 2))


@pytest.mark.parametrize(("lid", "velocity"), [(PLAIN_LID, 2e-4), (PARABOLIC_LID, 1e-6)])
@pytest.mark.slow
def test_the_flow_is_converged(lid: tuple[float, ...], velocity: float) -> None:
    """With degree 32, whose own error is twice that of the default and more."""
    points = np.random.default_rng(1).uniform(0, 1, (4000, 2))
    found, coarse = solve_cavity(lid).evaluate(points), solve_cavity(lid, degree=32).evaluate(points)
    assert 0 < relative_l2(coarse[:, :2], found[:, :2]) <= velocity
    if lid == PARABOLIC_LID:
        assert relative_l2(coarse[:, 2:], found[:, 2:]) <= 3e-5
    inner = away_from_the_upper_corners()
    difference = solve_cavity(lid, degree=32).evaluate(inner) - solve_cavity(lid).evaluate(inner)
    assert np.abs(difference[:, 2]).max() <= 4e-3


@pytest.mark.parametrize("lid", [PLAIN_LID, PARABOLIC_LID])
def test_the_walls_have_their_velocities(lid: tuple[float, ...]) -> None:
    s = np.linspace(0.001, 0.999, 300)
    low, high = np.zeros(300), np.ones(300)
    flow = solve_cavity(lid)
    for wall in ((low, s), (high, s), (s, low)):
        np.testing.assert_allclose(flow.evaluate(np.stack(wall, axis=1))[:, :2], 0.0, atol=1e-9)
    moving = flow.evaluate(np.stack([s, high], axis=1))
    np.testing.assert_allclose(moving[:, 0], np.polynomial.Polynomial(lid)(s), atol=1e-9)
    np.testing.assert_allclose(moving[:, 1], 0.0, atol=1e-9)
    assert flow.evaluate(np.zeros((1, 2)))[0, 2] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(("lid", "bound"), [(PLAIN_LID, 2e-2), (PARABOLIC_LID, 1e-3)])
def test_the_equations_hold_by_differences(lid: tuple[float, ...], bound: float) -> None:
    """By central differences of order 2, h = 1e-3, in units of the largest term, away from the corners."""
    points, h, nu = away_from_the_upper_corners(), 1e-3, 0.01
    flow = solve_cavity(lid)
    w, e, s, n = (flow.evaluate(points + h * np.array(step)) for step in ([-1, 0], [1, 0], [0, -1], [0, 1]))
    here = flow.evaluate(points)
    u, v, _ = here.T
    d_x, d_y = (e - w) / (2 * h), (n - s) / (2 * h)
    laplacian = (e + w + n + s - 4 * here) / h**2
    assert np.abs(d_x[:, 0] + d_y[:, 1]).max() <= 1e-3
    for unknown, slope in ((0, d_x), (1, d_y)):
        carried = u * d_x[:, unknown] + v * d_y[:, unknown]
        assert np.abs(carried + slope[:, 2] - nu * laplacian[:, unknown]).max() <= bound * np.abs(carried).max()


@pytest.mark.parametrize("lid", [(1.0,), (0.0, 1.0), (1.0, -2.0, 0.5, 3.0)])
def test_the_flow_in_a_corner_is_slow_flow(lid: tuple[float, ...]) -> None:
    """Conditions on both walls, and each derivative against a difference of the one before it."""
    s, still, h = np.linspace(0.01, 1, 50), np.zeros(50), 1e-5
    on_lid, on_wall = corner_field(s, still, lid), corner_field(still, -s, lid)
    np.testing.assert_allclose(on_lid.y, np.polynomial.Polynomial(lid)(s), atol=1e-12)
    for part in (on_lid.value, on_lid.x, on_wall.value, on_wall.x, on_wall.y):
        np.testing.assert_allclose(part, 0.0, atol=1e-12)
    x, y = np.random.default_rng(2).uniform([0.1, -1], [1, -0.1], (50, 2)).T
    here = corner_field(x, y, lid)
    right, left, up, down = (corner_field(x + a * h, y + b * h, lid) for a, b in ((1, 0), (-1, 0), (0, 1), (0, -1)))
    for name, along_x, along_y in (("value", here.x, here.y), ("x", here.xx, here.xy), ("y", here.xy, here.yy)):
        np.testing.assert_allclose((getattr(right, name) - getattr(left, name)) / (2 * h), along_x, atol=1e-7)
        np.testing.assert_allclose((getattr(up, name) - getattr(down, name)) / (2 * h), along_y, atol=1e-7)
    q_right, q_left, q_up, q_down = (field.xx + field.yy for field in (right, left, up, down))
    np.testing.assert_allclose((q_right - q_left) / (2 * h), here.laplacian_x, atol=1e-5)
    np.testing.assert_allclose((q_up - q_down) / (2 * h), here.laplacian_y, atol=1e-5)
    np.testing.assert_allclose((right.conjugate - left.conjugate) / (2 * h), here.laplacian_y, atol=1e-5)
    np.testing.assert_allclose((up.conjugate - down.conjugate) / (2 * h), -here.laplacian_x, atol=1e-5)


def test_the_corners_are_mirror_images_and_finite() -> None:
    x, y = np.random.default_rng(3).uniform(0, 1, (50, 2)).T
    field, image = corner_fields(x, y, PARABOLIC_LID), corner_fields(1 - x, y, PARABOLIC_LID).mirrored()
    for part, other in zip(field, image, strict=True):
        np.testing.assert_allclose(part, other, rtol=1e-10, atol=1e-12)
    assert np.isfinite(solve_cavity().evaluate(np.array([[0.0, 1.0], [1.0, 1.0]]))).all()


def test_a_reynolds_number_beyond_newtons_reach_is_refused() -> None:
    with pytest.raises(SimulationError, match=r"solve_cavity must converge .* number of 100000\. "):
        solve_cavity(PLAIN_LID, 1e5, 16)
