"""Whether a quantized network fits a hardware target: one small function per rule, and the function's name is the rule.

Each rule finds the largest value that the network needs and names the limit of the target that it is held against.
`check_network` makes one verdict of each: it fits, it does not fit, or it was not checked, because nobody has published the
limit. Rules about cores stand on the split of `core_split`, which the placement of `hardware_sim` uses too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...base.arrays import Record
from ...base.checks import raise_violations
from ...base.errors import HardwareRuleError, Violation
from ...engine.schedule import schedule_network
from ...network.quantized import QuantizedNetwork
from ...network.quantized_nodes import AnyQuantizedNode, QuantizedAffine, QuantizedProduct
from ..calibrate.intervals import LayerBound, bound_network
from .core_split import NodeSplit, kept_bits, longest_lines, split_network, state_bytes, synapse_bytes, wired
from .target import HardwareTarget
from .verdicts import RuleVerdict, TargetCheck, Verdict

LEAST_BITS = 2
"""Shortest word of a weight or a payload: a sign and one bit."""


class Candidate:
    """A network and a target, with what several rules need computed once."""

    def __init__(self, network: QuantizedNetwork, target: HardwareTarget) -> None:
        self.network = network
        self.target = target

    @cached_property
    def bounds(self) -> tuple[LayerBound, ...]:
        """What interval arithmetic proves of each layer."""
        return bound_network(self.network)

    @cached_property
    def splits(self) -> tuple[NodeSplit, ...]:
        """The cores of each node, the read-out last."""
        return split_network(self.network, self.target)

    @property
    def nodes(self) -> tuple[AnyQuantizedNode, ...]:
        """All nodes, the read-out last."""
        return (*self.network.nodes, self.network.output)

    @property
    def affines(self) -> tuple[tuple[str, QuantizedAffine], ...]:
        """The name for messages, and the weights, of each population and the read-out."""
        return tuple((_place(node), node.affine) for node in self.nodes if not isinstance(node, QuantizedProduct))

    @property
    def unsplit(self) -> str:
        """The nodes that cannot be split, as a reason; empty where all can."""
        names = [split.name for split in self.splits if not split.cores]
        return f"a neuron of {', '.join(names)} exceeds a core, so that the cores cannot be counted" if names else ""


def _place(node: AnyQuantizedNode) -> str:
    """Return a node's name for messages."""
    return f"{'product' if isinstance(node, QuantizedProduct) else 'layer'} {node.name!r}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding(Record):
    """The result of one rule, from which its verdict is made."""

    limit: str
    """The field of the target that the rule is about."""
    most: int | None
    """The limit; None where the target states none."""
    found: int | None
    """The largest value that the network needs; None where it cannot be counted."""
    violations: tuple[Violation, ...] = ()
    """All violations of the rule."""
    unknown: str = ""
    """Why nothing can be said although a limit is known; empty where something can."""
    source: str = ""
    """Where the value is from, for a rule whose limit is no number of the target's file."""


Rule = Callable[[Candidate], Finding]


def _held(
    limit: str, most: int | None, values: Iterable[tuple[str, int]], rule: str, repair: Callable[[str], str]
) -> Finding:
    """Compare values, by the object that needs them, with a limit; `rule` names the limit as `{}`."""
    needed = tuple(values)
    broken = () if most is None else tuple(
        Violation(where, rule.format(most), value, repair(where)) for where, value in needed if value > most
    )  # fmt: skip
    found = max((value for _, value in needed), default=None)
    return Finding(limit=limit, most=most, found=found, violations=broken)


def weights_fit_their_word(candidate: Candidate) -> Finding:
    """A synapse stores at most `max_weight_bits`."""
    most = candidate.target.max_weight_bits
    values = ((where, affine.weight_bits) for where, affine in candidate.affines)
    repair = f"Convert with --weight-bits {most}."
    return _held("max_weight_bits", most, values, "have weights of at most {} bits", lambda _: repair)


def spikes_carry_payloads(candidate: Candidate) -> Finding:
    """A spike carries at most `max_payload_bits`; a chip without graded spikes cannot run a VSN at all."""
    network, target = candidate.network, candidate.target
    inputs = [each.name for each in network.inputs]
    places = {name: "the input" if len(inputs) == 1 else f"input {name!r}" for name in inputs}
    places |= {node.name: _place(node) for node in network.nodes}
    sent = [(place, network.words[name].bits) for name, place in places.items()]
    most = target.max_payload_bits
    if most == 0:
        repair = "Choose a target with graded spikes, such as loihi2."
        none = Violation(f"network {network.name!r}", "run on a target with graded spikes", target.title, repair)
        found = max(bits for _, bits in sent)
        return Finding(limit="max_payload_bits", most=most, found=found, violations=(none,))

    def repair_word(where: str) -> str:
        option = "--input-bits" if "input" in where.split(" '")[0] else "--payload-bits"
        return f"Convert with {option} {most} or fewer."

    return _held("max_payload_bits", most, sent, "send payloads of at most {} bits", repair_word)


def states_fit_their_word(candidate: Candidate) -> Finding:
    """Membranes, drives and thresholds are held in `state_bits`."""
    most = candidate.target.state_bits
    values = ((where, affine.state_bits) for where, affine in candidate.affines)
    repair = f"Convert with --state-bits {most}."
    return _held("state_bits", most, values, "have a state of at most {} bits", lambda _: repair)


def neurons_fit_the_cores(candidate: Candidate) -> Finding:
    """A core holds at most `max_neurons_per_core`; a layer of more neurons is split."""
    values = (
        (_place(node), max((core.n_neurons for core in split.cores), default=1))
        for node, split in zip(candidate.nodes, candidate.splits, strict=True)
    )
    most = candidate.target.max_neurons_per_core
    return _held(
        "max_neurons_per_core", most, values, "have cores of at most {} neurons", lambda _: "Choose a larger target."
    )


def synapses_fit_the_cores(candidate: Candidate) -> Finding:
    """The non-zero weights of a single neuron fit the synaptic memory of one core; layers may be split, neurons may not."""
    most = candidate.target.synapse_bytes_per_core
    values = ((_place(node), int(synapse_bytes(node).max())) for node in candidate.nodes)
    repair = "Make the layer before it narrower, or use fewer weight bits."
    return _held(
        "synapse_bytes_per_core", most, values, "need at most {} bytes for the synapses of one neuron", lambda _: repair
    )


def memory_fits_the_cores(candidate: Candidate) -> Finding:
    """The weights, states, kept payloads and phi table of a single neuron fit all the memory of one core, `core_bytes`."""
    lines, kept = longest_lines(candidate.network), kept_bits(candidate.network)

    def most(node: AnyQuantizedNode) -> int:
        payloads = -(-(np.hstack([*wired(node).values()]) @ kept[node.name]) // 8)
        return int((synapse_bytes(node) + payloads).max()) + state_bytes(node, 1, lines[node.name])

    values = ((_place(node), most(node)) for node in candidate.nodes)
    repair = "Make the layer before it narrower, use fewer weight bits, or a shorter phi table."
    rule = "need at most {} bytes for one neuron with its phi table"
    return _held("core_bytes", candidate.target.core_bytes, values, rule, lambda _: repair)


def axons_fit_the_cores(candidate: Candidate) -> Finding:
    """At most `max_fan_in` axons end on a core; a layer is split until they do, so that no neuron may need more."""
    values = ((_place(node), int(np.hstack([*wired(node).values()]).sum(axis=1).max())) for node in candidate.nodes)
    repair = "Make the layer before it narrower, or prune its weights."
    return _held(
        "max_fan_in", candidate.target.max_fan_in, values, "have at most {} inputs to a neuron", lambda _: repair
    )


def neurons_reach_their_cores(candidate: Candidate) -> Finding:
    """A neuron's spikes go to every core on which it has a weight, at most `max_fan_out` cores."""
    repair = "Make what reads it narrower, or use fewer weight bits there."
    most = candidate.target.max_fan_out
    finding = _held("max_fan_out", most, _cores_reached(candidate), "send spikes to at most {} cores", lambda _: repair)
    return _unless_unsplit(candidate, finding)


def routes_fit_the_cores(candidate: Candidate) -> Finding:
    """A core's routing table has `max_out_axons` entries, one for each pair of a neuron and a core that it reaches."""
    repair = "Make what reads it narrower, or use fewer weight bits there."
    rule, most = "need at most {} entries of a routing table for one neuron", candidate.target.max_out_axons
    finding = _held("max_out_axons", most, _cores_reached(candidate), rule, lambda _: repair)
    return _unless_unsplit(candidate, finding)


def _cores_reached(candidate: Candidate) -> tuple[tuple[str, int], ...]:
    """Return the most cores that a neuron of each population or product reaches."""
    sending = zip(candidate.network.nodes, candidate.splits, strict=False)
    return tuple((_place(node), int(split.cores_reached.max())) for node, split in sending)


def _unless_unsplit(candidate: Candidate, finding: Finding) -> Finding:
    """Return the finding, or that nothing can be counted where a layer has no cores and nothing else is broken."""
    if finding.violations or not candidate.unsplit:
        return finding
    return Finding(limit=finding.limit, most=finding.most, found=None, unknown=candidate.unsplit)


def delays_fit_their_line(candidate: Candidate) -> Finding:
    """What a node reads waits at most `max_delay` steps of the chip: for its own delay, and for nodes on longer ways."""
    schedule = schedule_network(candidate.network)
    values = (
        (f"{_place(node)}: connection from {source!r}", schedule.line(source, node.name, delay))
        for node in candidate.nodes
        for source, delay in node.edges
    )
    repair = "Give the connection less delay, or lead it through a relay."
    most = candidate.target.max_delay
    return _held("max_delay", most, values, "have a delay line of at most {} steps of the chip", lambda _: repair)


def tables_fit_their_memory(candidate: Candidate) -> Finding:
    """A phi table has at most `max_table_entries`; an activation without a table has none."""
    layers = candidate.network.populations
    values = ((f"layer {layer.name!r}", layer.table.n_entries) for layer in layers)
    repair = "Choose an activation that needs no table, or a shorter table: `QuantizationScheme.index_size`."
    most = candidate.target.max_table_entries
    return _held("max_table_entries", most, values, "have a phi table of at most {} entries", lambda _: repair)


def exponents_fit_the_layer(candidate: Candidate) -> Finding:
    """The sums of a layer are shifted by at most `max_exponents` different exponents; with one per neuron there are many."""
    values = ((where, len(np.unique(affine.lefts))) for where, affine in candidate.affines)
    repair = "Convert with --scales per-tensor."
    most = candidate.target.max_exponents
    return _held("max_exponents", most, values, "have at most {} different exponents in a layer", lambda _: repair)


def sums_fit_their_word(candidate: Candidate) -> Finding:
    """Sums of products, as interval arithmetic bounds them over the network's box, need at most `max_accumulator_bits`."""
    most = candidate.target.max_accumulator_bits
    broken = []
    affines, inputs = dict(candidate.affines), [each.name for each in candidate.network.inputs]
    for bound in candidate.bounds:
        if most is not None and bound.accumulator_bits > most:
            excess, place = bound.accumulator_bits - most, f"layer {bound.name!r}"
            repair = _repair_of_sums(affines[place], excess, inputs)
            rule = f"have sums of products of at most {most} bits"
            broken.append(Violation(place, rule, bound.accumulator_bits, repair))
    n_bits = max(bound.accumulator_bits for bound in candidate.bounds)
    return Finding(limit="max_accumulator_bits", most=most, found=n_bits, violations=tuple(broken))


def _repair_of_sums(affine: QuantizedAffine, excess: int, inputs: list[str]) -> str:
    """Return the word lengths with which sums are shorter by `excess` bits, none of them below `LEAST_BITS`."""
    longest = max(affine.connections, key=lambda each: each.input_bits)
    of_words = "--input-bits" if longest.source in inputs else "--payload-bits"
    words, weights = longest.input_bits - excess, affine.weight_bits - excess
    if words + affine.weight_bits < 2 * LEAST_BITS:
        return "Make the layer before it narrower: no words are short enough."
    if max(words, weights) < LEAST_BITS:
        weights = words + affine.weight_bits - LEAST_BITS
        return f"Convert with {of_words} {LEAST_BITS} and --weight-bits {weights}."
    ways = ((of_words, words), ("--weight-bits", weights))
    return f"Convert with {', or with '.join(f'{option} {n}' for option, n in ways if n >= LEAST_BITS)}."


def states_are_proved(candidate: Candidate) -> Finding:
    """Interval arithmetic proves that no state saturates anywhere in the network's box, if the target asks for it."""
    unproved = [bound for bound in candidate.bounds if not bound.state_is_proved]
    required = candidate.target.require_proved_states
    if unproved and not required:
        names = ", ".join(bound.name for bound in unproved)
        unknown = f"the target allows saturation, and it is not excluded in {names}"
        return Finding(limit="require_proved_states", most=None, found=len(unproved), unknown=unknown)
    broken = []
    for bound in unproved:
        reached = max(bound.drive, bound.membrane)
        n_bits = math.ceil(math.log2((reached + 1) / (bound.state_highest + 1)))
        longer = dict(candidate.affines)[f"layer {bound.name!r}"].state_bits + n_bits
        coarser = f"a `QuantizationScheme.state_headroom` {2**n_bits} times as large"
        way = f"--state-bits {longer}" if longer <= candidate.target.state_bits else coarser
        repair = f"Convert with {way}, or on a smaller box."
        rule = f"have a state proved to stay within {bound.state_highest}"
        broken.append(Violation(f"layer {bound.name!r}", rule, f"a bound of {reached}", repair))
    return Finding(
        limit="require_proved_states",
        most=0,
        found=len(unproved),
        violations=tuple(broken),
        source="layers whose states interval arithmetic does not bound within their word",
    )


def network_fits_the_chip(candidate: Candidate) -> Finding:
    """All layers fit the `cores_per_chip` cores of one chip."""
    n_cores = sum(len(split.cores) for split in candidate.splits)
    values = ((f"network {candidate.network.name!r}", n_cores),)
    repair = "Make the network smaller, or use fewer weight bits."
    most = candidate.target.cores_per_chip
    return _unless_unsplit(candidate, _held("cores_per_chip", most, values, "need at most {} cores", lambda _: repair))


MAPPING_RULES: tuple[Rule, ...] = (
    neurons_fit_the_cores,
    synapses_fit_the_cores,
    memory_fits_the_cores,
    axons_fit_the_cores,
    neurons_reach_their_cores,
    routes_fit_the_cores,
)
"""Rules without which a network cannot be placed on cores at all."""

RULES: tuple[Rule, ...] = (
    weights_fit_their_word,
    spikes_carry_payloads,
    states_fit_their_word,
    sums_fit_their_word,
    states_are_proved,
    exponents_fit_the_layer,
    delays_fit_their_line,
    tables_fit_their_memory,
    *MAPPING_RULES,
    network_fits_the_chip,
)
"""All rules, in the order in which their verdicts are listed."""


def check_network(network: QuantizedNetwork, target: HardwareTarget) -> TargetCheck:
    """Check a quantized network against every rule of a target and return all verdicts, without refusing it."""
    candidate = Candidate(network, target)
    verdicts = tuple(_judge(rule, candidate) for rule in RULES)
    return TargetCheck(target=target.name, title=target.title, verdicts=verdicts)


def require_fit(network: QuantizedNetwork, target: HardwareTarget, *, strict: bool = True) -> TargetCheck:
    """Check a quantized network against a target, and refuse it if it breaks rules.

    Args:
        network: The quantized network.
        target: The limits.
        strict: Refuse every broken rule; otherwise those alone that the target's file does not list in `reported_only`.

    Raises:
        HardwareRuleError: If such a rule is broken; all of them are listed.
    """
    check = check_network(network, target)
    check.refuse(strict=strict)
    return check


def require_placement(network: QuantizedNetwork, target: HardwareTarget) -> tuple[NodeSplit, ...]:
    """Split the nodes of a network over the cores of a target; words are not judged, and more than one chip may be filled.

    Raises:
        HardwareRuleError: If a neuron exceeds a core or reaches too many; all such layers are listed.
    """
    candidate = Candidate(network, target)
    found = (violation for rule in MAPPING_RULES for violation in rule(candidate).violations)
    on_target = (violation._replace(where=f"{violation.where} on {target.title}") for violation in found)
    raise_violations(on_target, HardwareRuleError)
    return candidate.splits


def _judge(rule: Rule, candidate: Candidate) -> RuleVerdict:
    """Evaluate one rule and turn its finding into a verdict."""
    finding, target = rule(candidate), candidate.target
    reason = finding.source or target.reason(finding.limit)
    if finding.violations:
        verdict = Verdict.DOES_NOT_FIT
    elif finding.most is None or finding.unknown:
        verdict, reason = Verdict.NOT_CHECKED, finding.unknown or reason
    else:
        verdict = Verdict.FITS
    return RuleVerdict(
        rule=rule.__name__.replace("_", " "),
        verdict=verdict,
        found=finding.found,
        limit=finding.most,
        reason=reason,
        refuses=finding.limit not in target.reported_only,
        violations=finding.violations,
    )
