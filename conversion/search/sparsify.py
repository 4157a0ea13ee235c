"""Sparsity for a stated error: thresholds rise where payloads are little felt, and the layers after make up for them.

    theta[j] = max(theta[j], tau / g[j])      g[j] = root mean square of du/da[j]: every neuron's silence costs about the same
    W, b of the layers after: least squares to the float network's drives, given what is still sent (`compensation.py`)

One number, tau, goes from no silence to all; the largest whose error is within the limit is found by bisection. The error is
measured on other points than those that thresholds and fits see.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ...base.arrays import FloatArray, Record
from ...base.errors import FixedPointError, SpecError
from ...base.metrics import relative_l2
from ...base.points import checked_points
from ...engine.reference import FloatLayerRun, run_float
from ...network.nodes import OutputSpec, PopulationSpec
from ...network.spec import NetworkSpec
from ..calibrate.sensitivity import LayerSignals, payload_effects, trace_signals
from ..quantize.compensation import FLOOR, fit_weights
from .bit_search import ErrorLimit

N_BISECTIONS = 12
"""Number of bisections; tau is then known to a factor of 1.005 within a decade."""
DECADES = (-7.0, 1.0)
"""log10 of the smallest and the largest tau tried, in units of the largest |u|."""


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
        points: Points from which thresholds and weights are found, physical, shape (n, n_in).
        on_progress: Called with bisections done and in all.

    Raises:
        FixedPointError: If the network itself is not within the limit.
    """
    search = _Search(network, limit, points)
    before = search.measure(network, 0.0)
    if before.error > limit.relative_l2:
        rule = f"have a relative L2 error of at most {limit.relative_l2:.3g}"
        mend = "Allow more than the network's own error."
        raise FixedPointError(f"sparsify: network {network.name!r}", rule, f"{before.error:.3g}", mend)
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
        self.points = checked_points(points, network.n_in, f"sparsify: points of network {network.name!r}")
        self.signals = trace_signals(network, self.points)
        self.effects = payload_effects(network, self.points)
        self.size = float(np.abs(limit.wanted).max())
        if not self.size > 0:
            mend = "Give wanted values of a network with an output."
            raise SpecError(
                f"sparsify: network {network.name!r}", "have wanted values that are not all zero", 0.0, mend
            )

    def silenced(self, tau: float) -> NetworkSpec:
        """Return the network with thresholds for tau, its layers fitted to the payloads that are still sent."""
        a = self.network.input_transform.apply(self.points)
        received = [a] * self.network.n_steps
        layers = []
        for layer, effect, signal in zip(self.network.populations, self.effects, self.signals[:-1], strict=True):
            theta = np.maximum(layer.theta, tau / np.maximum(effect, LEAST_EFFECT))
            raised = replace(layer, theta=np.minimum(theta, _beyond(signal)))
            weight, bias = _fitted(layer, received, signal)
            layers.append(replace(raised, weight=weight, bias=bias))
            run = FloatLayerRun(layers[-1], len(a))
            received = [run.step(step).payload for step in received]
        weight, bias = _fitted(self.network.output, received, self.signals[-1])
        output = replace(self.network.output, weight=weight, bias=bias)
        return replace(self.network, layers=tuple(layers), output=output)

    def measure(self, network: NetworkSpec, tau: float) -> SparsityPoint:
        """Measure error and activity on the limit's points."""
        trace = run_float(network, self.limit.points)
        fired = sum(int(layer.fired.sum()) for layer in trace.nodes)
        n = trace.n_samples * trace.n_steps * sum(layer.n_out for layer in network.populations)
        return SparsityPoint(tau=tau, error=relative_l2(trace.outputs, self.limit.wanted), activity=fired / n)


def _beyond(signal: LayerSignals) -> float:
    """Return a threshold that no membrane of the layer reaches, but that hardly widens the range of the state word."""
    return 4.0 * float(np.abs(signal.drive).max()) + 1.0


def _fitted(
    layer: PopulationSpec | OutputSpec, received: list[FloatArray], signal: LayerSignals
) -> tuple[FloatArray, FloatArray]:
    """Fit weights and bias that bring the layer's drive closest to the float network's."""
    a = np.concatenate(received)
    a = np.column_stack([a, np.ones(len(a))])
    fitted, _ = fit_weights(layer, a, signal.sensitivity + FLOOR, signal.drive)
    return fitted[:, :-1], fitted[:, -1]
