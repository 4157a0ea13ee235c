"""The integer loops of a layer, compiled: product, alignment, membrane, threshold and payload of each sample and step at once.

    p = W a_in                                    only inputs with an event are added up, four at a time
    z = clip(((p << up) + half >> down) + bias)   alignment, half up; up or down is zero
    m = clip(leak(m) + z)                         leak(m) = sign(m) * (|m| * beta >> 12)
    s = m >= theta                                or |m| >= theta
    a = phi(z) where s, else 0
    m = 0      where s

Sums have the type of `Affine.bias`, int32 where that has been proved enough; what is stored always fits into int32. A leak
needs no wider product, because |m| = high * 2**12 + low gives high * beta + (low * beta >> 12). Branches would keep the loops
over neurons from being vectorised: masks take their place. `kernels_numpy` has the same functions for machines without numba.
Neither knows the reference engine, with which both are compared.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neuropinn_lava.hardware_sim.compiling import compiled
from neuropinn_lava.hardware_sim.kernel_layout import (
    DRIVE,
    EVENTS,
    FIRED,
    MEMBRANE,
    PAYLOAD,
    RELU,
    TABLE,
    Affine,
    Array,
    Neurons,
    Phi,
    Tally,
)

I32 = np.int32


@compiled
def _multiply(a: Array, weight: Array, total: Array, active: Array) -> None:
    """total = W a, over the inputs that are not zero."""
    n = 0
    for i in range(len(a)):
        active[n] = i
        n += a[i] != 0
    for j in range(len(total)):
        total[j] = 0
    k = 0
    while k + 4 <= n:
        i0, i1, i2, i3 = active[k], active[k + 1], active[k + 2], active[k + 3]
        a0, a1, a2, a3 = a[i0], a[i1], a[i2], a[i3]
        for j in range(len(total)):
            total[j] += weight[i0, j] * a0 + weight[i1, j] * a1 + weight[i2, j] * a2 + weight[i3, j] * a3
        k += 4
    while k < n:
        i0 = active[k]
        a0 = a[i0]
        for j in range(len(total)):
            total[j] += weight[i0, j] * a0
        k += 1


@compiled
def _align(total: Array, affine: Affine, z: Array, saturated: Array) -> None:
    """z = clip(((total << up) + half >> down) + bias)."""
    limit = affine.limit
    for j in range(len(total)):
        total[j] = (((total[j] << affine.up[j]) + affine.half[j]) >> affine.down[j]) + affine.bias[j]
        held = min(max(total[j], -limit), limit)
        saturated[j] += held != total[j]
        z[j] = held


@compiled
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


@compiled
def _phi(z: Any, phi: Phi, half: Any) -> Any:
    """Give phi of a z that is not zero, rounded half up, not yet saturated."""
    if phi.kind == TABLE:
        q = abs(z)
        if q < phi.domain:
            cell = q >> phi.index_bits
            low = phi.entries[cell]
            p = (low << phi.index_bits) + (phi.entries[cell + 1] - low) * (q - (cell << phi.index_bits))
        else:
            p = (phi.entries[-1] << phi.index_bits) + (q - phi.domain) * phi.slope
        if z < 0 and phi.odd:
            p = -p
    elif phi.kind == RELU and z < 0:
        p = 0
    else:
        p = z
    return (p + half) >> -phi.left if phi.left < 0 else p << phi.left


@compiled
def _send(z: Array, fired: Array, phi: Phi, payload: Array, counts: Array, events: Array, saturated: Array) -> None:
    """a = phi(z) where the neuron fired, else 0; counts both."""
    half = np.int64(1) << (-phi.left - 1) if phi.left < 0 else np.int64(0)
    for j in range(len(z)):
        payload[j] = z[j] & fired[j]
        counts[j] -= fired[j]
    for j in range(len(z)):
        if payload[j]:
            rounded = _phi(np.int64(payload[j]), phi, half)
            held = min(max(rounded, -phi.highest), phi.highest)
            saturated[j] += held != rounded
            events[j] += held != 0
            payload[j] = held


@compiled
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
    _send(z, fired, neurons.phi, payload, tally.counts[FIRED, t], tally.counts[EVENTS, t], saturated[PAYLOAD])
    if r < tally.fired.shape[0]:
        for j in range(len(z)):
            tally.membrane[r, t, j] = membrane[j]
            tally.fired[r, t, j] = fired[j] != 0


@compiled
def multiply_rows(a: Array, affine: Affine, z: Array, tally: Tally) -> None:
    """Give the drives z (n_rows, n_out) of inputs a (n_rows, n_in)."""
    total = np.empty_like(affine.bias)
    active = np.empty(affine.weight.shape[0] + 1, np.int64)
    for r in range(a.shape[0]):
        _multiply(a[r], affine.weight, total, active)
        _align(total, affine, z[r], tally.saturated[DRIVE])


@compiled
def align_rows(product: Array, affine: Affine, z: Array, tally: Tally) -> None:
    """Give the drives z (n_rows, n_out) of products W a (n_rows, n_out) that somebody else has made."""
    total = np.empty_like(affine.bias)
    for r in range(product.shape[0]):
        for j in range(len(total)):
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
    total, fired = np.empty_like(affine.bias), np.empty(affine.weight.shape[1], np.int32)
    z = np.empty(affine.weight.shape[1], np.int32)
    active = np.empty(affine.weight.shape[0] + 1, np.int64)
    for r in range(a.shape[0]):
        for t in range(a.shape[1]):
            _multiply(a[r, t], affine.weight, total, active)
            _align(total, affine, z, tally.saturated[DRIVE])
            _step(z, neurons, membrane[r], payload[r, t], tally, r, t, total, fired)
