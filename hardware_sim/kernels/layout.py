"""A node's integers as the loops of `compiled_loops` and `numpy_loops` want them, and where the loops count.

Named tuples of arrays, because numba takes them apart by name. Here it is also proved how wide a word the sums need: with
|p| <= bound for every input word, p << up, + half and + bias are bounded too, and int32 is enough for most nodes. This module
knows the records of a quantized network, and no arithmetic of the reference engine.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...network.nodes import Polarity
from ...network.phi_table import PhiTable, Side
from ...network.quantized_nodes import QuantizedAffine, QuantizedPopulation

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
    """A connection, z = clip(((W a << up) + half >> down) + bias) where it is the only one, by neuron.

    All but the weight have the type of the node's sums.
    """

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

    With q = |z| & mask, and first and last being those of z's sign, every activation is one formula,

        cell = min(q >> index_bits, last)
        p    = (entry[first + cell] << index_bits) + rise[first + cell] * (q - (cell << index_bits))
        a    = clip(±p + half >> shift)

    because the last cell goes on for ever with the slope of the asymptote; identity and relu have no other cell.
    """

    cells: Array
    """entry and rise of z >= 0 and then, where they are others, of z < 0, shape (n, 2); int32 where all fit, so that a table
    takes less of the cache, else int64."""
    last: int
    """Index of the last cell of z >= 0."""
    first_below: int
    """Where the cells of z < 0 begin."""
    last_below: int
    """Index of the last cell of z < 0, counted from there."""
    sign_below: int
    """Sign of p for z < 0."""
    mask: int
    """What takes |z| modulo the period; -1 without one."""
    index_bits: int
    """log2 of a cell's width."""
    shift: int
    """Last shift to the right."""
    half: int
    """What rounds it half up."""
    highest: int
    """Of the payload word."""


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


def lay_out_affines(affine: QuantizedAffine) -> tuple[Affine, ...]:
    """Lay out each connection of a node: transposed weights, and alignments split into a shift to the left and a rounded one.

    Bias and state word are the node's, the same for all of its connections.
    """
    sums = sum_type(affine)
    padding = (0, -affine.n_out % PADDING)
    bias, limit = np.pad(affine.bias.astype(sums), padding), sums((1 << (affine.state_bits - 1)) - 1)
    laid_out = []
    for each, left in zip(affine.connections, affine.lefts, strict=True):
        up, half, down = (np.pad(values.astype(sums), padding) for values in split_shift(left))
        weight = np.zeros((each.n_source, len(bias)), np.int16)  # in C's order, an input's weights side by side
        weight[:, : affine.n_out] = each.weight.T
        laid_out.append(Affine(weight=weight, up=up, half=half, down=down, bias=bias, limit=limit))
    return tuple(laid_out)


def split_shift(left: Array) -> tuple[Array, Array, Array]:
    """Split shifts to the left, negative to the right, into one to the left, the half that rounds, and one to the right."""
    up, down = np.maximum(left, 0), np.maximum(-left, 0)
    return up, np.where(down > 0, np.left_shift(np.int64(1), np.maximum(down - 1, 0)), 0), down


def sum_type(affine: QuantizedAffine) -> type[np.signedinteger[Any]]:
    """Return int32 if no sum of this node can leave it, whatever its inputs; else int64.

    The membrane's sum, of two state words, is one of them: a state word of 32 bits needs int64.
    """
    if affine.state_bits > 31 or max(np.abs(left).max() for left in affine.lefts) > NARROW_SHIFT:
        return np.int64
    highest = [abs(bias) for bias in affine.bias.tolist()]
    for each, lefts in zip(affine.connections, affine.lefts, strict=True):
        for j, (bound, left) in enumerate(zip(each.product_bound().tolist(), lefts.tolist(), strict=True)):
            highest[j] += (bound << max(left, 0)) + (1 << (-left - 1) if left < 0 else 0)
    return np.int32 if max(highest) < NARROW else np.int64


def lay_out_neurons(layer: QuantizedPopulation) -> Neurons:
    """Collect what the loops need after the drive."""
    sums = sum_type(layer.affine)
    return Neurons(
        beta=layer.beta.astype(sums),
        theta=layer.theta.astype(sums),
        both=int(layer.polarity is Polarity.BOTH),
        limit=sums((1 << (layer.affine.state_bits - 1)) - 1),
        phi=lay_out_phi(layer.table),
    )


def lay_out_phi(table: PhiTable) -> Phi:
    """Lay out a payload table as the cells of one formula."""
    above, below = table.sides
    left = max(-MAX_SHIFT, table.left)
    rising = min(max(left, 0), MAX_RISE)  # only identity and relu rise by a shift to the left
    cells = [_lay_out_cells(side) << rising for side in (above, below)]
    is_shared = np.array_equal(cells[0], cells[1])
    both = cells[0] if is_shared else np.concatenate(cells)
    return Phi(
        cells=both.astype(np.int32 if np.abs(both).max() < NARROW else np.int64),
        last=len(cells[0]) - 1,
        first_below=0 if is_shared else len(cells[0]),
        last_below=len(cells[1]) - 1,
        sign_below=below.sign,
        mask=table.period_mask,
        index_bits=table.index_bits,
        shift=max(-left, 0),
        half=1 << (-left - 1) if left < 0 else 0,
        highest=(1 << (table.payload_bits - 1)) - 1,
    )


def count_phi_bits(phi: Phi, state_bits: int) -> int:
    """Count the bits of (entry << index_bits) + rise * (q - start) and its half, over every q of the state word."""
    highest = (1 << (state_bits - 1)) - 1
    if phi.mask >= 0:
        highest = min(highest, phi.mask)
    lasts = {phi.last, phi.first_below + phi.last_below}
    worst = 0
    for k, (entry, rise) in enumerate(phi.cells.tolist()):
        first = phi.first_below if k >= phi.first_below > 0 else 0
        width = max(highest - ((k - first) << phi.index_bits), 0) if k in lasts else 1 << phi.index_bits
        worst = max(worst, abs(entry << phi.index_bits) + abs(rise) * width)
    return (worst + phi.half).bit_length() + 1


def _lay_out_cells(side: Side) -> Array:
    """Pair the entry at the start of each cell of a side with its rise; the last cell is the asymptote."""
    return np.stack([side.entries, np.append(np.diff(side.entries), side.slope)], axis=1)


def empty_tally(n_steps: int, n_out: int, n_probed: int = 0, membrane_type: Any = np.int32) -> Tally:
    """Allocate counters at zero, with room for the probed rows."""
    return Tally(
        counts=np.zeros((n_steps, 2, n_out), np.int32),
        saturated=np.zeros((3, n_out), np.int32),
        membrane=np.zeros((n_probed, n_steps, n_out), membrane_type),
        fired=np.zeros((n_probed, n_steps, n_out), np.bool_),
    )
