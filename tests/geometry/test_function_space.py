"""Random functions: sums of waves, their expressions, their samples, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from neuropinn_lava import GaussianField, SineSeries, SpecError
from neuropinn_lava.base.expression_sources import Names
from neuropinn_lava.base.expressions import name
from neuropinn_lava.geometry.domain import Box
from neuropinn_lava.geometry.parametric_domain import ParametricDomain, Range

ROUNDING = 1e-12
"""Sums of some ten terms of size one."""


def test_a_sine_series_is_its_formula() -> None:
    space = SineSeries(n_waves=3, decay=1.0, interval=(1.0, 3.0), scale=2.0)
    x = np.linspace(1.0, 3.0, 9)
    s = np.pi * (x - 1.0) / 2.0
    expected = 2.0 * (0.5 * np.sin(s) - np.sin(2 * s) / 2 + 4.0 * np.sin(3 * s) / 3)
    assert np.abs(space.values(np.array([[0.5, -1.0, 4.0]]), x)[0] - expected).max() < ROUNDING


@pytest.mark.parametrize(
    "space", [SineSeries(n_waves=5), GaussianField(length=0.3), GaussianField(along="xy", length=0.4)]
)
def test_the_expression_is_the_sum(space: SineSeries | GaussianField) -> None:
    rng = np.random.default_rng(0)
    places = rng.random((40, len(space.along)))
    coefficients = space.draw(1, rng)
    at = dict(zip(space.along, places.T, strict=True))
    columns = space.column_names("f")
    values = space.expression(Names(name), columns).evaluate({**at, **dict(zip(columns, coefficients[0], strict=True))})
    fixed, *slopes = space.values_and_slopes(coefficients[0], places)
    expected = space.values(coefficients, places)[0]
    assert np.abs(values - expected).max() < ROUNDING
    assert np.abs(fixed - expected).max() < ROUNDING
    step = 1e-6
    for axis, slope in enumerate(slopes):
        moved = [places + sign * step * np.eye(len(space.along))[axis] for sign in (1, -1)]
        difference = (space.values(coefficients, moved[0]) - space.values(coefficients, moved[1]))[0] / (2 * step)
        assert np.abs(slope - difference).max() < 1e-6  # of second order in the step, and the rounding of 1e-16 / 1e-6


def test_samples_become_coefficients() -> None:
    space = GaussianField(length=0.25)
    drawn = space.draw(3, np.random.default_rng(1))
    x = np.linspace(0.0, 1.0, 40)
    found = space.coefficients(space.values(drawn, x), x)
    assert np.abs(space.values(found, x) - space.values(drawn, x)).max() < 1e-9  # small waves are ill conditioned


def test_a_gaussian_field_has_its_covariance() -> None:
    """Inside, far from the ends, the covariance is exp(-d^2 / (2 l^2)); at an end the variance is doubled."""
    space = GaussianField(length=0.1)
    waves = space.values(np.eye(space.n), np.array([0.0, 0.45, 0.55]))
    covariance = waves.T @ waves
    assert covariance[1, 1] == pytest.approx(1.0, abs=1e-3)
    assert covariance[1, 2] == pytest.approx(np.exp(-0.5), abs=1e-3)
    assert covariance[0, 0] == pytest.approx(2.0, abs=1e-3)


def test_waves_of_a_plane_stand_by_size() -> None:
    space = SineSeries(along="xy", n_waves=2, decay=1.0, least_weight=0.3)
    assert space.waves == ((1.0, (0, 0)), (0.5, (0, 1)), (0.5, (1, 0)))


def test_draws_of_ranges_stay_what_they_were_beside_functions() -> None:
    region = Box([0.0], [1.0])
    alone = ParametricDomain(region, (Range(1.0, 2.0),)).draw(4, np.random.default_rng(3))
    beside = ParametricDomain(region, (SineSeries(n_waves=2), Range(1.0, 2.0))).draw(4, np.random.default_rng(3))
    assert beside.shape == (4, 3)
    assert np.array_equal(beside[:, 2:], alone)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SineSeries(n_waves=0), "SineSeries.n_waves"),
        (lambda: SineSeries(decay=-1.0), "SineSeries.decay"),
        (lambda: SineSeries(interval=(1.0, 0.0)), "SineSeries.interval must end above its begin"),
        (lambda: GaussianField(length=3.0), "GaussianField.length"),
        (lambda: GaussianField(along="xx"), "GaussianField.along"),
        (lambda: SineSeries().coefficients(np.zeros(4), np.linspace(0, 1, 4)), "be at least 8"),
        (lambda: SineSeries().coefficients(np.zeros(20), np.linspace(0, 2, 20)), "SineSeries.coefficients.places"),
        (lambda: SineSeries().coefficients(np.zeros(19), np.linspace(0, 1, 20)), "SineSeries.coefficients.values"),
    ],
)
def test_wrong_spaces_and_samples_are_refused(make, message) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SpecError, match=message):
        make()


def test_drawn_points_share_functions_in_stretches() -> None:
    domain = ParametricDomain(Box([0.0], [1.0]), (SineSeries(n_waves=2),))
    points = domain.sample(50, np.random.default_rng(0))
    assert points.shape == (50, 3)
    assert [len(np.unique(part[:, 1:], axis=0)) for part in (points[:20], points[20:40], points)] == [1, 1, 3]
    assert len(np.unique(points[:, 0])) == 50
