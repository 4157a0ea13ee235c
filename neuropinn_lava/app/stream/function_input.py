"""Functions for a network that takes functions: from its own columns or from samples, checked against its distribution.

A network reads a function by numbers of its own, the columns of its held inputs: the coefficients of a `FunctionSpace`, or
samples at the sensors with which it was trained. Functions of no such distribution are evaluated, with a `DomainWarning` that
says how far they are from it.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...base.arrays import FloatArray, Record
from ...base.checks import as_member, check_choice, raise_violations
from ...base.errors import DomainWarning, SpecError
from ...base.points import checked_points
from ...geometry.function_samples import Interpolation, checked_samples_of_functions, interpolate_samples
from ...geometry.function_space import FunctionSpace
from ...network.quantized import Network
from ..lookup.network_domain import known_problem
from ..lookup.networks import float_network

if TYPE_CHECKING:
    from ...problems.problem import PdeProblem

SAME_PLACE = 1e-9
"""Largest distance of two sensors, relative to the extent of all, that counts as one place: a rounded decimal."""
LARGEST_PART = 0.01
"""Part of the samples outside of the span of the distribution, relative to them, up to which nothing is said: that of a random
field whose smallest waves were left out."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FunctionSamples(Record):
    """The places at which functions were sampled, and what to do where they are not those of the training."""

    sensors: FloatArray | None = None
    """Where the functions were sampled, (n_sensors,) or (n_sensors, n_axes); None where they are columns of the network."""
    trained_sensors: FloatArray | None = None
    """Sensors with which the network was trained, in its order; None where its problem says what it reads."""
    interpolation: Interpolation | None = None
    """How samples become values at other places; None refuses other sensors than those of the training."""


def function_columns(
    network: Network, functions: object, samples: FunctionSamples, problem: PdeProblem | None, where: str
) -> FloatArray:
    """Convert functions to the columns of the held inputs of a network, and warn of those outside its distribution.

    Args:
        network: Float or quantized.
        functions: The columns themselves, shape (n_functions, n_columns), or a mapping from the name of each held input to its
            own; or samples (n_functions, n_sensors).
        samples: Where they were sampled.
        problem: Problem that the network solves; None looks it up.
        where: The function that was called, for errors.

    Raises:
        SpecError: If the network holds no input, a width is wrong, or the sensors are not those of the training.
    """
    held = [each for each in network.inputs if each.is_held]
    if not held:
        repair = "Run points through it: `neuropinn_lava.run`, or `stream`."
        raise SpecError(f"{where}: network {network.name!r}", "take a function, a held input", "no held input", repair)
    width = sum(each.width for each in held)
    space = _space_of(known_problem(network, problem, f"{where}.problem"), width)
    if samples.sensors is not None:
        columns, outside_part = _from_samples(network, functions, samples, space, width, where)
        _warn_of_columns(network, columns, space, where, outside_part)
        return columns
    if samples.interpolation is not None or samples.trained_sensors is not None:
        repair = "Give `sensors`, where the functions were sampled."
        raise SpecError(f"{where}.sensors", "be given where functions are interpolated", None, repair)
    if not isinstance(functions, Mapping):
        shape = np.asarray(functions).shape
        if len(shape) != 2 or shape[1] != width:
            repair = f"Give one row a function and {width} columns; samples of functions need `sensors`, where they were taken."
            raise SpecError(f"{where}.functions", f"have the shape (n, {width})", shape, repair)
    columns = side_by_side_inputs(functions, {each.name: each.width for each in held}, f"{where}.functions")
    _warn_of_columns(network, columns, space, where)
    return columns


def side_by_side_inputs(given: object, widths: Mapping[str, int], where: str) -> FloatArray:
    """Check the columns of some inputs, an array of all of them or a mapping by name; return them side by side.

    Raises:
        SpecError: If an input is missing or unknown, a width is wrong, or the numbers of rows differ.
    """
    if not isinstance(given, Mapping):
        return checked_points(given, sum(widths.values()), where)
    raise_violations(each for name in given for each in check_choice(f"{where}: input", name, list(widths)))
    missing = [name for name in widths if name not in given]
    if missing:
        raise SpecError(where, f"hold {', '.join(widths)}", f"none for {', '.join(missing)}", "Add it.")
    parts = {name: checked_points(given[name], width, f"{where}: input {name!r}") for name, width in widths.items()}
    if len({len(part) for part in parts.values()}) > 1:
        got = ", ".join(f"{len(part)} in {name!r}" for name, part in parts.items())
        raise SpecError(where, "have as many rows in every input", got, "Give arrays that belong together.")
    return np.concatenate(list(parts.values()), axis=1)


def _space_of(problem: PdeProblem | None, width: int) -> FunctionSpace | None:
    """Return the distribution of the functions of a problem, None where it has several, or other columns beside them."""
    parameters = [] if problem is None else list(problem.parameters.values())
    only = parameters[0] if len(parameters) == 1 else None
    return only if isinstance(only, FunctionSpace) and only.n == width else None


def _from_samples(
    network: Network,
    functions: object,
    samples: FunctionSamples,
    space: FunctionSpace | None,
    width: int,
    where: str,
) -> tuple[FloatArray, FloatArray | None]:
    """Return the columns of sampled functions: samples at the trained sensors, or coefficients and what these leave out."""
    values, sensors = checked_samples_of_functions(functions, samples.sensors, where)
    if samples.trained_sensors is not None:
        trained = _as_places(samples.trained_sensors, f"{where}.trained_sensors")
        if len(trained) != width:
            rule = f"be {width}, the width of the held input of network {network.name!r}"
            raise SpecError(f"{where}.trained_sensors", rule, len(trained), "Give the sensors of the training.")
        return _at_sensors(values, sensors, trained, samples.interpolation, where), None
    if space is None:
        rule = "be given where the network's problem does not say at which sensors it reads a function"
        repair = f"Give them, or the {width} columns of the held input without `sensors`."
        raise SpecError(f"{where}.trained_sensors", rule, None, repair)
    if sensors.shape[1] != len(space.along):
        rule = f"have the coordinates {', '.join(space.along)} of the function"
        raise SpecError(f"{where}.sensors", rule, f"{sensors.shape[1]} columns", "Give one column for each.")
    if len(sensors) < space.n or samples.interpolation is not None:
        grid = _even_grid(space)
        values, sensors = _at_sensors(values, sensors, grid, samples.interpolation, where, fewest=space.n), grid
    columns = space.coefficients(values, sensors)
    return columns, space.outside_part(values, sensors, columns)


def _as_places(sensors: object, where: str) -> FloatArray:
    """Return sensors as places (n_sensors, n_axes)."""
    array = np.asarray(sensors, dtype=np.float64)
    array = array[:, None] if array.ndim == 1 else array
    return checked_points(array, array.shape[1] if array.ndim == 2 else 1, where)


def _even_grid(space: FunctionSpace) -> FloatArray:
    """Return twice as many places along each axis as the waves need, evenly from end to end, (n_places, n_axes)."""
    n = 2 * max(max(numbers) for _, numbers in space.waves) + 3
    axis = np.linspace(*space.interval, n)
    grid: FloatArray = np.stack(np.meshgrid(*[axis] * len(space.along), indexing="ij"), axis=-1)
    return grid.reshape(-1, len(space.along))


def _at_sensors(
    values: FloatArray,
    sensors: FloatArray,
    wanted: FloatArray,
    kind: Interpolation | None,
    where: str,
    fewest: int | None = None,
) -> FloatArray:
    """Return samples at the wanted places: as they are where these are the sensors, interpolated where that was asked for."""
    extent = float(np.ptp(wanted, axis=0).max()) if len(wanted) > 1 else 1.0
    is_same = sensors.shape == wanted.shape and bool((np.abs(sensors - wanted) <= SAME_PLACE * extent).all())
    if is_same:
        return values
    if kind is not None:
        return interpolate_samples(values, sensors, wanted, kind)
    if fewest is None:
        rule, got = f"be those of the training, {_described(wanted)}", _described(sensors)
        repair = "Sample the functions there, or ask for an interpolation: interpolate='cubic' or 'linear'."
    else:
        rule, got = f"be at least {fewest}, as many as the network's distribution has waves", _described(sensors)
        repair = "Sample at more places, or ask for an interpolation: interpolate='cubic' or 'linear'."
    raise SpecError(f"{where}.sensors", rule, got, repair)


def _described(places: FloatArray) -> str:
    """Describe sensors by their number and the first and last of them."""
    first, last = (", ".join(f"{each:g}" for each in places[row]) for row in (0, -1))
    pair = (f"({first})", f"({last})") if places.shape[1] > 1 else (first, last)
    return f"{len(places)} from {pair[0]} to {pair[1]}"


def _warn_of_columns(
    network: Network,
    columns: FloatArray,
    space: FunctionSpace | None,
    where: str,
    outside_part: FloatArray | None = None,
) -> None:
    """Warn once of functions that are none of the distribution, with how far the farthest is from it."""
    reasons = []
    if space is not None:
        distance, farthest = space.distances(columns), space.farthest_distance
        if n := int(np.count_nonzero(distance > farthest)):
            reasons.append(
                f"{n:,} lie up to {distance.max():.3g} times as far from the mean as a typical function, where one of a"
                f" million lies beyond {farthest:.3g}"
            )
    else:
        far = _excess(network, columns)
        if n := int(np.count_nonzero(far > 1.0)):
            reasons.append(f"{n:,} have columns up to {far.max():.3g} times as far out as the range of the training")
    if outside_part is not None and (n := int(np.count_nonzero(outside_part > LARGEST_PART))):
        reasons.append(
            f"{n:,} have up to {outside_part.max():.1%} of their samples outside of the span of its functions"
        )
    if reasons:
        text = (
            f"{where}: of {len(columns):,} functions, {'; '.join(reasons)}. They are none of the distribution that network"
            f" {float_network(network).name!r} was trained on; what it puts out for them is extrapolated."
        )
        warnings.warn(text, DomainWarning, stacklevel=5)


def _excess(network: Network, columns: FloatArray) -> FloatArray:
    """Return how far out the columns of the held inputs are: 1 is the edge of the range of the training."""
    source = float_network(network)
    is_held = np.concatenate([np.full(each.width, each.is_held) for each in source.inputs])
    lower, upper = source.lower[is_held], source.upper[is_held]
    found: FloatArray = np.abs((columns - (lower + upper) / 2) / ((upper - lower) / 2)).max(axis=1)
    return np.where(found <= 1.0 + SAME_PLACE, np.minimum(found, 1.0), found)


def chosen_samples(
    sensors: object, trained_sensors: object, interpolate: Interpolation | str | None, where: str
) -> FunctionSamples:
    """Build the record from a verb's arguments.

    Raises:
        SpecError: If the interpolation is unknown.
    """
    return FunctionSamples(
        sensors=None if sensors is None else np.asarray(sensors, dtype=np.float64),
        trained_sensors=None if trained_sensors is None else np.asarray(trained_sensors, dtype=np.float64),
        interpolation=None if interpolate is None else as_member(Interpolation, interpolate, f"{where}.interpolate"),
    )
