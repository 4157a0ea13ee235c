"""The report of a conversion as tables and sentences, or as JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from .console import out, print_json, show_note, show_table
from .show_target import show_check

if TYPE_CHECKING:
    from ...conversion import LayerQuantization, Quantization, QuantizationReport, TuningReport
    from ...conversion.search.sparsify import Sparsification

COLUMNS = {
    "layer": "name",
    "weight bits": "weight_bits",
    "payload bits": "payload_bits",
    "error of W": "weight_error",
    "spare bits": "spare_bits",
    "clipped": "n_clipped",
    "saturated": "n_saturated",
    "adds": "added_error",
    "flips": "flipped_spikes",
}
"""Columns of the table, and the fields that they show."""
MUCH = 0.05
"""Relative change of the output above which a note is printed: shipped networks change by less than 1 % at 8 bits."""


def show_quantization(quantization: Quantization, path: Path, as_json: bool) -> None:
    """Print the report of a conversion; `path` is where the network was written."""
    from ...conversion.targets.verdicts import check_object

    report = quantization.report
    if as_json:
        target = check_object(quantization.check) if quantization.check else None
        head = {"out": str(path), "digest": quantization.network.digest(), "target": target}
        print_json(head | dataclasses.asdict(report))
        return
    rows = [tuple(getattr(layer, field) for field in COLUMNS.values()) for layer in report.layers]
    show_table(f"What quantization cost, on {report.n_points:,} calibration points", tuple(COLUMNS), rows)
    out.print("error of W, adds: relative L2; flips: share of spikes that the layer alone flips.")
    out.print(_describe_proofs(report))
    if report.tuning:
        out.print(_describe_tuning(report.tuning))
    out.print(
        f"The network's output changed by {report.relative_change:.3%} (relative L2); saturations: {report.n_saturated}."
    )
    if report.relative_change > MUCH:
        repair = "Give more bits, to payloads and state first, or --tune."
        show_note(f"The words are short for this network: more than {MUCH:.0%}. {repair}")
    if quantization.check:
        show_check(quantization.check)
    out.print(f"Wrote {path}")


def _describe_proofs(report: QuantizationReport) -> str:
    """Format what interval arithmetic proves about saturation."""
    bits = max(layer.accumulator_bits for layer in report.layers)
    reached = max(layer.reached_bits for layer in report.layers)
    states = _unproved(report, lambda layer: not layer.state_proved)
    payloads = _unproved(report, lambda layer: layer.payload_proved is False)
    return (
        f"Proved over the whole box: sums fit {bits} bits; states saturate {_nowhere(states)}; "
        f"payloads saturate {_nowhere(payloads)}. On the calibration points sums reach {reached} bits."
    )


def _unproved(report: QuantizationReport, is_unproved: Callable[[LayerQuantization], bool]) -> list[str]:
    return [layer.name for layer in report.layers if is_unproved(layer)]


def _nowhere(unproved: list[str]) -> str:
    return f"nowhere but perhaps in {', '.join(unproved)}" if unproved else "nowhere"


def _describe_tuning(tuning: TuningReport) -> str:
    """Format the result of tuning, and whether the time limit ended it."""
    steps = _counted(tuning.n_iterations, tuning.n_planned, "step")
    descents = _counted(tuning.n_descents, tuning.n_descents_planned, "descent")
    planned = (tuning.n_planned, tuning.n_descents_planned)
    ended = "" if (tuning.n_iterations, tuning.n_descents) == planned else ", ended by the time limit"
    return (
        f"Tuning, {steps} and {descents}{ended}, {tuning.seconds:.0f} s: on held-out points the output's change went "
        f"from {tuning.change_before:.3%} to {tuning.change_after:.3%} (kept: step {tuning.best_iteration})."
    )


def _counted(done: int, planned: int, name: str) -> str:
    plural = name if planned == 1 else f"{name}s"
    return f"{done} {plural}" if done == planned else f"{done} of {planned} {plural}"


def describe_sparsification(sparser: Sparsification) -> str:
    """Format the activity and the change of outputs after thresholds were raised."""
    before, after = sparser.before, sparser.after
    return (
        f"Thresholds raised: activity from {before.activity:.3f} to {after.activity:.3f}, the float network's output "
        f"changed by {after.error:.3%} (relative L2)."
    )
