"""The time of a step: each term counted by hand on networks of a few neurons, and made the largest one once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import builders
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.conversion.targets.target import find_target
from neuropinn_lava.engine.reference import run_integer
from neuropinn_lava.engine.schedule import Schedule
from neuropinn_lava.engine.trace import RunTrace
from neuropinn_lava.hardware_sim.costs.constants import Constant
from neuropinn_lava.hardware_sim.costs.latency import LatencyEstimate, TimingModel, estimate_latency, find_timing
from neuropinn_lava.hardware_sim.mapping.cores import Partition, partition_network
from neuropinn_lava.hardware_sim.mapping.mesh import Place
from neuropinn_lava.hardware_sim.mapping.mesh_routes import load_links, route
from neuropinn_lava.hardware_sim.mapping.traffic import CoreLoad, Link, Traffic, count_traffic
from neuropinn_lava.network.quantized import QuantizedNetwork

ROUNDING = 1e-12


def timing(**changed: float) -> TimingModel:
    """Give rates of 1 ns an operation, 1 ns a bit, headers of 10 bits and no barrier, with some of them changed."""
    values = {
        "synaptic_event": 1.0, "active_update": 1.0, "inactive_update": 1.0, "step_floor": 0.0, "synaptic_read": 1.0,
        "link_bit": 1.0, "message_header": 10.0,
    }  # fmt: skip
    constants = tuple(
        Constant(name=name, value=value, unit="1" if name == "message_header" else "ns", source="made for this test")
        for name, value in (values | changed).items()
    )
    return TimingModel(name="mine", title="Mine", source="here", leaves_out="all", constants=constants)


def three_neurons() -> QuantizedNetwork:
    """Two inputs, spiking neurons a and b, one read-out: weights (1, 2; 3, 0) and (4, 5), payloads of 10 bits, inputs of 6."""
    network = builders.random_quantized(5, widths=(2, 2, 1), n_steps=1, weight_bits=8, payload_bits=10, input_bits=6)
    network = builders.with_layer(network, 0, weight=np.array([[1, 2], [3, 0]]))
    return replace(
        network, output=replace(network.output, affine=network.output.affine.with_weight(np.array([[4, 5]])))
    )


def placed(network: QuantizedNetwork) -> Partition:
    """Give one core to each layer: core 0 for a and b, core 1 for the read-out, both in the tile of the host."""
    return partition_network(network, find_target("loihi2"))


def traffic_of(events: list[int], fired: list[int]) -> Traffic:
    """Give one sample in which these inputs send, and a and b fire or not, counted by the package from a trace."""
    network = three_neurons()
    trace = run_integer(network, builders.random_points(network, 1))
    layer = replace(trace.nodes[0], events=np.array([fired]), fired=np.array([fired]))
    hand_made: RunTrace = replace(trace, input_events=np.array([events]), nodes=(layer,))
    return count_traffic(network, placed(network), hand_made)


def seconds_of(estimate: LatencyEstimate) -> dict[str, float]:
    assert all(term.seconds.low == term.seconds.high for term in estimate.terms)
    return {term.name: term.seconds.low * 1e9 for term in estimate.terms}


def test_all_terms_of_three_neurons_by_hand() -> None:
    """Both inputs send, a fires, b does not.

    Core 0 updates a (fires, 4 ns) and b (does not, 3 ns): 7 ns. Core 1 updates the read-out, which never fires: 3 ns.
    Core 0 performs 1 + 2 operations for a and b: input 0 has weights on both, input 1 on a alone. Core 1 performs 1 of a.
    Core 0 reads one word for each of the two inputs, core 1 one word for a.
    The link from the router to core 0 carries two inputs of 6 bits and their headers of 10: 32 bits. The links of a's spike
    to the router and on to core 1 carry 10 + 10 bits each.
    """
    traffic = traffic_of([1, 1], [1, 0])
    rates = timing(active_update=4.0, inactive_update=3.0, synaptic_event=2.0, synaptic_read=5.0, step_floor=6.0)
    estimate = estimate_latency(placed(three_neurons()), traffic, rates)
    expected = {
        "barrier": 6.0, "neuron updates": 7.0, "synaptic operations": 3 * 2.0, "synaptic reads": 2 * 5.0, "link bits": 32.0,
    }  # fmt: skip
    assert seconds_of(estimate) == pytest.approx(expected, rel=ROUNDING)
    places = {term.name: term.place for term in estimate.terms}
    assert places == {
        "barrier": "chip", "neuron updates": "core 0", "synaptic operations": "core 0", "synaptic reads": "core 0",
        "link bits": "router (0, 0) to core 0",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("rate", "term"),
    [
        ("step_floor", "barrier"),
        ("active_update", "neuron updates"),
        ("synaptic_event", "synaptic operations"),
        ("synaptic_read", "synaptic reads"),
        ("link_bit", "link bits"),
    ],
)
def test_the_largest_term_makes_the_step(rate: str, term: str) -> None:
    partition, traffic = placed(three_neurons()), traffic_of([1, 1], [1, 1])
    estimate = estimate_latency(partition, traffic, timing(**{rate: 1000.0}))
    assert (estimate.largest_term, estimate.largest_term_high) == (term, term)
    largest = next(each for each in estimate.terms if each.name == term)
    assert estimate.step_seconds == largest.seconds
    assert estimate.latency_seconds.low == pytest.approx(2 * largest.seconds.low, rel=ROUNDING)  # T + 1 layer
    assert estimate.samples_per_second.high == pytest.approx(1 / largest.seconds.low, rel=ROUNDING)


def test_terms_without_a_rate_are_left_out() -> None:
    partition, traffic = placed(three_neurons()), traffic_of([1, 1], [1, 1])
    held = tuple(c for c in timing().constants if c.name not in ("synaptic_read", "link_bit", "message_header"))
    estimate = estimate_latency(partition, traffic, replace(timing(), constants=held))
    assert [term.name for term in estimate.terms] == ["barrier", "neuron updates", "synaptic operations"]
    with pytest.raises(SpecError, match="link_bit and message_header together"):
        replace(timing(), constants=tuple(c for c in timing().constants if c.name != "message_header"))
    with pytest.raises(SpecError, match=r"'message_header'.unit must be a number"):
        replace(timing(), constants=tuple(replace(c, unit="ns") for c in timing().constants))


def test_a_silent_network_waits_for_the_barrier_and_updates_its_neurons() -> None:
    estimate = estimate_latency(placed(three_neurons()), traffic_of([0, 0], [0, 0]), timing(step_floor=9.0))
    expected = {"barrier": 9.0, "neuron updates": 2.0, "synaptic operations": 0.0, "synaptic reads": 0.0}
    assert seconds_of(estimate) == pytest.approx(expected, rel=ROUNDING)


def test_reads_are_words_of_64_bits() -> None:
    """An event that reaches 9 weights of 8 bits reads 72 bits, two words."""
    network = builders.random_quantized(7, widths=(1, 9, 1), n_steps=1, weight_bits=8, density=1.0)
    network = builders.with_layer(network, 0, weight=np.ones((9, 1), dtype=np.int64))
    trace = run_integer(network, builders.random_points(network, 1))
    traffic = count_traffic(network, placed(network), replace(trace, input_events=np.array([[1]])))
    assert traffic.loads[0].synaptic_operations.tolist() == [9]
    assert traffic.loads[0].synaptic_reads.tolist() == [2]


# Routes.


def test_a_route_goes_along_the_row_first() -> None:
    assert route(Place(1, 2), Place(3, 1)) == (
        "router (1, 2)", "router (2, 2)", "router (3, 2)", "router (3, 1)",
    )  # fmt: skip
    assert route(Place(2, 0), Place(0, 1)) == ("router (2, 0)", "router (1, 0)", "router (0, 0)", "router (0, 1)")
    assert route(Place(4, 3), Place(4, 3)) == ("router (4, 3)",)


def two_core_case(n_steps: int, links: tuple[Link, ...]) -> tuple[Partition, Traffic]:
    """Give five cores of one neuron, so that core 4 lies in the next tile, with hand-made messages."""
    network = builders.random_quantized(8, widths=(1, 4, 1), n_steps=n_steps)
    network = builders.with_layer(network, 0, weight=np.ones((4, 1), dtype=np.int64))
    partition = partition_network(network, replace(find_target("loihi2"), max_neurons_per_core=1))
    assert [core.place for core in partition.cores] == [Place(0, 0)] * 4 + [Place(1, 0)]
    idle = np.zeros(n_steps, dtype=np.int64)
    loads = tuple(
        CoreLoad(core=core, synaptic_operations=idle, synaptic_reads=idle, fired=idle, n_neurons=1, n_samples=1)
        for core in range(5)
    )
    schedule = Schedule(interval=1, starts={"input": -1, "hidden0": 0, "output": 1}, output="output")
    return partition, Traffic(n_samples=1, n_steps=n_steps, schedule=schedule, links=links, loads=loads)


def message(source: int | None, destination: int, per_step: tuple[int, ...]) -> Link:
    sender, start = ("input", 0) if source is None else ("hidden0", 1)
    return Link(
        sender=sender, start=start, source=source, destination=destination, messages=sum(per_step), messages_per_step=per_step,
        payload_bits=6, n_samples=1, hops_east_west=0, hops_north_south=0,
    )  # fmt: skip


def test_links_shared_by_routes_add_up() -> None:
    """Cores 0 and 1 each send 3 messages to core 4: 3 on either link to the router, 6 between the routers and into core 4."""
    partition, traffic = two_core_case(1, (message(0, 4, (3,)), message(1, 4, (3,))))
    found = {(load.start, load.end): load.messages.tolist() for load in load_links(partition, traffic)}
    assert found == {
        ("core 0", "router (0, 0)"): [3.0],
        ("core 1", "router (0, 0)"): [3.0],
        ("router (0, 0)", "router (1, 0)"): [6.0],
        ("router (1, 0)", "core 4"): [6.0],
    }
    estimate = estimate_latency(partition, traffic, timing())
    links = next(term for term in estimate.terms if term.name == "link bits")
    assert links.seconds.low == pytest.approx(6 * (6 + 10) * 1e-9, rel=ROUNDING)


def test_layers_meet_on_a_link_one_step_apart() -> None:
    """The host sends to core 4 at t = 0; hidden0 is one step behind, so that its messages of t = 1 meet them, T = 2."""
    partition, traffic = two_core_case(2, (message(None, 4, (5, 0)), message(0, 4, (0, 7))))
    shared = {(load.start, load.end): load.messages.tolist() for load in load_links(partition, traffic)}
    assert shared["router (0, 0)", "router (1, 0)"] == [12.0, 0.0]


# Shipped rates.


@pytest.mark.parametrize("name", ["loihi1", "loihi2"])
def test_ranges_are_ordered_and_the_step_is_the_largest_term(name: str) -> None:
    network = builders.random_quantized(3, widths=(2, 13, 11, 2), n_steps=2, density=0.4)
    trace = run_integer(network, builders.random_points(network, 6))
    partition = partition_network(network, find_target(name))
    estimate = estimate_latency(partition, count_traffic(network, partition, trace), find_timing(name))
    for span in (estimate.busy_seconds, estimate.step_seconds, estimate.latency_seconds, estimate.samples_per_second):
        assert 0 < span.low <= span.high
    assert estimate.step_seconds.low == max(term.seconds.low for term in estimate.terms)
    assert estimate.step_seconds.high == max(term.seconds.high for term in estimate.terms)
    assert estimate.latency_seconds.low == pytest.approx(4 * estimate.step_seconds.low, rel=ROUNDING)  # T + 2 layers


def test_assumed_rates_of_loihi_2_follow_the_factors_of_the_brief() -> None:
    """Synaptic operation 5 times, simple update 2 times, spike 10 times faster than Loihi 1; chip-wide steps of 200 ns."""
    old, new = find_timing("loihi1"), find_timing("loihi2")
    assert new.at("synaptic_event", "lowest") == pytest.approx(old.at("synaptic_event", "lowest") / 5, rel=ROUNDING)
    assert new.at("inactive_update", "lowest") == pytest.approx(old.at("inactive_update", "lowest") / 2, rel=ROUNDING)
    spike = old.at("active_update", "lowest") - old.at("inactive_update", "lowest")
    found = new.at("active_update", "lowest") - new.at("inactive_update", "lowest")
    assert found == pytest.approx(spike / 10, rel=1e-9)  # the file writes 2.96
    assert new.at("step_floor", "lowest") == pytest.approx(200e-9, rel=ROUNDING)
    assert all(constant.lowest < constant.value < constant.highest for constant in new.constants)
