"""Tags and normals of every kind of domain: what lies on which part of the boundary, and where outside is."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.geometry.curved_domain import CurvedDomain
from neuropinn_lava.geometry.domain import Box, Domain
from neuropinn_lava.geometry.fields.boundary_fields import RadialLevelSet
from neuropinn_lava.geometry.plane_region import Disc
from neuropinn_lava.geometry.polygon import PolygonDomain
from neuropinn_lava.geometry.space_time import SpaceTime

UNIT = 1e-12
"""A unit vector's length is one but for a few roundings."""
STEP = 1e-4
"""Length of a step off the boundary, in units of the domains: far above `ON_FACE`, far below any detail of them."""

SQUARE = Box([0, 0], [1, 2])
EVOLUTION = Box.space_time([-1, 0, 0], [1, 1, 2])
FRAME = PolygonDomain(exterior=[(0, 0), (0, 3), (4, 3), (4, 0)], holes=([(1, 1), (2, 1), (2, 2), (1, 2)],))  # clockwise
RING = CurvedDomain(
    level_set=RadialLevelSet(
        centres=np.array([[0.0, 0.0], [0.1, 0.0]]),
        radii=np.array([1.0, 0.3]),
        amplitudes=np.array([0.2, 0.05]),
        petals=np.array([5, 3]),
    )
)
PLATE = SQUARE - Disc([0.5, 1.0], 0.25, name="hole") - Disc([1.0, 2.0], 0.5)
DOMAINS: dict[str, Domain] = {
    "square": SQUARE,
    "line": Box([0], [1]),
    "four coordinates": Box.space_time([0, 0, 0, 0], [1, 1, 2, 1]),
    "evolution": EVOLUTION,
    "frame": FRAME,
    "ring": RING,
    "disc": Disc([0.3, -0.2], 2.0, name="rim"),
    "plate": PLATE,
    "plate over time": SpaceTime(PLATE, 0.0, 3.0),
    "ring over time": SpaceTime(RING, -1.0, 1.0),
}


@pytest.fixture(params=DOMAINS, scope="module")
def domain(request: pytest.FixtureRequest) -> Domain:
    return DOMAINS[request.param]


def test_tags_of_boxes_are_their_closed_faces() -> None:
    assert SQUARE.tags == ("x_lower", "x_upper", "y_lower", "y_upper")
    assert EVOLUTION.tags == ("x_lower", "x_upper", "y_lower", "y_upper", "start")
    assert (SQUARE.has_time, EVOLUTION.has_time) == (False, True)
    assert Box.space_time([0, 0], [1, 1], periodic_axes=(0,)).tags == ("start",)
    assert Box([0] * 5, [1] * 5).tags[-4:] == ("w_lower", "w_upper", "axis5_lower", "axis5_upper")


def test_a_box_whose_last_axis_is_open_at_both_ends_has_no_time() -> None:
    unloaded = Box([0, 0], [1, 1], open_faces=((1, "lower"), (1, "upper")))
    assert (unloaded.has_time, unloaded.tags) == (False, ("x_lower", "x_upper"))


def test_tags_of_polygons_follow_the_vertices_as_given() -> None:
    sides = ("x_lower", "x_upper", "y_lower", "y_upper")
    assert FRAME.tags == ("outline", "hole_1", *sides, *(f"edge_{k}" for k in range(1, 9)))
    middles = np.array([(0, 1.5), (2, 3), (4, 1.5), (2, 0), (1.5, 1), (2, 1.5), (1.5, 2), (1, 1.5)])
    for k, expected in enumerate(np.eye(8, dtype=bool)):
        assert FRAME.on(f"edge_{k + 1}", middles).tolist() == expected.tolist()
    assert FRAME.on("hole_1", middles).tolist() == [False] * 4 + [True] * 4


def test_normals_by_hand() -> None:
    points = np.array([(0.0, 1.0), (1.0, 0.5), (0.3, 2.0), (0.0, 0.0), (0.5, 0.5)])
    nan = [math.nan, math.nan]
    np.testing.assert_array_equal(SQUARE.normals(points), [(-1, 0), (1, 0), (0, 1), nan, nan])
    points = np.array([(-1.0, 0.5, 2.0), (0.0, 0.5, 0.0), (0.0, 0.5, 2.0), (0.0, 0.0, 0.0)])
    np.testing.assert_array_equal(EVOLUTION.normals(points), [(-1, 0, 0), (0, 0, -1), [math.nan] * 3, [math.nan] * 3])
    points = np.array([(0.0, 1.0), (1.0, 1.5), (1.5, 2.0), (2.0, 2.0), (3.0, 1.0)])
    np.testing.assert_array_equal(FRAME.normals(points), [(-1, 0), (1, 0), (0, -1), nan, nan])


@pytest.mark.parametrize("name", DOMAINS)
@settings(max_examples=20)
@given(seed=st.integers(0, 2**16))
def test_normals_are_unit_vectors_that_point_outward(name: str, seed: int) -> None:
    domain = DOMAINS[name]
    points = domain.sample_boundary(20, np.random.default_rng(seed))
    normals = domain.normals(points)
    at_corner = np.isnan(normals).any(axis=1)
    assert at_corner.mean() < 0.5
    points, normals = points[~at_corner], normals[~at_corner]
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1.0, atol=UNIT)
    assert not domain.contains(points + STEP * normals).any()
    assert domain.contains(points - STEP * normals).mean() > 0.5  # not where a corner is nearer than the step


def test_tags_cover_the_boundary_and_nothing_else(domain: Domain) -> None:
    rng = np.random.default_rng(5)
    on = np.array([domain.on(tag, domain.sample_boundary(200, np.random.default_rng(6))) for tag in domain.tags])
    assert on.any(axis=0).all()
    assert on.any(axis=1).all()
    inside = domain.sample(200, rng)
    assert not any(domain.on(tag, inside).any() for tag in domain.tags)
    assert np.isnan(domain.normals(inside)).all()


def test_a_vertex_on_a_straight_line_is_no_corner() -> None:
    triangle = PolygonDomain(exterior=[(0, 0), (1, 0), (2, 0), (0, 2)])
    np.testing.assert_array_equal(triangle.normals(np.array([(1.0, 0.0)])), [(0.0, -1.0)])


def test_unknown_tags_are_refused(domain: Domain) -> None:
    with pytest.raises(SpecError, match=rf"on: tag must be one of .*{domain.tags[-1]}.*; got 'lid'"):
        domain.on("lid", domain.sample(3, np.random.default_rng(0)))


def test_a_domain_without_tags_says_so() -> None:
    circle = Box([0], [1], periodic_axes=(0,))
    with pytest.raises(SpecError, match="name a part of the boundary of a domain that has one; got 'x_lower'"):
        circle.on("x_lower", np.zeros((1, 1)))
