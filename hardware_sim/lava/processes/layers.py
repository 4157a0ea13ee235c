"""What a network's nodes do, as Lava processes: the source of its inputs, a population, a product, the linear read-out.

    PointSource ──▶ VsnLayer ──▶ … ──▶ VsnLayer ──▶ ReadoutLayer
         └─────────────────────────────────▲

A process says *what*: its ports, its membranes, the record of its node. *How* is in `layer_models` (float and integer, one
Lava process a node) and in `dense_models` (Lava's own Dense, and neurons behind it). A node has one input port, `a_in_0`,
`a_in_1`, …, for each connection in the record's order, so that each has its own shift. Messages are (n,), or (batch, n); a node
sends what it computed in the step before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.process.variable import Var

from neuropinn_lava.hardware_sim.kernels.layer_kernel import AnyNode, message_widths
from neuropinn_lava.hardware_sim.runner.shared_arrays import SharedArray
from neuropinn_lava.hardware_sim.steps.choices import Numerics
from neuropinn_lava.hardware_sim.steps.compile_checks import Entry, check_entry, check_numerics
from neuropinn_lava.hardware_sim.steps.recording import NodeRecording, ReadoutRecording
from neuropinn_lava.hardware_sim.steps.schedule import Schedule
from neuropinn_lava.hardware_sim.steps.timing import NodeTiming
from neuropinn_lava.network.nodes import OutputSpec, PopulationSpec
from neuropinn_lava.network.quantized_nodes import QuantizedOutput, QuantizedPopulation


class NetworkProcess(AbstractProcess):
    """A part of a network, which runs in process models of the network's kind of numbers only."""

    numerics: Numerics | None = None
    """Kind of numbers of its record; None where any model will do."""
    first_message: int | None = None
    """Step of Lava, counted from 0, in which it sends its first message; None where that depends on what is before it."""

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
    """A node to which a user's graph may send."""

    entry: Entry | None = None
    """What is known of the messages at the network's inputs; None for a node that reads none."""
    entry_ports: Sequence[Any] = ()
    """Input ports that read the network's inputs."""

    @property
    def model_class(self) -> Any:
        """The model that Lava's compiler has chosen; what is before the input ports is checked, too."""
        chosen = super().model_class
        if chosen is not None and self.entry is not None:
            for port in self.entry_ports:
                check_entry(self.name, port, self.entry)
        return chosen


class PointSource(NetworkProcess):
    """Sends a network's inputs, constant ones at all steps of their presentation; zeros after the last one."""

    def __init__(self, *, words: SharedArray, schedule: Schedule, widths: Sequence[int], name: str = "points") -> None:
        """Build a source of inputs, with an output port `a_out_0`, `a_out_1`, … for each.

        Args:
            words: Inputs side by side, shape (n_samples, n_in), of sequences (n_samples, n_steps, n_in): int32 words for a
                quantized network, float64 for a float one.
            schedule: When which sample is sent; its latency is 0.
            widths: Number of columns of each input.
            name: As errors call it.
        """
        super().__init__(words=words, schedule=schedule, widths=widths, name=name)
        self.numerics, self.first_message = Numerics.of_type(words.values.dtype), 0
        self.ports = tuple(OutPort(shape=schedule.shape(width)) for width in widths)
        for index, port in enumerate(self.ports):
            setattr(self, f"a_out_{index}", port)


class NodeProcess(EntryProcess):
    """A node of the network with everything that it receives."""

    def __init__(
        self,
        *,
        layer: AnyNode,
        schedule: Schedule,
        timing: NodeTiming,
        recording: NodeRecording | ReadoutRecording,
        constant_input: bool = False,
        entries: Sequence[int] = (),
        entry: Entry | None = None,
    ) -> None:
        """Build a node.

        Args:
            layer: Its record, float or integer.
            schedule: Its step counter.
            timing: Its delay lines.
            recording: Where counts, outputs and probed values go.
            constant_input: All that it receives is the same at all steps of a presentation, and is multiplied once.
            entries: Numbers of the connections that read the network's inputs.
            entry: What is known of the messages at them.
        """
        super().__init__(
            layer=layer,
            schedule=schedule,
            timing=timing,
            recording=recording,
            constant_input=constant_input,
            entries=tuple(entries),
            entry=entry,
            name=layer.name,
        )
        self.numerics, self.entry = Numerics.of_node(layer), entry if entries else None
        self.first_message = schedule.latency + 1
        self.ports = tuple(InPort(shape=schedule.shape(width)) for width in message_widths(layer))
        for index, port in enumerate(self.ports):
            setattr(self, f"a_in_{index}", port)
        self.entry_ports = [self.ports[index] for index in entries]


class VsnLayer(NodeProcess):
    """A population of Variable Spiking Neurons with its synapses; the equations are those of `neuropinn_lava.network.nodes`."""

    def __init__(self, **given: Any) -> None:
        """Build a population; the arguments are those of `NodeProcess`."""
        super().__init__(**given)
        shape = given["schedule"].shape(given["layer"].n_out)
        self.a_out = OutPort(shape=shape)
        self.m = Var(shape=shape, init=0)


class ProductLayer(NodeProcess):
    """The elementwise product of what two sources send; its ports are those of its left and right factor."""

    def __init__(self, **given: Any) -> None:
        """Build a product; the arguments are those of `NodeProcess`."""
        super().__init__(**given)
        self.a_out = OutPort(shape=given["schedule"].shape(given["layer"].n_out))


class ReadoutLayer(NodeProcess):
    """The linear read-out, which is also the sink: it reduces its outputs sample by sample, and sends them too."""

    def __init__(self, **given: Any) -> None:
        """Build a read-out; the arguments are those of `NodeProcess`."""
        super().__init__(**given)
        self.y_out = OutPort(shape=given["schedule"].shape(given["layer"].n_out))


class WordGate(EntryProcess):
    """Passes messages on at once, and refuses what is no input word: Lava's own Dense, which follows, would take anything."""

    delay = 0
    """Steps of Lava; it receives before it sends."""

    def __init__(self, *, layer: AnyNode, index: int, schedule: Schedule, entry: Entry) -> None:
        """Build a gate before the synapses of connection `index` of a node that reads an input there."""
        super().__init__(layer=layer, index=index, name=f"{layer.name} input {index}")
        self.numerics, self.entry = Numerics.of_node(layer), entry
        shape = schedule.shape(message_widths(layer)[index])
        self.a_in = InPort(shape=shape)
        self.a_out = OutPort(shape=shape)
        self.entry_ports = [self.a_in]


class NeuronProcess(NetworkProcess):
    """A node whose synapses are other processes: products W a of each connection come in at `p_in_0`, `p_in_1`, …

    It receives before it sends, because the Dense before it already delays by one step of Lava.
    """

    def __init__(
        self,
        *,
        layer: PopulationSpec | QuantizedPopulation | OutputSpec | QuantizedOutput,
        schedule: Schedule,
        timing: NodeTiming,
        recording: NodeRecording | ReadoutRecording,
    ) -> None:
        """Build the neurons of a node; the arguments are those of `NodeProcess`."""
        super().__init__(layer=layer, schedule=schedule, timing=timing, recording=recording, name=layer.name)
        self.numerics, self.first_message = Numerics.of_node(layer), schedule.latency
        self.ports = tuple(InPort(shape=schedule.shape(layer.n_out)) for _ in layer.edges)
        for index, port in enumerate(self.ports):
            setattr(self, f"p_in_{index}", port)


class VsnNeurons(NeuronProcess):
    """The neurons of a population."""

    def __init__(self, **given: Any) -> None:
        """Build neurons; the arguments are those of `NeuronProcess`."""
        super().__init__(**given)
        shape = given["schedule"].shape(given["layer"].n_out)
        self.a_out = OutPort(shape=shape)
        self.m = Var(shape=shape, init=0)


class ReadoutNeurons(NeuronProcess):
    """The read-out without its synapses."""

    def __init__(self, **given: Any) -> None:
        """Build a read-out; the arguments are those of `NeuronProcess`."""
        super().__init__(**given)
        self.y_out = OutPort(shape=given["schedule"].shape(given["layer"].n_out))
