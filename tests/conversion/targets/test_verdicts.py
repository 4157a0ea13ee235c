"""Verdicts in three words: networks of three neurons counted by hand for each rule, and the shipped networks on Loihi 2."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import builders
from neuropinn_lava.app.lookup.network_domain import draw_points
from neuropinn_lava.app.lookup.networks import find_network
from neuropinn_lava.base.errors import HardwareRuleError
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
from neuropinn_lava.conversion.calibrate.intervals import bound_network
from neuropinn_lava.conversion.targets.core_split import split_network
from neuropinn_lava.conversion.targets.hardware_rules import RULES
from neuropinn_lava.conversion.targets.target import LimitNote
from neuropinn_lava.conversion.targets.verdicts import RuleVerdict, check_object
from neuropinn_lava.engine.host import encode_points
from neuropinn_lava.network.quantized import QuantizedNetwork
from neuropinn_lava.network.spec import NetworkSpec


def verdict_of(check: TargetCheck, rule: str) -> RuleVerdict:
    return next(verdict for verdict in check.verdicts if verdict.rule == rule)


def cores_of(network: QuantizedNetwork, target: HardwareTarget) -> list[int]:
    return [len(split.cores) for split in split_network(network, target)]


def three_neurons() -> QuantizedNetwork:
    """One input; a and b receive weights 3 and 0, at exponents that differ by 2; the read-out receives 5 and -7."""
    network = builders.random_quantized(5, widths=(1, 2, 1), weight_bits=8, payload_bits=10, input_bits=6)
    (connection,) = network.affines[0].connections
    exponents = connection.weight_exponent[0] - np.array([0, 2])
    connection = replace(connection, weight=np.array([[3], [0]]), weight_exponent=exponents)
    network = builders.with_layer(network, 0, connections=(connection,))
    affine = network.output.affine.with_weight(np.array([[5, -7]]))
    return replace(network, output=replace(network.output, affine=affine))


ROOMY = HardwareTarget(
    name="roomy", title="Roomy", source="made for this test", max_weight_bits=8, max_payload_bits=16, state_bits=24,
    max_neurons_per_core=7, synapse_bytes_per_core=99, cores_per_chip=9, core_bytes=9999, max_fan_in=9, max_fan_out=9,
    max_out_axons=9, max_table_entries=9999, max_exponents=9, max_accumulator_bits=32,
    max_delay=9,
)  # fmt: skip
"""A target on which every rule is checked and kept."""


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
        ("delays fit their line", "max_delay"),
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
    silent = network.output.affine.with_weight(np.zeros((1, 2), dtype=np.int64))
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
    n_entries = len(network.populations[0].table.entries)
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
        "The network fits Roomy.",
        "The network breaks no rule of Roomy that could be checked. Whether axons fit the cores could not be checked.",
        "The network does not fit Roomy: it breaks the rule that exponents fit the layer."
        " Whether axons fit the cores could not be checked.",
        "The network does not fit Roomy: it breaks the rule that exponents fit the layer.",
    ]
    unknown = {"max_fan_in": None, "max_fan_out": None, "max_out_axons": None}
    assert (
        check_network(network, replace(ROOMY, **unknown))
        .summary()
        .endswith(
            "Whether axons fit the cores, neurons reach their cores and routes fit the cores could not be checked."
        )
    )


def test_a_limit_that_is_only_reported_refuses_where_strictness_is_asked_for() -> None:
    target = replace(ROOMY, max_accumulator_bits=4, reported_only=("max_accumulator_bits",))
    check = require_fit(three_neurons(), target, strict=False)
    assert check.verdict is Verdict.DOES_NOT_FIT
    assert f"{target.title} only reports this: a conversion is refused with --strict alone." in check.summary()
    refused = check_network(three_neurons(), replace(target, reported_only=()))
    assert "only reports" not in refused.summary()
    with pytest.raises(HardwareRuleError, match="sums of products of at most 4 bits"):
        require_fit(three_neurons(), target)
    with pytest.raises(HardwareRuleError, match="sums of products of at most 4 bits"):
        require_fit(three_neurons(), replace(target, reported_only=()), strict=False)


def test_a_check_as_json_has_every_rule() -> None:
    held = check_object(check_network(three_neurons(), ROOMY))
    assert (held["name"], held["verdict"]) == ("roomy", "fits")
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
