"""Joint rounding of relays: all weights of one act together on the network's output, and later ones make up for earlier ones.

    minimise over integers q     mean_n |sum over k, j of G[n, k] E[k, j] a[n, j]|**2        E = w - q s,  G = du/dz
    ~ sum of (M E A) * E         M = mean G G^T, A = mean a a^T: exact where a and G are independent, as function and point
    M = U^T D U, A = V^T D V     U, V upper, of unit diagonal
    in falling order of k and j:
        q[k, j] = clip(half_up((w + (U E V^T) - E)[k, j] / s[k, j]))

The payloads of a relay are factors of products, or they are added up at once: rounding errors of its neurons may cancel in the
output, which rounding neuron by neuron cannot use. Relays come before all other nodes, which are then fitted to what they send
(`compensation.py`). M and A are those of the float network, and nothing but these two is fitted to the calibration points: a
correction of w by least squares, with as many weights as points, made up for the errors of these points alone. Relays whose
weights are exact stay as they are, and so do weights of zero.

Source: rounding with a Kronecker-factored Hessian and feedback on both sides, Tseng et al. 2025 (YAQA, arXiv 2505.22988).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.linalg import cholesky

from ...base.arrays import FloatArray, IntArray
from ...engine.reference import run_float
from ...network.integers import IntFormat, round_half_up
from ...network.nodes import PopulationSpec
from ...network.quantized import QuantizedNetwork
from ...network.quantized_nodes import QuantizedAffine
from ..calibrate.sensitivity import AffineJacobian, trace_jacobians
from .compensation import unit_weights, weight_limits
from .descent import WantedOutputs
from .layerwise import thinned, with_affines

RIDGE = 1e-6
"""Added to the diagonals of M and A, as a share of their means: payloads without effect keep their weights."""
N_COARSER = 2
"""Bits by which scales become coarser, at most: feedback asks for words beyond the range that the float weights have."""


def round_relays(network: QuantizedNetwork, points: FloatArray) -> QuantizedNetwork:
    """Round the weights and biases of every relay anew, where they are not exact and the output comes closer to the source's.

    Args:
        network: The quantized network; words stay, and scales become coarser at most.
        points: Calibration points, as of `calibrate_network`.
    """
    rounded = [
        (index, spec)
        for index, spec in enumerate(network.source.affines)
        if isinstance(spec, PopulationSpec) and spec.is_relay and not _is_exact(network.affines[index], spec)
    ]
    if not rounded:
        return network
    kept = thinned(network, points)
    wanted = WantedOutputs(points=kept, wanted=run_float(network.source, kept).outputs)
    size = float(np.linalg.norm(wanted.residual(network)))
    jacobians = trace_jacobians(network.source, kept)
    for index, spec in rounded:
        start, moments = network, _output_and_input_moments(jacobians[index])
        for coarser in range(N_COARSER + 1):
            changed = _rounded(start.affines[index], spec, *moments, coarser)
            candidate = with_affines(start, {spec.name: changed})
            error = float(np.linalg.norm(wanted.residual(candidate)))
            if error < size:
                network, size = candidate, error
    return network


def _is_exact(affine: QuantizedAffine, spec: PopulationSpec) -> bool:
    """Return whether the integers stand for the float weights without any error."""
    return bool(np.array_equal(affine.real_weight, spec.weight))


def _output_and_input_moments(jacobian: AffineJacobian) -> tuple[FloatArray, FloatArray]:
    """Compute M, shape (n_out, n_out), and A, (n_in + 1, n_in + 1), of what is received with a one behind it, for the bias."""
    ones = np.ones((*jacobian.received.shape[:2], 1))
    return _moments(jacobian.by_drive), _moments(np.concatenate([jacobian.received, ones], axis=2))


def _rounded(
    affine: QuantizedAffine, spec: PopulationSpec, M: FloatArray, A: FloatArray, coarser: int
) -> QuantizedAffine:
    """Return a sum with other weights and biases, whose errors cancel in the output.

    Args:
        affine: The sum, which gives scales and words.
        spec: The float relay, whose weights are rounded.
        M: Second moments of du/dz, shape (n_out, n_out).
        A: Second moments of what is received, a one behind it, shape (n_in + 1, n_in + 1).
        coarser: Bits by which the scales become coarser, so that words at the end of their range have units to spare.
    """
    wanted = np.column_stack([spec.weight, spec.bias])
    coarse = tuple(replace(each, weight_exponent=each.weight_exponent + coarser) for each in affine.connections)
    affine = replace(affine, connections=coarse)
    unit = np.column_stack([unit_weights(affine), np.full(affine.n_out, np.ldexp(1.0, affine.state_exponent))])
    highest = np.full(unit.shape, IntFormat(bits=affine.state_bits).highest)
    highest[:, :-1] = weight_limits(affine, spec)
    rows = np.argsort(np.diag(M) * np.square(unit[:, 0]), kind="stable")
    columns = np.concatenate(
        [[len(A) - 1], np.argsort(np.diag(A)[:-1], kind="stable")]
    )  # biases last: their words are long
    placed = np.ix_(rows, columns)
    integers = np.zeros(wanted.shape, dtype=np.int64)
    factors = _unit_factor(M[np.ix_(rows, rows)]), _unit_factor(A[np.ix_(columns, columns)])
    integers[placed] = _feed_back(wanted[placed], unit[placed], highest[placed], *factors)
    return affine.with_weight(integers[:, :-1], bias=integers[:, -1])


def _moments(values: FloatArray) -> FloatArray:
    """Compute the second moments of the last axis, with a ridge, shape (n, n)."""
    flat = values.reshape(-1, values.shape[-1])
    moments = flat.T @ flat / len(flat)
    ridge = max(RIDGE * float(np.trace(moments)) / len(moments), float(np.finfo(np.float64).tiny))
    found: FloatArray = moments + ridge * np.eye(len(moments))
    return found


def _unit_factor(moments: FloatArray) -> FloatArray:
    """Return U, upper with a unit diagonal, with moments = U^T D U."""
    upper = cholesky(moments)
    found: FloatArray = upper / np.diag(upper)[:, None]
    return found


def _feed_back(wanted: FloatArray, unit: FloatArray, highest: IntArray, U: FloatArray, V: FloatArray) -> IntArray:
    """Round weights from the last row and column to the first, each with what the errors so far ask of it.

    Args:
        wanted: Real weights, shape (n_out, n_in).
        unit: What one unit stands for, same shape.
        highest: Largest integers, same shape.
        U: Unit factor of the rows, shape (n_out, n_out).
        V: Unit factor of the columns, shape (n_in, n_in).
    """
    n_out, n_in = wanted.shape
    integers, error = np.zeros(wanted.shape, dtype=np.int64), np.zeros(wanted.shape)
    for k in range(n_out - 1, -1, -1):
        of_rows = V @ (U[k, k + 1 :] @ error[k + 1 :])
        for j in range(n_in - 1, -1, -1):
            asked = wanted[k, j] + of_rows[j] + V[j, j + 1 :] @ error[k, j + 1 :]
            q = int(np.clip(round_half_up(asked / unit[k, j]), -highest[k, j], highest[k, j]))
            integers[k, j], error[k, j] = q, wanted[k, j] - q * unit[k, j]
    return integers
