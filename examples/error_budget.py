"""Measure where the error of integers comes from: each cause in each layer acts alone, everything else is float.

    whole      = |u_integer - u_float| / |u_float|                       over the points
    one cause  = |u_with that cause alone - u_float| / |u_float|

The rounding is to the nearest, so that the causes are independent; compensated rounding chooses weights that undo other errors.
"""

import numpy as np
from matplotlib.figure import Figure

import neuropinn_lava as nl
from neuropinn_lava.conversion import Rounding
from neuropinn_lava.conversion.search.error_budget import Cause, ErrorBudget, measure_error_budget

POINTS = np.random.default_rng(0).random((2000, 2))


def measure(rounding: Rounding = Rounding.NEAREST) -> ErrorBudget:
    """Measure the error budget of the shipped Poisson network at 6-bit weights and 10-bit payloads."""
    scheme = nl.QuantizationScheme(weight_bits=6, payload_bits=10, rounding=rounding)
    return measure_error_budget(nl.convert(nl.find_network("poisson"), scheme).network, POINTS)


def main() -> float:
    """Print the five largest causes and return the error of all causes together."""
    budget = measure()
    for entry in sorted(budget.entries, key=lambda entry: -entry.relative_change)[:5]:
        print(f"{entry.name:8s} {entry.cause.value:16s} {entry.relative_change:.2e}")
    compensated = measure(Rounding.COMPENSATED).whole_change
    print(f"all together {budget.whole_change:.2e}; with compensated rounding {compensated:.2e}")
    return budget.whole_change


def draw() -> Figure:
    """Draw the causes side by side, layer by layer."""
    budget = measure()
    layers = list(dict.fromkeys(entry.name for entry in budget.entries))
    figure = Figure(figsize=(6, 3), layout="constrained")
    axes = figure.subplots()
    for k, cause in enumerate(Cause):
        found = {entry.name: entry.relative_change for entry in budget.entries if entry.cause is cause}
        places = np.arange(len(layers)) + 0.11 * (k - 3)
        axes.bar(places, [found.get(layer, 0) for layer in layers], 0.1, label=cause.value)
    axes.axhline(budget.whole_change, color="gray", lw=0.8, label="all together")
    axes.set_xticks(range(len(layers)), layers)
    axes.set(yscale="log", ylim=(1e-6, 1), ylabel="relative change of u")
    axes.legend(ncols=4, fontsize=7, loc="upper center")
    return figure


if __name__ == "__main__":
    main()
