"""A whole network in one Lava process, for speed: what it does, and how, in float and in integers.

    words ──▶ NetworkLeaf 0      rows 0 … r - 1 of each batch
                  │ turn
    words ──▶ NetworkLeaf 1      rows r … 2 r - 1

In batched mode a step of Lava is a whole presentation: a leaf takes its rows of a batch from shared memory and runs all T
steps of them, tile by tile. One sample at a time, a step of Lava is a step of the network, as everywhere else. Nothing of the
network passes through Lava's channels, which only connect the leaves into one graph: this is a simulator's graph, not the
chip's, and its results are the same.
"""

from __future__ import annotations

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from neuropinn_lava.hardware_sim.kernels.layer_kernel import make_kernel
from neuropinn_lava.hardware_sim.lava.processes.layer_models import WORDS_IN, WORDS_OUT, RunModel
from neuropinn_lava.hardware_sim.runner.shared_arrays import SharedArray
from neuropinn_lava.hardware_sim.steps.holding import Holding
from neuropinn_lava.hardware_sim.steps.network_runs import TILE, NetworkRun
from neuropinn_lava.hardware_sim.steps.recording import NodeRecording, ReadoutRecording
from neuropinn_lava.hardware_sim.steps.schedule import Schedule
from neuropinn_lava.hardware_sim.steps.shared_state import SharedState
from neuropinn_lava.network.quantized import Network


class NetworkLeaf(AbstractProcess):
    """A whole network with the source of its inputs and the sink of its outputs."""

    def __init__(
        self,
        *,
        network: Network,
        words: SharedArray,
        schedule: Schedule,
        rows: tuple[int, int],
        n_steps: int,
        recordings: tuple[NodeRecording, ...],
        emitted: ReadoutRecording,
        state: SharedState | None = None,
        holding: Holding | None = None,
    ) -> None:
        """Build a leaf.

        Args:
            network: Float or quantized.
            words: Inputs, shape (n_samples, n_in), of sequences (n_samples, n_steps, n_in): int32 words for a quantized
                network, float64 for a float one.
            schedule: Which samples are whose turn. With a batch size it counts presentations, so that its `n_steps` is 1.
            rows: First row of a batch that is this leaf's, and the first one after.
            n_steps: Number T of steps of a sample.
            recordings: Where counts and probed values go, one for each node; of this leaf alone.
            emitted: Where sums and probed outputs go.
            state: Where an earlier run of the same samples has ended, for batches; None begins anew.
            holding: Held values of the samples, whose nodes are computed once for each; None computes them at every sample.
        """
        super().__init__(
            network=network,
            words=words,
            schedule=schedule,
            rows=rows,
            n_steps=n_steps,
            recordings=recordings,
            emitted=emitted,
            state=state,
            holding=holding,
            name=f"{network.name}, rows {rows[0]} to {rows[1] - 1}",
        )
        self.turn_in = InPort(shape=(1,))
        self.turn_out = OutPort(shape=(1,))


@implements(proc=NetworkLeaf, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt", "fixed_pt")
class NetworkLeafModel(RunModel):
    """Runs a network, whose record tells whether in float or in integers."""

    turn_in, turn_out = WORDS_IN, WORDS_OUT

    def make_work(self) -> NetworkRun:
        """Build the run of the whole network: of one sample at a time without a batch size, else of tiles of samples."""
        given = self.proc_params
        network, schedule = given["network"], given["schedule"]
        *kernels, readout = (make_kernel(node, schedule.n_samples) for node in (*network.nodes, network.output))
        n_rows = 1 if schedule.batch_size is None else TILE
        return NetworkRun(
            network,
            kernels,
            readout,
            given["n_steps"],
            given["recordings"],
            given["emitted"],
            n_rows,
            given["state"],
            given["holding"],
        )

    def step(self) -> None:
        """Pass the turn on, and run this leaf's rows of the batch, or one step of the sample."""
        self.turn_out.send(np.zeros(1, np.int32))
        self.turn_in.recv()
        batch_step = self.proc_params["schedule"].batch_step(self.time_step)
        if batch_step is None:
            return
        words = self.proc_params["words"].values
        if self.proc_params["schedule"].batch_size is None:
            self.work.advance_step(batch_step, words[batch_step.first : batch_step.first + 1])
            return
        begin, end = (min(row, batch_step.n_rows) for row in self.proc_params["rows"])
        self.work.advance(batch_step.first + begin, words[batch_step.first + begin : batch_step.first + end])
