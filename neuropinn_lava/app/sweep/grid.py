"""What a sweep varies, as records: word lengths, thresholds, steps, activities; and one combination of them.

A point without a threshold, a number of steps or an activity leaves the problem's own recipe as it is. Points that differ in
their word lengths only share a training.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

from ...base.checks import check_finite, check_range, check_whole, raise_violations
from ...base.errors import Violation
from ...network.spec import MAX_STEPS
from ..verbs.train import RecipeChanges

WEIGHT_BITS = (2, 16)
"""Shortest and longest weight word. Source: the scheme's own limits, `QuantizationScheme`."""
PAYLOAD_BITS = (2, 24)
"""Shortest and longest payload word, the same."""
LIMITS = {
    "weight_bits": WEIGHT_BITS,
    "payload_bits": PAYLOAD_BITS,
    "theta": (0.0, 1e3),
    "n_steps": (1, MAX_STEPS),
    "activity": (0.0, 1.0),
}
"""What the values of a grid may be."""
WHOLE = ("weight_bits", "payload_bits", "n_steps")
"""Those that are numbers of something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepPoint:
    """One combination: how a network is trained, and into which words it is converted."""

    weight_bits: int | tuple[int, ...]
    """Word length of weights: one for all matrices, or one per matrix, the read-out's last."""
    payload_bits: int
    """Word length of payloads."""
    theta: float | None = None
    """Threshold of every neuron; None is the recipe's."""
    n_steps: int | None = None
    """T; None is the recipe's."""
    activity: float | None = None
    """Spiking activity that training aims at; None is the recipe's."""

    @property
    def name(self) -> str:
        """What tells it from the others of a sweep, as `w8 p12 T1 theta 0.02 activity 0.14`."""
        bits = self.weight_bits if isinstance(self.weight_bits, tuple) else (self.weight_bits,)
        words = [f"w{'-'.join(map(str, bits))}", f"p{self.payload_bits}"]
        words += [f"T{self.n_steps}"] if self.n_steps is not None else []
        words += [f"theta {self.theta:.12g}"] if self.theta is not None else []
        words += [f"activity {self.activity:.12g}"] if self.activity is not None else []
        return " ".join(words)

    @property
    def training_name(self) -> str:
        """What tells its training from the others of a sweep."""
        return self.name.partition(f"p{self.payload_bits}")[2].strip() or "the problem's own recipe"


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepGrid:
    """All combinations of some values; a list of None only leaves the recipe's own."""

    weight_bits: tuple[int, ...] = (4, 6, 8)
    """Word lengths of weights, 2 to 16."""
    payload_bits: tuple[int, ...] = (8, 12, 16)
    """Word lengths of payloads, 2 to 24."""
    theta: tuple[float | None, ...] = (None,)
    """Thresholds, not negative."""
    n_steps: tuple[int | None, ...] = (None,)
    """Numbers of steps."""
    activity: tuple[float | None, ...] = (None,)
    """Activities to aim at, 0 to 1."""

    def __post_init__(self) -> None:
        raise_violations(self._violations())

    def _violations(self) -> Iterator[Violation]:
        for name, (low, high) in LIMITS.items():
            values, where = getattr(self, name), f"SweepGrid.{name}"
            given = [value for value in values if value is not None]
            wrong = list(_not_numbers(where, given, name in WHOLE))
            yield from wrong or check_range(where, given, low, high)
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


def _not_numbers(where: str, values: list[float], whole: bool) -> Iterator[Violation]:
    for value in values:
        yield from check_whole(where, value) if whole else check_finite(where, value)


def changes_of(point: SweepPoint, base: RecipeChanges) -> RecipeChanges:
    """Give the changes to the problem's recipe that a point stands for, on top of those of the whole sweep."""
    return replace(
        base,
        theta=base.theta if point.theta is None else point.theta,
        n_steps=base.n_steps if point.n_steps is None else point.n_steps,
        activity=base.activity if point.activity is None else point.activity,
    )
