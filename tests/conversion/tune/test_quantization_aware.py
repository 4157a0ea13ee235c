"""The quantization-aware torch network: equal to the integer engine to the last bit, and differentiable straight through.

Ladder: every payload of every step against the integer engine over all activations, polarities, T and read-outs, saturating
networks and thresholds that are hit exactly; roundings against the core's; gradients against finite differences of the
smooth network.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import builders

torch = pytest.importorskip("torch")

from neuropinn_lava.base.errors import FixedPointError  # noqa: E402
from neuropinn_lava.conversion import QuantizationScheme, quantize_network  # noqa: E402
from neuropinn_lava.conversion.tune.integer_neuron import step_vsn  # noqa: E402
from neuropinn_lava.conversion.tune.quantization_aware import QuantizationAwareNetwork  # noqa: E402
from neuropinn_lava.conversion.tune.straight_through import half_up, held, raised, rounded  # noqa: E402
from neuropinn_lava.engine.host import encode_points  # noqa: E402
from neuropinn_lava.engine.reference import run_integer, step_integer  # noqa: E402
from neuropinn_lava.engine.trace import Probe  # noqa: E402
from neuropinn_lava.network.integers import round_half_up  # noqa: E402
from neuropinn_lava.network.nodes import Polarity, PopulationSpec  # noqa: E402
from neuropinn_lava.network.quantized import QuantizedNetwork  # noqa: E402
from neuropinn_lava.network.spec import Readout  # noqa: E402

N_SAMPLES = 40
EVERYTHING = Probe(n_samples=N_SAMPLES)


def assert_bit_equal(network: QuantizedNetwork, points: np.ndarray) -> None:
    """Compare payloads of every layer and step, and the read-out, with the integer engine's."""
    trace = run_integer(network, points, Probe(n_samples=len(points)))
    assert trace.probe is not None
    trained = QuantizationAwareNetwork(network, torch.float64)
    words = trained.words(encode_points(network, points)[0])
    with torch.no_grad():
        sent, total = trained.walked(words), trained.total(words)
    for node in trace.probe.nodes:
        payload = torch.stack(sent[node.name], dim=1).numpy()
        np.testing.assert_array_equal(payload, node.payload, err_msg=node.name)
    np.testing.assert_array_equal(total.numpy(), trace.readout)


@pytest.mark.parametrize("n_steps", builders.N_STEPS)
@pytest.mark.parametrize("polarity", builders.POLARITIES)
@pytest.mark.parametrize("activation", builders.ACTIVATIONS)
def test_random_networks_equal_the_integer_engine(activation: str, polarity: Polarity, n_steps: int) -> None:
    for seed, readout in enumerate((Readout.MEAN, Readout.LAST)):
        network = builders.random_quantized(
            seed, activation=activation, polarity=polarity, n_steps=n_steps, readout=readout
        )
        points = builders.random_points(network, N_SAMPLES, seed)
        assert_bit_equal(builders.with_threshold_hits(network, points), points)


@pytest.mark.parametrize("activation", builders.ACTIVATIONS)
def test_saturating_networks_equal_the_integer_engine(activation: str) -> None:
    network = builders.saturating_quantized(3, activation=activation, n_steps=4)
    points = builders.random_points(network, N_SAMPLES)
    assert run_integer(network, points).n_saturated > 0
    assert_bit_equal(network, points)


@pytest.mark.parametrize(("payload_bits", "weight_bits", "state_bits"), [(8, 4, 16), (12, 8, 24), (24, 16, 32)])
def test_word_lengths_equal_the_integer_engine(payload_bits: int, weight_bits: int, state_bits: int) -> None:
    network = builders.random_quantized(
        5, payload_bits=payload_bits, input_bits=payload_bits, weight_bits=weight_bits, state_bits=state_bits
    )
    assert_bit_equal(network, builders.random_points(network, N_SAMPLES))


def test_membranes_equal_the_integer_engine() -> None:
    """Step by step, with the drives that the engine itself had."""
    network = builders.random_quantized(7, n_steps=8, activation="tanh", polarity=Polarity.BOTH)
    trained = QuantizationAwareNetwork(network, torch.float64)
    words, _ = encode_points(network, builders.random_points(network, N_SAMPLES))
    node, part = network.populations[0], trained.populations[0]
    rest, membrane = torch.zeros((N_SAMPLES, 7), dtype=torch.float64), np.zeros((N_SAMPLES, 7), dtype=np.int64)
    for _ in range(8):
        step = step_integer(node, membrane, [words])
        drive = torch.tensor(step.drive, dtype=torch.float64)
        looked_up = part.rule.table.look_up(drive)
        payload, rest = step_vsn(drive, looked_up, rest, part.integer_beta(), part.integer_theta(), part.rule)
        membrane = step.carried
        np.testing.assert_array_equal(rest.detach().numpy(), membrane)
        np.testing.assert_array_equal(payload.detach().numpy(), step.payload)


@pytest.mark.parametrize("seed", range(24))
def test_random_graphs_equal_the_integer_engine(seed: int) -> None:
    """Skips, products, relays, delays, loops, one to three inputs, one step or several or a sequence."""
    n_steps = (1, 2, 8, None)[seed % 4]
    readout = Readout.EVERY if n_steps is None else (Readout.MEAN, Readout.LAST)[seed // 4 % 2]
    network = builders.random_graph(seed, n_inputs=1 + seed % 3, n_nodes=6, n_steps=n_steps, readout=readout)
    assert_bit_equal(network, builders.random_points(network, N_SAMPLES))
    assert QuantizationAwareNetwork(network).quantized().digest() == network.digest()


def test_relays_are_not_trained() -> None:
    network = next(g for g in map(builders.random_graph, range(20)) if any(n.is_relay for n in g.source.populations))
    for spec, part in QuantizationAwareNetwork(network).pairs():
        assert part.affine.weight.requires_grad is not spec.is_relay


def test_gradients_pass_through_loops_delays_and_products() -> None:
    """Every neuron of every node fires, so that the network is smooth but for its roundings, which are those of long words."""
    drawn = builders.random_graph(11, n_inputs=2, n_nodes=7, n_steps=4, activations=("tanh",)).source
    nodes = tuple(
        replace(node, theta=0 * node.theta, polarity=Polarity.BOTH) if isinstance(node, PopulationSpec) else node
        for node in drawn.nodes
    )
    network = replace(drawn, nodes=nodes)
    points = builders.random_points(network, N_SAMPLES)
    scheme = QuantizationScheme(
        weight_bits=12, payload_bits=22, input_bits=22, state_bits=30, index_size=16, rounding="nearest"
    )
    chip = quantize_network(network, scheme, points).network
    trained = QuantizationAwareNetwork(chip, torch.float64)
    words = trained.words(encode_points(chip, points)[0])
    trained(words).square().sum().backward()
    for part in trained.populations:
        bias, step = part.affine.bias, 1e-3

        def loss(change: float, bias: torch.Tensor = bias) -> float:
            with torch.no_grad():
                bias[0] += change
                found = float(trained(words).square().sum())
                bias[0] -= change
            return found

        measured = (loss(step) - loss(-step)) / (2 * step)
        found = 0.0 if bias.grad is None else float(bias.grad[0])  # None of what nobody reads
        assert found == pytest.approx(measured, rel=5 * GRADIENT_TOLERANCE, abs=GRADIENT_TOLERANCE)


def test_quantized_gives_back_the_very_integers() -> None:
    network = builders.random_quantized(2)
    for dtype in (torch.float32, torch.float64):
        assert QuantizationAwareNetwork(network, dtype).quantized().digest() == network.digest()


def test_masters_between_integers_round_as_the_contract_says() -> None:
    network = builders.random_quantized(2)
    trained = QuantizationAwareNetwork(network, torch.float64)
    unit = 2.0 ** network.populations[0].affine.connections[0].weight_exponent[0]
    with torch.no_grad():
        trained.populations[0].affine.weight[0, 0] = 2.5 * unit
        trained.populations[0].affine.weight[0, 1] = -2.5 * unit
        trained.populations[0].theta[0] = 10.25 * 2.0 ** network.populations[0].affine.state_exponent
    back = trained.quantized()
    assert back.populations[0].affine.weight[0, :2].tolist() == [3, -2]
    assert back.populations[0].theta[0] == 11


def test_roundings_equal_the_core() -> None:
    ties = np.array([-2.5, -1.5, -0.5, 0.49999999999999994, 0.5, 1.5, 2.0**51 + 0.5, -(2.0**51) - 0.5])
    values = torch.tensor(ties, dtype=torch.float64)
    np.testing.assert_array_equal(half_up(values).numpy(), round_half_up(ties))


def test_gradients_pass_straight_through_roundings_and_stop_at_saturation() -> None:
    values = torch.tensor([0.2, 0.7, 200.0], dtype=torch.float64, requires_grad=True)
    for function, expected in ((rounded, [1, 1, 1]), (raised, [1, 1, 1]), (lambda v: held(v, 8), [1, 1, 0])):
        (gradient,) = torch.autograd.grad(function(values).sum(), values)
        assert gradient.tolist() == expected


GRADIENT_TOLERANCE = 2e-3
"""Payloads move in steps of 2**-23 to 2**-20, which the central difference divides by 2e-3; its own error is of that order."""


@pytest.mark.parametrize("activation", ["tanh", "z_tanh_z", "tanh_squared"])
def test_gradient_equals_finite_differences_where_no_spike_can_flip(activation: str) -> None:
    """With theta = 0 and polarity both every neuron fires at every step: the network is smooth but for its roundings."""
    network = builders.random_quantized(
        4, activation=activation, polarity=Polarity.BOTH, weight_bits=16, payload_bits=24, input_bits=20, state_bits=30,
        index_size=16,
    )  # fmt: skip
    network = replace(network, nodes=tuple(replace(node, theta=0 * node.theta) for node in network.populations))
    trained = QuantizationAwareNetwork(network, torch.float64)
    words = trained.words(encode_points(network, builders.random_points(network, N_SAMPLES))[0])
    trained(words).square().sum().backward()
    master = trained.populations[0].affine.bias
    step = 1e-3

    def loss(change: float) -> float:
        with torch.no_grad():
            master[1] += change
            found = float(trained(words).square().sum())
            master[1] -= change
        return found

    measured = (loss(step) - loss(-step)) / (2 * step)
    assert float(master.grad[1]) == pytest.approx(measured, rel=GRADIENT_TOLERANCE)


def test_sums_beyond_float64_are_refused() -> None:
    network = builders.random_quantized(1)
    affine = network.populations[0].affine
    exponent = affine.connections[0].weight_exponent + 30 - affine.lefts[0].max()
    wide = builders.with_layer(network, 0, weight_exponent=exponent)
    with pytest.raises(FixedPointError, match=r"sums of products below 2\*\*52; got .* Use shorter words"):
        QuantizationAwareNetwork(wide, torch.float64)
