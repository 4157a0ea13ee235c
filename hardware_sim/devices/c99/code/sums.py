"""Weighted sums in C: connections event by event or dense, their alignment with the state, the bias.

    total = bias + sum over connections of ((W a << up) + half >> down)

A connection that is walked event by event adds the weights of each event, which lie side by side, to an array of products; a
dense one is a product of rows, one neuron after the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from .....base.arrays import IntArray
from ...integer_plan import ConnectionPlan, SumPlan
from .memory import product_type, sent_type, sum_field
from .surroundings import Surroundings
from .tables import CTable, narrowest_type, number, table

UNROLLED = 8
"""Synapses that one turn of a loop adds: on a Cortex-M4, poisson takes 7 461 instructions a point by eight, 7 916 by four, and
8 992 where every synapse counts and jumps; on a Cortex-M0 11 255, 12 202 and 13 333 (arm-none-eabi-gcc 12.2, -O2)."""


@dataclass(slots=True)
class SumCode:
    """A weighted sum in C, in parts."""

    tables: list[CTable] = field(default_factory=list)
    """Constant arrays that the sum reads."""
    arrays: list[str] = field(default_factory=list)
    """Declarations of the arrays that the connections read."""
    before: list[str] = field(default_factory=list)
    """Statements in front of the loop over the neurons."""
    inside: list[str] = field(default_factory=list)
    """Statements at the beginning of that loop, which leave the sum of neuron j in `total`."""

    def by_neuron(self, values: IntArray, name: str, c_type: str) -> str:
        """Return the expression of a value of neuron j: a constant where all have the same, else an entry of a new table."""
        if (values == values[0]).all():
            return number(int(values[0]), c_type)
        self.tables.append(table(name, values))
        return f"{name}[j]"

    @property
    def opening(self) -> list[str]:
        """Declarations and statements in front of the loop over the neurons."""
        needs_index = any("(i = 0u;" in line for line in (*self.before, *self.inside))
        return [*self.arrays, *(["uint32_t i;"] if needs_index else []), "uint32_t j;", *self.before]


def sum_code(name: str, affine: SumPlan, around: Surroundings) -> SumCode:
    """Write the weighted sum of a node.

    Args:
        name: Name of the node.
        affine: Its sum.
        around: What it refers to.
    """
    writer = _Writer(name, affine, around)
    c_type, code = writer.c_type, writer.code
    bias = code.by_neuron(affine.bias, around.names.table(name, "bias"), c_type)
    terms = [bias] if affine.bias.any() else []
    walked = [k for k, each in enumerate(affine.connections) if not each.is_dense]
    products, sums = (sum_field(held, c_type) for held in ("products", "sums"))
    for k, each in enumerate(affine.connections):
        code.arrays.append(
            f"const {sent_type(around.plan, each.source)} *a{k} = {around.source(each.source, each.delay)};"
        )
    for k in walked:
        code.before += writer.walk(k, products)
        aligned = writer.aligned(k, f"s->{products}[j]")
        if k == walked[-1]:
            terms.append(aligned)
        else:
            sign = "=" if k == walked[0] else "+="
            code.before += [f"for (j = 0u; j < {affine.n_out}u; ++j) {{", f"    s->{sums}[j] {sign} {aligned};", "}"]
    if len(walked) > 1:
        terms.append(f"s->{sums}[j]")
    for k, each in enumerate(affine.connections):
        if each.is_dense:
            code.inside += writer.dense(k)
            terms.append(writer.aligned(k, f"p{k}"))
    joined = terms[0] if len(terms) == 1 else "\n    + ".join(terms)
    code.inside += f"const {c_type} total = {joined}; /* {affine.sum_bits} bits */".split("\n")
    return code


class _Writer:
    """Writes the connections of one sum."""

    def __init__(self, name: str, affine: SumPlan, around: Surroundings) -> None:
        """Begin without code."""
        self.name, self.affine, self.around = name, affine, around
        self.c_type, self.code = product_type(affine), SumCode()

    def walk(self, k: int, products: str) -> list[str]:
        """Write p = W a of connection k event by event."""
        weight = self._weight(k, is_dense=False)
        n_out, n_source = self.affine.connections[k].weight.shape
        count = f"{self.around.names.macro}_COUNT(operations, {self.around.names.node_macro(self.name)}, {n_out});"
        add = repeated(n_out, "j", lambda at: f"p[{at}] += ({self.c_type})w[{at}] * a;", ("p", "w"))
        return [
            f"for (j = 0u; j < {n_out}u; ++j) {{",
            f"    s->{products}[j] = 0;",
            "}",
            f"for (i = 0u; i < {n_source}u; ++i) {{",
            f"    const {self.c_type} a = a{k}[i];",
            "    if (a != 0) {",
            f"        const {self._weight_type(k)} *w = {weight}[i];",
            f"        {self.c_type} *p = s->{products};",
            *(f"        {line}" for line in add),
            f"        {count}",
            "    }",
            "}",
        ]

    def dense(self, k: int) -> list[str]:
        """Write p = W a of connection k for one neuron."""
        weight = self._weight(k, is_dense=True)
        each = self.affine.connections[k]
        n_source = each.weight.shape[1]
        count = f"{self.around.names.macro}_COUNT(operations, {self.around.names.node_macro(self.name)}, {n_source});"
        add = repeated(n_source, "i", lambda at: f"p{k} += ({self.c_type})w{k}[{at}] * b{k}[{at}];", (f"w{k}", f"b{k}"))
        return [
            f"const {self._weight_type(k)} *w{k} = {weight}[j];",
            f"const {sent_type(self.around.plan, each.source)} *b{k} = a{k};",
            f"{self.c_type} p{k} = 0;",
            *add,
            count,
        ]

    def aligned(self, k: int, product: str) -> str:
        """Write (p << up) + half >> down of connection k, with constants where all neurons share them."""
        names, c_type, bits = self.around.names, self.c_type, self.c_type[3:5]
        up, down = _visible_shifts(self.affine.connections[k])
        value, shift = product, f"{names.prefix}_shift{bits}"
        if up.any():
            held = self.code.by_neuron(up, names.table(self.name, f"up{k}"), "uint32_t")
            factor = f"(({c_type})1 << {held})" if "[" in held else number(1 << int(up[0]), c_type)
            value = f"({value} * {factor})"
        if not down.any():
            return value
        held = self.code.by_neuron(down, names.table(self.name, f"down{k}"), "uint32_t")
        half = (
            f"({c_type})(((uint{bits}_t)1 << {held}) >> 1)" if "[" in held else number(1 << (int(down[0]) - 1), c_type)
        )
        return f"{shift}({value} + {half}, {held})"

    def _weight(self, k: int, *, is_dense: bool) -> str:
        """Define the weights of connection k: those of a neuron side by side where it is dense, else those of an event."""
        name, weight = self.around.names.table(self.name, f"weight{k}"), self.affine.connections[k].weight
        self.code.tables.append(table(name, weight if is_dense else weight.T, self._weight_type(k)))
        return name

    def _weight_type(self, k: int) -> str:
        return narrowest_type(self.affine.connections[k].weight)


def repeated(n: int, index: str, statement: Callable[[int], str], pointers: tuple[str, ...]) -> list[str]:
    """Write n statements as a loop over blocks of them and a rest; few are written one after the other.

    Args:
        n: Number of statements.
        index: Variable of the loop.
        statement: Returns the statement for a place behind the pointers.
        pointers: What moves on behind every block.
    """
    blocks, rest = divmod(n, UNROLLED)
    if blocks < 2:
        return [statement(at) for at in range(n)]
    body = [f"    {statement(at)}" for at in range(UNROLLED)] + [f"    {each} += {UNROLLED};" for each in pointers]
    head = f"for ({index} = 0u; {index} < {blocks}u; ++{index}) {{"
    return [head, *body, "}", *(statement(at) for at in range(rest))]


def _visible_shifts(each: ConnectionPlan) -> tuple[IntArray, IntArray]:
    """Return the shifts, and for neurons without weights, whose sum is zero whatever the shift, those of another neuron."""
    has_weights = each.weight.any(axis=1)
    if not has_weights.any():
        return np.zeros_like(each.up), np.zeros_like(each.down)
    like = int(np.argmax(has_weights))
    return np.where(has_weights, each.up, each.up[like]), np.where(has_weights, each.down, each.down[like])
