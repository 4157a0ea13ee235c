"""Lava against the reference engines: every value of every mode, model, activation, polarity and number of steps.

Integers are compared bit for bit. Sums of counts stand for samples that are not recorded in full.
"""

from __future__ import annotations

import gc
import importlib
import logging
import math
import pickle
import subprocess
import sys
from dataclasses import replace
from itertools import cycle, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import builders
from neuropinn_lava.base.errors import HardwareRuleError, SimulationError, SpecError
from neuropinn_lava.engine.reference import run_float, run_integer
from neuropinn_lava.engine.state import RunState
from neuropinn_lava.engine.trace import Backend, LavaMode, Probe
from neuropinn_lava.engine.walk import longest_delays
from neuropinn_lava.hardware_sim.kernels import layer_kernel, numpy_loops
from neuropinn_lava.hardware_sim.lava import plan
from neuropinn_lava.hardware_sim.lava.simulate import simulate_on_lava
from neuropinn_lava.hardware_sim.parity.compare_traces import ParityResult, compare_traces
from neuropinn_lava.hardware_sim.steps.choices import LayerModel
from neuropinn_lava.network import activations
from neuropinn_lava.network.nodes import Polarity
from neuropinn_lava.network.quantized import QuantizedNetwork
from neuropinn_lava.network.spec import NetworkSpec, Readout

pytestmark = pytest.mark.lava

WIDTHS = (2, 12, 9, 2)
FLOAT_ROUNDING = 1e-12
"""Sums of at most 12 terms, in another order, through two layers and 8 steps; relative to the largest value."""
N_BATCHED, N_FAITHFUL, N_DENSE = 700, 64, 16


def compare(network: QuantizedNetwork | NetworkSpec, n: int, **how: Any) -> ParityResult:
    """Run on Lava and on the reference engine, every value recorded, and compare."""
    points, probe = builders.random_points(network, n, seed=7), Probe(n_samples=n)
    actual = simulate_on_lava(network, points, probe=probe, **how)
    assert actual.backend is Backend.LAVA
    if isinstance(network, QuantizedNetwork):
        assert actual.readout.dtype == np.int64
        return compare_traces(run_integer(network, points, probe), actual)
    return compare_traces(run_float(network, points, probe), actual, FLOAT_ROUNDING)


def assert_equal(found: ParityResult) -> None:
    assert found.first_difference is None
    assert found.mismatches == 0


def compare_batched(model: LayerModel, activation: str, polarity: Polarity, n_steps: int) -> int:
    """Compare a network of this kind, and tell how many values there were."""
    network = builders.random_quantized(1, widths=WIDTHS, activation=activation, polarity=polarity, n_steps=n_steps)
    found = compare(network, N_BATCHED, batch_size=256, model=model)
    assert found.first_difference is None, (activation, polarity, n_steps)
    return found.values_compared


def test_batched_lava_equals_the_integers_in_over_a_million_values() -> None:
    """Every activation with each polarity; the numbers of steps take turns."""
    kinds = product(builders.ACTIVATIONS, builders.POLARITIES)
    n_steps = cycle(builders.N_STEPS)
    assert sum(compare_batched(LayerModel.FUSED, *kind, next(n_steps)) for kind in kinds) > 1_000_000


@pytest.mark.slow
@pytest.mark.parametrize("model", [LayerModel.FUSED, LayerModel.WHOLE])
def test_batched_lava_equals_the_integers_for_every_kind(model: LayerModel) -> None:
    for kind in product(builders.ACTIVATIONS, builders.POLARITIES, builders.N_STEPS):
        assert compare_batched(model, *kind) > N_BATCHED


@pytest.mark.parametrize(
    ("n_steps", "activation", "polarity"),
    [(1, "tanh", Polarity.BOTH), (2, "tanh_squared", Polarity.POSITIVE), (8, "z_tanh_z", Polarity.POSITIVE)],
)
@pytest.mark.parametrize(
    ("model", "n"), [(LayerModel.FUSED, N_FAITHFUL), (LayerModel.DENSE, N_DENSE), (LayerModel.WHOLE, N_FAITHFUL)]
)
def test_faithful_lava_equals_the_integers(
    model: LayerModel, n: int, n_steps: int, activation: str, polarity: Polarity
) -> None:
    network = builders.random_quantized(4, widths=WIDTHS, activation=activation, polarity=polarity, n_steps=n_steps)
    assert_equal(compare(network, n, mode=LavaMode.FAITHFUL, model=model))


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9])
@pytest.mark.parametrize("polarity", builders.POLARITIES)
def test_any_activity(share: float, polarity: Polarity) -> None:
    network = builders.random_quantized(9, widths=WIDTHS, polarity=polarity, n_steps=1)
    points = builders.random_points(network, 100)
    network = builders.with_activity(network, points, share)
    actual = simulate_on_lava(network, points)
    assert compare_traces(run_integer(network, points), actual).mismatches == 0
    fired = [layer.fired.mean() / len(points) for layer in actual.nodes]
    assert np.abs(np.array(fired) - share).max() < 0.08  # thresholds are quantiles of a hundred samples and integers


SHAPED = {
    "threshold hits": lambda: builders.with_threshold_hits(
        builders.random_quantized(3, widths=WIDTHS, n_steps=2),
        builders.random_points(builders.random_quantized(3), 20, 7),
    ),
    "saturating": lambda: builders.saturating_quantized(3, widths=WIDTHS, n_steps=8),
    "zero layer": lambda: builders.with_zero_layer(builders.random_quantized(3, widths=WIDTHS)),
    "zero layer, zero threshold": lambda: builders.with_layer(
        builders.with_zero_layer(builders.random_quantized(3, widths=WIDTHS), 1), 1, theta=np.zeros(9, np.int64)
    ),
    "negative layer": lambda: builders.with_negative_layer(builders.random_quantized(3, widths=WIDTHS), 1),
    "last step": lambda: builders.random_quantized(3, widths=WIDTHS, n_steps=8, readout=Readout.LAST),
    "payloads of 24 bits": lambda: builders.random_quantized(3, widths=WIDTHS, payload_bits=24, input_bits=24),
    "state of 32 bits": lambda: builders.random_quantized(3, widths=WIDTHS, state_bits=32),
    "ansatz": lambda: builders.random_quantized(3, widths=WIDTHS, ansatz=True),
    "one neuron": lambda: builders.random_quantized(3, widths=(1, 1, 1)),
}


@pytest.mark.parametrize("shape", SHAPED)
def test_shaped_networks(shape: str) -> None:
    network = SHAPED[shape]()
    assert_equal(compare(network, 50, batch_size=16, model=LayerModel.FUSED))
    assert_equal(compare(network, 5, mode=LavaMode.FAITHFUL, model=LayerModel.FUSED))
    assert_equal(compare(network, 90, model=LayerModel.WHOLE))


def test_what_saturates_is_counted() -> None:
    network = SHAPED["saturating"]()
    trace = simulate_on_lava(network, builders.random_points(network, 40))
    assert trace.saturated_input > 0
    assert trace.saturated_output > 0
    for kind in ("drive", "membrane", "payload"):
        assert sum(getattr(layer, f"saturated_{kind}") for layer in trace.nodes) > 0


@pytest.mark.parametrize(
    ("n", "how"),
    [
        (60, {"batch_size": 16, "model": LayerModel.FUSED}),
        (60, {"model": LayerModel.WHOLE}),
        (12, {"mode": LavaMode.FAITHFUL, "model": LayerModel.FUSED}),
        (6, {"mode": LavaMode.FAITHFUL, "model": LayerModel.DENSE}),
    ],
    ids=["batched", "whole", "faithful", "dense"],
)
@pytest.mark.parametrize("polarity", builders.POLARITIES)
def test_float_lava_equals_the_float_engine(n: int, how: dict[str, Any], polarity: Polarity) -> None:
    for activation in builders.ACTIVATIONS if "batch_size" in how else ("tanh",):
        network = builders.random_spec(5, widths=WIDTHS, n_steps=3, activation=activation, polarity=polarity)
        assert_equal(compare(network, n, **how))


@pytest.mark.parametrize("model", [LayerModel.WHOLE, LayerModel.FUSED])
def test_floats_of_an_own_activation(model: LayerModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """One record is enough for the float models on Lava, too."""
    monkeypatch.setattr(activations, "ACTIVATIONS", dict(activations.ACTIVATIONS))
    activations.register_activation(
        activations.ActivationRule(
            name="arctan",
            phi=np.arctan,
            symmetry=activations.Symmetry.ODD,
            asymptote=None,
            curvature=0.65,
            bound=math.pi / 2,
            steepest=1.0,
        )
    )
    assert_equal(compare(builders.random_spec(2, activation="arctan"), 70, model=model))


def test_no_choice_changes_the_bytes() -> None:
    network = builders.random_quantized(6, widths=WIDTHS)
    points = builders.random_points(network, 5000)
    expected = simulate_on_lava(network, points, n_cores=1)
    two_leaves = {"n_cores": 2}
    for choice in (
        two_leaves,
        {"batch_size": 999},
        {"model": LayerModel.FUSED},
        {"model": LayerModel.FUSED, "batch_size": 901},
    ):
        trace = simulate_on_lava(network, points, **choice)
        assert trace.outputs.tobytes() == expected.outputs.tobytes()
        assert compare_traces(expected, trace).mismatches == 0


def test_two_leaves_share_a_probe() -> None:
    """The second leaf's samples are recorded in full, too: those from half of the first message on."""
    network = builders.random_quantized(6, widths=WIDTHS)
    points, probe = builders.random_points(network, 4200), Probe(n_samples=2300)
    trace = simulate_on_lava(network, points, probe=probe, n_cores=2)
    assert compare_traces(run_integer(network, points, probe), trace).mismatches == 0


def test_numpy_loops_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer_kernel, "fastest_loops", lambda: numpy_loops)
    for model in (LayerModel.FUSED, LayerModel.WHOLE):
        assert_equal(compare(builders.random_quantized(8, widths=WIDTHS), 40, model=model))


def test_a_probe_records_the_chosen_layers_and_samples_only() -> None:
    network = builders.random_quantized(8, widths=WIDTHS)
    points = builders.random_points(network, 30)
    trace = simulate_on_lava(network, points, probe=Probe(n_samples=11, nodes=("hidden1",)), batch_size=8)
    assert trace.probe is not None
    assert [layer.name for layer in trace.probe.nodes] == ["hidden1"]
    assert trace.probe.nodes[0].membrane.shape == (11, 2, 9)
    full = run_integer(network, points, Probe(n_samples=30)).probe
    assert full is not None
    assert np.array_equal(trace.probe.nodes[0].payload, full.nodes[1].payload[:11])
    assert np.array_equal(trace.probe.output, full.output[:11])


def test_progress_is_told_in_samples() -> None:
    network = builders.random_quantized(8, widths=WIDTHS)
    told: list[tuple[int, int]] = []
    simulate_on_lava(
        network,
        builders.random_points(network, 300),
        mode=LavaMode.FAITHFUL,
        model=LayerModel.FUSED,
        on_progress=lambda done, total: told.append((done, total)),
    )
    assert told == sorted(told)
    assert told[-1] == (300, 300)


def test_an_unknown_layer_is_not_probed_silently() -> None:
    network = builders.random_quantized(8)
    with pytest.raises(SpecError, match="hidden0"):
        simulate_on_lava(network, builders.random_points(network, 3), probe=Probe(n_samples=1, nodes=("hiden0",)))


@pytest.mark.parametrize(
    ("points", "complaint"),
    [
        (np.zeros((4, 3)), r"have the shape \(n, 2\)"),
        (np.full((4, 2), np.nan), "have only finite coordinates"),
        (np.zeros((0, 2)), "at least one point"),
    ],
)
def test_unusable_points_are_refused(points: Any, complaint: str) -> None:
    with pytest.raises(SpecError, match=complaint):
        simulate_on_lava(builders.random_quantized(), points)


def test_python_that_lava_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    network = builders.random_quantized()
    monkeypatch.setattr(sys, "version_info", (3, 11, 0, "final", 0))
    with pytest.raises(SimulationError, match=r"run on Python 3.10, which Lava 0.10 needs.*got Python 3.11.0.*integer"):
        simulate_on_lava(network, builders.random_points(network, 3))


def test_dense_refuses_sums_that_would_wrap() -> None:
    """2 * 300 * 127 * 32767 is beyond 2**31; the layer in front of it, with 2 inputs, is not at fault."""
    network = builders.random_quantized(2, widths=(2, 300, 3, 1))
    full = builders.with_layer(network, 1, weight=np.full((3, 300), 127))
    with pytest.raises(HardwareRuleError, match=r"Dense model of layer 'hidden1'.*got 2496845400\.") as caught:
        simulate_on_lava(full, builders.random_points(full, 2), mode=LavaMode.FAITHFUL, model=LayerModel.DENSE)
    assert len(caught.value.violations) == 1


def test_dense_at_its_limit_is_exact() -> None:
    """The largest sums that Dense can hold: all weights 127 or -127, inputs at the ends of their word."""
    network = builders.random_quantized(2, widths=(2, 250, 4, 1), n_steps=1, activation="identity")
    weight = np.full((4, 250), 127) * np.array([[1], [-1], [1], [-1]])
    layer = network.populations[0]
    always = {"theta": np.zeros(250, np.int64), "bias": np.full(250, (1 << 23) - 1), "polarity": Polarity.BOTH}
    network = builders.with_layer(builders.with_layer(network, 1, weight=weight), 0, **always)
    assert 2 * int(network.populations[1].affine.connections[0].product_bound().max()) > 0.95 * 2**31
    assert_equal(compare(network, 4, mode=LavaMode.FAITHFUL, model=LayerModel.DENSE))
    payload = run_integer(network, builders.random_points(network, 1), Probe(n_samples=1)).probe
    assert payload is not None
    assert payload.nodes[0].payload.max() == (1 << (layer.table.payload_bits - 1)) - 1


def test_dense_refuses_long_weights_and_batches() -> None:
    network = builders.random_quantized(2, weight_bits=9, payload_bits=8, input_bits=8)
    points = builders.random_points(network, 2)
    with pytest.raises(HardwareRuleError, match="weights of at most 8 bits; got 9"):
        simulate_on_lava(network, points, mode=LavaMode.FAITHFUL, model=LayerModel.DENSE)
    with pytest.raises(HardwareRuleError, match="Dense has no batch axis; got 2"):
        simulate_on_lava(builders.random_quantized(), points, model=LayerModel.DENSE)
    with pytest.raises(SpecError, match="be 1 where samples are presented one at a time; got 5"):
        simulate_on_lava(builders.random_quantized(), points, mode=LavaMode.FAITHFUL, batch_size=5)


def test_dense_holds_all_negative_and_all_zero_layers() -> None:
    """Without a sign mode Lava would clip an all-negative matrix otherwise."""
    network = builders.with_negative_layer(builders.random_quantized(3, widths=WIDTHS), 1)
    assert_equal(compare(network, 6, mode=LavaMode.FAITHFUL, model=LayerModel.DENSE))
    network = builders.with_zero_layer(replace(network), 1)
    assert_equal(compare(network, 6, mode=LavaMode.FAITHFUL, model=LayerModel.DENSE))


def count_lava_processes() -> int:
    gc.collect()
    base = importlib.import_module("lava.magma.core.process.process").AbstractProcess
    return sum(issubclass(type(each), base) for each in gc.get_objects())  # isinstance asks lazy modules for attributes


def test_a_run_leaves_nothing_in_the_interpreter() -> None:
    """Lava keeps every process for ever, and adds a handler to the root logger for each: both are taken back."""
    network = builders.random_quantized(8)
    points = builders.random_points(network, 5)
    simulate_on_lava(network, points)
    server = importlib.import_module("lava.magma.core.process.process").ProcessServer()
    handlers, n_processes, n_alive = list(logging.getLogger().handlers), server.num_processes, count_lava_processes()
    for model in LayerModel:
        mode = LavaMode.FAITHFUL if model is LayerModel.DENSE else LavaMode.BATCHED
        simulate_on_lava(network, points, model=model, mode=mode)
    assert server.num_processes == n_processes
    assert logging.getLogger().handlers == handlers
    assert count_lava_processes() == n_alive


FEW_AND_MANY = """
import sys
sys.path.insert(0, sys.argv[1])
import builders
from neuropinn_lava.hardware_sim.parity.compare_traces import compare_traces
from neuropinn_lava.hardware_sim.lava.simulate import simulate_on_lava
from neuropinn_lava.engine.reference import run_integer
network = builders.random_quantized(8)
for n, has_numba in ((1, False), (64, False), (65, True)):
    points = builders.random_points(network, n)
    assert compare_traces(run_integer(network, points), simulate_on_lava(network, points)).mismatches == 0
    assert ("numba" in sys.modules) == has_numba, n
print("equal")
"""


def test_few_samples_do_not_load_numba() -> None:
    command = [sys.executable, "-c", FEW_AND_MANY, str(Path(__file__).parents[2])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("equal\n", 0), done.stderr


@pytest.mark.parametrize("n_steps", [2, None])
@pytest.mark.parametrize("n_cores", [1, 2])
def test_a_state_continues_a_run(n_steps: int | None, n_cores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two parts on Lava end in the integer engine's state, of constant inputs, of sequences, and of two leaves."""
    monkeypatch.setattr(plan, "MIN_LEAF_ROWS", 1)
    readout = Readout.LAST if n_steps else Readout.EVERY
    network = builders.random_graph(8, n_inputs=2, n_nodes=6, n_steps=n_steps, readout=readout)
    assert longest_delays(network)
    points = builders.random_points(network, 5)
    parts = (points, points) if n_steps else (points[:, :2], points[:, 2:])
    state = expected = RunState.begin(network, 5)
    for part in parts:
        want = run_integer(network, part, state=expected)
        found = simulate_on_lava(network, part, n_cores=n_cores, batch_size=3, state=state)
        assert np.array_equal(found.readout, want.readout)
        assert found.state is not None
        assert pickle.dumps(found.state) == pickle.dumps(want.state)
        state, expected = found.state, want.state


@pytest.mark.parametrize("how", [{"mode": LavaMode.FAITHFUL}, {"model": LayerModel.FUSED}])
def test_processes_that_begin_anew_refuse_a_state(how: dict[str, Any]) -> None:
    network = builders.random_quantized(3, n_steps=2)
    points = builders.random_points(network, 3)
    with pytest.raises(SpecError, match=r"simulate_on_lava.state must be left out where every node is a process"):
        simulate_on_lava(network, points, state=RunState.begin(network, 3), **how)
    with pytest.raises(SpecError, match=r"simulate_on_lava.state must be of as many samples as the points, 3; got 2"):
        simulate_on_lava(network, points, state=RunState.begin(network, 2))
