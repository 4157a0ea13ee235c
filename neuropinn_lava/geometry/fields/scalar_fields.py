"""Scalar fields of the coordinates made of powers and waves: for box-shaped regions and for initial data.

    Polynomial        sum_k c_k prod_j x_j^e_kj
    Trigonometric     sum_k c_k prod_j x_j^e_kj cos(w_kj x_j - p_kj)

They carry conditions of a problem, never its solution. Evaluations accept numpy arrays and torch tensors alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...base.arrays import ArrayRecord, FloatArray, IntArray, freeze_arrays
from ...base.checks import check_finite, check_range, check_shape, raise_violations
from ...base.elementwise import cosine
from ...base.errors import Violation

MAX_EXPONENT = 32
"""Highest power of a coordinate."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Polynomial(ArrayRecord):
    """p(x) = sum_k c[k] * prod_j x[j]**e[k, j]: `Polynomial(exponents=[[1, 0], [2, 0]], coefficients=[1, -1])` is x - x^2."""

    exponents: IntArray
    """Exponents e, shape (n_terms, n_dim), 0 to 32."""
    coefficients: FloatArray
    """Coefficients c, shape (n_terms,)."""

    def __post_init__(self) -> None:
        freeze_arrays(self, exponents=np.int64, coefficients=np.float64)
        found = [*check_shape("Polynomial.exponents", self.exponents, (None, None), "(n_terms, n_dim)")]
        found += check_range("Polynomial.exponents", self.exponents, 0, MAX_EXPONENT)
        n_terms = self.exponents.shape[0]
        found += check_shape("Polynomial.coefficients", self.coefficients, (n_terms,), "(n_terms,)")
        found += check_finite("Polynomial.coefficients", self.coefficients)
        raise_violations(found)

    @property
    def n_dim(self) -> int:
        """Number of coordinates of a point."""
        return int(self.exponents.shape[1])

    def evaluate(self, points: Any) -> Any:
        """Return p at points of shape (n_samples, n_dim) as (n_samples,), numpy or torch."""
        total = 0.0 * points[:, 0]
        for powers, coefficient in zip(self.exponents.tolist(), self.coefficients.tolist(), strict=True):
            term: Any = coefficient
            for axis, power in enumerate(powers):
                if power:
                    term = term * points[:, axis] ** power
            total = total + term
        return total

    def times(self, other: Polynomial) -> Polynomial:
        """Return the product of two polynomials, so that d(x) can be written as x * (1 - x) * ..."""
        exponents = self.exponents[:, None, :] + other.exponents[None, :, :]
        coefficients = np.multiply.outer(self.coefficients, other.coefficients)
        return Polynomial(exponents=exponents.reshape(-1, self.n_dim), coefficients=coefficients.ravel())

    @classmethod
    def constant(cls, value: float, n_dim: int) -> Polynomial:
        """Build the polynomial that is `value` everywhere."""
        return cls(exponents=np.zeros((1, n_dim), dtype=np.int64), coefficients=np.array([value]))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trigonometric(ArrayRecord):
    """f(x) = sum_k c[k] * prod_j x[j]**e[k, j] * cos(w[k, j] * x[j] - p[k, j]); a frequency of 0 leaves the power alone.

    sin(pi x) is `Trigonometric(coefficients=[1], exponents=[[0]], frequencies=[[pi]], phases=[[pi / 2]])`.
    """

    coefficients: FloatArray
    """Coefficients c, shape (n_terms,)."""
    exponents: IntArray
    """Exponents e, shape (n_terms, n_dim), 0 to `MAX_EXPONENT`."""
    frequencies: FloatArray
    """Frequencies w, shape (n_terms, n_dim), radians per unit of the coordinate."""
    phases: FloatArray
    """Phases p, shape (n_terms, n_dim), radians; pi/2 gives a sine. Not used where the frequency is 0."""

    def __post_init__(self) -> None:
        floats = dict.fromkeys(("coefficients", "frequencies", "phases"), np.float64)
        freeze_arrays(self, exponents=np.int64, **floats)
        raise_violations(check_shape("Trigonometric.coefficients", self.coefficients, (None,), "(n_terms,)"))
        raise_violations(self._violations())

    def _violations(self) -> Iterator[Violation]:
        shape = (self.coefficients.shape[0], None)
        yield from check_shape("Trigonometric.exponents", self.exponents, shape, "(n_terms, n_dim)")
        yield from check_range("Trigonometric.exponents", self.exponents, 0, MAX_EXPONENT)
        yield from check_finite("Trigonometric.coefficients", self.coefficients)
        for name in ("frequencies", "phases"):
            yield from check_shape(
                f"Trigonometric.{name}", getattr(self, name), self.exponents.shape, "that of exponents"
            )
            yield from check_finite(f"Trigonometric.{name}", getattr(self, name))

    @property
    def n_dim(self) -> int:
        """Number of coordinates of a point."""
        return int(self.exponents.shape[1])

    def evaluate(self, points: Any) -> Any:
        """Return f at points of shape (n_samples, n_dim) as (n_samples,), numpy or torch."""
        total = 0.0 * points[:, 0]
        columns = (self.coefficients, self.exponents, self.frequencies, self.phases)
        for term, powers, frequencies, phases in zip(*(column.tolist() for column in columns), strict=True):
            for axis, (power, frequency, phase) in enumerate(zip(powers, frequencies, phases, strict=True)):
                if power:
                    term = term * points[:, axis] ** power
                if frequency:
                    term = term * cosine(frequency * points[:, axis] - phase)
            total = total + term
        return total
