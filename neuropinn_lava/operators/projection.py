"""Derivatives on a cloud of points, as constant sparse matrices: stochastic projection and local polynomial fits.

A spiking network has no useful derivative of its own, so the derivatives of a residual are taken from its values at
neighbouring points. On a fixed cloud such an operator is a constant matrix. Three kinds (`OperatorKind`):

    nested-sp    grad u(x) = [sum (u_i - u)(x_i - x)^T] [sum (x_i - x)(x_i - x)^T]^-1, again of that for higher derivatives
    quadratic,   minimise sum w_i^2 [u_i - u - sum_a c_a (x_i - x)^a / a!]^2 over c;   then d^a u (x) = c_a,
    quartic      a: multi-indices with 1 <= |a| <= 2 or 4;   w_i = |x_i - x|^-3

The published kind is the fit of degree one with equal weights. On a regular grid it is the central difference, and its
second derivative cannot see a checkerboard; the other two are more accurate and see it.

Source: Navaneeth and Chakraborty, CMAME 2023 (stochastic projection); Benito, Urena and Gavete, Appl. Math. Modelling 25
(2001) 1039 (generalised finite differences, weight).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import factorial

import numpy as np
from scipy.sparse import csr_matrix, identity

from ..base.arrays import BoolArray, FloatArray, IntArray, Record
from ..base.checks import as_member, check_choice, raise_violations
from ..base.errors import Violation
from ..geometry.domain import Cloud
from .neighbours import Neighbourhoods, find_neighbours
from .operator_kind import OperatorKind

DEGREES = {OperatorKind.NESTED_SP: 1, OperatorKind.QUADRATIC: 2, OperatorKind.QUARTIC: 4}
"""Degree of the polynomial that is fitted."""
WEIGHT_POWERS = {OperatorKind.NESTED_SP: 0, OperatorKind.QUADRATIC: 3, OperatorKind.QUARTIC: 3}
"""p of the weight |x_i - x|^-p. Measured on the Laplacian of sin(pi x) sin(2 pi y), 24 x 24 cells, relative error with
p = 0 | 1 | 2 | 3: quadratic fit on 8 neighbours 1.0e-2 | 9.4e-3 | 8.3e-3 | 7.1e-3; quartic one on 28
1.1e-3 | 7.6e-4 | 6.1e-4 | 5.2e-4."""
MAX_NESTING = 4
"""Highest order of nested stochastic projection; each order widens the stencil by one ring."""
RANK_BOUND = 1e-9
"""Smallest ratio of the diagonal of R in A = QR at which neighbours still determine the fit: full-rank neighbourhoods of
grids and their boundaries have 1e-4 and more, points on a line 1e-16."""
POOR = 1e-5
"""The same ratio below which a centre takes more neighbours: grids that are not refined have none."""
MAX_WIDENINGS = 3
"""Largest number of widenings, each by half of the neighbours."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DerivativeOperators(Record):
    """One sparse matrix for each derivative: values at all points of a cloud in, derivatives at its centres out."""

    kind: OperatorKind
    """Kind of the operators."""
    n_neighbours: int
    """Least number of neighbours of each centre."""
    names: tuple[str, ...]
    """Derivatives by the letters of their coordinates, as `x`, `xx`, `xt`."""
    matrices: tuple[csr_matrix, ...]
    """For each name a matrix of shape (n_centres, n_points)."""

    def matrix(self, name: str) -> csr_matrix:
        """Return the operator of one derivative.

        Raises:
            SpecError: If it was not built.
        """
        raise_violations(check_choice("DerivativeOperators.name", name, self.names))
        return self.matrices[self.names.index(name)]

    def apply(self, name: str, values: FloatArray) -> FloatArray:
        """Differentiate values of shape (n_points,) or (n_points, n_out); the result has n_centres rows."""
        derivative: FloatArray = self.matrix(name) @ values
        return derivative


def build_operators(
    cloud: Cloud, derivatives: tuple[str, ...], coordinates: tuple[str, ...], kind: OperatorKind, n_neighbours: int
) -> DerivativeOperators:
    """Build the derivative operators of a cloud's centres.

    Args:
        cloud: The points; `cloud.everywhere` makes the boundary points centres too, for conditions on derivatives.
        derivatives: Wanted derivatives by the letters of their coordinates, as ("t", "xx"); `xy` and `yx` are the same.
        coordinates: One letter for each axis of the cloud.
        kind: Nested stochastic projection, quadratic or quartic fit.
        n_neighbours: Least number of neighbours, the centre not counted; those that tie with the last one enter too.

    Raises:
        SpecError: If a derivative is unknown or beyond the kind's degree, if two points are one, or if the neighbours of
            a point are too few or do not determine the fit.
    """
    kind = as_member(OperatorKind, kind, "build_operators.kind")
    raise_violations(_violations(cloud, derivatives, coordinates, kind, n_neighbours))
    wanted = tuple(_multi_index(name, coordinates) for name in derivatives)
    nested = kind is OperatorKind.NESTED_SP
    matrices = _nested(cloud, wanted, n_neighbours) if nested else _fitted(cloud, wanted, kind, n_neighbours)
    return DerivativeOperators(kind=kind, n_neighbours=n_neighbours, names=tuple(derivatives), matrices=matrices)


def _fitted(
    cloud: Cloud, wanted: tuple[tuple[int, ...], ...], kind: OperatorKind, n_neighbours: int
) -> tuple[csr_matrix, ...]:
    neighbourhoods = _sufficient_neighbours(cloud, kind, n_neighbours)
    terms = fit_terms(cloud.n_dim, DEGREES[kind])
    weights = fit_weights(cloud, neighbourhoods, kind)
    return tuple(_assemble(cloud, neighbourhoods, weights[:, terms.index(term), :]) for term in wanted)


def _sufficient_neighbours(cloud: Cloud, kind: OperatorKind, n_neighbours: int) -> Neighbourhoods:
    """Find neighbours, half as many again for a centre whose fit they leave almost open, as at the edge of a refined patch."""
    wanted = np.full(cloud.n_inside, n_neighbours)
    neighbourhoods = find_neighbours(cloud, cloud.n_inside, wanted)
    for _ in range(MAX_WIDENINGS):
        poor = _conditions(neighbourhoods, kind) < POOR
        if not poor.any():
            break
        wanted[poor] = np.minimum(wanted[poor] * 3 // 2, cloud.n_points - 1)
        neighbourhoods = find_neighbours(cloud, cloud.n_inside, wanted)
    return neighbourhoods


def _conditions(neighbourhoods: Neighbourhoods, kind: OperatorKind) -> FloatArray:
    """Return the ratio of the smallest to the largest diagonal entry of R in A = QR for each centre, shape (n,)."""
    reach = np.abs(neighbourhoods.offsets).max(axis=1)
    _, R = np.linalg.qr(_fit_matrix(neighbourhoods, kind, np.where(reach > 0, reach, 1.0)))
    return _diagonal_ratios(R)


def _nested(cloud: Cloud, wanted: tuple[tuple[int, ...], ...], n_neighbours: int) -> tuple[csr_matrix, ...]:
    """Build first derivatives at every point, and multiply them for the higher ones."""
    neighbourhoods = find_neighbours(cloud, cloud.n_points, n_neighbours)
    weights = fit_weights(cloud, neighbourhoods, OperatorKind.NESTED_SP)
    terms = fit_terms(cloud.n_dim, 1)
    gradient = [_assemble(cloud, neighbourhoods, weights[:, k, :]) for k in range(cloud.n_dim)]
    first = {axis: gradient[k] for k, term in enumerate(terms) for axis in range(cloud.n_dim) if term[axis]}
    nested = []
    for term in wanted:
        matrix = identity(cloud.n_points, format="csr")
        for axis, order in enumerate(term):
            for _ in range(order):
                matrix = first[axis] @ matrix
        nested.append(csr_matrix(matrix[: cloud.n_inside]))
    return tuple(nested)


def fit_terms(n_dim: int, degree: int) -> tuple[tuple[int, ...], ...]:
    """List the multi-indices a with 1 <= |a| <= degree, low orders first."""
    every = product(range(degree + 1), repeat=n_dim)
    return tuple(sorted((a for a in every if 1 <= sum(a) <= degree), key=lambda a: (sum(a), a)))


def fit_weights(cloud: Cloud, neighbourhoods: Neighbourhoods, kind: OperatorKind) -> FloatArray:
    """Solve the local least-squares problems of all centres at once.

        A[i, a] = w_i (x_i - x)^a / a!          W = (A^T A)^-1 A^T diag(w)          c = W (u_i - u)

    Offsets are measured in the reach of the neighbourhood along each axis, which keeps A well conditioned on stretched
    clouds; A = QR.

    Returns:
        W in units of the points, shape (n, n_terms, k), zero in empty places.

    Raises:
        SpecError: If the neighbours of some point do not determine c.
    """
    terms = np.array(fit_terms(cloud.n_dim, DEGREES[kind]))
    reach = np.abs(neighbourhoods.offsets).max(axis=1)
    raise_violations(_undetermined(cloud, (reach == 0.0).any(axis=1), neighbourhoods))
    Q, R = np.linalg.qr(_fit_matrix(neighbourhoods, kind, reach))
    raise_violations(_undetermined(cloud, _diagonal_ratios(R) < RANK_BOUND, neighbourhoods))
    W = np.linalg.solve(R, np.swapaxes(Q, 1, 2)) * _row_weights(neighbourhoods, WEIGHT_POWERS[kind])[:, None, :]
    unit = np.prod(reach[:, None, :] ** terms, axis=2)
    weights: FloatArray = W / unit[..., None]
    return weights


def _fit_matrix(neighbourhoods: Neighbourhoods, kind: OperatorKind, reach: FloatArray) -> FloatArray:
    """Return A for offsets in units of a reach (n, n_dim), shape (n, k, n_terms)."""
    terms = np.array(fit_terms(reach.shape[1], DEGREES[kind]))
    w = _row_weights(neighbourhoods, WEIGHT_POWERS[kind])
    A: FloatArray = w[..., None] * _monomials(neighbourhoods.offsets / reach[:, None, :], terms)
    return A


def _diagonal_ratios(R: FloatArray) -> FloatArray:
    diagonal = np.abs(np.diagonal(R, axis1=1, axis2=2))
    ratios: FloatArray = diagonal.min(axis=1) / diagonal.max(axis=1)
    return ratios


def _row_weights(neighbourhoods: Neighbourhoods, power: int) -> FloatArray:
    """Return w_i, relative to the nearest neighbour's so that it lies in (0, 1]; zero in empty places."""
    relative = neighbourhoods.distances / neighbourhoods.distances[:, :1]
    return np.where(neighbourhoods.present, relative**-power, 0.0)


def _monomials(offsets: FloatArray, terms: IntArray) -> FloatArray:
    """Return x^a / a! for offsets (n, k, n_dim) and terms (n_terms, n_dim), shape (n, k, n_terms)."""
    columns = []
    for term in terms:
        column = np.ones(offsets.shape[:2])
        for axis, power in enumerate(term):
            column = column * offsets[..., axis] ** power / factorial(power)
        columns.append(column)
    return np.stack(columns, axis=-1)


def _assemble(cloud: Cloud, neighbourhoods: Neighbourhoods, weights: FloatArray) -> csr_matrix:
    """Build the matrix of sum_i W_i (u_i - u) from weights of shape (n, k)."""
    n, k = weights.shape
    rows = np.repeat(np.arange(n), k)
    present = neighbourhoods.present.ravel()
    values, columns = weights.ravel()[present], neighbourhoods.index.ravel()[present]
    matrix = csr_matrix((values, (rows[present], columns)), shape=(n, cloud.n_points))
    return csr_matrix(matrix - csr_matrix((weights.sum(axis=1), (np.arange(n), np.arange(n))), shape=matrix.shape))


def _multi_index(name: str, coordinates: tuple[str, ...]) -> tuple[int, ...]:
    """Count the letters of a derivative: `xxt` in (x, y, t) is (2, 0, 1)."""
    counts = Counter(name)
    return tuple(counts[letter] for letter in coordinates)


def _violations(
    cloud: Cloud, derivatives: tuple[str, ...], coordinates: tuple[str, ...], kind: OperatorKind, n_neighbours: int
) -> Iterator[Violation]:
    where = "build_operators"
    if len(coordinates) != cloud.n_dim or len(set(coordinates)) != cloud.n_dim:
        repair = "Name each axis of the cloud once."
        yield Violation(f"{where}.coordinates", f"be {cloud.n_dim} different letters", coordinates, repair)
    highest = MAX_NESTING if kind is OperatorKind.NESTED_SP else DEGREES[kind]
    for name in derivatives:
        if not name or set(name) - set(coordinates):
            rule = f"be written with the letters {', '.join(coordinates)}"
            yield Violation(f"{where}.derivatives", rule, repr(name), "Write `xx` for the second derivative along x.")
        elif len(name) > highest:
            repair = "Choose a kind of higher degree."
            yield Violation(
                f"{where}.derivatives", f"have orders up to {highest}, which {kind.value} can fit", repr(name), repair
            )
    n_terms = len(fit_terms(cloud.n_dim, DEGREES[kind]))
    if n_neighbours < n_terms:
        rule = f"be {n_terms} or more for {kind.value} in {cloud.n_dim} dimensions"
        yield Violation(f"{where}.n_neighbours", rule, n_neighbours, "Ask for more neighbours.")


def _undetermined(cloud: Cloud, bad: BoolArray, neighbourhoods: Neighbourhoods) -> Iterator[Violation]:
    rows = np.flatnonzero(bad)
    if rows.size:
        point, n_found = int(rows[0]), int(neighbourhoods.present[rows[0]].sum())
        got = f"point {point} at {cloud.points[point]} with {n_found} neighbours, and {rows.size} such points in all"
        repair = "Ask for more neighbours, or lay points there that do not lie on a line."
        yield Violation("fit_weights", "get neighbours of every centre that determine the fit", got, repair)
