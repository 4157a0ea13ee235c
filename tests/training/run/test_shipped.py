"""The trained networks that ship: as accurate and as sparse as stated, on points not trained on."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neuropinn_lava.app.verbs.networks import find_network
from neuropinn_lava.base.metrics import relative_l2
from neuropinn_lava.engine.reference import run_float
from neuropinn_lava.engine.spike_flips import samples_at_risk
from neuropinn_lava.network.spec import NetworkSpec
from neuropinn_lava.problems import find_problem
from neuropinn_lava.problems.residuals import evaluation_points
from neuropinn_lava.training.network.trace import run_torch

BOUNDS = {
    "heat": (0.003, 0.15),
    "laplace": (0.003, 0.15),
    "poisson": (0.003, 0.15),
    "burgers": (0.005, 0.20),
    "burgers-shock": (0.01, 0.30),
    "poisson-steep": (0.02, 0.30),
    "poisson-lshape": (0.007, 0.20),
    "poisson-star": (0.01, 0.30),
    "advection-diffusion-star": (0.015, 0.30),
    "eikonal": (0.04, 0.40),
}
"""Highest relative L2 error and highest share of neurons that send an event, as the project states them."""
PARITY_NAMES = ("poisson", "heat")
"""Networks on which torch is compared with the float engine; the others differ in weights only."""
PARITY = {torch.float64: 1e-12, torch.float32: 1e-6}
"""Largest difference of torch from the float engine over max|u|, where no spike can flip."""
AT_RISK = {torch.float64: 0.0, torch.float32: 1e-3}
"""Largest share of samples in which rounding could flip one."""


def shipped(name: str) -> NetworkSpec:
    network = find_network(name)
    assert isinstance(network, NetworkSpec)
    return network


@pytest.mark.parametrize("name", list(BOUNDS))
def test_accuracy_and_activity(name: str) -> None:
    problem, (highest_error, highest_activity) = find_problem(name), BOUNDS[name]
    points = evaluation_points(problem, 5000, 99)
    run = run_float(shipped(name), points)
    assert relative_l2(run.outputs, problem.reference.evaluate(points)) <= highest_error
    events = sum(int(layer.events.sum()) for layer in run.nodes)
    assert events / sum(layer.events.size * len(points) for layer in run.nodes) <= highest_activity


@pytest.mark.parametrize("name", list(BOUNDS))
def test_provenance_says_how_to_make_it_again(name: str) -> None:
    provenance = shipped(name).provenance
    assert (provenance.problem, provenance.seed) == (name, 0)
    assert provenance.command is not None
    assert provenance.command.startswith(f"neuropinn-lava train {name} --out neuropinn_lava/data/{name}.h5")


@pytest.mark.parametrize("dtype", list(PARITY))
@pytest.mark.parametrize("name", PARITY_NAMES)
def test_torch_equals_the_float_engine(name: str, dtype: torch.dtype) -> None:
    network = shipped(name)
    points = evaluation_points(find_problem(name), 20_000, 3)
    at_risk = samples_at_risk(network, points, np.float64 if dtype is torch.float64 else np.float32)
    assert at_risk.mean() <= AT_RISK[dtype]
    expected = run_float(network, points).outputs
    difference = np.abs(run_torch(network, points, dtype=dtype).outputs - expected)[~at_risk]
    assert difference.max() <= PARITY[dtype] * np.abs(expected).max()
