"""Finite elements of unit cells: patch tests, bounds, symmetry, and fields evaluated anywhere."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.micromechanics.bounds import bulk_modulus, is_within_bounds, stiffness_bounds
from neuropinn_lava.micromechanics.cell_energy import cell_energy
from neuropinn_lava.micromechanics.cells import Ellipsoid, UnitCell, sphere_cell
from neuropinn_lava.micromechanics.element_stiffness import ElementStiffness, barycentric_gradients, shape_slopes
from neuropinn_lava.micromechanics.fitted_mesh import fit_mesh
from neuropinn_lava.micromechanics.homogenization import (
    Evaluate,
    StrainedField,
    effective_stiffness,
    mean_stress_stiffness,
    stiffness_of_fields,
    turned_component,
    unit_fields,
    unit_strains,
)
from neuropinn_lava.micromechanics.loads import FaceLoad, MeanStrain
from neuropinn_lava.micromechanics.phases import IsotropicPhase
from neuropinn_lava.micromechanics.solver import MeshedCell, mesh_cell, solve_load
from neuropinn_lava.micromechanics.tet_field import TetField

SOLVED = 1e-6
"""Conjugate gradients stop at a residual of 1e-8; the condition number of these meshes takes two digits."""
ROUNDING = 1e-11
"""Quadratic shape functions in barycentric coordinates of tetrahedra whose smallest height is 1e-3."""
SYMMETRY = 1e-3
"""A fitted mesh has not the cell's symmetry: which of two equal edges is split is a matter of their numbers."""
TURNED = 1e-2
"""A turned solution is interpolated to nodes of a coarse mesh that has not the cell's symmetry."""
ARRAYS = 9
"""Arrays of the nodes' size by which memory may grow: 6.2 measured; the assembled matrix alone is 100."""
CELL = sphere_cell(radius=0.27, contrast=10.0)
SHEAR = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 1.0])


@pytest.fixture(scope="module")
def meshed() -> MeshedCell:
    return mesh_cell(CELL, 6)


def test_homogeneous_cell_keeps_its_own_stiffness() -> None:
    """Patch test: where both phases are one, the fluctuation is zero and C_eff is C, whatever the mesh does."""
    one = IsotropicPhase(young=2.0, poisson=0.25)
    body = Ellipsoid(centre=np.full(3, 0.5), semi_axes=np.full(3, 0.27))
    C = effective_stiffness(UnitCell(matrix=one, inclusion=one, inclusions=(body,)), 6)
    np.testing.assert_allclose(C, one.stiffness(), rtol=0, atol=SOLVED)


def test_effective_stiffness_keeps_its_bounds_and_its_cubic_symmetry() -> None:
    C = effective_stiffness(CELL, 6)
    assert is_within_bounds(C, CELL)
    np.testing.assert_allclose(np.diag(C)[:3], C[0, 0], rtol=SYMMETRY)
    np.testing.assert_allclose(np.diag(C)[3:], C[3, 3], rtol=SYMMETRY)
    assert np.abs(C[:3, 3:]).max() < SYMMETRY
    bounds = stiffness_bounds(CELL)
    assert bounds.bulk_lower < bulk_modulus(C) < bounds.bulk_upper
    assert not is_within_bounds(1.01 * bounds.voigt, CELL)


def test_two_fields_give_the_stiffness_of_a_cubic_cell(meshed: MeshedCell) -> None:
    """Linear displacements give Voigt's bound, by energy and by mean stress; solutions the stiffness of six solved cases."""

    two = {k: MeanStrain(strain=0.2 * unit_strains()[k].strain) for k in (0, 5)}

    def linear(k: int) -> Evaluate:
        return lambda points: points @ two[k].tensor()

    nodes, voigt = meshed.mesh.nodes, stiffness_bounds(CELL).voigt
    six = effective_stiffness(CELL, 6)
    affine, solved = (
        [u(nodes) for u in unit_fields(CELL, [StrainedField(load=load, evaluate=of(k)) for k, load in two.items()])]
        for of in (linear, lambda k: solve_load(meshed, two[k]).evaluate)
    )
    for measure in (stiffness_of_fields, mean_stress_stiffness):
        np.testing.assert_allclose(measure(meshed, affine), voigt, rtol=0, atol=SOLVED)
        np.testing.assert_allclose(measure(meshed, solved), six, rtol=0, atol=TURNED * six[0, 0])


def test_fields_that_symmetry_does_not_give_are_asked_for() -> None:
    """An ellipsoid along z exchanges x and y only: xx gives yy, xz gives yz; zz and xy are their own."""
    along_z = Ellipsoid(centre=np.full(3, 0.5), semi_axes=np.array([0.2, 0.2, 0.3]))
    cell = UnitCell(matrix=CELL.matrix, inclusion=CELL.inclusion, inclusions=(along_z,))
    xx, xy = (StrainedField(load=unit_strains()[k], evaluate=lambda points: points) for k in (0, 5))
    with pytest.raises(SpecError, match=r"none for zz, yz, xz\. Add a network: .* strain_zz=0\.1"):
        unit_fields(cell, [xx, xy])
    both = StrainedField(load=MeanStrain(strain=np.array([1.0, 1.0, 0, 0, 0, 0])), evaluate=lambda points: points)
    with pytest.raises(SpecError, match="one component of strain each"):
        unit_fields(cell, [both])
    assert [turned_component(k, (1, 0, 2)) for k in range(6)] == [1, 0, 2, 4, 3, 5]


def test_bounds_by_hand() -> None:
    """Equal phases: all bounds are the phase itself. Phases 1 and 10, half each: Voigt is 5.5, Reuss 20 / 11, times C(1)."""
    one = IsotropicPhase(young=1.0, poisson=0.3)
    side = (0.5 * 3 / (4 * np.pi)) ** (1 / 3)
    half = sphere_cell(radius=side, contrast=10.0)
    assert half.volume_fraction == pytest.approx(0.5)
    bounds = stiffness_bounds(half)
    np.testing.assert_allclose(bounds.voigt, 5.5 * one.stiffness())
    np.testing.assert_allclose(bounds.reuss, 20 / 11 * one.stiffness())
    same = stiffness_bounds(sphere_cell(radius=0.3, contrast=1.0))
    assert same.bulk_lower == same.bulk_upper == pytest.approx(one.bulk)


@pytest.mark.parametrize("strain", [np.array([0.0, 0.0, 1.0, 0.0, 0.0, 0.0]), SHEAR], ids=["zz", "xy"])
def test_symmetry_of_the_ansatz_is_periodicity(meshed: MeshedCell, strain: np.ndarray) -> None:
    """What the ansatz holds at zero is zero in the periodic solution too, up to a translation."""
    load = MeanStrain(strain=strain)
    field = solve_load(meshed, load)
    g, d = load.ansatz(CELL).evaluate(field.mesh.nodes)
    fluctuation = field.values - g
    middle = np.abs(field.mesh.nodes - 0.5).max(axis=1) < 1e-9
    fluctuation = fluctuation - fluctuation[middle]  # mirror symmetry keeps the middle in place
    size = np.abs(fluctuation).max()
    assert np.abs(fluctuation[np.abs(d) < 1e-12]).max() < SYMMETRY * size


def test_solution_beats_its_lift_in_energy_and_holds_its_faces(meshed: MeshedCell) -> None:
    load = FaceLoad(top=np.array([0.02, 0.0, -0.1]))
    field = solve_load(meshed, load)
    lift = load.ansatz(CELL).evaluate(field.mesh.nodes)[0]
    energies = [float(u.T.ravel() @ meshed.stiffness @ u.T.ravel()) for u in (field.values, lift)]
    assert 0 < energies[0] < energies[1]
    top, bottom = (np.abs(field.mesh.nodes[:, 2] - z) < 1e-12 for z in (1.0, 0.0))
    np.testing.assert_allclose(field.values[top], np.tile(load.top, (top.sum(), 1)))
    np.testing.assert_allclose(field.values[bottom], 0.0)


def test_field_gives_quadratic_functions_and_gradients_exactly() -> None:
    mesh = fit_mesh(CELL, 6)

    def polynomial(x: np.ndarray) -> np.ndarray:
        return np.stack([x[:, 0] * x[:, 1] - x[:, 2] ** 2, 3 * x[:, 1] + 1], axis=1)

    points = np.concatenate([np.random.default_rng(0).uniform(size=(500, 3)), np.eye(3), np.zeros((1, 3))])
    field = TetField(mesh, polynomial(mesh.nodes))
    np.testing.assert_allclose(field.evaluate(points), polynomial(points), rtol=0, atol=ROUNDING)
    x, y, z = points.T
    zero = np.zeros_like(x)
    slopes = np.stack([np.stack([y, x, -2 * z], axis=1), np.stack([zero, zero + 3, zero], axis=1)], axis=1)
    np.testing.assert_allclose(field.gradient(points), slopes, rtol=0, atol=1e3 * ROUNDING)


def test_field_wants_a_row_for_each_node() -> None:
    with pytest.raises(SpecError, match=r"TetField.values: the shape is \(n_nodes, n_out\)"):
        TetField(fit_mesh(CELL, 6), np.zeros((3, 3)))


@pytest.mark.parametrize(
    ("strain", "message"),
    [
        ([1, 0, 0, 0, 0, 1], "normal strains alone, or one shear alone"),
        ([0, 0, 0, 0, 1, 1], "one shear alone"),
        ([0] * 6, "MeanStrain.strain: a strain"),
        ([1, 0, 0], r"shape is xx, yy, zz, yz, xz, xy = \(6\)"),
    ],
)
def test_mean_strains_that_cannot_be_built_in_are_refused(strain: list[float], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        MeanStrain(strain=np.array(strain)).ansatz(CELL)


def test_periodicity_cannot_be_built_in_without_symmetry() -> None:
    body = Ellipsoid(centre=np.array([0.4, 0.5, 0.5]), semi_axes=np.full(3, 0.2))
    cell = UnitCell(matrix=CELL.matrix, inclusion=CELL.inclusion, inclusions=(body,))
    with pytest.raises(SpecError, match="mirror image"):
        MeanStrain(strain=SHEAR).ansatz(cell)


def test_loads_that_do_nothing_are_refused() -> None:
    with pytest.raises(SpecError, match=r"FaceLoad.top: a displacement"):
        FaceLoad(top=np.zeros(3))


def test_elements_one_by_one_are_the_assembled_matrix(meshed: MeshedCell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neuropinn_lava.micromechanics.element_stiffness.BLOCK", 700)  # the last block is not full
    operator = ElementStiffness(CELL, meshed.mesh)
    u = np.random.default_rng(0).normal(size=operator.shape[0])
    expected = meshed.stiffness @ u
    for K in (operator, operator.T):
        np.testing.assert_allclose(K @ u, expected, rtol=0, atol=ROUNDING * np.abs(expected).max())


def test_slopes_of_shape_functions_sum_to_those_of_a_constant() -> None:
    """sum_k N_k = 1 and sum_k N_k b_i(x_k) = b_i: their slopes along the tetrahedron are 0 and those of b_i."""
    slopes = shape_slopes()
    along = slopes[:, :3] - slopes[:, 3:]
    np.testing.assert_allclose(along.sum(axis=2), 0, atol=ROUNDING)
    nodes = np.concatenate([np.eye(4), (np.eye(4)[:, None] + np.eye(4))[np.triu_indices(4, 1)] / 2])
    np.testing.assert_allclose(along @ nodes[:, :3], np.tile(np.eye(3), (4, 1, 1)), atol=ROUNDING)


def test_gradients_and_volumes_of_tetrahedra(meshed: MeshedCell) -> None:
    """grad b_i . (x_j - x_0) = delta_ij - delta_i0, and the volumes fill the cube."""
    corners = meshed.mesh.nodes[meshed.mesh.cells[:, :4]]
    gradients, volume = barycentric_gradients(corners)
    along = gradients @ np.swapaxes(corners - corners[:, :1], 1, 2)
    np.testing.assert_allclose(along, np.broadcast_to(np.eye(4) - np.eye(4)[:, :1], along.shape), atol=ROUNDING)
    assert volume.sum() == pytest.approx(1.0, rel=ROUNDING)


def test_fine_meshes_and_batches_are_not_assembled(monkeypatch: pytest.MonkeyPatch) -> None:
    load = FaceLoad(top=np.array([0.0, 0.0, -0.1]))
    assembled = cell_energy(CELL, load, (6, 6, 6))
    monkeypatch.setattr("neuropinn_lava.micromechanics.cell_energy.assemble_stiffness", None)
    in_batches = cell_energy(CELL, load, (6, 6, 6), batch_size=512)
    monkeypatch.setattr("neuropinn_lava.micromechanics.cell_energy.N_ASSEMBLED", 100)
    for by_elements in (in_batches, cell_energy(CELL, load, (6, 6, 6))):
        assert isinstance(by_elements.matrix, ElementStiffness)
        assert by_elements.unit == pytest.approx(assembled.unit, rel=ROUNDING)


def test_energy_in_batches_takes_little_more_than_the_mesh() -> None:
    """Making it and multiplying by it: some arrays of three numbers a node, and blocks that do not grow."""
    load, peaks = FaceLoad(top=np.array([0.0, 0.0, -0.1])), []
    tracemalloc.start()
    try:
        for n in (8, 14):
            tracemalloc.reset_peak()
            energy = cell_energy(CELL, load, (n, n, n), batch_size=512)
            energy.matrix @ energy.points.T.ravel()
            peaks.append((tracemalloc.get_traced_memory()[1], energy.points.nbytes))
            del energy
    finally:
        tracemalloc.stop()
    (small, points), (large, more_points) = peaks
    assert large - small < ARRAYS * (more_points - points)
