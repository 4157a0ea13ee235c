"""How much memory a core needs at least, and which network is too large for every ECP5."""

from __future__ import annotations

from collections.abc import Iterator

from ....base.errors import SpecError
from ..integer_plan import IntegerPlan, ProductPlan

MAX_BITS = 208 * 18 * 1024
"""Bits of all block RAMs of an LFE5U-85, the largest device of the family."""


def count_memory_bits(plan: IntegerPlan) -> dict[str, int]:
    """Count the bits of the weights of every connection and of the payload table of every population, by what they are."""
    return dict(_memories(plan))


def _memories(plan: IntegerPlan) -> Iterator[tuple[str, int]]:
    for node in (*plan.nodes, plan.output):
        if isinstance(node, ProductPlan):
            continue
        for each in node.affine.connections:
            yield (
                f"weights from {each.source!r} to {node.name!r}, delay {each.delay}",
                each.weight.size * each.weight_bits,
            )
    for node in plan.populations:
        cells = plan.tables[node.table].cells
        bits = sum(int(abs(cells[:, k]).max()).bit_length() for k in range(2))
        yield f"payload table of {node.name!r}", len(cells) * bits


def check_memories(plan: IntegerPlan) -> None:
    """Check that weights and tables fit into the largest device.

    Raises:
        SpecError: If they don't; the largest memory is named.
    """
    memories = count_memory_bits(plan)
    total = sum(memories.values())
    if total > MAX_BITS:
        largest = max(memories, key=lambda name: memories[name])
        raise SpecError(
            f"The core of network {plan.name!r}",
            f"need at most {MAX_BITS} bits of memory, what an LFE5U-85 has",
            f"{total} bits, of which {memories[largest]} are the {largest}",
            "Use narrower nodes, shorter weights, or sines in turns.",
        )
