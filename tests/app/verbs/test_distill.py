"""The verb distill: a tanh network becomes sparse at the stated activity, close to its teacher; what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import neuropinn_lava as nl
from neuropinn_lava.app.verbs import distill as verb
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.base.metrics import relative_l2
from neuropinn_lava.problems.recipes.phases import accurate_then_sparse


def tanh_network(n_in: int = 2, n_out: int = 1) -> nn.Module:
    """Return a random tanh network, which is as smooth as a trained one."""
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(n_in, 20), nn.Tanh(), nn.Linear(20, 20), nn.Tanh(), nn.Linear(20, n_out)).double()


class Coordinates(nn.Module):
    """A PINN that takes one argument for each coordinate, and a layer that cannot be deployed."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.last = tanh_network(n_out=8), nn.Linear(8, 1).double()
        self.norm = nn.LayerNorm(8, elementwise_affine=False, eps=1.0)

    def forward(self, x: Tensor, t: Tensor, scale: float = 1.0, *, shift: float | None = None) -> Tensor:
        out: Tensor = self.last(self.norm(self.inner(torch.cat([x, t], dim=1)))) * scale
        return out


class Computed(nn.Module):
    """A module that keeps a tensor which its parameters were computed into, as the older weight norm of torch does."""

    def __init__(self, inner: nn.Linear) -> None:
        super().__init__()
        self.inner, self.kept = inner, inner.weight * 1.0

    def forward(self, x: Tensor) -> Tensor:
        self.kept = self.inner.weight * 1.0
        out: Tensor = self.inner(x)
        return out


class Mixing(nn.Module):
    """A module that subtracts the mean over the samples."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = tanh_network()

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.inner(x)
        return y - y.mean(0)


class Zero(Mixing):
    """A module that returns zero."""

    def forward(self, x: Tensor) -> Tensor:
        return 0.0 * x[:, :1]


class Pair(Coordinates):
    """A module that takes a point and a parameter, of any width each."""

    def forward(self, p: Tensor, q: Tensor) -> Tensor:  # type: ignore[override]
        return super().forward(p[:, :1], q)


class Starred(Coordinates):
    """A module whose arguments have no names."""

    def forward(self, *columns: Tensor) -> Tensor:  # type: ignore[override]
        return super().forward(*columns)


def short(monkeypatch: pytest.MonkeyPatch, n_accurate: int = 12, n_sparse: int = 30) -> None:
    """Shorten both phases."""

    def phases(activity: float, **changes: float) -> object:
        return accurate_then_sparse(activity, n_accurate=n_accurate, n_sparse=n_sparse, **changes)  # type: ignore[arg-type]

    monkeypatch.setattr(verb, "accurate_then_sparse", phases)


def test_it_becomes_sparse_and_stays_close(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    short(monkeypatch)
    module = tanh_network()
    result = nl.distill(module, lower=[0, 0], upper=[1, 2], activity=0.3, layers=(20, 20), path=tmp_path / "net.h5")
    network = nl.read_network(tmp_path / "net.h5")
    assert network.digest() == result.network.digest()
    points = np.random.default_rng(0).uniform([0, 0], [1, 2], (500, 2))
    run = nl.run_float(network, points)
    wanted = module(torch.from_numpy(points)).detach().numpy()
    assert relative_l2(run.outputs, wanted) < 0.02
    events = sum(int(node.events.sum()) for node in run.nodes)
    assert events / (500 * 40) < 0.4


def test_points_in_the_place_of_a_box(monkeypatch: pytest.MonkeyPatch) -> None:
    short(monkeypatch, 8, 1)
    module, rng = Coordinates(), np.random.default_rng(1)
    angles = rng.uniform(0, 2 * np.pi, 300)
    disk = np.sqrt(rng.random(300))[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    result = nl.distill(nn.DataParallel(module), points=disk, layers=(16, 16))
    assert result.relative_l2 < 0.1
    assert result.network.ansatz is None


def test_what_is_held_out_of_a_grid_is_drawn_at_random() -> None:
    x, y = np.meshgrid(np.linspace(0, 1, 10), np.linspace(0, 1, 10), indexing="ij")
    grid = np.stack([x.ravel(), y.ravel()], axis=1)
    split = verb._split(grid)
    assert len(split.held_out) == 20
    assert len(np.unique(split.held_out[:, 1])) > 5  # every fifth row of the grid would be two columns of it
    assert len(np.unique(np.concatenate([split.points, split.held_out]), axis=0)) == 100


def test_columns_are_named_as_the_modules_arguments() -> None:
    imitated = verb._imitation(verb._teacher(Coordinates()), None, None, [0, 0], [1, 1])
    assert (imitated.coordinates, imitated.unknowns) == (("x", "t"), ("u0",))


@pytest.mark.parametrize("n_in", [4, 6])
def test_many_columns_and_outputs_have_names_of_their_own(n_in: int) -> None:
    points = np.random.default_rng(0).random((60, n_in))
    imitated = verb._imitation(verb._teacher(tanh_network(n_in, 3)), None, points, None, None)
    assert imitated.coordinates == tuple(f"x{k}" for k in range(n_in))
    assert not set(imitated.coordinates) & set(imitated.unknowns)


def test_what_training_gives_back_is_no_teacher() -> None:
    problem = nl.find_problem("poisson")
    normalised = nn.Sequential(
        nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1)
    )  # of inputs in [-1, 1], without the conditions
    with pytest.raises(
        SpecError, match=r"distill.module must be within 50% of the reference of problem 'poisson'; got"
    ):
        nl.distill(normalised, problem=problem)


def test_the_teacher_is_read_in_evaluation_mode_and_left_as_it_is() -> None:
    module = nn.Sequential(nn.Linear(1, 6), nn.Tanh(), nn.Dropout(0.5), nn.Linear(6, 1)).train()
    points = np.linspace(-1.0, 1.0, 50)[:, None]
    evaluate = verb._teacher(module)
    assert (evaluate(points) == evaluate(points)).all()
    assert module.training


@pytest.mark.filterwarnings("ignore:.torch.jit")  # scripts are deprecated, but users have them
def test_scripts_and_modules_of_computed_weights_are_teachers() -> None:
    points = np.random.default_rng(0).random((5, 2))
    plain = tanh_network()
    assert verb._teacher(torch.jit.script(plain))(points) == pytest.approx(verb._teacher(plain)(points))
    norm = nn.utils.parametrizations.weight_norm(nn.Linear(2, 1))
    module = Computed(norm)
    module(torch.rand(3, 2))
    assert verb._teacher(module)(points) == pytest.approx(norm(torch.tensor(points).float()).detach().numpy())


def test_several_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    short(monkeypatch, 8, 1)
    assert nl.distill(tanh_network(1, 3), lower=[-1], upper=[1], layers=(16, 16)).network.n_out == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, r"distill must get exactly one of a problem, points and a box; got 0"),
        ({"lower": [0, 0]}, r"distill must get both corners of the box; got"),
        ({"points": np.zeros((10, 2))}, r"distill.points must be at least 50 points; got 10"),
        ({"lower": [0] * 5, "upper": [1] * 5}, r"distill.lower must have at most 4 coordinates; got 5"),
        ({"lower": [0, 0], "upper": [1, 1], "activity": 2.0}, r"distill.activity must lie in \[0.01, 1\]; got 2"),
        ({"problem": nl.find_problem("laplace"), "points": np.zeros((60, 2))}, r"exactly one of .*; got 2"),
        ({"points": np.full((60, 2), 0.5)}, r"distill.points must have no constant column; got column 0, which is 0.5"),
        ({"module": Zero(), "lower": [0, 0], "upper": [1, 1]}, r"distill.module must return something else than zeros"),
        ({"module": Mixing(), "lower": [0, 0], "upper": [1, 1]}, r"the same for a point alone and among others; got"),
        (
            {"module": Pair(), "lower": [0] * 3, "upper": [1] * 3},
            r"distill.module must have 1 argument or 3, one for each coordinate; got 2: p, q",
        ),
        ({"module": Starred(), "lower": [0, 0], "upper": [1, 1]}, r"have 1 argument or 2, .*; got 0: none by name"),
        ({"lower": [0] * 3, "upper": [1] * 3}, r"distill.module must run at points of 3 coordinates; got RuntimeError"),
        ({"module": nn.LSTM(2, 1), "lower": [0, 0], "upper": [1, 1]}, r"must return the shape \(n, n_out\); got"),
        ({"module": "pinn.py"}, r"distill.module must be a torch module; got 'pinn.py'"),
    ],
)
def test_what_is_refused(arguments: dict[str, object], message: str) -> None:
    module = arguments.pop("module", None) or tanh_network()
    with pytest.raises(SpecError, match=message):
        nl.distill(module, **arguments)  # type: ignore[arg-type]


def test_a_module_of_other_outputs_than_the_problem_is_refused() -> None:
    with pytest.raises(SpecError, match=r"distill.module must have 1 outputs, as problem 'poisson'; got 2"):
        nl.distill(tanh_network(2, 2), problem=nl.find_problem("poisson"))
