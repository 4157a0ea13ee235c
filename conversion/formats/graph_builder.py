"""A network under construction from another tool's graph: affine values in, populations, relays and products out.

What two populations of the same drive and neuron send is the same, and so are products of the same factors: they are made once.
Nodes that the read-out does not depend on are left out at the end, and the others are numbered by kind.

    relay      a population that passes its sum on: phi = identity, theta = 0, both signs, beta = 0
    product    (c + f a) * (d + g b) = c d + c g b + d f a + f g (a * b): factors and summands of operands need no relay
    z u - z v  = z (u - v): one product instead of two
    state      what a step module is passed from the step before: a connection with delay 1
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...base.arrays import FloatArray, Record
from ...base.errors import SpecError
from ...network.activations import ACTIVATIONS, find_activation
from ...network.nodes import ConnectionSpec, NodeSpec, OutputSpec, Polarity, PopulationSpec, ProductSpec
from .affine_values import AffineValue, source_value

SELF_GATED = {"tanh": "z_tanh_z", "sigmoid": "silu"}
"""Name of the activation z f(z) for the activation f."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Neurons(Record):
    """A population whose drive is known as a value; what it sends at silence is phi(0)."""

    drive: AffineValue
    """Drive z of n neurons."""
    activation: str
    """Name of phi."""
    polarity: Polarity = Polarity.BOTH
    """Condition under which a neuron fires; with theta = 0 and "both" every neuron fires at every step."""
    theta: FloatArray | float = 0.0
    """Threshold, shape (n,) or one number for all."""
    beta: FloatArray | float = 0.0
    """Leak factor, shape (n,) or one number for all."""
    is_relay: bool = False
    """Whether the population was made to pass on a sum, and is none of the module's own."""
    name: str | None = None
    """Name of the population where it has one already; it is then another one than all others."""

    @property
    def key(self) -> tuple[object, ...]:
        """Drive, thresholds and leaks, to be compared: two populations that share them fire together."""
        n = self.drive.n
        numbers = (np.broadcast_to(each, (n,)).astype(np.float64).tobytes() for each in (self.theta, self.beta))
        return (*self.drive.key, self.polarity, self.name, *numbers)


class GraphBuilder:
    """Nodes made so far, by provisional names; `finish` numbers those that count."""

    def __init__(self, where: str) -> None:
        """Begin a graph; `where` names what it is read from, for errors."""
        self.where = where
        self.neurons: dict[str, Neurons] = {}
        self.products: dict[str, tuple[str, str]] = {}
        self._widths: dict[str, int] = {}
        self.states: dict[str, AffineValue] = {}
        self._made: dict[object, str] = {}
        self._own_names: dict[str, str | None] = {}

    def input(self, name: str, width: int) -> AffineValue:
        """Return the value of an input of the network."""
        self._widths[name] = width
        return source_value(name, width)

    def state(self, name: str, width: int, delay: int = 1) -> AffineValue:
        """Return the value that `set_state` sets, at the step before, or more steps before."""
        self._widths[name] = width
        return source_value(name, width, delay)

    def set_state(self, name: str, value: AffineValue) -> None:
        """Set what a state is at the end of a step."""
        self.states[name] = value

    def fire(self, neurons: Neurons) -> AffineValue:
        """Return what a population sends."""
        found = find_activation(neurons.activation)
        name = self._make(("population", neurons.activation, *neurons.key), neurons.drive.n)
        self.neurons.setdefault(name, neurons)
        sent = source_value(name, neurons.drive.n)
        return replace(sent, offset=np.full(sent.n, found.offset)) if found.offset else sent

    def activate(self, activation: str, value: AffineValue) -> AffineValue:
        """Return phi of a value; behind a spiking neuron with phi = identity the two are one neuron."""
        before = self._sender(value)
        if before is not None and before.activation == "identity" and not before.is_relay:
            return self.fire(replace(before, activation=activation))
        polarity = Polarity.POSITIVE if activation == "relu" else Polarity.BOTH  # relu of z < 0 is silence
        return self.fire(Neurons(drive=value, activation=activation, polarity=polarity))

    def relay(self, value: AffineValue) -> AffineValue:
        """Return a value as the payload of a node: its own source, or a relay."""
        if value.as_source() is not None:
            return value
        return self.fire(Neurons(drive=value, activation="identity", is_relay=True))

    def add(self, left: AffineValue, right: AffineValue) -> AffineValue:
        """Return a sum, in which M (z u) - M (z v) is M (z (u - v))."""
        total = left.plus(right)
        for (p, p_delay), (q, q_delay) in itertools.combinations(total.terms, 2):
            if p_delay or q_delay or p not in self.products or q not in self.products:
                continue
            shared = set(self.products[p]) & set(self.products[q])
            matrix = total.terms[p, 0]
            if not shared or not np.array_equal(matrix, -total.terms[q, 0]):
                continue
            z = min(shared)
            u, v = (self._payload(_other(self.products[each], z)) for each in (p, q))
            merged = self.multiply(self._payload(z), u.plus(v.mapped(-np.ones(v.n))))
            rest = replace(total, terms={term: m for term, m in total.terms.items() if term not in ((p, 0), (q, 0))})
            return self.add(rest, merged.mapped(matrix))
        return total

    def multiply(self, left: AffineValue, right: AffineValue, own_name: str | None = None) -> AffineValue:
        """Return the product of two values of the same length, component by component; it may have a name already."""
        for one, other in ((left, right), (right, left)):
            if not one.terms:
                return other.mapped(one.offset)
            gated = None if own_name else self._self_gated(one, other)
            if gated is not None:
                return gated
        (a, f, c), (b, g, d) = self._operand(left), self._operand(right)
        total = self._payload(b).mapped(c * g, c * d).plus(self._payload(a).mapped(d * f))
        name = self._make(("product", own_name, *sorted((a, b))), left.n)
        self._own_names[name] = own_name
        self.products.setdefault(name, (a, b))
        return self.add(total, self._payload(name).mapped(f * g))

    def _self_gated(self, z: AffineValue, phi: AffineValue) -> AffineValue | None:
        """Return z tanh z, z sigmoid z, or tanh^2 as the activation that it is, on the same neurons."""
        of = self._sender(phi)
        if of is None:
            return None
        if z.key == phi.key and of.activation == "tanh":
            return self.fire(replace(of, activation="tanh_squared"))
        gated = SELF_GATED.get(of.activation)
        if gated not in ACTIVATIONS:
            return None
        same = self._sender(z)
        passes = same is not None and same.activation == "identity" and same.key == of.key
        is_plain = not np.any(of.theta) and not np.any(of.beta) and of.polarity is Polarity.BOTH
        return self.fire(replace(of, activation=gated)) if passes or (is_plain and z.key == of.drive.key) else None

    def _operand(self, value: AffineValue) -> tuple[str, FloatArray, FloatArray]:
        """Return source, factors and summands of an operand of a product, through a relay where it is no source's."""
        found = value.as_diagonal()
        if found is not None:
            return *found, value.offset
        relayed = self.relay(value).as_source()
        assert relayed is not None
        return relayed, np.ones(value.n), np.zeros(value.n)

    def _sender(self, value: AffineValue) -> Neurons | None:
        """Return the population whose whole output, phi(0) included, a value is."""
        source = value.without_offset().as_source()
        neurons = self.neurons.get(source or "")
        return neurons if neurons is not None and self.fire(neurons).key == value.key else None

    def _payload(self, name: str) -> AffineValue:
        return source_value(name, self._widths[name])

    def _make(self, key: object, width: int) -> str:
        """Return the provisional name of a node, which no input can have; the same one for the same key."""
        name = self._made.setdefault(key, f"\0{len(self._made)}")
        self._widths[name] = width
        return name

    def finish(self, output: AffineValue) -> tuple[tuple[NodeSpec, ...], OutputSpec]:
        """Return the nodes that an output depends on, and its read-out.

        Raises:
            SpecError: If the output depends on no population.
        """
        sources = {state: self._state_source(value) for state, value in self.states.items()}
        kept = self._needed(output.renamed(sources), sources)
        if not any(name in self.neurons for name in kept):
            repair = "A network without activations is a matrix; it needs no spikes."
            raise SpecError(self.where, "have at least one activation or VSN", "none", repair)
        names = sources | self._node_names(kept)
        names |= {state: names.get(source, source) for state, source in sources.items()}
        nodes = tuple(self._node(name, names) for name in kept if name in self.neurons or name in self.products)
        output = output.renamed(names)
        return nodes, OutputSpec(connections=self._connections(output), bias=output.offset)

    def _node_names(self, kept: Sequence[str]) -> dict[str, str]:
        """Return the names of nodes by their provisional ones: their own, or the kind and the next number that is not taken."""
        own = {name: neurons.name for name, neurons in self.neurons.items()} | self._own_names
        taken, names = {*self._widths, *own.values()}, dict[str, str]()
        for kind in ("relay", "hidden", "product"):
            numbered = (f"{kind}{i}" for i in itertools.count(1) if f"{kind}{i}" not in taken)
            names |= {name: own[name] or next(numbered) for name in kept if self._kind(name) == kind}
        return names

    def _kind(self, name: str) -> str:
        """Return the kind of a source: a relay, a hidden population, a product, or an input or state."""
        if name in self.neurons:
            return "relay" if self.neurons[name].is_relay else "hidden"
        return "product" if name in self.products else "input"

    def _state_source(self, value: AffineValue) -> str:
        """Return the node whose payload a state is; silence before the first step is a state of zero."""
        source = self.relay(value).as_source()
        assert source is not None
        return source

    def _needed(self, output: AffineValue, states: dict[str, str]) -> list[str]:
        """Return the names of all sources that an output depends on, in the order in which they were made."""
        found, waiting = set[str](), list[str](output.sources)
        while waiting:
            name = waiting.pop()
            name = states.get(name, name)
            if name not in found:
                found.add(name)
                waiting += self._read_by(name)
        return [name for name in self._widths if name in found]

    def _read_by(self, name: str) -> Iterable[str]:
        if name in self.neurons:
            return self.neurons[name].drive.sources
        return self.products.get(name, ())

    def _node(self, name: str, names: dict[str, str]) -> NodeSpec:
        if name in self.products:
            left, right = (names.get(each, each) for each in self.products[name])
            return ProductSpec(name=names[name], left=left, right=right, width=self._widths[name])
        neurons = self.neurons[name]
        drive = neurons.drive.renamed(names)
        return PopulationSpec(
            name=names[name],
            connections=self._connections(drive),
            bias=drive.offset,
            beta=np.broadcast_to(neurons.beta, (drive.n,)),
            theta=np.broadcast_to(neurons.theta, (drive.n,)),
            activation=neurons.activation,
            polarity=neurons.polarity,
        )

    def _connections(self, value: AffineValue) -> tuple[ConnectionSpec, ...]:
        """Return the connections of a sum; a constant one has weights of zero from the first input."""
        first, width = next(iter(self._widths.items()))
        terms = value.terms or {(first, 0): np.zeros((value.n, width))}
        return tuple(ConnectionSpec(source=s, delay=d, weight=matrix) for (s, d), matrix in terms.items())


def _other(factors: tuple[str, str], one: str) -> str:
    return factors[1] if factors[0] == one else factors[0]
