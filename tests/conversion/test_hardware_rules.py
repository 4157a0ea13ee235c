"""Hardware rules, each broken once, all at once, and exactly at its limit; and networks of three neurons, counted by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

import builders
from neuropinn_lava.app.models import find_network
from neuropinn_lava.app.network_domain import draw_points
from neuropinn_lava.conversion import (
    HardwareTarget,
    QuantizationScheme,
    Rounding,
    TargetCheck,
    Verdict,
    check_network,
    find_target,
    quantize_network,
    require_fit,
)
from neuropinn_lava.conversion.core_split import split_network
from neuropinn_lava.conversion.hardware_rules import RULES
from neuropinn_lava.conversion.intervals import bound_network
from neuropinn_lava.conversion.targets import LimitNote
from neuropinn_lava.conversion.verdicts import RuleVerdict, check_object
from neuropinn_lava.errors import HardwareRuleError
from neuropinn_lava.host import encode_points
from neuropinn_lava.network import NetworkSpec
from neuropinn_lava.quantized import QuantizedNetwork

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
        (
            {"max_fan_in": 6},
            [
                "layer 'hidden1': at most 6 inputs to a neuron; got 7. "
                "Make the layer before it narrower, or prune its weights."
            ],
        ),
        ({"max_neurons_per_core": 6}, [f"network 'random0': at most 3 cores; got 4. {SMALLER}"]),
        ({"synapse_bytes_per_core": 34}, [f"network 'random0': at most 3 cores; got 4. {SMALLER}"]),
        ({"cores_per_chip": 2}, [f"network 'random0': at most 2 cores; got 3. {SMALLER}"]),
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
    with pytest.raises(HardwareRuleError, match=r"layer 'hidden0': spikes to at most 2 cores; got 3\. Make the layer"):
        require_fit(NETWORK, replace(reach_three, max_fan_out=2))


def test_sums_are_bounded_by_intervals_not_by_words() -> None:
    bits = max(bound.accumulator_bits for bound in bound_network(NETWORK))
    require_fit(NETWORK, replace(EXACT, max_accumulator_bits=bits))
    with pytest.raises(HardwareRuleError, match=f"sums of products of at most {bits - 1} bits; got {bits}"):
        require_fit(NETWORK, replace(EXACT, max_accumulator_bits=bits - 1))


def test_states_that_are_not_proved_are_refused_on_request() -> None:
    short = builders.saturating_quantized(0)
    roomy = replace(EXACT, max_fan_in=None, synapse_bytes_per_core=1000)
    require_fit(short, roomy)
    with pytest.raises(
        HardwareRuleError, match=r"layer 'hidden0': a state proved to stay within 32767; got a bound of"
    ):
        require_fit(short, replace(roomy, require_proved_states=True))
    require_fit(NETWORK, replace(EXACT, require_proved_states=True))


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
    with pytest.raises(HardwareRuleError, match="Loihi 1 sends graded spikes; got it has none"):
        require_fit(network, find_target("loihi1"))


def test_a_network_too_large_for_a_chip() -> None:
    # 1024 x 1024 weights of 8 bits are 128 cores of 8 KB; the two other layers are two too many
    wide = builders.random_quantized(2, widths=(1, 1024, 1024, 1), index_size=2)
    wide = builders.with_layer(wide, 1, weight=np.ones((1024, 1024), dtype=np.int64))
    small_cores = replace(find_target("loihi2"), synapse_bytes_per_core=8192)
    with pytest.raises(HardwareRuleError, match="network 'random2': at most 128 cores; got 130"):
        require_fit(wide, small_cores)


# Networks of three neurons, counted by hand: two spiking neurons a and b, and one read-out.


def three_neurons() -> QuantizedNetwork:
    """One input; a and b receive weights 3 and 0, at exponents that differ by 2; the read-out receives 5 and -7."""
    network = builders.random_quantized(5, widths=(1, 2, 1), weight_bits=8, payload_bits=10, input_bits=6)
    affine = network.affines[0]
    exponents = np.array([affine.weight_exponent[0], affine.weight_exponent[0] - 2])
    network = builders.with_layer(network, 0, weight=np.array([[3], [0]]), weight_exponent=exponents)
    affine = replace(network.output.affine, weight=np.array([[5, -7]]))
    return replace(network, output=replace(network.output, affine=affine))


ROOMY = replace(
    EXACT, max_fan_in=9, max_fan_out=9, max_out_axons=9, core_bytes=9999, max_table_entries=9999, max_exponents=9,
    max_accumulator_bits=32, synapse_bytes_per_core=99, cores_per_chip=9,
)  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "limit", "found"),
    [
        ("weights fit their word", "max_weight_bits", 8),
        ("spikes carry payloads", "max_payload_bits", 10),  # the input has 6
        ("states fit their word", "state_bits", 24),
        ("exponents fit the layer", "max_exponents", 2),
        ("synapses fit the cores", "synapse_bytes_per_core", 2),  # the read-out's two weights of a byte
        ("axons fit the cores", "max_fan_in", 2),
        ("neurons reach their cores", "max_fan_out", 1),
        ("routes fit the cores", "max_out_axons", 1),
        ("network fits the chip", "cores_per_chip", 2),
    ],
)
def test_three_neurons_by_hand(rule: str, limit: str, found: int) -> None:
    network = three_neurons()
    at_limit = verdict_of(check_network(network, replace(ROOMY, **{limit: found})), rule)
    assert (at_limit.verdict, at_limit.found, at_limit.limit) == (Verdict.FITS, found, found)
    if found > 1:
        below = verdict_of(check_network(network, replace(ROOMY, **{limit: found - 1})), rule)
        assert (below.verdict, below.found, below.limit) == (Verdict.DOES_NOT_FIT, found, found - 1)
        assert below.violations


@pytest.mark.parametrize(
    ("rule", "limit"),
    [
        ("exponents fit the layer", "max_exponents"),
        ("tables fit their memory", "max_table_entries"),
        ("sums fit their word", "max_accumulator_bits"),
        ("memory fits the cores", "core_bytes"),
        ("axons fit the cores", "max_fan_in"),
        ("neurons reach their cores", "max_fan_out"),
        ("routes fit the cores", "max_out_axons"),
    ],
)
def test_a_missing_limit_is_not_checked_and_says_why(rule: str, limit: str) -> None:
    target = replace(ROOMY, notes=(LimitNote(limit=limit, text="nobody knows"),), **{limit: None})
    verdict = verdict_of(check_network(three_neurons(), target), rule)
    assert (verdict.verdict, verdict.limit, verdict.reason) == (Verdict.NOT_CHECKED, None, "nobody knows")
    assert verdict.found is not None  # what the network needs is shown all the same


def test_sums_of_three_neurons_by_hand() -> None:
    """Neuron a multiplies by 3 what the input sends at most; with a read-out of zeros, no other sum is longer."""
    network = three_neurons()
    silent = replace(network.output.affine, weight=np.zeros((1, 2), dtype=np.int64))
    network = replace(network, output=replace(network.output, affine=silent))
    words, _ = encode_points(network, np.stack([network.source.lower, network.source.upper]))
    bits = (3 * int(np.abs(words).max())).bit_length() + 1
    fits, breaks = (
        verdict_of(check_network(network, replace(ROOMY, max_accumulator_bits=most)), "sums fit their word")
        for most in (bits, bits - 1)
    )
    assert (fits.verdict, fits.found) == (Verdict.FITS, bits)
    assert (breaks.verdict, [violation.where for violation in breaks.violations]) == (
        Verdict.DOES_NOT_FIT,
        ["layer 'hidden0'"],
    )


def test_memory_of_three_neurons_by_hand() -> None:
    """A spiking neuron: one weight of a byte, four words of 3 bytes, a leak of 2 bytes, and a table of 4 bytes an entry."""
    network = three_neurons()
    n_entries = len(network.layers[0].table.entries)
    check = check_network(network, ROOMY)
    assert verdict_of(check, "memory fits the cores").found == 1 + 4 * 3 + 2 + 4 * n_entries
    assert verdict_of(check, "tables fit their memory").found == n_entries


def test_a_full_routing_table_splits_the_layer_that_sends() -> None:
    """Two senders on one core, each to two cores of two receivers: four entries. A table of two entries parts the senders."""
    network = builders.random_quantized(6, widths=(1, 2, 2, 1))
    network = builders.with_layer(network, 1, weight=np.array([[1, 2], [3, 4]]))
    target = replace(ROOMY, synapse_bytes_per_core=2, max_neurons_per_core=9)
    assert cores_of(network, replace(target, max_out_axons=4)) == [1, 2, 1]
    assert cores_of(network, replace(target, max_out_axons=2)) == [2, 2, 1]
    alone = check_network(network, replace(target, max_out_axons=1))
    assert verdict_of(alone, "routes fit the cores").verdict is Verdict.DOES_NOT_FIT
    assert verdict_of(alone, "network fits the chip").verdict is Verdict.NOT_CHECKED


def test_a_fit_needs_every_rule_checked() -> None:
    network = three_neurons()
    assert check_network(network, ROOMY).verdict is Verdict.FITS
    assert check_network(network, replace(ROOMY, max_exponents=None)).verdict is Verdict.NOT_CHECKED
    assert check_network(network, replace(ROOMY, max_exponents=1)).verdict is Verdict.DOES_NOT_FIT
    summaries = [
        check_network(network, replace(ROOMY, **limits)).summary()
        for limits in ({}, {"max_fan_in": None}, {"max_exponents": 1, "max_fan_in": None}, {"max_exponents": 1})
    ]
    assert summaries == [
        "The network fits Just enough.",
        "No rule of Just enough is broken; not checked: axons fit the cores.",
        "The network does not fit Just enough; broken: exponents fit the layer; not checked: axons fit the cores.",
        "The network does not fit Just enough; broken: exponents fit the layer.",
    ]


def test_a_limit_that_is_only_reported_refuses_where_strictness_is_asked_for() -> None:
    target = replace(ROOMY, max_accumulator_bits=4, reported_only=("max_accumulator_bits",))
    check = require_fit(three_neurons(), target, strict=False)
    assert check.verdict is Verdict.DOES_NOT_FIT
    with pytest.raises(HardwareRuleError, match="sums of products of at most 4 bits"):
        require_fit(three_neurons(), target)
    with pytest.raises(HardwareRuleError, match="sums of products of at most 4 bits"):
        require_fit(three_neurons(), replace(target, reported_only=()), strict=False)


def test_a_check_as_json_has_every_rule() -> None:
    held = check_object(check_network(three_neurons(), ROOMY))
    assert (held["name"], held["verdict"]) == ("exact", "fits")
    assert isinstance(held["rules"], list)
    assert [rule["name"] for rule in held["rules"]] == [rule.__name__.replace("_", " ") for rule in RULES]


def nearest(name: str, **words: int) -> QuantizedNetwork:
    """Round a shipped network to the nearest on a few points: enough for its words, and quick."""
    network = find_network(name)
    assert isinstance(network, NetworkSpec)
    scheme = QuantizationScheme(rounding=Rounding.NEAREST, **words)
    return quantize_network(network, scheme, draw_points(network, 256, 0)).network


@pytest.mark.parametrize("name", ["poisson", "burgers-shock", "elasticity3d"])
def test_no_shipped_network_is_said_to_fit_loihi_2(name: str) -> None:
    """At the default words the sums proved are of 25 to 28 bits, where Lava's graded models declare 24."""
    chip = nearest(name)
    check = require_fit(chip, find_target("loihi2"), strict=False)
    assert check.rules(Verdict.DOES_NOT_FIT) == ("sums fit their word",)
    found = verdict_of(check, "sums fit their word").found
    assert found is not None
    assert 25 <= found <= 28


def test_the_repair_of_a_sum_is_one() -> None:
    excess = max(bound.accumulator_bits for bound in bound_network(nearest("poisson"))) - 24
    check = require_fit(nearest("poisson", payload_bits=16 - excess, input_bits=16 - excess), find_target("loihi2"))
    assert check.verdict is Verdict.NOT_CHECKED
