"""The reference of the command line, from typer's own help; each command with its synopsis, arguments and options."""

from __future__ import annotations

import re
import subprocess
import sys

INTRODUCTION = """\
A network is given as a file or by the name of a shipped network. Points are (n, d) arrays, space first and time
last. Results go to standard output, notes and errors to standard error. Exit codes: 0 for success, 1 for an error of the
package (a refused value of an option, too) or a difference between backends, 2 for an unknown or missing option, 130 for
Ctrl-C.
"""
SHORTENED = re.compile(r"\*\*Commands\*\*:\n\n(\* .*\n)+")
"""The list of all commands with shortened help; it is dropped because the table of contents lists the commands."""


def cli_page() -> str:
    """Return the page as Markdown: the output of `typer utils docs` after an introduction."""
    command = [
        sys.executable,
        "-m",
        "typer",
        "neuropinn_lava.app.cli.main",
        "utils",
        "docs",
        "--name",
        "neuropinn-lava",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    _, body = done.stdout.split("\n", 1)
    return f"# Command line\n\n{INTRODUCTION}{re.sub(SHORTENED, '', body, count=1)}"
