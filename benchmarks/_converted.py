"""Ordinary networks turned into spiking ones without training, each as sparse as a stated error allows, and what they cost.

    converted      tanh -> Variable Spiking Neurons that fire on |m| >= theta; thresholds by `conversion.sparsify`
    rate-coded     relu -> integrate-and-fire, soft reset; T the least of `STEPS` that keeps within the error
    sigma-delta    tanh -> sigma-delta neurons, each point from rest; the largest threshold that keeps within the error
    sigma-delta-scan   the same neurons along a path through the same points, which is what they are made for

The error is the relative L2 distance from the network converted, `ADDED_ERROR`, on points of its own; no reference is used.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from _message_counts import CodedRun
from _rate_coding import run_rate_coded
from _sigma_delta import run_sigma_delta

import neuropinn_lava as nl
from neuropinn_lava.base.arrays import FloatArray
from neuropinn_lava.base.errors import NeuroPinnError
from neuropinn_lava.base.metrics import relative_l2
from neuropinn_lava.conversion.search.bit_search import ErrorLimit
from neuropinn_lava.conversion.search.sparsify import sparsify_network
from neuropinn_lava.engine.reference import run_float
from neuropinn_lava.network.nodes import OutputSpec, PopulationSpec
from neuropinn_lava.network.quantized_nodes import QuantizedAffine
from neuropinn_lava.network.spec import NetworkSpec
from neuropinn_lava.problems.problem import PdeProblem
from neuropinn_lava.problems.residuals import evaluation_points

ADDED_ERROR = 0.01
"""Relative L2 distance from the network converted that a conversion may add."""
N_POINTS = 1500
"""Points of each kind: those that thresholds come from, and those that the error is measured on."""
FOUND_SEED, JUDGED_SEED = 2000, 2001
"""Their seeds; other points than those of the table."""
STEPS = (4, 16, 64, 256, 1024)
"""T of the rate-coded networks that are tried, in this order."""
LOWEST, HIGHEST = 1e-5, 1.0
"""Range of the sigma-delta threshold."""
N_BISECTIONS = 12
"""The threshold is then known to a factor of 1.003."""
N_STRIPS = 50
"""Strips of the path through the points: as wide as 2500 points lie apart."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Points:
    """Where a conversion's settings come from."""

    found: FloatArray
    """For thresholds, shape (n, n_in)."""
    judged: FloatArray
    """For the error, shape (n, n_in)."""
    wanted: FloatArray
    """What the network to be converted says there, shape (n, n_out)."""


def conversion_points(problem: PdeProblem, network: NetworkSpec) -> Points:
    """Draw them from the problem's domain."""
    found, judged = (evaluation_points(problem, N_POINTS, seed) for seed in (FOUND_SEED, JUDGED_SEED))
    return Points(found=found, judged=judged, wanted=run_float(network, judged).outputs)


def convert_to_vsn(problem: PdeProblem, network: NetworkSpec) -> NetworkSpec:
    """Raise the thresholds of a tanh network."""
    points = conversion_points(problem, network)
    limit = ErrorLimit(points=points.judged, wanted=points.wanted, relative_l2=ADDED_ERROR)
    return sparsify_network(network, limit, points.found).network


def find_steps(problem: PdeProblem, network: NetworkSpec) -> int:
    """Find T of a rate-coded network."""
    points = conversion_points(problem, network)
    for n_steps in STEPS:
        outputs = run_rate_coded(network, points.judged, points.found, n_steps).outputs
        if relative_l2(outputs, points.wanted) <= ADDED_ERROR:
            return n_steps
    return STEPS[-1]


def find_threshold(problem: PdeProblem, network: NetworkSpec, model: str) -> float:
    """Find the threshold of sigma-delta neurons by bisection of its logarithm; along a path neurons lag, and q is smaller."""
    points = conversion_points(problem, network)
    sequences = sequences_of(points.judged, model)
    wanted = run_float(network, sequences.reshape(points.judged.shape)).outputs
    low, high = np.log(LOWEST), np.log(HIGHEST)
    for _ in range(N_BISECTIONS):
        middle = (low + high) / 2
        outputs = run_sigma_delta(network, sequences, float(np.exp(middle))).outputs
        within = relative_l2(outputs, wanted) <= ADDED_ERROR
        low, high = (middle, high) if within else (low, middle)
    return float(np.exp(low))


def along_a_path(points: FloatArray) -> FloatArray:
    """Put points (n, 2) in the order of a path that goes to and fro in `N_STRIPS` strips."""
    x, y = points.T
    strip = np.floor((y - y.min()) / np.ptp(y) * N_STRIPS * (1 - 1e-12)).astype(np.int64)
    order = np.lexsort((np.where(strip % 2, -x, x), strip))
    path: FloatArray = points[order]
    return path


def sequences_of(points: FloatArray, model: str) -> FloatArray:
    """Give points (n, 2) as the sequences of a sigma-delta model: one path through all, or each by itself."""
    return along_a_path(points)[None] if model == "sigma-delta-scan" else points[:, None]


def with_rounded_weights(network: NetworkSpec) -> NetworkSpec:
    """Give the float network with the 8-bit weights that deployment would store."""
    chip = nl.convert(network).network

    def rounded(spec: PopulationSpec | OutputSpec, affine: QuantizedAffine) -> object:
        return spec.with_weight(np.hstack([each.real_weight for each in affine.connections]))

    nodes = tuple(rounded(*pair) for pair in zip(network.populations, chip.affines[:-1], strict=True))
    return dataclasses.replace(network, nodes=nodes, output=rounded(network.output, chip.output.affine))


def run_coded(problem: PdeProblem, network: NetworkSpec, model: str, setting: float, points: FloatArray) -> CodedRun:
    """Run a rate-coded or sigma-delta network at points (n, 2); the scan's outputs are in the order of its path."""
    if model == "rate-coded":
        return run_rate_coded(network, points, conversion_points(problem, network).found, int(setting))
    return run_sigma_delta(network, sequences_of(points, model), setting)


def measure_coded(problem: PdeProblem, network: NetworkSpec, model: str, points: FloatArray) -> dict[str, object]:
    """Judge a rate-coded or sigma-delta network against the problem's reference, in float and with 8-bit weights."""
    setting = find_steps(problem, network) if model == "rate-coded" else find_threshold(problem, network, model)
    truth = problem.reference.evaluate(along_a_path(points) if model == "sigma-delta-scan" else points)
    run = run_coded(problem, network, model, setting, points)
    try:
        rounded = run_coded(problem, with_rounded_weights(network), model, setting, points).outputs
    except NeuroPinnError as error:
        print(f"{problem.name} {model}: no 8-bit network: {error}")
        rounded = np.full_like(truth, np.nan)
    widths, ann_macs = network.widths, sum(a * b for a, b in zip(network.widths, network.widths[1:], strict=False))
    neurons = sum(widths[1:-1])
    sent = run.messages_per_neuron
    return {
        "relative_l2": relative_l2(run.outputs, truth),
        "relative_l2_8_bit": relative_l2(rounded, truth),
        "activity": [rate / run.n_steps for rate in sent],
        "total_activity": sum(w * rate for w, rate in zip(widths[1:-1], sent, strict=True)) / neurons / run.n_steps,
        "operations": run.synaptic_operations_per_sample,
        "updates": neurons * run.n_steps,
        "ann_macs": ann_macs,
        "setting": setting,
    }
