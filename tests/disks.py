"""A disk that is full, for the tests of every folder that writes: `with full_beyond(4096): ...`.

The system's limit on the size of a file stands in for the end of the disk: it is set for real, and writing beyond it fails in
the write itself, with another number (EFBIG) and nothing else different from a full disk (ENOSPC).
"""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Iterator


@contextlib.contextmanager
def full_beyond(n_bytes: int) -> Iterator[None]:
    """Let no file of this process grow beyond a number of bytes for a while."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
