"""The header of a network: C99 with everything that a microcontroller needs, made from the integer plan alone."""

from __future__ import annotations

import string
from pathlib import Path

import neuropinn_lava

from ....network.integers import IntFormat
from ....network.spec import MAX_STEPS, Readout
from ..integer_plan import IntegerPlan, PopulationPlan, ProductPlan
from .memory import StateLayout, input_type, lay_out_state
from .names import Names, digest_number, name_parts
from .nodes import NodeCode, Surroundings, output_code, population_code, product_code
from .phi import PhiCode, phi_code
from .tables import signed_type

TEMPLATES = Path(__file__).parent / "templates"
"""Folder of the texts in C."""
INTERFACE = 1
"""Number of the header's interface: names, types, meaning. A change of any of them raises it."""


class Template(string.Template):
    """A text with holes `@{name}`, because C and make use the dollar sign and not this one."""

    delimiter = "@"


def fill(template: str, holes: dict[str, str]) -> str:
    """Return the text of a template file with its holes filled; a hole that is not filled raises a KeyError."""
    return Template((TEMPLATES / template).read_text(encoding="utf-8")).substitute(holes)


def write_header(plan: IntegerPlan) -> str:
    """Return the text of `<name>.h`.

    Args:
        plan: The integer plan of the network.
    """
    names = name_parts(plan)
    layout = lay_out_state(plan, names)
    payloads = payload_codes(plan, names)
    around = Surroundings(plan=plan, names=names, layout=layout, payloads=payloads)
    codes = [*(node_code(node, around) for node in plan.nodes), output_code(plan.output, around)]
    kinds = ["product.h" if isinstance(node, ProductPlan) else "population.h" for node in plan.nodes] + ["output.h"]
    both = {"prefix": names.prefix, "macro": names.macro}
    functions = [_phi_function(plan, names, k, code) for k, code in enumerate(payloads)]
    functions += [fill(kind, code.holes | both) for kind, code in zip(kinds, codes, strict=True)]
    functions.append(_advance(plan, names))
    tables = [each.text for code in payloads for each in code.tables]
    tables += [each.text for code in codes for each in code.tables]
    return fill(
        "header.h",
        both
        | _description(plan, names)
        | {
            "arithmetic": fill("arithmetic.h", both),
            "tables": "\n".join(tables),
            "functions": "\n".join(functions),
            "fields": "\n".join(field.declaration for field in layout.fields),
            "reset_body": _reset(plan, names),
            "accept_body": _accepts(plan),
            "run_function": _run(plan, names),
        },
    )


def payload_codes(plan: IntegerPlan, names: Names) -> tuple[PhiCode, ...]:
    """Write every payload table, wide enough for all populations that use it."""
    codes = []
    for k, phi in enumerate(plan.tables):
        users = [node for node in plan.populations if node.table == k]
        state = max(IntFormat(bits=node.affine.state.bits).highest for node in users)
        codes.append(phi_code(phi, max(node.phi_bits for node in users), state, f"{names.prefix}_phi{k}"))
    return tuple(codes)


def node_code(node: PopulationPlan | ProductPlan, around: Surroundings) -> NodeCode:
    """Write a node of either kind."""
    return product_code(node, around) if isinstance(node, ProductPlan) else population_code(node, around)


def sum_type(plan: IntegerPlan) -> str:
    """Return the type of the read-out: int64_t where the sum over the steps may leave 32 bits."""
    highest = IntFormat(bits=plan.output.affine.state.bits).highest
    n_added = (plan.n_steps or MAX_STEPS) if plan.output.readout is Readout.MEAN else 1
    return signed_type(max((highest * n_added).bit_length() + 1, 32))


def _phi_function(plan: IntegerPlan, names: Names, k: int, code: PhiCode) -> str:
    users = ", ".join(names.nodes[node.name] for node in plan.populations if node.table == k)
    body = code.body.replace("@SHIFT", f"{names.prefix}_shift")
    return fill(
        "phi.h", {"users": users, "result": code.result_type, "prefix": names.prefix, "k": str(k), "body": body}
    )


def _advance(plan: IntegerPlan, names: Names) -> str:
    nodes = [*(names.nodes[node.name] for node in plan.nodes)]
    calls = [f"    {names.prefix}_node_{node}(s, x);" for node in nodes]
    calls.append(f"    {names.prefix}_node_{names.nodes[plan.output.name]}(s, x, y);")
    layout = lay_out_state(plan, names)
    around = Surroundings(plan=plan, names=names, layout=layout, payloads=())
    lines: list[str] = []
    for source, longest in plan.lines.items():
        part, width = names.nodes[source], plan.widths[source]
        value = f"({around.source(source, 0)})[i]".replace("(x)", "x").replace(f"(s->", "(s->")
        lines += [
            f"    for (i = 0u; i < {width}u; ++i) {{",
            f"        s->line_{part}[s->at_{part}][i] = {value};",
            "    }",
            f"    s->at_{part} = (s->at_{part} < {longest - 1}u) ? (s->at_{part} + 1u) : 0u;"
            if longest > 1
            else f"    s->at_{part} = 0u;",
        ]
    return fill(
        "advance.h",
        {
            "prefix": names.prefix,
            "variables": "    uint32_t i;\n" if lines else "",
            "calls": "\n".join(calls),
            "lines": "".join(f"{line}\n" for line in lines),
        },
    )


def _reset(plan: IntegerPlan, names: Names) -> str:
    lines = []
    for node in plan.populations:
        if node.has_membrane:
            lines += [f"    for (i = 0u; i < {node.n_out}u; ++i) {{"]
            lines += [f"        s->membrane_{names.nodes[node.name]}[i] = 0;", "    }"]
    for source, longest in plan.lines.items():
        part = names.nodes[source]
        lines += [
            f"    for (i = 0u; i < {longest}u; ++i) {{",
            f"        for (j = 0u; j < {plan.widths[source]}u; ++j) {{",
            f"            s->line_{part}[i][j] = 0;",
            "        }",
            "    }",
            f"    s->at_{part} = 0u;",
        ]
    if not lines:
        return "    (void)s; /* nothing is carried from step to step */"
    variables = ["    {", "        uint32_t i;", *(["        uint32_t j;"] if plan.lines else [])]
    return "\n".join([*variables, *(f"    {line}" for line in lines), "    }"])


def _accepts(plan: IntegerPlan) -> str:
    lines, first = [], 0
    for each in plan.inputs:
        highest = IntFormat(bits=each.word.bits).highest
        lines += [
            f"    for (i = {first}u; i < {first + each.width}u; ++i) {{",
            "        const int32_t q = x[i];",
            f"        if ((q < -{highest}) || (q > {highest})) {{",
            "            is_inside = 0;",
            "        }",
            "    }",
        ]
        first += each.width
    return "\n".join(lines)


def _run(plan: IntegerPlan, names: Names) -> str:
    both = {"prefix": names.prefix, "macro": names.macro}
    readout, cast = plan.output.readout, "" if sum_type(plan) == "int32_t" else f"({names.prefix}_sum_t)"
    words = {
        Readout.MEAN: "sums over the steps, of which the mean is taken",
        Readout.LAST: "outputs of the last step",
        Readout.EVERY: "outputs of every step, one row each",
    }
    if plan.n_steps is None:
        is_every = readout is Readout.EVERY
        clear = f"    for (k = 0u; k < {names.macro}_N_OUT; ++k) {{\n        sums[k] = 0;\n    }}"
        collect = {
            Readout.MEAN: f"sums[k] += {cast}y[k];",
            Readout.LAST: f"sums[k] = {cast}y[k];",
            Readout.EVERY: f"sums[(t * {names.macro}_N_OUT) + k] = {cast}y[k];",
        }
        shape = "n_steps rows" if is_every else f"{names.macro}_N_OUT results"
        return fill(
            "run_sequence.h",
            both
            | {
                "sums_shape": shape,
                "readout_words": words[readout],
                "before": "" if is_every else clear,
                "collect": collect[readout],
            },
        )
    return fill("run_constant.h", both | {"readout_words": words[readout], **_constant_loop(plan, names, cast)})


def _constant_loop(plan: IntegerPlan, names: Names, cast: str) -> dict[str, str]:
    """Return the loop over the steps of a sample; one step needs none."""
    advance = f"{names.prefix}_advance(s, x, y);"
    store = [f"for (k = 0u; k < {names.macro}_N_OUT; ++k) {{", f"    sums[k] = {cast}y[k];", "}"]
    if plan.n_steps == 1:
        lines, variables = [advance, *store], ["uint32_t k;"]
    else:
        variables = ["uint32_t t;", "uint32_t k;"]
        add = [line.replace(" = ", " += ") if "sums" in line else line for line in store]
        clear = [line.replace(f"{cast}y[k]", "0") for line in store]
        is_mean = plan.output.readout is Readout.MEAN
        loop = [advance, *(add if is_mean else [])]
        lines = [*(clear if is_mean else []), f"for (t = 0u; t < {names.macro}_N_STEPS; ++t) {{"]
        lines += [*(f"    {line}" for line in loop), "}", *([] if is_mean else store)]
    return {
        "loop_variables": "\n".join(f"    {each}" for each in variables),
        "loop": "\n".join(f"    {line}" for line in lines),
    }


def _description(plan: IntegerPlan, names: Names) -> dict[str, str]:
    """Return what the header says about the network."""
    macro = names.macro
    words = (*((each.name, each.word) for each in plan.inputs), (plan.output.name, plan.output.affine.state))
    nodes = [*plan.nodes, plan.output]
    is_mean = plan.output.readout is Readout.MEAN
    if plan.n_steps is None:
        steps = f"/* Longest sequence. */\n#define {macro}_MAX_STEPS {MAX_STEPS}u"
        scale, call = (
            "the exponent below gives their scale" + (", and n_steps divides them" if is_mean else ""),
            "n_steps, ",
        )
    else:
        steps = f"/* Steps of a sample. */\n#define {macro}_N_STEPS {plan.n_steps}u"
        scale, call = f"times 2**{plan.output.affine.state.exponent}", ""
        scale += f" / {plan.n_steps}" if is_mean and plan.n_steps > 1 else ""
    widths = " -> ".join(str(n) for n in (plan.n_in, *(node.n_out for node in nodes)))
    return {
        "file": names.header,
        "title": plan.name.replace("*/", "* /").replace("\n", " "),
        "version": neuropinn_lava.__version__,
        "interface": str(INTERFACE),
        "digest": plan.digest,
        "digest_number": digest_number(plan.digest),
        "summary": f"Widths {widths}; {'sequences' if plan.n_steps is None else f'{plan.n_steps} steps a sample'}.",
        "readout_scale": scale,
        "run_call": f"{names.prefix}_run(&state, words, {call}sums)",
        "n_in": f"{plan.n_in}u",
        "n_out": f"{plan.output.n_out}u",
        "n_nodes": str(len(nodes)),
        "steps_macros": steps,
        "scale_macros": "\n".join(
            f"#define {macro}_EXPONENT_{names.nodes[name].upper()} ({word.exponent})" for name, word in words
        ),
        "node_macros": "\n".join(f"#define {names.node_macro(node.name)} {k}" for k, node in enumerate(nodes)),
        "input_type": input_type(plan),
        "sum_type": sum_type(plan),
    }
