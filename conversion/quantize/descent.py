"""Descent over the integers: single weights move by one unit where that brings the output closest to the float network's.

    r   = u_q - u                          what the integers get wrong on the calibration points, all outputs
    r'  = r + sum of moves ± s[j] d + J b  d[n] = sum over t of G[n, t, j] a[n, t, i],  G = du/dz, J = G of all neurons
    b   = -(J^T J + ridge)^-1 J^T r        biases have long words: together they take back all that they can
    the next move is the one with the least |r_left ± s[j] d|^2,  r_left = r + J b

After some moves the integer engine is asked: moves that it does not confirm are taken back, half at a time, and everything is
linearised anew. What is kept is the best on points held out. Spikes are held as they are within a round, and so are the weights
of relays, which are exact or were rounded together (`relays.py`). Rounding node by node (`compensation.py`) is the start; here
all nodes act together on the one error that counts. No training, no torch.

Source: Gauss-Newton with coordinate descent over a lattice; the greedy choice of a move is that of matching pursuit (Mallat and
Zhang 1993).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from ...base.arrays import FloatArray, IntArray, Record
from ...engine.reference import run_float, run_integer
from ...network.integers import LEAK_BITS, IntFormat, dequantize_array, quantize_array, saturate
from ...network.nodes import OutputSpec, PopulationSpec
from ...network.quantized import QuantizedNetwork
from ...network.quantized_nodes import QuantizedAffine, QuantizedOutput, QuantizedPopulation
from ...network.spec import NetworkSpec
from ..calibrate.calibration import count_steps
from ..calibrate.sensitivity import AffineJacobian, read_steps, trace_jacobians
from .compensation import unit_weights, weight_limits
from .layerwise import with_affines

MAX_POINTS = 2000
"""Largest number of points that are used; more points changed no measured result."""
MAX_ROWS = 8 * MAX_POINTS
"""Points times steps that enter, at most: the Jacobians of all steps are in memory at once. Up to eight steps all points do."""
FEWEST_POINTS = 50
"""With fewer points the lattice would be fitted to them alone: nothing is done."""
HELD_OUT = 5
"""One point out of this many is held out."""
MAX_ROUNDS = 60
"""Largest number of linearisations."""
MOVES_PER_ROUND = 12
"""Number of moves between two linearisations; each move is exact to first order only."""
FIRST_RIDGE = 1e-3
"""First ridge of the biases' normal equations, as a share of their mean diagonal."""
LAST_RIDGE = 1.0
"""Largest ridge; a round that fails with it ends the descent."""
LEAST_GAIN = 5e-4
"""Relative gain below which a round counts as failed."""
TINY = float(np.finfo(np.float64).tiny)
"""Least ridge, which keeps the normal equations solvable where no bias has an effect."""


class _Move(NamedTuple):
    """The change of one weight by one unit."""

    affine: int
    neuron: int
    entry: int
    sign: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WantedOutputs(Record):
    """Points with their wanted outputs, on which integers are compared with the float network."""

    points: FloatArray
    wanted: FloatArray

    def residual(self, network: QuantizedNetwork) -> FloatArray:
        """Compute u_q - u, shape (n_outputs, n_samples); where every step is read, of the outputs that are followed back."""
        error: FloatArray = run_integer(network, self.points).outputs - self.wanted
        if error.ndim == 3:
            error = error[:, read_steps(network.source, error.shape[1])].reshape(len(error), -1)
        return error.T


def descend_integers(network: QuantizedNetwork, points: FloatArray) -> QuantizedNetwork:
    """Move weights and biases of a quantized network towards its source; scales, words, thresholds and tables stay.

    Args:
        network: The start, which is also what comes back where nothing better is found.
        points: Calibration points, as of `calibrate_network`, thinned to `MAX_POINTS`, and to `MAX_ROWS` with all their
            steps, but never below `FEWEST_POINTS`.
    """
    n_wanted = max(min(MAX_POINTS, MAX_ROWS // count_steps(network, points)), FEWEST_POINTS)
    kept = points[:: max(1, -(-len(points) // n_wanted))]
    if len(kept) < FEWEST_POINTS:
        return network
    held_out = np.arange(len(kept)) % HELD_OUT == HELD_OUT - 1
    wanted = run_float(network.source, kept).outputs
    learned = WantedOutputs(points=kept[~held_out], wanted=wanted[~held_out])
    unseen = WantedOutputs(points=kept[held_out], wanted=wanted[held_out])
    best, lowest = network, float(np.linalg.norm(unseen.residual(network)))
    ridge, now = FIRST_RIDGE, network
    for _ in range(MAX_ROUNDS):
        moved, ridge = _round(now, learned, ridge)
        if moved is None:
            return best
        now, error = moved, float(np.linalg.norm(unseen.residual(moved)))
        if error < lowest:
            best, lowest = now, error
    return best


def _round(
    network: QuantizedNetwork, wanted_outputs: WantedOutputs, ridge: float
) -> tuple[QuantizedNetwork | None, float]:
    """Linearise once; return better integers, or None if no ridge leads to any, and the ridge for the next round."""
    residual = wanted_outputs.residual(network)
    size = float(np.linalg.norm(residual))
    model = _LinearModel(network, wanted_outputs.points)
    while ridge <= LAST_RIDGE:
        moves = model.choose_moves(residual, ridge)
        while True:
            candidate = model.moved(residual, moves, ridge)
            if np.linalg.norm(wanted_outputs.residual(candidate)) < (1.0 - LEAST_GAIN) * size:
                return candidate, max(ridge / 2, 1e-3 * FIRST_RIDGE)
            if not moves:
                break
            moves = moves[: len(moves) // 2]
        ridge *= 10
    return None, ridge


class _LinearModel:
    """The linearised change of the output by single weights and by all biases, around the current integers."""

    def __init__(self, network: QuantizedNetwork, points: FloatArray) -> None:
        self.network, self.affines = network, network.affines
        self.jacobians = trace_jacobians(dequantized_network(network), points)
        self.units = [unit_weights(affine) for affine in self.affines]
        exact = network.source.affines
        self.limits = [weight_limits(*pair) for pair in zip(self.affines, exact, strict=True)]
        self.are_fixed = [isinstance(node, PopulationSpec) and node.is_relay for node in exact]
        self.curvatures = [
            _curvature(jacobian) * unit**2 for jacobian, unit in zip(self.jacobians, self.units, strict=True)
        ]
        by_bias = np.concatenate([jacobian.by_drive.sum(axis=1) for jacobian in self.jacobians], axis=2)
        self.by_bias = by_bias.reshape(-1, by_bias.shape[2])
        self.normal = self.by_bias.T @ self.by_bias

    def biases(self, residual: FloatArray, ridge: float) -> FloatArray:
        """Compute the changes of all biases, node after node, that bring the residual (n_outputs, n_samples) closest to 0."""
        mean = float(np.trace(self.normal)) / len(self.normal)
        regular = self.normal + max(ridge * mean, TINY) * np.eye(len(self.normal))
        found: FloatArray = -cho_solve(cho_factor(regular), self.by_bias.T @ residual.ravel())
        return found

    def left(self, residual: FloatArray, ridge: float) -> FloatArray:
        """Compute the residual that remains after all biases have changed."""
        taken: FloatArray = (self.by_bias @ self.biases(residual, ridge)).reshape(residual.shape)
        return residual + taken

    def choose_moves(self, residual: FloatArray, ridge: float) -> list[_Move]:
        """Choose moves greedily, the best one first."""
        weights = [affine.weight.copy() for affine in self.affines]
        moves: list[_Move] = []
        while len(moves) < MOVES_PER_ROUND:
            move = self._best_move(self.left(residual, ridge), weights)
            if move is None:
                break
            moves.append(move)
            weights[move.affine][move.neuron, move.entry] += move.sign
            residual = residual + self._effect(move)
        return moves

    def _best_move(self, left: FloatArray, weights: list[IntArray]) -> _Move | None:
        best, lowest = None, 0.0
        for index, (jacobian, unit, curvature) in enumerate(
            zip(self.jacobians, self.units, self.curvatures, strict=True)
        ):
            if self.are_fixed[index]:
                continue
            slope = 2.0 * unit * _slope(jacobian, left)
            sign = np.where(slope > 0, -1, 1)
            is_allowed = np.abs(weights[index] + sign) <= self.limits[index]
            change = np.where(is_allowed, curvature - np.abs(slope), 0.0)
            place = int(change.argmin())
            if change.flat[place] < lowest:
                neuron, entry = divmod(place, change.shape[1])
                best, lowest = _Move(index, neuron, entry, int(sign.flat[place])), float(change.flat[place])
        return best

    def _effect(self, move: _Move) -> FloatArray:
        """Compute the change of the output by a move, shape (n_outputs, n_samples)."""
        jacobian = self.jacobians[move.affine]
        by_weight = jacobian.by_drive[..., move.neuron] * jacobian.received[..., move.entry]
        effect: FloatArray = move.sign * self.units[move.affine][move.neuron, move.entry] * by_weight.sum(axis=1)
        return effect

    def moved(self, residual: FloatArray, moves: list[_Move], ridge: float) -> QuantizedNetwork:
        """Return the network after these moves, with the biases that fit them best."""
        weights = [affine.weight.copy() for affine in self.affines]
        for move in moves:
            weights[move.affine][move.neuron, move.entry] += move.sign
            residual = residual + self._effect(move)
        changes = np.split(self.biases(residual, ridge), np.cumsum([affine.n_out for affine in self.affines])[:-1])
        changed = [_changed(*parts) for parts in zip(self.affines, weights, changes, strict=True)]
        names = [node.name for node in self.network.source.affines]
        return with_affines(self.network, dict(zip(names, changed, strict=True)))


def _changed(affine: QuantizedAffine, weight: IntArray, change: FloatArray) -> QuantizedAffine:
    """Return a sum with other weights and a changed bias, saturated at the ends of the state word."""
    moved = affine.bias + quantize_array(change, affine.state_exponent)
    return affine.with_weight(weight, bias=saturate(moved, IntFormat(bits=affine.state_bits))[0])


def _slope(jacobian: AffineJacobian, left: FloatArray) -> FloatArray:
    """Compute sum_n left[n] d[n] of every weight, shape (n_neurons, n_in)."""
    felt = (jacobian.by_drive * left[:, None, :, None]).sum(axis=0)
    slope: FloatArray = felt.reshape(-1, felt.shape[-1]).T @ jacobian.received.reshape(-1, jacobian.received.shape[-1])
    return slope


def _curvature(jacobian: AffineJacobian) -> FloatArray:
    """Compute sum_n d[n]^2 of every weight, shape (n_neurons, n_in): exact for one step, an upper bound for more."""
    squares = np.square(jacobian.by_drive).sum(axis=0)
    n_steps = len(squares)
    received = np.square(jacobian.received)
    curvature: FloatArray = squares.reshape(-1, squares.shape[-1]).T @ received.reshape(-1, received.shape[-1])
    return n_steps * curvature


def dequantized_network(network: QuantizedNetwork) -> NetworkSpec:
    """Return the float network that the integers represent: weights, biases, leaks and thresholds at their scales."""
    source = network.source
    pairs = zip(source.nodes, network.nodes, strict=True)
    nodes = tuple(
        dequantized_node(spec, node)
        if isinstance(spec, PopulationSpec) and isinstance(node, QuantizedPopulation)
        else spec
        for spec, node in pairs
    )
    return replace(source, nodes=nodes, output=dequantized_node(source.output, network.output))


Affine = TypeVar("Affine", PopulationSpec, OutputSpec)
"""A population or the read-out of a float network."""


def dequantized_node(spec: Affine, node: QuantizedPopulation | QuantizedOutput) -> Affine:
    """Return the float population, or read-out, that integers represent."""
    changes = {}
    if isinstance(node, QuantizedPopulation):
        changes["theta"] = dequantize_array(node.theta, node.affine.state_exponent)
        changes["beta"] = dequantize_array(node.beta, -LEAK_BITS)
    found: Affine = spec.with_weight(node.affine.real_weight, bias=node.affine.real_bias, **changes)
    return found
