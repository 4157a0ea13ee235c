"""A report as markdown: the tables and sentences of the page, for issues, papers and terminals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ....conversion.search.error_budget import BudgetEntry, Cause, ErrorBudget
from ...costs.hardware_profile import HardwareProfile
from ...counts.counting import LayerOperations, OperationCounts, OperationTotal
from .sections import BackendsSection, NetworkSection, Report, SolidSection
from .words import (
    break_even_words,
    parity_sentences,
    report_title,
    say_count,
    say_joules,
    say_number,
    say_percent,
    say_range,
    say_seconds,
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
    yield from (f"{say_count(report.n_points)} evaluation points; neuropinn-lava {report.package_version}.", "")
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
    if report.quantization and report.quantization.error_budget:
        yield from _budget_lines(report.quantization.error_budget)


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
        (result.backend.value, *(say_number(value) for value in (
            result.relative_l2, result.max_abs_error, result.residual_rms, result.boundary_rms, result.seconds,
            result.samples_per_second)))
        for result in backends.results
    ]  # fmt: skip
    yield from _markdown_table(heads, rows)


def _solid_lines(solid: SolidSection) -> Iterator[str]:
    yield from ("## Stresses", "")
    rows = [
        (row.backend.value, *(say_percent(value) for value in (
            row.fluctuation_relative_l2, row.stress.relative_l2, row.stress.von_mises_relative_l2)))
        for row in solid.results
    ]  # fmt: skip
    floor = (say_percent(solid.floor.relative_l2), say_percent(solid.floor.von_mises_relative_l2))
    heads = ("displacements of", "error of u − lift", "error of all stresses", "error of the von Mises stress")
    yield from _markdown_table(
        heads, [*rows, ("finite elements, through the same operators", say_percent(0.0), *floor)]
    )


def _count_lines(counts: OperationCounts) -> Iterator[str]:
    yield from ("## Spikes and operations", "")
    heads = ("layer", "neurons", "fired", "spikes", "activity", "synaptic operations", "dense", "neuron updates")
    named: list[tuple[str, LayerOperations | OperationTotal]] = [(layer.name, layer) for layer in counts.layers]
    rows = [
        (
            name,
            say_count(row.n_neurons),
            say_count(row.fired),
            say_count(row.spikes),
            say_percent(row.spiking_activity),
            say_count(row.synaptic_operations),
            say_count(row.dense_synaptic_operations),
            say_count(row.neuron_updates),
        )
        for name, row in [*named, ("total", counts.total)]
    ]
    yield from _markdown_table(heads, rows)
    yield f"{say_number(counts.synaptic_operations_per_sample, 5)} synaptic operations per sample; one dense pass has"
    yield from (f"{say_count(counts.ann_macs)} MACs.", "")


def _energy_lines(hardware: HardwareProfile) -> Iterator[str]:
    if not hardware.energies:
        return
    yield from ("## Energy per sample, by model", "")
    heads = ("model", "kind", "dynamic", "static", "range", "one dense pass", "break-even, activity × steps")
    rows = [
        (
            energy.model,
            energy.kind.value,
            say_joules(energy.dynamic_joules_per_sample),
            say_joules(energy.static_joules_per_sample or None),
            say_range(energy.low, energy.high, say_joules),
            say_joules(energy.dense_joules_per_sample),
            break_even_words(energy),
        )
        for energy in hardware.energies
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
            say_count(layer.n_neurons),
            say_count(layer.n_cores),
            say_count(layer.neurons_per_core),
            say_count(layer.synapse_bytes_per_core),
            say_percent(layer.synapse_utilisation),
        )
        for layer in partition.layers
    ]
    yield from _markdown_table(heads, rows)
    yield from (f"{say_number(traffic.messages / traffic.n_samples)} messages per sample.", "")
    if hardware.latency:
        step, sample = hardware.latency.step_seconds, hardware.latency.latency_seconds
        yield f"Estimated, not measured: {say_range(step.low, step.high, say_seconds)} per step,"
        yield from (f"{say_range(sample.low, sample.high, say_seconds)} per sample.", "")


def _budget_lines(budget: ErrorBudget) -> Iterator[str]:
    yield from ("## Error budget", "", "What every cause in every layer adds alone to the output (relative L2):", "")
    yield from _budget_table(budget, lambda entry: entry.relative_change)
    yield from ("Share of spikes that it flips:", "")
    yield from _budget_table(budget, lambda entry: entry.flipped_spikes)
    yield f"The whole integer network: {say_percent(budget.whole_change)} of the output,"
    yield from (f"{say_percent(budget.whole_flipped)} of the spikes, on {say_count(budget.n_points)} points.", "")


def _budget_table(budget: ErrorBudget, value: Callable[[BudgetEntry], float]) -> Iterator[str]:
    rows = []
    for layer in budget.layers:
        entries = [budget.entry(layer, cause) for cause in Cause]
        rows.append((layer, *(say_percent(value(entry) if entry else None) for entry in entries)))
    yield from _markdown_table(("layer", *(cause.value for cause in Cause)), rows)
