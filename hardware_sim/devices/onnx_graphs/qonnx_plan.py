"""A plan as a QONNX graph: matrix products of integers and MultiThreshold nodes, carried by float32.

    p = MatMul(a, W)                            exact while |p| < 2**24
    a = MultiThreshold(p, thresholds)           shift, bias, threshold and payload in one
    y = clip(floor(p * 2**left + half) + bias)  of the read-out

It holds networks of one step whose populations read one source each and send payloads of at most 12 bits that never fall as
the drive grows. Thresholds are whole numbers of the product's own units, as FINN wants them.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ....base.arrays import IntArray
from ....base.checks import check_range, check_whole, raise_violations
from ....base.errors import HardwareRuleError, Violation
from ....network.integers import IntFormat
from ..integer_plan import IntegerPlan, OutputPlan, PopulationPlan, ProductPlan
from .exactness import FLOAT32_DIGITS, product_bound, sum_bound
from .graph import Draft, Graph, Value
from .payload_lines import PayloadLines, draw_lines
from .thresholds import make_staircase, never_falls

DOMAIN = "qonnx.custom_op.general"
"""Domain of MultiThreshold."""
MAX_PAYLOAD_BITS = 12
"""Longest payload: 4 094 thresholds a neuron."""
MAX_SAMPLES = 1 << 16
"""Largest number of rows of a graph."""
NUMBERS = "float32"
"""Type of all tensors: QONNX carries integers by float32, and says in annotations which they are."""


def product_tensor(node: str) -> str:
    """Return the name of the tensor with the exact sums W a of a population or the read-out."""
    return f"{node}/product"


def payload_tensor(node: str) -> str:
    """Return the name of the tensor with the payloads of a population."""
    return f"{node}/payload"


def weight_tensor(node: str) -> str:
    """Return the name of the tensor with the weights of a population or the read-out."""
    return f"{node}/weight"


def lay_out_qonnx(plan: IntegerPlan, n_samples: int = 1) -> Graph:
    """Lay a plan out as a QONNX graph.

    Args:
        plan: The plan.
        n_samples: Number of rows of every input: the tools that read QONNX want it fixed.

    Raises:
        HardwareRuleError: If QONNX cannot hold the network; every node at fault is listed with the reason.
        SpecError: If the number of rows is not 1 to 65 536.
    """
    where = f"QONNX graph of network {plan.name!r}: n_samples"
    raise_violations([*check_whole(where, n_samples)] or check_range(where, n_samples, 1, MAX_SAMPLES))
    raise_violations(_violations(plan), HardwareRuleError)
    draft = Draft(taken={plan.output.name})
    sent = {each.name: draft.input(each.name, NUMBERS, n_samples, each.width) for each in plan.inputs}
    for node in plan.populations:
        sent[node.name] = _population(draft, node, _lines(plan, node), sent)
    _read_out(draft, plan.output, sent)
    return draft.finish(plan.name, [Value(plan.output.name, NUMBERS, (n_samples, plan.output.n_out))])


def _lines(plan: IntegerPlan, node: PopulationPlan) -> PayloadLines:
    return draw_lines(plan.tables[node.table], node.affine.state.bits)


def _product(draft: Draft, node: PopulationPlan | OutputPlan, sent: dict[str, str]) -> str:
    (connection,) = node.affine.connections
    weight = draft.constant(connection.weight.T.astype(NUMBERS), weight_tensor(node.name))
    return draft.add("MatMul", sent[connection.source], weight, name=product_tensor(node.name))


def _population(draft: Draft, node: PopulationPlan, lines: PayloadLines, sent: dict[str, str]) -> str:
    product, stairs = _product(draft, node, sent), make_staircase(node, lines)
    thresholds = draft.constant(stairs.thresholds.astype(NUMBERS), f"{node.name}/thresholds")
    return draft.add(
        "MultiThreshold", product, thresholds, name=payload_tensor(node.name), domain=DOMAIN,
        out_scale=1.0, out_bias=float(stairs.lowest), out_dtype=f"INT{node.sends.bits}", data_layout="NC",
    )  # fmt: skip


def _read_out(draft: Draft, node: OutputPlan, sent: dict[str, str]) -> None:
    (connection,) = node.affine.connections
    product, name, highest = _product(draft, node, sent), node.name, IntFormat(bits=node.affine.state.bits).highest
    if _needs_ends(node):
        low, high = (draft.constant(end.astype(NUMBERS), f"{name}/end") for end in _ends(node))
        above = draft.add("Max", product, low, name=f"{name}/above")
        product = draft.add("Min", above, high, name=f"{name}/within")
    left = draft.constant(np.ldexp(1.0, connection.up - connection.down).astype(NUMBERS), f"{name}/scale")
    half = draft.constant(np.where(connection.down > 0, 0.5, 0.0).astype(NUMBERS), f"{name}/half")
    bias = draft.constant(node.affine.bias.astype(NUMBERS), f"{name}/bias")
    ends = [draft.constant(np.array(end, NUMBERS), f"{name}/end") for end in (-highest, highest)]
    scaled = draft.add("Mul", product, left, name=f"{name}/scaled")
    shifted = draft.add("Add", scaled, half, name=f"{name}/shifted")
    rounded = draft.add("Floor", shifted, name=f"{name}/rounded")
    total = draft.add("Add", rounded, bias, name=f"{name}/total")
    draft.taken.discard(name)
    draft.add("Clip", total, *ends, name=name)


def _needs_ends(node: OutputPlan) -> bool:
    """Return whether a sum of the read-out, which its word clips, leaves what float32 holds before it is clipped."""
    return sum_bound(node.affine) >= 1 << FLOAT32_DIGITS


def _ends(node: OutputPlan) -> tuple[IntArray, IntArray]:
    """Return the sums W a at which the read-out reaches the ends of its word, (n_out,) each: beyond them nothing changes.

    A sum that is shifted to the right is short enough as it is: its ends are its bound.
    """
    (connection,) = node.affine.connections
    bound, is_right = np.array(product_bound(connection)), connection.down > 0
    highest, bias, up = IntFormat(bits=node.affine.state.bits).highest, node.affine.bias, connection.up
    low, high = -(highest + bias) >> up, -(bias - highest >> up)
    return np.where(is_right, -bound, low), np.where(is_right, bound, high)


def _violations(plan: IntegerPlan) -> Iterator[Violation]:
    where = f"QONNX graph of network {plan.name!r}"
    if plan.n_steps != 1:
        repair = "Train or convert it with n_steps=1, or export to ONNX, C99 or Verilog."
        got = "sequences" if plan.n_steps is None else f"T = {plan.n_steps}"
        yield Violation(where, "have one step, T = 1: MultiThreshold has no membrane", got, repair)
    for node in (*plan.nodes, plan.output):
        place = f"{where}: node {node.name!r}"
        if isinstance(node, ProductPlan):
            repair = "Export to ONNX, C99 or Verilog, which multiply."
            yield Violation(place, "be a population: MultiThreshold has no products", "a product", repair)
            continue
        yield from _edge_violations(place, node)
        yield from _number_violations(place, node)
        if isinstance(node, PopulationPlan):
            yield from _payload_violations(place, node, _lines(plan, node))


def _edge_violations(place: str, node: PopulationPlan | OutputPlan) -> Iterator[Violation]:
    if len(node.edges) != 1:
        repair = "Export to ONNX, C99 or Verilog: sums of several connections are shifted one by one."
        sources = ", ".join(repr(source) for source, _ in node.edges)
        yield Violation(place, "have one connection, whose sum the thresholds compare", sources, repair)
    elif node.edges[0][1]:
        repair = "Export to ONNX, C99 or Verilog, which have lines of delay."
        yield Violation(
            place, "receive what its source sends without delay", f"a delay of {node.edges[0][1]} steps", repair
        )


def _number_violations(place: str, node: PopulationPlan | OutputPlan) -> Iterator[Violation]:
    highest = max(max(product_bound(each)) for each in node.affine.connections)
    if isinstance(node, OutputPlan):
        highest += max(int(each.half.max()) for each in node.affine.connections)
        if _needs_ends(node):
            unit = 1 << max(int(each.up.max()) for each in node.affine.connections)
            highest = max(highest, IntFormat(bits=node.affine.state.bits).highest + unit)
    if highest >= 1 << FLOAT32_DIGITS:
        rule = f"keep its sums below 2**{FLOAT32_DIGITS}, which float32 holds exactly"
        repair = "Convert with shorter inputs, payloads, weights or states, or export to ONNX, which carries 53 bits."
        yield Violation(place, rule, f"up to {highest}", repair)


def _payload_violations(place: str, node: PopulationPlan, lines: PayloadLines) -> Iterator[Violation]:
    if node.sends.bits > MAX_PAYLOAD_BITS:
        n_levels = (1 << node.sends.bits) - 2
        repair = f"Convert with payloads of at most {MAX_PAYLOAD_BITS} bits, or export to ONNX."
        got = f"{node.sends.bits} bits, {n_levels} thresholds a neuron"
        yield Violation(place, f"send payloads of at most {MAX_PAYLOAD_BITS} bits", got, repair)
    if not never_falls(node, lines):
        repair = "Use an activation that never falls, or polarity 'positive' where it falls below zero only."
        side = "of either sign" if node.is_two_sided else "that are not negative"
        yield Violation(
            place, f"send payloads that never fall as the drive grows, over drives {side}", "falling ones", repair
        )
