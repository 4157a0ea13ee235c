"""Values of a graph that is being built: every tensor of a module is affine in what nodes and inputs send.

    value = sum over terms (source, d) of  M a_source[t - d]  + offset

Constant factors, sums, selections and matrices change M and the offset in float64, and make no node of the graph.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...base.arrays import FloatArray, IntArray, Record

Term = tuple[str, int]
"""Name of a source, and the number of steps d between sending and receiving."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AffineValue(Record):
    """A vector of n components that is affine in payloads (equation above)."""

    terms: Mapping[Term, FloatArray]
    """Matrix M of each source and delay, shape (n, n_source); none of them is all zero."""
    offset: FloatArray
    """Constant part, shape (n,)."""

    @property
    def n(self) -> int:
        """Number of components."""
        return len(self.offset)

    @property
    def sources(self) -> set[str]:
        """Names of all sources."""
        return {source for source, _ in self.terms}

    @property
    def key(self) -> tuple[object, ...]:
        """Everything that the value is, to be compared and hashed."""
        terms = sorted((source, delay, matrix.tobytes()) for (source, delay), matrix in self.terms.items())
        return (*terms, self.offset.tobytes())

    def selected(self, rows: IntArray) -> AffineValue:
        """Return the components of the given numbers; all of them in their order are the value itself."""
        if np.array_equal(rows, np.arange(self.n)):
            return self
        return _trimmed({term: matrix[rows] for term, matrix in self.terms.items()}, self.offset[rows])

    def mapped(self, weight: FloatArray, bias: FloatArray | float = 0.0) -> AffineValue:
        """Return W value + b, W of shape (n_out, n), or (n,) for a factor of each component."""
        if weight.ndim < 2:
            terms = {term: matrix * np.reshape(weight, (-1, 1)) for term, matrix in self.terms.items()}
            return _trimmed(terms, self.offset * weight + bias)
        terms = {term: weight @ matrix for term, matrix in self.terms.items()}
        return _trimmed(terms, weight @ self.offset + bias)

    def plus(self, other: AffineValue) -> AffineValue:
        """Return the sum with a value of the same length."""
        terms = dict(self.terms)
        for term, matrix in other.terms.items():
            terms[term] = terms[term] + matrix if term in terms else matrix
        return _trimmed(terms, self.offset + other.offset)

    def renamed(self, names: Mapping[str, str]) -> AffineValue:
        """Return the value with other names of sources; terms that become the same one are added up."""
        renamed = AffineValue(terms={}, offset=self.offset)
        for (source, delay), matrix in self.terms.items():
            one = AffineValue(terms={(names.get(source, source), delay): matrix}, offset=np.zeros(self.n))
            renamed = renamed.plus(one)
        return renamed

    def as_diagonal(self) -> tuple[str, FloatArray] | None:
        """Return source s and factors f if the value is f a_s + offset component by component, without a delay."""
        if len(self.terms) != 1:
            return None
        (((source, delay), matrix),) = self.terms.items()
        square = not delay and matrix.shape[0] == matrix.shape[1]
        if not square or np.count_nonzero(matrix) != np.count_nonzero(np.diag(matrix)):
            return None
        return source, np.diag(matrix)

    def as_source(self) -> str | None:
        """Return the name of the source whose payload the value is, unchanged and without a delay, if it is one."""
        found = self.as_diagonal()
        return found[0] if found and (found[1] == 1.0).all() and not self.offset.any() else None

    def without_offset(self) -> AffineValue:
        """Return the value with an offset of zero."""
        return replace(self, offset=np.zeros(self.n))


def source_value(name: str, width: int, delay: int = 0) -> AffineValue:
    """Return the value that is the payload of a source."""
    return AffineValue(terms={(name, delay): np.eye(width)}, offset=np.zeros(width))


def constant_value(offset: FloatArray) -> AffineValue:
    """Return a value without sources."""
    return AffineValue(terms={}, offset=np.asarray(offset, dtype=np.float64))


def joined_values(values: Sequence[AffineValue]) -> AffineValue:
    """Return the components of values one after the other."""
    if len(values) == 1:
        return values[0]
    widths = {term: matrix.shape[1] for value in values for term, matrix in value.terms.items()}
    terms = {
        term: np.vstack([value.terms.get(term, np.zeros((value.n, width))) for value in values])
        for term, width in widths.items()
    }
    return _trimmed(terms, np.concatenate([value.offset for value in values]))


def _trimmed(terms: Mapping[Term, FloatArray], offset: FloatArray) -> AffineValue:
    """Build a value without matrices that are all zero."""
    return AffineValue(terms={term: matrix for term, matrix in terms.items() if matrix.any()}, offset=offset)
