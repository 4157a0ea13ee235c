"""Hardware rules, each broken once, all at once, and exactly at its limit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

import builders
from neuropinn_lava.base.errors import HardwareRuleError
from neuropinn_lava.conversion import HardwareTarget, check_network, find_target
from neuropinn_lava.conversion.calibrate.intervals import bound_network
from neuropinn_lava.conversion.targets.hardware_rules import RULES, cores_of
from neuropinn_lava.network.quantized import QuantizedNetwork

NETWORK = builders.random_quantized(0, widths=(2, 7, 5, 1), weight_bits=8, payload_bits=16, input_bits=12, density=1.0)
NETWORK = builders.with_layer(NETWORK, 1, weight=np.full((5, 7), 3))
"""The widest fan-in is 7, with no zero weight: 7 bytes for one neuron, 35 for the layer."""

EXACT = HardwareTarget(
    name="exact",
    title="Just enough",
    source="made for this test",
    max_weight_bits=8,
    max_payload_bits=16,
    state_bits=24,
    max_neurons_per_core=7,
    synapse_bytes_per_core=35,
    cores_per_chip=3,
    max_fan_in=7,
)
"""NETWORK fits with nothing to spare: its layers of 7, 5 and 1 neurons take one core each."""


def broken_rules(target: HardwareTarget) -> list[str]:
    return [rule.__name__ for rule in RULES if any(rule(NETWORK, target))]


@pytest.mark.parametrize(
    ("limit", "rule"),
    [
        ("max_weight_bits", "weights_fit_their_word"),
        ("max_payload_bits", "spikes_carry_payloads"),
        ("state_bits", "states_fit_their_word"),
        ("max_neurons_per_core", "network_fits_the_chip"),
        ("synapse_bytes_per_core", "network_fits_the_chip"),
        ("cores_per_chip", "network_fits_the_chip"),
        ("max_fan_in", "axons_fit_the_cores"),
    ],
)
def test_a_network_at_every_limit_fits_and_one_less_breaks_a_rule(limit: str, rule: str) -> None:
    check_network(NETWORK, EXACT)
    assert broken_rules(EXACT) == []
    assert broken_rules(replace(EXACT, **{limit: getattr(EXACT, limit) - 1})) == [rule]


LAYERS = ("hidden0", "hidden1", "output")
SMALLER = "Make the network smaller, or use fewer weight bits."


@pytest.mark.parametrize(
    ("limits", "lines"),
    [
        (
            {"max_weight_bits": 7},
            [f"layer '{n}': weights of at most 7 bits; got 8. Convert with --weight-bits 7." for n in LAYERS],
        ),
        (
            {"max_payload_bits": 12},
            [
                f"layer '{n}': payloads of at most 12 bits; got 16. Convert with --payload-bits 12 or fewer."
                for n in LAYERS[:2]
            ],
        ),
        (
            {"max_payload_bits": 11},
            [
                "the input: payloads of at most 11 bits; got 12. Convert with --input-bits 11 or fewer.",
                "layer 'hidden0': payloads of at most 11 bits; got 16. Convert with --payload-bits 11 or fewer.",
                "layer 'hidden1': payloads of at most 11 bits; got 16. Convert with --payload-bits 11 or fewer.",
            ],
        ),
        (
            {"max_payload_bits": 0},
            [
                "network 'random0': Just enough sends graded spikes; got it has none. "
                "Choose a target with graded spikes, such as loihi2."
            ],
        ),
        (
            {"state_bits": 23},
            [f"layer '{n}': a state of at most 23 bits; got 24. Convert with --state-bits 23." for n in LAYERS],
        ),
        (
            {"synapse_bytes_per_core": 6, "cores_per_chip": 128},
            [
                "layer 'hidden1': one neuron's synapses take at most 6 bytes; got 7. "
                "Make the layer before it narrower, or use fewer weight bits."
            ],
        ),
        ({"max_fan_in": 6}, ["layer 'hidden1': at most 6 inputs; got 7. Make the layer before it narrower."]),
        ({"max_neurons_per_core": 6}, [f"network 'random0': at most 3 cores; got 4. {SMALLER}"]),
        ({"synapse_bytes_per_core": 34}, [f"network 'random0': at most 3 cores; got 4. {SMALLER}"]),
        ({"cores_per_chip": 2}, [f"network 'random0': at most 2 cores; got 3. {SMALLER}"]),
    ],
    ids=str,
)
def test_each_rule_broken_once(limits: dict[str, int], lines: list[str]) -> None:
    with pytest.raises(HardwareRuleError) as caught:
        check_network(NETWORK, replace(EXACT, **limits))
    assert str(caught.value).splitlines() == lines


def test_spikes_reach_the_cores_of_the_next_layer() -> None:
    """The second layer takes 35 weights of a byte: 35 bytes on one core, 18 on two of them."""
    reach_two = replace(EXACT, synapse_bytes_per_core=18, cores_per_chip=9, max_fan_out=2)
    check_network(NETWORK, reach_two)
    with pytest.raises(HardwareRuleError, match=r"layer 'hidden0': spikes to at most 1 cores; got 2\. Make the layer"):
        check_network(NETWORK, replace(reach_two, max_fan_out=1))


def test_sums_are_bounded_by_intervals_not_by_words() -> None:
    bits = max(bound.accumulator_bits for bound in bound_network(NETWORK))
    check_network(NETWORK, replace(EXACT, max_accumulator_bits=bits))
    with pytest.raises(HardwareRuleError, match=f"sums of products of at most {bits - 1} bits; got {bits}"):
        check_network(NETWORK, replace(EXACT, max_accumulator_bits=bits - 1))


def test_states_that_are_not_proved_are_refused_on_request() -> None:
    short = builders.saturating_quantized(0)
    roomy = replace(EXACT, max_fan_in=None, synapse_bytes_per_core=1000)
    check_network(short, roomy)
    with pytest.raises(
        HardwareRuleError, match=r"layer 'hidden0': a state proved to stay within 32767; got a bound of"
    ):
        check_network(short, replace(roomy, require_proved_states=True))
    check_network(NETWORK, replace(EXACT, require_proved_states=True))


def test_all_rules_broken_at_once() -> None:
    tight = HardwareTarget(
        name="tight",
        title="Tight",
        source="made for this test",
        max_weight_bits=4,
        max_payload_bits=8,
        state_bits=16,
        max_neurons_per_core=2,
        synapse_bytes_per_core=2,
        cores_per_chip=1,
        max_fan_in=3,
        max_fan_out=1,
        max_accumulator_bits=8,
        require_proved_states=True,
    )
    with pytest.raises(HardwareRuleError) as caught:
        check_network(NETWORK, tight)
    broken = [sum(1 for _ in rule(NETWORK, tight)) for rule in RULES]
    # Fan-ins of 7 and 5 exceed two bytes and three axons; five neurons of 7 bytes each need more cores than the one that a
    # spike reaches; every sum is longer than 8 bits; no state of ±32 is too short for these weights.
    assert broken == [3, 3, 3, 2, 2, 2, 3, 0, 1]
    assert len(caught.value.violations) == sum(broken)


def test_limits_that_are_not_published_are_not_checked() -> None:
    tight = replace(EXACT, max_fan_in=1, max_fan_out=1, max_neurons_per_core=3, cores_per_chip=9)
    assert broken_rules(tight) == ["axons_fit_the_cores", "neurons_reach_their_cores"]
    unpublished = replace(tight, max_fan_in=None, max_fan_out=None, core_bytes=None)
    check_network(NETWORK, unpublished)
    assert broken_rules(unpublished) == []


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_says_what_it_is(rule: Callable[..., object]) -> None:
    assert rule.__doc__


def test_cores_by_hand() -> None:
    """7 neurons at 3 a core: 3 cores. 14 weights of 8 bits, 4 bytes a core: 3.5, so 4. Zero weights take no room."""
    affine = replace(NETWORK.affines[0], weight=np.full((7, 2), 5))
    assert cores_of(affine, replace(EXACT, max_neurons_per_core=3)) == 3
    assert cores_of(affine, replace(EXACT, synapse_bytes_per_core=4)) == 4
    sparse = np.zeros((7, 2), dtype=np.int64)
    sparse[0, 0] = 1
    assert cores_of(replace(affine, weight=sparse), replace(EXACT, synapse_bytes_per_core=4)) == 1
    assert cores_of(replace(affine, weight=sparse * 0), EXACT) == 1


@pytest.mark.parametrize("network", [NETWORK, builders.random_quantized(1, widths=(3, 64, 64, 64, 2))])
def test_shipped_targets(network: QuantizedNetwork) -> None:
    check_network(network, find_target("loihi2"))
    with pytest.raises(HardwareRuleError, match="Loihi 1 sends graded spikes; got it has none"):
        check_network(network, find_target("loihi1"))


def test_a_network_too_large_for_a_chip() -> None:
    # 1024 x 1024 weights of 8 bits are 128 cores of 8 KB; the two other layers are two too many
    wide = builders.random_quantized(2, widths=(1, 1024, 1024, 1), index_size=2)
    wide = builders.with_layer(wide, 1, weight=np.ones((1024, 1024), dtype=np.int64))
    small_cores = replace(find_target("loihi2"), synapse_bytes_per_core=8192)
    with pytest.raises(HardwareRuleError, match="network 'random2': at most 128 cores; got 130"):
        check_network(wide, small_cores)
