"""Runs of an engine block by block: encode, advance under observation, read out, decode, and one trace of it all.

An engine is a function that advances a block of samples over all steps and shows every value of every node to an observer. The
reference engines walk the network; devices compute it elsewhere and show what came back.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from ..base.arrays import FloatArray, IntArray
from ..network.given_points import checked_samples
from ..network.nodes import OutputSpec
from ..network.quantized import Network
from ..network.quantized_nodes import QuantizedOutput
from ..network.spec import Readout
from .probe import run_probed
from .state import RunState
from .trace import NO_PROBE, Backend, NodeCounts, NodeTrace, NumberArray, Probe, ProbeTrace, RunTrace, joined_traces
from .walk import NodeStep, Observer, WalkState

BLOCK = 4096
"""Number of samples per block, which bounds the memory of a run."""

Advance = Callable[[NumberArray, int, Observer, WalkState], WalkState]
"""Function that advances a block from its inputs, (n_samples, n_in) or (n_samples, n_steps, n_in), over a number of steps.

It shows every node of every step to the observer, begins with the given state, and returns the state after the last step."""


@dataclass(slots=True)
class Recorder:
    """Observer that collects counts, outputs and traces of a block of samples."""

    n_steps: int
    probe: Probe
    counts: dict[str, IntArray] = field(default_factory=dict)
    """Spikes, events and products of two events of each node, shape (3, n_steps, n_out)."""
    products: set[str] = field(default_factory=set)
    """Names of the nodes that multiply."""
    saturated: dict[str, IntArray] = field(default_factory=dict)
    """Saturated entries of z, m and a of each node, shape (3,)."""
    kept: dict[str, list[tuple[NumberArray, ...]]] = field(default_factory=dict)
    """Membrane, spikes and payloads of the recorded nodes, one entry a step."""
    emitted: list[NumberArray] = field(default_factory=list)
    """Outputs of every step, shape (n_samples, n_out) each."""

    def see(self, t: int, node: Any, step: NodeStep) -> None:
        """Add one step of one node."""
        saturated = self.saturated.setdefault(node.name, np.zeros(3, dtype=np.int64))
        saturated += step.saturated
        if isinstance(node, (OutputSpec, QuantizedOutput)):
            self.emitted.append(step.payload)
            return
        if node.name not in self.counts:  # made once: zeros at every step would cost the square of a long sequence
            self.counts[node.name] = np.zeros((3, self.n_steps, node.n_out), dtype=np.int64)
        counts = self.counts[node.name]
        counts[1, t] = (step.payload != 0).sum(axis=0)
        if step.fired is not None:
            counts[0, t] = step.fired.sum(axis=0)
        else:
            counts[2, t] = ((step.received[0] != 0) & (step.received[1] != 0)).sum(axis=0)
            self.products.add(node.name)
        if self.probe.records(node.name):
            silent = np.zeros_like(step.payload)
            fired = np.zeros(silent.shape, dtype=np.bool_) if step.fired is None else step.fired
            values = (silent if step.carried is None else step.carried, fired, step.payload)
            self.kept.setdefault(node.name, []).append(tuple(array[: self.probe.n_samples] for array in values))

    def node_counts(self) -> tuple[NodeCounts, ...]:
        """Return the counts of every node."""
        return tuple(
            NodeCounts(
                name=name,
                fired=counts[0],
                events=counts[1],
                multiplied=counts[2] if name in self.products else None,
                saturated_drive=int(self.saturated[name][0]),
                saturated_membrane=int(self.saturated[name][1]),
                saturated_payload=int(self.saturated[name][2]),
            )
            for name, counts in self.counts.items()
        )

    def probe_trace(self, n_samples: int) -> ProbeTrace | None:
        """Return the full traces of the first samples, if they are recorded."""
        n = self.probe.count(n_samples)
        if not n:
            return None
        traces = []
        for name, steps in self.kept.items():
            membrane, fired, payload = (np.stack([step[k] for step in steps], axis=1) for k in range(3))
            traces.append(NodeTrace(name=name, membrane=membrane, fired=fired, payload=payload))
        return ProbeTrace(samples=np.arange(n), nodes=tuple(traces), output=np.stack(self.emitted, axis=1)[:n])


def count_input_events(x: NumberArray, n_steps: int) -> IntArray:
    """Count the words that are not zero of inputs (n_samples, n_in), or (n_samples, n_steps, n_in), shape (n_steps, n_in)."""
    events: IntArray = (x != 0).sum(axis=0)
    return np.tile(events, (n_steps, 1)) if x.ndim == 2 else events


def read_out(emitted: list[NumberArray], readout: Readout) -> NumberArray:
    """Return the sum of the outputs over the steps, the last one, or all; the division by T follows with the scale."""
    if readout is Readout.EVERY:
        return np.stack(emitted, axis=1)
    total: NumberArray = emitted[-1] if readout is Readout.LAST else np.sum(np.stack(emitted), axis=0)
    return total


def run_observed(
    network: Network,
    points: FloatArray,
    probe: Probe,
    backend: Backend,
    encode: Callable[[FloatArray], tuple[NumberArray, int]],
    advance: Advance,
    decode: Callable[[FloatArray, NumberArray], FloatArray],
    state: RunState | None = None,
    block: int | None = None,
) -> RunTrace:
    """Run a network block by block; the first block is long enough to hold all probed samples.

    Args:
        network: Float or quantized.
        points: Physical coordinates, unchecked.
        probe: What to record in full.
        backend: Name of the run.
        encode: Function from points to the network's own numbers, and how many of them saturated.
        advance: Engine that computes a block.
        decode: Function from points and read-out to physical outputs.
        state: Where an earlier part of the sequences has ended; None begins anew and keeps none.
        block: Number of samples per block; None for `BLOCK`.
    """
    points = checked_samples(points, network, f"run_{backend.value}: points of network {network.name!r}")
    n_steps = network.n_steps or points.shape[1]
    if state is not None:
        state.check(network, len(points), f"run_{backend.value}.state", is_reordered=probe.is_chosen)
    if probe.is_chosen:
        again = partial(
            run_observed, network, backend=backend, encode=encode, advance=advance, decode=decode, block=block
        )
        return run_probed(lambda points, probe: again(points, probe), points, probe, n_steps)
    start, digest = time.perf_counter(), network.digest()
    probe.check_names([node.name for node in network.nodes])

    def run(rows: slice, wanted: Probe) -> RunTrace:
        """Run one block of points."""
        given, recorder = points[rows], Recorder(n_steps, wanted)
        x, n_input = encode(given)
        before = WalkState() if state is None else state.walked(rows)
        after = advance(x, n_steps, recorder.see, before)
        total = read_out(recorder.emitted, network.readout)
        return RunTrace(
            network_digest=digest,
            backend=backend,
            n_steps=n_steps,
            outputs=decode(given, total),
            readout=total,
            input_events=count_input_events(x, n_steps),
            saturated_input=n_input,
            saturated_output=int(recorder.saturated[network.output.name].sum()),
            nodes=recorder.node_counts(),
            probe=recorder.probe_trace(len(x)),
            state=None if state is None else RunState.of(network, len(x), after),
        )

    return run_blocks(run, len(points), probe, start, block)


def run_blocks(
    run: Callable[[slice, Probe], RunTrace], n_samples: int, probe: Probe, start: float, block: int | None = None
) -> RunTrace:
    """Run block by block; the first block is long enough to hold all probed samples.

    Args:
        run: Runs one block of points, by its rows, and records its first samples.
        n_samples: Number of samples.
        probe: Nodes to record of the first samples; chosen samples or steps are the task of `run_probed`.
        start: Time at which the run began, in seconds of `time.perf_counter`.
        block: Number of samples per block; None for `BLOCK`.
    """
    block = block or BLOCK
    first = max(block, probe.count(n_samples))
    traces = [run(slice(0, min(first, n_samples)), probe)]
    traces += [run(slice(i, min(i + block, n_samples)), NO_PROBE) for i in range(first, n_samples, block)]
    return replace(joined_traces(traces), seconds=time.perf_counter() - start)
