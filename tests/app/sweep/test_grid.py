"""What a sweep varies: combinations, names, and wrong values."""

from __future__ import annotations

import pytest

from neuropinn_lava.app.sweep.grid import SweepGrid, SweepPoint
from neuropinn_lava.base.errors import SpecError


def test_a_grid_is_every_combination_and_trainings_stand_together():
    grid = SweepGrid(weight_bits=(4, 8), payload_bits=(8, 12, 16), theta=(0.02, 0.05), n_steps=(1, 2))
    assert len(grid.points) == len(set(grid.points)) == 2 * 3 * 2 * 2
    trainings = [(point.n_steps, point.theta) for point in grid.points]
    assert [trainings[k] for k in range(0, 24, 6)] == [(1, 0.02), (1, 0.05), (2, 0.02), (2, 0.05)]


def test_points_are_named_by_what_is_varied():
    assert SweepPoint(weight_bits=8, payload_bits=12).name == "w8 p12"
    point = SweepPoint(weight_bits=(8, 6, 4), payload_bits=12, theta=0.02, n_steps=2, activity=0.1)
    assert point.name == "w8-6-4 p12 T2 theta 0.02 activity 0.1"
    assert point.training_name == "T2 theta 0.02 activity 0.1"
    assert SweepPoint(weight_bits=8, payload_bits=12).training_name == "the problem's own recipe"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"weight_bits": ()}, r"SweepGrid\.weight_bits must hold at least one value; got none"),
        ({"weight_bits": (1,)}, r"SweepGrid\.weight_bits must lie in \[2, 16\]; got 1"),
        ({"weight_bits": (8, 17)}, r"SweepGrid\.weight_bits must lie in \[2, 16\]; got 17"),
        ({"payload_bits": (25,)}, r"SweepGrid\.payload_bits must lie in \[2, 24\]; got 25"),
        ({"payload_bits": (8.5,)}, r"SweepGrid\.payload_bits must be a whole number; got 8\.5"),
        ({"payload_bits": (8, 8)}, r"SweepGrid\.payload_bits must hold each value once; got \[8, 8\]"),
        ({"theta": (-0.1,)}, r"SweepGrid\.theta must lie in \[0, 1000\]; got -0\.1"),
        ({"theta": (float("nan"),)}, r"SweepGrid\.theta must have only finite entries"),
        ({"theta": ()}, r"SweepGrid\.theta must hold at least one value"),
        ({"n_steps": (0,)}, r"SweepGrid\.n_steps must lie in \[1, 4096\]; got 0"),
        ({"activity": (1.5,)}, r"SweepGrid\.activity must lie in \[0, 1\]; got 1\.5"),
    ],
)
def test_wrong_values_are_refused(fields, message):
    with pytest.raises(SpecError, match=message):
        SweepGrid(**fields)


def test_all_wrong_values_are_told_at_once():
    with pytest.raises(SpecError) as raised:
        SweepGrid(weight_bits=(40,), payload_bits=(), theta=(-1.0,))
    assert len(raised.value.violations) == 3
