"""One layer's arithmetic as an object: what the process models call, a message at a time.

An `IntegerKernel` lays a layer's integers out and calls compiled loops, or numpy's where numba is missing; a `FloatKernel` does
the same steps in float64. They serve a layer in a Lava process of its own (a step per call) and a whole network in one
process (all steps of a presentation per call), and keep no state: membranes belong to the caller. Neither knows Lava, nor the
reference engines that they are compared with.
"""

from __future__ import annotations

import importlib
import sys
from functools import cache
from typing import Any, Protocol

import numpy as np

from ...network.activations import find_activation
from ...network.nodes import OutputSpec, Polarity, PopulationSpec
from ...network.quantized_nodes import QuantizedOutput, QuantizedPopulation
from . import numpy_loops
from .layout import EVENTS, FIRED, Affine, Array, Neurons, Tally, empty_tally, lay_out_affine, lay_out_neurons

FEW_SAMPLES = 64
"""So many samples numpy's loops can do, one at a time through some layers, in the time that numba takes to be loaded, 0.6 s."""

AnyLayer = PopulationSpec | OutputSpec | QuantizedPopulation | QuantizedOutput
"""What a kernel computes: a spiking layer or a read-out, in float or in integers."""


class Loops(Protocol):
    """The functions that `compiled_loops` and `numpy_loops` have in common."""

    def multiply_rows(self, a: Array, affine: Affine, z: Array, tally: Tally, /) -> None:
        """Give the drives z (n_rows, n_out) of inputs a (n_rows, n_in)."""

    def align_rows(self, product: Array, affine: Affine, z: Array, tally: Tally, /) -> None:
        """Give the drives z (n_rows, n_out) of products W a (n_rows, n_out) that somebody else has made."""

    def fire_rows(self, z: Array, neurons: Neurons, membrane: Array, payload: Array, tally: Tally, /) -> None:
        """Advance neurons whose drives z (n_rows, n_out) are the same at all steps of payload (n_rows, n_steps, n_out)."""

    def layer_rows(
        self, a: Array, affine: Affine, neurons: Neurons, membrane: Array, payload: Array, tally: Tally, /
    ) -> None:
        """Advance a layer from inputs a (n_rows, n_steps, n_in) to payloads (n_rows, n_steps, n_out)."""


class Kernel(Protocol):
    """What a layer can do, whatever its numbers; a read-out only drives. Arrays are C-contiguous, rows first."""

    message_type: Any
    """Type of inputs, drives, membranes and payloads."""
    highest_input: float
    """Largest magnitude that an input may have."""
    n_in: int
    n_out: int

    def warm_up(self) -> None:
        """Call every function on no rows, so that processes forked later need not compile it."""

    def tally(self, n_steps: int, n_probed: int = 0) -> Tally:
        """Make counters at zero, with room for probed rows."""

    def drive(self, a: Array, z: Array, tally: Tally) -> None:
        """Give the drives z (n_rows, n_out) of inputs a (n_rows, n_in)."""

    def align(self, product: Array, z: Array, tally: Tally) -> None:
        """Give the drives z (n_rows, n_out) of products W a (n_rows, n_out) made elsewhere."""

    def fire(self, z: Array, membrane: Array, payload: Array, tally: Tally) -> None:
        """Advance with drives z (n_rows, n_out) that stay the same at all steps of payload (n_rows, n_steps, n_out)."""

    def advance(self, a: Array, membrane: Array, payload: Array, tally: Tally) -> None:
        """Advance from inputs a (n_rows, n_steps, n_in) to payloads (n_rows, n_steps, n_out)."""


@cache
def fastest_loops() -> Loops:
    """Return the compiled loops, or numpy's where numba is missing or told not to compile."""
    try:
        numba = importlib.import_module("numba")
    except ImportError:
        return numpy_loops
    if numba.config.DISABLE_JIT:
        return numpy_loops
    loops: Loops = importlib.import_module("neuropinn_lava.hardware_sim.kernels.compiled_loops")
    return loops


class IntegerKernel:
    """A quantized layer or read-out."""

    message_type = np.int32

    def __init__(self, layer: QuantizedPopulation | QuantizedOutput, loops: Loops | None = None) -> None:
        self.highest_input: float = (1 << (layer.affine.input_bits - 1)) - 1
        self.n_in, self.n_out = layer.n_in, layer.n_out
        self.affine = lay_out_affine(layer.affine)
        self.loops = loops or fastest_loops()
        self._neurons = lay_out_neurons(layer) if isinstance(layer, QuantizedPopulation) else None

    @property
    def neurons(self) -> Neurons:
        """What follows the drive; a read-out has nothing of the kind."""
        assert self._neurons is not None, "a read-out has no neurons"
        return self._neurons

    def warm_up(self) -> None:
        """Call every loop that this layer uses on no rows: numba compiles it, or loads it, here and now."""
        a, z = np.zeros((0, self.n_in), np.int32), np.zeros((0, self.n_out), np.int32)
        self.drive(a, z, self.tally(1))
        self.align(z, z, self.tally(1))
        if self._neurons is not None:
            payload = np.zeros((0, 1, self.n_out), np.int32)
            self.fire(z, z, payload, self.tally(1))
            self.advance(a[:, None], z, payload, self.tally(1))

    def tally(self, n_steps: int, n_probed: int = 0) -> Tally:
        """Make counters at zero, with room for int32 membranes of the probed rows."""
        return empty_tally(n_steps, self.n_out, n_probed)

    def drive(self, a: Array, z: Array, tally: Tally) -> None:
        """Multiply, align and saturate; the sums are as wide as `layout` has proved to be enough."""
        self.loops.multiply_rows(a, self.affine, z, tally)

    def align(self, product: Array, z: Array, tally: Tally) -> None:
        """Align and saturate products that come from Lava's Dense, exact in int32."""
        self.loops.align_rows(product, self.affine, z, tally)

    def fire(self, z: Array, membrane: Array, payload: Array, tally: Tally) -> None:
        """Advance by the loops; `membrane` is changed in place."""
        self.loops.fire_rows(z, self.neurons, membrane, payload, tally)

    def advance(self, a: Array, membrane: Array, payload: Array, tally: Tally) -> None:
        """Advance by the loops, drive and neurons in one pass over the rows; `membrane` is changed in place."""
        self.loops.layer_rows(a, self.affine, self.neurons, membrane, payload, tally)


class FloatKernel:
    """A float layer or read-out. numpy's matrix product and its tanh are compiled already: no loops of our own."""

    message_type = np.float64
    highest_input = float(np.finfo(np.float64).max)

    def __init__(self, layer: PopulationSpec | OutputSpec) -> None:
        self.n_in, self.n_out = layer.n_in, layer.n_out
        self.layer = layer
        self._phi = find_activation(layer.activation).phi if isinstance(layer, PopulationSpec) else np.positive

    def warm_up(self) -> None:
        """Nothing is compiled."""

    def tally(self, n_steps: int, n_probed: int = 0) -> Tally:
        """Make counters at zero, with room for float64 membranes of the probed rows."""
        return empty_tally(n_steps, self.n_out, n_probed, np.float64)

    def drive(self, a: Array, z: Array, tally: Tally) -> None:
        """Multiply by BLAS and add the bias; nothing saturates."""
        self.align(a @ self.layer.weight.T, z, tally)

    def align(self, product: Array, z: Array, tally: Tally) -> None:
        """Add the bias: float products need no alignment."""
        z[:] = product + self.layer.bias

    def fire(self, z: Array, membrane: Array, payload: Array, tally: Tally) -> None:
        """Advance all rows step by step; `membrane` is changed in place."""
        for t in range(payload.shape[1]):
            self._step(z, membrane, payload[:, t], tally, t)

    def advance(self, a: Array, membrane: Array, payload: Array, tally: Tally) -> None:
        """Drive and advance all rows step by step; `membrane` is changed in place."""
        z = np.empty_like(membrane)
        for t in range(a.shape[1]):
            self.drive(a[:, t], z, tally)
            self._step(z, membrane, payload[:, t], tally, t)

    def _step(self, z: Array, membrane: Array, payload: Array, tally: Tally, t: int) -> None:
        """Leak, integrate, compare, send, reset: all rows, step t."""
        layer = self.layer
        assert isinstance(layer, PopulationSpec), "a read-out has no neurons"
        membrane *= layer.beta
        membrane += z
        reached = np.abs(membrane) if layer.polarity is Polarity.BOTH else membrane
        fired = reached >= layer.theta
        membrane[fired] = 0.0
        payload[:] = self._phi(np.where(fired, z, 0.0))
        tally.counts[t, FIRED] += fired.sum(axis=0, dtype=np.int32)
        tally.counts[t, EVENTS] += (payload != 0).sum(axis=0, dtype=np.int32)
        tally.membrane[:, t] = membrane[: len(tally.fired)]
        tally.fired[:, t] = fired[: len(tally.fired)]


def make_kernel(layer: AnyLayer, n_samples: int | None = None) -> Kernel:
    """Make the kernel for a layer's numbers.

    Args:
        layer: Float or quantized, a spiking layer or a read-out.
        n_samples: How many samples there will be, None where nobody knows: for few of them numba is not worth loading.
    """
    if isinstance(layer, (QuantizedPopulation, QuantizedOutput)):
        is_few = n_samples is not None and n_samples <= FEW_SAMPLES and "numba" not in sys.modules
        return IntegerKernel(layer, numpy_loops if is_few else None)
    return FloatKernel(layer)
