"""Phases, cells and fitted meshes: closed forms, exact volumes, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.micromechanics.cells import Ellipsoid, UnitCell, sphere_cell
from neuropinn_lava.micromechanics.fitted_mesh import EDGES, FittedMesh, fit_mesh
from neuropinn_lava.micromechanics.phases import IsotropicPhase

ROUNDING = 1e-12
"""Sums of some thousand volumes of order 1e-4."""
STEEL = IsotropicPhase(young=10.0, poisson=0.3)
SOFT = IsotropicPhase(young=1.0, poisson=0.2)


def two_bodies(second_x: float) -> UnitCell:
    """A sphere and an ellipsoid beside it."""
    sphere = Ellipsoid(centre=np.array([0.3, 0.5, 0.5]), semi_axes=np.full(3, 0.18))
    other = Ellipsoid(centre=np.array([second_x, 0.5, 0.45]), semi_axes=np.array([0.15, 0.2, 0.25]))
    return UnitCell(matrix=SOFT, inclusion=STEEL, inclusions=(sphere, other))


def volumes(mesh: FittedMesh) -> np.ndarray:
    corners = mesh.nodes[mesh.cells[:, :4]]
    return np.abs(np.linalg.det(corners[:, 1:] - corners[:, :1])) / 6


def test_moduli_by_hand() -> None:
    """E = 10, nu = 0.3: lambda = 3 / 0.52 = 5.769231, mu = 10 / 2.6 = 3.846154, kappa = E / (3 (1 - 2 nu)) = 8.333333."""
    assert STEEL.lame == pytest.approx(5.769231, abs=1e-6)
    assert STEEL.shear == pytest.approx(3.846154, abs=1e-6)
    assert STEEL.bulk == pytest.approx(10 / 1.2)
    assert np.linalg.inv(STEEL.stiffness())[0, 0] == pytest.approx(1 / 10)


@pytest.mark.parametrize(
    ("young", "poisson", "message"),
    [
        (0.0, 0.3, r"IsotropicPhase.young: 0 < E < infinity; got 0\.0"),
        (-1.0, 0.3, "young: 0 < E < infinity"),
        (float("nan"), 0.3, "young: 0 < E < infinity"),
        (1.0, 0.5, r"poisson: -1 < nu < 0\.5; got 0\.5.*incompressible"),
        (1.0, -1.0, "poisson: -1 < nu"),
    ],
)
def test_impossible_materials_are_refused(young: float, poisson: float, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        IsotropicPhase(young=young, poisson=poisson)


def test_inclusions_outside_or_overlapping_are_refused() -> None:
    with pytest.raises(SpecError, match=r"inclusions\[0\]: inclusions lie inside the cube"):
        sphere_cell(radius=0.5, contrast=10.0)
    with pytest.raises(SpecError, match=r"inclusions\[1\]: it does not overlap inclusion 0"):
        two_bodies(0.5)
    small = Ellipsoid(centre=np.full(3, 0.5), semi_axes=np.full(3, 0.01))
    large = Ellipsoid(centre=np.full(3, 0.5), semi_axes=np.full(3, 0.3))
    with pytest.raises(SpecError, match="does not overlap"):
        UnitCell(matrix=SOFT, inclusion=STEEL, inclusions=(small, large))
    with pytest.raises(SpecError, match=r"Ellipsoid.semi_axes: positive"):
        sphere_cell(radius=0.0, contrast=10.0)


@pytest.mark.parametrize("cell", [sphere_cell(radius=0.27, contrast=10.0), two_bodies(0.75)], ids=["sphere", "two"])
def test_mesh_fills_the_cube_and_each_inclusion_exactly(cell: UnitCell) -> None:
    mesh = fit_mesh(cell, 16)
    assert volumes(mesh).sum() == pytest.approx(1.0, abs=ROUNDING)
    assert volumes(mesh)[mesh.inside].sum() == pytest.approx(cell.volume_fraction, rel=ROUNDING)
    assert volumes(mesh).min() > 0


def test_mesh_is_conforming() -> None:
    """Every face belongs to two tetrahedra, but for the 12 n^2 on the cube's own faces."""
    mesh = fit_mesh(sphere_cell(radius=0.27, contrast=10.0), 8)
    triples = np.sort(mesh.cells[:, [[0, 1, 2], [0, 1, 3], [0, 2, 3], [1, 2, 3]]].reshape(-1, 3), axis=1)
    counts = np.unique(triples, axis=0, return_counts=True)[1]
    assert counts.max() == 2
    assert np.count_nonzero(counts == 1) == 12 * 8**2


def test_mesh_follows_the_interface_and_holds_midpoints() -> None:
    cell = sphere_cell(radius=0.27, contrast=10.0)
    mesh = fit_mesh(cell, 10)
    r = cell.inclusions[0].radius(mesh.nodes[mesh.cells[:, :4]].reshape(-1, 3)).reshape(-1, 4)
    inner, outer = r[mesh.inside], r[~mesh.inside]
    surface = inner.max()  # the radius of the inflated polyhedron's vertices
    assert 1.0 < surface < 1.02
    assert outer.min() > surface - 1e-9
    corners = mesh.nodes[mesh.cells[:, :4]]
    np.testing.assert_allclose(mesh.nodes[mesh.cells[:, 4:]], corners[:, EDGES].mean(axis=2), rtol=0, atol=ROUNDING)


def test_opposite_faces_match() -> None:
    mesh = fit_mesh(two_bodies(0.75), 16)
    for axis in range(3):
        others = [a for a in range(3) if a != axis]
        sides = [mesh.nodes[np.abs(mesh.nodes[:, axis] - place) < 1e-9][:, others] for place in (0.0, 1.0)]
        low, high = (side[np.lexsort(np.rint(side.T * 1e9))] for side in sides)
        np.testing.assert_allclose(low, high, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("n", "message"), [(7, "an even number"), (0, "an even number"), (4, "got 4 cells.* Take n >= 6")]
)
def test_meshes_that_cannot_see_the_inclusion_are_refused(n: int, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        fit_mesh(sphere_cell(radius=0.27, contrast=10.0), n)


def test_mirror_symmetry_is_recognised() -> None:
    assert sphere_cell(radius=0.2, contrast=2.0).is_mirror_symmetric()
    assert not two_bodies(0.75).is_mirror_symmetric()
    pair = [Ellipsoid(centre=np.array([x, 0.5, 0.5]), semi_axes=np.full(3, 0.1)) for x in (0.3, 0.7)]
    assert UnitCell(matrix=SOFT, inclusion=STEEL, inclusions=tuple(pair)).is_mirror_symmetric()
