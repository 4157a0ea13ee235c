"""Whether a quantized network fits a hardware target: one small function per rule, and the function's name is the rule.

`check_network` runs them all and raises one error that lists every broken rule with what would mend it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from ...base.checks import raise_violations
from ...base.errors import HardwareRuleError, Violation
from ...network.quantized import QuantizedAffine, QuantizedNetwork
from ..calibrate.intervals import bound_network
from .target import HardwareTarget

Rule = Callable[[QuantizedNetwork, HardwareTarget], Iterator[Violation]]


def _named(network: QuantizedNetwork) -> Iterator[tuple[str, QuantizedAffine]]:
    names = [layer.name for layer in network.layers] + [network.output.name]
    for name, affine in zip(names, network.affines, strict=True):
        yield f"layer {name!r}", affine


def weights_fit_their_word(network: QuantizedNetwork, target: HardwareTarget) -> Iterator[Violation]:
    """A synapse stores at most `max_weight_bits`."""
    for where, affine in _named(network):
        if affine.weight_bits > target.max_weight_bits:
            mend = f"Convert with --weight-bits {target.max_weight_bits}."
            yield Violation(where, f"weights of at most {target.max_weight_bits} bits", affine.weight_bits, mend)


def spikes_carry_payloads(network: QuantizedNetwork, target: HardwareTarget) -> Iterator[Violation]:
    """A spike carries at most `max_payload_bits`; a chip without graded spikes cannot run a VSN at all."""
    sent = [("the input", network.input_bits, "--input-bits")]
    sent += [(f"layer {layer.name!r}", layer.table.payload_bits, "--payload-bits") for layer in network.layers]
    if target.max_payload_bits == 0:
        mend = "Choose a target with graded spikes, such as loihi2."
        yield Violation(f"network {network.name!r}", f"{target.title} sends graded spikes", "it has none", mend)
        return
    for where, bits, option in sent:
        if bits > target.max_payload_bits:
            mend = f"Convert with {option} {target.max_payload_bits} or fewer."
            yield Violation(where, f"payloads of at most {target.max_payload_bits} bits", bits, mend)


def states_fit_their_word(network: QuantizedNetwork, target: HardwareTarget) -> Iterator[Violation]:
    """Membranes, drives and thresholds are held in `state_bits`."""
    for where, affine in _named(network):
        if affine.state_bits > target.state_bits:
            mend = f"Convert with --state-bits {target.state_bits}."
            yield Violation(where, f"a state of at most {target.state_bits} bits", affine.state_bits, mend)


def synapses_fit_the_cores(network: QuantizedNetwork, target: HardwareTarget) -> Iterator[Violation]:
    """The fan-in of a single neuron fits the synaptic memory of one core; layers may be split, neurons may not."""
    for where, affine in _named(network):
        n_bytes = math.ceil(int(np.count_nonzero(affine.weight, axis=1).max()) * affine.weight_bits / 8)
        if n_bytes > target.synapse_bytes_per_core:
            rule = f"one neuron's synapses take at most {target.synapse_bytes_per_core} bytes"
            yield Violation(where, rule, n_bytes, "Make the layer before it narrower, or use fewer weight bits.")


def axons_fit_the_cores(network: QuantizedNetwork, target: HardwareTarget) -> Iterator[Violation]:
    """At most `max_fan_in` axons end on one core."""
    for where, affine in _named(network):
        if target.max_fan_in is not None and affine.n_in > target.max_fan_in:
            yield Violation(
                where, f"at most {target.max_fan_in} inputs", affine.n_in, "Make the layer before it narrower."
            )


def neurons_reach_their_cores(network: QuantizedNetwork, target: HardwareTarget) -> Iterator[Violation]:
    """A neuron's spikes reach all cores of the next layer, at most `max_fan_out`."""
    if target.max_fan_out is None:
        return
    for layer, after in zip(network.layers, network.affines[1:], strict=True):
        n_cores = cores_of(after, target)
        if n_cores > target.max_fan_out:
            mend = "Make the layer after it narrower, or use fewer weight bits there."
            yield Violation(f"layer {layer.name!r}", f"spikes to at most {target.max_fan_out} cores", n_cores, mend)


def sums_fit_their_word(network: QuantizedNetwork, target: HardwareTarget) -> Iterator[Violation]:
    """Sums of products, as interval arithmetic bounds them over the network's box, need at most `max_accumulator_bits`."""
    if target.max_accumulator_bits is None:
        return
    for bound in bound_network(network):
        if bound.accumulator_bits > target.max_accumulator_bits:
            rule = f"sums of products of at most {target.max_accumulator_bits} bits"
            mend = "Use fewer weight or payload bits."
            yield Violation(f"layer {bound.name!r}", rule, bound.accumulator_bits, mend)


def states_are_proved(network: QuantizedNetwork, target: HardwareTarget) -> Iterator[Violation]:
    """Interval arithmetic proves that no state saturates anywhere in the network's box, if the target asks for it."""
    if not target.require_proved_states:
        return
    for bound in bound_network(network):
        if not bound.state_is_proved:
            reached = max(bound.drive, bound.membrane)
            n_bits = math.ceil(math.log2((reached + 1) / (bound.state_highest + 1)))
            mend = f"Convert with {n_bits} more bits of --state-bits, or on a smaller box."
            rule = f"a state proved to stay within {bound.state_highest}"
            yield Violation(f"layer {bound.name!r}", rule, f"a bound of {reached}", mend)


def network_fits_the_chip(network: QuantizedNetwork, target: HardwareTarget) -> Iterator[Violation]:
    """All neurons and synapses fit the cores of one chip."""
    n_cores = sum(cores_of(affine, target) for _, affine in _named(network))
    if n_cores > target.cores_per_chip:
        mend = "Make the network smaller, or use fewer weight bits."
        yield Violation(f"network {network.name!r}", f"at most {target.cores_per_chip} cores", n_cores, mend)


def cores_of(affine: QuantizedAffine, target: HardwareTarget) -> int:
    """Give the least number of cores for a layer, by its neurons and by its synaptic memory."""
    n_bytes = int(np.count_nonzero(affine.weight)) * affine.weight_bits / 8
    by_neurons = math.ceil(affine.n_out / target.max_neurons_per_core)
    return max(by_neurons, math.ceil(n_bytes / target.synapse_bytes_per_core), 1)


RULES: tuple[Rule, ...] = (
    weights_fit_their_word,
    spikes_carry_payloads,
    states_fit_their_word,
    synapses_fit_the_cores,
    axons_fit_the_cores,
    neurons_reach_their_cores,
    sums_fit_their_word,
    states_are_proved,
    network_fits_the_chip,
)
"""All rules, in the order in which their violations are listed."""


def check_network(network: QuantizedNetwork, target: HardwareTarget) -> None:
    """Check a quantized network against a target.

    Raises:
        HardwareRuleError: If a rule is broken; all broken rules are listed.
    """
    raise_violations((violation for rule in RULES for violation in rule(network, target)), HardwareRuleError)
