"""The integer plan of a network: what every device computes, with the proofs that every device needs.

    p_c  = W_c a_c[t - d_c]                                          exact
    z    = clip(sum over c of ((p_c << up_c) + half_c >> down_c) + bias)
    m    = clip(toward_zero(m' * beta / 2**12) + z)
    a    = clip(phi(z)) where m >= theta (or |m| >= theta), else 0;  m = 0 there

It is the record of `network/quantized_nodes.py` with its shifts taken apart, the payload tables merged where they are equal,
and proofs beside them: how many bits the sums need, and which of the clips can change nothing. The proofs hold for whatever
words the inputs have, so that points outside the domain are computed alike on every device. Whether a connection is walked
event by event or as a dense product is chosen from counts of a run.

C99, RTL and ONNX are made from this record alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ...base.arrays import ArrayRecord, IntArray, Record, freeze_arrays
from ...conversion.calibrate.intervals import LayerBound, bound_any_words
from ...engine.trace import RunTrace
from ...engine.walk import longest_delays
from ...network.integers import IntFormat
from ...network.nodes import Polarity
from ...network.quantized import QuantizedNetwork
from ...network.quantized_nodes import (
    QuantizedAffine,
    QuantizedConnection,
    QuantizedPopulation,
    QuantizedProduct,
    Word,
)
from ...network.spec import Readout
from ..kernels.layout import Phi, count_phi_bits, lay_out_phi, split_shift

DENSE_ACTIVITY = 0.8
"""Share of events above which a dense loop takes fewer instructions than a walk over the events: between 0.80 and
0.82 on a Cortex-M4 and on RV32IMC, and 0.99 on a Cortex-M0 (benchmarks/microcontrollers.py)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConnectionPlan(ArrayRecord):
    """A connection with its shifts taken apart."""

    source: str
    """Name of the input or node that is read."""
    delay: int
    """Number of steps between sending and receiving; what was sent before the first step is zero."""
    weight: IntArray
    """Weights W, shape (n_out, n_source)."""
    weight_bits: int
    """Word length of a weight, 2 to 16 bits."""
    word: Word
    """Word of what the source sends."""
    up: IntArray
    """Shift of each neuron's product to the left, shape (n_out,); 0 where there is one to the right."""
    half: IntArray
    """What rounds a shift to the right half up, shape (n_out,); 0 where nothing is dropped."""
    down: IntArray
    """Shift of each neuron's product to the right, after the half is added, shape (n_out,)."""
    product_bits: int
    """Bits that hold every partial sum of W a, its sign included."""
    is_dense: bool
    """Whether a dense loop is cheaper here than a walk over the events."""

    def __post_init__(self) -> None:
        freeze_arrays(self, weight=np.int64, up=np.int64, half=np.int64, down=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SumPlan(ArrayRecord):
    """The drive z of a population or of the read-out."""

    connections: tuple[ConnectionPlan, ...]
    """Connections, in the order of the record."""
    bias: IntArray
    """Biases b, shape (n_out,)."""
    sum_bits: int
    """Bits that hold every product, shifted product, rounding half and partial sum with the bias, sign included; at most 63."""
    state: Word
    """Word of z, m, the bias and theta."""
    clips_drive: bool
    """Whether z can leave the state word; where it can't, no clip is needed."""

    def __post_init__(self) -> None:
        freeze_arrays(self, bias=np.int64)

    @property
    def n_out(self) -> int:
        """Number of neurons."""
        return len(self.bias)


class SummedNode:
    """What a population and the read-out have in common: their drive is a weighted sum."""

    __slots__ = ()
    affine: SumPlan

    @property
    def edges(self) -> tuple[tuple[str, int], ...]:
        """Source and delay of every connection."""
        return tuple((each.source, each.delay) for each in self.affine.connections)

    @property
    def n_out(self) -> int:
        """Number of neurons, or of outputs."""
        return self.affine.n_out


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PopulationPlan(SummedNode, ArrayRecord):
    """A population of Variable Spiking Neurons."""

    name: str
    """Name of the population."""
    affine: SumPlan
    """Plan of its drive z."""
    beta: IntArray
    """Leak in units of 2**-12, shape (n_out,), 0 to 4096."""
    theta: IntArray
    """Threshold in units of the state, shape (n_out,), not negative."""
    is_two_sided: bool
    """Whether |m| is compared with theta, else m is."""
    has_membrane: bool
    """Whether m differs from z: with more than one step, and a neuron that does not forget all."""
    clips_membrane: bool
    """Whether m can leave the state word."""
    table: int
    """Number of its table in `IntegerPlan.tables`."""
    phi_bits: int
    """Bits that hold every value of the table's formula before its last shift, the rounding half and sign included."""
    sends: Word
    """Word of the payload."""
    clips_payload: bool
    """Whether a payload can leave its word."""

    def __post_init__(self) -> None:
        freeze_arrays(self, beta=np.int64, theta=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductPlan(Record):
    """An elementwise product: a = clip((left * right << up) + half >> down)."""

    name: str
    """Name of the product."""
    left: str
    """Source of the first factor."""
    right: str
    """Source of the second factor."""
    width: int
    """Number of elements."""
    up: int
    """Shift to the left."""
    down: int
    """Shift to the right, rounded half up."""
    product_bits: int
    """Bits that hold the product, the shifted one and its half, sign included."""
    sends: Word
    """Word of the payload."""
    clips_payload: bool
    """Whether a payload can leave its word."""

    @property
    def edges(self) -> tuple[tuple[str, int], ...]:
        """Both sources, without delay."""
        return (self.left, 0), (self.right, 0)

    @property
    def n_out(self) -> int:
        """Number of elements."""
        return self.width


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OutputPlan(SummedNode, Record):
    """The linear read-out."""

    name: str
    """Name of the read-out."""
    affine: SumPlan
    """What it emits at every step."""
    readout: Readout
    """Whether the emitted values are summed over the steps (the mean is the host's), the last is taken, or each is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputPlan(Record):
    """An input of the network."""

    name: str
    """Name of the input."""
    width: int
    """Number of components."""
    word: Word
    """Word of each component."""
    is_sequence: bool
    """Whether it brings a value for each step; else one for all."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IntegerPlan(Record):
    """What a device computes from input words to the sums of the emitted outputs."""

    name: str
    """Name of the network."""
    digest: str
    """Digest of the quantized network."""
    inputs: tuple[InputPlan, ...]
    """Inputs, in order."""
    nodes: tuple[PopulationPlan | ProductPlan, ...]
    """Populations and products, each behind what it reads without delay."""
    output: OutputPlan
    """Plan of the read-out."""
    tables: tuple[Phi, ...]
    """Payload tables, each once: a population names its own by number."""
    n_steps: int | None
    """Number of steps T of a sample; None where the sequences bring it."""
    lines: Mapping[str, int]
    """Longest delay with which a source is read, for each that is read with one."""
    held: frozenset[str] = frozenset()
    """Names of the nodes that depend on held inputs only and are computed once for each of their values; none where a sample
    has more than one step, each with payloads of its own."""

    @property
    def populations(self) -> tuple[PopulationPlan, ...]:
        """The spiking nodes, in order."""
        return tuple(node for node in self.nodes if isinstance(node, PopulationPlan))

    @property
    def widths(self) -> dict[str, int]:
        """Number of values of every input and node, by name."""
        return {each.name: each.width for each in self.inputs} | {node.name: node.n_out for node in self.nodes}

    @property
    def n_in(self) -> int:
        """Number of words of a sample and step."""
        return sum(each.width for each in self.inputs)


def plan_integers(
    network: QuantizedNetwork, trace: RunTrace | None = None, dense_activity: float = DENSE_ACTIVITY
) -> IntegerPlan:
    """Build the integer plan of a network.

    Args:
        network: The network.
        trace: A run of it, whose counts say which connections see so many events that a dense loop is cheaper; None walks
            the events of every node, and the inputs densely.
        dense_activity: Share of events above which a dense loop is cheaper on the device.
    """
    bounds = {bound.name: bound for bound in bound_any_words(network)}
    dense = _dense_sources(network, trace, dense_activity)
    has_steps = network.n_steps != 1
    tables: list[Phi] = []
    nodes: list[PopulationPlan | ProductPlan] = []
    for node in network.nodes:
        if isinstance(node, QuantizedProduct):
            clips = not bounds[node.name].payload_is_proved
            nodes.append(_plan_product(node, clips))
        else:
            bound = bounds[node.name]
            assert isinstance(bound, LayerBound)
            nodes.append(_plan_population(node, bound, dense, has_steps, tables))
    bound = bounds[network.output.name]
    assert isinstance(bound, LayerBound)
    return IntegerPlan(
        name=network.name,
        digest=network.digest(),
        inputs=tuple(
            InputPlan(name=each.name, width=each.width, word=word, is_sequence=each.is_sequence)
            for each, word in zip(network.inputs, network.input_words, strict=True)
        ),
        nodes=tuple(nodes),
        output=OutputPlan(
            name=network.output.name,
            affine=_plan_sum(network.output.affine, bound, dense),
            readout=network.readout,
        ),
        tables=tuple(tables),
        n_steps=network.n_steps,
        lines=longest_delays(network),
        held=frozenset(node.name for node in nodes if node.name in network.held_sources and not has_steps),
    )


def continued_plan(plan: IntegerPlan) -> IntegerPlan:
    """Return the plan for runs that continue the state of other runs, beyond the steps of a sample.

    Membranes are then carried in a network of one step, too, and a clip that is dead within the steps of a sample may not be
    dead behind them: all of them are kept.
    """

    def clipped(affine: SumPlan) -> SumPlan:
        return replace(affine, clips_drive=True)

    def continued(node: PopulationPlan | ProductPlan) -> PopulationPlan | ProductPlan:
        if isinstance(node, ProductPlan):
            return replace(node, clips_payload=True)
        has_membrane = bool(node.beta.any())
        affine = clipped(node.affine)
        return replace(node, affine=affine, has_membrane=has_membrane, clips_membrane=True, clips_payload=True)

    output = replace(plan.output, affine=clipped(plan.output.affine))
    return replace(plan, nodes=tuple(continued(node) for node in plan.nodes), output=output, held=frozenset())


def _dense_sources(network: QuantizedNetwork, trace: RunTrace | None, dense_activity: float) -> frozenset[str]:
    """Return the sources that send so many events that a dense loop is cheaper: every input, and nodes by a run."""
    sources = {each.name for each in network.inputs}
    if trace is not None and trace.n_samples:
        for node in trace.nodes:
            if float(node.events.sum()) > dense_activity * trace.n_samples * node.events.size:
                sources.add(node.name)
    return frozenset(sources)


def _plan_population(
    node: QuantizedPopulation, bound: LayerBound, dense: frozenset[str], has_steps: bool, tables: list[Phi]
) -> PopulationPlan:
    phi = lay_out_phi(node.table)
    number = next((k for k, each in enumerate(tables) if _are_equal(each, phi)), len(tables))
    if number == len(tables):
        tables.append(phi)
    return PopulationPlan(
        name=node.name,
        affine=_plan_sum(node.affine, bound, dense),
        beta=node.beta,
        theta=node.theta,
        is_two_sided=node.polarity is Polarity.BOTH,
        has_membrane=has_steps and bool(node.beta.any()),
        clips_membrane=bound.membrane > bound.state_highest,
        table=number,
        phi_bits=count_phi_bits(phi, node.table.state_bits),
        sends=node.sends,
        clips_payload=not bound.payload_is_proved,
    )


def _are_equal(left: Phi, right: Phi) -> bool:
    return all(np.array_equal(np.asarray(a), np.asarray(b)) for a, b in zip(left, right, strict=True))


def _plan_product(node: QuantizedProduct, clips: bool) -> ProductPlan:
    up, down = max(node.shift, 0), max(-node.shift, 0)
    exact = IntFormat(bits=node.left_word.bits).highest * IntFormat(bits=node.right_word.bits).highest
    highest = (exact << up) + (1 << (down - 1) if down else 0)
    return ProductPlan(
        name=node.name,
        left=node.left,
        right=node.right,
        width=node.width,
        up=up,
        down=down,
        product_bits=highest.bit_length() + 1,
        sends=node.sends,
        clips_payload=clips,
    )


def _plan_sum(affine: QuantizedAffine, bound: LayerBound, dense: frozenset[str]) -> SumPlan:
    connections = tuple(
        _plan_connection(each, left, dense) for each, left in zip(affine.connections, affine.lefts, strict=True)
    )
    highest = [abs(bias) for bias in affine.bias.tolist()]
    for connection, each in zip(connections, affine.connections, strict=True):
        sides = (each.product_bound().tolist(), connection.up.tolist(), connection.half.tolist())
        for j, (product, up, half) in enumerate(zip(*sides, strict=True)):
            highest[j] += (product << up) + half
    return SumPlan(
        connections=connections,
        bias=affine.bias,
        sum_bits=max(highest).bit_length() + 1,
        state=Word(bits=affine.state_bits, exponent=affine.state_exponent),
        clips_drive=bound.drive > bound.state_highest,
    )


def _plan_connection(each: QuantizedConnection, left: IntArray, dense: frozenset[str]) -> ConnectionPlan:
    up, half, down = split_shift(left)
    return ConnectionPlan(
        source=each.source,
        delay=each.delay,
        weight=each.weight,
        weight_bits=each.weight_bits,
        word=Word(bits=each.input_bits, exponent=each.input_exponent),
        up=up,
        half=half,
        down=down,
        product_bits=int(each.product_bound().max()).bit_length() + 1,
        is_dense=each.source in dense,
    )
