"""A soft sensor as a torch module: linear memory that leaks without resetting, between layers of Variable Spiking Neurons.

    e[t] = V0(x[t])                                  Linear and VSN, T = 1 a step; V0 and V1 square, V2 has phi = relu
    h[t] = R h[t-1] + W [e[t], x[t]]                 memory: pairs of numbers, which R turns and shrinks, as 2 x 2 blocks
    a[t] = V1([h[t], x[t]])
    g[t] = Q g[t-1] + U a[t]                         memory behind the spikes, of the same kind
    b[t] = V2([g[t], h[t]])
    y[t] = c . [b[t], g[t], a[t], h[t], x[t]] + d    the linear part of the answer needs no neuron

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
LONGEST = 0.99
"""Largest radius of a block: what a memory holds has decayed to 1 % after 460 steps at most."""
DRIVE = 6.0
"""Initial size of the weights of a drive, in units of those of a linear layer times 1 - r."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorShape(Record):
    """The sizes of a soft sensor."""

    n_in: int
    """Number of readings in a step."""
    n_front: int = 8
    """Number of neurons in front of the memory."""
    n_memory: int = 12
    """Length of the memory h, even."""
    widths: tuple[int, int] = (24, 16)
    """Numbers of neurons of the layers V1 and V2."""
    n_trace: int = 8
    """Length of the memory g behind the spikes, even."""
    theta: float = 0.02
    """Threshold of all neurons, in units of the drive."""
    highest: float = 0.05
    """Fastest oscillation that the memories begin with, in periods per step."""
    radii: tuple[float, float] = (0.8, 0.97)
    """Radii that the blocks of the slowest and of the fastest oscillation begin with."""


class LeakyMemory(nn.Module):
    """Pairs of numbers that are turned and shrunk from step to step, and driven by weighted sums of the input."""

    def __init__(self, n_in: int, n_out: int, shape: SensorShape) -> None:
        """Build a memory of `n_out` numbers whose oscillations begin with 0 to `shape.highest` periods per step."""
        super().__init__()
        n = n_out // 2
        self.drive = nn.Linear(n_in, n, bias=False)
        angle = 2.0 * math.pi * torch.linspace(0.0, shape.highest, n)
        radius = torch.linspace(*shape.radii, n)
        self.real, self.imaginary = nn.Parameter(radius * torch.cos(angle)), nn.Parameter(radius * torch.sin(angle))
        with torch.no_grad():  # a slow input is amplified by 1 / (1 - r)
            self.drive.weight.mul_(DRIVE * (1.0 - radius)[:, None])

    def blocks(self) -> tuple[Tensor, Tensor]:
        """Return r cos w and r sin w of each pair, rounded, of radius below one; gradients pass through the rounding."""
        radius = torch.sqrt(self.real.square() + self.imaginary.square() + 1e-12)
        shrink = torch.clamp(LONGEST / radius, max=1.0)
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

        def layer(n_in: int, n_out: int, activation: str, polarity: str) -> nn.ModuleList:
            neurons = VSN(n_out, activation=activation, polarity=polarity, beta=0.0, theta=shape.theta)
            return nn.ModuleList([nn.Linear(n_in, n_out), neurons])

        self.front = layer(shape.n_in, shape.n_front, "square", "both")
        self.memory = LeakyMemory(shape.n_front + shape.n_in, shape.n_memory, shape)
        self.first = layer(shape.n_memory + shape.n_in, first, "square", "both")
        self.trace = LeakyMemory(first, shape.n_trace, shape)
        self.second = layer(shape.n_trace + shape.n_memory, second, "relu", "positive")
        self.head = nn.Linear(second + shape.n_trace + first + shape.n_memory + shape.n_in, 1)

    @property
    def states(self) -> dict[str, int]:
        """Names and widths of the states, in the order in which `forward` takes them."""
        return {"memory": self.shape.n_memory, "trace": self.shape.n_trace}

    @property
    def prunable(self) -> tuple[nn.Parameter, ...]:
        """Weights that may become zero: those of the drives of both memories and of the layers that read them."""
        return tuple(_weight(each) for each in (self.memory.drive, self.first[0], self.trace.drive, self.second[0]))

    def forward(self, x: Tensor, memory: Tensor, trace: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Compute one step: the estimate (n_samples, 1) and the new states."""
        memory = self.memory(torch.cat([_send(self.front, x), x], dim=-1), memory)
        a = _send(self.first, torch.cat([memory, x], dim=-1))
        trace = self.trace(a, trace)
        b = _send(self.second, torch.cat([trace, memory], dim=-1))
        return self.head(torch.cat([b, trace, a, memory, x], dim=-1)), memory, trace

    def run(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Compute sequences from rest.

        Args:
            x: Readings, shape (n_samples, n_steps, n_in).

        Returns:
            Estimates, shape (n_samples, n_steps), and the mean number of synaptic operations of a step, whose slope is that of
            the surrogate spikes.
        """
        e, fired_front = _counted(self.front, x)
        h = self.memory.run(torch.cat([e, x], dim=-1))
        a, fired_first = _counted(self.first, torch.cat([h, x], dim=-1))
        g = self.trace.run(a)
        b, fired_second = _counted(self.second, torch.cat([g, h], dim=-1))
        y: Tensor = self.head(torch.cat([b, g, a, h, x], dim=-1))
        return y[..., 0], self._operations(fired_front, fired_first, fired_second)

    @property
    def n_dense(self) -> float:
        """Operations of a step in which every neuron fires."""
        return float(self._operations(*(torch.ones(n) for n in (self.shape.n_front, *self.shape.widths))))

    def _operations(self, front: Tensor, first: Tensor, second: Tensor) -> Tensor:
        """Return the operations of a step, by weights other than zero, from the share of steps in which each neuron fires."""
        shape, always = self.shape, torch.ones
        fed = torch.cat([front, always(shape.n_in)])
        n = _reached(self.front[0], always(shape.n_in)) + _reached(self.memory.drive, fed)
        n = n + _reached(self.first[0], always(shape.n_memory + shape.n_in)) + _reached(self.trace.drive, first)
        n = n + _reached(self.second[0], always(shape.n_trace + shape.n_memory)) + 2 * (shape.n_memory + shape.n_trace)
        last = torch.cat([second, always(shape.n_trace), first, always(shape.n_memory + shape.n_in)])
        return n + _reached(self.head, last)


def _weight(linear: nn.Module) -> nn.Parameter:
    """Return the weights of a linear layer."""
    weight = linear.weight
    assert isinstance(weight, nn.Parameter)
    return weight


def _reached(linear: nn.Module, events: Tensor) -> Tensor:
    """Return the number of operations that events, a share of steps for each input, cause in a linear layer."""
    return ((_weight(linear) != 0).to(events.dtype) * events).sum()


def _send(layer: nn.Module, x: Tensor) -> Tensor:
    """Return the payloads of a layer."""
    linear, neurons = layer.children()
    payload: Tensor = neurons(linear(x))
    return payload


def _counted(layer: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the payloads of a layer, and the share of steps in which each neuron fires."""
    linear, neurons = layer.children()
    assert isinstance(neurons, VSN)
    drive, rule = linear(x), neurons.rule
    fired = spike(drive, neurons.theta, polarity=rule.polarity, kind=rule.surrogate, slope=rule.surrogate_slope)
    payload: Tensor = neurons(drive)
    return payload, fired.flatten(0, 1).mean(dim=0)
