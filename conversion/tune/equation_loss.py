"""The equation's loss for tuning, alone or added to distillation; it also corrects errors of the float network.

    L_pde = mean over centres and equations of (r / residual_scale)**2          r of the quantization-aware network's u
    L_pde = the energy                                                          where the problem was trained on one

The cloud and the operators are those of the problem's training. No term uses the reference solution.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ...base.arrays import record_digest
from ...base.errors import SpecError
from ...network.spec import NetworkSpec
from ...problems.default_recipe import recipe_of
from ...problems.problem import PdeProblem
from ...training.collocation.clouds import input_transform
from ...training.loss.energy_loss import EnergyCloud, build_loss_cloud
from ...training.loss.losses import residual_loss
from .quantization_aware import QuantizationAwareNetwork
from .straight_through import half_up, held
from .tuning import Objective


def equation_objective(problem: PdeProblem, source: NetworkSpec) -> Objective:
    """Build the loss of a problem's equation, on the cloud of its recipe, for the integers of `source`.

    Raises:
        SpecError: If the network has another input normalisation or other built-in conditions than the problem's training.
    """
    _check_host(problem, source)
    laid = build_loss_cloud(problem, recipe_of(problem), torch.float32, torch.device("cpu"))
    cloud = replace(laid, output_transform=source.output_transform)

    def objective(trained: QuantizationAwareNetwork) -> Tensor:
        """Compute the loss of the equation for the network as its integers will compute it, a scalar."""
        network = trained.network
        parts = cloud.inputs.split([each.width for each in network.inputs], dim=1)
        words = [
            held(half_up(part * 2.0**-word.exponent), word.bits)
            for part, word in zip(parts, network.input_words, strict=True)
        ]
        u = cloud.solution(trained(torch.cat(words, dim=1)))
        return cloud.loss(u) if isinstance(cloud, EnergyCloud) else residual_loss(cloud, u)

    return objective


def _check_host(problem: PdeProblem, source: NetworkSpec) -> None:
    pairs = ((source.input_transform, input_transform(problem)), (source.ansatz, problem.host_ansatz))
    if any(record_digest(found) != record_digest(wanted) for found, wanted in pairs):
        rule = f"have the input normalisation and the built-in conditions of {problem.name!r}"
        repair = "Tune by distillation, which needs neither."
        raise SpecError(f"tuning network {source.name!r} on its equation", rule, "others", repair)
