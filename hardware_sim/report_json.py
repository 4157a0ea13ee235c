"""report.json: the machine-readable form of a report, schema `neuropinn-lava/report/1`.

Names are a contract: none is removed or renamed within version 1, new ones may come. A value that does not exist is null, so
are NaN and infinity, which JSON does not have. This module turns records into JSON and knows no other format.
"""

from __future__ import annotations

import dataclasses
import json
import math
from enum import Enum
from typing import Any

import numpy as np

from ..traces import Backend, LavaMode
from .counting import LayerOperations, OperationCounts
from .report import SCHEMA, BackendsSection, NetworkSection, ParitySection, ProblemSection, QuantizationSection, Report

JsonObject = dict[str, Any]
"""What `json.dumps` takes; it exists only on the way to the file."""


def report_text(report: Report) -> str:
    """Give the text of report.json."""
    return json.dumps(report_object(report), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def report_object(report: Report) -> JsonObject:
    """Give a report as a JSON object, every key of the schema present."""
    return {
        "schema": SCHEMA,
        "package_version": report.package_version,
        "n_points": report.n_points,
        "seed": report.seed,
        **_problem_object(report.problem),
        "network": _network_object(report.network) if report.network else None,
        "quantization": _quantization_object(report.quantization) if report.quantization else None,
        "backends": _backends_object(report.backends) if report.backends else None,
        "parity": _parity_object(report.parity) if report.parity else None,
        "counts": counts_object(report.counts) if report.counts else None,
        "energy": [],
        "cores": None,
        "latency": None,
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


def _problem_object(problem: ProblemSection | None) -> JsonObject:
    if problem is None:
        return {"problem": None}
    details = jsonable(problem)
    return {"problem": details.pop("name"), "problem_details": details}


def _network_object(network: NetworkSection) -> JsonObject:
    return {**jsonable(network), "widths": list(network.widths)}


def _quantization_object(quantization: QuantizationSection) -> JsonObject:
    words = jsonable(quantization)
    same = len(set(quantization.weight_bits)) == 1
    return {**words, "weight_bits": quantization.weight_bits[0] if same else list(quantization.weight_bits)}


def _backends_object(backends: BackendsSection) -> JsonObject:
    by_name = {result.backend: jsonable(result) for result in backends.results}
    for result in by_name.values():
        del result["backend"]
    return {
        **{backend.value: by_name.get(backend) for backend in (Backend.FLOAT, Backend.INTEGER, Backend.LAVA)},
        "residual_operator": backends.residual_operator,
        "reference_residual_rms": jsonable(backends.reference_residual_rms),
    }


def _parity_object(parity: ParitySection) -> JsonObject:
    modes = {mode.mode: jsonable(mode) for mode in parity.modes}
    for mode in modes.values():
        del mode["mode"]
    return {
        "torch_vs_float": jsonable(parity.torch_vs_float),
        "integer_vs_lava_mismatches": parity.integer_vs_lava_mismatches,
        "values_compared": parity.values_compared,
        **{mode.value: modes.get(mode) for mode in (LavaMode.FAITHFUL, LavaMode.BATCHED)},
        "first_difference": jsonable(parity.first_difference),
    }


def counts_object(counts: OperationCounts) -> JsonObject:
    """Give the counts as a JSON object: one row per layer, the sums, and one pass of the dense network."""
    return {
        "n_samples": counts.n_samples,
        "n_steps": counts.n_steps,
        "layers": [_layer_object(layer) for layer in counts.layers],
        "total": jsonable(counts.total),
        "ann_macs": counts.ann_macs,
        "synaptic_operations_per_sample": counts.synaptic_operations_per_sample,
    }


def _layer_object(layer: LayerOperations) -> JsonObject:
    return {
        "name": layer.name,
        "kind": layer.kind.value,
        "n_neurons": layer.n_neurons,
        "fired": layer.fired,
        "spikes": layer.spikes,
        "spiking_activity": layer.spiking_activity,
        "synaptic_operations": layer.synaptic_operations,
        "dense_synaptic_operations": layer.dense_synaptic_operations,
        "neuron_updates": layer.neuron_updates,
        "active_updates": layer.active_updates,
        "n_synapses": layer.n_synapses,
        "spikes_per_step": layer.spikes_per_step.tolist(),
        "synaptic_operations_per_step": layer.synaptic_operations_per_step.tolist(),
    }
