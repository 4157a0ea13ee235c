"""Slow flow near a corner between a moving lid and a wall at rest, in closed form.

A lid that moves at the corner makes velocities jump there, and one that does not but shears makes vorticities jump. These
solutions of Stokes' equations have the same jumps; what they leave of a cavity's flow is smooth enough for polynomials.

    psi = Re(conj(z) phi + chi)          u = psi_y, v = -psi_x, psi_xx + psi_yy = 4 Re phi', p = -4 nu Im phi'
    phi = (c + c' log z) z^k             chi = (d + d' log z) z^(k + 1)             for a lid u = a s^k

The corner is at z = 0, the lid at angle 0 with s = |z|, the wall at angle -pi/2.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from ...base.arrays import FloatArray

NEAREST = 1e-6
"""Smallest distance from the corner; nearer points are evaluated there, on the diagonal."""


class StreamField(NamedTuple):
    """A stream function and its derivatives at some points, arrays of one shape; sums and mirror images are such fields."""

    value: FloatArray
    """Stream function psi."""
    x: FloatArray
    """Derivative psi_x, which is -v."""
    y: FloatArray
    """Derivative psi_y, which is u."""
    xx: FloatArray
    """Second derivative psi_xx."""
    xy: FloatArray
    """Second derivative psi_xy."""
    yy: FloatArray
    """Second derivative psi_yy."""
    laplacian_x: FloatArray
    """Derivative along x of q = psi_xx + psi_yy."""
    laplacian_y: FloatArray
    """Derivative along y of q."""
    conjugate: FloatArray
    """Pressure of the slow flow in units of nu: p_x = q_y, p_y = -q_x."""

    def plus(self, other: StreamField) -> StreamField:
        """Return the sum of two fields."""
        return StreamField(*(a + b for a, b in zip(self, other, strict=True)))

    def mirrored(self) -> StreamField:
        """Return the field of psi(-x, y), given the values of psi at (-x, y)."""
        signs = (1, -1, 1, 1, -1, 1, -1, 1, -1)
        return StreamField(*(sign * part for sign, part in zip(signs, self, strict=True)))


def corner_field(x: FloatArray, y: FloatArray, lid: tuple[float, ...]) -> StreamField:
    """Evaluate the slow flow in the corner below a lid u = lid[0] + lid[1] x + lid[2] x^2 ...

    Args:
        x: Distance from the wall, not negative, of any shape.
        y: Height above the lid, not positive, of the same shape.
        lid: Coefficients of the lid's velocity.

    Source: Taylor, in Miszellaneen der angewandten Mechanik (1962) 313; Batchelor, An Introduction to Fluid Dynamics, 4.8.
    """
    z = x + 1j * y
    z = np.where(np.abs(z) < NEAREST, NEAREST * np.exp(-0.25j * np.pi), z)
    terms = [_term_field(z, k, a * _unit_term(k)) for k, a in enumerate(lid)]
    total = terms[0]
    for term in terms[1:]:
        total = total.plus(term)
    return total


@lru_cache(maxsize=16)
def _unit_term(k: int) -> Any:
    """Return c, c', d and d' for the lid u = s^k, complex, shape (4,)."""
    radii = np.array([1.0, 0.5, 0.25])
    still, moved = np.zeros(3), radii**k
    columns = []
    for unit in np.vstack([np.eye(4), 1j * np.eye(4)]):
        lid, wall = (_term_field(radii * np.exp(1j * angle), k, unit) for angle in (0.0, -np.pi / 2))
        columns.append(np.concatenate([lid.value, lid.y, wall.value, wall.x]))
    right = np.concatenate([still, moved, still, still])
    real: FloatArray = np.linalg.lstsq(np.stack(columns, axis=1), right, rcond=1e-12)[0]
    return real[:4] + 1j * real[4:]


def _term_field(z: Any, k: int, coefficients: Any) -> StreamField:
    c, c_log, d, d_log = coefficients
    phi = _power_with_log(z, k, c, c_log)
    chi = _power_with_log(z, k + 1, d, d_log)
    slope = np.conj(z) * phi[1] + np.conj(phi[0]) + chi[1]  # psi_x - i psi_y
    bend = 2 * (np.conj(z) * phi[2] + chi[2])  # psi_xx - psi_yy - 2 i psi_xy
    q = 4 * phi[1].real
    return StreamField(
        value=(np.conj(z) * phi[0] + chi[0]).real,
        x=slope.real,
        y=-slope.imag,
        xx=(q + bend.real) / 2,
        xy=-bend.imag / 2,
        yy=(q - bend.real) / 2,
        laplacian_x=4 * phi[2].real,
        laplacian_y=-4 * phi[2].imag,
        conjugate=-4 * phi[1].imag,
    )


def _power_with_log(z: Any, k: int, a: complex, b: complex) -> tuple[Any, Any, Any]:
    """Return (a + b log z) z^k and its first two derivatives."""
    form = a + b * np.log(z)
    first = k * form + b
    return form * z**k, first * z ** (k - 1.0), ((k - 1) * first + k * b) * z ** (k - 2.0)
