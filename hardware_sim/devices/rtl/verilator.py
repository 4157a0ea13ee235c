"""The core in Verilator: its Verilog as a compiled program, for runs of many points."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from string import Template
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np

from ....base.errors import SimulationError
from .recording import MAX_IDLE, Job, Recording, idle_error
from .verilog import TOP, make_verilog

if TYPE_CHECKING:
    from .core.network import Core

HARNESS = Path(__file__).parent / "templates" / "harness.cpp"
ARGUMENTS = (
    *("--cc", "--exe", "--build", "-O3", "-Wno-fatal", "-Wno-lint", "-Wno-style", "--x-assign", "fast"),
    *("--x-initial", "fast", "--output-split", "20000", "-MAKEFLAGS", "OPT_FAST=-O2 OPT_SLOW=-O0"),
)
"""Options of Verilator; what runs once, such as the contents of the memories, is compiled in a hurry."""
STOPPED = 3
"""Exit status of a harness whose core has stopped."""


def has_verilator() -> bool:
    """Return whether Verilator and a C++ compiler are installed."""
    return shutil.which("verilator") is not None and any(shutil.which(name) for name in ("g++", "clang++"))


class CompiledCore:
    """A core compiled by Verilator in a temporary folder, which goes with the `with` statement."""

    def __init__(self, core: Core, verilog: str | None = None) -> None:
        """Prepare a core; other Verilog than its own may be given, with the same ports."""
        self.core = core
        self._verilog = verilog
        self._folder = tempfile.TemporaryDirectory(prefix="neuropinn-rtl-")

    def __enter__(self) -> CompiledCore:
        folder = Path(self._folder.name)
        try:
            text = self._verilog if self._verilog is not None else make_verilog(self.core, with_records=True)
            (folder / "core.v").write_text(text)
            (folder / "harness.cpp").write_text(write_harness(self.core))
            _run(["verilator", *ARGUMENTS, "--top-module", TOP, "core.v", "harness.cpp"], folder)
        except BaseException:
            self._folder.cleanup()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._folder.cleanup()

    def run(self, job: Job) -> Recording:
        """Simulate a job from reset on.

        Raises:
            SimulationError: If the core stops.
        """
        folder = Path(self._folder.name)
        numbers = [np.array([len(job.words), job.n_output, *job.n_records]), job.words, job.lasts]
        np.concatenate(numbers).astype(np.int64).tofile(folder / "job")
        done = subprocess.run(
            [f"obj_dir/V{TOP}", "job", "result"], cwd=folder, capture_output=True, text=True, check=False
        )
        if done.returncode == STOPPED:
            raise idle_error(self.core.plan, int(done.stderr.split()[0]))
        if done.returncode:
            _fail("The simulation in Verilator", done.stderr)
        return _read(np.fromfile(folder / "result", np.int64), job)


def write_harness(core: Core) -> str:
    """Return the C++ around a core."""
    lines = []
    for k, record in enumerate(core.records):
        valid, *fields = (f"top.{signal.name}" for signal in record.signals)
        lines.append(f"        if ({valid}) keep({k}, {', '.join(fields)});")
    return Template(HARNESS.read_text()).substitute(
        top=TOP,
        n_nodes=len(core.records),
        max_idle=MAX_IDLE,
        out_bits=len(core.m_axis_tdata),
        keep="\n".join(lines),
    )


def _read(numbers: np.ndarray[tuple[int], np.dtype[np.int64]], job: Job) -> Recording:
    ends = np.cumsum([2, job.n_output, *(3 * n for n in job.n_records)])
    head, words, *nodes = np.split(numbers, ends[:-1])
    return Recording(
        words=words,
        nodes=tuple(each.reshape(-1, 3) for each in nodes),
        cycles=int(head[0]),
        first_output=int(head[1]),
    )


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        _fail("Verilator", done.stderr)


def _fail(where: str, printed: str) -> None:
    lines = [line for line in printed.splitlines() if "rror" in line] or printed.splitlines()[-1:] or ["no message"]
    raise SimulationError(where, "finish", lines[0], "Run with Amaranth's simulator, or report the network.")
