"""The verb `run_grid`: functions x points through a network that takes functions, in memory or into a file of any size.

    u = nl.run_grid(chip, loads, points)                          (n_functions, n_points, n_out)
    u = nl.run_grid(chip, loads, points, out="u.npy")             the same, mapped from the file

The points of one function follow each other, so that a backend that holds the branch computes it once for each function.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...base.arrays import FloatArray
from ...engine.trace import Backend, LavaMode
from ...geometry.function_samples import Interpolation
from ...network.given_networks import checked_network
from ...network.quantized import Network
from ..lookup.network_domain import count_outside, warn_of_count
from ..verbs.run import RunChoices, run_chosen
from .arrays_io import PointFile, open_points, read_points
from .function_input import FunctionSamples, chosen_samples, function_columns, side_by_side_inputs
from .point_source import PointSource, suitable_block
from .stream import check_rows, stream

if TYPE_CHECKING:
    from ...problems.problem import PdeProblem

SLICE = 1 << 16
"""Rows of a grid that are put together at a time."""
GridPoints = str | Path | PointFile | FloatArray | Mapping[str, FloatArray]
"""Points of a grid: a file, an array of the columns of all inputs that are not held, or an array for each of them by name."""


def run_grid(
    network: Network,
    functions: FloatArray | Mapping[str, FloatArray],
    points: GridPoints,
    *,
    out: str | Path | None = None,
    sensors: FloatArray | None = None,
    trained_sensors: FloatArray | None = None,
    interpolate: Interpolation | str | None = None,
    problem: PdeProblem | None = None,
    backend: Backend | str = Backend.INTEGER,
    mode: LavaMode | str | None = None,
    block_size: int | None = None,
    device: str | None = None,
) -> FloatArray:
    """Evaluate a network at every point for every function.

    Functions outside the distribution that the network was trained on are evaluated, with one `DomainWarning` that says how
    far they are; so are points outside the domain. A run of hours, which may be interrupted or shared by workers, is
    `stream(network, function_grid(network, functions, points), "u.npy", resume=True)`.

    Args:
        network: Float or quantized, with at least one held input.
        functions: As for `function_grid`, like `sensors`, `trained_sensors`, `interpolate` and `problem`.
        points: The other inputs, as for `function_grid`.
        out: File for the outputs, .npy, which is written block by block, so that memory does not grow with the grid; None
            computes them in memory.
        sensors: Where the functions were sampled.
        trained_sensors: Sensors at which the network was trained to read its function, if its columns are samples.
        interpolate: How samples from other sensors become what the network reads; None refuses them.
        problem: The problem that the network solves; None looks it up.
        backend: Backend that computes, as in `run`.
        mode: How samples go through Lava; None is batched.
        block_size: Rows of a block, function x point; None chooses it.
        device: Microcontroller that the backend `c99` emulates.

    Returns:
        Outputs, shape (n_functions, n_points, n_out), mapped from the file where there is one.

    Raises:
        SpecError: If the network holds no input, a width does not match, or the sensors are not those of the training and no
            interpolation was asked for.
        SimulationError: If a run fails.
    """
    held = checked_network(network, "run_grid.network")
    check_rows(held)
    choices = RunChoices.of("run_grid", backend, mode, device=device)
    samples = chosen_samples(sensors, trained_sensors, interpolate, "run_grid")
    source = grid_source(held, functions, points, samples, problem, "run_grid")
    if out is None:
        return _in_memory(held, source, choices, block_size)
    stream(held, source, out, backend=backend, mode=mode, block_size=block_size, device=device)
    mapped: FloatArray = np.load(out, mmap_mode="r", allow_pickle=False)
    return mapped


def function_grid(
    network: Network,
    functions: FloatArray | Mapping[str, FloatArray],
    points: GridPoints,
    *,
    sensors: FloatArray | None = None,
    trained_sensors: FloatArray | None = None,
    interpolate: Interpolation | str | None = None,
    problem: PdeProblem | None = None,
) -> PointSource:
    """Build the rows of functions x points for `stream`, which writes them as an array (n_functions, n_points, n_out).

    The points of the first function come first. Rows are put together when they are read.

    Args:
        network: Float or quantized, with at least one held input.
        functions: Columns of the held inputs, shape (n_functions, n_columns): coefficients of the problem's functions, or
            samples at the sensors of the training; or a mapping from the name of each held input to its columns. With
            `sensors`, samples (n_functions, n_sensors), of which coefficients are made.
        points: The other inputs: an array (n_points, n_columns), a file of it, or a mapping from their names to arrays.
        sensors: Where the functions were sampled, shape (n_sensors,) or (n_sensors, n_axes).
        trained_sensors: Sensors at which the network was trained to read its function, if its columns are samples.
        interpolate: `linear` or `cubic`: interpolate samples from other sensors than those of the training, or from fewer than
            the distribution has waves. None refuses them.
        problem: The problem that the network solves; None looks up the one that its provenance names.

    Raises:
        SpecError: If the network holds no input, a width does not match, or the sensors are not those of the training and no
            interpolation was asked for.
        FileFormatError: If a file of points cannot be read.
    """
    held = checked_network(network, "function_grid.network")
    samples = chosen_samples(sensors, trained_sensors, interpolate, "function_grid")
    return grid_source(held, functions, points, samples, problem, "function_grid")


def _in_memory(network: Network, source: PointSource, choices: RunChoices, block_size: int | None) -> FloatArray:
    """Run the blocks of a grid one after the other."""
    assert source.n_points is not None, "a grid has a known number of rows"
    outputs = np.empty((source.n_points, network.n_out))
    size = block_size or suitable_block(network, choices.lava_mode)
    done = n_outside = 0
    for block in source.blocks(0, size, network):
        outputs[done : done + len(block)] = run_chosen(network, block, choices).outputs
        n_outside += count_outside(network, block, with_held=False)
        done += len(block)
    warn_of_count(network, n_outside, done, "run_grid", stacklevel=4)
    return outputs.reshape(*source.axes, network.n_out)


def grid_source(
    network: Network,
    functions: FloatArray | Mapping[str, FloatArray],
    points: GridPoints,
    samples: FunctionSamples,
    problem: PdeProblem | None,
    where: str,
) -> PointSource:
    """Build the rows of a grid; `where` names the verb in errors.

    Args:
        network: Float or quantized.
        functions: Columns of the held inputs, or samples.
        points: The other inputs.
        samples: Where the functions were sampled, if they are samples.
        problem: The problem that the network solves; None looks it up.
        where: The function that was called, for errors.

    Raises:
        SpecError: If the network holds no input, or widths or sensors do not match.
        FileFormatError: If a file of points cannot be read.
    """
    columns = function_columns(network, functions, samples, problem, where)
    widths = {each.name: each.width for each in network.inputs if not each.is_held}
    at, digest = _grid_points(points, widths, f"{where}.points")
    places, first = {}, 0
    for each in network.inputs:
        places[each.name] = slice(first, first + each.width)
        first += each.width
    held = [each.name for each in network.inputs if each.is_held]
    order = np.concatenate([np.arange(places[name].start, places[name].stop) for name in (*held, *widths)])
    back = np.argsort(order)

    def rows(start: int) -> Iterator[FloatArray]:
        """Put the rows from number `start` on together, in slices."""
        n_rows = len(columns) * len(at)
        for begin in range(start, n_rows, SLICE):
            function, point = np.divmod(np.arange(begin, min(begin + SLICE, n_rows)), len(at))
            yield np.concatenate([columns[function], at[point]], axis=1)[:, back]

    held_digest = hashlib.sha256(np.ascontiguousarray(columns).data).hexdigest()
    return PointSource(
        n_points=len(columns) * len(at),
        fingerprint=f"functions sha256 {held_digest}, points {digest}",
        arrays=rows,
        axes=(len(columns), len(at)),
    )


def _grid_points(points: GridPoints, widths: Mapping[str, int], where: str) -> tuple[FloatArray, str]:
    """Return the points of a grid (n_points, n_columns), mapped from an .npy file, and what they are known again by."""
    if isinstance(points, (str, Path, PointFile)):
        file = open_points(points)
        is_mapped = file.path.suffix.lower() == ".npy"
        at = np.load(file.path, mmap_mode="r", allow_pickle=False) if is_mapped else read_points(file)
        side_by_side_inputs(at[:1], widths, where)  # every block is checked when it is read
        return at, file.fingerprint
    checked = side_by_side_inputs(points, widths, where)
    return checked, f"sha256 {hashlib.sha256(np.ascontiguousarray(checked).data).hexdigest()}"
