"""The command `run`: any points through a network, on any backend."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from ..atomic import check_writable
from ..traces import LavaMode, RunTrace
from .arrays_io import check_suffix, read_points, write_outputs
from .console import JsonOption, NetworkArgument, out, print_json, progress_bar, show_note
from .models import Network, find_network, float_network
from .verbs import count_outside, known_problem, run


class RunBackend(str, Enum):
    """Backends that a user can choose for a network from a file."""

    FLOAT = "float"
    INTEGER = "integer"
    LAVA = "lava"


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("run")(run_command)


def run_command(
    network: NetworkArgument,
    points: Annotated[Path, typer.Option(help="Points, .npy or .csv: (n, d), space first, time last.")],
    path: Annotated[Path, typer.Option("--out", help="File for the outputs, .npy or .csv: (n, n_out).")],
    backend: Annotated[RunBackend, typer.Option(help="Who computes.")] = RunBackend.INTEGER,
    mode: Annotated[LavaMode, typer.Option(help="How samples go through Lava.")] = LavaMode.BATCHED,
    time_limit: Annotated[float | None, typer.Option(help="End a Lava run after so many seconds.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Evaluate a network at any points on any backend.

    Example: `neuropinn-lava run chip.h5 --backend lava --points p.npy --out u.npy`
    """
    check_writable(check_suffix(path, "output file"))
    found, given = find_network(network), read_points(points)
    with progress_bar(f"{backend.value} run", hidden=as_json) as advance:
        trace = run(found, given, backend=backend.value, mode=mode, on_progress=advance, time_limit=time_limit)
    write_outputs(path, trace.outputs, output_names(found))
    n_outside = count_outside(found, given)
    if as_json:
        print_json(run_summary(trace, path) | {"n_outside": n_outside})
        return
    if n_outside:
        show_note(f"{n_outside:,} of {len(given):,} points lie outside the domain that the network was trained on.")
    if trace.n_saturated:
        show_note(f"{trace.n_saturated:,} values saturated; `neuropinn-lava convert` with more bits would hold them.")
    out.print(f"{trace.n_samples:,} points on {backend.value} in {trace.seconds:.2f} s. Wrote {path}")


def output_names(network: Network) -> tuple[str, ...]:
    """Name the outputs: by the problem's unknowns, or u0, u1 … where there is no problem."""
    problem = known_problem(network)
    return problem.unknowns if problem else tuple(f"u{k}" for k in range(float_network(network).n_out))


def run_summary(trace: RunTrace, path: Path) -> dict[str, object]:
    """Gather what `run --json` prints."""
    return {
        "out": str(path),
        "network_digest": trace.network_digest,
        "backend": trace.backend.value,
        "mode": trace.mode.value if trace.mode else None,
        "n_samples": trace.n_samples,
        "n_saturated": trace.n_saturated,
        "seconds": trace.seconds,
    }
