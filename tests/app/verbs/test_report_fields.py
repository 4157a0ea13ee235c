"""Fields of a report: on the grid of the domain, with a slider for a parameter, the user's own reference, and no problem."""

from __future__ import annotations

import numpy as np
import pytest

import builders
from neuropinn_lava.app.lookup.network_domain import known_problem
from neuropinn_lava.app.lookup.networks import find_network, float_network
from neuropinn_lava.app.verbs.report_fields import MOST_AXES, gather_fields
from neuropinn_lava.hardware_sim.fields import field_grid
from neuropinn_lava.hardware_sim.fields.field_grid import AxisRole, grid_points
from neuropinn_lava.problems.error_estimate import ErrorEstimate


@pytest.fixture(autouse=True)
def coarse(monkeypatch):
    """Keep grids small."""
    monkeypatch.setattr(field_grid, "MOST_VALUES", 3000)


def fields_of(name: str, **given):
    network = float_network(find_network(name))
    problem = known_problem(network)
    assert problem is not None
    return problem, gather_fields(network, problem, **given)


def test_the_error_is_that_of_the_network_inside_the_domain() -> None:
    problem, fields = fields_of("poisson-star")
    inside = problem.domain.contains(grid_points(fields.axes))
    assert np.array_equal(np.isfinite(fields.error).ravel(), inside)
    assert 0 < np.nanmax(np.abs(fields.error)) < 0.05 * np.nanmax(fields.reference_outputs)
    assert np.array_equal(
        fields.float_outputs, fields.deployed_outputs, equal_nan=True
    )  # a float network is its own source


def test_the_parameter_of_a_family_is_an_axis_with_its_own_values() -> None:
    _, fields = fields_of("burgers-family")
    assert [axis.role for axis in fields.axes] == [AxisRole.SPACE, AxisRole.TIME, AxisRole.PARAMETER]
    parameter = fields.axes[2]
    assert (parameter.label(0), parameter.label(parameter.n - 1)) == ("nu = 0.01", "nu = 0.1")
    assert np.allclose(np.exp(parameter.columns[[0, -1], 0]), [0.01, 0.1])
    assert np.nanmax(np.abs(fields.error)) < 0.1


def test_estimates_have_the_sign_of_the_error() -> None:
    points = np.random.default_rng(0).random((200, 2))
    estimate = ErrorEstimate(points=points, error=np.full((200, 1), 0.5), relative_l2=0.1, by_unknown=(0.1,))
    _, fields = fields_of("poisson", estimate=estimate)
    assert np.allclose(fields.estimated_error, -0.5)  # u - u_exact


def test_a_reference_of_the_users_own_shows_its_error_alone() -> None:
    points = np.random.default_rng(0).random((200, 2))
    _, fields = fields_of("poisson", own=(points, np.full((200, 1), 0.25)))
    assert fields.reference_outputs is None
    assert np.allclose(fields.error, 0.25)


def test_without_a_problem_the_box_is_drawn_and_many_inputs_stay_in_the_middle() -> None:
    network = builders.random_quantized(0, widths=(MOST_AXES + 2, 5, 1), n_steps=2)
    fields = gather_fields(network, None)
    assert fields is not None
    assert [axis.name for axis in fields.axes] == ["x0", "x1", "the rest"]
    middle = (network.source.lower + network.source.upper)[2:] / 2
    assert np.array_equal(
        grid_points(fields.axes)[:, 2:], np.broadcast_to(middle, (fields.axes[0].n * fields.axes[1].n, len(middle)))
    )
    assert fields.error is None
    assert np.nanmax(np.abs(fields.difference)) > 0


def test_sequences_have_no_fields() -> None:
    assert gather_fields(builders.random_graph(5, n_inputs=1, n_nodes=5, n_steps=None), None) is None
