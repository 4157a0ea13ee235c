"""Architectures of physics-informed networks as modules, written as the public code of their papers writes them.

`ARCHITECTURES` builds each by name, with random weights; those that read sequences have an `rnn`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from neuropinn_lava.training.neuron.vsn import VSN


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
