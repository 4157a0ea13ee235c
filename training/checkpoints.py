"""Checkpoints of a training: safetensors files that hold numbers and text, never code.

A checkpoint names what it belongs to, and is refused for anything else: a training that resumes must give the same bits as
one that was never interrupted. It is written to a temporary file first, so that a full disk leaves the former one whole. This
module knows states and files; it does not know losses.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..arrays import record_digest
from ..atomic import write_bytes
from ..checks import raise_violations
from ..errors import TrainingError, Violation
from ..problems.problem import PdeProblem
from ..recipe import TrainingRecipe
from .gauss_newton import GaussNewton
from .history import TrainingHistory
from .marching import Front
from .state import TrainingState

SCHEMA = "neuropinn-lava/checkpoint/3"
"""Raised when an older program would misunderstand a newer file."""
_TENSORS = ("parameters", "mean", "square", "best_parameters", "history")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingIdentity:
    """What a checkpoint belongs to; one that differs in any of these is refused."""

    problem: str
    """The problem's name."""
    equation: str
    """Its equation as text, which holds its parameters."""
    recipe: str
    """Digest of the recipe."""
    seed: int
    """Seed of the weights."""
    dtype: str
    """Type of the parameters."""
    n_parameters: int
    """Their number."""


def identify(
    problem: PdeProblem, recipe: TrainingRecipe, seed: int, dtype: torch.dtype, n_parameters: int
) -> TrainingIdentity:
    """Gather what determines a training."""
    return TrainingIdentity(
        problem=problem.name,
        equation=problem.equation,
        recipe=record_digest(recipe),
        seed=seed,
        dtype=str(dtype).removeprefix("torch."),
        n_parameters=n_parameters,
    )


def write_checkpoint(state: TrainingState, identity: TrainingIdentity, path: str | Path) -> None:
    """Write a training's state, all of it or none.

    Raises:
        SpecError: If the path cannot be written, or the disk is full; the former checkpoint stays.
    """
    from safetensors.torch import save

    tensors = {
        "parameters": state.parameters.values,
        "mean": state.adam.mean,
        "square": state.adam.square,
        "best_parameters": state.best_values,
        "history": torch.tensor(state.history.table()),
    }
    held = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    metadata = {
        "schema": SCHEMA,
        "identity": json.dumps({name: getattr(identity, name) for name in TrainingIdentity.__slots__}),
        "iteration": str(state.iteration),
        "best_loss": float(state.best_loss).hex(),
        "first_rate": float(state.first_rate).hex(),
        "damping": float(state.gauss_newton.damping).hex(),
        "stalled_target": float(state.gauss_newton.stalled_target).hex(),
        "front": json.dumps([state.gauss_newton.front.window, state.gauss_newton.front.n_stayed]),
    }
    write_bytes(path, save(held, metadata))


def read_checkpoint(state: TrainingState, identity: TrainingIdentity, path: str | Path) -> None:
    """Bring a fresh state to where a checkpoint stands.

    Args:
        state: Of a network just built; changed in place, and only if the checkpoint is sound.
        identity: What the checkpoint must belong to.
        path: The file.

    Raises:
        TrainingError: If the file is missing, damaged, of another schema, or of another training.
    """
    tensors, metadata = _open(path)
    raise_violations(_mismatches(metadata, identity, path), TrainingError)
    raise_violations(_bad_tensors(tensors, identity, path), TrainingError)
    state.parameters.values.copy_(tensors["parameters"])
    state.adam.mean.copy_(tensors["mean"])
    state.adam.square.copy_(tensors["square"])
    state.best_values.copy_(tensors["best_parameters"])
    state.history = TrainingHistory.from_table(tensors["history"].numpy())
    state.iteration = int(metadata["iteration"])
    state.best_loss = float.fromhex(metadata["best_loss"])
    state.first_rate = float.fromhex(metadata["first_rate"])
    window, n_stayed = json.loads(metadata["front"])
    state.gauss_newton = GaussNewton(
        damping=float.fromhex(metadata["damping"]),
        front=Front(window=window, n_stayed=n_stayed),
        stalled_target=float.fromhex(metadata["stalled_target"]),
    )


def _open(path: str | Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read tensors and metadata of a safetensors file."""
    from safetensors import SafetensorError, safe_open

    if not Path(path).is_file():
        mend = "Start without resuming, or name the right file."
        raise TrainingError(f"checkpoint {path}", "an existing file", "none", mend)
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        mend = "It is damaged or no checkpoint; start without resuming."
        raise TrainingError(f"checkpoint {path}", "a whole safetensors file", error, mend) from error


def _mismatches(metadata: dict[str, str], identity: TrainingIdentity, path: str | Path) -> Iterator[Violation]:
    where = f"checkpoint {path}"
    schema = metadata.get("schema")
    if schema != SCHEMA:
        mend = "It was written by another version or program; start without resuming."
        yield Violation(f"{where}: schema", SCHEMA, schema, mend)
        return
    found: dict[str, Any] = json.loads(metadata["identity"])
    for name in TrainingIdentity.__slots__:
        wanted, got = getattr(identity, name), found.get(name)
        if got != wanted:
            mend = "It belongs to another training; start without resuming, or name the right file."
            yield Violation(f"{where}: {name}", f"{wanted!r}, as this training has", repr(got), mend)


def _bad_tensors(tensors: dict[str, Tensor], identity: TrainingIdentity, path: str | Path) -> Iterator[Violation]:
    for name in _TENSORS:
        tensor = tensors.get(name)
        shape = None if tensor is None else tuple(tensor.shape)
        if tensor is None or (name != "history" and shape != (identity.n_parameters,)):
            mend = "The file is damaged; start without resuming."
            yield Violation(f"checkpoint {path}: {name}", f"{identity.n_parameters} numbers", shape, mend)
