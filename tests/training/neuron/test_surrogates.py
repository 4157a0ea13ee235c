"""The spike: exact forwards, the stated bump backwards."""

from __future__ import annotations

import pytest
import torch

from neuropinn_lava.network.nodes import Polarity
from neuropinn_lava.problems.recipes.recipe import Surrogate
from neuropinn_lava.training.neuron.surrogates import fired_mask, spike, surrogate_bump, surrogate_step

FORMULAS = {
    Surrogate.FAST_SIGMOID: lambda v, k: 1 / (1 + k * abs(v)),
    Surrogate.SQUARED_FAST_SIGMOID: lambda v, k: 1 / (1 + k * abs(v)) ** 2,
    Surrogate.ARCTAN: lambda v, k: 1 / (1 + (k * v) ** 2),
    Surrogate.TRIANGLE: lambda v, k: max(0.0, 1 - k * abs(v)),
}
VALUES = [-3.0, -0.3, -0.05, 0.0, 0.01, 0.1, 0.7, 2.0]
ROUNDING = 4e-16
"""Two roundings of a double of magnitude one."""


def test_every_surrogate_has_a_formula() -> None:
    assert set(FORMULAS) == set(Surrogate)


@pytest.mark.parametrize("kind", list(Surrogate))
@pytest.mark.parametrize("slope", [1.0, 10.0])
def test_bump_is_its_formula(kind: Surrogate, slope: float) -> None:
    bump = surrogate_bump(torch.tensor(VALUES, dtype=torch.float64), kind, slope)
    expected = torch.tensor([FORMULAS[kind](v, slope) for v in VALUES], dtype=torch.float64)
    torch.testing.assert_close(bump, expected, rtol=0.0, atol=ROUNDING)


@pytest.mark.parametrize("kind", list(Surrogate))
def test_backward_is_the_bump_at_the_distance_to_the_threshold(kind: Surrogate) -> None:
    membrane = torch.tensor([VALUES], dtype=torch.float64, requires_grad=True)
    theta = torch.full((len(VALUES),), 0.25, dtype=torch.float64, requires_grad=True)
    spike(membrane, theta, kind=kind, slope=4.0).backward(torch.full((1, len(VALUES)), 3.0, dtype=torch.float64))
    expected = 3.0 * surrogate_bump(membrane.detach() - 0.25, kind, 4.0)
    torch.testing.assert_close(membrane.grad, expected, rtol=0.0, atol=3 * ROUNDING)
    torch.testing.assert_close(theta.grad, -expected[0], rtol=0.0, atol=3 * ROUNDING)


def test_polarity_both_takes_the_distance_from_the_nearer_threshold() -> None:
    # |m| - theta is 0.5 at both ends, so h = 1 / (1 + 2 * 0.5); ds/dm carries the sign of m.
    membrane = torch.tensor([[-1.0, 1.0]], dtype=torch.float64, requires_grad=True)
    theta = torch.full((2,), 0.5, dtype=torch.float64)
    spike(membrane, theta, polarity=Polarity.BOTH, slope=2.0).sum().backward()
    assert membrane.grad is not None
    assert membrane.grad.tolist() == [[-0.5, 0.5]]


def test_fires_at_the_threshold_itself() -> None:
    just_below = float(torch.nextafter(torch.tensor(0.1), torch.tensor(0.0)))
    membrane = torch.tensor([[just_below, 0.1, 0.2, -0.1, -0.2]])
    theta = torch.full((5,), 0.1)
    assert fired_mask(membrane, theta, Polarity.POSITIVE).tolist() == [[0.0, 1.0, 1.0, 0.0, 0.0]]
    assert fired_mask(membrane, theta, Polarity.BOTH).tolist() == [[0.0, 1.0, 1.0, 1.0, 1.0]]


@pytest.mark.parametrize("kind", list(Surrogate))
@pytest.mark.parametrize("slope", [1.0, 20.0])
def test_smooth_step_has_the_bump_for_its_slope(kind: Surrogate, slope: float) -> None:
    distance = torch.linspace(-2.0, 2.0, 202, dtype=torch.float64, requires_grad=True)  # no point at the kink, zero
    surrogate_step(distance, kind, slope).sum().backward()
    assert torch.allclose(distance.grad, surrogate_bump(distance.detach(), kind, slope), rtol=1e-12, atol=1e-15)
    assert surrogate_step(torch.zeros(1), kind, slope).item() == 0.0
