"""The errors that this package raises on purpose, and the sentence that each of them forms.

Every error names an object, the rule that it breaks, the value found and the repair, and reads as a sentence:

    {where} must {rule}; got {got}. {repair}
    make_burgers.viscosity must lie in [0.02, 1]; got 0.001. Choose a value in that range.

A rule therefore begins with a verb in its base form ("be finite", "have two axes", "lie in [0, 1]", "end in .csv"), in every
error of the package; `tests/base/test_error_rules.py` reads all of them. A check gathers all broken rules as `Violation`s and
raises once (`NeuroPinnError.gathered`). Errors survive pickling between processes, because every constructor argument reaches
`Exception.__init__`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

_E = TypeVar("_E", bound="NeuroPinnError")


class Violation(NamedTuple):
    """One broken rule, which reads `{where} must {rule}; got {got}. {repair}`."""

    where: str
    """The object and its field, as in `PopulationSpec 'hidden1'.theta`."""
    rule: str
    """What `where` must do or be, beginning with a verb in its base form: `lie in [0, 1]`, `be a whole number`."""
    got: object
    """The value that breaks the rule."""
    repair: str
    """The repair, as a sentence to the user."""

    def __str__(self) -> str:
        return f"{self.where} must {self.rule}; got {self.got}. {self.repair}"


class NeuroPinnError(Exception):
    """Base of every error that this package raises on purpose."""

    def __init__(self, where: str, rule: str, got: object, repair: str, more: tuple[Violation, ...] = ()) -> None:
        super().__init__(where, rule, got, repair, more)

    @classmethod
    def gathered(cls: type[_E], violations: Sequence[Violation]) -> _E:
        """Build one error of all broken rules; `violations` holds at least one."""
        first, *rest = violations
        return cls(*first, more=tuple(rest))

    @property
    def violations(self) -> tuple[Violation, ...]:
        """All broken rules, in the order in which they were found."""
        where, rule, got, repair, more = self.args
        return (Violation(where, rule, got, repair), *more)

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


class DomainWarning(UserWarning):
    """A run at points outside the region that the network was trained or calibrated on: its outputs there are extrapolated."""


class TrainingError(NeuroPinnError, RuntimeError):
    """A training that could not be started, continued or finished."""
