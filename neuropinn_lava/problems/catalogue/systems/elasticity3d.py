"""`elasticity3d`: a cube of an elastic matrix with a stiff or soft inclusion, compressed, sheared or strained on average."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from ....base.arrays import FloatArray
from ....base.checks import raise_violations
from ....base.errors import Violation
from ....base.expression_sources import Names
from ....base.expressions import Expression
from ....geometry.domain import End, Face
from ....micromechanics.cell_domain import LoadedCell
from ....micromechanics.cells import UnitCell
from ....micromechanics.fitted_mesh import needed_cells
from ....micromechanics.inclusion_options import further_inclusions, make_ellipsoid
from ....micromechanics.loads import FaceLoad, Load, MeanStrain
from ....micromechanics.phases import IsotropicPhase
from ....micromechanics.reference_solution import reference_displacement
from ....operators.operator_kind import OperatorKind
from ...conditions import Condition, Dirichlet
from ...problem import PdeProblem
from ...recipes.phases import Optimizer, PhaseRecipe
from ...recipes.recipe import CloudRecipe, NetworkRecipe, TrainingRecipe
from ...reference_solution import ReferenceSolution

RECIPE = TrainingRecipe(
    network=NetworkRecipe(widths=(64, 64, 64), activation="tanh_squared", n_steps=1, theta=0.01, surrogate_slope=50.0),
    cloud=CloudRecipe(n_per_axis=(12, 12, 12), operator=OperatorKind.QUADRATIC, n_neighbours=26),
    phases=(
        PhaseRecipe(n_iterations=900, optimizer=Optimizer.SOAP, learning_rate=0.04),
        PhaseRecipe(
            n_iterations=2400,
            optimizer=Optimizer.SOAP,
            learning_rate=0.024,
            activity_weight=0.3,
            target_activity=0.29,
            ramp=0.6,
        ),
    ),
)
"""Displacements are of the magnitude of the load, which is the network's output_scale. Learning rates of 5e-3, 0.01, 0.02 and
0.04 end at 1.8, 1.7, 1.5 and 1.4e-2 of u - lift (seed 1); Adam needs twice the steps for 2.3e-2."""
SIDES = tuple(Face(axis, end) for axis in (0, 1) for end in End)
"""Faces that a `FaceLoad` leaves free."""


def make_elasticity3d(
    *,
    radius: float = 0.27,
    aspect: float = 1.0,
    aspect_y: float = 1.0,
    centre_x: float = 0.5,
    centre_y: float = 0.5,
    centre_z: float = 0.5,
    contrast: float = 10.0,
    poisson: float = 0.3,
    inclusion_poisson: float | None = None,
    compression: float | None = None,
    shear: float = 0.0,
    strain_xx: float = 0.0,
    strain_yy: float = 0.0,
    strain_zz: float = 0.0,
    strain_yz: float = 0.0,
    strain_xz: float = 0.0,
    strain_xy: float = 0.0,
    **further: float,
) -> PdeProblem:
    """Build linear elasticity of the unit cube with inclusions; `make_micromechanics` takes any cell and load.

        div sigma = 0,   sigma = lambda tr(epsilon) 1 + 2 mu epsilon,   epsilon = sym grad u,   E = 1 in the matrix
        u = 0 at z = 0,  u = (shear, 0, -compression) at z = 1,  other faces free        or: a mean strain, periodic

    Args:
        radius: Semi-axis of the inclusion along x; the inclusion stays within the cube.
        aspect: Semi-axis along z in units of `radius`, positive.
        aspect_y: Semi-axis along y in units of `radius`, positive.
        centre_x: Coordinate x of the inclusion's centre.
        centre_y: Coordinate y of the inclusion's centre.
        centre_z: Coordinate z of the inclusion's centre.
        contrast: E of the inclusion in units of the matrix's, positive.
        poisson: Poisson's ratio of the matrix, and of the inclusion without `inclusion_poisson`, above -1 and below 0.5.
        inclusion_poisson: Poisson's ratio of the inclusion; None is that of the matrix.
        compression: Downward displacement of the top; 0.1 if no load at all is given.
        shear: Displacement of the top along x.
        strain_xx: Mean strain of a periodic medium along x, which excludes displacements of the top.
        strain_yy: Mean strain along y, as for strain_xx.
        strain_zz: Mean strain along z, as for strain_xx.
        strain_yz: Engineering shear strain in y and z, which excludes other strains.
        strain_xz: Engineering shear strain in x and z, which excludes other strains.
        strain_xy: Engineering shear strain in x and y, which excludes other strains.
        **further: `radius_2`, `aspect_2`, `centre_x_2`, ... of a second inclusion, `radius_3` of a third; none touches another.

    Raises:
        SpecError: If an inclusion leaves the cube or overlaps another, a modulus is not that of a material, or loads
            contradict each other.

    Source: an application of the NeuroPINN paper (arXiv 2511.06081); this project's own choice of cell and load.
    """
    first = {"aspect": aspect, "aspect_y": aspect_y, "centre_x": centre_x, "centre_y": centre_y, "centre_z": centre_z}
    cell = UnitCell(
        matrix=IsotropicPhase(young=1.0, poisson=poisson),
        inclusion=IsotropicPhase(young=contrast, poisson=poisson if inclusion_poisson is None else inclusion_poisson),
        inclusions=(make_ellipsoid(radius, first), *further_inclusions(further)),
    )
    strain = np.array([strain_xx, strain_yy, strain_zz, strain_yz, strain_xz, strain_xy])
    return make_micromechanics(cell, _chosen_load(compression, shear, strain))


def make_micromechanics(cell: UnitCell, load: Load) -> PdeProblem:
    """Build the problem of any cell under any load.

    Raises:
        SpecError: If a mean strain cannot be built into the ansatz of this cell.
    """
    ansatz = load.ansatz(cell)
    box = LoadedCell(np.zeros(3), np.ones(3), open_faces=_open_faces(load), cell=cell, load=load)
    return PdeProblem(
        name="elasticity3d",
        title=_title(cell),
        text=f"div sigma = 0; {_load_text(load)}",
        unknowns=("u", "v", "w"),
        domain=box,
        equations=_navier,
        fields={"c": lambda points: _compressibility(cell, points)},
        residual_scale=4 * _magnitude(load),
        conditions=_conditions(load),
        own_ansatz=ansatz,
        reference=ReferenceSolution(
            evaluate=lambda points: reference_displacement(cell, load, points),
            relative_accuracy=2e-3,
            source="quadratic finite elements on a fitted mesh (docs/results/micromechanics.md)",
        ),
        recipe=_recipe(cell, load),
    )


def _title(cell: UnitCell) -> str:
    kind = "stiff" if cell.inclusion.young > cell.matrix.young else "soft"
    n = len(cell.inclusions)
    return f"Elastic cube with {f'a {kind} inclusion' if n == 1 else f'{n} {kind} inclusions'}"


def _recipe(cell: UnitCell, load: Load) -> TrainingRecipe:
    """Return the recipe at the load's magnitude, on a mesh that sees every inclusion and gap."""
    n = max(RECIPE.cloud.n_per_axis[0], needed_cells(cell))
    return dataclasses.replace(
        RECIPE,
        network=dataclasses.replace(RECIPE.network, output_scale=_magnitude(load)),
        cloud=dataclasses.replace(RECIPE.cloud, n_per_axis=(n, n, n)),
    )


def _navier(f: Names) -> tuple[Expression, ...]:
    """Return div sigma / mu within a phase: laplace u + grad div u / (1 - 2 nu); the field c is 1 / (1 - 2 nu)."""
    return (
        f.u_xx + f.u_yy + f.u_zz + f.c * (f.u_xx + f.v_xy + f.w_xz),
        f.v_xx + f.v_yy + f.v_zz + f.c * (f.u_xy + f.v_yy + f.w_yz),
        f.w_xx + f.w_yy + f.w_zz + f.c * (f.u_xz + f.v_yz + f.w_zz),
    )


def _compressibility(cell: UnitCell, points: FloatArray) -> FloatArray:
    """Return 1 / (1 - 2 nu) = (lambda + mu) / mu at points (n, 3), shape (n,)."""
    poisson = np.where(cell.contains(points), cell.inclusion.poisson, cell.matrix.poisson)
    return 1 / (1 - 2 * poisson)


def _magnitude(load: Load) -> float:
    """Return the size of the mean strain."""
    values = load.top if isinstance(load, FaceLoad) else load.strain
    return float(np.linalg.norm(values))


def _chosen_load(compression: float | None, shear: float, strain: FloatArray) -> Load:
    raise_violations(_load_violations(compression, shear, strain))
    if strain.any():
        return MeanStrain(strain=strain)
    pressed = compression if compression is not None else 0.0 if shear else 0.1
    return FaceLoad(top=np.array([shear, 0.0, -pressed]))


def _load_violations(compression: float | None, shear: float, strain: FloatArray) -> Iterator[Violation]:
    if strain.any() and (compression or shear):
        got = f"compression {compression}, shear {shear}, strain {strain}"
        repair = "Move the top of one cube, or strain a periodic medium."
        yield Violation(
            "make_elasticity3d: load", "be displacements of the top or a mean strain, not both", got, repair
        )


def _open_faces(load: Load) -> tuple[Face, ...]:
    """Return the faces on which not all displacements are prescribed."""
    bottom_and_top = tuple(Face(2, end) for end in End)
    return SIDES if isinstance(load, FaceLoad) else SIDES + bottom_and_top


def _conditions(load: Load) -> tuple[Condition, ...]:
    if not isinstance(load, FaceLoad):
        return ()
    top = tuple(float(value) for value in load.top)
    return Dirichlet(0.0, on="z_lower", name="bottom"), Dirichlet(lambda p: top, on="z_upper", name="top")


def _load_text(load: Load) -> str:
    if isinstance(load, FaceLoad):
        top = ", ".join(f"{value:g}" for value in load.top)
        return f"u = 0 at z = 0, u = ({top}) at z = 1, the other faces free"
    strain = ", ".join(f"{value:g}" for value in load.strain)
    return f"u = E x + periodic, E = ({strain}) in the order xx, yy, zz, yz, xz, xy"
