"""A whole network's work in one process: its nodes one after the other, on tiles of samples that stay in the cache.

A node outside of loops depends on others and on its own past only. So it can do all T steps of a tile before the next node
begins: its weights are then read once per tile, not once per step, and a drive that is the same at all steps is computed once.
The nodes of a loop go step by step. One sample at a time, all nodes go step by step, in the order in which the chip sends. This
is the body of process models, without Lava, as the runs of `layer_runs`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...network.nodes import PopulationSpec
from ...network.quantized import Network
from ...network.quantized_nodes import QuantizedPopulation
from ..kernels.layer_kernel import Kernel, NodeKernel
from ..kernels.layout import DRIVE, Array
from .holding import Holding
from .recording import NodeRecording, ReadoutRecording
from .schedule import BatchStep
from .shared_state import SharedState

TILE = 128
"""Most samples of a tile: inputs and payloads of a layer of 64 neurons over 8 steps are 256 KB each, which a core's
second-level cache holds, and calling the loops takes a tenth of what they do."""
TILE_VALUES = 1 << 19
"""Most values of a node's payloads in a tile, 2 MB: long sequences go in tiles of fewer samples."""


class NetworkRun:
    """All steps of many samples, or one step of one: inputs in, recordings out."""

    def __init__(
        self,
        network: Network,
        kernels: Sequence[NodeKernel],
        readout: Kernel,
        n_steps: int,
        recordings: Sequence[NodeRecording],
        emitted: ReadoutRecording,
        n_rows: int = TILE,
        state: SharedState | None = None,
        holding: Holding | None = None,
    ) -> None:
        """Build the work of a network.

        Args:
            network: Float or quantized.
            kernels: Arithmetic of each node.
            readout: Arithmetic of the read-out.
            n_steps: Number T of steps of a sample.
            recordings: Where counts and probed values of each node go.
            emitted: Where reduced and probed outputs go.
            n_rows: Most samples of a tile; 1 for one sample at a time.
            state: Where an earlier run of the same samples has ended, for tiles; None begins anew.
            holding: Held values of the samples, whose nodes are computed once for each; None computes them at every sample.
        """
        self.network = network
        self.n_steps = n_steps
        self.n_rows = max(1, min(n_rows, TILE_VALUES // (n_steps * max(network.widths))))
        self.emitted = emitted
        self._kernels = dict(zip((node.name for node in network.nodes), kernels, strict=True))
        self._recordings = {recording.name: recording for recording in recordings}
        self._readout = readout
        self._readout_tally = emitted.tally()
        kind, rows = readout.message_type, self.n_rows
        self._membranes = {name: np.zeros((rows, each.n_out), kind) for name, each in self._kernels.items()}
        self._sent = {name: np.zeros((rows, n_steps, each.n_out), kind) for name, each in self._kernels.items()}
        held = holding.sources if holding else frozenset()
        groups = order_groups(network)
        self._groups = [group for group in groups if group[0].name not in held]
        self._held = None
        if holding:
            kept = [recording.of_one_sample() for recording in recordings]
            branch = NetworkRun(network, kernels, readout, n_steps, kept, emitted, 1)
            branch._groups = [group for group in groups if group[0].name in held]
            self._held = HeldNodes(branch, holding)
        self._state = state
        self._rows = slice(0, 0)
        """Samples of the tile."""
        self._constant: dict[str, Array] = {}
        """Rows (n_rows, width) of the inputs that are the same at all steps of this tile."""

    def advance(self, first: int, a: Array) -> None:
        """Run the samples first, first + 1, …, whose inputs are the rows of a: (n, n_in), or (n, n_steps, n_in)."""
        for start in range(0, len(a), self.n_rows):
            tile = a[start : start + self.n_rows]
            self._run_tile(BatchStep(first + start, len(tile), 0), tile)

    def advance_step(self, batch_step: BatchStep, a: Array) -> None:
        """Advance one sample, whose inputs are the only row of a, by one step."""
        if batch_step.step == 0:
            self._load(a)
        held = frozenset() if self._held is None else self._replay(batch_step, a, 1)
        for node in self.network.nodes:
            if node.name not in held:
                self._run_step(node, batch_step)
        t = batch_step.step
        self._emit(batch_step, t, t + 1)

    def _load(self, a: Array) -> None:
        """Take in the inputs of a tile, split into those of each name."""
        parts = {name: np.ascontiguousarray(part) for name, part in self.network.split_inputs(a).items()}
        (self._sent if a.ndim == 3 else self._constant).update(parts)

    def _run_tile(self, batch_step: BatchStep, a: Array) -> None:
        self._load(a)
        self._rows = slice(batch_step.first, batch_step.first + len(a))
        if self._held is not None:
            self._replay(batch_step, a, self.n_steps)
        self._run_groups(batch_step)
        self._emit(batch_step, 0, self.n_steps)
        if self._state is not None:
            n = len(a)
            sent = {name: self._delayed(name, 0, n, 0, self.n_steps) for name in self._state.lines}
            self._state.keep(self._rows, {name: each[:n] for name, each in self._membranes.items()}, sent)

    def compute_held(self, a: Array) -> dict[str, NodeRecording]:
        """Run the groups of one sample, inputs (1, n_in), without the read-out; return what each of their nodes recorded."""
        for recording in self._recordings.values():
            recording.clear()
        self._load(a)
        self._run_groups(BatchStep(0, 1, 0))
        return {node.name: self._recordings[node.name] for group in self._groups for node in group}

    def _replay(self, batch_step: BatchStep, a: Array, n_steps: int) -> frozenset[str]:
        """Let the held nodes send, for some steps, what they sent for the first sample of each stretch; return their names."""
        assert self._held is not None, "something is held"
        first, n_rows, step = batch_step
        for start, n, value in self._held.holding.stretches(first, n_rows):
            for name, kept in self._held.recordings(value, a[start : start + 1]).items():
                self._sent[name][start : start + n, step : step + n_steps] = kept.payload.values[
                    :, step : step + n_steps
                ]
                self._recordings[name].replay(kept, BatchStep(first + start, n, step), n_steps)
        return self._held.holding.sources

    def _run_groups(self, batch_step: BatchStep) -> None:
        """Run all steps of the rows of a tile, group by group."""
        for group in self._groups:
            if len(group) == 1 and group[0].name not in dict(group[0].edges):
                self._run_node(group[0], batch_step)
                continue
            for t in range(self.n_steps):
                for node in group:
                    self._run_step(node, BatchStep(batch_step.first, batch_step.n_rows, t))

    def _begin(self, name: str, membrane: Array) -> None:
        """Set the membranes of a node to what they are before the first step."""
        is_continued = self._state is not None and name in self._state.membranes
        membrane[:] = self._state.membranes[name].values[self._rows] if is_continued else 0  # type: ignore[union-attr]

    def _run_node(self, node: Any, batch_step: BatchStep) -> None:
        """Run all steps of a node that is in no loop."""
        n, kernel, recording = batch_step.n_rows, self._kernels[node.name], self._recordings[node.name]
        membrane, payload = self._membranes[node.name][:n], self._sent[node.name][:n]
        self._begin(node.name, membrane)
        tally = recording.tally(batch_step, self.n_steps)
        is_population = isinstance(node, (PopulationSpec, QuantizedPopulation))
        if is_population and all(source in self._constant and not delay for source, delay in node.edges):
            z = np.empty((n, kernel.n_out), kernel.message_type)
            before = tally.saturated[DRIVE].copy()
            kernel.drive([self._constant[source] for source, _ in node.edges], z, tally)  # type: ignore[attr-defined]
            tally.saturated[DRIVE] += (tally.saturated[DRIVE] - before) * (self.n_steps - 1)  # the same at every step
            kernel.fire(z, membrane, payload, tally)  # type: ignore[attr-defined]
        else:
            kernel.advance(self._received(node, n, 0, self.n_steps), membrane, payload, tally)
        recording.record(batch_step, tally, payload)

    def _run_step(self, node: Any, batch_step: BatchStep) -> None:
        """Run one step of a node."""
        n, t, recording = batch_step.n_rows, batch_step.step, self._recordings[node.name]
        membrane = self._membranes[node.name][:n]
        if t == 0:
            self._begin(node.name, membrane)
        tally = recording.tally(batch_step)
        place = self._sent[node.name][:n, t : t + 1]
        payload = place if place.flags.c_contiguous else np.empty(place.shape, place.dtype)  # as it is of one sample
        self._kernels[node.name].advance(self._received(node, n, t, t + 1), membrane, payload, tally)
        if payload is not place:
            place[:] = payload
        recording.record(batch_step, tally, payload)

    def _emit(self, batch_step: BatchStep, begin: int, end: int) -> None:
        """Run steps of the read-out."""
        n = batch_step.n_rows
        received = [a.reshape(-1, a.shape[2]) for a in self._received(self.network.output, n, begin, end)]
        y = np.empty((n, end - begin, self._readout.n_out), self._readout.message_type)
        self._readout.drive(received, y.reshape(-1, self._readout.n_out), self._readout_tally)
        self.emitted.record(batch_step, y)

    def _received(self, node: Any, n: int, begin: int, end: int) -> list[Array]:
        """Collect what each connection brings at the steps begin … end - 1, (n, end - begin, width) each."""
        return [self._delayed(source, delay, n, begin, end) for source, delay in node.edges]

    def _delayed(self, source: str, delay: int, n: int, begin: int, end: int) -> Array:
        """Return what a source sent `delay` steps before; before its first step zero, or what the state has of it."""
        if source in self._constant:
            row = self._constant[source][:n, None]
            if end - begin == 1 and begin >= delay:
                return row
            sent = np.repeat(row, end - begin, axis=1)
        else:
            line = self._sent[source][:n]
            if begin >= delay:
                return np.ascontiguousarray(line[:, begin - delay : end - delay])
            sent = np.empty((n, end - begin, line.shape[2]), line.dtype)
            sent[:, delay - begin :] = line[:, : max(0, end - delay)]
        n_earlier = min(max(0, delay - begin), end - begin)
        if n_earlier:
            state = self._state
            earlier = 0 if state is None else state.earlier(source, self._rows, begin - delay, n_earlier)
            sent[:, :n_earlier] = earlier
        return sent


class HeldNodes:
    """The nodes of a network that depend on held inputs only, with what was recorded for the last held value."""

    def __init__(self, branch: NetworkRun, holding: Holding) -> None:
        self.holding = holding
        self._branch, self._value = branch, -1
        self._kept: dict[str, NodeRecording] = {}

    def recordings(self, value: int, a: Array) -> dict[str, NodeRecording]:
        """Return what each node recorded for a held value; it is computed from a sample of it, (1, n_in), where it is new."""
        if value != self._value:
            self._kept, self._value = self._branch.compute_held(a), value
        return self._kept


def order_groups(network: Network) -> list[list[Any]]:
    """Order the nodes so that each group needs the groups before it only; a group is a loop, or one node."""
    number = {node.name: i for i, node in enumerate(network.nodes)}
    reaches = np.eye(len(number), dtype=np.bool_)
    for node in network.nodes:
        for source, _ in node.edges:
            if source in number:
                reaches[number[source], number[node.name]] = True
    for k in range(len(number)):  # Warshall's algorithm
        reaches |= reaches[:, k : k + 1] & reaches[k]
    loops = {tuple(np.flatnonzero(reaches[i] & reaches[:, i])) for i in range(len(number))}
    by_sources = sorted(
        loops, key=lambda loop: (int(reaches[:, loop[0]].sum()), loop)
    )  # a group has those of its sources
    return [[network.nodes[i] for i in loop] for loop in by_sources]
