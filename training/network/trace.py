"""The trace of a torch network as the record that every backend returns, so that torch is compared like the others.

The transforms of the host are computed in float64; everything between them in torch, in the type of the network.
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
from ...engine.trace import NO_PROBE, Backend, NodeCounts, NodeTrace, NumberArray, Probe, ProbeTrace, RunTrace
from ...network.spec import NetworkSpec, Readout
from ..neuron.unrolled import integrate_steps, reset
from ..neuron.vsn import VSN
from .network import VsnNetwork


@torch.no_grad()
def trace_network(module: VsnNetwork, network: NetworkSpec, points: FloatArray, probe: Probe = NO_PROBE) -> RunTrace:
    """Run a torch network on points and record the run as every backend does.

    Args:
        module: Network in torch.
        network: Record that the module was exported to, with names, digest and the transforms of the host.
        points: Physical coordinates, shape (n_samples, n_in), finite.
        probe: Samples and layers to record in full.

    Raises:
        SpecError: If the points are not finite, or of another number of coordinates than the network's.
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
    names = iter(layer.name for layer in network.populations)
    for layer in module.layers:
        if isinstance(layer, VSN):
            name = next(names)
            m, s = integrate_steps(signal, layer.beta, layer.theta, layer.rule.polarity, module.n_steps)
            membrane, fired = _samples_first(reset(m, s)), _samples_first(s) != 0.0
            signal = layer.unrolled(signal, module.n_steps).payload
            payload = _samples_first(signal)
            counts.append(NodeCounts(name=name, fired=fired.sum(axis=0), events=(payload != 0.0).sum(axis=0)))
            if probe.records(name):
                chosen = slice(n_probed)
                traces.append(
                    NodeTrace(name=name, membrane=membrane[chosen], fired=fired[chosen], payload=payload[chosen])
                )
        else:
            signal = layer(signal)
    emitted = _samples_first(signal)
    total = emitted[:, -1] if network.readout is Readout.LAST else emitted.sum(axis=1)
    recorded = ProbeTrace(samples=np.arange(n_probed), nodes=tuple(traces), output=emitted[:n_probed])
    return RunTrace(
        network_digest=network.digest(),
        backend=Backend.TORCH,
        n_steps=module.n_steps,
        outputs=decode_floats(network, held, total),
        readout=total,
        input_events=np.tile((x != 0).sum(axis=0), (module.n_steps, 1)),
        nodes=tuple(counts),
        probe=recorded if n_probed else None,
        seconds=time.perf_counter() - start,
    )


def _samples_first(steps: Tensor) -> NumberArray:
    """Convert a tensor (n_steps, n_samples, n) into a float64 array (n_samples, n_steps, n)."""
    array: NumberArray = steps.transpose(0, 1).cpu().double().numpy()
    return array
