"""The command `train`: a network on a PDE problem, with its progress shown."""

from __future__ import annotations

import math
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...base.arrays import Record
from ..terminal.console import out, print_json, show_note
from ..terminal.training_view import training_view
from ..verbs.train import RecipeChanges, TrainingFiles, train
from .option_values import WholeNumbers, parse_cells
from .options import IterationsOption, JsonOption, LayersOption, ParamOption, SeedOption, ThreadsOption, taking
from .resolve import resolve_problem, resolve_recipe

if TYPE_CHECKING:
    from ...training.run.outcome import TrainingResult

SPARSITY_COST = 2.0
"""Factor on the estimated error that sparsity may cost before a note says so; on nine of ten equations it costs less."""


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("train")(taking(TrainOptions, train_command))


@dataclass(frozen=True, kw_only=True)
class TrainOptions(Record):
    """What the user chose for `train`."""

    problem: Annotated[
        str, typer.Argument(help="A PDE problem (`neuropinn-lava problems` lists them), or file.py:NAME of your own.")
    ]
    path: Annotated[Path, typer.Option("--out", help="File for the float network, .h5.")]
    seed: SeedOption = 0
    param: ParamOption = None
    recipe: Annotated[
        str | None, typer.Option(help="Recipe of another problem, by its name, or file.py:NAME of your own.")
    ] = None
    n_steps: Annotated[int | None, typer.Option(help="T, steps per sample.", min=1)] = None
    theta: Annotated[float | None, typer.Option(help="Threshold of every neuron.", min=0.0)] = None
    activation: Annotated[str | None, typer.Option(help="phi, by name.")] = None
    layers: LayersOption = None
    activity: Annotated[float | None, typer.Option(help="Spiking activity to aim at.", min=0.0, max=1.0)] = None
    cells: Annotated[
        WholeNumbers | None,
        typer.Option(parser=parse_cells, help="Cells of the training grid along each axis, as 32,32."),
    ] = None
    batch_size: Annotated[
        int | None, typer.Option(help="Points through the network at once; bounds the memory of a step.", min=1)
    ] = None
    refine: Annotated[
        float | None,
        typer.Option(help="Centres to add where the residual is large, as a share, when a phase but the first begins."),
    ] = None
    jitter: Annotated[
        float | None, typer.Option(help="Move the centres at random, twenty times a phase, by up to so many cells.")
    ] = None
    no_sparsity: Annotated[
        bool, typer.Option("--no-sparsity", help="Train for accuracy alone: spikes cost nothing.")
    ] = False
    iterations: IterationsOption = 1.0
    checkpoint: Annotated[Path | None, typer.Option(help="Checkpoint file, .safetensors.")] = None
    resume: Annotated[bool, typer.Option("--resume", help="Go on from --checkpoint.")] = False
    history: Annotated[Path | None, typer.Option(help="History of the losses, .csv, and its figure, .svg.")] = None
    threads: ThreadsOption = 1
    device: Annotated[str, typer.Option(help="Torch device.")] = "cpu"
    as_json: JsonOption = False


def train_command(options: TrainOptions) -> None:
    """Train a network of Variable Spiking Neurons on a PDE problem.

    Ctrl-C writes the best network so far, and the checkpoint if there is one; --resume goes on from it to the same bits.

    Example: `neuropinn-lava train poisson --out net.h5 --checkpoint net.safetensors`
    """
    changes = chosen_changes(options)
    problem = resolve_problem(options.problem, options.param or ())
    recipe = resolve_recipe(options.recipe)
    with training_view(problem.name, hidden=options.as_json) as advance:
        result = train(
            problem,
            recipe,
            path=options.path,
            seed=options.seed,
            changes=changes,
            files=TrainingFiles(checkpoint=options.checkpoint, resume=options.resume, history=options.history),
            threads=options.threads,
            device=options.device,
            on_progress=advance,
            command=shlex.join(["neuropinn-lava", *sys.argv[1:]]),
        )
    show_training(result, options.path, options.as_json)


def chosen_changes(options: TrainOptions) -> RecipeChanges:
    """Return the changes of the problem's recipe that the options describe."""
    return RecipeChanges(
        n_steps=options.n_steps,
        theta=options.theta,
        activation=options.activation,
        layers=options.layers and tuple(options.layers),
        activity=options.activity,
        iterations=options.iterations,
        cells=options.cells and tuple(options.cells),
        batch_size=options.batch_size,
        refine=options.refine,
        jitter=options.jitter,
        sparsity=not options.no_sparsity,
    )


def show_training(result: TrainingResult, path: Path, as_json: bool) -> None:
    """Print how a training ended; exit code 1 where it diverged, 130 where it was interrupted."""
    from ...training.run.outcome import TrainingStatus

    if as_json:
        summary: dict[str, object] = {
            "status": result.status.value,
            "loss": result.loss,
            "n_iterations": result.n_iterations,
        }
        summary |= {"relative_l2": result.relative_l2, "estimated_l2": result.estimated_l2, "activity": result.activity}
        summary |= {"estimated_l2_dense": result.estimated_l2_dense}
        summary |= {"coefficients": {each.name: [each.value, each.standard_error] for each in result.coefficients}}
        print_json(summary | {"seconds": result.seconds, "out": str(path), "digest": result.network.digest()})
    else:
        known = [f"relative L2 {result.relative_l2:.2%}"] if math.isfinite(result.relative_l2) else []
        known += [f"estimated error {result.estimated_l2:.2%}"] if math.isfinite(result.estimated_l2) else []
        known += [f"{each.name} = {each.value:.6g} +- {each.standard_error:.2g}" for each in result.coefficients]
        judged = ", ".join([*known, f"activity {result.activity:.2f}"])
        done = f"{result.status.value} after {result.n_iterations:,} iterations, {result.seconds:.0f} s"
        out.print(f"{done}: {judged}. Wrote {path}")
        if result.estimated_l2 > SPARSITY_COST * result.estimated_l2_dense:
            cost = f"from {result.estimated_l2_dense:.2%} to {result.estimated_l2:.2%}"
            show_note(f"Sparsity raised the estimated error {cost}. Choose a higher --activity, or --no-sparsity.")
    if result.status is TrainingStatus.DIVERGED:
        show_note("The loss was no longer finite; the best network before that was written. Try a lower learning rate.")
        raise typer.Exit(1)
    if result.status is TrainingStatus.INTERRUPTED:
        raise typer.Exit(130)
