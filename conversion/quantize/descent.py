"""Descent over the integers: single weights move by one unit where that brings the output closest to the float network's.

    r   = u_q - u                          what the integers get wrong on the calibration points, all outputs
    r'  = r + sum of moves ± s[j] d + J b  d[n] = sum over t of G[n, t, j] a[n, t, i],  G = du/dz, J = G of all neurons
    b   = -(J^T J + ridge)^-1 J^T r        biases have long words: together they take back all that they can
    the next move is the one with the least |r_left ± s[j] d|^2,  r_left = r + J b
    where no move of words of few bits helps any more, they are moved in pairs (`pairs.py`)

After some moves the integer engine is asked: moves that it does not confirm are taken back, half at a time, and everything is
linearised anew. What is kept is the best on points held out. Spikes are held as they are within a round, and so are the weights
of relays, which are exact or were rounded together (`relays.py`). Rounding node by node (`compensation.py`) is the start; here
all nodes act together on the one error that counts. No training, no torch.

Source: Gauss-Newton with coordinate descent over a lattice; the greedy choice of a move is that of matching pursuit (Mallat and
Zhang 1993).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from operator import itemgetter
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
from .pairs import choose_together

MAX_POINTS = 2000
"""Largest number of points that are used for single moves; more points changed no measured result."""
MAX_PAIR_POINTS = 8000
"""Largest number of points that are used for pairs, which fit the points more closely: on `poisson-lshape` at 4 bits 2000 leave
3.5e-3 on unseen points and 2.8e-3 on their own, 6000 leave 3.0e-3 and 2.8e-3."""
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
PAIR_BITS = 6
"""Longest weights that are moved in pairs; with 8 bits pairs change the error by less than 3 % and take three times as long."""
N_CANDIDATES = 800
"""Number of moves among which pairs are searched; on `poisson-lshape` 1500 and 4000 end at the same error."""
MAX_EFFECTS = 2 * 10**7
"""Largest number of entries of their effects, 160 MB: with very many outputs there are fewer candidates."""
MOVES_PER_PAIR_ROUND = 48
"""Number of moves in pairs between two linearisations; with 24 descent ends up to a third higher."""
KICKED = 0.01
"""Share of the weights moved at random before a descent begins anew; 0.004 and 0.04 gained less on `poisson-lshape`."""
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


class _Changes(NamedTuple):
    """What a move of each weight of one sum does to the squared residual."""

    affine: int
    sign: IntArray
    change: FloatArray
    """Shape (n_neurons, n_in); infinite where the word ends."""

    def least(self, n_most: int) -> list[tuple[float, _Move]]:
        """Return the moves of the least changes, with their changes."""
        n = min(n_most, self.change.size)
        places = np.argpartition(self.change, n - 1, axis=None)[:n]
        found = [
            (float(self.change.flat[place]), int(place)) for place in places if np.isfinite(self.change.flat[place])
        ]
        n_in = self.change.shape[1]
        return [
            (change, _Move(self.affine, *divmod(place, n_in), int(self.sign.flat[place]))) for change, place in found
        ]


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
        points: Calibration points, as of `calibrate_network`, thinned to `MAX_POINTS` for single moves and `MAX_PAIR_POINTS`
            for pairs, and to `MAX_ROWS` with all their steps, but never below `FEWEST_POINTS`.
    """
    moved, _ = _descended(network, points, MAX_POINTS, _LinearModel.choose_moves)
    if _longest_word(network) > PAIR_BITS:
        return moved
    ends = [_descended(start, points, MAX_PAIR_POINTS, _LinearModel.choose_pairs) for start in (moved, network)]
    return min(ends, key=itemgetter(1))[0]  # either is better by up to a third, here and there


def moved_at_random(network: QuantizedNetwork, generator: np.random.Generator) -> QuantizedNetwork:
    """Move about a hundredth of all weights by one unit, so that descent may end elsewhere; pruned weights stay zero."""
    changed = {}
    for node, affine in _moving(network):
        sign = generator.choice((-1, 1), affine.weight.shape) * (generator.random(affine.weight.shape) < KICKED)
        weight, limit = affine.weight + sign, weight_limits(affine, node)
        changed[node.name] = affine.with_weight(np.where(np.abs(weight) <= limit, weight, affine.weight))
    return with_affines(network, changed)


def _longest_word(network: QuantizedNetwork) -> int:
    """Return the bits of the longest weight that may move; 0 where none may."""
    return max((each.weight_bits for _, affine in _moving(network) for each in affine.connections), default=0)


def _moving(network: QuantizedNetwork) -> list[tuple[PopulationSpec | OutputSpec, QuantizedAffine]]:
    """Return the nodes whose weights may move, all but relays, with their integers."""
    pairs = zip(network.source.affines, network.affines, strict=True)
    return [(node, affine) for node, affine in pairs if not (isinstance(node, PopulationSpec) and node.is_relay)]


def _descended(
    network: QuantizedNetwork, points: FloatArray, n_most: int, choose: Callable[..., list[_Move]]
) -> tuple[QuantizedNetwork, float]:
    """Move until no round helps.

    Args:
        network: The start.
        points: Calibration points.
        n_most: Largest number of them that is used.
        choose: The method of `_LinearModel` that chooses the moves of a round.

    Returns:
        The integers with the lowest error on every fifth point, which no move has seen, and this error.
    """
    n_wanted = max(min(n_most, MAX_ROWS // count_steps(network, points)), FEWEST_POINTS)
    kept = points[:: max(1, -(-len(points) // n_wanted))]
    if len(kept) < FEWEST_POINTS:
        return network, 0.0
    held_out = np.arange(len(kept)) % HELD_OUT == HELD_OUT - 1
    wanted = run_float(network.source, kept).outputs
    learned = WantedOutputs(points=kept[~held_out], wanted=wanted[~held_out])
    unseen = WantedOutputs(points=kept[held_out], wanted=wanted[held_out])
    best, lowest = network, float(np.linalg.norm(unseen.residual(network)))
    ridge, now = FIRST_RIDGE, network
    for _ in range(MAX_ROUNDS):
        moved, ridge = _round(now, learned, ridge, choose)
        if moved is None:
            break
        now, error = moved, float(np.linalg.norm(unseen.residual(moved)))
        if error < lowest:
            best, lowest = now, error
    return best, lowest


def _round(
    network: QuantizedNetwork, wanted_outputs: WantedOutputs, ridge: float, choose: Callable[..., list[_Move]]
) -> tuple[QuantizedNetwork | None, float]:
    """Linearise once; return better integers, or None if no ridge leads to any, and the ridge for the next round."""
    residual = wanted_outputs.residual(network)
    size = float(np.linalg.norm(residual))
    model = _LinearModel(network, wanted_outputs.points)
    while ridge <= LAST_RIDGE:
        moves = choose(model, residual, ridge)
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
        """Compute the changes of all biases, node after node, that bring residuals (n_outputs, n_samples, …) closest to 0."""
        mean = float(np.trace(self.normal)) / len(self.normal)
        regular = self.normal + max(ridge * mean, TINY) * np.eye(len(self.normal))
        rows = residual.reshape(len(self.by_bias), *residual.shape[2:])
        found: FloatArray = -cho_solve(cho_factor(regular), self.by_bias.T @ rows)
        return found

    def left(self, residual: FloatArray, ridge: float) -> FloatArray:
        """Compute what remains of residuals (n_outputs, n_samples, …) after all biases have changed."""
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

    def choose_pairs(self, residual: FloatArray, ridge: float) -> list[_Move]:
        """Choose moves that help together, among those that by themselves help most or harm least."""
        left = self.left(residual, ridge)
        weights = [affine.weight for affine in self.affines]
        n_wanted = max(min(N_CANDIDATES, MAX_EFFECTS // left.size), 2)
        candidates = [found for each in self._changes(left, weights) for found in each.least(n_wanted)]
        moves = [move for _, move in sorted(candidates)[:n_wanted]]
        if not moves:
            return []
        effects = np.stack([self._effect(move) for move in moves], axis=-1)
        taken = self.left(effects, ridge)
        chosen = choose_together(taken.reshape(left.size, -1), left.ravel(), MOVES_PER_PAIR_ROUND)
        return [moves[index] for index in chosen]

    def _best_move(self, left: FloatArray, weights: list[IntArray]) -> _Move | None:
        candidates = [found for each in self._changes(left, weights) for found in each.least(1)]
        change, move = min(candidates, default=(0.0, None))
        return move if change < 0.0 else None

    def _changes(self, left: FloatArray, weights: list[IntArray]) -> Iterator[_Changes]:
        """Yield, for every node whose weights may move, the change of |r_left|^2 by each weight's better move."""
        sums = zip(self.jacobians, self.units, self.curvatures, self.are_fixed, strict=True)
        for index, (jacobian, unit, curvature, is_fixed) in enumerate(sums):
            if is_fixed:
                continue
            slope = 2.0 * unit * _slope(jacobian, left)
            sign = np.where(slope > 0, -1, 1)
            is_allowed = np.abs(weights[index] + sign) <= self.limits[index]
            yield _Changes(index, sign, np.where(is_allowed, curvature - np.abs(slope), np.inf))

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
