"""The command `verify`: the parity certificate over all backends."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...base.arrays import Record
from ..lookup.networks import find_network
from ..stream.input_files import read_inputs
from ..terminal.console import out, print_json, show_note, stages
from ..verbs.estimate_error import estimate_error
from ..verbs.verify import DEFAULT_POINTS, verify
from .option_values import Names, parse_names
from .options import JsonOption, NetworkArgument, ParamOption, ProblemOption, SeedOption, refuse_idle, taking
from .resolve import resolve_problem_option

if TYPE_CHECKING:
    from ...hardware_sim.parity.certificate import ParitySection

DEFAULT_BACKENDS = Names(("lava",))


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("verify")(taking(VerifyOptions, verify_command))


@dataclass(frozen=True, kw_only=True)
class VerifyOptions(Record):
    """What the user chose for `verify`."""

    network: NetworkArgument
    problem: ProblemOption = None
    param: ParamOption = None
    points: Annotated[
        Path | None, typer.Option(help="Points to compare on, .npy, .csv or .npz; drawn if left out.")
    ] = None
    n_points: Annotated[int, typer.Option(help="How many points to draw.", min=1)] = DEFAULT_POINTS
    seed: SeedOption = 0
    backend: Annotated[
        Names,
        typer.Option(parser=parse_names, help="What to compare with the reference: lava, c99, rtl, onnx, qonnx."),
    ] = DEFAULT_BACKENDS
    equation: Annotated[
        float | None,
        typer.Option(help="Fail too if the estimated error of the deployed network is above this, as 0.01.", min=0.0),
    ] = None
    as_json: JsonOption = False


def verify_command(options: VerifyOptions) -> None:
    """Compare torch, the reference engines, Lava and other hardware.

    The exit code is 1 where they differ, or where the estimated error is too large.

    Example: `neuropinn-lava verify chip.h5 --equation 0.01`
    """
    if options.points is not None:
        refuse_idle(("n_points",), "beside --points, which are as many as they are", "Leave one of the two out.")
    problem = resolve_problem_option(options.problem, options.param)
    found = find_network(options.network)
    given = read_inputs(options.points, found) if options.points else None
    n_points = None if options.points else options.n_points
    estimate = None if options.equation is None else estimate_error(found, problem).relative_l2
    with stages(hidden=options.as_json) as tell:
        parity = verify(
            found,
            given,
            problem=problem,
            n_points=n_points,
            seed=options.seed,
            backends=options.backend,
            on_stage=tell,
        )
    show_parity(parity, options.as_json)
    is_wrong = bool(parity.mismatches)
    if options.equation is not None and estimate is not None:
        is_wrong |= not estimate <= options.equation
        verdict = "at most" if estimate <= options.equation else "above"
        show_note(
            f"Estimated relative error by the equation: {estimate:.3g}, {verdict} the bound of {options.equation:.3g}."
        )
    if is_wrong:
        raise typer.Exit(1)


def show_parity(parity: ParitySection, as_json: bool) -> None:
    """Print a certificate, in words or as JSON."""
    from ...hardware_sim.report.content.json_record import parity_object
    from ...hardware_sim.report.content.sentences import parity_sentences, parity_verdict

    if as_json:
        print_json(parity_object(parity))
        return
    out.print(f"[bold]{parity_verdict(parity)}[/]")
    for sentence in parity_sentences(parity):
        out.print(sentence)
