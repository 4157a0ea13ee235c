"""Activations: what their rules claim holds, and what is not one of them is refused with a hint."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import erf, expit

import longhand
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.network import activations
from neuropinn_lava.network.activations import (
    ACTIVATIONS,
    ActivationRule,
    Symmetry,
    find_activation,
    register_activation,
)

Z = np.linspace(-40.0, 40.0, 800_001)
STEP = 1e-4
BELOW_REACH = 2e-6
"""What `Asymptote.gap` promises by default of |phi - asymptote|."""
FLOAT_NOISE = 1e-6
"""Second differences divide rounding errors of 1e-15 by (1e-4)^2, up to phi = 40."""
RULES = [*ACTIVATIONS.values(), find_activation("leaky_relu(0.2)"), find_activation("elu(0.5)")]
MEANT = {
    "sigmoid": expit,
    "softplus": lambda z: np.logaddexp(z, 0.0),
    "exp": np.exp,
    "silu": lambda z: z * expit(z),
    "gelu": lambda z: 0.5 * z * (1.0 + erf(z / math.sqrt(2.0))),
}
"""Functions that the names mean, by scipy."""


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
class TestRule:
    def test_phi_is_the_function_of_that_name(self, rule: ActivationRule) -> None:
        values = [-30.0, -2.5, -1.0, -1e-9, 0.0, 1e-9, 0.3, 1.0, 7.0, 30.0]
        expected = [longhand.PHI[rule.name](z) for z in values]
        np.testing.assert_allclose(rule.phi(np.array(values)), expected, rtol=1e-14, atol=1e-30)

    def test_phi_vanishes_at_zero(self, rule: ActivationRule) -> None:
        assert rule.phi(np.zeros(1))[0] == 0.0

    def test_phi_leaves_its_argument_alone(self, rule: ActivationRule) -> None:
        z = np.array([-1.0, 2.0])
        assert rule.phi(z) is not z
        assert z.tolist() == [-1.0, 2.0]

    def test_curvature_bounds_second_differences(self, rule: ActivationRule) -> None:
        grid = np.arange(-100_000, 100_001) * STEP
        curvature = np.abs(np.diff(rule.phi(grid), 2)) / STEP**2
        kinks = [0.0] if rule.symmetry in (None, Symmetry.NONE) else []
        kinks += [sign * side.reach for side in rule.sides if side and not side.gap for sign in (1, -1)]
        for kink in kinks:
            curvature[np.abs(grid[1:-1] - kink) < 1.5 * STEP] = 0.0
        bound = rule.curvature_within(10.0)
        assert curvature.max() <= bound * (1 + 1e-3) + FLOAT_NOISE
        assert curvature.max() >= 0.99 * bound  # and it is not a loose bound

    def test_steepest_bounds_first_differences(self, rule: ActivationRule) -> None:
        grid = np.arange(-100_000, 100_001) * STEP
        slope = np.abs(np.diff(rule.phi(grid))) / STEP
        within = rule.steepest_within(np.where(grid[:-1] < 0, grid[:-1], grid[1:]))
        assert (slope <= within * (1 + 1e-9) + FLOAT_NOISE).all()
        assert slope.max() >= 0.99 * within.max()

    def test_reach(self, rule: ActivationRule) -> None:
        for side, sign in zip(rule.sides, (1, -1), strict=False):
            if side is not None:
                far = sign * np.linspace(side.reach, side.reach + 40, 100_001)
                assert side.gap in (0.0, BELOW_REACH)
                distance = rule.phi(far) - side.slope * far
                limit = rule.phi(np.array([sign * 1e3]))[0] - side.slope * sign * 1e3
                assert np.abs(distance - limit).max() <= side.gap + 1e-12

    def test_symmetry(self, rule: ActivationRule) -> None:
        z = Z[np.abs(Z) < 20]
        if rule.symmetry is Symmetry.ODD:
            np.testing.assert_array_equal(rule.phi(-z), -rule.phi(z))
        elif rule.symmetry is Symmetry.EVEN:
            np.testing.assert_array_equal(rule.phi(-z), rule.phi(z))
        else:
            assert np.abs(np.abs(rule.phi(-z)) - np.abs(rule.phi(z))).max() > 0.1 or rule.name == "identity"
        assert rule.needs_table == (rule.symmetry is not None)

    def test_bound(self, rule: ActivationRule) -> None:
        if rule.bound is None:
            assert np.abs(rule.phi(np.array([-500.0, 500.0]))).max() > 400
        else:
            assert 0.999999 * rule.bound < rule.phi(Z).max() <= rule.bound

    def test_period(self, rule: ActivationRule) -> None:
        if rule.period is not None:
            z = Z + 8 * rule.period  # so that the difference is exact, too
            np.testing.assert_allclose(
                rule.phi(z), rule.phi(z - 3 * rule.period), rtol=0, atol=3e-16
            )  # sin(pi), -sin(pi)


@pytest.mark.parametrize("name", MEANT)
def test_a_name_means_phi_and_its_offset(name: str) -> None:
    rule, z = find_activation(name), np.linspace(-12.0, 12.0, 10_001)
    np.testing.assert_allclose(rule.phi(z) + rule.offset, MEANT[name](z), rtol=1e-13, atol=1e-15)


def test_sin_of_turns_is_the_sine() -> None:
    z = np.linspace(-7.0, 7.0, 10_001)
    wave = ACTIVATIONS["sin_turns"].phi(z / (2 * np.pi))
    np.testing.assert_allclose(
        wave, np.sin(z), rtol=0, atol=4e-15
    )  # an argument rounded twice, in units of up to seven


@pytest.mark.parametrize("name", ["cos", "softmax", "logsigmoid"])
def test_functions_that_are_no_activations_are_refused_with_what_to_write(name: str) -> None:
    rule = rf"activation must be an elementwise function with a table of its own; got '{name}'\. .*(Write|use) "
    with pytest.raises(SpecError, match=rule):
        find_activation(name)


@pytest.mark.parametrize(
    "name", ["leaky_relu()", "leaky_relu(x)", "leaky_relu(0.1", "elu(0)", "elu(-1)", "elu(nan)", "elu(17)"]
)
def test_numbers_in_names_are_checked(name: str) -> None:
    with pytest.raises(SpecError, match=r"VSN.activation '.*' must lie in \["):
        find_activation(name, "VSN.activation")
    with pytest.raises(SpecError, match=r"activation must be one of"):
        find_activation("tanh(1)")


def test_unknown_activation_shows_the_nearest() -> None:
    with pytest.raises(
        SpecError, match=r"PopulationSpec 'a'.activation must be one of .*; got 'tahn'. Did you mean tanh"
    ):
        find_activation("tahn", "PopulationSpec 'a'.activation")
    with pytest.raises(SpecError, match="Choose one of them"):
        find_activation("qqqq")


def test_a_rule_that_does_not_vanish_at_zero_cannot_be_made() -> None:
    with pytest.raises(
        SpecError, match=r"ActivationRule 'cos'.phi must satisfy phi\(0\) = 0, .*; got 1.0. Subtract phi"
    ):
        ActivationRule(
            name="cos",
            phi=np.cos,
            symmetry=Symmetry.EVEN,
            asymptote=None,
            curvature=1.0,
            steepest=1.0,
        )


def test_a_rule_without_a_slope_cannot_be_made() -> None:
    with pytest.raises(SpecError, match=r"ActivationRule 'tanh'.steepest must be a positive number; got nan"):
        replace(ACTIVATIONS["tanh"], steepest=math.nan)


def test_a_period_must_be_a_power_of_two() -> None:
    with pytest.raises(SpecError, match=r"ActivationRule 'sin_turns'.period must be a power of two; got 6.28"):
        replace(ACTIVATIONS["sin_turns"], period=6.28)


def test_an_own_rule_is_known_by_name_and_may_be_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activations, "ACTIVATIONS", dict(ACTIVATIONS))
    own = replace(ACTIVATIONS["tanh"], name="own")
    assert register_activation(own) is own
    again = replace(own, steepest=1.5)
    register_activation(again)
    assert find_activation("own") is again


def test_a_built_in_name_is_not_taken() -> None:
    for name in ("tanh", "leaky_relu(0.3)"):
        rule = r"register_activation.rule.name must be a name that is not built in; got '"
        with pytest.raises(SpecError, match=rule + name.split("(")[0]):
            register_activation(replace(ACTIVATIONS["tanh"], name=name))
