"""The integer loops of a population, compiled by numba: drive, membrane, threshold, payload of each sample and step at once.

    p = W a_in                                    only inputs with an event are added up
    z = clip(((p << up) + half >> down) + bias)   alignment, half up; up or down is zero
    m = clip(leak(m) + z)                         leak(m) = sign(m) * (|m| * beta >> 12)
    s = m >= theta                                or |m| >= theta
    a = phi(z) where s, else 0
    m = 0      where s

With several connections, `add_rows` adds up the aligned products of one after the other, and `close_rows` makes z of them.

Sums have the type of `Affine.bias`, int32 where that has been proved enough; what is stored always fits into int32. A leak
needs no wider product, because |m| = high * 2**12 + low gives high * beta + (low * beta >> 12).

Two kinds of loops make a layer fast. Loops over all neurons are free of branches, so that LLVM turns them into vector
instructions. Loops over events visit only the inputs, or the neurons, that sent something.

A function that Python calls allocates the memory of a row and calls an inlined one, which visits all rows: only there are views
of arrays free, because nothing counts references to them (`compiling.inlined`).

`numpy_loops` has the same functions for few samples and for machines without numba. Neither knows the reference engine, with
which both are compared.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .compiling import compiled, inlined
from .layout import DRIVE, EVENTS, FIRED, MEMBRANE, PAYLOAD, Affine, Array, Neurons, Phi, Tally

I32, I64, U64 = np.int32, np.int64, np.uint64
BLOCK = 64
"""Numbers of which one word tells, bit by bit, which are events."""


class Scratch(NamedTuple):
    """Memory that the rows use one after the other."""

    total: Array
    """Sums before saturation, as wide as `Affine.bias`."""
    fired: Array
    """int32, a multiple of 64 long: not zero where there is an event."""
    places: Array
    """Places of the events, uint32: numba looks for a negative index, counted from the end, in signed numbers only."""


@inlined
def _find_events(values: Array, index: Array) -> Any:
    """Write the places of the entries that are not zero into `index`; return how many there are.

    The length of `values` is a multiple of 64. A word of 64 bits is first made of each 64 entries, without a branch; its
    lowest bit, 2**k, is a float64 with the exponent k + 1023.
    """
    n_found = 0
    for first in range(0, len(values), BLOCK):
        block, mask = values[first : first + BLOCK], U64(0)
        for k in range(BLOCK):
            mask |= U64(block[k] != 0) << U64(k)
        while mask:
            index[n_found] = first + (np.float64(mask & (~mask + U64(1))).view(I64) >> 52) - 1023
            n_found += 1
            mask &= mask - U64(1)
    return n_found


@inlined
def _multiply(a: Array, weight: Array, padded: Array, index: Array, total: Array) -> None:
    """Add W a to `total`, over the inputs that are not zero, four at a time."""
    for i in range(len(a)):
        padded[i] = a[i]
    n_events = _find_events(padded, index)
    n_fours = n_events & ~3
    for k in range(0, n_fours, 4):
        i0, i1, i2, i3 = index[k], index[k + 1], index[k + 2], index[k + 3]
        a0, a1, a2, a3 = a[i0], a[i1], a[i2], a[i3]
        w0, w1, w2, w3 = weight[i0], weight[i1], weight[i2], weight[i3]
        for j in range(len(total)):
            total[j] += w0[j] * a0 + w1[j] * a1 + w2[j] * a2 + w3[j] * a3
    for k in range(n_fours, n_events):
        w, event = weight[index[k]], a[index[k]]
        for j in range(len(total)):
            total[j] += w[j] * event


@inlined
def _align(total: Array, affine: Affine, z: Array, saturated: Array) -> None:
    """Compute z = clip(((total << up) + half >> down) + bias); the sums are zero again afterwards. Masks change no shift."""
    limit, longest = affine.limit, total.itemsize * 8 - 1
    for j in range(len(z)):
        total[j] <<= affine.up[j] & longest
        total[j] += affine.half[j]
        total[j] >>= affine.down[j] & longest
        total[j] += affine.bias[j]
        held = min(max(total[j], -limit), limit)
        saturated[j] += held != total[j]
        z[j] = held
        total[j] = 0


@inlined
def _add_aligned(product: Array, affine: Affine, total: Array) -> None:
    """Add to `total` (product << up) + half >> down; the products are zero again for the next row."""
    longest = product.itemsize * 8 - 1
    for j in range(len(total)):
        product[j] <<= affine.up[j] & longest
        product[j] += affine.half[j]
        total[j] += product[j] >> (affine.down[j] & longest)
        product[j] = 0


@inlined
def _fire(z: Array, neurons: Neurons, membrane: Array, total: Array, fired: Array, saturated: Array) -> None:
    """Leak, integrate, compare, reset; `fired` becomes 1 where s, else 0."""
    limit = neurons.limit
    for j in range(len(z)):
        size = I32(abs(membrane[j]))
        kept = I32((size >> 12) * neurons.beta[j]) + I32(I32((size & I32(4095)) * neurons.beta[j]) >> 12)
        total[j] = z[j] + (I32(-kept) if membrane[j] < 0 else I32(kept))
        m = min(max(total[j], -limit), limit)
        saturated[j] += m != total[j]
        reached = I32(abs(m)) if neurons.both else I32(m)
        silent = I32(reached < neurons.theta[j])
        membrane[j] = m & I32(-silent)
        fired[j] = I32(1) - silent


@inlined
def _send(z: Array, index: Array, phi: Phi, payload: Array, counts: Array, saturated: Array) -> None:
    """Compute a = phi(z) of the neurons in `index`, which fired; `counts` are those of this step."""
    for k in range(len(index)):
        j = index[k]
        x: Any = I64(z[j])
        q = abs(x) & phi.mask
        below = x < 0
        cell = min(q >> phi.index_bits, phi.last_below if below else phi.last)
        place = U64(cell + phi.first_below if below else cell)
        entry, rise = I64(phi.cells[place, 0]), I64(phi.cells[place, 1])
        p = (entry << phi.index_bits) + rise * (q - (cell << phi.index_bits))
        if below:
            p *= phi.sign_below
        rounded = (p + phi.half) >> phi.shift
        held = min(max(rounded, -phi.highest), phi.highest)
        if held != rounded:
            saturated[j] += 1
        counts[FIRED, j] += 1
        counts[EVENTS, j] += held != 0
        payload[j] = held


@inlined
def _step(
    z: Array, neurons: Neurons, membrane: Array, payload: Array, tally: Tally, r: int, t: int, room: Scratch
) -> None:
    """Advance the neurons of row r by step t."""
    _fire(z, neurons, membrane, room.total, room.fired, tally.saturated[MEMBRANE])
    n_fired = _find_events(room.fired, room.places)
    payload[:] = 0
    _send(z, room.places[:n_fired], neurons.phi, payload, tally.counts[t], tally.saturated[PAYLOAD])
    if r < tally.fired.shape[0]:
        for j in range(len(z)):
            tally.membrane[r, t, j] = membrane[j]
            tally.fired[r, t, j] = room.fired[j] != 0


@inlined
def _multiply_rows(a: Array, affine: Affine, z: Array, saturated: Array, room: Scratch) -> None:
    for r in range(a.shape[0]):
        _multiply(a[r], affine.weight, room.fired, room.places, room.total)
        _align(room.total, affine, z[r], saturated)


@inlined
def _align_rows(product: Array, affine: Affine, z: Array, saturated: Array, total: Array) -> None:
    for r in range(product.shape[0]):
        for j in range(product.shape[1]):
            total[j] = product[r, j]
        _align(total, affine, z[r], saturated)


@inlined
def _fire_rows(z: Array, neurons: Neurons, membrane: Array, payload: Array, tally: Tally, room: Scratch) -> None:
    for r in range(z.shape[0]):
        for t in range(payload.shape[1]):
            _step(z[r, min(t, z.shape[1] - 1)], neurons, membrane[r], payload[r, t], tally, r, t, room)


@inlined
def _add_rows(a: Array, affine: Affine, total: Array, room: Scratch) -> None:
    for r in range(a.shape[0]):
        _multiply(a[r], affine.weight, room.fired, room.places, room.total)
        _add_aligned(room.total, affine, total[r])


@inlined
def _add_products(product: Array, affine: Affine, total: Array, room: Array) -> None:
    for r in range(product.shape[0]):
        for j in range(product.shape[1]):
            room[j] = product[r, j]
        _add_aligned(room, affine, total[r])


@inlined
def _layer_rows(
    a: Array,
    affine: Affine,
    neurons: Neurons,
    membrane: Array,
    payload: Array,
    tally: Tally,
    z: Array,
    of_drive: Scratch,
    of_neurons: Scratch,
) -> None:
    for r in range(a.shape[0]):
        for t in range(a.shape[1]):
            _multiply(a[r, t], affine.weight, of_drive.fired, of_drive.places, of_drive.total)
            _align(of_drive.total, affine, z, tally.saturated[DRIVE])
            _step(z, neurons, membrane[r], payload[r, t], tally, r, t, of_neurons)


@compiled
def _make_room(n: int, n_sums: int, like: Array) -> Any:
    """Allocate what one row of n numbers needs."""
    n_padded = (n + BLOCK - 1) // BLOCK * BLOCK
    return Scratch(np.zeros(n_sums, like.dtype), np.zeros(n_padded, np.int32), np.empty(n_padded, np.uint32))


@compiled
def multiply_rows(a: Array, affine: Affine, z: Array, tally: Tally) -> None:
    """Compute the drives z (n_rows, n_out) of inputs a (n_rows, n_in)."""
    room = _make_room(a.shape[1], affine.weight.shape[1], affine.bias)
    _multiply_rows(a, affine, z, tally.saturated[DRIVE], room)


@compiled
def align_rows(product: Array, affine: Affine, z: Array, tally: Tally) -> None:
    """Compute the drives z (n_rows, n_out) of products W a (n_rows, n_out) that were made elsewhere."""
    _align_rows(product, affine, z, tally.saturated[DRIVE], np.empty_like(affine.bias))


@compiled
def add_rows(a: Array, affine: Affine, total: Array) -> None:
    """Add the aligned products of one connection, inputs a (n_rows, n_in), to the sums total (n_rows, n_out + padding)."""
    _add_rows(a, affine, total, _make_room(a.shape[1], affine.weight.shape[1], affine.bias))


@compiled
def add_products(product: Array, affine: Affine, total: Array) -> None:
    """Add products W a (n_rows, n_out) that were made elsewhere, aligned, to the sums total (n_rows, n_out + padding)."""
    _add_products(product, affine, total, np.zeros_like(affine.bias))


@compiled
def close_rows(total: Array, affine: Affine, z: Array, tally: Tally) -> None:
    """Compute the drives z = clip(total + bias), (n_rows, n_out), of sums of aligned products."""
    limit, saturated = affine.limit, tally.saturated[DRIVE]
    for r in range(z.shape[0]):
        for j in range(z.shape[1]):
            wide = total[r, j] + affine.bias[j]
            held = min(max(wide, -limit), limit)
            saturated[j] += held != wide
            z[r, j] = held


@compiled
def fire_rows(z: Array, neurons: Neurons, membrane: Array, payload: Array, tally: Tally) -> None:
    """Advance neurons with drives z (n_rows, n_steps, n_out), or (n_rows, 1, n_out) if all steps of payload have the same."""
    _fire_rows(z, neurons, membrane, payload, tally, _make_room(z.shape[2], z.shape[2], neurons.beta))


@compiled
def layer_rows(a: Array, affine: Affine, neurons: Neurons, membrane: Array, payload: Array, tally: Tally) -> None:
    """Advance a layer from inputs a (n_rows, n_steps, n_in) to payloads (n_rows, n_steps, n_out)."""
    n_out = payload.shape[2]
    of_drive = _make_room(a.shape[2], affine.weight.shape[1], affine.bias)
    of_neurons = _make_room(n_out, n_out, neurons.beta)
    _layer_rows(a, affine, neurons, membrane, payload, tally, np.empty(n_out, np.int32), of_drive, of_neurons)
