"""A network as connected Lava processes, with open ports, to be run by this package or inside a user's own graph.

    words ──▶ a_in  VSN ──▶ … ──▶ a_in_0  VSN ──▶ ReadoutLayer  y_out ──▶ outputs
      └─────────────────────────▶ a_in_1

What arrives at the inputs in one step of Lava leaves `y_out` `latency` steps later; a step of the network takes `interval`
steps of Lava, which is 1 where no loop has more nodes than delays. A quantized network takes int32 words
(`neuropinn_lava.engine.host.encode_points` makes them) and emits int32 outputs; a float one takes and emits float64.
Lava is imported when a graph is built, not before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ...base.arrays import Record
from ...base.checks import raise_violations
from ...base.errors import HardwareRuleError, SpecError
from ...engine.trace import NO_PROBE, Probe
from ...network.nodes import PopulationSpec, ProductSpec
from ...network.quantized import Network
from ...network.quantized_nodes import QuantizedPopulation, QuantizedProduct
from ..runner.lava_globals import unchanged_logging
from ..runner.lava_guard import require_lava
from ..steps.choices import LayerModel, Numerics
from ..steps.compile_checks import Entry
from ..steps.dense_rules import dense_violations
from ..steps.holding import Holding
from ..steps.recording import NodeRecording, ReadoutRecording, make_recordings
from ..steps.schedule import Schedule
from ..steps.timing import NetworkTiming, NodeTiming, time_network
from .plan import known_steps

if TYPE_CHECKING:
    from .processes.layers import ProductLayer, ReadoutLayer
    from .processes.run_config import VsnRunConfig
    from .processes.vsn import VSN


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LavaNetwork(Record):
    """A network's processes, connected; the inputs and the read-out's output are open."""

    nodes: tuple[VSN | ProductLayer, ...]
    """Processes of the populations and products, in the network's order."""
    readout: ReadoutLayer
    """The linear read-out."""
    inputs: Mapping[str, tuple[Any, ...]]
    """Open input ports of each input by name, (width,) or (batch_size, width); a source sends to all of its input's."""
    recordings: tuple[NodeRecording, ...]
    """Counts and probed values, one for each node; they fill while the graph runs."""
    emitted: ReadoutRecording
    """Reduced outputs, where the number of samples is known; saturations; probed outputs."""
    schedule: Schedule
    """The step counter of the inputs."""
    timing: NetworkTiming
    """Starts of the nodes, and their delay lines."""
    numerics: Numerics
    """Kind of numbers, float or integer."""
    model: LayerModel
    """Process models that the nodes are built of."""

    @property
    def a_in(self) -> Any:
        """The open input port of a network with only one.

        Raises:
            SpecError: If several ports are open.
        """
        ports = [port for ports in self.inputs.values() for port in ports]
        if len(ports) != 1:
            counts = ", ".join(f"{len(ports)} of {name!r}" for name, ports in self.inputs.items())
            repair = "Connect your sources to the ports of `inputs`, as `source.connect(list(net.inputs[name]))`."
            raise SpecError("LavaNetwork.a_in", "be used where one input port is open", counts, repair)
        return ports[0]

    @property
    def y_out(self) -> Any:
        """Open output port, shape (n_out,) or (batch_size, n_out)."""
        return self.readout.y_out

    @property
    def latency(self) -> int:
        """Steps of Lava from the first message at the inputs to the first output at `y_out`."""
        return self.timing.latency

    @property
    def interval(self) -> int:
        """Steps of Lava from one message at the inputs to the next; what arrives in between is ignored."""
        return self.timing.interval

    def run_config(self, models: Mapping[type, type] | None = None) -> VsnRunConfig:
        """Build the run configuration that chooses this network's process models; `models` adds exceptions by class."""
        from .processes.run_config import VsnRunConfig

        return VsnRunConfig(self.numerics, self.model, models)


def to_lava(
    network: Network,
    *,
    model: LayerModel = LayerModel.FUSED,
    batch_size: int | None = None,
    input_latency: int | None = None,
    n_samples: int | None = None,
    n_steps: int | None = None,
    probe: Probe = NO_PROBE,
    constant_input: bool = False,
    holding: Holding | None = None,
) -> LavaNetwork:
    """Build a network's Lava processes and connect them.

    Each sample is presented for T = `network.n_steps` steps of the network, one after the other; membranes return to zero
    between samples, by each node's own counter, which begins with the first message.

    Args:
        network: Float or quantized.
        model: What a node is made of; `LayerModel.WHOLE` has no nodes to connect.
        batch_size: Rows of a message; None for one sample at a time, without a batch axis.
        input_latency: In which step of Lava the first message arrives at the inputs, counted from 0: a source that sends at
            once needs 0, one behind a Dense of its own 1. Checked when the graph is compiled, where the delay of the
            processes before it is known: those of this package and Lava's connections. None says that nothing delays,
            and is refused where something does, or where a process of the user's own with an input may.
        n_samples: How many samples there will be; None for as many as come. Only a known number is reduced in `emitted`.
        n_steps: Number of steps of every sample, where an input is a sequence and the network has none of its own.
        probe: Samples and nodes to record in full.
        constant_input: The source sends the same input at all T steps of a presentation, so that populations that read
            nothing else multiply only once. Nothing checks it, nor the words of inputs; without it, a longer one ends the run.
        holding: Held values of the samples, where they are known beforehand and the source sends each only once; None computes
            what depends on held inputs at every sample. Not for `LayerModel.DENSE`.

    Raises:
        SimulationError: If Lava does not run here.
        HardwareRuleError: If Lava's Dense cannot hold a connection.
        SpecError: If an argument is out of range.
    """
    require_lava()
    steps = known_steps(network, n_steps, "to_lava.n_steps")
    interval, latency = time_network(network).interval, input_latency or 0
    first = Schedule(n_steps=steps, latency=latency, interval=interval, batch_size=batch_size, n_samples=n_samples)
    _check(network, model, first, probe, holding)
    recordings, emitted = make_recordings(network, probe, steps, n_samples)
    entry = Entry(latency=input_latency, is_checked=not constant_input)
    with unchanged_logging():
        built = _build_nodes(network, first, (*recordings, emitted), entry, holding)
    return LavaNetwork(
        nodes=tuple(built[node.name] for node in network.nodes),
        readout=built[network.output.name],
        inputs=_connect(network, built),
        recordings=recordings,
        emitted=emitted,
        schedule=first,
        timing=time_network(network),
        numerics=Numerics.of(network),
        model=model,
    )


def _check(network: Network, model: LayerModel, first: Schedule, probe: Probe, holding: Holding | None) -> None:
    """Check that a network can be built of processes of its nodes.

    Raises:
        HardwareRuleError: If Lava's Dense cannot hold a connection.
        SpecError: If the model has no nodes, the probe names one that is not there, or no input reaches one.
    """
    if model is LayerModel.WHOLE:
        repair = "Use LayerModel.FUSED or DENSE; `simulate_on_lava` runs whole networks."
        raise SpecError("to_lava.model", "be a model of single layers", model.value, repair)
    probe.check_names([node.name for node in network.nodes])
    _check_connected(network)
    if model is LayerModel.DENSE:
        if holding is not None:
            repair = "Leave it out, or use LayerModel.FUSED."
            raise SpecError(
                "to_lava.holding", "be None for Lava's own Dense, which keeps no payloads", "held values", repair
            )
        nodes = (*network.nodes, network.output)
        raise_violations((each for node in nodes for each in dense_violations(node, first)), HardwareRuleError)


def _check_connected(network: Network) -> None:
    """Check that Lava, which follows connections in both directions, finds all processes from those of the inputs.

    Raises:
        SpecError: If it does not.
    """
    nodes = (*network.nodes, network.output)
    found = {each.name for each in network.inputs}
    for _ in nodes:
        for node in nodes:
            linked = {node.name, *(source for source, _ in node.edges)}
            found |= linked if linked & found else set()
    missing = next((node.name for node in nodes if node.name not in found), None)
    if missing is not None:
        repair = "Leave it out, or run on Lava with LayerModel.WHOLE."
        rule = "reach every node from its inputs over connections"
        raise SpecError(f"to_lava: network {network.name!r}", rule, repr(missing), repair)


def _build_nodes(
    network: Network,
    first: Schedule,
    recordings: Sequence[NodeRecording | ReadoutRecording],
    entry: Entry,
    holding: Holding | None,
) -> dict[str, Any]:
    """Build the process of each node and of the read-out, by name."""
    from .processes.layers import ProductLayer, ReadoutLayer

    inputs = {each.name for each in network.inputs}
    timings = time_network(network).nodes
    built: dict[str, Any] = {}
    for node, timing, recording in zip((*network.nodes, network.output), timings, recordings, strict=True):
        schedule = first.delayed(timing.start)
        known: dict[str, Any] = {
            "recording": recording,
            "constant_input": not entry.is_checked and all(name in inputs and not delay for name, delay in node.edges),
            "entries": {index: entry for index, (source, _) in enumerate(node.edges) if source in inputs},
            "holding": holding,
        }
        if isinstance(node, (PopulationSpec, QuantizedPopulation)):
            built[node.name] = _population(node, schedule, timing, known)
        else:
            kind = ProductLayer if isinstance(node, (ProductSpec, QuantizedProduct)) else ReadoutLayer
            built[node.name] = kind(layer=node, schedule=schedule, timing=timing, **known)
    return built


def _population(
    node: PopulationSpec | QuantizedPopulation, schedule: Schedule, timing: NodeTiming, known: Mapping[str, Any]
) -> VSN:
    """Build a population as a Lava user would, with what is known of its place in the network."""
    from .processes.vsn import VSN

    affine, phi = (node.affine, node.table) if isinstance(node, QuantizedPopulation) else (node, node.activation)
    return VSN(
        shape=schedule.shape(node.n_out),
        weights=affine.connections,
        bias=affine.bias,
        beta=node.beta,
        theta=node.theta,
        phi=phi,
        polarity=node.polarity,
        reset_interval=schedule.n_steps,
        reset_offset=schedule.latency,
        step_interval=schedule.interval,
        waits=[line.length for line in timing.lines],
        name=node.name,
        n_samples=schedule.n_samples,
        **known,
    )


def _connect(network: Network, built: Mapping[str, Any]) -> Mapping[str, tuple[Any, ...]]:
    """Connect the nodes; return the open ports of each input."""
    readers: dict[str, list[Any]] = {each.name: [] for each in network.inputs}
    for node in (*network.nodes, network.output):
        for (source, _), port in zip(node.edges, built[node.name].ports, strict=True):
            if source in readers:
                readers[source].append(port)
            else:
                built[source].a_out.connect(port)
    return MappingProxyType({name: tuple(ports) for name, ports in readers.items()})
