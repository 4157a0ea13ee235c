"""Points on which a conversion is calibrated."""

from __future__ import annotations

import numpy as np
import pytest

import neuropinn_lava as nl
from neuropinn_lava.app.lookup.calibration_points import SOLID_POINTS, calibration_points
from neuropinn_lava.conversion import DEFAULT_POINTS, TUNING_POINTS


def test_every_point_of_a_network_of_functions_has_a_function_of_its_own() -> None:
    """Weights that are rounded for few functions are wrong for all others."""
    network, problem = nl.find_network("heat-operator"), nl.find_problem("heat-operator")
    assert isinstance(network, nl.NetworkSpec)
    points = calibration_points(network, None, for_tuning=False, seed=0, problem=problem)
    assert points is not None
    assert abs(len(points) - DEFAULT_POINTS) < DEFAULT_POINTS // 100
    functions = points[:, network.inputs[0].width :]
    assert len(np.unique(functions, axis=0)) == len(points)
    assert problem.region.contains(points[:, : network.inputs[0].width]).all()


def test_three_coordinates_have_more_points_than_two() -> None:
    """A solution in space, and a family whose third coordinate is a parameter; tuning has its own, larger number."""
    for name, expected in (
        ("poisson", DEFAULT_POINTS),
        ("elasticity3d", SOLID_POINTS),
        ("burgers-family", SOLID_POINTS),
    ):
        network, problem = nl.find_network(name), nl.find_problem(name)
        assert isinstance(network, nl.NetworkSpec)
        points = calibration_points(network, None, for_tuning=False, seed=0, problem=problem)
        assert points is not None
        assert len(points) == pytest.approx(expected, rel=0.01)
        tuned = calibration_points(network, None, for_tuning=True, seed=0, problem=problem)
        assert tuned is not None
        assert len(tuned) == pytest.approx(TUNING_POINTS, rel=0.01)
