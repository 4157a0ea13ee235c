"""A torch network of Variable Spiking Neurons: Linear and VSN layers in turn, run for T steps, read out.

`VsnNetwork` wraps a plain `torch.nn.Sequential`; `build_network` builds one from a recipe.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ...base.checks import as_member, check_range, check_whole, raise_violations
from ...base.errors import Violation
from ...network.spec import MAX_STEPS, Readout
from ...problems.recipes.phases import ActivityMeasure
from ...problems.recipes.recipe import NetworkRecipe
from ..neuron.vsn import VSN, layer_type, successive_steps, vsn_layers

_READ = "nothing: read the module by from_torch, which deploys it as it is"
_TWO_STATES = (
    "snnTorch's Leaky with reset_mechanism='zero' and the graded product a = spk * z, and train again; "
    "a Variable Spiking Neuron"
)
REPLACEMENTS = {
    "ReLU": "VSN(n, activation='relu', theta=0.0), which at T = 1 is exactly it",
    "Tanh": "VSN(n, activation='tanh', polarity='both', theta=0.0), which is exactly it",
    "Identity": "nothing: leave it out",
    "Dropout": "nothing: leave it out, it does nothing after training",
    "BatchNorm1d": "the Linear layer before it, with scale and shift folded in",
    "LayerNorm": "nothing that spikes; train without it",
    "Conv1d": "a Linear layer with the unfolded kernel",
    "Conv2d": "a Linear layer with the unfolded kernel",
    "Sigmoid": _READ,
    "Softplus": _READ,
    "SiLU": _READ,
    "GELU": _READ,
    "Synaptic": _READ,
    "Alpha": f"{_TWO_STATES} has one state, not three",
    "Lapicque": f"{_TWO_STATES} has beta in the place of R and C",
    "RLeaky": _READ,
    "RSynaptic": f"{_TWO_STATES} has no synaptic current; or write a step module, forward(x_t, state) -> (y_t, state)",
}
"""What to use instead of a layer that cannot be deployed, by the name of its class."""


class NetworkRun(NamedTuple):
    """Result of a forward pass: the output, and the activities that the loss needs."""

    output: Tensor
    """Outputs after the read-out, shape (n_samples, n_out)."""
    activities: Tensor
    """Activity of each VSN layer, shape (n_layers,), 0 to 1."""
    activity: Tensor
    """Share of all neurons and steps that fire, a scalar."""


def check_layers(where: str, layers: list[nn.Module]) -> Iterator[Violation]:
    """Find the layers that cannot be deployed: a network is Linear, VSN, …, Linear, exactly these, of fitting widths."""
    for index, layer in enumerate(layers):
        kind = layer_type(layer)
        name = kind.__name__
        place = f"{where}: layer {index} ({name})"
        if kind not in (nn.Linear, VSN) and isinstance(layer, (nn.Linear, VSN)):
            base = "VSN" if isinstance(layer, VSN) else "Linear"
            repair = (
                f"Put a {base} here, and read what the subclass does besides with from_torch, as layers of their own."
            )
            yield Violation(
                place, f"be exactly {base}, whose forward pass is known", f"{name}, a subclass of it", repair
            )
        elif kind is VSN and any(layer is before for before in layers[:index]):
            repair = "Give each place a VSN of its own, which keeps membranes of its own."
            yield Violation(place, "be a VSN that stands in one place", "one that stands in two", repair)
        elif not isinstance(layer, (nn.Linear, VSN)):
            repair = f"Replace it by {REPLACEMENTS.get(name, 'Linear and VSN layers')}."
            yield Violation(place, "be a Linear or a VSN layer", name, repair)
        elif isinstance(layer, VSN) != (index % 2 == 1):
            repair = "Put a VSN between two Linear layers; merge two Linear layers in a row into one."
            yield Violation(place, "alternate between Linear and VSN layers, a Linear one first", name, repair)
    if len(layers) < 3 or len(layers) % 2 == 0:
        repair = "End with the Linear read-out; at least Linear, VSN, Linear."
        yield Violation(where, "have an odd number of layers, three or more", len(layers), repair)
    yield from _check_widths(where, layers)


def _check_widths(where: str, layers: list[nn.Module]) -> Iterator[Violation]:
    width: int | None = None
    for index, layer in enumerate(layers):
        if isinstance(layer, VSN):
            n_in = n_out = layer.n_neurons
        elif isinstance(layer, nn.Linear):
            n_in, n_out = layer.in_features, layer.out_features
        else:
            return
        if width is not None and n_in != width:
            place = f"{where}: layer {index} ({type(layer).__name__})"
            yield Violation(
                place, f"have as many inputs as the layer before has outputs, {width}", n_in, "Make them agree."
            )
        width = n_out


def check_presentation(where: str, n_steps: int, readout: Readout) -> Iterator[Violation]:
    """Check the number of steps, 1 to `MAX_STEPS`, and that the read-out is the mean or the last step."""
    yield from [*check_whole(f"{where}.n_steps", n_steps)] or check_range(f"{where}.n_steps", n_steps, 1, MAX_STEPS)
    if readout is Readout.EVERY:
        repair = "Use the mean or the last step; the points do not change from step to step."
        yield Violation(f"{where}.readout", "be 'mean' or 'last'", readout.value, repair)


class PresentedNetwork(nn.Module):
    """Base of the networks that are trained: a module presented with its input for T steps from rest, and read out.

    Every forward pass starts with membranes at zero. A call runs the module step by step and can be differentiated any number
    of times.
    """

    n_steps: int
    readout: Readout
    measure: ActivityMeasure = ActivityMeasure.RATE
    """What the activity counts, as the phase under way wants it."""

    @property
    def presented(self) -> nn.Module:
        """The module that is called once for each step."""
        raise NotImplementedError

    @property
    def vsn_layers(self) -> tuple[VSN, ...]:
        """The VSN layers in their order."""
        return vsn_layers(self.presented)

    def clamp_(self) -> None:
        """Clamp trained leaks and thresholds to their ranges; fixed ones are left as they are."""
        for layer in self.vsn_layers:
            if isinstance(layer.beta, nn.Parameter) or isinstance(layer.theta, nn.Parameter):
                layer.clamp_()

    def mean_activity(self, activities: Sequence[Tensor], measure: ActivityMeasure | None = None) -> Tensor:
        """Compute the mean over all neurons of the activities of the VSN layers, each a scalar; 1 where there are none.

        Args:
            activities: Share of neurons and steps that fire in each layer.
            measure: What a neuron counts by: one, or its number of targets; None takes the network's `measure`.
        """
        if not self.vsn_layers:
            return next(self.parameters()).new_ones(())
        costs = torch.tensor([float(layer.n_neurons) for layer in self.vsn_layers], dtype=torch.float64)
        if (measure or self.measure) is ActivityMeasure.OPERATIONS:
            costs *= self.n_targets()
        by_layer = torch.stack(list(activities))
        return torch.dot(by_layer, (costs / costs.sum()).to(by_layer))

    def n_targets(self) -> Tensor:
        """Return to how many neurons a spike of each VSN layer goes, shape (n_layers,)."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """Present x, shape (n_samples, n_in), for T steps; return the read-out, shape (n_samples, n_out)."""
        with successive_steps(self.presented):
            steps = torch.stack([self.presented(x) for _ in range(self.n_steps)])
        return steps[-1] if self.readout is Readout.LAST else steps.mean(0)


class VsnNetwork(PresentedNetwork):
    """A `torch.nn.Sequential` of Linear and VSN layers in turn.

    `run`, which training uses, runs all steps of one layer after the other; it returns the same numbers faster than a call and
    can be differentiated once.
    """

    def __init__(self, layers: nn.Sequential, n_steps: int = 1, readout: Readout | str = Readout.MEAN) -> None:
        """Wrap a Sequential.

        Args:
            layers: Linear, VSN, …, Linear.
            n_steps: Number of steps T, 1 to `MAX_STEPS`.
            readout: Rule that combines the outputs of the T steps.

        Raises:
            SpecError: If a layer cannot be deployed, widths disagree, or T is out of range; every broken rule is listed.
        """
        super().__init__()
        self.n_steps, self.readout = n_steps, as_member(Readout, readout, "VsnNetwork.readout")
        found = [*check_layers("VsnNetwork", list(layers))]
        raise_violations([*found, *check_presentation("VsnNetwork", n_steps, self.readout)])
        self.layers = layers

    @property
    def presented(self) -> nn.Module:
        """Module of linear layers and neurons, as `torch.nn.Sequential` holds them."""
        return self.layers

    @property
    def linear_layers(self) -> tuple[nn.Linear, ...]:
        """The Linear layers in their order; the last one is the read-out."""
        return tuple(layer for layer in self.layers if isinstance(layer, nn.Linear))

    def n_targets(self) -> Tensor:
        """Return to how many neurons a spike of each VSN layer goes, shape (n_layers,)."""
        return torch.tensor([float(linear.out_features) for linear in self.linear_layers[1:]], dtype=torch.float64)

    @property
    def n_in(self) -> int:
        """Number of coordinates of a point."""
        return self.linear_layers[0].in_features

    def run(self, x: Tensor) -> NetworkRun:
        """Present x, shape (n_samples, n_in), for T steps; return the read-out and the activities, differentiable once."""
        signal, activities = x, []
        for layer in self.layers:
            if isinstance(layer, VSN):
                signal, activity = layer.unrolled(signal, self.n_steps)
                activities.append(activity)
            else:
                signal = layer(signal)
        output = signal[-1] if self.readout is Readout.LAST else signal.mean(0)
        return NetworkRun(output=output, activities=torch.stack(activities), activity=self.mean_activity(activities))


def _fill_normal(linear: nn.Linear, gain: float, generator: torch.Generator) -> None:
    """Draw weights from N(0, gain^2 2 / (n_in + n_out)) (Glorot & Bengio 2010) and set the bias to zero."""
    deviation = gain * math.sqrt(2.0 / (linear.in_features + linear.out_features))
    with torch.no_grad():
        linear.weight.normal_(0.0, deviation, generator=generator)
        linear.bias.zero_()


def build_network(
    recipe: NetworkRecipe, n_in: int, n_out: int, seed: int, dtype: torch.dtype = torch.float32
) -> VsnNetwork:
    """Build a network with random weights that depend on the seed alone.

    Args:
        recipe: Recipe with widths, kind of neuron and initial gain.
        n_in: Number of coordinates.
        n_out: Number of unknowns.
        seed: Seed of the weights; torch's global generator is neither used nor changed.
        dtype: Type of weights and states; the random numbers are drawn in float64, so that networks of all types agree.

    Raises:
        SpecError: If a layer of the recipe breaks a rule of `VsnNetwork` or `VSN`.
    """
    generator = torch.Generator().manual_seed(seed)
    widths = (n_in, *recipe.widths, n_out)
    layers: list[nn.Module] = []
    for index, (n_before, n_after) in enumerate(itertools.pairwise(widths)):
        linear = nn.utils.skip_init(nn.Linear, n_before, n_after, dtype=torch.float64)
        _fill_normal(linear, recipe.initial_gain, generator)
        layers.append(linear)
        if index < len(recipe.widths):
            layers.append(_build_layer(recipe, n_after, dtype))
    return VsnNetwork(nn.Sequential(*layers), recipe.n_steps).to(dtype)


def _build_layer(recipe: NetworkRecipe, n_neurons: int, dtype: torch.dtype) -> VSN:
    return VSN(
        n_neurons,
        activation=recipe.activation,
        polarity=recipe.polarity,
        beta=recipe.beta,
        theta=recipe.theta,
        surrogate=recipe.surrogate,
        surrogate_slope=recipe.surrogate_slope,
        learn_beta=recipe.learn_beta,
        learn_theta=recipe.learn_theta,
        dtype=dtype,
    )
