"""Arrays inside records: copied, C-ordered and read-only; and the digest that gives a record its identity.

A frozen dataclass protects its fields but not the contents of its arrays, and `==` on two of them raises an error. Every record
with arrays is therefore an `ArrayRecord`, calls `freeze_arrays` in its `__post_init__`, and sets `eq=False`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import html
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .errors import SpecError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

NOT_IN_DIGEST = {"in_digest": False}
"""Metadata of a field that describes the origin of a record and is left out of its digest."""
OPTIONAL = {"optional": True}
"""Metadata of a field that is younger than files of its record: digest and files leave it out where it has its default."""


REPR_WIDTH = 100
"""Largest number of characters between the parentheses of a record's `repr`."""


class Record:
    """Base of the package's records: dataclasses whose `repr` is one line of at most about `REPR_WIDTH` characters, and which a
    notebook shows as a small table.

    It shows the fields that are not at their defaults, in order: arrays as dtype and shape, records in them by type and name.
    """

    __slots__ = ()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.__repr__ = Record.__repr__  # type: ignore[method-assign]  # `dataclass` keeps what the class itself defines

    def __repr__(self) -> str:
        """Format a record as its type's name and as many of its fields as fit into one line."""
        text = ""
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name, None)  # unset while a constructor is at work
            if value is field.default or (isinstance(value, (bool, int, float, str)) and value == field.default):
                continue
            entry = f"{', ' if text else ''}{field.name}={_brief(value)}"
            if len(text) + len(entry) > REPR_WIDTH:
                text += ", ..." if text else "..."
                break
            text += entry
        return f"{type(self).__name__}({text})"

    def summary_rows(self) -> Iterable[tuple[str, str]]:
        """Yield name and value of what a notebook shows of a record: the fields that `repr` shows, or a class's own choice."""
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name, None)
            if value is not None:
                yield field.name.replace("_", " "), _brief(value)

    def _repr_html_(self) -> str:
        """Return a small table for a notebook: the type, and a row for each of `summary_rows`."""
        left = 'style="text-align: left"'
        rows = "".join(
            f"<tr><th {left}>{html.escape(name)}</th><td {left}>{html.escape(text)}</td></tr>"
            for name, text in self.summary_rows()
        )
        return f"<table><caption>{type(self).__name__}</caption>{rows}</table>"


class ArrayRecord(Record):
    """Base of the dataclasses that hold arrays: a copy, or one that comes out of a pickle, is made by the constructor.

    A copied or unpickled array is writable, and a pickle from elsewhere may hold anything: the constructor freezes the arrays
    and checks the record's rules again.
    """

    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}  # type: ignore[arg-type]
        return _rebuild, (type(self), values)


def _brief(value: object) -> str:
    """Format the value of a field in at most about 50 characters."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{list(value.shape)}"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        name = getattr(value, "name", None)
        return f"{type(value).__name__} {name!r}" if isinstance(name, str) else type(value).__name__
    if isinstance(value, tuple):
        inside = ", ".join(_brief(item) for item in value[:4])
        short = len(value) <= 4 and len(inside) <= 50
        return f"({inside})" if short else f"<{len(value)} of {type(value[0]).__name__}>"
    text = getattr(value, "__qualname__", "") if callable(value) else ""
    text = " ".join((text or repr(value.value if isinstance(value, Enum) else value)).split())
    return text if len(text) <= 30 else f"{text[:27]}..."


def _rebuild(cls: type[ArrayRecord], values: dict[str, Any]) -> ArrayRecord:
    return cls(**values)


def frozen_array(values: object, dtype: DTypeLike) -> NDArray[Any]:
    """Copy `values` into a C-ordered, read-only array of `dtype`.

    Raises:
        TypeError: If `dtype` cannot hold their kind: no float becomes an integer.
        ValueError: If they form no array.
    """
    given = np.asarray(values)
    lossless = given.size == 0 or np.dtype(dtype) == np.bool_
    held = given.astype(dtype, order="C", copy=True, casting="unsafe" if lossless else "same_kind")
    held.setflags(write=False)
    return held


def freeze_arrays(record: object, **dtypes: DTypeLike) -> None:
    """Replace the named fields of a frozen dataclass by frozen copies; called from `__post_init__`.

    Raises:
        SpecError: If a field is no array of numbers of that kind.
    """
    for name, dtype in dtypes.items():
        try:
            held = frozen_array(getattr(record, name), dtype)
        except (TypeError, ValueError, RuntimeError) as error:  # RuntimeError: a tensor that requires grad
            where = f"{type(record).__name__}.{name}"
            repair = "Give an array of such numbers; nothing is rounded silently."
            raise SpecError(where, f"be an array that fits {np.dtype(dtype)}", str(error), repair) from error
        object.__setattr__(record, name, held)


def side_by_side(matrices: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Return matrices of one height as one read-only matrix; a single one is not copied."""
    if len(matrices) == 1:
        return matrices[0]
    joined = np.hstack(matrices)
    joined.setflags(write=False)
    return joined


def split_columns(values: NDArray[Any], widths: Sequence[int]) -> list[NDArray[Any]]:
    """Split columns (…, n) that stand side by side into parts of these widths, whose sum is n; the parts are views."""
    return np.split(values, np.cumsum(widths)[:-1], axis=-1)


def is_left_out(field: dataclasses.Field[Any], value: object) -> bool:
    """Return whether digest and files leave a field out: it is marked with `OPTIONAL`, and has its default."""
    return bool(field.metadata.get("optional", False)) and value == field.default


def _digest_chunks(value: object) -> Iterator[bytes]:
    """Yield bytes that distinguish `value` from every other value of its type; numpy's scalars count as Python's."""
    if isinstance(value, np.generic):
        value = value.item()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield type(value).__name__.encode()
        for field in dataclasses.fields(value):
            held = getattr(value, field.name)
            if field.metadata.get("in_digest", True) and not is_left_out(field, held):
                yield field.name.encode()
                yield from _digest_chunks(held)
    elif isinstance(value, np.ndarray):
        little_endian = np.ascontiguousarray(value.astype(value.dtype.newbyteorder("<"), copy=False))
        yield f"{little_endian.dtype.str}{value.shape}".encode()
        yield little_endian.tobytes()
    elif isinstance(value, tuple):
        yield f"tuple{len(value)}".encode()
        for item in value:
            yield from _digest_chunks(item)
    elif isinstance(value, Enum):
        yield str(value.value).encode()
    elif value is None or isinstance(value, (bool, int, float, str)):
        yield f"{type(value).__name__}:{value!r}".encode()
    else:
        raise TypeError(f"_digest_chunks: no rule for {type(value).__name__}")


def record_digest(record: object) -> str:
    """Return the SHA-256 of a record's contents as 64 hex digits, the same on every machine.

    Fields marked with `NOT_IN_DIGEST` are left out, and those marked with `OPTIONAL` that have their defaults. Negative and
    positive zero differ, as their bits do.
    """
    sha = hashlib.sha256()
    for chunk in _digest_chunks(record):
        sha.update(len(chunk).to_bytes(8, "little"))
        sha.update(chunk)
    return sha.hexdigest()
