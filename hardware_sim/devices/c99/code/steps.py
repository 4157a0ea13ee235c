"""The steps of a network in C: one step over all nodes and delay lines, reset, check of the inputs, and whole samples."""

from __future__ import annotations

from collections.abc import Collection

from .....network.integers import IntFormat
from .....network.spec import MAX_STEPS, Readout
from ...integer_plan import InputPlan, IntegerPlan
from .filling import fill
from .names import Names
from .surroundings import Surroundings
from .tables import signed_type

READOUT_WORDS = {
    Readout.MEAN: "sums over the steps, of which the mean is taken",
    Readout.LAST: "outputs of the last step",
    Readout.EVERY: "outputs of every step, one row each",
}
"""What the sums of a run are."""


def sum_type(plan: IntegerPlan) -> str:
    """Return the type of the read-out: int64_t where the sum over the steps may leave 32 bits."""
    highest = IntFormat(bits=plan.output.affine.state.bits).highest
    n_added = (plan.n_steps or MAX_STEPS) if plan.output.readout is Readout.MEAN else 1
    return signed_type(max((highest * n_added).bit_length() + 1, 32))


def advance_code(around: Surroundings) -> str:
    """Write the function of one step: every node in order, then what goes into delay lines."""
    plan, names = around.plan, around.names
    calls = ["    s->is_held = 0u;"] if plan.held else []
    calls += [f"    {names.prefix}_node_{names.nodes[node.name]}(s, x);" for node in plan.nodes]
    calls.append(f"    {names.prefix}_node_{names.nodes[plan.output.name]}(s, x, y);")
    lines: list[str] = []
    for source, longest in plan.lines.items():
        part, width = names.nodes[source], plan.widths[source]
        lines += [
            f"    for (i = 0u; i < {width}u; ++i) {{",
            f"        s->line_{part}[s->at_{part}][i] = {around.element(source)};",
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


def reset_code(plan: IntegerPlan, names: Names) -> str:
    """Write the statements that begin a sample: membranes and delay lines at zero."""
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


def check_code(plan: IntegerPlan, inputs: Collection[InputPlan]) -> str:
    """Write the statements that find a word of some of the inputs outside its range."""
    lines, first = [], 0
    for each in plan.inputs:
        highest = IntFormat(bits=each.word.bits).highest
        lines += (
            []
            if each not in inputs
            else [
                f"    for (i = {first}u; i < {first + each.width}u; ++i) {{",
                "        const int32_t q = x[i];",
                f"        if ((q < -{highest}) || (q > {highest})) {{",
                "            is_inside = 0;",
                "        }",
                "    }",
            ]
        )
        first += each.width
    return "\n".join(lines)


def read_inputs(plan: IntegerPlan, *, held: bool) -> tuple[InputPlan, ...]:
    """Return the inputs that the held nodes read, or those that the others read."""
    nodes = (node for node in (*plan.nodes, plan.output) if (node.name in plan.held) is held)
    read = {source for node in nodes for source, _ in node.edges}
    return tuple(each for each in plan.inputs if each.name in read)


def hold_code(plan: IntegerPlan, names: Names) -> str:
    """Write the functions that compute the held nodes, and a sample with what they sent; nothing where no node is held."""
    if not plan.held:
        return ""
    held = [node for node in plan.nodes if node.name in plan.held]
    others = [node for node in plan.nodes if node.name not in plan.held]
    calls = [[f"    {names.prefix}_node_{names.nodes[node.name]}(s, x);" for node in nodes] for nodes in (held, others)]
    calls[1].append(f"    {names.prefix}_node_{names.nodes[plan.output.name]}(s, x, y);")
    return fill(
        "hold.h",
        {
            "prefix": names.prefix,
            "macro": names.macro,
            "held_inputs": " and ".join(names.nodes[each.name] for each in read_inputs(plan, held=True)),
            "point_inputs": " and ".join(names.nodes[each.name] for each in read_inputs(plan, held=False)),
            "accept_held": check_code(plan, read_inputs(plan, held=True)),
            "accept_point": check_code(plan, read_inputs(plan, held=False)),
            "held_calls": "\n".join(calls[0]),
            "point_calls": "\n".join(calls[1]),
            "cast": "" if sum_type(plan) == "int32_t" else f"({names.prefix}_sum_t)",
        },
    )


def run_code(plan: IntegerPlan, names: Names) -> str:
    """Write the function that computes a whole sample or sequence."""
    cast = "" if sum_type(plan) == "int32_t" else f"({names.prefix}_sum_t)"
    holes = {"prefix": names.prefix, "macro": names.macro, "readout_words": READOUT_WORDS[plan.output.readout]}
    if plan.n_steps is None:
        return fill("run_sequence.h", holes | _sequence_loop(plan, names, cast))
    return fill("run_constant.h", holes | _constant_loop(plan, names, cast))


def _sequence_loop(plan: IntegerPlan, names: Names, cast: str) -> dict[str, str]:
    """Return what is done with the outputs of every step of a sequence."""
    readout = plan.output.readout
    is_every = readout is Readout.EVERY
    place = f"(t * {names.macro}_N_OUT) + k" if is_every else "k"
    sign = "+=" if readout is Readout.MEAN else "="
    return {
        "sums_shape": "n_steps rows" if is_every else f"{names.macro}_N_OUT results",
        "before": "" if is_every else "\n".join(f"    {line}" for line in _for_outputs(names, "sums[k] = 0;")),
        "collect": f"sums[{place}] {sign} {cast}y[k];",
    }


def _constant_loop(plan: IntegerPlan, names: Names, cast: str) -> dict[str, str]:
    """Return the loop over the steps of a sample; one step needs none."""
    advance, store = f"{names.prefix}_advance(s, x, y);", _for_outputs(names, f"sums[k] = {cast}y[k];")
    loop = f"for (t = 0u; t < {names.macro}_N_STEPS; ++t) {{"
    if plan.n_steps == 1:
        lines = [advance, *store]
    elif plan.output.readout is Readout.MEAN:
        add = [f"    {line}" for line in _for_outputs(names, f"sums[k] += {cast}y[k];")]
        lines = [*_for_outputs(names, "sums[k] = 0;"), loop, f"    {advance}", *add, "}"]
    else:
        lines = [loop, f"    {advance}", "}", *store]
    variables = ["uint32_t k;", *([] if plan.n_steps == 1 else ["uint32_t t;"])]
    return {
        "loop_variables": "\n".join(f"    {each}" for each in variables),
        "loop": "\n".join(f"    {line}" for line in lines),
    }


def _for_outputs(names: Names, statement: str) -> list[str]:
    return [f"for (k = 0u; k < {names.macro}_N_OUT; ++k) {{", f"    {statement}", "}"]
