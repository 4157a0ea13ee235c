"""The equation as a loss of tuning: the number that training would see, and integers that solve the equation better."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import neuropinn_lava as nl
from neuropinn_lava.base.errors import SpecError

torch = pytest.importorskip("torch")

from neuropinn_lava.conversion import QuantizationScheme, TuningSettings, quantize_network  # noqa: E402
from neuropinn_lava.conversion.tune.equation_loss import equation_objective  # noqa: E402
from neuropinn_lava.conversion.tune.quantization_aware import QuantizationAwareNetwork  # noqa: E402
from neuropinn_lava.engine.reference import run_integer  # noqa: E402
from neuropinn_lava.network.spec import NetworkSpec, Provenance  # noqa: E402
from neuropinn_lava.network.transforms import AffineTransform  # noqa: E402
from neuropinn_lava.problems import find_problem  # noqa: E402
from neuropinn_lava.training.loss.energy_loss import EnergyCloud, build_loss_cloud  # noqa: E402
from neuropinn_lava.training.loss.losses import residual_loss  # noqa: E402

CLOSE = 1e-2
"""Relative; the objective is computed in float32, and second derivatives magnify its rounding of u by 24 squared."""


def shipped(name: str) -> NetworkSpec:
    network = nl.find_network(name)
    assert isinstance(network, NetworkSpec)
    return network


@pytest.mark.parametrize(("name", "n_per_axis"), [("poisson", (24, 24)), ("elasticity3d", (6, 6, 6))])
def test_it_is_the_loss_of_training(name: str, n_per_axis: tuple[int, ...]) -> None:
    """By the integer engine's outputs on the very cloud, in float64."""
    network, problem = shipped(name), find_problem(name)
    recipe = replace(problem.recipe, cloud=replace(problem.recipe.cloud, n_per_axis=n_per_axis))
    problem = replace(problem, recipe=recipe)
    cloud = build_loss_cloud(problem, problem.recipe, torch.float64, torch.device("cpu"))
    points = (cloud.inputs.numpy() - network.input_transform.offset) / network.input_transform.scale
    chip = quantize_network(network, QuantizationScheme(payload_bits=12)).network
    u = torch.tensor(run_integer(chip, points).outputs)
    expected = float(cloud.loss(u) if isinstance(cloud, EnergyCloud) else residual_loss(cloud, u))
    trained = QuantizationAwareNetwork(chip)
    with torch.no_grad():
        found = float(equation_objective(problem, network)(trained))
    assert found == pytest.approx(expected, rel=CLOSE)


@pytest.mark.parametrize(("loss", "share"), [("equation", 0.5), ("both", 0.9)])
def test_tuning_on_the_equation_makes_its_loss_small(loss: str, share: float) -> None:
    settings = TuningSettings(loss=loss, n_iterations=120, check_every=20)
    scheme = QuantizationScheme(weight_bits=5, payload_bits=12, rounding="nearest")
    report = nl.convert(shipped("poisson"), scheme, tuning=settings).report.tuning
    assert report.equation_after < share * report.equation_before


def test_other_transforms_are_refused() -> None:
    network = shipped("poisson")
    moved = replace(network, input_transform=AffineTransform.to_unit_box(np.zeros(2), np.full(2, 2.0)))
    with pytest.raises(
        SpecError, match="on its equation must have the input normalisation and the built-in conditions"
    ):
        equation_objective(find_problem("poisson"), moved)
    with pytest.raises(SpecError, match="the built-in conditions"):
        equation_objective(find_problem("poisson"), replace(network, ansatz=None))


def test_without_a_problem_there_is_no_equation() -> None:
    network = replace(shipped("poisson"), provenance=Provenance())
    with pytest.raises(SpecError, match=r"tuning by 'both'.*a network whose problem is known"):
        nl.convert(network, tuning=TuningSettings(loss="both"))
