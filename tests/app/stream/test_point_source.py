"""Blocks of points: cut and joined without loss."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import builders
from neuropinn_lava.app.stream.point_source import rejoin, slice_array
from neuropinn_lava.base.errors import SpecError

NETWORK = builders.random_spec(0)
"""A network of two coordinates."""


@given(st.lists(st.integers(0, 9), max_size=8), st.integers(1, 7))
def test_blocks_hold_all_points_in_order(lengths: list[int], block_size: int) -> None:
    points = np.arange(2.0 * sum(lengths)).reshape(-1, 2)
    arrays = np.split(points, np.cumsum(lengths))[: len(lengths)]
    blocks = list(rejoin(arrays, block_size, NETWORK))
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
    blocks = rejoin(iter([np.ones((5, 2)), np.zeros((2, 3))]), 5, NETWORK)
    assert len(next(blocks)) == 5
    with pytest.raises(SpecError, match=r"block of points from number 5 on must have the shape \(n, 2\)"):
        next(blocks)


def test_sequences_of_one_stream_have_one_length() -> None:
    network = builders.random_graph(4, n_inputs=1, n_steps=None)
    arrays = [builders.random_points(network, 3), builders.random_points(network, 3)[:, :4]]
    assert [block.shape[:2] for block in rejoin(arrays[:1] * 2, 4, network)] == [(4, 6), (2, 6)]
    with pytest.raises(SpecError, match="sequences from number 3 on must have 6 steps, as those before; got 4"):
        next(rejoin(arrays, 4, network))


def test_a_block_holds_at_least_one_point() -> None:
    with pytest.raises(SpecError, match="block_size must be at least 1; got 0"):
        next(rejoin([np.zeros((1, 2))], 0, NETWORK))
