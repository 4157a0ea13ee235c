"""Estimate the energy of one network by thirteen named models, each with its source; they are never combined into one number.

    joules = sum over terms of count * constants          counts are exact, constants are published
    joules = steps * energy of a step                     measured on Loihi 2, on another network

A blue bar is the sum of the operations of a deployed sample, a green one the energy of its whole steps. A line is the range
if the constants have a published range, and a cross one dense pass of the same network by the same model. Compare ranges and
ratios, not digits.
"""

from matplotlib.figure import Figure

import neuropinn_lava as nl
from neuropinn_lava.hardware_sim.costs.dominance import find_dominance
from neuropinn_lava.hardware_sim.costs.energy import EnergyEstimate
from neuropinn_lava.hardware_sim.report.content.sentences import dominance_sentence, format_basis, format_basis_label


def estimate() -> tuple[EnergyEstimate, ...]:
    """Profile the shipped Poisson network with the integer engine, which computes the same bits as Lava."""
    chip = nl.convert(nl.find_network("poisson")).network
    return nl.profile(chip, n_points=500, with_lava=False).hardware.energies


def shown_joules(energy: EnergyEstimate) -> float:
    """Return the energy of the operations, or of the whole steps if the model prices steps."""
    return energy.joules_per_sample if energy.prices_steps else energy.dynamic_joules_per_sample


def main() -> float:
    """Print all models and return the nanojoules of Loihi 1's constants, dynamic terms."""
    energies = estimate()
    for energy in sorted(energies, key=shown_joules):
        dense = (
            "whole steps" if energy.prices_steps else f"one dense pass {energy.dense_joules_per_sample * 1e9:.1f} nJ"
        )
        static = f" + {energy.static_joules_per_sample * 1e9:.0f} static" if energy.static_joules_per_sample else ""
        print(
            f"{energy.model:22s} constants {format_basis(energy)}: {shown_joules(energy) * 1e9:.2f} nJ{static}, {dense}"
        )
    print(dominance_sentence(find_dominance(energies)))
    (davies,) = [energy for energy in energies if energy.model == "loihi1-davies"]
    return davies.dynamic_joules_per_sample * 1e9


def draw() -> Figure:
    """Draw all models on one logarithmic axis."""
    energies = sorted(estimate(), key=shown_joules, reverse=True)
    figure = Figure(figsize=(6, 4.6), layout="constrained")
    axes = figure.subplots()
    for row, energy in enumerate(energies):
        axes.barh(row, shown_joules(energy) * 1e9, color="C2" if energy.prices_steps else "C0", height=0.6)
        if not energy.static_joules_per_sample:  # a range that includes static power does not describe the bar
            axes.plot([energy.low * 1e9, energy.high * 1e9], [row, row], color="black", lw=1.5)
        if not energy.prices_steps:
            axes.plot(energy.dense_joules_per_sample * 1e9, row, "x", color="C1")
    axes.set_yticks(range(len(energies)), [format_basis_label(energy) for energy in energies], fontsize=7)
    axes.set(xscale="log", xlabel="nJ per sample; blue: operations, green: steps, ×: dense")
    return figure


if __name__ == "__main__":
    main()
