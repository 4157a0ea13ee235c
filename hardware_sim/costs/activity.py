"""Activity in time and neuron by neuron: events of every neuron, energy of every step, and full traces of a few samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ...base.arrays import ArrayRecord, FloatArray, IntArray, Record, freeze_arrays
from ...engine.trace import Probe, ProbeTrace, RunTrace
from ...network.quantized import Network
from ..counts.operations import ConnectionOperations, NodeOperations, OperationCounts
from ..counts.samples import SampleCounts
from ..counts.workload import deployed_workload
from .energy import price_workload, total_joules
from .energy_files import find_energy_model
from .energy_model import Part

STEP_MODEL = "loihi1-davies"
"""Energy model that prices the operations of single steps."""
MOST_PROBED = 40_000
"""Largest number of neurons times steps times samples that are recorded in full."""

RunProbed = Callable[[FloatArray, Probe], RunTrace]
"""Runs the deployed network on points with a probe."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NodeActivity(ArrayRecord):
    """How often the neurons of one population sent."""

    name: str
    """Name of the population."""
    events: FloatArray
    """Events of each neuron at each step, per sample, 0 to 1, shape (n_steps, n_neurons)."""

    def __post_init__(self) -> None:
        freeze_arrays(self, events=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ActivitySection(ArrayRecord):
    """What a report shows in time and neuron by neuron."""

    nodes: tuple[NodeActivity, ...]
    """Populations and products, in their order."""
    operations_per_step: FloatArray
    """Synaptic operations per sample at each step, shape (n_steps,)."""
    joules_per_step: FloatArray | None
    """Energy of the operations of each step, per sample, shape (n_steps,); None where a network has products."""
    model: str
    """Energy model that priced them."""
    probe: ProbeTrace | None = None
    """Full traces of the chosen samples; None where a single one is too large."""
    labels: tuple[str, ...] = ()
    """Why each sample was chosen, and where it lies."""

    def __post_init__(self) -> None:
        freeze_arrays(self, operations_per_step=np.float64)
        if self.joules_per_step is not None:
            freeze_arrays(self, joules_per_step=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChosenSamples(Record):
    """Samples to be recorded in full."""

    points: FloatArray
    """Their points, shape (n_chosen, n_in), or (n_chosen, n_steps, n_in)."""
    labels: tuple[str, ...]
    """Why each was chosen, and where it lies."""


def measure_activity(
    network: Network, trace: RunTrace, counts: OperationCounts, chosen: ChosenSamples, run: RunProbed
) -> ActivitySection:
    """Gather the activity of a run, and record a few samples in full.

    Args:
        network: The network that ran.
        trace: Its run.
        counts: The counts of that run.
        chosen: Samples to record, of which the first are recorded where all are too many.
        run: Runs the network again on them.
    """
    nodes = tuple(NodeActivity(name=node.name, events=node.events / trace.n_samples) for node in trace.nodes)
    has_products = any(row.products is not None for row in counts.rows)
    probe = _record(trace, chosen.points, run)
    return ActivitySection(
        nodes=nodes,
        operations_per_step=np.sum([row.synaptic_operations_per_step for row in counts.rows], axis=0)
        / counts.n_samples,
        joules_per_step=None if has_products else step_energies(network, counts),
        model=STEP_MODEL,
        probe=probe,
        labels=chosen.labels[: len(probe.samples)] if probe else (),
    )


def choose_samples(samples: SampleCounts, worst: FloatArray | None, names: tuple[str, ...]) -> ChosenSamples:
    """Choose the sample of the largest error and those of most, median and fewest operations.

    Args:
        samples: Single samples.
        worst: The point of the largest error, shape (n_in,); None where no error is known.
        names: One name for each coordinate of a point.
    """
    order = np.argsort(samples.operations, kind="stable")
    picked = {"most operations": order[-1], "median operations": order[len(order) // 2], "fewest operations": order[0]}
    found = {why: samples.points[index] for why, index in picked.items()}
    if worst is not None:
        found = {"largest error": worst, **found}
    labels = (f"{why}{_place(point, names)}" for why, point in found.items())
    return ChosenSamples(points=np.stack(list(found.values())), labels=tuple(labels))


def _place(point: FloatArray, names: tuple[str, ...]) -> str:
    """Return where a point lies, in words; nothing for a sequence, or for a point of many coordinates."""
    if point.ndim != 1 or len(point) > 4:
        return ""
    return f" ({', '.join(f'{name} = {value:.3g}' for name, value in zip(names, point, strict=True))})"


def _record(trace: RunTrace, points: FloatArray, run: RunProbed) -> ProbeTrace | None:
    size = trace.n_steps * sum(node.events.shape[1] for node in trace.nodes)
    n = min(len(points), MOST_PROBED // size)
    return run(points[:n], Probe(n_samples=n)).probe if n else None


def step_energies(network: Network, counts: OperationCounts) -> FloatArray:
    """Price the operations of every step by `STEP_MODEL`, shape (n_steps,) in joules per sample; hops are left out.

    Args:
        network: The network that ran, without products.
        counts: The counts of its run.
    """
    model = find_energy_model(STEP_MODEL)

    def joules(step: int) -> float:
        rows = tuple(_row_at(row, step) for row in counts.rows)
        load = deployed_workload(network, replace(counts, n_steps=1, rows=rows))
        return total_joules(price_workload(load, model), Part.DYNAMIC)

    return np.array([joules(step) for step in range(counts.n_steps)])


def _row_at(row: NodeOperations, step: int) -> NodeOperations:
    """Return the counts of one step of a row."""

    def at(values: IntArray) -> IntArray:
        return values[step : step + 1]

    def connection(each: ConnectionOperations) -> ConnectionOperations:
        received, operations = each.received_per_step, each.synaptic_operations_per_step
        return replace(each, received_per_step=at(received), synaptic_operations_per_step=at(operations))

    connections = tuple(map(connection, row.connections))
    return replace(
        row, connections=connections, fired_per_step=at(row.fired_per_step), spikes_per_step=at(row.spikes_per_step)
    )
