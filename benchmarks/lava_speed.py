"""How fast a network runs on Lava, and everywhere else: samples per second, all in one run on the same points.

    python benchmarks/lava_speed.py [--quick] [--json build/lava_speed.json]

The network is 2 → 5×64 → 1 with T = 8, tanh² and no leak, at half activity and at 2 %. `stock` is the graph that a Lava user
would write (Lava's Dense and numpy neurons, Lava's own run and channels); every other row says how many times faster it is.
Rows marked `=` have been compared with the integer engine, output by output. Rates of batches include start and end of a
run; those of one sample at a time do not: they come from the difference between a short run and a long one. The roofline is
what a dense network of this size could do at the rate at which numpy or torch multiply large matrices here. Other work on the
machine lowers every figure: the load average is shown.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch  # before Lava's import it would fix the start method of processes
from _speed_networks import make_network, n_macs, run_stock_lava, torch_steps

from neuropinn_lava.atomic import write_text
from neuropinn_lava.hardware_sim.kernels import numpy_loops
from neuropinn_lava.hardware_sim.kernels.layer_kernel import IntegerKernel, fastest_loops
from neuropinn_lava.hardware_sim.runner.lava_guard import require_lava
from neuropinn_lava.hardware_sim.simulation.choices import LayerModel
from neuropinn_lava.hardware_sim.simulation.network_runs import NetworkRun
from neuropinn_lava.hardware_sim.simulation.recording import make_recordings
from neuropinn_lava.hardware_sim.simulation.simulate import simulate_on_lava
from neuropinn_lava.host import encode_points
from neuropinn_lava.quantized import QuantizedNetwork
from neuropinn_lava.reference import run_integer
from neuropinn_lava.traces import NO_PROBE, LavaMode

GEMM_SIZE = 1536
"""Large enough for the full rate, small enough for half a second."""
N_SHORT = 2
"""Samples of the short run that is subtracted from a long one."""
REPEATS = 3
"""The best of so many runs counts: other work on the machine only slows down."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table."""

    what: str
    activity: float | None
    n_samples: int
    seconds: float
    exact: bool | None
    """Whether all outputs equal the integer engine's; None for floats."""

    @property
    def rate(self) -> float:
        return self.n_samples / self.seconds


def measured(what: str, activity: float, n: int, run: Callable[[], np.ndarray], expected: np.ndarray | None) -> Row:
    """Time a run, best of some, and compare its sums of outputs."""
    best, exact = np.inf, None
    for _ in range(REPEATS):
        start = time.perf_counter()
        found = run()
        best = min(best, time.perf_counter() - start)
    if expected is not None:
        exact = bool(np.array_equal(found, expected[: len(found)]))
    row = Row(what=what, activity=activity, n_samples=n, seconds=float(best), exact=exact)
    print(f"  {what:58s} {row.rate:12,.0f} /s {'=' if exact else '' if exact is None else 'DIFFERS'}", flush=True)
    return row


def paced(what: str, activity: float, n: int, run: Callable[[int], np.ndarray], expected: np.ndarray) -> Row:
    """Time what n samples take beyond the first few, so that the start of a run does not count."""
    short = measured(f"{what}, {N_SHORT} samples and the start", activity, N_SHORT, lambda: run(N_SHORT), expected)
    long = measured(f"{what}, {n} samples and the start", activity, n, lambda: run(n), expected)
    beyond = long.seconds - short.seconds
    seconds = beyond if beyond > 0 else long.seconds  # a busy machine: no figure at all would be better than this one
    return Row(what=what, activity=activity, n_samples=n - N_SHORT, seconds=seconds, exact=short.exact and long.exact)


def lava_rows(network: QuantizedNetwork, activity: float, points: np.ndarray, n_slow: int) -> Iterator[Row]:
    """Our graphs, one at a time and batched."""
    expected = run_integer(network, points).readout
    for model in (LayerModel.DENSE, LayerModel.FUSED, LayerModel.WHOLE):
        yield paced(
            f"ours, faithful, {model.value}",
            activity,
            n_slow,
            lambda n, model=model: simulate_on_lava(network, points[:n], mode=LavaMode.FAITHFUL, model=model).readout,
            expected,
        )
    for model, n_cores in ((LayerModel.FUSED, None), (LayerModel.WHOLE, 1), (LayerModel.WHOLE, 2)):
        cores = "a process a layer" if n_cores is None else f"{n_cores} {'leaf' if n_cores == 1 else 'leaves'}"
        yield measured(
            f"ours, batched, {cores}",
            activity,
            len(points),
            lambda model=model, n=n_cores: simulate_on_lava(network, points, model=model, n_cores=n).readout,
            expected,
        )
    for n_threads in (1, 2):
        yield measured(
            f"our loops without Lava, {n_threads} thread" + "s" * (n_threads > 1),
            activity,
            len(points),
            lambda n=n_threads: run_loops(network, points, n),
            expected,
        )


def run_loops(network: QuantizedNetwork, points: np.ndarray, n_threads: int) -> np.ndarray:
    """Call the compiled loops from threads; they do not hold Python's lock."""
    words = encode_points(network, points)[0].astype(np.int32)
    parts = np.array_split(np.arange(len(points)), n_threads)
    with ThreadPoolExecutor(n_threads) as pool:
        return np.concatenate(list(pool.map(lambda part: run_tiles(network, words[part], fastest_loops()), parts)))


def run_tiles(network: QuantizedNetwork, words: np.ndarray, loops: object) -> np.ndarray:
    recordings, emitted = make_recordings(network, NO_PROBE, len(words))
    layers = tuple(IntegerKernel(layer, loops) for layer in network.layers)
    NetworkRun(layers, IntegerKernel(network.output, loops), network.n_steps, recordings, emitted).take(0, words)
    return emitted.total.values


def other_rows(network: QuantizedNetwork, activity: float, points: np.ndarray, n_slow: int) -> Iterator[Row]:
    """Stock Lava, numpy and torch."""
    expected = run_integer(network, points).readout
    yield paced(
        "stock Lava, one at a time", activity, n_slow, lambda n: run_stock_lava(network, points[:n], None), expected
    )
    some = points[: len(points) // 1000 // 4 * 1000] if len(points) >= 4000 else points[:1000]
    yield measured(
        "stock Lava with ports of 1000 samples",
        activity,
        len(some),
        lambda: run_stock_lava(network, some, 1000),
        expected,
    )
    yield measured(
        "numpy, int64 (the engine)", activity, len(some), lambda: run_integer(network, some).readout, expected
    )
    words = encode_points(network, some)[0].astype(np.int32)
    yield measured(
        "numpy, integers held in float64",
        activity,
        len(some),
        lambda: run_tiles(network, words, numpy_loops),
        expected,
    )
    steps, x = torch_steps(network.source), network.source.input_transform.apply(some)
    yield measured("torch, float32", activity, len(some), lambda: steps(x), None)


def print_why_no_netx() -> None:
    """lava-dl's netx reads networks of its own sigma-delta and integrate-and-fire layers; it is not a dependency."""
    try:
        importlib.import_module("lava.lib.dl.netx")
    except ImportError as error:
        print(f"  lava-dl netx: skipped ({error})")
    else:
        print("  lava-dl netx: skipped, it has no Variable Spiking Neuron")


def gemm_rates() -> dict[str, float]:
    """Measure how fast large matrices are multiplied, in GFLOP/s."""
    rates = {}
    for library, kind in (("numpy", "float64"), ("torch", "float64"), ("numpy", "float32"), ("torch", "float32")):
        a = np.random.default_rng(0).random((GEMM_SIZE, GEMM_SIZE)).astype(kind)
        operand = torch.from_numpy(a) if library == "torch" else a
        best = np.inf
        for _ in range(2 * REPEATS):
            start = time.perf_counter()
            _ = operand @ operand
            best = min(best, time.perf_counter() - start)
        rates[f"{library} {kind}"] = 2 * GEMM_SIZE**3 / best / 1e9
    return rates


def print_summary(rows: list[Row], rates: dict[str, float]) -> None:
    """Print all rows in terms of stock Lava, and of the roofline."""
    roof = max(rate for name, rate in rates.items() if "64" in name) * 1e9 / (2 * n_macs())
    stock = next(row.rate for row in rows if row.what.startswith("stock Lava, one"))
    print("\nmatrix products: " + ", ".join(f"{name} {rate:.0f} GFLOP/s" for name, rate in rates.items()))
    print(f"roofline, float64, dense: {roof:,.0f} samples/s\n")
    print(f"{'':58s} {'activity':>8s} {'samples/s':>12s} {'x stock':>9s} {'roofline':>8s}")
    for row in rows:
        share = f"{row.rate / roof:8.1%}"
        print(f"{row.what:58s} {row.activity:8.0%} {row.rate:12,.0f} {row.rate / stock:9,.1f} {share}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few samples, to see that everything runs")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    require_lava()
    n, n_slow = (4000, 6) if arguments.quick else (200_000, 50)
    points = np.random.default_rng(1).random((n, 2))
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}, loops: {fastest_loops().__name__}")
    simulate_on_lava(make_network(0.5), points[:8])  # imports, and compiles
    rows: list[Row] = []
    for activity in (0.5, 0.02):
        network = make_network(activity)
        print(f"activity {activity:.0%}")
        if activity == 0.5:
            rows += other_rows(network, activity, points, n_slow)
            print_why_no_netx()
        rows += lava_rows(network, activity, points, n_slow)
    rates = gemm_rates()
    print_summary(rows, rates)
    if arguments.json:
        figures = {"rows": [asdict(row) for row in rows], "gemm_gflops": rates, "load_average": os.getloadavg()[0]}
        write_text(arguments.json, json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
