"""Grids: what their axes set, how many points they have, and where the largest error lies."""

from __future__ import annotations

import numpy as np
import pytest

from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.hardware_sim.fields.field_grid import (
    FINEST,
    MOST_VALUES,
    N_SLICES,
    AxisRole,
    FieldGrid,
    GridAxis,
    evaluate_inside,
    grid_points,
    region_axes,
)

UNIT = (np.zeros(4), np.ones(4))


def axes_of(names: str, *, has_time: bool = False, sliders: tuple[GridAxis, ...] = (), n_out: int = 1):
    low, high = (corner[: len(names)] for corner in UNIT)
    return region_axes(tuple(names), low, high, has_time, sliders, n_out)


def test_points_of_a_grid_in_the_order_of_its_axes_with_all_columns_of_a_function() -> None:
    line = GridAxis(name="x", role=AxisRole.SPACE, columns=np.array([[0.0], [1.0]]))
    function = GridAxis(
        name="f", role=AxisRole.PARAMETER, columns=np.array([[2.0, 3.0], [4.0, 5.0]]), labels=("a", "b")
    )
    expected = [[0, 2, 3], [0, 4, 5], [1, 2, 3], [1, 4, 5]]
    assert grid_points((line, function)).tolist() == expected
    assert function.values.tolist() == [1.0, 2.0]
    assert (line.label(1), function.label(1)) == ("x = 1", "b")


def test_values_outside_the_domain_are_nan_and_are_not_asked_for() -> None:
    axes = axes_of("xy")
    points = grid_points(axes)
    inside = points.sum(axis=1) <= 1.0
    asked: list[np.ndarray] = []

    def evaluate(some: np.ndarray) -> np.ndarray:
        asked.append(some)
        return some[:, :1]

    values = evaluate_inside(axes, inside, evaluate, 1)
    assert values.shape == (axes[0].n, axes[1].n, 1)
    assert (asked[0].sum(axis=1) <= 1.0).all()
    assert np.array_equal(np.isnan(values).ravel(), ~inside)
    assert np.array_equal(values.ravel()[inside], points[inside, 0])


@pytest.mark.parametrize("n_out", [1, 3, 8])
@pytest.mark.parametrize(
    ("names", "has_time"), [("xy", False), ("xt", True), ("xyz", False), ("xyt", True), ("xyzt", True)]
)
def test_a_grid_is_as_fine_as_a_page_may_be_large(names: str, has_time: bool, n_out: int) -> None:
    axes = axes_of(names, has_time=has_time, n_out=n_out)
    n_points = np.prod([axis.n for axis in axes])
    assert MOST_VALUES / 3 < 3 * n_out * n_points <= MOST_VALUES or axes[0].n == FINEST
    assert [axis.role is AxisRole.TIME for axis in axes] == [False] * (len(names) - has_time) + [True] * has_time
    if names == "xyt":
        assert axes[2].n == N_SLICES[0]
    if names == "xyz":
        assert axes[0].n == axes[1].n == axes[2].n


def test_points_are_in_proportion_to_the_extents_of_a_plane_but_not_of_time() -> None:
    low, high = np.zeros(2), np.array([4.0, 1.0])
    plane = region_axes(("x", "y"), low, high, False, (), 1)
    assert plane[0].n == pytest.approx(4 * plane[1].n, rel=0.03)
    evolution = region_axes(("x", "t"), low, high, True, (), 1)
    assert evolution[0].n == evolution[1].n


def test_the_worst_point_is_that_of_the_true_error_before_the_estimated_one() -> None:
    axes = tuple(GridAxis(name=n, role=AxisRole.SPACE, columns=np.arange(3.0)[:, None]) for n in "xy")
    zero = np.zeros((3, 3, 1))
    zero[0, 0] = np.nan
    at = [zero.copy() for _ in range(3)]
    at[0][0, 1], at[1][1, 2], at[2][2, 2] = -1.0, 1.0, 2.0
    fields = FieldGrid(axes=axes, unknowns=("u",), float_outputs=zero, deployed_outputs=at[0])
    assert fields.worst(0) == (0, 1)
    fields = FieldGrid(axes=axes, unknowns=("u",), float_outputs=zero, deployed_outputs=at[0], estimated_error=at[1])
    assert fields.worst(0) == (1, 2)
    fields = FieldGrid(
        axes=axes,
        unknowns=("u",),
        float_outputs=zero,
        deployed_outputs=zero,
        reference_outputs=-at[2],
        estimated_error=at[1],
    )
    assert fields.worst(0) == (2, 2)
    assert fields.error is not None
    assert fields.error[2, 2] == 2.0


def test_values_of_another_shape_are_refused() -> None:
    axes = axes_of("xy")
    with pytest.raises(SpecError, match="deployed_outputs"):
        FieldGrid(
            axes=axes,
            unknowns=("u",),
            float_outputs=np.zeros((axes[0].n, axes[1].n, 1)),
            deployed_outputs=np.zeros((2, 2, 1)),
        )
