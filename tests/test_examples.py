"""Every example runs, and gives the number that it is there to show."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def run_example(name: str) -> float:
    """Import an example by its path and call its main."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main()


@pytest.mark.lava
def test_deploy_sequential():
    assert 0 < run_example("deploy_sequential") < 0.05  # 8-bit weights change an untrained network by a few percent


@pytest.mark.lava
def test_own_lava_graph():
    assert run_example("own_lava_graph") == 0.0  # the same integers, so the same floats


def test_own_problem():
    assert run_example("own_problem") < 0.01  # 300 steps on 13 x 13 points; 5e-4 where it was written
