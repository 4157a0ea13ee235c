"""Proof that floating point numbers hold every integer of a plan: in float64 all whose magnitude is at most 2**53.

Scales are powers of two, which change no digit: a sum W a / 2**d with half a unit added is exact where |W a| + 2**(d - 1) is.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ....base.checks import raise_violations
from ....base.errors import HardwareRuleError, Violation
from ....network.integers import IntFormat
from ..integer_plan import ConnectionPlan, IntegerPlan, ProductPlan, SumPlan
from .payload_lines import PayloadLines

FLOAT64_DIGITS = 53
"""Binary digits of the magnitude of an integer that float64 holds exactly, with all below it."""
FLOAT32_DIGITS = 24
"""The same of float32."""


def check_exact(plan: IntegerPlan, lines: tuple[PayloadLines, ...]) -> None:
    """Check that float64 holds every integer of a plan.

    Args:
        plan: The plan.
        lines: Payload tables of the plan as lines.

    Raises:
        HardwareRuleError: If it does not; every node at fault is listed with its bits.
    """
    raise_violations(_violations(plan, lines), HardwareRuleError)


def _violations(plan: IntegerPlan, lines: tuple[PayloadLines, ...]) -> Iterator[Violation]:
    for node in (*plan.nodes, plan.output):
        if isinstance(node, ProductPlan):
            found = {"products": node.product_bits}
        else:
            found = {"sums": max(node.affine.sum_bits, *(_count_bits(each) for each in node.affine.connections))}
        if node in plan.populations:
            found["payloads before rounding"] = lines[node.table].value_bits
        for kind, bits in found.items():
            if bits - 1 > FLOAT64_DIGITS:
                rule = (
                    f"need at most {FLOAT64_DIGITS + 1} bits in its {kind}, sign included, which float64 holds exactly"
                )
                repair = "Quantize with shorter weights, payloads or states, or export to C99 or Verilog."
                yield Violation(
                    f"ONNX graph of network {plan.name!r}: node {node.name!r}", rule, f"{bits} bits", repair
                )


def product_bound(connection: ConnectionPlan) -> list[int]:
    """Compute the largest |W a| of each neuron for any word, shape (n_out,), in integers without limit."""
    highest = IntFormat(bits=connection.word.bits).highest
    return [total * highest for total in np.abs(connection.weight).sum(axis=1).tolist()]


def _count_bits(connection: ConnectionPlan) -> int:
    """Count the bits of a connection's products with the half that rounds them."""
    halves: list[int] = connection.half.tolist()
    return max(map(sum, zip(product_bound(connection), halves, strict=True))).bit_length() + 1


def sum_bound(affine: SumPlan) -> int:
    """Compute the largest |z| before saturation for any words, in units of the state."""
    highest: list[int] = [abs(bias) for bias in affine.bias.tolist()]
    for each in affine.connections:
        sides = (product_bound(each), each.up.tolist(), each.half.tolist(), each.down.tolist())
        for j, (bound, up, half, down) in enumerate(zip(*sides, strict=True)):
            highest[j] += ((bound << up) + half) >> down
    return max(highest)
