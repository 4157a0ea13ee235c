"""The command `convert`: a float network into integers, checked against a hardware target."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..atomic import check_writable
from ..errors import SpecError
from ..quantized import QuantizedNetwork
from .console import JsonOption, NetworkArgument, out, print_json, show_table
from .models import find_network
from .verbs import DEFAULT_TARGET, convert

if TYPE_CHECKING:
    from ..conversion import Quantization


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("convert")(convert_command)


def convert_command(
    network: NetworkArgument,
    path: Annotated[Path, typer.Option("--out", help="File for the quantized network, .h5.")],
    weight_bits: Annotated[str, typer.Option(help="Weight bits: one number, or one per matrix, as 8,6,6,4.")] = "8",
    payload_bits: Annotated[str, typer.Option(help="Payload bits: one number, or one per spiking layer.")] = "16",
    input_bits: Annotated[int, typer.Option(help="Bits of the network's input.")] = 16,
    state_bits: Annotated[int, typer.Option(help="Bits of membranes, biases and thresholds.")] = 24,
    scales: Annotated[str, typer.Option(help="per-neuron or per-tensor.")] = "per-neuron",
    points: Annotated[Path | None, typer.Option(help="Calibration points, .npy or .csv; a sample if left out.")] = None,
    target: Annotated[str, typer.Option(help="loihi2, loihi1, a TOML file, or none.")] = DEFAULT_TARGET,
    as_json: JsonOption = False,
) -> None:
    """Quantize a network, check it against a hardware target, and report what it cost.

    Example: `neuropinn-lava convert poisson --out chip.h5 --weight-bits 8 --payload-bits 12`
    """
    from ..conversion import QuantizationScheme
    from ..files import write_network
    from .arrays_io import read_points

    check_writable(path)
    source = find_network(network)
    if isinstance(source, QuantizedNetwork):
        raise SpecError(f"network {network!r}", "a float network", "a quantized one", "Convert the float file.")
    scheme = QuantizationScheme(
        weight_bits=parse_bits(weight_bits, "--weight-bits"),
        payload_bits=parse_bits(payload_bits, "--payload-bits"),
        input_bits=input_bits,
        state_bits=state_bits,
        granularity=parse_granularity(scales),
    )
    calibration = read_points(points) if points else None
    quantization = convert(source, scheme, points=calibration, target=None if target == "none" else target)
    write_network(quantization.network, path)
    show_quantization(quantization, path, as_json)


def parse_bits(text: str, option: str) -> int | tuple[int, ...]:
    """Read `8` or `8,6,6,4`.

    Raises:
        SpecError: If an entry is not a whole number.
    """
    try:
        numbers = tuple(int(entry) for entry in text.split(","))
    except ValueError as error:
        raise SpecError(option, "whole numbers, separated by commas", repr(text), "Write 8, or 8,6,6,4.") from error
    return numbers[0] if len(numbers) == 1 else numbers


def parse_granularity(text: str) -> Any:
    """Read the name of a granularity.

    Raises:
        SpecError: If it is unknown.
    """
    from ..checks import check_choice, raise_violations
    from ..conversion import Granularity

    raise_violations(check_choice("--scales", text, [member.value for member in Granularity]))
    return Granularity(text)


def show_quantization(quantization: Quantization, path: Path, as_json: bool) -> None:
    """Print the report of a conversion."""
    report = quantization.report
    names = list(report.layers[0].__slots__)
    if as_json:
        layers = [{name: getattr(layer, name) for name in names} for layer in report.layers]
        summary = {"relative_change": report.relative_change, "n_saturated": report.n_saturated, "layers": layers}
        print_json({"out": str(path), "digest": quantization.network.digest(), "n_points": report.n_points} | summary)
        return
    columns = (
        "layer",
        "weight bits",
        "payload bits",
        "error of W",
        "spare bits",
        "clipped",
        "saturated",
        "adds",
        "flips",
    )
    rows = [
        (
            layer.name,
            layer.weight_bits,
            layer.payload_bits,
            layer.weight_error,
            layer.spare_bits,
            layer.n_clipped,
            layer.n_saturated,
            layer.added_error,
            layer.flipped_spikes,
        )
        for layer in report.layers
    ]
    show_table(f"What quantization cost, on {report.n_points:,} calibration points", columns, rows)
    out.print("error of W, adds: relative L2; flips: share of spikes that the layer alone flips.")
    out.print(
        f"The network's output changed by {report.relative_change:.3%} (relative L2); saturations: {report.n_saturated}."
    )
    out.print(f"Wrote {path}")
