"""The choice of moves that help together: a local search over single moves and pairs, for weights whose unit is coarse.

    minimise |r + D x|^2 over x of zeros and ones         r: residual, D: effects of the moves, one a column
    change by one entry of x         c[i]   = 2 s[i] g[i] + G[i, i]             s = 1 - 2 x,   g = D^T (r + D x),   G = D^T D
    change by two                    c[i] + c[j] + 2 s[i] s[j] G[i, j]
    the entry or the pair that lowers it most is changed, until none does

Where no single move helps any more, one unit of a weight of few bits changes the output by more than what is left to correct.
The difference of two such changes may be as small as wanted.

Source: unconstrained binary quadratic programming by one-flip and two-flip local search (Kochenberger et al. 2014).
"""

from __future__ import annotations

import numpy as np

from ...base.arrays import BoolArray, FloatArray

LEAST_CHANGE = 1e-6
"""Share of |r|^2 below which a change does not count; it keeps rounding from going round in circles."""


def choose_together(effects: FloatArray, residual: FloatArray, n_most: int) -> list[int]:
    """Choose columns of `effects` whose sum brings the residual closest to zero.

    Args:
        effects: D, shape (n_rows, n_moves).
        residual: r, shape (n_rows,).
        n_most: Number of columns with which the search ends; a last pair may exceed it by one.

    Returns:
        The columns, in the order in which they were chosen.
    """
    products = effects.T @ effects
    slope, single = effects.T @ residual, np.diag(products)
    least = LEAST_CHANGE * float(residual @ residual)
    is_chosen: BoolArray = np.zeros(len(single), dtype=np.bool_)
    order: list[int] = []
    while len(order) < n_most:
        sign = np.where(is_chosen, -1.0, 1.0)
        change = 2.0 * sign * slope + single
        changes = change[:, None] + change + 2.0 * sign[:, None] * sign * products
        np.fill_diagonal(changes, change)  # a pair of one and the same is the single move
        place = int(changes.argmin())
        if changes.flat[place] > -least:
            return order
        for index in sorted({*divmod(place, len(single))}):
            slope = slope + sign[index] * products[:, index]
            is_chosen[index] ^= True
            if is_chosen[index]:
                order.append(index)
            else:
                order.remove(index)
    return order
