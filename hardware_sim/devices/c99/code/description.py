"""What a header says about its network: digest, widths, scales, numbers of the nodes, how it is called."""

from __future__ import annotations

import neuropinn_lava

from .....network.spec import MAX_STEPS, Readout
from ...integer_plan import IntegerPlan, PopulationPlan, ProductPlan
from .memory import input_type
from .names import Names, digest_number
from .steps import sum_type

INTERFACE = 1
"""Number of the header's interface: names, types, meaning. A change of any of them raises it."""


def describe_network(plan: IntegerPlan, names: Names) -> dict[str, str]:
    """Return what fills the holes of the header's template that describe the network."""
    macro = names.macro
    words = (*((each.name, each.word) for each in plan.inputs), (plan.output.name, plan.output.affine.state))
    nodes = [*plan.nodes, plan.output]
    is_mean = plan.output.readout is Readout.MEAN
    if plan.n_steps is None:
        steps = f"/* Longest sequence. */\n#define {macro}_MAX_STEPS {MAX_STEPS}u"
        duration, call, divided = "sequences", "n_steps, ", "; the mean is a sum divided by n_steps" if is_mean else ""
    else:
        steps = f"/* Steps of a sample. */\n#define {macro}_N_STEPS {plan.n_steps}u"
        duration, call = f"{plan.n_steps} step{'' if plan.n_steps == 1 else 's'} a sample", ""
        divided = f"; the mean is a sum divided by {plan.n_steps}" if is_mean and plan.n_steps > 1 else ""
    widths = " -> ".join(str(n) for n in (plan.n_in, *(node.n_out for node in nodes)))
    return {
        "file": names.header,
        "title": plan.name.replace("*/", "* /").replace("\n", " "),
        "version": neuropinn_lava.__version__,
        "interface": str(INTERFACE),
        "digest": plan.digest,
        "digest_number": digest_number(plan.digest),
        "summary": f"{_describe_sums(plan)} Widths {widths}; {duration}.",
        "words_shape": f"n_steps * {macro}_N_IN" if plan.n_steps is None else f"{macro}_N_IN",
        "sums_shape": f"n_steps * {macro}_N_OUT" if plan.output.readout is Readout.EVERY else f"{macro}_N_OUT",
        "divided": divided,
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


def wide_nodes(plan: IntegerPlan) -> tuple[str, ...]:
    """Return the names of the nodes whose sums or products need 64 bits, by the proof of the plan."""
    found = [node.name for node in plan.nodes if _bits(node) > 32]
    return (*found, *([plan.output.name] if plan.output.affine.sum_bits > 32 else []))


def _bits(node: PopulationPlan | ProductPlan) -> int:
    return node.product_bits if isinstance(node, ProductPlan) else node.affine.sum_bits


def _describe_sums(plan: IntegerPlan) -> str:
    wide = wide_nodes(plan)
    names = ", ".join(wide).replace("*/", "* /")
    return f"Sums of {names} are proved to need 64 bits." if wide else "All sums are proved to fit 32 bits."
