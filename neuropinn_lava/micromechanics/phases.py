"""Isotropic linear elastic phases and what follows from their two constants.

sigma = lambda tr(epsilon) 1 + 2 mu epsilon
lambda = E nu / ((1 + nu)(1 - 2 nu))        mu = E / (2 (1 + nu))        kappa = lambda + 2 mu / 3
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..base.arrays import FloatArray, Record
from ..base.checks import raise_violations
from ..base.errors import Violation


@dataclass(frozen=True, slots=True, kw_only=True)
class IsotropicPhase(Record):
    """An isotropic elastic material; moduli in any one unit, which is then the unit of all stresses."""

    young: float
    """Young's modulus E, positive."""
    poisson: float
    """Poisson's ratio nu, above -1 and below 0.5."""

    def __post_init__(self) -> None:
        raise_violations(self._violations())

    def _violations(self) -> Iterator[Violation]:
        if not 0.0 < self.young < np.inf:
            yield Violation("IsotropicPhase.young", "lie in 0 < E < infinity", self.young, "Give a positive modulus.")
        if not -1.0 < self.poisson < 0.5:
            repair = (
                "At 0.5 the phase is incompressible, which displacements alone cannot describe; 0.49 is near enough."
            )
            yield Violation("IsotropicPhase.poisson", "lie in -1 < nu < 0.5", self.poisson, repair)

    @property
    def lame(self) -> float:
        """lambda, in the unit of E."""
        return self.young * self.poisson / ((1 + self.poisson) * (1 - 2 * self.poisson))

    @property
    def shear(self) -> float:
        """mu, in the unit of E."""
        return self.young / (2 * (1 + self.poisson))

    @property
    def bulk(self) -> float:
        """kappa, in the unit of E."""
        return self.lame + 2 * self.shear / 3

    def stiffness(self) -> FloatArray:
        """Return C of sigma = C epsilon in the order of the package, shape (6, 6)."""
        C = np.zeros((6, 6))
        C[:3, :3] = self.lame
        C[np.arange(6), np.arange(6)] += self.shear * np.array([2.0, 2.0, 2.0, 1.0, 1.0, 1.0])
        return C
