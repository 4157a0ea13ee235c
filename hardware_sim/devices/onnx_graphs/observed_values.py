"""What a graph has computed, shown to the recorder of a run as if a walk had computed it.

A traced graph returns tensors. From them follow what the reference engines show: payloads, spikes, membranes after the reset,
numbers of saturated entries, and the state in which the run ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....base.arrays import IntArray
from ....engine.reference import constant_inputs
from ....engine.trace import NumberArray
from ....engine.walk import NodeStep, Observer, WalkState, longest_delays
from ....network.integers import IntFormat
from ....network.quantized import QuantizedNetwork
from ....network.quantized_nodes import AnyQuantizedNode, QuantizedOutput, QuantizedProduct
from .unroll import NodeTensors, UnrolledPlan

Values = Mapping[str, NDArray[Any]]
"""Tensors of a graph by name, a row for each sample."""


def show_values(
    network: QuantizedNetwork, unrolled: UnrolledPlan, values: Values, x: NumberArray, see: Observer, before: WalkState
) -> WalkState:
    """Show every node of every step to an observer; return the state after the last step.

    Args:
        network: The network.
        unrolled: Its graph.
        values: Outputs of the traced graph.
        x: Input words, (n_samples, n_in) or (n_samples, n_steps, n_in).
        see: Observer of the run.
        before: State before the first step.
    """
    inputs, longest = constant_inputs(network, x), longest_delays(network)
    after = WalkState(step=before.step, lines={name: list(before.lines.get(name, [])) for name in longest})
    for t in range(unrolled.n_steps):
        sent = dict(inputs(t))
        for node in (*network.nodes, network.output):
            step = _step(node, unrolled.tensors[node.name][t], values, sent)
            sent[node.name] = step.payload
            if step.carried is not None:
                after.membranes[node.name] = step.carried
            see(t, node, step)
        for source, n_kept in longest.items():
            after.lines[source] = [*after.lines[source], sent[source]][-n_kept:]
        after.step += 1
    return after


def _step(node: AnyQuantizedNode, tensors: NodeTensors, values: Values, sent: Mapping[str, IntArray]) -> NodeStep:
    """Gather what one node computed in one step."""
    payload = values[tensors.payload].astype(np.int64)
    if isinstance(node, QuantizedProduct):
        n_payload = _count_wide(values, tensors.wide_payload, node.sends.bits)
        return NodeStep((sent[node.left], sent[node.right]), None, payload, saturated=(0, 0, n_payload))
    n_drive = _count_wide(values, tensors.wide_drive, node.affine.state_bits)
    if isinstance(node, QuantizedOutput):
        return NodeStep((), None, payload, saturated=(n_drive, 0, 0))
    assert tensors.membrane is not None, "a population has a membrane"
    m = values[tensors.membrane].astype(np.int64)
    fired = np.ones(m.shape, np.bool_) if tensors.fired is None else values[tensors.fired]
    n_membrane = _count_wide(values, tensors.wide_membrane, node.affine.state_bits)
    n_payload = _count_wide(values, tensors.wide_payload, node.sends.bits)
    return NodeStep((), None, payload, m, fired, np.where(fired, 0, m), (n_drive, n_membrane, n_payload))


def _count_wide(values: Values, name: str | None, bits: int) -> int:
    """Count the entries that a word cannot hold; none where no clip was needed."""
    return 0 if name is None else int(np.count_nonzero(np.abs(values[name]) > IntFormat(bits=bits).highest))
