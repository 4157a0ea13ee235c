"""The verb `probe`: membranes, spikes and payloads of chosen points, nodes and steps, from a file of any number of points.

No sample depends on another one, so that only the chosen points are run: their values are those of a run of all points.
"""

from __future__ import annotations

import io
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ...base.arrays import FloatArray, IntArray, Record
from ...base.errors import SpecError
from ...base.points import without_graph
from ...engine.trace import Backend, LavaMode, Probe, ProbeTrace
from ...files.atomic import check_writable, write_bytes, write_text
from ...network.given_networks import checked_network
from ...network.given_points import checked_samples
from ...network.quantized import Network
from ..lookup.network_domain import warn_outside
from ..verbs.run import RunChoices, run_chosen
from .arrays_io import PointFile, open_points

PROBE_NAME = "probe.h5"
"""Name of the file with the values in a probe's folder."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ProbeRun(Record):
    """A recording of chosen points and its wall time."""

    trace: ProbeTrace
    """Recorded values; samples are numbered as in the file."""
    seconds: float
    """Wall time of the run of the chosen points."""


def probe(
    network: Network,
    points: str | Path | PointFile | FloatArray,
    chosen: Probe,
    *,
    backend: Backend | str = Backend.LAVA,
    mode: LavaMode | str | None = None,
) -> ProbeRun:
    """Record chosen samples, nodes and steps in full.

    Args:
        network: Float or quantized.
        points: All points, in a file, which may be opened already, or an array, as `run` takes it.
        chosen: Samples, nodes and steps to record; `samples` count the points from 0.
        backend: Backend that computes, as in `run`.
        mode: How samples go through Lava; the values do not depend on it. For the backend `lava` only.

    Raises:
        SpecError: If a sample, node or step is chosen that there is not, or a mode without Lava.
        SimulationError: If a Lava run fails.
    """
    held = checked_network(network, "probe.network")
    choices = RunChoices.of("probe", backend, mode)
    numbers = chosen.samples if chosen.samples is not None else tuple(range(chosen.n_samples))
    if not numbers:
        raise SpecError("probe.chosen", "name at least one sample", 0, "Choose samples.")
    start = time.perf_counter()
    where = f"probe: points of network {held.name!r}"
    picked = checked_samples(_picked(points, np.array(numbers, dtype=np.int64)), held, where)
    first = replace(chosen, samples=None, n_samples=len(picked))
    trace = run_chosen(held, picked, choices, first).probe
    assert trace is not None  # there are samples
    warn_outside(held, picked, "probe")
    return ProbeRun(trace=replace(trace, samples=np.array(numbers[: len(picked)])), seconds=time.perf_counter() - start)


def _picked(points: str | Path | PointFile | FloatArray, numbers: IntArray) -> FloatArray:
    """Read the points with these ascending numbers.

    Raises:
        SpecError: If one of them is beyond the end.
    """
    if isinstance(points, (str, Path, PointFile)):
        blocks = open_points(points).blocks()
    else:
        blocks = iter([np.asarray(without_graph(points))])
    found, n_seen = [], 0
    for block in blocks:
        found.append(block[numbers[(numbers >= n_seen) & (numbers < n_seen + len(block))] - n_seen])
        n_seen += len(block)
        if n_seen > numbers[-1]:
            return np.concatenate(found)
    raise SpecError("Probe.samples", f"be numbers below {n_seen}", int(numbers[-1]), "Choose samples that there are.")


def write_probe(recorded: ProbeTrace, folder: str | Path) -> tuple[Path, ...]:
    """Write a probe: `probe.h5` with the values, a raster and the membranes of each layer as SVG; return the files.

    Raises:
        SpecError: If the folder cannot be made or written.
    """
    import h5py

    from ...hardware_sim.report.figures.probe_figures import draw_probe

    target = Path(folder)
    try:
        target.mkdir(exist_ok=True)
    except OSError as error:
        raise SpecError(f"output {target}", "be a folder that can be made", error, "Choose another one.") from error
    file = check_writable(target / PROBE_NAME)
    held = io.BytesIO()  # on a full disk, libhdf5 may end the process when it closes a file
    with h5py.File(held, "w") as handle:
        handle["samples"], handle["output"] = recorded.samples, recorded.output
        handle["steps"] = np.arange(recorded.output.shape[1]) if recorded.steps is None else recorded.steps
        for node in recorded.nodes:
            for name in ("membrane", "fired", "payload"):
                handle[f"layers/{node.name}/{name}"] = getattr(node, name)
    write_bytes(file, held.getvalue())
    figures = draw_probe(recorded)
    for figure in figures:
        write_text(target / f"{figure.name}.svg", figure.standalone)
    return file, *(target / f"{figure.name}.svg" for figure in figures)
