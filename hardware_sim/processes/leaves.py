"""A whole network in one Lava process, for speed: what it does, and how, in float and in integers.

    PointSource ──┬──▶ NetworkLeaf 0      rows 0 … rows - 1 of each message
                  └──▶ NetworkLeaf 1      rows … 2 rows - 1

In batched mode a step of Lava is a whole presentation: a message brings the inputs of many samples, and the leaf runs all T
steps of them, tile by tile. One sample at a time, a step of Lava is a step of the network, as everywhere else. Nothing passes
between layers by Lava's channels: this is a simulator's graph, not the chip's, and its results are the same.
"""

from __future__ import annotations

from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.process.ports.ports import InPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from neuropinn_lava.hardware_sim.kernels import make_kernel
from neuropinn_lava.hardware_sim.network_runs import NetworkRun, StepRun
from neuropinn_lava.hardware_sim.processes.layer_models import FLOATS_IN, WORDS_IN, RunModel
from neuropinn_lava.hardware_sim.recording import LayerRecording, ReadoutRecording
from neuropinn_lava.hardware_sim.schedule import Schedule
from neuropinn_lava.network import NetworkSpec
from neuropinn_lava.quantized import QuantizedNetwork


class NetworkLeaf(AbstractProcess):
    """A whole network and the sink of its outputs: inputs in, recordings out."""

    def __init__(
        self,
        *,
        network: NetworkSpec | QuantizedNetwork,
        schedule: Schedule,
        rows: tuple[int, int],
        recordings: tuple[LayerRecording, ...],
        emitted: ReadoutRecording,
    ) -> None:
        """Make a leaf.

        Args:
            network: Float or quantized.
            schedule: When which message comes. With a batch axis it counts presentations, so that its `n_steps` is 1.
            rows: First row of a message that is this leaf's, and the first one after.
            recordings: Where counts and probed values go, one per spiking layer; of this leaf alone.
            emitted: Where sums and probed outputs go.
        """
        super().__init__(
            network=network,
            schedule=schedule,
            rows=rows,
            recordings=recordings,
            emitted=emitted,
            name=f"{network.name} rows {rows[0]} to {rows[1] - 1}",
        )
        self.a_in = InPort(shape=schedule.shape(network.n_in))


class NetworkLeafModel(RunModel):
    """Gives each message to a run of `network_runs`."""

    def make_work(self) -> NetworkRun | StepRun:
        given = self.proc_params
        network, schedule = given["network"], given["schedule"]
        layers = tuple(make_kernel(layer) for layer in network.layers)
        readout = make_kernel(network.output)
        if schedule.batch_size is None:
            return StepRun(layers, readout, given["recordings"], given["emitted"])
        return NetworkRun(layers, readout, network.n_steps, given["recordings"], given["emitted"])

    def step(self) -> None:
        message, moment = self.a_in.recv(), self.proc_params["schedule"].moment(self.time_step)
        if moment is None:
            return
        if isinstance(self.work, StepRun):
            self.work.take(moment, message[None])
            return
        begin, end = self.proc_params["rows"]
        mine = message[begin : min(end, moment.n_rows)]
        if len(mine):
            self.work.take(moment.first + begin, mine)


@implements(proc=NetworkLeaf, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class FloatNetworkLeafModel(NetworkLeafModel):
    """A network in float64."""

    a_in = FLOATS_IN


@implements(proc=NetworkLeaf, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class IntegerNetworkLeafModel(NetworkLeafModel):
    """A network in integers."""

    a_in = WORDS_IN
