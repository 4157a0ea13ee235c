"""The recipe of a problem that brings none, chosen by solving its discrete equations without a network.

    u_n          the discrete solution on n cells: Newton corrections of the ansatz with zero outputs
    e_n          |u_n - u_m| / |u_n| / (c^4 - 1),  m = n / c, c = `FINER`: the error of u_n, estimated

A network that is trained on a cloud errs by the truncation of the cloud's operators, as u_n does. So the cells grow until e_n
is small, has stopped falling, or a step of Gauss-Newton would need too large a system. Amplitude and frequencies of u_n give
the scale of the outputs, the cells along each axis and the size of the initial weights. No reference is used. The search ends
after `MOST_SECONDS` in any case, so that a slower machine may choose fewer cells.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.interpolate import RBFInterpolator

from ..base.arrays import FloatArray, Record
from ..base.errors import SpecError
from ..base.metrics import rms
from ..geometry.function_space import FunctionSpace
from ..geometry.parametric_domain import Range
from ..operators.operator_kind import OperatorKind
from ..operators.potential_energy import EnergyDomain
from ..operators.projection import build_operators
from .discretization import Discretization, discrete_problem
from .error_estimate import newton_correction
from .problem import PdeProblem
from .recipes.operator_recipe import OPERATOR_NETWORK, OperatorRecipe
from .recipes.phases import PhaseRecipe, accurate_then_sparse
from .recipes.recipe import SOLVER_NETWORK, CloudRecipe, DiscreteTeacher, TrainingRecipe

FIRST_CELLS = {1: 48, 2: 20, 3: 9, 4: 5}
"""Cells along each axis, in the geometric mean, with which the search starts, by the number of coordinates."""
NEIGHBOURS = {1: 8, 2: 28, 3: 60, 4: 110}
"""Neighbours of a quartic fit, about twice its number of terms, by the number of coordinates."""
FINER = 1.25
"""Factor on the cells from one trial to the next."""
ORDER = 4
"""Power of the cell size with which a discrete solution converges where it is smooth."""
GOOD_ERROR = 2e-4
"""Estimated error at which the cells are enough: below it a network of this size and its 8-bit weights err more."""
LEAST_GAIN, UNRESOLVED = 0.8, 0.1
"""Cells grow no more where the error of a finer cloud is above this share of the former one and below `UNRESOLVED`."""
MOST_ROWS = 2000
"""Largest number of rows of the system of a Gauss-Newton step, which takes about a second then."""
MOST_SECONDS = 20.0
"""Time after which the cells that are found are taken."""
LEAST_SHARE, MOST_SHARE = 0.6, 1.7
"""Range of the cells along one axis, relative to the geometric mean."""
FEW_CYCLES = 1.5
"""Cycles of a solution below which 40 steps are enough; a wave of four periods needs 150."""
N_SPARSE = 150
"""Number of steps of the sparsity phase."""
N_DRAWS = 8
"""Number of draws of the parameters of a family of problems on its cloud."""
NEWTON_STEPS = 8
"""Largest number of Newton corrections."""
NEWTON_TOLERANCE = 1e-6
"""Relative size of the last correction."""
N_COMPARED = 500
"""Number of points at which two discrete solutions are compared."""
DEFAULT_ACTIVITY = 0.28
"""Share of neurons that the sparsity phase aims at."""
LEAST_DAMPING = 1e-5
"""Final damping of the accurate phase: periodic advection ends at 2.1e-3 with it, at 3.3e-3 with the usual 1e-3. The longer
sparsity phase has that one, as with less it fits the points alone: Helmholtz' equation ends at 4.7e-3 in place of 2.0e-3."""


OPERATOR_CELLS = {1: (40,), 2: (24, 20), 3: (12, 12, 10)}
"""Cells along each axis of a problem whose parameter is a function, by the number of axes."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Solution(Record):
    """A discrete solution on a cloud."""

    held: Discretization
    cells: tuple[int, ...]
    u: FloatArray
    """Values at the points of the cloud, shape (n_points, n_out)."""


@functools.lru_cache(maxsize=32)
def recipe_of(problem: PdeProblem) -> TrainingRecipe:
    """Return the recipe of a problem, or the one that is chosen for it, once for each problem, where it has none.

    Raises:
        SpecError: If a parameter of the problem is a function, for which such a recipe trains no network.
    """
    found = any_recipe_of(problem)
    if isinstance(found, OperatorRecipe):
        repair = "Train it by `neuropinn_lava.train(problem)`."
        raise SpecError(f"recipe of problem {problem.name!r}", "be a TrainingRecipe here", "an OperatorRecipe", repair)
    return found


def any_recipe_of(problem: PdeProblem) -> TrainingRecipe | OperatorRecipe:
    """Return the recipe of a problem, whatever its kind, or the one that is chosen for it where it has none."""
    if problem.recipe is not None:
        return problem.recipe
    has_functions = any(isinstance(each, FunctionSpace) for each in problem.parameters.values())
    return choose_operator_recipe(problem) if has_functions else choose_recipe(problem)


def choose_operator_recipe(problem: PdeProblem) -> OperatorRecipe:
    """Choose the recipe of a problem whose parameter is a function: without neurons in the branch where it is linear."""
    cells = OPERATOR_CELLS[len(problem.axes)]
    return OperatorRecipe(
        branch=None if is_linear(problem) else OPERATOR_NETWORK, cloud=CloudRecipe(n_per_axis=(*cells, N_DRAWS))
    )


def is_linear(problem: PdeProblem) -> bool:
    """Return whether the solution depends on the columns of the parameters in an affine way.

    So it is where every row is affine in the unknowns and the columns together.
    """
    columns = set(problem.coordinates[len(problem.axes) :])
    f = problem.names(on_boundary=True)
    rows = [*problem.residuals, *(row for each in problem.conditions for row in each.rows(f, problem.unknowns))]
    for row in rows:
        moving = {each for each in row.names() if each.partition("_")[0] in problem.unknowns or each in columns}
        if any(row.derivative(each).names() & moving for each in moving):
            return False
    return True


def choose_recipe(problem: PdeProblem, most_rows: int = MOST_ROWS) -> TrainingRecipe:
    """Choose cells, neighbours, network and phases for a problem from its discrete solution.

    Args:
        problem: The problem.
        most_rows: Largest number of rows of the equations on the cloud.
    """
    if isinstance(problem.domain, EnergyDomain):
        return TrainingRecipe()
    if problem.parameters:
        return _recipe_of_family(problem)
    start, n_dim = time.perf_counter(), problem.n_in
    shares = np.ones(n_dim)
    found = _solve(problem, _cells(n_dim, FIRST_CELLS[n_dim], shares))
    if found is None:
        cloud = _cloud(problem, _cells(n_dim, FIRST_CELLS[n_dim], shares))
        return TrainingRecipe(network=SOLVER_NETWORK, cloud=cloud, phases=_phases(60))
    waves = np.maximum(frequencies(found.held, found.u), 1e-3)
    shares = np.clip(waves / np.exp(np.log(waves).mean()), LEAST_SHARE, MOST_SHARE)
    size, last = FIRST_CELLS[n_dim] / FINER, np.inf
    while time.perf_counter() - start < MOST_SECONDS:
        size *= FINER
        cells = _cells(n_dim, size, shares)
        if cells == found.cells:  # the shares were all one
            continue
        finer = _solve(problem, cells) if np.prod(cells) * len(problem.residuals) <= most_rows else None
        if finer is None:
            break
        error = _distance(found, finer) / (FINER**ORDER - 1.0)
        found = finer
        if error < GOOD_ERROR or LEAST_GAIN * last < error < UNRESOLVED:
            break
        last = error
    cycles = float(frequencies(found.held, found.u).max())
    network = replace(
        SOLVER_NETWORK,
        output_scale=_output_scale(problem, found),
        initial_gain=float(np.clip(1.5 * np.sqrt(cycles), 1.5, 3.0)),
    )
    phases = _phases(40 if cycles < FEW_CYCLES else 150)
    return TrainingRecipe(network=network, cloud=_cloud(problem, found.cells), phases=phases)


def _phases(n_accurate: int) -> tuple[PhaseRecipe, ...]:
    return accurate_then_sparse(DEFAULT_ACTIVITY, n_accurate, N_SPARSE, least_damping=LEAST_DAMPING)


def _recipe_of_family(problem: PdeProblem) -> TrainingRecipe:
    """Choose the recipe of a problem with parameters: that of the middle of their ranges, with `N_DRAWS` slices."""
    middle = {
        each: float(np.sqrt(held.low * held.high)) if held.logarithmic else (held.low + held.high) / 2.0
        for each, held in problem.parameters.items()
        if isinstance(held, Range)
    }
    recipe = choose_recipe(problem.at(**middle), MOST_ROWS // N_DRAWS)
    cloud = replace(recipe.cloud, n_per_axis=(*recipe.cloud.n_per_axis, N_DRAWS))
    return replace(recipe, cloud=cloud)


def _cells(n_dim: int, size: float, shares: FloatArray) -> tuple[int, ...]:
    return tuple(max(round(size * float(share)), 4) for share in shares[:n_dim])


def _cloud(problem: PdeProblem, cells: tuple[int, ...]) -> CloudRecipe:
    return CloudRecipe(n_per_axis=cells, operator=OperatorKind.QUARTIC, n_neighbours=NEIGHBOURS[problem.n_in])


def solve_discrete(held: Discretization, viscosities: Sequence[float] = (0.0,)) -> FloatArray | None:
    """Solve discrete equations by Newton corrections from the ansatz with zero outputs, shape (n_points, n_out).

    Args:
        held: The problem on a cloud.
        viscosities: Values of `f.viscosity` for which the equations are solved in turn, each from the solution before.

    Returns:
        The solution for the last one, or None where the corrections do not become small: the problem is too nonlinear for
        that start.
    """
    problem = held.problem
    u: FloatArray | None = problem.ansatz.apply(held.points, np.zeros((held.n_points, problem.n_out)))
    for viscosity in viscosities:
        u = None if u is None else _newton(held, u, problem.rest_values(viscosity))
    return u


def _newton(held: Discretization, u: FloatArray, constants: Mapping[str, float]) -> FloatArray | None:
    """Correct values u, shape (n_points, n_out), until a correction is small; None where that does not happen."""
    for _ in range(NEWTON_STEPS):
        delta = newton_correction(held, u, constants)
        u = u + delta
        if not np.isfinite(u).all():
            return None
        if _is_linear(held) or rms(delta) <= NEWTON_TOLERANCE * rms(u):
            return u
    return None


def discrete_teacher(problem: PdeProblem, recipe: TrainingRecipe) -> Callable[[FloatArray], FloatArray]:
    """Solve the equations on a recipe's cloud for its `DiscreteTeacher`, and return the solution as a function of the points.

    Raises:
        SpecError: If Newton's method finds no solution; the function, if it is asked at other points.
    """
    assert isinstance(recipe.teacher, DiscreteTeacher)
    held = discrete_problem(problem, recipe.cloud)
    u = solve_discrete(held, recipe.teacher.viscosities)
    if u is None:
        repair = "Begin with a larger viscosity, lower it in smaller steps, or choose a network as the teacher."
        where = f"discrete equations of problem {problem.name!r}"
        raise SpecError(where, f"be solved by {NEWTON_STEPS} Newton corrections a viscosity", "no solution", repair)

    def values_at(points: FloatArray) -> FloatArray:
        if not np.array_equal(points, held.points):
            repair = "Train on the cloud of the recipe."
            got = f"{len(points)} points"
            raise SpecError("discrete teacher", f"be asked at its own {held.n_points} points", got, repair)
        return u

    return values_at


def _is_linear(held: Discretization) -> bool:
    """Return whether no slope of a row depends on the unknowns."""
    names = {*held.problem.unknowns, *(each for block in held.blocks for each in block.maps)}
    return not any(slope.names() & names for block in held.blocks for row in block.slopes for slope in row.values())


def _solve(problem: PdeProblem, cells: tuple[int, ...]) -> _Solution | None:
    """Solve on cells; None where no solution is found, or the cloud does not determine its operators."""
    try:
        held = discrete_problem(problem, _cloud(problem, cells))
    except SpecError:
        return None
    u = solve_discrete(held)
    return None if u is None else _Solution(held=held, cells=cells, u=u)


def frequencies(held: Discretization, u: FloatArray) -> FloatArray:
    """Measure the cycles of a solution along each axis, rms(du/dx) span / (2 pi rms(u)) of the fastest unknown, (n_in,)."""
    problem, n = held.problem, held.cloud.n_points
    operators = build_operators(
        held.cloud, problem.coordinates, problem.coordinates, held.kind, NEIGHBOURS[problem.n_in]
    )
    span = np.subtract(problem.domain.upper, problem.domain.lower)
    found = [
        max(
            rms(slope) / max(rms(u[:n, k] - u[:n, k].mean()), 1e-300)
            for k, slope in enumerate(operators.apply(letter, u[:n]).T)
        )
        for letter in problem.coordinates
    ]
    cycles: FloatArray = np.array(found) * span / (2.0 * np.pi)
    return cycles


def _distance(coarse: _Solution, fine: _Solution) -> float:
    """Compute |u_coarse - u_fine| / |u_fine| at some points of the finer cloud, by local polynomials of degree four."""
    cells = np.subtract(coarse.held.problem.domain.upper, coarse.held.problem.domain.lower) / np.array(coarse.cells)
    n, n_fine = coarse.held.cloud.n_points, fine.held.cloud.n_points
    some = np.linspace(0, n_fine - 1, min(N_COMPARED, n_fine)).astype(int)
    degree = 4 if len(cells) < 3 else 2  # a grid's neighbourhoods in three coordinates leave degree four open
    near = RBFInterpolator(
        coarse.held.points[:n] / cells,
        coarse.u[:n],
        neighbors=min(NEIGHBOURS[len(cells)] + 12, n),
        kernel="quintic",
        degree=degree,
    )
    apart = near(fine.held.points[some] / cells) - fine.u[some]
    return rms(apart) / max(rms(fine.u[some]), 1e-300)


def _output_scale(problem: PdeProblem, found: _Solution) -> float:
    """Return the size of the network's outputs, (u - g) / d: the largest of the unknowns."""
    offset, factor = problem.ansatz.evaluate(found.held.points)
    sizes = [rms(found.u[:, k] - offset[:, k]) / max(rms(factor[:, k]), 1e-300) for k in range(problem.n_out)]
    return float(np.clip(max(sizes), 1e-6, 1e6)) if max(sizes) > 0.0 else 1.0
