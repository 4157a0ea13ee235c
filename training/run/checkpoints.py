"""Checkpoints of a training: safetensors files with the tensors of its state, its numbers as JSON, and no code.

A checkpoint names the training that it belongs to and is refused for any other, because a training that is resumed must give
the same bits as one that was never interrupted. It is written to a temporary file first, so that a full disk leaves the former
checkpoint whole.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from ...base.arrays import Record, record_digest
from ...base.checks import raise_violations
from ...base.errors import TrainingError, Violation
from ...files.atomic import write_bytes
from ...problems.problem import PdeProblem
from ...problems.recipes.recipe import TrainingRecipe
from .state import TrainingState, pack_state, unpack_state

SCHEMA = "neuropinn-lava/checkpoint/8"
"""Version of the format, which is raised when an older program would misunderstand a newer file."""
REPAIR = "It is damaged or no checkpoint; start without resuming."
"""Repair of a file that cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingIdentity(Record):
    """The training that a checkpoint belongs to; a checkpoint that differs in any field is refused."""

    problem: str
    """Name of the problem."""
    equation: str
    """Equation of the problem as text, with its parameters."""
    recipe: str
    """Digest of the training recipe."""
    seed: int
    """Seed of the initial weights."""
    dtype: str
    """Type of the parameters."""
    n_parameters: int
    """Number of trainable parameters."""
    module: str
    """Digest of the layers and first weights of a module of the user's own; empty for the recipe's network."""


def identify(
    problem: PdeProblem,
    recipe: TrainingRecipe,
    seed: int,
    dtype: torch.dtype,
    n_parameters: int,
    module: nn.Module | None = None,
) -> TrainingIdentity:
    """Build the identity of a training; `module` is the user's own before the training, if one is trained."""
    return TrainingIdentity(
        problem=problem.name,
        equation=problem.equation,
        recipe=record_digest(recipe),
        seed=seed,
        dtype=str(dtype).removeprefix("torch."),
        n_parameters=n_parameters,
        module="" if module is None else _digest_module(module),
    )


def _digest_module(module: nn.Module) -> str:
    """Compute the SHA-256 of a module's layers, as torch prints them, and of the tensors of its state."""
    state = {name: tensor.detach().cpu() for name, tensor in module.state_dict().items()}
    return contents_digest(state, {"layers": str(module)})


def write_checkpoint(state: TrainingState, identity: TrainingIdentity, path: str | Path) -> None:
    """Write the state of a training, all of it or none.

    Raises:
        SpecError: If the path cannot be written, or the disk is full; the former checkpoint stays.
    """
    from safetensors.torch import save

    packed = pack_state(state)
    tensors = {name: v.detach().cpu().contiguous().clone() for name, v in packed.items() if isinstance(v, Tensor)}
    numbers = {name: value for name, value in packed.items() if not isinstance(value, Tensor)}
    metadata = {"schema": SCHEMA, "identity": json.dumps(dataclasses.asdict(identity)), "numbers": json.dumps(numbers)}
    metadata["digest"] = contents_digest(tensors, metadata)
    write_bytes(path, save(tensors, metadata))


def contents_digest(tensors: dict[str, Tensor], metadata: dict[str, str]) -> str:
    """Compute the SHA-256 of all of a checkpoint but its digest, because one flipped bit would be another training."""
    sha = hashlib.sha256(json.dumps({key: metadata[key] for key in sorted(metadata) if key != "digest"}).encode())
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        sha.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        sha.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return sha.hexdigest()


def read_checkpoint(state: TrainingState, identity: TrainingIdentity, path: str | Path) -> None:
    """Set a fresh state to that of a checkpoint.

    Args:
        state: State of a network just built; it is changed only if the checkpoint is sound.
        identity: Training that the checkpoint must belong to.
        path: File of the checkpoint.

    Raises:
        TrainingError: If the file is missing, damaged, of another schema, or of another training.
    """
    tensors, metadata = _open(path)
    raise_violations(_mismatches(metadata, identity, path), TrainingError)
    raise_violations(_damage(tensors, metadata, path), TrainingError)
    try:
        unpack_state(state, {**json.loads(metadata["numbers"]), **tensors})
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError, RuntimeError) as error:
        got = f"{type(error).__name__}: {error}"
        raise TrainingError(f"checkpoint {path}", "hold a whole state of this training", got, REPAIR) from error


def _open(path: str | Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read tensors and metadata of a safetensors file."""
    from safetensors import safe_open

    if not Path(path).is_file():
        repair = "Start without resuming, or name the right file."
        raise TrainingError(f"checkpoint {path}", "be an existing file", "none", repair)
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118
    except Exception as error:  # safetensors raises what it and torch make of a damaged header
        raise TrainingError(f"checkpoint {path}", "be a whole safetensors file", error, REPAIR) from error


def _mismatches(metadata: dict[str, str], identity: TrainingIdentity, path: str | Path) -> Iterator[Violation]:
    where = f"checkpoint {path}"
    schema = metadata.get("schema")
    if schema != SCHEMA:
        repair = "It was written by another version or program; start without resuming."
        yield Violation(f"{where}: schema", f"be {SCHEMA}", schema, repair)
        return
    try:
        found = dict(json.loads(metadata["identity"]))
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        yield Violation(f"{where}: identity", "identify the training", f"{type(error).__name__}: {error}", REPAIR)
        return
    for name in TrainingIdentity.__slots__:
        wanted, got = getattr(identity, name), found.get(name)
        if got != wanted:
            repair = "It belongs to another training; start without resuming, or name the right file."
            yield Violation(f"{where}: {name}", f"be {wanted!r}, as this training has", repr(got), repair)


def _damage(tensors: dict[str, Tensor], metadata: dict[str, str], path: str | Path) -> Iterator[Violation]:
    wanted, found = metadata.get("digest"), contents_digest(tensors, metadata)
    if wanted != found:
        yield Violation(f"checkpoint {path}: digest", f"be that of its contents, {found[:12]}…", wanted, REPAIR)
