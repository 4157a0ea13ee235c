"""Runs of cores beside the integer engine, for the tests of this folder."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import builders
from neuropinn_lava.engine.reference import run_integer
from neuropinn_lava.engine.trace import Probe
from neuropinn_lava.hardware_sim.devices.integer_plan import IntegerPlan, plan_integers
from neuropinn_lava.hardware_sim.devices.rtl.run import build_core, trace_points
from neuropinn_lava.hardware_sim.devices.rtl.simulate import simulate_core
from neuropinn_lava.hardware_sim.parity.compare_traces import ParityResult, compare_traces
from neuropinn_lava.network.quantized import QuantizedNetwork


def compare_simulated(
    network: QuantizedNetwork, n: int = 3, lanes: int = 3, plan: IntegerPlan | None = None, pauses: float = 0.0
) -> ParityResult:
    """Compare a core in Amaranth's simulator with the integer engine, all probed; another plan is a mutant."""
    points, probe = builders.random_points(network, n), Probe(n_samples=n)
    core = build_core(plan_integers(network) if plan is None else plan, lanes)
    trace, _ = trace_points(network, core, points, probe, lambda job: simulate_core(core, job, pauses))
    return compare_traces(run_integer(network, points, probe), trace, network=network)


def with_weight(plan: IntegerPlan, node: int) -> IntegerPlan:
    """Change one weight of a population by one."""
    population = plan.populations[node]
    first = population.affine.connections[0]
    weight = first.weight.copy()
    weight[0, 0] += 1 if weight[0, 0] <= 0 else -1
    return _with_connection(plan, node, replace(first, weight=weight))


def with_shift(plan: IntegerPlan, node: int) -> IntegerPlan:
    """Let the first neuron whose product loses bits lose one more."""
    first = plan.populations[node].affine.connections[0]
    down, half = first.down.copy(), first.half.copy()
    j = int(np.flatnonzero(down)[0])
    down[j] += 1
    half[j] *= 2
    return _with_connection(plan, node, replace(first, down=down, half=half))


def with_comparison(plan: IntegerPlan, node: int) -> IntegerPlan:
    """Compare |m| where m is compared, or the other way."""
    changed = plan.populations[node]
    return _with_population(plan, node, replace(changed, is_two_sided=not changed.is_two_sided))


def _with_connection(plan: IntegerPlan, node: int, connection: object) -> IntegerPlan:
    changed = plan.populations[node]
    connections = (connection, *changed.affine.connections[1:])
    return _with_population(plan, node, replace(changed, affine=replace(changed.affine, connections=connections)))


def _with_population(plan: IntegerPlan, node: int, changed: object) -> IntegerPlan:
    at = plan.nodes.index(plan.populations[node])
    return replace(plan, nodes=(*plan.nodes[:at], changed, *plan.nodes[at + 1 :]))
