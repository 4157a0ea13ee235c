"""A training that is stopped and resumed is the one that was never stopped, to the bit."""

from __future__ import annotations

import dataclasses
import signal
from pathlib import Path

import pytest

from neuropinn_lava.problems.problem import PdeProblem
from neuropinn_lava.problems.recipes.recipe import TrainingRecipe
from neuropinn_lava.training.run.outcome import ProgressCallback, TrainingOutput, TrainingProgress, TrainingStatus
from neuropinn_lava.training.run.trainer import train_network


class StoppedError(Exception):
    """Ends a training from outside."""


def assert_resumes(problem: PdeProblem, recipe: TrainingRecipe, folder: Path, iteration: int) -> None:
    """Stop a training behind a step, resume it from its checkpoint in a folder, and compare with an uninterrupted one."""

    def stop(progress: object) -> None:
        if progress.iteration == iteration + 1:
            raise StoppedError

    output = TrainingOutput(checkpoint=folder / "c.safetensors", checkpoint_every=1, report_every=1)
    with pytest.raises(StoppedError):
        train_network(problem, recipe, output=output, on_progress=stop)
    rest = train_network(problem, recipe, output=dataclasses.replace(output, resume=True))
    whole = train_network(problem, recipe, output=TrainingOutput(report_every=1))
    assert rest.status is TrainingStatus.FINISHED
    assert rest.network.digest() == whole.network.digest()
    assert rest.history == whole.history


def stop_at(iteration: int) -> ProgressCallback:
    def callback(progress: TrainingProgress) -> None:
        if progress.iteration == iteration:
            signal.raise_signal(signal.SIGINT)

    return callback
