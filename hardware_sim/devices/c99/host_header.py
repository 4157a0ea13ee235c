"""The header for a machine with floating point: points to input words, sums to physical units, conditions built in.

It is what `engine/host.py` does around every backend, in double precision: the words are equal bit by bit, the outputs up to
the last digits of the C library's functions.
"""

from __future__ import annotations

from dataclasses import dataclass

import neuropinn_lava

from ....base.arrays import FloatArray, Record
from ....engine.host import divisor
from ....network.integers import IntFormat
from ....network.quantized import QuantizedNetwork
from ....network.spec import NetworkSpec, Readout
from ....network.transforms import Link
from .code.description import INTERFACE
from .code.filling import fill
from .code.floats import Formula, NoFormulaError, Traced, TracedPoints, real_number
from .code.names import Names, digest_number


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsatzCode(Record):
    """The ansatz in C."""

    statements: tuple[str, ...]
    """Statements that turn `scaled`, the outputs of the transform, into `u`."""
    missing: str | None
    """Operation that has no formula in C, for which the ansatz is left out; None where nothing is missing."""


def write_host_header(network: QuantizedNetwork, names: Names) -> str:
    """Return the text of `<name>_host.h`.

    Args:
        network: The network, whose source has the transforms.
        names: Its names in C.
    """
    source, ansatz = network.source, write_ansatz(network.source)
    holes = {
        "prefix": names.prefix,
        "macro": names.macro,
        "file": names.header,
        "host": names.host,
        "title": network.name.replace("*/", "* /").replace("\n", " "),
        "version": neuropinn_lava.__version__,
        "interface": str(INTERFACE),
        "digest_number": digest_number(network.digest()),
        "has_ansatz": "0" if ansatz.missing else "1",
        "note": describe_ansatz(source),
        "u": "outputs y of the network, WITHOUT the ansatz" if ansatz.missing else "outputs in physical units",
        "highest": _by_input(network, [float(IntFormat(bits=word.bits).highest) for word in network.input_words]),
        "factor": _by_input(network, [2.0**-word.exponent for word in network.input_words]),
        "in_scale": _row(source.input_transform.scale),
        "in_offset": _row(source.input_transform.offset),
        "out_scale": _row(source.output_transform.scale),
        "out_offset": _row(source.output_transform.offset),
        "unit": real_number(2.0**network.output.affine.state_exponent),
        "statements": "\n".join(f"    {line}" for line in ansatz.statements),
    }
    is_mean = source.readout is Readout.MEAN
    if source.has_sequences:
        is_every = source.readout is Readout.EVERY
        own = {
            "sums_words": f"{'a row of ' if is_every else ''}the sums of {names.prefix}_run",
            "divisor": "(double)n_steps" if is_mean else "1.0",
        }
        decode = fill("decode_sequence.h", holes | own)
    else:
        decode = fill("decode_constant.h", holes | {"divisor": f"{divisor(source)}.0"})
    return fill("host.h", holes | {"decode_text": decode})


def write_ansatz(source: NetworkSpec) -> AnsatzCode:
    """Write the ansatz of a network, u = g(x) + d(x) * link(scaled); without one, u = scaled.

    Args:
        source: The float network.
    """
    plain = tuple(f"u[{k}] = scaled[{k}];" for k in range(source.n_out))
    if source.ansatz is None:
        return AnsatzCode(statements=plain, missing=None)
    formula = Formula()
    points = TracedPoints(formula)
    results = []
    try:
        for k, (offset, factor) in enumerate(zip(source.ansatz.offset, source.ansatz.factor, strict=True)):
            g, d = offset.evaluate(points), factor.evaluate(points)
            linked = source.ansatz.link.apply(Traced(formula, f"scaled[{k}]"))
            results.append(f"u[{k}] = {(g + d * linked).name};")
    except NoFormulaError as error:
        return AnsatzCode(statements=plain, missing=str(error))
    return AnsatzCode(statements=formula.needed(results), missing=None)


def describe_ansatz(source: NetworkSpec) -> str:
    """Return the sentence about the ansatz in the host header: what it does, or that it is left out and why."""
    missing = write_ansatz(source).missing
    if missing:
        return f"The ansatz is LEFT OUT, because it needs {missing}, which has no formula in C here."
    if source.ansatz is None:
        return "The network has no ansatz."
    link = "" if source.ansatz.link is Link.IDENTITY else f" of its {source.ansatz.link.value}"
    return f"The ansatz, u = g(x) + d(x) y{link}, builds the conditions in."


def _by_input(network: QuantizedNetwork, values: list[float]) -> str:
    """Write a number of each input's word once for each of its components."""
    pairs = zip(network.inputs, values, strict=True)
    return ", ".join(real_number(value) for each, value in pairs for _ in range(each.width))


def _row(values: FloatArray) -> str:
    return ", ".join(real_number(value) for value in values.tolist())
