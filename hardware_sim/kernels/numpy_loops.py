"""The integer loops of `compiled_loops` in numpy, for machines without numba: the same functions, the same bits.

All rows of a step are handled at once. Products are made in float64, exactly, where every sum stays below 2**53, because
numpy multiplies integer matrices slowly; else in int64.
"""

from __future__ import annotations

import numpy as np

from .layout import DRIVE, EVENTS, FIRED, MEMBRANE, PAYLOAD, Affine, Array, Neurons, Phi, Tally

FLOAT_EXACT = 1 << 53
"""Integers up to this are exact in float64."""


def _multiply(a: Array, weight: Array) -> Array:
    """Compute p = W a, exact."""
    bound = int(np.abs(weight, dtype=np.int64).sum(axis=0).max()) * int(np.abs(a, dtype=np.int64).max(initial=0))
    if bound < FLOAT_EXACT:
        return np.asarray((a.astype(np.float64) @ weight.astype(np.float64)).astype(np.int64))
    return np.asarray(a.astype(np.int64) @ weight.astype(np.int64))


def _clip(wide: Array, limit: int, saturated: Array) -> Array:
    held = np.clip(wide, -limit, limit)
    saturated += (held != wide).sum(axis=0, dtype=np.int32)
    return held


def _aligned(product: Array, affine: Affine) -> Array:
    """Compute (product << up) + half >> down, in int64."""
    up, half, down = (values[: product.shape[1]].astype(np.int64) for values in (affine.up, affine.half, affine.down))
    return np.asarray(((product.astype(np.int64) << up) + half) >> down)


def add_products(product: Array, affine: Affine, total: Array) -> None:
    """Add products W a (n_rows, n_out) that were made elsewhere, aligned, to the sums total (n_rows, n_out + padding)."""
    total[:, : product.shape[1]] += _aligned(product, affine).astype(total.dtype)


def add_rows(a: Array, affine: Affine, total: Array) -> None:
    """Add the aligned products of one connection, inputs a (n_rows, n_in), to the sums total (n_rows, n_out + padding)."""
    add_products(_multiply(a, affine.weight), affine, total)


def close_rows(total: Array, affine: Affine, z: Array, tally: Tally) -> None:
    """Compute the drives z = clip(total + bias), (n_rows, n_out), of sums of aligned products."""
    n = z.shape[1]
    z[:] = _clip(total[:, :n].astype(np.int64) + affine.bias[:n], int(affine.limit), tally.saturated[DRIVE])


def align_rows(product: Array, affine: Affine, z: Array, tally: Tally) -> None:
    """Compute the drives z (n_rows, n_out) of products W a (n_rows, n_out) that were made elsewhere."""
    close_rows(_aligned(product, affine), affine, z, tally)


def multiply_rows(a: Array, affine: Affine, z: Array, tally: Tally) -> None:
    """Compute the drives z (n_rows, n_out) of inputs a (n_rows, n_in)."""
    align_rows(_multiply(a, affine.weight[:, : z.shape[1]]), affine, z, tally)


def _phi(z: Array, phi: Phi) -> Array:
    """Compute phi, rounded half up, not yet saturated."""
    q = np.abs(z) & phi.mask
    cell = np.minimum(q >> phi.index_bits, np.where(z < 0, phi.last_below, phi.last))
    place = cell + np.where(z < 0, phi.first_below, 0)
    entry, rise = np.moveaxis(phi.cells[place].astype(np.int64), -1, 0)
    p = (entry << phi.index_bits) + rise * (q - (cell << phi.index_bits))
    if phi.sign_below < 0:
        p = np.where(z < 0, -p, p)
    return np.asarray((p + phi.half) >> phi.shift)


def _step(z: Array, neurons: Neurons, membrane: Array, payload: Array, tally: Tally, t: int) -> None:
    """Advance the neurons of all rows by step t; z, membrane and payload are (n_rows, n_out)."""
    scaled = membrane * neurons.beta.astype(np.int64)
    kept = (scaled + (scaled < 0) * 4095) >> 12  # toward zero: a negative value is rounded up
    m = _clip(kept + z, int(neurons.limit), tally.saturated[MEMBRANE])
    fired = (np.abs(m) if neurons.both else m) >= neurons.theta
    rounded = np.where(fired & (z != 0), _phi(z.astype(np.int64), neurons.phi), 0)
    payload[:] = _clip(rounded, neurons.phi.highest, tally.saturated[PAYLOAD])
    membrane[:] = np.where(fired, 0, m)
    tally.counts[t, FIRED] += fired.sum(axis=0, dtype=np.int32)
    tally.counts[t, EVENTS] += (payload != 0).sum(axis=0, dtype=np.int32)
    n_probed = len(tally.fired)
    tally.membrane[:, t] = membrane[:n_probed]
    tally.fired[:, t] = fired[:n_probed]


def fire_rows(z: Array, neurons: Neurons, membrane: Array, payload: Array, tally: Tally) -> None:
    """Advance neurons with drives z (n_rows, n_steps, n_out), or (n_rows, 1, n_out) if all steps of payload have the same."""
    for t in range(payload.shape[1]):
        _step(z[:, min(t, z.shape[1] - 1)], neurons, membrane, payload[:, t], tally, t)


def layer_rows(a: Array, affine: Affine, neurons: Neurons, membrane: Array, payload: Array, tally: Tally) -> None:
    """Advance a layer from inputs a (n_rows, n_steps, n_in) to payloads (n_rows, n_steps, n_out)."""
    z = np.empty(membrane.shape, np.int64)
    for t in range(a.shape[1]):
        multiply_rows(a[:, t], affine, z, tally)
        _step(z, neurons, membrane, payload[:, t], tally, t)
