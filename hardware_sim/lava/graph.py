"""A network as connected Lava processes, with open ports, to be run by this package or inside a user's own graph.

    words ──▶ a_in  VsnLayer ──▶ … ──▶ VsnLayer ──▶ ReadoutLayer  y_out ──▶ outputs

What arrives at `a_in` in one step of Lava leaves `y_out` `latency` steps later: every layer delays by one. A quantized network
takes int32 words (`neuropinn_lava.engine.host.encode_points` makes them) and emits int32 outputs; a float one takes and emits
float64.
Lava is imported when a graph is built, not before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ...base.arrays import Record
from ...base.checks import raise_violations
from ...base.errors import HardwareRuleError, SpecError
from ...engine.trace import NO_PROBE, Probe
from ...network.nodes import PopulationSpec
from ...network.quantized import Network
from ...network.quantized_nodes import QuantizedPopulation
from ..kernels.layer_kernel import make_kernel
from ..runner.lava_globals import unchanged_logging
from ..runner.lava_guard import require_lava
from ..steps.choices import LayerModel, Numerics
from ..steps.compile_checks import Entry
from ..steps.dense_rules import dense_violations
from ..steps.recording import LayerRecording, ReadoutRecording, make_recordings
from ..steps.schedule import Schedule

if TYPE_CHECKING:
    from .processes.layers import ReadoutLayer, VsnLayer
    from .processes.run_config import VsnRunConfig


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LavaNetwork(Record):
    """A network's processes, connected; the first one's input and the last one's output are open."""

    layers: tuple[VsnLayer, ...]
    """The spiking layers."""
    readout: ReadoutLayer
    """The linear read-out."""
    recordings: tuple[LayerRecording, ...]
    """Counts and probed values, one per spiking layer; they fill while the graph runs."""
    emitted: ReadoutRecording
    """Sums of the outputs, where the number of samples is known; saturations; probed outputs."""
    schedule: Schedule
    """The step counter of the first layer."""
    numerics: Numerics
    """Kind of numbers, float or integer."""
    model: LayerModel
    """Process models that the layers are built of."""

    @property
    def a_in(self) -> Any:
        """Open input port, shape (n_in,) or (batch_size, n_in)."""
        return self.layers[0].a_in

    @property
    def y_out(self) -> Any:
        """Open output port, shape (n_out,) or (batch_size, n_out)."""
        return self.readout.y_out

    @property
    def latency(self) -> int:
        """Steps of Lava from a message at `a_in` to its output at `y_out`."""
        return len(self.layers) + 1

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
    probe: Probe = NO_PROBE,
    constant_input: bool = False,
) -> LavaNetwork:
    """Build a network's Lava processes and connect them.

    Each sample is presented for T = `network.n_steps` steps of Lava, one after the other; membranes return to zero between
    samples, by each layer's own counter, which begins with the first message.

    Args:
        network: Float or quantized.
        model: What a layer is made of; `LayerModel.WHOLE` has no layers to connect.
        batch_size: Rows of a message; None for one sample at a time, without a batch axis.
        input_latency: In which step of Lava the first message arrives at `a_in`, counted from 0: a source that sends at
            once needs 0, one behind a Dense of its own 1. Checked when the graph is compiled, where the delay of the
            processes before it is known: those of this package and Lava's connections. None says that nothing delays,
            and is refused where something does, or where a process of the user's own with an input may.
        n_samples: How many samples there will be; None for as many as come. Only a known number is summed up in `emitted`.
        probe: Samples and layers to record in full.
        constant_input: The source sends the same input at all T steps of a presentation, so that the first layer multiplies
            only once. Nothing checks it, nor that inputs stay within their word; without it, a longer input ends the run.

    Raises:
        SimulationError: If Lava does not run here.
        HardwareRuleError: If Lava's Dense cannot hold a layer.
        SpecError: If an argument is out of range.
    """
    if model is LayerModel.WHOLE:
        mend = "Use LayerModel.FUSED or DENSE; `simulate_on_lava` runs whole networks."
        raise SpecError("to_lava.model", "be a model of single layers", model.value, mend)
    require_lava()
    probe.check_names([layer.name for layer in network.populations])
    first = Schedule(n_steps=network.n_steps, latency=input_latency or 0, batch_size=batch_size, n_samples=n_samples)
    chain = (*network.populations, network.output)
    if model is LayerModel.DENSE:
        raise_violations((each for layer in chain for each in dense_violations(layer, first)), HardwareRuleError)
    for layer in chain:
        make_kernel(layer, n_samples).warm_up()
    recordings, emitted = make_recordings(network, probe, n_samples)
    with unchanged_logging():
        entry = Entry(latency=input_latency, is_checked=not constant_input)
        return _connected(network, model, first, recordings, emitted, entry)


def _connected(
    network: Network,
    model: LayerModel,
    first: Schedule,
    recordings: tuple[LayerRecording, ...],
    emitted: ReadoutRecording,
    entry: Entry,
) -> LavaNetwork:
    from .processes.layers import ReadoutLayer, VsnLayer

    spiking: tuple[PopulationSpec | QuantizedPopulation, ...] = network.populations
    layers: tuple[VsnLayer, ...] = tuple(
        VsnLayer(
            layer=layer,
            schedule=first.delayed(index),
            recording=recording,
            constant_input=not entry.is_checked and index == 0,
            entry=None if index else entry,
        )
        for index, (layer, recording) in enumerate(zip(spiking, recordings, strict=True))
    )
    readout = ReadoutLayer(layer=network.output, schedule=first.delayed(len(layers)), recording=emitted)
    chain: list[Any] = [*layers, readout]
    for before, after in pairwise(chain):
        before.a_out.connect(after.a_in)
    return LavaNetwork(
        layers=layers,
        readout=readout,
        recordings=recordings,
        emitted=emitted,
        schedule=first,
        numerics=Numerics.of(network),
        model=model,
    )
