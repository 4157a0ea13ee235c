"""Compare two runs of one network value by value, and name the first place where they differ.

Probed membranes, spikes, payloads and outputs are compared at every step; then the counts and the sums of all samples, probed
or not. First means first in the order of cause: by step, then by node in the network's order, then by sample. Within a neuron's
step the spike is judged before the membrane, which the spike resets, and before the payload.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ...base.arrays import BoolArray, Record, split_columns
from ...base.errors import SpecError
from ...engine.trace import NodeCounts, NumberArray, ProbeTrace, RunTrace
from ...network.quantized import Network

QUANTITIES = ("fired", "membrane", "payload", "output")
"""Of a probed neuron, in the order of cause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstDifference(Record):
    """The first place where two runs differ."""

    layer: str
    """Name of the node, the input or the read-out."""
    step: int | None
    """Which step, 0 … T - 1; None for a sum over the steps."""
    sample: int | None
    """Which sample of the run; None for a count over the samples."""
    neuron: int | None
    """Which neuron, element or component; None for a count over the node."""
    quantity: str
    """What differs: one of `QUANTITIES`, a count of `fired`, `event` or `multiplication`, `readout`, `u`, or saturations."""
    expected: float
    """What the first run has."""
    found: float
    """What the second run has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParityResult(Record):
    """What a comparison found."""

    n_samples: int
    """Samples of either run."""
    values_compared: int
    """How many pairs of numbers were compared."""
    mismatches: int
    """How many of them differ."""
    first_difference: FirstDifference | None
    """None where nothing differs."""


class _Pair(NamedTuple):
    """The same numbers of two runs, with their axes."""

    node: str
    order: int
    """Rank of the node among those of a step."""
    quantity: str
    axes: str
    """Axes of the arrays: s samples, t steps, n neurons."""
    expected: NumberArray
    found: NumberArray


def compare_traces(
    expected: RunTrace, actual: RunTrace, tolerance: float = 0.0, network: Network | None = None
) -> ParityResult:
    """Compare two runs of the same network on the same points.

    Of the probed samples and nodes, those that both runs recorded are compared.

    Args:
        expected: The run that is right by definition.
        actual: The run in question.
        tolerance: Largest difference that counts as none, as a fraction of the largest magnitude in the same array of
            `expected`; 0 for integers.
        network: The network, which names its inputs and its read-out; None calls them `input` and `output`.

    Raises:
        SpecError: If the runs are not of one network, one number of samples and steps.
    """
    _check_comparable(expected, actual)
    output = "output" if network is None else network.output.name
    pairs = [
        *_probe_pairs(expected, actual, output),
        *_input_pairs(expected, actual, network),
        *_reduced_pairs(expected, actual, output),
    ]
    masks = [_differs(pair, tolerance) for pair in pairs]
    firsts = [
        _first(rank, pair, mask) for rank, (pair, mask) in enumerate(zip(pairs, masks, strict=True)) if mask.any()
    ]
    return ParityResult(
        n_samples=expected.n_samples,
        values_compared=sum(mask.size for mask in masks),
        mismatches=sum(int(np.count_nonzero(mask)) for mask in masks),
        first_difference=min(firsts, key=lambda first: first[0])[1] if firsts else None,
    )


def _check_comparable(expected: RunTrace, actual: RunTrace) -> None:
    for name in ("network_digest", "n_samples", "n_steps"):
        ours, theirs = getattr(expected, name), getattr(actual, name)
        if ours != theirs:
            repair = "Run the same network on the same points."
            raise SpecError(f"compare_traces.actual.{name}", f"be as in the expected run, {ours}", theirs, repair)


def _probe_pairs(expected: RunTrace, actual: RunTrace, output: str) -> Iterator[_Pair]:
    """Pair what both probes recorded."""
    if expected.probe is None or actual.probe is None:
        return
    n = min(len(expected.probe.samples), len(actual.probe.samples))
    _check_same_choice(expected.probe, actual.probe, n)
    found = {node.name: node for node in actual.probe.nodes}
    ranks = {node.name: rank for rank, node in enumerate(expected.nodes)}
    for node in expected.probe.nodes:
        if node.name in found:
            for quantity in QUANTITIES[:3]:
                ours, theirs = (getattr(trace, quantity)[:n] for trace in (node, found[node.name]))
                yield _Pair(node.name, ranks[node.name], quantity, "stn", ours, theirs)
    yield _Pair(output, len(ranks), "output", "stn", expected.probe.output[:n], actual.probe.output[:n])


def _check_same_choice(ours: ProbeTrace, theirs: ProbeTrace, n: int) -> None:
    """Both record the same samples, as far as both go, and the same steps."""
    steps = [None if probe.steps is None else probe.steps.tolist() for probe in (ours, theirs)]
    samples = [probe.samples[:n].tolist() for probe in (ours, theirs)]
    for name, (expected, found) in (("samples", samples), ("steps", steps)):
        if expected != found:
            repair = "Run both with the same probe."
            raise SpecError(
                f"compare_traces.actual.probe.{name}", f"be as in the expected run, {expected}", found, repair
            )


def _input_pairs(expected: RunTrace, actual: RunTrace, network: Network | None) -> Iterator[_Pair]:
    """Pair the events of each input, and the words that saturated, which are counted over all of them."""
    widths = (
        {each.name: each.width for each in network.inputs} if network else {"input": expected.input_events.shape[1]}
    )
    parts = (split_columns(trace.input_events, list(widths.values())) for trace in (expected, actual))
    for name, ours, theirs in zip(widths, *parts, strict=True):
        yield _Pair(name, -1, "event count", "tn", ours, theirs)
    yield _scalars(", ".join(widths), -1, "saturated words", expected.saturated_input, actual.saturated_input)


def _reduced_pairs(expected: RunTrace, actual: RunTrace, output: str) -> Iterator[_Pair]:
    """Pair what every run has: counts by step and neuron, and outputs by sample."""
    for rank, (ours, theirs) in enumerate(zip(expected.nodes, actual.nodes, strict=True)):
        yield _Pair(ours.name, rank, "fired count", "tn", ours.fired, theirs.fired)
        yield _Pair(ours.name, rank, "event count", "tn", ours.events, theirs.events)
        if ours.multiplied is not None:
            nothing = np.zeros_like(ours.multiplied) if theirs.multiplied is None else theirs.multiplied
            yield _Pair(ours.name, rank, "multiplication count", "tn", ours.multiplied, nothing)
        yield from _saturation_pairs(rank, ours, theirs)
    rank = len(expected.nodes)
    axes = "stn" if expected.readout.ndim == 3 else "sn"
    yield _scalars(output, rank, "saturated outputs", expected.saturated_output, actual.saturated_output)
    yield _Pair(output, rank, "readout", axes, expected.readout, actual.readout)
    yield _Pair(output, rank, "u", axes, expected.outputs, actual.outputs)


def _saturation_pairs(rank: int, ours: NodeCounts, theirs: NodeCounts) -> Iterator[_Pair]:
    for name in ("drive", "membrane", "payload"):
        counts = (getattr(node, f"saturated_{name}") for node in (ours, theirs))
        yield _scalars(ours.name, rank, f"saturated {name}s", *counts)


def _scalars(node: str, rank: int, quantity: str, expected: int, found: int) -> _Pair:
    return _Pair(node, rank, quantity, "", np.array(expected), np.array(found))


def _differs(pair: _Pair, tolerance: float) -> BoolArray:
    """Return which entries differ; two NaN do not."""
    differs = np.asarray(pair.expected != pair.found)
    if np.issubdtype(pair.expected.dtype, np.floating):
        differs &= ~(np.isnan(pair.expected) & np.isnan(pair.found))
        size = np.abs(pair.expected[np.isfinite(pair.expected)]).max(initial=0.0)
        differs &= ~(np.abs(pair.expected - pair.found) <= tolerance * size)
    return differs


def _first(rank: int, pair: _Pair, mask: BoolArray) -> tuple[tuple[int, ...], FirstDifference]:
    """Find the first difference of a pair, and its place in the order of cause.

    Full traces come before counts and sums, which only tell that something went wrong; among the latter the nodes come
    in order.
    """
    steps_first = np.moveaxis(mask, pair.axes.find("t"), 0) if "t" in pair.axes else mask
    axes = "t" + pair.axes.replace("t", "") if "t" in pair.axes else pair.axes
    place = dict(zip(axes, (int(i) for i in np.argwhere(steps_first)[0]), strict=True))
    at = tuple(place[axis] for axis in pair.axes)
    first = FirstDifference(
        layer=pair.node,
        step=place.get("t"),
        sample=place.get("s"),
        neuron=place.get("n"),
        quantity=pair.quantity,
        expected=float(pair.expected[at]),
        found=float(pair.found[at]),
    )
    if pair.quantity in QUANTITIES:
        return (0, place["t"], pair.order, place["s"], QUANTITIES.index(pair.quantity)), first
    return (1, pair.order, rank, 0, 0), first
