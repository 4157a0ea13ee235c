"""The generated C99 of a network as a program for the emulator: one that is measured, and one that records every neuron."""

from __future__ import annotations

from pathlib import Path
from string import Template

import numpy as np

from ..c99.header import sum_type, write_header
from ..c99.memory import input_type
from ..c99.names import Names, name_parts
from ..integer_plan import IntegerPlan
from .metering import Program
from .toolchain import SourceFile

TEMPLATES = Path(__file__).parent / "templates"
"""Folder of the texts in C."""
NODE_FUNCTION = "NPL_NODE=static __attribute__((noinline))"
"""Keeps the function of each node a function of its own, so that its instructions are told apart; about ten instructions a node."""
RECORD = np.dtype([("membrane", np.int32), ("fired", np.int32), ("payload", np.int32)])
"""What the probe of `record.h` writes for a neuron."""


class CTemplate(Template):
    """A text with holes `@{name}`."""

    delimiter = "@"


def fill_template(name: str, **holes: object) -> str:
    """Return the text of a template file with its holes filled."""
    return CTemplate((TEMPLATES / name).read_text(encoding="utf-8")).substitute(holes)


def measured_program(plan: IntegerPlan) -> Program:
    """Write the program that is measured: a sample a call, or a step of a sequence; no counters, no probe."""
    names = name_parts(plan)
    is_sequence = plan.n_steps is None
    template, holes = ("step.c", {"record": ""}) if is_sequence else ("point.c", {})
    return _program(plan, names, fill_template(template, **holes, **_names(names)), is_sequence, (NODE_FUNCTION,))


def recorded_program(plan: IntegerPlan) -> Program:
    """Write the program that records every neuron of a step, and counts what saturates."""
    names = name_parts(plan)
    widths = [node.n_out for node in (*plan.nodes, plan.output)]
    firsts = np.cumsum([0, *widths[:-1]]).tolist()
    record = fill_template(
        "record.h",
        n_values=sum(widths),
        n_nodes=len(widths),
        firsts=", ".join(f"{first}u" for first in firsts),
        macro=names.macro,
    )
    return _program(plan, names, fill_template("step.c", record=record, **_names(names)), True, ("NPL_COUNT=1",))


def _names(names: Names) -> dict[str, str]:
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
