"""The equation's own residual as a loss of tuning, beside distillation: it sees where the float network itself is wrong.

    L_pde = mean over centres and equations of (r / residual_scale)**2          r of the fake-quantized network's u

The cloud and the operators are those of the problem's training. No term sees the reference solution. This module puts
`training` and the fake-quantized network together.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..problems.problem import PdeProblem
from ..training.clouds import lay_training_cloud
from ..training.losses import residual_loss
from .fake_quant import FakeQuantNetwork
from .fake_rounding import half_up, held
from .tuning import Objective


def residual_objective(problem: PdeProblem) -> Objective:
    """Make the loss of a problem, on the cloud of its recipe."""
    cloud = lay_training_cloud(problem, problem.recipe, torch.float32, torch.device("cpu"))

    def objective(fake: FakeQuantNetwork) -> Tensor:
        network = fake.network
        words = held(half_up(cloud.inputs * 2.0**-network.input_exponent), network.input_bits)
        return residual_loss(cloud, fake(words))

    return objective
