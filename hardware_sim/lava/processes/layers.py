"""What a network's parts do, as Lava processes: the source of its inputs, a spiking layer, the linear read-out.

    PointSource ──▶ VsnLayer ──▶ … ──▶ VsnLayer ──▶ ReadoutLayer

A process says *what*: its ports, its membranes, the record of its layer. *How* is in `layer_models` (float and integer, one
Lava process a layer) and in `dense_models` (Lava's own Dense, and neurons behind it). Messages are (n,), or (batch, n); a layer
sends what it computed in the step before.
"""

from __future__ import annotations

from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.process.variable import Var

from neuropinn_lava.hardware_sim.runner.shared_arrays import SharedArray
from neuropinn_lava.hardware_sim.steps.recording import LayerRecording, ReadoutRecording
from neuropinn_lava.hardware_sim.steps.schedule import Schedule
from neuropinn_lava.network.quantized import QuantizedLayer, QuantizedOutput
from neuropinn_lava.network.spec import LayerSpec, OutputSpec


class PointSource(AbstractProcess):
    """Sends the network's inputs, each for all steps of its presentation; zeros after the last one."""

    def __init__(self, *, words: SharedArray, schedule: Schedule, name: str = "points") -> None:
        """Make a source of inputs.

        Args:
            words: Inputs, shape (n_samples, n_in): int32 words for a quantized network, float64 for a float one.
            schedule: When which sample is sent; its latency is 0.
            name: As errors call it.
        """
        super().__init__(words=words, schedule=schedule, name=name)
        self.a_out = OutPort(shape=schedule.shape(words.values.shape[1]))


class VsnLayer(AbstractProcess):
    """A layer of Variable Spiking Neurons with its synapses; the equations are those of `neuropinn_lava.network.spec`."""

    def __init__(
        self,
        *,
        layer: LayerSpec | QuantizedLayer,
        schedule: Schedule,
        recording: LayerRecording,
        constant_input: bool = False,
        checked_input: bool = False,
    ) -> None:
        """Make a layer.

        Args:
            layer: Weights, leaks, thresholds, activation; float or integer.
            schedule: Its step counter.
            recording: Where counts and probed values go.
            constant_input: The input is the same at all steps of a presentation, and W a_in is computed once.
            checked_input: The input comes from somebody else's process, and is refused where it leaves its word.
        """
        super().__init__(
            layer=layer,
            schedule=schedule,
            recording=recording,
            constant_input=constant_input,
            checked_input=checked_input,
            name=layer.name,
        )
        self.a_in = InPort(shape=schedule.shape(layer.n_in))
        self.a_out = OutPort(shape=schedule.shape(layer.n_out))
        self.m = Var(shape=schedule.shape(layer.n_out), init=0)


class VsnNeurons(AbstractProcess):
    """The neurons of a layer whose synapses are another process: products W a_in come in."""

    def __init__(self, *, layer: LayerSpec | QuantizedLayer, schedule: Schedule, recording: LayerRecording) -> None:
        """Make neurons; the arguments are those of `VsnLayer`."""
        super().__init__(layer=layer, schedule=schedule, recording=recording, name=layer.name)
        self.p_in = InPort(shape=schedule.shape(layer.n_out))
        self.a_out = OutPort(shape=schedule.shape(layer.n_out))
        self.m = Var(shape=schedule.shape(layer.n_out), init=0)


class ReadoutLayer(AbstractProcess):
    """The linear read-out, which is also the sink: it sums its outputs sample by sample, and sends them too."""

    def __init__(self, *, layer: OutputSpec | QuantizedOutput, schedule: Schedule, recording: ReadoutRecording) -> None:
        """Make a read-out.

        Args:
            layer: Weights and bias, float or integer.
            schedule: Its step counter.
            recording: Where sums and probed outputs go.
        """
        super().__init__(layer=layer, schedule=schedule, recording=recording, name=layer.name)
        self.a_in = InPort(shape=schedule.shape(layer.n_in))
        self.y_out = OutPort(shape=schedule.shape(layer.n_out))


class ReadoutNeurons(AbstractProcess):
    """The read-out behind synapses that are another process: products W a_in come in."""

    def __init__(self, *, layer: OutputSpec | QuantizedOutput, schedule: Schedule, recording: ReadoutRecording) -> None:
        """Make a read-out without synapses; the arguments are those of `ReadoutLayer`."""
        super().__init__(layer=layer, schedule=schedule, recording=recording, name=layer.name)
        self.p_in = InPort(shape=schedule.shape(layer.n_out))
        self.y_out = OutPort(shape=schedule.shape(layer.n_out))
