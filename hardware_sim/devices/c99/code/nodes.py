"""The code of the nodes in C: weighted sums by event or dense, membranes, thresholds, payloads, products, the read-out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .....base.arrays import IntArray, Record
from .....network.integers import IntFormat
from ...integer_plan import ConnectionPlan, IntegerPlan, OutputPlan, PopulationPlan, ProductPlan, SumPlan
from .memory import StateLayout, membrane_type, product_type, sent_type, sum_field
from .names import Names
from .phi import PhiCode
from .tables import CTable, number, signed_type, table

IN_THE_LOOP = 8
"""Blanks in front of a statement in the loop over a node's neurons."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeCode(Record):
    """One node in C."""

    tables: tuple[CTable, ...]
    """Its constants."""
    holes: dict[str, str]
    """What the template of its function leaves open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings(Record):
    """What the code of every node refers to."""

    plan: IntegerPlan
    """The network."""
    names: Names
    """Its names."""
    layout: StateLayout
    """Its memory."""
    payloads: tuple[PhiCode, ...]
    """Its payload tables."""

    def source(self, name: str, delay: int) -> str:
        """Return the expression of the array that a source sent, some steps before."""
        part = self.names.nodes[name]
        if delay:
            longest, at = self.plan.lines[name], f"s->at_{part}"
            return f"s->line_{part}[({at} >= {delay}u) ? ({at} - {delay}u) : ({at} + {longest - delay}u)]"
        if name in self.layout.payloads:
            return f"s->{self.layout.payloads[name].name}"
        first = self._first_input(name)
        return f"&x[{first}]" if first else "x"

    def element(self, name: str) -> str:
        """Return the expression of element i of what a source sends in this step."""
        if name in self.layout.payloads:
            return f"s->{self.layout.payloads[name].name}[i]"
        first = self._first_input(name)
        return f"x[{first}u + i]" if first else "x[i]"

    def _first_input(self, name: str) -> int:
        """Return the number of the first component of an input among those of all inputs."""
        names = [each.name for each in self.plan.inputs]
        return sum(each.width for each in self.plan.inputs[: names.index(name)])


@dataclass(slots=True)
class _Sum:
    """Parts of the code of a weighted sum."""

    tables: list[CTable]
    before: list[str]
    """Statements in front of the loop over the neurons."""
    inside: list[str]
    """Statements at the beginning of the loop that leave z in `total`."""


def population_code(node: PopulationPlan, around: Surroundings) -> NodeCode:
    """Write a population."""
    drive = _sum_code(node.name, node.affine, around)
    count = f"{around.names.macro}_COUNT"
    macro = around.names.node_macro(node.name)
    highest = IntFormat(bits=node.affine.state.bits).highest
    tables, lines = drive.tables, [*drive.inside]
    lines += _clipped("z", "total", highest, node.affine.clips_drive, f"{count}(saturated_drive, {macro}, 1);")
    if node.has_membrane:
        beta = _by_neuron(node.beta, around.names.table(node.name, "beta"), tables, "uint32_t")
        m_type = signed_type(max(node.affine.state.bits + 1, 32))
        field = f"s->membrane_{around.names.nodes[node.name]}[j]"
        leaked = f"{around.names.prefix}_leak({field}, {beta})"
        lines.append(f"const {m_type} grown = {'(int64_t)' if m_type == 'int64_t' else ''}{leaked} + z;")
        saturated = f"{count}(saturated_membrane, {macro}, 1);"
        lines += _clipped("m", "grown", highest, node.clips_membrane, saturated)
    else:
        lines.append("const int32_t m = z;")
    theta = _by_neuron(node.theta, around.names.table(node.name, "theta"), tables, "int32_t")
    reached = "((m < 0) ? -m : m)" if node.is_two_sided else "m"
    phi = around.payloads[node.table]
    word = IntFormat(bits=node.sends.bits).highest
    saturated = f"{count}(saturated_payload, {macro}, 1);"
    holes = {
        "before": _before(drive),
        "inside": "\n".join(_indented(lines, IN_THE_LOOP)),
        "condition": f"{reached} >= {theta}",
        "phi": f"const {phi.result_type} phi = {around.names.prefix}_phi{node.table}(z);",
        "clip": "\n".join(_indented(_clipped("a", "phi", word, node.clips_payload, saturated), IN_THE_LOOP + 4)),
        "forget": f"            s->membrane_{around.names.nodes[node.name]}[j] = 0;\n" if node.has_membrane else "",
        "remember": f"            s->membrane_{around.names.nodes[node.name]}[j] = {_cast(node)}m;\n"
        if node.has_membrane
        else "",
        **_common(node, around),
    }
    return NodeCode(tables=tuple(tables), holes=holes)


def product_code(node: ProductPlan, around: Surroundings) -> NodeCode:
    """Write a product."""
    c_type = signed_type(max(node.product_bits, 32))
    cast = f"({c_type})"
    value = f"{cast}left[j] * {cast}right[j]"
    if node.up:
        value = f"({value}) * {number(1 << node.up, c_type)}"
    if node.down:
        value = f"{_shift(around.names, c_type)}({value} + {number(1 << (node.down - 1), c_type)}, {node.down}u)"
    macro = around.names.node_macro(node.name)
    saturated = f"{around.names.macro}_COUNT(saturated_payload, {macro}, 1);"
    word = IntFormat(bits=node.sends.bits).highest
    holes = {
        "left": f"const {sent_type(around.plan, node.left)} *left = {around.source(node.left, 0)};",
        "right": f"const {sent_type(around.plan, node.right)} *right = {around.source(node.right, 0)};",
        "value": f"const {c_type} value = {value};",
        "clip": "\n".join(_indented(_clipped("a", "value", word, node.clips_payload, saturated), IN_THE_LOOP)),
        **_common(node, around),
    }
    return NodeCode(tables=(), holes=holes)


def output_code(node: OutputPlan, around: Surroundings) -> NodeCode:
    """Write the read-out."""
    drive = _sum_code(node.name, node.affine, around)
    macro = around.names.node_macro(node.name)
    highest = IntFormat(bits=node.affine.state.bits).highest
    saturated = f"{around.names.macro}_COUNT(saturated_drive, {macro}, 1);"
    lines = [*drive.inside, *_clipped("z", "total", highest, node.affine.clips_drive, saturated)]
    holes = {
        "before": _before(drive),
        "inside": "\n".join(_indented(lines, IN_THE_LOOP)),
        "node": around.names.nodes[node.name],
        "node_macro": macro,
        "n": str(node.n_out),
    }
    return NodeCode(tables=tuple(drive.tables), holes=holes)


def _common(node: PopulationPlan | ProductPlan, around: Surroundings) -> dict[str, str]:
    field = around.layout.payloads[node.name]
    return {
        "node": around.names.nodes[node.name],
        "node_macro": around.names.node_macro(node.name),
        "n": str(node.n_out),
        "payload": f"s->{field.name}",
        "cast": "" if field.c_type == "int32_t" else f"({field.c_type})",
    }


def _cast(node: PopulationPlan) -> str:
    c_type = membrane_type(node.affine.state.bits)
    return "" if c_type == "int32_t" else f"({c_type})"


def _sum_code(name: str, affine: SumPlan, around: Surroundings) -> _Sum:
    """Write a weighted sum: connections that are walked event by event first, the last of them and dense ones by neuron."""
    c_type = product_type(affine)
    made = _Sum([], [], [])
    bias = _by_neuron(affine.bias, around.names.table(name, "bias"), made.tables, c_type)
    terms = [bias] if affine.bias.any() else []
    walked = [k for k, each in enumerate(affine.connections) if not each.is_dense]
    products, sums = (sum_field(field, c_type) for field in ("products", "sums"))
    for k, each in enumerate(affine.connections):
        source = around.source(each.source, each.delay)
        made.before.append(f"const {sent_type(around.plan, each.source)} *a{k} = {source};")
    for k in walked:
        made.before += _walk(name, k, affine.connections[k], products, c_type, made.tables, around)
        aligned = _aligned(affine.connections[k], f"s->{products}[j]", name, k, c_type, made.tables, around)
        if k == walked[-1]:
            terms.append(aligned)
        else:
            sign = "=" if k == walked[0] else "+="
            made.before += [f"for (j = 0u; j < {affine.n_out}u; ++j) {{", f"    s->{sums}[j] {sign} {aligned};", "}"]
    if len(walked) > 1:
        terms.append(f"s->{sums}[j]")
    for k, each in enumerate(affine.connections):
        if each.is_dense:
            made.inside += _dense(name, k, each, c_type, made.tables, around)
            terms.append(_aligned(each, f"p{k}", name, k, c_type, made.tables, around))
    made.inside.append(f"const {c_type} total = {' + '.join(terms)}; /* {affine.sum_bits} bits */")
    return made


def _walk(
    name: str, k: int, each: ConnectionPlan, products: str, c_type: str, tables: list[CTable], around: Surroundings
) -> list[str]:
    """Write p = W a event by event: the weights of one event lie side by side."""
    weight = around.names.table(name, f"weight{k}")
    tables.append(table(weight, each.weight.T))
    n_source, n_out = each.weight.shape[1], each.weight.shape[0]
    macro = around.names.node_macro(name)
    return [
        f"for (j = 0u; j < {n_out}u; ++j) {{",
        f"    s->{products}[j] = 0;",
        "}",
        f"for (i = 0u; i < {n_source}u; ++i) {{",
        f"    const {c_type} a = a{k}[i];",
        "    if (a != 0) {",
        f"        for (j = 0u; j < {n_out}u; ++j) {{",
        f"            s->{products}[j] += ({c_type}){weight}[i][j] * a;",
        "        }",
        f"        {around.names.macro}_COUNT(operations, {macro}, {n_out});",
        "    }",
        "}",
    ]


def _dense(
    name: str, k: int, each: ConnectionPlan, c_type: str, tables: list[CTable], around: Surroundings
) -> list[str]:
    """Write p = W a for one neuron: its weights lie side by side."""
    weight = around.names.table(name, f"weight{k}")
    tables.append(table(weight, each.weight))
    n_source = each.weight.shape[1]
    return [
        f"{c_type} p{k} = 0;",
        f"for (i = 0u; i < {n_source}u; ++i) {{",
        f"    p{k} += ({c_type}){weight}[j][i] * a{k}[i];",
        "}",
        f"{around.names.macro}_COUNT(operations, {around.names.node_macro(name)}, {n_source});",
    ]


def _aligned(
    each: ConnectionPlan, product: str, name: str, k: int, c_type: str, tables: list[CTable], around: Surroundings
) -> str:
    """Write (p << up) + half >> down, with constants where all neurons share them."""
    up, down = _visible_shifts(each)
    value, bits = product, "32" if c_type == "int32_t" else "64"
    if up.any():
        factor = (
            number(1 << int(up[0]), c_type)
            if (up == up[0]).all()
            else f"(({c_type})1 << {_by_neuron(up, around.names.table(name, f'up{k}'), tables, 'uint32_t')})"
        )
        value = f"({value} * {factor})"
    if not down.any():
        return value
    if (down == down[0]).all():
        half = number(1 << (int(down[0]) - 1), c_type)
        return f"{_shift(around.names, c_type)}({value} + {half}, {int(down[0])}u)"
    shift = _by_neuron(down, around.names.table(name, f"down{k}"), tables, "uint32_t")
    half = f"({c_type})(((uint{bits}_t)1 << {shift}) >> 1)"
    return f"{_shift(around.names, c_type)}({value} + {half}, {shift})"


def _visible_shifts(each: ConnectionPlan) -> tuple[IntArray, IntArray]:
    """Return the shifts, and for neurons without weights, whose sum is zero whatever the shift, those of another neuron."""
    has_weights = each.weight.any(axis=1)
    if not has_weights.any():
        return np.zeros_like(each.up), np.zeros_like(each.down)
    like = int(np.argmax(has_weights))
    return np.where(has_weights, each.up, each.up[like]), np.where(has_weights, each.down, each.down[like])


def _by_neuron(values: IntArray, name: str, tables: list[CTable], c_type: str) -> str:
    """Return the expression of a value of neuron j: a constant where all have the same, else an entry of a table."""
    if (values == values[0]).all():
        return number(int(values[0]), c_type)
    tables.append(table(name, values))
    return f"{name}[j]"


def _clipped(name: str, wide: str, highest: int, clips: bool, count: str) -> list[str]:
    """Write the saturation of a value, or nothing but its name where it was proved to fit."""
    if not clips:
        return [f"const int32_t {name} = (int32_t){wide};"]
    return [
        f"int32_t {name};",
        f"if ({wide} > {highest}) {{",
        f"    {name} = {highest};",
        f"    {count}",
        f"}} else if ({wide} < -{highest}) {{",
        f"    {name} = -{highest};",
        f"    {count}",
        "} else {",
        f"    {name} = (int32_t){wide};",
        "}",
    ]


def _shift(names: Names, c_type: str) -> str:
    return f"{names.prefix}_shift{32 if c_type == 'int32_t' else 64}"


def _before(drive: _Sum) -> str:
    """Return the statements in front of the loop, behind the variables that they and the loop need."""
    needs_index = any("(i = 0u;" in line for line in (*drive.before, *drive.inside))
    arrays = [line for line in drive.before if line.startswith("const ")]
    statements = [line for line in drive.before if not line.startswith("const ")]
    return "\n".join(_indented([*arrays, *(["uint32_t i;"] if needs_index else []), "uint32_t j;", *statements], 4))


def _indented(lines: list[str], blanks: int) -> list[str]:
    return [" " * blanks + line for line in lines]
