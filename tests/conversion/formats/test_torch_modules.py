"""Any PyTorch model in: what is read computes what the module computes, and what cannot be deployed is refused by name."""

from __future__ import annotations

import contextlib
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

import builders  # noqa: E402
import neuropinn_lava as nl  # noqa: E402
from neuropinn_lava.base.errors import SpecError  # noqa: E402
from neuropinn_lava.conversion import QuantizationScheme, quantize_network  # noqa: E402
from neuropinn_lava.conversion.formats.torch_modules import from_torch  # noqa: E402
from neuropinn_lava.engine.reference import run_float, run_integer  # noqa: E402
from neuropinn_lava.engine.trace import Probe  # noqa: E402
from neuropinn_lava.network.nodes import Polarity  # noqa: E402
from neuropinn_lava.network.spec import NetworkSpec  # noqa: E402
from neuropinn_lava.training.network.network import VsnNetwork  # noqa: E402
from neuropinn_lava.training.neuron.vsn import VSN  # noqa: E402

SUMS = 1e-12
"""float64 sums in another order, relative to max |u|."""
PROMISED = 1e-6
"""What an ordinary network may differ by from its VSN twin in float32 weights: they are the same numbers."""

POINTS = np.random.default_rng(0).uniform(-1, 1, (60, 2))


class ZTanhZ(nn.Module):
    def forward(self, z):
        return z * torch.tanh(z)


class TanhModuleTimesZ(nn.Module):
    def __init__(self):
        super().__init__()
        self.tanh = nn.Tanh()

    def forward(self, z):
        return self.tanh(z) * z


class TanhSquared(nn.Module):
    def forward(self, z):
        return torch.tanh(z) ** 2


class TanhTimesTanh(nn.Module):
    def forward(self, z):
        t = z.tanh()
        return t * t


class Functional(nn.Module):
    """As DeepXDE's FNN: a ModuleList, activations called as functions, numbers before and after."""

    def __init__(self):
        super().__init__()
        self.linears = nn.ModuleList([nn.Linear(2, 9), nn.Linear(9, 7), nn.Linear(7, 1)])

    def forward(self, x):
        x = 2 * x - 1
        for linear in self.linears[:-1]:
            x = torch.tanh(linear(x))
        return self.linears[-1](x) / 4 + 3


def batch_norm(n: int) -> nn.BatchNorm1d:
    layer = nn.BatchNorm1d(n)
    with torch.no_grad():
        layer.running_mean.normal_()
        layer.running_var.uniform_(0.5, 2.0)
        layer.weight.normal_()
        layer.bias.normal_()
    return layer.eval()


def make_modules() -> dict[str, nn.Module]:
    torch.manual_seed(0)
    return {
        "tanh": nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 3)),
        "relu without bias": nn.Sequential(nn.Linear(2, 8, bias=False), nn.ReLU(), nn.Linear(8, 1)),
        "nested": nn.Sequential(nn.Sequential(nn.Linear(2, 8), nn.Tanh()), nn.Sequential(nn.Linear(8, 1))),
        "without effect": nn.Sequential(
            nn.Flatten(), nn.Linear(2, 8), nn.Dropout(0.5).eval(), nn.ReLU(), nn.Identity(), nn.Linear(8, 1)
        ),
        "batch norm before": nn.Sequential(nn.Linear(2, 8), batch_norm(8), nn.Tanh(), nn.Linear(8, 1)),
        "batch norm after": nn.Sequential(nn.Linear(2, 8), nn.Tanh(), batch_norm(8), nn.Linear(8, 1)),
        "batch norm of points": nn.Sequential(batch_norm(2), nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1)),
        "batch norm last": nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 2), batch_norm(2)),
        "two linears": nn.Sequential(nn.Linear(2, 5), nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 4), nn.Linear(4, 1)),
        "no read-out": nn.Sequential(nn.Linear(2, 4), nn.Tanh()),
        "z tanh z": nn.Sequential(nn.Linear(2, 8), ZTanhZ(), nn.Linear(8, 8), TanhModuleTimesZ(), nn.Linear(8, 1)),
        "tanh squared": nn.Sequential(
            nn.Linear(2, 8), TanhSquared(), nn.Linear(8, 8), TanhTimesTanh(), nn.Linear(8, 1)
        ),
        "functional": Functional(),
        "vsn": nn.Sequential(nn.Linear(2, 8), VSN(8, theta=0.2, polarity="both"), nn.Linear(8, 1)),
    }


def evaluated(module: nn.Module, points: np.ndarray) -> np.ndarray:
    module = module.double().eval()
    with torch.no_grad():
        return module(torch.tensor(points)).numpy()


@pytest.mark.parametrize("name", make_modules())
def test_the_float_engine_computes_what_the_module_computes(name: str) -> None:
    module = make_modules()[name]
    expected = evaluated(module, POINTS)
    got = run_float(from_torch(module), POINTS).outputs
    assert np.abs(got - expected).max() <= SUMS * np.abs(expected).max()


@pytest.mark.parametrize("n_steps", [1, 3])
def test_ordinary_activations_are_exact_at_every_t(n_steps: int) -> None:
    """theta = 0 and beta = 0: every neuron sends phi of its drive at every step."""
    for name in ("tanh", "relu without bias", "z tanh z"):
        module = make_modules()[name]
        spec = from_torch(module, n_steps=n_steps)
        expected = evaluated(module, POINTS)
        assert np.abs(run_float(spec, POINTS).outputs - expected).max() <= PROMISED * np.abs(expected).max()


def test_polarities_and_thresholds() -> None:
    layers = from_torch(make_modules()["without effect"]).nodes + from_torch(make_modules()["tanh"]).nodes
    assert [layer.polarity for layer in layers] == [Polarity.POSITIVE, Polarity.BOTH]
    assert all((layer.theta == 0).all() and (layer.beta == 0).all() for layer in layers)


def test_a_vsn_network_brings_its_steps() -> None:
    module = VsnNetwork(nn.Sequential(nn.Linear(2, 8), VSN(8), nn.Linear(8, 1)), n_steps=5, readout="last")
    spec = from_torch(module, name="mine")
    assert (spec.name, spec.n_steps, spec.readout.value) == ("mine", 5, "last")


def test_box_and_transforms_are_passed_on() -> None:
    spec = from_torch(make_modules()["tanh"], lower=[0, 1], upper=[2, 3])
    assert spec.lower.tolist() == [0, 1]
    assert spec.upper.tolist() == [2, 3]


def test_convert_takes_a_module() -> None:
    with pytest.warns(DeprecationWarning, match=r"write convert\(from_torch\(module\)\)"):
        chip = nl.convert(make_modules()["tanh"]).network
    assert chip.widths == (2, 8, 3)


# snnTorch. The stand-in below repeats its arithmetic (snnTorch 1.0, reset to zero), so that the tests run without it.


class Leaky(nn.Module):
    """U = beta (1 - R) U + I, R = U > threshold of the step before; spikes above the threshold."""

    def __init__(self, beta, threshold=1.0, reset_mechanism="zero"):
        super().__init__()
        for name, value in (("beta", beta), ("threshold", threshold), ("graded_spikes_factor", 1.0)):
            self.register_buffer(name, torch.as_tensor(value))
        self.reset_mechanism, self.inhibition, self.state_quant = reset_mechanism, False, False
        self.mem = torch.zeros(1)

    def forward(self, z):
        if self.mem.shape != z.shape:
            self.mem = torch.zeros_like(z)
        reset = (self.mem - self.threshold > 0).to(z)
        self.mem = self.beta.clamp(0, 1) * (1 - reset) * self.mem + z
        return (self.mem - self.threshold > 0).to(z), self.mem


Leaky.__module__ = "snntorch._neurons.leaky"


class Graded(nn.Module):
    """The VSN authors' layer: a = phi(spk * z)."""

    def __init__(self, leaky, phi):
        super().__init__()
        self.leaky, self.phi = leaky, phi

    def forward(self, z):
        spikes, _ = self.leaky(z)
        return self.phi(spikes * z)


def leaky_kinds() -> list[type]:
    try:
        import snntorch
    except ImportError:
        return [Leaky]
    return [Leaky, lambda *args, **kwargs: snntorch.Leaky(*args, **{"reset_mechanism": "zero"} | kwargs)]


@pytest.mark.parametrize("kind", leaky_kinds())
@pytest.mark.parametrize("phi", [nn.Identity(), torch.tanh, ZTanhZ(), TanhSquared()])
def test_leaky_with_its_graded_product_is_a_vsn(kind, phi) -> None:
    """Five steps of the module, states carried, against the float engine with T = 5."""
    torch.manual_seed(2)
    beta = torch.rand(8)
    module = nn.Sequential(nn.Linear(2, 8), Graded(kind(beta, threshold=0.3), phi), nn.Linear(8, 1)).double()
    points = torch.tensor(POINTS)
    with torch.no_grad():
        expected = torch.stack([module(points) for _ in range(5)]).mean(0).numpy()
    spec = from_torch(module, n_steps=5)
    assert np.abs(run_float(spec, POINTS).outputs - expected).max() <= SUMS * np.abs(expected).max()


class LeakyStep(nn.Module):
    """snnTorch's own way of writing a step: membranes in, membranes out, and here a recurrent layer besides."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.again, self.last = nn.Linear(2, 6), nn.Linear(6, 6), nn.Linear(6, 1)
        self.leaky = LeakyOfStates(0.8, threshold=0.3)

    def forward(self, x, h, mem):
        z = self.inner(x) + self.again(h)
        spikes, mem = self.leaky(z, mem)
        h = torch.tanh(spikes * z)
        return self.last(h), h, mem


class LeakyOfStates(Leaky):
    def forward(self, z, mem):
        self.mem = mem
        return super().forward(z)


LeakyOfStates.__name__, LeakyOfStates.__module__ = "Leaky", Leaky.__module__


@pytest.mark.parametrize("sequence", [True, False])
def test_membranes_that_a_step_module_passes_on_are_the_populations_own(sequence: bool) -> None:
    torch.manual_seed(2)
    module = LeakyStep().double()
    options = {"sequence": True} if sequence else {"n_steps": 6, "readout": "last"}
    spec = from_torch(module, states={"h": 6, "mem": 6}, **options)
    assert [node.edges for node in spec.nodes] == [(("hidden1", 1), ("input", 0))]
    points = np.random.default_rng(0).uniform(-1, 1, (40, 6, 2) if sequence else (40, 2))
    states, outputs = [torch.zeros(40, 6, dtype=torch.float64)] * 2, []
    with torch.no_grad():
        for t in range(6):
            output, *states = module(torch.tensor(points[:, t] if sequence else points), *states)
            outputs.append(output.numpy())
    wanted = np.stack(outputs, axis=1) if sequence else outputs[-1]
    assert np.abs(run_float(spec, points).outputs - wanted).max() <= SUMS * np.abs(wanted).max()


class Synaptic(Leaky):
    """I = alpha I + z, U = beta U + I, set to zero where it fired; with a delayed reset, one step later, drive and all."""

    def __init__(self, alpha, beta, threshold=1.0, reset_mechanism="zero", reset_delay=True):
        super().__init__(beta, threshold, reset_mechanism)
        self.register_buffer("alpha", torch.as_tensor(alpha))
        self.reset_delay, self.syn = reset_delay, torch.zeros(1)

    def forward(self, z, syn=None, mem=None):
        self.syn = self.syn if syn is None else syn
        self.syn = self.alpha.clamp(0, 1) * (self.syn if self.syn.shape == z.shape else torch.zeros_like(z)) + z
        spikes = self.fire(self.syn, mem)
        return spikes, self.syn, self.mem

    def fire(self, drive, mem):
        self.mem = self.mem if mem is None else mem
        self.mem = self.mem if self.mem.shape == drive.shape else torch.zeros_like(drive)
        reset = (self.mem - self.threshold > 0).to(drive)
        self.mem = (1 - reset) * (self.beta.clamp(0, 1) * self.mem + drive)
        spikes = (self.mem - self.threshold > 0).to(drive)
        self.mem = self.mem if self.reset_delay else (1 - spikes) * self.mem
        return spikes


class RLeaky(Synaptic):
    """U = beta U + z + recurrent(spk), reset as that of `Synaptic`."""

    def __init__(
        self, beta, V=None, linear_features=None, threshold=1.0, reset_mechanism="zero", reset_delay=True, **_
    ):
        super().__init__(0.0, beta, threshold, reset_mechanism, reset_delay)
        self.recurrent = nn.Linear(linear_features, linear_features) if linear_features else RecurrentOneToOne(V)
        self.spk = torch.zeros(1)

    def forward(self, z, spk=None, mem=None):
        self.spk = self.spk if spk is None else spk
        self.spk = self.fire(z + self.recurrent(self.spk), mem)
        return self.spk, self.mem


class RecurrentOneToOne(nn.Module):
    def __init__(self, V):
        super().__init__()
        self.V = nn.Parameter(torch.as_tensor(V))

    def forward(self, spk):
        return spk * self.V


for _each in (Synaptic, RLeaky, RecurrentOneToOne):
    _each.__module__ = "snntorch._neurons"


def recurrent_kinds() -> list[Any]:
    kinds: list[Any] = [SimpleNamespace(Synaptic=Synaptic, RLeaky=RLeaky)]
    with contextlib.suppress(ImportError):
        kinds.append(__import__("snntorch"))
    return kinds


AT_ONCE = {"threshold": 0.3, "reset_mechanism": "zero", "reset_delay": False}
"""Options with which the three neurons of snnTorch are Variable Spiking Neurons."""


class Recurrent(nn.Module):
    """A step of a neuron of snnTorch: inner, a = tanh(spk * drive), last."""

    def __init__(self, neuron: nn.Module) -> None:
        super().__init__()
        self.inner, self.neuron, self.last = nn.Linear(2, 6), neuron, nn.Linear(6, 1)


class SynapticStep(Recurrent):
    def forward(self, x, syn, mem):
        spk, syn, mem = self.neuron(self.inner(x), syn, mem=mem)
        return self.last(torch.tanh(spk * syn)), syn, mem


class SynapticByItself(Recurrent):
    def forward(self, x):
        spk, syn, _ = self.neuron(self.inner(x))
        return self.last(torch.tanh(spk * syn))


class RLeakyStep(Recurrent):
    def forward(self, x, a, mem):
        z = self.inner(x)
        spk, mem = self.neuron(z, a, mem)
        a = torch.tanh(spk * (z + self.neuron.recurrent(a)))
        return self.last(a), a, mem


SPIKING_STEPS = {
    "synaptic": (lambda of: SynapticStep(of.Synaptic(0.7, 0.8, **AT_ONCE)), {"syn": 6, "mem": 6}, 2),
    "synaptic of many": (
        lambda of: SynapticStep(of.Synaptic(torch.rand(6), torch.rand(6), **AT_ONCE)),
        {"syn": 6, "mem": 6},
        2,
    ),
    "synaptic by itself": (lambda of: SynapticByItself(of.Synaptic(0.7, 0.8, **AT_ONCE)), {}, 2),
    "rleaky": (lambda of: RLeakyStep(of.RLeaky(0.8, linear_features=6, **AT_ONCE)), {"a": 6, "mem": 6}, 1),
    "rleaky one to one": (
        lambda of: RLeakyStep(of.RLeaky(0.8, V=-0.4, all_to_all=False, **AT_ONCE)),
        {"a": 6, "mem": 6},
        1,
    ),
}
"""Modules, their states, and the number of their nodes."""


@pytest.mark.parametrize("of", recurrent_kinds())
@pytest.mark.parametrize(
    ("name", "sequence"),
    [(name, each) for name in SPIKING_STEPS for each in (True, False)[not SPIKING_STEPS[name][1] :]],
)
def test_synaptic_and_rleaky_with_graded_products_are_populations_with_delays(of, name: str, sequence: bool) -> None:
    """The module itself, step by step, at points that the gate does not use; some neurons fire at some steps."""
    torch.manual_seed(4)
    make, states, n_nodes = SPIKING_STEPS[name]
    module = make(of).double()
    options = {"sequence": True} if sequence else {"n_steps": 6, "readout": "last"}
    spec = from_torch(module, states=states, **options)
    assert len(spec.nodes) == n_nodes
    assert any(edge == (node.name, 1) for node in spec.nodes for edge in node.edges)
    points = np.random.default_rng(0).uniform(-1, 1, (40, 6, 2) if sequence else (40, 2))
    held, outputs = [torch.zeros(40, n, dtype=torch.float64) for n in states.values()], []
    with torch.no_grad():
        for t in range(6):
            made = module(torch.tensor(points[:, t] if sequence else points), *held)
            output, *held = made if states else (made,)
            outputs.append(output.numpy())
    wanted = np.stack(outputs, axis=1) if sequence else outputs[-1]
    trace = run_float(spec, points)
    assert np.abs(trace.outputs - wanted).max() <= SUMS * np.abs(wanted).max()
    fired = [seen.fired.sum() for seen, node in zip(trace.nodes, spec.nodes, strict=True) if not node.is_relay]
    assert [0 < each < 40 * 6 * 6 for each in fired] == [True]


class SynapticOfInput(Recurrent):
    def forward(self, x):
        z = self.inner(x)
        return self.last(self.neuron(z)[0] * z)


class RLeakyOfSpikes(Recurrent):
    def forward(self, x, spk, mem):
        z = self.inner(x)
        drive = z + self.neuron.recurrent(spk)
        spk, mem = self.neuron(z, spk, mem)
        return self.last(spk * drive), spk, mem


class RLeakyByItself(Recurrent):
    def forward(self, x):
        z = self.inner(x)
        return self.last(self.neuron(z)[0] * z)


@pytest.mark.parametrize("of", recurrent_kinds())
@pytest.mark.parametrize(
    ("make", "states", "message"),
    [
        (
            lambda of: SynapticStep(of.Synaptic(0.7, 0.8, **AT_ONCE | {"reset_delay": True})),
            {"syn": 6, "mem": 6},
            r"layer 'neuron' \(Synaptic\).reset_delay must be False; got True.*the drive of the step after a spike is lost",
        ),
        (
            lambda of: RLeakyStep(of.RLeaky(0.7, V=1.0, all_to_all=False, **AT_ONCE | {"reset_delay": True})),
            {"a": 6, "mem": 6},
            r"layer 'neuron' \(RLeaky\).reset_delay must be False; got True",
        ),
        (
            lambda of: SynapticOfInput(of.Synaptic(0.7, 0.8, **AT_ONCE)),
            {},
            "must send graded spikes; got binary spikes in line .* of Synaptic its current",
        ),
        (
            lambda of: RLeakyOfSpikes(of.RLeaky(0.7, V=1.0, all_to_all=False, **AT_ONCE)),
            {"spk": 6, "mem": 6},
            "must send graded spikes; got binary spikes",
        ),
        (
            lambda of: RLeakyByItself(of.RLeaky(0.7, V=1.0, all_to_all=False, **AT_ONCE)),
            {},
            r"layer 'neuron' \(RLeaky\) must receive the payloads of its step before; got binary spikes of its own",
        ),
    ],
)
def test_synaptic_and_rleaky_are_refused_where_no_vsn_is_the_same(of, make, states, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        from_torch(make(of), states=states)


@pytest.mark.parametrize("threshold", [0.0, 0.1, 0.25, 1.0])
def test_ties_of_leaky_stay_silent(threshold: float) -> None:
    """Membranes at the threshold itself do not fire, the next floats of 32 and of 64 bits do."""
    at = np.float64(np.float32(threshold))
    above = [np.nextafter(np.float32(at), np.float32(2)), np.nextafter(at, 2.0)]
    points = np.array([[at], [above[0]], [above[1]], [np.nextafter(at, -1.0)]], dtype=np.float64)
    module = nn.Sequential(
        nn.Linear(1, 1, bias=False), Graded(Leaky(0.9, threshold=at), nn.Identity()), nn.Linear(1, 1)
    )
    with torch.no_grad():
        module[0].weight.fill_(1.0)
    probe = run_float(from_torch(module.double()), points, Probe(n_samples=4)).probe
    assert probe.nodes[0].fired[:, 0, 0].tolist() == [False, True, True, False]
    with torch.no_grad():
        spikes, _ = module[1].leaky(torch.tensor(points))
    assert (spikes[:, 0] > 0).tolist() == [False, True, True, False]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"reset_mechanism": "subtract"}, r"reset_mechanism must be a reset to zero; got 'subtract'"),
        ({"inhibition": True}, r"inhibition must be False; got True"),
        ({"state_quant": True}, r"state_quant must be False; got set"),
        ({"graded_spikes_factor": torch.tensor(2.0)}, r"graded_spikes_factor must be 1; got 2.0"),
        ({"threshold": torch.tensor(-1.0)}, r"threshold must be 0 or more; got -1.0"),
    ],
)
def test_other_leakies_are_refused(change, message) -> None:
    leaky = Leaky(0.9)
    for name, value in change.items():
        setattr(leaky, name, value)
    with pytest.raises(SpecError, match=message):
        from_torch(nn.Sequential(nn.Linear(2, 4), Graded(leaky, torch.tanh), nn.Linear(4, 1)))


def foreign(name: str) -> nn.Module:
    """Make a stand-in of a neuron of snnTorch, whose forward pass cannot be traced."""

    def forward(self: nn.Module, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return (z, z) if z.sum() > 0 else (-z, z)

    return type(name, (nn.Module,), {"forward": forward, "__module__": f"snntorch._neurons.{name.lower()}"})()


def foreign_kinds() -> list[tuple[str, nn.Module]]:
    names = ["Alpha", "Lapicque", "RSynaptic"]
    kinds = [(name, foreign(name)) for name in names]
    try:
        import snntorch
    except ImportError:
        return kinds
    real = {
        "Alpha": snntorch.Alpha(0.8, 0.7),
        "RSynaptic": snntorch.RSynaptic(0.8, 0.9, all_to_all=False, V=0.5),
    }
    return [*kinds, *real.items()]


@pytest.mark.parametrize(("name", "neuron"), foreign_kinds())
@pytest.mark.parametrize("graded", [False, True])
def test_other_neurons_of_snntorch_are_named_with_what_would_do(name: str, neuron: nn.Module, graded: bool) -> None:
    layer = Graded(neuron, torch.tanh) if graded else neuron
    where = r"'1\.leaky'" if graded else "'1'"
    with pytest.raises(
        SpecError, match=rf"layer {where} \({name}\) must be a neuron that can be deployed.*Leaky.*graded product"
    ):
        from_torch(nn.Sequential(nn.Linear(2, 4), layer, nn.Linear(4, 1)))


class Cosine(nn.Module):
    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return torch.sin(z + np.pi / 2)


class SigmoidByTanh(nn.Module):
    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return 0.5 + 0.5 * torch.tanh(z / 2)


@pytest.mark.parametrize(("written", "meant"), [(Cosine(), torch.cos), (SigmoidByTanh(), torch.sigmoid)])
def test_what_the_error_says_instead_of_sigmoid_and_cosine_is_exact(written: nn.Module, meant) -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(2, 8), written, nn.Linear(8, 1)).double()
    with torch.no_grad():
        wanted = module[2](meant(module[0](torch.tensor(POINTS)))).numpy()
    got = run_float(from_torch(module), POINTS).outputs
    assert np.abs(got - wanted).max() <= SUMS * np.abs(wanted).max()


class Skip(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(2, 2)

    def forward(self, x):
        return x + torch.tanh(self.linear(x))


class Branches(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(2, 2)

    def forward(self, x):
        return torch.tanh(self.linear(x)) if x.sum() > 0 else -x


class TwoInputs(nn.Module):
    def forward(self, x, y):
        return x


class Binary(nn.Module):
    def __init__(self):
        super().__init__()
        self.leaky = Leaky(0.9)

    def forward(self, z):
        return self.leaky(z)[0] / 2


class Pair(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(2, 2)

    def forward(self, x):
        return torch.tanh(self.linear(x)), 1


REFUSED = [
    (nn.Sequential(nn.Conv1d(1, 2, 3)), r"layer '0' \(Conv1d\) must have a forward pass that runs"),
    (
        nn.Sequential(nn.Linear(2, 4), nn.LayerNorm(4), nn.Linear(4, 1)),
        r"layer '1' \(LayerNorm\) must use only operators that can be deployed; got layer_norm.* Train without it",
    ),
    (nn.Sequential(nn.Linear(2, 4), nn.Softmax(-1), nn.Linear(4, 1)), r"layer '1' \(Softmax\).*got softmax.*gates"),
    (
        nn.Sequential(nn.Linear(2, 4), Binary(), nn.Linear(4, 1)),
        r"'1' \(Binary\) must send graded spikes; got binary spikes",
    ),
    (
        nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(3, 1)),
        r"layer '2' \(Linear\) must have a forward pass that runs in float64.*shapes cannot be multiplied",
    ),
    (
        nn.Sequential(nn.Linear(2, 4), nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)),
        r"layer '1' \(Linear\) must have a forward pass that runs in float64",
    ),
    (
        nn.Sequential(nn.Linear(2, 4), VSN(5), nn.Linear(5, 1)),
        r"layer '1' \(VSN\).*shape \(n_samples, 5\); got \(11, 4\)",
    ),
    (nn.Sequential(nn.Linear(2, 4)), "module Sequential must have at least one activation or VSN; got none"),
    (nn.Sequential(nn.Tanh()), "must have an input of one width only; got several that run"),
    (Branches(), "torch.export can read; got GuardOnDataDependent.* in line .* of test_torch_modules.py"),
    (TwoInputs(), r"an input of one width only; got several that run, \[\(1, 1\), \(1, 2\)"),
    (Pair(), "must return tensors that depend on its input; got int"),
]


@pytest.mark.parametrize(("module", "message"), REFUSED)
def test_what_cannot_be_deployed_is_refused_by_name(module: nn.Module, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        from_torch(module)


def test_batch_norm_without_statistics_is_refused() -> None:
    module = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4, track_running_stats=False), nn.Tanh(), nn.Linear(4, 1))
    with pytest.raises(SpecError, match="running statistics; got none"):
        from_torch(module.eval())


def test_weights_that_are_not_finite_are_refused() -> None:
    module = make_modules()["tanh"]
    with torch.no_grad():
        module[0].weight[1, 0] = float("nan")
    with pytest.raises(SpecError, match="connection from 'input': weight must have only finite entries"):
        from_torch(module)


@pytest.mark.parametrize("name", ["hidden1", "relay1", "product1"])
def test_inputs_with_the_name_of_a_node_keep_it(name: str) -> None:
    class Gated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(2, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            h = torch.tanh(self.linear(x))
            return h * (h + torch.sin(x))

    torch.manual_seed(0)
    spec = from_torch(Gated(), inputs={name: 2})
    names = [node.name for node in spec.nodes]
    expected = {"hidden1", "hidden2", "relay1", "product1"} - {name} | {name[:-1] + ("3" if name == "hidden1" else "2")}
    assert set(names) == expected


def test_the_record_does_not_share_memory_with_the_module() -> None:
    module = make_modules()["tanh"].double()
    spec: NetworkSpec = from_torch(module)
    before = spec.populations[0].weight.copy()
    with torch.no_grad():
        module[0].weight.zero_()
    np.testing.assert_array_equal(spec.populations[0].weight, before)


def test_a_sine_network_is_deployed_as_itself() -> None:
    """SIREN's layer, sin(30 (W x + b)) with the factor folded: fires on |m| >= 0, and its table spans the state word."""

    class Siren(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Linear(2, 6), nn.Linear(6, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.last(torch.sin(30.0 * self.first(x)))

    torch.manual_seed(0)
    module = Siren().double()
    spec = from_torch(module)
    points = builders.random_points(spec, 50)
    with torch.no_grad():
        wanted = module(torch.tensor(points)).numpy()
    assert np.abs(run_float(spec, points).outputs - wanted).max() <= SUMS * np.abs(wanted).max()
    assert (spec.populations[0].activation, spec.populations[0].polarity.value) == ("sin", "both")
    chip = quantize_network(spec, QuantizationScheme(weight_bits=16, payload_bits=16, index_size=14)).network
    np.testing.assert_allclose(run_integer(chip, points).outputs, wanted, atol=2e-2 * np.abs(wanted).max())


class DeepONet(nn.Module):
    """Branch times trunk, summed, with a bias."""

    def __init__(self):
        super().__init__()
        self.branch = nn.Sequential(nn.Linear(7, 6), nn.Tanh(), nn.Linear(6, 5))
        self.trunk = nn.Sequential(nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 5), nn.Tanh())
        self.b = nn.Parameter(torch.tensor(0.3))

    def forward(self, function, point):
        return torch.sum(self.branch(function) * self.trunk(point), dim=-1, keepdim=True) + self.b


def test_a_deeponet_holds_its_function():
    torch.manual_seed(0)
    module, widths = DeepONet(), {"function": 7, "point": 2}
    network = from_torch(module, inputs=widths, held=["function"])
    assert [(each.name, each.is_held) for each in network.inputs] == [("function", True), ("point", False)]
    varying = from_torch(module, inputs=widths)
    branch = {node.name for node in network.nodes if node.name in network.held_sources}
    assert len(branch) == 2
    assert all(
        {source for source, _ in node.edges} <= {*branch, "function"} for node in network.nodes if node.name in branch
    )
    function, points = np.linspace(-1, 1, 7)[None], np.random.default_rng(0).uniform(-1, 1, (20, 2))
    with torch.no_grad():
        wanted = module.double()(torch.from_numpy(function), torch.from_numpy(points)).numpy()
    outputs = run_float(network, {"function": function, "point": points}).outputs
    np.testing.assert_allclose(outputs, wanted, rtol=0, atol=SUMS * np.abs(wanted).max())
    rows = np.hstack([np.repeat(function, 20, axis=0), points])
    np.testing.assert_array_equal(run_float(varying, rows).outputs, outputs)
    assert quantize_network(network).network.held_sources == network.held_sources


def test_what_cannot_be_held_is_refused():
    module, widths = DeepONet(), {"function": 7, "point": 2}
    with pytest.raises(SpecError, match=r"held must be one of function, point; got 'funktion'. Did you mean function"):
        from_torch(module, inputs=widths, held=["funktion"])
    with pytest.raises(SpecError, match=r"must have one that is not held; got all of \['function', 'point'\] held"):
        from_torch(module, inputs=widths, held=["function", "point"])
    with pytest.raises(SpecError, match=r"InputSpec 'function'.is_held must be False for a sequence"):
        from_torch(module, inputs=widths, held=["function"], sequence=["function"])
    network = VsnNetwork(nn.Sequential(nn.Linear(2, 8), VSN(8), nn.Linear(8, 1)))
    with pytest.raises(
        SpecError, match=r"from_torch.held must be empty for a VsnNetwork, .*; got \('input',\). Leave it out"
    ):
        from_torch(network, held=["input"])
