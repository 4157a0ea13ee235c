"""Recording of chosen samples and steps, with engines that record only the first samples.

The values of a sample depend on no other sample. So the chosen samples are moved to the front, the run is recorded, and the
outputs are put back in order: no engine has to know which samples were chosen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..base.arrays import FloatArray, IntArray
from ..base.errors import SpecError
from .trace import NodeTrace, Probe, ProbeTrace, RunTrace


def run_probed(
    run: Callable[[FloatArray, Probe], RunTrace], points: FloatArray, probe: Probe, n_steps: int
) -> RunTrace:
    """Run with the chosen samples first, and put the outputs back in order.

    Args:
        run: An engine, called once with points in another order and a probe of the first ones.
        points: Physical coordinates, shape (n_samples, n_in).
        probe: What to record.
        n_steps: T of the network.

    Raises:
        SpecError: If a chosen sample or step does not exist.
    """
    _check_last("samples", probe.samples, len(points))
    _check_last("steps", probe.steps, n_steps)
    if probe.samples is None:
        trace = run(points, Probe(n_samples=probe.n_samples, nodes=probe.nodes))
        return replace(trace, probe=_kept(trace.probe, None, probe.steps))
    chosen = np.array(probe.samples, dtype=np.int64)
    is_rest = np.ones(len(points), dtype=np.bool_)
    is_rest[chosen] = False
    order = np.concatenate([chosen, np.flatnonzero(is_rest)])
    trace = run(points[order], Probe(n_samples=len(chosen), nodes=probe.nodes))
    outputs, readout = np.empty_like(trace.outputs), np.empty_like(trace.readout)
    outputs[order], readout[order] = trace.outputs, trace.readout
    return replace(trace, outputs=outputs, readout=readout, probe=_kept(trace.probe, chosen, probe.steps))


def _check_last(name: str, chosen: tuple[int, ...] | None, n: int) -> None:
    if chosen is not None and chosen[-1] >= n:
        raise SpecError(f"Probe.{name}", f"be numbers below {n}", chosen[-1], f"Choose {name} that the run has.")


def _kept(probe: ProbeTrace | None, samples: IntArray | None, steps: tuple[int, ...] | None) -> ProbeTrace | None:
    """Return the trace with the numbers that the samples have in the run, and with the chosen steps only."""
    if probe is None:
        return None
    samples = probe.samples if samples is None else samples
    if steps is None:
        return replace(probe, samples=samples)
    at = np.array(steps, dtype=np.int64)
    nodes = tuple(
        NodeTrace(name=node.name, membrane=node.membrane[:, at], fired=node.fired[:, at], payload=node.payload[:, at])
        for node in probe.nodes
    )
    return ProbeTrace(samples=samples, nodes=nodes, output=probe.output[:, at], steps=at)
