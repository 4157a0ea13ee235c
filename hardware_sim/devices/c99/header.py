"""The header of a network: C99 with everything that a microcontroller needs, made from the integer plan alone."""

from __future__ import annotations

from dataclasses import dataclass

from ....base.arrays import Record
from ....network.integers import IntFormat
from ..integer_plan import IntegerPlan, PopulationPlan, ProductPlan
from .code.description import describe_network
from .code.filling import fill
from .code.memory import StateLayout, lay_out_state
from .code.names import Names, name_parts
from .code.nodes import NodeCode, output_code, population_code, product_code
from .code.phi import PhiCode, phi_code
from .code.steps import advance_code, check_code, hold_code, reset_code, run_code
from .code.surroundings import Surroundings
from .code.tables import CTable

CODE_BASE, CODE_PER_CONNECTION = 400, 140
"""Bytes of code: poisson's four connections take 984 on a Cortex-M4 and 1 104 on a Cortex-M0 (arm-none-eabi-gcc 12.2, -O2), and
21 networks of 3 to 21 connections lie within 0.65 and 1.7 times the estimate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmwareSize(Record):
    """Memory that a network takes on a microcontroller."""

    constants: int
    """Bytes of constants in flash: weights, biases, thresholds, payload tables; exact."""
    code: int
    """Bytes of code in flash; an estimate, as it is the compiler's to choose."""
    state: int
    """Bytes of the state in RAM; exact, without counters. The stack takes about a hundred more."""

    @property
    def flash(self) -> int:
        """Bytes of flash in all."""
        return self.constants + self.code


@dataclass(frozen=True, slots=True, kw_only=True)
class Header(Record):
    """The header of a network, and what it takes."""

    names: Names
    """Names of functions, macros and files."""
    text: str
    """Text of the file."""
    size: FirmwareSize
    """Memory that it takes."""


def write_header(plan: IntegerPlan) -> str:
    """Return the text of `<name>.h`.

    Args:
        plan: The integer plan of the network.
    """
    return build_header(plan).text


def estimate_size(plan: IntegerPlan) -> FirmwareSize:
    """Return the bytes that a network takes on a microcontroller: constants and state exactly, code about.

    Args:
        plan: The integer plan of the network.
    """
    return build_header(plan).size


def build_header(plan: IntegerPlan) -> Header:
    """Build the header of a network, with its names and sizes.

    Args:
        plan: The integer plan of the network.
    """
    names = name_parts(plan)
    layout = lay_out_state(plan, names)
    payloads = _payload_codes(plan, names)
    around = Surroundings(plan=plan, names=names, layout=layout, payloads=payloads)
    codes = [*(_node_code(node, around) for node in plan.nodes), output_code(plan.output, around)]
    tables = [each for phi in payloads for each in phi.tables] + [each for code in codes for each in code.tables]
    return Header(names=names, text=_text(around, codes, tables), size=_size(plan, layout, tables))


def _text(around: Surroundings, codes: list[NodeCode], tables: list[CTable]) -> str:
    """Put the parts of the header together."""
    plan, names = around.plan, around.names
    both = {"prefix": names.prefix, "macro": names.macro}
    kinds = ["product.h" if isinstance(node, ProductPlan) else "population.h" for node in plan.nodes] + ["output.h"]
    functions = [_phi_function(plan, names, k, code) for k, code in enumerate(around.payloads)]
    functions += [fill(kind, code.holes | both) for kind, code in zip(kinds, codes, strict=True)]
    parts = {
        "arithmetic": fill("arithmetic.h", both),
        "tables": "\n".join(each.text for each in tables),
        "functions": "\n".join([*functions, advance_code(around)]),
        "fields": "\n".join(field.declaration for field in around.layout.fields),
        "reset_body": reset_code(plan, names),
        "accept_body": check_code(plan, plan.inputs),
        "run_function": "\n".join(each for each in (run_code(plan, names), hold_code(plan, names)) if each),
        "forget": "    if (s != (void *)0) {\n        s->is_held = 0u;\n    }\n" if plan.held else "",
        "holds": str(int(bool(plan.held))),
    }
    return fill("header.h", both | describe_network(plan, names) | parts)


def _size(plan: IntegerPlan, layout: StateLayout, tables: list[CTable]) -> FirmwareSize:
    sums = [*(node.affine for node in plan.populations), plan.output.affine]
    state = sum(field.n_bytes for field in layout.fields)
    alignment = layout.fields[0].alignment
    return FirmwareSize(
        constants=sum(each.n_bytes for each in tables),
        code=CODE_BASE + CODE_PER_CONNECTION * sum(len(each.connections) for each in sums),
        state=-(-state // alignment) * alignment,
    )


def _payload_codes(plan: IntegerPlan, names: Names) -> tuple[PhiCode, ...]:
    """Write every payload table, wide enough for all populations that use it."""
    codes: list[PhiCode] = []
    defined: dict[bytes, str] = {}
    for k, phi in enumerate(plan.tables):
        users = [node for node in plan.populations if node.table == k]
        state = max(IntFormat(bits=node.affine.state.bits).highest for node in users)
        codes.append(phi_code(phi, max(node.phi_bits for node in users), state, names, k, defined))
    return tuple(codes)


def _node_code(node: PopulationPlan | ProductPlan, around: Surroundings) -> NodeCode:
    return product_code(node, around) if isinstance(node, ProductPlan) else population_code(node, around)


def _phi_function(plan: IntegerPlan, names: Names, k: int, code: PhiCode) -> str:
    users = ", ".join(names.nodes[node.name] for node in plan.populations if node.table == k)
    holes = {"users": users, "result": code.result_type, "prefix": names.prefix, "k": str(k), "body": code.body}
    return fill("phi.h", holes)
