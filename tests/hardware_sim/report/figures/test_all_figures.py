"""Figures: every one has a caption with a unit, nothing from outside, ids of its own, and the page's colours."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import numpy as np
import pytest

import builders
import report_cases
from neuropinn_lava.engine.reference import run_integer
from neuropinn_lava.hardware_sim.costs.hardware_profile import profile_hardware
from neuropinn_lava.hardware_sim.counts.counting import count_operations
from neuropinn_lava.hardware_sim.counts.operations import NodeOperations
from neuropinn_lava.hardware_sim.counts.samples import count_samples
from neuropinn_lava.hardware_sim.fields.field_grid import AxisRole, FieldGrid, GridAxis
from neuropinn_lava.hardware_sim.fields.scattered import map_scattered
from neuropinn_lava.hardware_sim.report.figures.all_figures import draw_report
from neuropinn_lava.hardware_sim.report.figures.count_figures import draw_counts
from neuropinn_lava.hardware_sim.report.figures.energy_figures import draw_energies
from neuropinn_lava.hardware_sim.report.figures.field_figures import draw_fields
from neuropinn_lava.hardware_sim.report.figures.figure import INK, PAPER, Figure, draw_figure
from neuropinn_lava.hardware_sim.report.figures.plane_maps import plain_scale, signed_scale
from neuropinn_lava.hardware_sim.report.figures.sample_figures import draw_samples

UNITS = ("unit", "per sample", "samples per bin", "messages per", "joules", "Unit: multiples of")


@pytest.fixture(scope="module")
def figures() -> tuple[Figure, ...]:
    return report_cases.full_figures()


def test_every_section_has_its_figures(figures: tuple[Figure, ...]) -> None:
    assert {figure.group for figure in figures} == {
        "field", "gradient", "counts", "samples", "energy", "tornado", "cores", "budget",
        "stress", "activity", "probe",
    }  # fmt: skip
    names = [figure.name for figure in figures]
    assert len(set(names)) == len(names)
    shown = ("reference", "float", "deployed", "error", "estimate", "difference", "cut")
    assert [name for name in names if name.startswith("field")] == [f"field-u-{layer}" for layer in shown]
    assert {"samples-map", "cores-load", "activity-neurons", "activity-steps", "probe-raster"} <= set(names)


def test_every_caption_says_the_unit(figures: tuple[Figure, ...]) -> None:
    for figure in figures:
        assert any(unit in figure.caption for unit in UNITS), figure.caption
        assert figure.title


def test_drawings_are_well_formed_and_need_nothing_from_outside(figures: tuple[Figure, ...]) -> None:
    for figure in figures:
        ElementTree.fromstring(figure.standalone.encode())
        references = re.findall(r'(?:href|src)="([^"]*)"', figure.svg)
        assert all(reference.startswith(("#", "data:image/png;base64,")) for reference in references)
        assert "url(http" not in figure.svg


def test_embedded_drawings_take_the_colours_of_the_page(figures: tuple[Figure, ...]) -> None:
    for figure in figures:
        assert "currentColor" in figure.embedded
        assert INK not in figure.embedded
        assert PAPER not in figure.embedded
        assert INK in figure.standalone


def test_ids_of_two_drawings_do_not_collide(figures: tuple[Figure, ...]) -> None:
    ids = [set(re.findall(r'\bid="([^"]*)"', figure.svg)) for figure in figures]
    assert sum(len(found) for found in ids) == len(set().union(*ids))


def test_the_same_data_give_the_same_drawing() -> None:
    first, second = (draw_counts(counts_of(2)) for _ in range(2))
    assert [figure.svg for figure in first] == [figure.svg for figure in second]


def test_names_of_files_and_titles_are_made_safe() -> None:
    figure = draw_figure("tornado-../../etc", 'a "title" <b>', "no unit", lambda canvas: None)
    assert figure.name == "tornado-.._.._etc"
    ElementTree.fromstring(figure.standalone.encode())


def counts_of(n_steps: int) -> object:
    counts = report_cases.full_report().counts
    assert counts is not None

    def stretched(row: NodeOperations) -> NodeOperations:
        connections = tuple(
            replace(
                each,
                received_per_step=np.resize(each.received_per_step, n_steps),
                synaptic_operations_per_step=np.resize(each.synaptic_operations_per_step, n_steps),
            )
            for each in row.connections
        )
        fired, spikes = (np.resize(values, n_steps) for values in (row.fired_per_step, row.spikes_per_step))
        return replace(row, connections=connections, fired_per_step=fired, spikes_per_step=spikes)

    return replace(counts, n_steps=n_steps, rows=tuple(stretched(row) for row in counts.rows))


@pytest.mark.parametrize("n_steps", [1, 16])
def test_activity_of_one_step_and_of_many(n_steps: int) -> None:
    activity, _ = draw_counts(counts_of(n_steps))  # type: ignore[arg-type]
    assert (">step" in activity.svg) == (n_steps > 1)  # a legend, or an axis


def test_labels_say_what_constants_were_measured_on() -> None:
    (models,) = (figure for figure in report_cases.full_figures() if figure.name == "energy-models")
    assert "constants measured on SpiNNaker" in models.svg
    assert "read off a figure" in models.svg
    assert "measured<" not in models.svg
    assert "nothing was measured on this network" in models.caption


def test_no_models_no_figure() -> None:
    assert draw_energies((), 0.5) == ()


# Fields of one to four axes.


def fields_of(*sizes: int, n_out: int = 1, role: AxisRole = AxisRole.SPACE) -> FieldGrid:
    axes = tuple(
        GridAxis(name="xyzt"[k], role=role, columns=np.linspace(0, 1, n)[:, None]) for k, n in enumerate(sizes)
    )
    values = sum(np.meshgrid(*(axis.values for axis in axes), indexing="ij"))[..., None] * np.ones(n_out)
    return FieldGrid(axes=axes, unknowns=("u", "v")[:n_out], float_outputs=values, deployed_outputs=values)


@pytest.mark.parametrize(
    ("sizes", "n_out", "names"),
    [
        ((9,), 2, ["field-u-cut", "field-v-cut"]),
        ((9, 8), 1, ["field-u-float", "field-u-deployed", "field-u-difference", "field-u-cut"]),
        ((9, 8, 7), 1, ["field-u-float", "field-u-deployed", "field-u-difference", "field-u-cut", "field-u-planes"]),
        ((9, 8, 1), 1, ["field-u-float", "field-u-deployed", "field-u-difference", "field-u-cut"]),
        ((5, 4, 3, 2), 1, ["field-u-float", "field-u-deployed", "field-u-difference", "field-u-cut", "field-u-planes"]),
    ],
)
def test_fields_of_any_number_of_axes(sizes: tuple[int, ...], n_out: int, names: list[str]) -> None:
    assert [figure.name for figure in draw_fields(fields_of(*sizes, n_out=n_out))] == names


def test_the_plane_through_the_worst_point_is_drawn() -> None:
    fields = fields_of(6, 5, 4)
    error = np.zeros((6, 5, 4, 1))
    error[2, 3, 1] = 0.5
    drawn = {figure.name: figure for figure in draw_fields(replace(fields, measured_error=error))}
    cut = drawn["field-u-cut"]
    assert "z = 0.333" in drawn["field-u-float"].caption
    assert "y = 0.75, z = 0.333" in cut.caption
    assert "x = 0.4" in cut.caption


def test_a_constant_field_is_drawn() -> None:
    flat = np.zeros((6, 5, 1))
    assert len(draw_fields(replace(fields_of(6, 5), float_outputs=flat, deployed_outputs=flat))) == 4


def test_colours_of_solutions_are_equal_and_outliers_do_not_hide_the_rest() -> None:
    first, second = np.linspace(0, 1, 50), np.linspace(0.5, 3, 50)
    assert (plain_scale(first, second).low, plain_scale(first, second).high) == (0.0, 3.0)
    assert signed_scale(first, -second).high == 3.0
    spiky = np.append(np.linspace(-1, 1, 999), 100.0)
    scale = signed_scale(spiky)
    assert scale.is_cut
    assert scale.high < 1.0
    assert "exceeds" in scale.sentence
    assert signed_scale(np.zeros(4)).high == 1.0


# Networks of several inputs and outputs, on points and on sequences; sequences of two steps are no points of the plane.


@pytest.mark.parametrize("length", [None, 2, 3])
@pytest.mark.parametrize(("n_inputs", "n_out"), [(1, 2), (2, 1)])
def test_figures_of_points_and_of_sequences(length: int | None, n_inputs: int, n_out: int) -> None:
    n_steps = 2 if length is None else None
    network = builders.random_graph(5, n_inputs=n_inputs, n_nodes=5, n_steps=n_steps)
    assert network.n_out == n_out
    points = builders.random_points(network, 30)[:, :length]
    trace = run_integer(network, points)
    report = replace(
        report_cases.empty_report(),
        counts=count_operations(network, trace),
        hardware=profile_hardware(network, trace, points),
    )
    names = {figure.name for figure in draw_report(report)}
    assert {"counts-activity", "counts-operations", "samples-distribution", "energy-models"} <= names
    assert ("samples-map" in names) == (length is None and network.n_in == 2)


def test_the_map_of_samples_needs_points_of_the_plane() -> None:
    network = builders.random_quantized(0, widths=(2, 4, 1), n_steps=2)
    samples = count_samples(network, builders.random_points(network, 30))
    plane = map_scattered(samples.points, samples.operations[:, None].astype(float))
    found = draw_samples(samples, ("x", "t"), 8, plane)
    assert [figure.name for figure in found] == ["samples-map", "samples-distribution"]
    assert [figure.name for figure in draw_samples(samples, ("x", "t"), 8)] == ["samples-distribution"]
