"""Errors: one family, each also a built-in, with a sentence that teaches, and able to cross between processes."""

from __future__ import annotations

import copy
import pickle

import pytest

from neuropinn_lava.base.errors import (
    FileFormatError,
    FixedPointError,
    HardwareRuleError,
    NeuroPinnError,
    SimulationError,
    SpecError,
    TrainingError,
    Violation,
)
from neuropinn_lava.base.extras import MissingPackageError

FAMILY = {
    SpecError: ValueError,
    FixedPointError: ArithmeticError,
    FileFormatError: ValueError,
    HardwareRuleError: ValueError,
    SimulationError: RuntimeError,
    TrainingError: RuntimeError,
    MissingPackageError: ImportError,
}


@pytest.mark.parametrize(("error", "builtin"), FAMILY.items())
def test_each_is_also_a_builtin(error: type[NeuroPinnError], builtin: type[Exception]) -> None:
    made = error("Layer 'a'.theta", "satisfy theta >= 0", -1.0, "Raise it.")
    assert isinstance(made, NeuroPinnError)
    assert isinstance(made, builtin)
    assert str(made) == "Layer 'a'.theta must satisfy theta >= 0; got -1.0. Raise it."
    assert made.violations == (Violation("Layer 'a'.theta", "satisfy theta >= 0", -1.0, "Raise it."),)


def test_no_other_class_is_in_the_family() -> None:
    package = {kind for kind in NeuroPinnError.__subclasses__() if kind.__module__.startswith("neuropinn_lava.")}
    assert package == set(FAMILY)


@pytest.mark.parametrize("error", FAMILY)
def test_they_survive_pickling(error: type[NeuroPinnError]) -> None:
    made = error.gathered([Violation("a", "be one", 1, "Mend."), Violation("b", "be two", (2, 3), "Mend too.")])
    for again in (pickle.loads(pickle.dumps(made)), copy.copy(made), copy.deepcopy(made)):
        assert type(again) is error
        assert str(again) == str(made) == "a must be one; got 1. Mend.\nb must be two; got (2, 3). Mend too."
        assert again.violations == made.violations
