"""Hardware targets as data: what a chip can hold, with the source of every limit.

Targets are TOML files, `neuropinn_lava/data/target_*.toml`, or a user's own. A limit that nobody has published is left out of
the file; the rule about it is then not checked, and the verdict says so.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...base.arrays import Record
from ...base.checks import check_choice, raise_violations
from ...base.errors import FileFormatError, Violation
from ...files.toml_tables import Table, named_file, read_table

SHIPPED = ("loihi1", "loihi2")
"""Names of the targets that come with the package."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitNote(Record):
    """Where one limit is from, or why the target has none."""

    limit: str
    """The name of the limit, a field of `HardwareTarget`."""
    text: str
    """The source of the limit, or what is known where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HardwareTarget(Record):
    """Limits of a chip; a limit of None is not published and not checked."""

    name: str
    """Name of the target on the command line."""
    title: str
    """Name of the target in reports."""
    source: str
    """Where the limits are published."""
    max_weight_bits: int
    """Longest weight word that a synapse stores."""
    max_payload_bits: int
    """Longest graded payload of a spike; 0 where spikes carry none."""
    state_bits: int
    """Word length of a neuron's state."""
    max_neurons_per_core: int
    """Largest number of neurons on one core."""
    synapse_bytes_per_core: int
    """Synaptic memory of one core, in bytes."""
    core_bytes: int | None = None
    """All memory of one core, in bytes."""
    cores_per_chip: int
    """Neuromorphic cores of one chip."""
    max_fan_in: int | None = None
    """Largest number of axons that can end on one core."""
    max_fan_out: int | None = None
    """Largest number of cores that one neuron can reach."""
    max_out_axons: int | None = None
    """Entries of a core's routing table: pairs of a neuron and a core that it reaches."""
    max_delay: int | None = None
    """Longest delay line of a connection, in steps of the chip."""
    max_table_entries: int | None = None
    """Largest number of entries of a phi table."""
    max_exponents: int | None = None
    """Different exponents by which the sums of one layer are shifted."""
    max_accumulator_bits: int | None = None
    """Length of the word in which a neuron sums its products, sign included."""
    require_proved_states: bool = False
    """Whether only networks are accepted whose states are proved never to saturate."""
    reported_only: tuple[str, ...] = ()
    """Limits whose breach is reported and refuses a conversion only where the user asks for strictness."""
    notes: tuple[LimitNote, ...] = ()
    """Sources of single limits, and what is known of those that are missing."""

    def reason(self, limit: str) -> str:
        """Return where a limit is from, or why there is none."""
        note = next((note.text for note in self.notes if note.limit == limit), None)
        if note is not None:
            return note
        return self.source if getattr(self, limit) is not None else f"the target's file states no {limit}"


def find_target(name: str | Path) -> HardwareTarget:
    """Load a shipped target by name, or a user's own by the path of its TOML file.

    Raises:
        SpecError: If the name is unknown.
        FileFormatError: If the file cannot be read, or has unknown, missing or wrong keys.
    """
    with named_file(name, {target: f"target_{target}.toml" for target in SHIPPED}, "hardware target") as path:
        return read_target(path)


def read_target(path: Path) -> HardwareTarget:
    """Read a target from a TOML file.

    Raises:
        FileFormatError: If the file cannot be read, or has unknown, missing or wrong keys; all of them are listed.
    """
    values = read_table(path, "target")
    raise_violations(_target_violations(values, f"target {path.name}"), FileFormatError)
    notes = tuple(LimitNote(limit=limit, text=text) for limit, text in values.pop("notes", {}).items())
    return HardwareTarget(**values | {"reported_only": tuple(values.get("reported_only", ()))}, notes=notes)


def _limit_names() -> tuple[str, ...]:
    others = {"name", "title", "source", "reported_only", "notes"}
    return tuple(field.name for field in dataclasses.fields(HardwareTarget) if field.name not in others)


def _target_violations(values: Table, where: str) -> Iterator[Violation]:
    fields = {field.name: field for field in dataclasses.fields(HardwareTarget)}
    for name in sorted(set(values) - set(fields)):
        yield from check_choice(f"{where}, key", name, fields)
    for name, field in fields.items():
        if name not in values:
            if field.default is dataclasses.MISSING:
                yield Violation(f"{where}.{name}", "be present", "nothing", "Add it; docs/targets.md lists all keys.")
            continue
        yield from _value_violations(f"{where}.{name}", name, values[name])


def _value_violations(where: str, name: str, value: object) -> Iterator[Violation]:
    if name in ("name", "title", "source"):
        if not (isinstance(value, str) and value.strip()):
            yield Violation(where, "be a text that is not empty", repr(value), "Write a text in quotes.")
    elif name == "require_proved_states":
        if not isinstance(value, bool):
            yield Violation(where, "be true or false", repr(value), "Write true or false, without quotes.")
    elif name == "reported_only":
        if not (isinstance(value, list) and all(isinstance(item, str) for item in value)):
            yield Violation(where, "be a list of limits", repr(value), 'Write ["max_accumulator_bits"].')
        else:
            for limit in value:
                yield from check_choice(where, limit, _limit_names())
    elif name == "notes":
        if not (isinstance(value, dict) and all(isinstance(text, str) and text.strip() for text in value.values())):
            yield Violation(where, "be a table of texts", repr(value), 'Write [notes] and limit = "its source".')
        else:
            for limit in value:
                yield from check_choice(f"{where}, key", limit, _limit_names())
    else:
        least = 0 if name in ("max_payload_bits", "max_delay") else 1
        if type(value) is not int or value < least:
            yield Violation(where, f"be a whole number, {least} or more", repr(value), "Write such a number.")
