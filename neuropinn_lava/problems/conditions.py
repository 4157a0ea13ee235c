"""Fields for the ansatz u = g + d * net, which satisfies the conditions for every output of the network.

A problem with data zero takes g = 0 and d from here.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..base.arrays import FloatArray
from ..geometry.domain import Box
from ..geometry.scalar_fields import Polynomial, Trigonometric
from ..network.transforms import Ansatz, Field, Link


def vanishing_polynomial(box: Box) -> Polynomial:
    """Build the polynomial that vanishes on the closed faces of a box and nowhere inside; its largest value is 1.

    d(x) = prod_j d_j(x_j)     d_j = 4 (x - L)(U - x) / (U - L)^2     both faces of axis j are closed
                               d_j = (x - L) / (U - L)                the lower one alone, as initial time is
                               d_j = 1                                none
    """
    product = Polynomial.constant(1.0, box.n_dim)
    for axis in range(box.n_dim):
        closed = [face for face in box.closed_faces if face.axis == axis]
        peak = 4.0 if len(closed) == 2 else 1.0
        product = product.times(Polynomial.constant(peak, box.n_dim))
        for face in closed:
            product = product.times(box.relative_distance(face))
    return product


def zero_ansatz(box: Box) -> Ansatz:
    """Build the ansatz of one unknown that is zero on every closed face."""
    return vanishing_ansatz(vanishing_polynomial(box))


def vanishing_ansatz(factor: Field, link: Link = Link.IDENTITY) -> Ansatz:
    """Build the ansatz u = d * link(net) of one unknown that is zero where d is."""
    return Ansatz(offset=(Polynomial.constant(0.0, factor.n_dim),), factor=(factor,), link=link)


def identity_ansatz(n_dim: int, n_out: int) -> Ansatz:
    """Build the ansatz u = net, which builds no condition in."""
    zero, one = Polynomial.constant(0.0, n_dim), Polynomial.constant(1.0, n_dim)
    return Ansatz(offset=(zero,) * n_out, factor=(one,) * n_out)


def field_value(field: Field) -> Callable[[FloatArray], FloatArray]:
    """Return the data of a condition on one unknown that prescribes the values of a field, shape (n, 1)."""
    return lambda points: np.asarray(field.evaluate(points))[:, None]


def sine_wave(axis: int, n_dim: int, frequency: float, *, amplitude: float = 1.0) -> Trigonometric:
    """Build the field a sin(w x) of one coordinate, constant along the others.

    Args:
        axis: Index of the coordinate.
        n_dim: Number of coordinates.
        frequency: w, radians per unit of the coordinate.
        amplitude: a.
    """
    one_hot = np.eye(n_dim)[axis][None, :]
    return Trigonometric(
        coefficients=np.array([amplitude]),
        exponents=np.zeros((1, n_dim), dtype=np.int64),
        frequencies=frequency * one_hot,
        phases=np.pi / 2 * one_hot,
    )
