"""What this package raises on purpose, and how such an error reads.

Every error names an object, the rule that it breaks, the value found and what would mend it. A check gathers all broken
rules as `Violation`s and raises once (`NeuroPinnError.gathered`). Errors survive pickling between processes, because every
constructor argument reaches `Exception.__init__`. This module imports nothing of the package.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

_E = TypeVar("_E", bound="NeuroPinnError")


class Violation(NamedTuple):
    """One broken rule: `<where>: <rule>; got <got>. <mend>`."""

    where: str
    """The object and its field, as in `LayerSpec 'hidden1'.theta`."""
    rule: str
    """What must hold, as a clause."""
    got: object
    """The value found."""
    mend: str
    """What to do about it, as a sentence."""

    def __str__(self) -> str:
        return f"{self.where}: {self.rule}; got {self.got}. {self.mend}"


class NeuroPinnError(Exception):
    """Base of every error that this package raises on purpose."""

    def __init__(self, where: str, rule: str, got: object, mend: str, more: tuple[Violation, ...] = ()) -> None:
        super().__init__(where, rule, got, mend, more)

    @classmethod
    def gathered(cls: type[_E], violations: Sequence[Violation]) -> _E:
        """Make one error of all the rules that were found broken; `violations` holds at least one."""
        first, *rest = violations
        return cls(*first, more=tuple(rest))

    @property
    def violations(self) -> tuple[Violation, ...]:
        """All broken rules, the first one first."""
        where, rule, got, mend, more = self.args
        return (Violation(where, rule, got, mend), *more)

    def __str__(self) -> str:
        return "\n".join(str(violation) for violation in self.violations)


class SpecError(NeuroPinnError, ValueError):
    """A record or an argument that breaks a rule of its type."""


class FixedPointError(NeuroPinnError, ArithmeticError):
    """A value that an integer format cannot hold, or a scheme that cannot fit."""


class FileFormatError(NeuroPinnError, ValueError):
    """A file that is not what it claims to be, or that this version cannot read."""


class HardwareRuleError(NeuroPinnError, ValueError):
    """A network that breaks rules of a hardware target; all of them are listed."""


class SimulationError(NeuroPinnError, RuntimeError):
    """A run that could not be started or finished; `got` carries the traceback of the process at fault."""


class TrainingError(NeuroPinnError, RuntimeError):
    """A training that could not be started, continued or finished."""
