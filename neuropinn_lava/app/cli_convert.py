"""The commands `convert`, a float network into integers, and `export`, a float network into another tool's format."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..atomic import check_writable
from ..errors import SpecError
from ..network import NetworkSpec
from ..quantized import QuantizedNetwork
from .calibration_points import sparsify_within
from .console import JsonOption, NetworkArgument, SeedOption, out, progress_bar, show_note
from .models import NIR_SUFFIX, find_network, float_network, is_netx
from .modules import names_factory, read_named_module
from .show_conversion import describe_sparsification, show_quantization
from .verbs import DEFAULT_TARGET, convert


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("convert")(convert_command)
    app.command("export")(export_command)


def convert_command(
    network: Annotated[
        str,
        typer.Argument(
            help="A network file, .h5 or .nir, a shipped network, or package.module:factory of a torch module."
        ),
    ],
    path: Annotated[Path, typer.Option("--out", help="File for the quantized network, .h5.")],
    weight_bits: Annotated[str, typer.Option(help="Weight bits: one number, or one per matrix, as 8,6,6,4.")] = "8",
    payload_bits: Annotated[str, typer.Option(help="Payload bits: one number, or one per spiking layer.")] = "16",
    input_bits: Annotated[int, typer.Option(help="Bits of the network's input.")] = 16,
    state_bits: Annotated[int, typer.Option(help="Bits of membranes, biases and thresholds.")] = 24,
    scales: Annotated[str, typer.Option(help="per-neuron or per-tensor.")] = "per-neuron",
    rounding: Annotated[str, typer.Option(help="descended, compensated, bias-corrected or nearest.")] = "descended",
    weight_range: Annotated[str, typer.Option(help="What weight words hold: mse, min-max or percentile.")] = "mse",
    payload_range: Annotated[
        str, typer.Option(help="What payload words hold: min-max, percentile or mse.")
    ] = "min-max",
    equalize: Annotated[str, typer.Option(help="across-layers or none; where phi is relu or identity.")] = "none",
    points: Annotated[Path | None, typer.Option(help="Calibration points, .npy or .csv; a sample if left out.")] = None,
    target: Annotated[str, typer.Option(help="loihi2, loihi1, a TOML file, or none.")] = DEFAULT_TARGET,
    error_budget: Annotated[
        float | None, typer.Option(help="Search the fewest weight bits within this multiple of the float error.")
    ] = None,
    tune: Annotated[bool, typer.Option("--tune", help="Tune the integers by training them as they are.")] = False,
    tune_on: Annotated[
        str, typer.Option(help="What tuning makes small: distillation to the float network, equation, or both.")
    ] = "distillation",
    tune_iterations: Annotated[int, typer.Option(help="Steps of tuning.", min=1)] = 500,
    time_limit: Annotated[float | None, typer.Option(help="Seconds after which tuning gives the best it has.")] = None,
    sparsify: Annotated[
        float | None,
        typer.Option(help="First raise thresholds while the output changes by at most this (relative L2)."),
    ] = None,
    weights: Annotated[Path | None, typer.Option(help="Weights for a factory, .safetensors.")] = None,
    lower: Annotated[str | None, typer.Option(help="Lower corner of a factory's box, as 0,0.")] = None,
    upper: Annotated[str | None, typer.Option(help="Upper corner of a factory's box, as 1,1.")] = None,
    n_steps: Annotated[int, typer.Option(help="T of a factory's network.", min=1)] = 1,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Quantize a network, check it against a hardware target, and report what it cost.

    Example: `neuropinn-lava convert poisson --out chip.h5 --weight-bits 4 --payload-bits 12 --tune`
    """
    from ..conversion import QuantizationScheme, TuningSettings
    from ..files import write_network
    from .arrays_io import read_points

    check_writable(path)
    source = find_source(network, weights, lower, upper, n_steps)
    if sparsify is not None:
        sparser = sparsify_within(source, sparsify, seed)
        show_note(describe_sparsification(sparser))
        source = sparser.network
    scheme = QuantizationScheme(
        weight_bits=parse_bits(weight_bits, "--weight-bits"),
        payload_bits=parse_bits(payload_bits, "--payload-bits"),
        input_bits=input_bits,
        state_bits=state_bits,
        granularity=parse_choice("Granularity", scales, "--scales"),
        rounding=parse_choice("Rounding", rounding, "--rounding"),
        weight_range=parse_choice("RangeRule", weight_range, "--weight-range"),
        payload_range=parse_choice("RangeRule", payload_range, "--payload-range"),
        equalization=parse_choice("Equalization", equalize, "--equalize"),
    )
    loss = parse_choice("TuningLoss", tune_on, "--tune-on")
    calibration = read_points(points) if points else None
    with progress_bar("tuning", hidden=not tune) as on_progress:
        quantization = convert(
            source,
            scheme,
            points=calibration,
            target=None if target == "none" else target,
            error_budget=error_budget,
            tuning=TuningSettings(loss=loss, n_iterations=tune_iterations) if tune else None,
            seed=seed,
            time_limit=time_limit,
            on_progress=on_progress,
            on_stage=None if as_json else show_note,
        )
    write_network(quantization.network, path)
    show_quantization(quantization, path, as_json)


def export_command(
    network: NetworkArgument,
    path: Annotated[Path, typer.Option("--out", help="File to write, .nir.")],
) -> None:
    """Write a float network as a NIR graph, which `convert`, `inspect` and `run` read back exactly. Needs the extra `nir`.

    Of a quantized network, the float network that it came from is written: NIR has no words.

    Example: `neuropinn-lava export poisson --out poisson.nir`
    """
    from ..conversion.nir_graphs import write_nir

    check_writable(path)
    if path.suffix != NIR_SUFFIX:
        raise SpecError("--out", "a name that ends in .nir", repr(str(path)), "NIR is the only format written so far.")
    found = float_network(find_network(network))
    write_nir(found, path)
    out.print(
        f"Wrote {path}: {len(found.layers)} layers of Variable Spiking Neurons as LIF nodes, phi in their metadata."
    )


def find_source(name: str, weights: Path | None, lower: str | None, upper: str | None, n_steps: int) -> NetworkSpec:
    """Give the float network of a file, of a shipped name, or of a factory.

    Raises:
        SpecError: If it is a quantized one or a netx file, or if options of a factory are given for something else.
    """
    if not Path(name).exists() and names_factory(name):
        return read_named_module(name, weights, lower, upper, n_steps)
    for option, value in (("--weights", weights), ("--lower", lower), ("--upper", upper)):
        if value is not None:
            mend = "Leave it out: a network file brings its own."
            raise SpecError(option, "a factory, package.module:factory", repr(name), mend)
    if is_netx(name):
        mend = f"`neuropinn-lava inspect {name}` says for each layer what keeps it from being deployed."
        raise SpecError(f"network {name!r}", "a network of Variable Spiking Neurons", "a lava-dl netx file", mend)
    source = find_network(name)
    if isinstance(source, QuantizedNetwork):
        raise SpecError(f"network {name!r}", "a float network", "a quantized one", "Convert the float file.")
    return source


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


def parse_choice(enum: str, text: str, option: str) -> Any:
    """Read the name of a member of one of the scheme's enums.

    Raises:
        SpecError: If it is unknown.
    """
    from .. import conversion
    from ..checks import as_member

    return as_member(getattr(conversion, enum), text, option)
