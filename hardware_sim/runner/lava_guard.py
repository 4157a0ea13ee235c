"""What must hold before a Lava graph is built or run, checked with errors that say what to do.

Import Lava through `require_lava` only: it is the one place that copes with Lava's import. This module loads on every
Python, with Lava or without.
"""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import os
import sys
from collections.abc import Iterator

from ...base.errors import SimulationError
from ...base.extras import MissingPackageError, import_extra

_compiling = False


def require_lava() -> None:
    """Import Lava, or say why it cannot be imported and what to do.

    Lava fixes multiprocessing's start method to `fork` when it is imported, and fails where that was fixed before. So the
    method is freed for the import, and set back to what it was: runs use `fork` whatever it is.

    Raises:
        SimulationError: If Lava does not run on this Python or system, or fails when it is imported.
        MissingPackageError: If Lava is not installed.
    """
    repair = "Use Python 3.10 on Linux or macOS, or another backend: `integer` computes the same numbers."
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info >= (3, 11):
        raise SimulationError("Lava backend", "run on Python 3.10, which Lava 0.10 needs", f"Python {version}", repair)
    if not hasattr(os, "fork"):
        raise SimulationError("Lava backend", "fork its processes", f"no fork on {sys.platform}", repair)
    method = multiprocessing.get_start_method(allow_none=True)
    if "lava.magma.runtime.message_infrastructure.multiprocessing" not in sys.modules:
        multiprocessing.set_start_method(None, force=True)
    try:
        import_extra("lava.magma.runtime.runtime", "lava")
        importlib.import_module("lava.magma.compiler.compiler")  # here, or every run would import it again
    except MissingPackageError:
        raise
    except Exception as error:
        repair = "Install the package's dependencies again: `pip install --force-reinstall lava-nc==0.10.0`."
        got = f"{type(error).__name__}: {error}"
        raise SimulationError("Lava backend", "find Lava and import it", got, repair) from error
    finally:
        if method is not None:
            multiprocessing.set_start_method(method, force=True)


def require_children() -> None:
    """Refuse to run where this process may not have children, or is itself compiling a graph.

    Raises:
        SimulationError: If it is daemonic, or executes a script because Lava's compiler looks for models in it.
    """
    if multiprocessing.current_process().daemon:
        raise SimulationError(
            "run_graph",
            "be called outside daemonic processes, which may start no others",
            f"a call inside the daemonic process {multiprocessing.current_process().name!r}",
            "Use concurrent.futures.ProcessPoolExecutor instead of multiprocessing.Pool, `daemon=False`, or for Dask"
            " the setting `distributed.worker.daemon: False`.",
        )
    if _compiling:
        raise SimulationError(
            "run_graph",
            "be called when no other graph is being compiled",
            "a call from a file that Lava's compiler executes, as it does with all beside a process's own",
            "Put what the script does under `if __name__ == '__main__':`, or the processes into a folder of their own.",
        )


@contextlib.contextmanager
def compiling() -> Iterator[None]:
    """Mark the time in which Lava's compiler executes files; their calls of `run_graph` fail instead of recurring."""
    global _compiling
    _compiling = True
    try:
        yield
    finally:
        _compiling = False
