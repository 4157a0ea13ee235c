"""Every activation of torch that the core has a table for, as layer, function and method, behind a Linear layer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402

from neuropinn_lava.conversion.formats.torch_modules import from_torch  # noqa: E402
from neuropinn_lava.engine.reference import run_float  # noqa: E402
from neuropinn_lava.network.nodes import PopulationSpec  # noqa: E402

SUMS = 1e-12
"""float64 sums in another order, relative to max |u|."""
functional = nn.functional

ACTIVATIONS: dict[str, tuple[Callable[[Tensor], Tensor], str]] = {
    "tanh": (torch.tanh, "tanh"),
    "sin": (torch.sin, "sin"),
    "cos": (torch.cos, "sin"),
    "sigmoid": (torch.sigmoid, "sigmoid"),
    "log sigmoid": (functional.logsigmoid, "softplus"),
    "silu": (nn.SiLU(), "silu"),
    "silu by hand": (lambda z: z * torch.sigmoid(z), "silu"),
    "gelu": (nn.GELU(), "gelu"),
    "gelu by tanh": (nn.GELU(approximate="tanh"), "gelu_tanh"),
    "elu": (nn.ELU(), "elu"),
    "elu of 0.5": (nn.ELU(0.5), "elu(0.5)"),
    "selu": (nn.SELU(), "selu"),
    "softplus": (nn.Softplus(), "softplus"),
    "softplus of 3": (nn.Softplus(beta=3.0, threshold=1000.0), "softplus"),
    "leaky relu": (nn.LeakyReLU(0.2), "leaky_relu(0.2)"),
    "relu": (nn.ReLU(inplace=True), "relu"),
    "relu6": (nn.ReLU6(), "hardtanh"),
    "hardtanh": (nn.Hardtanh(), "hardtanh"),
    "clamp": (lambda z: z.clamp(-0.2, 0.7), "hardtanh"),
    "clamp below": (lambda z: z.clamp(min=0.1), "relu"),
    "clamp above": (lambda z: torch.clamp_max(z, 0.1), "relu"),
    "exp of something bounded": (lambda z: torch.exp(-z.tanh()), "exp"),
    "z tanh z": (lambda z: torch.tanh(z) * z, "z_tanh_z"),
    "tanh squared": (lambda z: torch.tanh(z) ** 2, "tanh_squared"),
}
"""Function in torch, and the activation of the last population."""


class Applied(nn.Module):
    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.first, self.last, self.function = nn.Linear(2, 8), nn.Linear(8, 1), function

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.function(self.first(x)))


def checked(module: nn.Module) -> tuple[PopulationSpec, ...]:
    """Return the populations of a module, which computes what they do."""
    network = from_torch(module.double())
    points = np.random.default_rng(0).uniform(-4, 4, (60, network.n_in))
    with torch.no_grad():
        wanted = module(torch.tensor(points)).numpy()
    assert np.abs(run_float(network, points).outputs - wanted).max() <= SUMS * np.abs(wanted).max()
    return network.populations


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_is_a_population_with_its_own_table(name: str) -> None:
    torch.manual_seed(0)
    function, expected = ACTIVATIONS[name]
    populations = checked(Applied(function))
    assert populations[-1].activation == expected
    assert len(populations) == (2 if name.startswith("exp") else 1)


POWERS: dict[str, tuple[Callable[[Tensor], Tensor], int]] = {
    "square": (lambda z: z**2, 1),
    "square by hand": (lambda z: z * z, 1),
    "cube": (lambda z: z**3, 2),
    "sum of squares": (lambda z: (z**2).sum(-1, keepdim=True) + 0 * z, 1),
    "constants times constants": (lambda z: torch.tanh(z) * (2 * torch.tanh(3 * z) - 1), 1),
    "lerp": (lambda z: torch.lerp(torch.tanh(z), torch.sin(z), torch.sigmoid(z)), 1),
    "batched matrices": (
        lambda z: (torch.tanh(z).view(-1, 2, 4) @ torch.sin(z).view(-1, 4, 2)).flatten(1).repeat(1, 2), 1,
    ),
}  # fmt: skip
"""Function in torch, and the number of products in its graph."""


@pytest.mark.parametrize("name", POWERS)
def test_powers_and_products(name: str) -> None:
    torch.manual_seed(0)
    function, n_products = POWERS[name]
    module = Applied(function)
    populations = checked(module)
    network = from_torch(module)
    assert len(network.nodes) - len(populations) == n_products
