"""Blocks of points: cut and joined without loss, with the bytes of a single run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import builders
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.engine.trace import joined_traces
from neuropinn_lava.hardware_sim.lava.simulate import simulate_on_lava
from neuropinn_lava.hardware_sim.lava.streaming import rejoined, slices


@given(st.lists(st.integers(0, 9), max_size=8), st.integers(1, 7))
def test_blocks_hold_all_points_in_order(lengths: list[int], block_size: int) -> None:
    points = np.arange(2.0 * sum(lengths)).reshape(-1, 2)
    arrays = np.split(points, np.cumsum(lengths))[: len(lengths)]
    blocks = list(rejoined(arrays, block_size, 2))
    assert np.array_equal(np.concatenate([np.zeros((0, 2)), *blocks]), points)
    assert all(len(block) == block_size for block in blocks[:-1])
    assert all(0 < len(block) <= block_size for block in blocks)


def test_a_mapped_file_is_read_block_by_block(tmp_path: Path) -> None:
    points = np.random.default_rng(0).random((10, 3))
    np.save(tmp_path / "points.npy", points)
    blocks = list(slices(np.load(tmp_path / "points.npy", mmap_mode="r"), 4))
    assert [len(block) for block in blocks] == [4, 4, 2]
    assert not any(isinstance(block, np.memmap) for block in blocks)
    assert np.array_equal(np.concatenate(blocks), points)


@pytest.mark.lava
def test_a_stream_gives_the_bytes_of_one_run() -> None:
    network = builders.random_quantized(1)
    points = builders.random_points(network, 100)
    traces = [simulate_on_lava(network, block) for block in rejoined(slices(points, 17), 40, network.n_in)]
    assert [trace.n_samples for trace in traces] == [40, 40, 20]
    joined, single = joined_traces(traces), simulate_on_lava(network, points)
    assert joined.outputs.tobytes() == single.outputs.tobytes()
    for blocks, whole in zip(joined.layers, single.layers, strict=True):
        assert np.array_equal(blocks.events, whole.events)


def test_blocks_before_a_bad_one_are_handed_on() -> None:
    network = builders.random_quantized(1)

    def points() -> Any:
        yield builders.random_points(network, 5)
        yield np.zeros((2, 3))

    blocks = rejoined(points(), 5, network.n_in)
    assert len(next(blocks)) == 5
    with pytest.raises(SpecError, match=r"block of points from number 5 on must have the shape \(n, 2\)"):
        next(blocks)


def test_a_block_holds_at_least_one_point() -> None:
    with pytest.raises(SpecError, match="block_size must be at least 1; got 0"):
        next(rejoined([np.zeros((1, 2))], 0, 2))
