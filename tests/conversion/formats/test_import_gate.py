"""The gate of every import: a record computes what its module computes, or the import is refused. None differs silently."""

from __future__ import annotations

import copy
import dataclasses
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
from neuropinn_lava.network.spec import NetworkSpec  # noqa: E402
from neuropinn_lava.training.network import import_check  # noqa: E402
from neuropinn_lava.training.network.export import export_network  # noqa: E402
from neuropinn_lava.training.network.network import VsnNetwork  # noqa: E402
from neuropinn_lava.training.neuron.vsn import VSN  # noqa: E402

PROMISED = 1e-9
"""Largest difference of an import, relative to max |u|."""


class Sine(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return torch.sin(3 * super().forward(x))


class Scaled(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return 2 * nn.functional.linear(x, self.weight, self.bias)


class ScaledSequential(nn.Sequential):
    def forward(self, x: Tensor) -> Tensor:
        return 3 * super().forward(x)


class LoudVsn(VSN):
    def forward(self, drive: Tensor) -> Tensor:
        return 2 * super().forward(drive)


class Written(nn.Module):
    """Two Linear layers, and a forward pass given as a function."""

    def __init__(self, n: int, step: Callable[..., Tensor]) -> None:
        super().__init__()
        self.first, self.last, self.step = nn.Linear(2, n), nn.Linear(n, 1), step
        self.register_buffer("mean", torch.rand(2))
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        return self.step(self, x)


def counted(module: Written, x: Tensor) -> Tensor:
    module.calls += 1
    return module.last(torch.tanh(module.first(x))) * module.calls


def in_place(module: Written, x: Tensor) -> Tensor:
    z = module.first(x)
    z *= 2
    z.add_(1)
    return module.last(z.tanh_())


def in_place_view(module: Written, x: Tensor) -> Tensor:
    z = module.first(x)
    z[:, 0] *= 2
    return module.last(torch.tanh(z))


def in_place_relu(module: Written, x: Tensor) -> Tensor:
    z = module.first(x)
    return module.last(z * nn.functional.relu(z, inplace=True))


def chain(n: int, *between: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, n), *(between or (nn.Tanh(),)), nn.Linear(n, 1))


def shared(n: int) -> nn.Sequential:
    middle, tanh = nn.Linear(n, n), nn.Tanh()
    return nn.Sequential(nn.Linear(2, n), tanh, middle, tanh, middle, tanh, nn.Linear(n, 1))


def with_hook(module: nn.Sequential, index: int, hook: Callable, pre: bool = False) -> nn.Module:
    layer = module[index]
    (layer.register_forward_pre_hook if pre else layer.register_forward_hook)(hook)
    return module


def old_norm(module: nn.Sequential, norm: Callable[[nn.Module], nn.Module]) -> nn.Module:
    norm(module[0])
    module(torch.rand(5, 2)).sum()  # leaves a weight that another tensor was computed into
    return module


def patched(module: nn.Sequential) -> nn.Module:
    linear = module[2]
    linear.forward = lambda x: nn.functional.linear(x, linear.weight) + 7
    return module


def with_norm(n: int) -> nn.BatchNorm1d:
    layer = nn.BatchNorm1d(n)
    layer.running_mean.uniform_(-1, 1)
    layer.running_var.uniform_(0.5, 2)
    return layer


EQUAL: dict[str, Callable[[int], nn.Module]] = {
    "plain": lambda n: chain(n),
    "vsn": lambda n: chain(n, VSN(n, theta=0.2)),
    "vsn both": lambda n: chain(n, VSN(n, theta=0.2, activation="z_tanh_z", polarity="both")),
    "vsn network of 4 steps": lambda n: VsnNetwork(chain(n, VSN(n, theta=0.3)), 4, "last"),
    "relu in place": lambda n: chain(n, nn.ReLU(inplace=True)),
    "relu with dead neurons": lambda n: _with_zero_rows(chain(n, nn.ReLU())),
    "shared layers": shared,
    "batch norm": lambda n: chain(n, with_norm(n), nn.Tanh()).eval(),
    "parametrized by weight_norm": lambda n: nn.Sequential(
        parametrizations.weight_norm(nn.Linear(2, n)), *chain(n)[1:]
    ),
    "parametrized by orthogonal": lambda n: nn.Sequential(*chain(n)[:2], parametrizations.orthogonal(nn.Linear(n, 1))),
    "weight_norm of old": lambda n: old_norm(chain(n), nn.utils.weight_norm),
    "spectral_norm of old": lambda n: old_norm(chain(n), nn.utils.spectral_norm),
    "functional": lambda n: Written(n, lambda m, x: m.last(nn.functional.tanh(m.first(2 * x - 1)))),
    "subclass of Linear": lambda n: nn.Sequential(Sine(2, n), *chain(n)[1:]),
    "subclass that scales": lambda n: nn.Sequential(*chain(n)[:2], Scaled(n, 1)),
    "subclass of VSN": lambda n: chain(n, LoudVsn(n)),
    "subclass of Tanh": lambda n: chain(n, type("Tanh2", (nn.Tanh,), {})()),
    "buffer as mean": lambda n: Written(n, lambda m, x: m.last(torch.tanh(m.first(x - m.mean)))),
    "in place": lambda n: Written(n, in_place),
    "relu of z in place, then z": lambda n: Written(n, in_place_relu),
    "copied in place": lambda n: Written(
        n, lambda m, x: m.last(torch.tanh(m.first(x)).copy_(m.last.weight[0]) + m.first(x).sin())
    ),
    "einsum of ellipses": lambda n: written(n, lambda m, a: torch.einsum("...i, ...i -> ...i", a, a.cos())),
    "einsum of an ellipsis without result": lambda n: written(
        n, lambda m, a: torch.einsum("...i,...j", a, a.cos())[:, 0]
    ),
    "infinite limits": lambda n: written(n, lambda m, a: a.clamp(-float("inf"), 0.3) + a.clamp(min=-float("inf"))),
    "view in place": lambda n: Written(n, in_place_view),
    "functional linear": lambda n: Written(n, lambda m, x: m.last(torch.tanh(nn.functional.linear(x, m.first.weight)))),
    "dropout in evaluation": lambda n: chain(n, nn.Tanh(), nn.Dropout(0.5)).eval(),
    "dropout of nothing in training": lambda n: chain(n, nn.Tanh(), nn.Dropout(0.0)),
    "one layer in evaluation": lambda n: chain(n, with_norm(n).eval(), nn.Tanh()),
    "compiled": lambda n: torch.compile(chain(n)),
    "data parallel": lambda n: nn.DataParallel(chain(n)),
    "shared in a function": lambda n: Written(2, lambda m, x: m.last(torch.sin(m.first(torch.tanh(m.first(x)))))),
}
IN_TRAINING = r"layer '2' \({}\) must be in evaluation mode; got training mode, .* Call module\.eval\(\)"
REFUSED: dict[str, tuple[Callable[[int], nn.Module], str]] = {
    "layer of dropout in training": (lambda n: chain(n, nn.Tanh(), nn.Dropout(0.5)), IN_TRAINING.format("Dropout")),
    "batch norm in training": (lambda n: chain(n, nn.Tanh(), with_norm(n)), IN_TRAINING.format("BatchNorm1d")),
    "dropout between recurrent layers": (
        lambda n: chain(n, nn.Tanh(), nn.GRU(n, n, 2, dropout=0.5)),
        IN_TRAINING.format("GRU"),
    ),
    "forward hook": (
        lambda n: with_hook(chain(n), 0, lambda *a: a[-1] * 2),
        r"layer '0' \(Linear\) must have no forward hooks",
    ),
    "pre-hook": (
        lambda n: with_hook(chain(n), 2, lambda m, a: (a[0] * 2,), pre=True),
        r"layer '2' \(Linear\) must have no forward",
    ),
    "hook on the whole": (lambda n: with_hook(nn.Sequential(chain(n)), 0, lambda *a: a[-1] + 1), "no forward hooks"),
    "patched forward": (lambda n: patched(chain(n)), r"layer '2' \(Linear\) must have the forward pass of its class"),
    "dropout in training": (
        lambda n: Written(n, lambda m, x: m.last(nn.functional.dropout(torch.tanh(m.first(x))))),
        r"no dropout in training mode; got p = 0.5 in line \d+ of test_import_gate.py",
    ),
    "noise": (
        lambda n: Written(n, lambda m, x: m.last(torch.tanh(m.first(x + 0.1 * torch.randn_like(x))))),
        "use only operators that can be deployed; got randn_like",
    ),
    "buffer that counts": (lambda n: Written(n, counted), "must keep its buffers as they are; got another calls"),
    "mean of the batch": (
        lambda n: Written(n, lambda m, x: m.last(torch.tanh(m.first(x - x.mean(0))))),
        r"keep samples and steps apart; got .* in line \d+ of test_import_gate.py",
    ),
    "attention over the batch": (
        lambda n: Written(n, lambda m, x: m.last(torch.tanh(m.first(x) @ m.first(x).T @ m.first(x)))),
        r"keep samples and steps apart; got samples along the axes \(0,\) and \(1,\)",
    ),
    "single precision within": (
        lambda n: Written(n, lambda m, x: m.last(torch.tanh(m.first(x)).float())),
        r"runs in float64 .*got RuntimeError.*leave conversions",
    ),
    "first axis flattened": (lambda n: chain(n, nn.Tanh(), nn.Flatten(0)), "got RuntimeError: mat1 and mat2 shapes"),
    "sum of samples that keeps their number": (
        lambda n: written(n, lambda m, a: a.cumsum(0)),
        r"keep samples and steps apart; got a tensor \(11, 2\) in line",
    ),
    "convolution over samples": (
        lambda n: written(n, lambda m, a: nn.functional.avg_pool1d(a.T[None], 3, 1, 1)[0].T),
        r"keep samples and steps apart; got a tensor \(1, 2, 11\) in line",
    ),
    "weights that depend on the input": (
        lambda n: written(n, lambda m, a: nn.functional.linear(a, a)[:, :2]),
        r"be a product of at most two computed values of a sample; got linear in line \d+ of test_import_gate.py",
    ),
    "diagonal of an operand": (
        lambda n: written(n, lambda m, a: torch.einsum("nii,ni->ni", a[:, :, None] * a[:, None], a)),
        "name every axis of an operand once; got einsum 'nii,ni->ni' in line",
    ),
    "clamp between equal limits": (
        lambda n: written(n, lambda m, a: a + a.clamp(0.5, 0.5)),
        r"have a lower limit below its upper one; got 0.5 and 0.5 in line",
    ),
    "division by zero": (lambda n: written(n, lambda m, a: a / 0), "have a divisor other than zero; got 0 in line"),
    "a handler that fails": (
        lambda n: written(n, lambda m, a: nn.functional.softplus(a, beta=0.0)),
        "use operators in a way that can be deployed; got softplus, ZeroDivisionError: .* in line",
    ),
    "single precision in between": (
        lambda n: written(n, lambda m, a: a.float().double()),
        r"keep the type of its input; got torch.float32 in line",
    ),
    "comparison": (
        lambda n: written(n, lambda m, a: a * (a > 0)),
        r"got gt in line .* Write the choice as a product with a smooth factor",
    ),
    "sum over everything": (
        lambda n: Written(n, lambda m, x: m.last(torch.tanh(m.first(x))).sum()),
        "keep samples and steps apart; got a tensor",
    ),
}


def written(n: int, step: Callable[[Written, Tensor], Tensor]) -> Written:
    """A module that does something to two sines between its layers."""
    return Written(n, lambda m, x: m.last(torch.tanh(m.first(step(m, torch.sin(x))))))


def _with_zero_rows(module: nn.Sequential) -> nn.Sequential:
    """Every second neuron's membrane is zero, at its threshold, everywhere."""
    with torch.no_grad():
        module[0].weight[::2], module[0].bias[::2] = 0.0, 0.0
    return module


def state_of(module: nn.Module) -> tuple[bool, list[Tensor], Tensor]:
    return module.training, [value.clone() for value in module.state_dict().values()], torch.get_rng_state()


pytestmark = pytest.mark.filterwarnings(r"ignore:.*weight_norm.* is deprecated:FutureWarning")
# torch's older norm is what existing modules have.


SLOW = {"compiled"}
"""Modules that torch compiles first, which takes half a minute."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in (*EQUAL, *REFUSED)]
)
def test_an_import_equals_its_module_or_is_refused(name: str) -> None:
    """At points that the gate does not use; the module itself stays as it was."""
    seed = [*EQUAL, *REFUSED].index(name)
    torch.manual_seed(seed)
    make = EQUAL[name] if name in EQUAL else REFUSED[name][0]
    module = make(5 + seed % 7)
    before = state_of(module)
    if name in REFUSED:
        with pytest.raises(SpecError, match=REFUSED[name][1]):
            from_torch(module)
    else:
        network = from_torch(module)
        points = np.random.default_rng(seed + 1).uniform(-1, 1, (300, 2))
        with torch.no_grad():
            wanted = module.double().eval()(torch.from_numpy(points)).numpy()
        assert np.abs(run_float(network, points).outputs - wanted).max() <= PROMISED * np.abs(wanted).max()
        module.float().train(before[0])
    after = state_of(module)
    assert after[0] == before[0]
    assert all(torch.equal(one, other) for one, other in zip(after[1], before[1], strict=True))
    assert torch.equal(after[2], before[2])


def test_nothing_is_printed_where_an_export_fails(capfd: pytest.CaptureFixture[str]) -> None:
    """torch prints the graph so far, once for each attempt."""
    module = Written(3, lambda m, x: m.last(torch.tanh(m.first(x))) if m.first(x).sum() > 0 else m.last(m.first(x)))
    with pytest.raises(SpecError, match=r"torch\.export can read; got GuardOnDataDependentSymNode"):
        from_torch(module)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("read", [from_torch, export_network])
def test_every_way_in_has_the_gate(read: Callable[[nn.Module], object]) -> None:
    """A subclass of Sequential has only layers that can be deployed, and a forward pass of its own."""
    torch.manual_seed(0)
    module = ScaledSequential(nn.Linear(2, 6), VSN(6), nn.Linear(6, 1))
    if read is export_network:
        with pytest.raises(
            SpecError, match=r"equal its record within 1e-09.*first in layer 'layers' \(ScaledSequential\)"
        ):
            read(module)
    else:  # the trace sees the factor, which is a layer like any other
        network = read(module)
        assert network is not None


def test_the_first_layer_that_differs_is_named() -> None:
    """A record with a wrong second layer, as a mistake in the reader would make it."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 6), nn.Tanh(), nn.Linear(6, 1))
    network = from_torch(module)
    other = copy.deepcopy(module)
    with torch.no_grad():
        other[2].weight[0, 0] += 1e-6
    with pytest.raises(SpecError, match=r"first in layer '2' \(Linear\), where the record has 'hidden2'"):
        import_check.check_import(other, network)
    with torch.no_grad():
        other[2].weight.copy_(module[2].weight)
        other[4].bias += 1e-6
    with pytest.raises(SpecError, match=r"first in layer '4' \(Linear\), where the record has its read-out"):
        import_check.check_import(other, network)


class SkipWithGate(nn.Module):
    """h + a tanh(h) u, of layers that can be changed one by one."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.gate, self.inner, self.last = (
            nn.Linear(2, 6),
            nn.Linear(2, 6),
            nn.Linear(6, 6),
            nn.Linear(6, 1),
        )
        self.a = nn.Parameter(torch.tensor(0.7))

    def forward(self, x: Tensor) -> Tensor:
        h, u = torch.tanh(self.first(x)), torch.sin(self.gate(x))
        for _ in range(2):
            h = h + self.a * torch.tanh(self.inner(h)) * u
        return self.last(h)


def with_node(network: NetworkSpec, name: str, change: Callable[[Any], Any]) -> NetworkSpec:
    nodes = tuple(change(node) if node.name == name else node for node in network.nodes)
    return dataclasses.replace(network, nodes=nodes)


WRONG: dict[str, Callable[[NetworkSpec], NetworkSpec]] = {
    "a weight": lambda n: with_node(n, "hidden3", lambda node: node.with_weight(node.weight + 1e-6)),
    "a bias": lambda n: with_node(n, "hidden2", lambda node: dataclasses.replace(node, bias=node.bias + 1e-6)),
    "a factor": lambda n: with_node(n, "product1", lambda node: dataclasses.replace(node, left=node.right)),
    "a skip left out": lambda n: with_node(
        n, "relay1", lambda node: dataclasses.replace(node, connections=node.connections[:1])
    ),
    "a delay": lambda n: with_node(
        n,
        "hidden3",
        lambda node: dataclasses.replace(node, connections=(dataclasses.replace(node.connections[0], delay=1),)),
    ),
}
"""A correct record of `SkipWithGate`, changed in one place."""


@pytest.mark.parametrize("change", WRONG)
def test_a_record_of_a_graph_that_differs_in_one_place_is_refused(change: str) -> None:
    torch.manual_seed(0)
    module = SkipWithGate()
    network = from_torch(module, n_steps=2, lower=[-1, -1], upper=[1, 1])
    import_check.check_import(module, network)
    with pytest.raises(SpecError, match="equal its record within 1e-09 of its largest output"):
        import_check.check_import(module, WRONG[change](network))


def one_neuron(theta: float, shift: float) -> nn.Sequential:
    """Drives x + shift, a single spiking neuron, u = its payload."""
    module = nn.Sequential(
        nn.Linear(1, 1), VSN(1, activation="identity", theta=theta, dtype=torch.float64), nn.Linear(1, 1)
    ).double()
    with torch.no_grad():
        for linear in (module[0], module[2]):
            linear.weight.fill_(1.0)
            linear.bias.fill_(0.0)
        module[0].weight.mul_(0.0 if shift else 1.0)
        module[0].bias.fill_(shift)
    return module


def test_ties_are_excused_at_few_points_and_not_at_most() -> None:
    """With a weight of zero each drive is 0.3, 1e-12 under the threshold of the one and 1e-12 over that of the other."""
    under, over = one_neuron(0.3 + 1e-12, 0.3), one_neuron(0.3 - 1e-12, 0.3)
    with pytest.raises(SpecError, match="at 256 of 256 points"):
        import_check.check_import(under, from_torch(over, lower=[0], upper=[1]))


def test_a_tie_at_few_points_is_excused() -> None:
    """Drives are the points; the threshold lies 1e-12 over one point of the gate in the module, and under it in the record."""
    points = np.random.default_rng(0).uniform([0.0], [1.0], (import_check.N_POINTS, 1))
    chosen = float(points[17, 0])
    record = from_torch(one_neuron(chosen - 1e-12, 0.0), lower=[0], upper=[1])
    import_check.check_import(one_neuron(chosen + 1e-12, 0.0), record)
    record = from_torch(one_neuron(chosen - 1e-7, 0.0), lower=[0], upper=[1])
    with pytest.raises(SpecError, match="at 1 of 256 points"):
        import_check.check_import(one_neuron(chosen + 1e-7, 0.0), record)


def test_weights_alone_are_no_module():
    with pytest.raises(SpecError, match=r"from_torch\.module must be a torch module; got .*load_state_dict"):
        from_torch(nn.Linear(2, 1).state_dict())
