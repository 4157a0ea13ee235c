"""Compile loops over numbers with numba, once per machine where that can be.

The machine code is kept beside the source or, where that folder is read-only, in the user's cache folder
(`NUMBA_CACHE_DIR` names another one). Where nothing can be written, every process compiles anew: slower, not an error.
Numba notices a changed source file, not a changed file that it calls: loops that call each other lie in one file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

_F = TypeVar("_F", bound=Callable[..., object])


def compiled(function: _F) -> _F:
    """Compile a function at its first call for given types; it runs without Python's global lock."""
    options: dict[str, Any] = {"nopython": True, "nogil": True, "error_model": "numpy"}
    try:
        made: Any = numba.jit(cache=True, **options)(function)
    except RuntimeError:  # numba: "no locator available", no folder to write to
        made = numba.jit(**options)(function)
    kept: _F = made
    return kept
