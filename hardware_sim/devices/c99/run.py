"""Runs of a network in C99 on this machine: the header is compiled with a driver, and what it computes becomes a trace.

The host does what it does for every backend: it encodes points and decodes sums. All between is the header's.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from ....base.arrays import FloatArray, IntArray
from ....base.errors import SimulationError, SpecError
from ....engine.host import decode_integers, encode_points
from ....engine.probe import run_probed
from ....engine.recording import count_input_events, run_blocks
from ....engine.state import CarriedValues, RunState
from ....engine.trace import NO_PROBE, Backend, NodeCounts, NodeTrace, Probe, ProbeTrace, RunTrace
from ....network.given_networks import checked_network
from ....network.given_points import checked_samples
from ....network.quantized import QuantizedNetwork
from ....network.spec import Readout
from ..integer_plan import IntegerPlan, ProductPlan, continued_plan, plan_integers
from .build import FLAGS, build_program, find_compiler
from .code.names import name_parts
from .driver import SIZES, DriverResult, n_state, write_driver
from .header import write_header

DriverCall = Callable[[IntArray, int, int, IntArray | None], DriverResult]
"""A driver: words, number of steps, number of samples to record, states to continue; as `call_driver` takes them."""
PREFIX = "neuropinn-c99-"
"""Beginning of the names of temporary folders."""
MAX_PROGRAMS = 8
"""Programs that are kept for the next run of the same network."""


class Program:
    """A compiled driver in a folder of its own, which is removed with the object or at the end of the interpreter."""

    def __init__(self, plan: IntegerPlan, compiler: tuple[str, ...], flags: tuple[str, ...]) -> None:
        """Write the header and the driver of a plan, and compile them."""
        names = name_parts(plan)
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        self.plan, self.path = plan, folder / "driver"
        self.remove = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        (folder / names.header).write_text(write_header(plan), encoding="utf-8")
        (folder / "driver.c").write_text(write_driver(plan, names), encoding="utf-8")
        build_program(folder / "driver.c", self.path, compiler, flags)


_programs: OrderedDict[tuple[object, ...], Program] = OrderedDict()


def run_c99(
    network: QuantizedNetwork, points: FloatArray, probe: Probe = NO_PROBE, state: RunState | None = None
) -> RunTrace:
    """Run a quantized network on points in C99, compiled by this machine's compiler.

    Args:
        network: The quantized network.
        points: Physical coordinates, shape (n_samples, n_in), finite; (n_samples, n_steps, n_in) where an input is a sequence.
        probe: What to record in full.
        state: Where an earlier part of the sequences has ended (`RunState.begin` before the first part), as for `run_integer`.

    Raises:
        SpecError: If the points or the state do not fit the network, or if it is a float network.
        MissingPackageError: If there is no C compiler.
        SimulationError: If the compiler or the program fails.
    """

    def prepare(held: QuantizedNetwork, is_continued: bool) -> tuple[IntegerPlan, DriverCall]:
        program = build_driver(held, is_continued=is_continued)
        return program.plan, partial(call_driver, program)

    return run_driver(network, points, probe, state, "run_c99", prepare)


def run_driver(
    network: QuantizedNetwork,
    points: FloatArray,
    probe: Probe,
    state: RunState | None,
    where: str,
    prepare: Callable[[QuantizedNetwork, bool], tuple[IntegerPlan, DriverCall]],
) -> RunTrace:
    """Run a quantized network on points through a driver of its C99, on this machine or elsewhere.

    Args:
        network: The quantized network.
        points: Physical coordinates, shape (n_samples, n_in), finite; (n_samples, n_steps, n_in) where an input is a sequence.
        probe: What to record in full.
        state: Where an earlier part of the sequences has ended; None begins anew.
        where: Name of the engine, for errors.
        prepare: Returns the plan that was compiled, and the driver, of a network and whether a state is continued; called when
            everything else has been checked.

    Raises:
        SpecError: If the points or the state do not fit the network, or if it is a float network.
    """
    held = checked_network(network, f"{where}.network")
    if not isinstance(held, QuantizedNetwork):
        repair = "Quantize it first: `neuropinn-lava convert`, or `neuropinn_lava.convert`."
        raise SpecError(f"{where}.network", "be a quantized network", type(held).__name__, repair)
    points = checked_samples(points, held, f"{where}: points of network {held.name!r}")
    n_steps = held.n_steps or points.shape[1]
    if state is not None:
        state.check(held, len(points), f"{where}.state", is_reordered=probe.is_chosen)
    if probe.is_chosen:
        return run_probed(
            lambda some, first: run_driver(held, some, first, None, where, prepare), points, probe, n_steps
        )
    start = time.perf_counter()
    probe.check_names([node.name for node in held.nodes])
    plan, call = prepare(held, state is not None)

    def run(rows: slice, wanted: Probe) -> RunTrace:
        """Run one block of points."""
        return _run_block(held, plan, call, points[rows], n_steps, wanted, state, rows)

    return run_blocks(run, len(points), probe, start)


def build_driver(network: QuantizedNetwork, flags: tuple[str, ...] = FLAGS, *, is_continued: bool = False) -> Program:
    """Compile the driver of a network, or return the one that an earlier call compiled in the same way.

    Args:
        network: The quantized network.
        flags: Options of the compiler.
        is_continued: Whether its runs continue the state of others.

    Raises:
        MissingPackageError: If there is no C compiler.
        SimulationError: If it fails.
    """
    compiler = find_compiler()
    key = (network.digest(), network.name, compiler, flags, is_continued)
    if key not in _programs:
        plan = continued_plan(plan_integers(network)) if is_continued else plan_integers(network)
        _programs[key] = Program(plan, compiler, flags)
    _programs.move_to_end(key)
    while len(_programs) > MAX_PROGRAMS:
        _programs.popitem(last=False)[1].remove()
    return _programs[key]


def call_driver(
    program: Program, x: IntArray, n_steps: int, n_probed: int, states: IntArray | None = None
) -> DriverResult:
    """Run words through a compiled driver.

    Args:
        program: The driver.
        x: Input words, shape (n_samples, n_in), or (n_samples, n_steps, n_in).
        n_steps: Number of steps.
        n_probed: Number of samples to record, from the first on.
        states: States to continue, in the driver's order, shape (n_samples, n_state); None begins anew.
    """
    n_rows = x.shape[1] if x.ndim == 3 else 1
    sizes = np.array([len(x), n_steps, n_rows, n_probed, states is not None], dtype=np.int64)
    assert len(sizes) == SIZES
    with tempfile.TemporaryDirectory(prefix=PREFIX) as name:
        words, results = Path(name) / "words", Path(name) / "results"
        held = b"" if states is None else states.astype(np.int32).tobytes()
        words.write_bytes(sizes.tobytes() + x.astype(np.int32).tobytes() + held)
        done = subprocess.run([program.path, words, results], capture_output=True, text=True, check=False)
        if done.returncode:
            repair = "Report it with the network's file."
            got = f"exit code {done.returncode}: {done.stderr.strip()}"
            raise SimulationError("the compiled network", "finish its run", got, repair)
        return _read_results(program.plan, results.read_bytes(), len(x), n_steps, n_probed, states is not None)


def _read_results(
    plan: IntegerPlan, results: bytes, n_samples: int, n_steps: int, n_probed: int, continues: bool
) -> DriverResult:
    """Take the driver's output apart."""
    n_values = sum(node.n_out for node in (*plan.nodes, plan.output))
    n_nodes, n_out = len(plan.nodes) + 1, plan.output.n_out
    is_every = plan.output.readout is Readout.EVERY
    at = 0

    def take(dtype: type[np.int64] | type[np.int32], *shape: int) -> IntArray:
        nonlocal at
        n = int(np.prod(shape))
        values = np.frombuffer(results, dtype, n, at).reshape(shape)
        at += values.nbytes
        return values.astype(np.int64)

    return DriverResult(
        sums=take(np.int64, *((n_samples, n_steps, n_out) if is_every else (n_samples, n_out))),
        fired=take(np.int64, n_steps, n_values),
        events=take(np.int64, n_steps, n_values),
        saturated=take(np.int64, n_nodes, 3),
        traces=take(np.int32, n_probed, n_steps, n_values, 3),
        states=take(np.int32, n_samples if continues else 0, n_values + n_state(plan)),
    )


def _run_block(
    network: QuantizedNetwork,
    plan: IntegerPlan,
    call: DriverCall,
    points: FloatArray,
    n_steps: int,
    probe: Probe,
    state: RunState | None,
    rows: slice,
) -> RunTrace:
    """Run one block of points, and put what the driver found into the records of a trace."""
    x, n_saturated = encode_points(network, points)
    states = None if state is None else _packed(plan, state, rows)
    found = call(x, n_steps, probe.count(len(x)), states)
    return RunTrace(
        network_digest=plan.digest,
        backend=Backend.C99,
        n_steps=n_steps,
        outputs=decode_integers(network, points, found.sums),
        readout=found.sums,
        input_events=count_input_events(x, n_steps),
        saturated_input=n_saturated,
        saturated_output=int(found.saturated[-1].sum()),
        nodes=_node_counts(plan, found),
        probe=_probe_trace(plan, probe, found),
        state=None if state is None else _unpacked(plan, state, found.states, n_steps),
    )


def _columns(plan: IntegerPlan) -> dict[str, slice]:
    """Return the place of each node's values among those of all nodes, by name."""
    columns, first = {}, 0
    for node in (*plan.nodes, plan.output):
        columns[node.name] = slice(first, first + node.n_out)
        first += node.n_out
    return columns


def _node_counts(plan: IntegerPlan, found: DriverResult) -> tuple[NodeCounts, ...]:
    columns, counts = _columns(plan), []
    for k, node in enumerate(plan.nodes):
        fired = found.fired[:, columns[node.name]]
        is_product = isinstance(node, ProductPlan)
        drive, membrane, payload = found.saturated[k].tolist()
        counts.append(
            NodeCounts(
                name=node.name,
                fired=np.zeros_like(fired) if is_product else fired,
                events=found.events[:, columns[node.name]],
                multiplied=fired if is_product else None,
                saturated_drive=drive,
                saturated_membrane=membrane,
                saturated_payload=payload,
            )
        )
    return tuple(counts)


def _probe_trace(plan: IntegerPlan, probe: Probe, found: DriverResult) -> ProbeTrace | None:
    n, columns = len(found.traces), _columns(plan)
    if not n:
        return None
    nodes = []
    for node in plan.nodes:
        if probe.records(node.name):
            membrane, fired, payload = np.moveaxis(found.traces[:, :, columns[node.name]], -1, 0)
            spikes = np.zeros_like(fired) if isinstance(node, ProductPlan) else fired
            nodes.append(NodeTrace(name=node.name, membrane=membrane, fired=spikes != 0, payload=payload))
    output = found.traces[:, :, columns[plan.output.name], 2]
    return ProbeTrace(samples=np.arange(n), nodes=tuple(nodes), output=output)


def _packed(plan: IntegerPlan, state: RunState, rows: slice) -> IntArray:
    """Return a run's state in the driver's order, (n_samples, n_state); what was sent before the first step is zero."""
    membranes = {each.name: each.values[rows] for each in state.membranes}
    lines = {each.name: each.values[rows] for each in state.lines}
    n = len(membranes[plan.populations[0].name])
    parts = [membranes[node.name] for node in plan.populations if node.has_membrane]
    for source, longest in plan.lines.items():
        early = np.zeros((n, longest - lines[source].shape[1], plan.widths[source]), np.int64)
        parts.append(np.concatenate([early, lines[source]], axis=1).reshape(n, -1))
    return np.concatenate([np.zeros((n, 0), np.int64), *parts], axis=1)


def _unpacked(plan: IntegerPlan, before: RunState, states: IntArray, n_steps: int) -> RunState:
    """Return the state of a run after some more steps, from the driver's order."""
    columns, n, step = _columns(plan), len(states), before.step + n_steps
    at = sum(node.n_out for node in (*plan.nodes, plan.output))
    at += sum(node.n_out for node in plan.populations if node.has_membrane)
    lines = {}
    for source, longest in plan.lines.items():
        width = plan.widths[source]
        ring = states[:, at : at + longest * width].reshape(n, longest, width)
        lines[source] = ring[:, longest - min(step, longest) :]
        at += longest * width
    return replace(
        before,
        n_samples=n,
        step=step,
        membranes=tuple(
            CarriedValues(name=node.name, values=states[:, columns[node.name]]) for node in plan.populations
        ),
        lines=tuple(CarriedValues(name=name, values=lines[name]) for name in sorted(lines)),
    )
