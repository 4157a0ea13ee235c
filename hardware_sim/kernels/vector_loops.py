"""Three pieces of vector code that numba does not find by itself: find the events of a row, and add up their weights.

Numba keeps the sums of a product in memory, and reads and writes them again for every input. Here up to 32 of them stay in
registers while all events pass by. The code is LLVM's, in vectors of eight lanes, for whatever processor there is; only the
loops of `compiled_loops` call it.

    mask = events(a, offset)                         bit i is set where a[offset + i] != 0, for i = 0 … 63
    i    = lowest(mask)                              the first of them
    add_16(weight, a, mask, offset, total, first)    total[first + j] += sum of weight[i, first + j] * a[i] over i in mask,
                                                     for j = 0 … 15
    add_32                                           the same for j = 0 … 31

Source: LLVM Language Reference, vector operations and `llvm.cttz`.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba.extending import intrinsic

from .compiling import inlined

LANES = 8
"""Numbers in a vector; LLVM splits or joins them as the processor wants."""
I32, I64 = ir.IntType(32), ir.IntType(64)
YES = ir.Constant(ir.IntType(1), 1)


def _data(context: Any, builder: Any, kind: Any, array: Any) -> Any:
    """Give the address of an array's first entry."""
    return context.make_array(kind)(context, builder, array).data


def _eight(builder: Any, data: Any, index: Any) -> Any:
    """Give the address of eight entries from an index on, as a vector's."""
    kind = ir.VectorType(data.type.pointee, LANES)
    return builder.bitcast(builder.gep(data, [index]), kind.as_pointer())


def _load_eight(builder: Any, data: Any, index: Any) -> Any:
    loaded = builder.load(_eight(builder, data, index))
    loaded.align = data.type.pointee.width // 8
    return loaded


def _type_events(typing: Any, a: Any, first: Any) -> Any:
    """Give a byte whose bits tell which of a[first] … a[first + 7] are not zero."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        loaded = _load_eight(builder, _data(context, builder, signature.args[0], arguments[0]), arguments[1])
        bits = builder.icmp_signed("!=", loaded, ir.Constant(loaded.type, [0] * LANES))
        return builder.zext(builder.bitcast(bits, ir.IntType(LANES)), I64)

    return numba.types.uint64(a, first), generate


def _type_lowest(typing: Any, mask: Any) -> Any:
    """Give the index of the lowest bit of a mask that is not zero."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], YES)

    return numba.types.uint64(mask), generate


_events_of_eight: Any = intrinsic(_type_events)
lowest: Any = intrinsic(_type_lowest)


@inlined
def events(a: Any, offset: int) -> Any:
    """Give the mask of the entries from `offset` on, at most 64, that are not zero."""
    n = min(len(a) - offset, 64)
    mask = np.uint64(0)
    k = 0
    while k + 8 <= n:
        mask |= _events_of_eight(a, offset + k) << np.uint64(k)
        k += 8
    while k < n:
        mask |= np.uint64(a[offset + k] != 0) << np.uint64(k)
        k += 1
    return mask


def _adder(n_vectors: int) -> Any:
    """Make the function that adds up the weights of `n_vectors` times eight sums."""

    def type_add(typing: Any, weight: Any, a: Any, mask: Any, offset: Any, total: Any, first: Any) -> Any:
        return numba.types.void(weight, a, mask, offset, total, first), _generate_adder(n_vectors)

    return intrinsic(type_add)


def _generate_adder(n_vectors: int) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        weight, a, total = (_data(context, builder, signature.args[i], arguments[i]) for i in (0, 1, 4))
        width = builder.extract_value(context.make_array(signature.args[0])(context, builder, arguments[0]).shape, 1)
        mask, offset, first = arguments[2], arguments[3], arguments[5]
        places = [builder.add(first, I64(LANES * k)) for k in range(n_vectors)]
        sums = [_load_eight(builder, total, place) for place in places]
        before = builder.basic_block
        head, body, after = (builder.append_basic_block(f"add_{name}") for name in ("head", "body", "after"))
        builder.branch(head)

        builder.position_at_end(head)
        left, held = builder.phi(I64), [builder.phi(each.type) for each in sums]
        for phi, value in zip([left, *held], [mask, *sums], strict=True):
            phi.add_incoming(value, before)
        builder.cbranch(builder.icmp_unsigned("!=", left, I64(0)), body, after)

        builder.position_at_end(body)
        i = builder.add(builder.cttz(left, YES), offset)
        event = _splat(builder, builder.load(builder.gep(a, [i])), held[0].type)
        row = builder.mul(i, width)
        added = [
            builder.add(
                phi, builder.mul(builder.sext(_load_eight(builder, weight, builder.add(row, place)), phi.type), event)
            )
            for phi, place in zip(held, places, strict=True)
        ]
        remaining = builder.and_(left, builder.sub(left, I64(1)))
        for phi, value in zip([left, *held], [remaining, *added], strict=True):
            phi.add_incoming(value, body)
        builder.branch(head)

        builder.position_at_end(after)
        for phi, place in zip(held, places, strict=True):
            builder.store(phi, _eight(builder, total, place)).align = total.type.pointee.width // 8
        return context.get_dummy_value()

    return generate


def _splat(builder: Any, value: Any, kind: Any) -> Any:
    """Widen an integer and repeat it in all lanes of a vector."""
    wide = value if value.type == kind.element else builder.sext(value, kind.element)
    one = builder.insert_element(ir.Constant(kind, ir.Undefined), wide, I32(0))
    return builder.shuffle_vector(
        one, ir.Constant(kind, ir.Undefined), ir.Constant(ir.VectorType(I32, LANES), [0] * LANES)
    )


add_32, add_16 = _adder(4), _adder(2)
