"""The folder of a core: Verilog, a self-test with golden words, a test bench, constraints of a board, and how to use them."""

from __future__ import annotations

import json
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

import numpy as np

from ....base.arrays import IntArray
from ....files.whole_folders import FolderKind
from ....network.quantized import QuantizedNetwork
from ....network.spec import Readout
from ..golden_vectors import GoldenVectors, draw_golden
from ..integer_plan import IntegerPlan, OutputPlan, PopulationPlan
from .recording import make_job
from .run import build_core
from .verilog import TOP, make_verilog

if TYPE_CHECKING:
    from .core.network import Core

TEMPLATES = Path(__file__).parent / "templates"
JSON_NAME = "core.json"
SCHEMA_FAMILY = "neuropinn-lava/rtl/"
SCHEMA = f"{SCHEMA_FAMILY}1"
CORE_FOLDER = FolderKind(
    kind="core",
    json_name=JSON_NAME,
    schema_family=SCHEMA_FAMILY,
    our_names=(
        f"{TOP}.v",
        "selftest.v",
        "testbench.v",
        "golden_in.hex",
        "golden_out.hex",
        "ulx3s.v",
        "ulx3s.lpf",
        "README.md",
        JSON_NAME,
    ),
)
"""What the folder of a core holds."""
MAX_STAGES = 64
"""More stages than any unit's pipeline has."""
MEANINGS = {
    Readout.MEAN: "the sum of the read-out over the steps",
    Readout.LAST: "the read-out of the last step",
    Readout.EVERY: "the read-out of each step",
}


def write_verilog(
    network: QuantizedNetwork,
    directory: str | Path,
    *,
    n_golden: int = 64,
    lanes: int | None = None,
    force: bool = False,
) -> Path:
    """Write the core of a network with everything around it; return the folder.

    Args:
        network: The quantized network.
        directory: A new folder, an empty one, or one of an earlier core; its parent must exist.
        n_golden: Number of samples of the self-test, 2 to 10 000.
        lanes: Multipliers of the busiest connection, 1 to 1 024; None for the default.
        force: Whether to write beside other files.

    Raises:
        SpecError: If a number is out of range, the folder is refused, or the network is too large.
        MissingPackageError: If Amaranth or Yosys is not installed.
        SimulationError: If Yosys fails.
    """
    target = CORE_FOLDER.check(directory, force)
    core = build_core(network, lanes)
    vectors = draw_golden(network, n_golden, "write_verilog.n_golden")
    files = {f"{TOP}.v": make_verilog(core), **_write_test(core, vectors)}
    files["README.md"] = _write_readme(network, core, len(vectors.points))
    files[JSON_NAME] = _write_record(network, core)
    CORE_FOLDER.write(target, files)
    return target


def _write_test(core: Core, vectors: GoldenVectors) -> dict[str, str]:
    """Write the golden words by the integer engine, and what compares with them."""
    job = make_job(core.plan, vectors.words)
    expected = vectors.trace.readout.reshape(-1)
    in_bits, out_bits = len(core.s_axis_tdata), len(core.m_axis_tdata)
    words = job.words & ((1 << in_bits) - 1) | job.lasts << in_bits
    values: dict[str, object] = {
        "top": TOP,
        "n_in": len(words),
        "n_out": len(expected),
        "in_bits": in_bits,
        "out_bits": out_bits,
        "max_cycles": 1000 + job.n_records[-1] * _count_work(core.plan),
    }
    texts = {name: _fill(name, values) for name in ("selftest.v", "testbench.v", "ulx3s.v", "ulx3s.lpf")}
    return {
        **texts,
        "golden_in.hex": _hex_words(words, in_bits + 1),
        "golden_out.hex": _hex_words(expected, out_bits),
    }


def _count_work(plan: IntegerPlan) -> int:
    """Return more cycles than a step can last: a multiplication and a neuron a cycle, and the stages of every unit."""
    synapses = sum(each.weight.size for node in _summing(plan) for each in node.affine.connections)
    return synapses + sum(plan.widths.values()) + MAX_STAGES * (len(plan.nodes) + 2)


def _hex_words(words: IntArray, bits: int) -> str:
    digits, mask = -(-bits // 4), (1 << bits) - 1
    return "".join(f"{int(word) & mask:0{digits}x}\n" for word in words)


def _fill(name: str, values: dict[str, object]) -> str:
    return Template((TEMPLATES / name).read_text(encoding="utf-8")).substitute(values)


def _summing(plan: IntegerPlan) -> list[PopulationPlan | OutputPlan]:
    """Return the nodes with connections, the read-out last."""
    return [*plan.populations, plan.output]


def _write_readme(network: QuantizedNetwork, core: Core, n_points: int) -> str:
    plan = core.plan
    steps = "" if plan.n_steps is not None else " and step"
    divided = ""
    if plan.output.readout is Readout.MEAN:
        divided = " / T" if plan.n_steps is None else f" / {plan.n_steps}"
    inputs = [f"  - `{each.name}`: {each.width} of them, at 2^{each.word.exponent}" for each in plan.inputs]
    return _fill(
        "README.md",
        {
            "name": plan.name,
            "digest": plan.digest,
            "top": TOP,
            "n_points": n_points,
            "n_in": plan.n_in,
            "rows": f"{steps}; `s_axis_tlast` marks the last word of a sample" if steps else "",
            "in_bits": len(core.s_axis_tdata),
            "inputs": "\n".join(inputs),
            "n_out": plan.output.n_out,
            "sent": "sample and step" if plan.output.readout is Readout.EVERY else "sample",
            "out_bits": len(core.m_axis_tdata),
            "meaning": MEANINGS[plan.output.readout],
            "output_exponent": network.output.affine.state_exponent,
            "divided": divided,
            "units": "\n".join(_describe_units(core)),
        },
    )


def _describe_units(core: Core) -> list[str]:
    """Describe the connections: how many cycles an event takes."""
    lines = ["| connection | weights | multipliers | cycles an event |", "|---|---|---|---|"]
    for node in _summing(core.plan):
        for k, each in enumerate(node.affine.connections):
            lanes, (n_out, n_source) = core.lanes[node.name, k], each.weight.shape
            delayed = f", delay {each.delay}" if each.delay else ""
            row = (f"{each.source} to {node.name}{delayed}", f"{n_out} x {n_source}", lanes, -(-n_out // lanes))
            lines.append("| " + " | ".join(str(cell) for cell in row) + " |")
    return lines


def _write_record(network: QuantizedNetwork, core: Core) -> str:
    plan = core.plan
    held = {
        "schema": SCHEMA,
        "network": plan.name,
        "digest": plan.digest,
        "n_steps": plan.n_steps,
        "inputs": [
            {"name": each.name, "width": each.width, "bits": each.word.bits, "exponent": each.word.exponent}
            for each in plan.inputs
        ],
        "output": {
            "width": plan.output.n_out,
            "bits": len(core.m_axis_tdata),
            "exponent": network.output.affine.state_exponent,
            "readout": plan.output.readout.value,
        },
        "lanes": [{"node": name, "connection": k, "lanes": n} for (name, k), n in sorted(core.lanes.items())],
        "n_weight_bits": int(
            np.sum([w.weight.size * w.weight_bits for n in _summing(plan) for w in n.affine.connections])
        ),
    }
    return json.dumps(held, indent=2) + "\n"
