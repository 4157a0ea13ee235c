"""Host-side transforms: what they compute, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import builders
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.geometry.fields.scalar_fields import Polynomial
from neuropinn_lava.network.transforms import AffineTransform, Ansatz, Link

X = np.array([[0.0, 1.0], [0.5, 2.0], [1.0, 5.0]])


def test_affine() -> None:
    transform = AffineTransform(scale=[2.0, -1.0], offset=[-1.0, 3.0])
    assert transform.n == 2
    assert transform.apply(X).tolist() == [[-1.0, 2.0], [0.0, 1.0], [1.0, -2.0]]
    assert transform.apply(torch.tensor(X)).tolist() == transform.apply(X).tolist()
    assert transform.apply(torch.tensor(X, dtype=torch.float32)).dtype == torch.float32


def test_identity() -> None:
    np.testing.assert_array_equal(AffineTransform.identity(2).apply(X), X)


def test_to_unit_box() -> None:
    transform = AffineTransform.to_unit_box([0.0, 1.0], [1.0, 5.0])
    assert transform.apply(np.array([[0.0, 1.0], [1.0, 5.0], [0.5, 3.0]])).tolist() == [[-1, -1], [1, 1], [0, 0]]


@pytest.mark.parametrize(("lower", "upper"), [([0.0], [0.0]), ([1.0], [0.0]), ([0.0], [np.nan])])
def test_a_box_without_an_inside(lower: list[float], upper: list[float]) -> None:
    with pytest.raises(
        SpecError, match=r"AffineTransform.to_unit_box.upper must lie above lower; got .* Give a box with an inside"
    ):
        AffineTransform.to_unit_box(lower, upper)


@pytest.mark.parametrize(
    ("scale", "offset", "message"),
    [
        ([1.0, np.inf], [0.0, 0.0], r"AffineTransform.scale must have only finite entries; got inf at index \(1,\)"),
        ([1.0], [np.nan], r"AffineTransform.offset must have only finite entries"),
        ([1.0], [0.0, 0.0], r"AffineTransform.offset must have the shape \(n,\), as scale = \(1\); got \(2,\)"),
        ([], [], r"AffineTransform.scale must have the shape \(n,\) = \(any\); got \(0,\)"),
        ([[1.0]], [[1.0]], r"AffineTransform.scale must have the shape"),
    ],
)
def test_affine_refuses(scale: object, offset: object, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        AffineTransform(scale=scale, offset=offset)


def test_ansatz() -> None:
    ansatz = builders.unit_ansatz(2, 2)
    assert (ansatz.n_dim, ansatz.n_out) == (2, 2)
    g, d = ansatz.evaluate(X)
    assert g.tolist() == [[0.0, 1.0], [0.5, 1.5], [1.0, 2.0]]
    assert d.tolist() == [[0.0, 0.0], [0.25, 0.25], [0.0, 0.0]]
    assert ansatz.apply(X, np.full((3, 2), 4.0)).tolist() == [[0.0, 1.0], [1.5, 2.5], [1.0, 2.0]]


def test_link_is_applied_before_the_ansatz() -> None:
    plain = builders.unit_ansatz(2, 1)
    linked = Ansatz(offset=list(plain.offset), factor=list(plain.factor), link="softplus")
    assert linked.link is Link.SOFTPLUS
    assert isinstance(linked.offset, tuple)
    y = np.array([[-800.0], [0.0], [800.0]])
    np.testing.assert_allclose(linked.apply(X, y)[:, 0], [0.0, 0.5 + 0.25 * np.log(2.0), 1.0], rtol=1e-15)
    with pytest.raises(SpecError, match=r"Ansatz.link must be one of identity, softplus; got 'softplsu'. Did you mean"):
        Ansatz(offset=plain.offset, factor=plain.factor, link="softplsu")


ONE, PLANE = Polynomial.constant(1.0, 1), Polynomial.constant(1.0, 2)


@pytest.mark.parametrize(
    ("offset", "factor", "message"),
    [
        ((), (), r"Ansatz must have one g and one d per output; got \(0, 0\)"),
        ((ONE,), (ONE, ONE), r"Ansatz must have one g and one d per output; got \(1, 2\)"),
        ((ONE,), (PLANE,), r"Ansatz must have fields of the same dimension; got \{1, 2\}"),
    ],
)
def test_ansatz_refuses(offset: tuple[Polynomial, ...], factor: tuple[Polynomial, ...], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        Ansatz(offset=offset, factor=factor)
