"""Parameters of a node that a Lava user states and may change between runs: weights, biases, leaks, thresholds.

A user writes arrays, a phi and a shape; the records of `neuropinn_lava.network` are built of them here, so that their own
rules check what is written. The same rules check each value that is set later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...base.checks import check_finite, check_range, raise_violations
from ...base.errors import SpecError
from ...network.nodes import ConnectionSpec, Polarity, PopulationSpec, ProductSpec
from ...network.phi_table import PhiTable
from ...network.quantized import AnyNode
from ...network.quantized_nodes import (
    QuantizedAffine,
    QuantizedConnection,
    QuantizedOutput,
    QuantizedPopulation,
    QuantizedProduct,
)
from ..kernels.layout import Array
from .compile_checks import lost_value

LONGEST_WORD = 24
"""Bits of the longest payload word, which a matrix of plain integers has to expect."""


def numbered_names(kind: str, n: int) -> list[str]:
    """Return the names of the ports or variables of n connections: `a_in` of the only one, else `a_in_0`, `a_in_1`, …"""
    return [kind] if n == 1 else [f"{kind}_{index}" for index in range(n)]


def make_population(
    name: str,
    n: int,
    *,
    weights: Any,
    bias: Any,
    beta: Any,
    theta: Any,
    phi: str | PhiTable,
    polarity: Polarity | str,
) -> PopulationSpec | QuantizedPopulation:
    """Build the record of n neurons: in integers where phi is a table, else in floats.

    Args:
        name: As errors call it.
        n: Number of neurons.
        weights: A matrix (n, n_source) or a connection's record, or a list of them.
        bias: Biases, a number or (n,).
        beta: Leaks, a number or (n,); in integers in units of 2**-12.
        theta: Thresholds, a number or (n,).
        phi: Name of the activation, or its table.
        polarity: When a neuron fires.

    Raises:
        SpecError: If the record's rules are broken, or connections are not in its order.
        FixedPointError: If an integer does not fit its word.
    """
    connections = _connections(weights, phi)
    given: dict[str, Any] = {
        key: np.full(n, value) if np.ndim(value) == 0 else value
        for key, value in (("bias", bias), ("beta", beta), ("theta", theta))
    }
    given |= {"name": name, "polarity": polarity}
    node: PopulationSpec | QuantizedPopulation
    if isinstance(phi, PhiTable):
        affine = QuantizedAffine(
            connections=connections,
            bias=given.pop("bias"),
            state_exponent=phi.state_exponent,
            state_bits=phi.state_bits,
        )
        node = QuantizedPopulation(affine=affine, table=phi, **given)
    else:
        node = PopulationSpec(connections=connections, activation=phi, **given)
    order = tuple((each.source, each.delay) for each in connections)
    if node.edges != order:
        repair = "Sort them, or give plain matrices, which are taken in the order in which they come."
        raise SpecError(f"VSN {name!r}.weights", "be in the order of source and delay", order, repair)
    return node


def _connections(weights: Any, phi: str | PhiTable) -> tuple[Any, ...]:
    """Return the records of all connections; a plain matrix reads the port of its own number."""
    kinds = (np.ndarray, ConnectionSpec, QuantizedConnection)
    is_several = isinstance(weights, (list, tuple)) and all(isinstance(each, kinds) for each in weights)
    several: Sequence[Any] = weights if is_several else [weights]
    width = len(str(len(several) - 1))
    return tuple(
        each if isinstance(each, kinds[1:]) else _connection(f"a_in_{index:0{width}d}", np.asarray(each), phi)
        for index, each in enumerate(several)
    )


def _connection(source: str, weight: Array, phi: str | PhiTable) -> ConnectionSpec | QuantizedConnection:
    """Return the record of a matrix; one of integers multiplies words into units of the state, whatever they stand for."""
    if not isinstance(phi, PhiTable):
        return ConnectionSpec(source=source, weight=weight)
    longest = int(np.abs(weight).max(initial=0)).bit_length() + 1
    return QuantizedConnection(
        source=source,
        weight=weight,
        weight_bits=max(8, longest),
        weight_exponent=np.full(len(weight), phi.state_exponent),
        input_exponent=0,
        input_bits=LONGEST_WORD,
    )


def parameters(node: AnyNode) -> dict[str, Array]:
    """Return the parameters of a node by the names of their variables; a product has none."""
    if isinstance(node, (ProductSpec, QuantizedProduct)):
        return {}
    affine: Any = node.affine if isinstance(node, (QuantizedPopulation, QuantizedOutput)) else node
    names = numbered_names("weights", len(affine.connections))
    found: dict[str, Array] = {name: each.weight for name, each in zip(names, affine.connections, strict=True)}
    found["bias"] = affine.bias
    if isinstance(node, (PopulationSpec, QuantizedPopulation)):
        found |= {"beta": node.beta, "theta": node.theta}
    return found


def with_parameters(node: AnyNode, values: Mapping[str, Array]) -> Any:
    """Return the node with other parameters, itself where they are its own.

    Args:
        node: Float or quantized.
        values: Some of its parameters, by the names of `parameters`.

    Raises:
        SpecError: If a float parameter is out of its range.
        FixedPointError: If an integer parameter does not fit its word.
    """
    changes: dict[str, Any] = {
        name: values[name]
        for name, own in parameters(node).items()
        if name in values and not np.array_equal(values[name], own)
    }
    if not changes:
        return node
    affine: Any = node.affine if isinstance(node, (QuantizedPopulation, QuantizedOutput)) else node
    names = numbered_names("weights", len(affine.connections))
    connections = tuple(
        replace(each, weight=changes.pop(name)) if name in changes else each
        for name, each in zip(names, affine.connections, strict=True)
    )
    if not isinstance(node, (QuantizedPopulation, QuantizedOutput)):
        return replace(affine, connections=connections, **changes)
    affine = replace(affine, connections=connections, bias=changes.pop("bias", affine.bias))
    return replace(node, affine=affine, **changes)


def checked_values(node: AnyNode, name: str, own: Array, values: Any) -> Array:
    """Return the values that a parameter, or the membrane m, is set to, in its shape and type.

    Args:
        node: Its record.
        name: As the variable is called.
        own: The values that it begins with.
        values: A number, or an array of the shape of `own`.

    Raises:
        SpecError: If they have another shape, are no whole numbers in a quantized network, or are out of range.
        FixedPointError: If an integer does not fit its word.
    """
    where, given = f"{node.name}.{name}", np.asarray(values)
    if given.shape not in ((), own.shape):
        raise SpecError(where, f"have the shape {own.shape}", given.shape, "Set all values, or one number for all.")
    if np.issubdtype(own.dtype, np.integer) and lost_value(given, own.dtype) is not None:
        raise SpecError(where, "be whole numbers", lost_value(given, own.dtype), "Round them.")
    held = np.broadcast_to(given, own.shape).astype(own.dtype)
    if name != "m":
        with_parameters(node, {name: held})
    elif isinstance(node, QuantizedPopulation):
        highest = (1 << (node.affine.state_bits - 1)) - 1
        raise_violations(check_range(where, held, -highest, highest))
    else:
        raise_violations(check_finite(where, held))
    return held
