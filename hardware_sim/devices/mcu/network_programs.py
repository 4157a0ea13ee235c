"""The generated C99 of a network as a program for the emulator: one that is measured, and one that records every neuron."""

from __future__ import annotations

import numpy as np

from ..c99.code.filling import fill
from ..c99.code.memory import input_type
from ..c99.code.names import Names, name_parts
from ..c99.code.steps import sum_type
from ..c99.header import write_header
from ..integer_plan import IntegerPlan
from .metering import Program
from .toolchain import TEMPLATES, SourceFile

NODE_FUNCTION = "NPL_NODE=static __attribute__((noinline))"
"""Keeps the function of each node apart, so that its instructions can be told from others; it costs about ten of them."""
RECORDED = ("membrane", "fired", "payload")
"""What the probe of `record.h` writes for a neuron, in order."""
RECORD = np.dtype([(name, np.int32) for name in RECORDED])
"""The same as a type of numpy."""


def measured_program(plan: IntegerPlan) -> Program:
    """Write the program that is measured: a sample a call, or a step of a sequence; no counters, no probe.

    What a network holds is computed before the first call of a sample, by `nl_emulated_reset`.
    """
    names = name_parts(plan)
    is_sequence = plan.n_steps is None
    source = _step(names, "") if is_sequence else fill("held.c" if plan.held else "point.c", _holes(names), TEMPLATES)
    return _program(plan, names, source, is_sequence, (NODE_FUNCTION,))


def recorded_program(plan: IntegerPlan) -> Program:
    """Write the program that records every neuron of a step, and counts what saturates."""
    names = name_parts(plan)
    widths = [node.n_out for node in (*plan.nodes, plan.output)]
    firsts = np.cumsum([0, *widths[:-1]]).tolist()
    holes = {
        "n_values": str(sum(widths)),
        "n_nodes": str(len(widths)),
        "firsts": ", ".join(f"{first}u" for first in firsts),
    }
    record = fill("record.h", holes | _holes(names), TEMPLATES)
    return _program(plan, names, _step(names, record), True, ("NPL_COUNT=1",))


def _step(names: Names, record: str) -> str:
    """Write a program that computes single steps, with a probe or without one."""
    return fill("step.c", {"record": record} | _holes(names), TEMPLATES)


def _holes(names: Names) -> dict[str, str]:
    return {"header": names.header, "prefix": names.prefix, "macro": names.macro}


def _program(plan: IntegerPlan, names: Names, source: str, is_step: bool, defines: tuple[str, ...]) -> Program:
    c_sum = "int32_t" if is_step else sum_type(plan)
    parts = {f"{names.prefix}_node_{names.nodes[node.name]}": node.name for node in (*plan.nodes, plan.output)}
    return Program(
        sources=(SourceFile(names.header, write_header(plan)), SourceFile("program.c", source)),
        defines=defines,
        words=np.dtype(input_type(plan).removesuffix("_t")),
        sums=np.dtype(c_sum.removesuffix("_t")),
        n_out=plan.output.n_out,
        parts=parts,
    )
