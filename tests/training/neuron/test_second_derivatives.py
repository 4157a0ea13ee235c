"""Second derivatives: a VSN called by itself equals autograd of its equation; the trainer's fused function refuses them.

The longhand version writes the step as a function of its own whose backward pass is h, in operations that autograd knows:

    a = phi(z) * s      s forwards: m >= theta      backwards: h(m - theta), and h is differentiated like anything else
"""

from __future__ import annotations

import math
from itertools import product

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from neuropinn_lava.base.errors import TrainingError
from neuropinn_lava.network.activations import ACTIVATIONS
from neuropinn_lava.network.nodes import Polarity
from neuropinn_lava.problems.recipes.recipe import Surrogate
from neuropinn_lava.training.network.network import VsnNetwork
from neuropinn_lava.training.neuron.vsn import VSN, successive_steps

SUMS = 1e-12
"""float64 sums in another order, relative to the largest entry."""
PHI = {
    "identity": lambda z: z,
    "relu": torch.relu,
    "tanh": torch.tanh,
    "sin": torch.sin,
    "z_tanh_z": lambda z: z * torch.tanh(z),
    "tanh_squared": lambda z: torch.tanh(z) ** 2,
    "sin_turns": lambda z: torch.sin(2 * torch.pi * z),
    "sigmoid": lambda z: torch.sigmoid(z) - 0.5,
    "softplus": lambda z: functional.softplus(z) - math.log(2.0),
    "silu": functional.silu,
    "gelu": functional.gelu,
    "gelu_tanh": lambda z: functional.gelu(z, approximate="tanh"),
    "elu": functional.elu,
    "selu": functional.selu,
    "leaky_relu": functional.leaky_relu,
    "hardtanh": functional.hardtanh,
    "exp": torch.expm1,
    "square": torch.square,
}
BUMPS = {
    Surrogate.FAST_SIGMOID: lambda v, k: 1 / (1 + k * v.abs()),
    Surrogate.SQUARED_FAST_SIGMOID: lambda v, k: 1 / (1 + k * v.abs()) ** 2,
    Surrogate.ARCTAN: lambda v, k: 1 / (1 + (k * v) ** 2),
    Surrogate.TRIANGLE: lambda v, k: torch.relu(1 - k * v.abs()),
}


class LonghandStep(torch.autograd.Function):
    @staticmethod
    def forward(ctx, v: Tensor, kind: Surrogate, k: float) -> Tensor:
        ctx.save_for_backward(v)
        ctx.rule = (kind, k)
        return (v >= 0).to(v)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None, None]:
        kind, k = ctx.rule
        return gradient * BUMPS[kind](ctx.saved_tensors[0], k), None, None


def longhand(network: nn.Sequential, x: Tensor, n_steps: int) -> Tensor:
    """Write the equations of every layer out, step by step; the mean of the outputs."""
    held: dict[int, Tensor] = {}
    outputs = []
    for _ in range(n_steps):
        signal = x
        for index, layer in enumerate(network):
            if not isinstance(layer, VSN):
                signal = signal @ layer.weight.T + layer.bias
                continue
            m = layer.beta * held.get(index, torch.zeros_like(signal)) + signal
            reached = m.abs() if layer.rule.polarity is Polarity.BOTH else m
            s = LonghandStep.apply(reached - layer.theta, layer.rule.surrogate, layer.rule.surrogate_slope)
            held[index] = m * (1 - s.detach())
            signal = PHI[layer.rule.activation](signal) * s
        outputs.append(signal)
    return torch.stack(outputs).mean(0)


def make_network(activation: str, theta: float, **options) -> nn.Sequential:
    torch.manual_seed(0)
    neurons = [VSN(8, activation=activation, theta=theta, surrogate_slope=3.0, **options) for _ in range(2)]
    return nn.Sequential(nn.Linear(2, 8), neurons[0], nn.Linear(8, 8), neurons[1], nn.Linear(8, 1)).double()


def derivatives(u: Tensor, x: Tensor, parameters: list[Tensor]) -> list[Tensor]:
    """u, its gradient, its Laplacian, and the slope of the residual's square by the parameters, as a PINN takes them."""
    (slope,) = torch.autograd.grad(u.sum(), x, create_graph=True)
    second = [torch.autograd.grad(slope[:, k].sum(), x, create_graph=True)[0][:, k] for k in (0, 1)]
    laplacian = second[0] + second[1]
    by_parameters = torch.autograd.grad((laplacian - u[:, 0]).square().mean(), parameters)
    return [u, slope, laplacian, *by_parameters]


def assert_same(got: list[Tensor], wanted: list[Tensor]) -> None:
    for one, other in zip(got, wanted, strict=True):
        assert (one - other).abs().max() <= SUMS * max(1.0, other.detach().abs().max().item())


def points() -> Tensor:
    return torch.rand(20, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64).requires_grad_()


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_second_derivatives_of_every_activation(activation: str) -> None:
    network = make_network(activation, 0.1, polarity="both")
    x, weights = points(), list(network.parameters())
    assert_same(derivatives(network(x), x, weights), derivatives(longhand(network, x, 1), x, weights))


@pytest.mark.parametrize("activation", ["identity", "relu", "tanh", "sin", "z_tanh_z", "tanh_squared"])
@pytest.mark.parametrize("theta", [0.0, 0.1])
@pytest.mark.parametrize("polarity", list(Polarity))
@pytest.mark.parametrize("surrogate", list(Surrogate))
def test_second_derivatives_are_those_of_the_equation(activation, theta, polarity, surrogate) -> None:
    network = make_network(activation, theta, polarity=polarity, surrogate=surrogate)
    x, weights = points(), list(network.parameters())
    assert_same(derivatives(network(x), x, weights), derivatives(longhand(network, x, 1), x, weights))


@pytest.mark.parametrize(("n_steps", "activation"), list(product([2, 4], ["tanh", "z_tanh_z"])))
def test_several_steps_are_differentiated_twice(n_steps: int, activation: str) -> None:
    network = make_network(activation, 0.2, polarity="both", learn_beta=True, learn_theta=True)
    x, weights = points(), list(network.parameters())
    wanted = derivatives(longhand(network, x, n_steps), x, weights)
    assert_same(derivatives(VsnNetwork(network, n_steps)(x), x, weights), wanted)
    with successive_steps(network):
        u = torch.stack([network(x) for _ in range(n_steps)]).mean(0)
    assert_same(derivatives(u, x, weights), wanted)


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:FutureWarning")  # torch.func loads it
def test_the_transforms_of_torch_func_take_a_vsn() -> None:
    network = make_network("tanh", 0.1, polarity="both")
    x = points()
    hessians = torch.func.vmap(torch.func.hessian(lambda point: network(point)[0]))(x.detach())
    laplacian = hessians[:, 0, 0] + hessians[:, 1, 1]
    assert_same([laplacian], [derivatives(network(x), x, list(network.parameters()))[2]])


def test_a_vsn_in_the_place_of_tanh_is_trained_as_a_pinn() -> None:
    """The loop of examples/notebooks/deploy_your_own_pinn.ipynb: many calls, points of other numbers between them."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(2, 16), VSN(16, activation="tanh", polarity="both", theta=0.0), nn.Linear(16, 1))
    adam, losses = torch.optim.Adam(network.parameters(), lr=5e-3), []
    for _ in range(60):
        adam.zero_grad()
        x = torch.rand(50, 2, requires_grad=True)
        (slope,) = torch.autograd.grad(network(x).sum(), x, create_graph=True)
        laplacian = sum(torch.autograd.grad(slope[:, k].sum(), x, create_graph=True)[0][:, k] for k in (0, 1))
        loss = (laplacian - 1).square().mean() + network(torch.rand(7, 2)).square().mean()
        loss.backward()
        adam.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_first_derivatives_are_those_of_the_fused_function() -> None:
    network = VsnNetwork(make_network("tanh_squared", 0.1, learn_beta=True, learn_theta=True), 3)
    x = points()
    leaves = [x, *network.parameters()]
    wanted = torch.autograd.grad(network.run(x).output.square().sum(), leaves)
    assert_same(list(torch.autograd.grad(network(x).square().sum(), leaves)), list(wanted))


def test_the_fused_function_refuses_a_second_derivative_in_words() -> None:
    network, x = VsnNetwork(make_network("tanh", 0.1)), points()
    (slope,) = torch.autograd.grad(network.run(x).output.sum(), x, create_graph=True)
    with pytest.raises(TrainingError, match=r"VsnNetwork\.run must be differentiated once only"):
        torch.autograd.grad(slope.sum(), x)
