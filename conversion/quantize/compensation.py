"""Learned rounding: each neuron's weights are rounded one after the other, and those not yet rounded make up for the error.

    minimise over integers q      sum_n omega[n] (z[n] - (q * s) . a[n] - b)**2          one neuron, s its scale
    H  = mean_n omega a a^T + ridge                                     a with a one behind it, for the bias
    w* = w + H^-1 mean_n omega a (z - w . a)                            makes up for what the nodes before do to a
    in falling order of H[i, i], the bias last:
        q[i] = clip(half_up(w*[i] / s))
        w*[rest] -= (w*[i] - q[i] s) U[i, rest] / U[i, i]               H^-1 = U^T U, U upper
    q[i] = 0 where the float weight is zero: what was pruned stays pruned

z is the float network's drive, a what the node really receives in integers, so that later nodes correct earlier ones
(`layerwise.py`). Rounding to the nearest ignores that weights act together; this takes a second and no training.

Source: optimal brain surgeon, Hassibi & Stork 1993; column by column with a Cholesky factor, GPTQ, Frantar et al. 2023.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...base.arrays import BoolArray, FloatArray, IntArray
from ...network.integers import IntFormat, dequantize_array, quantize_array, round_half_up
from ...network.nodes import OutputSpec, PopulationSpec
from ...network.quantized_nodes import QuantizedAffine
from ..calibrate.sensitivity import AffineSignals

RIDGE = 1e-5
"""Added to the diagonal of H, as a share of its mean: keeps weights of silent inputs where they are."""
FLOOR = 1e-2
"""Added to omega, whose mean is one: drives of silent samples count a little, because they decide about spikes."""
MAX_WORK = 2e11
"""Multiplications for the H of every neuron of its own; wider nodes share one H, with the mean of omega."""


def compensate_affine(
    affine: QuantizedAffine,
    exact: PopulationSpec | OutputSpec,
    received: Sequence[IntArray],
    signal: AffineSignals,
    n_finer: int = 0,
) -> QuantizedAffine:
    """Round the weights of one sum and its bias so that its drive comes closest to the float network's.

    A neuron whose bias would leave the state word keeps the weights and the bias that it has. So does a relay, whose
    weights are exact or were rounded together (`relays.py`).

    Args:
        affine: Gives scales and words.
        exact: The float node.
        received: Integers that really come in over each connection, (n_rows, n_source) each.
        signal: The float network's drive and its weights omega.
        n_finer: How many finer scales every neuron tries.
    """
    if isinstance(exact, PopulationSpec) and exact.is_relay:
        return affine
    parts = zip(received, affine.connections, strict=True)
    a = np.hstack([dequantize_array(words, each.input_exponent) for words, each in parts])
    a = np.column_stack([a, np.ones(len(a))])
    omega = signal.sensitivity + FLOOR
    wanted, h = fit_weights(exact, a, omega, signal.drive)
    best, lowest = affine, np.full(affine.n_out, np.inf)
    for finer in range(n_finer + 1):
        tried = _round_affine(affine, finer, wanted, h, weight_limits(affine, exact))
        cost = np.mean(omega * np.square(signal.drive - _float_drive(tried, a)), axis=0)
        best, lowest = _better_rows(best, tried, cost < lowest), np.minimum(cost, lowest)
    return best


def fit_weights(
    exact: PopulationSpec | OutputSpec, a: FloatArray, omega: FloatArray, drive: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Fit real weights to what a node really receives; the ridge draws them to those that it has.

    Args:
        exact: The float node.
        a: What it receives, all connections side by side, with a column of ones behind, shape (n_rows, n_in + 1).
        omega: Weights of the errors, shape (n_rows, n_out).
        drive: The drive that is wanted, same shape.

    Returns:
        Weights with the bias behind, (n_out, n_in + 1), and H, (n_out or 1, n_in + 1, n_in + 1).
    """
    start = np.column_stack([exact.weight, exact.bias])
    shared = float(len(a)) * a.shape[1] ** 2 * exact.n_out > MAX_WORK
    h = _second_moments(a, omega.mean(axis=1, keepdims=True) if shared else omega)
    error = omega * (drive - a @ start.T)
    wanted: FloatArray = start + np.linalg.solve(h, (error.T @ a / len(a))[:, :, None])[:, :, 0]
    return wanted, h


def _round_affine(
    affine: QuantizedAffine, finer: int, wanted: FloatArray, h: FloatArray, limits: IntArray
) -> QuantizedAffine:
    """Round at scales that are finer by `finer` bits; keep rows whose bias would not fit."""
    finest = tuple(replace(each, weight_exponent=each.weight_exponent - finer) for each in affine.connections)
    tried = replace(affine, connections=finest)
    weight, bias = _round_columns(wanted, h, unit_weights(tried), limits)
    word = IntFormat(bits=affine.state_bits)
    fits = np.abs(bias) < np.ldexp(word.highest - 1, affine.state_exponent)
    held = quantize_array(np.where(fits, bias, 0.0), affine.state_exponent)
    return _better_rows(affine, tried.with_weight(weight, bias=held), fits)


def weight_limits(affine: QuantizedAffine, exact: PopulationSpec | OutputSpec) -> IntArray:
    """Return the largest magnitude of every integer weight, all connections side by side, shape (n_out, n_in).

    It is zero where the float weight is zero: such a weight, as pruning leaves it, costs no operation and stays so.
    """
    return np.where(exact.weight == 0.0, 0, IntFormat(bits=affine.weight_bits).highest)


def unit_weights(affine: QuantizedAffine) -> FloatArray:
    """Return what one unit of every weight stands for, all connections side by side, shape (n_out, n_in)."""
    units = [np.repeat(np.ldexp(1.0, c.weight_exponent)[:, None], c.n_source, axis=1) for c in affine.connections]
    return np.hstack(units)


def _better_rows(kept: QuantizedAffine, changed: QuantizedAffine, better: BoolArray) -> QuantizedAffine:
    """Return `kept` with the neurons marked `better`, shape (n_out,), replaced by those of `changed`."""
    connections = tuple(
        replace(
            old,
            weight=np.where(better[:, None], new.weight, old.weight),
            weight_exponent=np.where(better, new.weight_exponent, old.weight_exponent),
        )
        for old, new in zip(kept.connections, changed.connections, strict=True)
    )
    return replace(kept, connections=connections, bias=np.where(better, changed.bias, kept.bias))


def _float_drive(affine: QuantizedAffine, a: FloatArray) -> FloatArray:
    """Compute the drive of the integer weights for a, (n_rows, n_in + 1), its last column ones, without rounding the sum."""
    return a @ np.column_stack([affine.real_weight, affine.real_bias]).T


def _second_moments(a: FloatArray, omega: FloatArray) -> FloatArray:
    """Compute H of every neuron, shape (n_out, k, k), or (1, k, k) for one column of omega."""
    h = np.stack([(a * weight[:, None]).T @ a for weight in omega.T]) / len(a)
    k = a.shape[1]
    ridge = RIDGE * np.trace(h, axis1=1, axis2=2) / k
    h[:, np.arange(k), np.arange(k)] += np.maximum(ridge, np.finfo(np.float64).tiny)[:, None]
    return h


def _round_columns(
    wanted: FloatArray, h: FloatArray, unit: FloatArray, limits: IntArray
) -> tuple[IntArray, FloatArray]:
    """Round the weights of `wanted` in order, in the units (n_out, n_in); return them with the bias (n_out,) that remains."""
    n_out, n_in = unit.shape
    order = np.argsort(-np.diagonal(h, axis1=1, axis2=2)[:, :n_in], axis=1, kind="stable")
    order = np.column_stack([order, np.full(len(order), n_in)])
    sorted_h = np.take_along_axis(np.take_along_axis(h, order[:, :, None], 1), order[:, None, :], 2)
    upper = np.linalg.cholesky(np.linalg.inv(sorted_h)).transpose(0, 2, 1)
    order = np.broadcast_to(order, wanted.shape)
    left = np.take_along_axis(wanted, order, 1)
    scale = np.take_along_axis(unit, order[:, :n_in], 1)
    highest = np.take_along_axis(limits, order[:, :n_in], 1)
    chosen = np.zeros((n_out, n_in), dtype=np.int64)
    for i in range(n_in):
        chosen[:, i] = np.clip(round_half_up(left[:, i] / scale[:, i]), -highest[:, i], highest[:, i])
        error = (left[:, i] - chosen[:, i] * scale[:, i]) / upper[:, i, i]
        left[:, i + 1 :] -= error[:, None] * upper[:, i, i + 1 :]
    weight = np.zeros_like(chosen)
    np.put_along_axis(weight, order[:, :n_in], chosen, 1)
    return weight, left[:, n_in]
