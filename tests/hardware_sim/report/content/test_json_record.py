"""report.json: the keys of the contract, null where a thing does not exist, sums that are sums."""

from __future__ import annotations

import json
from typing import Any

import pytest

import report_cases
from neuropinn_lava.hardware_sim.report.content.json_record import jsonable, report_object, report_text
from neuropinn_lava.hardware_sim.report.content.sections import SCHEMA

CONTRACT = {
    "": {
        "schema", "package_version", "problem", "n_points", "seed", "network", "quantization", "backends", "parity", "counts",
        "energy", "cores", "latency",
    },
    "network": {"digest", "source_digest", "widths", "n_steps", "activation", "polarity", "ansatz_relative_l2"},
    "quantization": {"weight_bits", "payload_bits", "state_bits", "saturations", "error_budget"},
    "quantization.error_budget": {"n_points", "layers", "whole"},
    "backends": {"float", "integer", "lava", "residual_operator", "reference_residual_rms"},
    "backends.lava": {
        "relative_l2", "max_abs_error", "residual_rms", "boundary_rms", "seconds", "samples_per_second",
    },
    "parity": {
        "torch_vs_float", "integer_vs_lava_mismatches", "values_compared", "faithful", "batched", "first_difference",
    },
    "parity.torch_vs_float": {"max_error_over_max_u", "n_compared", "n_excluded"},
    "counts": {"n_samples", "n_steps", "layers", "total", "ann_macs"},
    "counts.total": {
        "fired", "spikes", "spiking_activity", "synaptic_operations", "dense_synaptic_operations", "neuron_updates",
    },
    "cores": {"target", "n_cores", "layers"},
    "stresses": {"operator", "n_points", "integer", "floor"},
    "stresses.integer": {"fluctuation_relative_l2", "relative_l2", "von_mises_relative_l2"},
}  # fmt: skip
"""Paths of report.json and the keys that must stand there, at least."""
LAYER_KEYS = {
    "name", "n_neurons", "fired", "spikes", "spiking_activity", "synaptic_operations", "dense_synaptic_operations",
    "neuron_updates",
}  # fmt: skip
ENERGY_KEYS = {"model", "source", "kind", "joules_per_sample", "terms", "leaves_out"}


@pytest.fixture(scope="module")
def held() -> Any:
    return json.loads(report_text(report_cases.full_report()))


def at(held: Any, path: str) -> Any:
    for key in filter(None, path.split(".")):
        held = held[key]
    return held


@pytest.mark.parametrize("path", CONTRACT)
def test_keys_of_the_contract(held: Any, path: str) -> None:
    assert CONTRACT[path] <= set(at(held, path))


def test_values(held: Any) -> None:
    assert held["schema"] == SCHEMA == "neuropinn-lava/report/1"
    assert (held["problem"], held["n_points"], held["seed"]) == ("unsolved", report_cases.N_POINTS, 3)
    assert held["network"]["widths"] == [2, 9, 8, 1]
    assert (held["quantization"]["weight_bits"], held["quantization"]["payload_bits"]) == (8, [16, 16])
    assert held["backends"]["integer"] is None
    assert held["backends"]["lava"]["relative_l2"] == 0.004
    assert held["backends"]["reference_residual_rms"] is None  # NaN is null
    assert held["parity"]["integer_vs_lava_mismatches"] == 0
    assert held["stresses"]["n_points"] == 125
    assert held["stresses"]["integer"]["von_mises_relative_l2"] == 0.1
    assert held["parity"]["values_compared"] == 1_200_000
    assert held["parity"]["faithful"]["n_samples"] == 64
    assert held["parity"]["faithful_dense"]["n_samples"] == 16
    assert held["parity"]["first_difference"] is None


def test_totals_are_sums_of_the_rows(held: Any) -> None:
    counts = held["counts"]
    assert all(set(row) >= LAYER_KEYS for row in counts["layers"])
    assert [row["name"] for row in counts["layers"]] == ["input", "hidden0", "hidden1", "output"]
    for key in LAYER_KEYS - {"name", "spiking_activity"}:
        assert counts["total"][key] == sum(row[key] for row in counts["layers"])
        assert isinstance(counts["total"][key], int)
    assert counts["ann_macs"] == 2 * 9 + 9 * 8 + 8
    assert set(counts["neurobench"]) >= {"Effective_MACs", "Effective_ACs", "Dense"}


def test_every_energy_has_name_kind_and_source(held: Any) -> None:
    assert len(held["energy"]) >= 10
    for energy in held["energy"]:
        assert set(energy) >= ENERGY_KEYS
        assert energy["kind"] in {"simulated", "measured", "estimated"}
        assert energy["source"]
        assert sum(energy["terms"].values()) == pytest.approx(energy["joules_per_sample"])


def test_what_does_not_exist_is_null() -> None:
    held = json.loads(report_text(report_cases.empty_report()))
    assert set(held) >= CONTRACT[""]
    for key in ("problem", "network", "quantization", "backends", "parity", "counts", "cores", "latency", "seed"):
        assert held[key] is None
    assert held["energy"] == []


def test_a_failed_comparison_names_the_place() -> None:
    from dataclasses import replace

    held = report_object(replace(report_cases.empty_report(), parity=report_cases.failed_parity()))
    assert held["parity"]["integer_vs_lava_mismatches"] == 3
    assert held["parity"]["faithful"] is None
    assert held["parity"]["first_difference"]["layer"] == "hidden1"


def test_unknown_types_are_not_guessed() -> None:
    with pytest.raises(TypeError, match="no rule for set"):
        jsonable({1, 2})
