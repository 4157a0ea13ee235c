"""Checkpoints: whole or refused, and only for the training that they belong to."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from disks import full_beyond
from neuropinn_lava.base.errors import SpecError, TrainingError
from neuropinn_lava.problems import find_problem
from neuropinn_lava.problems.problem import PdeProblem
from neuropinn_lava.problems.recipe import TrainingRecipe
from neuropinn_lava.training.network.network import build_network
from neuropinn_lava.training.run import checkpoints
from neuropinn_lava.training.run.checkpoints import (
    TrainingIdentity,
    contents_digest,
    identify,
    read_checkpoint,
    write_checkpoint,
)
from neuropinn_lava.training.run.state import TrainingState, start_state


@pytest.fixture
def state(recipe: TrainingRecipe) -> TrainingState:
    return start_state(build_network(recipe.network, 2, 1, 0))


@pytest.fixture
def identity(problem: PdeProblem, recipe: TrainingRecipe, state: TrainingState) -> TrainingIdentity:
    return identify(problem, recipe, 0, torch.float32, state.parameters.values.numel())


@pytest.fixture
def path(state: TrainingState, identity: TrainingIdentity, tmp_path: Path) -> Path:
    state.iteration, state.best_loss, state.first_activity = 17, 1 / 3, 0.1
    state.adam.mean.fill_(0.25)
    state.l_bfgs.moves = [torch.full_like(state.adam.mean, 0.5), torch.ones_like(state.adam.mean)]
    state.l_bfgs.changes, state.l_bfgs.inverses = list(state.l_bfgs.moves), [1 / 3, 1 / 7]
    state.l_bfgs.n_steps, state.l_bfgs.length, state.l_bfgs.scale = 3, 0.1, 0.7
    state.l_bfgs.direction.fill_(2.0)
    state.l_bfgs.gradient.fill_(3.0)
    write_checkpoint(state, identity, tmp_path / "state.safetensors")
    return tmp_path / "state.safetensors"


def test_everything_comes_back(path: Path, identity: TrainingIdentity, recipe: TrainingRecipe) -> None:
    fresh = start_state(build_network(recipe.network, 2, 1, 5))
    read_checkpoint(fresh, identity, path)
    assert (fresh.iteration, fresh.best_loss, fresh.first_activity) == (17, 1 / 3, 0.1)
    assert (fresh.adam.mean == 0.25).all()
    l_bfgs = fresh.l_bfgs
    assert (l_bfgs.n_steps, l_bfgs.length, l_bfgs.scale, l_bfgs.stalled) == (3, 0.1, 0.7, False)
    assert [move[0].item() for move in l_bfgs.moves] == [0.5, 1.0]
    assert [change[-1].item() for change in l_bfgs.changes] == [0.5, 1.0]
    assert l_bfgs.inverses == [1 / 3, 1 / 7]
    assert (l_bfgs.direction == 2.0).all()
    assert (l_bfgs.gradient == 3.0).all()
    original = build_network(recipe.network, 2, 1, 0)
    assert all(torch.equal(a, b) for a, b in zip(fresh.network.parameters(), original.parameters(), strict=True))


def test_another_training_is_refused_with_all_that_differs(
    path: Path, state: TrainingState, recipe: TrainingRecipe
) -> None:
    other = identify(find_problem("heat"), recipe, 4, torch.float32, state.parameters.values.numel())
    with pytest.raises(TrainingError, match="problem must be 'heat', as this training has; got 'poisson'") as caught:
        read_checkpoint(state, other, path)
    assert len(caught.value.violations) == 3  # problem, equation, seed


@pytest.mark.parametrize(
    ("field", "value"), [("recipe", "0" * 64), ("equation", "u_t = 0"), ("dtype", "float64"), ("n_parameters", 3)]
)
def test_each_field_counts(
    path: Path, state: TrainingState, identity: TrainingIdentity, field: str, value: object
) -> None:
    with pytest.raises(TrainingError, match=f"{field} must .*It belongs to another training"):
        read_checkpoint(state, dataclasses.replace(identity, **{field: value}), path)


def test_another_schema_is_refused(
    path: Path, state: TrainingState, identity: TrainingIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "SCHEMA", "neuropinn-lava/checkpoint/9")
    with pytest.raises(
        TrainingError, match="schema must be neuropinn-lava/checkpoint/9; got neuropinn-lava/checkpoint/6"
    ):
        read_checkpoint(state, identity, path)


def test_a_foreign_safetensors_file_is_refused(
    tmp_path: Path, state: TrainingState, identity: TrainingIdentity
) -> None:
    save_file({"weights": torch.zeros(3)}, tmp_path / "foreign.safetensors")
    with pytest.raises(TrainingError, match=r"schema must .*; got None"):
        read_checkpoint(state, identity, tmp_path / "foreign.safetensors")


@pytest.mark.parametrize("keep", [0, 5, 100, 0.5])
def test_a_truncated_file_is_refused(path: Path, state: TrainingState, identity: TrainingIdentity, keep: float) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep if keep >= 1 or keep == 0 else keep * len(whole))])
    with pytest.raises(TrainingError, match="a whole safetensors file"):
        read_checkpoint(state, identity, path)


def test_every_flipped_bit_is_noticed(path: Path, state: TrainingState, identity: TrainingIdentity) -> None:
    whole = path.read_bytes()
    for at in range(len(whole) - 64, len(whole), 8):  # the last tensor's numbers
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(TrainingError, match=r"digest must be that of its contents.*It is damaged"):
            read_checkpoint(state, identity, path)


def test_a_missing_tensor_is_refused(path: Path, state: TrainingState, identity: TrainingIdentity) -> None:
    tensors = load_file(path)
    del tensors["square"]
    metadata = {"schema": checkpoints.SCHEMA, "identity": json.dumps(dataclasses.asdict(identity))}
    metadata |= {"iteration": "1", "best_loss": "0x0p+0", "first_activity": "0x0p+0"}
    save_file(tensors, path, {**metadata, "digest": contents_digest(tensors, metadata)})
    with pytest.raises(TrainingError, match=r"square must .* numbers; got None"):
        read_checkpoint(state, identity, path)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("direction", torch.zeros(3), "direction must .* numbers; got"),
        (
            "pair_moves",
            torch.zeros(2, 5),
            "pair_moves must be 2 rows of .* numbers, one for each of pair_inverses; got",
        ),
        (
            "pair_changes",
            torch.zeros(1, 149),
            "pair_changes must be 2 rows of .* numbers, one for each of pair_inverses; got",
        ),
        ("pair_inverses", torch.zeros(2), "pair_inverses must be at most 50 float64 numbers; got"),
        (
            "pair_inverses",
            torch.zeros(51, dtype=torch.float64),
            "pair_inverses must be at most 50 float64 numbers; got",
        ),
        (
            "pair_inverses",
            torch.zeros((), dtype=torch.float64),
            "pair_inverses must be at most 50 float64 numbers; got",
        ),
    ],
)
def test_pairs_of_another_shape_are_refused(
    path: Path, state: TrainingState, identity: TrainingIdentity, name: str, value: torch.Tensor, message: str
) -> None:
    tensors, metadata = checkpoints._open(path)
    tensors[name] = value
    save_file(tensors, path, {**metadata, "digest": contents_digest(tensors, metadata)})
    with pytest.raises(TrainingError, match=message):
        read_checkpoint(state, identity, path)


@pytest.mark.parametrize("value", ["[1]", "[-1, false]", "[1, 2]", "[1.5, false]", "3", "x"])
def test_a_line_search_that_is_none_is_refused(
    path: Path, state: TrainingState, identity: TrainingIdentity, value: str
) -> None:
    tensors, metadata = checkpoints._open(path)
    metadata["line_search"] = value
    save_file(tensors, path, {**metadata, "digest": contents_digest(tensors, metadata)})
    with pytest.raises(TrainingError, match="a readable history, place and cloud"):
        read_checkpoint(state, identity, path)


def test_a_full_disk_leaves_the_former_one(path: Path, state: TrainingState, identity: TrainingIdentity) -> None:
    before = path.read_bytes()
    state.iteration = 18
    with (
        full_beyond(1024),
        pytest.raises(SpecError, match=r"state.safetensors must be on a disk with room for the whole file"),
    ):
        write_checkpoint(state, identity, path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
    read_checkpoint(state, identity, path)
    assert state.iteration == 17
