"""The payload's table, one formula for every activation (`kernels/layout.py: Phi`).

With q = |z| & mask, and first and last being those of z's sign,

    p = (entry[cell] << index_bits) + rise[cell] * (q mod 2**index_bits)      for cell = q >> index_bits < last
    p = slope * q + (entry[last] << index_bits) - slope * (last << index_bits)           beyond, on the asymptote
    a = clip(±p + half >> shift)

Only the cells before the asymptotes are in memory: 1 024 of 1 025, a power of two.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed

from ....kernels.layout import Phi
from .pipeline import ROM_STAGES, Pipeline, Staged, add_memory, clipped, floor_shifted, shape_of


class Payload(NamedTuple):
    """phi of a drive, and whether it left the payload word."""

    value: Staged
    saturated: Staged


class _Side(NamedTuple):
    """The cells of one sign: how many come before the asymptote, where they begin, and the asymptote's line."""

    n_cells: int
    first: int
    slope: int
    offset: int


def build_phi(m: Module, pipe: Pipeline, phi: Phi, z: Staged, phi_bits: int, payload_bits: int, clips: bool) -> Payload:
    """Build phi of the drives of a pipeline."""
    above, below = _sides(phi)
    wide = signed(phi_bits)
    negative = Staged(z.value[-1], z.stage)
    q = pipe.compute("q", lambda z: _magnitude(z, phi.mask), z)

    def by_sign(is_negative: Any, values: tuple[int, int]) -> Any:
        return Const(values[0]) if values[0] == values[1] else Mux(is_negative, values[1], values[0])

    def asymptote(q: Any, is_negative: Any) -> Any:
        lines = [side.slope * q + side.offset for side in (above, below)]
        return lines[0] if above == below or above[2:] == below[2:] else Mux(is_negative, lines[1], lines[0])

    far = pipe.compute("far", asymptote, q, negative, shape=wide)
    is_far = pipe.compute(
        "is_far", lambda q, s: (q >> phi.index_bits) >= by_sign(s, (above.n_cells, below.n_cells)), q, negative
    )
    p = far
    if above.n_cells or below.n_cells:
        near = _build_cells(m, pipe, phi, q, negative, (above, below), wide)
        p = pipe.compute("p", lambda is_far, far, near: Mux(is_far, far, near), is_far, far, near, shape=wide)
    if phi.sign_below < 0:
        p = pipe.compute("signed_p", lambda p, s: Mux(s, -p, p), p, negative, shape=wide)
    rounded = pipe.compute("rounded", lambda p: floor_shifted((p + phi.half)[:phi_bits].as_signed(), phi.shift), p)
    if not clips:
        fits = rounded.value[:payload_bits].as_signed()
        return Payload(Staged(fits, rounded.stage), Staged(Const(0), rounded.stage))
    value = pipe.compute("phi", lambda value: clipped(value, payload_bits)[0], rounded, shape=signed(payload_bits))
    saturated = pipe.compute("phi_saturated", lambda value: clipped(value, payload_bits)[1], rounded)
    return Payload(value, saturated)


def _build_cells(
    m: Module, pipe: Pipeline, phi: Phi, q: Staged, negative: Staged, sides: tuple[_Side, _Side], wide: Any
) -> Staged:
    """Build the interpolation inside the cells; beyond the last one, the result means nothing."""
    above, below = sides
    cells = np.concatenate(
        [phi.cells[: above.n_cells], phi.cells[phi.first_below :][: below.n_cells if phi.first_below else 0]]
    )
    entry_shape, rise_shape = (shape_of(cells[:, k].tolist()) for k in range(2))
    words = [
        int(e) & ((1 << entry_shape.width) - 1) | (int(r) & ((1 << rise_shape.width) - 1)) << entry_shape.width
        for e, r in cells
    ]
    table = add_memory(m, "table", entry_shape.width + rise_shape.width, len(words), words)
    port = table.read_port()

    def place(q: Any, is_negative: Any) -> Any:
        cell = q >> phi.index_bits
        return (cell if below.first == above.first else cell + Mux(is_negative, below.first, 0))[: len(port.addr)]

    address = pipe.compute("cell", place, q, negative)
    m.d.comb += port.addr.eq(address.value)
    word = pipe.compute("cell_word", lambda word: word, Staged(port.data, address.stage + ROM_STAGES - 1))
    entry = Signal(entry_shape, name="entry")
    rise = Signal(rise_shape, name="rise")
    m.d.comb += Cat(entry, rise).eq(word.value)
    rest = Staged(q.value[: phi.index_bits], q.stage)
    product = pipe.compute("interpolated", lambda rise, r: rise * r, Staged(rise, word.stage), rest)
    start = Staged(entry, word.stage)
    return pipe.compute("near", lambda e, product: (e << phi.index_bits) + product, start, product, shape=wide)


def _magnitude(z: Any, mask: int) -> Any:
    q = Mux(z[-1], -z, z)[: len(z)]
    return q if mask < 0 else q & mask


def _sides(phi: Phi) -> tuple[_Side, _Side]:
    """Split the cells into those of z >= 0 and of z < 0."""
    made = []
    for first, last, n_before in (
        (0, phi.last, 0),
        (phi.first_below, phi.last_below, phi.last if phi.first_below else 0),
    ):
        entry, slope = (int(value) for value in phi.cells[first + last])
        made.append(_Side(last, n_before, slope, (entry - slope * last) << phi.index_bits))
    return made[0], made[1]
