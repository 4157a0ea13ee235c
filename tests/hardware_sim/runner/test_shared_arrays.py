"""Shared arrays: written by a forked process, read here, without a name, and refused by pickle."""

from __future__ import annotations

import copy
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from neuropinn_lava.base.errors import SimulationError, SpecError
from neuropinn_lava.hardware_sim.runner.process_group import FORK
from neuropinn_lava.hardware_sim.runner.shared_arrays import SharedArray, StepProgress


def test_a_forked_process_writes_what_is_read_here() -> None:
    array = SharedArray.zeros((2, 3), np.int32)
    process = FORK.Process(target=array.values.__setitem__, args=((1, 2), 7))
    process.start()
    process.join()
    assert array.values.dtype == np.int32
    assert array.values.tolist() == [[0, 0, 0], [0, 0, 7]]


@pytest.mark.parametrize("shape", [(), (0,), (3, 0), 5, (2, 2)])
def test_any_shape_begins_at_zero(shape: int | tuple[int, ...]) -> None:
    values = SharedArray.zeros(shape, np.float32).values
    assert values.shape == np.zeros(shape).shape
    assert not values.any()


def test_it_has_no_name_and_is_freed_with_its_last_view() -> None:
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    before, names = resident(), set(os.listdir("/dev/shm"))
    view = SharedArray.zeros(1 << 24, np.int64).values[1:]
    view[:] = 1
    assert set(os.listdir("/dev/shm")) == names
    assert resident() - before > 1 << 26
    del view
    assert resident() - before < 1 << 24


@pytest.mark.parametrize("copied", [pickle.dumps, copy.deepcopy])
def test_a_silent_copy_is_refused(copied: Callable[[object], object]) -> None:
    with pytest.raises(SimulationError, match="never pickled or deep-copied; got shape"):
        copied(SharedArray.zeros(3))


def test_objects_are_refused() -> None:
    with pytest.raises(SpecError, match=r"SharedArray\.dtype: elements have a fixed size; got object"):
        SharedArray.zeros(3, object)


def test_too_much_memory_is_an_error() -> None:
    with pytest.raises(SimulationError, match=f"fits into the machine's; got {2**60} bytes"):
        SharedArray.zeros(2**60, np.int8)


def test_progress_is_that_of_the_slowest() -> None:
    progress = StepProgress.for_models(3)
    assert progress.completed() == 0
    for model, n_steps in enumerate((4, 2, 3)):
        progress.advance(model, n_steps)
    assert progress.completed() == 2
    assert progress.completed(1) == 4
    assert progress.completed(0) == 0
    assert progress.total == 9


def test_progress_needs_a_counter() -> None:
    with pytest.raises(SpecError, match="there is one for each model; got 0"):
        StepProgress.for_models(0)
