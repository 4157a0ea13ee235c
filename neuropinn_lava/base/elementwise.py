"""Functions of one or two values that work on numpy arrays and torch tensors alike, without importing torch.

Besides root, cosine and angle these are the joints of boundary fields: `conjunction` for "and", `disjunction` for "or".
"""

from __future__ import annotations

from typing import Any

import numpy as np

TINY = 1e-30
"""Added where a root's derivative would meet zero: far below every value of use, and float32 holds its reciprocal."""


def root(values: Any) -> Any:
    """Give the square root, numpy or torch."""
    return np.sqrt(values) if isinstance(values, np.ndarray) else values.sqrt()


def cosine(values: Any) -> Any:
    """Give the cosine, numpy or torch."""
    return np.cos(values) if isinstance(values, np.ndarray) else values.cos()


def angle(y: Any, x: Any) -> Any:
    """Give the angle of the points (x, y) in [-pi, pi], numpy or torch."""
    return np.arctan2(y, x) if isinstance(y, np.ndarray) else y.atan2(x)


def softplus(values: Any) -> Any:
    """Give log(1 + e^y) = max(y, 0) + log(1 + e^-|y|), which does not overflow, numpy or torch."""
    if isinstance(values, np.ndarray):
        return np.maximum(values, 0.0) + np.log1p(np.exp(-np.abs(values)))
    return values.clamp(min=0.0) + (-values.abs()).exp().log1p()


def conjunction(p: Any, q: Any) -> Any:
    """Join two fields to one that is positive where both are, zero where one vanishes: p q, but -p q below zero."""
    return p * q - (abs(p) - p) * (abs(q) - q) / 2


def disjunction(p: Any, q: Any, exponent: float) -> Any:
    """Join two fields to one that is positive where either is.

        d = r^e cos(2 a / 3)          r, a: polar coordinates of ((p + q), (q - p)) / sqrt 2

    The line a = 0 halves the region; d vanishes at a = +-3 pi/4, where one field is zero and the other negative. With
    e = 2/3 this is the first harmonic function of a re-entrant right angle.
    """
    r = root(p * p + q * q + TINY)
    return r**exponent * cosine(angle(q - p, p + q) * (2 / 3))
