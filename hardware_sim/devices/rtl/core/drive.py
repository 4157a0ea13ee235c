"""The drive of a neuron: the products of its connections, shifted, rounded half up, added, with the bias, and clipped.

    z = clip(sum over c of ((p_c << up_c) + half_c >> down_c) + bias)

Half up is the floor and the highest bit that was shifted out: one adder for all shifts of a connection.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from amaranth.hdl import Array, Cat, Const, Module, signed

from ...integer_plan import ConnectionPlan, SumPlan
from .connection import Connection
from .drain import Drain
from .pipeline import Pipeline, Staged, clipped, floor_shifted

PRODUCT_STAGE = 2
"""Stage at which a connection's product is there."""


class Drive(NamedTuple):
    """A drive and whether it left the state word."""

    z: Staged
    saturated: Staged


def connect(m: Module, connections: Sequence[Connection], drain: Drain) -> Any:
    """Let a drain read the connections of its node; return whether the products of all of them are there."""
    for k, each in enumerate(connections):
        m.submodules[f"connection{k}"] = each
        m.d.comb += [each.take.eq(drain.valid), each.final.eq(drain.final)]
    return Cat(*(each.available for each in connections)).all() if connections else Const(1)


def build_drive(pipe: Pipeline, plan: SumPlan, connections: Sequence[Connection], index: Staged) -> Drive:
    """Build the drives of the neurons whose indices enter."""
    shape = signed(plan.sum_bits)
    aligned = [
        _align(pipe, f"aligned{k}", each, Staged(connection.product, PRODUCT_STAGE), index, plan.sum_bits)
        for k, (each, connection) in enumerate(zip(plan.connections, connections, strict=True))
    ]
    bias = pipe.look_up("bias", plan.bias.tolist(), index, aligned[0].stage)
    total = pipe.compute("total", lambda a, b: a + b, aligned[0], bias, shape=shape)
    for each in aligned[1:]:
        total = pipe.compute("total", lambda a, b: a + b, total, each, shape=shape)
    bits = plan.state.bits
    if not plan.clips_drive:
        return Drive(Staged(total.value[:bits].as_signed(), total.stage), Staged(Const(0), total.stage))
    z = pipe.compute("z", lambda value: clipped(value, bits)[0], total)
    return Drive(z, pipe.compute("z_saturated", lambda value: clipped(value, bits)[1], total))


def _align(pipe: Pipeline, name: str, plan: ConnectionPlan, product: Staged, index: Staged, bits: int) -> Staged:
    """Shift a product by its neuron's shift: choose the shifted number and the bit that rounds it, then add them."""
    lefts = (plan.up - plan.down).tolist()
    kinds = sorted(set(lefts))
    kind = pipe.look_up(f"{name}_kind", [kinds.index(left) for left in lefts], index, product.stage)

    def choose(take: Any, p: Any, kind: Any) -> Any:
        shifted = [take(p, left) for left in kinds]
        return shifted[0] if len(kinds) == 1 else Array(shifted)[kind]

    whole = pipe.compute(f"{name}_whole", lambda p, k: choose(_shifted, p, k), product, kind, shape=signed(bits))
    rest = pipe.compute(f"{name}_rest", lambda p, k: choose(_rounding, p, k), product, kind)
    return pipe.compute(name, lambda a, b: a + b, whole, rest, shape=signed(bits))


def _shifted(product: Any, left: int) -> Any:
    """Return floor(p * 2**left)."""
    return product << left if left >= 0 else floor_shifted(product, -left)


def _rounding(product: Any, left: int) -> Any:
    """Return the bit to add so that floor becomes half up: the highest of those shifted out."""
    return product[min(-left - 1, len(product) - 1)] if left < 0 else Const(0, 1)
