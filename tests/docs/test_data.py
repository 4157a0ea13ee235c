"""The problem of docs/data.md is one: its block is run, and its equation and measurements are rows of numbers on a cloud."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from neuropinn_lava.operators.operator_kind import OperatorKind
from neuropinn_lava.problems.discretization import discretize
from neuropinn_lava.problems.problem import PdeProblem

PAGE = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")


def test_measurements_are_rows_beside_the_equation() -> None:
    names: dict[str, object] = {}
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(block, "data.md", "exec"), names)
    problem = names["problem"]
    assert isinstance(problem, PdeProblem)
    held = discretize(problem, problem.domain.cloud((10, 10)), OperatorKind.QUARTIC, 28)
    rows = held.evaluate(np.ones((held.n_points, problem.n_out)), problem.rest_values())
    assert rows[-1].shape == (1, 100)
    assert all(np.isfinite(block).all() for block in rows)
