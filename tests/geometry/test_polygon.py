"""Irregular regions: what is inside, clouds that fits can stand on, samples, and outlines that are none."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.geometry.curved_domain import CurvedDomain
from neuropinn_lava.geometry.fields.boundary_fields import RadialLevelSet
from neuropinn_lava.geometry.grading import Grading
from neuropinn_lava.geometry.plane_domain import RIM
from neuropinn_lava.geometry.polygon import PolygonDomain
from neuropinn_lava.operators.operator_kind import OperatorKind
from neuropinn_lava.operators.projection import build_operators
from neuropinn_lava.problems.solvers.lshape import distance_in_lshape, lshape_domain
from neuropinn_lava.problems.solvers.star import star_domain

EXACT = 1e-9
"""As in test_projection.py: a fit is exact on its own polynomials but for rounding times its condition."""
MONTE_CARLO = 0.05
"""Four standard errors of a share near one half from 2000 points."""

LSHAPE = lshape_domain()
STAR = star_domain()
FRAME = PolygonDomain(
    exterior=np.array([(0, 0), (0, 3), (4, 3), (4, 0)]),  # clockwise, on purpose
    holes=(np.array([(1, 1), (2, 1), (2, 2), (1, 2)]),),
)
DOMAINS = {"L-shape": LSHAPE, "frame": FRAME, "star": STAR}


@pytest.fixture(params=DOMAINS, scope="module")
def domain(request: pytest.FixtureRequest) -> PolygonDomain | CurvedDomain:
    return DOMAINS[request.param]


def test_contains_by_hand() -> None:
    points = np.array([[-0.5, 0.5], [0.5, 0.5], [0.0, 0.0], [0.5, 0.0], [1.0, -1.0], [1.001, -0.5]])
    assert LSHAPE.contains(points).tolist() == [True, False, True, True, True, False]
    assert FRAME.contains(np.array([[1.5, 1.5], [1.0, 1.5], [3.0, 1.0]])).tolist() == [False, True, True]


def test_distances_agree_with_the_longhand_one() -> None:
    points = LSHAPE.sample(500, np.random.default_rng(1))
    np.testing.assert_allclose(LSHAPE.distance_to_boundary(points), distance_in_lshape(points), atol=1e-14)


def test_samples_lie_inside_and_boundary_samples_on_the_boundary(domain: PolygonDomain | CurvedDomain) -> None:
    rng = np.random.default_rng(2)
    inside, boundary = domain.sample(300, rng), domain.sample_boundary(300, rng)
    assert (inside.shape, boundary.shape) == ((300, 2), (300, 2))
    assert domain.contains(inside).all()
    assert not domain.on_boundary(inside).any()
    assert domain.on_boundary(boundary).all()


def test_samples_are_uniform() -> None:
    """The frame's hole takes 1 of 12; of the rest, 5 of 11 lies left of x = 2. Of its edges, 4 of 18 belong to the hole."""
    rng = np.random.default_rng(3)
    assert np.mean(FRAME.sample(2000, rng)[:, 0] < 2) == pytest.approx(5 / 11, abs=MONTE_CARLO)
    boundary = FRAME.sample_boundary(2000, rng)
    on_hole = ((boundary >= 1 - 1e-9) & (boundary <= 2 + 1e-9)).all(axis=1)
    assert np.mean(on_hole) == pytest.approx(4 / 18, abs=MONTE_CARLO)


def test_clouds_keep_their_distances(domain: PolygonDomain | CurvedDomain) -> None:
    """No two points are nearer than `RIM` cells, and rim points are about one cell apart."""
    cloud = domain.cloud((20, 17))
    assert domain.contains(cloud.points).all()
    rim = cloud.cell_coordinates[cloud.n_inside :]
    assert domain.on_boundary(cloud.points[cloud.n_inside :]).all()
    nearest = cKDTree(cloud.cell_coordinates).query(cloud.cell_coordinates, k=2)[0][:, 1]
    assert (
        nearest[: cloud.n_inside].min() >= RIM - 0.02
    )  # rim points stand between the points that distances are taken to
    gaps = cKDTree(rim).query(rim, k=2)[0][:, 1]
    assert 0.6 <= gaps.min() <= gaps.max() <= 1.4


def test_cloud_of_the_l_shape_is_a_grid() -> None:
    """8 cells a side: 7 x 7 inner points of the square without the 4 x 4 of the quadrant and its edges; 32 on the rim."""
    cloud = LSHAPE.cloud((8, 8))
    assert (cloud.n_inside, cloud.n_points) == (49 - 16, 49 - 16 + 32)


def test_quartic_fits_are_exact_on_irregular_clouds(domain: PolygonDomain | CurvedDomain) -> None:
    """u = (x - 2 y)^4: u_xx = 12 (x - 2y)^2."""
    cloud = domain.cloud((24, 24))
    base = cloud.points @ np.array([1.0, -2.0])
    operators = build_operators(cloud, ("xx",), ("x", "y"), OperatorKind.QUARTIC, 28)
    exact = 12 * base[: cloud.n_inside] ** 2
    assert np.abs(operators.apply("xx", base**4) - exact).max() <= EXACT * np.abs(exact).max()


def test_factor_of_a_polygon_peaks_at_one() -> None:
    points = FRAME.sample(2000, np.random.default_rng(4))
    values = FRAME.factor().evaluate(points)
    assert (values > 0).all()
    assert values.max() == pytest.approx(1.0, abs=0.1)  # its peak is looked for on a grid of 32 x 32


@pytest.mark.parametrize(
    ("exterior", "holes", "rule"),
    [
        ([(0, 0), (1, 1), (1, 0), (0, 1)], (), "a simple polygon; got Self-intersection"),
        ([(0, 0), (1, 1), (2, 2)], (), "PolygonDomain: .*an inside|a simple polygon"),
        ([(0, 0), (1, 1)], (), "rings of 3 or more vertices"),
        ([(0, 0), (1, 0), (0, np.inf)], (), "have only finite entries"),
        ([(0, 0), (1, 0), (0, 1)], ([(2, 2), (3, 2), (2, 3)],), "a simple polygon; got Hole lies outside shell"),
    ],
)
def test_outlines_that_are_none_are_refused(exterior: list, holes: tuple, rule: str) -> None:
    with pytest.raises(SpecError, match=rule):
        PolygonDomain(
            exterior=np.array(exterior, dtype=float), holes=tuple(np.array(hole, dtype=float) for hole in holes)
        )


def test_holes_that_leave_their_star_are_refused() -> None:
    crossing = RadialLevelSet(
        centres=np.array([[0.0, 0.0], [0.9, 0.0]]),
        radii=np.ones(2),
        amplitudes=np.zeros(2),
        petals=np.ones(2, dtype=np.int64),
    )
    with pytest.raises(SpecError, match="have holes that lie inside the outline; got hole 1 with"):
        CurvedDomain(level_set=crossing)


def test_clouds_that_cannot_be_laid_are_refused() -> None:
    sliver = PolygonDomain(exterior=np.array([(0.0, 0.0), (1.0, 1.0), (1.0, 1.01)]))
    with pytest.raises(SpecError, match="put a grid point inside the region"):
        sliver.cloud((4, 4))
    with pytest.raises(SpecError, match="each 2 or more"):
        LSHAPE.cloud((1, 4))
    with pytest.raises(SpecError, match="be left out on an irregular region"):
        STAR.cloud((8, 8), (Grading(axis=0, centre=0.0, width=0.1, gain=1.0),))
