"""Trace of a user's torch module as a chain of steps in the order of its forward pass.

The forward pass is traced symbolically (torch.fx), so that activations called as functions, loops over ModuleLists and nested
Sequentials all count. From the input on, one value follows from the one before; three diamonds are known as well:

    z * tanh(z)                    z_tanh_z
    tanh(z)**2, tanh(z) * tanh(z)  tanh_squared
    Leaky(z)[0] * z                snnTorch's neuron with its graded product

Everything else is refused with its name and with what could take its place.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np
import torch
from torch import fx, nn

from ...base.errors import SpecError
from ...training.network.network import REPLACEMENTS
from ...training.neuron.vsn import VSN, layer_type
from .module_layers import DEPLOYED, WITHOUT_EFFECT, layer_step
from .snntorch_leaky import is_leaky, is_snntorch, leaky_step
from .step_records import AffineStep, NeuronStep, Step, ordinary_neuron

ACTIVATIONS: dict[Any, str] = {
    torch.tanh: "tanh",
    nn.functional.tanh: "tanh",
    "tanh": "tanh",
    torch.relu: "relu",
    nn.functional.relu: "relu",
    "relu": "relu",
    torch.sin: "sin",
    "sin": "sin",
}
"""Functions and methods that are activations, by their name in the core."""
NO_OPERATION = (torch.flatten, nn.functional.dropout, "flatten", "contiguous", "float", "double", "detach", "clone")
"""Functions and methods that change nothing of (n_samples, n) values after training."""
PRODUCTS = (operator.mul, torch.mul, "mul")
SQUARES = (torch.square, "square")
POWERS = (operator.pow, torch.pow, "pow")
SCALARS: dict[Any, Callable[[float], tuple[float, float]]] = {
    operator.mul: lambda c: (c, 0.0),
    operator.add: lambda c: (1.0, c),
    operator.sub: lambda c: (1.0, -c),
    operator.truediv: lambda c: (1.0 / c, 0.0),
    torch.mul: lambda c: (c, 0.0),
    torch.add: lambda c: (1.0, c),
}
"""Operations with a number, as (factor, summand)."""


class _Tracer(fx.Tracer):
    """Looks into the user's own modules, not into layers that are known."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        known = isinstance(m, (VSN, *DEPLOYED, *WITHOUT_EFFECT)) or is_snntorch(m)
        return known or super().is_leaf_module(m, module_qualified_name)


def trace_module(module: nn.Module) -> list[Step]:
    """Return the steps of a module in the order of its forward pass.

    Raises:
        SpecError: If its forward pass cannot be traced, branches, or holds what cannot be deployed.
    """
    try:
        graph = _Tracer().trace(module)
    except Exception as error:  # whatever a user's forward raises on a symbolic value
        mend = "Give a torch.nn.Sequential, or a forward pass without loops over time and without if on values."
        got = f"{type(error).__name__}: {error}"
        raise SpecError(
            f"module {type(module).__name__}", "have a forward pass that can be traced", got, mend
        ) from error
    return _Chain(module, graph).steps()


class _Chain:
    """Follows the value from the input to the output."""

    def __init__(self, module: nn.Module, graph: fx.Graph) -> None:
        self.module, self.found = module, list[Step]()
        inputs = [node for node in graph.nodes if node.op == "placeholder"]
        if len(inputs) != 1:
            self._refuse("its forward pass", "have one input, the points", len(inputs), "Take states from rest inside.")
        self.value: fx.Node = inputs[0]

    def steps(self) -> list[Step]:
        """Follow the graph from input to output and return its steps."""
        while True:
            users = list(self.value.users)
            if len(users) == 1 and users[0].op == "output":
                if users[0].args[0] is not self.value:
                    self._refuse(
                        "its forward pass", "have one tensor as its result", "several", "Return the output alone."
                    )
                return self.found
            if len(users) == 1:
                self._add(users[0])
            elif len(users) == 2:
                self._add_diamond(users)
            else:
                self._refuse_branch()

    def _add(self, node: fx.Node) -> None:
        """Add the step of one operation on the value."""
        target: Any = node.target
        if node.op == "call_module":
            self._add_module(str(target))
        elif self._is_square(node):
            self._add_square(node)
        elif target in ACTIVATIONS:
            self.found.append(ordinary_neuron(node.name, ACTIVATIONS[target]))
        elif target in SCALARS and self._scalar_of(node) is not None:
            self.found.append(self._scaled(node))
        elif target not in NO_OPERATION:
            name = getattr(target, "__name__", str(target))
            mend = f"Replace it by {REPLACEMENTS.get(name, 'Linear layers and the activations tanh, relu, z tanh z or VSN')}."
            self._refuse(node.name, "be an operation that can be deployed", name, mend)
        self.value = node

    def _add_module(self, name: str) -> None:
        layer = self.module.get_submodule(name)
        where = f"layer {name!r}"
        if is_leaky(layer):
            mend = "Multiply its spikes by its input, a = spk * z, as a Variable Spiking Neuron does."
            self._refuse(where, "send graded spikes", "binary spikes of Leaky", mend)
        step = layer_step(where, layer)
        if step is not None:
            self.found.append(step)

    def _add_diamond(self, users: list[fx.Node]) -> None:
        """Add the step of z * tanh(z) or z * Leaky(z)[0]; `users` are the two users of z in either order."""
        product = next((node for node in users if node.target in PRODUCTS), None)
        other = next((node for node in users if node is not product), None)
        if product is None or other is None:
            self._refuse_branch()
        multiplied = set(product.args) == {self.value, other} and len(other.users) == 1
        if multiplied and self._is_tanh(other):
            self.found.append(ordinary_neuron(product.name, "z_tanh_z"))
            self.value = product
            return
        if other.op == "call_module" and is_snntorch(self.module.get_submodule(str(other.target))):
            self._add_leaky(product, other)
            return
        self._refuse_branch()

    def _add_leaky(self, product: fx.Node, leaky: fx.Node) -> None:
        """Add the step of Leaky(z) whose spikes, alone or first of a pair, are multiplied by z."""
        name = str(leaky.target)
        layer = self.module.get_submodule(name)
        if not is_leaky(layer):
            layer_step(f"layer {name!r}", layer)  # refuses it by name
        spikes = [leaky, *(node for node in leaky.users if node.target is operator.getitem and node.args[1] == 0)]
        if not any(set(product.args) == {self.value, spike} for spike in spikes):
            self._refuse_branch()
        self.found.append(leaky_step(f"layer {name!r}", layer))
        self.value = product

    def _is_tanh(self, node: fx.Node) -> bool:
        if node.op == "call_module":
            return layer_type(self.module.get_submodule(str(node.target))) is nn.Tanh
        return ACTIVATIONS.get(node.target) == "tanh"

    def _is_square(self, node: fx.Node) -> bool:
        twice = node.target in PRODUCTS and list(node.args) == [self.value, self.value]
        power = node.target in POWERS and len(node.args) == 2 and node.args[1] == 2
        return bool(twice or power or node.target in SQUARES)

    def _add_square(self, node: fx.Node) -> None:
        last = self.found[-1] if self.found else None
        if not (isinstance(last, NeuronStep) and last.activation == "tanh"):
            self._refuse(node.name, "be a square of tanh", "a square of something else", "Use tanh(z)**2 or z tanh(z).")
        self.found[-1] = ordinary_neuron(node.name, "tanh_squared")

    def _scalar_of(self, node: fx.Node) -> float | None:
        numbers = [arg for arg in node.args if isinstance(arg, (int, float))]
        in_order = node.target not in (operator.sub, operator.truediv) or node.args[0] is self.value
        return float(numbers[0]) if len(numbers) == 1 and in_order and not node.kwargs else None

    def _scaled(self, node: fx.Node) -> AffineStep:
        factor, summand = SCALARS[node.target](self._scalar_of(node) or 0.0)
        return AffineStep(where=node.name, weight=np.array(factor), bias=np.array(summand))

    def _refuse_branch(self) -> NoReturn:
        names = [user.name for user in self.value.users]
        mend = "Give a chain of layers: no skip connections, no parallel branches."
        self._refuse(self.value.name, "be used by one operation only", names, mend)

    def _refuse(self, where: str, rule: str, got: object, mend: str) -> NoReturn:
        raise SpecError(f"module {type(self.module).__name__}: {where}", rule, got, mend)
