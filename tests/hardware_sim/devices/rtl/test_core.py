"""The core in Amaranth's simulator: every number of every neuron and step is the integer engine's."""

from __future__ import annotations

import importlib
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import builders
import small_graphs
from neuropinn_lava.hardware_sim.devices.integer_plan import plan_integers
from neuropinn_lava.network.nodes import Polarity
from neuropinn_lava.network.quantized import QuantizedNetwork
from neuropinn_lava.network.spec import Readout

pytest.importorskip("amaranth", reason="the extra `rtl` is not installed")
sys.path.append(str(Path(__file__).parent))
cores: Any = importlib.import_module("cores")

SHORT = {"index_size": 4}
"""Tables of 16 cells, which the simulator compiles quickly."""


def chain(seed: int, widths: tuple[int, ...], **options: Any) -> QuantizedNetwork:
    return builders.random_quantized(seed, widths=widths, **(SHORT | options))


def assert_equal(network: QuantizedNetwork, **options: Any) -> None:
    result = cores.compare_simulated(network, **options)
    assert result.mismatches == 0, result.first_difference


@pytest.mark.parametrize("lanes", [1, 2, 4])
def test_widths_that_are_multiples_of_the_lanes_and_others(lanes: int) -> None:
    assert_equal(chain(1, (2, 4, 1), n_steps=1), lanes=lanes)


@pytest.mark.parametrize(("density", "theta"), [(0.2, 0), (1.0, 1 << 22)])
def test_sparse_and_full(density: float, theta: int) -> None:
    network = chain(2, (3, 6, 2), n_steps=1, density=density, polarity=Polarity.BOTH)
    nodes = tuple(replace(node, theta=node.theta * 0 + theta) for node in network.populations)
    source = builders.float_twin(network.source, nodes, network.output)
    assert_equal(replace(network, source=source, nodes=nodes), lanes=2)


@pytest.mark.parametrize(("n_steps", "polarity"), [(2, Polarity.POSITIVE), (4, Polarity.BOTH)])
def test_steps_with_membranes_of_either_polarity(n_steps: int, polarity: Polarity) -> None:
    assert_equal(chain(3, (2, 4, 2, 1), n_steps=n_steps, polarity=polarity), n=2)


@pytest.mark.parametrize("activation", ["identity", "silu", "sin_turns", "leaky_relu(0.2)"])
def test_tables_of_every_kind(activation: str) -> None:
    assert_equal(chain(4, (1, 4, 1), n_steps=1, activation=activation))


def test_forced_saturation() -> None:
    assert_equal(builders.saturating_quantized(0), n=2)


def test_shifts_of_both_signs() -> None:
    network = chain(5, (2, 5, 4, 1), n_steps=1, input_bits=14, payload_bits=14)
    lefts = {int(up - down) for node in plan_integers(network).populations for c in node.affine.connections
             for up, down in zip(c.up, c.down, strict=True)}  # fmt: skip
    assert min(lefts) < 0 < max(lefts)
    assert_equal(network)


def test_products_skips_and_delays() -> None:
    assert_equal(small_graphs.gated_network(2), n=2)


def test_a_loop_that_is_longer_than_a_sample() -> None:
    looped = small_graphs.with_connection(chain(6, (2, 3, 3, 1), n_steps=2), "hidden0", source="hidden1", delay=3)
    assert_equal(small_graphs.with_connection(looped, "hidden1", source="hidden1", delay=1))


def test_a_population_that_reads_only_itself() -> None:
    assert_equal(small_graphs.with_hermit(chain(7, (2, 3, 1)), "hermit"))


@pytest.mark.parametrize("readout", [Readout.MEAN, Readout.EVERY])
def test_sequences_with_pauses_at_both_ends(readout: Readout) -> None:
    network = builders.random_graph(
        8, n_inputs=2, n_nodes=2, n_steps=None, activations=("relu", "identity"), readout=readout
    )
    assert_equal(network, n=2, pauses=0.5)


def test_the_last_step_alone() -> None:
    assert_equal(chain(9, (2, 3, 2), n_steps=3, readout=Readout.LAST, activation="relu"))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_random_graphs(seed: int) -> None:
    n_steps = (1, 2, 4, None, 3)[seed % 5]
    network = builders.random_graph(seed, n_inputs=1 + seed % 3, n_nodes=3 + seed % 3, n_steps=n_steps)
    assert_equal(network, n=2, lanes=1 + seed % 4, pauses=0.3 * (seed % 2))


@pytest.mark.parametrize("mutate", ["with_weight", "with_shift", "with_comparison"])
def test_a_mutant_is_found_and_named(mutate: str) -> None:
    network = chain(10, (2, 4, 4, 1), n_steps=2)
    plan = getattr(cores, mutate)(plan_integers(network), 1)
    result = cores.compare_simulated(network, n=6, plan=plan)
    assert result.first_difference is not None
    assert result.first_difference.layer == "hidden1"
