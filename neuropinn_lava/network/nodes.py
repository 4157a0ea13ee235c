"""Records of the nodes of a network in float64 and physical units: inputs, populations, products, the read-out.

    PopulationSpec   z[t] = sum over connections c of W_c a_c[t - d_c]  + b
                     m[t] = beta * m[t-1] + z[t]
                     s[t] = m[t] >= theta           polarity "positive"        |m[t]| >= theta    polarity "both"
                     a[t] = phi(z[t] * s[t])
                     m[t] = 0  where s[t]
    ProductSpec      a[t] = a_left[t] * a_right[t]  elementwise
    OutputSpec       y[t] = sum over connections c of W_c a_c[t - d_c]  + b

A connection reads an input or a node, d_c steps before; at the steps t <= d_c it reads zero. The read-out does not spike; its
outputs are averaged over the steps, or those of the last step or of every step are used. A chain of layers is the graph in
which every node has one connection of delay 0, from the node before it.
`engine/reference.py` computes these equations; their integer counterparts are in `quantized_nodes.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from ..base.arrays import OPTIONAL, ArrayRecord, FloatArray, Record, freeze_arrays
from ..base.checks import as_member, check_finite, check_range, check_shape, check_whole, raise_violations
from ..base.errors import Violation
from .activations import find_activation
from .graph import AffineNode, ProductNode, check_affine, sorted_connections

MAX_WIDTH = 1 << 24
"""Largest number of components of an input or a product, far above use."""


class Polarity(str, Enum):
    """Condition on the membrane under which a neuron fires."""

    POSITIVE = "positive"
    """Neurons with m >= theta fire."""
    BOTH = "both"
    """Neurons with |m| >= theta fire."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSpec(Record):
    """An input of the network, a vector per sample: constant over the steps, or a sequence that changes with them.

    What depends on held inputs only is computed once for each of their values; what receives it keeps the payloads of all T
    steps, and replays them for every further sample. The outputs are those of a constant input.
    """

    name: str = "input"
    """Name in connections, reports and errors, unique in its network."""
    width: int
    """Number of components, at least 1."""
    is_sequence: bool = False
    """Whether a sample brings one vector for each step."""
    is_held: bool = field(default=False, metadata=OPTIONAL)
    """Whether consecutive samples of one value share what was computed from it."""

    def __post_init__(self) -> None:
        where = f"InputSpec {self.name!r}.width"
        found = [*check_whole(where, self.width)] or [*check_range(where, self.width, 1, MAX_WIDTH)]
        if self.is_held and self.is_sequence:
            repair = "Leave it out: a sequence changes with the steps."
            found.append(Violation(f"InputSpec {self.name!r}.is_held", "be False for a sequence", True, repair))
        raise_violations(found)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConnectionSpec(ArrayRecord):
    """A connection W a[t - delay] from an input or a node to the node that holds it."""

    source: str
    """Name of the input or node that is read."""
    weight: FloatArray
    """Weights W, shape (n_out, n_source)."""
    delay: int = 0
    """Number of steps d between sending and receiving; a loop needs one of at least 1."""

    def __post_init__(self) -> None:
        freeze_arrays(self, weight=np.float64)
        where = f"connection from {self.source!r}: weight"
        found = [*check_shape(where, self.weight, (None, None), "(n_out, n_source)")]
        raise_violations([*found, *check_finite(where, self.weight)])

    @property
    def n_source(self) -> int:
        """Number of components of the source."""
        return int(self.weight.shape[1])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PopulationSpec(AffineNode[ConnectionSpec], ArrayRecord):
    """A population of Variable Spiking Neurons (equations above)."""

    name: str
    """Name in connections, reports and errors, unique in its network."""
    connections: tuple[ConnectionSpec, ...]
    """Connections that are added up, unique by source and delay, held in that order."""
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
        freeze_arrays(self, bias=np.float64, beta=np.float64, theta=np.float64)
        object.__setattr__(self, "connections", sorted_connections(self.connections))
        object.__setattr__(
            self, "polarity", as_member(Polarity, self.polarity, f"PopulationSpec {self.name!r}.polarity")
        )
        find_activation(self.activation, f"PopulationSpec {self.name!r}.activation")
        raise_violations(self._violations())

    def _violations(self) -> Iterator[Violation]:
        where = f"PopulationSpec {self.name!r}"
        yield from check_affine(where, self.connections, self.bias)
        yield from check_finite(f"{where}.bias", self.bias)
        for name in ("beta", "theta"):
            yield from check_shape(f"{where}.{name}", getattr(self, name), self.bias.shape[:1], "(n_out,)")
        yield from check_finite(f"{where}.theta", self.theta)
        yield from check_range(f"{where}.beta", self.beta, 0.0, 1.0)
        if (self.theta < 0).any():
            repair = "Use a threshold of zero or more; zero fires whenever the membrane is not negative."
            yield Violation(f"{where}.theta", "satisfy theta >= 0", float(self.theta.min()), repair)

    @property
    def is_relay(self) -> bool:
        """Whether the population only passes its sum on: phi is the identity, and every neuron fires at every step."""
        plain = self.activation == "identity" and self.polarity is Polarity.BOTH
        return plain and not self.beta.any() and not self.theta.any()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductSpec(ProductNode, Record):
    """The elementwise product of what two nodes or inputs send at the same step."""

    name: str
    """Name in connections, reports and errors, unique in its network."""
    left: str
    """Name of the node or input of the first factor."""
    right: str
    """Name of the node or input of the second factor; may be the first one's, for a square."""
    width: int
    """Number of elements of each factor."""

    def __post_init__(self) -> None:
        where = f"ProductSpec {self.name!r}.width"
        raise_violations([*check_whole(where, self.width)] or check_range(where, self.width, 1, MAX_WIDTH))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OutputSpec(AffineNode[ConnectionSpec], ArrayRecord):
    """The linear read-out (equation above); it never spikes, and no node reads it."""

    connections: tuple[ConnectionSpec, ...]
    """Connections that are added up, unique by source and delay, held in that order."""
    bias: FloatArray
    """Biases b, shape (n_out,)."""
    name: str = "output"
    """Name in reports and errors."""

    def __post_init__(self) -> None:
        freeze_arrays(self, bias=np.float64)
        object.__setattr__(self, "connections", sorted_connections(self.connections))
        where = f"OutputSpec {self.name!r}"
        found = [*check_affine(where, self.connections, self.bias), *check_finite(f"{where}.bias", self.bias)]
        raise_violations(found)


NodeSpec = PopulationSpec | ProductSpec
"""A node that sends payloads."""
