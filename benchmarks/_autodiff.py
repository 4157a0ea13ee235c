"""The loss of a PINN by automatic differentiation, on the cloud of a problem's recipe.

    u = g + d link(v)          v: the network, differentiated with respect to the coordinates at every step
                               g, d: the hard conditions, constants; their derivatives are computed once

A periodic axis, which operators on neighbours close by themselves, is closed by a penalty, as usual: the squared jumps of u
and of its slope.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import torch
from torch import Tensor

from neuropinn_lava.base.arrays import FloatArray
from neuropinn_lava.problems.coverage import values_at
from neuropinn_lava.problems.problem import PdeProblem
from neuropinn_lava.problems.recipes.recipe import TrainingRecipe
from neuropinn_lava.training.collocation.clouds import TrainingCloud, build_training_cloud, input_transform
from neuropinn_lava.training.loss.losses import causal_mean, centre_weights
from neuropinn_lava.training.network.network import VsnNetwork

Words = tuple[str, ...]
"""Derivatives by the letters of their coordinates; the empty word is the value itself."""


def words_of(problem: PdeProblem) -> Words:
    """Give the words of all derivatives in the equation and of all that the product rule needs for them, shortest first."""
    wanted = {name.partition("_")[2] for name in problem.derivatives}
    parts = {"".join(kept) for word in wanted for kept in product(*(("", letter) for letter in word))}
    return tuple(sorted(parts, key=len))


def derivatives_of(values: Tensor, points: Tensor, words: Words, coordinates: tuple[str, ...]) -> dict[str, Tensor]:
    """Differentiate values (n,) at points (n, n_in) that they were computed from, once for each letter of each word."""
    found, slopes = {"": values}, {}
    for word in words[1:]:
        before, axis = word[:-1], coordinates.index(word[-1])
        if before not in slopes:
            slopes[before] = slopes_of(found[before], points)
        found[word] = slopes[before][:, axis]
    return found


def slopes_of(values: Tensor, points: Tensor) -> Tensor:
    """Give the gradient of each value at its own point, shape (n, n_in); zero where values do not depend on points."""
    if not values.requires_grad:
        return torch.zeros_like(points)
    (slopes,) = torch.autograd.grad(values.sum(), points, create_graph=True, allow_unused=True, materialize_grads=True)
    return slopes


def product_rule(d: dict[str, Tensor], v: dict[str, Tensor], word: str) -> Tensor:
    """Give the derivative of d v by all letters of a word: the sum over all ways to share the letters out."""
    total = torch.zeros_like(v[""])
    for choice in product((True, False), repeat=len(word)):
        to_d = "".join(letter for letter, chosen in zip(word, choice, strict=True) if chosen)
        to_v = "".join(letter for letter, chosen in zip(word, choice, strict=True) if not chosen)
        total = total + d[to_d] * v[to_v]
    return total


class AutodiffFields:
    """u and its derivatives at given points."""

    def __init__(self, problem: PdeProblem, points: FloatArray, words: Words, cloud: TrainingCloud) -> None:
        self.problem, self.words, self.cloud = problem, words, cloud
        exact = torch.tensor(points, dtype=torch.float64, requires_grad=True)
        held = (
            derivatives_of(field.evaluate(exact), exact, words, problem.coordinates)
            for field in (problem.ansatz.offset[0], problem.ansatz.factor[0])
        )
        self.g, self.d = ({word: values.detach().float() for word, values in part.items()} for part in held)
        self.points = exact.detach().float().requires_grad_()
        transform = input_transform(problem)
        self.scale, self.offset = (torch.tensor(part).float() for part in (transform.scale, transform.offset))

    def evaluate(self, network: VsnNetwork) -> dict[str, Tensor]:
        """Give u and its derivatives by their words."""
        signal = self.points * self.scale + self.offset
        for linear in network.linear_layers[:-1]:
            signal = torch.tanh(linear(signal))
        output = self.cloud.output_transform.apply(network.linear_layers[-1](signal))
        linked = self.problem.ansatz.link.apply(output)[:, 0]
        v = derivatives_of(linked, self.points, self.words, self.problem.coordinates)
        return {word: self.g[word] + product_rule(self.d, v, word) for word in self.words}


class AutodiffLoss:
    """Mean square residual at the centres, weighted as the NeuroPINN's, and what a periodic domain asks for besides."""

    def __init__(self, problem: PdeProblem, recipe: TrainingRecipe) -> None:
        self.problem = problem
        self.cloud = build_training_cloud(problem, recipe, torch.float32, torch.device("cpu"))
        laid = problem.domain.cloud(recipe.cloud.n_per_axis, recipe.cloud.gradings)
        self.inside = AutodiffFields(problem, laid.centres, words_of(problem), self.cloud)
        known = {name: torch.tensor(values).float() for name, values in values_at(problem, laid.centres).items()}
        self.known = {**known, **problem.rest_values(recipe.viscosity)}
        self.seams = [self._seam(laid.centres, int(axis)) for axis in np.flatnonzero(laid.periods)]

    def _seam(self, centres: FloatArray, axis: int) -> tuple[AutodiffFields, ...]:
        """Take the centres to both ends of a periodic axis; value and slope are to agree there."""
        ends = []
        for place in (self.problem.domain.lower[axis], self.problem.domain.upper[axis]):
            moved = centres.copy()
            moved[:, axis] = place
            words = ("", self.problem.coordinates[axis])
            ends.append(AutodiffFields(self.problem, np.unique(moved, axis=0), words, self.cloud))
        return tuple(ends)

    def evaluate(self, network: VsnNetwork) -> tuple[Tensor, float]:
        """Give the loss to descend, and the number by which networks are compared."""
        values = self.inside.evaluate(network)
        named = {f"u_{word}" if word else "u": value for word, value in values.items()}
        held = {**self.known, **named}
        squares = self.problem.residuals[0].evaluate(held).square() / self.cloud.scales[0][0] ** 2
        weights = centre_weights(self.cloud, held)
        squares = squares if weights is None else squares * weights
        seams = sum((self._jump(network, *ends) for ends in self.seams), torch.zeros(()))
        instants = self.cloud.instants
        descended = squares.mean() if instants is None else causal_mean(squares, instants, self.cloud.weights.causality)
        return descended + seams, (squares.mean() + seams).item()

    def _jump(self, network: VsnNetwork, one: AutodiffFields, other: AutodiffFields) -> Tensor:
        here, there = one.evaluate(network), other.evaluate(network)
        return sum(((here[word] - there[word]).square().mean() for word in here), torch.zeros(()))
