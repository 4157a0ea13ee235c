"""Records of a network of Variable Spiking Neurons in float64 and physical units.

    z[t] = W a_in[t] + b
    m[t] = beta * m[t-1] + z[t]
    s[t] = m[t] >= theta           polarity "positive"        |m[t]| >= theta    polarity "both"
    a[t] = phi(z[t] * s[t])
    m[t] = 0  where s[t]

The last layer is linear and does not spike; its outputs are averaged over the steps, or those of the last step are used.
`engine/reference.py` runs these records; their integer counterparts are in `quantized.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from itertools import pairwise

import numpy as np

from ..base.arrays import NOT_IN_DIGEST, ArrayRecord, FloatArray, Record, freeze_arrays, record_digest
from ..base.checks import as_member, check_finite, check_range, check_shape, check_whole, raise_violations
from ..base.errors import SpecError, Violation
from .activations import find_activation
from .transforms import AffineTransform, Ansatz

MAX_STEPS = 4096
"""Largest number of steps that a sample is presented, far above use; it bounds the run time that a damaged file can cause."""


class Polarity(str, Enum):
    """Condition on the membrane under which a neuron fires."""

    POSITIVE = "positive"
    """Neurons with m >= theta fire."""
    BOTH = "both"
    """Neurons with |m| >= theta fire."""


class Readout(str, Enum):
    """Reduction of the outputs of T steps to one."""

    MEAN = "mean"
    """Mean of the outputs of all steps."""
    LAST = "last"
    """Output of step T alone."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LayerSpec(ArrayRecord):
    """One layer of Variable Spiking Neurons (equations above), n_in -> n_out."""

    name: str
    """Name in reports and errors, unique in its network."""
    weight: FloatArray
    """Weights W, shape (n_out, n_in)."""
    bias: FloatArray
    """Biases b, shape (n_out,)."""
    beta: FloatArray
    """Leak factor of the membrane, shape (n_out,), in [0, 1]: 1 is no leak."""
    theta: FloatArray
    """Threshold, shape (n_out,), not negative, in units of z."""
    activation: str
    """Name of phi, one of `ACTIVATIONS`."""
    polarity: Polarity = Polarity.POSITIVE
    """Condition under which a neuron fires."""

    def __post_init__(self) -> None:
        freeze_arrays(self, weight=np.float64, bias=np.float64, beta=np.float64, theta=np.float64)
        object.__setattr__(self, "polarity", as_member(Polarity, self.polarity, f"LayerSpec {self.name!r}.polarity"))
        find_activation(self.activation, f"LayerSpec {self.name!r}.activation")
        raise_violations(self._violations())

    def _violations(self) -> Iterator[Violation]:
        where = f"LayerSpec {self.name!r}"
        yield from check_shape(f"{where}.weight", self.weight, (None, None), "(n_out, n_in)")
        for name in ("bias", "beta", "theta"):
            yield from check_shape(f"{where}.{name}", getattr(self, name), self.weight.shape[:1], "(n_out,)")
        for name in ("weight", "bias", "theta"):
            yield from check_finite(f"{where}.{name}", getattr(self, name))
        yield from check_range(f"{where}.beta", self.beta, 0.0, 1.0)
        if (self.theta < 0).any():
            mend = "Use a threshold of zero or more; zero fires whenever the membrane is not negative."
            yield Violation(f"{where}.theta", "satisfy theta >= 0", float(self.theta.min()), mend)

    @property
    def n_in(self) -> int:
        """Number of inputs of every neuron."""
        return int(self.weight.shape[1])

    @property
    def n_out(self) -> int:
        """Number of neurons."""
        return int(self.weight.shape[0])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OutputSpec(ArrayRecord):
    """The linear read-out layer, y[t] = W a_in[t] + b; it never spikes."""

    weight: FloatArray
    """Weights W, shape (n_out, n_in)."""
    bias: FloatArray
    """Biases b, shape (n_out,)."""
    name: str = "output"
    """Name in reports and errors."""

    def __post_init__(self) -> None:
        freeze_arrays(self, weight=np.float64, bias=np.float64)
        where = f"OutputSpec {self.name!r}"
        found = [*check_shape(f"{where}.weight", self.weight, (None, None), "(n_out, n_in)")]
        found += check_shape(f"{where}.bias", self.bias, self.weight.shape[:1], "(n_out,)")
        found += [*check_finite(f"{where}.weight", self.weight), *check_finite(f"{where}.bias", self.bias)]
        raise_violations(found)

    @property
    def n_in(self) -> int:
        """Number of neurons of the layer before it."""
        return int(self.weight.shape[1])

    @property
    def n_out(self) -> int:
        """Number of outputs of the network."""
        return int(self.weight.shape[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemParameter(Record):
    """One option of a problem that was not left at its default, such as `viscosity` of `burgers`."""

    name: str
    """Name of the option."""
    value: float
    """Value of the option."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance(Record):
    """Origin of a network; not part of its identity."""

    problem: str | None = None
    """Name of the PDE problem that it was trained on."""
    parameters: tuple[ProblemParameter, ...] = ()
    """Options of the problem that were not left at their defaults."""
    seed: int | None = None
    """Seed of the training, a 64-bit integer."""
    package_version: str | None = None
    """Version of this package that wrote the network."""
    command: str | None = None
    """Command that produces the network again."""

    def __post_init__(self) -> None:
        if self.seed is not None:
            found = [*check_whole("Provenance.seed", self.seed)]
            raise_violations(found or check_range("Provenance.seed", self.seed, -(2**63), 2**63 - 1))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NetworkSpec(ArrayRecord):
    """A whole network with its host-side transforms: points (n_samples, n_in) in, physical outputs (n_samples, n_out) out."""

    name: str
    """Name of the network in reports."""
    layers: tuple[LayerSpec, ...]
    """Spiking layers in their order, at least one."""
    output: OutputSpec
    """The linear read-out layer."""
    n_steps: int = 1
    """Number T of steps that a sample is presented, 1 to `MAX_STEPS`."""
    readout: Readout = Readout.MEAN
    """Reduction of the outputs of T steps to one."""
    input_transform: AffineTransform
    """Transform of physical coordinates to the network's input, on the host."""
    output_transform: AffineTransform
    """Transform of the network's output to the units of the ansatz, on the host."""
    ansatz: Ansatz | None = None
    """Built-in conditions, on the host; None leaves the output unchanged."""
    lower: FloatArray
    """Lower corner of the box that the network was trained on, physical, shape (n_in,)."""
    upper: FloatArray
    """Upper corner of that box, shape (n_in,)."""
    provenance: Provenance = field(default_factory=Provenance, metadata=NOT_IN_DIGEST)
    """Origin of the network."""

    def __post_init__(self) -> None:
        freeze_arrays(self, lower=np.float64, upper=np.float64)
        object.__setattr__(self, "readout", as_member(Readout, self.readout, f"NetworkSpec {self.name!r}.readout"))
        object.__setattr__(self, "layers", tuple(self.layers))
        if not self.layers:
            mend = "A network without spiking layers is a matrix; add a layer."
            raise SpecError(f"NetworkSpec {self.name!r}.layers", "hold at least one spiking layer", 0, mend)
        raise_violations(self._violations())

    def _violations(self) -> Iterator[Violation]:
        where = f"NetworkSpec {self.name!r}"
        chain: tuple[LayerSpec | OutputSpec, ...] = (*self.layers, self.output)
        for before, after in pairwise(chain):
            if before.n_out != after.n_in:
                mend = f"Give {after.name!r} as many inputs as {before.name!r} has neurons."
                yield Violation(f"{where}: {after.name!r}.weight", f"have n_in = {before.n_out}", after.n_in, mend)
        names = [layer.name for layer in chain]
        if len(set(names)) != len(names):
            yield Violation(f"{where}.layers", "have different names", names, "Rename one of them.")
        yield from check_whole(f"{where}.n_steps", self.n_steps)
        yield from check_range(f"{where}.n_steps", self.n_steps, 1, MAX_STEPS)
        for name, n in (("input_transform", self.n_in), ("output_transform", self.n_out)):
            if getattr(self, name).n != n:
                yield Violation(
                    f"{where}.{name}", f"have {n} components", getattr(self, name).n, "Make the widths agree."
                )
        if self.ansatz and (self.ansatz.n_dim, self.ansatz.n_out) != (self.n_in, self.n_out):
            got = (self.ansatz.n_dim, self.ansatz.n_out)
            yield Violation(
                f"{where}.ansatz", f"have (n_dim, n_out) = {(self.n_in, self.n_out)}", got, "Make them agree."
            )
        for name in ("lower", "upper"):
            yield from check_shape(f"{where}.{name}", getattr(self, name), (self.n_in,), "(n_in,)")
            yield from check_finite(f"{where}.{name}", getattr(self, name))
        if self.lower.shape == self.upper.shape and not (self.lower < self.upper).all():
            yield Violation(f"{where}.upper", "lie above lower", self.upper, "Give a box with an inside.")

    @property
    def n_in(self) -> int:
        """Number of coordinates of a point."""
        return self.layers[0].n_in

    @property
    def n_out(self) -> int:
        """Number of outputs of the network."""
        return self.output.n_out

    @property
    def widths(self) -> tuple[int, ...]:
        """Numbers of inputs, neurons and outputs: (n_in, n_1, …, n_out)."""
        return (self.n_in, *(layer.n_out for layer in self.layers), self.n_out)

    @property
    def weights(self) -> tuple[FloatArray, ...]:
        """The weights (n_out, n_in) of every layer in order, the read-out's last."""
        return (*(layer.weight for layer in self.layers), self.output.weight)

    def digest(self) -> str:
        """Return the SHA-256 of the network without its provenance, as 64 hex digits."""
        return record_digest(self)

    def restored(self, points: FloatArray, outputs: FloatArray) -> FloatArray:
        """Convert the read-out (n_samples, n_out) to physical units: output transform, then ansatz."""
        scaled: FloatArray = self.output_transform.apply(outputs)
        return self.ansatz.apply(points, scaled) if self.ansatz else scaled
