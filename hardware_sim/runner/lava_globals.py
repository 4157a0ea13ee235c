"""What the making of a Lava process leaves behind in the interpreter, and how it is taken back.

Every process enters Lava's list of all processes and its variables that of all variables, which keep it and its arrays alive
for ever; and it adds one more console handler to the root logger, so that a program's own messages appear once for every
process made.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable, Iterator
from typing import Any


@contextlib.contextmanager
def unchanged_logging() -> Iterator[None]:
    """Take away the handlers that the root logger gets meanwhile."""
    root = logging.getLogger()
    before = list(root.handlers)
    try:
        yield
    finally:
        for handler in [each for each in root.handlers if each not in before]:
            root.removeHandler(handler)


def forget_processes(processes: Iterable[Any]) -> None:
    """Have Lava forget processes, so that they and what they were given can be freed; they must not be used any more."""
    from lava.magma.core.process.process import ProcessServer
    from lava.magma.core.process.variable import VarServer

    ours = {id(process) for process in processes}
    known, variables = ProcessServer().processes, VarServer().vars
    known[:] = [process for process in known if id(process) not in ours]
    variables[:] = [variable for variable in variables if id(variable.process) not in ours]
