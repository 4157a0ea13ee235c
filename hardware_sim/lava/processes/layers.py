"""What a network's nodes do, as Lava processes: the source of its inputs, a population, a product, the linear read-out.

    PointSource ──▶ VSN ──▶ … ──▶ VSN ──▶ ReadoutLayer
         └─────────────────────────▲

A process says *what*: its ports, its variables, the record of its node. *How* is in `layer_models` (float and integer, one
Lava process a node) and in `dense_models` (Lava's own Dense, and neurons behind it). A node has one input port for each
connection in the record's order, so that each has its own shift: `a_in` where there is one, else `a_in_0`, `a_in_1`, …
Messages are (n,), or (batch, n); a node sends what it computed in the step before. The populations, which a Lava user may
build by hand, are in `vsn`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess, LogConfig

from neuropinn_lava.hardware_sim.kernels.layer_kernel import make_kernel, message_widths
from neuropinn_lava.hardware_sim.lava.processes.variables import add_variables, membrane_variable
from neuropinn_lava.hardware_sim.runner.shared_arrays import SharedArray
from neuropinn_lava.hardware_sim.steps.choices import Numerics
from neuropinn_lava.hardware_sim.steps.compile_checks import Entry, check_entry, check_numerics
from neuropinn_lava.hardware_sim.steps.holding import Holding
from neuropinn_lava.hardware_sim.steps.parameters import numbered_names
from neuropinn_lava.hardware_sim.steps.recording import NodeRecording, ReadoutRecording
from neuropinn_lava.hardware_sim.steps.schedule import Schedule
from neuropinn_lava.hardware_sim.steps.timing import NodeTiming
from neuropinn_lava.network.nodes import OutputSpec, PopulationSpec
from neuropinn_lava.network.quantized import AnyNode
from neuropinn_lava.network.quantized_nodes import QuantizedOutput, QuantizedPopulation

NO_ENTRIES: Mapping[int, Entry] = MappingProxyType({})
"""No port is a user's."""


class NetworkProcess(AbstractProcess):
    """A part of a network, which runs in process models of the network's kind of numbers only."""

    numerics: Numerics | None = None
    """Kind of numbers of its record; None where any model will do."""
    _runtime = None
    """What Lava's finalizer looks for, where a constructor has refused its arguments."""
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

    entries: Sequence[tuple[Any, Entry]] = ()
    """Input ports to which a user's graph sends, and what is known of their messages."""
    called = "to_lava: layer"
    """What errors call it before its name."""

    @property
    def model_class(self) -> Any:
        """The model that Lava's compiler has chosen; what is before the input ports is checked, too."""
        chosen = super().model_class
        if chosen is not None:
            for port, entry in self.entries:
                check_entry(f"{self.called} {self.name!r}", port, entry)
        return chosen


class PointSource(NetworkProcess):
    """Sends a network's inputs, constant ones at all steps of their presentation; zeros after the last one."""

    def __init__(
        self,
        *,
        words: SharedArray,
        schedule: Schedule,
        widths: Sequence[int],
        holding: Holding | None = None,
        held: Sequence[bool] = (),
        name: str = "points",
    ) -> None:
        """Build a source of inputs, with an output port for each: `a_out`, or `a_out_0`, `a_out_1`, …

        Args:
            words: Inputs side by side, shape (n_samples, n_in), of sequences (n_samples, n_steps, n_in): int32 words for a
                quantized network, float64 for a float one.
            schedule: When which sample is sent; its latency is 0.
            widths: Number of columns of each input.
            holding: Held values of the samples, each of which is sent once; None sends everything anew.
            held: Which of the inputs are held.
            name: As errors call it.
        """
        super().__init__(words=words, schedule=schedule, widths=widths, holding=holding, held=held, name=name)
        self.numerics, self.first_message = Numerics.of_type(words.values.dtype), 0
        self.ports = _numbered_ports(self, "a_out", OutPort, [schedule.shape(width) for width in widths])


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
        entries: Mapping[int, Entry] = NO_ENTRIES,
        holding: Holding | None = None,
        log_config: LogConfig | None = None,
    ) -> None:
        """Build a node, with a variable for each of its parameters.

        Args:
            layer: Its record, float or integer.
            schedule: Its step counter.
            timing: Its delay lines.
            recording: Where counts, outputs and probed values go.
            constant_input: All that it receives is the same at all steps of a presentation, and is multiplied once.
            entries: What is known of the messages that a user's graph sends, by the numbers of the connections.
            holding: Held values of the samples, and who sends each of them only once; None where everything is sent anew.
            log_config: Lava's configuration of its messages.
        """
        super().__init__(
            layer=layer,
            schedule=schedule,
            timing=timing,
            recording=recording,
            constant_input=constant_input,
            entries=entries,
            holding=holding,
            log_config=log_config,
            name=layer.name,
        )
        make_kernel(layer, schedule.n_samples).warm_up()  # here, so that no forked process compiles loops of its own
        self.numerics, self.first_message = Numerics.of_node(layer), schedule.latency + 1
        self.ports = _numbered_ports(self, "a_in", InPort, [schedule.shape(width) for width in message_widths(layer)])
        self.entries = [(self.ports[index], entry) for index, entry in entries.items()]
        add_variables(self, layer)


def _numbered_ports(process: Any, kind: str, port: Any, shapes: Sequence[tuple[int, ...]]) -> tuple[Any, ...]:
    """Give a process ports of some shapes; return them in order."""
    ports = tuple(port(shape=shape) for shape in shapes)
    for name, each in zip(numbered_names(kind, len(ports)), ports, strict=True):
        setattr(process, name, each)
    return ports


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
        self.numerics = Numerics.of_node(layer)
        shape = schedule.shape(message_widths(layer)[index])
        self.a_in = InPort(shape=shape)
        self.a_out = OutPort(shape=shape)
        self.entries = [(self.a_in, entry)]


class NeuronProcess(NetworkProcess):
    """A node whose synapses are other processes: products W a of each connection come in at `p_in`, or `p_in_0`, `p_in_1`, …

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
        self.ports = _numbered_ports(self, "p_in", InPort, [schedule.shape(layer.n_out)] * len(layer.edges))
        add_variables(self, layer, without="weights")


class VsnNeurons(NeuronProcess):
    """The neurons of a population."""

    def __init__(self, **given: Any) -> None:
        """Build neurons; the arguments are those of `NeuronProcess`."""
        super().__init__(**given)
        shape = given["schedule"].shape(given["layer"].n_out)
        self.a_out = OutPort(shape=shape)
        self.m = membrane_variable(given["layer"], shape)


class ReadoutNeurons(NeuronProcess):
    """The read-out without its synapses."""

    def __init__(self, **given: Any) -> None:
        """Build a read-out; the arguments are those of `NeuronProcess`."""
        super().__init__(**given)
        self.y_out = OutPort(shape=given["schedule"].shape(given["layer"].n_out))
