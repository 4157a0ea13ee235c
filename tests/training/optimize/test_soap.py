"""SOAP against its formula, matrix by matrix in numpy, and what it gains where the gradient's entries depend on each other."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from neuropinn_lava.training.optimize.adam import Adam
from neuropinn_lava.training.optimize.parameters import FlatParameters
from neuropinn_lava.training.optimize.soap import DECAY, EPSILON, REFRESH_EVERY, Soap

ROUNDING = 1e-9
"""Thirty steps of float64 in another order of operations, which divisions by small v amplify."""
N_STEPS = 3 * REFRESH_EVERY


def module() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double()


class LonghandSoap:
    """The formula of the module's docstring for one parameter, which takes the step of Adam where it is no matrix."""

    def __init__(self, w: np.ndarray) -> None:
        self.w, self.m, self.v = w.copy(), np.zeros_like(w), np.zeros_like(w)
        self.covariances = [np.zeros((n, n)) for n in w.shape]
        self.vectors = [np.eye(n) for n in w.shape]

    def step(self, g: np.ndarray, rate: float, k: int) -> None:
        self.m = DECAY * self.m + (1 - DECAY) * g
        if g.ndim == 2:
            products = (g @ g.T, g.T @ g)
            self.covariances = [DECAY * c + (1 - DECAY) * p for c, p in zip(self.covariances, products, strict=True)]
            if k > 1 and (k - 1) % REFRESH_EVERY == 0:
                self.renew()
        turned, moved = self.turned(g), self.turned(self.m) / (1 - DECAY**k)
        self.v = DECAY * self.v + (1 - DECAY) * turned**2
        moved /= np.sqrt(self.v / (1 - DECAY**k)) + EPSILON
        self.w = self.w - rate * (moved if g.ndim == 1 else self.vectors[0] @ moved @ self.vectors[1].T)

    def renew(self) -> None:
        for axis, (covariance, vectors) in enumerate(zip(self.covariances, self.vectors, strict=True)):
            order = np.argsort(-np.diag(vectors.T @ covariance @ vectors))
            self.v = np.take(self.v, order, axis=axis)
            self.vectors[axis] = np.linalg.qr(covariance @ vectors[:, order])[0]

    def turned(self, matrix: np.ndarray) -> np.ndarray:
        return matrix if matrix.ndim == 1 else self.vectors[0].T @ matrix @ self.vectors[1]


def test_steps_are_those_of_the_formula() -> None:
    """The first eigenvectors are taken over and checked: those of equal eigenvalues are whatever a library makes of them."""
    held, x = module(), torch.randn(30, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    parameters = FlatParameters(held)
    soap, longhand = Soap(parameters), [LonghandSoap(p.detach().numpy()) for p in held.parameters()]
    matrices = [each for each in longhand if each.w.ndim == 2]
    first = parameters.values.clone()
    for k in range(1, N_STEPS + 1):
        parameters.gradient.zero_()
        (held(x) - torch.sin(3 * x.sum(1, keepdim=True))).square().mean().backward()
        gradients = [p.grad.numpy().copy() for p in held.parameters()]
        soap.step(parameters, 1e-2, k - 1)
        if k == 1:
            for each, bases in zip(matrices, soap.bases, strict=True):
                each.vectors = [vectors.numpy() for vectors in bases.vectors]
        for each, g in zip(longhand, gradients, strict=True):
            each.step(g, 1e-2, k)
        if k == 1:
            assert_eigenvectors(matrices)
        expected = np.concatenate([each.w.ravel() for each in longhand])
        assert parameters.values.numpy() == pytest.approx(expected, rel=0.0, abs=ROUNDING)
    assert (parameters.values - first).abs().max() > 0.05


def assert_eigenvectors(matrices: list[LonghandSoap]) -> None:
    for each in matrices:
        for vectors, covariance in zip(each.vectors, each.covariances, strict=True):
            diagonal = np.diag(vectors.T @ covariance @ vectors)
            assert vectors.T @ vectors == pytest.approx(np.eye(len(vectors)), abs=ROUNDING)
            assert vectors.T @ covariance @ vectors == pytest.approx(np.diag(diagonal), abs=ROUNDING)
            assert (np.diff(diagonal) <= ROUNDING).all()


def descended(optimizer: Soap | Adam, parameters: FlatParameters, loss, n_steps: int) -> float:
    for k in range(n_steps):
        parameters.gradient.zero_()
        loss().backward()
        optimizer.step(parameters, 0.02 * (1 - k / n_steps), k)
    return loss().item()


def test_a_narrow_valley_that_is_oblique_is_descended_further_than_by_adam() -> None:
    """|A (W - W_0) B|^2 with A and B of a condition of 100, turned, so that Adam's scales fit no coordinate."""
    generator = torch.Generator().manual_seed(3)

    def narrow(n: int) -> torch.Tensor:
        turn = torch.linalg.qr(torch.randn(n, n, dtype=torch.float64, generator=generator))[0]
        return turn @ torch.diag(torch.logspace(0, -2, n, dtype=torch.float64)) @ turn.T

    A, B, target = narrow(6), narrow(5), torch.randn(6, 5, dtype=torch.float64, generator=generator)
    left = []
    for build in (Soap, lambda parameters: Adam(parameters.values)):
        layer = nn.Linear(5, 6, bias=False).double()
        layer.weight.data.zero_()
        parameters = FlatParameters(layer)

        def loss(w: torch.Tensor = layer.weight) -> torch.Tensor:
            return (A @ (w - target) @ B).square().sum()

        left.append(descended(build(parameters), parameters, loss, 300))
    by_soap, by_adam = left
    assert by_soap < 0.1 * by_adam


def test_a_network_without_matrices_takes_the_steps_of_adam_with_the_same_decay() -> None:
    held = nn.LayerNorm(7).double()
    parameters = FlatParameters(held)
    soap = Soap(parameters)
    assert soap.bases == ()
    parameters.gradient.copy_(torch.linspace(-1, 1, 14, dtype=torch.float64))
    before = parameters.values.clone()
    soap.step(parameters, 0.1, 0)
    g = parameters.gradient
    assert torch.allclose(parameters.values, before - 0.1 * g / (g.abs() + EPSILON), rtol=0.0, atol=ROUNDING)


def test_a_gradient_that_is_not_finite_raises_nothing_and_the_loss_tells() -> None:
    parameters = FlatParameters(module())
    soap = Soap(parameters)
    parameters.gradient.fill_(float("nan"))
    for k in range(REFRESH_EVERY + 1):
        soap.step(parameters, 1e-2, k)
    assert parameters.values.isnan().all()
