"""Measurements: no bit differs, the parts add up, sizes are the program's; and the figures that the project promises."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import builders
import neuropinn_lava as nl
import small_graphs
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.engine.reference import run_integer
from neuropinn_lava.hardware_sim.devices.integer_plan import PopulationPlan
from neuropinn_lava.hardware_sim.devices.mcu import baselines
from neuropinn_lava.hardware_sim.devices.mcu.baselines import Int8Kernel
from neuropinn_lava.hardware_sim.devices.mcu.device import find_device
from neuropinn_lava.hardware_sim.devices.mcu.measurement import (
    Loops,
    measure_device,
    measure_float32,
    measure_int8,
    plan_loops,
)
from neuropinn_lava.network.nodes import Polarity

PROMISED_INSTRUCTIONS, PROMISED_FLASH, PROMISED_RAM = 9500, 12 * 1024, 1024
"""What issue 18 promises of poisson on a Cortex-M4: a point, bytes, bytes."""


@pytest.fixture(scope="module")
def poisson():
    """The shipped network in integers, and fifty points."""
    network = nl.convert(nl.find_network("poisson")).network
    return network, np.random.default_rng(0).random((50, 2))


def test_a_small_graph_is_measured(device):
    network = small_graphs.gated_network()
    found = measure_device(network, device, builders.random_points(network, 5))
    assert found.mismatches == 0
    assert found.n_points == 5
    assert found.instructions_min <= found.instructions_mean <= found.instructions_max
    assert sum(part.mean for part in found.parts) == pytest.approx(found.instructions_mean)
    assert [part.name for part in found.parts] == [*(node.name for node in network.nodes), "output", "others"]
    assert all(part.mean > 0 for part in found.parts)
    assert found.need.ram_bytes == found.ram_bytes + found.stack_bytes
    assert (found.cycles is None) == (device == "rv32")
    if found.cycles is not None:
        assert found.instructions_mean < found.cycles.lowest < found.cycles.highest


def test_sequences_are_measured_step_by_step(m4):
    network = builders.random_graph(5, n_inputs=2, n_steps=None)
    assert measure_device(network, m4, builders.random_points(network, 3)).mismatches == 0


def test_a_difference_is_counted(m4, monkeypatch):
    network = builders.random_quantized(2)
    points = builders.random_points(network, 4)
    assert measure_device(network, m4, points).mismatches == 0
    changed = replace(network.output, affine=replace(network.output.affine, bias=network.output.affine.bias + 1))
    wrong = replace(network, output=changed)
    monkeypatch.setattr(
        "neuropinn_lava.hardware_sim.devices.mcu.measurement.run_integer", lambda _, some: run_integer(wrong, some)
    )
    assert measure_device(network, m4, points).mismatches == len(points)


def test_loops_are_planned_as_asked():
    network = builders.random_quantized(1)
    trace = run_integer(network, builders.random_points(network, 10))

    def dense(loops):
        plan = plan_loops(network, trace, loops, find_device("cortex-m4"))
        populations = [node for node in plan.nodes if isinstance(node, PopulationPlan)]
        return [each.is_dense for node in (*populations, plan.output) for each in node.affine.connections]

    assert all(dense(Loops.DENSE))
    assert not any(dense(Loops.EVENTS)[1:])  # the input is dense in any case


def test_what_is_refused():
    network = builders.random_quantized(0)
    points = builders.random_points(network, 2)
    with pytest.raises(SpecError, match="device must be one of"):
        measure_device(network, "m4", points)
    with pytest.raises(SpecError, match=r"measure_device\.loops must be one of"):
        measure_device(network, "cortex-m4", points, "sparse")
    graph = small_graphs.gated_network()
    with pytest.raises(SpecError, match="must be a chain of populations to have a dense twin"):
        measure_int8(graph.source, "cortex-m4", builders.random_points(graph, 2))


def test_the_int8_twin_approximates_the_float_twin():
    spec = builders.random_spec(3, widths=(2, 20, 20, 1), n_steps=1)
    points = builders.random_points(spec, 200)
    layers = baselines.int8_layers(spec)
    sums = baselines.run_int8(layers, baselines.int8_words(spec, points))
    exact = baselines.run_float32(baselines.float_layers(spec), spec.input_transform.apply(points))
    scale = float((sums * exact).sum() / (sums * sums.astype(float)).sum())
    assert np.abs(scale * sums - exact).max() < 0.1 * np.abs(exact).max()


@pytest.mark.parametrize("kernel", list(Int8Kernel))
def test_int8_on_the_device_has_the_bits_of_its_formula(m4, kernel):
    spec = builders.random_spec(3, widths=(3, 9, 6, 2), n_steps=1)
    assert measure_int8(spec, m4, builders.random_points(spec, 5), kernel).mismatches == 0


def test_float32_on_the_device_is_the_float_network(m4):
    spec = builders.random_spec(3, widths=(2, 9, 6, 2), n_steps=1)
    assert measure_float32(spec, m4, builders.random_points(spec, 5)).mismatches == 0


@pytest.mark.slow
def test_poisson_takes_what_the_project_promises(m4, poisson):
    found = measure_device(*_called(poisson, m4))
    assert found.mismatches == 0
    assert found.instructions_mean <= PROMISED_INSTRUCTIONS
    assert found.flash_bytes <= PROMISED_FLASH
    assert found.ram_bytes + found.stack_bytes <= PROMISED_RAM
    dense = measure_device(*_called(poisson, m4), Loops.DENSE)
    assert dense.mismatches == 0
    assert dense.instructions_mean > 2.5 * found.instructions_mean


@pytest.mark.slow
def test_events_do_not_lose_where_nearly_all_neurons_fire(device, poisson):
    network, points = poisson
    both = replace(
        network,
        nodes=tuple(replace(node, polarity=Polarity.BOTH) for node in network.nodes),
        source=replace(
            network.source, nodes=tuple(replace(node, polarity=Polarity.BOTH) for node in network.source.nodes)
        ),
    )
    busy = builders.with_activity(both, points, 0.9)
    assert np.mean([node.events.mean() / len(points) for node in run_integer(busy, points).nodes]) > 0.85
    chosen, dense = (measure_device(busy, device, points, loops) for loops in (Loops.COUNTED, Loops.DENSE))
    assert chosen.mismatches == dense.mismatches == 0
    assert chosen.instructions_mean <= dense.instructions_mean


def _called(poisson, device):
    network, points = poisson
    return network, device, points
