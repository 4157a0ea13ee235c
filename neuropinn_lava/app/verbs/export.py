"""The verb `export`: a network in the form that other tools and other hardware build with.

    nl.export(chip, "firmware", format="c99")

NIR holds the float network. All other formats hold the integers, and compute the same bits as the integer engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from pathlib import Path

from ...base.checks import as_member, raise_violations
from ...base.errors import SpecError, Violation
from ...network.given_networks import checked_network
from ...network.quantized import Network
from ..lookup.networks import float_network, quantized_network


class ExportFormat(str, Enum):
    """What a network can be exported as."""

    NIR = "nir"
    """A NIR graph of the float network, one file."""
    C99 = "c99"
    """A folder with one header in C99, its self-test and its Makefile."""
    VERILOG = "verilog"
    """A folder with a core in Verilog, its testbench and constraints."""
    ONNX = "onnx"
    """An ONNX graph of standard operators, one file."""
    QONNX = "qonnx"
    """A QONNX graph of `MultiThreshold` nodes, one file."""


FOLDERS = (ExportFormat.C99, ExportFormat.VERILOG)
"""Formats that are a folder; the others are a file, whose name ends in `SUFFIXES`."""
SUFFIXES = {ExportFormat.NIR: ".nir", ExportFormat.ONNX: ".onnx", ExportFormat.QONNX: ".onnx"}
"""How the name of a file of each format ends."""
ONLY_FOR = {
    "as_lif": (ExportFormat.NIR,),
    "n_steps": (ExportFormat.ONNX,),
    "lanes": (ExportFormat.VERILOG,),
    "force": FOLDERS,
}
"""Formats on which each option has an effect."""


def export(
    network: Network,
    path: str | Path,
    *,
    format: ExportFormat | str,
    as_lif: bool = False,
    n_steps: int | None = None,
    lanes: int | None = None,
    force: bool = False,
) -> Path:
    """Write a network in another tool's or another device's format.

    Args:
        network: A quantized network; for NIR a float one, or the one that a quantized network came from.
        path: The file (`nir`, `onnx`, `qonnx`), or the folder (`c99`, `verilog`), whose parent must exist.
        format: What to write.
        as_lif: Whether NIR's neurons are LIF nodes, which other tools read as binary neurons.
        n_steps: Length of the sequences that an ONNX graph is unrolled for, where an input is a sequence.
        lanes: Number of multiply-accumulate lanes of each core in Verilog; None chooses.
        force: Whether to write into a folder that is neither empty nor an earlier export, beside what it holds.

    Returns:
        The file or folder.

    Raises:
        SpecError: If a name is unknown, an option has no effect on the format, the path does not suit it, or the network does
            not fit what the format can hold; then nothing is written.
        MissingPackageError: If the extra that the format needs is not installed.
    """
    chosen = as_member(ExportFormat, format, "export.format")
    _check_options(chosen, {"as_lif": as_lif, "n_steps": n_steps, "lanes": lanes, "force": force})
    target = Path(path)
    suffix = SUFFIXES.get(chosen)
    if suffix is not None and target.suffix != suffix:
        rule = f"end in {suffix} for format {chosen.value!r}"
        raise SpecError("export.path", rule, repr(str(target)), "Rename the file.")
    held = checked_network(network, "export.network")
    if chosen is ExportFormat.NIR:
        from ...conversion.formats.nir_graphs import write_nir

        write_nir(float_network(held), target, as_lif=as_lif)
        return target
    integers = quantized_network(held, f"export: format `{chosen.value}`")
    if chosen is ExportFormat.C99:
        from ...hardware_sim.devices.c99.firmware import write_firmware

        return write_firmware(integers, target, force=force)
    if chosen is ExportFormat.VERILOG:
        from ...hardware_sim.devices.rtl.folder import write_verilog

        return write_verilog(integers, target, lanes=lanes, force=force)
    if chosen is ExportFormat.ONNX:
        from ...hardware_sim.devices.onnx_graphs.onnx_model import write_onnx

        write_onnx(integers, target, n_steps=n_steps)
        return target
    from ...hardware_sim.devices.onnx_graphs.qonnx_model import write_qonnx

    write_qonnx(integers, target)
    return target


def _check_options(chosen: ExportFormat, given: Mapping[str, object]) -> None:
    """Refuse options that have no effect on a format."""
    rule = f"be left out for format {chosen.value!r}, where it would have no effect"
    raise_violations(
        Violation(f"export.{name}", rule, given[name], "Leave it out.")
        for name, formats in ONLY_FOR.items()
        if given[name] and chosen not in formats
    )
