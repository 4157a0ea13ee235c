"""How many multipliers each connection has: the busiest one as many as asked for, the others as few as keep its pace."""

from __future__ import annotations

from ...integer_plan import IntegerPlan, ProductPlan

DEFAULT_LANES = 4
"""Multipliers of the busiest connection."""


def choose_lanes(plan: IntegerPlan, lanes: int = DEFAULT_LANES) -> dict[tuple[str, int], int]:
    """Choose the multipliers of every connection, by the name of its node and its number there.

    A step of a connection lasts n_events * ceil(n_out / lanes) cycles. Taking every value for an event, the longest connection
    gets `lanes`, and every other one the fewest with which it is not longer.
    """
    shapes = {
        (node.name, k): each.weight.shape
        for node in (*plan.nodes, plan.output)
        if not isinstance(node, ProductPlan)
        for k, each in enumerate(node.affine.connections)
    }
    cycles = max(n_source * -(-n_out // lanes) for n_out, n_source in shapes.values())
    return {
        key: min(-(-n_out // max(cycles // n_source, 1)), lanes, n_out) for key, (n_out, n_source) in shapes.items()
    }
