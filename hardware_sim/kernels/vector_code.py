"""Words of 16 lanes in LLVM's language, for the functions that `narrow_loops` is made of.

What numba's own code costs most is not the arithmetic but the tests, before every loop, of whether any two of its ten arrays
overlap, and the counting of references to slices. Here rows never overlap, and are addresses. Vectors have 16 lanes of 32 bits;
LLVM splits them where the processor's are shorter. The last lanes of a row that is no multiple of 16 long are loaded and stored
under a mask.

Source: LLVM Language Reference, vector operations and `llvm.masked.load`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm  # type: ignore[import-untyped]
import numba
from llvmlite import ir
from numba.core import cgutils

I1, I16, I32, I64 = (ir.IntType(bits) for bits in (1, 16, 32, 64))
LANES = 16
SUMS, WORDS, BITS = ir.VectorType(I32, LANES), ir.VectorType(I16, 2 * LANES), ir.VectorType(I1, LANES)
ZERO = ir.Constant(SUMS, [0] * LANES)
YES = ir.Constant(I1, 1)


def features() -> set[str]:
    """Name what the processor can do, or what numba was told that it can."""
    given = getattr(numba.config, "CPU_FEATURES", None)
    if given is not None:
        return {name[1:] for name in given.split(",") if name.startswith("+")}
    return {name for name, there in llvm.get_host_cpu_features().items() if there}


class Row:
    """32-bit numbers side by side in memory."""

    def __init__(self, builder: Any, address: Any, length: Any = None) -> None:
        self.builder = builder
        self.data = builder.inttoptr(address, I32.as_pointer())
        self.length = length

    def load(self, place: Any, mask: Any = None) -> Any:
        """Load 16 numbers from a place on; zeros where a mask says no."""
        address = self.builder.bitcast(self.builder.gep(self.data, [place]), SUMS.as_pointer())
        if mask is None:
            loaded = self.builder.load(address)
            loaded.align = 4
            return loaded
        kind = ir.FunctionType(SUMS, [address.type, I32, BITS, SUMS])
        function = declared(self.builder, kind, "llvm.masked.load.v16i32.p0")
        return self.builder.call(function, [address, I32(4), mask, ZERO])

    def store(self, values: Any, place: Any, mask: Any = None) -> None:
        """Store 16 numbers, or those that a mask allows."""
        address = self.builder.bitcast(self.builder.gep(self.data, [place]), SUMS.as_pointer())
        if mask is None:
            self.builder.store(values, address).align = 4
            return
        kind = ir.FunctionType(ir.VoidType(), [SUMS, address.type, I32, BITS])
        function = declared(self.builder, kind, "llvm.masked.store.v16i32.p0")
        self.builder.call(function, [values, address, I32(4), mask])


def fields(builder: Any, record: Any, n: int) -> list[Any]:
    """Take a named tuple of numbers apart."""
    return [builder.extract_value(record, index) for index in range(n)]


def declared(builder: Any, kind: Any, name: str) -> Any:
    """Give LLVM's function of that name."""
    found = builder.module.globals.get(name)
    return found if found is not None else ir.Function(builder.module, kind, name)


def repeated(builder: Any, number: Any) -> Any:
    """Repeat a 32-bit number in all lanes."""
    undefined = ir.Constant(SUMS, ir.Undefined)
    return builder.shuffle_vector(builder.insert_element(undefined, number, I32(0)), undefined, ZERO)


def clipped(builder: Any, values: Any, limit: Any) -> Any:
    """Clip to ±limit."""
    low = builder.sub(ZERO, limit)
    values = builder.select(builder.icmp_signed("<", values, low), low, values)
    return builder.select(builder.icmp_signed(">", values, limit), limit, values)


def magnitude(builder: Any, values: Any) -> Any:
    """Give |x|."""
    return builder.select(builder.icmp_signed("<", values, ZERO), builder.sub(ZERO, values), values)


def count(builder: Any, row: Row, bits: Any, place: Any, mask: Any) -> None:
    """Add one to 16 counters from a place on where a bit is set."""
    row.store(builder.add(row.load(place, mask), builder.zext(bits, SUMS)), place, mask)


def count_rare(builder: Any, row: Row, bits: Any, place: Any, mask: Any) -> None:
    """Do the same for what hardly ever happens."""
    if mask is not None:
        bits = builder.and_(bits, mask)
    with builder.if_then(builder.icmp_unsigned("!=", builder.bitcast(bits, I16), I16(0)), likely=False):
        count(builder, row, bits, place, mask)


def each_vector(builder: Any, length: Any, body: Callable[[Any, Any], None]) -> None:
    """Call `body(place, mask)` for every 16 entries of a row: without a mask, and with one for the last ones."""
    whole = builder.and_(length, I64(-LANES))
    with cgutils.for_range_slice(builder, I64(0), whole, I64(LANES)) as (place, _):
        body(place, None)
    with builder.if_then(builder.icmp_unsigned("<", whole, length)):
        body(whole, _first_lanes(builder, builder.sub(length, whole)))


def whole_or_masked(builder: Any, length: Any, place: Any, body: Callable[[Any], None]) -> None:
    """Call `body(mask)` for the 16 entries from a place on: without a mask if all are there, not at all if none is."""
    left = builder.sub(length, place)
    with builder.if_else(builder.icmp_signed(">=", left, I64(LANES))) as (whole, part):
        with whole:
            body(None)
        with part, builder.if_then(builder.icmp_signed(">", left, I64(0))):
            body(_first_lanes(builder, left))


def _first_lanes(builder: Any, n: Any) -> Any:
    """Make a mask of the first n lanes."""
    lanes = ir.Constant(SUMS, list(range(LANES)))
    return builder.icmp_signed("<", lanes, repeated(builder, builder.trunc(n, I32)))
