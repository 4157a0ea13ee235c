"""The registry of the activations phi of a Variable Spiking Neuron: by name, with the facts that an integer table needs.

The whole package uses an activation through its `ActivationRule`: the reference engines and the float models on Lava call its
phi, integer tables are built from its facts (`phi_table.py`), rounding bounds use its steepest slope, and training uses its
torch functions. `register_activation` adds a rule of the user.
"""

from __future__ import annotations

import functools
import math

from ..base.checks import check_choice, check_range, raise_violations
from ..base.errors import SpecError, Violation
from .activation_catalogue import BUILT_IN, FAMILIES, MAX_PARAMETER
from .activation_rule import ActivationRule, Asymptote, Symmetry

__all__ = ["ACTIVATIONS", "ActivationRule", "Asymptote", "Symmetry", "find_activation", "register_activation"]

ACTIVATIONS: dict[str, ActivationRule] = {rule.name: rule for rule in BUILT_IN}
"""Every activation that can be deployed, by name, those with a number at its default; `register_activation` adds to it."""
_BUILT_IN = frozenset(ACTIVATIONS)

_INSTEAD = {
    "cos": "Write cos(z) as sin(z + pi / 2), with pi / 2 in the bias.",
    "logsigmoid": "Write logsigmoid(z) as -softplus(-z), with the signs in the Linear layers.",
    "softmax": "A softmax sums over neurons, which a neuron does not see: use sigmoid or another elementwise function.",
}
"""Functions that are no activation here, and what to write instead."""


def register_activation(rule: ActivationRule) -> ActivationRule:
    """Register an activation for the whole package: engines, tables, Lava, and training if it has torch functions.

    A second rule of the same name replaces the first, so that a notebook's cell can be run again.

    Args:
        rule: The activation and its facts; its name is written into files.

    Returns:
        The rule itself.

    Raises:
        SpecError: If the name is one of the package's own activations, or has a number as those of the catalogue.
    """
    if rule.name in _BUILT_IN or "(" in rule.name:
        repair = "Choose another name: shipped networks and files of other people mean the built-in one."
        raise SpecError("register_activation.rule.name", "be a name that is not built in", repr(rule.name), repair)
    ACTIVATIONS[rule.name] = rule
    return rule


def find_activation(name: str, where: str = "activation") -> ActivationRule:
    """Return the activation of a name, as `tanh` or `leaky_relu(0.2)`.

    Raises:
        SpecError: If the name is unknown or means a function that is no activation here, or its number is out of range.
    """
    family, bracket, parameter = name.partition("(")
    if bracket and family in FAMILIES:
        return _member_of_family(name, where, family, parameter)
    if name in _INSTEAD:
        rule = "be an elementwise function with a table of its own"
        raise_violations([Violation(where, rule, repr(name), _INSTEAD[name])])
    raise_violations(check_choice(where, name, ACTIVATIONS))
    return ACTIVATIONS[name]


@functools.lru_cache(maxsize=256)
def _member_of_family(name: str, where: str, family: str, parameter: str) -> ActivationRule:
    """Build the rule of a name with a number."""
    build, least = FAMILIES[family]
    try:
        number = float(parameter.removesuffix(")")) if parameter.endswith(")") else math.nan
    except ValueError:
        number = math.nan
    raise_violations(check_range(f"{where} {name!r}", number, least, MAX_PARAMETER))
    return build(number, name)
