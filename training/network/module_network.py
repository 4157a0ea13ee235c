"""Any torch module as a network that training can move: run for T steps, with the activities of its VSN layers.

`VsnNetwork` knows that it is a chain and runs all steps of a layer at once; a module of the user's own is called step by step
and watched by hooks. Both have the interface that losses and optimizers use.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ...base.checks import as_member, raise_violations
from ...base.errors import SpecError
from ...network.spec import Readout
from ..neuron.surrogates import firing_level, spike, surrogate_step
from ..neuron.unrolled import VsnRule, integrate
from ..neuron.vsn import VSN, constant_spikes
from .network import NetworkRun, PresentedNetwork, VsnNetwork, check_presentation

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


class ModuleNetwork(PresentedNetwork):
    """A module of any structure, called step by step and watched by hooks."""

    def __init__(self, module: nn.Module, n_in: int, n_steps: int = 1, readout: Readout | str = Readout.MEAN) -> None:
        """Wrap a module.

        Args:
            module: Maps points, shape (n_points, n_in), to outputs, shape (n_points, n_out), row by row.
            n_in: Number of coordinates.
            n_steps: Number of steps T, 1 to `MAX_STEPS`.
            readout: Rule that combines the outputs of the T steps.

        Raises:
            SpecError: If T is out of range, the module has no Linear layer, takes other inputs, mixes samples, calls a VSN
                layer more or less than once a step, or has no outputs of that shape.
        """
        super().__init__()
        self.n_steps, self.readout = n_steps, as_member(Readout, readout, "ModuleNetwork.readout")
        raise_violations(check_presentation("ModuleNetwork", n_steps, self.readout))
        self.module, self.n_in = module, n_in
        plain = tuple(layer for layer in module.modules() if type(layer) is nn.Linear)
        if not plain:
            where = f"module {type(module).__name__}"
            raise SpecError(where, "have a torch.nn.Linear", "none", "Build its affine maps as Linear layers.")
        like = next(module.parameters())
        points = torch.linspace(-0.7, 0.6, N_PROBED * n_in, dtype=like.dtype, device=like.device)
        self.n_out = self._check_module(points.view(N_PROBED, n_in))
        self._moved = self._find_moved(plain, points.view(N_PROBED, n_in))

    @property
    def presented(self) -> nn.Module:
        """The user's module."""
        return self.module

    @property
    def linear_layers(self) -> tuple[nn.Linear, ...]:
        """The Linear layers whose weights and biases are moved by what their hooks see; others are single parameters."""
        return self._moved

    def _check_module(self, points: Tensor) -> int:
        """Check the module on some points, and return its number of outputs."""
        where = f"module {type(self.module).__name__}"
        try:
            counts = self._count_calls(points)
        except (TypeError, RuntimeError, ValueError, IndexError) as error:  # what torch raises for other shapes
            if isinstance(error, SpecError):
                raise
            repair = f"Let its forward take one tensor, of {self.n_in} columns, and split it there."
            rule = f"run on points given as one argument of the shape (n_points, {self.n_in})"
            raise SpecError(where, rule, f"{type(error).__name__}: {error}", repair) from error
        for layer, calls in counts.items():
            if calls != self.n_steps:
                repair = (
                    "Give each place a VSN of its own, which keeps membranes of its own, and leave unused ones out."
                )
                raise SpecError(f"{where}: {layer}", "be called once a step", f"{calls / self.n_steps:g} calls", repair)
        with torch.no_grad():
            together = self(points)
            alone = torch.cat([self(point[None]) for point in points])
        if together.dim() != 2 or len(together) != N_PROBED:
            repair = "Return one row for each point."
            raise SpecError(where, "return the shape (n_points, n_out)", tuple(together.shape), repair)
        if not torch.allclose(together, alone, rtol=1e-4, atol=1e-6):
            difference = float((together - alone).abs().max())
            repair = "Leave out what mixes samples, such as BatchNorm in training mode, or call `module.eval()`."
            raise SpecError(
                where,
                "return the same for a point alone and among others",
                f"outputs that differ by {difference:.2g}",
                repair,
            )
        return int(together.shape[1])

    def _count_calls(self, points: Tensor) -> dict[VSN, int]:
        """Count the calls of every VSN layer in a forward pass."""
        calls = dict.fromkeys(self.vsn_layers, 0)

        def count(layer: nn.Module, given: object, payload: Tensor) -> None:
            """Count one call."""
            assert isinstance(layer, VSN)
            calls[layer] += 1

        handles = [layer.register_forward_hook(count) for layer in calls]
        with torch.no_grad():
            self(points)
        for handle in handles:
            handle.remove()
        return calls

    def _find_moved(self, plain: tuple[nn.Linear, ...], points: Tensor) -> tuple[nn.Linear, ...]:
        """Find the layers whose gradient is what their hooks see, which it is not where a weight is tied or read elsewhere."""
        owners = Counter(id(p) for layer in self.module.modules() for p in layer.parameters(recurse=False))
        free = tuple(
            layer
            for layer in plain
            if "weight" in layer._parameters and all(p.requires_grad and owners[id(p)] == 1 for p in layer.parameters())
        )
        self._moved = free
        run = self.watch(points, exact=True)
        total = (run.output * torch.linspace(0.5, 1.0, run.output.numel()).view_as(run.output).to(run.output)).sum()
        moved = []
        for layer, inputs, drives in zip(free, run.inputs, run.drives, strict=True):
            held = (layer.weight, *drives)
            slope, *felt = torch.autograd.grad(total, held, retain_graph=True, materialize_grads=True)
            seen = sum((d.T @ a for d, a in zip(felt, inputs, strict=True)), torch.zeros_like(slope))
            if drives and torch.allclose(slope, seen, rtol=1e-3, atol=1e-5 * float(slope.abs().max())):
                moved.append(layer)
        return tuple(moved)

    def run(self, x: Tensor) -> NetworkRun:
        """Present x, shape (n_points, n_in), for T steps; return the read-out and the activities."""
        run = self.watch(x)
        activity = self.mean_activity(run.activities)
        return NetworkRun(output=run.output, activities=torch.stack(run.activities or (activity,)), activity=activity)

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

    def keep(layer: nn.Module, given: tuple[Tensor, ...], named: dict[str, Tensor], drive: Tensor) -> None:
        """Add one call."""
        a = given[0] if given else named["input"]
        if drive.dim() != 2 or len(drive) != n_points:
            repair = "Give it a matrix of one row for each point, or train by adam."
            where = f"Linear layer of {linear.in_features} inputs"
            raise SpecError(where, "get the shape (n_points, n_in)", tuple(a.shape), repair)
        calls.append((a.detach(), drive))

    handle = linear.register_forward_hook(keep, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()


@contextlib.contextmanager
def _watched(layer: VSN, calls: list[tuple[Tensor, Tensor]], rule: VsnRule) -> Iterator[None]:
    """Keep activity and smooth activity of every step of a VSN layer within the block; `rule` is that of the smooth one."""
    rests: list[Tensor | None] = []

    def before(module: nn.Module, given: object) -> None:
        """Note the membranes that the step begins with."""
        rests.append(layer._rest)

    def after(module: nn.Module, given: tuple[Tensor, ...], named: dict[str, Tensor], payload: Tensor) -> None:
        """Compute membranes and spikes of the step once more."""
        now, drive = layer.rule, given[0] if given else named["drive"]
        m = integrate(drive, rests.pop(), layer.beta)
        s = spike(m, layer.theta, polarity=now.polarity, kind=now.surrogate, slope=now.surrogate_slope)
        calls.append((s.mean(), smooth_activity(drive, m, layer.theta, rule)))

    handles = (layer.register_forward_pre_hook(before), layer.register_forward_hook(after, with_kwargs=True))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def smooth_activity(drive: Tensor, membrane: Tensor, theta: Tensor, rule: VsnRule) -> Tensor:
    """Compute k mean H(m - theta), a scalar; what a membrane keeps from earlier steps counts as a constant.

    Args:
        drive: z, shape (n_samples, n_neurons), or (n_steps, n_samples, n_neurons).
        membrane: m before its reset, of the same shape, or one with an axis of steps in front.
        theta: Threshold, shape (n_neurons,), a constant here.
        rule: Gives the surrogate, whose slope is k.
    """
    distance = firing_level(drive + (membrane - drive).detach(), rule.polarity) - theta.detach()
    return surrogate_step(distance, rule.surrogate, rule.surrogate_slope).mean() * rule.surrogate_slope


TrainedNetwork = VsnNetwork | ModuleNetwork
"""What losses and optimizers train."""
