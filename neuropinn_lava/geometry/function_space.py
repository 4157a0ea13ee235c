"""Random functions as parameters of a problem: finite sums of waves whose coefficients are inputs of the network.

    f(s) = scale * sum over k of c_k * w_k * wave_k(s)         c_k independent, standard normal

s in [0, 1] is a place along one axis or several; in several each wave is a product of one wave an axis, and so is its weight.
A `SineSeries` vanishes at the ends and decays with a power of k; a `GaussianField` is made of cosines whose weights are those
of a squared exponential covariance. Samples of a function at any places become coefficients by least squares.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import gammainccinv

from ..base.arrays import FloatArray, Record
from ..base.checks import check_finite, check_range, check_shape, check_whole, raise_violations
from ..base.errors import SpecError, Violation
from ..base.expression_sources import Names
from ..base.expressions import Expression, as_expression, name

FARTHEST = 5.0
"""Largest coefficient that counts as one of the distribution: of a million normal numbers, one is beyond it."""
RAREST = 1e-6
"""Probability of a function that still counts as one of the distribution, as that of a coefficient beyond `FARTHEST`."""
LARGEST_CONDITION = 1e3
"""Factor by which an error of a sample may grow on its way into a coefficient; evenly spread samples have about 1."""
MOST_WAVES = 64
"""Largest number of waves along an axis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSpace(Record):
    """Base of the random functions of some coordinates."""

    along: str = "x"
    """Letters of the coordinates that the function depends on, as `x` or `xy`."""
    interval: tuple[float, float] = (0.0, 1.0)
    """Ends between which the function is given, the same along every axis."""
    scale: float = 1.0
    """Factor on the function, positive."""
    least_weight: float = 0.0
    """Weight of a wave, relative to the largest, below which it is left out, 0 to 1."""

    def __post_init__(self) -> None:
        raise_violations(self._violations())

    def _violations(self) -> list[Violation]:
        where = type(self).__name__
        found = [
            *check_finite(f"{where}.interval", self.interval),
            *check_range(f"{where}.scale", self.scale, 1e-12, 1e12),
        ]
        found += check_range(f"{where}.least_weight", self.least_weight, 0.0, 1.0)
        if not found and not self.interval[0] < self.interval[1]:
            repair = "Give an interval with an inside."
            found.append(Violation(f"{where}.interval", "end above its begin", self.interval, repair))
        if not 1 <= len(self.along) <= 3 or len(set(self.along)) != len(self.along):
            repair = "Write x, or xy for a function of two."
            found.append(
                Violation(f"{where}.along", "be one to three letters of coordinates", repr(self.along), repair)
            )
        return found

    @property
    def axis_weights(self) -> FloatArray:
        """Weights of the waves along one axis, shape (n_waves,)."""
        raise NotImplementedError

    def axis_wave(self, k: int, angle: Any) -> Any:
        """Return wave k along one axis at pi * s, an expression or an array."""
        raise NotImplementedError

    @property
    def waves(self) -> tuple[tuple[float, tuple[int, ...]], ...]:
        """The weight of every wave and its number along each axis, largest weights first."""
        along = self.axis_weights.tolist()
        every = [
            (math.prod(along[k] for k in numbers), numbers)
            for numbers in itertools.product(range(len(along)), repeat=len(self.along))
        ]
        most = max(weight for weight, _ in every)
        return tuple(
            sorted((each for each in every if each[0] >= self.least_weight * most), key=lambda it: (-it[0], it[1]))
        )

    @property
    def n(self) -> int:
        """Number of coefficients."""
        return len(self.waves)

    @property
    def lower(self) -> FloatArray:
        """Smallest coefficients that count as some of the distribution, shape (n,)."""
        return np.full(self.n, -FARTHEST)

    @property
    def upper(self) -> FloatArray:
        """Largest coefficients that count as some of the distribution, shape (n,)."""
        return np.full(self.n, FARTHEST)

    def column_names(self, parameter: str) -> tuple[str, ...]:
        """Return the names of the columns of a parameter that is such a function."""
        return tuple(f"{parameter}_{k}" for k in range(self.n))

    def expression(self, f: Names, columns: Sequence[str]) -> Expression:
        """Return the function as an expression of its coordinates and of the columns of its coefficients."""
        return self._sum(f, [name(column) for column in columns])

    def constant(self, f: Names, value: FloatArray) -> Expression:
        """Return the function with fixed coefficients, shape (n,), as an expression of its coordinates."""
        return self._sum(f, [as_expression(float(each)) for each in value])

    def checked(self, value: object, where: str) -> FloatArray:
        """Return coefficients of one function, shape (n,), that are some of the distribution.

        Raises:
            SpecError: If their number is another, or one lies beyond `FARTHEST`.
        """
        found = np.asarray(value, dtype=np.float64)
        raise_violations(check_shape(where, found, (self.n,), "(n,), the coefficients of one function"))
        raise_violations(check_range(where, found, -FARTHEST, FARTHEST))
        return found

    def to_columns(self, value: FloatArray) -> FloatArray:
        """Return what the network reads for a function: its coefficients, shape (n,)."""
        return np.asarray(value, dtype=np.float64)

    def draw(self, n_functions: int, rng: np.random.Generator) -> FloatArray:
        """Draw the coefficients of functions, shape (n_functions, n)."""
        return rng.standard_normal((n_functions, self.n))

    def values(self, coefficients: FloatArray, places: FloatArray) -> FloatArray:
        """Compute functions at places, shape (n_functions, n_places).

        Args:
            coefficients: Shape (n_functions, n).
            places: Coordinates, shape (n_places,), or (n_places, n_axes) along several axes.
        """
        values: FloatArray = np.asarray(coefficients, dtype=np.float64) @ self._matrix(places).T
        return values

    def values_and_slopes(self, coefficients: FloatArray, places: FloatArray) -> tuple[FloatArray, ...]:
        """Compute a function and its derivative along each of its axes at places (n_places, n_axes), (n_places,) each."""
        f = Names(name)
        whole = self.constant(f, coefficients)
        at = dict(zip(self.along, np.asarray(places, dtype=np.float64).reshape(len(places), -1).T, strict=True))
        return tuple(
            np.broadcast_to(each.evaluate(at), len(places))
            for each in (whole, *(whole.derivative(letter) for letter in self.along))
        )

    def coefficients(self, values: FloatArray, places: FloatArray) -> FloatArray:
        """Fit coefficients to samples of functions by least squares.

        Args:
            values: Samples, shape (n_functions, n_places), or (n_places,) of one function.
            places: Coordinates of the samples, (n_places,) or (n_places, n_axes), at least as many as there are coefficients.

        Returns:
            Shape (n_functions, n).

        Raises:
            SpecError: If there are fewer places than coefficients, one lies outside the interval, the places cannot tell the
                waves apart, or shapes disagree.
        """
        where = f"{type(self).__name__}.coefficients"
        found, at = np.atleast_2d(np.asarray(values, dtype=np.float64)), np.asarray(places, dtype=np.float64)
        shape = (None,) if at.ndim == 1 else (None, len(self.along))
        wrong = [*check_shape(f"{where}.places", at, shape, "(n_places, n_axes)"), *check_finite(f"{where}.places", at)]
        raise_violations(wrong or check_range(f"{where}.places", at, *self.interval))
        wrong = [*check_shape(f"{where}.values", found, (None, len(at)), "(n_functions, n_places)")]
        raise_violations(wrong or check_finite(f"{where}.values", found))
        if len(at) < self.n:
            repair = f"Sample the function at {self.n} places or more."
            raise SpecError(f"{where}.places", f"be at least {self.n}, as many as the space has waves", len(at), repair)
        matrix = self._matrix(at)
        size = np.linalg.norm(matrix, axis=0)
        condition = float(np.linalg.cond(matrix / size)) if size.all() else math.inf
        if condition > LARGEST_CONDITION:
            rule = f"tell the waves apart, with a condition of at most {LARGEST_CONDITION:g}"
            repair = "Spread the samples over the whole interval."
            raise SpecError(f"{where}.places", rule, f"{condition:.3g}", repair)
        fitted: FloatArray = np.linalg.lstsq(matrix, found.T, rcond=None)[0].T
        return fitted

    def distances(self, coefficients: FloatArray) -> FloatArray:
        """Compute how far functions (n_functions, n) are from the mean of the distribution, shape (n_functions,).

        d = |c| / sqrt(n)              1 for a typical function: the coefficients are independent and of unit variance
        """
        found: FloatArray = np.linalg.norm(np.asarray(coefficients, dtype=np.float64), axis=1) / math.sqrt(self.n)
        return found

    @property
    def farthest_distance(self) -> float:
        """Distance that one function of a million exceeds, by the chi-square distribution of n |d|**2."""
        return math.sqrt(float(gammainccinv(self.n / 2, RAREST)) * 2 / self.n)

    def outside_part(self, values: FloatArray, places: FloatArray, coefficients: FloatArray) -> FloatArray:
        """Compute what the coefficients of samples leave out, relative to the samples, shape (n_functions,).

        Args:
            values: Samples, shape (n_functions, n_places).
            places: Where they were taken, (n_places,) or (n_places, n_axes).
            coefficients: Those that were fitted to them, shape (n_functions, n).
        """
        left = np.linalg.norm(values - self.values(coefficients, places), axis=1)
        found: FloatArray = left / np.maximum(np.linalg.norm(values, axis=1), np.finfo(np.float64).tiny)
        return found

    def _sum(self, f: Names, coefficients: Sequence[Expression]) -> Expression:
        start, end = self.interval
        angles = [(math.pi / (end - start)) * (getattr(f, letter) - start) for letter in self.along]
        total = as_expression(0.0)
        for coefficient, (weight, numbers) in zip(coefficients, self.waves, strict=True):
            term = coefficient * (self.scale * weight)
            for k, angle in zip(numbers, angles, strict=True):
                term = term * self.axis_wave(k, angle)
            total = total + term
        return total

    def _matrix(self, places: FloatArray) -> FloatArray:
        """Return the scaled waves at places, shape (n_places, n)."""
        start, end = self.interval
        at = np.asarray(places, dtype=np.float64).reshape(len(places), len(self.along))
        angles = math.pi * (at - start) / (end - start)
        columns = []
        for weight, numbers in self.waves:
            along = [self.axis_wave(k, angles[:, axis]) for axis, k in enumerate(numbers)]
            columns.append(self.scale * weight * np.prod(along, axis=0))
        return np.stack(columns, axis=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SineSeries(FunctionSpace):
    """f(s) = sum of c_k sin(k pi s) / k**decay, k = 1 … n_waves: zero at both ends."""

    n_waves: int = 8
    """Number of waves along an axis."""
    decay: float = 1.0
    """Power of k by which the waves become smaller, 0 to 8."""

    def _violations(self) -> list[Violation]:
        where = type(self).__name__
        found = FunctionSpace._violations(self) + list(check_whole(f"{where}.n_waves", self.n_waves))
        if not found:
            found += check_range(f"{where}.n_waves", self.n_waves, 1, MOST_WAVES)
        return found + list(check_range(f"{where}.decay", self.decay, 0.0, 8.0))

    @property
    def axis_weights(self) -> FloatArray:
        """Weights k**-decay, shape (n_waves,)."""
        return np.arange(1.0, self.n_waves + 1) ** -self.decay

    def axis_wave(self, k: int, angle: Any) -> Any:
        """Return sin((k + 1) pi s)."""
        return np.sin((k + 1) * angle)


@dataclass(frozen=True, slots=True, kw_only=True)
class GaussianField(FunctionSpace):
    """A Gaussian random field of cosines: covariance exp(-d**2 / (2 length**2)), doubled at the ends, where it is reflected.

    w_k**2 = sqrt(2 pi) length exp(-(k pi length)**2 / 2) * (1 for k = 0, else 2)            along one axis
    """

    length: float = 0.2
    """Correlation length as a share of the interval, 0.02 to 1."""
    least_weight: float = 1e-3
    """Weight of a wave, relative to the largest, below which it is left out, 1e-6 to 1."""

    def _violations(self) -> list[Violation]:
        found = FunctionSpace._violations(self) + list(check_range("GaussianField.length", self.length, 0.02, 1.0))
        return found + list(check_range("GaussianField.least_weight", self.least_weight, 1e-6, 1.0))

    @property
    def axis_weights(self) -> FloatArray:
        """Square roots of the variances of the waves, shape (n,); those far below `least_weight` are left out."""
        k = np.arange(MOST_WAVES)
        variance = math.sqrt(2 * math.pi) * self.length * np.exp(-((k * math.pi * self.length) ** 2) / 2)
        found = np.sqrt(variance * np.where(k == 0, 1.0, 2.0))
        kept: FloatArray = found[found >= self.least_weight * found.max()]
        return kept

    def axis_wave(self, k: int, angle: Any) -> Any:
        """Return cos(k pi s)."""
        return np.cos(k * angle)
