"""The integer loops of a layer, compiled: product, alignment, membrane, threshold and payload of each sample and step at once.

    p = W a_in                                    only inputs with an event are added up
    z = clip(((p << up) + half >> down) + bias)   alignment, half up; up or down is zero
    m = clip(leak(m) + z)                         leak(m) = sign(m) * (|m| * beta >> 12)
    s = m >= theta                                or |m| >= theta
    a = phi(z) where s, else 0
    m = 0      where s

Sums have the type of `Affine.bias`, int32 where that has been proved enough; what is stored always fits into int32. A leak
needs no wider product, because |m| = high * 2**12 + low gives high * beta + (low * beta >> 12). Branches would keep the loops
over neurons from being vectorised: masks take their place. `send_even` and `send_odd` end alike: the lines that they share took
fifteen times as long in a function that both called for every neuron, because each call counted references to its arrays.

`numpy_loops` has the same functions for machines without numba. Neither knows the reference engine, with which both are
compared.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .compiling import compiled, inlined
from .layout import DRIVE, EVENTS, FIRED, MEMBRANE, PAYLOAD, Affine, Array, Neurons, Phi, Tally
from .vector_loops import add_16, add_32, events, lowest

I32, U64 = np.int32, np.uint64


@inlined
def _multiply(a: Array, weight: Array, total: Array) -> None:
    """total = W a, over the inputs that are not zero."""
    width = weight.shape[1]
    total[:] = 0
    for offset in range(0, len(a), 64):
        mask = events(a, offset)
        for first in range(0, width - 31, 32):
            add_32(weight, a, mask, offset, total, first)
        if width % 32:
            add_16(weight, a, mask, offset, total, width - 16)


@inlined
def _align(total: Array, affine: Affine, z: Array, saturated: Array) -> None:
    """z = clip(((total << up) + half >> down) + bias)."""
    limit = affine.limit
    for j in range(len(z)):
        total[j] = (((total[j] << affine.up[j]) + affine.half[j]) >> affine.down[j]) + affine.bias[j]
        held = min(max(total[j], -limit), limit)
        saturated[j] += held != total[j]
        z[j] = held


@inlined
def _fire(z: Array, neurons: Neurons, membrane: Array, total: Array, fired: Array, saturated: Array) -> None:
    """Leak, integrate, compare, reset; `fired` becomes -1 where s, a mask, else 0."""
    limit = neurons.limit
    for j in range(len(z)):
        size = I32(abs(membrane[j]))
        kept = I32((size >> 12) * neurons.beta[j]) + I32(I32((size & I32(4095)) * neurons.beta[j]) >> 12)
        total[j] = z[j] + (I32(-kept) if membrane[j] < 0 else I32(kept))
        m = min(max(total[j], -limit), limit)
        saturated[j] += m != total[j]
        reached = abs(m) if neurons.both else m
        silent = I32(reached < neurons.theta[j])
        membrane[j] = m & I32(-silent)
        fired[j] = I32(silent - 1)


@inlined
def _curve(q: Any, phi: Phi) -> Any:
    """Give phi of q >= 0, before its last shift."""
    cell = U64(min(q >> phi.index_bits, phi.last))
    return phi.cells[cell, 0] + phi.cells[cell, 1] * (q - (np.int64(cell) << phi.index_bits))


@inlined
def send_even(z: Array, mask: Any, offset: Any, phi: Phi, payload: Array, n_events: Array, saturated: Array) -> None:
    """a = phi(|z|) for the neurons in the mask."""
    while mask:
        j = lowest(mask) + U64(offset)
        mask &= mask - U64(1)
        rounded = (_curve(abs(np.int64(z[j])), phi) + phi.half) >> phi.shift
        held = min(max(rounded, -phi.highest), phi.highest)
        if held != rounded:
            saturated[j] += 1
        n_events[j] += held != 0
        payload[j] = held


@inlined
def send_odd(z: Array, mask: Any, offset: Any, phi: Phi, payload: Array, n_events: Array, saturated: Array) -> None:
    """a = ±phi(|z|) for the neurons in the mask; relu gives nothing where z is negative."""
    while mask:
        j = lowest(mask) + U64(offset)
        mask &= mask - U64(1)
        x: Any = np.int64(z[j])
        if phi.relu:
            x = max(x, 0)
        p = _curve(abs(x), phi)
        rounded = ((-p if x < 0 else p) + phi.half) >> phi.shift
        held = min(max(rounded, -phi.highest), phi.highest)
        if held != rounded:
            saturated[j] += 1
        n_events[j] += held != 0
        payload[j] = held


@inlined
def _send(z: Array, fired: Array, phi: Phi, payload: Array, counts: Array, n_events: Array, saturated: Array) -> None:
    """a = phi(z) where the neuron fired, else 0; counts both."""
    for j in range(len(z)):
        payload[j] = 0
        counts[j] -= fired[j]
    for offset in range(0, len(z), 64):
        mask = events(fired, offset)
        if phi.odd:
            send_odd(z, mask, offset, phi, payload, n_events, saturated)
        else:
            send_even(z, mask, offset, phi, payload, n_events, saturated)


@inlined
def _step(
    z: Array,
    neurons: Neurons,
    membrane: Array,
    payload: Array,
    tally: Tally,
    r: int,
    t: int,
    total: Array,
    fired: Array,
) -> None:
    """Advance the neurons of row r by step t."""
    saturated = tally.saturated
    _fire(z, neurons, membrane, total, fired, saturated[MEMBRANE])
    _send(z, fired, neurons.phi, payload, tally.counts[t, FIRED], tally.counts[t, EVENTS], saturated[PAYLOAD])
    if r < tally.fired.shape[0]:
        for j in range(len(z)):
            tally.membrane[r, t, j] = membrane[j]
            tally.fired[r, t, j] = fired[j] != 0


@compiled
def multiply_rows(a: Array, affine: Affine, z: Array, tally: Tally) -> None:
    """Give the drives z (n_rows, n_out) of inputs a (n_rows, n_in)."""
    total = np.empty(affine.weight.shape[1], affine.bias.dtype)
    for r in range(a.shape[0]):
        _multiply(a[r], affine.weight, total)
        _align(total, affine, z[r], tally.saturated[DRIVE])


@compiled
def align_rows(product: Array, affine: Affine, z: Array, tally: Tally) -> None:
    """Give the drives z (n_rows, n_out) of products W a (n_rows, n_out) that somebody else has made."""
    total = np.empty_like(affine.bias)
    for r in range(product.shape[0]):
        for j in range(product.shape[1]):
            total[j] = product[r, j]
        _align(total, affine, z[r], tally.saturated[DRIVE])


@compiled
def fire_rows(z: Array, neurons: Neurons, membrane: Array, payload: Array, tally: Tally) -> None:
    """Advance neurons whose drives z (n_rows, n_out) are the same at all steps of payload (n_rows, n_steps, n_out)."""
    total, fired = np.empty_like(neurons.beta), np.empty(z.shape[1], np.int32)
    for r in range(z.shape[0]):
        for t in range(payload.shape[1]):
            _step(z[r], neurons, membrane[r], payload[r, t], tally, r, t, total, fired)


@compiled
def layer_rows(a: Array, affine: Affine, neurons: Neurons, membrane: Array, payload: Array, tally: Tally) -> None:
    """Advance a layer from inputs a (n_rows, n_steps, n_in) to payloads (n_rows, n_steps, n_out)."""
    total = np.empty(affine.weight.shape[1], affine.bias.dtype)
    z, fired = np.empty(membrane.shape[1], np.int32), np.empty(membrane.shape[1], np.int32)
    for r in range(a.shape[0]):
        for t in range(a.shape[1]):
            _multiply(a[r, t], affine.weight, total)
            _align(total, affine, z, tally.saturated[DRIVE])
            _step(z, neurons, membrane[r], payload[r, t], tally, r, t, total, fired)
