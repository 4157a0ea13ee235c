"""A report as markdown: the tables and sentences of the page, for issues, papers and terminals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ....conversion.search.error_budget import ErrorBudget
from ....conversion.targets.verdicts import TargetCheck
from ...costs.hardware_profile import HardwareProfile
from ...costs.latency import LatencyEstimate
from ...counts.operations import OperationCounts
from .formats import format_count, format_number, format_percent, format_range, format_seconds
from .sections import NetworkSection, ReportContent
from .sentences import (
    backend_sentences,
    device_sentences,
    dominance_sentence,
    held_sentences,
    lee_sentence,
    parity_sentences,
    report_title,
    sequence_sentences,
    step_sentences,
)
from .tables import (
    Cell,
    Table,
    accuracy_table,
    budget_tables,
    condition_table,
    connection_table,
    core_table,
    count_table,
    device_table,
    energy_table,
    gradient_table,
    rule_table,
    stress_table,
    summary_table,
)


def report_markdown(report: ReportContent) -> str:
    """Return the text of a report; sections that it does not have are left out."""
    return "\n".join(_lines(report)).rstrip() + "\n"


def _table_lines(table: Table, heading: str = "## ") -> Iterator[str]:
    """Yield the heading and the lines of a table; columns of numbers are right-aligned."""
    yield from (f"{heading}{table.title}", "")
    yield "| " + " | ".join(column.heading.replace("|", "\\|") for column in table.columns) + " |"
    yield "|---|" + "".join("---|" if column.is_prose else "---:|" for column in table.columns[1:])
    yield from map(_row_line, (*table.rows, table.total) if table.total else table.rows)
    yield ""


def _row_line(row: Iterable[Cell]) -> str:
    return "| " + " | ".join(cell.text.replace("|", "\\|") for cell in row) + " |"


def _lines(report: ReportContent) -> Iterator[str]:
    yield from (f"# {report_title(report)}", "")
    if report.problem:
        yield from (f"{report.problem.title}: `{report.problem.equation}`", "")
    yield from (f"{format_count(report.n_points)} evaluation points; neuropinn-lava {report.package_version}.", "")
    if report.hardware and report.dominance:
        yield from _table_lines(summary_table(report.dominance, report.hardware.energies))
        yield from (dominance_sentence(report.dominance), "")
    if report.lee is not None:
        yield from (lee_sentence(report.lee), "")
    if report.network:
        yield from _network_lines(report.network)
    if report.backends:
        yield from _table_lines(accuracy_table(report.backends))
        yield from (*backend_sentences(report.backends), "")
        if any(result.condition_rms for result in report.backends.results):
            yield from _table_lines(condition_table(report.backends))
    if report.gradients:
        yield from _table_lines(gradient_table(report.gradients))
    if report.solid:
        yield from _table_lines(stress_table(report.solid))
    if report.parity:
        yield from ("## Parity", "", *(f"- {sentence}" for sentence in parity_sentences(report.parity)), "")
    if report.counts:
        yield from _count_lines(report.counts, report.hardware)
        if steps := sequence_sentences(report):
            yield from (*steps, "")
    if report.hardware:
        yield from _energy_lines(report.hardware)
        yield from _core_lines(report.hardware)
        if report.hardware.check:
            yield from _check_lines(report.hardware.check)
    if report.devices:
        yield from _table_lines(device_table(report.devices))
        yield from (*(f"- {sentence}" for sentence in device_sentences(report.devices)), "")
    if report.quantization and report.quantization.error_budget:
        yield from _budget_lines(report.quantization.error_budget)


def _network_lines(network: NetworkSection) -> Iterator[str]:
    steps = "sequences" if network.n_steps is None else f"{network.n_steps} steps"
    shape = "–".join(str(n) for n in network.widths)
    graph = "" if network.is_chain else f", a graph of {len(network.widths) - 2} nodes"
    yield f"Network {shape}{graph}, {steps}, φ = {network.activation}, digest"
    yield from (f"`{network.digest}`.", "")


def _count_lines(counts: OperationCounts, hardware: HardwareProfile | None) -> Iterator[str]:
    yield from _table_lines(count_table(counts))
    if not counts.is_chain:
        yield from _table_lines(connection_table(counts), "### ")
    yield f"{format_number(counts.synaptic_operations_per_sample, 5)} synaptic operations per sample; one dense pass has"
    yield from (f"{format_count(counts.ann_macs)} MACs.", "")
    if held := held_sentences(counts, hardware):
        yield from (*held, "")


def _energy_lines(hardware: HardwareProfile) -> Iterator[str]:
    if hardware.energies:
        yield from _table_lines(energy_table(hardware.energies))
        yield from (
            f"- {energy.model}: {energy.source}. Leaves out: {energy.leaves_out}." for energy in hardware.energies
        )
        yield ""


def _core_lines(hardware: HardwareProfile) -> Iterator[str]:
    if hardware.does_not_fit:
        yield from ("## Cores", "", f"The network does not fit: {hardware.does_not_fit}", "")
    if hardware.placement is None:
        return
    traffic = hardware.placement.traffic
    yield from _table_lines(core_table(hardware.placement.partition))
    yield from (f"{format_number(traffic.messages / traffic.n_samples)} messages per sample.", "")
    if hardware.latency:
        yield from _latency_lines(hardware.latency)


def _latency_lines(latency: LatencyEstimate) -> Iterator[str]:
    step, sample, rate = latency.step_seconds, latency.latency_seconds, latency.samples_per_second
    yield f"Estimated, not measured: {format_range(step.low, step.high, format_seconds)} per step,"
    yield f"{format_range(sample.low, sample.high, format_seconds)} per sample,"
    yield f"{format_range(rate.low, rate.high, format_number)} samples per second with the pipeline full."
    yield from (step_sentences(latency), "")


def _check_lines(check: TargetCheck) -> Iterator[str]:
    yield from _table_lines(rule_table(check))
    yield from (check.summary(), "", *(f"- {violation}" for violation in check.violations), "")


def _budget_lines(budget: ErrorBudget) -> Iterator[str]:
    yield from ("## Error budget", "", "Each column is the effect of one cause in one layer alone.", "")
    for table in budget_tables(budget):
        yield from _table_lines(table, "### ")
    yield f"The whole integer network: {format_percent(budget.whole_change)} of the output,"
    yield from (f"{format_percent(budget.whole_flipped)} of the spikes, on {format_count(budget.n_points)} points.", "")
