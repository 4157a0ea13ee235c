"""Deployments compared by error, energy and synaptic bits: which of them no other beats, and which one to take.

a beats b   where no number of a is larger and one is smaller
front       all that nobody beats
chosen      of the front: the least energy whose error is at most `factor` times the lowest one; then fewest bits
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ....base.arrays import Record
from ....base.checks import check_range, raise_violations
from ....base.errors import Violation
from .formats import format_percent

ERROR_FACTOR = 2.0
"""How much error, against the lowest one, the least energy may cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate(Record):
    """A deployment that could be chosen."""

    name: str
    """Name that distinguishes the candidate from the others."""
    error: float
    """Relative L2 against the reference solution."""
    joules: float
    """Dynamic energy of a sample by one model."""
    synaptic_bits: int
    """Bits of all stored weights."""

    def __post_init__(self) -> None:
        raise_violations(self._violations())

    def _violations(self) -> Iterator[Violation]:
        for name in ("error", "joules", "synaptic_bits"):
            yield from check_range(f"Candidate {self.name!r}.{name}", getattr(self, name), 0.0, math.inf)

    @property
    def costs(self) -> tuple[float, float, int]:
        """Error, energy, bits: less of each is better."""
        return self.error, self.joules, self.synaptic_bits

    def beats(self, other: Candidate) -> bool:
        """Return whether no cost of this candidate is larger than the other's, and one is smaller."""
        pairs = list(zip(self.costs, other.costs, strict=True))
        return all(mine <= theirs for mine, theirs in pairs) and any(mine < theirs for mine, theirs in pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParetoChoice(Record):
    """What comparing candidates gives."""

    candidates: tuple[Candidate, ...]
    """All candidates that were compared."""
    front: tuple[int, ...]
    """Indices of the candidates that no other one beats, those of less energy first."""
    chosen: int | None
    """Index of the candidate that is taken; None where there are no candidates."""
    factor: float
    """Multiple of the lowest error that was allowed."""

    @property
    def rule(self) -> str:
        """Return the rule by which a candidate was chosen, as a phrase."""
        lowest = min((candidate.error for candidate in self.candidates), default=math.nan)
        return (
            f"the least energy on the front with an error of at most {self.factor:g} times the lowest one"
            f" ({format_percent(self.factor * lowest)}); among equals the fewest synaptic bits"
        )


def choose_candidate(candidates: Sequence[Candidate], factor: float = ERROR_FACTOR) -> ParetoChoice:
    """Find the front, and take one of it.

    Args:
        candidates: Any number.
        factor: At least 1.

    Raises:
        SpecError: If the factor is below one.
    """
    raise_violations(check_range("choose_candidate.factor", factor, 1.0, math.inf))
    front = find_front(candidates)
    limit = factor * min((candidate.error for candidate in candidates), default=math.nan)
    allowed = [k for k in front if candidates[k].error <= limit]
    chosen = min(allowed, key=lambda k: (candidates[k].joules, candidates[k].synaptic_bits), default=None)
    return ParetoChoice(candidates=tuple(candidates), front=front, chosen=chosen, factor=factor)


def find_front(candidates: Sequence[Candidate]) -> tuple[int, ...]:
    """Return the indices of the candidates that no other one beats, in the order of their energy."""
    front = [k for k, one in enumerate(candidates) if not any(other.beats(one) for other in candidates)]
    return tuple(sorted(front, key=lambda k: candidates[k].joules))
