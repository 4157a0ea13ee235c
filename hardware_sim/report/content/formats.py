"""Numbers of a report as people read them: counts, shares, energies, times, and ranges of them."""

from __future__ import annotations

import math
from collections.abc import Callable

NOTHING = "–"
"""What stands in a table where a value does not exist."""


def format_number(value: float | None, digits: int = 3) -> str:
    """Write a measured number with a few significant digits: 0.0123, 4.56e-06."""
    if value is None or not math.isfinite(value):
        return NOTHING
    return f"{value:.{digits}g}"


def format_count(value: int | None) -> str:
    """Write a count in full, in groups of three digits."""
    return NOTHING if value is None else f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def format_percent(value: float | None, digits: int = 3) -> str:
    """Write a share in percent."""
    return NOTHING if value is None else f"{100 * value:.{digits}g} %"


def format_joules(value: float | None) -> str:
    """Write an energy with a prefix that keeps it readable: 3.2 µJ."""
    if value is None or not math.isfinite(value):
        return NOTHING
    for factor, unit in ((1.0, "J"), (1e-3, "mJ"), (1e-6, "µJ"), (1e-9, "nJ")):
        if abs(value) >= factor:
            return f"{value / factor:.3g} {unit}"
    return f"{value / 1e-12:.3g} pJ"


def format_seconds(value: float | None) -> str:
    """Write a time with a prefix that keeps it readable: 12.5 µs."""
    if value is None or not math.isfinite(value):
        return NOTHING
    for factor, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if abs(value) >= factor:
            return f"{value / factor:.3g} {unit}"
    return f"{value / 1e-9:.3g} ns"


def format_range(low: float, high: float, say: Callable[[float], str]) -> str:
    """Write a range, or one number where both ends are written alike."""
    return say(low) if say(low) == say(high) else f"{say(low)} – {say(high)}"
