"""A network with held inputs at fixed points: a plain network from the held inputs to the values at all of them.

    y[m] = sum over k of w[k] b[k](f) a[k](x[m])        a network of a function and a point
    y    = W b(f),  W[m, k] = w[k] a[k](x[m])           folded at the points x[m]: their features are constants

What depends on the points alone becomes weights and biases of the read-out; the nodes of the held inputs stay as they are.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..base.arrays import BoolArray, FloatArray
from ..base.checks import check_finite, check_shape, raise_violations
from ..base.errors import SpecError
from ..geometry.fields.expression_field import ExpressionField
from ..network.nodes import ConnectionSpec, OutputSpec, PopulationSpec, ProductSpec
from ..network.spec import NetworkSpec
from ..network.transforms import AffineTransform, Ansatz, Field
from .reference import FloatArithmetic, constant_inputs
from .walk import NodeStep, walk


def fold_at(network: NetworkSpec, points: FloatArray) -> NetworkSpec:
    """Return the network that computes, from the held inputs alone, the outputs of a network at fixed points.

    Args:
        network: Float network of one step, with held inputs, whose read-out adds up held nodes, nodes of the points, and
            products of one with the other.
        points: Physical values of the inputs that are not held, shape (n_points, n).

    Returns:
        A network whose outputs are those at the points, point after point, n_points n_out of them.

    Raises:
        SpecError: If the network has no held inputs, more than one step, or joins them with the points in another way.
    """
    where = f"fold_at: network {network.name!r}"
    is_held = np.concatenate([np.full(each.width, each.is_held) for each in network.inputs])
    if not is_held.any() or network.n_steps != 1:
        repair = "Fold a network of a function and a point, as the training of an operator makes."
        rule = "have held inputs and one step"
        raise SpecError(where, rule, f"{int(is_held.sum())} held columns, {network.n_steps} steps", repair)
    at = np.asarray(points, dtype=np.float64)
    n_moving = int((~is_held).sum())
    raise_violations([*check_shape("fold_at.points", at, (None, n_moving), f"(n_points, {n_moving})")])
    raise_violations([*check_finite("fold_at.points", at)])
    held, constants = network.held_sources, _constants(network, at, is_held)
    return replace(
        network,
        name=f"{network.name}-at-{len(at)}",
        inputs=tuple(replace(each, is_held=False) for each in network.inputs if each.is_held),
        nodes=tuple(node for node in network.nodes if node.name in held),
        output=_folded_output(network, held, constants, len(at), where),
        input_transform=_part(network.input_transform, is_held),
        output_transform=AffineTransform(
            scale=np.tile(network.output_transform.scale, len(at)),
            offset=np.tile(network.output_transform.offset, len(at)),
        ),
        ansatz=None if network.ansatz is None else _folded_ansatz(network.ansatz, at, is_held, where),
        lower=network.lower[is_held],
        upper=network.upper[is_held],
    )


def _constants(network: NetworkSpec, points: FloatArray, is_held: BoolArray) -> dict[str, FloatArray]:
    """Return the payloads, (n_points, n), of the inputs and nodes that depend on the points alone, by name."""
    steady = {each.name for each in network.inputs if not each.is_held}
    steady |= {node.name for node in network.nodes if node.name not in network.held_sources}
    while mixed := {
        node.name for node in network.nodes if node.name in steady and {source for source, _ in node.edges} - steady
    }:
        steady -= mixed
    whole = np.zeros((len(points), network.n_in))
    whole[:, ~is_held] = points
    values = constant_inputs(network, network.input_transform.apply(whole))
    found = {name: value for name, value in values(0).items() if name in steady}

    def see(t: int, node: PopulationSpec | ProductSpec | OutputSpec, step: NodeStep) -> None:
        if node.name in steady:
            found[node.name] = step.payload

    walk(network, values, 1, FloatArithmetic(len(points)), see)
    return found


def _folded_output(
    network: NetworkSpec, held: frozenset[str], constants: dict[str, FloatArray], n_points: int, where: str
) -> OutputSpec:
    """Return the read-out of all points, which reads held sources only."""
    weights: dict[str, FloatArray] = {}
    bias = np.tile(network.output.bias, n_points)
    products = {node.name: node for node in network.nodes if isinstance(node, ProductSpec)}
    for each in network.output.connections:
        if each.delay:
            continue  # nothing arrives in the only step
        if each.source in constants:
            bias = bias + (constants[each.source] @ each.weight.T).ravel()
            continue
        source, factor = each.source, np.ones((n_points, each.n_source))
        if source not in held:
            product = products.get(source)
            pairs = [] if product is None else [(product.left, product.right), (product.right, product.left)]
            parts = [(one, constants[other]) for one, other in pairs if one in held and other in constants]
            if not parts:
                repair = "Fold a network whose trunk and branch meet in products that the read-out adds up."
                rule = "join held inputs and points in products that the read-out reads"
                raise SpecError(where, rule, f"{source!r}, which the read-out reads", repair)
            source, factor = parts[0]
        rows = (each.weight[None] * factor[:, None, :]).reshape(-1, each.n_source)
        weights[source] = weights.get(source, 0.0) + rows
    connections = tuple(ConnectionSpec(source=source, weight=weight) for source, weight in weights.items())
    return replace(network.output, connections=connections, bias=bias)


def _part(transform: AffineTransform, kept: BoolArray) -> AffineTransform:
    return AffineTransform(scale=transform.scale[kept], offset=transform.offset[kept])


def _folded_ansatz(ansatz: Ansatz, points: FloatArray, is_held: BoolArray, where: str) -> Ansatz:
    """Return the conditions at every point, as fields of the held columns."""

    def at_points(fields: tuple[Field, ...]) -> tuple[Field, ...]:
        return tuple(_folded_field(field, point, is_held, where) for point in points for field in fields)

    return Ansatz(offset=at_points(ansatz.offset), factor=at_points(ansatz.factor), link=ansatz.link)


def _folded_field(field: Field, point: FloatArray, is_held: BoolArray, where: str) -> ExpressionField:
    if not isinstance(field, ExpressionField):
        repair = "Write the conditions as expressions: `ExpressionField.of`."
        raise SpecError(where, "have conditions that are expressions", type(field).__name__, repair)
    names = np.array(field.coordinates.split())
    fixed = field.expression.replaced(dict(zip(names[~is_held].tolist(), point.tolist(), strict=True)))
    return ExpressionField(text=fixed.text(), coordinates=" ".join(names[is_held]))
