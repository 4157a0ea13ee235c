"""The network of a recipe, whatever its structure: a chain, skips that add layers up, fixed sines of the coordinates.

    a = [x, sin(pi n x), cos(pi n x)]                        embedding, where there is one
    h_1 = VSN(W_1 a + b_1),  h_l = h_(l-1) + alpha_l VSN(W_l h_(l-1) + b_l)        residual skips
    y = W h + b

Sums of layers need no neurons of their own: a layer that reads one has a connection from every summand.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ...base.errors import SpecError
from ...problems.recipes.recipe import Embedding, NetworkRecipe, Skips
from .module_network import ModuleNetwork, TrainedNetwork
from .network import build_network


class Waves(nn.Module):
    """Chosen coordinates, and fixed sines and cosines of all of them."""

    slopes: Tensor
    phases: Tensor

    def __init__(self, embedding: Embedding, dtype: torch.dtype) -> None:
        super().__init__()
        self.passed = list(embedding.passed)
        cycles = torch.tensor(embedding.waves, dtype=torch.float64).repeat_interleave(2, dim=0)
        self.register_buffer("slopes", (math.pi * cycles).to(dtype))
        self.register_buffer("phases", (math.pi / 2.0 * (torch.arange(len(cycles)) % 2)).to(dtype))

    def forward(self, x: Tensor) -> Tensor:
        """Return the features of points, shape (n_points, n_features)."""
        return torch.cat([x[:, self.passed], torch.sin(x @ self.slopes.T + self.phases)], dim=1)


class RecipeModule(nn.Module):
    """Layers of neurons that read sums of the layers before them, or sines of the coordinates."""

    def __init__(self, embedding: nn.Module | None, layers: nn.Sequential, skips: Skips) -> None:
        super().__init__()
        self.embedding, self.layers, self.skips = embedding, layers, skips
        like, n_factors = next(layers.parameters()), len(layers) // 2 - 1
        factors = torch.ones(n_factors, dtype=like.dtype)
        self.factors = nn.Parameter(factors) if skips is Skips.RESIDUAL and n_factors else None

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs, shape (n_points, n_out)."""
        h = x if self.embedding is None else self.embedding(x)
        *hidden, output = self.layers
        for index in range(0, len(hidden), 2):
            sent = hidden[index + 1](hidden[index](h))
            h = sent if self.factors is None or not index else h + self.factors[index // 2 - 1] * sent
        y: Tensor = output(h)
        return y


class RecipeNetwork(ModuleNetwork):
    """A `RecipeModule` that knows how far its spikes go."""

    def n_targets(self) -> Tensor:
        """Return to how many neurons a spike of each VSN layer goes, shape (n_layers,): with skips to all later layers."""
        assert isinstance(self.module, RecipeModule)
        widths = [layer.out_features for layer in self.module.layers if isinstance(layer, nn.Linear)]
        reads_all = self.module.skips is Skips.RESIDUAL
        read = [sum(widths[k:]) if reads_all else widths[k] for k in range(1, len(widths))]
        return torch.tensor(read, dtype=torch.float64)


def build_recipe_network(
    recipe: NetworkRecipe, n_in: int, n_out: int, seed: int, dtype: torch.dtype = torch.float32
) -> TrainedNetwork:
    """Build a network with random weights that depend on the seed alone: a `VsnNetwork` of a chain, else a `RecipeNetwork`.

    Args:
        recipe: Recipe of the network.
        n_in: Number of coordinates.
        n_out: Number of unknowns.
        seed: Seed of the weights, as of `build_network`.
        dtype: Type of weights and states.

    Raises:
        SpecError: If the embedding is for another number of coordinates, or a layer breaks a rule of `VSN`.
    """
    if recipe.is_chain:
        return build_network(recipe, n_in, n_out, seed, dtype)
    waves: Waves | None = None
    n_read = n_in
    if recipe.embedding is not None:
        if recipe.embedding.n_in != n_in:
            repair = "Give every wave one number for each coordinate."
            raise SpecError("Embedding.waves", f"have {n_in} numbers each", recipe.embedding.n_in, repair)
        waves = Waves(recipe.embedding, dtype)
        n_read = len(recipe.embedding.passed) + len(waves.phases)
    layers = build_network(recipe, n_read, n_out, seed, dtype).layers
    return RecipeNetwork(RecipeModule(waves, layers, recipe.skips), n_in, recipe.n_steps)
