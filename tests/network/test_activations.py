"""Activations: what their rules claim holds, and what is not one of them is refused with a hint."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

import longhand
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.network import activations
from neuropinn_lava.network.activations import (
    ACTIVATIONS,
    ActivationRule,
    Asymptote,
    Symmetry,
    find_activation,
    register_activation,
)

Z = np.linspace(0.0, 40.0, 400_001)
STEP = Z[1]
BELOW_REACH = 2e-6
"""What `ActivationRule.reach` promises of |phi - asymptote|."""
FLOAT_NOISE = 1e-6
"""Second differences divide rounding errors of 1e-15 by (1e-4)^2, up to phi = 40."""


@pytest.mark.parametrize("rule", ACTIVATIONS.values(), ids=list(ACTIVATIONS))
class TestRule:
    def test_phi_is_the_function_of_that_name(self, rule: ActivationRule) -> None:
        values = [-30.0, -2.5, -1.0, -1e-9, 0.0, 1e-9, 0.3, 1.0, 7.0, 30.0]
        np.testing.assert_allclose(rule.phi(np.array(values)), [longhand.PHI[rule.name](z) for z in values], rtol=1e-14)

    def test_phi_vanishes_at_zero(self, rule: ActivationRule) -> None:
        assert rule.phi(np.zeros(1))[0] == 0.0

    def test_phi_leaves_its_argument_alone(self, rule: ActivationRule) -> None:
        z = np.array([-1.0, 2.0])
        assert rule.phi(z) is not z
        assert z.tolist() == [-1.0, 2.0]

    def test_curvature_bounds_second_differences(self, rule: ActivationRule) -> None:
        curvature = np.abs(np.diff(rule.phi(Z), 2)).max() / STEP**2
        assert curvature <= rule.curvature + FLOAT_NOISE + 1e-3 * rule.curvature
        assert curvature >= 0.99 * rule.curvature  # and it is not a loose bound

    def test_steepest_bounds_first_differences(self, rule: ActivationRule) -> None:
        slope = np.abs(np.diff(rule.phi(Z))).max() / STEP
        assert 0.99 * rule.steepest <= slope <= rule.steepest + FLOAT_NOISE

    def test_reach(self, rule: ActivationRule) -> None:
        if rule.asymptote is Asymptote.NONE:
            assert rule.reach == math.inf
            return
        far = Z[Z >= rule.reach]
        asymptote = far if rule.asymptote is Asymptote.SLOPE_ONE else 1.0
        assert np.abs(rule.phi(far) - asymptote).max() < BELOW_REACH

    def test_symmetry(self, rule: ActivationRule) -> None:
        if rule.symmetry is not None:
            sign = -1 if rule.symmetry is Symmetry.ODD else 1
            np.testing.assert_array_equal(rule.phi(-Z), sign * rule.phi(Z))
        assert rule.needs_table == (rule.symmetry is not None)

    def test_bound(self, rule: ActivationRule) -> None:
        if rule.bound is None:
            assert rule.phi(np.array([1e6]))[0] > 1e5
        else:
            assert 0.999999 * rule.bound < rule.phi(Z).max() <= rule.bound


@pytest.mark.parametrize("name", ["sigmoid", "softplus", "cos", "softmax", "logsigmoid"])
def test_activations_that_do_not_vanish_at_zero_are_refused(name: str) -> None:
    with pytest.raises(
        SpecError, match=rf"activation must satisfy phi\(0\) = 0.*; got {name}, whose value at zero is .* Use one of"
    ):
        find_activation(name)


def test_unknown_activation_shows_the_nearest() -> None:
    with pytest.raises(
        SpecError, match=r"PopulationSpec 'a'.activation must be one of .*; got 'tahn'. Did you mean tanh"
    ):
        find_activation("tahn", "PopulationSpec 'a'.activation")
    with pytest.raises(SpecError, match="Choose one of them"):
        find_activation("qqqq")


def test_a_rule_that_does_not_vanish_at_zero_cannot_be_made() -> None:
    with pytest.raises(
        SpecError, match=r"ActivationRule 'cos'.phi must satisfy phi\(0\) = 0, .*; got 1.0. Use an activation"
    ):
        ActivationRule(
            name="cos",
            phi=np.cos,
            symmetry=Symmetry.EVEN,
            asymptote=Asymptote.CONSTANT,
            curvature=1.0,
            reach=math.pi,
            steepest=1.0,
        )


def test_a_rule_without_a_slope_cannot_be_made() -> None:
    with pytest.raises(SpecError, match=r"ActivationRule 'tanh'.steepest must be a positive number; got nan"):
        replace(ACTIVATIONS["tanh"], steepest=math.nan)


def test_an_own_rule_is_known_by_name_and_may_be_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activations, "ACTIVATIONS", dict(ACTIVATIONS))
    own = replace(ACTIVATIONS["tanh"], name="own")
    assert register_activation(own) is own
    again = replace(own, reach=9.0)
    register_activation(again)
    assert find_activation("own") is again


def test_a_built_in_name_is_not_taken() -> None:
    with pytest.raises(
        SpecError, match=r"register_activation.rule.name must be a name that is not built in; got 'tanh'"
    ):
        register_activation(replace(ACTIVATIONS["tanh"], reach=9.0))
