"""Build populations by hand as Lava processes, watch their membranes with Lava's Monitor, and set parameters between runs.

`VSN` is the process that `to_lava` connects. Here the first two populations of a quantized network are written down with their
arrays, run with Lava's own run configuration, and stopped halfway to set a bias.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.io.source import RingBuffer as Source
from lava.proc.monitor.process import Monitor
from matplotlib.figure import Figure

import neuropinn_lava as nl
from neuropinn_lava.engine.host import encode_points
from neuropinn_lava.hardware_sim.lava import VSN

N_SAMPLES = 6
"""Number of presentations; the bias of the second population is set after half of them."""


def run_by_hand(chip: nl.QuantizedNetwork, words: np.ndarray, new_bias: np.ndarray) -> np.ndarray:
    """Return the membranes of the second population at every step, shape (n_samples, T, n_neurons)."""
    first, second = chip.populations[:2]
    n_steps = chip.n_steps
    front, back = (
        VSN(
            shape=(node.n_out,),
            weights=node.affine.connections,  # integers with their scales; matrices of floats where phi is a name
            bias=node.affine.bias,
            beta=node.beta,
            theta=node.theta,
            phi=node.table,
            polarity=node.polarity,
            reset_interval=n_steps,  # the steps of a presentation
            reset_offset=offset,  # each population before delays by a step of Lava
            name=node.name,
        )
        for offset, node in enumerate((first, second))
    )
    source = Source(data=np.repeat(words, n_steps, axis=0).T.astype(np.int32))
    source.s_out.connect(front.a_in)
    front.a_out.connect(back.a_in)
    monitor = Monitor()
    n_lava_steps = len(words) * n_steps + 1
    monitor.probe(back.m, n_lava_steps)

    half = len(words) // 2 * n_steps + 1
    back.run(condition=RunSteps(num_steps=half), run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))
    back.bias.set(new_bias)
    back.run(condition=RunSteps(num_steps=n_lava_steps - half))
    membranes = monitor.get_data()[back.name]["m"]
    back.stop()
    return membranes[1:].astype(np.int64).reshape(len(words), n_steps, -1)


def with_bias(chip: nl.QuantizedNetwork, bias: np.ndarray) -> nl.QuantizedNetwork:
    """Return the network with another bias in its second population."""
    nodes = list(chip.nodes)
    nodes[1] = replace(nodes[1], affine=replace(nodes[1].affine, bias=bias))
    return replace(chip, nodes=tuple(nodes))


def membranes() -> tuple[np.ndarray, np.ndarray]:
    """Return the membranes of the hand-built populations on Lava, and those of the integer engine."""
    chip = nl.convert(replace(nl.find_network("poisson"), n_steps=8)).network
    points = np.random.default_rng(0).random((N_SAMPLES, 2))
    words, _ = encode_points(chip, points)
    new_bias = chip.populations[1].affine.bias // 2
    found = run_by_hand(chip, words, new_bias)
    half, probe = N_SAMPLES // 2, nl.Probe(n_samples=N_SAMPLES)
    before = nl.run(chip, points, backend="integer", probe=probe).probe.nodes[1].membrane
    after = nl.run(with_bias(chip, new_bias), points, backend="integer", probe=probe).probe.nodes[1].membrane
    return found, np.concatenate([before[:half], after[half:]])


def main() -> float:
    """Return the largest difference between Lava's membranes and those of the integer engine, in units of the state."""
    found, expected = membranes()
    difference = float(np.abs(found - expected).max())
    print(f"{found.size} membranes of a population by hand; difference from the reference: {difference}")
    return difference


def draw() -> Figure:
    """Draw some membranes over the steps, and where the bias was set."""
    found, _ = membranes()
    steps = found.reshape(-1, found.shape[2])
    liveliest = np.argsort(-np.abs(steps).sum(axis=0))[:4]
    figure = Figure(figsize=(6, 3), layout="constrained")
    axes = figure.subplots()
    axes.step(np.arange(1, len(steps) + 1), steps[:, liveliest], where="mid")
    axes.axvline(len(steps) // 2 + 0.5, color="k", lw=0.8, ls="--")
    axes.set(
        xlabel="step of the network", ylabel="m in units of the state", title="membranes; the bias is set at the dashes"
    )
    return figure


if __name__ == "__main__":
    main()
