"""A whole network's work in one process: the layers one after the other, on tiles of samples that stay in the cache.

A layer depends on the one before it and on its own past only. So it can do all T steps of a tile before the next layer begins:
its weights are then read once per tile, not once per step, and the first layer's product, the same at all steps, is made
once. `StepRun` keeps the order of the chip instead, one step of one sample at a time. Both are the bodies of process models,
without Lava, as those of `layer_runs`.
"""

from __future__ import annotations

import numpy as np

from neuropinn_lava.hardware_sim.kernel_layout import DRIVE, Array, Tally
from neuropinn_lava.hardware_sim.kernels import Kernel
from neuropinn_lava.hardware_sim.recording import LayerRecording, ReadoutRecording
from neuropinn_lava.hardware_sim.schedule import Moment

TILE = 64
"""Samples of a tile: inputs and payloads of a layer of 64 neurons over 8 steps are 128 KB each, which a core's second-level
cache holds, and calling the loops takes a tenth of what they do."""


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
        kind = readout.message_type
        self._drive = np.zeros((TILE, layers[0].n_out), kind)
        self._membranes = [np.zeros((TILE, kernel.n_out), kind) for kernel in layers]
        self._payloads = [np.zeros((TILE, n_steps, kernel.n_out), kind) for kernel in layers]
        self._y = np.zeros((TILE, n_steps, readout.n_out), kind)

    def take(self, first: int, a: Array) -> None:
        """Run the samples first, first + 1, …, whose inputs are the rows of a."""
        tallies = [kernel.tally(self.n_steps) for kernel in self.layers]
        for start in range(0, len(a), TILE):
            tile = a[start : start + TILE]
            moment = Moment(first + start, len(tile), 0)
            self._run_tile(moment, tile, tallies)
        nothing = Moment(first, 0, 0)
        for recording, tally, payload in zip(self.recordings, tallies, self._payloads, strict=True):
            recording.add(nothing, tally, payload[:0])

    def _run_tile(self, moment: Moment, a: Array, tallies: list[Tally]) -> None:
        """Run all layers; samples that are recorded in full get counters of their own."""
        r = moment.n_rows
        for index, (kernel, recording) in enumerate(zip(self.layers, self.recordings, strict=True)):
            n_probed = recording.n_probed(moment)
            tally = kernel.tally(self.n_steps, n_probed) if n_probed else tallies[index]
            self._run_layer(index, a, r, tally)
            if n_probed:
                recording.add(moment, tally, self._payloads[index][:r])
        tally = self.readout.tally(1)
        y, sent = self._y[:r], self._payloads[-1][:r]
        self.readout.drive(sent.reshape(-1, self.readout.n_in), y.reshape(-1, self.readout.n_out), tally)
        self.emitted.add(moment, tally, y)

    def _run_layer(self, index: int, a: Array, r: int, tally: Tally) -> None:
        kernel, membrane, payload = self.layers[index], self._membranes[index][:r], self._payloads[index][:r]
        membrane[:] = 0
        if index:
            kernel.advance(self._payloads[index - 1][:r], membrane, payload, tally)
            return
        before = tally.saturated[DRIVE].copy()
        kernel.drive(a, self._drive[:r], tally)
        tally.saturated[DRIVE] += (tally.saturated[DRIVE] - before) * (self.n_steps - 1)  # the same at every step
        kernel.fire(self._drive[:r], membrane, payload, tally)


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
        kind = readout.message_type
        self._membranes = [np.zeros((1, kernel.n_out), kind) for kernel in layers]
        self._payloads = [np.zeros((1, 1, kernel.n_out), kind) for kernel in layers]
        self._y = np.zeros((1, 1, readout.n_out), kind)

    def take(self, moment: Moment, a: Array) -> None:
        """Advance the network by one step with the input a (1, n_in)."""
        sent = a[:, None]
        for kernel, recording, membrane, payload in zip(
            self.layers, self.recordings, self._membranes, self._payloads, strict=True
        ):
            if moment.step == 0:
                membrane[:] = 0
            tally = kernel.tally(1, recording.n_probed(moment))
            kernel.advance(sent, membrane, payload, tally)
            recording.add(moment, tally, payload)
            sent = payload
        tally = self.readout.tally(1)
        self.readout.drive(sent[:, 0], self._y[:, 0], tally)
        self.emitted.add(moment, tally, self._y)
