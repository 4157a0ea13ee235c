"""Blocks of points: cut and joined without loss."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuropinn_lava.app.stream.point_source import rejoin, slice_array
from neuropinn_lava.base.errors import SpecError


@given(st.lists(st.integers(0, 9), max_size=8), st.integers(1, 7))
def test_blocks_hold_all_points_in_order(lengths: list[int], block_size: int) -> None:
    points = np.arange(2.0 * sum(lengths)).reshape(-1, 2)
    arrays = np.split(points, np.cumsum(lengths))[: len(lengths)]
    blocks = list(rejoin(arrays, block_size, 2))
    assert np.array_equal(np.concatenate([np.zeros((0, 2)), *blocks]), points)
    assert all(len(block) == block_size for block in blocks[:-1])
    assert all(0 < len(block) <= block_size for block in blocks)


def test_a_mapped_file_is_read_block_by_block(tmp_path: Path) -> None:
    points = np.random.default_rng(0).random((10, 3))
    np.save(tmp_path / "points.npy", points)
    blocks = list(slice_array(np.load(tmp_path / "points.npy", mmap_mode="r"), size=4))
    assert [len(block) for block in blocks] == [4, 4, 2]
    assert not any(isinstance(block, np.memmap) for block in blocks)
    assert np.array_equal(np.concatenate(blocks), points)


def test_arrays_before_a_bad_one_are_handed_on() -> None:
    blocks = rejoin(iter([np.ones((5, 2)), np.zeros((2, 3))]), 5, 2)
    assert len(next(blocks)) == 5
    with pytest.raises(SpecError, match=r"block of points from number 5 on must have the shape \(n, 2\)"):
        next(blocks)


def test_a_block_holds_at_least_one_point() -> None:
    with pytest.raises(SpecError, match="block_size must be at least 1; got 0"):
        next(rejoin([np.zeros((1, 2))], 0, 2))
