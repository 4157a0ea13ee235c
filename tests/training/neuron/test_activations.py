"""The activations in torch: the core's own values, and slopes that are their derivatives."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neuropinn_lava.network.activations import ACTIVATIONS
from neuropinn_lava.training.neuron.activations import TORCH_ACTIVATIONS, Tanh, fast_tanh

GRID = np.concatenate([np.linspace(-12, 12, 4801), [0.0, 1e-8, -1e-8, 40.0, -40.0, 800.0]])
VALUE_ERROR = {
    (torch.tanh, torch.float64): 5e-16,
    (torch.tanh, torch.float32): 3e-7,
    (fast_tanh, torch.float64): 2e-15,
    (fast_tanh, torch.float32): 1e-6,
}
"""Times max(1, |z|): the error of tanh, one or (fast_tanh) four halves of a bit of one, times 2 |tanh| or |z|, and some for
the product."""
SLOPE_ERROR = 1e-7
"""Central differences of step 1e-5 in float64: truncation h^2 phi'''/6 <= 1e-10, rounding 1e-16/h = 1e-11 a unit of phi;
within |z| <= 12, rounded up."""


def test_names_are_those_of_the_core() -> None:
    assert set(TORCH_ACTIVATIONS) == set(ACTIVATIONS)


@pytest.mark.parametrize(("tanh", "dtype"), list(VALUE_ERROR))
@pytest.mark.parametrize("name", list(ACTIVATIONS))
def test_value_is_the_core_s(name: str, tanh: Tanh, dtype: torch.dtype) -> None:
    z = torch.tensor(GRID, dtype=dtype)
    value, _ = TORCH_ACTIVATIONS[name].value(z, tanh)
    exact = ACTIVATIONS[name].phi(z.double().numpy())
    assert value.dtype == dtype
    assert np.all(np.abs(value.double().numpy() - exact) <= VALUE_ERROR[tanh, dtype] * np.maximum(1, np.abs(GRID)))


@pytest.mark.parametrize("name", list(ACTIVATIONS))
def test_zero_sends_nothing(name: str) -> None:
    value, _ = TORCH_ACTIVATIONS[name].value(torch.zeros(3), fast_tanh)
    assert value.tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("name", list(ACTIVATIONS))
def test_slope_is_the_derivative(name: str) -> None:
    z = np.linspace(-12, 12, 4800)  # has no point at zero, where relu has no derivative
    step = 1e-5
    phi = ACTIVATIONS[name].phi
    difference = (phi(z + step) - phi(z - step)) / (2 * step)
    held = torch.tensor(z)
    slope = TORCH_ACTIVATIONS[name].slope(held, *TORCH_ACTIVATIONS[name].value(held, torch.tanh))
    assert np.abs(slope.numpy() - difference).max() <= SLOPE_ERROR


def test_fast_tanh_does_not_change_its_argument() -> None:
    z = torch.tensor([0.5, -2.0])
    fast_tanh(z)
    assert z.tolist() == [0.5, -2.0]
