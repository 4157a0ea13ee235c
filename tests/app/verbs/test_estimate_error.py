"""The verb `estimate_error`, and the bound of `verify --equation`: float and integers, with and without a reference."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import builders
import neuropinn_lava as nl
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.base.metrics import relative_l2
from neuropinn_lava.engine.reference import run_float, run_integer
from neuropinn_lava.hardware_sim.report.content.formats import format_percent
from neuropinn_lava.problems import find_problem
from neuropinn_lava.problems.residuals import evaluation_points

POISSON = find_problem("poisson")
FACTOR = 2.0
"""By which an estimate may miss the true error."""


@pytest.fixture(scope="module")
def network():
    return nl.find_network("poisson")


@pytest.fixture(scope="module")
def chip(network):
    return nl.convert(network, weight_bits=4, target=None).network


def true_error(run, network):
    points = evaluation_points(POISSON, 2000, seed=3)
    return relative_l2(run(network, points).outputs, POISSON.reference.evaluate(points))


def test_float_and_integers_have_estimates_near_their_errors(network, chip):
    estimates = [nl.estimate_error(each).relative_l2 for each in (network, chip)]
    errors = [true_error(run_float, network), true_error(run_integer, chip)]
    assert errors[1] > 1.5 * errors[0]
    for estimate, error in zip(estimates, errors, strict=True):
        assert 1 / FACTOR <= estimate / error <= FACTOR


def test_the_error_is_a_field_that_corrects_the_outputs(network):
    found = nl.estimate_error(network)
    u, exact = run_float(network, found.points).outputs, POISSON.reference.evaluate(found.points)
    assert relative_l2(u + found.error, exact) < 0.5 * relative_l2(u, exact)


def test_a_problem_without_a_reference_is_enough(network):
    unknown = dataclasses.replace(POISSON, reference=None)
    assert nl.estimate_error(network, unknown).relative_l2 == nl.estimate_error(network).relative_l2


def test_another_equation_is_not_solved(network):
    """Twice the source: the network is off by about half of that solution."""
    scaled = dataclasses.replace(POISSON, reference=None, equations=lambda f: 0.5 * POISSON.equations(f))
    assert nl.estimate_error(network, scaled).relative_l2 == pytest.approx(
        nl.estimate_error(network).relative_l2, rel=1e-6
    )  # a factor of all terms changes nothing
    source = 5 * np.pi**2
    other = dataclasses.replace(
        POISSON,
        reference=None,
        equations=lambda f: -(f.u_xx + f.u_yy) - 2 * source * np.sin(np.pi * f.x) * np.sin(2 * np.pi * f.y),
    )
    assert nl.estimate_error(network, other).relative_l2 == pytest.approx(0.5, abs=0.02)


def test_what_cannot_be_estimated_is_refused():
    nameless = builders.random_spec(5, widths=(2, 4, 1))
    with pytest.raises(SpecError, match=r"estimate_error\.problem must be given, or be named by the network; got None"):
        nl.estimate_error(nameless)
    solid = find_problem("elasticity3d")
    with pytest.raises(SpecError, match=r"have a residual, on a cloud that can be factorised; got 'elasticity3d' with"):
        nl.estimate_error(builders.random_spec(5, widths=(3, 4, 3)), solid)


@pytest.mark.slow
def test_reports_hold_estimates_where_no_reference_is_known(network, tmp_path):
    unknown = dataclasses.replace(POISSON, reference=None, name="unknown")
    report = nl.profile(network, unknown, n_points=200, with_lava=False)
    (result,) = report.backends.results[:1]
    assert result.relative_l2 is None
    assert result.estimated_l2 == pytest.approx(nl.estimate_error(network, unknown).relative_l2)
    chip = nl.convert(network).network
    deployed = nl.profile(chip, unknown, n_points=200, with_lava=False)
    page = (deployed.save(tmp_path / "report") / "report.html").read_text()
    tile = page.partition('id="estimated-error"')[2].partition("</div>")[0]
    assert "the problem has no reference" in tile
    assert format_percent(deployed.deployed_result.estimated_l2) in tile
