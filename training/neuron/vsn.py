"""The layer of Variable Spiking Neurons as a torch module, to be put between `torch.nn.Linear` layers.

    net = torch.nn.Sequential(Linear(2, 50), VSN(50), Linear(50, 50), VSN(50), Linear(50, 1))

Called on its own it advances by one step and keeps its membranes; `VsnNetwork` runs it through all steps at once. This
module knows one layer; it does not know networks.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...base.checks import check_range, raise_violations
from ...base.errors import SpecError
from ...network.activations import find_activation
from ...network.spec import Polarity
from ...problems.recipe import Surrogate
from .unrolled import UnrolledVsn, VsnRule, unrolled_vsn


class VSN(nn.Module):
    """A layer of Variable Spiking Neurons; `VSN(50)` is fifty of them.

        m[t] = beta * m[t-1] + z[t]
        s[t] = m[t] >= theta           polarity "positive"        |m[t]| >= theta    polarity "both"
        a[t] = phi(z[t] * s[t])
        m[t] = 0  where s[t]           the reset is detached from the backward pass

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
        """Make a layer at rest.

        Args:
            n_neurons: Width of the layer, at least 1.
            activation: phi, by the core's name.
            beta: Leak, 0 to 1, one number or a tensor (n_neurons,).
            theta: Threshold, not negative, one number or a tensor (n_neurons,).
            polarity: Which membranes fire.
            surrogate: Shape of the spike's backward slope.
            surrogate_slope: k of the surrogate, positive, per unit of membrane.
            learn_beta: Train the leak, per neuron.
            learn_theta: Train the threshold, per neuron. A trained network must keep both in range: `clamp_` does.
            dtype: Type of beta and theta, torch's default if None.

        Raises:
            SpecError: If a number is out of range, or the activation unknown or not zero at zero.
        """
        super().__init__()
        find_activation(activation, "VSN.activation")
        raise_violations(check_range("VSN.n_neurons", n_neurons, 1, float("inf")))
        self.rule = VsnRule(
            activation=activation,
            polarity=Polarity(polarity),
            surrogate=Surrogate(surrogate),
            surrogate_slope=surrogate_slope,
        )
        for name, value, learned in (("beta", beta, learn_beta), ("theta", theta, learn_theta)):
            values = torch.as_tensor(value, dtype=dtype or torch.get_default_dtype()).expand(n_neurons).clone()
            if learned:
                self.register_parameter(name, nn.Parameter(values))
            else:
                self.register_buffer(name, values)
        self._check_values(surrogate_slope)
        self.membrane: Tensor | None = None

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

    def reset_state(self) -> None:
        """Return every membrane to zero; due before each new batch of samples."""
        self.membrane = None

    @torch.no_grad()
    def clamp_(self) -> None:
        """Bring trained leaks back into [0, 1] and thresholds back to 0 or more; called after each step of an optimizer."""
        self.beta.clamp_(0.0, 1.0)
        self.theta.clamp_min_(0.0)

    def forward(self, drive: Tensor) -> Tensor:
        """Advance by one step and keep the membranes for the next one.

        Args:
            drive: z, shape (n_samples, n_neurons).

        Returns:
            a, the payloads, same shape.

        Raises:
            SpecError: If the shape is another one than that of the membranes held.
        """
        self._check_drive(drive)
        if self.membrane is not None and self.membrane.shape != drive.shape:
            mend = "Call reset_state() before a new batch, or wrap the network in VsnNetwork, which does."
            raise SpecError(
                "VSN.forward", f"drives of the shape {tuple(self.membrane.shape)}", tuple(drive.shape), mend
            )
        step = unrolled_vsn(drive, self.beta, self.theta, self.rule, 1, self.membrane, with_rest=True)
        self.membrane = step.rest
        return step.payload[0]

    def unrolled(self, drive: Tensor, n_steps: int, with_rest: bool = False) -> UnrolledVsn:
        """Run all steps from rest; the membranes held are neither used nor changed.

        Args:
            drive: z, shape (n_steps, n_samples, n_neurons), or (n_samples, n_neurons) where it is the same at every step.
            n_steps: T.
            with_rest: Give the membranes left, too.
        """
        self._check_drive(drive)
        return unrolled_vsn(drive, self.beta, self.theta, self.rule, n_steps, with_rest=with_rest)

    def _check_drive(self, drive: Tensor) -> None:
        if drive.dim() not in (2, 3) or drive.shape[-1] != self.n_neurons:
            mend = "Give the Linear layer before it as many outputs as this layer has neurons."
            rule = f"drives of the shape (n_samples, {self.n_neurons})"
            raise SpecError("VSN.forward", rule, tuple(drive.shape), mend)


def vsn_layers(module: nn.Module) -> tuple[VSN, ...]:
    """Give the VSN layers of a module in their order."""
    return tuple(layer for layer in module.modules() if isinstance(layer, VSN))
