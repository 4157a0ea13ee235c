"""Checkpoints: whole or refused, and only for the training that they belong to."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from disks import full_beyond
from neuropinn_lava.base.errors import SpecError, TrainingError
from neuropinn_lava.problems import find_problem
from neuropinn_lava.problems.problem import PdeProblem
from neuropinn_lava.problems.recipes.recipe import TrainingRecipe
from neuropinn_lava.training.collocation.marching import Front
from neuropinn_lava.training.network.network import build_network
from neuropinn_lava.training.optimize.adam import Adam
from neuropinn_lava.training.optimize.gauss_newton import GaussNewton
from neuropinn_lava.training.optimize.lbfgs import LBfgs
from neuropinn_lava.training.optimize.soap import Soap
from neuropinn_lava.training.run import checkpoints
from neuropinn_lava.training.run.checkpoints import (
    TrainingIdentity,
    contents_digest,
    identify,
    read_checkpoint,
    write_checkpoint,
)
from neuropinn_lava.training.run.state import TrainingState, pack_state, start_state


@pytest.fixture
def state(recipe: TrainingRecipe) -> TrainingState:
    return start_state(build_network(recipe.network, 2, 1, 0))


@pytest.fixture
def identity(problem: PdeProblem, recipe: TrainingRecipe, state: TrainingState) -> TrainingIdentity:
    return identify(problem, recipe, 0, torch.float32, state.parameters.values.numel())


def packed_lbfgs(values: torch.Tensor, **changes: object) -> dict[str, object]:
    """Return the packed state of L-BFGS with two pairs."""
    rows = torch.stack([torch.full_like(values, 0.5), torch.ones_like(values)])
    packed = {"n_steps": 3, "stalled": False, "length": 0.1, "scale": 0.7, "pair_moves": rows, "pair_changes": 2 * rows}
    packed |= {"direction": torch.full_like(values, 2.0), "former_gradient": torch.full_like(values, 3.0)}
    return packed | {"inverses": torch.tensor([1 / 3, 1 / 7], dtype=torch.float64)} | changes


@pytest.fixture
def path(state: TrainingState, identity: TrainingIdentity, tmp_path: Path) -> Path:
    state.iteration, state.best_loss, state.first_activity, state.dense_error = 17, 1 / 3, 0.1, 0.02
    state.optimizer = LBfgs(state.parameters.values)
    state.optimizer.unpack(packed_lbfgs(state.parameters.values))
    write_checkpoint(state, identity, tmp_path / "state.safetensors")
    return tmp_path / "state.safetensors"


def rewrite(path: Path, tensors: dict[str, torch.Tensor], numbers: dict[str, object]) -> None:
    """Change tensors and numbers of a checkpoint, and give it the digest that fits."""
    found, metadata = checkpoints._open(path)
    found |= tensors
    metadata["numbers"] = json.dumps(json.loads(metadata["numbers"]) | numbers)
    save_file(found, path, {**metadata, "digest": contents_digest(found, metadata)})


def test_everything_comes_back(
    path: Path, state: TrainingState, identity: TrainingIdentity, recipe: TrainingRecipe
) -> None:
    fresh = start_state(build_network(recipe.network, 2, 1, 5))
    read_checkpoint(fresh, identity, path)
    assert (fresh.iteration, fresh.best_loss, fresh.first_activity, fresh.dense_error) == (17, 1 / 3, 0.1, 0.02)
    found, written = pack_state(fresh), pack_state(state)
    assert found.keys() == written.keys()
    for name, value in written.items():
        assert torch.equal(found[name], value) if isinstance(value, torch.Tensor) else found[name] == value, name
    original = build_network(recipe.network, 2, 1, 0)
    assert all(torch.equal(a, b) for a, b in zip(fresh.network.parameters(), original.parameters(), strict=True))


@pytest.mark.parametrize("optimizer", [Adam, Soap, GaussNewton])
def test_optimizers_come_back(
    state: TrainingState, identity: TrainingIdentity, tmp_path: Path, recipe: TrainingRecipe, optimizer: type
) -> None:
    if optimizer is Adam:
        state.optimizer.mean.fill_(0.25)
    elif optimizer is Soap:
        state.optimizer = Soap(state.parameters)
        state.parameters.gradient.copy_(torch.linspace(-1.0, 1.0, len(state.parameters.gradient)))
        state.optimizer.step(state.parameters, 1e-3, 0)
    else:
        step = torch.linspace(-1.0, 1.0, 5, dtype=torch.float64)
        front = Front(window=4, n_stayed=2)
        state.optimizer = GaussNewton(
            damping=1 / 3, front=front, stalled_target=0.1, balance=(1.0, 0.3), last_step=step
        )
    write_checkpoint(state, identity, tmp_path / "state.safetensors")
    fresh = start_state(build_network(recipe.network, 2, 1, 5))
    read_checkpoint(fresh, identity, tmp_path / "state.safetensors")
    assert type(fresh.optimizer) is optimizer
    if optimizer is Adam:
        assert (fresh.optimizer.mean == 0.25).all()
    else:
        found, written = fresh.optimizer.pack(), state.optimizer.pack()
        for name, value in written.items():
            assert torch.equal(found[name], value) if isinstance(value, torch.Tensor) else found[name] == value, name


def test_another_training_is_refused_with_all_that_differs(
    path: Path, state: TrainingState, recipe: TrainingRecipe
) -> None:
    other = identify(find_problem("heat"), recipe, 4, torch.float32, state.parameters.values.numel())
    with pytest.raises(TrainingError, match="problem must be 'heat', as this training has; got 'poisson'") as caught:
        read_checkpoint(state, other, path)
    assert len(caught.value.violations) == 3  # problem, equation, seed


@pytest.mark.parametrize(
    ("field", "value"),
    [("recipe", "0" * 64), ("equation", "u_t = 0"), ("dtype", "float64"), ("n_parameters", 3), ("module", "f" * 64)],
)
def test_each_field_counts(
    path: Path, state: TrainingState, identity: TrainingIdentity, field: str, value: object
) -> None:
    with pytest.raises(TrainingError, match=f"{field} must .*It belongs to another training"):
        read_checkpoint(state, dataclasses.replace(identity, **{field: value}), path)


def test_a_module_is_known_by_its_layers_and_its_first_weights(recipe: TrainingRecipe) -> None:
    def digest(activation: nn.Module, seed: int) -> str:
        torch.manual_seed(seed)
        module = nn.Sequential(nn.Linear(2, 3), activation, nn.Linear(3, 1))
        return identify(find_problem("poisson"), recipe, 0, torch.float32, 13, module).module

    assert digest(nn.Tanh(), 0) == digest(nn.Tanh(), 0) != ""
    assert len({digest(nn.Tanh(), 0), digest(nn.Sigmoid(), 0), digest(nn.Tanh(), 1)}) == 3


def test_another_schema_is_refused(
    path: Path, state: TrainingState, identity: TrainingIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "SCHEMA", "neuropinn-lava/checkpoint/9")
    with pytest.raises(
        TrainingError, match="schema must be neuropinn-lava/checkpoint/9; got neuropinn-lava/checkpoint/8"
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
    tensors, metadata = checkpoints._open(path)
    del tensors["optimizer.direction"]
    save_file(tensors, path, {**metadata, "digest": contents_digest(tensors, metadata)})
    with pytest.raises(TrainingError, match=r"a whole state of this training; got KeyError: 'direction'"):
        read_checkpoint(state, identity, path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("parameters", torch.zeros(1)),
        ("best_parameters", torch.zeros(())),
        ("history", torch.zeros(0, 3, dtype=torch.float64)),
        ("optimizer.direction", torch.zeros(3)),
        ("optimizer.pair_moves", torch.zeros(2, 5)),
        ("optimizer.pair_changes", torch.zeros(1, 149)),
        ("optimizer.inverses", torch.zeros(2)),
        ("optimizer.inverses", torch.zeros(51, dtype=torch.float64)),
        ("optimizer.inverses", torch.zeros((), dtype=torch.float64)),
    ],
)
def test_tensors_of_another_shape_or_type_are_refused(
    path: Path, state: TrainingState, identity: TrainingIdentity, name: str, value: torch.Tensor
) -> None:
    before = state.parameters.values.clone()
    rewrite(path, {name: value}, {})
    with pytest.raises(TrainingError, match=r"a whole state of this training; got ValueError: .* in the place of"):
        read_checkpoint(state, identity, path)
    assert torch.equal(state.parameters.values, before)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("iteration", 1.5),
        ("best_loss", "low"),
        ("optimizer", "sgd"),
        ("optimizer.n_steps", None),
        ("optimizer.stalled", 2),
        ("n_inside", True),
    ],
)
def test_numbers_of_another_type_are_refused(
    path: Path, state: TrainingState, identity: TrainingIdentity, name: str, value: object
) -> None:
    rewrite(path, {}, {name: value})
    with pytest.raises(TrainingError, match="a whole state of this training"):
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
