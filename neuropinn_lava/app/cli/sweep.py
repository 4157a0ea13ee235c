"""The command `sweep`: bits, thresholds, steps and activities against error, energy and synaptic bits."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ...base.arrays import Record
from ..sweep.folder import FIGURE_NAME, TABLE_NAME, sweep_object
from ..sweep.grid import SweepGrid
from ..sweep.plan import DEFAULT_ENERGY, DEFAULT_POINTS, DEFAULT_TUNING, SweepPlan, plan_sweep
from ..sweep.result import Sweep, SweepProgress
from ..sweep.sweep import DEFAULT_FACTOR, sweep
from ..terminal.console import out, print_json, show_note, show_table
from ..terminal.progress import progress_bars
from ..verbs.convert import DEFAULT_TARGET
from ..verbs.train import RecipeChanges
from ..workers.dask_pool import ClusterChoice
from .option_values import Numbers, WholeNumbers, parse_numbers, parse_whole_numbers
from .options import (
    ClusterOption,
    ForceOption,
    IterationsOption,
    JsonOption,
    LayersOption,
    ParamOption,
    SeedOption,
    TargetOption,
    taking,
)
from .resolve import resolve_problem

DEFAULT_WEIGHT_BITS = WholeNumbers((4, 6, 8))
DEFAULT_PAYLOAD_BITS = WholeNumbers((8, 12, 16))


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("sweep")(taking(SweepOptions, sweep_command))


@dataclass(frozen=True, kw_only=True)
class SweepOptions(Record):
    """What the user chose for `sweep`."""

    problem: Annotated[
        str, typer.Argument(help="A PDE problem (`neuropinn-lava problems` lists them), or your own: file.py:NAME.")
    ]
    directory: Annotated[Path, typer.Option("--out", help="Folder for table, figure and chosen network.")]
    weight_bits: Annotated[WholeNumbers, typer.Option(parser=parse_whole_numbers, help="Weight bits to try.")] = (
        DEFAULT_WEIGHT_BITS
    )
    payload_bits: Annotated[WholeNumbers, typer.Option(parser=parse_whole_numbers, help="Payload bits to try.")] = (
        DEFAULT_PAYLOAD_BITS
    )
    theta: Annotated[
        Numbers | None, typer.Option(parser=parse_numbers, help="Thresholds to try; the recipe's own if left out.")
    ] = None
    n_steps: Annotated[
        WholeNumbers | None,
        typer.Option(parser=parse_whole_numbers, help="Numbers of steps T to try; the recipe's own if left out."),
    ] = None
    activity: Annotated[
        Numbers | None,
        typer.Option(parser=parse_numbers, help="Spiking activities to aim at; the recipe's own if left out."),
    ] = None
    search: Annotated[
        int | None, typer.Option(help="Let optuna propose so many points within these ranges, bits per matrix.")
    ] = None
    param: ParamOption = None
    layers: LayersOption = None
    iterations: IterationsOption = 1.0
    tune_iterations: Annotated[int, typer.Option(help="Steps of tuning the integers; 0 does not tune.", min=0)] = (
        DEFAULT_TUNING
    )
    energy: Annotated[str, typer.Option(help="Energy model: a shipped one's name, or a TOML file.")] = DEFAULT_ENERGY
    target: TargetOption = DEFAULT_TARGET
    error_factor: Annotated[
        float, typer.Option(help="Error that the chosen model may have, in units of the lowest one.")
    ] = DEFAULT_FACTOR
    n_points: Annotated[int, typer.Option(help="Evaluation points.", min=1)] = DEFAULT_POINTS
    lava: Annotated[bool, typer.Option(help="Deploy on Lava; --no-lava lets the integer engine stand for it.")] = True
    workers: Annotated[
        int | None, typer.Option(help="Worker processes on Dask; 0 computes here. All cores if left out.", min=0)
    ] = None
    cluster: ClusterOption = None
    cache: Annotated[Path | None, typer.Option(help="Folder of finished work; the user's cache if left out.")] = None
    seed: SeedOption = 0
    force: ForceOption = False
    as_json: JsonOption = False


def sweep_command(options: SweepOptions) -> None:
    """Train, tune, deploy and profile a network at every combination, and choose one.

    Points that differ in their bits only share a training. Everything that is finished is kept: the same command, called again
    after Ctrl-C or with other values, does what is missing.

    Example: `neuropinn-lava sweep poisson --theta 0.02,0.05 --n-steps 1,2 --out sweep/`
    """
    grid, plan = parse_grid(options), parse_plan(options)
    with sweep_bars(hidden=options.as_json) as advance:
        found = sweep(
            plan,
            grid,
            out=options.directory,
            search=options.search,
            error_factor=options.error_factor,
            cluster=chosen_cluster(options.cluster, options.workers),
            cache=options.cache,
            force=options.force,
            on_progress=advance,
            on_note=show_note,
        )
    show_sweep(found, options.directory, as_json=options.as_json)


def parse_grid(options: SweepOptions) -> SweepGrid:
    """Return the grid that the options span; without an option, the recipe's own value counts.

    Raises:
        SpecError: If a number is not in its range.
    """
    return SweepGrid(
        weight_bits=tuple(options.weight_bits),
        payload_bits=tuple(options.payload_bits),
        theta=tuple(options.theta or (None,)),
        n_steps=tuple(options.n_steps or (None,)),
        activity=tuple(options.activity or (None,)),
    )


def parse_plan(options: SweepOptions) -> SweepPlan:
    """Return what all points of the sweep share.

    Raises:
        SpecError: If a name is unknown, or a number out of range.
        FileFormatError: If a TOML file cannot be read.
    """
    return plan_sweep(
        resolve_problem(options.problem, options.param or ()),
        changes=RecipeChanges(iterations=options.iterations, layers=options.layers and tuple(options.layers)),
        seed=options.seed,
        n_points=options.n_points,
        tune_iterations=options.tune_iterations,
        energy=options.energy,
        target=options.target,
        with_lava=options.lava,
    )


def chosen_cluster(address: str | None, n_workers: int | None) -> ClusterChoice:
    """Return the cluster of the options; without them, a worker for each core, or this process where Dask is missing."""
    from ...hardware_sim.lava.plan import usable_cores

    if n_workers is not None or address is not None:
        return ClusterChoice(address=address, n_workers=n_workers or 0)
    if importlib.util.find_spec("distributed") is None:
        show_note("One point after the other: `pip install 'neuropinn-lava[dask]'` lets every core take one.")
        return ClusterChoice()
    return ClusterChoice(n_workers=usable_cores())


@contextlib.contextmanager
def sweep_bars(*, hidden: bool = False) -> Iterator[Callable[[SweepProgress], None]]:
    """Show trainings and points on standard error: as bars on a terminal, elsewhere a line for each point."""
    with progress_bars("trainings", "points", hidden=hidden) as (trainings, points):

        def advance(progress: SweepProgress) -> None:
            trainings(progress.n_trained, progress.n_trainings)
            points(progress.n_measured, progress.n_points)
            if progress.latest is not None and not hidden and progress.n_measured > progress.n_cached:
                show_note(describe_progress(progress))

        try:
            yield advance
        except KeyboardInterrupt:
            show_note("What is finished is kept; the same command goes on behind it.")
            raise


def describe_progress(progress: SweepProgress) -> str:
    """Format the progress of a sweep and the numbers of its last point in one line."""
    assert progress.latest is not None
    row = progress.latest
    found = row.failure or f"error {row.relative_l2:.2%}, {row.joules:.3g} J, {row.synaptic_bits:,} synaptic bits"
    return f"{progress.n_measured} of {progress.n_points}: {row.name}: {found}"


def show_sweep(found: Sweep, directory: Path, *, as_json: bool) -> None:
    """Print the front and the chosen model."""
    if as_json:
        print_json(sweep_object(found))
        return
    columns = ("on the front", "error", "float", "activity", "operations", "J/sample", "synaptic bits")
    cells = []
    for k in found.front:
        row = found.rows[k]
        star = " *" if k == found.chosen else ""
        cells.append(
            (
                row.name + star,
                row.relative_l2,
                row.relative_l2_float,
                row.spiking_activity,
                row.synaptic_operations,
                row.joules,
                row.synaptic_bits,
            )
        )
    energy = found.plan.energy
    show_table(
        f"{found.plan.problem.name}: {len(found.points)} points, {len(found.front)} of them on the front",
        columns,
        cells,
    )
    if n_failed := sum(row.failure is not None for row in found.rows):
        show_note(f"{n_failed} points could not be deployed; the table says why.")
    out.print(f"Energy: dynamic joules by {energy.name} ({energy.kind.value}; {energy.source}).")
    if found.chosen is not None:
        out.print(f"[bold]Chosen: {found.rows[found.chosen].name}[/]: {found.choice.rule}.")
    if n_again := found.n_proposed - len(found.points):
        out.print(
            f"{found.n_proposed} proposals, of which {n_again} were of points proposed before: {len(found.points)} points."
        )
    out.print(
        f"{len(found.points) - found.n_cached} points computed and {found.n_cached} found in the cache,"
        f" {found.seconds:.0f} s. Wrote {directory / TABLE_NAME}, {directory / FIGURE_NAME} and the chosen network."
    )
