"""The two engines that define a network, against longhand loops: every sample, step and neuron."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

import builders
import longhand
from neuropinn_lava.base.arrays import FloatArray
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.base.metrics import relative_l2
from neuropinn_lava.conversion import QuantizationScheme, quantize_network
from neuropinn_lava.engine import recording, reference
from neuropinn_lava.engine.reference import run_float, run_integer
from neuropinn_lava.engine.trace import Backend, Probe, RunTrace
from neuropinn_lava.network.activations import find_activation
from neuropinn_lava.network.integers import dequantize_array
from neuropinn_lava.network.nodes import Polarity
from neuropinn_lava.network.phi_table import look_up
from neuropinn_lava.network.quantized import QuantizedNetwork
from neuropinn_lava.network.spec import NetworkSpec, Readout

SUM_ORDER = 1e-12
"""Float sums in another order differ by some units in the last place of values of order one."""
TWIN_ERROR = 2e-5
"""Relative. Payload units of 2^-18 (range ±32, 24 bits) and inputs of 2^-22, summed over two layers: 2e-6 to 5e-6 measured."""
CONVERGED = 1e-4
"""Relative. 16-bit weights, rounded to 2^-16 of the largest, and two layers of them: 3e-5 to 5e-5 measured."""
NO_TIE = 1e-9
"""Membranes this far from their thresholds cannot be carried across by `SUM_ORDER`."""
WIDTHS = (2, 5, 4, 2)
N_SAMPLES = 9
EVERYTHING = Probe(n_samples=N_SAMPLES)

every_activation = pytest.mark.parametrize("activation", builders.ACTIVATIONS)
every_polarity = pytest.mark.parametrize("polarity", builders.POLARITIES)
every_t = pytest.mark.parametrize("n_steps", builders.N_STEPS)
every_readout = pytest.mark.parametrize("readout", builders.READOUTS)


def assert_integer_run(network: QuantizedNetwork, points: FloatArray) -> RunTrace:
    """Compare every number of an integer run with the longhand one."""
    trace = run_integer(network, points, Probe(n_samples=len(points)))
    expected = longhand.run_integer(network, points)
    assert trace.probe is not None
    for layer, counts in zip(trace.probe.nodes, trace.nodes, strict=True):
        assert {layer.membrane.dtype, layer.payload.dtype} == {np.dtype(np.int64)}
        for i in range(len(points)):
            for t in range(network.n_steps):
                where = (layer.name, i, t)
                assert layer.membrane[i, t].tolist() == expected.membrane[where], where
                assert layer.fired[i, t].tolist() == expected.fired[where], where
                assert layer.payload[i, t].tolist() == expected.payload[where], where
        np.testing.assert_array_equal(counts.fired, layer.fired.sum(axis=0))
        np.testing.assert_array_equal(counts.events, (layer.payload != 0).sum(axis=0))
        got = (counts.saturated_drive, counts.saturated_membrane, counts.saturated_payload)
        assert got == tuple(expected.saturated[f"{layer.name}.{word}"] for word in ("drive", "membrane", "payload"))
    for (i, t), emitted in expected.emitted.items():
        assert trace.probe.output[i, t].tolist() == emitted
    assert (trace.saturated_input, trace.saturated_output) == (
        expected.saturated["input"],
        expected.saturated["output"],
    )
    np.testing.assert_allclose(
        trace.outputs, expected.outputs, rtol=1e-14, atol=1e-14
    )  # the host's few float operations
    return trace


class TestIntegerEngine:
    @every_activation
    @every_polarity
    @every_t
    @every_readout
    def test_equals_longhand(self, activation: str, polarity: Polarity, n_steps: int, readout: Readout) -> None:
        network = builders.random_quantized(
            1, widths=WIDTHS, activation=activation, polarity=polarity, n_steps=n_steps, readout=readout, ansatz=True
        )
        trace = assert_integer_run(network, builders.random_points(network, N_SAMPLES))
        assert 0 < trace.nodes[0].fired.sum() < trace.nodes[0].fired.size * N_SAMPLES

    @every_activation
    @every_polarity
    @every_t
    def test_equals_longhand_at_the_threshold_itself(self, activation: str, polarity: Polarity, n_steps: int) -> None:
        network = builders.random_quantized(2, widths=WIDTHS, activation=activation, polarity=polarity, n_steps=n_steps)
        points = builders.random_points(network, N_SAMPLES)
        network = builders.with_threshold_hits(network, points)
        assert_integer_run(network, points)
        # and they do hit: one unit more on every threshold changes what fires
        raised = network
        for index, layer in enumerate(network.populations):
            raised = builders.with_layer(raised, index, theta=layer.theta + 1)
        before, after = run_integer(network, points).nodes, run_integer(raised, points).nodes
        assert any((one.fired != other.fired).any() for one, other in zip(before, after, strict=True))

    @every_activation
    @every_polarity
    @every_t
    def test_equals_longhand_when_all_words_saturate(self, activation: str, polarity: Polarity, n_steps: int) -> None:
        network = builders.saturating_quantized(
            3, widths=WIDTHS, activation=activation, polarity=polarity, n_steps=n_steps
        )
        trace = assert_integer_run(network, builders.random_points(network, N_SAMPLES))
        first = trace.nodes[0]
        assert trace.saturated_input > 0
        assert first.saturated_drive > 0
        assert first.saturated_payload > 0
        assert trace.saturated_output > 0
        assert (first.saturated_membrane > 0) == (n_steps > 1)
        assert trace.n_saturated > sum((trace.saturated_input, first.saturated_drive, trace.saturated_output))

    @pytest.mark.parametrize(
        "words",
        [
            {"weight_bits": 2, "payload_bits": 2, "input_bits": 2, "state_bits": 8},
            {"weight_bits": 16, "payload_bits": 24, "input_bits": 24, "state_bits": 32},
            {"input_bits": 8, "payload_bits": 8},  # products are shifted to the left
            {"state_bits": 12, "payload_bits": 16},
            {"density": 0.3},
        ],
        ids=str,
    )
    def test_equals_longhand_for_other_words(self, words: dict[str, float]) -> None:
        network = builders.random_quantized(4, widths=WIDTHS, **words)
        assert_integer_run(network, builders.random_points(network, N_SAMPLES))

    @every_polarity
    def test_zero_and_negative_layers(self, polarity: Polarity) -> None:
        network = builders.random_quantized(5, widths=WIDTHS, polarity=polarity)
        points = builders.random_points(network, N_SAMPLES)
        for index in range(2):
            assert_integer_run(builders.with_zero_layer(network, index), points)
            assert_integer_run(builders.with_negative_layer(network, index), points)

    def test_refuses_a_float_network(self) -> None:
        network = builders.random_spec()
        with pytest.raises(
            SpecError, match=r"run_integer.network must be a quantized network; got NetworkSpec.*convert"
        ):
            run_integer(network, builders.random_points(network, 2))

    def test_points_far_outside_saturate_and_are_counted(self) -> None:
        network = builders.random_quantized()
        trace = run_integer(network, np.array([[1e30, 0.5], [0.5, -1e300], [0.5, 0.5]]))
        assert trace.saturated_input == 2
        np.testing.assert_array_equal(trace.outputs[0], run_integer(network, np.array([[1e3, 0.5]])).outputs[0])


def assert_float_run(network: NetworkSpec, points: FloatArray) -> RunTrace:
    trace = run_float(network, points, Probe(n_samples=len(points)))
    expected = longhand.run_float(network, points)
    assert expected.nearest > NO_TIE
    assert trace.probe is not None
    for layer, counts in zip(trace.probe.nodes, trace.nodes, strict=True):
        for i in range(len(points)):
            for t in range(network.n_steps):
                where = (layer.name, i, t)
                assert layer.fired[i, t].tolist() == expected.fired[where], where
                np.testing.assert_allclose(layer.membrane[i, t], expected.membrane[where], rtol=0, atol=SUM_ORDER)
                np.testing.assert_allclose(layer.payload[i, t], expected.payload[where], rtol=0, atol=SUM_ORDER)
        np.testing.assert_array_equal(counts.fired, layer.fired.sum(axis=0))
        np.testing.assert_array_equal(counts.events, (layer.payload != 0).sum(axis=0))
    for (i, t), emitted in expected.emitted.items():
        np.testing.assert_allclose(trace.probe.output[i, t], emitted, rtol=0, atol=SUM_ORDER)
    np.testing.assert_allclose(trace.outputs, expected.outputs, rtol=0, atol=10 * SUM_ORDER)
    assert trace.n_saturated == 0
    return trace


class TestFloatEngine:
    @every_activation
    @every_polarity
    @every_t
    @every_readout
    def test_equals_longhand(self, activation: str, polarity: Polarity, n_steps: int, readout: Readout) -> None:
        network = builders.random_spec(
            1, widths=WIDTHS, activation=activation, polarity=polarity, n_steps=n_steps, readout=readout, ansatz=True
        )
        assert_float_run(network, builders.random_points(network, N_SAMPLES))

    @every_polarity
    def test_negative_layers(self, polarity: Polarity) -> None:
        network = builders.with_negative_layer(builders.random_spec(5, widths=WIDTHS, polarity=polarity), 1)
        assert_float_run(network, builders.random_points(network, N_SAMPLES))

    def test_fires_at_the_threshold_itself(self) -> None:
        network = builders.random_spec(0, widths=(1, 2, 1), n_steps=1, activation="identity", theta=0.5)
        network = builders.with_layer(network, 0, weight=[[0.0], [0.0]], bias=[0.5, np.nextafter(0.5, 0)])
        trace = run_float(network, np.array([[0.5]]))
        assert trace.nodes[0].fired.tolist() == [[1, 0]]

    @pytest.mark.parametrize("theta", [0.0, 0.25])
    def test_both_polarities_fire_at_minus_the_threshold(self, theta: float) -> None:
        network = builders.random_spec(
            0, widths=(1, 3, 1), n_steps=1, activation="tanh", theta=theta, polarity=Polarity.BOTH
        )
        network = builders.with_layer(network, 0, weight=np.zeros((3, 1)), bias=[-theta, theta, theta / 2])
        assert run_float(network, np.array([[0.5]])).nodes[0].fired.tolist() == [[1, 1, int(theta == 0.0)]]


class TestOneStep:
    """T = 1: the leak is irrelevant and a = phi(z) where z >= theta."""

    @every_activation
    def test_float(self, activation: str) -> None:
        network = builders.random_spec(6, widths=WIDTHS, activation=activation, n_steps=1)
        points = builders.random_points(network, 50)
        a = network.input_transform.apply(points)
        for layer in network.populations:
            z = a @ layer.weight.T + layer.bias
            a = np.where(z >= layer.theta, find_activation(activation).phi(z), 0.0)
        u = network.restored(points, a @ network.output.weight.T + network.output.bias)
        np.testing.assert_array_equal(run_float(network, points).outputs, u)

    @every_activation
    def test_integers(self, activation: str) -> None:
        network = builders.random_quantized(6, widths=WIDTHS, activation=activation, n_steps=1)
        points = builders.random_points(network, 50)
        trace = run_integer(network, points, Probe(n_samples=50))
        assert trace.probe is not None
        a, _ = reference.encode_points(network, points)
        for layer, seen in zip(network.populations, trace.probe.nodes, strict=True):
            z, _ = reference.integer_drive(layer.affine, [a])
            a = np.where(z >= layer.theta, look_up(layer.table, z)[0], 0)
            np.testing.assert_array_equal(seen.payload[:, 0], a)

    @pytest.mark.parametrize("beta", [0.0, 0.3, 1.0])
    def test_leak_is_irrelevant(self, beta: float) -> None:
        points = builders.random_points(builders.random_spec(7), 20)
        one = builders.random_spec(7, n_steps=1, beta=beta)
        other = replace(one, nodes=tuple(replace(layer, beta=np.full(layer.n_out, 0.9)) for layer in one.populations))
        np.testing.assert_array_equal(run_float(one, points).outputs, run_float(other, points).outputs)


class TestZeroThreshold:
    @every_t
    @every_readout
    def test_both_polarities_give_an_ordinary_tanh_network(self, n_steps: int, readout: Readout) -> None:
        network = builders.random_spec(
            8, activation="tanh", polarity=Polarity.BOTH, theta=0.0, n_steps=n_steps, readout=readout
        )
        points = builders.random_points(network, 50)
        a = network.input_transform.apply(points)
        for layer in network.populations:
            a = np.tanh(a @ layer.weight.T + layer.bias)
        u = network.restored(points, a @ network.output.weight.T + network.output.bias)
        np.testing.assert_allclose(run_float(network, points).outputs, u, rtol=0, atol=SUM_ORDER)

    @every_activation
    @every_t
    def test_positive_polarity_gives_the_gated_unit_at_every_t_and_beta(self, activation: str, n_steps: int) -> None:
        network = builders.random_spec(9, activation=activation, theta=0.0, n_steps=n_steps)
        points = builders.random_points(network, 50)
        a = network.input_transform.apply(points)
        for layer in network.populations:
            z = a @ layer.weight.T + layer.bias
            a = np.where(z >= 0, find_activation(activation).phi(z), 0.0)
        u = network.restored(points, a @ network.output.weight.T + network.output.bias)
        np.testing.assert_allclose(run_float(network, points).outputs, u, rtol=0, atol=SUM_ORDER)


class TestBlocks:
    @pytest.mark.parametrize("block", [1, 7, 40, 41, 1000])
    def test_integer_runs_do_not_depend_on_blocks(self, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
        network = builders.random_quantized(10, n_steps=3)
        points = builders.random_points(network, 40)
        whole = run_integer(network, points, Probe(n_samples=5))
        monkeypatch.setattr(recording, "BLOCK", block)
        blocked = run_integer(network, points, Probe(n_samples=5))
        self.assert_same(whole, blocked)

    def test_float_runs_do_not_depend_on_blocks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        network = builders.random_spec(10, n_steps=3)
        points = builders.random_points(network, 40)
        whole = run_float(network, points)
        monkeypatch.setattr(recording, "BLOCK", 7)
        blocked = run_float(network, points)
        # BLAS sums in an order that depends on the number of rows
        np.testing.assert_allclose(whole.outputs, blocked.outputs, rtol=0, atol=SUM_ORDER)
        np.testing.assert_array_equal(whole.nodes[1].fired, blocked.nodes[1].fired)

    def test_saturations_are_summed_over_blocks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        network = builders.saturating_quantized(11)
        points = builders.random_points(network, 40)
        whole = run_integer(network, points)
        monkeypatch.setattr(recording, "BLOCK", 7)
        self.assert_same(whole, run_integer(network, points))

    @staticmethod
    def assert_same(one: RunTrace, other: RunTrace) -> None:
        np.testing.assert_array_equal(one.outputs, other.outputs)
        np.testing.assert_array_equal(one.readout, other.readout)
        np.testing.assert_array_equal(one.input_events, other.input_events)
        assert (one.saturated_input, one.saturated_output) == (other.saturated_input, other.saturated_output)
        for layer, again in zip(one.nodes, other.nodes, strict=True):
            np.testing.assert_array_equal(layer.fired, again.fired)
            np.testing.assert_array_equal(layer.events, again.events)
            for word in ("drive", "membrane", "payload"):
                assert getattr(layer, f"saturated_{word}") == getattr(again, f"saturated_{word}")
        if one.probe is not None and other.probe is not None:
            np.testing.assert_array_equal(one.probe.output, other.probe.output)


@pytest.mark.parametrize("integers", [False, True])
class TestProbes:
    @staticmethod
    def run(integers: bool, n: int, probe: Probe) -> RunTrace:
        network = builders.random_quantized(12, widths=(2, 4, 3, 2), n_steps=3)
        points = builders.random_points(network, n)
        return run_integer(network, points, probe) if integers else run_float(network.source, points, probe)

    def test_shapes(self, integers: bool) -> None:
        probe = self.run(integers, 10, Probe(n_samples=6)).probe
        assert probe is not None
        assert probe.samples.tolist() == [0, 1, 2, 3, 4, 5]
        assert [layer.name for layer in probe.nodes] == ["hidden0", "hidden1"]
        assert [layer.membrane.shape for layer in probe.nodes] == [(6, 3, 4), (6, 3, 3)]
        assert [layer.payload.shape for layer in probe.nodes] == [(6, 3, 4), (6, 3, 3)]
        assert probe.output.shape == (6, 3, 2)
        assert probe.nodes[0].fired.dtype == np.bool_

    def test_nothing_by_default(self, integers: bool) -> None:
        assert self.run(integers, 10, reference.NO_PROBE).probe is None

    def test_beyond_the_end(self, integers: bool) -> None:
        probe = self.run(integers, 4, Probe(n_samples=100)).probe
        assert probe is not None
        assert probe.output.shape == (4, 3, 2)

    def test_longer_than_a_block(self, integers: bool, monkeypatch: pytest.MonkeyPatch) -> None:
        whole = self.run(integers, 30, Probe(n_samples=20))
        monkeypatch.setattr(recording, "BLOCK", 8)
        blocked = self.run(integers, 30, Probe(n_samples=20))
        assert whole.probe is not None
        assert blocked.probe is not None
        np.testing.assert_array_equal(whole.probe.nodes[1].fired, blocked.probe.nodes[1].fired)
        np.testing.assert_allclose(whole.probe.output, blocked.probe.output, rtol=0, atol=SUM_ORDER)

    def test_chosen_layers(self, integers: bool) -> None:
        probe = self.run(integers, 10, Probe(n_samples=2, nodes=("hidden1",))).probe
        assert probe is not None
        assert [layer.name for layer in probe.nodes] == ["hidden1"]

    def test_unknown_layer(self, integers: bool) -> None:
        with pytest.raises(
            SpecError, match=r"Probe.nodes must be one of hidden0, hidden1; got 'hidden2'. Did you mean"
        ):
            self.run(integers, 3, Probe(n_samples=2, nodes=("hidden2",)))

    def test_outputs_do_not_depend_on_it(self, integers: bool) -> None:
        with_it, without = self.run(integers, 10, Probe(n_samples=3)), self.run(integers, 10, reference.NO_PROBE)
        np.testing.assert_array_equal(with_it.outputs, without.outputs)

    def test_readout_is_the_sum_of_the_emitted(self, integers: bool) -> None:
        trace = self.run(integers, 10, Probe(n_samples=10))
        assert trace.probe is not None
        np.testing.assert_array_equal(trace.readout, trace.probe.output.sum(axis=1))


@pytest.mark.parametrize("n_samples", [-1, 1.5, "3"])
def test_probes_count_samples(n_samples: object) -> None:
    with pytest.raises(SpecError, match=r"Probe.n_samples must (be a whole number|lie in \[0, inf\]); got"):
        Probe(n_samples=n_samples)  # type: ignore[arg-type]


@every_polarity
@every_t
def test_a_network_of_zeros_gives_its_ansatz(polarity: Polarity, n_steps: int) -> None:
    network = builders.random_quantized(13, polarity=polarity, n_steps=n_steps, ansatz=True)
    for index in range(2):
        network = builders.with_zero_layer(network, index)
    affine = network.output.affine.with_weight(network.output.affine.weight * 0, bias=[0])
    network = replace(network, output=replace(network.output, affine=affine))
    points = builders.random_points(network, 10)
    trace = run_integer(network, points)
    expected = network.source.restored(points, np.zeros((10, 1)))
    np.testing.assert_array_equal(trace.outputs, expected)
    for layer, counts in zip(network.populations, trace.nodes, strict=True):
        assert counts.events.sum() == 0
        np.testing.assert_array_equal(counts.fired, np.tile(np.where(layer.theta == 0, 10, 0), (n_steps, 1)))


def test_a_zero_layer_with_zero_threshold_fires_and_sends_nothing() -> None:
    network = builders.with_zero_layer(builders.random_quantized(14))
    network = builders.with_layer(network, 0, theta=np.zeros(7, dtype=np.int64))
    trace = run_integer(network, builders.random_points(network, 10))
    assert (trace.nodes[0].fired == 10).all()  # m = 0 >= 0
    assert (trace.nodes[0].events == 0).all()


@every_activation
def test_an_all_negative_layer_is_silent(activation: str) -> None:
    network = builders.with_negative_layer(builders.random_quantized(15, activation=activation))
    source = builders.with_negative_layer(network.source)
    inside = np.full((5, 2), [0.9, 1.9])  # normalised inputs are positive there, so that z < 0 <= theta
    for trace in (run_integer(network, inside), run_float(source, inside)):
        assert trace.nodes[0].fired.sum() == 0
        np.testing.assert_array_equal(trace.outputs, np.repeat(trace.outputs[:1], 5, axis=0))


def test_input_events_count_nonzero_words() -> None:
    network = builders.random_quantized(16, n_steps=3)
    points = np.array([[0.5, 1.0], [0.5, 0.2], [0.1, 1.0], [0.1, 0.2]])  # 0.5 and 1.0 are the box's middle: x = 0
    for trace in (run_integer(network, points), run_float(network.source, points)):
        assert trace.input_events.tolist() == [[2, 2]] * 3


def test_a_trace_names_its_network() -> None:
    network = builders.random_quantized(17)
    points = builders.random_points(network, 3)
    integer, floating = run_integer(network, points), run_float(network.source, points)
    assert (integer.backend, floating.backend) == (Backend.INTEGER, Backend.FLOAT)
    assert (integer.network_digest, floating.network_digest) == (network.digest(), network.source.digest())
    assert (integer.n_samples, integer.n_steps) == (3, 2)
    assert integer.seconds is not None
    assert integer.seconds > 0.0


class TestAgreement:
    """The integer engine goes to the float one as words grow; z tanh z makes no jump at theta = 0."""

    @every_activation
    @every_polarity
    def test_integers_equal_their_float_twin_to_rounding(self, activation: str, polarity: Polarity) -> None:
        network = builders.random_quantized(
            18, activation=activation, polarity=polarity, n_steps=3, payload_bits=24, input_bits=24,
            state_bits=30, index_size=16, payload_range=5,
        )  # fmt: skip
        points = builders.random_points(network, 200)
        integer, floating = run_integer(network, points, Probe(n_samples=200)), run_float(network.source, points)
        assert integer.n_saturated == 0
        same = [(one.fired == other.fired).all() for one, other in zip(integer.nodes, floating.nodes, strict=True)]
        assert all(same)
        assert relative_l2(integer.outputs, floating.outputs) < TWIN_ERROR

    @pytest.mark.parametrize("activation", ["tanh", "z_tanh_z", "tanh_squared", "relu"])
    def test_converges_with_the_word_length(self, activation: str) -> None:
        polarity = Polarity.BOTH if activation == "tanh" else Polarity.POSITIVE
        network = builders.random_spec(19, widths=(2, 12, 12, 1), activation=activation, polarity=polarity, theta=0.0)
        points = builders.random_points(network, 500)
        exact = run_float(network, points).outputs
        errors = []
        for bits in (6, 8, 10, 12, 14, 16):
            scheme = QuantizationScheme(
                weight_bits=bits, payload_bits=bits + 8, input_bits=bits + 8, state_bits=bits + 14, index_size=14
            )
            deployed = quantize_network(network, scheme).network
            errors.append(relative_l2(run_integer(deployed, points).outputs, exact))
        assert errors[-1] < CONVERGED
        assert errors[-1] < errors[0] / 200  # ten bits are a factor of 1000
        assert all(later < earlier for earlier, later in pairwise(errors))

    def test_payload_words_mean_the_float_payloads(self) -> None:
        network = builders.random_quantized(20, widths=(2, 30, 1), activation="tanh_squared", n_steps=1)
        points = builders.random_points(network, 40)
        everything = Probe(n_samples=40)
        integer, floating = run_integer(network, points, everything), run_float(network.source, points, everything)
        assert integer.probe is not None
        assert floating.probe is not None
        seen, exact = integer.probe.nodes[0], floating.probe.nodes[0]
        agree = seen.fired == exact.fired
        assert agree.mean() > 0.999
        layer = network.populations[0]
        # x is rounded to half an input unit, z to half a state unit; |phi'| < 0.77
        input_error = 2.0 ** (network.input_words[0].exponent - 1) * np.abs(network.source.populations[0].weight).sum(
            axis=1
        )
        bound = layer.table.error_bound() + 0.77 * (input_error + 2.0**layer.affine.state_exponent)
        error = np.abs(dequantize_array(seen.payload, layer.table.payload_exponent) - exact.payload)
        assert (error <= bound)[agree].all()


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.zeros((0, 2)), r"hold at least one point; got 0. Give some points"),
        (np.zeros((3, 3)), r"have the shape \(n, 2\); got \(3, 3\). Give one row per point and 2 columns"),
        (np.zeros(2), r"have the shape \(n, 2\); got \(2,\)"),
        (np.array([[0.1, 0.2], [np.nan, 0.0]]), r"have only finite coordinates; got \[nan  0.\] in row 1"),
        (np.array([[0.1, np.inf]]), r"have only finite coordinates; got .*inf\] in row 0"),
        ([["a", "b"]], r"be real numbers; got an array of"),
    ],
)
def test_unusable_points(points: object, message: str) -> None:
    network = builders.random_quantized(21)
    for run, record in ((run_float, network.source), (run_integer, network)):
        with pytest.raises(SpecError, match=rf"{run.__name__}: points of network 'random21' must {message}"):
            run(record, points)
