"""What a network's parts do, as Lava processes: the source of its inputs, a spiking layer, the linear read-out.

    PointSource ──▶ VsnLayer ──▶ … ──▶ VsnLayer ──▶ ReadoutLayer

A process says *what*: its ports, its membranes, the record of its layer. *How* is in `layer_models` (float and integer, one
Lava process a layer) and in `dense_models` (Lava's own Dense, and neurons behind it). Messages are (n,), or (batch, n); a layer
sends what it computed in the step before.
"""

from __future__ import annotations

from typing import Any

from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.process.variable import Var

from neuropinn_lava.hardware_sim.runner.shared_arrays import SharedArray
from neuropinn_lava.hardware_sim.steps.choices import Numerics
from neuropinn_lava.hardware_sim.steps.compile_checks import Entry, check_entry, check_numerics
from neuropinn_lava.hardware_sim.steps.recording import LayerRecording, ReadoutRecording
from neuropinn_lava.hardware_sim.steps.schedule import Schedule
from neuropinn_lava.network.nodes import OutputSpec, PopulationSpec
from neuropinn_lava.network.quantized_nodes import QuantizedOutput, QuantizedPopulation


class NetworkProcess(AbstractProcess):
    """A part of a network, which runs in process models of the network's kind of numbers only."""

    numerics: Numerics | None = None
    """What the numbers of its record are; None where any model will do."""
    delay = 1
    """Steps of Lava from a message to its answer."""

    @property
    def model_class(self) -> Any:
        """The model that Lava's compiler has chosen, checked as soon as the compiler asks for it.

        Raises:
            SpecError: If it computes in other numbers.
        """
        chosen = super().model_class
        if chosen is not None and self.numerics is not None:
            check_numerics(self, self.numerics, chosen)
        return chosen


class EntryProcess(NetworkProcess):
    """A network's first process, to which a user's graph sends."""

    entry: Entry | None = None
    """What is known of the messages; None for a process that is not the first."""

    @property
    def model_class(self) -> Any:
        """The model that Lava's compiler has chosen; what is before the input port is checked, too."""
        chosen = super().model_class
        if chosen is not None and self.entry is not None:
            check_entry(self.name, self.a_in, self.entry)
        return chosen


class PointSource(NetworkProcess):
    """Sends the network's inputs, each for all steps of its presentation; zeros after the last one."""

    def __init__(self, *, words: SharedArray, schedule: Schedule, name: str = "points") -> None:
        """Build a source of inputs.

        Args:
            words: Inputs, shape (n_samples, n_in): int32 words for a quantized network, float64 for a float one.
            schedule: When which sample is sent; its latency is 0.
            name: As errors call it.
        """
        super().__init__(words=words, schedule=schedule, name=name)
        self.numerics = Numerics.of_type(words.values.dtype)
        self.a_out = OutPort(shape=schedule.shape(words.values.shape[1]))


class VsnLayer(EntryProcess):
    """A layer of Variable Spiking Neurons with its synapses; the equations are those of `neuropinn_lava.network.spec`."""

    def __init__(
        self,
        *,
        layer: PopulationSpec | QuantizedPopulation,
        schedule: Schedule,
        recording: LayerRecording,
        constant_input: bool = False,
        entry: Entry | None = None,
    ) -> None:
        """Build a layer.

        Args:
            layer: Weights, leaks, thresholds, activation; float or integer.
            schedule: Its step counter.
            recording: Where counts and probed values go.
            constant_input: The input is the same at all steps of a presentation, and W a_in is computed once.
            entry: For the first layer: what is known of the messages from somebody else's process.
        """
        super().__init__(
            layer=layer,
            schedule=schedule,
            recording=recording,
            constant_input=constant_input,
            entry=entry,
            name=layer.name,
        )
        self.numerics, self.entry = Numerics.of_layer(layer), entry
        self.a_in = InPort(shape=schedule.shape(layer.n_in))
        self.a_out = OutPort(shape=schedule.shape(layer.n_out))
        self.m = Var(shape=schedule.shape(layer.n_out), init=0)


class WordGate(EntryProcess):
    """Passes messages on at once, and refuses what is no input word: Lava's own Dense, which follows, would take anything."""

    delay = 0
    """Steps of Lava; it receives before it sends."""

    def __init__(self, *, layer: PopulationSpec | QuantizedPopulation, schedule: Schedule, entry: Entry) -> None:
        """Build a gate before the synapses of a network's first layer; the arguments are those of `VsnLayer`."""
        super().__init__(layer=layer, name=f"{layer.name} input")
        self.numerics, self.entry = Numerics.of_layer(layer), entry
        self.a_in = InPort(shape=schedule.shape(layer.n_in))
        self.a_out = OutPort(shape=schedule.shape(layer.n_in))


class VsnNeurons(NetworkProcess):
    """The neurons of a layer whose synapses are another process: products W a_in come in."""

    delay = 0
    """Steps of Lava; the Dense before it delays by one."""

    def __init__(
        self, *, layer: PopulationSpec | QuantizedPopulation, schedule: Schedule, recording: LayerRecording
    ) -> None:
        """Build neurons; the arguments are those of `VsnLayer`."""
        super().__init__(layer=layer, schedule=schedule, recording=recording, name=layer.name)
        self.numerics = Numerics.of_layer(layer)
        self.p_in = InPort(shape=schedule.shape(layer.n_out))
        self.a_out = OutPort(shape=schedule.shape(layer.n_out))
        self.m = Var(shape=schedule.shape(layer.n_out), init=0)


class ReadoutLayer(NetworkProcess):
    """The linear read-out, which is also the sink: it sums its outputs sample by sample, and sends them too."""

    def __init__(self, *, layer: OutputSpec | QuantizedOutput, schedule: Schedule, recording: ReadoutRecording) -> None:
        """Build a read-out.

        Args:
            layer: Weights and bias, float or integer.
            schedule: Its step counter.
            recording: Where sums and probed outputs go.
        """
        super().__init__(layer=layer, schedule=schedule, recording=recording, name=layer.name)
        self.numerics = Numerics.of_layer(layer)
        self.a_in = InPort(shape=schedule.shape(layer.n_in))
        self.y_out = OutPort(shape=schedule.shape(layer.n_out))


class ReadoutNeurons(NetworkProcess):
    """The read-out behind synapses that are another process: products W a_in come in."""

    delay = 0
    """Steps of Lava; the Dense before it delays by one."""

    def __init__(self, *, layer: OutputSpec | QuantizedOutput, schedule: Schedule, recording: ReadoutRecording) -> None:
        """Build a read-out without synapses; the arguments are those of `ReadoutLayer`."""
        super().__init__(layer=layer, schedule=schedule, recording=recording, name=layer.name)
        self.numerics = Numerics.of_layer(layer)
        self.p_in = InPort(shape=schedule.shape(layer.n_out))
        self.y_out = OutPort(shape=schedule.shape(layer.n_out))
