"""Points on which a conversion is calibrated."""

from __future__ import annotations

import numpy as np

import neuropinn_lava as nl
from neuropinn_lava.app.lookup.calibration_points import calibration_points
from neuropinn_lava.conversion import DEFAULT_POINTS


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
