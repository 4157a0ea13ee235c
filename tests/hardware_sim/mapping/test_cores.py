"""Partitions: every neuron on one core, no limit broken, and messages counted one by one."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

import builders
from neuropinn_lava.base.errors import HardwareRuleError, SpecError
from neuropinn_lava.conversion.targets.target import HardwareTarget, find_target
from neuropinn_lava.engine.reference import run_integer
from neuropinn_lava.engine.trace import Probe, RunTrace
from neuropinn_lava.hardware_sim.costs.quantities import QUANTITIES
from neuropinn_lava.hardware_sim.counts.counting import count_operations
from neuropinn_lava.hardware_sim.counts.workload import deployed_workload
from neuropinn_lava.hardware_sim.mapping.cores import partition_network
from neuropinn_lava.hardware_sim.mapping.mesh import LOIHI_MESH, Place, find_mesh
from neuropinn_lava.hardware_sim.mapping.traffic import Traffic, count_traffic, placed_workload
from neuropinn_lava.network.quantized import QuantizedNetwork
from neuropinn_lava.network.quantized_nodes import AnyQuantizedNode, QuantizedProduct
from small_graphs import with_held

ROUNDING = 1e-12

SMALL = HardwareTarget(
    name="small",
    title="Small chip",
    source="made for this test",
    max_weight_bits=8,
    max_payload_bits=24,
    state_bits=24,
    max_neurons_per_core=4,
    synapse_bytes_per_core=60,
    cores_per_chip=9,
    max_fan_in=32,
    max_fan_out=8,
)
WIRED = replace(SMALL, max_fan_out=None)
"""The same cores, with routes to any number of others."""


def test_a_small_network_takes_one_core_a_layer() -> None:
    network = builders.random_quantized(0, widths=(2, 50, 50, 1))
    partition = partition_network(network, find_target("loihi2"))
    assert (partition.n_cores, partition.n_chips) == (3, 1)
    assert [layer.n_neurons for layer in partition.nodes] == [50, 50, 1]
    assert [layer.neurons_per_core for layer in partition.nodes] == [50, 50, 1]
    assert partition.nodes[1].neuron_utilisation == 50 / 8192
    assert partition.nodes[1].synapse_bytes_per_core <= 2500  # 50 x 50 weights of a byte


@pytest.mark.parametrize("seed", range(20))
def test_every_neuron_lies_on_one_core_and_no_limit_is_broken(seed: int) -> None:
    rng = np.random.default_rng(seed)
    widths = (2, int(rng.integers(1, 30)), int(rng.integers(1, 30)), 3)
    network = builders.random_quantized(seed, widths=widths, density=float(rng.uniform(0.3, 1.0)))
    partition = partition_network(network, replace(SMALL, max_fan_out=None))
    assert [core.index for core in partition.cores] == list(range(partition.n_cores))
    for layer in (*network.populations, network.output):
        held = [neuron for core in partition.cores_of(layer.name) for neuron in range(layer.n_out)[core.neurons]]
        assert held == list(range(layer.n_out))
    for core in partition.cores:
        assert 1 <= core.n_neurons <= SMALL.max_neurons_per_core
        assert core.synapse_bytes <= SMALL.synapse_bytes_per_core
    for layer in partition.nodes:
        sizes = [core.n_neurons for core in partition.cores_of(layer.name)]
        assert max(sizes) - min(sizes) <= 1  # dealt out evenly
    assert partition.n_chips == math.ceil(partition.n_cores / 9)


def test_a_layer_is_split_by_its_synaptic_memory() -> None:
    # 16 neurons of 30 dense bytes: 480 bytes, two neurons a core of 60 bytes.
    network = builders.random_quantized(1, widths=(2, 30, 16, 1))
    full = builders.with_layer(network, 1, weight=np.ones((16, 30), dtype=np.int64))
    layer = partition_network(full, replace(SMALL, max_fan_out=None)).nodes[1]
    assert (layer.n_cores, layer.neurons_per_core, layer.synapse_utilisation) == (8, 2, 1.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"max_fan_in": 5}, "at most 5 inputs to a neuron"),
        ({"synapse_bytes_per_core": 8}, "at most 8 bytes for the synapses"),
        ({"core_bytes": 40}, "at most 40 bytes for one neuron with its phi table"),
        ({"max_fan_out": 2}, "spikes to at most 2 cores"),
        ({"max_neurons_per_core": 0}, "cores of at most 0 neurons"),
    ],
)
def test_a_target_too_small_for_one_neuron_is_refused(changes: dict[str, int], message: str) -> None:
    network = builders.random_quantized(2, widths=(2, 12, 12, 1))
    with pytest.raises(HardwareRuleError, match=message) as caught:
        partition_network(network, replace(SMALL, **changes))
    assert "Small chip" in str(caught.value)


# The mesh.


def test_mesh_is_a_snake_of_tiles() -> None:
    assert LOIHI_MESH.cores_per_chip == 128
    assert [LOIHI_MESH.place(core) for core in (0, 3, 4, 31, 32, 127)] == [
        Place(0, 0), Place(0, 0), Place(1, 0), Place(7, 0), Place(7, 1), Place(0, 3),
    ]  # fmt: skip
    assert LOIHI_MESH.place(128) == Place(8, 0)  # the next chip continues the row
    places = [LOIHI_MESH.place(4 * tile) for tile in range(32)]
    assert len(set(places)) == 32
    for before, after in pairwise(places):
        assert abs(before.column - after.column) + abs(before.row - after.row) == 1


def test_assumed_meshes_say_so() -> None:
    assert find_mesh(find_target("loihi2")).source.startswith("Loihi 2: Timcheck")
    assert find_mesh(find_target("loihi1")).source.startswith("Loihi 1: SANA-FE")
    other = find_mesh(replace(find_target("loihi2"), name="mine"))
    assert "assumed" in other.source
    assert (other.columns, other.rows, other.cores_per_tile) == (8, 4, 4)
    square = find_mesh(SMALL)
    assert (square.columns, square.rows, square.cores_per_tile) == (3, 3, 1)


# Traffic.


def wide_case(seed: int = 3, n: int = 6) -> tuple[QuantizedNetwork, np.ndarray, RunTrace]:
    network = builders.random_quantized(seed, widths=(2, 13, 11, 2), n_steps=2, density=0.4)
    points = builders.random_points(network, n)
    return network, points, run_integer(network, points, Probe(n_samples=n))


def literal_messages(
    network: QuantizedNetwork, points: np.ndarray, trace: RunTrace
) -> dict[tuple[int | None, int], int]:
    """Send every event of every sample and step once to every core that holds a weight for it, one by one."""
    partition = partition_network(network, WIRED)
    found: dict[tuple[int | None, int], int] = {}
    for sender, payload in builders.sent_payloads(network, trace, points).items():
        for sample, step, neuron in np.argwhere(np.array(payload) != 0).tolist():
            assert payload[sample][step][neuron] != 0
            homes = [c.index for c in partition.cores_of(sender) if c.first <= neuron < c.first + c.n_neurons]
            source = homes[0] if homes else None
            for node in (*network.nodes, network.output):
                for core in partition.cores_of(node.name):
                    if any(reads(node, j, sender, neuron) for j in range(core.first, core.first + core.n_neurons)):
                        found[source, core.index] = found.get((source, core.index), 0) + 1
    return found


def reads(node: AnyQuantizedNode, j: int, sender: str, neuron: int) -> bool:
    """Whether neuron j of a node has a weight on a neuron of the sender, by any delay; an element of a product its own two."""
    if isinstance(node, QuantizedProduct):
        return sender in (node.left, node.right) and j == neuron
    return any(each.source == sender and each.weight[j, neuron] != 0 for each in node.affine.connections)


def assert_traffic_equals_the_loop(network: QuantizedNetwork, points: np.ndarray, trace: RunTrace) -> None:
    partition = partition_network(network, WIRED)
    traffic = count_traffic(network, partition, trace)
    found: dict[tuple[int | None, int], int] = {}
    for link in traffic.links:
        found[link.source, link.destination] = found.get((link.source, link.destination), 0) + link.messages
    assert found == literal_messages(network, points, trace)
    for row in count_operations(network, trace).rows[len(network.inputs) :]:
        loads = [traffic.loads[core.index] for core in partition.cores_of(row.name)]
        assert sum(int(load.synaptic_operations.sum()) for load in loads) == row.synaptic_operations
        assert sum(int(load.fired.sum()) for load in loads) == row.active_updates


@pytest.mark.parametrize("n_steps", [1, 3, None])
def test_messages_of_graphs_against_a_literal_loop(n_steps: int | None) -> None:
    for seed in range(12):
        network = builders.random_graph(seed, n_inputs=1 + seed % 3, n_nodes=6, n_steps=n_steps)
        points = builders.random_points(network, 3, seed)
        assert_traffic_equals_the_loop(network, points, run_integer(network, points, Probe(n_samples=3)))


def test_messages_against_a_literal_loop() -> None:
    network, points, trace = wide_case()
    assert_traffic_equals_the_loop(network, points, trace)
    partition = partition_network(network, SMALL)
    traffic = count_traffic(network, partition, trace)
    for link in traffic.links:
        start = Place(0, 0) if link.source is None else partition.cores[link.source].place
        end = partition.cores[link.destination].place
        assert (link.hops_east_west, link.hops_north_south) == (abs(start[0] - end[0]), abs(start[1] - end[1]))


def test_placed_workload_carries_messages_and_hops() -> None:
    network, _, trace = wide_case()
    partition = partition_network(network, SMALL)
    traffic = count_traffic(network, partition, trace)
    load = placed_workload(deployed_workload(network, count_operations(network, trace)), partition, traffic)
    assert QUANTITIES["messages"](load) == pytest.approx(traffic.messages / traffic.n_samples, rel=ROUNDING)
    assert QUANTITIES["hops_east_west"](load) == pytest.approx(traffic.hops_east_west / 6, rel=ROUNDING)
    assert QUANTITIES["hops_north_south"](load) == pytest.approx(traffic.hops_north_south / 6, rel=ROUNDING)
    assert traffic.messages > sum(row.spikes for row in count_operations(network, trace).rows)  # several cores a layer
    assert load.n_chips == partition.n_chips


@pytest.mark.parametrize("seed", range(6))
def test_held_senders_send_once_for_each_value_and_their_receivers_work_for_every_point(seed: int) -> None:
    network = with_held(builders.random_graph(seed, n_inputs=2, n_nodes=7, n_steps=3), "x0")
    points = builders.random_points(network, 8, seed)
    points[:, : network.inputs[0].width] = points[0, : network.inputs[0].width]
    partition = partition_network(network, WIRED)
    trace, once = run_integer(network, points), run_integer(network, points[:1])
    whole, first, anew = (
        count_traffic(network, partition, *runs) for runs in ((trace, once), (once, None), (trace, None))
    )
    held = network.held_sources

    def links(traffic: Traffic, *, of_held: bool) -> set[tuple[object, ...]]:
        return {
            (link.sender, link.source, link.destination, link.messages, link.messages_per_step, link.n_samples)
            for link in traffic.links
            if (link.sender in held) == of_held
        }

    assert links(whole, of_held=True) == links(first, of_held=True) != set()
    assert links(whole, of_held=False) == links(anew, of_held=False) != set()
    for core, load, one, every in zip(partition.cores, whole.loads, first.loads, anew.loads, strict=True):
        wanted = one if core.node in held else every
        assert load.synaptic_operations.tolist() == wanted.synaptic_operations.tolist()
        assert (load.fired.tolist(), load.n_samples) == (wanted.fired.tolist(), wanted.n_samples)
    load = placed_workload(deployed_workload(network, count_operations(network, trace, once)), partition, whole)
    assert QUANTITIES["messages"](load) == pytest.approx(whole.messages / 8, rel=ROUNDING)


def test_a_trace_of_another_network_is_refused() -> None:
    network, _, _ = wide_case()
    _, _, other = wide_case(4)
    with pytest.raises(SpecError, match="count_traffic"):
        count_traffic(network, partition_network(network, SMALL), other)
