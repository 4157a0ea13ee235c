"""Count what a network did in a run: fired, events, synaptic operations, neuron updates; integers only.

    of a connection    operations[t] = sum over components i of its source:  events[t - d, i] * fan_out[i]
                       fan_out[i]    = number of weights W[:, i] that are not zero
    of a product       operations[t] = events of the left factor + events of the right one
                       multiplications[t] = elements whose factors were both events

What depends on held inputs only counts once for each held value. The records are in `operations.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ...base.arrays import IntArray
from ...base.errors import SpecError
from ...engine.trace import NumberArray, RunTrace
from ...network.nodes import InputSpec, OutputSpec, PopulationSpec, ProductSpec
from ...network.quantized import AnyNode, Network, QuantizedNetwork
from ...network.quantized_nodes import QuantizedProduct
from ...network.spec import NetworkSpec
from .operations import ConnectionOperations, NodeOperations, OperationCounts, RowKind


def count_fan_out(weight: NumberArray) -> IntArray:
    """Count the non-zero weights that each event reaches, shape (n_in,), of a matrix (n_out, n_in)."""
    reached: IntArray = np.count_nonzero(weight, axis=0).astype(np.int64)
    return reached


def check_trace(network: Network, trace: RunTrace, where: str) -> None:
    """Check that a trace is of this network.

    Raises:
        SpecError: If the digest, the nodes or the number of steps differ.
    """
    digest = network.digest()
    if trace.network_digest != digest:
        repair = "Run this network, or count with the network that ran."
        if isinstance(network, QuantizedNetwork) and trace.network_digest == network.source.digest():
            repair = "This is a run of its float source: count with `network.source`."
        raise SpecError(where, f"be a trace of a network with digest {digest[:12]}", trace.network_digest[:12], repair)
    n_steps = network.n_steps or trace.n_steps
    expected = [(node.name, (n_steps, node.n_out)) for node in network.nodes]
    found = [(counts.name, counts.fired.shape) for counts in trace.nodes]
    if found != expected or trace.input_events.shape != (n_steps, network.n_in):
        raise SpecError(
            where, f"hold counts of the nodes {expected}", found, "The trace is incomplete: run the network again."
        )


def counted_traces(network: Network, trace: RunTrace, held: RunTrace | None, where: str) -> dict[str, RunTrace]:
    """Return the trace from which each input, node and read-out is counted, by name.

    Args:
        network: The network that ran.
        trace: The whole run.
        held: The run of one sample for each held value; None counts everything from the whole run.
        where: The function and its network, for errors.

    Raises:
        SpecError: If a trace is of another network, no input is held, or there are more held values than samples.
    """
    check_trace(network, trace, f"{where}: trace of network {network.name!r}")
    traces = dict.fromkeys((each.name for each in (*network.inputs, *network.nodes, network.output)), trace)
    if held is None:
        return traces
    place = f"{where}: held trace of network {network.name!r}"
    check_trace(network, held, place)
    if not network.held_sources:
        repair = "Leave the held trace out."
        raise SpecError(place, "be None where no input is held", f"{held.n_samples} samples", repair)
    if held.n_samples > trace.n_samples:
        repair = "Run the samples of `held_rows` alone: one for each held value."
        rule = f"have at most the {trace.n_samples} samples of the whole run"
        raise SpecError(place, rule, held.n_samples, repair)
    return traces | dict.fromkeys(network.held_sources, held)


def sent_events(network: Network, trace: RunTrace) -> dict[str, IntArray]:
    """Return the events of every input and node, by name, summed over the samples, shape (n_steps, width) each."""
    return network.split_inputs(trace.input_events) | {counts.name: counts.events for counts in trace.nodes}


def arriving(events: NumberArray, delay: int) -> NumberArray:
    """Return what arrives at each step of what was sent (…, n_steps, width) so many steps before: nothing at the first ones."""
    if not delay:
        return events
    late = np.zeros_like(events)
    late[..., delay:, :] = events[..., :-delay, :]
    return late


class FanOut(NamedTuple):
    """What the events of a source reach over one connection, or as one factor of a product."""

    source: str
    """Name of the input or node that is read."""
    delay: int
    """Number of steps between sending and receiving."""
    n_weights: int
    """Number of weights, zeros included; of a factor its elements."""
    is_one_to_one: bool
    """Whether every component reaches one neuron at most, and every neuron is reached by one at most."""
    reached: IntArray
    """Number of non-zero weights that an event of each component reaches, shape (n_source,)."""


def fan_outs(node: AnyNode) -> Iterator[FanOut]:
    """Yield what is reached over every connection or factor of a node."""
    if isinstance(node, ProductSpec | QuantizedProduct):
        for source, delay in node.edges:
            yield FanOut(source, delay, node.width, True, np.ones(node.width, dtype=np.int64))
        return
    affine = node if isinstance(node, PopulationSpec | OutputSpec) else node.affine
    for each in affine.connections:
        reached = count_fan_out(each.weight)
        is_one_to_one = bool(reached.max() <= 1 and np.count_nonzero(each.weight, axis=1).max() <= 1)
        yield FanOut(each.source, each.delay, each.weight.size, is_one_to_one, reached)


def row_kinds(network: Network) -> tuple[RowKind, ...]:
    """Return the kind of every row: the inputs, the nodes, the output."""
    source = network if isinstance(network, NetworkSpec) else network.source
    kinds = [RowKind.INPUT] * len(source.inputs)
    for node in source.nodes:
        if isinstance(node, ProductSpec):
            kinds.append(RowKind.PRODUCT)
        else:
            kinds.append(RowKind.RELAY if node.is_relay else RowKind.SPIKING)
    return (*kinds, RowKind.OUTPUT)


def count_operations(network: Network, trace: RunTrace, held: RunTrace | None = None) -> OperationCounts:
    """Count what the network did in the run that the trace records.

    Args:
        network: The network that ran: the float one for a float run, the quantized one for integers.
        trace: Any backend's trace.
        held: Trace of the same network on one sample for each held value (`run_held`), from which what depends on held inputs
            only is counted; None counts it for every sample anew.

    Raises:
        SpecError: If a trace is of another network, or there is a held one and no input is held.
    """
    traces = counted_traces(network, trace, held, "count_operations")
    apart = network.held_sources if held is not None else frozenset()
    senders = (*network.inputs, *network.nodes, network.output)
    rows = (
        _count_row(network, node, kind, traces[node.name], node.name in apart)
        for kind, node in zip(row_kinds(network), senders, strict=True)
    )
    return OperationCounts(
        network_digest=trace.network_digest, n_samples=trace.n_samples, n_steps=trace.n_steps, rows=tuple(rows)
    )


def _count_row(
    network: Network, node: AnyNode | InputSpec, kind: RowKind, trace: RunTrace, is_held: bool
) -> NodeOperations:
    """Count what one input or node received and did in a trace."""
    sent = sent_events(network, trace)
    fired = network.split_inputs(trace.input_events) | {counts.name: counts.fired for counts in trace.nodes}
    silent = np.zeros((trace.n_steps, network.n_out), dtype=np.int64)
    events = sent.get(node.name, silent)
    both = {counts.name: counts.multiplied for counts in trace.nodes}.get(node.name)
    if kind is RowKind.PRODUCT and both is None:
        where = f"count_operations: trace of network {network.name!r}"
        rule = f"hold how often both factors of product {node.name!r} were events"
        raise SpecError(where, rule, f"none of {trace.backend.value}", "Count a run of the reference engine.")
    return NodeOperations(
        name=node.name,
        kind=kind,
        n_samples=trace.n_samples,
        is_held=is_held,
        n_neurons=events.shape[1],
        connections=() if isinstance(node, InputSpec) else tuple(_count_connections(node, sent)),
        fired_per_step=fired.get(node.name, silent).sum(axis=1),
        spikes_per_step=events.sum(axis=1),
        products=None if both is None else int(both.sum()),
    )


def _count_connections(node: AnyNode, sent: dict[str, IntArray]) -> Iterator[ConnectionOperations]:
    """Count what arrives over every connection of a node."""
    for each in fan_outs(node):
        received = arriving(sent[each.source], each.delay)
        yield ConnectionOperations(
            source=each.source,
            delay=each.delay,
            n_weights=each.n_weights,
            n_synapses=int(each.reached.sum()),
            is_one_to_one=each.is_one_to_one,
            received_per_step=received.sum(axis=1),
            synaptic_operations_per_step=received @ each.reached,
        )
