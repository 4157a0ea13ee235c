"""Any torch module as a network that training can move: run for T steps, with the activities of its VSN layers.

`VsnNetwork` knows that it is a chain and runs all steps of a layer at once; a module of the user's own is called step by step
and watched by hooks. Both have the interface that losses and optimizers use.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ...base.checks import as_member, check_range, raise_violations
from ...base.errors import SpecError
from ...network.spec import MAX_STEPS, Readout
from ..neuron.surrogates import firing_level, spike, surrogate_step
from ..neuron.unrolled import VsnRule, integrate
from ..neuron.vsn import VSN, constant_spikes, successive_steps, vsn_layers
from .network import NetworkRun, VsnNetwork

N_PROBED = 3
"""Number of points on which a module is checked."""


class WatchedRun(NamedTuple):
    """A forward pass of a module with what its hooks saw."""

    output: Tensor
    """Outputs y after the read-out, shape (n_points, n_out)."""
    inputs: tuple[tuple[Tensor, ...], ...]
    """Inputs of every Linear layer, one for each of its calls, shape (n_points, n_in) each, detached."""
    drives: tuple[tuple[Tensor, ...], ...]
    """Outputs of every Linear layer, one for each of its calls, shape (n_points, n_out) each."""
    activities: tuple[Tensor, ...]
    """Activity of every VSN layer, a scalar each."""
    smooth_activities: tuple[Tensor, ...]
    """k times the mean of H(m - theta) of every VSN layer, a scalar each (`surrogate_step`)."""


class ModuleNetwork(nn.Module):
    """A module of any structure, presented with its input for T steps from rest; Linear layers are what Gauss-Newton moves."""

    def __init__(self, module: nn.Module, n_in: int, n_steps: int = 1, readout: Readout | str = Readout.MEAN) -> None:
        """Wrap a module.

        Args:
            module: Maps points, shape (n_points, n_in), to outputs, shape (n_points, n_out), row by row.
            n_in: Number of coordinates.
            n_steps: Number of steps T, 1 to `MAX_STEPS`.
            readout: Rule that combines the outputs of the T steps.

        Raises:
            SpecError: If T is out of range, the module has no Linear layer, mixes samples, or has no outputs of that shape.
        """
        super().__init__()
        raise_violations(check_range("ModuleNetwork.n_steps", n_steps, 1, MAX_STEPS))
        self.module, self.n_in, self.n_steps = module, n_in, n_steps
        self.readout = as_member(Readout, readout, "ModuleNetwork.readout")
        widths = torch.tensor([float(layer.n_neurons) for layer in self.vsn_layers], dtype=torch.float64)
        self._shares = widths / widths.sum()
        self.n_out = self._check_module()

    def _check_module(self) -> int:
        """Check the module on some points, and return its number of outputs."""
        where = f"module {type(self.module).__name__}"
        if not self.linear_layers:
            raise SpecError(where, "have a torch.nn.Linear", "none", "Build its affine maps as Linear layers.")
        like = self.linear_layers[0].weight
        points = torch.linspace(-0.7, 0.6, N_PROBED * self.n_in, dtype=like.dtype, device=like.device)
        points = points.view(N_PROBED, self.n_in)
        with torch.no_grad():
            together = self(points)
            alone = torch.cat([self(point[None]) for point in points])
        if together.dim() != 2 or len(together) != N_PROBED:
            mend = "Return one row for each point."
            raise SpecError(where, "return the shape (n_points, n_out)", tuple(together.shape), mend)
        if not torch.allclose(together, alone, rtol=1e-4, atol=1e-6):
            difference = float((together - alone).abs().max())
            mend = "Leave out what mixes samples, such as BatchNorm in training mode, or call `module.eval()`."
            raise SpecError(
                where,
                "return the same for a point alone and among others",
                f"outputs that differ by {difference:.2g}",
                mend,
            )
        return int(together.shape[1])

    @property
    def vsn_layers(self) -> tuple[VSN, ...]:
        """The VSN layers in their order."""
        return vsn_layers(self.module)

    @property
    def linear_layers(self) -> tuple[nn.Linear, ...]:
        """The Linear layers in their order, each once."""
        return tuple(layer for layer in self.module.modules() if isinstance(layer, nn.Linear))

    def clamp_(self) -> None:
        """Clamp trained leaks and thresholds to their ranges; fixed ones are left as they are."""
        for layer in self.vsn_layers:
            if isinstance(layer.beta, nn.Parameter) or isinstance(layer.theta, nn.Parameter):
                layer.clamp_()

    def forward(self, x: Tensor) -> Tensor:
        """Present x, shape (n_points, n_in), for T steps; return the read-out, shape (n_points, n_out)."""
        with successive_steps(self.module):
            steps = torch.stack([self.module(x) for _ in range(self.n_steps)])
        return steps[-1] if self.readout is Readout.LAST else steps.mean(0)

    def run(self, x: Tensor) -> NetworkRun:
        """Present x, shape (n_points, n_in), for T steps; return the read-out and the activities."""
        run = self.watch(x)
        activities = list(run.activities) or [run.output.new_ones(())]
        return NetworkRun(
            output=run.output, activities=torch.stack(activities), activity=self.mean_activity(list(run.activities))
        )

    def mean_activity(self, activities: list[Tensor]) -> Tensor:
        """Compute the mean over all neurons of the activities of the VSN layers; 1 where there are none."""
        if not activities:
            return self.linear_layers[0].weight.new_ones(())
        by_layer = torch.stack(activities)
        return torch.dot(by_layer, self._shares.to(by_layer))

    def watch(self, x: Tensor, exact: bool = False) -> WatchedRun:
        """Run the module and keep what goes in and out of its layers.

        Args:
            x: Points, shape (n_points, n_in).
            exact: Whether the backward pass treats every spike as a constant; the smooth activity keeps its slope.

        Raises:
            SpecError: If a Linear layer gets anything but one row for each point.
        """
        seen: dict[nn.Module, list[tuple[Tensor, Tensor]]] = {layer: [] for layer in self.linear_layers}
        spikes: dict[nn.Module, list[tuple[Tensor, Tensor]]] = {layer: [] for layer in self.vsn_layers}
        with contextlib.ExitStack() as hooks:
            for linear in self.linear_layers:
                hooks.enter_context(_hooked(linear, seen[linear], len(x)))
            for layer in self.vsn_layers:
                hooks.enter_context(_watched(layer, spikes[layer], layer.rule))
            if exact:
                hooks.enter_context(constant_spikes(self))
            output = self(x)
        return WatchedRun(
            output=output,
            inputs=tuple(tuple(a for a, _ in calls) for calls in seen.values()),
            drives=tuple(tuple(z for _, z in calls) for calls in seen.values()),
            activities=tuple(torch.stack([s for s, _ in calls]).mean() for calls in spikes.values()),
            smooth_activities=tuple(torch.stack([h for _, h in calls]).mean() for calls in spikes.values()),
        )


@contextlib.contextmanager
def _hooked(linear: nn.Linear, calls: list[tuple[Tensor, Tensor]], n_points: int) -> Iterator[None]:
    """Keep input and output of every call of a Linear layer within the block."""

    def keep(layer: nn.Module, given: tuple[Tensor, ...], drive: Tensor) -> None:
        """Add one call."""
        if drive.dim() != 2 or len(drive) != n_points:
            mend = "Give it a matrix of one row for each point, or train by adam."
            where = f"Linear layer of {linear.in_features} inputs"
            raise SpecError(where, "get the shape (n_points, n_in)", tuple(given[0].shape), mend)
        calls.append((given[0].detach(), drive))

    handle = linear.register_forward_hook(keep)
    try:
        yield
    finally:
        handle.remove()


@contextlib.contextmanager
def _watched(layer: VSN, calls: list[tuple[Tensor, Tensor]], surrogate: VsnRule) -> Iterator[None]:
    """Keep activity and smooth activity of every step of a VSN layer within the block; the rule gives the smooth one."""
    rests: list[Tensor | None] = []

    def before(module: nn.Module, given: tuple[Tensor, ...]) -> None:
        """Note the membranes that the step begins with."""
        rests.append(layer._rest)

    def after(module: nn.Module, given: tuple[Tensor, ...], payload: Tensor) -> None:
        """Compute membranes and spikes of the step once more."""
        rule, (drive,) = layer.rule, given
        m = integrate(drive, rests.pop(), layer.beta)
        s = spike(m, layer.theta, polarity=rule.polarity, kind=rule.surrogate, slope=rule.surrogate_slope)
        distance = firing_level(drive + (m - drive).detach(), rule.polarity) - layer.theta.detach()
        smooth = surrogate_step(distance, surrogate.surrogate, surrogate.surrogate_slope)
        calls.append((s.mean(), smooth.mean() * surrogate.surrogate_slope))

    handles = (layer.register_forward_pre_hook(before), layer.register_forward_hook(after))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


TrainedNetwork = VsnNetwork | ModuleNetwork
"""What losses and optimizers train."""
