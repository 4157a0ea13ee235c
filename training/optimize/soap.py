"""SOAP: Adam in a basis in which the entries of each matrix's gradient hardly depend on each other.

    L = b L + (1 - b) G G^T,    R = b R + (1 - b) G^T G        G: gradient of a matrix W
    Q, P: eigenvectors of the first L and R; every `REFRESH_EVERY` steps Q becomes the Q of the QR decomposition of L Q, its
          columns sorted by the falling diagonal of Q^T L Q before, and the rows of v with them; P and the columns of v alike
    m = b m + (1 - b) G                v = b v + (1 - b) (Q^T G P)^2
    W = W - lr Q [ (Q^T m P) / (1 - b^k) / (sqrt(v / (1 - b^k)) + eps) ] P^T

Biases, leaks and thresholds take the step of Adam with the same b. A step costs some products of matrices as large as a layer
more than Adam's. On `elasticity3d` 1500 steps end at 1.5e-2 of u - lift, where as many of Adam end at 2.6e-2 in two thirds of
the time and 7200 of Adam at 2.3e-2 (docs/results/micromechanics.md). Eigenvectors computed anew in the place of a step with QR,
which turn more than v can follow, leave 1.5e-2 where these steps leave 1.4e-2, and a quarter more error in 8 bits.

Source: Vyas et al., arXiv 2409.11321, algorithm 3.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from ...problems.recipes.phases import Optimizer
from .adam import EPSILON, GradientOptimizer
from .parameters import FlatParameters
from .phase_optimizer import Packed, read_tensor

DECAY = 0.95
"""b, the paper's default. On `elasticity3d` 0.99 for v ends at 2.3e-2 where 0.95 ends at 1.6e-2."""
REFRESH_EVERY = 10
"""Number of steps between two turns of the bases, the paper's default."""


class _Bases:
    """Covariances of the rows and of the columns of one matrix's gradient, and their eigenvectors."""

    def __init__(self, values: Tensor, place: slice, shape: torch.Size) -> None:
        self.place, self.shape = place, shape
        self.covariances = tuple(values.new_zeros(n, n) for n in shape)
        """L and R."""
        self.vectors = tuple(torch.eye(n, dtype=values.dtype, device=values.device) for n in shape)
        """Q and P."""

    def follow(self, gradient: Tensor) -> None:
        """Add the gradient of all parameters to the covariances."""
        G = gradient[self.place].view(self.shape)
        for covariance, product in zip(self.covariances, (G @ G.T, G.T @ G), strict=True):
            covariance.lerp_(product, 1.0 - DECAY)

    def start(self) -> None:
        """Compute the eigenvectors of the first covariances; those that are not finite leave them as they are."""
        if all(covariance.isfinite().all() for covariance in self.covariances):
            # In float64: in float32 LAPACK has returned NaN for a matrix of low rank.
            found = (torch.linalg.eigh(covariance.double())[1].flip(1) for covariance in self.covariances)
            self.vectors = tuple(
                vectors.to(covariance.dtype).contiguous()
                for vectors, covariance in zip(found, self.covariances, strict=True)
            )

    def renew(self, square: Tensor) -> None:
        """Turn the bases by one power step, and sort v of all parameters as their columns are sorted."""
        v, renewed = square[self.place].view(self.shape), []
        for axis, (covariance, vectors) in enumerate(zip(self.covariances, self.vectors, strict=True)):
            order = (vectors.T @ covariance @ vectors).diagonal().argsort(descending=True)
            v.copy_(v.index_select(axis, order))
            renewed.append(
                torch.linalg.qr(covariance @ vectors[:, order])[0].contiguous()
            )  # else products round otherwise
        self.vectors = tuple(renewed)

    def turn(self, vector: Tensor) -> None:
        """Change this matrix M in a vector of all parameters to Q^T M P."""
        Q, P = self.vectors
        M = vector[self.place].view(self.shape)
        M.copy_(Q.T @ M @ P)

    def turn_back(self, vector: Tensor) -> None:
        """Change this matrix M in a vector of all parameters to Q M P^T."""
        Q, P = self.vectors
        M = vector[self.place].view(self.shape)
        M.copy_(Q @ M @ P.T)


class Soap(GradientOptimizer):
    """SOAP for one phase; every phase starts with new moments and covariances."""

    kind: ClassVar[Optimizer] = Optimizer.SOAP

    def __init__(self, parameters: FlatParameters) -> None:
        self.mean = torch.zeros_like(parameters.values)
        """m, shape (n_parameters,)."""
        self.square = torch.zeros_like(parameters.values)
        """v, same shape, each matrix in its bases."""
        self.bases = tuple(_Bases(parameters.values, place, shape) for place, shape in parameters.matrices)
        """Bases of each matrix."""

    def step(self, parameters: FlatParameters, rate: float, n_before: int) -> None:
        """Move the parameters by one step of the formula above."""
        correction = 1.0 - DECAY ** (n_before + 1)
        self.mean.lerp_(parameters.gradient, 1.0 - DECAY)
        turned, step = parameters.gradient.clone(), self.mean / correction
        for bases in self.bases:
            bases.follow(parameters.gradient)
            if n_before == 0:
                bases.start()
            elif n_before % REFRESH_EVERY == 0:
                bases.renew(self.square)
            bases.turn(turned)
            bases.turn(step)
        self.square.mul_(DECAY).addcmul_(turned, turned, value=1.0 - DECAY)
        step.div_(torch.sqrt(self.square / correction).add_(EPSILON))
        for bases in self.bases:
            bases.turn_back(step)
        parameters.values.sub_(step, alpha=rate)

    def begin_draw(self) -> None:
        """Keep moments and covariances: they are averages over many steps, of whatever collocation points."""

    def pack(self) -> Packed:
        """Return moments, covariances and eigenvectors."""
        return {"mean": self.mean, "square": self.square, **self._matrices()}

    def unpack(self, packed: Packed) -> None:
        """Restore moments, covariances and eigenvectors."""
        self.mean, self.square = (read_tensor(packed, name, self.mean) for name in ("mean", "square"))
        held = {name: read_tensor(packed, name, like) for name, like in self._matrices().items()}
        for index, bases in enumerate(self.bases):
            bases.covariances = tuple(held[f"covariance.{index}.{side}"] for side in (0, 1))
            bases.vectors = tuple(held[f"vectors.{index}.{side}"] for side in (0, 1))

    def _matrices(self) -> dict[str, Tensor]:
        """Return the covariances and eigenvectors of all matrices by name."""
        named: dict[str, Tensor] = {}
        for index, bases in enumerate(self.bases):
            for side, (covariance, vectors) in enumerate(zip(bases.covariances, bases.vectors, strict=True)):
                named |= {f"covariance.{index}.{side}": covariance, f"vectors.{index}.{side}": vectors}
        return named
