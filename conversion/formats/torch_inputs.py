"""The inputs of a module: names and widths of the arguments of its forward pass, said by the user or found by trial."""

from __future__ import annotations

import inspect
import itertools
import traceback
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import torch
from torch import nn

from ...base.checks import check_choice, raise_violations
from ...base.errors import SpecError, Violation
from ...network.nodes import InputSpec
from ...training.network.import_check import joined_outputs
from .torch_signals import N_SAMPLES, N_STEPS

MAX_TRIED = 32
"""Largest width of a single input that is tried; wider ones are those of a Linear layer."""
MAX_TRIED_EACH = 3
"""Largest width of each of several inputs that is tried."""


def find_inputs(
    module: nn.Module,
    widths: Mapping[str, int] | None,
    n_in: int | None,
    *,
    sequence: bool | Collection[str],
    held: Collection[str],
    states: Mapping[str, int],
) -> tuple[InputSpec, ...]:
    """Return the inputs of a module.

    Args:
        module: In float64 and evaluation mode.
        widths: Names and widths, if the user says so.
        n_in: Sum of the widths, if it is known.
        sequence: Whether each is a sequence, or the names of those that are.
        held: Names of those that are held.
        states: States of a step module, the last arguments of its forward pass.

    Raises:
        SpecError: If a name is unknown, or widths are not said, and none or several of those that were tried run.
    """
    names = _arguments(module, len(states)) if widths is None else list(widths)
    chosen = (names if sequence else ()) if isinstance(sequence, bool) else sequence
    asked = [("sequence", name) for name in chosen] + [("held", name) for name in held]
    raise_violations(each for field, name in asked for each in check_choice(f"from_torch.{field}", name, names))
    raise_violations(
        Violation(f"from_torch.states {name!r}", "have a name that no input has", name, "Rename it.")
        for name in states
        if name in names
    )
    are_sequences = [name in chosen for name in names]
    sizes = (
        _tried(module, names, n_in, are_sequences=are_sequences, states=states) if widths is None else widths.values()
    )
    return tuple(
        InputSpec(name=name, width=width, is_sequence=each, is_held=name in held)
        for name, width, each in zip(names, sizes, are_sequences, strict=True)
    )


def _arguments(module: nn.Module, n_states: int) -> list[str]:
    """Return the names of the arguments of forward that have no default, without the states."""
    parameters = inspect.signature(module.forward).parameters.values()
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [each.name for each in parameters if each.kind in positional and each.default is inspect.Parameter.empty]
    names = names[: len(names) - n_states]
    if not names:
        repair = "Say them: from_torch(..., inputs={'x': 2})."
        raise SpecError(f"module {type(module).__name__}", "have a forward pass with named arguments", "none", repair)
    return ["input"] if len(names) == 1 else names


def _tried(
    module: nn.Module, names: Sequence[str], n_in: int | None, *, are_sequences: list[bool], states: Mapping[str, int]
) -> tuple[int, ...]:
    """Find the widths by running the module."""
    candidates = _candidates(module, len(names)) if len(names) > 1 or n_in is None else [(n_in,)]
    running, errors = dict[tuple[int, ...], bool](), dict[tuple[int, ...], Exception]()
    for widths in dict.fromkeys(candidates):
        if n_in in (None, sum(widths)):
            steps = [(N_STEPS,) if each and not states else () for each in are_sequences]
            shapes = [(N_SAMPLES, *at, n) for at, n in zip(steps, widths, strict=True)]
            shapes += [(N_SAMPLES, n) for n in states.values()]
            try:
                running[widths] = _reads_all(module, shapes, len(widths))
            except Exception as raised:  # whatever a user's forward raises
                errors[widths] = raised
    found = [widths for widths in running if running[widths]] or list(running)
    first = tuple(_linear_widths(module)[:1])
    if len(found) == 1 or first in found:
        return found[0] if len(found) == 1 else first
    if found:
        where = f"module {type(module).__name__}"
        repair = "Say it: from_torch(..., lower=..., upper=...), or inputs={'x': 2, 't': 1}."
        raise SpecError(where, "have an input of one width only", f"several that run, {found[:4]}", repair)
    widths, error = next(iter(errors.items()))
    corners = "" if n_in is None else "Give lower and upper one number for each coordinate. "
    repair = (
        corners
        + "Make the widths agree, leave conversions such as .float() out, and create tensors in the type of the input."
    )
    rule = f"have a forward pass that runs in float64 at points of {sum(widths)} coordinates"
    raise SpecError(failing_layer(module, error), rule, failure_text(error), repair)


def failing_layer(module: nn.Module, error: BaseException) -> str:
    """Name the innermost layer of a module in whose forward pass an error was raised."""
    names, found = {id(each): name for name, each in module.named_modules()}, ""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        layer = frame.f_locals.get("self")
        found = names.get(id(layer), "") or found
    where = f"module {type(module).__name__}"
    return f"{where}: layer {found!r} ({type(module.get_submodule(found)).__name__})" if found else where


def failure_text(error: BaseException) -> str:
    """Return the first line of an error, and the last line of the user's own file that led to it."""
    text = next((each for each in str(error).splitlines() if each.strip()), "")
    foreign = ("/torch/", str(Path(__file__).parent), "<")
    frames = [
        each for each in traceback.extract_tb(error.__traceback__) if not any(part in each.filename for part in foreign)
    ]
    place = f" in line {frames[-1].lineno} of {frames[-1].filename.rpartition('/')[2]}" if frames else ""
    return f"{type(error).__name__}: {text}{place}"


def _reads_all(module: nn.Module, shapes: Sequence[tuple[int, ...]], n_inputs: int) -> bool:
    """Run a module on random points, and return whether its output changes with every column of its inputs."""
    generator = torch.Generator().manual_seed(0)
    points = [torch.randn(shape, dtype=torch.float64, generator=generator) for shape in shapes]
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        plain = joined_outputs(module(*points))
        for index in range(n_inputs):
            for column in range(shapes[index][-1]):
                moved = [each.clone() for each in points]
                moved[index][..., column] += 1.0
                if torch.equal(joined_outputs(module(*moved)), plain):
                    return False
    return True


def _candidates(module: nn.Module, n_inputs: int) -> Iterator[tuple[int, ...]]:
    linear = _linear_widths(module)
    if n_inputs == 1:
        yield from ((n,) for n in (*linear, *range(1, MAX_TRIED + 1)))
        return
    each = sorted({*range(1, MAX_TRIED_EACH + 1), *(linear if n_inputs == 2 else ())})
    yield from itertools.product(each, repeat=n_inputs)


def _linear_widths(module: nn.Module) -> list[int]:
    """Return the widths of what the Linear layers read; the first one's is taken where other widths run too."""
    return [each.in_features for each in module.modules() if isinstance(each, nn.Linear)]
