"""A soft sensor as a torch module: memory that leaks without resetting, before and behind layers of Variable Spiking Neurons.

    e[t] = V0(x[t])                                  what enters the memory; V0 … V2 are Linear layers with VSN, T = 1 a step
    h[t] = R h[t-1] + W e[t]                         memory: pairs of numbers, which R turns and shrinks, as 2 x 2 blocks
    a[t] = V2(V1([h[t], x[t]]))                      from memory and reading
    g[t] = Q g[t-1] + U a[t]                         memory behind the spikes, of the same kind
    y[t] = c . [g[t], a[t]] + d

R and Q are relays with a connection of delay one to themselves. Their blocks, r [[cos w, -sin w], [sin w, cos w]], are rounded
to multiples of 2**-7, so that 8-bit weights hold them exactly; a leak is a small error that lasts long. The membranes of the
spiking layers do not leak into the next step: a membrane that fires forgets.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ...base.arrays import Record
from ..neuron.surrogates import spike
from ..neuron.vsn import VSN

ROUNDED_TO = 128.0
"""Entries of the blocks of a memory are multiples of one by this, which 8-bit weights hold exactly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorShape(Record):
    """The sizes of a soft sensor."""

    n_in: int
    """Number of readings in a step."""
    n_front: int = 8
    """Number of neurons in front of the memory."""
    n_memory: int = 12
    """Length of the memory h, even."""
    widths: tuple[int, int] = (32, 16)
    """Numbers of neurons of the two layers that read the memory."""
    n_trace: int = 4
    """Length of the memory g behind the spikes, even."""
    theta: float = 0.02
    """Threshold of all neurons, in units of the drive."""
    highest: float = 0.05
    """Fastest oscillation that the memories begin with, in periods per step."""


class LeakyMemory(nn.Module):
    """Pairs of numbers that are turned and shrunk from step to step, and driven by weighted sums of the input."""

    def __init__(self, n_in: int, n_out: int, highest: float) -> None:
        """Build a memory of `n_out` numbers whose oscillations begin with 0 to `highest` periods per step."""
        super().__init__()
        n = n_out // 2
        self.drive = nn.Linear(n_in, n, bias=False)
        angle = 2.0 * math.pi * torch.linspace(0.0, highest, n)
        radius = torch.linspace(0.75, 0.9, n)
        self.real, self.imaginary = nn.Parameter(radius * torch.cos(angle)), nn.Parameter(radius * torch.sin(angle))

    def blocks(self) -> tuple[Tensor, Tensor]:
        """Return r cos w and r sin w of each pair, rounded, of radius below one; gradients pass through the rounding."""
        radius = torch.sqrt(self.real.square() + self.imaginary.square() + 1e-12)
        shrink = torch.clamp(0.97 / radius, max=1.0)
        rounded = []
        for part in (self.real * shrink, self.imaginary * shrink):
            exact = torch.round(part * ROUNDED_TO) / ROUNDED_TO
            rounded.append(part + (exact - part).detach())
        return rounded[0], rounded[1]

    def forward(self, x: Tensor, before: Tensor) -> Tensor:
        """Compute one step: input (n_samples, n_in) and memory (n_samples, n_out) to the next memory."""
        a, b = self.blocks()
        u, v = before.chunk(2, dim=-1)
        return torch.cat([a * u - b * v + self.drive(x), b * u + a * v], dim=-1)

    def run(self, x: Tensor) -> Tensor:
        """Compute all steps of sequences from rest: (n_samples, n_steps, n_in) to (n_samples, n_steps, n_out)."""
        pole = torch.complex(*self.blocks())
        n_steps = x.shape[1]
        powers = torch.cumprod(torch.cat([torch.ones_like(pole)[None], pole.expand(n_steps - 1, -1)]), dim=0)
        spectra = torch.fft.fft(self.drive(x), n=2 * n_steps, dim=1) * torch.fft.fft(powers, n=2 * n_steps, dim=0)
        h = torch.fft.ifft(spectra, dim=1)[:, :n_steps]  # a convolution with the powers of the pole
        return torch.cat([h.real, h.imag], dim=-1)


class SoftSensor(nn.Module):
    """The module of the file's docstring, for one step (`forward`) and for whole sequences (`run`)."""

    def __init__(self, shape: SensorShape) -> None:
        """Build a sensor of some sizes."""
        super().__init__()
        self.shape = shape
        first, second = shape.widths

        def layer(n_in: int, n_out: int) -> nn.ModuleList:
            neurons = VSN(n_out, activation="relu", beta=0.0, theta=shape.theta)
            return nn.ModuleList([nn.Linear(n_in, n_out), neurons])

        self.front = layer(shape.n_in, shape.n_front)
        self.memory = LeakyMemory(shape.n_front, shape.n_memory, shape.highest)
        self.layers = nn.ModuleList([layer(shape.n_memory + shape.n_in, first), layer(first, second)])
        self.trace = LeakyMemory(second, shape.n_trace, shape.highest)
        self.head = nn.Linear(shape.n_trace + second, 1)

    @property
    def states(self) -> dict[str, int]:
        """Names and widths of the states, in the order in which `forward` takes them."""
        return {"memory": self.shape.n_memory, "trace": self.shape.n_trace}

    def forward(self, x: Tensor, memory: Tensor, trace: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Compute one step: the estimate (n_samples, 1) and the new states."""
        memory = self.memory(_send(self.front, x), memory)
        a = torch.cat([memory, x], dim=-1)
        for layer in self.layers:
            a = _send(layer, a)
        trace = self.trace(a, trace)
        return self.head(torch.cat([trace, a], dim=-1)), memory, trace

    def run(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Compute sequences from rest.

        Args:
            x: Readings, shape (n_samples, n_steps, n_in).

        Returns:
            Estimates, shape (n_samples, n_steps), and the mean number of synaptic operations of a step, whose slope is that of
            the surrogate spikes.
        """
        second = self.shape.widths[1]
        e, n_front = _counted(self.front, x, self.shape.n_memory // 2)
        a, n = torch.cat([self.memory.run(e), x], dim=-1), self.n_fixed + n_front
        for layer, n_reached in zip(self.layers, (second, self.shape.n_trace // 2 + 1), strict=True):
            a, n_layer = _counted(layer, a, n_reached)
            n = n + n_layer
        y: Tensor = self.head(torch.cat([self.trace.run(a), a], dim=-1))
        return y[..., 0], n

    @property
    def n_fixed(self) -> int:
        """Operations of a step that do not depend on spikes: of readings and memories, which are never silent."""
        shape = self.shape
        readings = shape.n_in * (shape.n_front + shape.widths[0])
        return readings + shape.n_memory * (2 + shape.widths[0]) + shape.n_trace * (2 + 1)

    @property
    def n_dense(self) -> float:
        """Operations of a step in which every neuron fires."""
        (first, second), shape = self.shape.widths, self.shape
        fired = shape.n_front * shape.n_memory // 2 + first * second + second * (shape.n_trace // 2 + 1)
        return float(self.n_fixed + fired)


def _send(layer: nn.Module, x: Tensor) -> Tensor:
    """Return the payloads of a layer."""
    linear, neurons = layer.children()
    payload: Tensor = neurons(linear(x))
    return payload


def _counted(layer: nn.Module, x: Tensor, n_reached: int) -> tuple[Tensor, Tensor]:
    """Return the payloads of a layer, and the mean number of operations that they cause in a step, `n_reached` each."""
    linear, neurons = layer.children()
    assert isinstance(neurons, VSN)
    drive, rule = linear(x), neurons.rule
    fired = spike(drive, neurons.theta, polarity=rule.polarity, kind=rule.surrogate, slope=rule.surrogate_slope)
    payload: Tensor = neurons(drive)
    return payload, n_reached * fired.sum(dim=-1).mean()
