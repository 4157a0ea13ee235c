"""The step counter of a layer, counted by hand."""

from __future__ import annotations

import pytest

from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.hardware_sim.steps.schedule import BatchStep, Schedule


def test_one_sample_at_a_time() -> None:
    """T = 2, three samples, first message in Lava's second step."""
    layer = Schedule(n_steps=2, latency=1, n_samples=3)
    batch_steps = [layer.batch_step(time_step) for time_step in range(1, 10)]
    presented = [BatchStep(sample, 1, step) for sample in range(3) for step in range(2)]
    assert batch_steps == [None, *presented, None, None]
    assert layer.n_lava_steps() == 7
    assert layer.shape(5) == (5,)
    assert [layer.n_finished(n) for n in range(9)] == [0, 0, 0, 1, 1, 2, 2, 3, 3]


def test_batches_of_which_the_last_is_not_full() -> None:
    layer = Schedule(n_steps=1, batch_size=4, n_samples=6)
    assert [layer.batch_step(time_step) for time_step in (1, 2, 3)] == [BatchStep(0, 4, 0), BatchStep(4, 2, 0), None]
    assert layer.n_batches == 2
    assert layer.shape(5) == (4, 5)
    assert layer.n_finished(2) == 6


def test_a_later_layer_does_the_same_later() -> None:
    first = Schedule(n_steps=3, batch_size=2)
    third = first.delayed(2)
    assert [third.batch_step(n + 2) for n in range(1, 9)] == [first.batch_step(n) for n in range(1, 9)]
    assert third.batch_step(2) is None


def test_without_a_last_sample_there_is_no_end() -> None:
    endless = Schedule(n_steps=2)
    assert endless.batch_step(2001) == BatchStep(1000, 1, 0)
    assert endless.n_finished(2001) == 1000
    with pytest.raises(SpecError, match="so that there is an end"):
        endless.n_lava_steps()


@pytest.mark.parametrize("wrong", [{"n_steps": 0}, {"latency": -1}, {"batch_size": 0}, {"n_samples": 0}])
def test_numbers_below_their_least_are_refused(wrong: dict[str, int]) -> None:
    (name,) = wrong
    with pytest.raises(SpecError, match=f"Schedule.{name} must be at least"):
        Schedule(**{"n_steps": 1, **wrong})
