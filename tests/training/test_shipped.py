"""The trained networks of `poisson` and `heat` that ship: as accurate and as sparse as stated, on points not trained on."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neuropinn_lava.app.models import find_network
from neuropinn_lava.metrics import relative_l2
from neuropinn_lava.network import NetworkSpec
from neuropinn_lava.problems import find_problem
from neuropinn_lava.reference import run_float
from neuropinn_lava.residuals import evaluation_points
from neuropinn_lava.rounding import samples_at_risk
from neuropinn_lava.training.rebuild import run_torch

HIGHEST_ERROR = {"poisson": 0.003, "heat": 0.003}
"""Relative L2 error; the project states 0.3 % for both."""
HIGHEST_ACTIVITY = 0.15
"""Share of neurons that send an event."""
PARITY = {torch.float64: 1e-12, torch.float32: 1e-6}
"""Largest difference of torch from the float engine over max|u|, where no spike can flip."""
AT_RISK = {torch.float64: 0.0, torch.float32: 1e-3}
"""Largest share of samples in which rounding could flip one."""


def shipped(name: str) -> NetworkSpec:
    network = find_network(name)
    assert isinstance(network, NetworkSpec)
    return network


@pytest.mark.parametrize("name", list(HIGHEST_ERROR))
def test_accuracy_and_activity(name: str) -> None:
    problem = find_problem(name)
    points = evaluation_points(problem, 5000, 99)
    run = run_float(shipped(name), points)
    assert relative_l2(run.outputs, problem.reference.evaluate(points)) <= HIGHEST_ERROR[name]
    events = sum(int(layer.events.sum()) for layer in run.layers)
    assert events / sum(layer.events.size * len(points) for layer in run.layers) <= HIGHEST_ACTIVITY


@pytest.mark.parametrize("name", list(HIGHEST_ERROR))
def test_provenance_says_how_to_make_it_again(name: str) -> None:
    provenance = shipped(name).provenance
    assert (provenance.problem, provenance.seed) == (name, 0)
    assert provenance.command == f"neuropinn-lava train {name} --out neuropinn_lava/data/{name}.h5"


@pytest.mark.parametrize("dtype", list(PARITY))
@pytest.mark.parametrize("name", list(HIGHEST_ERROR))
def test_torch_equals_the_float_engine(name: str, dtype: torch.dtype) -> None:
    network = shipped(name)
    points = evaluation_points(find_problem(name), 20_000, 3)
    at_risk = samples_at_risk(network, points, np.float64 if dtype is torch.float64 else np.float32)
    assert at_risk.mean() <= AT_RISK[dtype]
    expected = run_float(network, points).outputs
    difference = np.abs(run_torch(network, points, dtype) - expected)[~at_risk]
    assert difference.max() <= PARITY[dtype] * np.abs(expected).max()
