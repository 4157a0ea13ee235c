"""Adam on one vector against torch's Adam on tensors, and the learning rates of a phase."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from neuropinn_lava.recipe import PhaseRecipe
from neuropinn_lava.training.adam import Adam, FlatParameters, learning_rate

ROUNDING = 1e-12
"""Twenty steps of float64 in another order of operations."""


def module() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double()


def test_equals_torch_s_adam() -> None:
    flat_module, plain_module = module(), module()
    parameters = FlatParameters(flat_module)
    flat, plain = Adam(parameters.values), torch.optim.Adam(plain_module.parameters(), lr=1e-2)
    x = torch.randn(10, 3, dtype=torch.float64)
    for k in range(20):
        parameters.gradient.zero_()
        flat_module(x).square().mean().backward()
        flat.step(parameters, 1e-2, k)
        plain.zero_grad()
        plain_module(x).square().mean().backward()
        plain.step()
    for got, wanted in zip(flat_module.parameters(), plain_module.parameters(), strict=True):
        torch.testing.assert_close(got, wanted, rtol=0.0, atol=ROUNDING)


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
