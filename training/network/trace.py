"""The trace of a torch module in the record that every backend gives, so that torch can be compared like the others.

The host's transforms stay in float64; everything between them is torch, in the module's own type. This module knows modules
and traces; it does not compare.
"""

from __future__ import annotations

import time
from functools import partial

import numpy as np
import torch
from torch import Tensor

from ...base.arrays import FloatArray
from ...base.points import checked_points
from ...engine.host import decode_floats
from ...engine.probe import run_probed
from ...engine.trace import NO_PROBE, Backend, LayerCounts, LayerTrace, NumberArray, Probe, ProbeTrace, RunTrace
from ...network.spec import NetworkSpec, Readout
from ..neuron.unrolled import integrate_steps, rested
from ..neuron.vsn import VSN
from .network import VsnNetwork


@torch.no_grad()
def trace_network(module: VsnNetwork, network: NetworkSpec, points: FloatArray, probe: Probe = NO_PROBE) -> RunTrace:
    """Run a torch module on points and record it as a backend would.

    Args:
        module: The module.
        network: What it was exported to; gives names, digest and the host's transforms.
        points: Physical coordinates, shape (n_samples, n_in), finite.
        probe: What to record in full.

    Raises:
        SpecError: If the points are not what the network takes.
    """
    held = checked_points(points, network.n_in, f"trace_network: points of network {network.name!r}")
    if probe.is_chosen:
        return run_probed(partial(trace_network, module, network), held, probe, module.n_steps)
    start = time.perf_counter()
    x = network.input_transform.apply(held)
    weight = next(module.parameters())
    signal = torch.as_tensor(x).to(weight)
    n_probed = probe.count(len(held))
    counts, traces = [], []
    names = iter(layer.name for layer in network.layers)
    for layer in module.layers:
        if isinstance(layer, VSN):
            name = next(names)
            trace = _layer_trace(name, layer, signal, module.n_steps)
            counts.append(_counts(trace))
            if probe.records(name):
                traces.append(_first(trace, n_probed))
            signal = layer.unrolled(signal, module.n_steps).payload
        else:
            signal = layer(signal)
    emitted = _samples_first(signal)
    total = emitted[:, -1] if network.readout is Readout.LAST else emitted.sum(axis=1)
    recorded = ProbeTrace(samples=np.arange(n_probed), layers=tuple(traces), output=emitted[:n_probed])
    return RunTrace(
        network_digest=network.digest(),
        backend=Backend.TORCH,
        n_steps=module.n_steps,
        outputs=decode_floats(network, held, total),
        readout=total,
        input_events=np.tile((x != 0).sum(axis=0), (module.n_steps, 1)),
        layers=tuple(counts),
        probe=recorded if n_probed else None,
        seconds=time.perf_counter() - start,
    )


def _samples_first(steps: Tensor) -> NumberArray:
    """Turn (n_steps, n_samples, n) into float64 (n_samples, n_steps, n)."""
    array: NumberArray = steps.transpose(0, 1).cpu().double().numpy()
    return array


def _layer_trace(name: str, layer: VSN, drive: Tensor, n_steps: int) -> LayerTrace:
    """Record every step of one layer for all samples."""
    membranes, fired = integrate_steps(drive, None, layer.beta, layer.theta, layer.rule.polarity, n_steps)
    payload = layer.unrolled(drive, n_steps).payload
    return LayerTrace(
        name=name,
        membrane=_samples_first(rested(membranes, fired)),
        fired=_samples_first(fired) != 0.0,
        payload=_samples_first(payload),
    )


def _counts(trace: LayerTrace) -> LayerCounts:
    return LayerCounts(name=trace.name, fired=trace.fired.sum(axis=0), events=(trace.payload != 0.0).sum(axis=0))


def _first(trace: LayerTrace, n: int) -> LayerTrace:
    """Keep the first n samples."""
    return LayerTrace(name=trace.name, membrane=trace.membrane[:n], fired=trace.fired[:n], payload=trace.payload[:n])
