"""Options and arguments that several commands share, and commands whose many options are one frozen record.

An option that would have no effect beside the others is refused (`refuse_idle`). A seed alone is not: what is computed is what
that seed gives, also where nothing is drawn.

A field of such a record is annotated as typer wants a parameter, `Annotated[type, typer.Option(...)]`, and its default is the
option's. What the user chose can then be handed on as a whole, and what a command does be split by meaning. Enums and numbers
get a parser here, so that a refused value reads like every other error of the package.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import MISSING, fields
from enum import Enum
from inspect import Parameter, Signature
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, TypeVar, get_args, get_type_hints

import typer

from ...base.checks import raise_violations
from ...base.errors import Violation
from ...network.spec import ProblemParameter
from .option_values import WholeNumbers, named_parser, parse_parameter, parse_whole_numbers, plain_parser

_Options = TypeVar("_Options")

_under_way: ContextVar[typer.Context] = ContextVar("_under_way")
"""Context of the command that was called last, with what the user wrote and what is a default."""

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
LavaOption = Annotated[bool, typer.Option(help="Run Lava too; --no-lava lets the integer engine stand for it.")]
ProblemOption = Annotated[
    str | None,
    typer.Option(
        "--problem", help="The network's problem, by name or as file.py:NAME; that of its provenance if left out."
    ),
]
ParamOption = Annotated[
    list[ProblemParameter] | None,
    typer.Option(parser=parse_parameter, help="Option of the problem, NAME=VALUE; may be repeated."),
]
LayersOption = Annotated[
    WholeNumbers | None,
    typer.Option("--layers", parser=parse_whole_numbers, help="Neurons per spiking layer, as 50,50,50."),
]
IterationsOption = Annotated[float, typer.Option(help="Factor on the recipe's iterations.", min=1e-3)]


def refuse_idle(fields: Iterable[str], rule: str, repair: str) -> None:
    """Refuse options of the command under way that the user wrote and that would have no effect.

    Args:
        fields: Their fields in the record of options.
        rule: When they may not stand, as a clause after "must be left out".
        repair: What to do about it.

    Raises:
        SpecError: If there are any; all of them are listed.
    """
    context = _under_way.get()
    names = {parameter.name: parameter.opts[0] for parameter in context.command.params}
    written = [field for field in fields if getattr(context.get_parameter_source(field), "name", None) == "COMMANDLINE"]
    raise_violations(
        Violation(names[field], f"be left out {rule}", _shown(context.params[field]), repair) for field in written
    )


def _shown(value: object) -> str:
    return str(value.value if isinstance(value, Enum) else value)


def taking(record: type[_Options], command: Callable[[_Options], None]) -> Callable[..., None]:
    """Return the function that typer calls: its keywords are the fields of a record, with which it calls a command.

    Args:
        record: A dataclass; its fields are the options and arguments, in the order in which help shows them.
        command: Function of the record; its docstring is the help.
    """
    hints = get_type_hints(record, include_extras=True)

    @functools.wraps(command)
    def called(context: typer.Context, **given: Any) -> None:
        _under_way.set(context)
        command(record(**given))

    parameters = [
        Parameter("context", Parameter.KEYWORD_ONLY, annotation=typer.Context),
        *(
            Parameter(
                each.name,
                Parameter.KEYWORD_ONLY,
                default=Parameter.empty if each.default is MISSING else each.default,
                annotation=_with_parser(each.name, hints[each.name]),
            )
            for each in fields(record)  # type: ignore[arg-type]
        ),
    ]
    called.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    called.__annotations__ = {each.name: each.annotation for each in parameters}
    return called


def _with_parser(field: str, hint: Any) -> Any:
    """Return the annotation of an option with a parser that names the option, where it has or needs a parser."""
    declared, info = get_args(hint)
    (kind, *_) = (each for each in get_args(declared) or (declared,) if each is not NoneType)
    parse = info.parser or plain_parser(kind, info.min, info.max)
    if parse is None:
        return hint
    names = [name for name in (info.default, *(info.param_decls or ())) if isinstance(name, str)]
    info = copy.copy(info)
    info.parser = named_parser(parse, names[0] if names else "--" + field.replace("_", "-"))
    if isinstance(kind, type) and issubclass(kind, Enum):
        info.metavar = f"<{'|'.join(member.value for member in kind)}>"
        declared = object  # typers before 0.29 would look for the parsed member among the enum's texts, and find None
    return Annotated[declared, info]
