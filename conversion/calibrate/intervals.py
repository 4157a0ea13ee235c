"""Bounds of a quantized network over the whole box of its domain, by interval arithmetic in its own integers.

    x in [lo, hi]                       one cell of the box, as input words
    p in [W+ lo + W- hi, W+ hi + W- lo]                     W = W+ + W-, W+ >= 0 >= W-, of each connection
    z in sum of shift(p) + bias                             shifting is monotone
    m in [leaked(r_lo) + z_lo, leaked(r_hi) + z_hi]         r the last m below the threshold, or 0 where it fired
    a in table([z_lo, z_hi]) and 0                          z of those that can reach the threshold
    a in shift([least, largest] of the four corner products)                of a product

The network is walked in intervals, step by step. The box is cut into cells, and the worst cell counts: the bound of a cell is
tight, that of the whole box is not. Drives, membranes and payloads are bounded before they saturate, so a bound within its
word proves that the word never saturates, at any point of the box.

Where the number of steps is free, or above `MAX_UNROLLED`, the bounds are fixed points that hold for any number of steps: one
step is walked from every membrane that can be carried over, and from every payload that a delayed source can have sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from ...base.arrays import FloatArray, IntArray, Record
from ...engine.host import encode_points
from ...engine.reference import constant_inputs
from ...engine.walk import NodeStep, WalkState, longest_delays, walk
from ...network.integers import LEAK_BITS, IntFormat, leaked, multiply_exactly, shift_half_up
from ...network.nodes import Polarity
from ...network.phi_range import range_over
from ...network.quantized import QuantizedNetwork
from ...network.quantized_nodes import (
    QuantizedAffine,
    QuantizedNode,
    QuantizedOutput,
    QuantizedPopulation,
    QuantizedProduct,
    Word,
)
from ...network.spec import MAX_STEPS, NetworkSpec

MAX_CELLS = 4096
"""Largest number of cells that the box is divided into."""
MAX_UNROLLED = 64
"""Largest number of steps that are walked one by one, unless they repeat themselves before."""
N_TIGHTENINGS = 3
"""Number of walks of one step that narrow a fixed point: payloads of the one are what the next one receives late."""


class Interval(NamedTuple):
    """Integers from low to high, each of shape (n_cells, n)."""

    low: IntArray
    high: IntArray

    def joined(self, value: int) -> Interval:
        """Return the smallest interval that also holds `value`."""
        return Interval(np.minimum(self.low, value), np.maximum(self.high, value))

    def clipped(self, bits: int) -> Interval:
        """Return the interval of the saturated values of a word."""
        highest = IntFormat(bits=bits).highest
        return Interval(np.clip(self.low, -highest, highest), np.clip(self.high, -highest, highest))

    def over_all_cells(self) -> Interval:
        """Return the interval that holds those of all cells, shape (1, n)."""
        return Interval(self.low.min(axis=0, keepdims=True), self.high.max(axis=0, keepdims=True))

    @property
    def peak(self) -> int:
        """Largest magnitude of all."""
        return int(max(np.abs(self.low).max(), np.abs(self.high).max()))


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerBound(Record):
    """Largest magnitudes that one population or the read-out can reach anywhere in the box, in its own integers."""

    name: str
    """Name of the node."""
    accumulator: int
    """Bound of |W a| of any connection before the shift, and of every partial sum."""
    drive: int
    """Bound of the drive |z|, in state units."""
    membrane: int
    """Bound of the membrane |m| before the reset, in state units; for the read-out, of its drive."""
    payload: int | None
    """Bound of the payload |a| before saturation; None for the read-out."""
    state_highest: int
    """Highest value of the state word."""
    payload_highest: int | None
    """Highest value of the payload word; None for the read-out."""
    is_fixed_point: bool = False
    """Whether the bounds are fixed points, which hold for any number of steps; else its own steps were walked one by one."""

    @property
    def state_is_proved(self) -> bool:
        """Whether neither drive nor membrane can ever saturate."""
        return max(self.drive, self.membrane) <= self.state_highest

    @property
    def payload_is_proved(self) -> bool:
        """Whether the payload can never saturate."""
        return self.payload is None or self.payload_highest is None or self.payload <= self.payload_highest

    @property
    def accumulator_bits(self) -> int:
        """Bits that the accumulator needs, its sign included."""
        return self.accumulator.bit_length() + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductBound(Record):
    """Largest magnitudes that one product can reach anywhere in the box, in its own integers."""

    name: str
    """Name of the product."""
    accumulator: int
    """Bound of the exact product of both factors, before the shift."""
    payload: int
    """Bound of the payload |a| before saturation."""
    payload_highest: int
    """Highest value of the payload word."""
    is_fixed_point: bool = False
    """Whether the bounds are fixed points, which hold for any number of steps."""

    @property
    def payload_is_proved(self) -> bool:
        """Whether the payload can never saturate."""
        return self.payload <= self.payload_highest

    @property
    def accumulator_bits(self) -> int:
        """Bits that the exact product needs, its sign included."""
        return self.accumulator.bit_length() + 1


def bound_network(network: QuantizedNetwork) -> tuple[LayerBound, ...]:
    """Bound every population over the box of the network's domain, in order, and the read-out last."""
    return tuple(bound for bound in bound_nodes(network) if isinstance(bound, LayerBound))


def bound_nodes(network: QuantizedNetwork) -> tuple[LayerBound | ProductBound, ...]:
    """Bound every population and product over the box of the network's domain, in order, and the read-out last."""
    return _bound_within(network, _input_cells(network))


def bound_any_words(network: QuantizedNetwork) -> tuple[LayerBound | ProductBound, ...]:
    """Bound every population and product over all words that the inputs can have, inside the box or not, the read-out last."""
    return _bound_within(
        network, {each.name: _whole_word(network.words[each.name], each.width) for each in network.inputs}
    )


def _bound_within(network: QuantizedNetwork, cells: dict[str, Interval]) -> tuple[LayerBound | ProductBound, ...]:
    """Bound every node for inputs in cells, over the network's steps, or over any number of them."""
    n_steps = network.n_steps
    if n_steps is None or n_steps > MAX_UNROLLED:
        return _fixed_point(network, cells)
    arithmetic, state = _IntervalArithmetic(), WalkState()
    for _ in range(n_steps):
        former = replace(state, membranes=dict(state.membranes), lines=dict(state.lines))
        state = walk(network, lambda t: cells, 1, arithmetic, lambda t, node, step: None, state)
        if _are_equal(former, state):
            break  # all later steps are this one
    return tuple(arithmetic.bounds.values())


def states_are_proved(network: QuantizedNetwork) -> bool:
    """Return whether no state of the network can saturate anywhere in its box."""
    return all(bound.state_is_proved for bound in bound_network(network))


def cell_corners(network: NetworkSpec) -> tuple[FloatArray, FloatArray]:
    """Cut the network's box into equal cells; return their lower and upper corners, physical, each (n_cells, n_in)."""
    n, axes = max(1, int(MAX_CELLS ** (1.0 / network.n_in) + 1e-9)), np.arange(network.n_in)
    ends = [np.linspace(low, high, n + 1) for low, high in zip(network.lower, network.upper, strict=True)]
    edges = np.stack(ends, axis=1)
    places = np.arange(n**network.n_in)[:, None] // n ** axes[::-1] % n  # the last axis fastest
    return edges[places, axes], edges[places + 1, axes]


def _input_cells(network: QuantizedNetwork) -> dict[str, Interval]:
    """Return the words of every input in every cell, saturated as the host saturates them, shape (n_cells, width) each."""
    words = [encode_points(network, corner)[0] for corner in cell_corners(network.source)]
    ends = [constant_inputs(network, end(*words))(0) for end in (np.minimum, np.maximum)]  # a negative scale turns them
    return {name: Interval(low, ends[1][name]) for name, low in ends[0].items()}


def _fixed_point(network: QuantizedNetwork, cells: dict[str, Interval]) -> tuple[LayerBound | ProductBound, ...]:
    """Bound the nodes for any number of steps, up to the network's own."""
    has_sequences = network.source.has_sequences
    delays, widths = longest_delays(network), network.source.source_widths
    late = {name: _whole_word(network.words[name], widths[name]) for name in delays}
    for _ in range(N_TIGHTENINGS):
        arithmetic = _IntervalArithmetic(free=_FreeSteps(n_steps=network.n_steps, has_sequences=has_sequences))
        state = WalkState(lines={name: [late[name]] * delay for name, delay in delays.items()})
        state = walk(network, lambda t: cells, 1, arithmetic, lambda t, node, step: None, state)
        sent = {name: line[-1].joined(0) for name, line in state.lines.items()}
        late = {name: each.over_all_cells() for name, each in sent.items()} if has_sequences else sent
    return tuple(arithmetic.bounds.values())


def _whole_word(word: Word, width: int) -> Interval:
    highest = np.full((1, width), IntFormat(bits=word.bits).highest)
    return Interval(-highest, highest)


def _are_equal(former: WalkState, state: WalkState) -> bool:
    """Return whether two states carry the same intervals."""
    pairs = [(former.membranes.get(name), held) for name, held in state.membranes.items()]
    for name, line in state.lines.items():
        old = former.lines.get(name, [])
        pairs += zip([None] * (len(line) - len(old)) + old, line, strict=True)
    return all(a is not None and np.array_equal(a, b) for a, b in pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class _FreeSteps(Record):
    """Steps that are not walked one by one."""

    n_steps: int | None
    """Largest number of steps; None for any."""
    has_sequences: bool
    """Whether the inputs of a sample can move from cell to cell."""

    def carried(self, node: QuantizedPopulation, drive: Interval) -> Interval:
        """Bound the membranes that can be carried over where every drive lies in `drive`.

        |r| <= |z| / (1 - beta), and |r| <= (T - 1) |z|; r stays within the state word, and below the threshold.
        """
        z = drive.over_all_cells() if self.has_sequences else drive
        highest = IntFormat(bits=node.affine.state_bits).highest
        quiet = np.maximum(node.theta - 1, 0)
        lost = (1 << LEAK_BITS) - node.beta
        longest = MAX_STEPS if self.n_steps is None else self.n_steps

        def grown(ends: IntArray) -> IntArray:
            leaky = np.where(lost > 0, -(-(ends << LEAK_BITS) // np.maximum(lost, 1)), highest)
            return np.minimum(np.minimum(leaky, ends * (longest - 1)), highest)

        low, high = -grown(np.maximum(-z.low, 0)), np.minimum(grown(np.maximum(z.high, 0)), quiet)
        return Interval(np.maximum(low, -quiet) if node.polarity is Polarity.BOTH else low, high)


@dataclass(slots=True)
class _IntervalArithmetic:
    """Intervals of integers, one row for each cell of the box; keeps the largest bound of every node."""

    free: _FreeSteps | None = None
    bounds: dict[str, LayerBound | ProductBound] = field(default_factory=dict)

    def silence(self, width: int) -> Interval:
        """Return zeros that hold in every cell, shape (1, width)."""
        return Interval(*np.zeros((2, 1, width), dtype=np.int64))

    def step(self, node: QuantizedNode | QuantizedOutput, membrane: Interval, received: Sequence[Interval]) -> NodeStep:
        """Compute one step of a node by the equations above."""
        if isinstance(node, QuantizedProduct):
            product = _product_interval(node, *received)
            payload = Interval(*(shift_half_up(end, node.shift) for end in product))
            self._see_product(node, product, payload)
            return NodeStep(received, product, payload.clipped(node.sends.bits))
        drive = _drive_interval(node.affine, received)
        z = drive.clipped(node.affine.state_bits)
        if isinstance(node, QuantizedOutput):
            self._see_affine(node, received, drive, drive, None)
            return NodeStep(received, drive, z)
        r = membrane if self.free is None else self.free.carried(node, z)
        rest = Interval(*(leaked(end, node.beta) for end in r))
        m = Interval(rest.low + z.low, rest.high + z.high)
        payload = _payload_interval(node, z, rest)
        self._see_affine(node, received, drive, m, payload)
        carried = _carried_interval(node, m.clipped(node.affine.state_bits))
        return NodeStep(received, drive, payload.clipped(node.sends.bits), m, None, carried)

    def _see_product(self, node: QuantizedProduct, product: Interval, payload: Interval) -> None:
        former = self.bounds.get(node.name)
        assert not isinstance(former, LayerBound)
        self.bounds[node.name] = ProductBound(
            name=node.name,
            accumulator=max(product.peak, former.accumulator if former else 0),
            payload=max(payload.peak, former.payload if former else 0),
            payload_highest=IntFormat(bits=node.sends.bits).highest,
            is_fixed_point=self.free is not None,
        )

    def _see_affine(
        self,
        node: QuantizedPopulation | QuantizedOutput,
        received: Sequence[Interval],
        drive: Interval,
        membrane: Interval,
        payload: Interval | None,
    ) -> None:
        former = self.bounds.get(node.name)
        assert not isinstance(former, ProductBound)
        sums = [
            multiply_exactly(np.maximum(np.abs(a.low), np.abs(a.high)), np.abs(each.weight).T).max()
            for each, a in zip(node.affine.connections, received, strict=True)
        ]
        sends = node.sends if isinstance(node, QuantizedPopulation) else None
        self.bounds[node.name] = LayerBound(
            name=node.name,
            accumulator=max(int(max(sums)), former.accumulator if former else 0),
            drive=max(drive.peak, former.drive if former else 0),
            membrane=max(membrane.peak, former.membrane if former else 0),
            payload=max(payload.peak, former.payload or 0 if former else 0) if payload else None,
            state_highest=IntFormat(bits=node.affine.state_bits).highest,
            payload_highest=IntFormat(bits=sends.bits).highest if sends else None,
            is_fixed_point=self.free is not None,
        )


def _drive_interval(affine: QuantizedAffine, received: Sequence[Interval]) -> Interval:
    low = high = affine.bias
    for each, left, a in zip(affine.connections, affine.lefts, received, strict=True):
        positive, negative = np.maximum(each.weight, 0).T, np.minimum(each.weight, 0).T
        low = low + shift_half_up(multiply_exactly(a.low, positive) + multiply_exactly(a.high, negative), left)
        high = high + shift_half_up(multiply_exactly(a.high, positive) + multiply_exactly(a.low, negative), left)
    return Interval(low, high)


def _product_interval(node: QuantizedProduct, left: Interval, right: Interval) -> Interval:
    """Bound the exact products by those of the ends; a square is not negative."""
    corners = [a * b for a in left for b in right]
    low, high = np.minimum.reduce(corners), np.maximum.reduce(corners)
    if node.left == node.right:
        low = np.where((left.low <= 0) & (left.high >= 0), 0, np.minimum(left.low**2, left.high**2))
    return Interval(low, high)


def _carried_interval(node: QuantizedPopulation, membrane: Interval) -> Interval:
    """Bound what is carried over: membranes m that do not fire lie below the threshold, those that fire become zero."""
    below = node.theta - 1
    low = np.maximum(membrane.low, -below) if node.polarity is Polarity.BOTH else membrane.low
    high = np.minimum(membrane.high, below)
    can_rest, can_fire = low <= high, membrane.high >= node.theta
    if node.polarity is Polarity.BOTH:
        can_fire |= membrane.low <= -node.theta
    low, high = np.where(can_rest, low, 0), np.where(can_rest, high, 0)
    return Interval(np.where(can_fire, np.minimum(low, 0), low), np.where(can_fire, np.maximum(high, 0), high))


def _payload_interval(node: QuantizedPopulation, drive: Interval, rest: Interval) -> Interval:
    """Bound all payloads, 0 included: of drives z that reach the threshold on top of a leaked membrane in `rest`."""
    least = np.maximum(drive.low, node.theta - rest.high)
    payload = _sent_between(node, least, drive.high)
    if node.polarity is Polarity.BOTH:
        downward = _sent_between(node, drive.low, np.minimum(drive.high, -node.theta - rest.low))
        payload = Interval(np.minimum(payload.low, downward.low), np.maximum(payload.high, downward.high))
    return payload


def _sent_between(node: QuantizedPopulation, low: IntArray, high: IntArray) -> Interval:
    """Bound the payloads of drives from low to high before saturation, 0 included; where low > high there are none."""
    low, high = np.broadcast_arrays(low, high)
    is_reached = low <= high
    ends = np.zeros((2, *low.shape), dtype=np.int64)
    ends[:, is_reached] = range_over(node.table, low[is_reached], high[is_reached])
    return Interval(*ends).joined(0)
