"""Stresses of a deployed network on a unit cell, and how far they are from those of finite elements.

    sigma = C epsilon(u)          epsilon by stochastic projection of the network's own outputs, within each phase

Every backend says displacements at the middles of a grid of cubes, of which none lies on a face or an edge, where stresses are
singular. What finite elements score through the same operators is the floor that the operators set.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ...base.arrays import ArrayRecord, FloatArray, Record, freeze_arrays
from ...base.metrics import relative_l2
from ...engine.trace import Backend
from ...micromechanics.cell_domain import LoadedCell
from ...micromechanics.reference_solution import reference_field
from ...micromechanics.stresses import (
    StressErrors,
    StressField,
    build_stress_cloud,
    compare_stress,
    projected_stress,
    reference_stress,
)

N_CUBES = 21
"""Cubes along an edge, 9 261 in all; odd, so that one layer of middles lies on each middle plane."""

Evaluate = Callable[[FloatArray], FloatArray]
"""Maps points (n, 3) to displacements (n, 3)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SolidView(ArrayRecord):
    """Displacements and stresses of one source on the grid of cubes."""

    name: str
    """As in `deployed` or `reference`."""
    corners: FloatArray
    """Displacements of the corners of the cubes, shape (n + 1, n + 1, n + 1, 3)."""
    von_mises: FloatArray
    """In the middle of the cubes, shape (n, n, n), in the unit of the moduli."""

    def __post_init__(self) -> None:
        freeze_arrays(self, corners=np.float64, von_mises=np.float64)

    @property
    def n(self) -> int:
        return int(self.von_mises.shape[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class SolidResult(Record):
    """How good one backend's displacements and stresses are, on the grid of cubes."""

    backend: Backend
    """Backend that computed the displacements."""
    fluctuation_relative_l2: float
    """Error of u - lift, relative to that of the reference: the lift comes with the ansatz, the rest is the network's."""
    stress: StressErrors
    """Errors of the stresses."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SolidSection(Record):
    """What a report says of a solid."""

    results: tuple[SolidResult, ...]
    """One per backend, the deployed one last."""
    floor: StressErrors
    """What the reference displacements score through the same operators."""
    operator: str
    """How derivatives were taken."""
    deployed: SolidView
    """Of the last backend."""
    reference: SolidView
    """Of finite elements, by their own shape functions."""

    @property
    def n_points(self) -> int:
        return int(self.deployed.von_mises.size)


def measure_solid(loaded: LoadedCell, sources: Sequence[tuple[Backend, Evaluate]], n: int = N_CUBES) -> SolidSection:
    """Compare displacements and stresses of backends with those of finite elements.

    Args:
        loaded: The cell and its load.
        sources: Backends and their displacements, the deployed one last.
        n: Cubes along an edge, odd.

    Raises:
        SpecError: If a phase has too few cubes for its neighbourhoods.
    """
    cloud, field = build_stress_cloud(loaded.cell, n), reference_field(loaded.cell, loaded.load)
    wanted, truth = field.evaluate(cloud.points), reference_stress(loaded.cell, field, cloud.points)
    lift = loaded.load.ansatz(loaded.cell).evaluate(cloud.points)[0]
    results = []
    for backend, evaluate in sources:
        u = evaluate(cloud.points)
        stress = projected_stress(cloud, u)
        results.append(
            SolidResult(
                backend=backend,
                fluctuation_relative_l2=relative_l2(u - lift, wanted - lift),
                stress=compare_stress(stress, truth),
            )
        )
    return SolidSection(
        results=tuple(results),
        floor=compare_stress(projected_stress(cloud, wanted), truth),
        operator=cloud.operators.kind.value,
        deployed=view_solid("deployed", stress, evaluate),
        reference=view_solid("reference", truth, field.evaluate),
    )


def view_solid(name: str, stress: StressField, evaluate: Evaluate) -> SolidView:
    """Return a view from stresses in the middles of cubes and displacements, which are asked for at the corners."""
    n = round(len(stress.points) ** (1 / 3))
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, n + 1)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    return SolidView(
        name=name,
        corners=evaluate(grid).reshape(n + 1, n + 1, n + 1, 3),
        von_mises=stress.von_mises().reshape(n, n, n),
    )
