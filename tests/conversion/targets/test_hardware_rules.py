"""Hardware rules, each broken once, all at once, and exactly at its limit; and networks of three neurons, counted by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

import builders
from neuropinn_lava.base.errors import HardwareRuleError
from neuropinn_lava.conversion import (
    HardwareTarget,
    TargetCheck,
    Verdict,
    check_network,
    find_target,
    require_fit,
)
from neuropinn_lava.conversion.calibrate.intervals import bound_network
from neuropinn_lava.conversion.targets.core_split import split_network
from neuropinn_lava.conversion.targets.hardware_rules import RULES
from neuropinn_lava.conversion.targets.verdicts import RuleVerdict
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
    return [rule.replace(" ", "_") for rule in check_network(NETWORK, target).rules(Verdict.DOES_NOT_FIT)]


def verdict_of(check: TargetCheck, rule: str) -> RuleVerdict:
    return next(verdict for verdict in check.verdicts if verdict.rule == rule)


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
    require_fit(NETWORK, EXACT)
    assert broken_rules(EXACT) == []
    assert broken_rules(replace(EXACT, **{limit: getattr(EXACT, limit) - 1})) == [rule]


LAYERS = ("hidden0", "hidden1", "output")
SMALLER = "Make the network smaller, or use fewer weight bits."


@pytest.mark.parametrize(
    ("limits", "lines"),
    [
        (
            {"max_weight_bits": 7},
            [f"layer '{n}' must have weights of at most 7 bits; got 8. Convert with --weight-bits 7." for n in LAYERS],
        ),
        (
            {"max_payload_bits": 12},
            [
                f"layer '{n}' must send payloads of at most 12 bits; got 16. Convert with --payload-bits 12 or fewer."
                for n in LAYERS[:2]
            ],
        ),
        (
            {"max_payload_bits": 11},
            [
                "the input must send payloads of at most 11 bits; got 12. Convert with --input-bits 11 or fewer.",
                "layer 'hidden0' must send payloads of at most 11 bits; got 16. Convert with --payload-bits 11 or fewer.",
                "layer 'hidden1' must send payloads of at most 11 bits; got 16. Convert with --payload-bits 11 or fewer.",
            ],
        ),
        (
            {"max_payload_bits": 0},
            [
                "network 'random0' must run on a target with graded spikes; got Just enough. "
                "Choose a target with graded spikes, such as loihi2."
            ],
        ),
        (
            {"state_bits": 23},
            [
                f"layer '{n}' must have a state of at most 23 bits; got 24. Convert with --state-bits 23."
                for n in LAYERS
            ],
        ),
        (
            {"synapse_bytes_per_core": 6, "cores_per_chip": 128},
            [
                "layer 'hidden1' must need at most 6 bytes for the synapses of one neuron; got 7. "
                "Make the layer before it narrower, or use fewer weight bits."
            ],
        ),
        (
            {"max_fan_in": 6},
            [
                "layer 'hidden1' must have at most 6 inputs to a neuron; got 7. "
                "Make the layer before it narrower, or prune its weights."
            ],
        ),
        ({"max_neurons_per_core": 6}, [f"network 'random0' must need at most 3 cores; got 4. {SMALLER}"]),
        ({"synapse_bytes_per_core": 34}, [f"network 'random0' must need at most 3 cores; got 4. {SMALLER}"]),
        ({"cores_per_chip": 2}, [f"network 'random0' must need at most 2 cores; got 3. {SMALLER}"]),
    ],
    ids=str,
)
def test_each_rule_broken_once(limits: dict[str, int], lines: list[str]) -> None:
    with pytest.raises(HardwareRuleError) as caught:
        require_fit(NETWORK, replace(EXACT, **limits))
    assert str(caught.value).splitlines() == lines


def test_spikes_reach_the_cores_of_the_next_layer() -> None:
    """The second layer has five neurons of 7 bytes: two of them fit 18 bytes, so that it takes three cores, not 35 / 18."""
    reach_three = replace(EXACT, synapse_bytes_per_core=18, cores_per_chip=9, max_fan_out=3)
    require_fit(NETWORK, reach_three)
    with pytest.raises(
        HardwareRuleError, match=r"layer 'hidden0' must send spikes to at most 2 cores; got 3\. Make what reads it"
    ):
        require_fit(NETWORK, replace(reach_three, max_fan_out=2))


def test_sums_are_bounded_by_intervals_not_by_words() -> None:
    bits = max(bound.accumulator_bits for bound in bound_network(NETWORK))
    require_fit(NETWORK, replace(EXACT, max_accumulator_bits=bits))
    with pytest.raises(HardwareRuleError, match=f"sums of products of at most {bits - 1} bits; got {bits}"):
        require_fit(NETWORK, replace(EXACT, max_accumulator_bits=bits - 1))


@pytest.mark.parametrize(
    ("excess", "repair"),
    [
        (6, "Convert with --input-bits 6, or with --weight-bits 2."),
        (7, "Convert with --input-bits 5."),
        (10, "Convert with --input-bits 2."),
        (11, "Convert with --input-bits 2 and --weight-bits 7."),
        (16, "Convert with --input-bits 2 and --weight-bits 2."),
        (17, "Make the layer before it narrower: no words are short enough."),
    ],
)
def test_the_repair_of_a_sum_asks_for_words_that_exist(excess: int, repair: str) -> None:
    """Inputs of 12 bits and weights of 8 can lose ten and six: the shortest words have two."""
    bits = bound_network(NETWORK)[0].accumulator_bits
    check = check_network(NETWORK, replace(EXACT, max_accumulator_bits=bits - excess))
    first = verdict_of(check, "sums fit their word").violations[0]
    assert (first.where, first.got, first.repair) == ("layer 'hidden0'", bits, repair)


def test_states_that_are_not_proved_are_refused_on_request() -> None:
    short = builders.saturating_quantized(0)
    roomy = replace(EXACT, max_fan_in=None, synapse_bytes_per_core=1000)
    require_fit(short, roomy)
    with pytest.raises(
        HardwareRuleError, match=r"layer 'hidden0' must have a state proved to stay within 32767; got a bound of"
    ):
        require_fit(short, replace(roomy, require_proved_states=True))
    require_fit(NETWORK, replace(EXACT, require_proved_states=True))


def test_the_repair_of_a_state_asks_for_a_word_of_the_target_or_a_coarser_state() -> None:
    """A membrane of 16 bits grows beyond 32767 by less than a factor of two for each missing bit."""
    short = builders.saturating_quantized(0)
    bound = bound_network(short)[0]
    n_bits = (max(bound.drive, bound.membrane) // (bound.state_highest + 1)).bit_length()
    ways = {
        16 + n_bits: f"--state-bits {16 + n_bits}",
        16: f"a `QuantizationScheme.state_headroom` {2**n_bits} times as large",
    }
    for state_bits, way in ways.items():
        check = check_network(short, replace(EXACT, state_bits=state_bits, require_proved_states=True))
        first = verdict_of(check, "states are proved").violations[0]
        assert (first.where, first.repair) == ("layer 'hidden0'", f"Convert with {way}, or on a smaller box.")


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
        core_bytes=10,
        max_table_entries=1,
        max_exponents=1,
        max_accumulator_bits=8,
        require_proved_states=True,
    )
    with pytest.raises(HardwareRuleError) as caught:
        require_fit(NETWORK, tight)
    broken = {v.rule: len(v.violations) for v in check_network(NETWORK, tight).verdicts if v.violations}
    # Fan-ins of 7 and 5 exceed two bytes, ten bytes of memory and three axons; every sum is longer than 8 bits; no state of ±32
    # is too short for these weights; all tables and all layers but the read-out have more than one entry and one exponent.
    assert broken == {
        "weights fit their word": 3,
        "spikes carry payloads": 3,
        "states fit their word": 3,
        "sums fit their word": 3,
        "exponents fit the layer": 2,
        "tables fit their memory": 2,
        "synapses fit the cores": 2,
        "memory fits the cores": 3,
        "axons fit the cores": 2,
    }
    assert len(caught.value.violations) == sum(broken.values())
    assert verdict_of(check_network(NETWORK, tight), "network fits the chip").verdict is Verdict.NOT_CHECKED


def test_limits_that_are_not_published_are_not_checked() -> None:
    tight = replace(EXACT, max_fan_in=1, max_fan_out=1, core_bytes=1)
    assert broken_rules(tight) == ["memory_fits_the_cores", "axons_fit_the_cores"]
    unpublished = replace(tight, max_fan_in=None, max_fan_out=None, core_bytes=None)
    check = require_fit(NETWORK, unpublished)
    assert check.verdict is Verdict.NOT_CHECKED
    assert verdict_of(check, "axons fit the cores").reason == "the target's file states no max_fan_in"


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_says_what_it_is(rule: Callable[..., object]) -> None:
    assert rule.__doc__


def cores_of(network: QuantizedNetwork, target: HardwareTarget) -> list[int]:
    return [len(split.cores) for split in split_network(network, target)]


def test_cores_by_hand() -> None:
    """7 neurons at 3 a core: 3 cores. 14 bytes at 13 a core: 2 cores. Zero weights take no room."""
    full = builders.with_layer(NETWORK, 0, weight=np.full((7, 2), 5))
    roomy = replace(EXACT, max_neurons_per_core=9, synapse_bytes_per_core=99)
    assert cores_of(full, replace(roomy, max_neurons_per_core=3))[0] == 3
    assert cores_of(full, replace(roomy, synapse_bytes_per_core=35))[0] == 1
    assert cores_of(full, replace(roomy, synapse_bytes_per_core=13))[0] == 2
    sparse = np.zeros((7, 2), dtype=np.int64)
    sparse[0, 0] = 1
    assert cores_of(builders.with_layer(full, 0, weight=sparse), replace(roomy, synapse_bytes_per_core=7))[0] == 1


@pytest.mark.parametrize("network", [NETWORK, builders.random_quantized(1, widths=(3, 64, 64, 64, 2))])
def test_shipped_targets(network: QuantizedNetwork) -> None:
    require_fit(network, find_target("loihi2"), strict=False)
    with pytest.raises(HardwareRuleError, match="a target with graded spikes; got Loihi 1"):
        require_fit(network, find_target("loihi1"))


@pytest.mark.slow
def test_a_network_too_large_for_a_chip() -> None:
    # 1024 x 1024 weights of 8 bits are 128 cores of 8 KB; the two other layers are two too many
    wide = builders.random_quantized(2, widths=(1, 1024, 1024, 1), index_size=2)
    wide = builders.with_layer(wide, 1, weight=np.ones((1024, 1024), dtype=np.int64))
    small_cores = replace(find_target("loihi2"), synapse_bytes_per_core=8192)
    with pytest.raises(HardwareRuleError, match="network 'random2' must need at most 128 cores; got 130"):
        require_fit(wide, small_cores)
