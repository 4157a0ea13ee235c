"""A torch network of your own on Lava in five lines: export, quantize, run, and look at what it did.

The network is untrained here; put your training where the comment stands.
"""

import numpy as np
import torch
from torch.nn import Linear

import neuropinn_lava as nl


def main() -> float:
    """Deploy a network and return the largest difference between Lava and the float network, relative to max |u|."""
    torch.manual_seed(0)
    net = torch.nn.Sequential(Linear(2, 32), nl.VSN(32), Linear(32, 32), nl.VSN(32), Linear(32, 1))
    # ... train it ...
    points = np.random.default_rng(0).random((1000, 2))

    spec = nl.export_network(net, n_steps=2, lower=[0, 0], upper=[1, 1])
    chip = nl.convert(spec).network
    trace = nl.run(chip, points, backend="lava")
    exact = nl.run(spec, points, backend="float")
    counts = nl.count_operations(chip, trace)

    difference = float(np.abs(trace.outputs - exact.outputs).max() / np.abs(exact.outputs).max())
    print(f"{trace.n_samples} points on Lava, {counts.synaptic_operations_per_sample:.0f} synaptic operations each")
    print(f"largest difference from the float network: {difference:.2%} of max |u|")
    return difference


if __name__ == "__main__":
    main()
