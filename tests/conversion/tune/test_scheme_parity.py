"""Bit for bit over every scheme: quantization-aware torch = integer engine = Lava, at every layer, step, sample and neuron.

Each scheme is a way of choosing integers: word lengths, scales per tensor or neuron, range rules, roundings, equalisation,
tuning. The networks that come out run on all three, and all that they record is compared.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

import builders

torch = pytest.importorskip("torch")

from neuropinn_lava.conversion import QuantizationScheme, TuningSettings, quantize_network  # noqa: E402
from neuropinn_lava.conversion.tune.quantization_aware import QuantizationAwareNetwork  # noqa: E402
from neuropinn_lava.conversion.tune.tuning import tune_network  # noqa: E402
from neuropinn_lava.engine.host import encode_points  # noqa: E402
from neuropinn_lava.engine.reference import run_integer  # noqa: E402
from neuropinn_lava.engine.trace import LavaMode, Probe  # noqa: E402
from neuropinn_lava.network.nodes import Polarity  # noqa: E402
from neuropinn_lava.network.quantized import QuantizedNetwork  # noqa: E402

N_SAMPLES = 24
SHORT = TuningSettings(n_iterations=10, check_every=5, learning_rate=5e-3, batch_size=128, n_descents=0)

SCHEMES: dict[str, dict[str, Any]] = {
    "w8 p12": {"payload_bits": 12},
    "w6 p12": {"weight_bits": 6, "payload_bits": 12},
    "w4 p12": {"weight_bits": 4, "payload_bits": 12},
    "w4 p8": {"weight_bits": 4, "payload_bits": 8},
    "w8 p16 per tensor": {"granularity": "per-tensor"},
    "w6 p12 per tensor nearest": {
        "weight_bits": 6,
        "payload_bits": 12,
        "granularity": "per-tensor",
        "rounding": "nearest",
    },
    "mixed": {"weight_bits": (8, 6, 4), "payload_bits": (12, 10)},
    "nearest": {"rounding": "nearest", "payload_bits": 12},
    "compensated": {"rounding": "compensated", "weight_bits": 5, "payload_bits": 12},
    "bias-corrected": {"rounding": "bias-corrected", "weight_bits": 5, "payload_bits": 12},
    "min-max": {"weight_range": "min-max", "payload_range": "min-max", "weight_bits": 5, "payload_bits": 8},
    "percentile": {"weight_range": "percentile", "payload_range": "percentile", "weight_bits": 5, "payload_bits": 8},
    "mse": {"weight_range": "mse", "payload_range": "mse", "weight_bits": 5, "payload_bits": 8},
    "calibrated state of 16 bits": {"state_range": "calibrated", "state_bits": 16, "payload_bits": 12},
    "short input": {"input_bits": 8, "payload_bits": 12},
    "equalized": {"equalization": "across-layers", "weight_bits": 4, "payload_bits": 12},
}
"""Every choice that a scheme offers, and what it is called here."""
KINDS: dict[str, dict[str, Any]] = {
    "tanh², one step": {"activation": "tanh_squared", "theta": 0.05},
    "z·tanh z, both signs": {"activation": "z_tanh_z", "polarity": Polarity.BOTH, "n_steps": 3, "theta": 0.1},
    "relu, leaky": {"activation": "relu", "n_steps": 4, "beta": 0.7, "theta": 0.1},
}
"""Networks: phi bounded and not, T, polarity, with a table and without."""


@cache
def deployed(kind: str, scheme: str, tuned: bool) -> QuantizedNetwork:
    """Give the network of a kind, quantized by a scheme, and tuned or not."""
    network = builders.random_spec(3, widths=(2, 8, 6, 1), ansatz=True, **KINDS[kind])
    points = builders.random_points(network, 300, 1)
    chosen = QuantizationScheme(**SCHEMES[scheme])
    if tuned:
        return tune_network(network, chosen, points, settings=SHORT).network
    return quantize_network(network, chosen, points).network


def assert_torch_is_integer(chip: QuantizedNetwork) -> None:
    """Compare the payloads of every layer and step, and the read-out."""
    points = builders.random_points(chip, N_SAMPLES, 2)
    trace = run_integer(chip, points, Probe(n_samples=N_SAMPLES))
    assert trace.probe is not None
    assert sum(int(layer.events.sum()) for layer in trace.nodes) > 0
    trained = QuantizationAwareNetwork(chip, torch.float64)
    words = trained.words(encode_points(chip, points)[0])
    with torch.no_grad():
        sent = trained.walked(words)
        for node in trace.probe.nodes:
            payload = torch.stack(sent[node.name], dim=1).numpy()
            np.testing.assert_array_equal(payload, node.payload, err_msg=node.name)
        np.testing.assert_array_equal(trained.total(words).numpy(), trace.readout)


@pytest.mark.parametrize("tuned", [False, True], ids=["rounded", "tuned"])
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("kind", KINDS)
def test_torch_equals_the_integer_engine(kind: str, scheme: str, tuned: bool) -> None:
    assert_torch_is_integer(deployed(kind, scheme, tuned))


@pytest.mark.lava
@pytest.mark.parametrize("tuned", [False, True], ids=["rounded", "tuned"])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_lava_equals_the_integer_engine(scheme: str, tuned: bool) -> None:
    """One kind of network a scheme, in turn, so that each kind meets each choice somewhere; batched and faithful in turn."""
    from neuropinn_lava.hardware_sim.lava.simulate import simulate_on_lava
    from neuropinn_lava.hardware_sim.parity.compare_traces import compare_traces

    turn = 2 * list(SCHEMES).index(scheme) + tuned
    chip = deployed(list(KINDS)[turn % len(KINDS)], scheme, tuned)
    points = builders.random_points(chip, N_SAMPLES, 2)
    probe = Probe(n_samples=N_SAMPLES)
    mode = LavaMode.FAITHFUL if turn % 4 == 3 else LavaMode.BATCHED
    found = compare_traces(run_integer(chip, points, probe), simulate_on_lava(chip, points, mode=mode, probe=probe))
    assert found.mismatches == 0, found.first_difference
    assert found.values_compared > 1000
