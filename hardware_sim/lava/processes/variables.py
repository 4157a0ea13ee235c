"""Variables of the nodes, which a Lava user reads and sets: parameters and membranes.

Lava sends what is set to the process value by value and casts it silently. Here the rules of the node's record are asked
before anything is sent, and what is read has the type of the record: whole numbers in a quantized network.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from lava.magma.core.process.variable import Var

from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.hardware_sim.kernels.layout import Array
from neuropinn_lava.hardware_sim.steps.choices import Numerics
from neuropinn_lava.hardware_sim.steps.parameters import checked_values, parameters
from neuropinn_lava.network.quantized import AnyNode


class NodeVar(Var):
    """A variable that checks what it is set to, and keeps its type."""

    factor = 1
    """What its values are multiplied by where another process keeps them: Lava's Dense has twice the integer weights."""

    def __init__(self, init: Array, checked: Callable[[Any], Array]) -> None:
        """Build a variable.

        Args:
            init: Its first values, read-only.
            checked: Returns what it is set to in its shape and type, or raises.
        """
        super().__init__(shape=init.shape, init=init)
        self._checked = checked

    def alias(self, other_var: Var, factor: int = 1) -> None:
        """Let another process keep the values, times a factor."""
        super().alias(other_var)
        self.factor = factor

    def set(self, value: Any, idx: Any = None) -> None:
        """Set all values, between two runs.

        Raises:
            SpecError: If the record of the node could not hold them, or only some are to be set.
        """
        if idx is not None:
            repair = "Change an array from `get` and set the whole."
            raise SpecError(
                f"variable {self.name!r}", "be set as a whole, because Lava sets the first values instead", idx, repair
            )
        super().set(self._checked(value) * self.factor)

    def get(self, idx: Any = None) -> Any:
        """Return the values, in the record's type."""
        return self.decoded(super().get(idx))

    def decoded(self, values: Any) -> Any:
        """Return the values for what a process keeps of them."""
        return (np.asarray(values) / self.factor).astype(self.init.dtype)


def add_variables(process: Any, node: AnyNode, without: str = "") -> None:
    """Give a process a variable for each parameter of its node but those of one name."""
    for name, values in parameters(node).items():
        if not without or not name.startswith(without):
            setattr(process, name, NodeVar(values, partial(checked_values, node, name, values)))


def membrane_variable(node: AnyNode, shape: tuple[int, ...]) -> NodeVar:
    """Return the variable of the membranes, at zero."""
    values = np.zeros(shape, np.int64 if Numerics.of_node(node) is Numerics.INTEGER else np.float64)
    return NodeVar(values, partial(checked_values, node, "m", values))
