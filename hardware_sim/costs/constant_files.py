"""Reading TOML files of constants: keys, types and rules are checked, and everything that is wrong is listed at once.

Energy models and timing models are such files.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar

from ...base.checks import check_choice, raise_violations
from ...base.errors import FileFormatError, NeuroPinnError, Violation
from ...files.toml_tables import Table
from .constants import Constant

_Made = TypeVar("_Made")


def key_violations(record: type, table: object, where: str, left_out: tuple[str, ...] = ()) -> Iterator[Violation]:
    """Every key is a field of the record, every field without a default is there, and texts and numbers are such.

    Args:
        record: The dataclass that the table is to become.
        table: What the file holds.
        where: Names the table in messages.
        left_out: Fields that the file gives in another way.
    """
    if not isinstance(table, dict):
        yield Violation(where, "be a table", repr(table), "Write it as in the shipped files.")
        return
    fields = {field.name: field for field in dataclasses.fields(record) if field.name not in left_out}
    for name in sorted(set(table) - set(fields)):
        yield from check_choice(f"{where}, key", name, fields)
    for name, field in fields.items():
        if name in table:
            yield from _type_violations(str(field.type), table[name], f"{where}.{name}")
        elif field.default is dataclasses.MISSING:
            yield Violation(f"{where}.{name}", "be present", "nothing", "Add it, as in the shipped files.")


def _type_violations(declared: str, value: object, where: str) -> Iterator[Violation]:
    if declared.startswith("float"):
        if isinstance(value, bool) or not isinstance(value, int | float):
            yield Violation(where, "be a number", repr(value), "Write a number without quotes.")
        elif isinstance(value, int) and abs(value) > sys.float_info.max:
            yield Violation(
                where, "be a number that a double holds", f"{len(str(value))} digits", "Choose another unit."
            )
    elif declared.startswith("tuple"):
        if not (isinstance(value, list) and all(isinstance(item, str) for item in value)):
            yield Violation(where, "be a list of names", repr(value), 'Write ["first", "second"].')
    elif not (isinstance(value, str) and value.strip()):
        yield Violation(where, "be a text that is not empty", repr(value), "Write a text in quotes.")


def read_constants(table: Table, where: str) -> tuple[Constant, ...]:
    """Build the constants of a file's `[constants.<name>]` tables.

    Raises:
        FileFormatError: If a constant lacks its unit or source, has an unknown key, or a number that is none.
    """
    constants = table.get("constants", {})
    if not isinstance(constants, dict):
        raise FileFormatError(f"{where}.constants", "hold tables [constants.<name>]", repr(constants), "Write them so.")
    found = [
        violation
        for name, entry in constants.items()
        for violation in key_violations(Constant, entry, f"{where}: constant {name!r}", left_out=("name",))
    ]
    raise_violations(found, FileFormatError)
    made = [made_from_file(where, partial(Constant, name=name, **entry)) for name, entry in constants.items()]
    raise_violations([violation for _, broken in made for violation in broken], FileFormatError)
    return tuple(constant for constant, _ in made if constant is not None)


def made_from_file(where: str, make: Callable[[], _Made]) -> tuple[_Made | None, tuple[Violation, ...]]:
    """Build a record, or return the rules that it breaks with the file's name in front."""
    try:
        return make(), ()
    except NeuroPinnError as error:
        return None, tuple(v._replace(where=f"{where}: {v.where}") for v in error.violations)
