"""Our Loihi 1 model with SANA-FE's constants against SANA-FE itself, term by term."""

from __future__ import annotations

import pytest

import builders
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.base.extras import MissingPackageError
from neuropinn_lava.conversion.quantize.post_training import quantize_network
from neuropinn_lava.engine.reference import run_integer
from neuropinn_lava.engine.trace import Probe, RunTrace
from neuropinn_lava.hardware_sim.costs.energy import price_workload
from neuropinn_lava.hardware_sim.costs.energy_files import find_energy_model
from neuropinn_lava.hardware_sim.costs.sanafe_replay import check_replayable, replay_on_sanafe, sanafe_target
from neuropinn_lava.hardware_sim.counts.counting import count_operations
from neuropinn_lava.hardware_sim.counts.workload import deployed_workload
from neuropinn_lava.hardware_sim.mapping.cores import partition_network
from neuropinn_lava.hardware_sim.mapping.traffic import count_traffic, placed_workload
from neuropinn_lava.network.quantized import QuantizedNetwork
from small_graphs import operator_network, with_connection

TOLERANCE = 1e-9
"""Their sums of doubles; the goal of the comparison was one percent."""

N_SAMPLES = 3


def run_of(network: QuantizedNetwork) -> RunTrace:
    return run_integer(network, builders.random_points(network, N_SAMPLES), Probe(n_samples=N_SAMPLES))


def chain(*widths: int) -> QuantizedNetwork:
    return builders.random_quantized(0, widths=widths, n_steps=3, density=0.8)


def graph_without_delays(seed: int) -> QuantizedNetwork:
    """Skips, products, relays and two inputs, drawn again until there is a product and no delay."""
    drawn = (
        builders.random_graph(k, n_inputs=2, n_nodes=3, recurrent=False) for k in range(1000 * seed, 1000 * seed + 1000)
    )
    return next(
        each
        for each in drawn
        if len(each.populations) < len(each.nodes)
        and not any(delay for node in (*each.nodes, each.output) for _, delay in node.edges)
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("network", "neurons_per_core", "n_tiles"),
    [
        (chain(2, 20, 20, 1), 480, 1),  # one tile
        (chain(3, 30, 24, 2), 1, 14),  # hops in both directions
        (graph_without_delays(0), 480, 1),
        (graph_without_delays(1), 1, None),
    ],
)
def test_equal_to_sanafe(
    network: QuantizedNetwork, neurons_per_core: int, n_tiles: int | None, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("sanafe", reason="the extra `sanafe` is not installed")
    trace = run_of(network)
    replay = replay_on_sanafe(network, trace, builders.random_points(network, N_SAMPLES), neurons_per_core)
    partition = partition_network(network, sanafe_target(neurons_per_core))
    traffic = count_traffic(network, partition, trace)
    load = placed_workload(deployed_workload(network, count_operations(network, trace)), partition, traffic)
    terms = {term.name: term.joules for term in price_workload(load, find_energy_model("loihi1-sanafe"))}
    assert n_tiles in (None, len({core.place for core in partition.cores}))
    assert replay.synapse_joules == pytest.approx(terms["synapses"], rel=TOLERANCE)
    soma = terms["neuron access"] + terms["neuron update"] + terms["spikes out"]
    assert replay.soma_joules == pytest.approx(soma, rel=TOLERANCE)
    network_joules = terms["messages out"] + terms["hops east-west"] + terms["hops north-south"]
    assert replay.network_joules == pytest.approx(network_joules, rel=TOLERANCE)
    assert replay.joules == pytest.approx(sum(terms.values()), rel=TOLERANCE)
    assert replay.seconds > 0
    assert capsys.readouterr().out == ""  # what SANA-FE prints goes nowhere


@pytest.mark.slow
def test_what_cannot_be_replayed_is_refused() -> None:
    pytest.importorskip("sanafe", reason="the extra `sanafe` is not installed")
    network, other = builders.random_quantized(0), builders.random_quantized(1)
    points = builders.random_points(network, N_SAMPLES)
    with pytest.raises(SpecError, match="every sample and node recorded"):
        replay_on_sanafe(network, run_integer(network, points), points)
    with pytest.raises(SpecError, match="every sample and node recorded"):
        replay_on_sanafe(network, run_integer(network, points, Probe(n_samples=1)), points)
    with pytest.raises(SpecError, match="a trace of this network"):
        replay_on_sanafe(network, run_of(other), points)
    with pytest.raises(SpecError, match="n_samples, n_in"):
        replay_on_sanafe(network, run_of(network), points[:1])
    late = with_connection(network, "hidden1", source="hidden0", delay=1)
    with pytest.raises(SpecError, match="have no delays and no sequences; got delays into hidden1"):
        replay_on_sanafe(late, run_of(late), points)
    wide = builders.random_quantized(2, widths=(2, 200, 1))
    with pytest.raises(SpecError, match="at most 128 cores"):
        replay_on_sanafe(wide, run_of(wide), builders.random_points(wide, N_SAMPLES), neurons_per_core=1)


def test_without_sanafe_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "sanafe", None)
    network = builders.random_quantized(0)
    with pytest.raises(MissingPackageError, match=r"neuropinn-lava\[sanafe\]"):
        replay_on_sanafe(network, run_of(network), builders.random_points(network, N_SAMPLES))


def test_graphs_that_cannot_be_replayed_are_refused_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong with the network is said before its points, and whether SANA-FE is installed."""
    monkeypatch.setitem(__import__("sys").modules, "sanafe", None)
    sequences = builders.random_graph(0, n_inputs=2, n_steps=None, recurrent=False)
    points = builders.random_points(sequences, N_SAMPLES)
    trace = run_integer(sequences, points, Probe(n_samples=N_SAMPLES))
    for refused in (lambda: replay_on_sanafe(sequences, trace, points), lambda: check_replayable(sequences)):
        with pytest.raises(SpecError, match="have no delays, no sequences"):
            refused()
    held = quantize_network(operator_network()).network
    with pytest.raises(SpecError, match="no sequences and no held inputs; got held inputs"):
        check_replayable(held)
