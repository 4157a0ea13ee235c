"""The values that a sweep combines, as records: word lengths, thresholds, steps and activities; and one combination of them.

A point without a threshold, a number of steps or an activity leaves the problem's own recipe as it is. Points that differ in
their word lengths only share a training.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from ...base.checks import check_finite, check_range, check_whole, raise_violations
from ...base.errors import Violation
from ...network.spec import MAX_STEPS

WEIGHT_BITS = (2, 16)
"""Shortest and longest weight word. Source: the scheme's own limits, `QuantizationScheme`."""
PAYLOAD_BITS = (2, 24)
"""Shortest and longest payload word. Source: as for weights."""
LIMITS = {
    "weight_bits": WEIGHT_BITS,
    "payload_bits": PAYLOAD_BITS,
    "theta": (0.0, 1e3),
    "n_steps": (1, MAX_STEPS),
    "activity": (0.0, 1.0),
}
"""Lowest and highest value of each list of a grid."""
WHOLE = ("weight_bits", "payload_bits", "n_steps")
"""Names of the lists that hold whole numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepPoint:
    """One combination of values, by which a network is trained and converted."""

    weight_bits: int | tuple[int, ...]
    """Word length of weights: one for all matrices, or one per matrix, the read-out's last."""
    payload_bits: int
    """Word length of payloads."""
    theta: float | None = None
    """Threshold of every neuron; None leaves the recipe's own."""
    n_steps: int | None = None
    """Number of steps T; None leaves the recipe's own."""
    activity: float | None = None
    """Spiking activity that training aims at; None leaves the recipe's own."""

    @property
    def name(self) -> str:
        """Name of the point among those of a sweep, as `w8 p12 T1 theta 0.02 activity 0.14`."""
        bits = self.weight_bits if isinstance(self.weight_bits, tuple) else (self.weight_bits,)
        words = [f"w{'-'.join(map(str, bits))}", f"p{self.payload_bits}"]
        words += [f"T{self.n_steps}"] if self.n_steps is not None else []
        words += [f"theta {self.theta:.12g}"] if self.theta is not None else []
        words += [f"activity {self.activity:.12g}"] if self.activity is not None else []
        return " ".join(words)

    @property
    def training_name(self) -> str:
        """Name of its training among those of a sweep."""
        return self.name.partition(f"p{self.payload_bits}")[2].strip() or "the problem's own recipe"


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepGrid:
    """Lists of values to combine; a list of None only leaves the recipe's own value."""

    weight_bits: tuple[int, ...] = (4, 6, 8)
    """Word lengths of weights, 2 to 16."""
    payload_bits: tuple[int, ...] = (8, 12, 16)
    """Word lengths of payloads, 2 to 24."""
    theta: tuple[float | None, ...] = (None,)
    """Thresholds of every neuron, not negative."""
    n_steps: tuple[int | None, ...] = (None,)
    """Numbers of steps T, at least 1."""
    activity: tuple[float | None, ...] = (None,)
    """Spiking activities that training aims at, 0 to 1."""

    def __post_init__(self) -> None:
        raise_violations(self._violations())

    def _violations(self) -> Iterator[Violation]:
        for name, (low, high) in LIMITS.items():
            values, where = getattr(self, name), f"SweepGrid.{name}"
            given = [value for value in values if value is not None]
            check = check_whole if name in WHOLE else check_finite
            yield from [v for value in given for v in check(where, value)] or check_range(where, given, low, high)
            if not values:
                yield Violation(where, "hold at least one value", "none", "Name one, or leave the list out.")
            if len(set(values)) != len(values):
                yield Violation(where, "hold each value once", list(values), "Leave the repeated ones out.")

    @property
    def points(self) -> tuple[SweepPoint, ...]:
        """All combinations; those that share a training stand together."""
        combinations = product(self.n_steps, self.theta, self.activity, self.weight_bits, self.payload_bits)
        return tuple(
            SweepPoint(n_steps=n_steps, theta=theta, activity=activity, weight_bits=weight, payload_bits=payload)
            for n_steps, theta, activity, weight, payload in combinations
        )
