"""Records to HDF5 groups and back, field by field, by the types that the records declare.

    number, string, enum     attribute
    array                    dataset, contiguous, little-endian
    record                   group, with the attribute `type`
    tuple of records         group with the members 0, 1, 2 …
    None                     left out
    optional field           left out where it has its default

Reading builds each record by its constructor, so that the rules of the records are checked for files, too. Unknown members are
refused.
"""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..base.arrays import is_left_out
from ..base.errors import FileFormatError

if TYPE_CHECKING:
    import h5py

_R = TypeVar("_R")


def write_record(group: h5py.Group, record: object) -> None:
    """Write every field of a dataclass into `group`."""
    group.attrs["type"] = type(record).__name__
    for field in dataclasses.fields(record):  # type: ignore[arg-type]
        value = getattr(record, field.name)
        if isinstance(value, np.generic):
            value = value.item()
        if value is None or is_left_out(field, value):
            continue
        if isinstance(value, np.ndarray):
            group.create_dataset(field.name, data=value.astype(value.dtype.newbyteorder("<")))
        elif isinstance(value, Enum):
            group.attrs[field.name] = value.value
        elif isinstance(value, (bool, int, float, str)):
            group.attrs[field.name] = value
        elif isinstance(value, tuple):
            members = group.create_group(field.name)
            for index, member in enumerate(value):
                write_record(members.create_group(str(index)), member)
        else:
            write_record(group.create_group(field.name), value)


def read_record(group: h5py.Group, cls: type[_R]) -> _R:
    """Build a record of type `cls` from `group`.

    Raises:
        FileFormatError: If a member is missing, unknown, linked from elsewhere, or of another type.
        NeuroPinnError: If the values break a rule of the record.
    """
    hints = _type_hints(cls)  # type: ignore[arg-type]  # mypy takes a class for unhashable
    fields = dataclasses.fields(cls)  # type: ignore[arg-type]
    _check_members(group, {field.name for field in fields}, cls.__name__)
    absent = {field.name for field in fields if field.metadata.get("optional", False)} - {*group.attrs, *group}
    values = {
        field.name: _read_value(group, field.name, hints[field.name]) for field in fields if field.name not in absent
    }
    return cls(**values)


@functools.cache
def _type_hints(cls: type) -> dict[str, Any]:
    """Resolve the annotations of a record's class, once."""
    return typing.get_type_hints(cls)


def _check_members(group: h5py.Group, known: set[str], expected: str) -> None:
    where = f"group {group.name}"
    if group.attrs.get("type") != expected:
        repair = "Export the network again."
        raise FileFormatError(where, f"be a record of type {expected}", group.attrs.get("type"), repair)
    unknown = (set(group.attrs) | set(group)) - known - {"type"}
    if unknown:
        repair = "Use the version of neuropinn-lava that wrote the file."
        raise FileFormatError(where, f"have only members out of {sorted(known)}", sorted(unknown), repair)


def _choices(hint: Any) -> tuple[Any, ...]:
    """Return the members of a union, or the type itself."""
    is_union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    return typing.get_args(hint) if is_union else (hint,)


def _read_value(group: h5py.Group, name: str, hint: Any) -> Any:
    choices = _choices(hint)
    if name in group.attrs:
        return _read_scalar(group, name, choices)
    if name not in group and type(None) in choices:
        return None
    member = own_member(group, name)
    if any(typing.get_origin(choice) in (np.ndarray, NDArray) for choice in choices):  # NDArray: from numpy 2.5 on
        return _read_array(member)
    if any(typing.get_origin(choice) is tuple for choice in choices):
        element = next(typing.get_args(choice)[0] for choice in choices if typing.get_origin(choice) is tuple)
        return tuple(_read_member(own_member(member, str(index)), _choices(element)) for index in range(len(member)))
    return _read_member(member, choices)


def _read_member(group: h5py.Group, choices: tuple[Any, ...]) -> Any:
    """Build the record whose type the group names, if the type is one of the choices."""
    records = {
        choice.__name__: choice for choice in choices if isinstance(choice, type) and dataclasses.is_dataclass(choice)
    }
    name = group.attrs.get("type")
    if name not in records:
        raise FileFormatError(
            f"group {group.name}", f"be a record out of {sorted(records)}", name, "Export the network again."
        )
    return read_record(group, records[name])


def _read_scalar(group: h5py.Group, name: str, choices: tuple[Any, ...]) -> Any:
    value = group.attrs[name]
    value = value.item() if isinstance(value, np.generic) else value
    for choice in choices:
        if isinstance(choice, type) and issubclass(choice, Enum):
            return choice(value)
        if choice in (int, float, str, bool) and type(value) is choice:
            return value
        if choice is float and type(value) is int:
            return float(value)
    raise FileFormatError(
        f"group {group.name}.{name}", f"be a value of type {choices}", repr(value), "Export the network again."
    )


def own_member(group: h5py.Group, name: str) -> Any:
    """Return a member that lies in the file itself; soft and external links are refused, because they can lead anywhere."""
    link = group.get(name, getlink=True)
    if link is None:
        raise FileFormatError(f"group {group.name}", f"have a member {name!r}", "none", "Export the network again.")
    if type(link).__name__ != "HardLink":
        raise FileFormatError(
            f"group {group.name}", f"hold {name!r} in the file itself", link, "Export the network again."
        )
    return group[name]


def _read_array(dataset: h5py.Dataset) -> Any:
    where = f"dataset {dataset.name}"
    if not hasattr(dataset, "shape"):
        raise FileFormatError(where, "be an array", "a group", "Export the network again.")
    plain = not dataset.is_virtual and dataset.external is None and dataset.chunks is None
    if not plain or dataset.dtype.kind not in "fi":
        repair = "Export the network again."
        raise FileFormatError(
            where, "be contiguous numbers in the file itself", f"{dataset.dtype}, {dataset.chunks}", repair
        )
    if dataset.id.get_storage_size() < dataset.size * dataset.dtype.itemsize:
        got = f"{dataset.shape} with {dataset.id.get_storage_size()} bytes"
        raise FileFormatError(where, "hold as many numbers as its shape says", got, "Export the network again.")
    return dataset[()]
