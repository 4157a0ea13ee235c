"""A whole network's work in one process: the layers one after the other, on tiles of samples that stay in the cache.

A layer depends on the one before it and on its own past only. So it can do all T steps of a tile before the next layer begins:
its weights are then read once per tile, not once per step, and the first layer's product, the same at all steps, is made
once. `StepRun` keeps the order of the chip instead, one step of one sample at a time. Both are the bodies of process models,
without Lava, as those of `layer_runs`.
"""

from __future__ import annotations

import numpy as np

from ..kernels.layer_kernel import Kernel
from ..kernels.layout import DRIVE, Array, Tally
from .recording import LayerRecording, ReadoutRecording
from .schedule import BatchStep

TILE = 128
"""Number of samples of a tile: inputs and payloads of a layer of 64 neurons over 8 steps are 256 KB each, which a core's
second-level cache holds, and calling the loops takes a tenth of what they do."""


class NetworkRun:
    """All steps of many samples: inputs (n_rows, n_in) in, recordings out."""

    def __init__(
        self,
        layers: tuple[Kernel, ...],
        readout: Kernel,
        n_steps: int,
        recordings: tuple[LayerRecording, ...],
        emitted: ReadoutRecording,
    ) -> None:
        self.layers = layers
        self.readout = readout
        self.n_steps = n_steps
        self.recordings = recordings
        self.emitted = emitted
        self._tally = emitted.tally()
        kind = readout.message_type
        self._drive = np.zeros((TILE, layers[0].n_out), kind)
        self._membranes = [np.zeros((TILE, kernel.n_out), kind) for kernel in layers]
        self._payloads = [np.zeros((TILE, n_steps, kernel.n_out), kind) for kernel in layers]
        self._y = np.zeros((TILE, n_steps, readout.n_out), kind)

    def advance(self, first: int, a: Array) -> None:
        """Run the samples first, first + 1, …, whose inputs are the rows of a."""
        for start in range(0, len(a), TILE):
            tile = a[start : start + TILE]
            self._run_tile(BatchStep(first + start, len(tile), 0), tile)

    def _run_tile(self, batch_step: BatchStep, a: Array) -> None:
        for index, recording in enumerate(self.recordings):
            tally = recording.tally(batch_step, self.n_steps)
            self._run_layer(index, a, tally)
            recording.record(batch_step, tally, self._payloads[index])
        y, sent = self._y[: len(a)], self._payloads[-1][: len(a)]
        self.readout.drive(sent.reshape(-1, self.readout.n_in), y.reshape(-1, self.readout.n_out), self._tally)
        self.emitted.record(batch_step, y)

    def _run_layer(self, index: int, a: Array, tally: Tally) -> None:
        n = len(a)
        kernel, membrane, payload = self.layers[index], self._membranes[index][:n], self._payloads[index][:n]
        membrane[:] = 0
        if index:
            kernel.advance(self._payloads[index - 1][:n], membrane, payload, tally)
            return
        before = tally.saturated[DRIVE].copy()
        kernel.drive(a, self._drive[:n], tally)
        tally.saturated[DRIVE] += (tally.saturated[DRIVE] - before) * (self.n_steps - 1)  # the same at every step
        kernel.fire(self._drive[:n], membrane, payload, tally)


class StepRun:
    """One step of one sample at a time: all layers, in the order in which the chip sends."""

    def __init__(
        self,
        layers: tuple[Kernel, ...],
        readout: Kernel,
        recordings: tuple[LayerRecording, ...],
        emitted: ReadoutRecording,
    ) -> None:
        self.layers = layers
        self.readout = readout
        self.recordings = recordings
        self.emitted = emitted
        self._tally = emitted.tally()
        kind = readout.message_type
        self._membranes = [np.zeros((1, kernel.n_out), kind) for kernel in layers]
        self._payloads = [np.zeros((1, 1, kernel.n_out), kind) for kernel in layers]
        self._y = np.zeros((1, 1, readout.n_out), kind)

    def advance(self, batch_step: BatchStep, a: Array) -> None:
        """Advance the network by one step with the input a (1, n_in)."""
        sent = a[:, None]
        for kernel, recording, membrane, payload in zip(
            self.layers, self.recordings, self._membranes, self._payloads, strict=True
        ):
            if batch_step.step == 0:
                membrane[:] = 0
            tally = recording.tally(batch_step)
            kernel.advance(sent, membrane, payload, tally)
            recording.record(batch_step, tally, payload)
            sent = payload
        self.readout.drive(sent[:, 0], self._y[:, 0], self._tally)
        self.emitted.record(batch_step, self._y)
