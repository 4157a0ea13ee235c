"""Hardware targets as data: what a chip can hold, with the source of every limit.

Targets are TOML files, `neuropinn_lava/data/target_*.toml`, or a user's own. A limit that nobody has published is left out of
the file and is then not checked.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...base.checks import check_choice, raise_violations
from ...base.errors import FileFormatError, Violation
from ...files.toml_tables import named_file, read_table

SHIPPED = ("loihi1", "loihi2")
"""Names of the targets that come with the package."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HardwareTarget:
    """Limits of a chip; None is not published and not checked."""

    name: str
    """Name on the command line."""
    title: str
    """Name in reports."""
    source: str
    """Where the limits are published."""
    max_weight_bits: int
    """Longest weight word that a synapse stores."""
    max_payload_bits: int
    """Longest graded payload of a spike; 0 where spikes carry none."""
    state_bits: int
    """Word length of a neuron's state."""
    max_neurons_per_core: int
    """Neurons on one core."""
    synapse_bytes_per_core: int
    """Synaptic memory of one core, in bytes."""
    core_bytes: int | None = None
    """All memory of one core, in bytes."""
    cores_per_chip: int
    """Neuromorphic cores of one chip."""
    max_fan_in: int | None = None
    """Axons that can end on one core."""
    max_fan_out: int | None = None
    """Cores that one neuron can reach."""
    max_accumulator_bits: int | None = None
    """Length of the word in which a neuron sums its products, sign included."""
    require_proved_states: bool = False
    """Whether only networks are accepted whose states are proved never to saturate."""


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
    return HardwareTarget(**values)


def _target_violations(values: dict[str, object], where: str) -> Iterator[Violation]:
    fields = {field.name: field for field in dataclasses.fields(HardwareTarget)}
    for name in sorted(set(values) - set(fields)):
        yield from check_choice(f"{where}, key", name, fields)
    for name, field in fields.items():
        if name not in values:
            if field.default is dataclasses.MISSING:
                yield Violation(
                    f"{where}.{name}", "the key is present", "nothing", "Add it; docs/targets.md lists all keys."
                )
            continue
        yield from _value_violations(f"{where}.{name}", name, values[name])


def _value_violations(where: str, name: str, value: object) -> Iterator[Violation]:
    if name in ("name", "title", "source"):
        if not (isinstance(value, str) and value.strip()):
            yield Violation(where, "a text that is not empty", repr(value), "Write a text in quotes.")
    elif name == "require_proved_states":
        if not isinstance(value, bool):
            yield Violation(where, "true or false", repr(value), "Write true or false, without quotes.")
    else:
        least = 0 if name == "max_payload_bits" else 1
        if type(value) is not int or value < least:
            yield Violation(where, f"a whole number, {least} or more", repr(value), "Write such a number.")
