"""The C compiler of this machine: where it is found, and how a program is built with it."""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from ....base.errors import SimulationError
from ....base.extras import MissingPackageError

NAMES = ("cc", "gcc", "clang")
"""Compilers that are looked for, in this order, where the variable CC names none."""
FLAGS = ("-std=c99", "-O2", "-ffp-contract=off")
"""Options of every build: no fused multiplication and addition changes the last bit of a float."""
MAX_LINES = 40
"""Lines of a compiler's messages that an error shows."""


def find_compiler() -> tuple[str, ...]:
    """Return the command of a C compiler: of the variable CC, else cc, gcc or clang, else zig from the package `ziglang`.

    Raises:
        MissingPackageError: If there is none.
    """
    chosen = shlex.split(os.environ.get("CC", ""))
    if chosen:
        if shutil.which(chosen[0]) is None:
            repair = "Correct the variable CC, or unset it to let cc, gcc or clang be found."
            raise MissingPackageError("The compiler that CC names", "be an existing command", repr(chosen[0]), repair)
        return tuple(chosen)
    for name in NAMES:
        if shutil.which(name) is not None:
            return (name,)
    if importlib.util.find_spec("ziglang") is not None:
        return (sys.executable, "-m", "ziglang", "cc")
    repair = (
        "Install one, as by `apt install gcc` or `pip install 'neuropinn-lava[c99]'`, or name it in the variable CC."
    )
    raise MissingPackageError("A C compiler", "be installed for this", f"none of {', '.join(NAMES)}, ziglang", repair)


def build_program(
    source: Path, program: Path, compiler: tuple[str, ...] | None = None, flags: tuple[str, ...] = FLAGS
) -> None:
    """Compile one source file to a program.

    Args:
        source: The file; what it includes is looked for beside it.
        program: The file to make.
        compiler: Command of the compiler; None finds one.
        flags: Its options.

    Raises:
        MissingPackageError: If there is no compiler.
        SimulationError: If it refuses the source; the error shows its messages.
    """
    command = [*(find_compiler() if compiler is None else compiler), *flags, source.name, "-o", str(program), "-lm"]
    done = subprocess.run(command, cwd=source.parent, capture_output=True, text=True, check=False)
    if done.returncode:
        shown = "\n".join((done.stderr or done.stdout).splitlines()[:MAX_LINES])
        repair = "Name another compiler in the variable CC, or report the messages."
        raise SimulationError(
            f"compiler {command[0]}", f"compile {source.name}", f"exit code {done.returncode}:\n{shown}", repair
        )
