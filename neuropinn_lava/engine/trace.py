"""Results of a run: outputs and counts of every run, and full traces of the samples that a probe chooses.

All backends return the same records, so that counting, parity and reports work with any of them. A run in integers has int64
membranes, payloads and sums; a float run has float64 ones.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base.arrays import ArrayRecord, BoolArray, FloatArray, IntArray, Record, freeze_arrays
from ..base.checks import as_tuple, check_choice, check_range, check_shape, check_whole, raise_violations
from ..base.errors import SpecError, Violation
from .state import RunState, joined_states

NumberArray = NDArray[Any]
"""int64 in an integer run, float64 in a float run."""


class Backend(str, Enum):
    """Engine that computed a run."""

    TORCH = "torch"
    """The trained torch module."""
    FLOAT = "float"
    """The numpy engine in float64, `run_float`."""
    INTEGER = "integer"
    """The numpy engine in integers, `run_integer`."""
    LAVA = "lava"
    """Lava's processes, of a float or of a quantized network."""
    C99 = "c99"
    """The C99 of a quantized network, compiled for this machine."""
    RTL = "rtl"
    """The Verilog of a quantized network, simulated cycle by cycle."""
    ONNX = "onnx"
    """The ONNX graph of a quantized network, run by onnxruntime."""
    QONNX = "qonnx"
    """The QONNX graph of a quantized network, run by the reference of qonnx."""


class LavaMode(str, Enum):
    """How samples are presented to Lava."""

    FAITHFUL = "faithful"
    """One sample at a time, nodes one step apart, as on the chip."""
    BATCHED = "batched"
    """A batch of samples in the shape of the port, for many points."""


class LayerModel(str, Enum):
    """Lava processes that a layer consists of."""

    FUSED = "fused"
    """One process for each layer, with synapses and neurons in one compiled loop."""
    DENSE = "dense"
    """Two processes for each layer: Lava's own Dense and the neurons; faithful mode only."""
    WHOLE = "whole"
    """The whole network in one process, or one such process for each core: the fastest, and not the chip's graph."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NodeCounts(ArrayRecord):
    """Counts of one node, summed over the samples."""

    name: str
    """Name of the node."""
    fired: IntArray
    """Numbers of spikes s = 1, shape (n_steps, n_neurons); zero for a product, which never fires."""
    events: IntArray
    """Numbers of payloads that were not zero, shape (n_steps, n_neurons); of a population at most `fired`."""
    multiplied: IntArray | None = None
    """Numbers of elements of a product whose factors were both events, shape (n_steps, n_neurons); None for a population."""
    saturated_drive: int = 0
    """Number of entries of z that the state word could not hold."""
    saturated_membrane: int = 0
    """Number of entries of m that the state word could not hold."""
    saturated_payload: int = 0
    """Number of payloads of fired neurons that the payload word could not hold."""

    def __post_init__(self) -> None:
        freeze_arrays(self, fired=np.int64, events=np.int64)
        if self.multiplied is not None:
            freeze_arrays(self, multiplied=np.int64)
        shape = self.fired.shape
        raise_violations(check_shape(f"NodeCounts {self.name!r}.events", self.events, shape, "(n_steps, n_neurons)"))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NodeTrace(ArrayRecord):
    """Every value of one node for the probed samples."""

    name: str
    """Name of the node."""
    membrane: NumberArray
    """Membrane m[t] after the reset, shape (n_probed, n_steps, n_neurons); zero for a product."""
    fired: BoolArray
    """Spikes s[t], of the same shape."""
    payload: NumberArray
    """Payload a[t], of the same shape."""

    def __post_init__(self) -> None:
        freeze_arrays(self, membrane=self.membrane.dtype, fired=np.bool_, payload=self.payload.dtype)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ProbeTrace(ArrayRecord):
    """Full traces of the probed samples."""

    samples: IntArray
    """Numbers of the probed samples in the run, ascending, shape (n_probed,)."""
    nodes: tuple[NodeTrace, ...]
    """Traces of the probed nodes, in their order."""
    output: NumberArray
    """Outputs that the read-out layer emitted at every step, shape (n_probed, n_steps, n_out)."""
    steps: IntArray | None = None
    """Recorded steps, ascending, shape (n_steps,); None where all steps are recorded."""

    def __post_init__(self) -> None:
        freeze_arrays(self, samples=np.int64, output=self.output.dtype)
        if self.steps is not None:
            freeze_arrays(self, steps=np.int64)

    @property
    def n_bytes(self) -> int:
        """Number of bytes that the recorded values take."""
        arrays = [self.output, *(a for each in self.nodes for a in (each.membrane, each.fired, each.payload))]
        return sum(int(array.nbytes) for array in arrays)


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe(Record):
    """What to record in full: `Probe(n_samples=64)` is the first 64 samples, all nodes, all steps.

    `Probe(samples=(5, 99), nodes=("hidden1",), steps=(0,))` is two samples out of any number, one node, one step.
    """

    n_samples: int = 0
    """Number of samples to record, from the first on; 0 records nothing."""
    nodes: tuple[str, ...] | None = None
    """Names of the nodes to record; None for all."""
    samples: tuple[int, ...] | None = None
    """Numbers of the samples to record, ascending, in place of the first ones."""
    steps: tuple[int, ...] | None = None
    """Numbers of the steps to record, 0 … T - 1, ascending; None for all."""

    def __post_init__(self) -> None:
        for name in ("nodes", "samples", "steps"):
            object.__setattr__(self, name, as_tuple(getattr(self, name)))
        found = [*check_whole("Probe.n_samples", self.n_samples)]
        raise_violations(found or check_range("Probe.n_samples", self.n_samples, 0, math.inf))
        raise_violations((*_check_ascending("samples", self.samples), *_check_ascending("steps", self.steps)))
        if self.samples is not None and self.n_samples:
            repair = "Give n_samples, or samples."
            raise SpecError("Probe.samples", "be left out beside n_samples", self.samples, repair)

    @property
    def is_chosen(self) -> bool:
        """Whether samples or steps are chosen by number, which `run_probed` records."""
        return self.samples is not None or self.steps is not None

    def count(self, n_samples: int) -> int:
        """Return the number of recorded samples in a run of `n_samples`."""
        return min(self.n_samples, n_samples)

    def check_names(self, names: list[str]) -> None:
        """Check that every node to record is one of `names`.

        Raises:
            SpecError: If one is not; the nearest names are shown.
        """
        asked = self.nodes or ()
        raise_violations(violation for name in asked for violation in check_choice("Probe.nodes", name, names))

    def records(self, node: str) -> bool:
        """Return whether the node of that name is recorded."""
        return self.n_samples > 0 and (self.nodes is None or node in self.nodes)


def _check_ascending(name: str, chosen: tuple[int, ...] | None) -> Iterator[Violation]:
    """Check that the numbers of a choice are whole, not negative, and ascending."""
    if chosen is None:
        return
    found = [violation for number in chosen for violation in check_whole(f"Probe.{name}", number)]
    yield from found
    if not found and (not chosen or chosen[0] < 0 or any(a >= b for a, b in pairwise(chosen))):
        rule = "be ascending numbers from 0 on, at least one"
        yield Violation(f"Probe.{name}", rule, chosen, "Sort them, leave doubles out, or give None.")


NO_PROBE = Probe()
"""Record nothing in full."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RunTrace(ArrayRecord):
    """Result of one run of a network on a set of points."""

    network_digest: str
    """Digest of the network that ran."""
    backend: Backend
    """Engine that ran it."""
    mode: LavaMode | None = None
    """Mode of a run on Lava; None for other backends."""
    n_steps: int
    """Number T of steps."""
    outputs: FloatArray
    """Outputs u in physical units, shape (n_samples, n_out); of every step (n_samples, n_steps, n_out)."""
    readout: NumberArray
    """Sum of the emitted outputs over the steps (or the last one, or all), before any scale, of the same shape."""
    input_events: IntArray
    """Numbers of input values that were not zero, summed over the samples, shape (n_steps, n_in)."""
    saturated_input: int = 0
    """Number of input values that the input word could not hold."""
    saturated_output: int = 0
    """Number of emitted outputs that the state word could not hold."""
    nodes: tuple[NodeCounts, ...]
    """Counts of populations and products, in their order."""
    probe: ProbeTrace | None = None
    """Full traces of the probed samples, if a probe was given."""
    seconds: float | None = None
    """Wall time of the run in seconds, start-up included."""
    state: RunState | None = None
    """State in which the run ended, where it continued one."""

    def __post_init__(self) -> None:
        freeze_arrays(self, outputs=np.float64, readout=self.readout.dtype, input_events=np.int64)
        raise_violations(self._violations())

    def _violations(self) -> Iterator[Violation]:
        wanted = (None, self.n_steps, None) if self.outputs.ndim == 3 else (None, None)
        yield from check_shape("RunTrace.outputs", self.outputs, wanted, "(n_samples, n_out)")
        yield from check_shape("RunTrace.readout", self.readout, self.outputs.shape, "(n_samples, n_out)")
        yield from check_shape("RunTrace.input_events", self.input_events, (self.n_steps, None), "(n_steps, n_in)")

    @property
    def n_samples(self) -> int:
        """Number of samples of the run."""
        return int(self.outputs.shape[0])

    @property
    def n_saturated(self) -> int:
        """Number of all values of the run that saturated."""
        inside = sum(c.saturated_drive + c.saturated_membrane + c.saturated_payload for c in self.nodes)
        return self.saturated_input + inside + self.saturated_output


def joined_traces(traces: list[RunTrace]) -> RunTrace:
    """Join the traces of consecutive blocks of one run: outputs in order, counts added, the probe of the first block.

    Raises:
        SpecError: If there are none, or if they come from different networks.
    """
    if len({trace.network_digest for trace in traces}) != 1:
        raise SpecError("joined_traces", "get blocks of one run of one network", len(traces), "Join blocks of one run.")
    first = traces[0]
    return RunTrace(
        network_digest=first.network_digest,
        backend=first.backend,
        mode=first.mode,
        n_steps=first.n_steps,
        outputs=np.concatenate([trace.outputs for trace in traces]),
        readout=np.concatenate([trace.readout for trace in traces]),
        input_events=_sum_arrays([trace.input_events for trace in traces]),
        saturated_input=sum(trace.saturated_input for trace in traces),
        saturated_output=sum(trace.saturated_output for trace in traces),
        nodes=tuple(_joined_counts(list(blocks)) for blocks in zip(*(trace.nodes for trace in traces), strict=True)),
        probe=first.probe,
        seconds=sum(trace.seconds or 0.0 for trace in traces),
        state=None
        if first.state is None
        else joined_states(trace.state for trace in traces if trace.state is not None),
    )


def _sum_arrays(arrays: list[IntArray]) -> IntArray:
    """Add integer arrays of one shape."""
    total: IntArray = np.sum(np.stack(arrays), axis=0)
    return total


def _joined_counts(blocks: list[NodeCounts]) -> NodeCounts:
    return NodeCounts(
        name=blocks[0].name,
        fired=_sum_arrays([block.fired for block in blocks]),
        events=_sum_arrays([block.events for block in blocks]),
        multiplied=None if blocks[0].multiplied is None else _sum_arrays([block.multiplied for block in blocks]),  # type: ignore[misc]
        saturated_drive=sum(block.saturated_drive for block in blocks),
        saturated_membrane=sum(block.saturated_membrane for block in blocks),
        saturated_payload=sum(block.saturated_payload for block in blocks),
    )
