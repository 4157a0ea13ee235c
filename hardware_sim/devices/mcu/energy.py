"""Energy of a microcontroller from a user's own current, voltage and time; the package knows no joules of such a device."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from ....base.arrays import Record
from ....base.checks import check_whole, raise_violations
from ....base.errors import Violation


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredEnergy(Record):
    """Energy of a point on a user's own board."""

    joules: float
    """Energy of one point, in joules."""
    seconds: float
    """Time of one point, in seconds."""
    source: str
    """What it was computed from, as a sentence."""


def energy_from_measurement(
    *, current_ma: float, voltage: float, seconds: float, n_points: int = 1, idle_ma: float = 0.0
) -> MeasuredEnergy:
    """Compute the energy of a point from a measurement on a board.

        E = (current - idle current) * voltage * seconds / n_points

    Args:
        current_ma: Mean current while the network ran, in mA.
        voltage: Supply voltage, in V.
        seconds: Time in which the points were computed, in s.
        n_points: Number of points computed in that time.
        idle_ma: Current of the idle board to subtract, in mA; 0 keeps what the board draws anyway.

    Raises:
        SpecError: If a value is not a positive number, or the idle current is not below the current.
    """
    values = {"current_ma": current_ma, "voltage": voltage, "seconds": seconds}
    raise_violations(_violations(values, n_points, current_ma, idle_ma))
    joules = (current_ma - idle_ma) * 1e-3 * voltage * seconds / n_points
    idle = f", {idle_ma:g} mA of the idle board subtracted" if idle_ma else ""
    source = f"measured by the user: {current_ma:g} mA at {voltage:g} V for {seconds:g} s, {n_points} points{idle}"
    return MeasuredEnergy(joules=joules, seconds=seconds / n_points, source=source)


def _violations(values: dict[str, float], n_points: int, current_ma: float, idle_ma: float) -> Iterator[Violation]:
    where = "energy_from_measurement"
    for name, value in values.items():
        if not (math.isfinite(value) and value > 0):
            yield Violation(f"{where}.{name}", "be a positive number", value, "Give what was measured.")
    found = list(check_whole(f"{where}.n_points", n_points))
    yield from found
    if not found and n_points < 1:
        yield Violation(f"{where}.n_points", "be at least 1", n_points, "Give the number of points of that time.")
    if not 0 <= idle_ma < current_ma:
        repair = "Measure the idle board, or give 0."
        yield Violation(f"{where}.idle_ma", f"lie in [0, {current_ma:g})", idle_ma, repair)
