"""What the host does to points before the network, and to its output after it, in float and off the chip.

    x_in = scale * x + offset                     # AffineTransform: coordinates to [-1, 1]
    u    = g(x) + d(x) * (scale * y + offset)     # Ansatz around the network's output y: conditions built in

g and d are polynomials of the coordinates, or fields made of a boundary's own distance functions. They carry boundary and
initial data, never the solution: reports show the error of the ansatz with the network replaced by its best constant.
The evaluations use operators only, so that they accept numpy arrays and torch tensors alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .arrays import FloatArray, IntArray, freeze_arrays
from .checks import check_finite, check_range, check_shape, raise_violations
from .errors import SpecError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AffineTransform:
    """y = scale * x + offset, per component: `AffineTransform(scale=[2, 2], offset=[-1, -1])` takes [0,1]^2 to [-1,1]^2."""

    scale: FloatArray
    """Shape (n,)."""
    offset: FloatArray
    """Shape (n,)."""

    def __post_init__(self) -> None:
        freeze_arrays(self, scale=np.float64, offset=np.float64)
        found = [*check_shape("AffineTransform.scale", self.scale, (None,), "(n,)")]
        found += check_shape("AffineTransform.offset", self.offset, self.scale.shape, "(n,), as scale")
        found += [
            *check_finite("AffineTransform.scale", self.scale),
            *check_finite("AffineTransform.offset", self.offset),
        ]
        raise_violations(found)

    @property
    def n(self) -> int:
        return int(self.scale.shape[0])

    def apply(self, values: Any) -> Any:
        """Transform values of shape (n_samples, n), numpy or torch (float64 results in numpy)."""
        if isinstance(values, np.ndarray):
            return values * self.scale + self.offset
        return values * values.new_tensor(self.scale.tolist()) + values.new_tensor(self.offset.tolist())

    @classmethod
    def identity(cls, n: int) -> AffineTransform:
        """Make the transform of n components that changes nothing."""
        return cls(scale=np.ones(n), offset=np.zeros(n))

    @classmethod
    def to_unit_box(cls, lower: FloatArray, upper: FloatArray) -> AffineTransform:
        """Make the transform that takes the box [lower, upper] to [-1, 1]^n."""
        span = np.asarray(upper, dtype=np.float64) - np.asarray(lower, dtype=np.float64)
        if not (span > 0).all():
            raise SpecError("AffineTransform.to_unit_box", "upper > lower", span, "Give a box with an inside.")
        return cls(scale=2.0 / span, offset=-1.0 - 2.0 * np.asarray(lower) / span)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Polynomial:
    """p(x) = sum_k c[k] * prod_j x[j]**e[k, j]: `Polynomial(exponents=[[1, 0], [2, 0]], coefficients=[1, -1])` is x - x^2."""

    exponents: IntArray
    """e, shape (n_terms, n_dim), 0 to 32."""
    coefficients: FloatArray
    """c, shape (n_terms,)."""

    def __post_init__(self) -> None:
        freeze_arrays(self, exponents=np.int64, coefficients=np.float64)
        found = [*check_shape("Polynomial.exponents", self.exponents, (None, None), "(n_terms, n_dim)")]
        found += check_range("Polynomial.exponents", self.exponents, 0, 32)
        n_terms = self.exponents.shape[0]
        found += check_shape("Polynomial.coefficients", self.coefficients, (n_terms,), "(n_terms,)")
        found += check_finite("Polynomial.coefficients", self.coefficients)
        raise_violations(found)

    @property
    def n_dim(self) -> int:
        return int(self.exponents.shape[1])

    def evaluate(self, points: Any) -> Any:
        """Give p at points of shape (n_samples, n_dim) as (n_samples,), numpy or torch."""
        total = 0.0 * points[:, 0]
        for powers, coefficient in zip(self.exponents.tolist(), self.coefficients.tolist(), strict=True):
            term: Any = coefficient
            for axis, power in enumerate(powers):
                if power:
                    term = term * points[:, axis] ** power
            total = total + term
        return total

    def times(self, other: Polynomial) -> Polynomial:
        """Give the product of two polynomials, so that d(x) can be written as x * (1 - x) * ..."""
        exponents = self.exponents[:, None, :] + other.exponents[None, :, :]
        coefficients = np.multiply.outer(self.coefficients, other.coefficients)
        return Polynomial(exponents=exponents.reshape(-1, self.n_dim), coefficients=coefficients.ravel())

    @classmethod
    def constant(cls, value: float, n_dim: int) -> Polynomial:
        """Make the polynomial that is `value` everywhere."""
        return cls(exponents=np.zeros((1, n_dim), dtype=np.int64), coefficients=np.array([value]))


Field = Polynomial
"""A scalar field of the coordinates that an ansatz may be built from; has `n_dim` and `evaluate`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ansatz:
    """u[k] = g[k](x) + d[k](x) * y[k] for every output k: conditions hold where d vanishes, whatever the network says."""

    offset: tuple[Field, ...]
    """g, one field per output: continues the boundary and initial data into the domain."""
    factor: tuple[Field, ...]
    """d, one field per output: zero where a condition is prescribed, not zero inside."""

    def __post_init__(self) -> None:
        if len(self.offset) != len(self.factor) or not self.offset:
            got = (len(self.offset), len(self.factor))
            raise SpecError("Ansatz", "one g and one d per output", got, "Give both tuples the length n_out.")
        dims = {field.n_dim for field in (*self.offset, *self.factor)}
        if len(dims) != 1:
            raise SpecError("Ansatz", "all fields have the same dimension", dims, "Write all of them in one dimension.")

    @property
    def n_out(self) -> int:
        return len(self.offset)

    @property
    def n_dim(self) -> int:
        return self.offset[0].n_dim

    def evaluate(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Give g and d at points (n_samples, n_dim), each of shape (n_samples, n_out)."""
        g = np.stack([field.evaluate(points) for field in self.offset], axis=1)
        d = np.stack([field.evaluate(points) for field in self.factor], axis=1)
        return g, d

    def apply(self, points: FloatArray, outputs: FloatArray) -> FloatArray:
        """Give u at points (n_samples, n_dim) for the network's outputs (n_samples, n_out)."""
        g, d = self.evaluate(points)
        return g + d * outputs
