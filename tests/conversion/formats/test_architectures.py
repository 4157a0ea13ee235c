"""Fifteen architectures as their papers' public code writes them: one line in, and the numbers of torch out."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402
from torch.nn.utils import parametrizations  # noqa: E402

from neuropinn_lava.base.errors import SpecError  # noqa: E402
from neuropinn_lava.conversion.formats.torch_modules import from_torch  # noqa: E402
from neuropinn_lava.engine.reference import run_float  # noqa: E402
from neuropinn_lava.network.nodes import ProductSpec  # noqa: E402
from neuropinn_lava.network.spec import NetworkSpec  # noqa: E402
from neuropinn_lava.training.neuron.vsn import VSN  # noqa: E402

PROMISED = 1e-9
"""Largest difference of an import, relative to max |u|."""


def mlp(n: int = 8, act: Callable[[], nn.Module] = nn.Tanh, n_in: int = 2, n_out: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Linear(n_in, n), act(), nn.Linear(n, n), act(), nn.Linear(n, n_out))


class ResidualNet(nn.Module):
    """Residual blocks with a learned factor, h + alpha F(h)."""

    def __init__(self, n: int = 8) -> None:
        super().__init__()
        self.embed, self.head = nn.Linear(2, n), nn.Linear(n, 1)
        self.blocks = nn.ModuleList(nn.Sequential(nn.Linear(n, n), nn.Tanh(), nn.Linear(n, n)) for _ in range(3))
        self.alpha = nn.Parameter(torch.tensor([0.3, -0.2, 0.7]))

    def forward(self, x: Tensor) -> Tensor:
        h = torch.tanh(self.embed(x))
        for alpha, block in zip(self.alpha, self.blocks, strict=True):
            h = h + alpha * torch.tanh(block(h))
        return self.head(h)


class ModifiedMlp(nn.Module):
    """Wang, Teng & Perdikaris 2021: gates U and V."""

    def __init__(self, n: int = 8) -> None:
        super().__init__()
        self.u, self.v, self.first, self.last = nn.Linear(2, n), nn.Linear(2, n), nn.Linear(2, n), nn.Linear(n, 1)
        self.hidden = nn.ModuleList(nn.Linear(n, n) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        u, v, h = torch.tanh(self.u(x)), torch.tanh(self.v(x)), torch.tanh(self.first(x))
        for layer in self.hidden:
            z = torch.tanh(layer(h))
            h = z * u + (1 - z) * v
        return self.last(h)


class Fourier(nn.Module):
    """Random Fourier features (Tancik et al. 2020)."""

    def __init__(self, n_in: int = 2, n: int = 6, scale: float = 2.0) -> None:
        super().__init__()
        self.register_buffer("B", torch.randn(n_in, n) * scale)

    def forward(self, x: Tensor) -> Tensor:
        p = 2 * math.pi * x @ self.B
        return torch.cat([torch.cos(p), torch.sin(p)], dim=-1)


class PirateBlock(nn.Module):
    """Wang et al. 2024, PirateNets: gates inside, and an adaptive skip connection."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.f, self.g, self.h = (nn.Linear(n, n) for _ in range(3))
        self.alpha = nn.Parameter(torch.tensor(0.4))

    def forward(self, x: Tensor, u: Tensor, v: Tensor) -> Tensor:
        f = torch.tanh(self.f(x))
        z1 = f * u + (1 - f) * v
        g = torch.tanh(self.g(z1))
        z2 = g * u + (1 - g) * v
        h = torch.tanh(self.h(z2))
        return self.alpha * h + (1 - self.alpha) * x


class PirateNet(nn.Module):
    def __init__(self, n: int = 8) -> None:
        super().__init__()
        self.embed = Fourier(2, n // 2, 1.0)
        self.u, self.v, self.last = nn.Linear(n, n), nn.Linear(n, n), nn.Linear(n, 1)
        self.blocks = nn.ModuleList(PirateBlock(n) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x)
        u, v = torch.tanh(self.u(x)), torch.tanh(self.v(x))
        for block in self.blocks:
            x = block(x, u, v)
        return self.last(x)


class Periodic(nn.Module):
    """Dong & Ni 2021: a periodic embedding of x, the time as it is."""

    def __init__(self) -> None:
        super().__init__()
        self.net = mlp(n_in=4)

    def forward(self, t: Tensor, x: Tensor) -> Tensor:
        w = 2 * math.pi
        return self.net(torch.cat([t, torch.ones_like(x), torch.cos(w * x), torch.sin(w * x)], dim=1))


class SineLayer(nn.Module):
    """SIREN (Sitzmann et al. 2020)."""

    def __init__(self, n_in: int, n_out: int, omega_0: float = 30.0) -> None:
        super().__init__()
        self.omega_0, self.linear = omega_0, nn.Linear(n_in, n_out)

    def forward(self, x: Tensor) -> Tensor:
        return torch.sin(self.omega_0 * self.linear(x))


class DeepONet(nn.Module):
    """Lu et al. 2021: branch times trunk, summed, with a bias."""

    def __init__(self) -> None:
        super().__init__()
        self.branch, self.trunk = mlp(n_in=7, n_out=5), nn.Sequential(mlp(n_in=2, n_out=5), nn.Tanh())
        self.b = nn.Parameter(torch.tensor(0.3))

    def forward(self, u: Tensor, y: Tensor) -> Tensor:
        return torch.sum(self.branch(u) * self.trunk(y), dim=-1, keepdim=True) + self.b


class DeepONetByEinsum(DeepONet):
    def forward(self, u: Tensor, y: Tensor) -> Tensor:
        return torch.einsum("bi,bi->b", self.branch(u), self.trunk(y))[:, None] + self.b


class Separable(nn.Module):
    """Cho et al. 2023, SPINN: products of a network for each axis."""

    def __init__(self, n_dim: int = 3, rank: int = 4) -> None:
        super().__init__()
        self.nets = nn.ModuleList(mlp(n_in=1, n_out=rank) for _ in range(n_dim))

    def forward(self, x: Tensor, y: Tensor, t: Tensor) -> Tensor:
        product = 1.0
        for net, coordinate in zip(self.nets, (x, y, t), strict=True):
            product = product * net(coordinate)
        return product.sum(dim=1, keepdim=True)


class Normalised(nn.Module):
    """Several inputs, normalised by buffers."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor([3.0, -1.0, 200.0]))
        self.register_buffer("std", torch.tensor([2.0, 0.5, 40.0]))
        self.net = mlp(n_in=3)

    def forward(self, x: Tensor, y: Tensor, t: Tensor) -> Tensor:
        inputs = (torch.cat([x, y, t], dim=1) - self.mean) / self.std
        return 4.0 * self.net(inputs) - 1.0


class TwoHeads(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body, self.u, self.p = nn.Sequential(nn.Linear(2, 8), nn.Tanh()), nn.Linear(8, 2), mlp(n_in=8)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = self.body(x)
        return self.u(h), self.p(h)


class AdaptiveTanh(nn.Module):
    """Jagtap et al. 2020: tanh(n a z) with a trainable slope."""

    def __init__(self, n: float = 10.0) -> None:
        super().__init__()
        self.n, self.a = n, nn.Parameter(torch.tensor(0.12))

    def forward(self, z: Tensor) -> Tensor:
        return torch.tanh(self.n * self.a * z)


class FactorisedLinear(nn.Module):
    """Wang et al. 2022: random weight factorisation, W = diag(exp s) V."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.s, self.v = nn.Parameter(0.1 * torch.randn(n_out)), nn.Parameter(torch.randn(n_in, n_out) / n_in**0.5)
        self.bias = nn.Parameter(torch.randn(n_out))

    def forward(self, x: Tensor) -> Tensor:
        return x @ (self.v * torch.exp(self.s)) + self.bias


class SequenceRnn(nn.Module):
    """An RNN over a sequence of measurements, read out at every step."""

    def __init__(self, kind: type[nn.Module] = nn.RNN, **options: Any) -> None:
        super().__init__()
        self.rnn = kind(3, 6, batch_first=True, **options)
        self.head = nn.Linear(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.rnn(x)[0])


class LastStep(SequenceRnn):
    def forward(self, x: Tensor) -> Tensor:
        outputs, _ = self.rnn(x)
        return self.head(outputs[:, -1, :])


class HiddenState(SequenceRnn):
    def forward(self, x: Tensor) -> Tensor:
        _, h = self.rnn(x)
        h = h[0] if isinstance(h, tuple) else h
        return self.head(h[-1])


class MeanOfSteps(SequenceRnn):
    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.rnn(x)[0].mean(dim=1))


ARCHITECTURES: dict[str, Callable[[], nn.Module]] = {
    "mlp tanh": mlp,
    "mlp of variable spiking neurons": lambda: mlp(act=lambda: VSN(8, theta=0.2)),
    "residual": ResidualNet,
    "modified mlp": ModifiedMlp,
    "siren": lambda: nn.Sequential(SineLayer(2, 8), SineLayer(8, 8), nn.Linear(8, 1)),
    "deeponet": DeepONet,
    "deeponet by einsum": DeepONetByEinsum,
    "separable": Separable,
    "normalised inputs": Normalised,
    "two heads": TwoHeads,
    "adaptive slope": lambda: mlp(act=AdaptiveTanh),
    "factorised weights": lambda: nn.Sequential(FactorisedLinear(2, 8), nn.Tanh(), FactorisedLinear(8, 1)),
    "weight norm": lambda: nn.Sequential(parametrizations.weight_norm(nn.Linear(2, 8)), nn.Tanh(), nn.Linear(8, 1)),
    "rnn": SequenceRnn,
    "rnn with relu, two layers": lambda: SequenceRnn(nonlinearity="relu", num_layers=2),
    "rnn, last step": LastStep,
    "rnn, hidden state": HiddenState,
    "rnn, mean": MeanOfSteps,
    "fourier": lambda: nn.Sequential(Fourier(), mlp(n_in=12)),
    "piratenet": PirateNet,
    "periodic": Periodic,
    "gru": lambda: SequenceRnn(nn.GRU),
    "lstm": lambda: SequenceRnn(nn.LSTM),
}
"""Modules by name; those that read sequences have an `rnn`."""


def made(name: str) -> nn.Module:
    torch.manual_seed(len(name))
    return ARCHITECTURES[name]().double().eval()


def difference(module: nn.Module, network: NetworkSpec, seed: int = 7) -> float:
    """Return the largest difference between module and float engine, relative to the largest output."""
    steps = (9,) if network.has_sequences else ()
    points = np.random.default_rng(seed).uniform(network.lower, network.upper, (40, *steps, network.n_in))
    columns = torch.tensor(points).split([each.width for each in network.inputs], dim=-1)
    with torch.no_grad():
        result = module(*columns)
    wanted = (torch.cat(result, dim=-1) if isinstance(result, tuple) else result).numpy()
    got = run_float(network, points).outputs
    assert got.shape == wanted.shape
    return float(np.abs(got - wanted).max() / np.abs(wanted).max())


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_an_architecture_is_imported_in_one_line(name: str) -> None:
    module = made(name)
    network = from_torch(module, sequence=hasattr(module, "rnn"))
    assert difference(module, network) <= PROMISED


def nodes_of(name: str) -> list[str]:
    module = made(name)
    return [node.name for node in from_torch(module, sequence=hasattr(module, "rnn")).nodes]


def test_sums_that_are_used_again_are_relays_and_others_are_folded() -> None:
    """h is tanh(embed); h + a F(h) is read by the next block and by the next sum, the last one by the head alone."""
    names = nodes_of("residual")
    assert sorted(names) == sorted([*(f"hidden{i}" for i in range(1, 8)), "relay1", "relay2"])


def test_gates_are_one_product_a_layer_with_the_difference_of_both() -> None:
    """z u + (1 - z) v = v + z (u - v), and u - v is one relay for all layers."""
    network = from_torch(made("modified mlp"))
    products = [node for node in network.nodes if isinstance(node, ProductSpec)]
    assert len(products) == 3
    assert [node.name for node in network.populations if node.is_relay] == ["relay1"]


def test_normalisation_by_buffers_is_the_hosts() -> None:
    network = from_torch(made("normalised inputs"), lower=[1, -2, 150], upper=[5, 0, 250])
    assert [each.name for each in network.inputs] == ["x", "y", "t"]
    np.testing.assert_allclose(network.input_transform.scale, [0.5, 2.0, 1 / 40])
    np.testing.assert_allclose(network.input_transform.offset, [-1.5, 2.0, -5.0])
    assert difference(made("normalised inputs"), network) <= PROMISED


class StepModule(nn.Module):
    """A recurrent layer of spiking neurons, written for one step; the first state leaks, the second is the last output."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.again, self.vsn, self.head = (
            nn.Linear(2, 5),
            nn.Linear(5, 5),
            VSN(5, theta=0.3),
            nn.Linear(5, 1),
        )

    def forward(self, x: Tensor, trace: Tensor, h: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        h = self.vsn(self.inner(x) + self.again(h) + trace)
        trace = 0.5 * trace + 0.1 * h + 0.05
        return self.head(h * trace), trace, h


class GruStep(nn.Module):
    def __init__(self, cell: nn.Module) -> None:
        super().__init__()
        self.cell, self.head = cell, nn.Linear(5, 1)

    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        h = self.cell(x, h)
        return self.head(h), h


STEP_MODULES = {
    "spiking": (StepModule, {"trace": 5, "h": 5}),
    "gru cell": (lambda: GruStep(nn.GRUCell(2, 5)), {"h": 5}),
    "rnn cell": (lambda: GruStep(nn.RNNCell(2, 5)), {"h": 5}),
}


@pytest.mark.parametrize("name", STEP_MODULES)
@pytest.mark.parametrize("sequence", [True, False])
def test_states_of_step_modules_are_connections_with_a_delay(name: str, sequence: bool) -> None:
    """The gate of `from_torch` runs the module step by step; this runs it again, by other points."""
    from neuropinn_lava.training.neuron.vsn import successive_steps

    torch.manual_seed(3)
    make, states = STEP_MODULES[name]
    module = make().double()
    options = {"sequence": True} if sequence else {"n_steps": 6, "readout": "last"}
    network = from_torch(module, states=states, **options)
    assert any(delay for node in network.nodes for _, delay in node.edges)
    points = np.random.default_rng(1).uniform(-1, 1, (30, 6, 2) if sequence else (30, 2))
    held, outputs = [torch.zeros(30, n, dtype=torch.float64) for n in states.values()], []
    with torch.no_grad(), successive_steps(module):
        for t in range(6):
            output, *held = module(torch.tensor(points[:, t] if sequence else points), *held)
            outputs.append(output.numpy())
    wanted = np.stack(outputs, axis=1) if sequence else outputs[-1]
    assert np.abs(run_float(network, points).outputs - wanted).max() <= PROMISED * np.abs(wanted).max()


class LoopOverTime(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner, self.again = nn.Linear(3, 5), nn.Linear(5, 5)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.zeros(len(x), 5, dtype=x.dtype)
        for t in range(x.shape[1]):
            h = torch.tanh(self.inner(x[:, t]) + self.again(h))
        return h


class Nonlinear(LastStep):
    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(super().forward(x))


@pytest.mark.parametrize(
    ("module", "options", "message"),
    [
        (
            LoopOverTime(),
            {},
            r"use every step of a sequence, or the last; got step 0 alone in line .* step module",
        ),
        (Nonlinear(), {}, "be affine behind the last step or the mean of a sequence"),
        (SequenceRnn(bidirectional=True), {}, "got RuntimeError|run forwards in time"),
        (LastStep(), {"readout": "mean"}, "from_torch.readout must be last, as in the module; got mean"),
    ],
)
def test_what_a_sequence_cannot_do_is_refused(module: nn.Module, options: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        from_torch(module.double(), sequence=True, inputs={"x": 3}, **options)


def test_a_recurrent_layer_in_a_network_without_sequences_is_refused() -> None:
    class Repeated(SequenceRnn):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x[:, None].repeat(1, 4, 1))[:, -1]

    with pytest.raises(SpecError, match=r"get a sequence that is an input of the network.*sequence=True"):
        from_torch(Repeated().double())
