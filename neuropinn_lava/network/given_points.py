"""Check of the points that users pass to a network: rows of coordinates, sequences, or one array for each input by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from ..base.arrays import FloatArray
from ..base.checks import check_choice, raise_violations
from ..base.errors import SpecError, Violation
from ..base.points import checked_points, checked_sequences
from .quantized import Network

MAX_SEQUENCE = 1 << 16
"""Largest number of steps of a sequence in one run; a state continues it in the next."""


def checked_samples(points: object, network: Network, where: str) -> FloatArray:
    """Convert points to one float64 array and check it against the inputs of a network.

    Args:
        points: An array with the columns of all inputs, (n_samples, n_in), with sequences (n_samples, n_steps, n_in); or a
            mapping from the name of each input to its own array, in which constant inputs have no axis of steps, and a held
            input may have one row, which all samples share.
        network: Float or quantized.
        where: The function and its argument, for errors.

    Returns:
        Shape (n_samples, n_in); (n_samples, n_steps, n_in) where an input is a sequence.

    Raises:
        SpecError: If an input is left out or unknown, if a shape is wrong, if sequences differ in length, if a constant input
            changes with the steps, or if a number is not finite.
    """
    given = _joined(points, network, where) if isinstance(points, Mapping) else points
    if not any(each.is_sequence for each in network.inputs):
        raise_violations(_held_left_out(given, network, where))
        return checked_points(given, network.n_in, where)
    array = checked_sequences(given, network.n_in, where)
    if array.shape[1] > MAX_SEQUENCE:
        repair = "Cut the sequence, and continue it with the state that a run returns."
        raise SpecError(where, f"have at most {MAX_SEQUENCE} steps", array.shape[1], repair)
    raise_violations(_changes(array, network, where))
    return array


def _held_left_out(given: object, network: Network, where: str) -> Iterator[Violation]:
    """Find an array of points that has the columns of all inputs but the held ones."""
    held = [each for each in network.inputs if each.is_held]
    shape = given.shape if isinstance(given, np.ndarray) else ()
    if held and len(shape) == 2 and shape[1] == network.n_in - sum(each.width for each in held):
        repair = "Give functions and points apart: `run_grid(network, functions, points)`, or `run --functions` in a terminal."
        names = " and ".join(each.name for each in held)
        yield Violation(where, f"have {network.n_in} columns, also those of {names}", f"{shape[1]} columns", repair)


def _changes(array: FloatArray, network: Network, where: str) -> Iterator[Violation]:
    """Find constant inputs whose columns change from step to step."""
    for each, part in zip(network.inputs, network.split_inputs(array).values(), strict=True):
        changes = np.argwhere((part != part[:, :1]).any(axis=-1))
        if not each.is_sequence and len(changes):
            sample, step = changes[0]
            repair = "Repeat its values at every step, or give a mapping of inputs, in which it has no axis of steps."
            place, got = f"{where}: constant input {each.name!r}", f"a change at step {step} of sample {sample}"
            yield Violation(place, "be the same at every step", got, repair)


def _joined(points: Mapping[str, object], network: Network, where: str) -> FloatArray:
    """Put the arrays of a mapping side by side, in the order of the network's inputs."""
    names = [each.name for each in network.inputs]
    raise_violations(violation for name in points for violation in check_choice(f"{where}: input", name, names))
    missing = [name for name in names if name not in points]
    if missing:
        raise SpecError(where, f"hold every input of {', '.join(names)}", f"none for {', '.join(missing)}", "Add it.")
    parts = {}
    for each in network.inputs:
        check = checked_sequences if each.is_sequence else checked_points
        parts[each.name] = check(points[each.name], each.width, f"{where}: input {each.name!r}")
    n_samples = max(map(len, parts.values()))
    for each in network.inputs:
        if each.is_held and len(parts[each.name]) == 1:
            parts[each.name] = np.repeat(parts[each.name], n_samples, axis=0)
    for axis, rule in ((0, "have as many samples in every input"), (1, "have sequences of one length")):
        lengths = {n: part.shape[axis] for n, part in parts.items() if axis == 0 or part.ndim == 3}
        if len(set(lengths.values())) > 1:
            got = ", ".join(f"{n} in {name!r}" for name, n in lengths.items())
            raise SpecError(where, rule, got, "Give arrays that belong together.")
    n_steps = next((part.shape[1] for part in parts.values() if part.ndim == 3), None)
    if n_steps is not None:
        parts = {
            name: part if part.ndim == 3 else np.repeat(part[:, None], n_steps, axis=1) for name, part in parts.items()
        }
    return np.concatenate(list(parts.values()), axis=-1)
