"""Streams on Dask: the file of one process byte for byte, also where a worker is killed in the middle or the run is resumed."""

from __future__ import annotations

import os
import signal
import threading

import psutil
import pytest

import builders
from neuropinn_lava.app.stream.point_source import suitable_block
from neuropinn_lava.app.stream.stream import SMALLEST_BLOCK, fitting_block, stream
from neuropinn_lava.app.verbs.run import RunChoices
from neuropinn_lava.app.workers.dask_pool import ClusterChoice
from neuropinn_lava.app.workers.task_pool import LocalPool
from neuropinn_lava.engine.trace import Backend, LavaMode

NETWORK = builders.random_quantized(1)
POINTS = builders.random_points(NETWORK, 100)
LAVA = RunChoices(backend=Backend.LAVA)
TWO = ClusterChoice(n_workers=2)


class PoolOf:
    """As many workers as are needed to choose a block."""

    def __init__(self, n_workers):
        self.n_under_way = 2 * n_workers


def worker_pids():
    """Find the worker processes of this one."""
    children = psutil.Process().children(recursive=True)
    return [p.pid for p in children if "neuropinn_lava.app.workers.dask_worker" in p.cmdline()]


@pytest.mark.parametrize(
    ("n_points", "n_workers", "size"),
    [
        (100, 2, SMALLEST_BLOCK),  # one block: Lava's start would take longer than the work
        (8 * SMALLEST_BLOCK, 2, 2 * SMALLEST_BLOCK),  # two blocks for each of two workers
        (8 * SMALLEST_BLOCK + 1, 2, 2 * SMALLEST_BLOCK + 1),
        (10**9, 2, 1 << 19),
        (None, 2, 1 << 19),
    ],
)
def test_every_worker_has_blocks_if_there_are_points_enough(n_points, n_workers, size):
    assert fitting_block(NETWORK, LAVA, n_points, PoolOf(n_workers)) == size


def test_only_integers_may_be_cut_anew():
    n_points, whole = 8 * SMALLEST_BLOCK, suitable_block(NETWORK, LavaMode.BATCHED)
    for backend, size in (("integer", n_points // 4), ("lava", n_points // 4), ("float", whole)):
        assert fitting_block(NETWORK, RunChoices(backend=Backend(backend)), n_points, PoolOf(2)) == size
    assert fitting_block(NETWORK.source, LAVA, n_points, PoolOf(2)) == whole
    assert fitting_block(NETWORK, LAVA, n_points, LocalPool()) == whole


def test_two_workers_give_the_bytes_of_one_process_and_resume_it(tmp_path):
    pytest.importorskip("distributed", reason="needs the extra `dask`")
    stream(NETWORK, POINTS, tmp_path / "one.csv", backend="integer")
    options = {"cluster": TWO, "backend": "integer", "block_size": 9}
    told = []
    stream(NETWORK, POINTS, tmp_path / "two.csv", on_progress=told.append, **options)
    assert (tmp_path / "two.csv").read_bytes() == (tmp_path / "one.csv").read_bytes()
    assert [progress.n_done for progress in told] == [*range(9, 100, 9), 100]


@pytest.mark.slow
def test_the_command_line_gives_the_same_file_on_dask(cli, float_file, points_file, tmp_path):
    pytest.importorskip("distributed", reason="needs the extra `dask`")
    chip_file = tmp_path / "chip.h5"
    assert cli("convert", float_file, "--out", chip_file)[0] == 0
    for name, options in (("one.npy", ()), ("two.npy", ("--workers", 2, "--block-size", 11))):
        arguments = ("--points", points_file, "--out", tmp_path / name, *options)
        assert cli("run", chip_file, *arguments)[0] == 0
    assert (tmp_path / "two.npy").read_bytes() == (tmp_path / "one.npy").read_bytes()


@pytest.mark.slow
@pytest.mark.lava
@pytest.mark.parametrize("name", ["u.npy", "u.h5"])
def test_a_worker_killed_in_the_middle_of_a_lava_run_loses_nothing(tmp_path, name):
    pytest.importorskip("distributed", reason="needs the extra `dask`")
    network = builders.random_quantized(3, widths=(2, 50, 50, 1))
    points = builders.random_points(network, 240_000)
    stream(network, points, tmp_path / f"one-{name}", backend="lava")
    killed, seen = [], threading.Event()

    def kill_one(progress):
        if not seen.is_set():
            seen.set()  # both workers have blocks under way: six of eight are not done
            killed.append(worker_pids()[0])
            os.kill(killed[0], signal.SIGKILL)

    summary = stream(network, points, tmp_path / f"two-{name}", cluster=TWO, block_size=30_000, on_progress=kill_one)
    assert killed
    assert summary.n_samples == 240_000
    assert (tmp_path / f"two-{name}").read_bytes() == (tmp_path / f"one-{name}").read_bytes()
