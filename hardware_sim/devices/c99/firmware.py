"""The folder for a microcontroller: header, transforms in floating point, golden vectors, self-test, Makefile, README."""

from __future__ import annotations

import json
from pathlib import Path

import neuropinn_lava

from ....base.errors import SpecError
from ....engine.trace import RunTrace
from ....files.whole_folders import FolderKind
from ....network.given_networks import checked_network
from ....network.integers import IntFormat
from ....network.quantized import QuantizedNetwork
from ....network.spec import Readout
from ..golden_vectors import GoldenVectors, draw_golden
from ..integer_plan import IntegerPlan, plan_integers
from .code.description import wide_nodes
from .code.filling import fill
from .code.memory import input_type
from .code.names import Names
from .code.steps import read_inputs, sum_type
from .golden import write_golden
from .header import Header, build_header
from .host_header import describe_ansatz, write_host_header

JSON_NAME = "firmware.json"
SCHEMA = "neuropinn-lava/firmware/1"
"""Schema of `firmware.json`."""
FIXED_NAMES = (JSON_NAME, "golden.h", "selftest.c", "Makefile", "README.md")
"""Files whose names do not come from the network."""
BUILT_NAMES = ("selftest", "selftest_host", "selftest_sanitized", "selftest.o")
"""What the Makefile builds; an earlier export's are not kept."""


def write_firmware(
    network: QuantizedNetwork,
    directory: str | Path,
    *,
    n_golden: int = 32,
    trace: RunTrace | None = None,
    force: bool = False,
) -> Path:
    """Write a network as C99 into a folder, which holds its headers, golden vectors, a self-test, a Makefile and a README.

    Args:
        network: The quantized network.
        directory: The folder; its parent must exist. An earlier export in it is replaced.
        n_golden: Number of golden vectors, 2 to 10 000.
        trace: A run of it on calibration points, whose counts say which connections get dense loops; None takes the run of the
            golden vectors.
        force: Whether to write into a folder that is neither empty nor an earlier export, beside what it holds.

    Returns:
        The folder.

    Raises:
        SpecError: If the network is no quantized one, if the number is out of range, or if the folder is refused.
    """
    held = checked_network(network, "write_firmware.network")
    if not isinstance(held, QuantizedNetwork):
        repair = "Quantize it first: `neuropinn-lava convert`, or `neuropinn_lava.convert`."
        raise SpecError("write_firmware.network", "be a quantized network", type(held).__name__, repair)
    vectors = draw_golden(held, n_golden, "write_firmware.n_golden")
    plan = plan_integers(held, vectors.trace if trace is None else trace)
    header = build_header(plan)
    kind = firmware_folder(header.names, directory)
    target = kind.check(directory, force)
    kind.write(target, _files(held, plan, header, vectors))
    return target


def firmware_folder(names: Names, directory: str | Path) -> FolderKind:
    """Return what the export of a network holds; files of an earlier export in the folder belong to it, too.

    Args:
        names: Names of the network in C.
        directory: The folder, which need not exist.
    """
    earlier = _earlier_names(Path(directory))
    ours = dict.fromkeys((*FIXED_NAMES, *BUILT_NAMES, names.header, names.host, *earlier))
    return FolderKind(
        kind="firmware", json_name=JSON_NAME, schema_family=SCHEMA.rpartition("/")[0] + "/", our_names=tuple(ours)
    )


def _earlier_names(directory: Path) -> tuple[str, ...]:
    """Return the files that an earlier export in the folder names."""
    try:
        files = json.loads((directory / JSON_NAME).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, RecursionError, TypeError, KeyError):
        return ()
    return tuple(str(name) for name in files) if isinstance(files, list) else ()


def _files(network: QuantizedNetwork, plan: IntegerPlan, header: Header, vectors: GoldenVectors) -> dict[str, str]:
    """Return the text of every file by its name."""
    names = header.names
    holes = _holes(network, plan, header, vectors)
    files = {
        names.header: header.text,
        names.host: write_host_header(network, names),
        "golden.h": write_golden(plan, names, vectors),
        **{name: fill(name, holes) for name in ("selftest.c", "Makefile", "README.md")},
    }
    return files | {JSON_NAME: _json(plan, header, vectors, [*files, JSON_NAME])}


def _holes(network: QuantizedNetwork, plan: IntegerPlan, header: Header, vectors: GoldenVectors) -> dict[str, str]:
    names, is_sequence = header.names, plan.n_steps is None
    steps = f"{names.macro}_GOLDEN_STEPS, " if is_sequence else ""
    decode = (
        f"{names.prefix}_decode(&sums[row], {names.macro}_GOLDEN_STEPS, u)"
        if is_sequence
        else f"{names.prefix}_decode({names.prefix}_golden_points[sample], &sums[row], u)"
    )
    return {
        "prefix": names.prefix,
        "macro": names.macro,
        "stem": names.stem,
        "file": names.header,
        "host": names.host,
        "title": plan.name,
        "version": neuropinn_lava.__version__,
        "digest": plan.digest,
        "run_call": f"{names.prefix}_run(state, words, {steps}sums)",
        "decode_call": decode,
        "forbidden": _forbidden(plan),
        "is_point": ", ".join(
            f"{int(each not in read_inputs(plan, held=True))}u" for each in plan.inputs for _ in range(each.width)
        ),
        "n_samples": str(len(vectors.words)),
        **_readme_holes(network, plan, header),
    }


def _readme_holes(network: QuantizedNetwork, plan: IntegerPlan, header: Header) -> dict[str, str]:
    """Return the holes of the README alone."""
    prefix = header.names.prefix
    words = [f"{each.width} of `{each.name}` in units of 2^{each.word.exponent}" for each in plan.inputs]
    more = "n_steps, " if plan.n_steps is None else ""
    emitted = f"Outputs are in units of 2^{plan.output.affine.state.exponent}"
    is_mean = plan.output.readout is Readout.MEAN and plan.n_steps != 1
    count = "the number of steps" if plan.n_steps is None else str(plan.n_steps)
    return {
        "widths": " → ".join(str(n) for n in (plan.n_in, *(node.n_out for node in (*plan.nodes, plan.output)))),
        "steps": "those of the sequence" if plan.n_steps is None else str(plan.n_steps),
        "n_in": str(plan.n_in),
        "n_out": str(plan.output.n_out),
        "input_type": input_type(plan),
        "sum_type": sum_type(plan),
        "constants": f"{header.size.constants:,}",
        "code": f"{header.size.code:,}",
        "state": f"{header.size.state:,}",
        "note": describe_ansatz(network.source),
        "more_arguments": "uint32_t n_steps, " if more else "",
        "example_call": f"{prefix}_run(&state, words, {more}sums)",
        "run_signature": f"{prefix}_run(state, words, {more}sums)",
        "held_rows": _held_rows(plan, header.names),
        "scales": f"Inputs: {'; '.join(words)}. {emitted}{f', and sums are divided by {count}' if is_mean else ''}.",
    }


def _held_rows(plan: IntegerPlan, names: Names) -> str:
    """Return the rows of the README about the functions that hold an input; none where nothing is held."""
    if not plan.held:
        return ""
    held = " and ".join(f"`{each.name}`" for each in read_inputs(plan, held=True))
    rows = (
        (
            f"{names.prefix}_hold(state, words)",
            f"computes what depends on {held} alone; its payloads stay in the state",
        ),
        (
            f"{names.prefix}_run_held(state, words, sums)",
            f"computes a sample with the {held} that is held; `run` and `step` end that: hold it again",
        ),
    )
    return "".join(f"| `{call}` | {what} |\n" for call, what in rows)


def _forbidden(plan: IntegerPlan) -> str:
    """Return the C expression of a word that the first input cannot hold."""
    return f"({input_type(plan)})(-{IntFormat(bits=plan.inputs[0].word.bits).highest} - 1)"


def _json(plan: IntegerPlan, header: Header, vectors: GoldenVectors, files: list[str]) -> str:
    """Return the text of firmware.json."""
    record = {
        "schema": SCHEMA,
        "version": neuropinn_lava.__version__,
        "network": plan.name,
        "digest": plan.digest,
        "header": header.names.header,
        "prefix": header.names.prefix,
        "n_in": plan.n_in,
        "n_out": plan.output.n_out,
        "n_steps": plan.n_steps,
        "constants_bytes": header.size.constants,
        "code_bytes_estimate": header.size.code,
        "state_bytes": header.size.state,
        "sums_of_64_bits": list(wide_nodes(plan)),
        "n_golden": len(vectors.words),
        "files": sorted(files),
    }
    return json.dumps(record, indent=2, ensure_ascii=False) + "\n"
