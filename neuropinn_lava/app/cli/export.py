"""The command `export`: a network in the form that other tools and other hardware build with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ...base.arrays import Record
from ...base.errors import SpecError
from ..lookup.networks import find_network, float_network
from ..terminal.console import out
from ..verbs.export import FOLDERS, SUFFIXES, ExportFormat, export
from .options import ForceOption, NetworkArgument, taking


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("export")(taking(ExportOptions, export_command))


@dataclass(frozen=True, kw_only=True)
class ExportOptions(Record):
    """What the user chose for `export`."""

    network: NetworkArgument
    path: Annotated[Path, typer.Option("--out", help="File to write, .nir or .onnx; or a folder, for c99 and verilog.")]
    format: Annotated[
        ExportFormat | None, typer.Option("--format", help="What to write; by the name of --out if left out.")
    ] = None
    as_lif: Annotated[
        bool,
        typer.Option("--as-lif", help="Write NIR's neurons as LIF nodes, which other tools read as binary neurons."),
    ] = False
    n_steps: Annotated[
        int | None, typer.Option(help="Steps of the sequences that an ONNX graph is unrolled for.", min=1)
    ] = None
    lanes: Annotated[int | None, typer.Option(help="Multiply-accumulate lanes of a core in Verilog.", min=1)] = None
    force: ForceOption = False


def export_command(options: ExportOptions) -> None:
    """Write a network as C99, Verilog, ONNX, QONNX or NIR.

    C99 and Verilog are folders that compute the bits of the integer engine, with vectors that prove it; ONNX and QONNX are
    files that do the same. All of them need a quantized network, as `convert` writes it. NIR holds the float network, or the
    one that a quantized network came from: it has no words. NIR's neurons are nodes of a type of their own, because NIR has no
    graded neuron; with `--as-lif` other tools read them as binary neurons, and the command lists what is lost.

    Example: `neuropinn-lava export chip.h5 --format c99 --out firmware`
    """
    chosen = options.format or _format_of(options.path)
    found = find_network(options.network)
    path = export(
        found,
        options.path,
        format=chosen,
        as_lif=options.as_lif,
        n_steps=options.n_steps,
        lanes=options.lanes,
        force=options.force,
    )
    if chosen is not ExportFormat.NIR:
        kind = "the folder " if chosen in FOLDERS else ""
        out.print(
            f"Wrote {kind}{path}: {float_network(found).name!r} as {chosen.value}, the bits of the integer engine."
        )
        return
    from ...conversion.formats.nir_neurons import NODE_TYPE, lost_as_lif

    source = float_network(found)
    node = "LIF" if options.as_lif else NODE_TYPE
    out.print(f"Wrote {path}: {len(source.populations)} populations of Variable Spiking Neurons as {node} nodes.")
    if options.as_lif:
        out.print("Other tools read binary neurons, whose outputs mean something else. Lost to them:")
        for each in lost_as_lif(source):
            out.print(f"  - {each}")


def _format_of(path: Path) -> ExportFormat:
    """Return the first format whose files end as the path does.

    Raises:
        SpecError: If there is none: a folder has no ending.
    """
    for chosen, suffix in SUFFIXES.items():
        if path.suffix == suffix:
            return chosen
    names = ", ".join(each.value for each in ExportFormat)
    raise SpecError(
        "--format", f"be one of {names} where --out does not end in .nir or .onnx", None, "Name the format."
    )
