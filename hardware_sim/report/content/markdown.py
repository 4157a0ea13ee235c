"""A report as markdown: the tables and sentences of the page, for issues, papers and terminals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ....conversion.search.error_budget import BudgetEntry, Cause, ErrorBudget
from ....conversion.targets.verdicts import TargetCheck
from ...costs.hardware_profile import HardwareProfile
from ...counts.counting import LayerOperations, OperationCounts, OperationTotal
from .sections import BackendsSection, NetworkSection, Report, SolidSection
from .sentences import (
    NOTHING,
    dominance_sentence,
    format_basis,
    format_break_even,
    format_count,
    format_joules,
    format_number,
    format_percent,
    format_range,
    format_seconds,
    parity_sentences,
    report_title,
    step_cells,
    step_sentences,
)


def report_markdown(report: Report) -> str:
    """Give the text of a report; sections that it does not have are left out."""
    return "\n".join(_lines(report)).rstrip() + "\n"


def _markdown_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Give the lines of a table; the first column is text, the others are numbers."""
    yield "| " + " | ".join(heads) + " |"
    yield "|---|" + "---:|" * (len(heads) - 1)
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"
    yield ""


def _lines(report: Report) -> Iterator[str]:
    yield f"# {report_title(report)}"
    yield ""
    if report.problem:
        yield from (f"{report.problem.title}: `{report.problem.equation}`", "")
    yield from (f"{format_count(report.n_points)} evaluation points; neuropinn-lava {report.package_version}.", "")
    yield from _summary_lines(report)
    if report.network:
        yield from _network_lines(report.network)
    if report.backends:
        yield from _backend_lines(report.backends)
    if report.solid:
        yield from _solid_lines(report.solid)
    if report.parity:
        yield from ("## Parity", "", *(f"- {sentence}" for sentence in parity_sentences(report.parity)), "")
    if report.counts:
        yield from _count_lines(report.counts)
    if report.hardware:
        yield from _energy_lines(report.hardware)
        yield from _core_lines(report.hardware)
        if report.hardware.check:
            yield from _check_lines(report.hardware.check)
    if report.quantization and report.quantization.error_budget:
        yield from _budget_lines(report.quantization.error_budget)


def _summary_lines(report: Report) -> Iterator[str]:
    """Give what a report leads with: the energy of steps beside the sum of operations, what dominates, and LEE."""
    dominance = report.dominance
    if dominance:
        rows = [(step.model, "steps", format_basis(step), *step_cells(step)) for step in dominance.steps]
        operations = dominance.operations
        sums = (NOTHING, format_joules(operations.dynamic_joules_per_sample), NOTHING)
        rows.append((operations.model, "sum of operations", format_basis(operations), *sums))
        heads = ("model", "energy of", "constants", "a step", "a sample, pipelined", "a sample alone")
        yield from _markdown_table(heads, rows)
        yield from (dominance_sentence(dominance), "")
    if report.lee is not None:
        yield from (f"LEE (steps × relative L2 in % × spiking activity in %): {format_number(report.lee)}.", "")


def _network_lines(network: NetworkSection) -> Iterator[str]:
    yield f"Network {'–'.join(str(n) for n in network.widths)}, {network.n_steps} steps, φ = {network.activation}, digest"
    yield from (f"`{network.digest}`.", "")


def _backend_lines(backends: BackendsSection) -> Iterator[str]:
    yield from ("## Accuracy and speed", "")
    heads = (
        "backend",
        "relative L2 error",
        "max error",
        "residual RMS",
        "boundary RMS",
        "seconds",
        "samples per second",
    )
    rows = [
        (result.backend.value, *(format_number(value) for value in (
            result.relative_l2, result.max_abs_error, result.residual_rms, result.boundary_rms, result.seconds,
            result.samples_per_second)))
        for result in backends.results
    ]  # fmt: skip
    yield from _markdown_table(heads, rows)


def _solid_lines(solid: SolidSection) -> Iterator[str]:
    yield from ("## Stresses", "")
    rows = [
        (row.backend.value, *(format_percent(value) for value in (
            row.fluctuation_relative_l2, row.stress.relative_l2, row.stress.von_mises_relative_l2)))
        for row in solid.results
    ]  # fmt: skip
    floor = (format_percent(solid.floor.relative_l2), format_percent(solid.floor.von_mises_relative_l2))
    heads = ("displacements of", "error of u − lift", "error of all stresses", "error of the von Mises stress")
    yield from _markdown_table(
        heads, [*rows, ("finite elements, through the same operators", format_percent(0.0), *floor)]
    )


def _count_lines(counts: OperationCounts) -> Iterator[str]:
    yield from ("## Spikes and operations", "")
    heads = ("layer", "neurons", "fired", "spikes", "activity", "synaptic operations", "dense", "neuron updates")
    named: list[tuple[str, LayerOperations | OperationTotal]] = [(layer.name, layer) for layer in counts.layers]
    rows = [
        (
            name,
            format_count(row.n_neurons),
            format_count(row.fired),
            format_count(row.spikes),
            format_percent(row.spiking_activity),
            format_count(row.synaptic_operations),
            format_count(row.dense_synaptic_operations),
            format_count(row.neuron_updates),
        )
        for name, row in [*named, ("total", counts.total)]
    ]
    yield from _markdown_table(heads, rows)
    yield f"{format_number(counts.synaptic_operations_per_sample, 5)} synaptic operations per sample; one dense pass has"
    yield from (f"{format_count(counts.ann_macs)} MACs.", "")


def _energy_lines(hardware: HardwareProfile) -> Iterator[str]:
    if not hardware.energies:
        return
    yield from ("## Energy per sample, by model: sums over operations", "")
    heads = ("model", "constants", "dynamic", "static", "range", "one dense pass", "break-even, activity × steps")
    rows = [
        (
            energy.model,
            format_basis(energy),
            format_joules(energy.dynamic_joules_per_sample),
            format_joules(energy.static_joules_per_sample or None),
            format_range(energy.low, energy.high, format_joules),
            format_joules(energy.dense_joules_per_sample),
            format_break_even(energy),
        )
        for energy in hardware.energies
        if not energy.prices_steps
    ]
    yield from _markdown_table(heads, rows)
    yield from (f"- {energy.model}: {energy.source}. Leaves out: {energy.leaves_out}." for energy in hardware.energies)
    yield ""


def _core_lines(hardware: HardwareProfile) -> Iterator[str]:
    if hardware.does_not_fit:
        yield from ("## Cores", "", f"The network does not fit: {hardware.does_not_fit}", "")
    if hardware.placement is None:
        return
    partition, traffic = hardware.placement.partition, hardware.placement.traffic
    yield from (f"## Cores of {partition.target.title}", "")
    heads = ("layer", "neurons", "cores", "neurons per core", "synaptic bytes per core", "of its synaptic memory")
    rows = [
        (
            layer.name,
            format_count(layer.n_neurons),
            format_count(layer.n_cores),
            format_count(layer.neurons_per_core),
            format_count(layer.synapse_bytes_per_core),
            format_percent(layer.synapse_utilisation),
        )
        for layer in partition.layers
    ]
    yield from _markdown_table(heads, rows)
    yield from (f"{format_number(traffic.messages / traffic.n_samples)} messages per sample.", "")
    if hardware.latency:
        step, sample = hardware.latency.step_seconds, hardware.latency.latency_seconds
        rate = hardware.latency.samples_per_second
        yield f"Estimated, not measured: {format_range(step.low, step.high, format_seconds)} per step,"
        yield f"{format_range(sample.low, sample.high, format_seconds)} per sample,"
        yield f"{format_range(rate.low, rate.high, format_number)} samples per second with the pipeline full."
        yield from (step_sentences(hardware.latency), "")


def _check_lines(check: TargetCheck) -> Iterator[str]:
    yield from (f"## Rules of {check.title}", "", check.summary(), "")
    rows = [
        (rule.rule, rule.verdict.value, format_count(rule.found), format_count(rule.limit), rule.reason)
        for rule in check.verdicts
    ]
    yield from _markdown_table(("rule", "verdict", "found", "limit", "source, or why it was not checked"), rows)
    yield from (f"- {violation}" for violation in check.violations)
    yield ""


def _budget_lines(budget: ErrorBudget) -> Iterator[str]:
    yield from ("## Error budget", "", "What every cause in every layer adds alone to the output (relative L2):", "")
    yield from _budget_table(budget, lambda entry: entry.relative_change)
    yield from ("Share of spikes that it flips:", "")
    yield from _budget_table(budget, lambda entry: entry.flipped_spikes)
    yield f"The whole integer network: {format_percent(budget.whole_change)} of the output,"
    yield from (f"{format_percent(budget.whole_flipped)} of the spikes, on {format_count(budget.n_points)} points.", "")


def _budget_table(budget: ErrorBudget, value: Callable[[BudgetEntry], float]) -> Iterator[str]:
    rows = []
    for layer in budget.layers:
        entries = [budget.entry(layer, cause) for cause in Cause]
        rows.append((layer, *(format_percent(value(entry) if entry else None) for entry in entries)))
    yield from _markdown_table(("layer", *(cause.value for cause in Cause)), rows)
