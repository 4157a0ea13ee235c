"""The command line: one typer application, whose commands stand in the `cli_*` files beside this one.

Errors of the package end a command with exit code 1 and their own text; wrong usage ends it with 2, Ctrl-C with 130.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ...base.errors import NeuroPinnError
from ..terminal.console import show_error
from . import (
    convert as cli_convert,
)
from . import (
    demo as cli_demo,
)
from . import (
    homogenize as cli_homogenize,
)
from . import (
    networks as cli_networks,
)
from . import (
    run as cli_run,
)
from . import (
    sweep as cli_sweep,
)
from . import (
    train as cli_train,
)
from . import (
    verify as cli_verify,
)

EXIT_ERROR = 1
EXIT_INTERRUPTED = 130

app = typer.Typer(
    name="neuropinn-lava",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (
    cli_networks,
    cli_train,
    cli_convert,
    cli_run,
    cli_verify,
    cli_demo,
    cli_homogenize,
    cli_sweep,
):
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


def main() -> None:
    """Run the command line and turn the package's errors into messages and exit codes."""
    try:
        app()
    except NeuroPinnError as error:
        show_error(str(error))
        sys.exit(EXIT_ERROR)
    except KeyboardInterrupt:
        show_error("Interrupted.")
        sys.exit(EXIT_INTERRUPTED)
