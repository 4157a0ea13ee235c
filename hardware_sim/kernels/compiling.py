"""Compile loops over numbers with numba, once per machine where that can be.

The machine code is kept beside the source or, where that folder is read-only, in the user's cache folder
(`NUMBA_CACHE_DIR` names another one). Where nothing can be written, every process compiles anew: slower, not an error.
Numba notices a changed source file, not a changed file that it calls: after a change of vector code, touch its callers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

_F = TypeVar("_F", bound=Callable[..., object])

OPTIONS: dict[str, Any] = {"nopython": True, "nogil": True, "error_model": "numpy"}
"""Without Python's global lock, and without a test for every division."""


def compiled(function: _F) -> _F:
    """Compile a function that Python calls, at its first call for given types, and keep the machine code."""
    try:
        made: Any = numba.jit(cache=True, **OPTIONS)(function)
    except RuntimeError:  # numba: "no locator available", no folder to write to
        made = numba.jit(**OPTIONS)(function)
    kept: _F = made
    return kept


def inlined(function: _F) -> _F:
    """Compile a function into those that call it.

    A call of its own would count references to every array that it gets, which costs more than most of these functions.
    """
    made: _F = numba.jit(forceinline=True, **OPTIONS)(function)
    return made
