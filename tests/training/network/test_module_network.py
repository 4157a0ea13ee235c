"""Modules of any structure in training: tangents against the explicit Jacobian, activities, what is refused."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrizations

from neuropinn_lava.base.errors import SpecError, TrainingError
from neuropinn_lava.training.network.module_network import ModuleNetwork
from neuropinn_lava.training.network.network import VsnNetwork
from neuropinn_lava.training.neuron.vsn import VSN, constant_spikes
from neuropinn_lava.training.optimize.tangents import find_tangents, move_network, run_exactly

ROUNDING = 1e-12


class Residual(nn.Module):
    """Two residual blocks with learned factors, one of them with the weights of the other."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(2, 5)
        self.inner = nn.Linear(5, 5, bias=False)
        self.factor = nn.Parameter(torch.tensor([0.5, -0.3]))
        self.neurons = nn.ModuleList([VSN(5, activation="tanh", theta=0.1) for _ in range(3)])
        self.last = nn.Linear(5, 2)

    def forward(self, x: Tensor) -> Tensor:
        h = self.neurons[0](self.first(x))
        h = h + self.factor[0] * self.neurons[1](self.inner(h))
        h = h + self.factor[1] * self.neurons[2](self.inner(h))
        out: Tensor = self.last(h)
        return out


class Gated(nn.Module):
    """A modified MLP: two gates that mix two encodings of the point."""

    def __init__(self) -> None:
        super().__init__()
        self.u, self.v, self.z = nn.Linear(2, 4), nn.Linear(2, 4), nn.Linear(2, 4)
        self.last = nn.Linear(4, 1)

    def forward(self, x: Tensor) -> Tensor:
        u, v, z = torch.tanh(self.u(x)), torch.tanh(self.v(x)), torch.tanh(self.z(x))
        out: Tensor = self.last(z * u + (1 - z) * v)
        return out


def wrapped(module: nn.Module, n_steps: int = 1) -> ModuleNetwork:
    return ModuleNetwork(module.double(), 2, n_steps)


def some_points(n: int) -> Tensor:
    return torch.rand(n, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) * 2 - 1


def explicit_jacobian(network: ModuleNetwork, x: Tensor) -> Tensor:
    """Give dy/dp row by row with spikes as constants, outputs one after the other, in the order of a `Direction`."""
    linears = network.linear_layers
    known = {id(p) for linear in linears for p in linear.parameters()}
    others = [p for p in network.parameters() if id(p) not in known and p.requires_grad]
    biases = [linear.bias for linear in linears if linear.bias is not None]
    held = [*(linear.weight for linear in linears), *biases, *others]
    with constant_spikes(network):
        output = network(x)
    rows = [
        torch.autograd.grad(y, held, retain_graph=True, materialize_grads=True)
        for column in output.unbind(1)
        for y in column
    ]
    return torch.stack([torch.cat([part.reshape(-1) for part in row]) for row in rows])


class Tied(nn.Module):
    """Two layers of one weight matrix, two of one bias, a frozen one, one with weight norm, and one read by a function."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.frozen = nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 3).requires_grad_(False)
        self.second.weight = self.first.weight
        self.normed = parametrizations.weight_norm(nn.Linear(3, 4))
        self.read = nn.Linear(4, 4)
        self.same, self.bias = nn.Linear(4, 4), nn.Linear(4, 4)
        self.bias.bias = self.same.bias
        self.last = nn.Linear(4, 1)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.tanh(self.second(torch.tanh(self.first(input=x))))
        h = torch.tanh(self.normed(torch.tanh(self.frozen(h))))
        h = torch.tanh(functional.linear(h, self.read.weight, self.read.bias))
        out: Tensor = self.last(torch.tanh(self.bias(torch.tanh(self.same(h)))))
        return out


def flat(direction: object) -> Tensor:
    return torch.cat([part.reshape(-1) for part in (*direction.weights, *direction.biases, direction.others)])  # type: ignore[attr-defined]


@pytest.mark.parametrize(("kind", "n_steps"), [(Residual, 1), (Residual, 3), (Gated, 1), (Tied, 1)])
def test_tangents_are_the_explicit_jacobian(kind: type[nn.Module], n_steps: int) -> None:
    torch.manual_seed(0)
    network, x = wrapped(kind(), n_steps), some_points(11)
    J = explicit_jacobian(network, x)
    tangents = find_tangents(network, run_exactly(network, x))
    K = J @ J.T
    assert (tangents.kernel_columns(slice(None)) - K).abs().max() <= ROUNDING * K.abs().max()
    v = torch.linspace(-1.0, 1.0, len(J), dtype=torch.float64)
    pulled = tangents.pulled_back(v)
    assert (flat(pulled) - J.T @ v).abs().max() <= ROUNDING * (J.T @ v).abs().max()
    assert (tangents.pushed_forward(pulled) - K @ v).abs().max() <= ROUNDING * (K @ v).abs().max()
    some = tangents.at(torch.tensor([0, 5])).kernel_columns(slice(None))
    rows = torch.tensor([0, 5, 11, 16]) if network.n_out == 2 else torch.tensor([0, 5])
    assert (some - K[rows][:, rows]).abs().max() <= ROUNDING * K.abs().max()


def test_only_what_the_hooks_see_whole_is_moved_as_a_layer() -> None:
    torch.manual_seed(0)
    module = Tied()
    assert wrapped(module).linear_layers == (module.last,)


@pytest.mark.filterwarnings("ignore:.*weight_norm")  # the older form, which modules of users have
def test_a_weight_that_a_hook_computes_is_moved_as_its_parameters() -> None:
    normed, last = nn.utils.weight_norm(nn.Linear(2, 3)), nn.Linear(3, 1)
    network, x = wrapped(nn.Sequential(normed, nn.Tanh(), last)), some_points(5)
    assert network.linear_layers == (last,)
    direction = find_tangents(network, run_exactly(network, x)).pulled_back(torch.ones(5, dtype=torch.float64))
    before = [p.detach().clone() for p in normed.parameters()]
    move_network(network, direction, 0.5)
    assert all(bool((p != old).all()) for p, old in zip(normed.parameters(), before, strict=True))


@pytest.mark.parametrize("kind", [Residual, Tied])
def test_a_step_moves_every_parameter_of_the_module(kind: type[nn.Module]) -> None:
    torch.manual_seed(0)
    network, x = wrapped(kind()), some_points(5)
    tangents = find_tangents(network, run_exactly(network, x))
    direction = tangents.pulled_back(torch.ones(5 * network.n_out, dtype=torch.float64))
    before = [p.detach().clone() for p in network.parameters()]
    move_network(network, direction, 0.5)
    changed = [p - old for p, old in zip(network.parameters(), before, strict=True)]
    assert torch.isclose(torch.cat([c.reshape(-1) for c in changed]).norm(), 0.5 * flat(direction).norm())
    assert [bool(c.any()) for c in changed] == [p.requires_grad for p in network.parameters()]


@pytest.mark.parametrize("n_steps", [1, 4])
def test_a_chain_gives_the_numbers_of_the_network_that_knows_it_is_one(n_steps: int) -> None:
    torch.manual_seed(2)
    layers = nn.Sequential(nn.Linear(2, 6), VSN(6, theta=0.2), nn.Linear(6, 4), VSN(4, theta=0.1), nn.Linear(4, 1))
    x = some_points(40)
    chain = VsnNetwork(layers.double(), n_steps)
    one, other = run_exactly(chain, x), run_exactly(wrapped(layers, n_steps), x)
    for name in ("output", "activity", "smooth_activity"):
        torch.testing.assert_close(getattr(other, name), getattr(one, name), rtol=1e-12, atol=1e-14)
    held = list(layers.parameters())
    for run in (one, other):
        slopes = torch.autograd.grad(run.smooth_activity, held, retain_graph=True, materialize_grads=True)
        assert any(slope.abs().max() > 0 for slope in slopes)


def test_a_module_without_vsn_layers_always_fires() -> None:
    assert wrapped(Gated()).run(some_points(3)).activity.item() == 1.0


class Mixing(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(2, 1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.linear(x)
        return out - out.mean(0)


class Free(nn.Module):
    """An affine map that is no Linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.ones(2, 300))
        self.last = nn.Linear(300, 1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.last(torch.tanh(x @ self.matrix))
        return out


class Shared(nn.Module):
    """A VSN layer in two places, and another one in none."""

    def __init__(self, unused: bool) -> None:
        super().__init__()
        self.first, self.last, self.neurons = nn.Linear(2, 3), nn.Linear(3, 1), VSN(3)
        self.inner, self.unused = nn.Linear(3, 3), VSN(3) if unused else None

    def forward(self, x: Tensor) -> Tensor:
        h = self.neurons(drive=self.first(x))
        out: Tensor = self.last(h if self.unused is not None else self.neurons(self.inner(h)))
        return out


@pytest.mark.parametrize(("unused", "calls"), [(False, 2), (True, 0)])
def test_a_vsn_must_be_called_once_a_step(unused: bool, calls: int) -> None:
    with pytest.raises(SpecError, match=rf"module Shared: VSN.* must be called once a step; got {calls} calls"):
        wrapped(Shared(unused), n_steps=2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"readout": "every"}, r"ModuleNetwork.readout must be 'mean' or 'last'; got every"),
        ({"n_steps": 1.5}, r"ModuleNetwork.n_steps must be a whole number; got 1.5"),
    ],
)
def test_other_presentations_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        ModuleNetwork(Gated().double(), 2, **options)  # type: ignore[arg-type]


def test_what_mixes_samples_is_refused() -> None:
    with pytest.raises(
        SpecError,
        match=r"module Mixing must return the same for a point alone and among others; got outputs that differ",
    ):
        wrapped(Mixing())


class TwoArguments(nn.Module):
    """A module that takes one argument for each coordinate."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(2, 1)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        out: Tensor = self.inner(torch.cat([x, y], dim=1))
        return out


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (TwoArguments(), r"module TwoArguments must run on points given as one argument .*; got TypeError: .*'y'"),
        (nn.Sequential(nn.Linear(3, 1)), r"module Sequential .* of the shape \(n_points, 2\); got RuntimeError: mat1"),
    ],
)
def test_a_module_of_other_inputs_is_refused(module: nn.Module, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        wrapped(module)


def test_a_module_without_linear_layers_is_refused() -> None:
    with pytest.raises(SpecError, match=r"module Tanh must have a torch.nn.Linear; got none"):
        ModuleNetwork(nn.Tanh(), 2)


def test_too_many_other_parameters_are_refused_for_gauss_newton() -> None:
    network = wrapped(Free())
    with pytest.raises(TrainingError, match=r"at most 512 parameters outside torch.nn.Linear .*; got 600"):
        find_tangents(network, run_exactly(network, some_points(2)))
