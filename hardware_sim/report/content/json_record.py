"""report.json: the machine-readable form of a report, schema `neuropinn-lava/report/1`.

Names are a contract: none is removed or renamed within version 1, new ones may come. A value that does not exist is null, so
are NaN and infinity, which JSON does not have.
"""

from __future__ import annotations

import dataclasses
import json
import math
from enum import Enum
from typing import Any

import numpy as np

from ....base.metrics import rms
from ....conversion.search.error_budget import ErrorBudget
from ....conversion.targets.verdicts import check_object
from ....engine.trace import Backend, LavaMode
from ...costs.energy import EnergyEstimate
from ...costs.hardware_profile import HardwareProfile, Placement
from ...counts.held import held_costs
from ...counts.operations import NodeOperations, OperationCounts
from ...fields.gradients import GradientSection
from ...fields.stresses import SolidSection
from ...parity.certificate import ParitySection
from .sections import (
    SCHEMA,
    BackendsSection,
    NetworkSection,
    ProblemSection,
    QuantizationSection,
    ReportContent,
)
from .sentences import dominance_sentence

NEUROBENCH_NAMES = {
    "effective_macs": "Effective_MACs",
    "effective_acs": "Effective_ACs",
    "dense": "Dense",
    "activation_sparsity": "ActivationSparsity",
    "connection_sparsity": "ConnectionSparsity",
    "footprint": "Footprint",
    "membrane_updates": "MembraneUpdates",
}
"""Our fields → the keys of NeuroBench's results."""

JsonObject = dict[str, Any]
"""What `json.dumps` takes; it exists only on the way to the file."""


def report_text(report: ReportContent) -> str:
    """Return the text of report.json."""
    return json.dumps(report_object(report), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def report_object(report: ReportContent) -> JsonObject:
    """Return a report as a JSON object, every key of the schema present."""
    return {
        "schema": SCHEMA,
        "package_version": report.package_version,
        "n_points": report.n_points,
        "seed": report.seed,
        "summary": _summary_object(report),
        **_problem_object(report.problem),
        "network": _network_object(report.network) if report.network else None,
        "quantization": _quantization_object(report.quantization) if report.quantization else None,
        "backends": _backends_object(report.backends) if report.backends else None,
        "parity": parity_object(report.parity) if report.parity else None,
        "counts": _counts_object(report.counts, report.hardware) if report.counts else None,
        "energy": [_energy_object(energy) for energy in report.hardware.energies] if report.hardware else [],
        "cores": _cores_object(report.hardware.placement) if report.hardware and report.hardware.placement else None,
        "target": check_object(report.hardware.check) if report.hardware and report.hardware.check else None,
        "latency": jsonable(report.hardware.latency) if report.hardware else None,
        "sanafe": jsonable(report.hardware.sanafe) if report.hardware else None,
        "devices": [jsonable(device) for device in report.devices],
        "gradients": _gradients_object(report.gradients) if report.gradients else None,
        "stresses": _stresses_object(report.solid) if report.solid else None,
    }


def jsonable(value: Any) -> Any:
    """Turn records, enums, tuples and arrays into what JSON has; names of fields become keys."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: jsonable(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, np.ndarray | tuple | list):
        return [jsonable(item) for item in (value.tolist() if isinstance(value, np.ndarray) else value)]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"jsonable: no rule for {type(value).__name__}")


def _summary_object(report: ReportContent) -> JsonObject:
    """Return what a report leads with: the energy of steps beside the sum of operations, and error and activity in one."""
    dominance = report.dominance
    if dominance is None:
        return {"energy_of_steps": [], "sum_of_operations": None, "dominance": None, "lee": jsonable(report.lee)}
    operations = dominance.operations
    return {
        "energy_of_steps": [_steps_object(step) for step in dominance.steps],
        "sum_of_operations": {
            "model": operations.model,
            "kind": operations.kind.value,
            "joules_per_sample": operations.dynamic_joules_per_sample,
        },
        "dominance": {
            "sentence": dominance_sentence(dominance),
            "steps_over_operations": {
                step.model: jsonable(factor) for step, factor in zip(dominance.steps, dominance.factors, strict=True)
            },
        },
        "lee": jsonable(report.lee),
    }


def _steps_object(step: EnergyEstimate) -> JsonObject:
    """Return the energy of one step, of a sample in the pipeline and of a sample alone, with their ranges."""
    per_sample = (step.low, step.joules_per_sample, step.high)
    ends = ("low", "value", "high")
    return {
        "model": step.model,
        "kind": step.kind.value,
        "measured_on": step.measured_on,
        "n_steps": step.n_steps,
        "n_steps_alone": step.n_steps_alone,
        "joules_per_step": {end: joules / step.n_steps for end, joules in zip(ends, per_sample, strict=True)},
        "joules_per_sample": dict(zip(ends, per_sample, strict=True)),
        "joules_per_sample_alone": {
            end: joules * step.alone_factor for end, joules in zip(ends, per_sample, strict=True)
        },
    }


def _problem_object(problem: ProblemSection | None) -> JsonObject:
    if problem is None:
        return {"problem": None}
    details = jsonable(problem)
    return {"problem": details.pop("name"), "problem_details": details}


def _network_object(network: NetworkSection) -> JsonObject:
    return {**jsonable(network), "widths": list(network.widths)}


def _quantization_object(quantization: QuantizationSection) -> JsonObject:
    words: JsonObject = jsonable(quantization)
    same = len(set(quantization.weight_bits)) == 1
    words["weight_bits"] = quantization.weight_bits[0] if same else list(quantization.weight_bits)
    words["error_budget"] = _budget_object(quantization.error_budget) if quantization.error_budget else None
    return words


def _budget_object(budget: ErrorBudget) -> JsonObject:
    """Return the error budget by layer and cause; a layer has only the causes that exist in it."""
    causes: dict[str, JsonObject] = {name: {} for name in budget.names}
    for entry in budget.entries:
        change = {"relative_change": entry.relative_change, "flipped_spikes": entry.flipped_spikes}
        causes[entry.name][entry.cause.value] = change
    return {
        "n_points": budget.n_points,
        "layers": [{"name": layer, "causes": changes} for layer, changes in causes.items()],
        "whole": {"relative_change": budget.whole_change, "flipped_spikes": budget.whole_flipped},
    }


def _backends_object(backends: BackendsSection) -> JsonObject:
    by_name = {result.backend: jsonable(result) for result in backends.results}
    for result in by_name.values():
        del result["backend"]
    return {
        **{backend.value: by_name.get(backend) for backend in (Backend.FLOAT, Backend.INTEGER, Backend.LAVA)},
        "reference": backends.reference,
        "residual_operator": backends.residual_operator,
        "reference_residual_rms": jsonable(backends.reference_residual_rms),
    }


def parity_object(parity: ParitySection) -> JsonObject:
    """Return a certificate as a JSON object."""
    modes: JsonObject = {LavaMode.FAITHFUL.value: None, LavaMode.BATCHED.value: None}
    modes |= {mode.name: jsonable(mode) for mode in parity.modes}
    return {
        "torch_vs_float": jsonable(parity.torch_vs_float),
        "integer_vs_lava_mismatches": parity.integer_vs_lava_mismatches,
        "values_compared": parity.values_compared,
        **modes,
        "devices": {each.backend.value: jsonable(each) for each in parity.devices},
        "first_difference": jsonable(parity.first_difference),
    }


def _counts_object(counts: OperationCounts, hardware: HardwareProfile | None = None) -> JsonObject:
    """Return the counts as a JSON object: a row for each input and node, sums, one dense pass, other people's names."""
    return {
        "n_samples": counts.n_samples,
        "n_steps": counts.n_steps,
        "layers": [_row_object(row) for row in counts.rows],
        "total": jsonable(counts.total),
        "ann_macs": counts.ann_macs,
        "synaptic_operations_per_sample": counts.synaptic_operations_per_sample,
        "held": jsonable(held_costs(counts)),
        **(_details_object(hardware) if hardware else {}),
    }


def _details_object(hardware: HardwareProfile) -> JsonObject:
    """Return accesses, NeuroBench's names, the proxy, and the distribution over single samples."""
    operations = hardware.samples.operations
    quartiles = np.quantile(operations, [0.25, 0.5, 0.75]).tolist()
    neurobench = jsonable(hardware.neurobench)
    return {
        "accesses": jsonable(hardware.accesses),
        "neurobench": {name: neurobench[field] for field, name in NEUROBENCH_NAMES.items()},
        "neuromorphic_proxy": hardware.neuromorphic_proxy,
        "samples": {
            "n_samples": hardware.samples.n_samples,
            "synaptic_operations": {
                "min": int(operations.min()),
                "quartiles": quartiles,
                "max": int(operations.max()),
                "mean": float(operations.mean()),
            },
        },
    }


def _energy_object(energy: EnergyEstimate) -> JsonObject:
    """Return an estimate as a JSON object: name, source and kind stand beside every number."""
    names = ("model", "title", "source", "kind", "measured_on", "joules_per_sample", "dynamic_joules_per_sample")
    return {
        **_values(energy, *names, "static_joules_per_sample", "low", "high"),
        "terms": {term.name: term.joules for term in energy.terms},
        "dense_joules_per_sample": energy.dense_joules_per_sample,
        "break_even": _values(energy.break_even, "activity", "activity_times_steps"),
        **_values(energy, "held", "sensitivities", "leaves_out"),
    }


def _cores_object(placement: Placement) -> JsonObject:
    partition, traffic = placement.partition, placement.traffic
    return {
        "target": partition.target.name,
        "n_cores": partition.n_cores,
        "n_chips": partition.n_chips,
        "mesh": jsonable(partition.mesh),
        "layers": jsonable(partition.nodes),
        "cores": [_renamed(core, node="layer") | {"place": list(core.place)} for core in partition.cores],
        "messages_per_sample": traffic.messages / traffic.n_samples,
        "hops_per_sample": {
            "east_west": traffic.hops_east_west / traffic.n_samples,
            "north_south": traffic.hops_north_south / traffic.n_samples,
        },
        "links": [_renamed(link, sender="layer") for link in traffic.links],
    }


def _gradients_object(gradients: GradientSection) -> JsonObject:
    return {
        "operator": gradients.operator,
        "n_points": len(gradients.points),
        "conductivity": gradients.conductivity,
        "relative_l2": {name: gradients.relative_l2(name) for name in gradients.names},
        "rms_flux": {unknown: rms(gradients.flux(unknown)) for unknown in gradients.unknowns},
    }


def _stresses_object(solid: SolidSection) -> JsonObject:
    """Return errors of displacements and stresses by backend, and the floor of the operators."""
    results = {
        result.backend.value: {"fluctuation_relative_l2": result.fluctuation_relative_l2, **jsonable(result.stress)}
        for result in solid.results
    }
    return {"operator": solid.operator, "n_points": solid.n_points, **results, "floor": jsonable(solid.floor)}


def _row_object(row: NodeOperations) -> JsonObject:
    names = ("name", "kind", "n_neurons", "fired", "spikes", "spiking_activity", "synaptic_operations")
    more = ("dense_synaptic_operations", "neuron_updates", "active_updates", "n_synapses", "spikes_per_step")
    connections = ("source", "delay", "n_synapses", "received", "synaptic_operations")
    return {
        **_values(row, *names, *more, "synaptic_operations_per_step", "multiplications", "n_samples", "is_held"),
        "connections": [_values(each, *connections) for each in row.connections],
    }


def _renamed(record: object, **names: str) -> JsonObject:
    """Return a record under the schema's names for some of its fields."""
    held: JsonObject = jsonable(record)
    return {names.get(name, name): value for name, value in held.items()}


def _values(record: object, *names: str) -> JsonObject:
    """Return fields and properties of a record under their own names."""
    return {name: jsonable(getattr(record, name)) for name in names}
