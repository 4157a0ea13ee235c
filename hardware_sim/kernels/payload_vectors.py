"""Payloads of a row of neurons, 16 at a time: phi by table, interpolated, rounded half up, saturated.

    cell = min(q >> index_bits, last)                            q = |x|, x = z, for relu max(z, 0)
    p    = (entry[cell] << index_bits) + rise[cell] * (q - (cell << index_bits))
    a    = clip(±p + half >> shift) where the neuron fired, else 0

An entry and the rise behind it are two halves of one 64-bit number, so that one gathered load brings both. Sixteen neurons of
which none fired are passed over.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
from llvmlite import ir  # type: ignore[import-untyped]
from numba.extending import intrinsic

from .vector_code import (
    BITS,
    I1,
    I16,
    I32,
    I64,
    LANES,
    SUMS,
    ZERO,
    Row,
    count,
    count_rare,
    declared,
    each_vector,
    fields,
)

HALF = 8
"""Lanes of 64 bits in a vector."""
WIDE = ir.VectorType(I64, HALF)
WIDE_ZERO = ir.Constant(WIDE, [0] * HALF)


class PhiAt(NamedTuple):
    """A payload's table, the packed cells as an address; see `Phi`."""

    packed: int
    last: int
    index_bits: int
    shift: int
    half: int
    highest: int
    odd: int
    relu: int


class _Curve(NamedTuple):
    """The same as LLVM's values, each in all lanes."""

    packed: Any
    last: Any
    index_bits: Any
    shift: Any
    half: Any
    highest: Any
    odd: Any
    relu: Any


def _type_send(
    typing: Any, phi: Any, z: Any, n_out: Any, fired: Any, payload: Any, n_events: Any, saturated: Any
) -> Any:
    """Give the payloads of the neurons whose bit in `fired` is set, and count those that are not zero."""
    return numba.types.void(phi, z, n_out, fired, payload, n_events, saturated), _generate


def _generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    packed, *scalars, odd, relu = fields(builder, arguments[0], len(PhiAt._fields))
    flags = (builder.icmp_signed("!=", flag, I64(0)) for flag in (odd, relu))
    curve = _Curve(*(_all_lanes(builder, each) for each in (packed, *scalars, *flags)))
    z, payload, n_events, saturated = (Row(builder, arguments[i]) for i in (1, 4, 5, 6))
    words = builder.inttoptr(arguments[3], I16.as_pointer())

    def send(place: Any, mask: Any) -> None:
        bits = builder.load(builder.gep(words, [builder.lshr(place, I64(4))]))
        with builder.if_else(builder.icmp_unsigned("!=", bits, I16(0))) as (some, none):
            with some:
                fires = builder.bitcast(bits, BITS)
                a, beyond = _look_up(builder, z.load(place, mask), curve)
                sent = builder.select(fires, a, ZERO)
                payload.store(sent, place, mask)
                count(builder, n_events, builder.icmp_signed("!=", sent, ZERO), place, mask)
                count_rare(builder, saturated, builder.and_(beyond, fires), place, mask)
            with none:
                payload.store(ZERO, place, mask)

    each_vector(builder, arguments[2], send)
    return context.get_dummy_value()


def _look_up(builder: Any, z: Any, curve: _Curve) -> tuple[Any, Any]:
    """Give the payloads of 16 drives, and which of them the payload word could not hold."""
    values, beyond = [], []
    for first in (0, HALF):
        lanes = ir.Constant(ir.VectorType(I32, HALF), list(range(first, first + HALF)))
        x = builder.sext(builder.shuffle_vector(z, ir.Constant(SUMS, ir.Undefined), lanes), WIDE)
        rounded = _rounded(builder, x, curve)
        low = builder.sub(WIDE_ZERO, curve.highest)
        held = builder.select(builder.icmp_signed("<", rounded, low), low, rounded)
        held = builder.select(builder.icmp_signed(">", held, curve.highest), curve.highest, held)
        values.append(builder.trunc(held, ir.VectorType(I32, HALF)))
        beyond.append(builder.icmp_signed("!=", held, rounded))
    return tuple(builder.shuffle_vector(*halves, ir.Constant(SUMS, list(range(LANES)))) for halves in (values, beyond))


def _rounded(builder: Any, z: Any, curve: _Curve) -> Any:
    """Give phi of eight drives, rounded half up, not yet saturated."""
    is_negative = builder.icmp_signed("<", z, WIDE_ZERO)
    x = builder.select(builder.and_(is_negative, curve.relu), WIDE_ZERO, z)
    q = builder.select(builder.icmp_signed("<", x, WIDE_ZERO), builder.sub(WIDE_ZERO, x), x)
    cell = builder.lshr(q, curve.index_bits)
    cell = builder.select(builder.icmp_unsigned("<", cell, curve.last), cell, curve.last)
    both = _gathered(builder, curve.packed, cell)
    thirty_two = ir.Constant(WIDE, [32] * HALF)
    entry = builder.ashr(builder.shl(both, thirty_two), thirty_two)
    base = builder.shl(entry, curve.index_bits)
    beyond = builder.sub(q, builder.shl(cell, curve.index_bits))
    p = builder.add(base, builder.mul(builder.ashr(both, thirty_two), beyond))
    turned = builder.and_(builder.icmp_signed("<", x, WIDE_ZERO), curve.odd)
    p = builder.select(turned, builder.sub(WIDE_ZERO, p), p)
    return builder.ashr(builder.add(p, curve.half), curve.shift)


def _gathered(builder: Any, begin: Any, index: Any) -> Any:
    """Load the eight numbers of 64 bits that have these indices."""
    offset = builder.shl(index, ir.Constant(WIDE, [3] * HALF))
    addresses = builder.inttoptr(builder.add(begin, offset), ir.VectorType(I64.as_pointer(), HALF))
    bits = ir.VectorType(I1, HALF)
    kind = ir.FunctionType(WIDE, [addresses.type, I32, bits, WIDE])
    function = declared(builder, kind, "llvm.masked.gather.v8i64.v8p0")
    return builder.call(function, [addresses, I32(8), ir.Constant(bits, [1] * HALF), WIDE_ZERO])


def _all_lanes(builder: Any, number: Any) -> Any:
    """Repeat a number in eight lanes."""
    kind = ir.VectorType(number.type, HALF)
    undefined = ir.Constant(kind, ir.Undefined)
    one = builder.insert_element(undefined, number, I32(0))
    return builder.shuffle_vector(one, undefined, ir.Constant(ir.VectorType(I32, HALF), [0] * HALF))


send_row: Any = intrinsic(_type_send)
