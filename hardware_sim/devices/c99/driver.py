"""The driver: a program in C around a header that runs many samples, and the two files by which it is spoken to.

    input    int64 sizes: samples, steps, rows of x a sample, probed samples, whether states continue; int32 x; int32 states
    output   int64 sums, counts of spikes and of events, saturations; int32 traces; int32 states

A state in a file is the membranes of every population that carries one, and then the delay lines, the oldest payload first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....base.arrays import ArrayRecord, IntArray, freeze_arrays
from ....network.spec import Readout
from ..integer_plan import IntegerPlan
from .code.filling import fill
from .code.memory import membrane_type, sent_type
from .code.names import Names
from .code.steps import read_inputs

SIZES = 5
"""Numbers at the beginning of an input file."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DriverResult(ArrayRecord):
    """What the driver found."""

    sums: IntArray
    """Read-out, shape (n_samples, n_out), or (n_samples, n_steps, n_out) where every step is read."""
    fired: IntArray
    """Numbers of spikes, or of products of two events, by step and value of all nodes, shape (n_steps, n_values)."""
    events: IntArray
    """Numbers of payloads that were not zero, of the same shape."""
    saturated: IntArray
    """Saturated drives, membranes and payloads of every node, the read-out's last, shape (n_nodes, 3)."""
    traces: IntArray
    """Membrane, spike and payload of the probed samples, shape (n_probed, n_steps, n_values, 3)."""
    states: IntArray
    """Last membrane of every value, then the state in a file, (n_samples, n_values + n_state); no rows if none continue."""

    def __post_init__(self) -> None:
        freeze_arrays(self, **dict.fromkeys(("sums", "fired", "events", "saturated", "traces", "states"), np.int64))


def write_driver(plan: IntegerPlan, names: Names) -> str:
    """Return the text of the driver's source."""
    widths = [node.n_out for node in (*plan.nodes, plan.output)]
    starts = np.cumsum([0, *widths[:-1]]).tolist()
    load, store = _state_lines(plan, names)
    steps = "(uint32_t)n_steps, " if plan.n_steps is None else ""
    return fill(
        "driver.c",
        {
            "file": names.header,
            "prefix": names.prefix,
            "macro": names.macro,
            "n_nodes": str(len(widths)),
            "n_values": str(sum(widths)),
            "n_state": str(n_state(plan)),
            "is_mean": str(int(plan.output.readout is Readout.MEAN)),
            "is_every": str(int(plan.output.readout is Readout.EVERY)),
            "first_values": ", ".join(f"{start}u" for start in starts),
            "load": load,
            "store": store,
            "run_call": f"{names.prefix}_run(&state, x, {steps}short_sums)",
            "check_held": _held_check(plan, names),
        },
    )


def _held_check(plan: IntegerPlan, names: Names) -> str:
    """Write the statements that compute a sample once more with what is held; none where nothing is."""
    if not plan.held:
        return ""
    first, changed = 0, []
    for each in plan.inputs:
        if each in read_inputs(plan, held=True):
            place = f"(i * n_x) + {first}u"
            size = f"{each.width}u * sizeof *words"
            changed.append(f"(memcmp(&words[{place}], &words[{place} - n_x], {size}) != 0)")
        first += each.width
    call = f"check_held(x, short_sums, (i == 0u) || {' || '.join(changed)})"
    macro = names.macro
    return f"""                if (status == {macro}_SUCCESS) {{
                    status = {call};
                }}
"""


def n_state(plan: IntegerPlan) -> int:
    """Count the numbers of a state in a file."""
    membranes = sum(node.n_out for node in plan.populations if node.has_membrane)
    return membranes + sum(longest * plan.widths[source] for source, longest in plan.lines.items())


def _state_lines(plan: IntegerPlan, names: Names) -> tuple[str, str]:
    """Write the statements that fill a state from a file, and a file from a state."""
    load, store = [], []
    for node in plan.populations:
        if node.has_membrane:
            field = f"s->membrane_{names.nodes[node.name]}"
            cast = membrane_type(node.affine.state.bits)
            load += _loop(node.n_out, [f"{field}[i] = ({cast})from[k];", "++k;"])
            store += _loop(node.n_out, [f"to[k] = {field}[i];", "++k;"])
    for source, longest in plan.lines.items():
        part, width = names.nodes[source], plan.widths[source]
        row = f"s->line_{part}[(s->at_{part} + (i / {width}u)) % {longest}u]"
        load += [f"    s->at_{part} = 0u;"]
        load += _loop(longest * width, [f"{row}[i % {width}u] = ({sent_type(plan, source)})from[k];", "++k;"])
        store += _loop(longest * width, [f"to[k] = {row}[i % {width}u];", "++k;"])
    return "\n".join(load), "\n".join(store)


def _loop(n: int, body: list[str]) -> list[str]:
    return [f"    for (i = 0u; i < {n}u; ++i) {{", *(f"        {line}" for line in body), "    }"]
