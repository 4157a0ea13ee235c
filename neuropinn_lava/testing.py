"""Comparison of two networks for tests, with a list of all fields that differ.

It compares the fields that enter a digest, bit for bit: provenance is left out, and zero and negative zero differ.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .base.arrays import Record
from .network.quantized import Network


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Difference(Record):
    """One field in which two records differ."""

    path: str
    """The field, as in `layers[1].weight`; of an array, with the index of the first entry that differs."""
    left: object
    """Value of the field in the first record."""
    right: object
    """Value of the field in the second record."""
    n: int = 1
    """Number of entries of the array that differ."""

    def __str__(self) -> str:
        others = f" (first of {self.n})" if self.n > 1 else ""
        return f"{self.path}: {self.left!r} != {self.right!r}{others}"


def assert_networks_equal(a: Network, b: Network) -> None:
    """Raise an AssertionError that lists every difference between two networks, or return.

    layers[0].theta[3]: 0.1 != 0.2 (first of 2)
    """
    found = list(find_differences(a, b))
    if found:
        lines = "\n".join(f"  {difference}" for difference in found)
        raise AssertionError(f"the networks differ in {len(found)} fields:\n{lines}")


def find_differences(a: Any, b: Any, path: str = "") -> Iterator[Difference]:
    """Yield every field in which two records, tuples, arrays or plain values differ; `path` is the path to them."""
    if type(a) is not type(b):
        yield Difference(path=path or "type", left=_shown(a), right=_shown(b))
    elif dataclasses.is_dataclass(a):
        for field in dataclasses.fields(a):
            if field.metadata.get("in_digest", True):
                inner = f"{path}.{field.name}" if path else field.name
                yield from find_differences(getattr(a, field.name), getattr(b, field.name), inner)
    elif isinstance(a, np.ndarray):
        yield from _array_differences(a, b, path)
    elif isinstance(a, tuple):
        if len(a) != len(b):
            yield Difference(path=f"len({path})", left=len(a), right=len(b))
        for index, (one, other) in enumerate(zip(a, b)):  # noqa: B905 - unequal lengths are said above
            yield from find_differences(one, other, f"{path}[{index}]")
    elif a != b:
        yield Difference(path=path, left=a, right=b)


def _array_differences(a: NDArray[Any], b: NDArray[Any], path: str) -> Iterator[Difference]:
    for what in ("shape", "dtype"):
        if getattr(a, what) != getattr(b, what):
            yield Difference(path=f"{path}.{what}", left=getattr(a, what), right=getattr(b, what))
            return
    differ = np.atleast_1d(_bits(a) != _bits(b))
    if differ.any():
        first = np.unravel_index(int(differ.argmax()), a.shape)
        index = ", ".join(str(int(i)) for i in first)
        n = int(np.count_nonzero(differ))
        yield Difference(path=f"{path}[{index}]", left=a[first].item(), right=b[first].item(), n=n)


def _bits(values: NDArray[Any]) -> NDArray[Any]:
    """Return floats as the integers with the same bits, and other numbers unchanged."""
    return values.view(f"i{values.dtype.itemsize}") if values.dtype.kind == "f" else values


def _shown(value: object) -> object:
    """Return a plain value itself, and the name of the type of any other value."""
    return value if value is None or isinstance(value, (str, int, float)) else type(value).__name__
