"""The command `train`: a network on a PDE problem, with its progress shown."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import SpecError
from ..network import ProblemParameter
from .cli_convert import parse_bits
from .console import JsonOption, SeedOption, ThreadsOption, out, print_json, show_note
from .train import RecipeChanges, TrainingFiles, train
from .training_view import training_view

if TYPE_CHECKING:
    from ..training.trainer import TrainingResult


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("train")(train_command)


def train_command(
    problem: Annotated[
        str, typer.Argument(help="A PDE problem (`neuropinn-lava problems` lists them), or file.py:name of your own.")
    ],
    path: Annotated[Path, typer.Option("--out", help="File for the float network, .h5.")],
    seed: SeedOption = 0,
    param: Annotated[list[str] | None, typer.Option(help="Option of the problem, NAME=VALUE; may be repeated.")] = None,
    recipe: Annotated[
        str | None, typer.Option(help="Recipe of another problem, by its name, or file.py:name of your own.")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="T, steps per sample.", min=1)] = None,
    theta: Annotated[float | None, typer.Option(help="Threshold of every neuron.", min=0.0)] = None,
    activation: Annotated[str | None, typer.Option(help="phi, by name.")] = None,
    widths: Annotated[str | None, typer.Option(help="Neurons per spiking layer, as 50,50,50.")] = None,
    target_activity: Annotated[float | None, typer.Option(help="Spiking activity to aim at.", min=0.0, max=1.0)] = None,
    cells: Annotated[str | None, typer.Option(help="Cells of the training grid along each axis, as 32,32.")] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="Points through the network at once; bounds the memory of a step.", min=1)
    ] = None,
    iterations: Annotated[float, typer.Option(help="Factor on the recipe's iterations.", min=1e-3)] = 1.0,
    checkpoint: Annotated[Path | None, typer.Option(help="Checkpoint file, .safetensors.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from --checkpoint.")] = False,
    history: Annotated[Path | None, typer.Option(help="History of the losses, .csv, and its figure, .svg.")] = None,
    threads: ThreadsOption = 1,
    device: Annotated[str, typer.Option(help="Torch device.")] = "cpu",
    as_json: JsonOption = False,
) -> None:
    """Train a network of Variable Spiking Neurons on a PDE problem.

    Ctrl-C writes the best network so far, and the checkpoint if there is one; --resume goes on from it to the same bits.

    Example: `neuropinn-lava train poisson --out net.h5 --checkpoint net.safetensors`
    """
    sizes = parse_bits(widths, "--widths") if widths else None
    changes = RecipeChanges(
        n_steps=steps,
        theta=theta,
        activation=activation,
        widths=(sizes,) if isinstance(sizes, int) else sizes,
        target_activity=target_activity,
        iterations=iterations,
        cells=parse_cells(cells) if cells else None,
        batch_size=batch_size,
    )
    with training_view(problem, hidden=as_json) as advance:
        result = train(
            problem,
            path,
            seed=seed,
            parameters=parse_parameters(param or []),
            recipe=recipe,
            changes=changes,
            files=TrainingFiles(checkpoint=checkpoint, resume=resume, history=history),
            threads=threads or 1,
            device=device,
            on_progress=advance,
            command=shlex.join(["neuropinn-lava", *sys.argv[1:]]),
        )
    show_training(result, path, as_json)


def parse_cells(text: str) -> tuple[int, ...]:
    """Read numbers of cells, as `32,32`.

    Raises:
        SpecError: If one of them is not a whole number of 1 or more.
    """
    try:
        cells = tuple(int(part) for part in text.split(","))
    except ValueError:
        cells = (0,)
    if min(cells) < 1:
        raise SpecError("--cells", "whole numbers of 1 or more, separated by commas", repr(text), "Write 32,32.")
    return cells


def parse_parameters(texts: list[str]) -> tuple[ProblemParameter, ...]:
    """Read options of a problem, as `viscosity=0.01`.

    Raises:
        SpecError: If one of them is not a name and a number.
    """
    parameters = []
    for text in texts:
        name, _, value = text.partition("=")
        try:
            parameters.append(ProblemParameter(name=name, value=float(value)))
        except ValueError as error:
            raise SpecError("--param", "NAME=VALUE with a number", repr(text), "Write viscosity=0.01.") from error
    return tuple(parameters)


def show_training(result: TrainingResult, path: Path, as_json: bool) -> None:
    """Print how a training ended; exit code 1 where it diverged, 130 where it was interrupted."""
    from ..training.trainer import TrainingStatus

    if as_json:
        summary = {"status": result.status.value, "loss": result.loss, "n_iterations": result.n_iterations}
        summary |= {"relative_l2": result.relative_l2, "activity": result.rate}
        print_json(summary | {"seconds": result.seconds, "out": str(path), "digest": result.network.digest()})
    else:
        judged = f"relative L2 {result.relative_l2:.2%}, activity {result.rate:.2f}"
        done = f"{result.status.value} after {result.n_iterations:,} iterations, {result.seconds:.0f} s"
        out.print(f"{done}: {judged}. Wrote {path}")
    if result.status is TrainingStatus.DIVERGED:
        show_note("The loss was no longer finite; the best network before that was written. Try a lower learning rate.")
        raise typer.Exit(1)
    if result.status is TrainingStatus.INTERRUPTED:
        raise typer.Exit(130)
