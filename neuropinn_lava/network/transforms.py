"""Transforms on the host computer: of points before the network, and of its outputs after it, in float.

    x_in = scale * x + offset                     # AffineTransform: coordinates to [-1, 1]
    u    = g(x) + d(x) * link(scale * y + offset) # Ansatz around the network's output y: conditions built in

g and d are fields of the coordinates (`geometry/fields/`). They carry boundary and
initial data, never the solution: reports show the error of the ansatz with the network replaced by its best constant.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Union

import numpy as np

from ..base.arrays import ArrayRecord, FloatArray, Record, freeze_arrays
from ..base.checks import as_member, check_finite, check_shape, raise_violations
from ..base.elementwise import softplus
from ..base.errors import SpecError
from ..base.metrics import relative_l2
from ..geometry.fields.boundary_fields import PolygonFactor, RadialLevelSet
from ..geometry.fields.expression_field import ExpressionField
from ..geometry.fields.scalar_fields import Polynomial, Trigonometric


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AffineTransform(ArrayRecord):
    """y = scale * x + offset, per component: `AffineTransform(scale=[2, 2], offset=[-1, -1])` takes [0,1]^2 to [-1,1]^2."""

    scale: FloatArray
    """Factor of each component, shape (n,)."""
    offset: FloatArray
    """Summand of each component, shape (n,)."""

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
        """Number of components."""
        return int(self.scale.shape[0])

    def apply(self, values: Any) -> Any:
        """Transform values of shape (n_samples, n), numpy or torch (float64 results in numpy)."""
        if isinstance(values, np.ndarray):
            return values * self.scale + self.offset
        return values * values.new_tensor(self.scale.tolist()) + values.new_tensor(self.offset.tolist())

    @classmethod
    def identity(cls, n: int) -> AffineTransform:
        """Build the transform of n components that changes nothing."""
        return cls(scale=np.ones(n), offset=np.zeros(n))

    @classmethod
    def to_unit_box(cls, lower: FloatArray, upper: FloatArray) -> AffineTransform:
        """Build the transform that maps the box [lower, upper] to [-1, 1]^n."""
        span = np.asarray(upper, dtype=np.float64) - np.asarray(lower, dtype=np.float64)
        if not (span > 0).all():
            raise SpecError("AffineTransform.to_unit_box.upper", "lie above lower", span, "Give a box with an inside.")
        return cls(scale=2.0 / span, offset=-1.0 - 2.0 * np.asarray(lower) / span)


Field = Union[ExpressionField, Polynomial, Trigonometric, PolygonFactor, RadialLevelSet]  # noqa: UP007 - read at run time by files
"""A scalar field that an ansatz may be built from; has `n_dim` and `evaluate`."""


class Link(str, Enum):
    """Function that is applied to the network's output before the ansatz."""

    IDENTITY = "identity"
    """The output itself."""
    SOFTPLUS = "softplus"
    """log(1 + e^y): the output is positive, where the sign chooses between branches of solutions."""

    def apply(self, values: Any) -> Any:
        """Apply to values of any shape, numpy or torch."""
        return softplus(values) if self is Link.SOFTPLUS else values


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ansatz(Record):
    """u[k] = g[k](x) + d[k](x) * link(y[k]) for every output k: conditions hold where d vanishes, whatever y is."""

    offset: tuple[Field, ...]
    """Fields g, one per output: continues the boundary and initial data into the domain."""
    factor: tuple[Field, ...]
    """Fields d, one per output: zero where a condition is prescribed, not zero inside."""
    link: Link = Link.IDENTITY
    """Function that is applied to the network's output first."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "link", as_member(Link, self.link, "Ansatz.link"))
        object.__setattr__(self, "offset", tuple(self.offset))
        object.__setattr__(self, "factor", tuple(self.factor))
        if len(self.offset) != len(self.factor) or not self.offset:
            got = (len(self.offset), len(self.factor))
            raise SpecError("Ansatz", "have one g and one d per output", got, "Give both tuples the length n_out.")
        dims = {field.n_dim for field in (*self.offset, *self.factor)}
        if len(dims) != 1:
            raise SpecError("Ansatz", "have fields of the same dimension", dims, "Write all of them in one dimension.")

    @property
    def n_out(self) -> int:
        """Number of unknowns."""
        return len(self.offset)

    @property
    def n_dim(self) -> int:
        """Number of coordinates of a point."""
        return self.offset[0].n_dim

    def evaluate(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return g and d at points (n_samples, n_dim), each of shape (n_samples, n_out)."""
        g = np.stack([field.evaluate(points) for field in self.offset], axis=1)
        d = np.stack([field.evaluate(points) for field in self.factor], axis=1)
        return g, d

    def apply(self, points: FloatArray, outputs: FloatArray) -> FloatArray:
        """Compute u at points (n_samples, n_dim) from the network's outputs (n_samples, n_out)."""
        g, d = self.evaluate(points)
        linked: FloatArray = self.link.apply(outputs)
        return g + d * linked


def ansatz_relative_l2(ansatz: Ansatz | None, points: FloatArray, u_ref: FloatArray) -> float:
    """Compute the relative L2 error of an ansatz whose network is replaced by its best constant.

        min_c |g + d c - u_ref|_2 / |u_ref|_2          c = <d, u_ref - g> / <d, d>, one for each output

    The figure is the baseline for a network's error; it would be zero if the ansatz contained the solution.

    Args:
        ansatz: The built-in conditions; None stands for g = 0, d = 1.
        points: Shape (n, n_dim).
        u_ref: Reference values there, shape (n, n_out).
    """
    g, d = ansatz.evaluate(points) if ansatz else (np.zeros_like(u_ref), np.ones_like(u_ref))
    size = np.sum(d * d, axis=0)
    constant = np.sum(d * (u_ref - g), axis=0) / np.where(size > 0.0, size, 1.0)
    return relative_l2(g + d * constant, u_ref)
