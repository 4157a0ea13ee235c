"""Points a second of ONNX graphs in ONNX Runtime beside the compiled loops of this package, side by side, one thread each.

    pip install 'neuropinn-lava[onnx]'
    python benchmarks/onnx_speed.py

Both compute from input words to sums of the emitted outputs. Their integers are compared first; then the least processor time
of some calls in turn is taken, which other work on the machine hardly changes. A call of ONNX Runtime has as many rows as is
fastest of `ROWS`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from _speed_rows import run_tiles

import neuropinn_lava as nl
from neuropinn_lava.engine.host import encode_points
from neuropinn_lava.engine.reference import run_integer
from neuropinn_lava.hardware_sim.devices.integer_plan import plan_integers
from neuropinn_lava.hardware_sim.devices.onnx_graphs.onnx_model import describe_host, serialize_graph
from neuropinn_lava.hardware_sim.devices.onnx_graphs.run_onnx import graph_inputs, open_session
from neuropinn_lava.hardware_sim.devices.onnx_graphs.unroll import unroll_plan
from neuropinn_lava.network.quantized import QuantizedNetwork

NAMES = ("poisson", "burgers-shock", "elasticity3d")
N_POINTS, REPEATS = 8192, 5
ROWS = (128, 512, 2048)
STEPS = (1, 4)


def made_network(name: str, n_steps: int) -> QuantizedNetwork:
    """Convert a shipped network, with as many steps as are asked for."""
    network = nl.find_network(name)
    return nl.convert(replace(network, n_steps=n_steps)).network


def best_in_turn(calls: list[Callable[[], object]]) -> list[float]:
    """Time calls in turn, so that other work on the machine meets all of them; return the least processor seconds of each."""
    best = [np.inf] * len(calls)
    for _ in range(REPEATS):
        for k, call in enumerate(calls):
            start = time.process_time()
            call()
            best[k] = min(best[k], time.process_time() - start)
    return best


def main() -> None:
    print(f"{'network':16s} T nodes  bytes  loops/s    onnx/s  (rows a call)")
    for name in NAMES:
        for n_steps in STEPS:
            network = made_network(name, n_steps)
            box = network.source
            points = box.lower + (box.upper - box.lower) * np.random.default_rng(0).random((N_POINTS, network.n_in))
            words, plan = encode_points(network, points)[0].astype(np.int32), plan_integers(network)
            graph, metadata = unroll_plan(plan).graph, describe_host(network, n_steps)
            session = open_session(graph, metadata)

            def by_onnx(rows: int, session=session, words=words, plan=plan, network=network) -> np.ndarray:
                parts = (words[first : first + rows] for first in range(0, N_POINTS, rows))
                runs = [session(graph_inputs(plan, network, part))[network.output.name] for part in parts]
                return np.concatenate(runs)

            def by_loops(words=words, network=network) -> np.ndarray:
                return run_tiles(network, words, None)

            expected = run_integer(network, points).readout
            for found in (by_loops(), *map(by_onnx, ROWS)):
                if not np.array_equal(found, expected):
                    raise SystemExit("the integers differ from the engine's")
            loops, *others = best_in_turn([by_loops, *(lambda rows=rows: by_onnx(rows) for rows in ROWS)])
            fastest = int(np.argmin(others))
            rates = f"{N_POINTS / loops:10,.0f} {N_POINTS / others[fastest]:10,.0f}  ({ROWS[fastest]})"
            n_bytes = len(serialize_graph(graph, metadata))
            print(f"{name:16s} {n_steps} {len(graph.nodes):4d} {n_bytes:8,d} {rates}", flush=True)


if __name__ == "__main__":
    main()
