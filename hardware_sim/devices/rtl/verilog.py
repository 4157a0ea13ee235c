"""The core as Verilog: Amaranth writes RTLIL, and Yosys, native or the one of the extra, turns it into Verilog."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ....base.errors import SimulationError
from ....base.extras import import_extra

if TYPE_CHECKING:
    from .core.network import Core

TOP = "neuropinn_core"
"""Name of the top module."""
EXTRA = "rtl"
TIME_LIMIT = 3600
"""Seconds after which a tool is given up."""


def make_rtlil(core: Core, *, with_records: bool = False) -> str:
    """Return the core in RTLIL; with the records of its nodes as ports too, for a simulation."""
    import_extra("amaranth", EXTRA)
    from amaranth.back import rtlil

    ports = list(core.ports)
    if with_records:
        ports += [signal for record in core.records for signal in record.signals]
    text: str = rtlil.convert(core, name=TOP, ports=ports, emit_src=False)
    return text


def make_verilog(core: Core, *, with_records: bool = False) -> str:
    """Return the core in Verilog; with the records of its nodes as ports too, for a simulation."""
    text = make_rtlil(core, with_records=with_records)
    with tempfile.TemporaryDirectory(prefix="neuropinn-rtl-") as folder:
        (Path(folder) / "core.il").write_text(text)
        script = "read_rtlil core.il; proc -nomux -norom; memory_collect; write_verilog -norename core.v"
        run_tool("yosys", ["-q", "-p", script], Path(folder))
        return (Path(folder) / "core.v").read_text()


def run_tool(name: str, arguments: list[str], folder: Path) -> str:
    """Run a tool of synthesis in a folder; return what it prints.

    The WebAssembly build of the extra is used, or else the machine's own. The environment variables YOSYS and NEXTPNR_ECP5 name
    another one, which may be several times as fast.

    Args:
        name: `yosys` or `nextpnr-ecp5`.
        arguments: Its arguments, paths relative to the folder.
        folder: Working directory.

    Raises:
        MissingPackageError: If neither is installed.
        SimulationError: If it fails.
    """
    done = subprocess.run(
        [*_command(name), *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=TIME_LIMIT
    )
    if done.returncode:
        got = (done.stderr or done.stdout).strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
        raise SimulationError(
            f"The tool `{name}`", "finish", got[0], "Read its message, and report a network that it refuses."
        )
    return done.stdout + done.stderr


def _command(name: str) -> list[str]:
    """Return how a tool is called: as an environment variable says, from the extra, or from the path.

    The extra comes before the path because Amaranth asks for a Yosys of 0.40 at least, and Debian 12 has 0.23.
    """
    said = os.environ.get(name.replace("-", "_").upper())
    if said:
        return [said]
    package = "yowasp_" + name.replace("-", "_")
    native = shutil.which(name)
    if importlib.util.find_spec(package) is None and native:
        return [native]
    import_extra(package, EXTRA)
    run = "run_" + name.replace("-", "_")
    return [sys.executable, "-c", f"import sys, {package}; sys.exit({package}.{run}(sys.argv[1:]))"]
