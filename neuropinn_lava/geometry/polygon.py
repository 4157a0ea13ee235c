"""Polygons with holes as domains of plane problems."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..base.arrays import ArrayRecord, FloatArray, IntArray, freeze_arrays, frozen_array
from .fields.boundary_fields import MAX_VERTICES, PolygonFactor
from .ring_domain import RingDomain, check_rings, oriented
from .vanishing import PEAK_GRID


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PolygonDomain(ArrayRecord, RingDomain):
    """The inside of a polygon: `PolygonDomain(exterior=[[0, 0], [1, 0], [0, 1]])` is a triangle."""

    exterior: FloatArray
    """Corners of the outline in either sense, not closed, shape (n_vertices, 2)."""
    holes: tuple[FloatArray, ...] = ()
    """Corners of each hole in either sense, not closed, shape (n_vertices, 2) each."""

    def __post_init__(self) -> None:
        freeze_arrays(self, exterior=np.float64)
        object.__setattr__(self, "holes", tuple(frozen_array(hole, np.float64) for hole in self.holes))
        check_rings(self, self._given_rings)

    @property
    def _given_rings(self) -> tuple[FloatArray, ...]:
        return (self.exterior, *self.holes)

    @property
    def rings(self) -> tuple[FloatArray, ...]:
        """The outline counterclockwise, followed by the holes clockwise: the inside lies to the left of every edge."""
        return (oriented(self.exterior, 1.0), *(oriented(hole, -1.0) for hole in self.holes))

    def tagged_edges(self) -> dict[str, IntArray]:
        """Return the indices of the edges of each part of the boundary, by tag.

        `edge_1` runs from the first corner of the outline to the second as they were given; the edges of the holes follow.
        """
        order, first = [], 0
        for given, kept in zip(self._given_rings, self.rings, strict=True):
            n = len(given)
            order.append(first + (np.arange(n) if given is kept else (n - 2 - np.arange(n)) % n))
            first += n
        single = {f"edge_{k}": np.array([edge]) for k, edge in enumerate(np.concatenate(order), start=1)}
        return {**RingDomain.tagged_edges(self), **single}

    def vanishing_field(self) -> PolygonFactor | None:
        """Build the field that vanishes on the edges, see `factor`; None for more vertices than it can have."""
        return self.factor() if sum(len(ring) for ring in self.rings) <= MAX_VERTICES else None

    def factor(self, corner_exponent: float = 1.0) -> PolygonFactor:
        """Build the field that vanishes on the edges, for an ansatz; its largest value is about 1.

        Args:
            corner_exponent: Power of distance at re-entrant corners, see `PolygonFactor`.
        """
        vertices, sizes = np.concatenate(self.rings), np.array([len(ring) for ring in self.rings])
        raw = PolygonFactor(vertices=vertices, ring_sizes=sizes, corner_exponent=corner_exponent)
        peak = float(raw.evaluate(self.cloud(PEAK_GRID).centres).max())
        return PolygonFactor(vertices=vertices, ring_sizes=sizes, corner_exponent=corner_exponent, scale=1 / peak)
