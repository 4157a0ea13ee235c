"""The tables of a report: each is built once here, and the page, the markdown form and the terminal write it.

A table keeps every cell as its text and as the number by which the page sorts, so that all writers show the same values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

from ....base.arrays import Record
from ....conversion.quantize.report import QuantizationReport
from ....conversion.search.error_budget import Cause, ErrorBudget
from ....conversion.targets.verdicts import TargetCheck
from ...costs.dominance import Dominance
from ...costs.energy import EnergyEstimate
from ...costs.hardware_profile import HardwareProfile
from ...counts.operations import NodeOperations, OperationCounts, OperationTotal
from ...devices.device_result import DeviceResult
from ...fields.gradients import GradientSection
from ...fields.stresses import SolidSection
from ...mapping.cores import Partition
from .formats import NOTHING, format_count, format_joules, format_number, format_percent, format_range, format_seconds
from .sections import BackendsSection
from .sentences import format_basis, format_break_even

MACHINES = ("keras-cpu", "keras-gpu")
"""Energy models whose dense pass every energy is compared with."""


class Cell(NamedTuple):
    """One cell of a table."""

    text: str
    """The value as people read it."""
    sort_key: float | None = None
    """The number by which the page sorts, NaN where a value does not exist; None for a text."""


class Column(NamedTuple):
    """One column of a table and how its cells are read from a record."""

    title: str
    """The heading without the unit."""
    read: str | Callable[[Any], object]
    """Attribute of a record, or function of it: a number, a text, a finished `Cell`, or None where it does not exist."""
    format: Callable[[Any], str] = format_number
    """Function that writes a number; texts are shown as they are."""
    unit: str = ""
    """Unit of all values; empty for counts, shares, and cells that carry a unit of their own."""
    is_prose: bool = False
    """Whether the cells are longer texts, which are left-aligned and wrapped."""

    @property
    def heading(self) -> str:
        """Return the title with the unit behind a comma."""
        return f"{self.title}, {self.unit}" if self.unit else self.title

    def cell(self, record: object) -> Cell:
        """Return the cell of a record."""
        value = attrgetter(self.read)(record) if isinstance(self.read, str) else self.read(record)
        if isinstance(value, Cell):
            return value
        if isinstance(value, str):
            return Cell(value)
        if isinstance(value, bool):
            return Cell("yes" if value else "no")
        return Cell(self.format(value), float("nan") if value is None else value)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(Record):
    """One table of a report."""

    title: str
    """What the table shows, as a heading."""
    columns: tuple[Column, ...]
    """The columns, the first of which names the rows."""
    rows: tuple[tuple[Cell, ...], ...]
    """The cells of every row, one per column."""
    total: tuple[Cell, ...] = ()
    """The cells of a last row of sums, which sorting leaves in its place; empty where there is none."""
    name: str = ""
    """Identifier of the table in the page; empty where nothing refers to it."""


def _build_table(
    title: str, records: Iterable[object], *columns: Column, total: object | None = None, name: str = ""
) -> Table:
    sums = (Cell("total"), *(column.cell(total) for column in columns[1:])) if total is not None else ()
    rows = tuple(tuple(column.cell(record) for column in columns) for record in records)
    return Table(title=title, columns=columns, rows=rows, total=sums, name=name)


def accuracy_table(backends: BackendsSection) -> Table:
    """Return errors, residuals and speed of every backend that ran."""
    return _build_table(
        "Accuracy and speed",
        backends.results,
        Column("backend", "backend.value"),
        Column("relative L2 error", "relative_l2"),
        Column("estimated error", "estimated_l2"),
        Column("max |error|", "max_abs_error"),
        Column("residual, RMS", "residual_rms"),
        Column("boundary, RMS", "boundary_rms"),
        Column("wall time", "seconds", unit="s"),
        Column("samples per second", "samples_per_second"),
    )


def condition_table(backends: BackendsSection) -> Table:
    """Return the residual of every condition that is not built in, by backend; no rows where all are."""
    rows = [(label, result) for result in backends.results for label in result.condition_rms]
    return _build_table(
        "Conditions",
        rows,
        Column("condition", lambda row: row[0][0]),
        Column("backend", lambda row: row[1].backend.value),
        Column("residual, RMS", lambda row: row[0][1]),
    )


def gradient_table(gradients: GradientSection) -> Table:
    """Return the error of every derivative."""
    error = Column("relative L2 error", gradients.relative_l2, format_percent)
    return _build_table("Gradients and fluxes", gradients.names, Column("derivative", str), error)


def stress_table(solid: SolidSection) -> Table:
    """Return the errors of displacements and stresses by backend, and the floor that the operators leave."""
    rows = [(result.backend.value, result.fluctuation_relative_l2, result.stress) for result in solid.results]
    rows.append(("finite elements, through the same operators", 0.0, solid.floor))
    return _build_table(
        "Stresses",
        rows,
        Column("displacements of", itemgetter(0)),
        Column("error of u − lift", itemgetter(1), format_percent),
        Column("error of all stresses", lambda row: row[2].relative_l2, format_percent),
        Column("error of the von Mises stress", lambda row: row[2].von_mises_relative_l2, format_percent),
    )


def count_table(counts: OperationCounts) -> Table:
    """Return spikes and operations of every input and node, and their sums."""
    return _build_table(
        "Spikes and operations",
        counts.rows,
        Column("layer" if counts.is_chain else "node", "name"),
        *(() if counts.is_chain else (Column("kind", _kind),)),
        Column("neurons", "n_neurons", format_count),
        Column("fired", "fired", format_count),
        Column("spikes", "spikes", format_count),
        Column("activity", "spiking_activity", format_percent),
        Column("synaptic operations", "synaptic_operations", format_count),
        *(() if counts.is_chain else (Column("multiplications", "multiplications", format_count),)),
        Column("dense synaptic operations", "dense_synaptic_operations", format_count),
        Column("neuron updates", "neuron_updates", format_count),
        total=counts.total,
        name="counts",
    )


def _kind(row: NodeOperations | OperationTotal) -> str:
    """Return what a row stands for; nothing of the row of sums."""
    return row.kind.value if isinstance(row, NodeOperations) else ""


def connection_table(counts: OperationCounts) -> Table:
    """Return what arrived over every connection, by the node that receives it."""
    return _build_table(
        "Connections",
        [(row, each) for row in counts.rows for each in row.connections],
        Column("node", lambda pair: pair[0].name),
        Column("reads", lambda pair: pair[1].source),
        Column("delay", lambda pair: pair[1].delay, format_count),
        Column("synapses", lambda pair: pair[1].n_synapses, format_count),
        Column("events received", lambda pair: pair[1].received, format_count),
        Column("synaptic operations", lambda pair: pair[1].synaptic_operations, format_count),
    )


def access_table(hardware: HardwareProfile) -> Table:
    """Return the words that every input and node reads and writes, and the messages that it sends."""
    accesses = ("weight_reads", "accumulator_reads", "accumulator_writes", "state_reads", "state_writes")
    names = (*accesses, "parameter_reads", "table_reads", "messages")
    columns = [Column(name.replace("_", " "), name, format_count) for name in names]
    return _build_table("Memory accesses and messages", hardware.accesses, Column("node", "name"), *columns)


def summary_table(dominance: Dominance, energies: Iterable[EnergyEstimate]) -> Table:
    """Return what a report leads with: the energy of steps by every model of steps, then the sum of the operations."""
    return _build_table(
        "Energy of a step, beside the sum of the operations",
        (*dominance.steps, dominance.operations),
        Column("model", "model"),
        Column("energy of", _priced_sentence, is_prose=True),
        Column("a step", lambda energy: _step_joules(energy, 1 / energy.n_steps)),
        Column("a sample, pipelined", lambda energy: _step_joules(energy, 1.0) or _operation_joules(energy)),
        Column("a sample alone", lambda energy: _step_joules(energy, energy.alone_factor)),
        *_machine_columns("pipelined", energies, lambda energy: energy.prices_steps),
        name="step",
    )


def energy_table(energies: Iterable[EnergyEstimate]) -> Table:
    """Return the sums over operations of every model that has them, beside one dense pass of the same network."""
    known = tuple(energies)
    return _build_table(
        "Sum of the operations of a sample",
        [energy for energy in known if not energy.prices_steps],
        Column("model", "model"),
        Column("constants are", format_basis, is_prose=True),
        Column("deployed, dynamic", "dynamic_joules_per_sample", format_joules),
        Column("static", lambda energy: energy.static_joules_per_sample or None, format_joules),
        Column(
            "range of all terms",
            lambda energy: Cell(format_range(energy.low, energy.high, format_joules), energy.high),
        ),
        Column("one dense pass", "dense_joules_per_sample", format_joules),
        Column("deployed / dense", _dynamic_over_dense),
        *_machine_columns("with static power", known, lambda energy: energy.has_static_power),
        Column("break-even, activity × steps", _break_even_cell, is_prose=True),
        name="energy",
    )


def term_table(energy: EnergyEstimate) -> Table:
    """Return the terms of one estimate: what each counts, how often, and its share of the energy."""
    whole = energy.joules_per_sample
    return _build_table(
        f"{energy.title} ({energy.model}, {format_basis(energy)})",
        energy.terms,
        Column(
            "term",
            lambda term: term.name + (" (static)" if term.part.value == "static" and "static" not in term.name else ""),
        ),
        Column("counts", lambda term: term.quantity.replace("_", " "), is_prose=True),
        Column("per sample", "count", lambda count: format_number(count, 5)),
        Column("energy per sample", "joules", format_joules),
        Column("share", lambda term: term.joules / whole if whole else None, format_percent),
    )


def core_table(partition: Partition) -> Table:
    """Return how the nodes fill their cores."""
    return _build_table(
        f"Cores of {partition.target.title}",
        partition.nodes,
        Column("node", "name"),
        Column("neurons", "n_neurons", format_count),
        Column("cores", "n_cores", format_count),
        Column("neurons on the fullest core", "neurons_per_core", format_count),
        Column("of its neurons", "neuron_utilisation", format_percent),
        Column("synaptic memory on it", "synapse_bytes_per_core", format_count, unit="B"),
        Column("of its synaptic memory", "synapse_utilisation", format_percent),
    )


def device_table(devices: Iterable[DeviceResult]) -> Table:
    """Return size, work, time and energy of a sample on every device."""
    return _build_table(
        "On devices",
        devices,
        Column("device", "name"),
        Column("found", "basis.value", is_prose=True),
        Column("values differ", _compared_text),
        Column("size", _size_text, is_prose=True),
        Column("a sample takes", _work_text, is_prose=True),
        Column("time", lambda device: _range_cell(device.seconds_low, device.seconds_high, format_seconds)),
        Column("energy", lambda device: _range_cell(device.joules_low, device.joules_high, format_joules)),
        name="devices",
    )


def _range_cell(low: float | None, high: float | None, say: Callable[[float], str]) -> Cell:
    """Return a cell with a range, or with nothing where it is not known."""
    if low is None or high is None:
        return Cell(NOTHING, float("nan"))
    return Cell(format_range(low, high, say), high)


def _compared_text(device: DeviceResult) -> Cell:
    """Return how many values differ, and on how many samples they were compared."""
    if device.mismatches is None:
        return Cell(NOTHING, float("nan"))
    found = "none" if not device.mismatches else f"{format_count(device.mismatches)} values"
    return Cell(f"{found} of {format_count(device.n_samples)}", device.mismatches)


def _size_text(device: DeviceResult) -> str:
    """Return the memory or the logic of a device in words."""
    memory = ((device.flash_bytes, "flash"), (device.ram_bytes, "RAM"))
    parts = [f"{format_count(n_bytes)} B {kind}" for n_bytes, kind in memory if n_bytes is not None]
    return ", ".join([*parts, *filter(None, (device.logic,))]) or NOTHING


def _work_text(device: DeviceResult) -> str:
    """Return the instructions and cycles of a sample in words."""
    parts = [] if device.instructions is None else [f"{format_count(round(device.instructions))} instructions"]
    if device.held_instructions is not None:
        parts.append(f"{format_count(round(device.held_instructions))} of them for a new held value only")
    if device.cycles_low is not None and device.cycles_high is not None:
        parts.append(f"{format_range(device.cycles_low, device.cycles_high, lambda n: format_count(round(n)))} cycles")
    if device.clock_hz is not None:
        parts.append(f"at {format_number(device.clock_hz / 1e6)} MHz")
    return ", ".join(parts) or NOTHING


def rule_table(check: TargetCheck) -> Table:
    """Return the verdict on every rule of a target."""
    return _build_table(
        f"Rules of {check.title}",
        check.verdicts,
        Column("rule", "rule"),
        Column("verdict", "verdict.value"),
        Column("found", "found", format_count),
        Column("limit", "limit", format_count),
        Column("source, or why it was not checked", "reason", is_prose=True),
    )


def quantization_table(cost: QuantizationReport) -> Table:
    """Return word lengths, scales, saturations and errors of every layer."""
    return _build_table(
        "Quantization",
        cost.layers,
        Column("layer", "name"),
        Column("weight bits", "weight_bits", format_count),
        Column("payload bits", "payload_bits", format_count),
        Column("state scale, log2", "state_exponent"),
        Column("payload scale, log2", "payload_exponent"),
        Column("error of W", "weight_error", format_percent),
        Column("clipped", "n_clipped", format_count),
        Column("saturated", "n_saturated", format_count),
        Column("spare bits", "spare_bits"),
        Column("sum bits, proved", "accumulator_bits", format_count),
        Column("sum bits, reached", "reached_bits", format_count),
        Column("state proved", "state_proved"),
        Column("payload proved", "payload_proved"),
        Column("error added", "added_error", format_percent),
        Column("spikes flipped", "flipped_spikes", format_percent),
    )


def budget_tables(budget: ErrorBudget) -> tuple[Table, Table]:
    """Return what every cause in every layer changes alone: the output, and the spikes."""

    def table(title: str, attribute: str) -> Table:
        def value(cause: Cause) -> Callable[[Any], object]:
            return lambda layer: getattr(budget.entry(layer, cause), attribute, None)

        columns = [Column(cause.value, value(cause), format_percent) for cause in Cause]
        return _build_table(title, budget.names, Column("layer", str), *columns)

    return table("Change of the output, relative L2", "relative_change"), table(
        "Share of spikes flipped", "flipped_spikes"
    )


def _machine_columns(
    what: str, energies: Iterable[EnergyEstimate], applies: Callable[[EnergyEstimate], bool]
) -> Iterator[Column]:
    """Yield a column for each machine: an energy over one dense pass on it, where the ratio compares like with like."""

    def ratio_to(dense: float) -> Callable[[EnergyEstimate], float | None]:
        return lambda energy: energy.joules_per_sample / dense if applies(energy) else None

    for machine in energies:
        if machine.model in MACHINES:
            yield Column(f"{what} / {machine.model} dense", ratio_to(machine.dense_joules_per_sample))


def _priced_sentence(energy: EnergyEstimate) -> str:
    return ("steps, " if energy.prices_steps else "sum of operations, constants ") + format_basis(energy)


def _dynamic_over_dense(energy: EnergyEstimate) -> float | None:
    dense = energy.dense_joules_per_sample
    return energy.dynamic_joules_per_sample / dense if dense else None


def _break_even_cell(energy: EnergyEstimate) -> Cell:
    product = energy.break_even.activity_times_steps
    return Cell(format_break_even(energy), float("nan") if product is None else product)


def _step_joules(energy: EnergyEstimate, factor: float) -> Cell | None:
    """Return a multiple of the energy of a sample's steps with its range; None for a sum of operations."""
    if not energy.prices_steps:
        return None
    low, value, high = (factor * joules for joules in (energy.low, energy.joules_per_sample, energy.high))
    return Cell(f"{format_joules(value)} ({format_range(low, high, format_joules)})", value)


def _operation_joules(energy: EnergyEstimate) -> Cell:
    return Cell(format_joules(energy.dynamic_joules_per_sample), energy.dynamic_joules_per_sample)
