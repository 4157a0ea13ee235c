"""A step of a row of neurons, 16 at a time: leak, integrate, compare, reset; and which of them fired.

    m = clip(leak(m) + z)       leak(m) = sign(m) * (|m| * beta >> 12)
    s = m >= theta              or |m| >= theta
    m = 0   where s

A leak needs no product wider than 32 bits, because |m| = high * 2**12 + low gives high * beta + (low * beta >> 12).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
from numba.extending import intrinsic

from .vector_code import I16, I32, I64, ZERO, Row, clipped, count, count_rare, each_vector, fields, magnitude, repeated

LEAK_BITS = 12
"""Fractional bits of a leak."""


class NeuronsAt(NamedTuple):
    """Where a layer's leaks and thresholds lie, as addresses; see `Neurons`."""

    beta: int
    theta: int
    both: int
    limit: int


def _type_fire(
    typing: Any, neurons: Any, z: Any, n_out: Any, membrane: Any, fired: Any, counts: Any, saturated: Any
) -> Any:
    """Advance the membranes of a row; `fired` gets a bit for each neuron, `counts` one more for each that fired."""
    return numba.types.void(neurons, z, n_out, membrane, fired, counts, saturated), _generate


def _generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    beta_at, theta_at, both_or_not, limit_of_state = fields(builder, arguments[0], len(NeuronsAt._fields))
    beta, theta, z, membrane, counts, saturated = (
        Row(builder, address) for address in (beta_at, theta_at, *(arguments[i] for i in (1, 3, 5, 6)))
    )
    limit = repeated(builder, builder.trunc(limit_of_state, I32))
    both = builder.icmp_signed("!=", both_or_not, I64(0))
    words = builder.inttoptr(arguments[4], I16.as_pointer())
    shift, low_bits = (repeated(builder, I32(number)) for number in (LEAK_BITS, (1 << LEAK_BITS) - 1))

    def step(place: Any, mask: Any) -> None:
        m, leak = membrane.load(place, mask), beta.load(place, mask)
        size = magnitude(builder, m)
        high = builder.mul(builder.lshr(size, shift), leak)
        kept = builder.add(high, builder.lshr(builder.mul(builder.and_(size, low_bits), leak), shift))
        leaked = builder.select(builder.icmp_signed("<", m, ZERO), builder.sub(ZERO, kept), kept)
        integrated = builder.add(leaked, z.load(place, mask))
        held = clipped(builder, integrated, limit)
        count_rare(builder, saturated, builder.icmp_signed("!=", held, integrated), place, mask)
        reached = builder.select(both, magnitude(builder, held), held)
        bits = builder.icmp_signed(">=", reached, theta.load(place, mask))
        if mask is not None:
            bits = builder.and_(bits, mask)
        membrane.store(builder.select(bits, ZERO, held), place, mask)
        count(builder, counts, bits, place, mask)
        builder.store(builder.bitcast(bits, I16), builder.gep(words, [builder.lshr(place, I64(4))]))

    each_vector(builder, arguments[2], step)
    return context.get_dummy_value()


fire_row: Any = intrinsic(_type_fire)
