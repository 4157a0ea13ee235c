"""The command `run`: any number of points through a network, on any backend, from a file into a file."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...base.errors import NeuroPinnError, SpecError
from ...engine.trace import LavaMode
from ...files.atomic import check_writable
from ...network.quantized import Network
from ..terminal.console import out, print_json, show_note
from ..terminal.stream_bar import stream_bar
from ..verbs.networks import find_network
from ..verbs.solids import check_vtk, export_vtk
from ..workers.dask_pool import ClusterChoice
from .options import ClusterOption, JsonOption, NetworkArgument, WorkersOption, taking
from .show_probe import parse_probe, show_probe

if TYPE_CHECKING:
    from ..stream.stream import StreamSummary


class RunBackend(str, Enum):
    """Backends that a user can choose for a network from a file."""

    FLOAT = "float"
    INTEGER = "integer"
    LAVA = "lava"


class Layers(str, Enum):
    """What layers are made of on Lava; the names are those of `LayerModel`, which loads with the simulator."""

    WHOLE = "whole"
    FUSED = "fused"
    DENSE = "dense"


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("run")(taking(RunOptions, run_command))


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What the user chose for `run`."""

    network: NetworkArgument
    points: Annotated[Path, typer.Option(help="Points, .npy, .csv or .h5: (n, d), space first, time last.")]
    path: Annotated[Path | None, typer.Option("--out", help="File for the outputs, .npy, .csv or .h5: (n, n_out).")] = (
        None
    )
    backend: Annotated[RunBackend, typer.Option(help="Who computes.")] = RunBackend.INTEGER
    mode: Annotated[LavaMode, typer.Option(help="How samples go through Lava.")] = LavaMode.BATCHED
    layers: Annotated[Layers | None, typer.Option(help="What layers are made of on Lava; chosen if left out.")] = None
    batch_size: Annotated[int | None, typer.Option(help="Samples in a message on Lava.", min=1)] = None
    cores: Annotated[int | None, typer.Option(help="Cores that Lava may use; all if left out.", min=1)] = None
    plan: Annotated[bool, typer.Option("--plan", help="Show how Lava would run it, and why; run nothing.")] = False
    block_size: Annotated[int | None, typer.Option(help="Points between two records of progress.", min=1)] = None
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run, if there is one.")] = False
    time_limit: Annotated[float | None, typer.Option(help="End a Lava run of a block after so many seconds.")] = None
    probe: Annotated[
        str | None, typer.Option(help="Samples to record in full: numbers and ranges from 0, as 0:16 or 3,99.")
    ] = None
    probe_layers: Annotated[str | None, typer.Option(help="Layers to record, by name; all if left out.")] = None
    probe_steps: Annotated[str | None, typer.Option(help="Steps to record, as 0:4; all if left out.")] = None
    probe_out: Annotated[Path | None, typer.Option(help="Folder for what is recorded, and its figures.")] = None
    workers: WorkersOption = 0
    cluster: ClusterOption = None
    vtk: Annotated[
        Path | None, typer.Option("--vtk", help="Write a solid's displacements and stresses too, .vtu or .vtk.")
    ] = None
    as_json: JsonOption = False


def run_command(options: RunOptions) -> None:
    """Evaluate a network at any points on any backend.

    Points are read, and outputs written, block by block: any number of them takes the same memory. Until it is complete the
    output is `NAME.part`; `--resume` goes on behind its last block. With `--workers` or `--cluster` blocks are evaluated on
    Dask; the file is the same, byte for byte. With `--probe` the membranes, spikes and payloads of chosen samples go to the
    folder `--probe-out`.

    Example: `neuropinn-lava run chip.h5 --backend lava --points p.npy --out u.npy --workers 2`
    """
    if options.plan:
        show_planned(options)
        return
    if options.path is None:
        raise SpecError("run.out", "a file for the outputs", None, "Give --out, or --plan to run nothing.")
    check_writable(options.path)
    record_probe(options)
    network = find_network(options.network)
    check_vtk(network, options.vtk)
    summary = run_into(options.path, network, options)
    if options.vtk is not None:
        export_vtk(network, options.vtk, options.backend.value)
    show_summary(summary, as_json=options.as_json)


def show_planned(options: RunOptions) -> None:
    """Print how Lava would run the points, and why."""
    from ..terminal.show_plan import show_plan

    show_plan(
        find_network(options.network),
        options.points,
        options.mode,
        options.layers,
        options.batch_size,
        options.cores,
        options.block_size,
        as_json=options.as_json,
    )


def record_probe(options: RunOptions) -> None:
    """Record what `--probe` asks for, if anything.

    Raises:
        SpecError: If it is not what a probe can be.
    """
    chosen = parse_probe(options.probe, options.probe_layers, options.probe_steps, options.probe_out)
    if chosen is None or options.probe_out is None:
        return
    show_probe(
        find_network(options.network),
        options.points,
        chosen,
        options.backend.value,
        options.mode,
        options.probe_out,
        as_json=options.as_json,
    )


def run_into(path: Path, network: Network, options: RunOptions) -> StreamSummary:
    """Stream the points through the network into a file, with a bar."""
    from ..stream.cluster_streams import stream_on_cluster

    with kept_rows_told(path), stream_bar(f"{options.backend.value} run", hidden=options.as_json) as advance:
        return stream_on_cluster(
            network,
            options.points,
            path,
            backend=options.backend.value,
            mode=options.mode,
            block_size=options.block_size,
            resume=options.resume,
            on_progress=advance,
            time_limit=options.time_limit,
            model=options.layers.value if options.layers else None,
            batch_size=options.batch_size,
            n_cores=options.cores,
            cluster=ClusterChoice(address=options.cluster, n_workers=options.workers),
        )


@contextlib.contextmanager
def kept_rows_told(path: Path) -> Iterator[None]:
    """Say what is kept of a run that ends early."""
    from ..stream.row_files import n_kept

    try:
        yield
    except (NeuroPinnError, KeyboardInterrupt):
        if n := n_kept(path):
            show_note(f"{n:,} points are kept in {path}.part; --resume goes on behind them.")
        raise


def show_summary(summary: StreamSummary, *, as_json: bool) -> None:
    """Print what a finished run leaves."""
    if as_json:
        print_json({"out": str(summary.path), **asdict(summary) | {"path": str(summary.path)}})
        return
    if summary.n_outside:
        show_note(
            f"{summary.n_outside:,} of {summary.n_samples:,} points lie outside the domain that the network was trained on."
        )
    if summary.n_saturated:
        show_note(f"{summary.n_saturated:,} values saturated; `neuropinn-lava convert` with more bits would hold them.")
    resumed = f", {summary.n_resumed:,} of them by an earlier run" if summary.n_resumed else ""
    out.print(
        f"{summary.n_samples:,} points on {summary.backend.value}{resumed} in {summary.seconds:.2f} s."
        f" Wrote {summary.path}"
    )
