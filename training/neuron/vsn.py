"""The layer of Variable Spiking Neurons as a torch module, to be put between `torch.nn.Linear` layers.

    net = torch.nn.Sequential(Linear(2, 50), VSN(50), Linear(50, 50), VSN(50), Linear(50, 1))

Called on its own it takes one step from rest, like any other activation; within `successive_steps` the calls are the steps of
one presentation. Both are plain torch operations, so that a PINN can differentiate them with respect to its points as often as
its equation requires. `unrolled` runs all steps at once with the backward pass of training, by the same equations.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import NoReturn

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from ...base.checks import as_member, check_range, raise_violations
from ...base.errors import SpecError
from ...network.activations import find_activation
from ...network.nodes import Polarity
from ...problems.recipes.recipe import Surrogate
from .activations import torch_activation
from .surrogates import spike
from .unrolled import UnrolledVsn, VsnRule, integrate, reset, unrolled_vsn


class VSN(nn.Module):
    """A layer of Variable Spiking Neurons; `VSN(50)` is fifty of them.

        m[t] = beta * m[t-1] + z[t]
        s[t] = m[t] >= theta           polarity "positive"        |m[t]| >= theta    polarity "both"
        a[t] = phi(z[t] * s[t])        differentiated as phi(z[t]) * s[t], with the surrogate for the slope of s
        m[t] = 0  where s[t]           the reset is detached from the backward pass

    Derivatives with respect to the points are those of this equation with the surrogate in the place of the step: they hold
    terms of the surrogate that the network itself does not have. The larger `surrogate_slope`, the smaller these are.
    `nl.train` takes derivatives by stochastic projection instead, which sees the network as it is.

    Source: SPINONet, arXiv 2603.21674, equations 10-11.
    """

    beta: Tensor
    theta: Tensor

    def __init__(
        self,
        n_neurons: int,
        *,
        activation: str = "tanh_squared",
        beta: float | Tensor = 0.9,
        theta: float | Tensor = 0.05,
        polarity: Polarity | str = Polarity.POSITIVE,
        surrogate: Surrogate | str = Surrogate.FAST_SIGMOID,
        surrogate_slope: float = 10.0,
        learn_beta: bool = False,
        learn_theta: bool = False,
        dtype: torch.dtype | None = None,
    ) -> None:
        """Build a layer at rest.

        Args:
            n_neurons: Width of the layer, at least 1.
            activation: Name of the activation phi in the core.
            beta: Leak, 0 to 1, one number or a tensor (n_neurons,).
            theta: Threshold, not negative, one number or a tensor (n_neurons,).
            polarity: Sign of the membranes that can fire.
            surrogate: Shape of the surrogate derivative of a spike.
            surrogate_slope: Slope k of the surrogate, positive, per unit of membrane.
            learn_beta: Whether the leak of each neuron is trained.
            learn_theta: Whether the threshold of each neuron is trained. `clamp_` brings both back into their ranges.
            dtype: Type of beta and theta; None takes torch's default.

        Raises:
            SpecError: If a number is out of range, or the activation unknown or not zero at zero.
        """
        super().__init__()
        find_activation(activation, "VSN.activation")
        raise_violations(check_range("VSN.n_neurons", n_neurons, 1, float("inf")))
        self.rule = VsnRule(
            activation=activation,
            polarity=as_member(Polarity, polarity, "VSN.polarity"),
            surrogate=as_member(Surrogate, surrogate, "VSN.surrogate"),
            surrogate_slope=surrogate_slope,
        )
        for name, value, learned in (("beta", beta, learn_beta), ("theta", theta, learn_theta)):
            values = torch.as_tensor(value, dtype=dtype or torch.get_default_dtype()).expand(n_neurons).clone()
            if learned:
                self.register_parameter(name, nn.Parameter(values))
            else:
                self.register_buffer(name, values)
        self._check_values(surrogate_slope)
        self._in_succession = False
        self._rest: Tensor | None = None

    def _check_values(self, surrogate_slope: float) -> None:
        found = [*check_range("VSN.beta", self.beta.detach().numpy(), 0.0, 1.0)]
        found += check_range("VSN.theta", self.theta.detach().numpy(), 0.0, torch.finfo(self.theta.dtype).max)
        found += check_range("VSN.surrogate_slope", surrogate_slope, 1e-6, 1e6)
        raise_violations(found)

    @property
    def n_neurons(self) -> int:
        return int(self.theta.shape[0])

    def extra_repr(self) -> str:
        return f"{self.n_neurons}, activation={self.rule.activation!r}, polarity={self.rule.polarity.value!r}"

    @torch.no_grad()
    def clamp_(self) -> None:
        """Clamp leaks to [0, 1] and thresholds to 0 or more; to be called after each step of an optimizer."""
        self.beta.clamp_(0.0, 1.0)
        self.theta.clamp_min_(0.0)

    def forward(self, drive: Tensor) -> Tensor:
        """Compute one step: from rest, or within `successive_steps` from the membranes of the call before.

        Args:
            drive: z, shape (..., n_neurons), as a rule (n_samples, n_neurons).

        Returns:
            a, the payloads, same shape; differentiable any number of times.

        Raises:
            SpecError: If the shape fits neither the layer nor the membranes of the call before.
        """
        if drive.dim() < 1 or drive.shape[-1] != self.n_neurons:
            self._refuse_drive(drive)
        if torch.compiler.is_exporting():
            names = self.rule.activation, self.rule.polarity.value
            exported: Tensor = torch.ops.neuropinn_lava.vsn(drive, self.beta, self.theta, *names)
            return exported
        rest = self._rest if self._in_succession else None
        if rest is not None and rest.shape != drive.shape:
            repair = "Put one `with successive_steps(network):` around the steps of each batch."
            raise SpecError("VSN.forward", f"get drives of the shape {tuple(rest.shape)}", tuple(drive.shape), repair)
        rule = self.rule
        m = integrate(drive, rest, self.beta)
        s = spike(m, self.theta, polarity=rule.polarity, kind=rule.surrogate, slope=rule.surrogate_slope)
        if self._in_succession:
            self._rest = reset(m, s.detach())
        phi, _ = torch_activation(rule.activation).value(drive, torch.tanh)
        return phi * s

    def unrolled(self, drive: Tensor, n_steps: int) -> UnrolledVsn:
        """Run all steps from rest with the backward pass of training, which gives first derivatives only.

        Args:
            drive: z, shape (n_steps, n_samples, n_neurons), or (n_samples, n_neurons) where it is the same at every step.
            n_steps: Number of steps T.
        """
        if drive.dim() not in (2, 3) or drive.shape[-1] != self.n_neurons:
            self._refuse_drive(drive)
        return unrolled_vsn(drive, self.beta, self.theta, self.rule, n_steps)

    def _refuse_drive(self, drive: Tensor) -> NoReturn:
        repair = "Give the Linear layer before it as many outputs as this layer has neurons."
        rule = f"get drives of the shape (n_samples, {self.n_neurons})"
        raise SpecError("VSN.forward", rule, tuple(drive.shape), repair)


@torch.library.custom_op("neuropinn_lava::vsn", mutates_args=())
def _exported_vsn(drive: Tensor, beta: Tensor, theta: Tensor, activation: str, polarity: str) -> Tensor:
    """Compute one step from rest: what a VSN is in a module that `torch.export` has read."""
    m = integrate(drive, None, beta)
    s = spike(m, theta, polarity=Polarity(polarity), kind=Surrogate.FAST_SIGMOID, slope=1.0)
    phi, _ = torch_activation(activation).value(drive, torch.tanh)
    return phi * s


@_exported_vsn.register_fake
def _shape_of_exported_vsn(drive: Tensor, beta: Tensor, theta: Tensor, activation: str, polarity: str) -> Tensor:
    return torch.empty_like(drive)


@contextlib.contextmanager
def successive_steps(module: nn.Module) -> Iterator[None]:
    """Treat the calls of a module within the block as the steps of one presentation, which starts from rest.

        with successive_steps(net):
            outputs = [net(x) for _ in range(8)]        # T = 8: each VSN carries its membranes from call to call

    Args:
        module: A VSN, or any module that contains VSN layers.
    """
    layers = vsn_layers(module)
    for layer in layers:
        layer._in_succession, layer._rest = True, None
    try:
        yield
    finally:
        for layer in layers:
            layer._in_succession, layer._rest = False, None


@contextlib.contextmanager
def constant_spikes(module: nn.Module) -> Iterator[None]:
    """Treat every spike of a module as a constant in all backward passes within the block."""
    layers = vsn_layers(module)
    former = [layer.rule for layer in layers]
    for layer in layers:
        layer.rule = layer.rule.exact()
    try:
        yield
    finally:
        for layer, rule in zip(layers, former, strict=True):
            layer.rule = rule


def vsn_layers(module: nn.Module) -> tuple[VSN, ...]:
    """Return the VSN layers of a module in their order."""
    return tuple(layer for layer in module.modules() if isinstance(layer, VSN))


def layer_type(layer: nn.Module) -> type[nn.Module]:
    """Return the exact class of a layer, seen through torch's parametrizations."""
    kind: type[nn.Module] = parametrize.type_before_parametrizations(layer)
    return kind
