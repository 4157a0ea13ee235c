"""Deploy a torch network of your own on Lava in five lines: export, quantize, run, compare, count.

The network is untrained here; insert your training at the comment.
"""

import numpy as np
import torch
from matplotlib.figure import Figure
from torch.nn import Linear

import neuropinn_lava as nl


def main() -> float:
    """Deploy a network and return the largest difference between Lava and the float network, relative to max |u|."""
    torch.manual_seed(0)
    net = torch.nn.Sequential(Linear(2, 32), nl.VSN(32), Linear(32, 32), nl.VSN(32), Linear(32, 1))
    # ... train it ...
    points = np.random.default_rng(0).random((1000, 2))

    spec = nl.from_torch(net, n_steps=2, lower=[0, 0], upper=[1, 1])
    chip = nl.convert(spec).network
    trace = nl.run(chip, points, backend="lava")
    exact = nl.run(spec, points, backend="float")
    counts = nl.count_operations(chip, trace)

    difference = float(np.abs(trace.outputs - exact.outputs).max() / np.abs(exact.outputs).max())
    print(f"{trace.n_samples} points on Lava, {counts.synaptic_operations_per_sample:.0f} synaptic operations each")
    print(f"largest difference from the float network: {difference:.2%} of max |u|")
    return difference


def draw() -> Figure:
    """Draw u along the diagonal from torch's network and from 8-, 6- and 4-bit weights."""
    torch.manual_seed(0)
    net = torch.nn.Sequential(Linear(2, 32), nl.VSN(32), Linear(32, 32), nl.VSN(32), Linear(32, 1))
    spec = nl.from_torch(net, n_steps=2, lower=[0, 0], upper=[1, 1])
    x = np.linspace(0, 1, 400)
    points = np.stack([x, x], axis=1)
    figure = Figure(figsize=(5, 3), layout="constrained")
    axes = figure.subplots()
    axes.plot(x, nl.run_float(spec, points).outputs, color="black", label="float")
    for bits in (8, 6, 4):
        chip = nl.convert(spec, nl.QuantizationScheme(weight_bits=bits)).network
        axes.plot(x, nl.run_integer(chip, points).outputs, lw=0.9, label=f"{bits}-bit weights")
    axes.set(xlabel="x = y", ylabel="u")
    axes.legend()
    return figure


if __name__ == "__main__":
    main()
