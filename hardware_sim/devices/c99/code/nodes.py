"""The code of the nodes in C: membranes, thresholds and payloads of populations, products, the read-out."""

from __future__ import annotations

from dataclasses import dataclass

from .....base.arrays import Record
from .....network.integers import IntFormat
from ...integer_plan import OutputPlan, PopulationPlan, ProductPlan
from .memory import membrane_type, sent_type
from .names import Names
from .sums import sum_code
from .surroundings import Surroundings
from .tables import CTable, number, signed_type

IN_THE_LOOP = 8
"""Blanks in front of a statement in the loop over a node's neurons."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeCode(Record):
    """One node in C."""

    tables: tuple[CTable, ...]
    """Constant arrays that its function reads."""
    holes: dict[str, str]
    """What the template of its function leaves open."""


def population_code(node: PopulationPlan, around: Surroundings) -> NodeCode:
    """Write a population."""
    drive = sum_code(node.name, node.affine, around)
    count = f"{around.names.macro}_COUNT"
    macro = around.names.node_macro(node.name)
    highest = IntFormat(bits=node.affine.state.bits).highest
    lines = [*drive.inside]
    lines += _clipped("z", "total", highest, node.affine.clips_drive, f"{count}(saturated_drive, {macro}, 1);")
    if node.has_membrane:
        beta = drive.by_neuron(node.beta, around.names.table(node.name, "beta"), "uint32_t")
        m_type = signed_type(max(node.affine.state.bits + 1, 32))
        field = f"s->membrane_{around.names.nodes[node.name]}[j]"
        leaked = f"{around.names.prefix}_leak({field}, {beta})"
        lines.append(f"const {m_type} grown = {'(int64_t)' if m_type == 'int64_t' else ''}{leaked} + z;")
        saturated = f"{count}(saturated_membrane, {macro}, 1);"
        lines += _clipped("m", "grown", highest, node.clips_membrane, saturated)
    else:
        lines.append("const int32_t m = z;")
    theta = drive.by_neuron(node.theta, around.names.table(node.name, "theta"), "int32_t")
    reached = "((m < 0) ? -m : m)" if node.is_two_sided else "m"
    phi = around.payloads[node.table]
    word = IntFormat(bits=node.sends.bits).highest
    saturated = f"{count}(saturated_payload, {macro}, 1);"
    holes = {
        "before": "\n".join(_indented(drive.opening, 4)),
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
    return NodeCode(tables=tuple(drive.tables), holes=holes)


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
    drive = sum_code(node.name, node.affine, around)
    macro = around.names.node_macro(node.name)
    highest = IntFormat(bits=node.affine.state.bits).highest
    saturated = f"{around.names.macro}_COUNT(saturated_drive, {macro}, 1);"
    lines = [*drive.inside, *_clipped("z", "total", highest, node.affine.clips_drive, saturated)]
    holes = {
        "before": "\n".join(_indented(drive.opening, 4)),
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


def _indented(lines: list[str], blanks: int) -> list[str]:
    return [" " * blanks + line for line in lines]
