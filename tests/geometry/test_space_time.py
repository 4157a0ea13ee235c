"""Regions over time: the clouds are those of boxes in space and time, walls and start carry conditions, the end does not."""

from __future__ import annotations

import math

import numpy as np
import pytest

from neuropinn_lava.base.arrays import FloatArray
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.geometry.domain import Box
from neuropinn_lava.geometry.grading import Grading
from neuropinn_lava.geometry.plane_region import Disc
from neuropinn_lava.geometry.space_time import SpaceTime

SQUARE = Box([0, 0], [1, 2])
PLATE = SpaceTime(SQUARE - Disc([0.5, 1.0], 0.25, name="hole"), 0.0, 2.0)


def sorted_rows(points: FloatArray) -> FloatArray:
    return points[np.lexsort(points.T)]


@pytest.mark.parametrize(
    "gradings",
    [(), (Grading(axis=0, centre=0.5, width=0.1, gain=2.0), Grading(axis=2, centre=0.0, width=0.1, gain=2.0))],
)
def test_a_box_over_time_has_the_cloud_of_the_box_in_space_and_time(gradings: tuple[Grading, ...]) -> None:
    extended, box = SpaceTime(SQUARE, -1.0, 1.0), Box.space_time([0, 0, -1], [1, 2, 1])
    ours, theirs = extended.cloud((4, 5, 3), gradings), box.cloud((4, 5, 3), gradings)
    assert ours.n_inside == theirs.n_inside
    for part in (slice(None, ours.n_inside), slice(ours.n_inside, None)):
        np.testing.assert_array_equal(sorted_rows(ours.points[part]), sorted_rows(theirs.points[part]))
        np.testing.assert_array_equal(
            sorted_rows(ours.cell_coordinates[part]), sorted_rows(theirs.cell_coordinates[part])
        )
    assert (extended.tags, extended.has_time) == (box.tags, True)
    np.testing.assert_array_equal(extended.normals(ours.points), box.normals(ours.points))


def test_periodic_axes_stay_periodic() -> None:
    cloud = SpaceTime(Box([0, 0], [1, 1], periodic_axes=(0,)), 0.0, 1.0).cloud((4, 4, 2))
    assert (cloud.periods.tolist(), cloud.cell_periods.tolist()) == ([1.0, 0.0, 0.0], [4.0, 0.0, 0.0])


def test_a_plate_over_time_by_hand() -> None:
    points = np.array(
        [(0.75, 1.0, 1.0), (0.75, 1.0, 0.0), (0.9, 1.0, 0.0), (0.9, 1.0, 2.0), (0.75, 1.0, 2.0), (0.75, 1.0, 2.1)]
    )
    assert PLATE.on("hole", points).tolist() == [True, True, False, False, True, False]
    assert PLATE.on("start", points).tolist() == [False, True, True, False, False, False]
    assert PLATE.contains(points).tolist() == [True] * 5 + [False]
    nan = [math.nan] * 3
    np.testing.assert_allclose(PLATE.normals(points), [(-1, 0, 0), nan, (0, 0, -1), nan, (-1, 0, 0), nan], atol=1e-12)


def test_clouds_of_a_plate_over_time() -> None:
    space, cloud = PLATE.region.cloud((8, 16)), PLATE.cloud((8, 16, 4))
    assert (cloud.n_points, cloud.n_inside) == (5 * space.n_points, 4 * space.n_inside)
    boundary = cloud.points[cloud.n_inside :]
    assert (PLATE.on("outline", boundary) | PLATE.on("hole_1", boundary) | PLATE.on("start", boundary)).all()
    assert PLATE.contains(cloud.points).all()
    samples = PLATE.sample_boundary(90, np.random.default_rng(0))
    assert (len(samples), PLATE.on("start", samples).sum()) == (90, 30)


def test_what_cannot_be_extended_is_refused() -> None:
    with pytest.raises(SpecError, match=r"SpaceTime\.region must have no time of its own; got SpaceTime"):
        SpaceTime(PLATE, 0.0, 1.0)
    with pytest.raises(SpecError, match=r"SpaceTime\.end must lie after start; got start 1\.0, end 1\.0"):
        SpaceTime(SQUARE, 1.0, 1.0)
    with pytest.raises(SpecError, match="start and end must have only finite entries"):
        SpaceTime(SQUARE, 0.0, math.inf)
    with pytest.raises(SpecError, match=r"n_per_axis must be 3 numbers of cells, each 2 or more; got \(4, 4\)"):
        PLATE.cloud((4, 4))
    with pytest.raises(SpecError, match="be left out on an irregular region"):
        PLATE.cloud((8, 8, 4), (Grading(axis=1, centre=0.0, width=0.1, gain=1.0),))
