"""The problems of docs/equations.md are what they say: each block is run, and its rows are numbers on a cloud."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from neuropinn_lava.operators.operator_kind import OperatorKind
from neuropinn_lava.problems.check import check_problem
from neuropinn_lava.problems.default_recipe import NEIGHBOURS
from neuropinn_lava.problems.discretization import discretize
from neuropinn_lava.problems.problem import PdeProblem
from neuropinn_lava.problems.residuals import evaluation_points

PAGE = (Path(__file__).parents[2] / "docs" / "equations.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
LONGEST = 16
"""Lines of the longest problem: the flow has three equations."""


@pytest.fixture(scope="module")
def problems() -> list[PdeProblem]:
    names: dict[str, object] = {}
    built = []
    for block in BLOCKS:
        exec(compile(block, "equations.md", "exec"), names)
        built.append(names["problem"])
    return built


def test_there_are_ten_and_each_is_short(problems: list[PdeProblem]) -> None:
    assert len(problems) == 10
    assert max(len(block.strip().splitlines()) for block in BLOCKS) <= LONGEST


def test_each_has_rows_on_a_cloud(problems: list[PdeProblem]) -> None:
    for problem in problems:
        check_problem(problem, evaluation_points(problem, 20, 0))
        cells = (10,) * len(problem.axes) + (2,) * len(problem.parameters)
        held = discretize(problem, problem.domain.cloud(cells), OperatorKind.QUARTIC, NEIGHBOURS[len(problem.axes)])
        rows = held.evaluate(np.ones((held.n_points, problem.n_out)), problem.rest_values())
        assert all(np.isfinite(block).all() for block in rows)
        assert len(held.blocks) == 1 + len(problem.soft_conditions)


def test_the_flow_gets_a_level_of_its_pressure(problems: list[PdeProblem]) -> None:
    labels = [[condition.label for condition in problem.soft_conditions] for problem in problems]
    assert ["level of p"] in labels
