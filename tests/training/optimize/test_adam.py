"""Adam on one vector against its formula, and the learning rates of a phase."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from neuropinn_lava.problems.recipes.phases import PhaseRecipe
from neuropinn_lava.training.optimize.adam import Adam, learning_rate
from neuropinn_lava.training.optimize.parameters import FlatParameters

ROUNDING = 1e-12
"""Twenty steps of float64 in another order of operations."""


def module() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double()


def test_steps_are_those_of_the_formula() -> None:
    """m, v and w step by step as in the module's docstring, in plain floats."""
    held = module()
    parameters = FlatParameters(held)
    adam = Adam(parameters.values)
    w, m, v = parameters.values.tolist(), [0.0] * 21, [0.0] * 21
    x = torch.linspace(-1, 1, 30, dtype=torch.float64).reshape(10, 3)
    for k in range(1, 21):
        parameters.gradient.zero_()
        held(x).square().mean().backward()
        g = parameters.gradient.tolist()
        adam.step(parameters, 1e-2, k - 1)
        m = [0.9 * a + 0.1 * b for a, b in zip(m, g, strict=True)]
        v = [0.999 * a + 0.001 * b * b for a, b in zip(v, g, strict=True)]
        moves = [a / (1 - 0.9**k) / ((b / (1 - 0.999**k)) ** 0.5 + 1e-8) for a, b in zip(m, v, strict=True)]
        w = [a - 1e-2 * b for a, b in zip(w, moves, strict=True)]
    assert parameters.values.tolist() == pytest.approx(w, rel=0.0, abs=ROUNDING)
    assert parameters.values.tolist() != pytest.approx(module_values(), rel=0.0, abs=0.01)


def module_values() -> list[float]:
    return FlatParameters(module()).values.tolist()


def test_module_and_vector_share_their_numbers() -> None:
    held = module()
    parameters = FlatParameters(held)
    parameters.values.fill_(2.0)
    assert all((p == 2.0).all() for p in held.parameters())
    assert parameters.values.numel() == sum(p.numel() for p in held.parameters())


def test_learning_rate_warms_up_and_goes_down_as_a_cosine() -> None:
    phase = PhaseRecipe(n_iterations=110, learning_rate=4.0, n_warmup=10)
    assert learning_rate(phase, 0) == pytest.approx(0.4)
    assert learning_rate(phase, 9) == pytest.approx(4.0)
    assert learning_rate(phase, 10) == pytest.approx(4.0)
    assert learning_rate(phase, 60) == pytest.approx(2.0)
    assert learning_rate(phase, 110) == pytest.approx(0.0)


def test_a_phase_of_warm_up_alone() -> None:
    phase = PhaseRecipe(n_iterations=10, learning_rate=1.0, n_warmup=10)
    assert learning_rate(phase, 10) == pytest.approx(1.0)
