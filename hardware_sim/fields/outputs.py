"""Outputs and estimated errors as records, for the maps of a report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ...base.arrays import ArrayRecord, FloatArray, IntArray, freeze_arrays
from ...base.checks import check_finite, check_shape, raise_violations
from ...base.errors import Violation


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FieldSection(ArrayRecord):
    """Outputs at the evaluation points, for the maps."""

    coordinates: tuple[str, ...]
    """One letter per column of `points`."""
    unknowns: tuple[str, ...]
    """One name per output."""
    points: FloatArray
    """Physical coordinates, shape (n, n_dim)."""
    float_outputs: FloatArray
    """u of the float reference network, shape (n, n_out)."""
    deployed_outputs: FloatArray
    """u of the deployed network, shape (n, n_out)."""
    reference_outputs: FloatArray | None = None
    """The problem's reference solution, or the user's own, shape (n, n_out)."""
    triangles: IntArray | None = None
    """Corners of the triangles that are drawn in two dimensions, shape (n_triangles, 3); see `triangulate_points`."""

    def __post_init__(self) -> None:
        freeze_arrays(self, points=np.float64, float_outputs=np.float64, deployed_outputs=np.float64)
        if self.reference_outputs is not None:
            freeze_arrays(self, reference_outputs=np.float64)
        if self.triangles is not None:
            freeze_arrays(self, triangles=np.int64)
        raise_violations(self._violations())

    def _violations(self) -> Iterator[Violation]:
        n = len(self.points)
        yield from check_shape("FieldSection.points", self.points, (n, len(self.coordinates)), "(n, n_dim)")
        outputs = {"float_outputs": self.float_outputs, "deployed_outputs": self.deployed_outputs}
        if self.reference_outputs is not None:
            outputs["reference_outputs"] = self.reference_outputs
        for name, values in outputs.items():
            yield from check_shape(f"FieldSection.{name}", values, (n, len(self.unknowns)), "(n, n_out)")
            yield from check_finite(f"FieldSection.{name}", values)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EstimateSection(ArrayRecord):
    """The estimated error of the deployed network on a cloud that was not trained on, for the maps."""

    coordinates: tuple[str, ...]
    """One letter per column of `points`."""
    unknowns: tuple[str, ...]
    """One name per output."""
    points: FloatArray
    """Physical coordinates, shape (n, n_dim)."""
    error: FloatArray
    """Estimated u_exact - u there, shape (n, n_out)."""
    triangles: IntArray
    """Corners of the triangles that are drawn, shape (n_triangles, 3); none beyond two dimensions."""

    def __post_init__(self) -> None:
        freeze_arrays(self, points=np.float64, error=np.float64, triangles=np.int64)
