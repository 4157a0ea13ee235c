"""The command `distill`: a user's trained module as a sparse spiking network that imitates it."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from ...base.arrays import Record
from ...base.extras import import_extra
from ..stream.arrays_io import read_points
from ..terminal.training_view import training_view
from ..verbs.distill import distill
from .option_values import Numbers, parse_numbers
from .options import JsonOption, LayersOption, ParamOption, SeedOption, ThreadsOption, taking
from .resolve import resolve_problem_option
from .train import show_training


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("distill")(taking(DistillOptions, distill_command))


@dataclass(frozen=True, kw_only=True)
class DistillOptions(Record):
    """What the user chose for `distill`."""

    module: Annotated[
        str, typer.Argument(help="A factory of the trained module, file.py:factory or package.module:factory.")
    ]
    path: Annotated[Path, typer.Option("--out", help="File for the float network, .h5.")]
    weights: Annotated[Path | None, typer.Option(help="Weights of the module, .safetensors.")] = None
    activity: Annotated[float, typer.Option(help="Share of neurons and steps that may fire.", min=0.01, max=1.0)] = 0.15
    problem: Annotated[
        str | None,
        typer.Option(help="The equation that the module solves, by name or file.py:NAME; used beside its outputs."),
    ] = None
    param: ParamOption = None
    lower: Annotated[
        Numbers | None, typer.Option(parser=parse_numbers, help="Lower corner of the box to imitate it in, as 0,0.")
    ] = None
    upper: Annotated[Numbers | None, typer.Option(parser=parse_numbers, help="Upper corner of that box.")] = None
    points: Annotated[
        Path | None, typer.Option(help="Points to imitate it at, .npy, .csv or .h5, in the place of a box.")
    ] = None
    layers: LayersOption = None
    n_steps: Annotated[int, typer.Option(help="T, steps per sample.", min=1)] = 1
    seed: SeedOption = 0
    threads: ThreadsOption = 1
    as_json: JsonOption = False


def distill_command(options: DistillOptions) -> None:
    """Turn a trained dense network into a sparse spiking one of stated activity, by imitation.

    A tanh network deploys with nearly all operations of a dense one, because every neuron sends. The spiking network is
    fitted to its outputs, and to the equation where --problem names it.

    Example: `neuropinn-lava distill pinn.py:model --weights pinn.safetensors --lower 0,0 --upper 1,1 --out net.h5`
    """
    import_extra("torch", "torch")
    from ...conversion.formats.factories import load_module

    problem = resolve_problem_option(options.problem, options.param)
    chosen: dict[str, Any] = {"layers": tuple(options.layers)} if options.layers else {}
    with training_view(options.module, hidden=options.as_json) as advance:
        result = distill(
            load_module(options.module, options.weights),
            activity=options.activity,
            problem=problem,
            points=None if options.points is None else read_points(options.points),
            lower=options.lower,
            upper=options.upper,
            n_steps=options.n_steps,
            path=options.path,
            seed=options.seed,
            threads=options.threads,
            on_progress=advance,
            command=shlex.join(["neuropinn-lava", *sys.argv[1:]]),
            **chosen,
        )
    show_training(result, options.path, options.as_json)
