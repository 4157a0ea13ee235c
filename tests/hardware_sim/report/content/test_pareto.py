"""Fronts and choices worked out by hand, and the figure that shows them."""

from __future__ import annotations

import math

import pytest

from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.hardware_sim.report.content.formats import format_percent
from neuropinn_lava.hardware_sim.report.content.pareto import Candidate, choose_candidate, find_front
from neuropinn_lava.hardware_sim.report.figures.pareto_figure import draw_pareto


def candidate(name: str, error: float, joules: float, bits: int) -> Candidate:
    return Candidate(name=name, error=error, joules=joules, synaptic_bits=bits)


ACCURATE = candidate("accurate", 0.010, 9e-9, 800)
GOOD = candidate("good", 0.018, 5e-9, 800)
FRUGAL = candidate("frugal", 0.050, 2e-9, 800)
SMALL = candidate("small", 0.060, 9e-9, 100)
BEATEN = candidate("beaten", 0.018, 6e-9, 800)  # by GOOD, in energy alone
ALL = (ACCURATE, BEATEN, GOOD, FRUGAL, SMALL)


def test_who_beats_whom() -> None:
    assert GOOD.beats(BEATEN)
    assert not BEATEN.beats(GOOD)
    assert not GOOD.beats(candidate("equal", 0.018, 5e-9, 800))
    assert not ACCURATE.beats(FRUGAL)


def test_the_front_comes_by_energy() -> None:
    assert [ALL[k].name for k in find_front(ALL)] == ["frugal", "good", "accurate", "small"]


def test_equals_are_both_on_the_front() -> None:
    assert find_front((GOOD, candidate("again", 0.018, 5e-9, 800))) == (0, 1)


@pytest.mark.parametrize(("factor", "name"), [(1.0, "accurate"), (1.7, "accurate"), (2.0, "good"), (5.0, "frugal")])
def test_the_least_energy_within_the_error_is_chosen(factor: float, name: str) -> None:
    choice = choose_candidate(ALL, factor)
    assert choice.chosen is not None
    assert ALL[choice.chosen].name == name
    assert choice.rule.startswith(f"the least energy on the front with an error of at most {factor:g} times the lowest")
    assert f"({format_percent(factor * 0.010)})" in choice.rule


def test_among_equal_energies_the_fewest_bits_are_chosen() -> None:
    small = candidate("fewer bits", 0.019, 5e-9, 400)
    assert choose_candidate((GOOD, small)).chosen == 1


def test_nothing_to_choose_from() -> None:
    assert choose_candidate(()).chosen is None


def test_wrong_numbers_are_refused() -> None:
    with pytest.raises(SpecError, match=r"choose_candidate\.factor must lie in \[1, inf\]; got 0\.5"):
        choose_candidate(ALL, 0.5)
    with pytest.raises(SpecError, match=r"Candidate 'none'\.error"):
        candidate("none", math.nan, 1e-9, 1)


def test_the_figure_names_model_rule_and_units() -> None:
    figure = draw_pareto(choose_candidate(ALL), "Loihi 1")
    assert "good" in figure.svg
    assert "dynamic energy per sample, nJ" in figure.svg
    assert "synaptic kilobits" in figure.svg
    assert "by Loihi 1, both axes logarithmic" in figure.caption
    assert "at most 2 times the lowest one (2 %)" in figure.caption


def test_figures_of_one_candidate_and_of_many_decades_are_drawn() -> None:
    assert "<svg" in draw_pareto(choose_candidate((GOOD,)), "a model").svg
    wide = [candidate(f"c{k}", 10.0**-k, 10.0 ** (k - 12), 10) for k in range(5)]
    assert "dynamic energy per sample, nJ" in draw_pareto(choose_candidate(wide), "a model").svg  # 1 pJ to 10 nJ


def test_an_energy_of_zero_is_drawn_beside_others() -> None:
    assert "<svg" in draw_pareto(choose_candidate((GOOD, candidate("silent", 1.0, 0.0, 1))), "a model").svg
