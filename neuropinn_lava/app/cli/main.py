"""The command line: one typer application, with a file for each group of commands.

Errors of the package, such as a refused value of an option, end a command with exit code 1 and their own text; an unknown or
missing option ends it with 2, Ctrl-C with 130.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ...base.errors import DomainWarning, NeuroPinnError
from ..terminal.console import show_error, show_note
from . import convert, demo, distill, export, homogenize, networks, run, sweep, train, verify
from .python_names import REUSED, replace_former_options, translate_error

EXIT_ERROR = 1
EXIT_INTERRUPTED = 130


class Commands(TyperGroup):
    """The commands; an option that only another one has is refused with that one's name."""

    def invoke(self, ctx: Any) -> Any:
        """Parse and run a command."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            if type(error).__name__ == "NoSuchOption":  # click's own, or that of the copy which newer typers bring
                error.message += self._describe_owners(error.ctx.command.name, error.option_name)  # type: ignore[attr-defined]
            raise

    def _describe_owners(self, command: str, option: str) -> str:
        """Return what the option is called in the command now, and which other commands have an option of that name."""
        owners = [f"`{name}`" for name, other in self.commands.items() if any(option in p.opts for p in other.params)]
        successor = REUSED.get(command, {}).get(option)
        clauses = [f"in `{command}` it is {successor}"] if successor else []
        if owners:
            clauses.append(f"it is an option of {', '.join(owners)}")
        return f" ({'; '.join(clauses)})" if clauses else ""


app = typer.Typer(
    name="neuropinn-lava",
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (networks, train, distill, convert, export, run, verify, demo, homogenize, sweep):
    module.register(app)


def show_version(wanted: bool) -> None:
    """Print the version and end, where it is asked for."""
    if wanted:
        from ... import __version__

        typer.echo(f"neuropinn-lava {__version__}")
        raise typer.Exit


@app.callback()
def options_of_all(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and end.", callback=show_version, is_eager=True)
    ] = False,
) -> None:
    """Deploy spiking physics-informed networks: train, quantize, run on Lava, compare, count operations and energy."""


def _noted(show_warning: Callable[..., None]) -> Callable[..., None]:
    """Return the function that shows this package's warnings as notes, and others as before."""

    def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
        if issubclass(category, DomainWarning):
            show_note(str(message))
        else:
            show_warning(message, category, *where, **more)

    return show


def _options_of_command() -> dict[str, str]:
    """Return the option of each parameter of the command that was called, by the name of the parameter."""
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    command = commands.get(sys.argv[1]) if len(sys.argv) > 1 else None
    return {
        parameter.name: parameter.opts[0] if parameter.param_type_name == "option" else parameter.name.upper()
        for parameter in (command.params if command else ())
    }


def main() -> None:
    """Run the command line and turn the package's errors into messages and exit codes, its warnings into notes."""
    try:
        sys.argv[1:], notes = replace_former_options(sys.argv[1:])
        for note in notes:
            show_note(note)
        with warnings.catch_warnings():
            warnings.simplefilter("always", DomainWarning)
            warnings.showwarning = _noted(warnings.showwarning)
            app()
    except NeuroPinnError as error:
        show_error(translate_error(error, _options_of_command()))
        sys.exit(EXIT_ERROR)
    except KeyboardInterrupt:
        show_error("Interrupted.")
        sys.exit(EXIT_INTERRUPTED)
