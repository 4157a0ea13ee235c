"""Random modules of affine steps, products, activations, and whatever moves entries: the numbers of torch come out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402

from neuropinn_lava.conversion.formats.torch_modules import from_torch  # noqa: E402
from neuropinn_lava.engine.reference import run_float  # noqa: E402
from neuropinn_lava.training.neuron.vsn import VSN, successive_steps  # noqa: E402

SUMS = 1e-9
"""float64 sums in another order behind products of several factors, relative to max |u|; the gate allows as much."""
WIDTH = 4

ONE: dict[str, Callable[[RandomModule, int, Tensor], Tensor]] = {
    "linear": lambda m, k, a: m.linears[k](a),
    "activation": lambda m, k, a: (torch.tanh, torch.sin, torch.relu, torch.sigmoid, torch.cos)[k % 5](m.linears[k](a)),
    "spikes": lambda m, k, a: m.neurons[k](m.linears[k](a)),
    "scaled": lambda m, k, a: (a - m.means[k]) / (1.5 + m.means[k] ** 2),
    "rolled": lambda m, k, a: a.roll(1 + k % 3, dims=-1),
    "folded": lambda m, k, a: a.view(-1, 2, WIDTH // 2).transpose(1, 2).reshape(len(a), WIDTH),
    "halves": lambda m, k, a: torch.cat([part * (j + 1) for j, part in enumerate(a.chunk(2, dim=1))], dim=-1),
    "mean": lambda m, k, a: a - a.mean(dim=-1, keepdim=True),
    "square": lambda m, k, a: 0.2 * torch.tanh(a) ** 2,
    "in place": lambda m, k, a: m.linears[k](a).mul_(0.5).add_(m.means[k]),
    "set": lambda m, k, a: _with_first_column(m.linears[k](a)),
    "matrices": lambda m, k, a: (m.linears[k].weight @ a.unsqueeze(-1)).squeeze(-1),
    "einsum": lambda m, k, a: torch.einsum("ni,ij->nj", a, m.linears[k].weight),
    "norm": lambda m, k, a: m.norms[k](a),
    "convolution": lambda m, k, a: m.convolution(a[:, None])[:, 0],
    "stacked": lambda m, k, a: torch.stack([a, 2 * a, torch.ones_like(a)], dim=0).sum(0),
}
"""Operations on one tensor of shape (n, WIDTH)."""
TWO: dict[str, Callable[[RandomModule, int, Tensor, Tensor], Tensor]] = {
    "sum": lambda m, k, a, b: a + m.means[k][0] * b,
    "difference": lambda m, k, a, b: a - b,
    "product": lambda m, k, a, b: 0.5 * torch.tanh(a) * b,
    "gate": lambda m, k, a, b: torch.sigmoid(a) * b + (1 - torch.sigmoid(a)) * torch.tanh(b),
    "lerp": lambda m, k, a, b: torch.lerp(a, b, torch.sigmoid(m.linears[k](a))),
    "joined": lambda m, k, a, b: m.wide[k](torch.cat([a, b], dim=-1)),
    "outer": lambda m, k, a, b: (torch.tanh(a)[:, :, None] * torch.sin(b)[:, None, :]).sum(-1),
}
"""Operations on two of them."""


def _with_first_column(a: Tensor) -> Tensor:
    a[:, 0] = a[:, 1] * 2
    return a


class RandomModule(nn.Module):
    """Ten random operations, each on random results of the ones before; the output is the sum of the last three."""

    def __init__(self, seed: int, n_operations: int = 10) -> None:
        super().__init__()
        torch.manual_seed(seed)
        rng = np.random.default_rng(seed)
        self.first = nn.Linear(3, WIDTH)
        self.linears = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(n_operations))
        self.wide = nn.ModuleList(nn.Linear(2 * WIDTH, WIDTH) for _ in range(n_operations))
        self.norms = nn.ModuleList(nn.BatchNorm1d(WIDTH) for _ in range(n_operations))
        self.neurons = nn.ModuleList(VSN(WIDTH, theta=0.2, polarity="both") for _ in range(n_operations))
        self.convolution = nn.Conv1d(1, 1, 3, padding=1)
        self.register_buffer("means", torch.randn(n_operations, WIDTH))
        self.plan: list[tuple[str, int, int]] = []
        for k in range(n_operations):
            name = str(rng.choice([*ONE, *TWO]))
            self.plan.append((name, int(rng.integers(k + 1)), int(rng.integers(k + 1))))

    def forward(self, x: Tensor) -> Tensor:
        found = [torch.tanh(self.first(x))]
        for k, (name, i, j) in enumerate(self.plan):
            a, b = found[i], found[j]
            found.append(ONE[name](self, k, a) if name in ONE else TWO[name](self, k, a, b))
        return found[-1] + found[-2] + found[-3]


@pytest.mark.parametrize("seed", range(16))
def test_a_random_module_is_imported(seed: int) -> None:
    module, n_steps = RandomModule(seed).double().eval(), (1, 1, 3)[seed % 3]
    network = from_torch(module, lower=[-1, -1, -1], upper=[1, 1, 1], n_steps=n_steps)
    points = np.random.default_rng(seed).uniform(-1, 1, (50, 3))
    with torch.no_grad(), successive_steps(module):
        wanted = torch.stack([module(torch.tensor(points)) for _ in range(n_steps)]).mean(0).numpy()
    assert np.abs(run_float(network, points).outputs - wanted).max() <= SUMS * np.abs(wanted).max()
