"""Constants of energy and timing models: one number with its unit, its source and, where one is known, its range."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ...base.arrays import Record
from ...base.checks import check_choice, raise_violations
from ...base.errors import Violation

JOULE = {"J": 1}
"""The dimension of an energy."""
SECOND = {"s": 1}
"""The dimension of a time."""
_WATT = {"J": 1, "s": -1}
_PREFIXES = {"": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15}
UNITS = {
    **{f"{prefix}{name}": (factor, dimension)
       for name, dimension in (("J", JOULE), ("W", _WATT), ("s", SECOND)) for prefix, factor in _PREFIXES.items()},
    "1": (1.0, {}),
}  # fmt: skip
"""Unit → its size in SI units, and its dimension in joules and seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant(Record):
    """One number of a model: `Constant(name="synaptic_event", value=23.6, unit="pJ", source="table 2")`."""

    name: str
    """As the terms name it."""
    value: float
    """In `unit`, 0 or more."""
    unit: str
    """One of `UNITS`."""
    source: str
    """Where it is published, or how it was derived."""
    low: float | None = None
    """Lowest value that is published or plausible, in `unit`; None where no range is known."""
    high: float | None = None
    """Highest value that is published or plausible, in `unit`; None where no range is known."""

    def __post_init__(self) -> None:
        raise_violations(self._violations())

    def _violations(self) -> Iterator[Violation]:
        where = f"Constant {self.name!r}"
        yield from check_choice(f"{where}.unit", self.unit, UNITS)
        if not self.source.strip():
            yield Violation(
                f"{where}.source", "name where the constant is from", repr(self.source), "Say where it is from."
            )
        for name in ("value", "low", "high"):
            number = getattr(self, name)
            if number is not None and not (math.isfinite(number) and number >= 0):
                yield Violation(f"{where}.{name}", "be a finite number, 0 or more", number, "Look it up in the source.")
        if not self.lowest <= self.value <= self.highest:
            got = (self.lowest, self.value, self.highest)
            yield Violation(where, "have low <= value <= high", got, "Correct the range.")

    @property
    def lowest(self) -> float:
        """The low end of the range, or the value itself."""
        return self.value if self.low is None else self.low

    @property
    def highest(self) -> float:
        """The high end of the range, or the value itself."""
        return self.value if self.high is None else self.high

    @property
    def si(self) -> float:
        """The value in joules, watts, seconds or as a number."""
        return self.value * UNITS[self.unit][0]

    def at(self, value: float) -> Constant:
        """Return the same constant with another value, in the same unit and without a range."""
        return dataclasses.replace(self, value=value, low=None, high=None)


def dimension_of(constants: Iterable[Constant]) -> dict[str, int]:
    """Return the dimension of a product: powers of joules and seconds, those that are not zero."""
    powers = Counter[str]()
    for constant in constants:
        powers.update(UNITS[constant.unit][1])
    return {unit: power for unit, power in powers.items() if power}
