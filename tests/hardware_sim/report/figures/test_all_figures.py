"""Figures: every one has a caption with a unit, nothing from outside, ids of its own, and the page's colours."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import numpy as np
import pytest

import builders
import report_cases
from neuropinn_lava.base.arrays import FloatArray
from neuropinn_lava.engine.reference import run_integer
from neuropinn_lava.hardware_sim.costs.hardware_profile import profile_hardware
from neuropinn_lava.hardware_sim.counts.counting import count_operations
from neuropinn_lava.hardware_sim.counts.operations import NodeOperations
from neuropinn_lava.hardware_sim.counts.samples import count_samples
from neuropinn_lava.hardware_sim.fields.outputs import FieldSection
from neuropinn_lava.hardware_sim.fields.triangulation import triangulate_points
from neuropinn_lava.hardware_sim.report.figures.all_figures import draw_report
from neuropinn_lava.hardware_sim.report.figures.count_figures import draw_counts
from neuropinn_lava.hardware_sim.report.figures.energy_figures import draw_energies
from neuropinn_lava.hardware_sim.report.figures.field_figures import draw_fields
from neuropinn_lava.hardware_sim.report.figures.figure import INK, PAPER, Figure, draw_figure
from neuropinn_lava.hardware_sim.report.figures.sample_figures import draw_samples

UNITS = ("unit", "per sample", "samples per bin", "messages per", "joules", "Unit: multiples of")


@pytest.fixture(scope="module")
def figures() -> tuple[Figure, ...]:
    return report_cases.full_figures()


def test_every_section_has_its_figures(figures: tuple[Figure, ...]) -> None:
    assert {figure.group for figure in figures} == {
        "field", "gradient", "counts", "samples", "energy", "tornado", "cores", "budget",
        "stress",
    }  # fmt: skip
    names = [figure.name for figure in figures]
    assert len(set(names)) == len(names)
    assert {"field-u-float", "field-u-deployed", "field-u-difference", "field-u-error", "samples-map"} <= set(names)


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
        if figure.name == "stress-scene":  # a picture, which brings its own colours; drawn where pyvista is installed
            continue
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


# Fields in one, two, three and four dimensions.


def fields_in(points: FloatArray, n_out: int = 1) -> FieldSection:
    values = np.stack([points.sum(axis=1)] * n_out, axis=1)
    n_dim = points.shape[1]
    return FieldSection(
        coordinates=("x", "y", "z", "t")[:n_dim],
        unknowns=("u", "v")[:n_out],
        points=points,
        float_outputs=values,
        deployed_outputs=values,
    )


@pytest.mark.parametrize(
    ("n_dim", "n_out", "names"),
    [
        (1, 2, ["field-u", "field-v"]),
        (2, 1, ["field-u-float", "field-u-deployed", "field-u-difference"]),
        (3, 1, ["field-u-float", "field-u-deployed", "field-u-difference"]),
        (4, 1, ["field-u"]),
    ],
)
def test_fields_of_any_dimension(n_dim: int, n_out: int, names: list[str]) -> None:
    points = np.random.default_rng(0).random((60, n_dim))
    assert [figure.name for figure in draw_fields(fields_in(points, n_out))] == names


def test_points_on_a_line_make_no_map() -> None:
    line = np.linspace(0, 1, 9)[:, None] * np.ones(2)
    assert [figure.name for figure in draw_fields(fields_in(line))] == ["field-u"]
    assert [figure.name for figure in draw_fields(fields_in(line[:1]))] == ["field-u"]


def test_a_constant_field_is_drawn() -> None:
    fields = fields_in(np.random.default_rng(1).random((30, 2)))
    flat = replace(fields, float_outputs=np.zeros((30, 1)), deployed_outputs=np.zeros((30, 1)))
    assert len(draw_fields(flat)) == 3


# Triangles.


def test_triangles_leave_notches_and_holes_open() -> None:
    points = np.random.default_rng(2).uniform(-1, 1, (600, 2))

    def contains(p: FloatArray) -> np.ndarray:
        return ~((p[:, 0] > 0) & (p[:, 1] > 0))

    inside = points[contains(points)]
    corners = inside[triangulate_points(inside, contains)]
    edges = corners - np.roll(corners, 1, axis=1)
    area = 0.5 * np.abs(edges[:, 0, 0] * edges[:, 1, 1] - edges[:, 0, 1] * edges[:, 1, 0]).sum()
    assert area == pytest.approx(3.0, rel=0.08)  # the L-shape; its hull would have 3.5
    assert contains(corners.mean(axis=1)).all()


def test_without_a_domain_long_edges_are_dropped() -> None:
    rng = np.random.default_rng(3)
    ring = rng.uniform(0, 2 * np.pi, 400)
    radius = rng.uniform(0.9, 1.0, 400)
    points = np.stack([radius * np.cos(ring), radius * np.sin(ring)], axis=1)
    centroids = points[triangulate_points(points)].mean(axis=1)
    assert (np.linalg.norm(centroids, axis=1) > 0.7).all()


def test_too_few_points_give_no_triangles() -> None:
    assert triangulate_points(np.zeros((3, 2))).shape == (0, 3)
    assert triangulate_points(np.linspace(0, 1, 20)[:, None] * np.ones(2)).shape == (0, 3)


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
    points = builders.random_points(network, 30)
    samples = count_samples(network, points)
    assert [figure.name for figure in draw_samples(samples, ("x", "t"), 8)] == ["samples-map", "samples-distribution"]
    long = replace(samples, points=np.stack([points, points], axis=1))
    assert [figure.name for figure in draw_samples(long, ("x", "t"), 8)] == ["samples-distribution"]
