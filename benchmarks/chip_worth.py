"""When a chip is worth it: multiplications of a network beside a spline of the solution and a coarse solver of the same error.

    python benchmarks/chip_worth.py poisson heat                       shipped networks, converted to 8 bits
    python benchmarks/chip_worth.py heat-operator=chip.h5              a network that takes functions, from a file
    python benchmarks/chip_worth.py elasticity3d                       three dimensions, with finite elements

A cubic spline is a tensor product of the solution's own values on an even grid, the smallest that is as exact as the network. A
point of it takes 9 multiplications an axis, for the place in its cell and four basis functions, and a contraction of 4**d
coefficients. Solvers are compact finite differences of fourth order, the smallest that are as exact, and in three dimensions
quadratic finite elements; values between the nodes of a grid are those of a cubic spline, whose fit is counted. Errors are
relative L2 errors at random points, of families the mean over functions.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count

import numpy as np
from scipy.interpolate import BSpline, make_interp_spline
from scipy.sparse import csc_matrix, csr_matrix, diags, identity, kron
from scipy.sparse.linalg import cg, factorized, spsolve

import neuropinn_lava as nl
from neuropinn_lava.micromechanics.cells import sphere_cell
from neuropinn_lava.micromechanics.loads import FaceLoad
from neuropinn_lava.micromechanics.solver import HELD, mesh_cell
from neuropinn_lava.micromechanics.tet_field import TetField

N_POINTS, N_FUNCTIONS = 2000, 40
"""Random points, and functions of a family with a tenth of the points each."""
BASIS = 9
"""Multiplications of a place in its cell and of four cubic basis functions there."""
FIT = 3
"""Multiplications of a value and axis when a spline is fitted: a tridiagonal solve whose factors are known."""
TETRAHEDRON = 70
"""Multiplications of a point in a known tetrahedron: 9 for its place, some 30 for ten shape functions, 30 for the sums."""


@dataclass(frozen=True)
class Solver:
    """A coarse solver of one size."""

    name: str
    values: Callable[[np.ndarray], np.ndarray]
    """Function from points (n, d) of one function to values there."""
    multiplications: int
    """Of one solution, with the fit of the spline that is evaluated between its nodes."""


def spline(axes: list[np.ndarray], values: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Return the tensor product of cubic splines through values (n_1, …, n_d, n_out) on even axes."""
    bases, held = [], values
    for axis, x in enumerate(axes):
        fitted = make_interp_spline(x, held, k=3, axis=axis)
        bases.append(fitted.t)
        held = np.moveaxis(fitted.c, 0, axis)  # BSpline keeps its own axis first
    letters = "abc"[: len(axes)]

    def at(points: np.ndarray) -> np.ndarray:
        found = []
        for chunk in np.array_split(points, max(1, len(points) // 500)):
            rows = [
                BSpline.design_matrix(np.clip(p, t[3], t[-4]), t, 3).toarray()
                for p, t in zip(chunk.T, bases, strict=True)
            ]
            result = np.einsum(f"p{letters[0]},{letters}o->p{letters[1:]}o", rows[0], held)
            for letter, row in zip(letters[1:], rows[1:], strict=True):
                rest = letters[letters.index(letter) :]
                result = np.einsum(f"p{letter},p{rest}o->p{rest[1:]}o", row, result)
            found.append(result)
        return np.concatenate(found)

    return at


def spline_point(n_axes: int, n_out: int) -> int:
    """Count the multiplications of a point of a spline."""
    return n_axes * BASIS + n_out * sum(4**k for k in range(1, n_axes + 1))


def error_of(values: np.ndarray, reference: np.ndarray) -> float:
    """Return the relative L2 error."""
    return float(np.linalg.norm(values - reference) / np.linalg.norm(reference))


def poisson_solvers(problem: nl.PdeProblem, column: np.ndarray | None) -> Iterator[Solver]:
    """Yield compact nine-point schemes on ever finer grids, with Newton's method for 5 u**3 where the source is a column."""
    for n in range(4, 60):
        x = np.linspace(0.0, 1.0, n + 1)
        grid = np.stack(np.meshgrid(x, x, indexing="ij"), axis=-1).reshape(-1, 2)
        if column is None:
            source, cubic = 5 * np.pi**2 * problem.exact(grid)[:, 0], 0.0
        else:
            source, cubic = problem.parameters["source"].values(column[None], grid)[0], 5.0
        inner = np.zeros((n + 1, n + 1), dtype=np.bool_)
        inner[1:-1, 1:-1] = True
        inside, second = inner.ravel(), diags([1.0, -2.0, 1.0], [-1, 0, 1], shape=(n + 1, n + 1))
        along, across = kron(second, identity(n + 1)), kron(identity(n + 1), second)
        matrix = csr_matrix(-(along + across + along @ across / 6) * n**2)[inside][:, inside]
        mean = csr_matrix(identity((n + 1) ** 2) + (along + across) / 12)[inside]
        u, n_solves = np.zeros(int(inside.sum())), 0
        while True:
            residual = matrix @ u + cubic * (mean[:, inside] @ u**3) - mean @ source
            change = spsolve(csr_matrix(matrix + mean[:, inside] @ diags(3 * cubic * u**2)), -residual)
            u, n_solves = u + change, n_solves + 1
            if not cubic or np.linalg.norm(change) < 1e-2 * np.linalg.norm(u):
                break
        field = np.zeros(((n + 1) ** 2, 1))
        field[inside, 0] = u
        n_unknown, width = len(u), n
        factor = n_unknown * width * (width if cubic else width // 2) + 2 * n_unknown * width  # banded elimination
        more = (9 if cubic else 2) * n_unknown
        work = n_solves * (factor + more) + 2 * FIT * n_unknown
        yield Solver(f"{n} x {n} cells, {n_solves} solves", spline([x, x], field.reshape(n + 1, n + 1, 1)), work)


def heat_solvers(problem: nl.PdeProblem, column: np.ndarray | None) -> Iterator[Solver]:
    """Yield Crandall's scheme, of fourth order in space, on ever finer grids, with several numbers of steps."""
    diffusivity, strength = (1.0, 100.0) if column is None else (0.1, 1.0)
    sizes = [(n, n_steps) for n in range(4, 40) for n_steps in range(4, 80, 2)]
    for n, n_steps in sorted(sizes, key=lambda each: each[0] * each[1]):
        x, t = np.linspace(0.0, 1.0, n + 1), np.linspace(0.0, 1.0, n_steps + 1)
        source = strength * np.sin(np.pi * x)
        if column is not None:
            source = problem.parameters["source"].values(column[None], x)[0]
        second = diags([1.0, -2.0, 1.0], [-1, 0, 1], shape=(n + 1, n + 1))
        mean = csr_matrix(identity(n + 1) + second / 12)[1:-1]
        half = csr_matrix(second)[1:-1, 1:-1] * (diffusivity * n**2 / n_steps / 2)
        left, right = csr_matrix(mean[:, 1:-1] - half), mean[:, 1:-1] + half
        force, solve = mean @ source / n_steps, factorized(csc_matrix(left))
        field = np.zeros((n + 1, n_steps + 1, 1))
        for k in range(n_steps):
            field[1:-1, k + 1, 0] = solve(right @ field[1:-1, k, 0] + force)
        work = (
            5 * (n - 1) * n_steps + 5 * n + 2 * FIT * (n - 1) * n_steps
        )  # two for the right side, three for the solve
        yield Solver(f"{n} cells, {n_steps} steps", spline([x, t], field), work)


def elastic_solvers(problem: nl.PdeProblem, column: np.ndarray | None) -> Iterator[Solver]:
    """Yield quadratic tetrahedra on finer and finer meshes of the default cube; their assembly is not counted."""
    cell, load = sphere_cell(radius=0.27, contrast=10.0), FaceLoad(top=np.array([0.0, 0.0, -0.1]))
    for n in (6, 8, 10, 12, 16):
        meshed = mesh_cell(cell, n)
        g, d = load.ansatz(cell).evaluate(meshed.mesh.nodes)
        free = (np.abs(d) > HELD).T.ravel()
        stiffness = meshed.stiffness[free][:, free]
        force, steps = -(meshed.stiffness @ g.T.ravel())[free], count()
        jacobi = diags(1 / stiffness.diagonal())
        change, _ = cg(stiffness, force, rtol=1e-3, M=jacobi, callback=partial(next, steps))
        whole = np.zeros(len(free))
        whole[free] = change
        field = TetField(meshed.mesh, g + whole.reshape(3, -1).T)
        work = next(steps) * (stiffness.nnz + 6 * stiffness.shape[0])
        yield Solver(f"{n} cubes an edge, {stiffness.shape[0]} unknowns", field.evaluate, work)


SOLVERS = {
    "elasticity3d": elastic_solvers,
    "poisson": poisson_solvers,
    "heat": heat_solvers,
    "heat-operator": heat_solvers,
    "poisson-operator": poisson_solvers,
}
"""Coarse solvers by problem."""


def smallest_spline(problem: nl.PdeProblem, error: float, points: np.ndarray, reference: np.ndarray) -> str:
    """Describe the smallest spline through the solution that is as exact as the network."""
    n_axes = points.shape[1]
    for n in range(4, 60, 1 if n_axes < 3 else 3):
        axes = [np.linspace(low, high, n) for low, high in zip(problem.region.lower, problem.region.upper, strict=True)]
        grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
        values = problem.exact(grid.reshape(-1, n_axes)).reshape(*grid.shape[:-1], -1)
        if (found := error_of(spline(axes, values)(points), reference)) <= error:
            cost = spline_point(n_axes, values.shape[-1])
            return (
                f"spline of {n}^{n_axes} x {values.shape[-1]} = {values.size} coefficients, {found:.1e}: {cost} a point"
            )
    return "no spline of up to 60 coefficients an axis is as exact"


def describe(name: str, chip: nl.QuantizedNetwork) -> str:
    """Compare a network with splines and solvers."""
    problem, rng = nl.find_problem(name), np.random.default_rng(7)
    is_family = any(each.is_held for each in chip.inputs)
    columns = list(problem.domain.draw(N_FUNCTIONS, rng)) if is_family else [None]
    places = problem.region.sample(N_POINTS // (10 if is_family else 1), rng)
    sets = [places if c is None else np.hstack([places, np.tile(c, (len(places), 1))]) for c in columns]
    exact = [problem.exact(points) for points in sets]
    every = np.vstack(sets)
    trace, held = nl.run_integer(chip, every), nl.run_held(chip, every)
    outputs = np.split(trace.outputs, len(sets))
    error = float(np.mean([error_of(u, v) for u, v in zip(outputs, exact, strict=True)]))
    rows = nl.count_operations(chip, trace, held).rows
    of_function = sum(r.synaptic_operations for r in rows if r.is_held) / len(columns)
    of_point = sum(r.synaptic_operations for r in rows if not r.is_held) / len(every)
    text = [f"{name}: {error:.2e} at 8 bits, {of_function:.0f} synaptic operations a function, {of_point:.0f} a point"]
    if not is_family:
        text.append(smallest_spline(problem, error, places, exact[0]))
    if name in SOLVERS:
        for solvers in zip(*(SOLVERS[name](problem, column) for column in columns), strict=True):
            found = [error_of(s.values(places), v) for s, v in zip(solvers, exact, strict=True)]
            if np.mean(found) <= error:
                break
        else:
            return "\n    ".join([*text, "no solver of these sizes is as exact"])
        work = float(np.mean([each.multiplications for each in solvers]))
        between = TETRAHEDRON if name == "elasticity3d" else spline_point(places.shape[1], 1)
        text.append(f"solver, {solvers[0].name}, {np.mean(found):.1e}: {work:.0f} a solution, and {between} a point")
        even = (work - of_function) / (of_point - between)
        text.append(f"the network takes fewer up to {max(0.0, even):.1f} points of a function")
    return "\n    ".join(text)


def main() -> None:
    """Print a paragraph for each network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", default=["poisson", "heat"])
    for given in parser.parse_args().networks:
        name, _, path = given.partition("=")
        chip = nl.read_network(path) if path else nl.convert(nl.find_network(name)).network
        print(describe(name, chip), flush=True)


if __name__ == "__main__":
    main()
