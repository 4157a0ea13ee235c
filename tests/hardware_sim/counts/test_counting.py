"""Counts against a loop over every sample, step, synapse and neuron, against networks counted by hand, and invariants."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import builders
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.engine.reference import run_float, run_integer
from neuropinn_lava.engine.trace import LavaMode, Probe
from neuropinn_lava.hardware_sim.costs.quantities import QUANTITIES
from neuropinn_lava.hardware_sim.counts.counting import count_operations
from neuropinn_lava.hardware_sim.counts.operations import OperationCounts, RowKind
from neuropinn_lava.hardware_sim.counts.workload import deployed_workload
from neuropinn_lava.network.nodes import (
    ConnectionSpec,
    InputSpec,
    NodeSpec,
    OutputSpec,
    Polarity,
    PopulationSpec,
    ProductSpec,
)
from neuropinn_lava.network.quantized import QuantizedNetwork
from neuropinn_lava.network.quantized_nodes import QuantizedProduct
from neuropinn_lava.network.spec import NetworkSpec
from neuropinn_lava.network.transforms import AffineTransform

N_NETWORKS = 300
"""Random networks that are compared with the loop."""


def literal_counts(network: QuantizedNetwork, sent: dict[str, Any]) -> dict[tuple[str, str, int, int], int]:
    """Count the non-zero weights that every event reaches, one synapse at a time, by node, source, delay and place.

    A factor's event is one operation, its place tells a square's two factors apart; the place -1 counts products of two events.
    """
    counts: dict[tuple[str, str, int, int], int] = {}
    n_samples, n_steps = len(next(iter(sent.values()))), len(next(iter(sent.values()))[0])
    for node in (*network.nodes, network.output):
        is_product = isinstance(node, QuantizedProduct)
        for place, (source, delay) in enumerate(node.edges):
            n = 0
            for sample in range(n_samples):
                for step in range(n_steps):
                    if step < delay:
                        continue
                    for i, value in enumerate(sent[source][sample][step - delay]):
                        if value != 0:
                            column = [1] if is_product else node.affine.connections[place].weight[:, i].tolist()
                            n += sum(1 for weight in column if weight != 0)
            counts[node.name, source, delay, place] = n
        if is_product:
            counts[node.name, "", 0, -1] = sum(
                1
                for a, b in zip(sent[node.left], sent[node.right], strict=True)
                for left, right in zip(a, b, strict=True)
                for x, y in zip(left, right, strict=True)
                if x != 0 and y != 0
            )
    return counts


def random_case(seed: int) -> QuantizedNetwork:
    rng = np.random.default_rng(seed)
    n_layers = int(rng.integers(1, 4))
    widths = (int(rng.integers(1, 4)), *rng.integers(1, 6, n_layers).tolist(), int(rng.integers(1, 3)))
    return builders.random_quantized(
        seed,
        widths=widths,
        n_steps=int(rng.integers(1, 5)),
        activation=str(rng.choice(builders.ACTIVATIONS)),
        polarity=builders.POLARITIES[int(rng.integers(2))],
        density=float(rng.uniform(0.2, 1.0)),
    )


def assert_counts_equal_the_loop(network: QuantizedNetwork, n: int, seed: int) -> OperationCounts:
    points = builders.random_points(network, n, seed)
    trace = run_integer(network, points, Probe(n_samples=n))
    counts = count_operations(network, trace)
    sent = builders.sent_payloads(network, trace, points)
    expected = literal_counts(network, sent)
    for row in counts.rows[len(network.inputs) :]:
        for place, each in enumerate(row.connections):
            assert each.synaptic_operations == expected.pop((row.name, each.source, each.delay, place))
        if row.kind is RowKind.PRODUCT:
            assert row.multiplications == expected.pop((row.name, "", 0, -1))
    assert not expected
    assert trace.probe is not None
    for row, node in zip(counts.rows[len(network.inputs) : -1], trace.probe.nodes, strict=True):
        assert row.fired == sum(1 for value in node.fired.ravel().tolist() if value)
        assert row.spikes == sum(1 for value in node.payload.ravel().tolist() if value != 0)
        assert row.neuron_updates == node.payload.size
    for row, each in zip(counts.rows, network.inputs, strict=False):
        assert row.spikes == sum(1 for sample in sent[each.name] for step in sample for value in step if value != 0)
    return counts


@pytest.mark.parametrize("block", range(10))
def test_counts_equal_the_literal_loop(block: int) -> None:
    for seed in range(block, N_NETWORKS, 10):
        network = random_case(seed)
        counts = assert_counts_equal_the_loop(network, 4, seed)
        assert counts.total.dense_synaptic_operations == counts.ann_macs * 4 * network.n_steps


@pytest.mark.parametrize("n_steps", [1, 2, 8, None])
@pytest.mark.parametrize("n_inputs", [1, 2, 3])
def test_counts_of_graphs_equal_the_literal_loop(n_inputs: int, n_steps: int | None) -> None:
    for seed in range(17):
        network = builders.random_graph(seed, n_inputs=n_inputs, n_nodes=4 + seed % 5, n_steps=n_steps)
        assert_counts_equal_the_loop(network, 3, seed)


def test_relays_and_products_stand_apart() -> None:
    kinds = set()
    for seed in range(30):
        network = builders.random_graph(seed, n_nodes=8)
        counts = count_operations(network, run_integer(network, builders.random_points(network, 5)))
        kinds |= {row.kind for row in counts.rows}
        own = [row for row in counts.rows if row.kind is RowKind.SPIKING]
        assert counts.total.spiking_activity == sum(row.spikes for row in own) / sum(row.neuron_steps for row in own)
        for row in counts.rows:
            dense = sum(each.n_weights for each in row.connections)
            matrices = sum(each.n_weights for each in row.connections if not each.is_one_to_one)
            assert row.ann_macs == {RowKind.RELAY: matrices, RowKind.PRODUCT: row.n_neurons}.get(row.kind, dense)
        assert [row.name for row in counts.rows if row.kind is RowKind.RELAY] == [
            node.name for node in network.source.populations if node.is_relay
        ]
    assert kinds == set(RowKind)


def test_a_product_counted_by_hand() -> None:
    # a = (x0, x1), b = (x0 - 0.5, 0), product p = a b, output p0 + p1.
    # Sample A (0.5, 1): a sends both; b sends nothing, p neither. Sample B (0.75, 0): a sends 0.75, b sends 0.25, p one event.
    # Factors: 2 + 0 in A, 1 + 1 in B; both were events once in all.
    def population(name: str, weight: list[list[float]], bias: list[float]) -> PopulationSpec:
        connections = (ConnectionSpec(source="input", weight=weight),)
        zeros = np.zeros(2)
        return PopulationSpec(
            name=name,
            connections=connections,
            bias=bias,
            beta=zeros,
            theta=zeros,
            activation="identity",
            polarity="both",
        )

    a = population("a", [[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0])
    b = replace(population("b", [[1.0, 0.0], [0.0, 0.0]], [-0.5, 0.0]), theta=[0.1, 0.1])  # not a relay
    product = ProductSpec(name="p", left="a", right="b", width=2)
    output = OutputSpec(connections=(ConnectionSpec(source="p", weight=[[1.0, 1.0]]),), bias=[0.0])
    network = unit_network((a, b, product), output)
    counts = count_operations(network, run_float(network, np.array([[0.5, 1.0], [0.75, 0.0]])))
    rows = {row.name: row for row in counts.rows}
    assert [each.synaptic_operations for each in rows["p"].connections] == [3, 1]
    assert (rows["p"].multiplications, rows["p"].spikes, rows["p"].fired) == (1, 1, 0)
    assert (rows["p"].neuron_updates, rows["p"].active_updates) == (4, 1)
    assert rows["p"].dense_synaptic_operations == 2 * 2  # one for each element and sample
    per_sample = QUANTITIES["dense_synaptic_operations"](deployed_workload(network, counts))
    assert per_sample == counts.total.dense_synaptic_operations / 2 == 4 + 4 + 2 + 2  # a, b, p, the read-out
    assert (rows["a"].kind, rows["b"].kind) == (RowKind.RELAY, RowKind.SPIKING)
    assert counts.ann_macs == 4 + 2 + 2  # b, one for each element of p, the read-out; a is a relay that copies
    mixing = replace(a, connections=(ConnectionSpec(source="input", weight=[[1.0, 0.5], [0.0, 1.0]]),))
    mixed = unit_network((mixing, b, product), output)
    points = np.array([[0.5, 1.0]])
    assert count_operations(mixed, run_float(mixed, points)).ann_macs == 4 + 4 + 2 + 2  # a has a matrix of the module
    assert counts.total.spiking_activity == 1 / 4


def test_a_trace_without_the_products_is_refused() -> None:
    network = next(g for g in map(builders.random_graph, range(20)) if len(g.populations) < len(g.nodes))
    trace = run_integer(network, builders.random_points(network, 3))
    bare = replace(trace, nodes=tuple(replace(counts, multiplied=None) for counts in trace.nodes))
    with pytest.raises(SpecError, match="both factors"):
        count_operations(network, bare)


def unit_network(nodes: tuple[NodeSpec, ...], output: OutputSpec, n_steps: int = 1) -> NetworkSpec:
    """A float network whose input is the two numbers that it is given."""
    return NetworkSpec(
        name="by hand",
        inputs=(InputSpec(width=2),),
        nodes=nodes,
        output=output,
        n_steps=n_steps,
        input_transform=AffineTransform.identity(2),
        output_transform=AffineTransform.identity(output.n_out),
        lower=-np.ones(2),
        upper=np.ones(2),
    )


def by_hand(n_steps: int) -> NetworkSpec:
    # Two inputs, three neurons (identity, beta = 1), one output.
    #   neuron 0: z = x0,          theta 0.5        neuron 1: z = x1, theta 0.1        neuron 2: z = x0 + x1, theta 0
    hidden = PopulationSpec(
        name="hidden",
        connections=(ConnectionSpec(source="input", weight=[[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]),),
        bias=np.zeros(3),
        beta=np.ones(3),
        theta=[0.5, 0.1, 0.0],
        activation="identity",
    )
    last = ConnectionSpec(source="hidden", weight=[[1.0, 0.0, 2.0]])
    return unit_network((hidden,), OutputSpec(connections=(last,), bias=[0.0]), n_steps)


def test_three_neurons_counted_by_hand_in_one_step() -> None:
    # Sample A (0.25, 0.5):  neuron 0 silent (0.25 < 0.5); neuron 1 sends 0.5; neuron 2 sends 0.75.
    # Sample B (0.0, 0.0):   neuron 2 fires at m = 0 >= 0 but its payload is 0: fired, no event.
    # Input events: A two words, B none. They reach 2 weights each (x0: neurons 0, 2; x1: neurons 1, 2): 4 operations.
    # Output: neuron 1 has weight 0 (no synapse), neuron 2 weight 2: one operation in A.
    network = by_hand(1)
    counts = count_operations(network, run_float(network, np.array([[0.25, 0.5], [0.0, 0.0]])))
    first, hidden, output = counts.rows
    assert (first.name, first.kind, first.spikes, first.synaptic_operations) == ("input", RowKind.INPUT, 2, 0)
    assert (hidden.fired, hidden.spikes, hidden.synaptic_operations) == (3, 2, 4)
    assert (hidden.dense_synaptic_operations, hidden.neuron_updates, hidden.active_updates) == (12, 6, 3)
    assert (output.fired, output.spikes, output.synaptic_operations, output.neuron_updates) == (0, 0, 1, 2)
    assert hidden.spiking_activity == 2 / 6
    assert (counts.ann_macs, counts.synaptic_operations_per_sample) == (9, 2.5)
    assert (counts.total.spikes, counts.total.fired, counts.total.synaptic_operations) == (4, 5, 5)
    assert counts.total.spiking_activity == 2 / 6


def test_three_neurons_counted_by_hand_over_two_steps() -> None:
    # Sample (0.25, -0.25): neuron 0 reaches 0.25, then 0.5 = theta: fires at step 2. Neuron 1 never. Neuron 2: z = 0, m = 0,
    # fires at both steps and sends nothing. Per step: input 2 events, 4 operations; output 0, then neuron 0's one weight.
    network = by_hand(2)
    counts = count_operations(network, run_float(network, np.array([[0.25, -0.25]])))
    first, hidden, output = counts.rows
    assert first.spikes_per_step.tolist() == [2, 2]
    assert hidden.fired_per_step.tolist() == [1, 2]
    assert hidden.spikes_per_step.tolist() == [0, 1]
    assert hidden.synaptic_operations_per_step.tolist() == [4, 4]
    assert output.synaptic_operations_per_step.tolist() == [0, 1]


def test_synaptic_operations_are_events_times_fan_out() -> None:
    network = builders.random_quantized(3, widths=(2, 9, 8, 2), n_steps=3, density=0.5)
    trace = run_integer(network, builders.random_points(network, 50))
    counts = count_operations(network, trace)
    for affine, sent, row in zip(network.affines[1:], trace.nodes, counts.rows[2:], strict=True):
        fan_out = (affine.weight != 0).sum(axis=0)
        assert row.synaptic_operations == int((sent.events.sum(axis=0) * fan_out).sum())
        assert row.synaptic_operations <= row.dense_synaptic_operations


@pytest.mark.parametrize("polarity", builders.POLARITIES)
def test_zero_input_and_zero_bias_send_nothing(polarity: Polarity) -> None:
    network = builders.random_spec(1, theta=0.0, polarity=polarity)
    for index, layer in enumerate(network.populations):
        network = builders.with_layer(network, index, bias=np.zeros(layer.n_out))
    network = replace(network, input_transform=AffineTransform.identity(2))
    counts = count_operations(network, run_float(network, np.zeros((3, 2))))
    assert counts.total.spikes == counts.total.synaptic_operations == 0
    assert all(row.fired == row.neuron_steps for row in counts.spiking)  # at theta = 0 all fire, none sends


def test_doubling_the_steps_doubles_the_counts_at_theta_zero() -> None:
    once = builders.random_spec(2, theta=0.0, polarity=Polarity.BOTH, n_steps=3)
    twice = replace(once, n_steps=6)
    points = builders.random_points(once, 20)
    first = count_operations(once, run_float(once, points))
    second = count_operations(twice, run_float(twice, points))
    for a, b in zip(first.rows, second.rows, strict=True):
        assert (b.fired, b.spikes, b.synaptic_operations) == (2 * a.fired, 2 * a.spikes, 2 * a.synaptic_operations)
        assert b.neuron_updates == 2 * a.neuron_updates
    assert first.ann_macs == second.ann_macs


def test_a_dead_layer_sends_nothing_and_receives_still() -> None:
    network = builders.with_negative_layer(builders.random_spec(4, theta=0.1), 1)
    network = builders.with_layer(network, 0, activation="tanh_squared")
    counts = count_operations(network, run_float(network, builders.random_points(network, 10)))
    assert counts.rows[2].spikes == counts.rows[3].synaptic_operations == 0
    assert counts.rows[2].synaptic_operations > 0


def test_float_and_integer_runs_count_alike_where_nothing_rounds() -> None:
    network = builders.random_quantized(5, widths=(2, 6, 1), n_steps=1, activation="identity")
    points = builders.random_points(network, 30)
    whole = count_operations(network, run_integer(network, points))
    source = count_operations(network.source, run_float(network.source, points))
    assert [row.n_synapses for row in whole.rows] == [row.n_synapses for row in source.rows]
    assert whole.ann_macs == source.ann_macs == 2 * 6 + 6


def test_a_trace_of_another_network_is_refused() -> None:
    one, other = builders.random_quantized(0), builders.random_quantized(1)
    trace = run_integer(other, builders.random_points(other, 3))
    with pytest.raises(SpecError, match="a trace of a network with digest"):
        count_operations(one, trace)


def test_a_float_run_is_counted_with_the_source() -> None:
    network = builders.random_quantized(0)
    trace = run_float(network.source, builders.random_points(network, 3))
    with pytest.raises(SpecError, match="float source"):
        count_operations(network, trace)
    assert count_operations(network.source, trace).n_samples == 3


def test_an_incomplete_trace_is_refused() -> None:
    network = builders.random_quantized(0)
    trace = run_integer(network, builders.random_points(network, 3))
    with pytest.raises(SpecError, match="incomplete"):
        count_operations(network, replace(trace, nodes=trace.nodes[:1]))


def test_an_empty_run_cannot_be_recorded_nor_counted() -> None:
    network = builders.random_quantized(0)
    with pytest.raises(SpecError, match="at least one point"):
        run_integer(network, np.zeros((0, 2)))
    trace = run_integer(network, builders.random_points(network, 3))
    with pytest.raises(SpecError, match="outputs"):
        replace(trace, outputs=np.zeros((0, 1)), readout=np.zeros((0, 1), dtype=np.int64))


def test_rows_of_different_lengths_are_refused() -> None:
    network = builders.random_quantized(0)
    row = count_operations(network, run_integer(network, builders.random_points(network, 3))).rows[1]
    with pytest.raises(SpecError, match="spikes_per_step"):
        replace(row, spikes_per_step=np.zeros(7))


@pytest.mark.lava
@pytest.mark.parametrize("mode", LavaMode)
def test_lava_counts_what_the_reference_counts(mode: LavaMode) -> None:
    from neuropinn_lava.hardware_sim.lava.simulate import simulate_on_lava

    network = builders.random_graph(4, n_inputs=2, n_nodes=7, n_steps=3)  # with a product, relays and loops
    points = builders.random_points(network, 9)
    found = count_operations(network, simulate_on_lava(network, points, mode=mode))
    expected = count_operations(network, run_integer(network, points))
    assert found.total == expected.total
    assert [row.products for row in found.rows] == [row.products for row in expected.rows]
