"""All figures of a report, in the order of the page."""

from __future__ import annotations

from collections.abc import Iterator

from ...costs.hardware_profile import HardwareProfile
from ..content.sections import ReportContent
from .activity_figures import draw_activity, draw_loads
from .budget_figures import draw_budget
from .core_figures import draw_placement
from .count_figures import draw_counts
from .energy_figures import draw_energies
from .field_figures import draw_fields
from .figure import Figure
from .gradient_figures import draw_gradients
from .sample_figures import draw_samples
from .solid_figures import draw_solid


def draw_report(report: ReportContent) -> tuple[Figure, ...]:
    """Draw all figures that a report's sections allow."""
    return tuple(_drawings(report))


def _drawings(report: ReportContent) -> Iterator[Figure]:
    if report.fields:
        yield from draw_fields(report.fields)
    if report.gradients:
        yield from draw_gradients(report.gradients)
    if report.solid:
        yield from draw_solid(report.solid)
    if report.counts:
        yield from draw_counts(report.counts)
    if report.activity:
        yield from draw_activity(report.activity)
    if report.hardware:
        yield from _hardware_drawings(report, report.hardware)
    if report.quantization and report.quantization.error_budget:
        yield from draw_budget(report.quantization.error_budget)


def _hardware_drawings(report: ReportContent, hardware: HardwareProfile) -> Iterator[Figure]:
    n_in = hardware.samples.points.shape[-1]
    coordinates = report.problem.coordinates if report.problem else tuple(f"x{axis}" for axis in range(n_in))
    counts = report.counts
    yield from draw_samples(hardware.samples, coordinates, counts.ann_macs if counts else 0, hardware.sample_map)
    if counts:
        yield from draw_energies(hardware.energies, counts.total.spiking_activity)
    if hardware.placement:
        yield from draw_placement(hardware.placement)
        yield draw_loads(hardware.placement)
