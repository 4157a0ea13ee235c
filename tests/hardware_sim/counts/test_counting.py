"""Counts against a loop over every sample, step, synapse and neuron, against networks counted by hand, and invariants."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import builders
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.engine.reference import run_float, run_integer
from neuropinn_lava.engine.trace import Probe, RunTrace
from neuropinn_lava.hardware_sim.counts.counting import INPUT_ROW, RowKind, count_operations
from neuropinn_lava.network.nodes import OutputSpec, Polarity, PopulationSpec
from neuropinn_lava.network.quantized import QuantizedNetwork
from neuropinn_lava.network.spec import NetworkSpec
from neuropinn_lava.network.transforms import AffineTransform

N_NETWORKS = 300
"""Random networks that are compared with the loop."""


def literal_synaptic_operations(network: QuantizedNetwork, trace: RunTrace, points: np.ndarray) -> list[int]:
    """Count the non-zero weights that every event reaches, one synapse at a time; one number per receiving layer."""
    from neuropinn_lava.engine.host import encode_points

    assert trace.probe is not None
    x, _ = encode_points(network, points)
    sent = [np.repeat(x[:, None, :], network.n_steps, axis=1), *(layer.payload for layer in trace.probe.nodes)]
    counts = []
    for weight, payload in zip(network.weights, sent, strict=True):
        n = 0
        for sample in payload.tolist():
            for step in sample:
                for i, value in enumerate(step):
                    if value != 0:
                        for row in weight.tolist():
                            n += row[i] != 0
        counts.append(n)
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


@pytest.mark.parametrize("block", range(10))
def test_counts_equal_the_literal_loop(block: int) -> None:
    for seed in range(block, N_NETWORKS, 10):
        network = random_case(seed)
        points = builders.random_points(network, 4, seed)
        trace = run_integer(network, points, Probe(n_samples=4))
        counts = count_operations(network, trace)
        assert trace.probe is not None
        assert [row.synaptic_operations for row in counts.layers[1:]] == literal_synaptic_operations(
            network, trace, points
        )
        for row, layer in zip(counts.spiking, trace.probe.nodes, strict=True):
            assert row.fired == sum(1 for value in layer.fired.ravel().tolist() if value)
            assert row.spikes == sum(1 for value in layer.payload.ravel().tolist() if value != 0)
            assert row.neuron_updates == layer.payload.size
        assert counts.total.dense_synaptic_operations == counts.ann_macs * 4 * network.n_steps


def unit_network(layers: tuple[PopulationSpec, ...], output: OutputSpec, n_steps: int = 1) -> NetworkSpec:
    """A float network whose input is what it is given."""
    n_in, n_out = layers[0].n_in, output.n_out
    return NetworkSpec(
        name="by hand",
        layers=layers,
        output=output,
        n_steps=n_steps,
        input_transform=AffineTransform.identity(n_in),
        output_transform=AffineTransform.identity(n_out),
        lower=-np.ones(n_in),
        upper=np.ones(n_in),
    )


def by_hand(n_steps: int) -> NetworkSpec:
    # Two inputs, three neurons (identity, beta = 1), one output.
    #   neuron 0: z = x0,          theta 0.5        neuron 1: z = x1, theta 0.1        neuron 2: z = x0 + x1, theta 0
    layer = PopulationSpec(
        name="hidden",
        weight=[[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]],
        bias=np.zeros(3),
        beta=np.ones(3),
        theta=[0.5, 0.1, 0.0],
        activation="identity",
    )
    return unit_network((layer,), OutputSpec(weight=[[1.0, 0.0, 2.0]], bias=[0.0]), n_steps)


def test_three_neurons_counted_by_hand_in_one_step() -> None:
    # Sample A (0.25, 0.5):  neuron 0 silent (0.25 < 0.5); neuron 1 sends 0.5; neuron 2 sends 0.75.
    # Sample B (0.0, 0.0):   neuron 2 fires at m = 0 >= 0 but its payload is 0: fired, no event.
    # Input events: A two words, B none. They reach 2 weights each (x0: neurons 0, 2; x1: neurons 1, 2): 4 operations.
    # Output: neuron 1 has weight 0 (no synapse), neuron 2 weight 2: one operation in A.
    network = by_hand(1)
    counts = count_operations(network, run_float(network, np.array([[0.25, 0.5], [0.0, 0.0]])))
    first, hidden, output = counts.layers
    assert (first.name, first.kind, first.spikes, first.synaptic_operations) == (INPUT_ROW, RowKind.INPUT, 2, 0)
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
    first, hidden, output = counts.layers
    assert first.spikes_per_step.tolist() == [2, 2]
    assert hidden.fired_per_step.tolist() == [1, 2]
    assert hidden.spikes_per_step.tolist() == [0, 1]
    assert hidden.synaptic_operations_per_step.tolist() == [4, 4]
    assert output.synaptic_operations_per_step.tolist() == [0, 1]


def test_synaptic_operations_are_events_times_fan_out() -> None:
    network = builders.random_quantized(3, widths=(2, 9, 8, 2), n_steps=3, density=0.5)
    trace = run_integer(network, builders.random_points(network, 50))
    counts = count_operations(network, trace)
    for weight, sent, row in zip(network.weights[1:], trace.nodes, counts.layers[2:], strict=True):
        fan_out = (weight != 0).sum(axis=0)
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
    for a, b in zip(first.layers, second.layers, strict=True):
        assert (b.fired, b.spikes, b.synaptic_operations) == (2 * a.fired, 2 * a.spikes, 2 * a.synaptic_operations)
        assert b.neuron_updates == 2 * a.neuron_updates
    assert first.ann_macs == second.ann_macs


def test_a_dead_layer_sends_nothing_and_receives_still() -> None:
    network = builders.with_negative_layer(builders.random_spec(4, theta=0.1), 1)
    network = replace(
        network, layers=(replace(network.populations[0], activation="tanh_squared"), network.populations[1])
    )
    counts = count_operations(network, run_float(network, builders.random_points(network, 10)))
    assert counts.layers[2].spikes == counts.layers[3].synaptic_operations == 0
    assert counts.layers[2].synaptic_operations > 0


def test_float_and_integer_runs_count_alike_where_nothing_rounds() -> None:
    network = builders.random_quantized(5, widths=(2, 6, 1), n_steps=1, activation="identity")
    points = builders.random_points(network, 30)
    whole = count_operations(network, run_integer(network, points))
    source = count_operations(network.source, run_float(network.source, points))
    assert [row.n_synapses for row in whole.layers] == [row.n_synapses for row in source.populations]
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
        count_operations(network, replace(trace, layers=trace.nodes[:1]))


def test_an_empty_run_cannot_be_recorded_nor_counted() -> None:
    network = builders.random_quantized(0)
    with pytest.raises(SpecError, match="at least one point"):
        run_integer(network, np.zeros((0, 2)))
    trace = run_integer(network, builders.random_points(network, 3))
    with pytest.raises(SpecError, match="outputs"):
        replace(trace, outputs=np.zeros((0, 1)), readout=np.zeros((0, 1), dtype=np.int64))


def test_rows_of_different_lengths_are_refused() -> None:
    network = builders.random_quantized(0)
    row = count_operations(network, run_integer(network, builders.random_points(network, 3))).layers[1]
    with pytest.raises(SpecError, match="spikes_per_step"):
        replace(row, spikes_per_step=np.zeros(7))
