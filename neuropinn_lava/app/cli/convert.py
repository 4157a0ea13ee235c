"""The command `convert`: a float network into integers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ...base.arrays import Record
from ...base.errors import SpecError
from ...conversion.scheme import Equalization, Granularity, QuantizationScheme, RangeRule, Rounding
from ...conversion.tuning_settings import TuningLoss, TuningSettings
from ...files.network_file import check_network_path, write_network
from ...files.user_objects import is_user_object
from ...network.spec import NetworkSpec
from ...problems.problem import PdeProblem
from ..lookup.calibration_points import sparsify_within
from ..lookup.networks import find_network
from ..stream.input_files import read_inputs
from ..terminal.console import show_note
from ..terminal.progress import progress_bars
from ..terminal.show_conversion import describe_sparsification, show_quantization
from ..verbs.convert import DEFAULT_TARGET, convert, float_source
from .option_values import Numbers, WholeNumbers, parse_numbers, parse_whole_numbers
from .options import JsonOption, ParamOption, ProblemOption, SeedOption, refuse_idle, taking
from .resolve import resolve_problem_option

DEFAULT_WEIGHT_BITS = WholeNumbers((8,))
DEFAULT_PAYLOAD_BITS = WholeNumbers((16,))


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("convert")(taking(ConvertOptions, convert_command))


@dataclass(frozen=True, kw_only=True)
class ConvertOptions(Record):
    """What the user chose for `convert`."""

    network: Annotated[
        str,
        typer.Argument(help="A network file, .h5 or .nir, a shipped network, or file.py:factory of a torch module."),
    ]
    path: Annotated[Path, typer.Option("--out", help="File for the quantized network, .h5.")]
    weight_bits: Annotated[
        WholeNumbers,
        typer.Option(parser=parse_whole_numbers, help="Weight bits: one number, or one per matrix, as 8,6,6,4."),
    ] = DEFAULT_WEIGHT_BITS
    payload_bits: Annotated[
        WholeNumbers,
        typer.Option(parser=parse_whole_numbers, help="Payload bits: one number, or one per spiking layer."),
    ] = DEFAULT_PAYLOAD_BITS
    input_bits: Annotated[int, typer.Option(help="Bits of the network's input.")] = 16
    state_bits: Annotated[int, typer.Option(help="Bits of membranes, biases and thresholds.")] = 24
    granularity: Annotated[Granularity, typer.Option("--scales", help="How many weights share a scale.")] = (
        Granularity.PER_NEURON
    )
    rounding: Annotated[Rounding, typer.Option(help="How real weights become integers.")] = Rounding.DESCENDED
    weight_range: Annotated[RangeRule, typer.Option(help="Range that weight words hold.")] = RangeRule.MSE
    payload_range: Annotated[RangeRule, typer.Option(help="Range that payload words hold.")] = RangeRule.MIN_MAX
    equalization: Annotated[
        Equalization,
        typer.Option("--equalize", help="Whether neurons are scaled alike; where phi is relu or identity."),
    ] = Equalization.NONE
    problem: ProblemOption = None
    param: ParamOption = None
    points: Annotated[Path | None, typer.Option(help="Calibration points, .npy or .csv; a sample if left out.")] = None
    target: Annotated[str, typer.Option(help="loihi2, loihi1, a TOML file, or none.")] = DEFAULT_TARGET
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse what breaks any rule of the target, also a limit only reported.")
    ] = False
    error_budget: Annotated[
        float | None, typer.Option(help="Search the fewest weight bits within this multiple of the float error.")
    ] = None
    tune: Annotated[bool, typer.Option("--tune", help="Tune the integers by training them as they are.")] = False
    tune_on: Annotated[
        TuningLoss, typer.Option(help="What tuning makes small: distance to the float network, residual, or both.")
    ] = TuningLoss.DISTILLATION
    tune_iterations: Annotated[int, typer.Option(help="Steps of tuning.", min=1)] = 500
    tune_descents: Annotated[
        int, typer.Option(help="Descents behind them, from integers moved at random; 10 help words of 4 bits.", min=0)
    ] = 1
    time_limit: Annotated[float | None, typer.Option(help="Seconds after which tuning gives the best it has.")] = None
    sparsify: Annotated[
        float | None,
        typer.Option(help="First raise thresholds while the output changes by at most this (relative L2)."),
    ] = None
    weights: Annotated[Path | None, typer.Option(help="Weights for a factory, .safetensors.")] = None
    lower: Annotated[
        Numbers | None, typer.Option(parser=parse_numbers, help="Lower corner of a factory's box, as 0,0.")
    ] = None
    upper: Annotated[
        Numbers | None, typer.Option(parser=parse_numbers, help="Upper corner of a factory's box, as 1,1.")
    ] = None
    n_steps: Annotated[int, typer.Option(help="T of a factory's network; a network file brings its own.", min=1)] = 1
    seed: SeedOption = 0
    as_json: JsonOption = False


def convert_command(options: ConvertOptions) -> None:
    """Quantize a network, check it against a hardware target, and report what it cost.

    Example: `neuropinn-lava convert poisson --out chip.h5 --weight-bits 4 --payload-bits 12 --tune`
    """
    if options.strict and options.target == "none":
        repair = "Name a target, or leave --strict out."
        raise SpecError("--strict", "have a target to check against", "--target none", repair)
    if not options.tune:
        fields, repair = ("tune_on", "tune_iterations", "tune_descents", "time_limit"), "Add --tune, or leave it out."
        refuse_idle(fields, "without --tune, where it would have no effect", repair)
    check_network_path(options.path)
    problem = resolve_problem_option(options.problem, options.param)
    source = find_source(options, problem)
    scheme, tuning = parse_scheme(options), parse_tuning(options)
    points = read_inputs(options.points, source) if options.points else None
    with progress_bars("tuning", hidden=tuning is None) as (advance,):
        quantization = convert(
            source,
            scheme,
            problem=problem,
            points=points,
            target=None if options.target == "none" else options.target,
            strict=options.strict,
            error_budget=options.error_budget,
            tuning=tuning,
            seed=options.seed,
            time_limit=options.time_limit,
            on_progress=advance,
            on_stage=None if options.as_json else show_note,
        )
    write_network(quantization.network, options.path)
    show_quantization(quantization, options.path, options.as_json)


def find_source(options: ConvertOptions, problem: PdeProblem | None) -> NetworkSpec:
    """Return the float network to convert, with its thresholds raised where `--sparsify` asks for it.

    Raises:
        SpecError: If it is a quantized one, or if options of a factory are given for something else.
    """
    source = _named_source(options)
    if options.sparsify is None:
        return source
    sparser = sparsify_within(source, options.sparsify, options.seed, problem)
    show_note(describe_sparsification(sparser))
    return sparser.network


def _named_source(options: ConvertOptions) -> NetworkSpec:
    """Return the float network of a file, of a shipped name, or of a factory."""
    name = options.network
    if not Path(name).exists() and is_user_object(name):
        return _read_factory(options)
    rule, repair = (
        "but for a factory, file.py:factory or package.module:factory",
        f"Leave it out: {name!r} is no factory, and brings its own.",
    )
    refuse_idle(("weights", "lower", "upper", "n_steps"), rule, repair)
    return float_source(find_network(name))


def _read_factory(options: ConvertOptions) -> NetworkSpec:
    """Read the torch module that a user's factory returns."""
    from ...conversion.formats.factories import load_module
    from ...conversion.formats.torch_modules import from_torch

    return from_torch(
        load_module(options.network, options.weights),
        name=options.network.rpartition(":")[2],
        n_steps=options.n_steps,
        lower=options.lower,
        upper=options.upper,
    )


def parse_scheme(options: ConvertOptions) -> QuantizationScheme:
    """Return the quantization scheme that the options describe.

    Raises:
        SpecError: If a word length is out of range.
    """
    return QuantizationScheme(
        weight_bits=_for_all_or_each(options.weight_bits),
        payload_bits=_for_all_or_each(options.payload_bits),
        input_bits=options.input_bits,
        state_bits=options.state_bits,
        granularity=options.granularity,
        rounding=options.rounding,
        weight_range=options.weight_range,
        payload_range=options.payload_range,
        equalization=options.equalization,
    )


def _for_all_or_each(bits: WholeNumbers) -> int | tuple[int, ...]:
    """Return a single word length as a number, which counts for every layer."""
    return bits[0] if len(bits) == 1 else tuple(bits)


def parse_tuning(options: ConvertOptions) -> TuningSettings | None:
    """Return the settings of tuning, or None without `--tune`."""
    if not options.tune:
        return None
    return TuningSettings(loss=options.tune_on, n_iterations=options.tune_iterations, n_descents=options.tune_descents)
