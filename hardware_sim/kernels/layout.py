"""A layer's integers as the loops of `compiled_loops` and `numpy_loops` want them, and where the loops count.

Named tuples of arrays, because numba takes them apart by name. Here it is also proved how wide a word the sums need: with
|p| <= bound for every input word, p << up, + half and + bias are bounded too, and int32 is enough for most layers. This module
knows the records of a quantized network, and no arithmetic of the reference engine.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...network.activations import Asymptote, Symmetry
from ...network.phi_table import PhiTable
from ...network.quantized import QuantizedAffine, QuantizedLayer
from ...network.spec import Polarity

Array = NDArray[Any]

FIRED, EVENTS = 0, 1
"""Second index of `Tally.counts`."""
DRIVE, MEMBRANE, PAYLOAD = 0, 1, 2
"""Rows of `Tally.saturated`."""

PADDING = 16
"""Rows of weights have a multiple of this length, so that vectors of numbers divide them."""
NARROW = 1 << 31
"""Sums whose magnitude stays below this are kept in int32."""
MAX_RISE = 31
"""log2 of the steepest identity: any z but 0 saturates a payload of 24 bits, and no z of 32 bits overflows."""
MAX_SHIFT = 62
"""Longest shift to the right: nothing is left of any z."""
NARROW_SHIFT = 30
"""Longest shift of an int32 that leaves room for the half."""


class Affine(NamedTuple):
    """z = clip(((W a << up) + half >> down) + bias), by neuron; all but the weight have the type of the sums."""

    weight: Array
    """W transposed, so that one input's weights lie side by side; int16, shape (n_in, n_out + padding), padded with zeros."""
    up: Array
    """Shift to the left, (n_out + padding,); zero where there is one to the right."""
    half: Array
    """What rounds a shift to the right half up, same shape."""
    down: Array
    """Shift to the right, same shape."""
    bias: Array
    """b, same shape."""
    limit: Any
    """Highest value of the state word, a scalar of the sums' type."""


class Phi(NamedTuple):
    """The payload's table; see `neuropinn_lava.network.phi_table` for its equations.

    With x = max(z, 0) for relu, else z, and q = |x|, every activation is one formula,

        cell = min(q >> index_bits, last)
        p    = (entry[cell] << index_bits) + rise[cell] * (q - (cell << index_bits))
        a    = clip(±p + half >> shift)

    because the last cell goes on for ever with the slope of the asymptote; identity and relu have no other cell.
    """

    cells: Array
    """entry and rise, shape (n_cells + 1, 2); int32 where all fit, so that a table takes less of the cache, else int64."""
    last: int
    """Index of the last cell."""
    index_bits: int
    """log2 of a cell's width."""
    shift: int
    """Last shift to the right."""
    half: int
    """What rounds it half up."""
    highest: int
    """Of the payload word."""
    odd: int
    """1 if phi(-z) = -phi(z), else phi is even."""
    relu: int
    """1 if negative z give nothing."""


class Neurons(NamedTuple):
    """What follows the drive: leak, threshold, payload."""

    beta: Array
    """Leak in units of 2**-12, (n_out,), in the sums' type."""
    theta: Array
    """Threshold, (n_out,), in the sums' type."""
    both: int
    """1 if |m| is compared, 0 if m is."""
    limit: Any
    """Highest value of the state word, a scalar of the sums' type."""
    phi: Phi


class Tally(NamedTuple):
    """What the loops write beside the payloads. Counts, int32, are added to: they hold fewer than 2**31 rows times steps."""

    counts: Array
    """FIRED and EVENTS, shape (n_steps, 2, n_out)."""
    saturated: Array
    """DRIVE, MEMBRANE and PAYLOAD, shape (3, n_out)."""
    membrane: Array
    """m after the reset of the first n_probed rows, shape (n_probed, n_steps, n_out)."""
    fired: Array
    """s of the same, bool."""


def lay_out_affine(affine: QuantizedAffine) -> Affine:
    """Transpose the weights, and split each alignment into a shift to the left and a rounded one to the right."""
    up, down = np.maximum(affine.left, 0), np.maximum(-affine.left, 0)
    half = np.where(down > 0, np.left_shift(np.int64(1), np.maximum(down - 1, 0)), 0)
    sums = sum_type(affine)
    weight = np.zeros((affine.n_in, -(-affine.n_out // PADDING) * PADDING), np.int16)
    weight[:, : affine.n_out] = affine.weight.T
    padding = (0, weight.shape[1] - affine.n_out)
    return Affine(
        weight=weight,
        up=np.pad(up.astype(sums), padding),
        half=np.pad(half.astype(sums), padding),
        down=np.pad(down.astype(sums), padding),
        bias=np.pad(affine.bias.astype(sums), padding),
        limit=sums((1 << (affine.state_bits - 1)) - 1),
    )


def sum_type(affine: QuantizedAffine) -> type[np.signedinteger[Any]]:
    """Give int32 if no sum of this layer can leave it, whatever its inputs; else int64.

    The membrane's sum, of two state words, is one of them: a state word of 32 bits needs int64.
    """
    if affine.state_bits > 31 or np.abs(affine.left).max() > NARROW_SHIFT:
        return np.int64
    highest = 0
    for bound, left, bias in zip(
        affine.product_bound().tolist(), affine.left.tolist(), affine.bias.tolist(), strict=True
    ):
        half = 1 << (-left - 1) if left < 0 else 0
        highest = max(highest, (bound << max(left, 0)) + half + abs(bias))
    return np.int32 if highest < NARROW else np.int64


def lay_out_neurons(layer: QuantizedLayer) -> Neurons:
    """Collect what the loops need after the drive."""
    sums = sum_type(layer.affine)
    return Neurons(
        beta=layer.beta.astype(sums),
        theta=layer.theta.astype(sums),
        both=int(layer.polarity is Polarity.BOTH),
        limit=sums((1 << (layer.affine.state_bits - 1)) - 1),
        phi=_lay_out_phi(layer.table),
    )


def _lay_out_phi(table: PhiTable) -> Phi:
    if table.rule.needs_table:
        left, entries = -(table.fraction_bits + table.index_bits), table.entries
        beyond = 1 << table.slope_exponent if table.rule.asymptote is Asymptote.SLOPE_ONE else 0
        rise = np.append(np.diff(table.entries), beyond)
    else:
        left, entries = table.state_exponent - table.payload_exponent, np.zeros(1, np.int64)
        left = max(-MAX_SHIFT, min(left, MAX_RISE))
        rise = np.array([1 << max(left, 0)])
    cells = np.stack([entries, rise], axis=1)
    return Phi(
        cells=cells.astype(np.int32 if np.abs(cells).max() < NARROW else np.int64),
        last=len(entries) - 1,
        index_bits=table.index_bits,
        shift=max(-left, 0),
        half=1 << (-left - 1) if left < 0 else 0,
        highest=(1 << (table.payload_bits - 1)) - 1,
        odd=int(table.rule.symmetry is not Symmetry.EVEN),
        relu=int(table.activation == "relu"),
    )


def empty_tally(n_steps: int, n_out: int, n_probed: int = 0, membrane_type: Any = np.int32) -> Tally:
    """Make counters at zero, with room for the probed rows."""
    return Tally(
        counts=np.zeros((n_steps, 2, n_out), np.int32),
        saturated=np.zeros((3, n_out), np.int32),
        membrane=np.zeros((n_probed, n_steps, n_out), membrane_type),
        fired=np.zeros((n_probed, n_steps, n_out), np.bool_),
    )
