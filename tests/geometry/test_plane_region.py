"""Regions combined by shapely: areas, arcs that stay round, names that stay with their parts, clouds, and what is refused."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.geometry.curved_domain import CurvedDomain
from neuropinn_lava.geometry.domain import Box
from neuropinn_lava.geometry.edges import N_CIRCLE, SAGITTA
from neuropinn_lava.geometry.fields.boundary_fields import RadialLevelSet
from neuropinn_lava.geometry.plane_region import Disc, PlaneRegion
from neuropinn_lava.geometry.polygon import PolygonDomain
from neuropinn_lava.operators.operator_kind import OperatorKind
from neuropinn_lava.operators.projection import build_operators
from neuropinn_lava.problems.solvers.star import star_domain

EXACT = 1e-12
"""Coordinates of order one pass through a few roundings and a Newton step."""
INSCRIBED = 1 - np.sinc(2 / N_CIRCLE)
"""Share of a disc's area outside its chords: 1 - sin(2a) / (2a), a = pi / N."""
FITTED = 1e-7
"""As `ONE_SIDED` of test_projection.py."""

SQUARE = Box([0, 0], [1, 1])
HOLE = Disc([0.5, 0.5], 0.2, name="hole")


def test_areas_and_tags_of_a_square_with_a_hole() -> None:
    region = SQUARE - HOLE
    assert isinstance(region, PlaneRegion)
    assert region.area == pytest.approx(1 - np.pi * 0.04 * (1 - INSCRIBED), rel=EXACT)
    assert region.tags == ("outline", "hole_1", "x_lower", "x_upper", "y_lower", "y_upper", "hole")
    assert region.contains(np.array([[0.5, 0.5], [0.5, 0.7], [0.1, 0.1], [1.1, 0.5]])).tolist() == [
        False,
        True,
        True,
        False,
    ]


def test_straight_regions_are_polygons_without_idle_vertices() -> None:
    """Two boxes side by side and one on top: the vertex between the first two lies on a line."""
    region = SQUARE + Box([1, 0], [2, 1]) + Box([0, 1], [1, 2])
    assert isinstance(region, PolygonDomain)
    assert {tuple(corner) for corner in region.exterior} == {(0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2)}
    assert (region & Box([0, 0], [1, 1])).area == pytest.approx(1.0, rel=EXACT)


def test_holes_of_one_name_share_their_tag_and_are_numbered_from_the_left() -> None:
    region = SQUARE - Disc([0.75, 0.5], 0.1, name="rods") - Disc([0.25, 0.5], 0.1, name="rods")
    left, right = np.array([[0.35, 0.5]]), np.array([[0.65, 0.5]])
    assert (region.on("hole_1", left).all(), region.on("hole_1", right).any()) == (True, False)
    assert region.on("rods", np.concatenate([left, right])).all()


def test_a_name_covers_the_whole_boundary_of_its_part() -> None:
    region = SQUARE - Box([0.25, 0.25], [0.75, 0.75]).named("core")
    np.testing.assert_array_equal(
        region.on("core", np.array([[0.25, 0.5], [0.5, 0.75], [0.0, 0.5]])), [True, True, False]
    )
    np.testing.assert_array_equal(region.normals(np.array([[0.25, 0.5]])), [[1.0, 0.0]])


def test_a_circle_through_a_corner_and_one_that_ends_on_a_side_leave_their_boxes_whole() -> None:
    """3-4-5: (0.6, 1.2) is 0.5 from (0.9, 0.8). A disc at (1.4, 0.6) of radius 0.2 reaches x = 1.6 in the middle of a side."""
    through = Box([0.6, 0.2], [1.4, 1.2]) + Disc([0.9, 0.8], 0.5)
    corner = np.array([[0.6, 1.2]])
    assert np.linalg.norm(through.rings[0] - corner, axis=1).min() <= EXACT
    ends_on = Box([1.0, 0.5], [1.6, 0.7]) + Disc([1.4, 0.6], 0.2)
    assert ends_on.contains(np.array([[1.6, 0.5], [1.6, 0.7]])).all()
    straight = Box([0.4, 0.7], [0.8, 1.2]) + Box([0.8, 0.5], [1.4, 1.1]) - Box([0.1, 0.7], [0.8, 1.2])
    assert np.linalg.norm(straight.edges().ends - straight.edges().starts, axis=1).min() > EXACT


def test_where_a_circle_cuts_a_side_both_parts_have_the_corner() -> None:
    """A circle of radius 1/2 about (1, 0.1) cuts y = 0 at x = 1 - sqrt(1/4 - 0.01)."""
    region = SQUARE - Disc([1.0, 0.1], 0.5, name="bite")
    corner = np.array([[1 - np.sqrt(0.24), 0.0]])
    assert region.on("bite", corner).all()
    assert region.on("y_lower", corner).all()
    assert np.isnan(region.normals(corner)).all()
    nearest = np.linalg.norm(region.rings[0] - corner, axis=1).min()
    assert nearest <= EXACT


@pytest.mark.parametrize("region", [SQUARE - HOLE, SQUARE + Disc([1, 0.5], 0.3), SQUARE & Disc([0, 0], 0.8), HOLE])
def test_points_and_normals_of_arcs_are_those_of_the_circle(region: PlaneRegion | Disc) -> None:
    *centre, radius = region.edges().circles[np.argmax(region.edges().circles[:, 2])]
    cloud = region.cloud((20, 20))
    points = np.concatenate([cloud.points[cloud.n_inside :], region.sample_boundary(200, np.random.default_rng(1))])
    assert region.on_boundary(points).all()
    normals = region.normals(points)
    offsets = points - centre
    on_arc = (np.abs(np.linalg.norm(offsets, axis=1) - radius) <= EXACT) & ~np.isnan(normals).any(axis=1)
    assert on_arc.sum() >= 20
    np.testing.assert_allclose(np.abs((normals * offsets / radius).sum(axis=1)[on_arc]), 1.0, atol=EXACT)
    near_chord = (np.abs(np.linalg.norm(offsets, axis=1) - radius) <= 2 * SAGITTA * radius) & (
        np.abs(np.linalg.norm(offsets, axis=1) - radius) > EXACT
    )
    assert near_chord.sum() <= 1  # no point stands on a chord beside its arc, but by chance


@settings(max_examples=40)
@example(x=0.6, y=0.0, radius=0.4, low=0.1, seed=0)  # an arc that goes on as a side
@given(
    x=st.floats(0.0, 1.0),
    y=st.floats(0.0, 1.0),
    radius=st.floats(0.05, 0.4),
    low=st.floats(0.05, 0.45),
    seed=st.integers(0, 99),
)
def test_areas_add_up_and_samples_are_where_they_should_be(
    x: float, y: float, radius: float, low: float, seed: int
) -> None:
    """|a + b| + |a & b| = |a| + |b|; |a - b| = |a| - |a & b|: for a disc that touches a square, the chords being the same."""
    disc, rng = Disc([x, y], radius), np.random.default_rng(seed)
    a = SQUARE + Box([low, low], [1.2, 0.5])
    union, shared = a + disc, a & disc
    assert union.area + shared.area == pytest.approx(a.area + disc.area, rel=10 * SAGITTA)
    for region in (union, shared):
        assert region.contains(region.sample(50, rng)).all()
        assert region.on_boundary(region.sample_boundary(50, rng)).all()
        assert region.area == pytest.approx(region.polygon().area)


def test_quartic_fits_on_a_plate_with_four_holes_reach_the_boundary() -> None:
    region = SQUARE
    for x in (0.25, 0.75):
        for y in (0.25, 0.75):
            region = region - Disc([x, y], 0.1)
    cloud = region.cloud((30, 30))
    base = 1 + cloud.points @ np.array([1.0, -2.0])
    operators = build_operators(cloud.everywhere, ("x", "yy"), ("x", "y"), OperatorKind.QUARTIC, 28)
    assert np.abs(operators.apply("x", base**4) - 4 * base**3).max() <= FITTED * np.abs(4 * base**3).max()
    assert np.abs(operators.apply("yy", base**4) - 48 * base**2).max() <= FITTED * np.abs(48 * base**2).max()


def test_regions_survive_pickling() -> None:
    region = SQUARE - HOLE
    again = pickle.loads(pickle.dumps(region))
    np.testing.assert_array_equal(again.cloud((8, 8)).points, region.cloud((8, 8)).points)
    assert again.tags == region.tags


@pytest.mark.parametrize(
    ("build", "rule"),
    [
        (lambda: SQUARE - Box([-1, -1], [2, 2]), r"Box - Box must be one connected region; got 0 pieces"),
        (lambda: SQUARE + Box([3, 3], [4, 4]), r"Box \+ Box must be one connected region; got 2 pieces"),
        (lambda: SQUARE - Disc([0.3, 0.5], 0.2) - Disc([0.7, 0.5], 0.2), r"touches itself at \[0\.5 0\.5\]"),
        (lambda: SQUARE & Disc([3, 3], 1), r"Box & Disc must be one connected region; got 0 pieces"),
        (lambda: Box([0] * 3, [1] * 3) - HOLE, "be made of closed boxes in the plane.*; got a Box in 3 coordinates"),
        (lambda: Box.space_time([0, 0], [1, 1]) - HOLE, "be made of closed boxes in the plane"),
        (lambda: SQUARE - star_domain(), "be made of closed boxes in the plane.*; got a CurvedDomain"),
        (lambda: Disc([0, 0], 1, name="start"), r"Disc\.name must be a word .* other than `start`; got 'start'"),
        (lambda: SQUARE.named("the lid"), r"named: name must be a word .*; got 'the lid'"),
        (lambda: Disc([0, 0], -1), r"Disc\.radius must lie in"),
        (lambda: Disc([0, 0, 0], 1), r"Disc\.centre must have the shape"),
    ],
)
def test_what_is_no_plane_region_is_refused(build: Callable[[], object], rule: str) -> None:
    with pytest.raises(SpecError, match=rule):
        build()


FIELDS = {
    "disc": HOLE,
    "square with two holes": SQUARE - Disc([0.25, 0.5], 0.1) - Disc([0.7, 0.6], 0.15),
    "annulus": Disc([1.0, 2.0], 1.0) - Disc([1.2, 2.0], 0.3),
    "triangle with a hole": PolygonDomain(exterior=[(0, 0), (0, 3), (4, 0)]) - Disc([1, 1], 0.5),
    "L-shape": SQUARE - Box([0.5, 0.5], [1, 1]),
    "star": star_domain(),
}


@pytest.mark.parametrize("name", FIELDS)
def test_vanishing_fields_are_zero_on_the_boundary_and_positive_inside(name: str) -> None:
    domain, rng = FIELDS[name], np.random.default_rng(6)
    field = domain.vanishing_field()
    assert np.abs(field.evaluate(domain.sample_boundary(200, rng))).max() <= 1e-8  # the L-shape's joins end as a root
    inside = field.evaluate(domain.cloud((24, 24)).centres)
    assert inside.min() > 0
    if name != "star":  # whose scale is its own
        assert inside.max() == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize(
    "domain",
    [
        SQUARE - Disc([1, 1], 0.3),
        SQUARE - Box([0.2, 0.2], [0.4, 0.4]) - Disc([0.7, 0.7], 0.1),
        SQUARE - Box([0.5, 0.5], [1, 1]) - Disc([0.2, 0.2], 0.1),
        CurvedDomain(
            level_set=RadialLevelSet(
                centres=np.zeros((1, 2)), radii=np.ones(1), amplitudes=np.zeros(1), petals=np.ones(1, dtype=np.int64)
            )
        ),
    ],
)
def test_where_no_vanishing_field_is_known_there_is_none(domain: PlaneRegion | CurvedDomain) -> None:
    assert domain.vanishing_field() is None
