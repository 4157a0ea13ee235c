"""Energy of one network by eleven named models, each with its source, never blended into one number.

    joules = sum over terms of count * constants          counts are exact; constants are somebody's

The bar is a deployed sample (dynamic terms), the line its range where constants have a published one, the cross one dense
pass of the same network by the same model. Read ranges and ratios, not digits.
"""

from matplotlib.figure import Figure

import neuropinn_lava as nl
from neuropinn_lava.hardware_sim.costs.energy import EnergyEstimate


def estimate() -> tuple[EnergyEstimate, ...]:
    """Profile the shipped Poisson network without Lava: the integer engine stands for it, bit for bit."""
    chip = nl.convert(nl.find_network("poisson")).network
    return nl.profile(chip, n_points=500, with_lava=False).hardware.energies


def main() -> float:
    """Print all models and return the nanojoules of Loihi 1's published constants, dynamic terms."""
    energies = estimate()
    for energy in sorted(energies, key=lambda energy: energy.dynamic_joules_per_sample):
        spiking, dense = (j * 1e9 for j in (energy.dynamic_joules_per_sample, energy.dense_joules_per_sample))
        static = f" + {energy.static_joules_per_sample * 1e9:.0f} static" if energy.static_joules_per_sample else ""
        print(f"{energy.model:15s} {energy.kind.value:9s} {spiking:10.2f} nJ{static}, one dense pass {dense:.1f} nJ")
    (davies,) = [energy for energy in energies if energy.model == "loihi1-davies"]
    return davies.dynamic_joules_per_sample * 1e9


def draw() -> Figure:
    """Draw all models on one logarithmic axis."""
    energies = sorted(estimate(), key=lambda energy: -energy.dynamic_joules_per_sample)
    figure = Figure(figsize=(6, 3.4), layout="constrained")
    axes = figure.subplots()
    for row, energy in enumerate(energies):
        axes.barh(row, energy.dynamic_joules_per_sample * 1e9, color="C0", height=0.6)
        if not energy.static_joules_per_sample:  # a range over static power would say nothing of the bar
            axes.plot([energy.low * 1e9, energy.high * 1e9], [row, row], color="black", lw=1.5)
        axes.plot(energy.dense_joules_per_sample * 1e9, row, "x", color="C1")
    axes.set_yticks(range(len(energies)), [f"{energy.model} ({energy.kind.value})" for energy in energies])
    axes.set(xscale="log", xlabel="nJ per sample, dynamic; × one dense pass")
    return figure


if __name__ == "__main__":
    main()
