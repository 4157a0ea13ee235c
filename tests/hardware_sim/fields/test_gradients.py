"""Gradients and fluxes of outputs, against the exact ones of a solution that is known."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from neuropinn_lava.base.arrays import FloatArray
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.hardware_sim.fields.gradients import GradientSection, gradients_csv, measure_gradients
from neuropinn_lava.problems import find_problem

OPERATOR_ERROR = 5e-3
"""Relative error of the quartic fit's first derivatives on the measuring clouds."""


def solution(points: FloatArray) -> FloatArray:
    x, y = points.T
    return np.asarray(np.sin(np.pi * x) * np.sin(2 * np.pi * y))[:, None]


@pytest.fixture(scope="module")
def section() -> GradientSection:
    return measure_gradients(find_problem("poisson"), lambda points: 1.1 * solution(points), conductivity=3.0)


def test_derivatives_are_those_of_the_outputs(section: GradientSection) -> None:
    x, y = section.points.T
    exact = 1.1 * np.pi * np.cos(np.pi * x) * np.sin(2 * np.pi * y)
    found = section.deployed[:, section.names.index("u_x")]
    assert section.names == ("u_x", "u_y")
    assert np.linalg.norm(found - exact) / np.linalg.norm(exact) < OPERATOR_ERROR
    assert section.relative_l2("u_x") == pytest.approx(0.1)  # ten percent too large, by the same operators
    assert section.relative_l2("u_y") == pytest.approx(0.1)


def test_flux_is_minus_conductivity_times_gradient(section: GradientSection) -> None:
    assert np.array_equal(section.flux("u"), -3.0 * section.deployed)
    assert section.unknowns == ("u",)


def test_nothing_flows_along_time() -> None:
    section = measure_gradients(find_problem("heat"), lambda points: points[:, :1])
    assert section.names == ("u_x", "u_t")
    assert section.flux("u").shape == (len(section.points), 1)
    assert np.allclose(section.flux("u"), -1.0)


def test_nothing_is_differentiated_along_a_parameter() -> None:
    """u = x nu over the slices of a family: u_x = nu at each point, and the table has a column for the parameter."""
    problem = find_problem("burgers-family")
    section = measure_gradients(problem, lambda points: points[:, :1] * np.exp(points[:, 2:]))
    assert section.names == ("u_x", "u_t")
    np.testing.assert_allclose(section.flux("u")[:, 0], -np.exp(section.points[:, 2]), rtol=1e-6)
    head = gradients_csv(section).partition("\n")[0]
    assert head == "x,t,log_nu,u_x,u_t,flux_u_x"


def test_table_has_one_row_a_point(section: GradientSection) -> None:
    rows = list(csv.DictReader(io.StringIO(gradients_csv(section))))
    assert list(rows[0]) == ["x", "y", "u_x", "u_y", "flux_u_x", "flux_u_y"]
    assert len(rows) == len(section.points)
    assert float(rows[5]["flux_u_x"]) == pytest.approx(-3 * section.deployed[5, 0], rel=1e-11)


def test_a_reference_without_slope_has_no_relative_error(section: GradientSection) -> None:
    from dataclasses import replace

    assert replace(section, reference=np.zeros_like(section.reference)).relative_l2("u_x") is None


def test_a_negative_conductivity_is_refused() -> None:
    with pytest.raises(SpecError, match="conductivity"):
        measure_gradients(find_problem("poisson"), solution, conductivity=-1.0)
