"""Where the error of a quantized network comes from: what each cause in each node adds, everything else being float.

    weights      W and b are those of the integers
    state        z and m are rounded to the state's scale, the leak is truncated
    saturation   z and m saturate at the ends of the state word
    theta, beta  are those of the integers
    phi table    payloads are interpolated between the table's entries, not rounded
    payload      payloads (of an input: coordinates; of a product: products) are rounded to their word, and saturate

The float network is walked for every pair of node and cause with that cause alone switched on; its output is compared with the
float network's, its spikes with the float network's spikes. Causes interact, so they do not add up to the whole. Weights that
were rounded with compensation, or tuned, make up for other causes: alone, they may add more than the whole.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from ...base.arrays import BoolArray, FloatArray, Record
from ...base.metrics import relative_change
from ...engine.host import decode_floats
from ...engine.recording import read_out
from ...engine.reference import constant_inputs, fires, float_drive, run_integer, step_float
from ...engine.trace import Probe
from ...engine.walk import NodeStep, walk
from ...network.activations import find_activation
from ...network.given_points import checked_samples
from ...network.integers import IntFormat, dequantize_array, quantize_into, round_half_up
from ...network.nodes import NodeSpec, OutputSpec, PopulationSpec
from ...network.phi_table import PhiTable, Side
from ...network.quantized import QuantizedNetwork
from ...network.quantized_nodes import QuantizedAffine, QuantizedNode, QuantizedOutput, QuantizedPopulation, Word
from ..calibrate.calibration import count_steps
from ..quantize.descent import Affine, dequantized_node


class Cause(str, Enum):
    """The effects of integer arithmetic in a node."""

    WEIGHTS = "weights"
    STATE = "state rounding"
    SATURATION = "state saturation"
    THETA = "theta"
    BETA = "beta"
    PHI_TABLE = "phi table"
    PAYLOAD = "payload"


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetEntry(Record):
    """The error that one cause in one node adds alone."""

    name: str
    """Name of the node or input."""
    cause: Cause
    """The cause that was switched on."""
    relative_change: float
    """Relative L2 of the network's output against the float network's."""
    flipped_spikes: float
    """Share of all spikes of the network, fired or not, that differ from the float network's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorBudget(Record):
    """The errors of all causes in all nodes, and of the whole integer network."""

    n_points: int
    """Number of points of the measurement."""
    entries: tuple[BudgetEntry, ...]
    """Entries of the inputs, then node by node; causes that change nothing are kept, with zeros."""
    whole_change: float
    """Relative L2 of the integer network's output against the float network's."""
    whole_flipped: float
    """Share of spikes that differ in the integer network."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the rows in order: the inputs, the nodes, the read-out."""
        return tuple(dict.fromkeys(entry.name for entry in self.entries))

    def entry(self, name: str, cause: Cause) -> BudgetEntry | None:
        """Return the entry of one cause in one node, or None where a node has no such cause."""
        return next((entry for entry in self.entries if (entry.name, entry.cause) == (name, cause)), None)

    def largest(self) -> BudgetEntry:
        """Return the entry with the largest relative change."""
        return max(self.entries, key=lambda entry: entry.relative_change)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Run:
    """Outputs of one run, and spikes of each population, all steps stacked."""

    outputs: FloatArray
    fired: Mapping[str, BoolArray]


def measure_error_budget(network: QuantizedNetwork, points: FloatArray) -> ErrorBudget:
    """Measure the error that each cause in each node adds.

    Args:
        network: The quantized network.
        points: Physical coordinates, shape (n, n_in), or sequences (n, n_steps, n_in); a thousand or two are enough.

    Raises:
        SpecError: If the points are not what the network takes.
    """
    points = checked_samples(points, network, f"error budget of network {network.name!r}")
    reference = _run(network, points, None)
    entries = []
    for switch in _switches(network):
        change, flipped = _compare(_run(network, points, switch), reference)
        entries.append(BudgetEntry(name=switch[0], cause=switch[1], relative_change=change, flipped_spikes=flipped))
    change, flipped = _compare(_run_whole(network, points), reference)
    return ErrorBudget(n_points=len(points), entries=tuple(entries), whole_change=change, whole_flipped=flipped)


def _switches(network: QuantizedNetwork) -> Iterator[tuple[str, Cause]]:
    for each in network.inputs:
        yield each.name, Cause.PAYLOAD
    for node in network.nodes:
        causes = set(Cause) if isinstance(node, QuantizedPopulation) else {Cause.PAYLOAD}
        if isinstance(node, QuantizedPopulation) and not node.table.rule.needs_table:
            causes.remove(Cause.PHI_TABLE)
        yield from ((node.name, cause) for cause in Cause if cause in causes)
    for cause in (Cause.WEIGHTS, Cause.STATE, Cause.SATURATION):
        yield network.output.name, cause


def _compare(run: _Run, reference: _Run) -> tuple[float, float]:
    """Compute the relative change of the output and the share of flipped spikes."""
    change = relative_change(run.outputs, reference.outputs)
    flipped = sum(int((run.fired[name] != fired).sum()) for name, fired in reference.fired.items())
    return change, flipped / sum(fired.size for fired in reference.fired.values())


def _run_whole(network: QuantizedNetwork, points: FloatArray) -> _Run:
    trace = run_integer(network, points, Probe(n_samples=len(points)))
    nodes = trace.probe.nodes if trace.probe else ()
    return _Run(outputs=trace.outputs, fired={node.name: np.swapaxes(node.fired, 0, 1) for node in nodes})


def _run(network: QuantizedNetwork, points: FloatArray, switch: tuple[str, Cause] | None) -> _Run:
    """Walk the float network with one cause switched on, or none."""
    source, name = network.source, switch[0] if switch else ""
    sources = {each.name: word for each, word in zip(network.inputs, network.input_words, strict=True)}
    values = constant_inputs(source, source.input_transform.apply(points))
    emitted: list[FloatArray] = []
    fired: dict[str, list[BoolArray]] = defaultdict(list)

    def inputs(t: int) -> dict[str, FloatArray]:
        now = dict(values(t))
        if name in sources:
            now[name] = _rounded(now[name], sources[name])
        return now

    def see(t: int, node: Any, step: NodeStep) -> None:
        if isinstance(node, OutputSpec):
            emitted.append(step.payload)
        elif isinstance(node, PopulationSpec):
            fired[node.name].append(step.fired)

    walk(source, inputs, count_steps(source, points), _SwitchedArithmetic(network, len(points), switch), see)
    outputs = decode_floats(source, points, read_out(emitted, source.readout))
    return _Run(outputs=outputs, fired={name: np.stack(steps) for name, steps in fired.items()})


def _rounded(values: FloatArray, word: Word) -> FloatArray:
    return dequantize_array(quantize_into(values, word.exponent, IntFormat(bits=word.bits))[0], word.exponent)


def _as_state(values: FloatArray, affine: QuantizedAffine, cause: Cause | None) -> FloatArray:
    """Round or saturate z or m as the state word does, if that is the cause."""
    unit = math.ldexp(1.0, affine.state_exponent)
    if cause is Cause.STATE:
        return unit * round_half_up(values / unit)
    if cause is Cause.SATURATION:
        highest = unit * IntFormat(bits=affine.state_bits).highest
        return np.clip(values, -highest, highest)
    return values


def interpolate(table: PhiTable, drive: FloatArray) -> FloatArray:
    """Interpolate a phi table at real drives z, physical, any shape; return phi itself where there is no table.

    The equations are those of `phi_table.py` without the roundings of z and of the payload, and without saturation, so that
    the cost of the table is separated from that of the words around it.
    """
    if not table.rule.needs_table:
        return table.rule.phi(drive)
    z = drive * math.ldexp(1.0, -table.state_exponent)
    q = np.abs(z) if table.period_mask < 0 else np.remainder(np.abs(z), table.period_mask + 1.0)
    above, below = (side.sign * _interpolate_side(side, q, table.index_bits) for side in table.sides)
    value: FloatArray = np.ldexp(np.where(z < 0, below, above), table.left + table.payload_exponent)
    return value


def _interpolate_side(side: Side, q: FloatArray, index_bits: int) -> FloatArray:
    """Compute p of the table's equations at real q, without its sign."""
    corners = np.ldexp(np.arange(len(side.entries), dtype=np.float64), index_bits)
    inside = np.interp(q, corners, np.ldexp(side.entries.astype(np.float64), index_bits))
    p: FloatArray = inside + np.maximum(q - side.domain, 0.0) * side.slope
    return p


class _SwitchedArithmetic:
    """Float numbers, with one cause of one node switched on."""

    def __init__(self, network: QuantizedNetwork, n_samples: int, switch: tuple[str, Cause] | None) -> None:
        self.n_samples, self.switch = n_samples, switch
        nodes: Sequence[QuantizedNode | QuantizedOutput] = (*network.nodes, network.output)
        self.chip = next((node for node in nodes if switch and node.name == switch[0]), None)

    def silence(self, width: int) -> FloatArray:
        """Return zeros of shape (n_samples, width)."""
        return np.zeros((self.n_samples, width))

    def step(self, node: NodeSpec | OutputSpec, membrane: FloatArray, received: Sequence[FloatArray]) -> NodeStep:
        """Compute one step of a node."""
        if self.chip is None or self.switch is None or node.name != self.chip.name:
            return step_float(node, membrane, received)
        if isinstance(self.chip, QuantizedOutput):
            assert isinstance(node, OutputSpec)
            z = _switched_drive(node, self.chip, received, self.switch[1])
            return NodeStep(received, z, z)
        if isinstance(node, PopulationSpec) and isinstance(self.chip, QuantizedPopulation):
            return _step_switched(node, self.chip, membrane, received, self.switch[1])
        step = step_float(node, membrane, received)
        return step._replace(payload=_rounded(step.payload, self.chip.sends))


def _switched_drive(
    node: Affine,
    chip: QuantizedPopulation | QuantizedOutput,
    received: Sequence[FloatArray],
    cause: Cause,
) -> FloatArray:
    """Compute z, shape (n_samples, n_out)."""
    exact = dequantized_node(node, chip) if cause is Cause.WEIGHTS else node
    return _as_state(float_drive(exact, received), chip.affine, cause)


def _step_switched(
    node: PopulationSpec,
    chip: QuantizedPopulation,
    membrane: FloatArray,
    received: Sequence[FloatArray],
    cause: Cause,
) -> NodeStep:
    """Compute one step of a population with one cause switched on."""
    integers = dequantized_node(node, chip)
    beta = integers.beta if cause is Cause.BETA else node.beta
    theta = integers.theta if cause is Cause.THETA else node.theta
    z = _switched_drive(node, chip, received, cause)
    kept = beta * membrane
    if cause is Cause.STATE:
        unit = math.ldexp(1.0, chip.affine.state_exponent)
        kept = np.trunc(kept / unit) * unit
    m = _as_state(kept + z, chip.affine, cause)
    fired = fires(m, theta, node.polarity)
    gated = np.where(fired, z, 0.0)
    is_looked_up = cause is Cause.PHI_TABLE
    payload = interpolate(chip.table, gated) if is_looked_up else find_activation(node.activation).phi(gated)
    if cause is Cause.PAYLOAD:
        payload = _rounded(payload, chip.sends)
    return NodeStep(received, z, payload, m, fired, np.where(fired, 0.0, m))
