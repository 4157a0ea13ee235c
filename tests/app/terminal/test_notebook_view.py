"""The picture of a training in a notebook: drawn seldom, the error of the network as it is, nothing outside the domain."""

from __future__ import annotations

import sys
import types

import numpy as np
import pytest

from neuropinn_lava.app.terminal import notebook_view as view
from neuropinn_lava.app.terminal.notebook_view import in_notebook, notebook_view
from neuropinn_lava.problems import find_problem
from neuropinn_lava.training.run.history import TrainingProgress

COST = 1.0
"""Seconds that the tests' clock counts for a picture."""


def row(iteration: int, evaluate=None, *, teacher: bool = False) -> TrainingProgress:
    return TrainingProgress(
        iteration=iteration, n_iterations=100, phase=0, teacher=teacher, learning_rate=1e-3, loss=1.0 / (1 + iteration),
        residual=0.1, activity=0.2, relative_l2=0.3, evaluate=evaluate,
    )  # fmt: skip


@pytest.fixture
def drawn(monkeypatch):
    """Fields that were drawn, with a clock that a picture moves by `COST` and a report by a hundredth of it."""
    fields: list = []
    now = [0.0]

    def draw(problem, rows, axes, field):
        fields.append(field)
        now[0] += COST
        return types.SimpleNamespace(svg="<svg/>")

    monkeypatch.setattr(view, "draw_training", draw)
    return fields, now


def test_pictures_take_a_small_share_of_the_time_and_the_last_one_is_drawn(drawn) -> None:
    fields, now = drawn
    shown: list[str] = []
    advance = notebook_view(find_problem("poisson"), shown.append, lambda: now[0])
    for iteration in range(101):
        advance(row(iteration, lambda points: points[:, :1]))
        now[0] += COST / 2
    assert 4 <= len(shown) <= 8  # 50 seconds of training, ten for each picture; the last report in any case
    assert shown == ["<svg/>"] * len(fields)


def test_the_field_is_the_error_inside_the_domain(drawn) -> None:
    fields, now = drawn
    problem = find_problem("poisson-star")
    assert problem.reference is not None
    reference = problem.reference.evaluate
    notebook_view(problem, lambda svg: None, lambda: now[0])(row(0, lambda points: reference(points) + 0.25))
    (field,) = fields
    assert np.isnan(field).any()
    assert np.nanmax(np.abs(field - 0.25)) <= 1e-12


@pytest.mark.parametrize("name", ["elasticity3d", "burgers-family", "poisson-operator"])
def test_more_coordinates_and_parameters_stay_in_the_middle(drawn, name: str) -> None:
    fields, now = drawn
    problem = find_problem(name)
    notebook_view(problem, lambda svg: None, lambda: now[0])(
        row(0, lambda points: np.ones((len(points), problem.n_out)))
    )
    assert np.isfinite(fields[0]).all()


def test_a_report_without_a_network_has_no_field(drawn) -> None:
    fields, now = drawn
    notebook_view(find_problem("heat"), lambda svg: None, lambda: now[0])(row(0))
    assert fields == [None]


def test_the_picture_has_its_three_panels() -> None:
    shown: list[str] = []
    notebook_view(find_problem("heat"), shown.append)(row(100, lambda points: points[:, :1]))
    for word in ("relative error", "activity", "u − reference", "100 of 100"):
        assert word in shown[0]


def test_only_the_kernel_of_a_notebook_is_one(monkeypatch) -> None:
    kernel = type("ZMQInteractiveShell", (), {})()
    for shell, expected in ((kernel, True), (None, False), (types.SimpleNamespace(), False)):
        monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda shell=shell: shell))
        assert in_notebook() is expected
    monkeypatch.delitem(sys.modules, "IPython")
    assert not in_notebook()
