"""Waves and links by hand, in numpy and torch; every kind of field survives a file."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from neuropinn_lava.base.arrays import record_digest
from neuropinn_lava.base.elementwise import softplus
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.files.record_store import read_record, write_record
from neuropinn_lava.geometry.fields.expression_field import ExpressionField
from neuropinn_lava.geometry.fields.scalar_fields import Polynomial, Trigonometric
from neuropinn_lava.geometry.plane_region import Disc
from neuropinn_lava.network.transforms import Ansatz, Field, Link
from neuropinn_lava.problems import find_problem

WAVE = Trigonometric(
    coefficients=np.array([2.0, 3.0]),
    exponents=np.array([[2, 0], [0, 1]]),
    frequencies=np.array([[np.pi, 0.0], [0.0, 0.5]]),
    phases=np.array([[0.0, 9.0], [0.0, np.pi / 2]]),
)
"""2 x^2 cos(pi x) + 3 y sin(y / 2); the phase 9 belongs to no wave and must not matter."""
POINTS = np.array([[0.5, 1.0], [1.0, 0.0], [-0.3, 2.0]])


def test_trigonometric_by_hand() -> None:
    x, y = POINTS.T
    expected = 2 * x**2 * np.cos(np.pi * x) + 3 * y * np.sin(y / 2)
    np.testing.assert_allclose(WAVE.evaluate(POINTS), expected, rtol=1e-14, atol=1e-15)


def test_trigonometric_takes_tensors() -> None:
    tensor = torch.tensor(POINTS, requires_grad=True)
    np.testing.assert_allclose(WAVE.evaluate(tensor).detach().numpy(), WAVE.evaluate(POINTS), rtol=1e-14)


@pytest.mark.parametrize(
    ("field", "values", "rule"),
    [
        ("phases", np.zeros((1, 2)), "that of exponents"),
        ("exponents", np.full((2, 2), 33), "lie in"),
        ("frequencies", np.full((2, 2), np.nan), "have only finite entries"),
        ("coefficients", np.zeros((2, 1)), r"\(n_terms,\)"),
    ],
)
def test_broken_waves_are_refused(field: str, values: np.ndarray, rule: str) -> None:
    parts = {name: getattr(WAVE, name) for name in ("coefficients", "exponents", "frequencies", "phases")}
    with pytest.raises(SpecError, match=rule):
        Trigonometric(**{**parts, field: values})


def test_softplus_neither_overflows_nor_vanishes() -> None:
    """log 2 at 0, y for large y, e^y for large -y."""
    y = np.array([0.0, 800.0, -30.0])
    expected = [np.log(2), 800.0, np.exp(-30.0)]
    np.testing.assert_allclose(softplus(y), expected, rtol=1e-12)
    np.testing.assert_allclose(softplus(torch.tensor(y)).numpy(), expected, rtol=1e-12)


def test_link_acts_before_the_factor() -> None:
    """u = 1 + 2 log(1 + e^0)."""
    one, two = Polynomial.constant(1.0, 1), Polynomial.constant(2.0, 1)
    ansatz = Ansatz(offset=(one,), factor=(two,), link=Link.SOFTPLUS)
    assert ansatz.apply(np.zeros((1, 1)), np.zeros((1, 1)))[0, 0] == pytest.approx(1 + 2 * np.log(2))


PROBLEMS = ("burgers", "laplace", "poisson-lshape", "poisson-star", "eikonal", "allen-cahn")
ANSATZES = {name: find_problem(name).ansatz for name in PROBLEMS}
RING = Disc([0, 0], 1.0) - Disc([0, 0], 0.5)
ANSATZES["ring"] = Ansatz(offset=(ExpressionField(text="x * y", coordinates="x y"),), factor=(RING.vanishing_field(),))


@pytest.mark.parametrize("name", ANSATZES)
def test_every_kind_of_field_survives_a_file(name: str, tmp_path: Path) -> None:
    ansatz = ANSATZES[name]
    with h5py.File(tmp_path / "ansatz.h5", "w") as file:
        write_record(file.create_group("ansatz"), ansatz)
    with h5py.File(tmp_path / "ansatz.h5", "r") as file:
        assert record_digest(read_record(file["ansatz"], Ansatz)) == record_digest(ansatz)


def test_those_fields_are_of_every_kind() -> None:
    used = {type(field) for ansatz in ANSATZES.values() for field in (*ansatz.offset, *ansatz.factor)}
    assert used == set(Field.__args__)
