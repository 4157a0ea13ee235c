"""The loops of `compiled_loops` for layers whose words have at most 16 bits and whose sums 32: most layers, and the fastest.

The same functions and the same equations: inputs are multiplied in pairs (`pair_products`), neurons advanced 16 at a time
(`neuron_vectors`), payloads looked up 8 at a time (`payload_vectors`). Pairs of inputs without an event are passed over, and so
are sixteen neurons of which none fired. A table whose cells are too large to be packed is looked up one neuron at a time.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .compiled_loops import align_rows, send_even, send_odd
from .compiling import compiled, inlined
from .layout import DRIVE, EVENTS, FIRED, MEMBRANE, PAYLOAD, Affine, Array, Neurons, Phi, Tally
from .neuron_vectors import NeuronsAt, fire_row
from .pair_products import CHUNK, AffineAt, drive_16, drive_32, drive_64, pack_pairs
from .payload_vectors import PhiAt, send_row

__all__ = ["align_rows", "fire_rows", "layer_rows", "multiply_rows"]

NUMBER = 4
"""Bytes of an int32."""


@inlined
def _at(array: Array) -> Any:
    """Give an array's address."""
    return _whole(array.ctypes.data)


@inlined
def _whole(number: Any) -> Any:
    """Give an int64, whatever integer it was."""
    return np.int64(number)


@inlined
def _locate_affine(affine: Affine) -> Any:
    n_chunks = (affine.pairs.shape[0] + CHUNK - 1) // CHUNK
    return AffineAt(
        _at(affine.pairs),
        _whole(affine.pairs.shape[1]),
        _whole(n_chunks),
        _at(affine.up),
        _at(affine.half),
        _at(affine.down),
        _at(affine.bias),
        _whole(affine.limit),
    )


@inlined
def _locate_neurons(neurons: Neurons) -> Any:
    return NeuronsAt(_at(neurons.beta), _at(neurons.theta), _whole(neurons.both), _whole(neurons.limit))


@inlined
def _locate_phi(phi: Phi) -> Any:
    return PhiAt(_at(phi.packed), phi.last, phi.index_bits, phi.shift, phi.half, phi.highest, phi.odd, phi.relu)


@inlined
def _drive(a: int, n_in: int, affine: Any, pairs: int, z: int, n_out: int, saturated: int) -> None:
    """z = clip(((W a << up) + half >> down) + bias), for the row of inputs at an address."""
    pack_pairs(a, n_in, pairs)
    width = affine.width >> 1
    for first in range(0, width - 63, 64):
        drive_64(affine, pairs, z, n_out, saturated, first)
    if width & 32:
        drive_32(affine, pairs, z, n_out, saturated, width & ~63)
    if width & 16:
        drive_16(affine, pairs, z, n_out, saturated, width & ~31)


@inlined
def _send_one_by_one(z: Array, fired: Array, phi: Phi, payload: Array, n_events: Array, saturated: Array) -> None:
    """a = phi(z) where the bit in `fired` is set, else 0."""
    payload[:] = 0
    for k in range(len(fired)):
        if phi.odd:
            send_odd(z, fired[k], 64 * k, phi, payload, n_events, saturated)
        else:
            send_even(z, fired[k], 64 * k, phi, payload, n_events, saturated)


@inlined
def _probe(tally: Tally, r: int, t: int, membrane: Array, fired: Array) -> None:
    """Record the neurons of row r in full."""
    for j in range(len(membrane)):
        tally.membrane[r, t, j] = membrane[j]
        tally.fired[r, t, j] = (fired[j >> 6] >> np.uint64(j & 63)) & np.uint64(1) != 0


@compiled
def multiply_rows(a: Array, affine: Affine, z: Array, tally: Tally) -> None:
    """Give the drives z (n_rows, n_out) of inputs a (n_rows, n_in)."""
    n_in, n_out = a.shape[1], z.shape[1]
    where = _locate_affine(affine)
    pairs = np.zeros(where.n_chunks * CHUNK, np.int32)
    a_at, z_at, pairs_at, saturated = _at(a), _at(z), _at(pairs), _at(tally.saturated) + DRIVE * n_out * NUMBER
    for r in range(a.shape[0]):
        _drive(a_at + r * n_in * NUMBER, n_in, where, pairs_at, z_at + r * n_out * NUMBER, n_out, saturated)


@compiled
def fire_rows(z: Array, neurons: Neurons, membrane: Array, payload: Array, tally: Tally) -> None:
    """Advance neurons whose drives z (n_rows, n_out) are the same at all steps of payload (n_rows, n_steps, n_out)."""
    n_steps, n_out = payload.shape[1:]
    fired = np.zeros((n_out + 63) // 64, np.uint64)
    where, phi = _locate_neurons(neurons), _locate_phi(neurons.phi)
    is_packed, n_probed, bytes_of_row = len(neurons.phi.packed) > 0, tally.fired.shape[0], n_out * NUMBER
    z_at, membrane_at, payload_at, fired_at = _at(z), _at(membrane), _at(payload), _at(fired)
    counts, saturated = _at(tally.counts), _at(tally.saturated)
    for r in range(z.shape[0]):
        drives, m = z_at + r * bytes_of_row, membrane_at + r * bytes_of_row
        for t in range(n_steps):
            n_fired, n_events = counts + (2 * t + FIRED) * bytes_of_row, counts + (2 * t + EVENTS) * bytes_of_row
            fire_row(where, drives, n_out, m, fired_at, n_fired, saturated + MEMBRANE * bytes_of_row)
            if is_packed:
                sent = payload_at + (r * n_steps + t) * bytes_of_row
                send_row(phi, drives, n_out, fired_at, sent, n_events, saturated + PAYLOAD * bytes_of_row)
            else:
                of_step = tally.counts[t, EVENTS]
                _send_one_by_one(z[r], fired, neurons.phi, payload[r, t], of_step, tally.saturated[PAYLOAD])
            if r < n_probed:
                _probe(tally, r, t, membrane[r], fired)


@compiled
def layer_rows(a: Array, affine: Affine, neurons: Neurons, membrane: Array, payload: Array, tally: Tally) -> None:
    """Advance a layer from inputs a (n_rows, n_steps, n_in) to payloads (n_rows, n_steps, n_out)."""
    n_steps, n_in, n_out = a.shape[1], a.shape[2], membrane.shape[1]
    synapses, where, phi = _locate_affine(affine), _locate_neurons(neurons), _locate_phi(neurons.phi)
    pairs, z = np.zeros(synapses.n_chunks * CHUNK, np.int32), np.empty(n_out, np.int32)
    fired = np.zeros((n_out + 63) // 64, np.uint64)
    is_packed, n_probed, bytes_of_row = len(neurons.phi.packed) > 0, tally.fired.shape[0], n_out * NUMBER
    a_at, z_at, membrane_at, payload_at = _at(a), _at(z), _at(membrane), _at(payload)
    pairs_at, fired_at, counts, saturated = _at(pairs), _at(fired), _at(tally.counts), _at(tally.saturated)
    for r in range(a.shape[0]):
        m = membrane_at + r * bytes_of_row
        for t in range(n_steps):
            row = r * n_steps + t
            n_fired, n_events = counts + (2 * t + FIRED) * bytes_of_row, counts + (2 * t + EVENTS) * bytes_of_row
            given = a_at + row * n_in * NUMBER
            _drive(given, n_in, synapses, pairs_at, z_at, n_out, saturated + DRIVE * bytes_of_row)
            fire_row(where, z_at, n_out, m, fired_at, n_fired, saturated + MEMBRANE * bytes_of_row)
            if is_packed:
                sent = payload_at + row * bytes_of_row
                send_row(phi, z_at, n_out, fired_at, sent, n_events, saturated + PAYLOAD * bytes_of_row)
            else:
                of_step = tally.counts[t, EVENTS]
                _send_one_by_one(z, fired, neurons.phi, payload[r, t], of_step, tally.saturated[PAYLOAD])
            if r < n_probed:
                _probe(tally, r, t, membrane[r], fired)
