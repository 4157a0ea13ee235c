"""The result of a check against a hardware target: one verdict for each rule, in three words.

A rule without a published limit is `not checked`, and says what is missing; it never counts as fitting.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ...base.arrays import Record
from ...base.checks import raise_violations
from ...base.errors import HardwareRuleError, Violation


class Verdict(str, Enum):
    """What is known about a rule, or about a network as a whole."""

    FITS = "fits"
    DOES_NOT_FIT = "does not fit"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleVerdict(Record):
    """The verdict of one rule on a network."""

    rule: str
    """The name of the rule, as docs/targets.md lists it."""
    verdict: Verdict
    """Whether the network keeps the rule."""
    found: int | None
    """The largest value that the network needs, in the unit of the limit; None where it could not be counted."""
    limit: int | None
    """What the target allows; None where its file names no limit."""
    reason: str
    """The source of the limit, or why the rule was not checked."""
    refuses: bool
    """Whether a conversion for this target is refused where the rule is broken, or only reported."""
    violations: tuple[Violation, ...] = ()
    """All violations, layer by layer, each with its repair."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetCheck(Record):
    """The verdicts of all rules of a target on one network."""

    target: str
    """The name of the target."""
    title: str
    """The target's name in reports."""
    verdicts: tuple[RuleVerdict, ...]
    """One verdict for each rule, in the order of docs/targets.md."""

    @property
    def verdict(self) -> Verdict:
        """The verdict on the network: one broken rule decides it, else one rule that was not checked."""
        found = {rule.verdict for rule in self.verdicts}
        return next(word for word in (Verdict.DOES_NOT_FIT, Verdict.NOT_CHECKED, Verdict.FITS) if word in found)

    def rules(self, verdict: Verdict) -> tuple[str, ...]:
        """Return the names of the rules with this verdict."""
        return tuple(rule.rule for rule in self.verdicts if rule.verdict is verdict)

    @property
    def violations(self) -> tuple[Violation, ...]:
        """Everything that is broken, of all rules."""
        return tuple(violation for rule in self.verdicts for violation in rule.violations)

    def refuse(self, *, strict: bool) -> None:
        """Raise if the network breaks rules of the target.

        Args:
            strict: Refuse every broken rule; otherwise those alone that the target's file does not list in `reported_only`.

        Raises:
            HardwareRuleError: If such a rule is broken; all of them are listed.
        """
        broken = (violation for rule in self.verdicts if strict or rule.refuses for violation in rule.violations)
        raise_violations(broken, HardwareRuleError)

    def summary(self) -> str:
        """Return the verdict in sentences that name the rules behind it; the name of a rule is a clause."""
        broken, unknown = self.rules(Verdict.DOES_NOT_FIT), self.rules(Verdict.NOT_CHECKED)
        if broken:
            text = f"The network does not fit {self.title}: it breaks the rule that {_enumerate(broken)}."
            if not any(rule.refuses for rule in self.verdicts if rule.verdict is Verdict.DOES_NOT_FIT):
                text += f" {self.title} only reports this: a conversion is refused with --strict alone."
        elif unknown:
            text = f"The network breaks no rule of {self.title} that could be checked."
        else:
            text = f"The network fits {self.title}."
        return f"{text} Whether {_enumerate(unknown)} could not be checked." if unknown else text


def _enumerate(clauses: tuple[str, ...]) -> str:
    """Return clauses as one: `a, b and c`."""
    *others, last = clauses
    return f"{', '.join(others)} and {last}" if others else last


def check_object(check: TargetCheck) -> dict[str, object]:
    """Return a check as a JSON object."""
    return {
        "name": check.target,
        "title": check.title,
        "verdict": check.verdict.value,
        "rules": [
            {
                "name": rule.rule,
                "verdict": rule.verdict.value,
                "found": rule.found,
                "limit": rule.limit,
                "reason": rule.reason,
                "refuses": rule.refuses,
                "violations": [str(violation) for violation in rule.violations],
            }
            for rule in check.verdicts
        ],
    }
