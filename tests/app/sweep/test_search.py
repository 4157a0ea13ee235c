"""The search: proposals within the grid's ranges, the same ones every time, and better than where it began."""

from __future__ import annotations

import pytest

from neuropinn_lava.app.sweep.grid import SweepGrid
from neuropinn_lava.app.sweep.plan import plan_sweep
from neuropinn_lava.app.sweep.search import GENERATION, check_search, search_points
from neuropinn_lava.app.sweep.work import build_row
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.base.extras import MissingPackageError
from neuropinn_lava.problems import find_problem

GRID = SweepGrid(weight_bits=(3, 8), payload_bits=(6, 16), theta=(0.02, 0.05), n_steps=(1,))
PLAN = plan_sweep(find_problem("poisson"), with_lava=False)
N_MATRICES = 4


def invented(point):
    """Give a point numbers that follow from its bits: the first matrix matters, the others only cost."""
    bits = point.weight_bits if isinstance(point.weight_bits, tuple) else (point.weight_bits,) * N_MATRICES
    return build_row(
        PLAN,
        point,
        relative_l2=2.0 ** -bits[0] + 2.0**-point.payload_bits,
        joules=1e-9 * (1.0 + point.theta),
        synaptic_bits=100 * sum(bits),
    )


def searched(n_trials, measure=invented, seed=0):
    pytest.importorskip("optuna", reason="needs the extra `sweep`")
    generations = []

    def measure_all(points):
        generations.append(len(points))
        return [measure(point) for point in points]

    return search_points(GRID, n_trials, N_MATRICES, seed, measure_all), generations


def test_proposals_lie_within_the_grid():
    points, generations = searched(25)
    assert generations == [GENERATION, GENERATION, 5]
    assert len(points) == len(set(points)) <= 25
    for point in points:
        bits = point.weight_bits if isinstance(point.weight_bits, tuple) else (point.weight_bits,)
        assert len(bits) in (1, N_MATRICES)
        assert all(3 <= b <= 8 for b in bits)
        assert 6 <= point.payload_bits <= 16
        assert point.theta in GRID.theta
        assert point.n_steps == 1


def test_the_same_seed_proposes_the_same_points_and_another_one_others():
    assert searched(30)[0] == searched(30)[0] != searched(30, seed=1)[0]


def hypervolume_free_gain(points):
    """Count points that no point of the first generation beats or equals in error and bits."""
    costs = [invented(point).costs for point in points]
    first = costs[:GENERATION]
    return sum(all(e < f[0] or b < f[2] for f in first) for e, _, b in costs[GENERATION:])


def test_later_generations_go_beyond_the_first():
    points, _ = searched(60)
    assert hypervolume_free_gain(points) >= 5


def test_points_that_fail_do_not_end_the_search():
    def measure(point):
        return build_row(PLAN, point, failure="too short") if point.payload_bits < 10 else invented(point)

    assert len(searched(20, measure)[0]) > 10


@pytest.mark.parametrize("n", [0, -1, 10**6])
def test_numbers_out_of_range_are_refused(n):
    with pytest.raises(SpecError, match=r"sweep\.search"):
        check_search(n)


def test_without_optuna_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    with pytest.raises(MissingPackageError, match=r"optuna.*pip install 'neuropinn-lava\[sweep\]'"):
        check_search(10)
