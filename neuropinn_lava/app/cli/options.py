"""Options and arguments that several commands share, and commands whose many options are one frozen record.

A field of such a record is annotated as typer wants a parameter, `Annotated[type, typer.Option(...)]`, and its default is the
option's. What the user chose can then be handed on as a whole, and what a command does be split by meaning.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import MISSING, fields
from inspect import Parameter, Signature
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_type_hints

import typer

_Options = TypeVar("_Options")

NetworkArgument = Annotated[str, typer.Argument(help="A network file, or the name of a shipped network.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON and nothing else.")]
SeedOption = Annotated[int, typer.Option("--seed", help="Seed of everything random.", min=0)]
ThreadsOption = Annotated[
    int, typer.Option("--threads", help="Threads of torch and BLAS; with one, a seed gives the same bits.", min=1)
]
WorkersOption = Annotated[
    int, typer.Option("--workers", help="Worker processes of this machine, on Dask; none computes here.", min=0)
]
ClusterOption = Annotated[
    str | None, typer.Option("--cluster", help="Address of a Dask scheduler, as tcp://host:8786.", show_default=False)
]
ReportOption = Annotated[Path, typer.Option("--out", help="Folder of the report.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Write into a folder that is not empty.")]
VtkOption = Annotated[
    Path | None, typer.Option("--vtk", help="Write displacements and stresses of a solid, .vtu or .vtk; extra `vtk`.")
]
TargetOption = Annotated[str, typer.Option(help="Hardware target: loihi2, loihi1, or a TOML file.")]
ParamOption = Annotated[list[str] | None, typer.Option(help="Option of the problem, NAME=VALUE; may be repeated.")]
WidthsOption = Annotated[str | None, typer.Option(help="Neurons per spiking layer, as 50,50,50.")]
IterationsOption = Annotated[float, typer.Option(help="Factor on the recipe's iterations.", min=1e-3)]


def taking(record: type[_Options], command: Callable[[_Options], None]) -> Callable[..., None]:
    """Make the function that typer calls: it takes a keyword for each field of a record, and gives the record to a command.

    Args:
        record: A dataclass; its fields are the options and arguments, in the order in which help shows them.
        command: What is done with it; its docstring is the help.
    """
    hints = get_type_hints(record, include_extras=True)

    @functools.wraps(command)
    def called(**given: Any) -> None:
        command(record(**given))

    parameters = [
        Parameter(
            each.name,
            Parameter.KEYWORD_ONLY,
            default=Parameter.empty if each.default is MISSING else each.default,
            annotation=hints[each.name],
        )
        for each in fields(record)  # type: ignore[arg-type]
    ]
    called.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    called.__annotations__ = {each.name: each.annotation for each in parameters}
    return called
