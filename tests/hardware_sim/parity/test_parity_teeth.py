"""The certificate has teeth: each mutant of a Lava model is found, and the place is named."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import builders
from neuropinn_lava.base.errors import SimulationError
from neuropinn_lava.engine.reference import run_integer
from neuropinn_lava.engine.trace import LavaMode, Probe
from neuropinn_lava.hardware_sim.lava.simulate import simulate_on_lava
from neuropinn_lava.hardware_sim.parity.compare_traces import FirstDifference, compare_traces
from neuropinn_lava.hardware_sim.runner.lava_guard import require_lava
from neuropinn_lava.hardware_sim.steps.choices import LayerModel
from neuropinn_lava.network.quantized import QuantizedNetwork
from small_graphs import gated_network

sys.path.insert(0, str(Path(__file__).with_name("mutants")))
pytestmark = pytest.mark.lava

N = 12
HOW = {
    "batched": {"batch_size": 5, "model": LayerModel.FUSED},
    "faithful": {"mode": LavaMode.FAITHFUL, "model": LayerModel.FUSED},
    "dense": {"mode": LavaMode.FAITHFUL, "model": LayerModel.DENSE},
}


def mutant(name: str) -> Any:
    require_lava()
    return getattr(importlib.import_module("mutant_models"), name)


def layers(name: str) -> tuple[type, type]:
    """Name the class of processes that a mutant takes over."""
    home = "vsn" if name == "VSN" else "layers"
    return getattr(importlib.import_module(f"neuropinn_lava.hardware_sim.lava.processes.{home}"), name)


def first_difference(
    network: QuantizedNetwork, process: str, name: str, how: str, probe: int = N
) -> tuple[int, FirstDifference]:
    points = builders.random_points(network, N)
    models = {layers(process): mutant(name)} if name else None
    actual = simulate_on_lava(network, points, probe=Probe(n_samples=probe), models=models, **HOW[how])
    found = compare_traces(run_integer(network, points, Probe(n_samples=N)), actual)
    assert found.first_difference is not None
    return found.mismatches, found.first_difference


def hit_network() -> QuantizedNetwork:
    """Neuron 0 of hidden0 reaches its threshold exactly in sample 0, and nobody else does earlier."""
    network = builders.random_quantized(11, widths=(2, 6, 5, 1), n_steps=2)
    return builders.with_threshold_hits(network, builders.random_points(network, N))


def first_hit(network: QuantizedNetwork) -> tuple[int, int, int]:
    """Find step, sample and neuron of the first neuron of hidden0 that fires at its threshold: by the equations."""
    from neuropinn_lava.engine.host import encode_points
    from neuropinn_lava.engine.reference import integer_drive, leaked

    layer = network.populations[0]
    z, _ = integer_drive(layer.affine, [encode_points(network, builders.random_points(network, N))[0]])
    m = np.zeros_like(z)
    for t in range(network.n_steps):
        m = leaked(m, layer.beta) + z
        if (m == layer.theta).any():
            sample, neuron = (int(i) for i in np.argwhere(m == layer.theta)[0])
            return t, sample, neuron
        m = np.where(m >= layer.theta, 0, m)
    raise AssertionError("no membrane reaches its threshold exactly")


COMPILED = pytest.mark.slow  # numba compiles a mutant anew in every process
THRESHOLDS = [
    ("StrictThreshold", "batched"),
    ("StrictThreshold", "faithful"),
    pytest.param("StrictThresholdInCompiledLoops", "batched", marks=COMPILED),
]
LEAKS = [
    ("LeakRoundedDown", "batched"),
    ("LeakRoundedDown", "faithful"),
    pytest.param("LeakRoundedDownInCompiledLoops", "batched", marks=COMPILED),
]


@pytest.mark.parametrize(("name", "how"), THRESHOLDS)
def test_a_strict_threshold_is_located(name: str, how: str) -> None:
    network = hit_network()
    mismatches, first = first_difference(network, "VSN", name, how)
    assert mismatches > 0
    assert (first.step, first.sample, first.neuron) == first_hit(network)
    assert (first.layer, first.quantity, first.expected, first.found) == ("hidden0", "fired", 1.0, 0.0)


def test_a_strict_threshold_behind_dense_is_located() -> None:
    network = hit_network()
    _, first = first_difference(network, "VsnNeurons", "StrictNeurons", "dense")
    assert (first.layer, first.quantity) == ("hidden0", "fired")
    assert (first.step, first.sample, first.neuron) == first_hit(network)


@pytest.mark.parametrize(("name", "how"), LEAKS)
def test_another_rounding_of_the_leak_is_located(name: str, how: str) -> None:
    """The first leak is that of step 1; a membrane must be negative to tell, and off by one."""
    network = builders.random_quantized(12, widths=(2, 9, 5, 1), n_steps=3)
    network = builders.with_layer(network, 0, beta=np.full(9, 3001))
    _, first = first_difference(network, "VSN", name, how)
    assert (first.layer, first.quantity, first.step) == ("hidden0", "membrane", 1)
    assert first.expected - first.found == 1.0


@pytest.mark.parametrize("how", ["batched", "faithful"])
def test_one_bit_of_one_weight_is_located(how: str) -> None:
    """The neuron with the wrong weight differs in the first sample and step in which its input sends a word long enough."""
    network = builders.random_quantized(13, widths=(2, 6, 5, 1), n_steps=2)
    index, neuron, _ = mutant_place()
    _, first = first_difference(network, "VSN", "FlippedWeight", how)
    assert (first.layer, first.neuron) == (f"hidden{index}", neuron)
    assert first.quantity in {"fired", "membrane", "payload"}


def mutant_place() -> tuple[int, int, int]:
    require_lava()
    return importlib.import_module("mutant_models").FLIPPED


def test_one_bit_of_the_readout_is_located_in_samples_that_are_not_probed() -> None:
    """Without probes the sums tell must have every sample's, the first one first; the bias' bit counts once a step."""
    network = builders.random_quantized(13, widths=(2, 6, 5, 1), n_steps=2)
    mismatches, first = first_difference(network, "ReadoutLayer", "FlippedReadoutBias", "batched", probe=0)
    assert mismatches == 2 * N  # readout and u
    assert (first.layer, first.step, first.sample, first.neuron, first.quantity) == ("output", None, 0, 0, "readout")
    assert abs(first.expected - first.found) == 2.0


@pytest.mark.parametrize("how", ["batched", "faithful"])
@pytest.mark.parametrize(
    ("process", "name", "node", "step"),
    [
        ("VSN", "LateConnection", "hidden2", 0),  # the first one, of gate, has no delay and is silent at step 0
        ("VSN", "SwappedConnections", "hidden2", 0),
        ("ProductLayer", "ShiftedProduct", "gate", 0),
        ("VSN", "DroppedRelay", "hidden1", 0),
    ],
)
def test_what_is_wrong_in_a_graph_is_named_by_node(process: str, name: str, node: str, step: int, how: str) -> None:
    mismatches, first = first_difference(gated_network(), process, name, how)
    assert mismatches > 0
    assert (first.layer, first.step) == (node, step)
    assert first.quantity in {"fired", "membrane", "payload"}


def test_a_graph_without_a_mutant_has_no_difference() -> None:
    network = gated_network()
    points, probe = builders.random_points(network, N), Probe(n_samples=N)
    for how in HOW.values():
        actual = simulate_on_lava(network, points, probe=probe, **how)
        assert compare_traces(run_integer(network, points, probe), actual).mismatches == 0


def test_a_model_that_raises_is_named() -> None:
    network = builders.random_quantized(13)
    points = builders.random_points(network, N)
    with pytest.raises(SimulationError, match=r"VSN 'hidden[01]'.*ZeroDivisionError: on purpose"):
        simulate_on_lava(network, points, models={layers("VSN"): mutant("Failing")}, **HOW["batched"])
