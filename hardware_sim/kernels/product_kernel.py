"""Arithmetic of a product, in integers and in floats: a pass over vectors, which numpy does as fast as a loop of our own.

p = a_left * a_right                          exact in int64
a = clip((p << up) + half >> down)            half up; up or down is zero
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...network.nodes import ProductSpec
from ...network.quantized_nodes import QuantizedProduct
from .layout import EVENTS, FIRED, PAYLOAD, Array, Tally, empty_tally


class ProductKernel:
    """A product of two sources, elementwise; it has no membranes. In the place of what fires it counts pairs of two events."""

    def __init__(self, node: ProductSpec | QuantizedProduct) -> None:
        self.node = node
        self.n_out = node.n_out
        self.widths_in = (node.n_out, node.n_out)
        is_integer = isinstance(node, QuantizedProduct)
        self.message_type: Any = np.int32 if is_integer else np.float64
        self.highest_inputs: tuple[float, ...] = (float(np.finfo(np.float64).max),) * 2
        if isinstance(node, QuantizedProduct):
            self.highest_inputs = tuple((1 << (word.bits - 1)) - 1 for word in (node.left_word, node.right_word))

    def warm_up(self) -> None:
        """Nothing is compiled."""

    def tally(self, n_steps: int, n_probed: int = 0) -> Tally:
        """Allocate counters at zero."""
        return empty_tally(n_steps, self.n_out, n_probed, self.message_type)

    def advance(self, received: list[Array], membrane: Array, payload: Array, tally: Tally) -> None:
        """Compute payloads (n_rows, n_steps, n_out) of both factors, of the same shape; `membrane` stays as it is."""
        left, right = received
        if isinstance(self.node, QuantizedProduct):
            payload[:] = self._rounded(left.astype(np.int64) * right, self.node, tally)
        else:
            np.multiply(left, right, out=payload)
        tally.counts[:, FIRED] += ((left != 0) & (right != 0)).sum(axis=0, dtype=np.int32)
        tally.counts[:, EVENTS] += (payload != 0).sum(axis=0, dtype=np.int32)
        tally.membrane[:] = 0
        tally.fired[:] = False

    def _rounded(self, product: Array, node: QuantizedProduct, tally: Tally) -> Array:
        """Shift products half up, saturate them, and count what saturates."""
        if node.shift < 0:
            product = (product + (1 << (-node.shift - 1))) >> -node.shift
        else:
            product = product << node.shift
        highest = (1 << (node.sends.bits - 1)) - 1
        held = np.clip(product, -highest, highest)
        tally.saturated[PAYLOAD] += (held != product).sum(axis=(0, 1), dtype=np.int32)
        return held
