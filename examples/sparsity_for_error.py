"""Make a network sparser within an error: raise thresholds where payloads have little effect, and correct the next layers.

    theta[j] = max(theta[j], tau / g[j])          g[j] = root mean square of du/da[j]

The single number tau controls how many neurons fall silent. Nothing is trained; the curve takes seconds.
"""

import numpy as np
from matplotlib.figure import Figure

import neuropinn_lava as nl
from neuropinn_lava.conversion.search.bit_search import ErrorLimit
from neuropinn_lava.conversion.search.sparsify import SparsityPoint, sparsify_network

ERRORS = (0.003, 0.01, 0.03, 0.1)
"""Relative L2 errors that are allowed, against the reference solution of the problem."""


def trade() -> list[SparsityPoint]:
    """Return the network as trained, followed by the sparsest one within each error."""
    network, problem = nl.find_network("poisson"), nl.find_problem("poisson")
    rng = np.random.default_rng(0)
    points, judged = (problem.domain.sample(1000, rng) for _ in range(2))
    wanted = problem.reference.evaluate(judged)
    found = [sparsify_network(network, ErrorLimit(points=judged, wanted=wanted, relative_l2=e), points) for e in ERRORS]
    return [found[0].before, *(each.after for each in found)]


def main() -> float:
    """Print the curve and return the activity within 1 % of error."""
    curve = trade()
    for allowed, point in zip(("as trained", *(f"within {e:.1%}" for e in ERRORS)), curve, strict=True):
        print(f"{allowed:12s} error {point.error:.2e}, activity {point.activity:.3f}")
    return curve[2].activity


def draw() -> Figure:
    """Draw error over activity."""
    curve = trade()
    figure = Figure(figsize=(4.5, 3), layout="constrained")
    axes = figure.subplots()
    axes.plot([point.activity for point in curve], [point.error for point in curve], "o-")
    axes.annotate("as trained", (curve[0].activity, curve[0].error), xytext=(-52, 4), textcoords="offset points")
    axes.set(yscale="log", xlabel="spiking activity", ylabel="relative L2 error")
    return figure


if __name__ == "__main__":
    main()
