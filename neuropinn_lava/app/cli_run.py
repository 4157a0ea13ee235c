"""The command `run`: any number of points through a network, on any backend, from a file into a file."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import asdict
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..atomic import check_writable
from ..errors import NeuroPinnError, SpecError
from ..traces import LavaMode
from .console import ClusterOption, JsonOption, NetworkArgument, WorkersOption, out, print_json, show_note
from .dask_pool import ClusterChoice
from .models import find_network
from .show_probe import read_probe, show_probe
from .stream_bar import stream_bar

if TYPE_CHECKING:
    from .streams import StreamSummary


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
    app.command("run")(run_command)


def run_command(
    network: NetworkArgument,
    points: Annotated[Path, typer.Option(help="Points, .npy, .csv or .h5: (n, d), space first, time last.")],
    path: Annotated[
        Path | None, typer.Option("--out", help="File for the outputs, .npy, .csv or .h5: (n, n_out).")
    ] = None,
    backend: Annotated[RunBackend, typer.Option(help="Who computes.")] = RunBackend.INTEGER,
    mode: Annotated[LavaMode, typer.Option(help="How samples go through Lava.")] = LavaMode.BATCHED,
    layers: Annotated[Layers | None, typer.Option(help="What layers are made of on Lava; chosen if left out.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Samples in a message on Lava.", min=1)] = None,
    cores: Annotated[int | None, typer.Option(help="Cores that Lava may use; all if left out.", min=1)] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Show how Lava would run it, and why; run nothing.")] = False,
    block_size: Annotated[int | None, typer.Option(help="Points between two records of progress.", min=1)] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run, if there is one.")] = False,
    time_limit: Annotated[float | None, typer.Option(help="End a Lava run of a block after so many seconds.")] = None,
    probe: Annotated[
        str | None, typer.Option(help="Samples to record in full: numbers and ranges from 0, as 0:16 or 3,99.")
    ] = None,
    probe_layers: Annotated[str | None, typer.Option(help="Layers to record, by name; all if left out.")] = None,
    probe_steps: Annotated[str | None, typer.Option(help="Steps to record, as 0:4; all if left out.")] = None,
    probe_out: Annotated[Path | None, typer.Option(help="Folder for what is recorded, and its figures.")] = None,
    workers: WorkersOption = 0,
    cluster: ClusterOption = None,
    vtk: Annotated[
        Path | None, typer.Option("--vtk", help="Write a solid's displacements and stresses too, .vtu or .vtk.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Evaluate a network at any points on any backend.

    Points are read, and outputs written, block by block: any number of them takes the same memory. Until it is complete the
    output is `NAME.part`; `--resume` goes on behind its last block. With `--workers` or `--cluster` blocks are evaluated on
    Dask; the file is the same, byte for byte. With `--probe` the membranes, spikes and payloads of chosen samples go to the
    folder `--probe-out`.

    Example: `neuropinn-lava run chip.h5 --backend lava --points p.npy --out u.npy --workers 2`
    """
    if plan:
        from .show_plan import show_plan

        show_plan(find_network(network), points, mode, layers, batch_size, cores, block_size, as_json=as_json)
        return
    if path is None:
        raise SpecError("run.out", "a file for the outputs", None, "Give --out, or --plan to run nothing.")
    check_writable(path)
    chosen = read_probe(probe, probe_layers, probe_steps, probe_out)
    if chosen is not None and probe_out is not None:
        show_probe(find_network(network), points, chosen, backend.value, mode, probe_out, as_json=as_json)
    from .cluster_streams import stream_on_cluster
    from .solids import check_vtk, export_vtk

    found = find_network(network)
    check_vtk(found, vtk)
    with kept_rows_told(path), stream_bar(f"{backend.value} run", hidden=as_json) as advance:
        summary = stream_on_cluster(
            found,
            points,
            path,
            backend=backend.value,
            mode=mode,
            block_size=block_size,
            resume=resume,
            on_progress=advance,
            time_limit=time_limit,
            model=layers.value if layers else None,
            batch_size=batch_size,
            n_cores=cores,
            cluster=ClusterChoice(address=cluster, n_workers=workers),
        )
    if vtk is not None:
        export_vtk(found, vtk, backend.value)
    show_summary(summary, as_json=as_json)


@contextlib.contextmanager
def kept_rows_told(path: Path) -> Iterator[None]:
    """Say what is kept of a run that ends early."""
    from .row_files import n_kept

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
