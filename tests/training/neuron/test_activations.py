"""The activations in torch: the core's own values, and slopes that are their derivatives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.network.activations import ACTIVATIONS, find_activation
from neuropinn_lava.training.neuron.activations import Tanh, fast_tanh, torch_activation

GRID = np.concatenate([np.linspace(-12, 12, 4801), [0.0, 1e-8, -1e-8, 40.0, -40.0]])
NAMES = [*ACTIVATIONS, "leaky_relu(0.2)", "elu(0.5)"]
VALUE_ERROR = {
    (torch.tanh, torch.float64): 5e-16,
    (torch.tanh, torch.float32): 3e-7,
    (fast_tanh, torch.float64): 2e-15,
    (fast_tanh, torch.float32): 1e-6,
}
"""Times max(1, |z|, |phi|): the error of tanh, one or (fast_tanh) four halves of a bit of one, times 2 |tanh| or |z|, and some
for the product; of sin_turns 2 pi times that of its argument."""
SLOPE_ERROR = 1e-7
"""Central differences of step 1e-5 in float64: truncation h^2 phi'''/6 <= 1e-10, rounding 1e-16/h = 1e-11 a unit of phi;
within |z| <= 12, rounded up."""


@pytest.mark.parametrize("torch_side", [None, "neuropinn_lava.training.neuron.activations:fast_tanh"])
def test_a_rule_without_torch_functions_is_not_trained(torch_side: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ACTIVATIONS, "own", replace(ACTIVATIONS["tanh"], name="own", torch=torch_side))
    with pytest.raises(SpecError, match=r"ActivationRule.*\.torch"):
        torch_activation("own")


@pytest.mark.parametrize(("tanh", "dtype"), list(VALUE_ERROR))
@pytest.mark.parametrize("name", NAMES)
def test_value_is_the_core_s(name: str, tanh: Tanh, dtype: torch.dtype) -> None:
    z = torch.tensor(GRID, dtype=dtype)
    value, _ = torch_activation(name).value(z, tanh)
    exact = find_activation(name).phi(z.double().numpy())
    assert value.dtype == dtype
    scale = np.maximum(np.maximum(1, np.abs(GRID)), np.abs(exact))
    assert np.all(np.abs(value.double().numpy() - exact) <= VALUE_ERROR[tanh, dtype] * scale)


@pytest.mark.parametrize("name", NAMES)
def test_zero_sends_nothing(name: str) -> None:
    value, _ = torch_activation(name).value(torch.zeros(3), fast_tanh)
    assert value.tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("name", NAMES)
def test_slope_is_the_derivative(name: str) -> None:
    z = np.linspace(-12, 12, 4800)  # has no point at zero, where relu has no derivative
    step = 1e-5
    phi = find_activation(name).phi
    difference = (phi(z + step) - phi(z - step)) / (2 * step)
    held = torch.tensor(z)
    slope = torch_activation(name).slope(held, *torch_activation(name).value(held, torch.tanh))
    assert np.all(np.abs(slope.numpy() - difference) <= SLOPE_ERROR * np.maximum(1, np.abs(difference)))


@pytest.mark.parametrize("name", NAMES)
def test_value_is_differentiated_twice(name: str) -> None:
    """autograd's first and second derivative of the value: the slope, and the difference of slopes."""
    z = torch.linspace(-3, 3, 600, dtype=torch.float64, requires_grad=True)  # has no point at zero or one
    phi = torch_activation(name)
    value, kept = phi.value(z, torch.tanh)
    (first,) = torch.autograd.grad(value.sum(), z, create_graph=True)
    slope = phi.slope(z, value, kept)
    assert (first - slope).abs().max() <= 1e-13 * slope.abs().max()
    if find_activation(name).curvature == 0.0:
        return
    (second,) = torch.autograd.grad(first.sum(), z)
    step = 1e-5
    around = [phi.slope(x, *phi.value(x, torch.tanh)) for x in (z.detach() + step, z.detach() - step)]
    difference = (around[0] - around[1]) / (2 * step)
    assert ((second - difference).abs() <= 1e-7 * second.abs().clamp_min(1.0)).all()


def test_fast_tanh_does_not_change_its_argument() -> None:
    z = torch.tensor([0.5, -2.0])
    fast_tanh(z)
    assert z.tolist() == [0.5, -2.0]
