"""Energy models as records: constants with unit and source, and the terms that multiply them with counts.

    joules of a term = quantity * constant * constant ...        quantity: a count per sample, see `quantities.py`

A model never blends sources: each constant says where it comes from, each model what it leaves out, and whether its numbers
were simulated, measured or estimated. The shipped models are data files (`energy_files.py`); this module holds no number of
any chip.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from ...base.arrays import Record
from ...base.checks import check_choice, raise_violations
from ...base.errors import SpecError, Violation
from .constants import JOULE, Constant, dimension_of
from .quantities import BIT_QUANTITIES, QUANTITIES, STEP_QUANTITY


class Kind(str, Enum):
    """How a number was found."""

    SIMULATED = "simulated"
    """By simulating a circuit before it was built."""
    MEASURED = "measured"
    """On a device."""
    ESTIMATED = "estimated"
    """Derived, fitted or assumed; the source says how."""


class Part(str, Enum):
    """Whether a term depends on what the network does."""

    DYNAMIC = "dynamic"
    """Spent by operations."""
    STATIC = "static"
    """Spent by the passing of time."""
    STEP = "step"
    """The whole energy of a step, measured together: static power, barrier and operations cannot be told apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Term(Record):
    """What is multiplied: a count per sample with one or more constants."""

    name: str
    """Name in reports."""
    quantity: str
    """One of `QUANTITIES`."""
    constants: tuple[str, ...]
    """Names of the model's constants; their product is an energy."""
    part: Part = Part.DYNAMIC
    """What the energy is spent by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyModel(Record):
    """A named set of constants and terms from one source."""

    name: str
    """Name on the command line."""
    title: str
    """Name in reports."""
    kind: Kind
    """How its numbers were found."""
    source: str
    """Where they are published."""
    leaves_out: str
    """What the model does not count."""
    constants: tuple[Constant, ...]
    """Constants that the terms multiply."""
    terms: tuple[Term, ...]
    """Terms whose sum is the energy of a sample."""
    target: str | None = None
    """Target on whose cores messages and hops are counted; None counts one message per event and no hops."""
    measured_on: str | None = None
    """What the constants of a measured model were measured on, such as "SpiNNaker"; None where it is not said."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", Kind(self.kind))
        raise_violations(self._violations())

    def _violations(self) -> Iterator[Violation]:
        where = f"EnergyModel {self.name!r}"
        for name in ("title", "source", "leaves_out"):
            if not getattr(self, name).strip():
                yield Violation(
                    f"{where}.{name}", "be a text", repr(getattr(self, name)), "Write it: a report shows it."
                )
        for items, what in ((self.constants, "constants"), (self.terms, "terms")):
            names = [item.name for item in items]
            if not names or len(set(names)) != len(names):
                yield Violation(
                    f"{where}.{what}", "be one or more, with different names", names, "Name each of them once."
                )
        known = {constant.name: constant for constant in self.constants}
        for term in self.terms:
            yield from check_choice(f"{where}: term {term.name!r}.quantity", term.quantity, QUANTITIES)
            for name in term.constants:
                yield from check_choice(f"{where}: term {term.name!r}.constants", name, known)
            if set(term.constants) <= set(known):
                yield from self._dimension_violations(term, known)
        yield from self._step_violations()
        unused = set(known) - {name for term in self.terms for name in term.constants}
        if unused:
            yield Violation(
                f"{where}.constants", "be used by at least one term each", sorted(unused), "Remove or use it."
            )

    def _step_violations(self) -> Iterator[Violation]:
        """Yield what breaks the rules of a term that prices whole steps: it counts steps, and stands alone."""
        for term in self.terms:
            if term.part is Part.STEP and term.quantity != STEP_QUANTITY:
                where = f"EnergyModel {self.name!r}: term {term.name!r}.quantity"
                repair = "The constants of such a term are the energy of one step."
                yield Violation(
                    where, f"be {STEP_QUANTITY!r} in a term of the part 'step'", repr(term.quantity), repair
                )
        if self.prices_steps and len(self.terms) > 1:
            names = [term.name for term in self.terms]
            repair = "Put the others into a model of their own: the step holds them already."
            yield Violation(f"EnergyModel {self.name!r}.terms", "hold a term of the part 'step' alone", names, repair)

    def _dimension_violations(self, term: Term, known: dict[str, Constant]) -> Iterator[Violation]:
        constants = [known[name] for name in term.constants]
        if dimension_of(constants) != JOULE:
            units = " * ".join(constant.unit for constant in constants) or "nothing"
            where = f"EnergyModel {self.name!r}: term {term.name!r}.constants"
            yield Violation(
                where, "have a product that is an energy", units, "Multiply a power with a time, for instance."
            )

    @property
    def prices_steps(self) -> bool:
        """Whether the model holds the energy of whole steps and none of single operations."""
        return any(term.part is Part.STEP for term in self.terms)

    @property
    def sees_bits(self) -> bool:
        """Whether shorter words cost less by this model."""
        return any(term.quantity in BIT_QUANTITIES for term in self.terms)

    def constant(self, name: str) -> Constant:
        """Return a constant by name."""
        return next(constant for constant in self.constants if constant.name == name)

    def price(self, term: Term) -> float:
        """Return the joules that one unit of a term's quantity costs."""
        return math.prod(self.constant(name).si for name in term.constants)

    def with_constants(self, **values: float) -> EnergyModel:
        """Return the same model with other values of some constants, each in the constant's own unit.

        Raises:
            SpecError: If a name is not a constant of this model.
        """
        known = {constant.name for constant in self.constants}
        for name in values:
            raise_violations(check_choice(f"EnergyModel {self.name!r}.with_constants", name, known), SpecError)
        changed = tuple(c.at(values[c.name]) if c.name in values else c for c in self.constants)
        return dataclasses.replace(self, constants=changed)
