"""Run the core of a network on points, in simulation: the same full record as of the integer engine.

Every cycle of the hardware is simulated, so that cycles can be counted. A few points run in Amaranth's simulator, at some
hundreds to thousands of cycles a second; where Verilator is installed, more run in it, after about a minute of compilation.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ....base.arrays import FloatArray, IntArray, Record
from ....base.checks import check_range, check_whole, raise_violations
from ....base.errors import SpecError
from ....base.extras import import_extra
from ....engine.host import decode_integers, encode_points
from ....engine.probe import run_probed
from ....engine.recording import count_input_events
from ....engine.state import RunState
from ....engine.trace import NO_PROBE, Backend, NodeCounts, NodeTrace, Probe, ProbeTrace, RunTrace, joined_traces
from ....network.given_points import checked_samples
from ....network.quantized import QuantizedNetwork
from ....network.spec import Readout
from ..integer_plan import IntegerPlan, PopulationPlan, ProductPlan, plan_integers
from .memories import check_memories
from .recording import FLAGS, MEMBRANE, PAYLOAD, Job, Recording, make_job
from .verilog import EXTRA

if TYPE_CHECKING:
    from .core.network import Core

MAX_LANES = 1024
"""Far more multipliers than any of the devices has."""
AMARANTH_WORK = 20_000
"""Neuron steps that Amaranth's simulator runs in about half a minute; more go to Verilator."""
BLOCK_WORK = 4_000_000
"""Neuron steps whose records are kept at a time."""
MAX_SIMULATED = 1_000_000
"""Neuron steps of a run without Verilator, about half an hour."""

Simulate = Callable[[Job], Recording]


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleCount(Record):
    """Clock cycles of a simulated run of many points, one behind the other."""

    n_samples: int
    """Number of points."""
    n_events: int
    """Number of events of all inputs and nodes, over all points and steps."""
    cycles: int
    """Cycles from the first word taken to the last word sent."""
    latency: int
    """Cycles of the first point, from the first word taken to the first word sent."""

    @property
    def per_point(self) -> float:
        """Cycles between two points that follow each other."""
        if self.n_samples == 1:
            return float(self.cycles)
        return (self.cycles - self.latency) / (self.n_samples - 1)

    @property
    def per_event(self) -> float:
        """Cycles between two points, by the events of a point."""
        return self.per_point * self.n_samples / max(self.n_events, 1)


def build_core(network: QuantizedNetwork | IntegerPlan, lanes: int | None = None) -> Core:
    """Build the core of a network.

    Args:
        network: The network, or its plan.
        lanes: Multipliers of the busiest connection, 1 to 1 024; None for the default.

    Raises:
        SpecError: If the network is too large for any ECP5, or the number is out of range.
        MissingPackageError: If Amaranth is not installed.
    """
    import_extra("amaranth", EXTRA)
    from .core.lanes import DEFAULT_LANES, choose_lanes
    from .core.network import Core

    where = "build_core.lanes"
    if lanes is not None:
        raise_violations([*check_whole(where, lanes)] or check_range(where, lanes, 1, MAX_LANES))
    plan = network if isinstance(network, IntegerPlan) else plan_integers(network)
    check_memories(plan)
    return Core(plan, choose_lanes(plan, DEFAULT_LANES if lanes is None else lanes))


def run_rtl(
    network: QuantizedNetwork, points: FloatArray, probe: Probe = NO_PROBE, state: RunState | None = None
) -> RunTrace:
    """Run a quantized network on points, in a simulation of its hardware.

    Args:
        network: The quantized network.
        points: Physical coordinates, shape (n_samples, n_in), finite; (n_samples, n_steps, n_in) where an input is a sequence.
        probe: What to record in full.
        state: Must be None: membranes and delayed payloads stay inside of the core.

    Raises:
        SpecError: If the points do not fit the network, or a state is given, or there are too many of them for
            Amaranth's simulator and Verilator is not installed.
        SimulationError: If a tool fails.
    """
    points = checked_samples(points, network, f"run_rtl: points of network {network.name!r}")
    if state is not None:
        repair = "Run whole sequences, or use backend 'integer' or 'c99'."
        rule = "be left out: membranes and delayed payloads stay inside of the core"
        raise SpecError("run_rtl.state", rule, f"a state after {state.step} steps", repair)
    n_steps = network.n_steps or points.shape[1]
    probe.check_names([node.name for node in network.nodes])

    def run(points: FloatArray, probe: Probe) -> RunTrace:
        return simulate_points(network, points, probe)[0]

    if probe.is_chosen:
        return run_probed(run, points, probe, n_steps)
    return run(points, probe)


def simulate_points(
    network: QuantizedNetwork, points: FloatArray, probe: Probe = NO_PROBE, lanes: int | None = None
) -> tuple[RunTrace, CycleCount]:
    """Run checked points; return the trace and the cycles.

    Args:
        network: The quantized network.
        points: Checked physical coordinates.
        probe: What to record of the first samples.
        lanes: Multipliers of the busiest connection; None for the default.
    """
    start = time.perf_counter()
    plan = plan_integers(network)
    work = _step_work(plan) * (network.n_steps or points.shape[1]) * len(points)
    is_compiled = chooses_verilator(work)
    core = build_core(plan, lanes)
    with open_simulator(core, is_compiled=is_compiled) as simulate:
        trace, count = trace_points(network, core, points, probe, simulate)
    return replace(trace, seconds=time.perf_counter() - start), count


def trace_points(
    network: QuantizedNetwork, core: Core, points: FloatArray, probe: Probe, simulate: Simulate
) -> tuple[RunTrace, CycleCount]:
    """Run checked points block by block in an open simulator; return the trace, and the cycles of the first block.

    Args:
        network: The quantized network.
        core: Its core.
        points: Checked physical coordinates.
        probe: What to record of the first samples.
        simulate: Simulates the core.
    """
    n_steps = network.n_steps or points.shape[1]
    block = max(probe.count(len(points)), BLOCK_WORK // (_step_work(core.plan) * n_steps), 1)
    runs = [
        _run_block(network, core.plan, points[first : first + block], NO_PROBE if first else probe, simulate)
        for first in range(0, len(points), block)
    ]
    return joined_traces([trace for trace, _ in runs]), runs[0][1]


def _step_work(plan: IntegerPlan) -> int:
    return sum(node.n_out for node in (*plan.nodes, plan.output))


def chooses_verilator(work: int) -> bool:
    """Return whether so many neuron steps run in Verilator; few run in Amaranth's simulator.

    Raises:
        SpecError: If they are too many for Amaranth's simulator, and Verilator is not installed.
    """
    from .verilator import has_verilator

    if work > AMARANTH_WORK and has_verilator():
        return True
    if work > MAX_SIMULATED:
        rule = f"have at most {MAX_SIMULATED} neuron steps where Verilator is not installed"
        repair = "Install Verilator and a C++ compiler (Debian: `apt install verilator g++`), or run fewer points."
        raise SpecError("run_rtl.points", rule, work, repair)
    return False


@contextmanager
def open_simulator(core: Core, *, is_compiled: bool) -> Iterator[Simulate]:
    """Open a simulator of a core: Verilator, or Amaranth's own."""
    from .simulate import simulate_core
    from .verilator import CompiledCore

    if is_compiled:
        with CompiledCore(core) as compiled:
            yield compiled.run
    else:
        yield lambda job: simulate_core(core, job)


def _run_block(
    network: QuantizedNetwork, plan: IntegerPlan, points: FloatArray, probe: Probe, simulate: Simulate
) -> tuple[RunTrace, CycleCount]:
    x, n_saturated = encode_points(network, points)
    n_steps = network.n_steps or points.shape[1]
    recording = simulate(make_job(plan, x))
    n = len(points)
    shaped = [
        each.reshape(n, n_steps, node.n_out, 3)
        for each, node in zip(recording.nodes, (*plan.nodes, plan.output), strict=True)
    ]
    shape = (n, n_steps, plan.output.n_out) if plan.output.readout is Readout.EVERY else (n, plan.output.n_out)
    readout = recording.words.reshape(shape)
    trace = RunTrace(
        network_digest=plan.digest,
        backend=Backend.RTL,
        n_steps=n_steps,
        outputs=decode_integers(network, points, readout),
        readout=readout,
        input_events=count_input_events(x, n_steps),
        saturated_input=n_saturated,
        saturated_output=_count(shaped[-1], "saturated_drive"),
        nodes=tuple(_node_counts(node, each) for node, each in zip(plan.nodes, shaped, strict=False)),
        probe=_probe_trace(plan, shaped, probe, n),
    )
    return trace, _count_cycles(plan, trace, recording)


def _flags(values: IntArray, name: str) -> IntArray:
    from .core.drain import FLAGS as NAMES

    return values[..., FLAGS] >> NAMES.index(name) & 1


def _count(values: IntArray, name: str) -> int:
    return int(_flags(values, name).sum())


def _node_counts(node: PopulationPlan | ProductPlan, values: IntArray) -> NodeCounts:
    is_population = isinstance(node, PopulationPlan)
    return NodeCounts(
        name=node.name,
        fired=_flags(values, "fired").sum(axis=0),
        events=(values[..., PAYLOAD] != 0).sum(axis=0),
        multiplied=None if is_population else _flags(values, "multiplied").sum(axis=0),
        saturated_drive=_count(values, "saturated_drive"),
        saturated_membrane=_count(values, "saturated_membrane"),
        saturated_payload=_count(values, "saturated_payload"),
    )


def _probe_trace(plan: IntegerPlan, shaped: list[IntArray], probe: Probe, n_samples: int) -> ProbeTrace | None:
    n = probe.count(n_samples)
    if not n:
        return None
    nodes = tuple(
        NodeTrace(
            name=node.name,
            membrane=values[:n, ..., MEMBRANE],
            fired=_flags(values[:n], "fired") != 0,
            payload=values[:n, ..., PAYLOAD],
        )
        for node, values in zip(plan.nodes, shaped, strict=False)
        if probe.records(node.name)
    )
    return ProbeTrace(samples=np.arange(n), nodes=nodes, output=shaped[-1][:n, ..., PAYLOAD])


def _count_cycles(plan: IntegerPlan, trace: RunTrace, recording: Recording) -> CycleCount:
    return CycleCount(
        n_samples=trace.n_samples,
        n_events=int(trace.input_events.sum()) + sum(int(node.events.sum()) for node in trace.nodes),
        cycles=recording.cycles,
        latency=recording.first_output,
    )
