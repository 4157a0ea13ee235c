"""The strong form by stochastic projection: exact where fields are linear in each phase, and what it sees of a lift."""

from __future__ import annotations

import numpy as np
import pytest

from neuropinn_lava.micromechanics.cells import sphere_cell
from neuropinn_lava.micromechanics.loads import FaceLoad
from neuropinn_lava.micromechanics.strong_form import strong_form

ROUNDING = 1e-12
"""A sum over u (R^T R) u with entries of 1e4 that cancels; the lift alone gives one."""


def test_uniaxial_stress_in_a_homogeneous_cube_is_in_equilibrium() -> None:
    """u = (-nu x, -nu y, z): sigma_zz = E, all else zero, free sides free."""
    form = strong_form(sphere_cell(radius=0.27, contrast=1.0, poisson=0.3), FaceLoad(top=np.array([0.0, 0.0, 1.0])), 8)
    x, y, z = form.points.T
    assert form.evaluate(np.stack([-0.3 * x, -0.3 * y, z], axis=1)) < ROUNDING
    assert form.evaluate(np.stack([0 * x, 0 * y, z], axis=1)) == pytest.approx(1.0)  # pulls at the free sides


def test_a_contrast_shows_at_the_interface() -> None:
    """The same strain in phases of different stiffness: tractions no longer balance across the sphere."""
    form = strong_form(sphere_cell(radius=0.27, contrast=10.0), FaceLoad(top=np.array([0.0, 0.0, 1.0])), 8)
    x, y, z = form.points.T
    assert form.evaluate(np.stack([-0.3 * x, -0.3 * y, z], axis=1)) > 0.1
