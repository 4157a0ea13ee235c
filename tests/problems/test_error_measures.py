"""The measures of PINNacle by hand."""

from __future__ import annotations

import numpy as np
import pytest

from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.geometry.domain import Box
from neuropinn_lava.problems import find_problem
from neuropinn_lava.problems.conditions import Dirichlet
from neuropinn_lava.problems.error_measures import measure_errors
from neuropinn_lava.problems.problem import PdeProblem
from neuropinn_lava.problems.reference_solution import ReferenceSolution

SQUARE = PdeProblem(
    domain=Box([0, 0], [1, 1]),
    equations=lambda f: f.u_xx + f.u_yy,
    conditions=[Dirichlet(2.0)],
    reference=ReferenceSolution(
        evaluate=lambda points: np.full((len(points), 1), 2.0), relative_accuracy=0, source="by hand"
    ),
)


@pytest.mark.parametrize(("wave", "place"), [(3, 0), (9, 1), (20, 2)])
def test_a_single_wave_lands_in_its_range(wave: int, place: int) -> None:
    """0.1 sin(2 pi k x): two entries of size 0.05 of the transform, so that their root sum of squares is 0.1 / sqrt 2."""
    found = measure_errors(SQUARE, lambda points: 2.0 + 0.1 * np.sin(2 * np.pi * wave * points[:, :1]))
    assert found.mse == pytest.approx(0.005, rel=0.02)
    assert found.l2re == pytest.approx(0.1 / np.sqrt(2) / 2, rel=0.01)
    assert found.largest == pytest.approx(0.1, rel=1e-4)
    assert found.fourier is not None
    assert found.fourier[place] == pytest.approx(0.1 / np.sqrt(2) / (5, 8, 52)[place])
    assert max(found.fourier[:place] + found.fourier[place + 1 :]) < 1e-15


def test_a_star_has_no_fourier_errors() -> None:
    problem = find_problem("poisson-star")
    assert measure_errors(problem, lambda points: 1.1 * problem.exact(points)).fourier is None


def test_a_problem_without_reference_is_refused() -> None:
    problem = PdeProblem(domain=Box([0], [1]), equations=lambda f: f.u_xx, conditions=[Dirichlet(0.0)])
    with pytest.raises(
        SpecError, match=r"reference must be known here; got None. Give the problem a ReferenceSolution"
    ):
        measure_errors(problem, lambda points: points)
