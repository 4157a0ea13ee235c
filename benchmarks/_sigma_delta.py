"""An ordinary network as sigma-delta neurons, which send how much their activation changed since they last spoke.

    x[t] = x[t-1] + W d_in[t]                 sigma: sums up what comes in;   x[0] = b
    a[t] = phi(x[t])
    d[t] = a[t] - r[t-1]  where |a[t] - r[t-1]| >= q, else 0          delta: a graded message, or none
    r[t] = r[t-1] + d[t]                      what the next layer knows of a

Steps are points that follow each other, as along a scan or in time: the closer they lie, the less is sent. A point alone is a
sequence of one step from rest. Nothing is trained, and no error adds up: |a - r| < q always. This is a baseline: literal, in
float64; it does not run on Lava. This module knows float networks only.

Source: O'Connor and Welling, arXiv 1611.02024; Lava-DL's SDNN (`lava.lib.dl.slayer.block.sigma_delta`), for the message.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from _message_counts import CodedRun, MessageCounts, fan_outs

from neuropinn_lava.base.arrays import FloatArray
from neuropinn_lava.base.checks import check_range, raise_violations
from neuropinn_lava.base.errors import SpecError, Violation
from neuropinn_lava.base.points import checked_points
from neuropinn_lava.network.activations import find_activation
from neuropinn_lava.network.nodes import OutputSpec, Polarity, PopulationSpec
from neuropinn_lava.network.spec import NetworkSpec


def run_sigma_delta(network: NetworkSpec, sequences: FloatArray, threshold: float) -> CodedRun:
    """Run an ordinary network as sigma-delta neurons along sequences of points.

    The input is sent as deltas too, each change of it; a step goes through all layers before the next one begins.

    Args:
        network: Every neuron fires always: polarity "both" with theta = 0, one step.
        sequences: Physical points, shape (n_sequences, n_points, n_in); every sequence starts from rest.
        threshold: q, in units of the activations, not negative.

    Returns:
        Outputs in the order of the points, shape (n_sequences * n_points, n_out), and the messages.

    Raises:
        SpecError: If a neuron of the network may be silent, or the points or q are refused.
    """
    raise_violations(_violations(network, threshold))
    reached = fan_outs(network)
    sequences = np.asarray(sequences)
    if sequences.ndim != 3:
        repair = "Give single points the shape (n, 1, n_in)."
        raise SpecError(
            "run_sigma_delta.sequences", "have the shape (n_sequences, n_points, n_in)", sequences.shape, repair
        )
    points = checked_points(sequences.reshape(-1, sequences.shape[2]), network.n_in, "run_sigma_delta.sequences")
    inputs = network.input_transform.apply(points).reshape(sequences.shape)
    stages: tuple[PopulationSpec | OutputSpec, ...] = (*network.populations, network.output)
    phis = [find_activation(layer.activation).phi for layer in network.populations]
    x = [np.tile(stage.bias, (len(inputs), 1)) for stage in stages]
    r = [np.zeros((len(inputs), stage.n_in)) for stage in stages]
    sent = [np.zeros(stage.n_in, dtype=np.int64) for stage in stages]
    outputs = np.empty((*inputs.shape[:2], network.n_out))
    for t in range(inputs.shape[1]):
        a = inputs[:, t]
        for index, stage in enumerate(stages):
            change = a - r[index]
            d = np.where(np.abs(change) >= (threshold if index else 0.0), change, 0.0)
            r[index] += d
            sent[index] += np.count_nonzero(d, axis=0)
            x[index] += d @ stage.weight.T
            a = phis[index](x[index]) if index < len(phis) else x[index]
        outputs[:, t] = a
    names = ("input", *(layer.name for layer in network.populations))
    return CodedRun(
        outputs=network.restored(points, outputs.reshape(len(points), -1)),
        n_steps=1,
        layers=tuple(
            MessageCounts(name=name, messages=n, fan_out=fan_out)
            for name, n, fan_out in zip(names, sent, reached, strict=True)
        ),
    )


def _violations(network: NetworkSpec, threshold: float) -> Iterator[Violation]:
    yield from check_range("run_sigma_delta.threshold", threshold, 0.0, 1e6)
    for layer in network.populations:
        if layer.polarity is not Polarity.BOTH or layer.theta.any() or network.n_steps != 1:
            got = f"polarity {layer.polarity.value}, theta up to {layer.theta.max():g}, T = {network.n_steps}"
            repair = "Convert a network whose neurons are plain activations."
            yield Violation(
                f"run_sigma_delta: layer {layer.name!r}", "have polarity both, theta = 0 and T = 1", got, repair
            )
