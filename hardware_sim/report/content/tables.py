"""The tables of a report: each is built once here, and the page, the markdown form and the terminal write it.

A table keeps every cell as its text and as the number by which the page sorts, so that all writers show the same values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

from ....conversion.quantize.report import QuantizationReport
from ....conversion.search.error_budget import Cause, ErrorBudget
from ....conversion.targets.verdicts import TargetCheck
from ...costs.dominance import Dominance
from ...costs.energy import EnergyEstimate
from ...costs.hardware_profile import HardwareProfile
from ...counts.counting import OperationCounts
from ...fields.gradients import GradientSection
from ...fields.stresses import SolidSection
from ...mapping.cores import Partition
from .formats import NOTHING, format_count, format_joules, format_number, format_percent, format_range
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table and how its cells are read from a record."""

    title: str
    """The heading without the unit."""
    read: Callable[[Any], object]
    """Function that reads the value of a record: a number, a text, a finished `Cell`, or None where it does not exist."""
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
        value = self.read(record)
        if isinstance(value, Cell):
            return value
        if isinstance(value, str):
            return Cell(value)
        if isinstance(value, bool):
            return Cell("yes" if value else "no")
        return Cell(self.format(value), float("nan") if value is None else value)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
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


def _column(title: str, attribute: str, format: Callable[[Any], str] = format_number, unit: str = "") -> Column:
    """Return a column that reads an attribute of its records, which may be a path with dots."""
    return Column(title=title, read=attrgetter(attribute), format=format, unit=unit)


def accuracy_table(backends: BackendsSection) -> Table:
    """Return errors, residuals and speed of every backend that ran."""
    return _build_table(
        "Accuracy and speed",
        backends.results,
        _column("backend", "backend.value"),
        _column("relative L2 error", "relative_l2"),
        _column("max |error|", "max_abs_error"),
        _column("residual, RMS", "residual_rms"),
        _column("boundary, RMS", "boundary_rms"),
        _column("wall time", "seconds", unit="s"),
        _column("samples per second", "samples_per_second"),
    )


def gradient_table(gradients: GradientSection) -> Table:
    """Return the error of every derivative."""
    error = Column(title="relative L2 error", read=gradients.relative_l2, format=format_percent)
    return _build_table("Gradients and fluxes", gradients.names, Column(title="derivative", read=str), error)


def stress_table(solid: SolidSection) -> Table:
    """Return the errors of displacements and stresses by backend, and the floor that the operators leave."""
    rows = [(result.backend.value, result.fluctuation_relative_l2, result.stress) for result in solid.results]
    rows.append(("finite elements, through the same operators", 0.0, solid.floor))
    return _build_table(
        "Stresses",
        rows,
        Column(title="displacements of", read=itemgetter(0)),
        Column(title="error of u − lift", read=itemgetter(1), format=format_percent),
        Column(title="error of all stresses", read=lambda row: row[2].relative_l2, format=format_percent),
        Column(
            title="error of the von Mises stress", read=lambda row: row[2].von_mises_relative_l2, format=format_percent
        ),
    )


def count_table(counts: OperationCounts) -> Table:
    """Return spikes and operations of every layer, and their sums."""
    return _build_table(
        "Spikes and operations",
        counts.layers,
        _column("layer", "name"),
        _column("neurons", "n_neurons", format_count),
        _column("fired", "fired", format_count),
        _column("spikes", "spikes", format_count),
        _column("activity", "spiking_activity", format_percent),
        _column("synaptic operations", "synaptic_operations", format_count),
        _column("dense synaptic operations", "dense_synaptic_operations", format_count),
        _column("neuron updates", "neuron_updates", format_count),
        total=counts.total,
        name="counts",
    )


def access_table(hardware: HardwareProfile) -> Table:
    """Return the words that every layer reads and writes, and the messages that it sends."""
    accesses = ("weight_reads", "accumulator_reads", "accumulator_writes", "state_reads", "state_writes")
    names = (*accesses, "parameter_reads", "table_reads", "messages")
    columns = [_column(name.replace("_", " "), name, format_count) for name in names]
    return _build_table("Memory accesses and messages", hardware.accesses, _column("layer", "name"), *columns)


def summary_table(dominance: Dominance, energies: Iterable[EnergyEstimate]) -> Table:
    """Return what a report leads with: the energy of steps by every model of steps, then the sum of the operations."""
    operations = dominance.operations
    total = Cell(format_joules(operations.dynamic_joules_per_sample), operations.dynamic_joules_per_sample)

    def joules(factor: Callable[[EnergyEstimate], float], summed: Cell) -> Callable[[EnergyEstimate], Cell]:
        return lambda energy: _joules_with_range(energy, factor(energy)) if energy.prices_steps else summed

    nothing = Cell(NOTHING, float("nan"))
    return _build_table(
        "Energy of a step, beside the sum of the operations",
        (*dominance.steps, operations),
        _column("model", "model"),
        Column(title="energy of", read=_priced_sentence, is_prose=True),
        Column(title="a step", read=joules(lambda step: 1 / step.n_steps, nothing)),
        Column(title="a sample, pipelined", read=joules(lambda _: 1.0, total)),
        Column(title="a sample alone", read=joules(lambda step: step.alone_factor, nothing)),
        *_machine_columns("pipelined", energies, lambda energy: energy.prices_steps),
        name="step",
    )


def energy_table(energies: Iterable[EnergyEstimate]) -> Table:
    """Return the sums over operations of every model that has them, beside one dense pass of the same network."""
    known = tuple(energies)
    return _build_table(
        "Sum of the operations of a sample",
        [energy for energy in known if not energy.prices_steps],
        _column("model", "model"),
        Column(title="constants are", read=format_basis, is_prose=True),
        _column("deployed, dynamic", "dynamic_joules_per_sample", format_joules),
        Column(title="static", read=lambda energy: energy.static_joules_per_sample or None, format=format_joules),
        Column(
            title="range of all terms",
            read=lambda energy: Cell(format_range(energy.low, energy.high, format_joules), energy.high),
        ),
        _column("one dense pass", "dense_joules_per_sample", format_joules),
        Column(title="deployed / dense", read=_dynamic_over_dense),
        *_machine_columns("with static power", known, lambda energy: energy.has_static_power),
        Column(title="break-even, activity × steps", read=_break_even_cell, is_prose=True),
        name="energy",
    )


def term_table(energy: EnergyEstimate) -> Table:
    """Return the terms of one estimate: what each counts, how often, and its share of the energy."""
    whole = energy.joules_per_sample
    return _build_table(
        f"{energy.title} ({energy.model}, {format_basis(energy)})",
        energy.terms,
        Column(
            title="term",
            read=lambda term: (
                term.name + (" (static)" if term.part.value == "static" and "static" not in term.name else "")
            ),
        ),
        Column(title="counts", read=lambda term: term.quantity.replace("_", " "), is_prose=True),
        _column("per sample", "count", lambda count: format_number(count, 5)),
        _column("energy per sample", "joules", format_joules),
        Column(title="share", read=lambda term: term.joules / whole if whole else None, format=format_percent),
    )


def core_table(partition: Partition) -> Table:
    """Return how the layers fill their cores."""
    return _build_table(
        f"Cores of {partition.target.title}",
        partition.layers,
        _column("layer", "name"),
        _column("neurons", "n_neurons", format_count),
        _column("cores", "n_cores", format_count),
        _column("neurons on the fullest core", "neurons_per_core", format_count),
        _column("of its neurons", "neuron_utilisation", format_percent),
        _column("synaptic memory on it", "synapse_bytes_per_core", format_count, unit="B"),
        _column("of its synaptic memory", "synapse_utilisation", format_percent),
    )


def rule_table(check: TargetCheck) -> Table:
    """Return the verdict on every rule of a target."""
    return _build_table(
        f"Rules of {check.title}",
        check.verdicts,
        _column("rule", "rule"),
        _column("verdict", "verdict.value"),
        _column("found", "found", format_count),
        _column("limit", "limit", format_count),
        Column(title="source, or why it was not checked", read=attrgetter("reason"), is_prose=True),
    )


def quantization_table(cost: QuantizationReport) -> Table:
    """Return word lengths, scales, saturations and errors of every layer."""
    return _build_table(
        "Quantization",
        cost.layers,
        _column("layer", "name"),
        _column("weight bits", "weight_bits", format_count),
        _column("payload bits", "payload_bits", format_count),
        _column("state scale, log2", "state_exponent"),
        _column("payload scale, log2", "payload_exponent"),
        _column("error of W", "weight_error", format_percent),
        _column("clipped", "n_clipped", format_count),
        _column("saturated", "n_saturated", format_count),
        _column("spare bits", "spare_bits"),
        _column("sum bits, proved", "accumulator_bits", format_count),
        _column("sum bits, reached", "reached_bits", format_count),
        _column("state proved", "state_proved"),
        _column("payload proved", "payload_proved"),
        _column("error added", "added_error", format_percent),
        _column("spikes flipped", "flipped_spikes", format_percent),
    )


def budget_tables(budget: ErrorBudget) -> tuple[Table, Table]:
    """Return what every cause in every layer changes alone: the output, and the spikes."""

    def table(title: str, attribute: str) -> Table:
        def value(cause: Cause) -> Callable[[Any], object]:
            return lambda layer: getattr(budget.entry(layer, cause), attribute, None)

        columns = [Column(title=cause.value, read=value(cause), format=format_percent) for cause in Cause]
        return _build_table(title, budget.layers, Column(title="layer", read=str), *columns)

    return table("Change of the output, relative L2", "relative_change"), table(
        "Share of spikes flipped", "flipped_spikes"
    )


def _machine_columns(
    what: str, energies: Iterable[EnergyEstimate], applies: Callable[[EnergyEstimate], bool]
) -> Iterator[Column]:
    """Yield a column for each machine: an energy over one dense pass on it, where the ratio compares like with like."""
    for machine in energies:
        if machine.model in MACHINES:
            dense = machine.dense_joules_per_sample
            yield Column(
                title=f"{what} / {machine.model} dense",
                read=lambda energy, dense=dense: energy.joules_per_sample / dense if applies(energy) else None,
            )


def _priced_sentence(energy: EnergyEstimate) -> str:
    return ("steps, " if energy.prices_steps else "sum of operations, constants ") + format_basis(energy)


def _dynamic_over_dense(energy: EnergyEstimate) -> float | None:
    dense = energy.dense_joules_per_sample
    return energy.dynamic_joules_per_sample / dense if dense else None


def _break_even_cell(energy: EnergyEstimate) -> Cell:
    product = energy.break_even.activity_times_steps
    return Cell(format_break_even(energy), float("nan") if product is None else product)


def _joules_with_range(energy: EnergyEstimate, factor: float) -> Cell:
    low, value, high = (factor * joules for joules in (energy.low, energy.joules_per_sample, energy.high))
    return Cell(f"{format_joules(value)} ({format_range(low, high, format_joules)})", value)
