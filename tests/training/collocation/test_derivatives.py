"""Sparse operators as differentiable maps: scipy's product, its transpose backwards, and torch's own for other devices."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix, random_array
from scipy.sparse.linalg import aslinearoperator

from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.training.collocation.derivatives import SparseMap, _torch_csr, multiply, place_matrix

CPU = torch.device("cpu")
ROUNDING = 1e-14
"""Float64 sums of fewer than ten products of magnitude one."""


def example() -> csr_matrix:
    return csr_matrix(random_array((12, 9), density=0.4, rng=np.random.default_rng(0)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_forwards_is_the_product_and_backwards_the_transposed_one(dtype: torch.dtype) -> None:
    D = example()
    u = torch.linspace(-1, 1, 9, dtype=dtype, requires_grad=True)
    weights = torch.linspace(0, 2, 12, dtype=dtype)
    v = SparseMap(D, dtype, CPU)(u)
    (v * weights).sum().backward()
    rounding = ROUNDING if dtype is torch.float64 else 1e-6
    assert v.dtype == dtype
    assert u.grad is not None
    np.testing.assert_allclose(v.detach().numpy(), D @ u.detach().numpy(), rtol=0, atol=rounding)
    np.testing.assert_allclose(u.grad.numpy(), D.T @ weights.numpy(), rtol=0, atol=rounding)


def test_torch_s_own_product_is_the_same() -> None:
    D = example()
    u = torch.linspace(-1, 1, 9, dtype=torch.float64)
    np.testing.assert_allclose(multiply(_torch_csr(D, CPU), u).numpy(), multiply(D, u).numpy(), rtol=0, atol=ROUNDING)


def test_gradient_by_finite_differences() -> None:
    operator = SparseMap(example(), torch.float64, CPU)
    u = torch.linspace(-1, 1, 9, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda values: operator(values).square(), (u,))


def test_operators_that_are_no_matrix_work_on_the_cpu_only() -> None:
    D, u = example(), torch.linspace(-1, 1, 9, dtype=torch.float32)
    v = multiply(place_matrix(aslinearoperator(D), torch.float32, CPU), u)
    assert v.dtype == torch.float32
    np.testing.assert_allclose(v.numpy(), D @ u.numpy(), rtol=0, atol=1e-6)
    with pytest.raises(
        SpecError, match=r"place_matrix.device: the CPU, for an operator that is not assembled; got meta"
    ):
        place_matrix(aslinearoperator(D), torch.float32, torch.device("meta"))
