"""A layer through all its steps against a loop that is differentiated operation by operation."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from torch import Tensor

from neuropinn_lava.network.nodes import Polarity
from neuropinn_lava.problems.recipes.recipe import Surrogate
from neuropinn_lava.training.neuron.surrogates import spike
from neuropinn_lava.training.neuron.unrolled import VsnRule, integrate_steps, reset, unrolled_vsn

PHI = {
    "identity": lambda z: z * 1.0,
    "relu": torch.relu,
    "tanh": torch.tanh,
    "sin": torch.sin,
    "z_tanh_z": lambda z: z * torch.tanh(z),
    "tanh_squared": lambda z: torch.tanh(z) ** 2,
}
ROUNDING = 1e-13
"""Sums of some hundred products of magnitude one in float64."""
N_SAMPLES, N_NEURONS = 7, 5


def longhand(drive: list[Tensor], beta: Tensor, theta: Tensor, rule: VsnRule) -> tuple[Tensor, Tensor]:
    """The equations of the module as they stand, with autograd for the backward pass; the reset is detached."""
    m = torch.zeros_like(drive[0])
    payloads, spikes = [], []
    for z in drive:
        m = beta * m + z
        s = spike(m, theta, polarity=rule.polarity, kind=rule.surrogate, slope=rule.surrogate_slope)
        payloads.append(PHI[rule.activation](z) * s)
        spikes.append(s)
        m = m * (1.0 - s.detach())
    return torch.stack(payloads), torch.stack(spikes).mean()


def leaves(n_steps: int, constant: bool) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(n_steps)

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    shape = (N_SAMPLES, N_NEURONS) if constant else (n_steps, N_SAMPLES, N_NEURONS)
    held = {"drive": draw(*shape), "beta": draw(N_NEURONS).sigmoid(), "theta": draw(N_NEURONS).abs() * 0.3}
    return {name: tensor.requires_grad_() for name, tensor in held.items()}


def scalar_of(payload: Tensor, activity: Tensor) -> Tensor:
    """A loss in which every output counts with weights of its own."""
    weights = torch.linspace(-1.0, 2.0, payload.numel(), dtype=torch.float64).view_as(payload)
    return (payload * weights).sum() + 3.0 * activity


def assert_equals_longhand(rule: VsnRule, n_steps: int, constant: bool) -> None:
    fast, slow = (leaves(n_steps, constant) for _ in range(2))
    result = unrolled_vsn(fast["drive"], fast["beta"], fast["theta"], rule, n_steps)
    steps = [slow["drive"] if constant else slow["drive"][t] for t in range(n_steps)]
    expected = longhand(steps, slow["beta"], slow["theta"], rule)
    for got, wanted in zip(result, expected, strict=True):
        torch.testing.assert_close(got, wanted, rtol=0.0, atol=ROUNDING)
    scalar_of(*result).backward()
    scalar_of(*expected).backward()
    for name in fast:
        wanted = torch.zeros_like(slow[name]) if slow[name].grad is None else slow[name].grad
        torch.testing.assert_close(fast[name].grad, wanted, rtol=ROUNDING, atol=10 * ROUNDING)


@pytest.mark.parametrize(("activation", "polarity"), list(product(PHI, Polarity)))
def test_every_activation_and_polarity(activation: str, polarity: Polarity) -> None:
    for n_steps, constant in product((1, 2, 8), (False, True)):
        assert_equals_longhand(VsnRule(activation=activation, polarity=polarity), n_steps, constant)


@pytest.mark.parametrize("kind", list(Surrogate))
def test_every_surrogate(kind: Surrogate) -> None:
    assert_equals_longhand(VsnRule(surrogate=kind, surrogate_slope=3.0), n_steps=3, constant=False)


def test_outputs_that_nothing_depends_on_cost_no_gradient() -> None:
    held = leaves(2, constant=False)
    result = unrolled_vsn(held["drive"], held["beta"], held["theta"], VsnRule(), 2)
    result.activity.backward()
    slow = leaves(2, constant=False)
    longhand(list(slow["drive"]), slow["beta"], slow["theta"], VsnRule())[1].backward()
    torch.testing.assert_close(held["drive"].grad, slow["drive"].grad, rtol=0.0, atol=ROUNDING)


def test_reset_is_exactly_zero_and_payload_of_a_silent_neuron_too() -> None:
    drive = torch.tensor([[[0.3, -5.0]], [[0.7, 9.0]]])
    beta, theta = torch.full((2,), 0.9), torch.full((2,), 0.5)
    result = unrolled_vsn(drive, beta, theta, VsnRule(activation="identity"), 2)
    # neuron 0: m = 0.3 is silent, then 0.27 + 0.7 fires; neuron 1: -5 is silent, then -4.5 + 9 fires.
    assert result.payload[0].tolist() == [[0.0, 0.0]]
    assert result.payload[1].tolist() == drive[1].tolist()
    m, s = integrate_steps(drive, beta, theta, VsnRule().polarity, 2)
    assert reset(m, s)[-1].tolist() == [[0.0, 0.0]]
    assert result.activity.item() == 0.5
