"""Fields that vanish on a boundary: signs, zeros and powers, for polygons of any shape and for curves."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
import torch

from neuropinn_lava.base.arrays import FloatArray
from neuropinn_lava.base.elementwise import conjunction, disjunction
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.geometry.fields.boundary_fields import PolygonFactor, RadialLevelSet, is_convex

ON_EDGE = 1e-12
"""Distances on an edge are sums of products of coordinates of order one."""
FLOAT32 = 1e-5
"""Relative difference of float32 and float64 after some twenty operations at 6e-8 each, with cancellation near edges."""

LSHAPE = np.array([(-1, -1), (1, -1), (1, 0), (0, 0), (0, 1), (-1, 1)], dtype=np.float64)
SQUARE = np.array([(-2, -2), (2, -2), (2, 2), (-2, 2)], dtype=np.float64)
STAR = RadialLevelSet(
    centres=np.array([[0.0, 0.0], [0.1, 0.05]]),
    radii=np.array([0.75, 0.25]),
    amplitudes=np.array([0.2, 0.0]),
    petals=np.array([5, 1]),
)


def factor(*rings: FloatArray, corner_exponent: float = 1.0) -> PolygonFactor:
    sizes = np.array([len(ring) for ring in rings])
    return PolygonFactor(vertices=np.concatenate(rings), ring_sizes=sizes, corner_exponent=corner_exponent)


def random_polygon(rng: np.random.Generator) -> FloatArray:
    """A simple polygon of 3 to 13 corners, counterclockwise: points in order of their angle about their mean."""
    while True:
        points = rng.uniform(-1, 1, (int(rng.integers(3, 14)), 2))
        x, y = (points - points.mean(axis=0)).T
        ring = points[np.argsort(np.arctan2(y, x))]
        polygon = shapely.Polygon(ring)
        if polygon.is_valid:
            return ring if shapely.is_ccw(polygon.exterior) else ring[::-1]


@pytest.mark.parametrize("seed", range(40))
def test_polygon_factor_is_positive_inside_alone_and_zero_on_edges(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ring = random_polygon(rng)
    points = rng.uniform(-1.5, 1.5, (2000, 2))
    inside = shapely.contains_xy(shapely.Polygon(ring), points[:, 0], points[:, 1])
    np.testing.assert_array_equal(factor(ring).evaluate(points) > 0, inside)
    np.testing.assert_array_equal(factor(SQUARE, ring[::-1]).evaluate(points) > 0, ~inside)  # as a hole
    share = rng.uniform(size=(len(ring), 1))
    on_edges = share * ring + (1 - share) * np.roll(ring, -1, axis=0)
    assert np.abs(factor(ring).evaluate(on_edges)).max() <= ON_EDGE


def test_square_factor_by_hand() -> None:
    """(2 + x)(2 - x)(2 + y)(2 - y) at (1, 0): 3 * 1 * 2 * 2."""
    assert factor(SQUARE).evaluate(np.array([[1.0, 0.0]]))[0] == pytest.approx(12.0)


@pytest.mark.parametrize("exponent", [1.0, 2 / 3])
def test_factor_falls_into_a_re_entrant_corner_with_its_exponent(exponent: float) -> None:
    """Along the bisector of the corner at 0, d(r) / d(r / 2) tends to 2^q."""
    bisector = -np.array([[1.0, 1.0]]) / np.sqrt(2)
    d = factor(LSHAPE, corner_exponent=exponent)
    ratio = d.evaluate(1e-6 * bisector) / d.evaluate(0.5e-6 * bisector)
    assert ratio[0] == pytest.approx(2**exponent, rel=1e-5)


def test_corner_factor_is_the_first_singular_function() -> None:
    """r^(2/3) cos(2 a / 3) with a from the bisector is harmonic: its mean over a small circle is its value at the centre."""
    angles = np.arange(64) * (2 * np.pi / 64)
    circle = np.array([-0.3, 0.2]) + 0.1 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    mean = disjunction(-circle[:, 0], -circle[:, 1], 2 / 3).mean()
    assert mean == pytest.approx(disjunction(np.array([0.3]), np.array([-0.2]), 2 / 3)[0], rel=1e-12)


@pytest.mark.parametrize(("p", "q"), [(2.0, 3.0), (-2.0, 3.0), (2.0, -3.0), (-2.0, -3.0)])
def test_joints_have_the_signs_of_and_and_or(p: float, q: float) -> None:
    one, other = np.array([p]), np.array([q])
    assert (conjunction(one, other)[0] > 0) == (p > 0 and q > 0)
    assert (disjunction(one, other, 0.7)[0] > 0) == (p > 0 or q > 0)


def test_disjunction_is_continuous_where_the_angle_jumps() -> None:
    """Behind the corner, on either side of p = q < 0."""
    sides = disjunction(np.array([-1.0, -1.0]), np.array([-1.0 - 1e-9, -1.0 + 1e-9]), 1.0)
    assert sides[0] == pytest.approx(sides[1], abs=1e-8)


def test_convexity_of_the_corners_of_the_l_shape() -> None:
    assert [is_convex(LSHAPE, index) for index in range(6)] == [True, True, True, False, True, True]


def test_level_set_is_zero_on_its_curves_and_positive_between() -> None:
    angles = np.linspace(0, 6, 50)
    for curve in range(2):
        assert np.abs(STAR.evaluate(STAR.curve_points(curve, angles))).max() <= ON_EDGE
    values = STAR.evaluate(np.array([[0.6, 0.0], [0.1, 0.05], [0.9499, 0.0], [0.9501, 0.0], [-0.6, 0.0]]))
    assert (values > 0).tolist() == [True, False, True, False, False]


def test_level_of_a_star_by_hand() -> None:
    """At angle pi / 5 the star ends at 0.75 - 0.2: half way there 0.275 is left."""
    point = 0.275 * np.array([[np.cos(np.pi / 5), np.sin(np.pi / 5)]])
    assert STAR.level(0, point)[0] == pytest.approx(0.275)


@pytest.mark.parametrize("field", [factor(LSHAPE, corner_exponent=2 / 3), STAR], ids=["polygon", "star"])
def test_tensors_give_the_same_values_and_have_gradients(field: PolygonFactor | RadialLevelSet) -> None:
    points = np.random.default_rng(1).uniform(-0.9, -0.05, (50, 2))
    tensor = torch.tensor(points, requires_grad=True)
    values = field.evaluate(tensor)
    np.testing.assert_allclose(values.detach().numpy(), field.evaluate(points), rtol=1e-13, atol=1e-15)
    values.sum().backward()
    assert torch.isfinite(tensor.grad).all()
    single = field.evaluate(torch.tensor(points, dtype=torch.float32))
    assert single.dtype == torch.float32
    np.testing.assert_allclose(single.numpy(), field.evaluate(points), rtol=FLOAT32, atol=FLOAT32)


def test_broken_polygons_are_refused() -> None:
    with pytest.raises(SpecError, match="rings of 3 or more vertices, 6 in all; got"):
        PolygonFactor(vertices=LSHAPE, ring_sizes=np.array([4, 2]))
    with pytest.raises(SpecError, match=r"\(n_vertices, 2\)"):
        PolygonFactor(vertices=np.zeros(4), ring_sizes=np.array([4]))
    with pytest.raises(SpecError, match="have neighbouring vertices that differ; got vertex 0"):
        PolygonFactor(vertices=np.array([[0, 0], [0, 0], [1, 1]]), ring_sizes=np.array([3]))
    with pytest.raises(SpecError, match="corner_exponent must lie in"):
        factor(LSHAPE, corner_exponent=1.5)
    with pytest.raises(SpecError, match="number of vertices must lie in"):
        factor(np.random.default_rng(0).normal(size=(300, 2)))


def test_broken_level_sets_are_refused() -> None:
    circle = {
        "centres": np.zeros((1, 2)),
        "radii": np.ones(1),
        "amplitudes": np.zeros(1),
        "petals": np.ones(1, dtype=np.int64),
    }
    with pytest.raises(SpecError, match=r"be above \|amplitudes\|"):
        RadialLevelSet(**{**circle, "amplitudes": np.ones(1)})
    with pytest.raises(SpecError, match="petals must lie in"):
        RadialLevelSet(**{**circle, "petals": np.zeros(1, dtype=np.int64)})
    with pytest.raises(SpecError, match=r"\(n_curves, 2\)"):
        RadialLevelSet(**{**circle, "centres": np.zeros((2, 2))})
    with pytest.raises(SpecError, match="scale must lie in"):
        RadialLevelSet(**circle, scale=0.0)
