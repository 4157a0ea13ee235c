"""The commands that end in a report: `demo` and `profile`."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...base.arrays import Record
from ...engine.trace import Backend
from ...files.atomic import check_writable
from ..lookup.networks import find_network
from ..stream.arrays_io import read_points
from ..stream.input_files import read_inputs
from ..terminal.console import out, print_json, show_note, show_table, stages
from ..verbs.convert import DEFAULT_TARGET
from ..verbs.demo import DEFAULT_MODEL, demo
from ..verbs.profile import HardwareChoices, defining_backend, profile
from ..verbs.solids import check_vtk, export_vtk
from ..verbs.verify import DEFAULT_POINTS
from .option_values import Names, parse_names
from .options import (
    ForceOption,
    JsonOption,
    LavaOption,
    NetworkArgument,
    ParamOption,
    ProblemOption,
    ReportOption,
    SeedOption,
    TargetOption,
    VtkOption,
    refuse_idle,
    taking,
)
from .resolve import resolve_problem_option

if TYPE_CHECKING:
    from ...hardware_sim.report.content.tables import Table
    from ...hardware_sim.report.report import Report


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("demo")(taking(DemoOptions, demo_command))
    app.command("profile")(taking(ProfileOptions, profile_command))
    app.command("compare")(compare_command)


@dataclass(frozen=True, kw_only=True)
class DemoOptions(Record):
    """What the user chose for `demo`."""

    name: Annotated[str, typer.Argument(help="A shipped network.")] = DEFAULT_MODEL
    directory: ReportOption = Path("report")
    vtk: VtkOption = None
    lava: LavaOption = True
    seed: SeedOption = 0
    force: ForceOption = False
    as_json: JsonOption = False


def demo_command(options: DemoOptions) -> None:
    """Deploy a shipped network end to end, in about a minute.

    Quantizes it, runs it on Lava, proves Lava equal to the integer reference, counts spikes and synaptic operations, and
    writes report.html, report.json and figures.

    Example: `neuropinn-lava demo poisson --out report/`
    """
    start = time.perf_counter()
    with stages(hidden=options.as_json) as tell:
        report = demo(
            options.name,
            options.directory,
            vtk=options.vtk,
            with_lava=options.lava,
            seed=options.seed,
            force=options.force,
            on_stage=tell,
        )
    finish(report, options.directory, options.as_json)
    show_note(f"{time.perf_counter() - start:.0f} s in all.")


@dataclass(frozen=True, kw_only=True)
class ProfileOptions(Record):
    """What the user chose for `profile`."""

    network: NetworkArgument
    directory: ReportOption
    problem: ProblemOption = None
    param: ParamOption = None
    points: Annotated[Path | None, typer.Option(help="Evaluation points, .npy or .csv.")] = None
    reference: Annotated[Path | None, typer.Option(help="Your own reference at --points, .npy or .csv.")] = None
    n_points: Annotated[int, typer.Option(help="Points to draw where --points is left out.", min=1)] = DEFAULT_POINTS
    target: TargetOption = DEFAULT_TARGET
    timing: Annotated[Path | None, typer.Option(help="Timing constants, a TOML file.")] = None
    energy: Annotated[list[Path] | None, typer.Option(help="Energy model besides the shipped ones, TOML.")] = None
    sanafe: Annotated[int, typer.Option(help="Samples to replay on SANA-FE; needs the extra `sanafe`.", min=0)] = 0
    device: Annotated[
        Names | None,
        typer.Option(
            parser=parse_names, help="Other hardware to measure: c99, cortex-m0, cortex-m4, rv32, lfe5u-25, lfe5u-45."
        ),
    ] = None
    markdown: Annotated[Path | None, typer.Option(help="Write the report as markdown too.")] = None
    csv: Annotated[Path | None, typer.Option(help="Write every value of the report as CSV too.")] = None
    lava: LavaOption = True
    vtk: VtkOption = None
    seed: SeedOption = 0
    force: ForceOption = False
    as_json: JsonOption = False


def profile_command(options: ProfileOptions) -> None:
    """Profile a network: accuracy, parity, spikes, synaptic operations, energy, cores, and other hardware.

    Example: `neuropinn-lava profile chip.h5 --out report/ --device c99,cortex-m4`
    """
    from ...hardware_sim.report.folder import check_report_directory

    if options.points is not None:
        refuse_idle(("n_points",), "beside --points, which are as many as they are", "Leave one of the two out.")
    else:
        refuse_idle(("reference",), "without --points, at which it was taken", "Give --points too.")
    check_report_directory(options.directory, options.force)
    for path in (options.markdown, options.csv):
        if path is not None:
            check_writable(path)
    problem = resolve_problem_option(options.problem, options.param)
    network = find_network(options.network)
    check_vtk(network, options.vtk, problem)
    points = read_inputs(options.points, network) if options.points else None
    reference = read_points(options.reference) if options.reference else None
    with stages(hidden=options.as_json) as tell:
        report = profile(
            network,
            problem,
            points=points,
            reference=reference,
            n_points=None if options.points else options.n_points,
            seed=options.seed,
            with_lava=options.lava,
            hardware=chosen_hardware(options),
            on_stage=tell,
        )
        report.save(options.directory, options.force)
        if options.vtk:
            export_vtk(network, options.vtk, defining_backend(network), problem)
    write_extracts(report, options.markdown, options.csv)
    finish(report, options.directory, options.as_json)


def chosen_hardware(options: ProfileOptions) -> HardwareChoices:
    """Return the target, timing, energy models and devices of the options."""
    return HardwareChoices(
        target=options.target,
        timing=options.timing,
        energy=tuple(options.energy or ()),
        n_sanafe=options.sanafe,
        devices=tuple(options.device or ()),
    )


def compare_command(
    first: Annotated[Path, typer.Argument(help="A report.json, or its folder.")],
    second: Annotated[Path, typer.Argument(help="Another one.")],
    everything: Annotated[bool, typer.Option("--all", help="Show every value of the reports, too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show two deployments side by side: ten headlines, each with the factor between the two.

    Example: `neuropinn-lava compare a/report.json b/report.json`
    """
    from ...hardware_sim.report.content.compare import compare_reports, headline_rows

    compared = compare_reports(first, second)
    rows = (*headline_rows(compared), *(compared if everything else ()))
    if as_json:
        keys = ("key", "first", "second", "unit", "factor")
        print_json([{key: getattr(row, key) for key in keys} for row in rows])
        return
    cells = [(row.key, row.first, row.second, row.unit, row.factor) for row in rows]
    show_table(f"{first} and {second}", ("value", "first", "second", "unit", "factor"), cells)
    if not everything:
        show_note(f"{sum(row.differs for row in compared)} of {len(compared)} values differ; `--all` shows them.")


def write_extracts(report: Report, markdown: Path | None, csv: Path | None) -> None:
    """Write the report as markdown and as CSV, where they are wanted."""
    from ...files.atomic import write_text
    from ...hardware_sim.report.content.json_record import report_object
    from ...hardware_sim.report.content.markdown import report_markdown
    from ...hardware_sim.report.content.rows import report_csv

    if markdown:
        write_text(markdown, report_markdown(report))
    if csv:
        write_text(csv, report_csv(report_object(report)))


def finish(report: Report, directory: Path, as_json: bool) -> None:
    """Print a report's main figures and say where the rest is; exit code 1 where backends differ."""
    from ...hardware_sim.report.content.json_record import report_object

    if as_json:
        print_json(report_object(report))
    else:
        show_report(report)
        out.print(f"Report: {directory / 'report.html'}")
    if report.parity is not None and report.parity.mismatches:
        raise typer.Exit(1)


def show_report(report: Report) -> None:
    """Print energy, accuracy, parity and counts."""
    from ...hardware_sim.report.content import sentences, tables

    if report.hardware and report.dominance:
        show_report_table(tables.summary_table(report.dominance, report.hardware.energies))
        out.print(sentences.dominance_sentence(report.dominance))
    if report.lee is not None:
        out.print(sentences.lee_sentence(report.lee))
    if report.problem is None:
        show_note("The network's problem is not known, so its errors are not: give --problem file.py:NAME.")
    if report.backends:
        show_report_table(tables.accuracy_table(report.backends))
    if report.solid:
        show_report_table(tables.stress_table(report.solid))
    if report.counts:
        show_report_table(tables.count_table(report.counts))
        per_sample = report.counts.synaptic_operations_per_sample
        out.print(
            f"{per_sample:,.0f} synaptic operations per evaluation; the dense network takes {report.counts.ann_macs:,} MACs."
        )
        held = sentences.held_sentences(report.counts, report.hardware)
        for sentence in (*held, *sentences.sequence_sentences(report)):
            out.print(sentence)
    if report.devices:
        show_report_table(tables.device_table(report.devices))
        for sentence in sentences.device_sentences(report.devices):
            out.print(sentence)
    if report.parity:
        out.print(f"[bold]{sentences.parity_verdict(report.parity)}[/]")
        for sentence in sentences.parity_sentences(report.parity):
            out.print(sentence)
    elif report.result_of(Backend.LAVA) is None:
        show_note("Lava did not run; the integer engine stands for the deployed network.")


def show_report_table(table: Table) -> None:
    """Print a table of a report with its row of sums; columns of numbers are right-aligned."""
    rows = (*table.rows, table.total) if table.total else table.rows
    numeric = [all(cell.sort_key is not None for cell in column) for column in zip(*table.rows, strict=True)]
    headings = [column.heading for column in table.columns]
    show_table(table.title, headings, [[cell.text for cell in row] for row in rows], numeric)
