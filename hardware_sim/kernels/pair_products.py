"""Products of 16-bit words, two inputs at a time: what processors with 16-bit multiply-add instructions do best.

Two neighbouring inputs are one 32-bit number, and their weights for one neuron lie side by side. One instruction multiplies
them pair by pair and adds each pair's two products,

    total[j] += w[j, 2 i] * a[2 i] + w[j, 2 i + 1] * a[2 i + 1]         for 16 neurons j at once

and a pair without an event is passed over. Both factors are words of at most 16 bits, symmetric, so that the sum of two
products fits into 32 bits; that all sums do is proved in `layout`. Processors without such an instruction do the same in more
steps.

Source: LLVM, `llvm.x86.avx512.pmaddw.d.512` and `llvm.x86.avx2.pmadd.wd`, which become VPDPWSSD where there is one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import cgutils
from numba.extending import intrinsic

from .vector_code import (
    I16,
    I32,
    I64,
    LANES,
    SUMS,
    WORDS,
    YES,
    ZERO,
    Row,
    clipped,
    count_rare,
    declared,
    features,
    fields,
    repeated,
    whole_or_masked,
)

FEATURES = features()
CHUNK = 64
"""Pairs of which one mask tells which have an event."""


def _type_pack_pairs(typing: Any, a: Any, n: Any, pairs: Any) -> Any:
    """Put the n words at `a` into the pairs at `pairs`; those beyond stay as they are."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        source, words = Row(builder, arguments[0]), builder.inttoptr(arguments[2], I16.as_pointer())
        whole = builder.and_(arguments[1], I64(-LANES))
        with cgutils.for_range_slice(builder, I64(0), whole, I64(LANES)) as (i, _):
            held = builder.trunc(source.load(i), ir.VectorType(I16, LANES))
            address = builder.bitcast(builder.gep(words, [i]), held.type.as_pointer())
            builder.store(held, address).align = 2
        with cgutils.for_range_slice(builder, whole, arguments[1], I64(1)) as (i, _):
            word = builder.trunc(builder.load(builder.gep(source.data, [i])), I16)
            builder.store(word, builder.gep(words, [i]))
        return context.get_dummy_value()

    return numba.types.void(a, n, pairs), generate


pack_pairs: Any = intrinsic(_type_pack_pairs)


class AffineAt(NamedTuple):
    """Where a layer's synapses lie, as addresses; see `Affine`."""

    weight: int
    width: int
    n_chunks: int
    up: int
    half: int
    down: int
    bias: int
    limit: int


def _driver(n_vectors: int) -> Any:
    """Make drive(affine, pairs, z, n_out, saturated, first), for `n_vectors` times 16 neurons from `first` on."""

    def type_drive(typing: Any, affine: Any, pairs: Any, z: Any, n_out: Any, saturated: Any, first: Any) -> Any:
        return numba.types.void(affine, pairs, z, n_out, saturated, first), _generate(n_vectors)

    return intrinsic(type_drive)


def _generate(n_vectors: int) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        record, pairs, z, n_out, saturated, first = arguments
        weight, width, n_chunks, *shifts, limit = fields(builder, record, len(AffineAt._fields))
        weights = _Weights(builder.inttoptr(weight, I16.as_pointer()), width)
        places = [builder.add(first, I64(LANES * k)) for k in range(n_vectors)]
        products = _products(builder, weights, Row(builder, pairs), n_chunks, places)
        limits = repeated(builder, builder.trunc(limit, I32))
        for product, place in zip(products, places, strict=True):
            up, half, down, bias = (Row(builder, address).load(place) for address in shifts)
            aligned = builder.ashr(builder.add(builder.shl(product, up), half), down)
            drives = builder.add(aligned, bias)
            _put_drives(builder, drives, limits, Row(builder, z, n_out), Row(builder, saturated), place)
        return context.get_dummy_value()

    return generate


class _Weights(NamedTuple):
    """A layer's weights in pairs, and how many pairs of them one pair of inputs has."""

    data: Any
    width: Any


def _put_drives(builder: Any, z: Any, limit: Any, row: Row, saturated: Row, place: Any) -> None:
    held = clipped(builder, z, limit)

    def put(mask: Any) -> None:
        row.store(held, place, mask)
        count_rare(builder, saturated, builder.icmp_signed("!=", held, z), place, mask)

    whole_or_masked(builder, row.length, place, put)


def _events(builder: Any, pairs: Row, first: Any) -> Any:
    """Give the mask of the 64 pairs from `first` on that are not zero."""
    mask = I64(0)
    for k in range(0, CHUNK, LANES):
        bits = builder.icmp_signed("!=", pairs.load(builder.add(first, I64(k))), ZERO)
        mask = builder.or_(mask, builder.shl(builder.zext(builder.bitcast(bits, I16), I64), I64(k)))
    return mask


def _products(builder: Any, weights: _Weights, pairs: Row, n_chunks: Any, places: list[Any]) -> list[Any]:
    """Add up the products of all events: loops over chunks of 64 pairs, and over two events of a chunk at a time."""
    entry = builder.basic_block
    outer, chunk, head, body, after, done = (
        builder.append_basic_block(f"pairs_{name}") for name in ("outer", "chunk", "head", "body", "after", "done")
    )
    builder.branch(outer)
    builder.position_at_end(outer)
    index, sums = builder.phi(I64), [builder.phi(SUMS) for _ in range(2 * len(places))]  # two of each, for two events
    _come_in(entry, [index, *sums], [I64(0), *[ZERO] * len(sums)])
    builder.cbranch(builder.icmp_unsigned("<", index, n_chunks), chunk, done)

    builder.position_at_end(chunk)
    offset = builder.shl(index, I64(6))
    mask = _events(builder, pairs, offset)
    builder.branch(head)

    builder.position_at_end(head)
    left, held = builder.phi(I64), [builder.phi(SUMS) for _ in sums]
    _come_in(chunk, [left, *held], [mask, *sums])
    builder.cbranch(builder.icmp_unsigned("!=", left, I64(0)), body, after)

    builder.position_at_end(body)
    remaining, events = _two_events(builder, left, pairs, offset)
    added = []
    for event, row, own in ((*events[0], held[: len(places)]), (*events[1], held[len(places) :])):
        begin = builder.mul(row, weights.width)
        for phi, place in zip(own, places, strict=True):
            address = builder.gep(weights.data, [builder.add(begin, builder.shl(place, I64(1)))])
            words = builder.load(builder.bitcast(address, WORDS.as_pointer()))
            words.align = 2
            added.append(builder.add(phi, _multiply_add(builder, words, event)))
    _come_in(body, [left, *held], [remaining, *added])
    builder.branch(head)

    builder.position_at_end(after)
    _come_in(after, [index, *sums], [builder.add(index, I64(1)), *held])
    builder.branch(outer)

    builder.position_at_end(done)
    return [builder.add(one, other) for one, other in zip(sums[: len(places)], sums[len(places) :], strict=True)]


def _come_in(block: Any, phis: list[Any], values: list[Any]) -> None:
    """Give phis their values for those who come from a block."""
    for phi, value in zip(phis, values, strict=True):
        phi.add_incoming(value, block)


def _two_events(builder: Any, left: Any, pairs: Row, offset: Any) -> tuple[Any, list[tuple[Any, Any]]]:
    """Take two pairs out of a mask: what is left, and of each its words in all lanes (zeros if there is none) and its row."""
    rest = builder.and_(left, builder.sub(left, I64(1)))
    remaining = builder.and_(rest, builder.sub(rest, I64(1)))
    is_there = builder.icmp_unsigned("!=", rest, I64(0))
    rows = [builder.add(builder.cttz(mask, YES), offset) for mask in (left, builder.select(is_there, rest, left))]
    words = [builder.load(builder.gep(pairs.data, [row])) for row in rows]
    words[1] = builder.select(is_there, words[1], I32(0))
    lanes = [builder.bitcast(repeated(builder, word), WORDS) for word in words]
    return remaining, list(zip(lanes, rows, strict=True))


def _multiply_add(builder: Any, w: Any, a: Any) -> Any:
    """Give 16 sums w[2 j] * a[2 j] + w[2 j + 1] * a[2 j + 1] of 32 words each."""
    if "avx512bw" in FEATURES:
        kind = ir.FunctionType(SUMS, [WORDS, WORDS])
        return builder.call(declared(builder, kind, "llvm.x86.avx512.pmaddw.d.512"), [w, a])
    if "avx2" in FEATURES:
        half = ir.VectorType(I16, LANES)
        kind = ir.FunctionType(ir.VectorType(I32, LANES // 2), [half, half])
        function = declared(builder, kind, "llvm.x86.avx2.pmadd.wd")
        parts = [
            builder.call(function, [_chosen(builder, word, range(first, first + LANES)) for word in (w, a)])
            for first in (0, LANES)
        ]
        return builder.shuffle_vector(*parts, ir.Constant(SUMS, list(range(LANES))))
    wide = ir.VectorType(I32, 2 * LANES)
    product = builder.mul(builder.sext(w, wide), builder.sext(a, wide))
    return builder.add(*(_chosen(builder, product, range(first, 2 * LANES, 2)) for first in (0, 1)))


def _chosen(builder: Any, vector: Any, lanes: range) -> Any:
    mask = ir.Constant(ir.VectorType(I32, len(lanes)), list(lanes))
    return builder.shuffle_vector(vector, ir.Constant(vector.type, ir.Undefined), mask)


drive_64, drive_32, drive_16 = _driver(4), _driver(2), _driver(1)
