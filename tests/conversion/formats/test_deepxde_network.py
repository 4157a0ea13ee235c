"""A tanh PINN trained with DeepXDE (`examples/train_deepxde.py`): itself at theta = 0, few bits, silence for an error."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neuropinn_lava as nl

pytest.importorskip("torch")

SAME = 1e-13
"""Of max |u|: float64 on both sides, some hundred roundings; 9e-16 where it was written."""
ERRORS = {(8, 16): 2e-4, (8, 12): 1.2e-3, (6, 12): 1.5e-3, (4, 12): 3e-3, (8, 8): 1.5e-2}
"""Weight and payload bits, and the relative L2 error that they keep; about one and a half times what was measured."""


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(Path(__file__).parents[3] / "examples")
    return import_module("deploy_deepxde")


def test_it_is_itself_on_the_float_backend(example: Any) -> None:
    spec, module = example.read_pinn()
    assert all(not layer.theta.any() and layer.activation == "tanh" for layer in spec.populations)
    exact = nl.run_float(spec, example.POINTS).outputs
    assert np.abs(example.torch_solution(module) - exact).max() <= SAME * np.abs(exact).max()


@pytest.mark.slow
@pytest.mark.parametrize("bits", ERRORS)
def test_errors_of_word_lengths(example: Any, bits: tuple[int, int]) -> None:
    assert example.error_of_bits(example.read_pinn()[0], *bits) <= ERRORS[bits]


@pytest.mark.slow
def test_silence_is_bought_for_a_stated_error(example: Any) -> None:
    spec, _ = example.read_pinn()
    found = [example.sparsify(spec, allowed).after for allowed in (1e-3, 1e-2)]
    assert found[0].error <= 1e-3
    assert found[1].error <= 1e-2
    assert found[1].activity < found[0].activity < 1.0
    unseen = nl.run_float(example.sparsify(spec, 1e-2).network, example.POINTS).outputs
    wanted = example.solution(example.POINTS)
    assert np.linalg.norm(unseen - wanted) <= 1.2e-2 * np.linalg.norm(wanted)  # others than those of the search
