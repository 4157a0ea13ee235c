"""Sentences of a report, which the page, the markdown form and the terminal share."""

from __future__ import annotations

from collections.abc import Iterable

from ....engine.trace import Backend
from ...costs.dominance import Dominance
from ...costs.energy import EnergyEstimate
from ...costs.hardware_profile import HardwareProfile
from ...costs.latency import LatencyEstimate, Range
from ...counts.held import held_costs
from ...counts.operations import OperationCounts
from ...devices.device_result import Basis, DeviceResult
from ...parity.certificate import ParitySection, TorchParity
from ...parity.compare_traces import FirstDifference
from ...steps.choices import LayerModel
from .formats import format_count, format_joules, format_number, format_range, format_seconds
from .sections import BackendsSection, ReportContent


def backend_sentences(backends: BackendsSection) -> tuple[str, ...]:
    """Return sentences on what the errors, estimates and residuals of the table of backends are."""
    sentences = []
    if any(result.relative_l2 is not None for result in backends.results):
        known = backends.reference or "the reference solution"
        sentences.append(f"Errors are against {known} at the evaluation points; absolute ones in the unit of u.")
    if any(result.estimated_l2 is not None for result in backends.results):
        sentences.append(
            "The estimated error needs no reference: it is one Newton correction of the discrete equations and conditions on a "
            "cloud that was not trained on, and contains the truncation of its operators."
        )
    sentences.append("The wall time includes the start-up.")
    if backends.residual_operator:
        floor = backends.reference_residual_rms
        scored = (
            f"; the reference itself scores {format_number(floor)}, the floor of the operators"
            if floor is not None
            else ""
        )
        sentences.append(
            f"Residuals are taken on the networks' own outputs with {backends.residual_operator} operators, in units of the "
            f"terms of the equations{scored}."
        )
    return tuple(sentences)


def held_sentences(counts: OperationCounts, hardware: HardwareProfile | None = None) -> tuple[str, ...]:
    """Return sentences on what a new held value costs and what a further point does; none where nothing is held."""
    costs = held_costs(counts)
    if costs is None:
        return ()
    value, point = (
        f"{format_number(each.synaptic_operations, 5)} synaptic operations and {format_number(each.neuron_updates, 5)} updates "
        f"(one dense pass: {format_count(each.ann_macs)} MACs)"
        for each in (costs.value, costs.point)
    )
    energies, latency = (hardware.energies, hardware.latency) if hardware else ((), None)
    priced = [(energy.model, energy.held) for energy in energies if energy.held is not None]
    times = (
        None if latency is None or latency.point_seconds is None else (latency.latency_seconds, latency.point_seconds)
    )
    joules = "; ".join(
        f"{format_joules(held.joules_per_value)} and {format_joules(held.joules_per_point)} by {model}"
        for model, held in priced
    )
    return (
        f"A new held value costs {value}, each point {point}.",
        f"{format_count(costs.n_values)} held values were computed once each for {format_count(counts.n_samples)} points; "
        "their receivers keep the payloads of all steps and replay them.",
        *((f"Energy of the operations of a new held value, and of each point: {joules}.",) if joules else ()),
        *((_time_sentence(*times),) if times else ()),
    )


def _time_sentence(first: Range, further: Range) -> str:
    """Return how long the first point of a held value takes, and a further one."""
    new, held = (format_range(each.low, each.high, format_seconds) for each in (first, further))
    return f"Time from the first step to the last output, estimated: {new} with a new held value, {held} for a further point."


def sequence_sentences(report: ReportContent) -> tuple[str, ...]:
    """Return sentences on what one step of a sequence costs and takes; none where no input is a sequence."""
    counts = report.counts
    if counts is None or report.network is None or report.network.n_steps is not None:
        return ()
    n_steps, energies = counts.n_steps, report.hardware.energies if report.hardware else ()
    joules = "; ".join(f"{format_joules(each.joules_per_sample / n_steps)} by {each.model}" for each in energies)
    sentences = [
        f"One step of a sequence costs {format_number(counts.synaptic_operations_per_sample / n_steps, 5)} synaptic operations;"
        f" one step of the dense network {format_count(counts.ann_macs)} MACs."
    ]
    if joules:
        sentences.append(f"Energy of one step: {joules}.")
    if report.hardware and report.hardware.latency:
        sentences.append(_reading_sentence(report.hardware.latency, n_steps))
    return tuple(sentences)


def _reading_sentence(latency: LatencyEstimate, n_steps: int) -> str:
    """Return a sentence on the pace of readings, and on the time from one of them to its output."""
    step, rate = latency.step_seconds, latency.samples_per_second
    n_chip_steps = 1 / (rate.high * step.low)
    n_behind = latency.latency_seconds.low / step.low - n_chip_steps * (1 - 1 / n_steps)
    pace = format_range(1 / (rate.high * n_steps), 1 / (rate.low * n_steps), format_seconds)
    answer = format_range(n_behind * step.low, n_behind * step.high, format_seconds)
    return f"{latency.title} takes a reading every {pace}, and its output is there after {answer}."


def parity_verdict(parity: ParitySection | None) -> str:
    """Return in a few words whether all that ran equals the integer engine."""
    if parity is None or not (parity.modes or parity.devices):
        return "not compared with Lava"
    if parity.mismatches:
        return f"{format_count(parity.mismatches)} values differ"
    return "bit for bit equal"


MADE_OF = {
    LayerModel.FUSED: ", one process a layer",
    LayerModel.DENSE: ", layers made of Lava's own Dense and neurons behind it",
    LayerModel.WHOLE: ", the whole network in one process",
}
"""What ran, in words, by the kind of layer."""

DEVICES = {
    Backend.C99: "C99, compiled for this machine",
    Backend.RTL: "RTL, simulated cycle by cycle",
    Backend.ONNX: "ONNX, run by onnxruntime",
    Backend.QONNX: "QONNX, run by its reference",
}
"""Other hardware in words, by backend."""


def parity_sentences(parity: ParitySection) -> tuple[str, ...]:
    """Return sentences on what was compared and what was found."""
    sentences = []
    for mode in parity.modes:
        found = "all are equal" if not mode.mismatches else f"{format_count(mode.mismatches)} of them differ"
        made_of = MADE_OF[mode.model]
        sentences.append(
            f"Lava, {mode.mode.value} mode{made_of}, against the integer engine: {format_count(mode.values_compared)} "
            f"membranes, spikes, payloads and outputs of {format_count(mode.n_samples)} samples were compared bit for bit; "
            f"{found}."
        )
    for device in parity.devices:
        found = "all are equal" if not device.mismatches else f"{format_count(device.mismatches)} of them differ"
        sentences.append(
            f"{DEVICES[device.backend]}, against the integer engine: {format_count(device.values_compared)} membranes, spikes, "
            f"payloads, counts and outputs of {format_count(device.n_samples)} samples were compared bit for bit; {found}."
        )
    if not parity.modes and not parity.devices:
        sentences.append("Lava did not run: nothing is certified about it.")
    if parity.first_difference:
        sentences.append(_difference_sentence(parity.first_difference))
    if parity.torch_vs_float:
        sentences.append(_torch_sentence(parity.torch_vs_float))
    return tuple(sentences)


def _difference_sentence(difference: FirstDifference) -> str:
    places = (("step", difference.step), ("sample", difference.sample), ("neuron", difference.neuron))
    place = "".join(f", {name} {index}" for name, index in places if index is not None)
    return (
        f"First difference: {difference.quantity} of layer {difference.layer!r}{place}: {difference.expected:g} expected, "
        f"{difference.found:g} found."
    )


def _torch_sentence(torch: TorchParity) -> str:
    return (
        f"torch against the float engine: largest error {torch.max_error_over_max_u:.2g} of max |u| over "
        f"{format_count(torch.n_compared)} samples; {format_count(torch.n_excluded)} more were left out because a membrane "
        "lies within rounding of its threshold, where a spike may flip."
    )


def format_break_even(energy: EnergyEstimate) -> str:
    """Return where the advantage over one dense pass ends, as activity × steps."""
    product, n_steps = energy.break_even.activity_times_steps, energy.break_even.n_steps
    if product is None:
        return "does not depend on activity"
    if product <= 0:
        return "no advantage at any activity"
    if product >= n_steps:
        return "advantage at every activity"
    return f"{product:.3g}"


def format_basis(energy: EnergyEstimate) -> str:
    """Return how the constants of an estimate were found and on what, as in "measured on SpiNNaker"."""
    return energy.kind.value if energy.measured_on is None else f"{energy.kind.value} on {energy.measured_on}"


def format_basis_label(energy: EnergyEstimate) -> str:
    """Name a model in a figure, with what its constants are."""
    return f"{energy.model}\nconstants {format_basis(energy)}".replace(", ", ",\n")


def dominance_sentence(dominance: Dominance) -> str:
    """Return a sentence that states whether steps or operations dominate the energy of a sample, and by what factor."""
    steps = _listed(f"{format_joules(step.joules_per_sample)} by {step.model}" for step in dominance.steps)
    operations = f"{format_joules(dominance.operations.dynamic_joules_per_sample)} by {dominance.operations.model}"
    if all(factor < 1 for factor in dominance.factors):
        times = _listed(format_number(1 / factor) for factor in dominance.factors)
        return (
            f"The operations dominate: the sum of the operations of a sample is {operations}, {times} times what its steps in "
            f"the pipeline take, {steps}."
        )
    verdict = "The step dominates" if all(factor >= 1 for factor in dominance.factors) else "Neither dominates"
    times = _listed(format_number(factor) for factor in dominance.factors)
    return (
        f"{verdict}: the steps of a sample in the pipeline take {steps}, {times} times the sum of its operations, which is "
        f"{operations}."
    )


def _listed(parts: Iterable[str]) -> str:
    return " and ".join(parts)


def step_sentences(latency: LatencyEstimate) -> str:
    """Return two sentences on which term sets the duration of a step, at both ends of the range."""
    fast, slow = latency.largest_term, latency.largest_term_high
    largest = fast if fast == slow else f"{fast} at the low ends of the rates, {slow} at their high ends"
    terms = "; ".join(
        f"{term.name} of {term.place} {format_range(term.seconds.low, term.seconds.high, format_seconds)}"
        for term in latency.terms
    )
    return f"The largest term makes the step: {largest}. Terms: {terms}."


def report_title(report: ReportContent) -> str:
    """Name network and problem, once where they have one name."""
    network = report.network.name if report.network else "network"
    return f"{network} on {report.problem.name}" if report.problem and report.problem.name != network else network


def lee_sentence(lee: float) -> str:
    """Return the product of steps, error and activity with its definition."""
    return f"LEE (steps × relative L2 in % × spiking activity in %): {format_number(lee)}."


def device_sentences(devices: Iterable[DeviceResult]) -> tuple[str, ...]:
    """Return sentences on what the numbers of the table of devices are, and where each comes from."""
    known = tuple(devices)
    sentences = [
        "Every device that ran computes the integers of the deployed network; values that differ are counted. Times and "
        "energies are those of a sample."
    ]
    if any(device.basis is Basis.EMULATED for device in known):
        sentences.append(
            "Instructions are counted in an emulator. Instructions are not cycles: the cycles are estimates from the "
            "processor's published instruction timings, without wait states of the flash."
        )
    if any(device.basis is Basis.SYNTHESISED for device in known):
        sentences.append("The FPGA's cycles are simulated and its clock is that of place and route; no board was run.")
    return (*sentences, *(f"{device.name}: {device.source}." for device in known))
