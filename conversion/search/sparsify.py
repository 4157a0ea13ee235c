"""Sparsity for a stated error: thresholds rise where payloads are little felt, and the nodes after make up for them.

    theta[j] = max(theta[j], tau / g[j])      g[j] = root mean square of du/da[j]: every neuron's silence costs about the same
    W, b of the nodes after: least squares to the float network's drives, given what is still sent (`compensation.py`)

Relays and products stay as they are, and do not count as activity. One number, tau, goes from no silence to all; the largest
whose error is within the limit is found by bisection. The error is measured on other points than those that thresholds and fits
see.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from ...base.arrays import FloatArray, Record
from ...base.errors import FixedPointError, SpecError
from ...base.metrics import relative_l2
from ...engine.reference import FloatArithmetic, run_float
from ...network.given_points import checked_samples
from ...network.nodes import OutputSpec, PopulationSpec
from ...network.spec import NetworkSpec
from ..calibrate.calibration import trace_received
from ..calibrate.sensitivity import AffineSignals, trace_signals
from ..quantize.compensation import FLOOR, fit_weights
from .bit_search import ErrorLimit

N_BISECTIONS = 12
"""Number of bisections; tau is then known to a factor of 1.005 within a decade."""
DECADES = (-7.0, 1.0)
"""log10 of the smallest and the largest tau tried, in units of the largest |u|."""


_Node = TypeVar("_Node", PopulationSpec, OutputSpec)

LEAST_EFFECT = 1e30 * float(np.finfo(np.float64).tiny)
"""Lower bound of g, so that tau / g stays finite."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SparsityPoint(Record):
    """Error and activity of a network with the thresholds of one tau."""

    tau: float
    """The change of u that silencing one payload may cause, in units of u."""
    error: float
    """Relative L2 error against the wanted values."""
    activity: float
    """Share of neurons and steps that send a spike."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sparsification(Record):
    """A sparser network, with error and activity before and after."""

    network: NetworkSpec
    """The network with its new thresholds and weights."""
    before: SparsityPoint
    """Error and activity of the original network."""
    after: SparsityPoint
    """Error and activity of the sparser network."""


def sparsify_network(
    network: NetworkSpec,
    limit: ErrorLimit,
    points: FloatArray,
    on_progress: Callable[[int, int], None] | None = None,
) -> Sparsification:
    """Raise thresholds as far as the limit allows.

    Args:
        network: The float network.
        limit: The error allowed, and the points on which it is measured.
        points: Points from which thresholds and weights are found, physical, as of `calibrate_network`.
        on_progress: Called with bisections done and in all.

    Raises:
        FixedPointError: If the network itself is not within the limit.
    """
    search = _Search(network, limit, points)
    before = search.measure(network, 0.0)
    if before.error > limit.relative_l2:
        rule = f"have a relative L2 error of at most {limit.relative_l2:.3g}"
        repair = "Allow more than the network's own error."
        raise FixedPointError(f"sparsify: network {network.name!r}", rule, f"{before.error:.3g}", repair)
    best = Sparsification(network=network, before=before, after=before)
    low, high = DECADES
    for done in range(1, N_BISECTIONS + 1):
        middle = (low + high) / 2
        tau = 10.0**middle * search.size
        sparser = search.silenced(tau)
        found = search.measure(sparser, tau)
        if found.error <= limit.relative_l2:
            low = middle
            if found.activity < best.after.activity:
                best = Sparsification(network=sparser, before=before, after=found)
        else:
            high = middle
        if on_progress:
            on_progress(done, N_BISECTIONS)
    return best


class _Search:
    """Signals and sensitivities of the network, computed once for all tau."""

    def __init__(self, network: NetworkSpec, limit: ErrorLimit, points: FloatArray) -> None:
        self.network, self.limit = network, limit
        self.points = checked_samples(points, network, f"sparsify: points of network {network.name!r}")
        self.signals = trace_signals(network, self.points)
        self.size = float(np.abs(limit.wanted).max())
        if not self.size > 0:
            repair = "Give wanted values of a network with an output."
            raise SpecError(
                f"sparsify: network {network.name!r}", "have wanted values that are not all zero", 0.0, repair
            )

    def silenced(self, tau: float) -> NetworkSpec:
        """Return the network with thresholds for tau, its sums fitted to the payloads that are still sent."""
        network = self.network
        for node, signal in zip(network.populations, self.signals[:-1], strict=True):
            if node.is_relay:
                continue
            raised = np.maximum(node.theta, tau / np.maximum(signal.effect, LEAST_EFFECT))
            fitted = _fitted(node, self._received(network, node.name), signal)
            changed = replace(fitted, theta=np.minimum(raised, _beyond(signal)))
            nodes = tuple(changed if each.name == node.name else each for each in network.nodes)
            network = replace(network, nodes=nodes)
        received = self._received(network, network.output.name)
        return replace(network, output=_fitted(network.output, received, self.signals[-1]))

    def _received(self, network: NetworkSpec, name: str) -> FloatArray:
        """Return what a node receives over all its connections, all steps stacked, shape (n_rows, n_in)."""
        x = network.input_transform.apply(self.points)
        return np.hstack(trace_received(network, x, FloatArithmetic(len(x)), name))

    def measure(self, network: NetworkSpec, tau: float) -> SparsityPoint:
        """Measure error and activity on the limit's points."""
        trace = run_float(network, self.limit.points)
        counted = {node.name: node.n_out for node in network.populations if not node.is_relay}
        fired = sum(int(node.fired.sum()) for node in trace.nodes if node.name in counted)
        n = trace.n_samples * trace.n_steps * sum(counted.values())
        return SparsityPoint(tau=tau, error=relative_l2(trace.outputs, self.limit.wanted), activity=fired / max(n, 1))


def _beyond(signal: AffineSignals) -> float:
    """Return a threshold that no membrane of the node reaches, but that hardly widens the range of the state word."""
    return 4.0 * float(np.abs(signal.drive).max()) + 1.0


def _fitted(node: _Node, received: FloatArray, signal: AffineSignals) -> _Node:
    """Return a node with the weights and bias that bring its drive closest to the float network's."""
    a = np.column_stack([received, np.ones(len(received))])
    weights, _ = fit_weights(node, a, signal.sensitivity + FLOOR, signal.drive)
    found: _Node = node.with_weight(weights[:, :-1], bias=weights[:, -1])
    return found
