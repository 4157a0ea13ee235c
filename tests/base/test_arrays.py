"""Arrays of records are copied, C-ordered, read-only and never rounded; digests tell records apart."""

from __future__ import annotations

import ast
import copy
import dataclasses
import hashlib
import pickle
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuropinn_lava.base.arrays import (
    NOT_IN_DIGEST,
    OPTIONAL,
    ArrayRecord,
    FloatArray,
    IntArray,
    freeze_arrays,
    frozen_array,
    record_digest,
)
from neuropinn_lava.base.errors import SpecError

ROOT = Path(__file__).resolve().parents[2]


class Colour(str, Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Inner(ArrayRecord):
    values: FloatArray

    def __post_init__(self) -> None:
        freeze_arrays(self, values=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Record(ArrayRecord):
    values: FloatArray
    counts: IntArray
    inner: Inner | None = None
    parts: tuple[Inner, ...] = ()
    name: str = "a"
    n: int = 1
    size: float = 1.0
    flag: bool = False
    colour: Colour = Colour.RED
    note: str = field(default="", metadata=NOT_IN_DIGEST)

    def __post_init__(self) -> None:
        freeze_arrays(self, values=np.float64, counts=np.int64)


def make(**changes: object) -> Record:
    return replace(Record(values=[1.0, 2.0], counts=[1, 2], inner=Inner(values=[3.0])), **changes)


def test_arrays_are_copied_and_read_only() -> None:
    given = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    held = frozen_array(given, np.float64)
    given[0, 0] = 99.0
    assert held.tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    assert held.flags.c_contiguous
    with pytest.raises(ValueError, match="read-only"):
        held[0, 0] = 1.0


def test_a_view_of_read_only_memory_is_copied_too() -> None:
    base = np.arange(3.0)
    view = base[:]
    view.setflags(write=False)
    held = frozen_array(view, np.float64)
    base[0] = 7.0
    assert held[0] == 0.0


@pytest.mark.parametrize(
    ("values", "dtype"),
    [([1, 2], np.float64), (np.float32([1, 2]), np.float64), (np.int8([1, 2]), np.int64), ([], np.int64), ([1], bool)],
)
def test_lossless_kinds_are_accepted(values: object, dtype: type) -> None:
    assert frozen_array(values, dtype).dtype == dtype


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ([0.5], "float64"),
        ([np.nan], "float64"),
        ([1.0], "float64"),
        (["1"], "<U1"),
        ([None], r"dtype\('O'\)"),
        ([1j], "complex"),
    ],
)
def test_nothing_is_rounded_into_an_integer(values: object, found: str) -> None:
    with pytest.raises(
        SpecError, match=rf"Record.counts must be an array that fits int64; got .*{found}.*nothing is rounded"
    ):
        make(counts=values)


class NoArray:
    """Like a tensor that requires grad."""

    def __array__(self, dtype: object = None, copy: object = None) -> None:
        raise RuntimeError("use detach()")


@pytest.mark.parametrize("values", [NoArray(), [1j], ["a"], [[1.0], [2.0, 3.0]], None])
def test_what_is_no_array_of_floats(values: object) -> None:
    with pytest.raises(SpecError, match=r"Record.values must be an array that fits float64; got"):
        make(values=values)


COPIES = [copy.copy, copy.deepcopy] + [
    lambda record, protocol=protocol: pickle.loads(pickle.dumps(record, protocol))
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
]


@pytest.mark.parametrize("copied", COPIES)
def test_a_copy_is_read_only_too(copied: Callable[[Record], Record]) -> None:
    again = copied(make(parts=(Inner(values=[4.0]),)))
    assert again.inner is not None
    for array in (again.values, again.counts, again.inner.values, again.parts[0].values):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 7


def test_a_pickle_that_breaks_a_rule_is_refused() -> None:
    broken = make()
    object.__setattr__(broken, "counts", np.array([0.5]))
    with pytest.raises(SpecError, match=r"Record.counts must be an array that fits int64"):
        pickle.loads(pickle.dumps(broken))


def freezing_classes() -> Iterator[tuple[str, ast.ClassDef]]:
    """Every class of the package that calls `freeze_arrays`, with its place."""
    for folder in ("neuropinn_lava", "training", "conversion", "hardware_sim"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef) and "freeze_arrays" in {
                    name.id for name in ast.walk(node) if isinstance(name, ast.Name)
                }:
                    yield f"{path.relative_to(ROOT)}: {node.name}", node


def test_every_record_with_arrays_is_read_only_after_a_pickle() -> None:
    bases = {where: [ast.unparse(base) for base in node.bases] for where, node in freezing_classes()}
    assert len(bases) > 30
    assert [where for where, found in bases.items() if "ArrayRecord" not in found] == []


def test_equal_records_have_equal_digests() -> None:
    assert record_digest(make()) == record_digest(make())
    assert len(record_digest(make())) == 64
    assert record_digest(make()) == record_digest(pickle.loads(pickle.dumps(make())))


def test_digest_is_the_same_on_every_machine() -> None:
    # The rule by hand: 8 bytes of length before each chunk. To change it makes every file ever written unreadable.
    chunks = [b"Record", b"values", b"<f8(2,)", struct.pack("<2d", 1.0, 2.0), b"counts", b"<i8(2,)"]
    chunks += [struct.pack("<2q", 1, 2), b"inner", b"Inner", b"values", b"<f8(1,)", struct.pack("<d", 3.0)]
    chunks += [b"parts", b"tuple0", b"name", b"str:'a'", b"n", b"int:1", b"size", b"float:1.0"]
    chunks += [b"flag", b"bool:False", b"colour", b"red"]
    sha = hashlib.sha256()
    for chunk in chunks:
        sha.update(struct.pack("<Q", len(chunk)) + chunk)
    assert record_digest(make()) == sha.hexdigest()


@pytest.mark.parametrize(
    "changes",
    [
        {"values": [1.0, 2.5]},
        {"values": [[1.0, 2.0]]},
        {"values": [1.0, -0.0]},
        {"counts": [1, 3]},
        {"inner": None},
        {"inner": Inner(values=[3.5])},
        {"parts": (Inner(values=[3.0]),)},
        {"name": "b"},
        {"n": 2},
        {"size": 2.0},
        {"flag": True},
        {"colour": Colour.BLUE},
    ],
    ids=str,
)
def test_every_field_counts(changes: dict[str, object]) -> None:
    assert record_digest(make(**changes)) != record_digest(make())


def test_zero_and_negative_zero_differ() -> None:
    assert record_digest(make(values=[0.0])) != record_digest(make(values=[-0.0]))


def test_fields_about_origin_do_not_count() -> None:
    assert record_digest(make(note="made on a Tuesday")) == record_digest(make())


def test_optional_fields_count_only_where_they_are_set() -> None:
    def made(*fields: tuple[str, type, Any]) -> type:
        return dataclasses.make_dataclass("Made", [("width", int), *fields], frozen=True)

    before, after = made(), made(("held", bool, dataclasses.field(default=False, metadata=OPTIONAL)))
    required = made(("held", bool, dataclasses.field(default=False)))
    assert record_digest(after(3)) == record_digest(before(3))
    assert len({record_digest(each) for each in (after(3), after(3, True), after(4, True), required(3))}) == 4


def test_byte_order_and_numpy_scalars_do_not_count() -> None:
    swapped = np.array([1.0, 2.0], dtype=">f8")
    assert record_digest(make(values=swapped)) == record_digest(make())
    scalars = make(n=np.int64(1), size=np.float64(1.0), flag=np.bool_(False), name=np.str_("a"))
    assert record_digest(scalars) == record_digest(make())


def test_values_without_a_rule_are_refused() -> None:
    with pytest.raises(TypeError, match="no rule for list"):
        record_digest(make(parts=[]))
