"""The command `run`: any number of points through a network, on any backend, from a file into a file."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...base.arrays import FloatArray, Record
from ...base.errors import NeuroPinnError, SpecError
from ...engine.trace import Backend, LavaMode, LayerModel, Probe
from ...files.atomic import check_writable
from ...geometry.function_samples import Interpolation
from ...network.quantized import Network
from ..lookup.networks import find_network
from ..stream.arrays_io import PointFile
from ..stream.input_files import INPUT_SUFFIX, open_inputs, read_arrays
from ..terminal.console import out, print_json, show_note
from ..terminal.progress import progress_bars
from ..terminal.show_plan import show_plan
from ..verbs.solids import check_vtk, export_vtk
from ..workers.dask_pool import ClusterChoice
from .option_values import Names, WholeNumbers, parse_names, parse_samples
from .options import ClusterOption, JsonOption, NetworkArgument, WorkersOption, refuse_idle, taking

if TYPE_CHECKING:
    from ..stream.point_source import PointSource
    from ..stream.sequence import SequenceSummary
    from ..stream.stream import StreamProgress, StreamSummary


NOT_PLANNED = (
    "path",
    "resume",
    "time_limit",
    "probe",
    "probe_layers",
    "probe_steps",
    "probe_out",
    "workers",
    "cluster",
    "vtk",
    "device",
)
"""Options of a run that have no effect on a plan, which runs nothing."""
FOR_SEQUENCES = ("times", "state", "save_state")
"""Options of one sequence whose rows are steps."""
FOR_SAMPLES = (*(set(NOT_PLANNED) - {"path", "time_limit", "device"}), "plan", "block_size", "functions")
"""Options that a sequence does not have."""
N_CHECKED = 1024
"""Number of points that a plan reads, to refuse those that are not the network's."""
FOR_FUNCTIONS = ("sensors", "trained_sensors", "interpolate")
"""Options that say how functions were sampled."""
NOT_OF_GRIDS = ("probe", "probe_layers", "probe_steps", "probe_out", "vtk")
"""Options that take single points, not functions x points."""
FOR_LAVA = ("mode", "model", "batch_size", "cores", "time_limit")
"""Options that say how Lava runs."""


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("run")(taking(RunOptions, run_command))


@dataclass(frozen=True, kw_only=True)
class RunOptions(Record):
    """What the user chose for `run`."""

    network: NetworkArgument
    points: Annotated[
        Path, typer.Option(help="Points (n, d), .npy, .csv, .h5: space first, time last; .npz: one array an input.")
    ]
    path: Annotated[Path | None, typer.Option("--out", help="File for the outputs, .npy, .csv or .h5: (n, n_out).")] = (
        None
    )
    functions: Annotated[
        Path | None, typer.Option(help="Functions (k, m) for a network that takes them: outputs are (k, n, n_out).")
    ] = None
    sensors: Annotated[
        Path | None,
        typer.Option(help="Places (m,) or (m, d) at which the functions were sampled; else they are coefficients."),
    ] = None
    trained_sensors: Annotated[
        Path | None, typer.Option(help="Sensors of the training, where the network reads samples.")
    ] = None
    interpolate: Annotated[
        Interpolation | None, typer.Option(help="Interpolate samples to the sensors of the training.")
    ] = None
    backend: Annotated[Backend, typer.Option(help="Engine that computes the outputs.")] = Backend.INTEGER
    mode: Annotated[LavaMode, typer.Option(help="How samples go through Lava.")] = LavaMode.BATCHED
    model: Annotated[
        LayerModel | None, typer.Option(help="Processes that a layer is made of on Lava; chosen if left out.")
    ] = None
    batch_size: Annotated[int | None, typer.Option(help="Samples in a message on Lava.", min=1)] = None
    cores: Annotated[int | None, typer.Option(help="Cores that Lava may use; all if left out.", min=1)] = None
    plan: Annotated[bool, typer.Option("--plan", help="Show how Lava would run it, and why; run nothing.")] = False
    block_size: Annotated[int | None, typer.Option(help="Points between two records of progress.", min=1)] = None
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run, if there is one.")] = False
    time_limit: Annotated[float | None, typer.Option(help="End a Lava run of a block after so many seconds.")] = None
    probe: Annotated[
        WholeNumbers | None,
        typer.Option(
            parser=parse_samples, help="Samples to record in full: numbers and ranges from 0, as 0:16 or 3,99."
        ),
    ] = None
    probe_layers: Annotated[
        Names | None, typer.Option(parser=parse_names, help="Nodes to record, by name; all if left out.")
    ] = None
    probe_steps: Annotated[
        WholeNumbers | None, typer.Option(parser=parse_samples, help="Steps to record, as 0:4; all if left out.")
    ] = None
    probe_out: Annotated[Path | None, typer.Option(help="Folder for what is recorded, and its figures.")] = None
    device: Annotated[
        str | None, typer.Option(help="Microcontroller that c99 is emulated on: cortex-m0, cortex-m4, rv32.")
    ] = None
    workers: WorkersOption = 0
    cluster: ClusterOption = None
    vtk: Annotated[
        Path | None, typer.Option("--vtk", help="Write a solid's displacements and stresses too, .vtu or .vtk.")
    ] = None
    sequence: Annotated[
        bool, typer.Option("--sequence", help="The rows of --points are the steps of one sequence.")
    ] = False
    times: Annotated[bool, typer.Option("--times", help="The first column holds the times of the steps, evenly.")] = (
        False
    )
    state: Annotated[Path | None, typer.Option(help="Go on where the call that wrote this state ended, .h5.")] = None
    save_state: Annotated[Path | None, typer.Option(help="Write the state behind the last step, .h5.")] = None
    as_json: JsonOption = False


def run_command(options: RunOptions) -> None:
    """Evaluate a network at any points on any backend.

    Points are read, and outputs written, block by block: any number of them takes the same memory. Until it is complete the
    output is `NAME.part`; `--resume` goes on behind its last block. With `--workers` or `--cluster` blocks are evaluated on
    Dask; the file is the same, byte for byte. With `--probe` the membranes, spikes and payloads of chosen samples go to the
    folder `--probe-out`. With `--sequence` the rows are the steps of one sequence, each with its own row of outputs; `--state`
    continues it where an earlier call with `--save-state` ended, to the same bits as in one call.
    With `--functions` every point is evaluated for every function, into an array (k, n, n_out).

    Example: `neuropinn-lava run chip.h5 --backend lava --points p.npy --out u.npy --workers 2`
    """
    from ..stream.stream import check_rows

    refuse_unused(options)
    if options.plan:
        show_planned(options)
        return
    if options.path is None:
        raise SpecError("--out", "name a file for the outputs", None, "Give --out, or --plan to run nothing.")
    check_writable(options.path)
    if options.sequence:
        run_sequence(options.path, options)
        return
    chosen = chosen_probe(options.probe, options.probe_layers, options.probe_steps, options.probe_out)
    network = find_network(options.network)
    check_rows(network)
    points = opened_points(network, options)
    check_vtk(network, options.vtk)
    record_probe(network, points, chosen, options)
    summary = run_into(options.path, network, points, options)
    if options.vtk is not None:
        export_vtk(network, options.vtk, options.backend.value)
    show_summary(summary, as_json=options.as_json)


def run_sequence(path: Path, options: RunOptions) -> None:
    """Run one sequence from a state or from rest, and write outputs and state."""
    from ...files.state_file import check_state_path, find_state, write_state
    from ..stream.sequence import continues, stream_sequence
    from ..verbs.run import RunChoices

    network, backend = find_network(options.network), options.backend
    choices = RunChoices.of(
        "run",
        backend,
        mode=lava_mode(options),
        model=options.model,
        batch_size=options.batch_size,
        n_cores=options.cores,
        time_limit=options.time_limit,
        device=options.device,
    )
    if options.save_state is not None:
        check_state_path(options.save_state)
        if not continues(choices):
            rule = "be left out where Lava's nodes are processes of their own, or samples go one at a time"
            repair = "Leave --mode and --model out: whole networks in batches keep a state, and compute the same bits."
            raise SpecError("--save-state", rule, str(options.save_state), repair)
    state = None if options.state is None else find_state(options.state)
    with stream_bar(f"{backend.value} run", hidden=options.as_json) as advance:
        summary, after = stream_sequence(
            network, options.points, path, choices, state=state, has_times=options.times, on_progress=advance
        )
    if options.save_state is not None:
        write_state(after, options.save_state)
    show_sequence(summary, options)


def show_sequence(summary: SequenceSummary, options: RunOptions) -> None:
    """Print the summary of a sequence."""
    if options.as_json:
        state = None if options.save_state is None else str(options.save_state)
        print_json({"out": str(summary.path), **asdict(summary) | {"path": str(summary.path)}, "state": state})
        return
    show_saturated(summary.n_saturated)
    before = f", behind {summary.n_before:,} earlier ones," if summary.n_before else ""
    saved = "" if options.save_state is None else f" and the state {options.save_state}"
    out.print(
        f"{summary.n_steps:,} steps{before} on {summary.backend.value} in {summary.seconds:.2f} s,"
        f" {1e6 * summary.seconds / summary.n_steps:,.0f} µs a step. Wrote {summary.path}{saved}"
    )


def show_planned(options: RunOptions) -> None:
    """Print how Lava would run the points, and why."""
    from ...hardware_sim.lava.plan import plan_run
    from ..stream.point_source import PointSource, suitable_block
    from ..stream.stream import check_rows

    network = find_network(options.network)
    check_rows(network)
    points = opened_points(network, options)
    checked = next(PointSource.of(points).blocks(0, N_CHECKED, network), None)
    n_points = PointSource.of(points).n_points or 0
    size = min(n_points, options.block_size or suitable_block(network, options.mode))
    plan = plan_run(
        network,
        size,
        mode=options.mode,
        model=options.model,
        batch_size=options.batch_size,
        n_cores=options.cores,
        n_steps=checked.shape[1] if checked is not None and checked.ndim == 3 else None,
    )
    show_plan(plan, network.name, n_points, size, as_json=options.as_json)


def opened_points(network: Network, options: RunOptions) -> PointFile | FloatArray | PointSource:
    """Open the points of a run, or build the grid of `--functions` and points."""
    from ..stream.arrays_io import read_places, read_points
    from ..stream.function_input import FunctionSamples
    from ..stream.grid import grid_source

    if options.functions is None:
        return open_inputs(options.points, network)
    sensors, trained = (
        None if each is None else read_places(each) for each in (options.sensors, options.trained_sensors)
    )
    samples = FunctionSamples(sensors=sensors, trained_sensors=trained, interpolation=options.interpolate)
    functions, points = (
        read_arrays(path) if path.suffix.lower() == INPUT_SUFFIX else path
        for path in (options.functions, options.points)
    )
    columns = read_points(functions) if isinstance(functions, Path) else functions
    return grid_source(network, columns, points, samples, None, "run")


def refuse_unused(options: RunOptions) -> None:
    """Refuse options that would have no effect on the chosen backend, or on a plan.

    Raises:
        SpecError: If there are any; all of them are listed.
    """
    if options.functions is None:
        refuse_idle(
            FOR_FUNCTIONS, "without --functions, where it would have no effect", "Leave it out, or give functions."
        )
    else:
        refuse_idle(
            NOT_OF_GRIDS, "beside --functions", "Probe single points: `--points` with the columns of all inputs."
        )
    if options.plan:
        refuse_idle(NOT_PLANNED, "beside --plan, which runs nothing", "Leave it out, or leave --plan out.")
        if options.backend is not Backend.LAVA:
            rule = "but lava beside --plan, which says how Lava would run"
            refuse_idle(("backend",), rule, "Leave it out.")
    elif options.backend is not Backend.LAVA:
        rule = f"on backend {options.backend.value}, where it would have no effect"
        refuse_idle(FOR_LAVA, rule, "Leave it out, or add --backend lava.")
    if options.sequence:
        refuse_idle(FOR_SAMPLES, "beside --sequence, which is one sample", "Leave it out, or leave --sequence out.")
    else:
        refuse_idle(FOR_SEQUENCES, "without --sequence", "Leave it out, or add --sequence.")


def record_probe(
    network: Network, points: PointFile | FloatArray | PointSource, chosen: Probe | None, options: RunOptions
) -> None:
    """Record what `--probe` asks for, if anything, and print what it cost; beside `--json` to standard error."""
    from ..stream.point_source import PointSource
    from ..stream.probes import probe, write_probe

    if chosen is None or options.probe_out is None or isinstance(points, PointSource):
        return
    recorded = probe(network, points, chosen, backend=options.backend, mode=lava_mode(options))
    trace, files = recorded.trace, write_probe(recorded.trace, options.probe_out)
    text = (
        f"Probed {len(trace.samples):,} samples, {len(trace.nodes)} nodes, {trace.output.shape[1]} steps:"
        f" {trace.n_bytes / 1e6:.3g} MB in {recorded.seconds:.2f} s. Wrote {files[0]} and {len(files) - 1} figures"
    )
    if options.as_json:
        show_note(text)
    else:
        out.print(text)


def chosen_probe(
    samples: WholeNumbers | None, layers: Names | None, steps: WholeNumbers | None, folder: Path | None
) -> Probe | None:
    """Build the probe that the options of `run` describe, or return None where there are none.

    Raises:
        SpecError: If some options are given without the others that they need.
    """
    if samples is None and folder is None:
        if layers or steps:
            raise SpecError("run.probe", "name samples to record", None, "Give --probe, as 0:16, and --probe-out.")
        return None
    if samples is None or folder is None:
        repair = "Give both, as `--probe 0:16 --probe-out probe/`."
        raise SpecError("run.probe", "name samples, and a folder for what is recorded", samples or folder, repair)
    return Probe(samples=tuple(samples), nodes=layers and tuple(layers), steps=steps and tuple(steps))


def lava_mode(options: RunOptions) -> LavaMode | None:
    """Return the mode of a Lava run, or None for another backend."""
    return options.mode if options.backend is Backend.LAVA else None


def run_into(
    path: Path, network: Network, points: PointFile | FloatArray | PointSource, options: RunOptions
) -> StreamSummary:
    """Stream the points through the network into a file, with a bar."""
    from ..stream.stream import stream

    with kept_rows_told(path), stream_bar(f"{options.backend.value} run", hidden=options.as_json) as advance:
        return stream(
            network,
            points,
            path,
            backend=options.backend,
            mode=lava_mode(options),
            block_size=options.block_size,
            resume=options.resume,
            on_progress=advance,
            time_limit=options.time_limit,
            model=options.model,
            batch_size=options.batch_size,
            n_cores=options.cores,
            device=options.device,
            cluster=ClusterChoice(address=options.cluster, n_workers=options.workers),
        )


@contextlib.contextmanager
def kept_rows_told(path: Path) -> Iterator[None]:
    """Print how many points are kept of a run that ends early."""
    from ..stream.row_files import n_kept

    try:
        yield
    except (NeuroPinnError, KeyboardInterrupt):
        if n := n_kept(path):
            show_note(f"{n:,} points are kept in {path}.part; --resume goes on behind them.")
        raise


def show_saturated(n_saturated: int) -> None:
    """Print how many values saturated, if any did."""
    if n_saturated:
        show_note(f"{n_saturated:,} values saturated; `neuropinn-lava convert` with more bits would hold them.")


def show_summary(summary: StreamSummary, *, as_json: bool) -> None:
    """Print the summary of a finished run."""
    if as_json:
        print_json({"out": str(summary.path), **asdict(summary) | {"path": str(summary.path)}})
        return
    show_saturated(summary.n_saturated)
    resumed = f", {summary.n_resumed:,} of them by an earlier run" if summary.n_resumed else ""
    out.print(
        f"{summary.n_samples:,} points on {summary.backend.value}{resumed} in {summary.seconds:.2f} s."
        f" Wrote {summary.path}"
    )


@contextlib.contextmanager
def stream_bar(description: str, *, hidden: bool = False) -> Iterator[Callable[[StreamProgress], None]]:
    """Show a stream of points; yields the function to call with its progress."""
    with progress_bars(description, hidden=hidden) as (advance,):
        yield lambda done: advance(
            done.n_done, done.n_points, words=f"{done.rate:,.0f} points/s", n_before=done.n_resumed
        )
