"""Checkpoints of a training: safetensors files that hold numbers and text, never code.

A checkpoint names what it belongs to, and is refused for anything else: a training that resumes must give the same bits as
one that was never interrupted. It is written to a temporary file first, so that a full disk leaves the former one whole. This
module knows states and files; it does not know losses.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ..arrays import record_digest
from ..atomic import write_bytes
from ..checks import raise_violations
from ..errors import TrainingError, Violation
from ..geometry import Cloud
from ..problems.problem import PdeProblem
from ..recipe import TrainingRecipe
from .gauss_newton import GaussNewton
from .history import COLUMNS, TrainingHistory
from .lbfgs import HISTORY_SIZE, LBfgs
from .marching import Front
from .state import TrainingState

SCHEMA = "neuropinn-lava/checkpoint/5"
"""Raised when an older program would misunderstand a newer file."""
MEND = "It is damaged or no checkpoint; start without resuming."
"""What to do about a file that cannot be read."""
_VECTORS = ("parameters", "mean", "square", "best_parameters", "direction", "former_gradient")
"""Tensors with one entry per parameter."""
_PAIRS = ("pair_moves", "pair_changes")
"""Tensors with one row per pair of L-BFGS, and one column per parameter."""
_CLOUD = ("points", "cell_coordinates", "periods", "cell_periods")
"""Arrays of a refined cloud, present in a checkpoint where there is one."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a training stands, its tensors left out."""

    history: TrainingHistory
    iteration: int
    best_loss: float
    first_rate: float
    gauss_newton: GaussNewton
    cloud: Cloud | None
    n_line_steps: int
    line_stalled: bool
    line_length: float
    line_scale: float


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
        **_pair_tensors(state.l_bfgs),
    }
    if state.cloud is not None:
        tensors |= {name: torch.tensor(getattr(state.cloud, name)) for name in _CLOUD}
    held = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    metadata = {
        "schema": SCHEMA,
        "identity": json.dumps({name: getattr(identity, name) for name in TrainingIdentity.__slots__}),
        "iteration": str(state.iteration),
        "best_loss": float(state.best_loss).hex(),
        "first_rate": float(state.first_rate).hex(),
        "damping": float(state.gauss_newton.damping).hex(),
        "stalled_target": float(state.gauss_newton.stalled_target).hex(),
        "line_search": json.dumps([state.l_bfgs.n_steps, state.l_bfgs.stalled]),
        "line_length": float(state.l_bfgs.length).hex(),
        "line_scale": float(state.l_bfgs.scale).hex(),
        "front": json.dumps([state.gauss_newton.front.window, state.gauss_newton.front.n_stayed]),
        "n_inside": str(0 if state.cloud is None else state.cloud.n_inside),
    }
    metadata["digest"] = contents_digest(held, metadata)
    write_bytes(path, save(held, metadata))


def contents_digest(tensors: dict[str, Tensor], metadata: dict[str, str]) -> str:
    """Give the SHA-256 of all that a checkpoint holds, its digest left out: one flipped bit would be another training."""
    sha = hashlib.sha256(json.dumps({key: metadata[key] for key in sorted(metadata) if key != "digest"}).encode())
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        sha.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        sha.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return sha.hexdigest()


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
    raise_violations(_damage(tensors, metadata, path), TrainingError)
    raise_violations(_bad_tensors(tensors, identity, path), TrainingError)
    place = _read_place(tensors, metadata, path)
    state.parameters.values.copy_(tensors["parameters"])
    state.adam.mean.copy_(tensors["mean"])
    state.adam.square.copy_(tensors["square"])
    state.best_values.copy_(tensors["best_parameters"])
    state.history, state.iteration, state.cloud = place.history, place.iteration, place.cloud
    state.best_loss, state.first_rate, state.gauss_newton = place.best_loss, place.first_rate, place.gauss_newton
    state.l_bfgs = _read_pairs(tensors, place, state.parameters.values)


def _pair_tensors(l_bfgs: LBfgs) -> dict[str, Tensor]:
    """Give the tensors of L-BFGS; without pairs they have no rows."""
    n_pairs, n_parameters = len(l_bfgs.moves), l_bfgs.direction.numel()
    none = l_bfgs.direction.new_empty((0, n_parameters))
    return {
        "direction": l_bfgs.direction,
        "former_gradient": l_bfgs.gradient,
        "pair_moves": torch.stack(l_bfgs.moves) if n_pairs else none,
        "pair_changes": torch.stack(l_bfgs.changes) if n_pairs else none,
        "pair_inverses": torch.tensor(l_bfgs.inverses, dtype=torch.float64),
    }


def _read_pairs(tensors: dict[str, Tensor], place: _Place, values: Tensor) -> LBfgs:
    """Give the L-BFGS of a checkpoint, on the device of the parameters."""
    l_bfgs = LBfgs(values)
    l_bfgs.n_steps, l_bfgs.stalled = place.n_line_steps, place.line_stalled
    l_bfgs.length, l_bfgs.scale = place.line_length, place.line_scale
    l_bfgs.direction.copy_(tensors["direction"])
    l_bfgs.gradient.copy_(tensors["former_gradient"])
    l_bfgs.moves = [torch.empty_like(values).copy_(row) for row in tensors["pair_moves"]]
    l_bfgs.changes = [torch.empty_like(values).copy_(row) for row in tensors["pair_changes"]]
    l_bfgs.inverses = tensors["pair_inverses"].tolist()
    return l_bfgs


def _read_place(tensors: dict[str, Tensor], metadata: dict[str, str], path: str | Path) -> _Place:
    try:
        window, n_stayed = json.loads(metadata["front"])
        n_line_steps, line_stalled = _read_line_search(metadata["line_search"])
        return _Place(
            history=TrainingHistory.from_table(tensors["history"].numpy()),
            iteration=int(metadata["iteration"]),
            best_loss=float.fromhex(metadata["best_loss"]),
            first_rate=float.fromhex(metadata["first_rate"]),
            gauss_newton=GaussNewton(
                damping=float.fromhex(metadata["damping"]),
                front=Front(window=int(window), n_stayed=int(n_stayed)),
                stalled_target=float.fromhex(metadata["stalled_target"]),
            ),
            cloud=_read_cloud(tensors, int(metadata["n_inside"])),
            n_line_steps=n_line_steps,
            line_stalled=line_stalled,
            line_length=float.fromhex(metadata["line_length"]),
            line_scale=float.fromhex(metadata["line_scale"]),
        )
    except (KeyError, ValueError, TypeError, OverflowError, RecursionError) as error:
        got = f"{type(error).__name__}: {error}"
        raise TrainingError(f"checkpoint {path}", "a readable history, place and cloud", got, MEND) from error


def _read_cloud(tensors: dict[str, Tensor], n_inside: int) -> Cloud | None:
    """Give the refined cloud, or None where there is none."""
    if n_inside == 0:
        return None
    return Cloud(n_inside=n_inside, **{name: tensors[name].numpy() for name in _CLOUD})


def _read_line_search(text: str) -> tuple[int, bool]:
    """Give the steps of L-BFGS since its pairs were forgotten, and whether it has stalled."""
    n_steps, stalled = json.loads(text)
    if type(n_steps) is not int or n_steps < 0 or type(stalled) is not bool:
        raise ValueError(f"line_search {text}")
    return n_steps, stalled


def _open(path: str | Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read tensors and metadata of a safetensors file."""
    from safetensors import safe_open

    if not Path(path).is_file():
        mend = "Start without resuming, or name the right file."
        raise TrainingError(f"checkpoint {path}", "an existing file", "none", mend)
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118
    except Exception as error:  # safetensors raises what it and torch make of a damaged header
        raise TrainingError(f"checkpoint {path}", "a whole safetensors file", error, MEND) from error


def _mismatches(metadata: dict[str, str], identity: TrainingIdentity, path: str | Path) -> Iterator[Violation]:
    where = f"checkpoint {path}"
    schema = metadata.get("schema")
    if schema != SCHEMA:
        mend = "It was written by another version or program; start without resuming."
        yield Violation(f"{where}: schema", SCHEMA, schema, mend)
        return
    try:
        found = dict(json.loads(metadata["identity"]))
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        yield Violation(f"{where}: identity", "what the training is", f"{type(error).__name__}: {error}", MEND)
        return
    for name in TrainingIdentity.__slots__:
        wanted, got = getattr(identity, name), found.get(name)
        if got != wanted:
            mend = "It belongs to another training; start without resuming, or name the right file."
            yield Violation(f"{where}: {name}", f"{wanted!r}, as this training has", repr(got), mend)


def _damage(tensors: dict[str, Tensor], metadata: dict[str, str], path: str | Path) -> Iterator[Violation]:
    wanted, found = metadata.get("digest"), contents_digest(tensors, metadata)
    if wanted != found:
        yield Violation(f"checkpoint {path}: digest", f"that of its contents, {found[:12]}…", wanted, MEND)


def _bad_tensors(tensors: dict[str, Tensor], identity: TrainingIdentity, path: str | Path) -> Iterator[Violation]:
    n, dtype = identity.n_parameters, identity.dtype
    found = {name: (str(held.dtype).removeprefix("torch."), tuple(held.shape)) for name, held in tensors.items()}
    where = f"checkpoint {path}"
    for name in _VECTORS:
        if found.get(name) != (dtype, (n,)):
            yield Violation(f"{where}: {name}", f"{n} {dtype} numbers", found.get(name), MEND)
    history = found.get("history")
    if history is None or history[0] != "float64" or history[1][1:] != (len(COLUMNS),):
        yield Violation(f"{where}: history", f"rows of {len(COLUMNS)} float64 numbers", history, MEND)
    inverses = found.get("pair_inverses")
    if inverses is None or inverses[0] != "float64" or len(inverses[1]) != 1 or inverses[1][0] > HISTORY_SIZE:
        yield Violation(f"{where}: pair_inverses", f"at most {HISTORY_SIZE} float64 numbers", inverses, MEND)
        return
    for name in _PAIRS:
        if found.get(name) != (dtype, (*inverses[1], n)):
            rule = f"{inverses[1][0]} rows of {n} {dtype} numbers, one for each of pair_inverses"
            yield Violation(f"{where}: {name}", rule, found.get(name), MEND)
