"""The verdict of `check_network` and the placement of `partition_network` count the same cores, for every network and target.

Version 1.1.0 had two definitions: the rules divided bytes by a core's memory, the placement dealt out whole neurons. The rules
once counted 165 cores where the placement took 303, on two chips.
"""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import pytest

import builders
from neuropinn_lava.base.errors import HardwareRuleError
from neuropinn_lava.conversion import HardwareTarget, TargetCheck, Verdict, check_network, find_target
from neuropinn_lava.conversion.targets.core_split import split_network
from neuropinn_lava.hardware_sim.mapping.cores import partition_network
from neuropinn_lava.network.quantized import QuantizedNetwork

N_CASES = 60

MAPPING = {
    "neurons fit the cores", "synapses fit the cores", "memory fits the cores", "axons fit the cores",
    "neurons reach their cores", "routes fit the cores",
}  # fmt: skip


def test_whole_neurons_are_dealt_out() -> None:
    """A neuron of 60 bytes on cores of 100: 60 neurons take 60 cores, not 60 * 60 / 100 = 36."""
    network = builders.random_quantized(0, widths=(2, 60, 60, 1), index_size=2)
    network = builders.with_layer(network, 1, weight=np.ones((60, 60), dtype=np.int64))
    target = replace(find_target("loihi2"), synapse_bytes_per_core=100, cores_per_chip=64)
    partition = partition_network(network, target)
    assert len(partition.cores_of("hidden1")) == 60
    assert partition.n_cores == 63  # 60 neurons of 2 bytes take 2 cores, the read-out's 60 bytes one
    chip = next(v for v in check_network(network, target).verdicts if v.rule == "network fits the chip")
    assert (chip.verdict, chip.found) == (Verdict.FITS, 63)


def random_case(seed: int) -> tuple[QuantizedNetwork, HardwareTarget]:
    """Draw a network and a target in which any limit of a core may be the one that counts, or be exceeded, or be unknown."""
    rng = np.random.default_rng(seed)
    widths = (2, *rng.integers(1, 40, int(rng.integers(1, 4))).tolist(), int(rng.integers(1, 4)))
    network = builders.random_quantized(seed, widths=widths, density=float(rng.uniform(0.2, 1.0)), index_size=2)

    def perhaps(low: int, high: int) -> int | None:
        return None if rng.random() < 0.4 else int(rng.integers(low, high))

    target = HardwareTarget(
        name="drawn",
        title="A drawn chip",
        source="made for this test",
        max_weight_bits=8,
        max_payload_bits=24,
        state_bits=24,
        max_neurons_per_core=int(rng.integers(1, 20)),
        synapse_bytes_per_core=int(rng.integers(20, 400)),
        core_bytes=perhaps(30, 200),
        cores_per_chip=int(rng.integers(1, 60)),
        max_fan_in=perhaps(20, 60),
        max_fan_out=perhaps(3, 40),
        max_out_axons=perhaps(1, 60),
    )
    return network, target


@functools.cache
def checked(seed: int) -> TargetCheck:
    return check_network(*random_case(seed))


@pytest.mark.parametrize("seed", range(N_CASES))
def test_verdict_and_placement_agree(seed: int) -> None:
    network, target = random_case(seed)
    check = checked(seed)
    chip = next(verdict for verdict in check.verdicts if verdict.rule == "network fits the chip")
    broken = MAPPING & set(check.rules(Verdict.DOES_NOT_FIT))
    try:
        partition = partition_network(network, target)
    except HardwareRuleError as error:
        assert broken
        told = {
            violation._replace(where=violation.where.replace(" on A drawn chip", "")) for violation in error.violations
        }
        assert told <= set(check.violations)
        return
    assert not broken
    assert chip.found == partition.n_cores
    assert (chip.verdict is Verdict.FITS) == (partition.n_chips == 1)


def test_the_drawn_cases_cover_every_outcome() -> None:
    verdicts = [checked(seed) for seed in range(N_CASES)]
    broken = MAPPING & {rule for check in verdicts for rule in check.rules(Verdict.DOES_NOT_FIT)}
    assert broken >= {
        "memory fits the cores",
        "axons fit the cores",
        "neurons reach their cores",
        "routes fit the cores",
    }
    chips = {next(v.verdict for v in check.verdicts if v.rule == "network fits the chip") for check in verdicts}
    assert chips == set(Verdict)


@pytest.mark.parametrize("seed", range(20))
def test_every_core_holds_what_the_target_allows(seed: int) -> None:
    network, target = random_case(seed)
    for split, layer in zip(split_network(network, target), (*network.populations, network.output), strict=True):
        held = [neuron for core in split.cores for neuron in range(layer.n_out)[core.neurons]]
        assert held == (list(range(layer.n_out)) if split.cores else [])
        assert not any(core.exceeds(target) for core in split.cores)
