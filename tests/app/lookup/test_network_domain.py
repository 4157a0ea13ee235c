"""Where a network lives: the problem that its provenance names, and points inside and outside of its domain."""

from __future__ import annotations

import dataclasses

import numpy as np

import builders
from neuropinn_lava.app.lookup.network_domain import count_outside, draw_points, known_problem, output_names
from neuropinn_lava.network.spec import ProblemParameter
from neuropinn_lava.problems import find_problem

SMALL = builders.random_spec(2, widths=(2, 6, 5, 1))
ON_STAR = dataclasses.replace(SMALL, provenance=dataclasses.replace(SMALL.provenance, problem="poisson-star"))


def test_points_outside_the_box_are_counted():
    inside = np.tile(SMALL.lower, (3, 1))
    assert count_outside(SMALL, inside) == 0
    assert count_outside(SMALL, np.vstack([inside, SMALL.upper + 1.0])) == 1


def test_points_in_the_box_may_lie_outside_the_domain():
    """The hole of radius 1/4 is centred at (0.1, 0.05): a point of the box, but not of the domain."""
    wide = dataclasses.replace(ON_STAR, lower=np.full(2, -2.0), upper=np.full(2, 2.0))
    assert count_outside(wide, np.array([[0.1, 0.05], [0.5, 0.0]])) == 1


def test_a_problem_is_known_by_its_provenance():
    assert known_problem(SMALL) is None
    option = ProblemParameter(name="diffusivity", value=0.5)
    provenance = dataclasses.replace(SMALL.provenance, problem="heat", parameters=(option,))
    problem = known_problem(dataclasses.replace(SMALL, provenance=provenance))
    assert problem is not None
    assert problem.name == "heat"


def test_coefficients_that_a_training_found_stand_for_their_starts():
    """For a problem of the package and for a given one: residuals and estimates are those of the found equation."""
    options = (ProblemParameter(name="viscosity", value=0.2), ProblemParameter(name="nu", value=0.19))
    provenance = dataclasses.replace(SMALL.provenance, problem="burgers-inverse", parameters=options)
    network = dataclasses.replace(SMALL, provenance=provenance)
    problem = known_problem(network)
    assert problem is not None
    assert problem.rest_values()["nu"] == 0.19
    assert {option.name: option.value for option in problem.options} == {"viscosity": 0.2}
    given = find_problem("burgers-inverse")
    assert given.rest_values()["nu"] == 0.01
    assert known_problem(network, given).rest_values()["nu"] == 0.19


def test_outputs_have_the_names_of_the_unknowns():
    assert output_names(ON_STAR) == ("u",)
    assert output_names(builders.random_spec(3, widths=(2, 4, 2))) == ("u0", "u1")


def test_drawn_points_lie_in_the_domain_and_are_the_same_again():
    points = draw_points(ON_STAR, 100, seed=1)
    assert points.shape == (100, 2)
    problem = known_problem(ON_STAR)
    assert problem is not None
    assert problem.domain.contains(points).all()
    assert (points == draw_points(ON_STAR, 100, seed=1)).all()
    assert count_outside(SMALL, draw_points(SMALL, 100, seed=1)) == 0
