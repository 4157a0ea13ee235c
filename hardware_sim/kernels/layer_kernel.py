"""One node's arithmetic as an object: what the process models call, a message at a time.

An `IntegerKernel` lays a node's integers out and calls compiled loops, or numpy's where numba is missing; a `FloatKernel` does
the same steps in float64. They serve a node in a Lava process of its own (a step per call) and a whole network in one
process (all steps of a presentation per call), and keep no state: membranes belong to the caller. Neither knows Lava, nor the
reference engines that they are compared with.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from functools import cache
from typing import Any, Protocol

import numpy as np

from ...network.activations import find_activation
from ...network.nodes import OutputSpec, Polarity, PopulationSpec, ProductSpec
from ...network.quantized import AnyNode
from ...network.quantized_nodes import QuantizedOutput, QuantizedPopulation, QuantizedProduct
from . import numpy_loops
from .layout import EVENTS, FIRED, Affine, Array, Neurons, Tally, empty_tally, lay_out_affines, lay_out_neurons
from .product_kernel import ProductKernel

FEW_SAMPLES = 64
"""So many samples numpy's loops can do, one at a time through some layers, in the time that numba takes to be loaded, 0.6 s."""


def message_widths(node: AnyNode) -> tuple[int, ...]:
    """Return the number of values that each connection, or factor, brings to a node."""
    if isinstance(node, (ProductSpec, QuantizedProduct)):
        return (node.width, node.width)
    holder = node.affine if isinstance(node, (QuantizedPopulation, QuantizedOutput)) else node
    return tuple(each.n_source for each in holder.connections)


class Loops(Protocol):
    """The functions that `compiled_loops` and `numpy_loops` have in common."""

    def multiply_rows(self, a: Array, affine: Affine, z: Array, tally: Tally, /) -> None:
        """Compute the drives z (n_rows, n_out) of inputs a (n_rows, n_in)."""

    def align_rows(self, product: Array, affine: Affine, z: Array, tally: Tally, /) -> None:
        """Compute the drives z (n_rows, n_out) of products W a (n_rows, n_out) that were made elsewhere."""

    def add_rows(self, a: Array, affine: Affine, total: Array, /) -> None:
        """Add the aligned products of one connection, inputs a (n_rows, n_in), to the sums (n_rows, n_out + padding)."""

    def add_products(self, product: Array, affine: Affine, total: Array, /) -> None:
        """Add products W a (n_rows, n_out) that were made elsewhere, aligned, to the sums (n_rows, n_out + padding)."""

    def close_rows(self, total: Array, affine: Affine, z: Array, tally: Tally, /) -> None:
        """Compute the drives z (n_rows, n_out) of sums of aligned products."""

    def fire_rows(self, z: Array, neurons: Neurons, membrane: Array, payload: Array, tally: Tally, /) -> None:
        """Advance neurons with drives z (n_rows, n_steps, n_out), or (n_rows, 1, n_out) for all steps of payload."""

    def layer_rows(
        self, a: Array, affine: Affine, neurons: Neurons, membrane: Array, payload: Array, tally: Tally, /
    ) -> None:
        """Advance a population with one connection from inputs (n_rows, n_steps, n_in) to payloads (n_rows, n_steps, n_out)."""


class NodeKernel(Protocol):
    """What a population or a product can do, whatever its numbers. Arrays are C-contiguous, rows first."""

    message_type: Any
    """Type of inputs, drives, membranes and payloads."""
    highest_inputs: tuple[float, ...]
    """Largest magnitude that a value of each connection may have."""
    widths_in: tuple[int, ...]
    """Number of values of each connection."""
    n_out: int

    def warm_up(self) -> None:
        """Call every function on no rows, so that processes forked later need not compile it."""

    def tally(self, n_steps: int, n_probed: int = 0) -> Tally:
        """Allocate counters at zero, with room for probed rows."""

    def advance(self, received: list[Array], membrane: Array, payload: Array, tally: Tally) -> None:
        """Advance from what each connection receives (n_rows, n_steps, n_source) to payloads (n_rows, n_steps, n_out)."""


class Kernel(NodeKernel, Protocol):
    """What a population can do besides; a read-out only drives."""

    def drive(self, received: list[Array], z: Array, tally: Tally) -> None:
        """Compute the drives z (n_rows, n_out) of what each connection receives (n_rows, n_source)."""

    def align(self, products: list[Array], z: Array, tally: Tally) -> None:
        """Compute the drives z (n_rows, n_out) of products W_c a_c (n_rows, n_out) of each connection, made elsewhere."""

    def fire(self, z: Array, membrane: Array, payload: Array, tally: Tally) -> None:
        """Advance with drives z (n_rows, n_out) that stay the same at all steps of payload (n_rows, n_steps, n_out)."""


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
    """A quantized population or read-out."""

    message_type = np.int32

    def __init__(self, layer: QuantizedPopulation | QuantizedOutput, loops: Loops | None = None) -> None:
        connections = layer.affine.connections
        self.highest_inputs: tuple[float, ...] = tuple((1 << (each.input_bits - 1)) - 1 for each in connections)
        self.widths_in = message_widths(layer)
        self.n_out = layer.n_out
        self.affines = lay_out_affines(layer.affine)
        self.loops = loops or fastest_loops()
        self._neurons = lay_out_neurons(layer) if isinstance(layer, QuantizedPopulation) else None

    @property
    def neurons(self) -> Neurons:
        """What follows the drive; a read-out has nothing of the kind."""
        assert self._neurons is not None, "a read-out has no neurons"
        return self._neurons

    def warm_up(self) -> None:
        """Call every loop that this node uses on no rows: numba compiles it, or loads it, here and now."""
        received = [np.zeros((0, n), np.int32) for n in self.widths_in]
        z = np.zeros((0, self.n_out), np.int32)
        self.drive(received, z, self.tally(1))
        self.align([z] * len(received), z, self.tally(1))
        if self._neurons is not None:
            payload = np.zeros((0, 1, self.n_out), np.int32)
            self.fire(z, z, payload, self.tally(1))
            self.advance([a[:, None] for a in received], z, payload, self.tally(1))

    def tally(self, n_steps: int, n_probed: int = 0) -> Tally:
        """Allocate counters at zero, with room for int32 membranes of the probed rows."""
        return empty_tally(n_steps, self.n_out, n_probed)

    def drive(self, received: list[Array], z: Array, tally: Tally) -> None:
        """Multiply, align, add and saturate; the sums are as wide as `layout` has proved to be enough."""
        if len(received) == 1:
            self.loops.multiply_rows(received[0], self.affines[0], z, tally)
        else:
            self._add(self.loops.add_rows, received, z, tally)

    def align(self, products: list[Array], z: Array, tally: Tally) -> None:
        """Align, add and saturate products that come from Lava's Dense, exact in int32."""
        if len(products) == 1:
            self.loops.align_rows(products[0], self.affines[0], z, tally)
        else:
            self._add(self.loops.add_products, products, z, tally)

    def _add(self, add: Callable[[Array, Affine, Array], None], values: list[Array], z: Array, tally: Tally) -> None:
        """Compute drives of what comes over several connections."""
        bias = self.affines[0].bias
        total = np.zeros((len(z), len(bias)), bias.dtype)
        for affine, given in zip(self.affines, values, strict=True):
            add(given, affine, total)
        self.loops.close_rows(total, self.affines[0], z, tally)

    def fire(self, z: Array, membrane: Array, payload: Array, tally: Tally) -> None:
        """Advance by the loops; `membrane` is changed in place."""
        self.loops.fire_rows(z[:, None], self.neurons, membrane, payload, tally)

    def advance(self, received: list[Array], membrane: Array, payload: Array, tally: Tally) -> None:
        """Advance by the loops; with one connection, drive and neurons in one pass over the rows.

        One pass is faster, because the drives of a row stay in registers and in the cache. `membrane` is changed in place.
        """
        if len(received) == 1:
            self.loops.layer_rows(received[0], self.affines[0], self.neurons, membrane, payload, tally)
            return
        n_rows, n_steps, n_out = payload.shape
        z = np.empty((n_rows * n_steps, n_out), np.int32)
        self.drive([a.reshape(n_rows * n_steps, a.shape[2]) for a in received], z, tally)
        self.loops.fire_rows(z.reshape(payload.shape), self.neurons, membrane, payload, tally)


class FloatKernel:
    """A float population or read-out. numpy's matrix product and its tanh are compiled already: no loops of our own."""

    message_type = np.float64

    def __init__(self, layer: PopulationSpec | OutputSpec) -> None:
        self.widths_in = message_widths(layer)
        self.highest_inputs: tuple[float, ...] = (float(np.finfo(np.float64).max),) * len(self.widths_in)
        self.n_out = layer.n_out
        self.layer = layer
        self._phi = find_activation(layer.activation).phi if isinstance(layer, PopulationSpec) else np.positive

    def warm_up(self) -> None:
        """Nothing is compiled."""

    def tally(self, n_steps: int, n_probed: int = 0) -> Tally:
        """Allocate counters at zero, with room for float64 membranes of the probed rows."""
        return empty_tally(n_steps, self.n_out, n_probed, np.float64)

    def drive(self, received: list[Array], z: Array, tally: Tally) -> None:
        """Multiply by BLAS and add the bias; nothing saturates."""
        pairs = zip(self.layer.connections, received, strict=True)
        self.align([a @ each.weight.T for each, a in pairs], z, tally)

    def align(self, products: list[Array], z: Array, tally: Tally) -> None:
        """Add the products and the bias: float products need no alignment."""
        z[:] = self.layer.bias
        for product in products:
            z += product

    def fire(self, z: Array, membrane: Array, payload: Array, tally: Tally) -> None:
        """Advance all rows step by step; `membrane` is changed in place."""
        for t in range(payload.shape[1]):
            self._step(z, membrane, payload[:, t], tally, t)

    def advance(self, received: list[Array], membrane: Array, payload: Array, tally: Tally) -> None:
        """Drive and advance all rows step by step; `membrane` is changed in place."""
        z = np.empty_like(membrane)
        for t in range(payload.shape[1]):
            self.drive([a[:, t] for a in received], z, tally)
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


def make_kernel(node: AnyNode, n_samples: int | None = None) -> Any:
    """Build the kernel that computes a node in its own numbers: a `NodeKernel` for a product, else a `Kernel`.

    Args:
        node: Float or quantized.
        n_samples: Number of samples there will be, None where nobody knows: for few of them numba is not worth loading.
    """
    if isinstance(node, (ProductSpec, QuantizedProduct)):
        return ProductKernel(node)
    if isinstance(node, (QuantizedPopulation, QuantizedOutput)):
        is_few = n_samples is not None and n_samples <= FEW_SAMPLES and "numba" not in sys.modules
        return IntegerKernel(node, numpy_loops if is_few else None)
    return FloatKernel(node)
