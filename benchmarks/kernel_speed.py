"""What a layer of 64 inputs and 64 neurons costs in the compiled loops, and the whole network of `lava_speed.py`, on one core.

    python benchmarks/kernel_speed.py

Each figure is the best of many calls of a fraction of a millisecond, which fit between whatever else the machine does.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from _speed_networks import N_STEPS, make_network
from _speed_rows import make_run, run_tiles

from neuropinn_lava.engine.host import encode_points
from neuropinn_lava.engine.reference import run_integer
from neuropinn_lava.engine.trace import Probe
from neuropinn_lava.hardware_sim.kernels.layer_kernel import IntegerKernel
from neuropinn_lava.hardware_sim.steps.network_runs import TILE
from neuropinn_lava.network.quantized import QuantizedNetwork

CALLS = 200


def best_seconds(call: Callable[[], object]) -> float:
    """Time the quickest of many calls."""
    best = np.inf
    for _ in range(CALLS):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return float(best)


def layer_nanoseconds(network: QuantizedNetwork, payload: np.ndarray) -> list[float]:
    """Time the second layer's product, neurons, and both, with what the first one sends; per sample and step."""
    kernel = IntegerKernel(network.populations[1])
    n_rows, _, n_in = payload.shape
    tally, membrane, sent = kernel.tally(N_STEPS), np.zeros((n_rows, kernel.n_out), np.int32), np.empty_like(payload)
    z = np.zeros((n_rows * N_STEPS, kernel.n_out), np.int32)
    calls = (
        lambda: kernel.drive([payload.reshape(-1, n_in)], z, tally),
        lambda: kernel.fire(z[:n_rows], membrane, sent, tally),
        lambda: kernel.advance([payload], membrane, sent, tally),
    )
    return [best_seconds(call) / len(z) * 1e9 for call in calls]


def network_seconds(network: QuantizedNetwork, words: np.ndarray) -> float:
    """Time all layers and steps of a tile, per sample."""
    run, _ = make_run(network, len(words), None)
    return best_seconds(lambda: run.advance(0, words)) / len(words)


def main() -> None:
    points = np.random.default_rng(0).random((TILE, 2))
    print("ns per sample and step: product, neurons, layer; then the network's samples/s")
    for activity in (0.02, 0.15, 0.5, 1.0):
        network = make_network(activity)
        words = encode_points(network, points)[0].astype(np.int32)
        trace = run_integer(network, points, Probe(n_samples=TILE))
        if not np.array_equal(run_tiles(network, words, None), trace.readout):
            raise SystemExit("the compiled loops differ from the integer engine")
        times = layer_nanoseconds(network, trace.probe.nodes[0].payload.astype(np.int32))
        rate = 1 / network_seconds(network, words)
        print(f"{activity:5.0%}" + "".join(f"{ns:7.0f}" for ns in times) + f"{rate:12,.0f}", flush=True)


if __name__ == "__main__":
    main()
