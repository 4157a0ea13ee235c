"""The activations phi of a Variable Spiking Neuron, in float, with the facts that an integer table needs.

A VSN sends phi(z * s). That equals phi(z) * s only where phi(0) = 0. An activation with another value at zero is not supported
yet: its silence would have to mean phi(0), which the layers after it would have to add. Until then `ActivationRule` refuses it.

The whole package uses an activation through its `ActivationRule`: the reference engines and the float models on Lava call its
phi, integer tables are built from its facts (`phi_table.py`), rounding bounds use its steepest slope, and training uses its
torch functions. `register_activation` adds a rule of the user.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import numpy as np

from ..base.arrays import FloatArray, Record
from ..base.checks import check_choice, raise_violations
from ..base.errors import SpecError, Violation


class Symmetry(str, Enum):
    """Symmetry of phi: the value phi(-z) for a known phi(z)."""

    ODD = "odd"
    """phi(-z) = -phi(z)."""
    EVEN = "even"
    """phi(-z) = phi(z)."""


class Asymptote(str, Enum):
    """Continuation of phi beyond the domain of its table."""

    CONSTANT = "constant"
    """The last entry of the table everywhere."""
    SLOPE_ONE = "slope one"
    """A line of slope one from the last entry on."""
    NONE = "none"
    """No continuation: the table spans the whole state word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationRule(Record):
    """An activation and its facts for z >= 0; its symmetry determines the rest.

    `ActivationRule(name="tanh", phi=np.tanh, symmetry=Symmetry.ODD, asymptote=Asymptote.CONSTANT, curvature=0.77, reach=8.0,
    bound=1.0, steepest=1.0)`
    """

    name: str
    """Name of the activation in files and on the command line."""
    phi: Callable[[FloatArray], FloatArray]
    """Function phi, elementwise on float64 arrays."""
    symmetry: Symmetry | None
    """Symmetry of phi; None for the piecewise linear activations, which need no table."""
    asymptote: Asymptote
    """Continuation of phi beyond the table's domain."""
    curvature: float
    """An upper bound of |phi''(z)| over z >= 0; zero marks an activation that is exact in integers without a table."""
    reach: float
    """From this z on, |phi - asymptote| is below 2e-6; no table needs a longer domain. Infinite without asymptote."""
    bound: float | None = None
    """The least upper bound of |phi|, or None where phi is unbounded."""
    steepest: float
    """An upper bound of |phi'(z)| over all z, positive; rounding errors are carried through phi by it."""
    torch: object = None
    """phi and phi' for training: a `neuropinn_lava.training.neuron.activations.TorchActivation`, or where to find one, as
    "module:name", so that this module need not import torch. None for an activation that is never trained here."""

    def __post_init__(self) -> None:
        at_zero = float(self.phi(np.zeros(1))[0])
        if at_zero != 0.0:
            mend = "Use an activation that vanishes at zero, for instance tanh or z_tanh_z."
            raise SpecError(
                f"ActivationRule {self.name!r}.phi", "satisfy phi(0) = 0, so that silence sends nothing", at_zero, mend
            )
        if not 0 < self.steepest < math.inf:
            mend = "Give the largest slope of phi, as 1.0 for tanh."
            raise SpecError(f"ActivationRule {self.name!r}.steepest", "be a positive number", self.steepest, mend)

    @property
    def needs_table(self) -> bool:
        """Whether integers look phi up; what is linear on z >= 0 is a shift instead."""
        return self.curvature > 0.0


def _z_tanh_z(z: FloatArray) -> FloatArray:
    product: FloatArray = z * np.tanh(z)
    return product


def _tanh_squared(z: FloatArray) -> FloatArray:
    squared: FloatArray = np.square(np.tanh(z))
    return squared


def _relu(z: FloatArray) -> FloatArray:
    positive: FloatArray = np.maximum(z, 0.0)
    return positive


def _identity(z: FloatArray) -> FloatArray:
    return np.array(z, dtype=np.float64)


# Curvatures: maxima of |phi''| over z >= 0. tanh: 4/(3 sqrt 3) = 0.7698 at tanh z = 1/sqrt 3; sin: 1; the others: 2 at z = 0.
# Reach 8: 1 - tanh z = 2.3e-7, 1 - tanh^2 z = 4.6e-7, z - z tanh z = 1.8e-6 there.
# Slopes: z tanh z reaches 1.1997 at z = 1.2, tanh^2 reaches 4/(3 sqrt 3) = 0.7698.
_TORCH = "neuropinn_lava.training.neuron.activations"
_RULES = (
    ActivationRule(
        name="identity",
        phi=_identity,
        symmetry=None,
        asymptote=Asymptote.SLOPE_ONE,
        curvature=0.0,
        reach=0.0,
        steepest=1.0,
        torch=f"{_TORCH}:IDENTITY",
    ),
    ActivationRule(
        name="relu",
        phi=_relu,
        symmetry=None,
        asymptote=Asymptote.SLOPE_ONE,
        curvature=0.0,
        reach=0.0,
        steepest=1.0,
        torch=f"{_TORCH}:RELU",
    ),
    ActivationRule(
        name="tanh",
        phi=np.tanh,
        symmetry=Symmetry.ODD,
        asymptote=Asymptote.CONSTANT,
        curvature=4 / (3 * 3**0.5),
        reach=8.0,
        bound=1.0,
        steepest=1.0,
        torch=f"{_TORCH}:TANH",
    ),
    ActivationRule(
        name="sin",
        phi=np.sin,
        symmetry=Symmetry.ODD,
        asymptote=Asymptote.NONE,
        curvature=1.0,
        reach=math.inf,
        bound=1.0,
        steepest=1.0,
        torch=f"{_TORCH}:SIN",
    ),
    ActivationRule(
        name="z_tanh_z",
        phi=_z_tanh_z,
        symmetry=Symmetry.EVEN,
        asymptote=Asymptote.SLOPE_ONE,
        curvature=2.0,
        reach=8.0,
        steepest=1.2,
        torch=f"{_TORCH}:Z_TANH_Z",
    ),
    ActivationRule(
        name="tanh_squared",
        phi=_tanh_squared,
        symmetry=Symmetry.EVEN,
        asymptote=Asymptote.CONSTANT,
        curvature=2.0,
        reach=8.0,
        bound=1.0,
        steepest=0.77,
        torch=f"{_TORCH}:TANH_SQUARED",
    ),
)
ACTIVATIONS: dict[str, ActivationRule] = {rule.name: rule for rule in _RULES}
"""Every activation that can be deployed, by name; `register_activation` adds to it."""
_BUILT_IN = frozenset(ACTIVATIONS)

_NONZERO_AT_ZERO = {"sigmoid": 0.5, "softplus": 0.693, "cos": 1.0, "softmax": 1.0, "logsigmoid": -0.693}


_INSTEAD = {
    "sigmoid": "Write sigmoid(z) as 0.5 + 0.5 tanh(z / 2), with the factors in the Linear layers. ",
    "cos": "Write cos(z) as sin(z + pi / 2), with pi / 2 in the bias. ",
}
"""Exact replacements of functions that do not vanish at zero."""


def register_activation(rule: ActivationRule) -> ActivationRule:
    """Register an activation for the whole package: engines, tables, Lava, and training if it has torch functions.

    A second rule of the same name replaces the first, so that a notebook's cell can be run again.

    Args:
        rule: The activation and its facts; its name is written into files.

    Returns:
        The rule itself.

    Raises:
        SpecError: If the name is one of the package's own activations.
    """
    if rule.name in _BUILT_IN:
        mend = "Choose another name: shipped networks and files of other people mean the built-in one."
        raise SpecError("register_activation.rule.name", "be a name that is not built in", repr(rule.name), mend)
    ACTIVATIONS[rule.name] = rule
    return rule


def find_activation(name: str, where: str = "activation") -> ActivationRule:
    """Return the activation of a name.

    Raises:
        SpecError: If the name is unknown, or names a function with phi(0) != 0.
    """
    if name in _NONZERO_AT_ZERO:
        got = f"{name}, whose value at zero is {_NONZERO_AT_ZERO[name]}"
        rule = "satisfy phi(0) = 0, so that a silent neuron sends nothing"
        instead = _INSTEAD.get(name, "")
        mend = (
            f"Neurons whose silence means phi(0) are not supported yet. {instead}Use one of {', '.join(ACTIVATIONS)}."
        )
        raise_violations([Violation(where, rule, got, mend)])
    raise_violations(check_choice(where, name, ACTIVATIONS))
    return ACTIVATIONS[name]
