"""Every example runs, gives the number that it is there to show, and draws its figure."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
NO_TEST = {"train_deepxde": "needs the extra `deepxde` and minutes; its weights are committed"}
"""Examples that no test runs, and why."""
LAVA, SLOW = pytest.mark.lava, pytest.mark.slow
pytestmark = pytest.mark.timeout(400)  # some train for half a minute of a free core

NUMBERS = {
    # 8-bit weights change an untrained network by some permille of max |u|
    "deploy_sequential": (0.0, 0.01, LAVA),
    # the same integers, so the same floats
    "own_lava_graph": (0.0, 0.0, LAVA, SLOW),
    # the same integers, before and after a bias is set
    "own_population": (0.0, 0.0, LAVA, SLOW),
    # the estimated error on 8 bits: 8e-4 where it was written, half a minute of training
    "own_problem": (0.0, 0.005, SLOW),
    # float64 on both sides: some hundred roundings
    "deploy_deepxde": (0.0, 1e-13, LAVA, SLOW),
    # not one value differs
    "own_neuron": (0.0, 0.0, LAVA, SLOW),
    # 947 events at 12 pJ and 151 updates at 40 pJ: 17.4 nJ; the events vary with the shipped network
    "own_hardware": (14.0, 21.0),
    # 4.5e-2; nearest rounding of weights to 6 bits costs percents
    "error_budget": (1e-2, 1e-1),
    # 36.8 nJ: docs/energy.md has 36.7 on other points
    "energy_models": (30.0, 44.0),
    # 0.107 of the 0.135 that it was trained to
    "sparsity_for_error": (0.08, 0.13),
    # 2.4e-2: docs/results/micromechanics.md has the same on other points
    "stiff_sphere": (1e-2, 4e-2, LAVA, SLOW),
}
"""What each example returns lies between these two numbers, ends included; then its marks."""
MAX_BYTES = {"overview": 250_000}
"""Largest size of a committed picture; 100 kB for all others."""


@pytest.fixture(autouse=True)
def paths(monkeypatch):
    """Let examples and the scripts of the documentation be imported by name."""
    for folder in ("examples", "docs"):
        monkeypatch.syspath_prepend(ROOT / folder)
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if (EXAMPLES / f"{name}.py").exists():
            del sys.modules[name]


def marked(name: str, *marks: pytest.MarkDecorator) -> pytest.param:
    return pytest.param(name, marks=[*marks, *(NUMBERS[name][2:] if name in NUMBERS else [LAVA])])


@pytest.mark.parametrize("name", [marked(name) for name in NUMBERS])
def test_the_example_gives_its_number(name):
    low, high, *_ = NUMBERS[name]
    assert low <= import_module(name).main() <= high


def test_no_example_is_forgotten():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == NUMBERS.keys() | NO_TEST.keys()


@pytest.mark.slow
@pytest.mark.parametrize("name", [marked(name) for name in ("overview", *NUMBERS)])
def test_the_figure_can_be_drawn_anew(name, tmp_path):
    path = tmp_path / "figure.png"
    import_module("draw_figures").draw(name).savefig(path, dpi=110)
    assert 5_000 < path.stat().st_size < MAX_BYTES.get(name, 100_000)


@pytest.mark.parametrize("name", ["overview", *NUMBERS])
def test_the_picture_is_committed_and_small(name):
    path = ROOT / "docs" / "figures" / f"{name}.png"
    assert 5_000 < path.stat().st_size < MAX_BYTES.get(name, 100_000)
