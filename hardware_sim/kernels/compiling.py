"""Compile loops over numbers with numba, and keep the machine code where that can be.

The machine code is kept beside the source or, where that folder is read-only, in the user's cache folder
(`NUMBA_CACHE_DIR` names another one). Where nothing can be written, every process compiles anew: slower, not an error.
Numba notices only a change of the caller's own file. The key of kept code therefore contains a digest of every source file of
this folder and the versions of numba and llvmlite.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import llvmlite  # type: ignore[import-untyped]
import numba
from numba.core.caching import FunctionCache

_F = TypeVar("_F", bound=Callable[..., object])

OPTIONS: dict[str, Any] = {"nopython": True, "nogil": True, "error_model": "numpy"}
"""Without Python's global lock, and without a test for every division."""


def _digest_sources() -> str:
    """Compute the digest of all that decides what machine code the loops of this folder become."""
    digest = hashlib.sha256(f"numba {numba.__version__}, llvmlite {llvmlite.__version__}".encode())
    for file in sorted(Path(__file__).parent.glob("*.py")):
        content = file.read_bytes()
        digest.update(f"\n{file.name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


SOURCES = _digest_sources()
"""Part of the key of all kept machine code."""


class _SourceCache(FunctionCache):
    """Numba's cache, with the digest in the key of every compiled signature."""

    def _index_key(self, sig: Any, codegen: Any) -> Any:
        key: Any = super()._index_key(sig, codegen)  # type: ignore[no-untyped-call]
        return (*key, SOURCES)


def compiled(function: _F) -> _F:
    """Compile a function that Python calls, or that allocates, at its first call for given types; keep the machine code."""
    made: Any = numba.jit(**OPTIONS)(function)
    cache: Any = _SourceCache
    with contextlib.suppress(RuntimeError):  # numba: "no locator available", no folder to write to
        made._cache = cache(function)  # what numba's option `cache` does, with another key
    kept: _F = made
    return kept


def inlined(function: _F) -> _F:
    """Compile a function into those that call it: a call costs more than most of these functions.

    It may not allocate memory, nor assign to a slice. In return nothing counts the references to the views of arrays that it
    makes: the counts, atomic and some twenty a row, took a third to a half of the time of a row of 64 neurons.
    """
    jit: Any = numba.jit  # whose types do not know `_nrt`
    made: _F = jit(forceinline=True, _nrt=False, **OPTIONS)(function)
    return made
