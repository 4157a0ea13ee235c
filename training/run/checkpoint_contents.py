"""What a checkpoint holds of a training, as tensors and texts, and the training's state made of them again.

Tensors are vectors with one entry per parameter, the rows of the history, the pairs of L-BFGS, and the cloud where refinements
have added to it; texts are the numbers that are no tensors, floats to the bit. This module knows states; it does not know
files.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ...geometry.domain import Cloud
from ..collocation.marching import Front
from ..optimize.gauss_newton import GaussNewton
from ..optimize.lbfgs import HISTORY_SIZE, LBfgs
from .history import COLUMNS, TrainingHistory
from .state import TrainingState

VECTORS = ("parameters", "mean", "square", "best_parameters", "direction", "former_gradient")
"""Tensors with one entry per parameter."""
PAIRS = ("pair_moves", "pair_changes")
"""Tensors with one row per pair of L-BFGS, and one column per parameter."""
CLOUD = ("points", "cell_coordinates", "periods", "cell_periods")
"""Arrays of a cloud that was refined, in a checkpoint where there is one."""


class BadTensor(NamedTuple):
    """A tensor that is not what it must be."""

    name: str
    rule: str
    got: Any


def pack_state(state: TrainingState) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Give the tensors, on the CPU, and the texts of a state."""
    tensors = {
        "parameters": state.parameters.values,
        "mean": state.adam.mean,
        "square": state.adam.square,
        "best_parameters": state.best_values,
        "history": torch.tensor(state.history.table()),
        **_pack_pairs(state.l_bfgs),
    }
    if state.cloud is not None:
        tensors |= {name: torch.tensor(getattr(state.cloud, name)) for name in CLOUD}
    texts = {
        "iteration": str(state.iteration),
        "best_loss": float(state.best_loss).hex(),
        "first_activity": float(state.first_activity).hex(),
        "damping": float(state.gauss_newton.damping).hex(),
        "stalled_target": float(state.gauss_newton.stalled_target).hex(),
        "front": json.dumps([state.gauss_newton.front.window, state.gauss_newton.front.n_stayed]),
        "line_search": json.dumps([state.l_bfgs.n_steps, state.l_bfgs.stalled]),
        "line_length": float(state.l_bfgs.length).hex(),
        "line_scale": float(state.l_bfgs.scale).hex(),
        "n_inside": str(0 if state.cloud is None else state.cloud.n_inside),
    }
    return {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}, texts


def unpack_state(state: TrainingState, tensors: dict[str, Tensor], texts: dict[str, str]) -> None:
    """Bring a fresh state to where a packed one stood; it is not changed where a text or the cloud cannot be read.

    Args:
        state: Of a network just built; changed in place.
        tensors: Without `tensor_violations`.
        texts: Of the same state.

    Raises:
        KeyError, ValueError, TypeError, OverflowError, RecursionError: If a text or the cloud cannot be read.
    """
    history, cloud = TrainingHistory.from_table(tensors["history"].numpy()), _unpack_cloud(tensors, texts, state)
    iteration, gauss_newton = int(texts["iteration"]), _unpack_gauss_newton(texts)
    best_loss, first_activity = (float.fromhex(texts[name]) for name in ("best_loss", "first_activity"))
    state.l_bfgs = _unpack_pairs(tensors, texts, state.parameters.values)
    state.parameters.values.copy_(tensors["parameters"])
    state.adam.mean.copy_(tensors["mean"])
    state.adam.square.copy_(tensors["square"])
    state.best_values.copy_(tensors["best_parameters"])
    state.history, state.iteration, state.cloud = history, iteration, cloud
    state.best_loss, state.first_activity, state.gauss_newton = best_loss, first_activity, gauss_newton


def tensor_violations(tensors: dict[str, Tensor], n_parameters: int, dtype: str) -> Iterator[BadTensor]:
    """Find the tensors that are missing, or of another type or shape."""
    found = {name: (str(held.dtype).removeprefix("torch."), tuple(held.shape)) for name, held in tensors.items()}
    for name in VECTORS:
        if found.get(name) != (dtype, (n_parameters,)):
            yield BadTensor(name, f"be {n_parameters} {dtype} numbers", found.get(name))
    history = found.get("history")
    if history is None or history[0] != "float64" or history[1][1:] != (len(COLUMNS),):
        yield BadTensor("history", f"be rows of {len(COLUMNS)} float64 numbers", history)
    inverses = found.get("pair_inverses")
    if inverses is None or inverses[0] != "float64" or len(inverses[1]) != 1 or inverses[1][0] > HISTORY_SIZE:
        yield BadTensor("pair_inverses", f"be at most {HISTORY_SIZE} float64 numbers", inverses)
        return
    for name in PAIRS:
        if found.get(name) != (dtype, (*inverses[1], n_parameters)):
            rule = f"be {inverses[1][0]} rows of {n_parameters} {dtype} numbers, one for each of pair_inverses"
            yield BadTensor(name, rule, found.get(name))


def _pack_pairs(l_bfgs: LBfgs) -> dict[str, Tensor]:
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


def _unpack_pairs(tensors: dict[str, Tensor], texts: dict[str, str], values: Tensor) -> LBfgs:
    """Make L-BFGS again, on the device of the parameters."""
    n_steps, stalled = json.loads(texts["line_search"])
    if type(n_steps) is not int or n_steps < 0 or type(stalled) is not bool:
        raise ValueError(f"line_search {texts['line_search']}")
    l_bfgs = LBfgs(values)
    l_bfgs.n_steps, l_bfgs.stalled = n_steps, stalled
    l_bfgs.length, l_bfgs.scale = (float.fromhex(texts[name]) for name in ("line_length", "line_scale"))
    l_bfgs.direction.copy_(tensors["direction"])
    l_bfgs.gradient.copy_(tensors["former_gradient"])
    l_bfgs.moves = [torch.empty_like(values).copy_(row) for row in tensors["pair_moves"]]
    l_bfgs.changes = [torch.empty_like(values).copy_(row) for row in tensors["pair_changes"]]
    l_bfgs.inverses = tensors["pair_inverses"].tolist()
    return l_bfgs


def _unpack_gauss_newton(texts: dict[str, str]) -> GaussNewton:
    window, n_stayed = json.loads(texts["front"])
    return GaussNewton(
        damping=float.fromhex(texts["damping"]),
        front=Front(window=int(window), n_stayed=int(n_stayed)),
        stalled_target=float.fromhex(texts["stalled_target"]),
    )


def _unpack_cloud(tensors: dict[str, Tensor], texts: dict[str, str], state: TrainingState) -> Cloud | None:
    """Make the refined cloud again, None where there is none."""
    n_inside, n_in = int(texts["n_inside"]), state.network.linear_layers[0].in_features
    if n_inside == 0:
        return None
    cloud = Cloud(n_inside=n_inside, **{name: tensors[name].numpy() for name in CLOUD})
    if cloud.n_dim != n_in:
        raise ValueError(f"points of {cloud.n_dim} coordinates for a network of {n_in} inputs")
    return cloud
