"""Error figures by hand."""

from __future__ import annotations

import numpy as np
import pytest

from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.base.metrics import max_abs_error, relative_change, relative_l2, rms
from neuropinn_lava.geometry.fields.scalar_fields import Polynomial
from neuropinn_lava.network.transforms import Ansatz, ansatz_relative_l2

U_REF = np.array([[3.0], [4.0]])


def test_relative_l2_by_hand() -> None:
    assert relative_l2(np.array([[3.0], [4.5]]), U_REF) == pytest.approx(0.1)  # 0.5 / 5


def test_a_change_of_nothing_is_its_own_size() -> None:
    changed = np.array([[1.0], [7.0]])
    assert relative_change(changed, U_REF) == relative_l2(changed, U_REF)
    assert relative_change(changed, np.zeros((2, 1))) == 5.0  # sqrt((1 + 49) / 2)


def test_max_abs_error_by_hand() -> None:
    assert max_abs_error(np.array([[2.0], [4.5]]), U_REF) == 1.0


def test_rms_by_hand() -> None:
    assert rms(np.array([1.0, 7.0])) == 5.0


def test_ansatz_error_by_hand() -> None:
    """g = 1, d = x at x = 1, 2 and u_ref = 3, 4: c = <d, u - g> / <d, d> = (2 + 6) / 5, errors -0.4 and 0.2 over 5."""
    x = Polynomial(exponents=np.array([[1]]), coefficients=np.ones(1))
    ansatz = Ansatz(offset=(Polynomial.constant(1.0, 1),), factor=(x,))
    found = ansatz_relative_l2(ansatz, np.array([[1.0], [2.0]]), U_REF)
    assert found == pytest.approx(np.sqrt(0.16 + 0.04) / 5)


def test_no_ansatz_is_a_constant() -> None:
    assert ansatz_relative_l2(None, np.zeros((2, 1)), U_REF) == pytest.approx(np.sqrt(0.5) / 5)


def test_a_factor_that_vanishes_leaves_the_offset() -> None:
    ansatz = Ansatz(offset=(Polynomial.constant(3.0, 1),), factor=(Polynomial.constant(0.0, 1),))
    assert ansatz_relative_l2(ansatz, np.zeros((2, 1)), U_REF) == pytest.approx(1 / 5)


def test_fields_that_cannot_be_compared_are_refused() -> None:
    with pytest.raises(SpecError, match="that of u_ref"):
        relative_l2(np.zeros(2), U_REF)
    with pytest.raises(SpecError, match="u must have only finite entries"):
        max_abs_error(U_REF * np.nan, U_REF)
    with pytest.raises(SpecError, match="not zero everywhere"):
        relative_l2(U_REF, 0 * U_REF)
