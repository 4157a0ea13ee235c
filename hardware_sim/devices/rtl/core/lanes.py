"""How many multipliers each connection has: the busiest one as many as asked for, the others as few as keep its pace."""

from __future__ import annotations

from ...integer_plan import ConnectionPlan, IntegerPlan, ProductPlan

DEFAULT_LANES = 8
"""Multipliers of the busiest connection: 22 of the 28 of an LFE5U-25 for three layers of 50 neurons."""
EXPECTED_ACTIVITY = 0.25
"""Share of a source's values that are expected to be events, where a connection isn't dense; 0.13 in poisson, 0.29 in
burgers-shock."""


def choose_lanes(plan: IntegerPlan, lanes: int = DEFAULT_LANES) -> dict[tuple[str, int], int]:
    """Choose the multipliers of every connection, by the name of its node and its number there.

        cycles = n_events * ceil(n_out / lanes)          of a connection and step
        pace   = max(cycles of the busiest connection with all lanes, neurons of the widest node, one a cycle)

    Every connection gets the fewest lanes with which it keeps the pace.
    """
    connections = {
        (node.name, k): each
        for node in (*plan.nodes, plan.output)
        if not isinstance(node, ProductPlan)
        for k, each in enumerate(node.affine.connections)
    }
    widest = max(node.n_out for node in (*plan.nodes, plan.output))
    pace = max(widest, *(_count_events(each) * -(-len(each.weight) // lanes) for each in connections.values()))
    return {key: _choose(each, lanes, pace) for key, each in connections.items()}


def _count_events(connection: ConnectionPlan) -> float:
    return connection.weight.shape[1] * (1.0 if connection.is_dense else EXPECTED_ACTIVITY)


def _choose(connection: ConnectionPlan, lanes: int, pace: float) -> int:
    n_out = len(connection.weight)
    n_groups = max(int(pace / _count_events(connection)), 1)
    return min(-(-n_out // n_groups), lanes, n_out)
