"""Boxes: what is inside, what is boundary, which faces carry no condition, and the clouds laid in them."""

from __future__ import annotations

import numpy as np
import pytest

from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.geometry.domain import Box, Cloud, End, Face
from neuropinn_lava.geometry.grading import Grading, graded_nodes

ROUNDING = 1e-12
"""Coordinates of order one pass through a logarithm and two hyperbolic sines: some hundred roundings of 1e-16."""

SQUARE = Box(lower=np.zeros(2), upper=np.ones(2))
EVOLUTION = Box.space_time([-1.0, 0.0], [1.0, 2.0])


def test_contains_counts_the_boundary_and_not_the_outside() -> None:
    points = np.array([[0.5, 0.5], [0.0, 1.0], [1.0 + 1e-6, 0.5], [0.5, -0.1]])
    assert SQUARE.contains(points).tolist() == [True, True, False, False]


def test_final_time_is_open() -> None:
    assert EVOLUTION.closed_faces == (Face(0, End.LOWER), Face(0, End.UPPER), Face(1, End.LOWER))
    points = np.array([[0.0, 2.0], [0.0, 0.0], [1.0, 2.0], [0.3, 1.0]])
    assert EVOLUTION.on_boundary(points).tolist() == [False, True, True, False]


def test_cloud_of_a_square_is_a_grid_with_its_rim() -> None:
    cloud = SQUARE.cloud((4, 3))
    assert (cloud.n_points, cloud.n_inside) == (5 * 4, 3 * 2)
    assert not SQUARE.on_boundary(cloud.centres).any()
    assert SQUARE.on_boundary(cloud.points[cloud.n_inside :]).all()
    np.testing.assert_allclose(cloud.cell_coordinates, cloud.points * [4, 3], rtol=0, atol=ROUNDING)


def test_cloud_of_an_evolution_has_centres_at_final_time() -> None:
    cloud = EVOLUTION.cloud((4, 5))
    assert cloud.n_inside == 3 * 5
    assert (cloud.centres[:, 1] == 2.0).sum() == 3


def test_cloud_of_a_periodic_axis_leaves_out_the_repeated_face() -> None:
    cloud = Box.space_time([-1.0, 0.0], [1.0, 1.0], periodic_axes=(0,)).cloud((4, 2))
    assert sorted(set(cloud.points[:, 0])) == [-1.0, -0.5, 0.0, 0.5]
    assert cloud.n_inside == 4 * 2  # only initial time is closed
    assert cloud.periods.tolist() == [2.0, 0.0]
    assert cloud.cell_periods.tolist() == [4.0, 0.0]


def test_boxes_of_three_dimensions() -> None:
    cube = Box(lower=np.zeros(3), upper=np.array([1.0, 2.0, 3.0]))
    cloud = cube.cloud((3, 4, 5))
    assert (cloud.n_points, cloud.n_inside) == (4 * 5 * 6, 2 * 3 * 4)


def test_samples_lie_where_they_should_and_repeat() -> None:
    inside = EVOLUTION.sample(500, np.random.default_rng(1))
    assert inside.shape == (500, 2)
    assert EVOLUTION.contains(inside).all()
    boundary = EVOLUTION.sample_boundary(100, np.random.default_rng(1))
    assert len(boundary) == 102  # three closed faces, 34 points each
    assert EVOLUTION.on_boundary(boundary).all()
    np.testing.assert_array_equal(boundary, EVOLUTION.sample_boundary(100, np.random.default_rng(1)))


def test_a_box_without_closed_faces_has_no_boundary_to_sample() -> None:
    ring = Box(lower=np.zeros(1), upper=np.ones(1), periodic_axes=(0,))
    assert ring.sample_boundary(10, np.random.default_rng(0)).shape == (0, 1)


@pytest.mark.parametrize("centre", [-1.0, -0.3, 0.0, 1.0])
def test_graded_lines_keep_the_ends_and_are_densest_at_the_centre(centre: float) -> None:
    lines = graded_nodes(np.linspace(-1.0, 1.0, 41), [Grading(axis=0, centre=centre, width=0.05, gain=9.0)])
    assert (lines[0], lines[-1]) == (-1.0, 1.0)
    widths = np.diff(lines)
    assert (widths > 0).all()
    narrowest = np.argmin(widths)
    assert lines[narrowest] - ROUNDING <= centre <= lines[narrowest + 1] + ROUNDING


def test_density_of_graded_lines_is_the_promised_one() -> None:
    """Two centres of gain 4 and width 0.01 far apart: density 5 at each, 1.013 between them: 2 * 4 * (0.01 / 0.25)^2."""
    gradings = [Grading(axis=0, centre=centre, width=0.01, gain=4.0) for centre in (0.25, 0.75)]
    lines = graded_nodes(np.linspace(0.0, 1.0, 4001), gradings)
    at_centre, between = (np.diff(lines)[np.searchsorted(lines, x)] for x in (0.25, 0.5))
    assert between / at_centre == pytest.approx(5.0 / 1.013, rel=0.01)


@pytest.mark.parametrize("gain", [0.1, 1000.0])
def test_graded_lines_satisfy_their_equation(gain: float) -> None:
    """N(x) = x + gain w atan((x - c) / w) grows by the same amount from line to line."""
    c, w = 0.3, 0.002
    lines = graded_nodes(np.linspace(0.0, 1.0, 11), [Grading(axis=0, centre=c, width=w, gain=gain)])
    steps = np.diff(lines + gain * w * np.arctan((lines - c) / w))
    np.testing.assert_allclose(steps, steps[0], rtol=1e-9)


def test_graded_cloud_keeps_uniform_cell_coordinates() -> None:
    cloud = SQUARE.cloud((4, 4), (Grading(axis=0, centre=0.5, width=0.1, gain=3.0),))
    assert set(cloud.cell_coordinates[:, 0]) == {0.0, 1.0, 2.0, 3.0, 4.0}


def test_clouds_hold_read_only_copies() -> None:
    with pytest.raises(ValueError, match="read-only"):
        SQUARE.cloud((3, 3)).points[0, 0] = 7.0


@pytest.mark.parametrize(
    ("lower", "upper", "rule"),
    [
        ([0.0, 0.0], [1.0, 0.0], "lie above lower"),
        ([0.0], [1.0, 1.0], "as lower"),
        ([0.0, np.nan], [1.0, 1.0], "have only finite entries"),
    ],
)
def test_boxes_without_an_inside_are_refused(lower: list[float], upper: list[float], rule: str) -> None:
    with pytest.raises(SpecError, match=rule):
        Box(lower=np.array(lower), upper=np.array(upper))


def test_faces_of_axes_that_are_not_there_are_refused() -> None:
    with pytest.raises(SpecError, match="axes below 2"):
        Box(lower=np.zeros(2), upper=np.ones(2), periodic_axes=(2,))


@pytest.mark.parametrize("n_per_axis", [(4,), (4, 1), ()])
def test_clouds_of_too_few_cells_are_refused(n_per_axis: tuple[int, ...]) -> None:
    with pytest.raises(SpecError, match="each 2 or more"):
        SQUARE.cloud(n_per_axis)


def test_gradings_that_do_not_fit_are_refused() -> None:
    with pytest.raises(SpecError, match="gradings of axes below 2; got 2"):
        SQUARE.cloud((4, 4), (Grading(axis=2, centre=0.5, width=0.1, gain=1.0),))
    with pytest.raises(SpecError, match=r"Grading\.width must lie in"):
        Grading(axis=0, centre=0.5, width=0.0, gain=1.0)
    with pytest.raises(SpecError, match=r"Grading\.gain must lie in"):
        Grading(axis=0, centre=0.5, width=0.1, gain=-1.0)


def test_clouds_without_an_inside_are_refused() -> None:
    with pytest.raises(SpecError, match="lie between 1 and 3; got 0"):
        Cloud.scattered(np.eye(3), n_inside=0)


def test_relative_distance_runs_from_its_face() -> None:
    field = Box(lower=np.zeros(2), upper=np.array([1.0, 5.0])).relative_distance(Face(1, End.UPPER))
    np.testing.assert_allclose(field.evaluate(np.array([[0.0, 5.0], [0.7, 2.5], [1.0, 0.0]])), [0.0, 0.5, 1.0])
