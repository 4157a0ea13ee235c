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
from neuropinn_lava.problems.phases import accurate_then_sparse


def tanh_network(n_in: int = 2, n_out: int = 1) -> nn.Module:
    """Return a random tanh network, which is as smooth as a trained one."""
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(n_in, 20), nn.Tanh(), nn.Linear(20, 20), nn.Tanh(), nn.Linear(20, n_out)).double()


class Coordinates(nn.Module):
    """A PINN that takes one argument for each coordinate, and a layer that cannot be deployed."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.norm = tanh_network(), nn.LayerNorm(1, elementwise_affine=False, eps=1.0)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        out: Tensor = self.inner(torch.cat([x, t], dim=1))
        return out


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
    result = nl.distill(module, points=disk, layers=(16, 16))
    assert result.relative_l2 < 0.1


def test_the_teacher_is_read_in_evaluation_mode_and_left_as_it_is() -> None:
    module = nn.Sequential(nn.Linear(1, 6), nn.Tanh(), nn.Dropout(0.5), nn.Linear(6, 1)).train()
    points = np.linspace(-1.0, 1.0, 50)[:, None]
    evaluate = verb._as_function(module)
    assert (evaluate(points) == evaluate(points)).all()
    assert module.training


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
