"""How fast a network runs on Lava, and everywhere else: samples per second, all in one run on the same points.

    python benchmarks/lava_speed.py [--quick] [--json build/lava_speed.json]

The network is 2 → 5×64 → 1 with T = 8, tanh² and no leak, at half activity and at 2 %. `stock` is the graph that a Lava
user would write (Lava's Dense and numpy neurons, Lava's own run and channels); every other row says how many times faster
it is. Rows marked `=` have been compared with the integer engine, output by output. Rates of batches include start and end
of a run; those of one sample at a time do not: they come from the difference between a short run and a long one. The
roofline is what a dense network of this size could do at the rate at which numpy or torch multiply large float64 matrices
here. Other work on the machine lowers every rate: the load average is shown, and samples for a second of processor time.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch  # before Lava's import it would fix the start method of processes
from _netx_layers import find_netx, time_netx
from _speed_networks import N_STEPS, WIDTHS, make_network, n_macs, run_stock_lava, torch_steps
from _speed_rows import (
    BLAS_VARIABLES,
    GEMM_SIZE,
    N_SHORT,
    Row,
    blas_kernel,
    gemm_rate,
    measured,
    numpy_gemm_rates,
    numpy_rows,
    numpy_without_variables,
    paced,
    run_loops,
    start_seconds,
)

from neuropinn_lava.engine.reference import run_integer
from neuropinn_lava.engine.trace import LavaMode, Probe
from neuropinn_lava.files.atomic import write_text
from neuropinn_lava.hardware_sim.kernels.layer_kernel import IntegerKernel
from neuropinn_lava.hardware_sim.lava.simulate import simulate_on_lava
from neuropinn_lava.hardware_sim.runner.lava_guard import require_lava
from neuropinn_lava.hardware_sim.steps.choices import LayerModel
from neuropinn_lava.network.quantized import QuantizedNetwork

LEAF_REPEATS = 10
"""The points go through the leaves so many times over: their start is 0.2 s, and they are quick."""


def faithful_rows(network: QuantizedNetwork, activity: float, points: np.ndarray, n: int) -> Iterator[Row]:
    """Our graphs, one sample at a time."""
    expected = run_integer(network, points[:n]).readout
    for model in (LayerModel.DENSE, LayerModel.FUSED, LayerModel.WHOLE):
        yield paced(
            f"ours, faithful, {model.value}",
            activity,
            n,
            lambda n, model=model: simulate_on_lava(network, points[:n], mode=LavaMode.FAITHFUL, model=model).readout,
            expected,
        )


def batched_rows(network: QuantizedNetwork, activity: float, points: np.ndarray) -> Iterator[Row]:
    """Our graphs in batches, and the same loops without Lava."""
    expected, many = run_integer(network, points).readout, np.tile(points, (LEAF_REPEATS, 1))
    yield measured(
        "ours, batched, one process a layer",
        activity,
        2 * len(points),
        lambda: simulate_on_lava(network, many[: 2 * len(points)], model=LayerModel.FUSED).readout,
        expected,
    )
    for n, leaves in ((1, "the network in one leaf"), (2, "a leaf on each of two cores")):
        yield measured(
            f"ours, batched, {leaves}",
            activity,
            len(many),
            lambda n=n: simulate_on_lava(network, many, n_cores=n).readout,
            expected,
        )
    for n, threads in ((1, "one thread"), (2, "two threads")):
        yield measured(
            f"our loops without Lava, {threads}",
            activity,
            len(many),
            lambda n=n: run_loops(network, many, n),
            expected,
        )


def probed_row(network: QuantizedNetwork, points: np.ndarray) -> Row:
    """What it costs to record every membrane, spike and payload."""
    some = points[:2000]
    return measured(
        "ours, batched, one leaf, every value of 2000 samples probed",
        0.5,
        len(some),
        lambda: simulate_on_lava(network, some, n_cores=1, probe=Probe(n_samples=len(some))).readout,
        run_integer(network, some).readout,
    )


def peer_rows(network: QuantizedNetwork, points: np.ndarray, n_slow: int) -> Iterator[Row]:
    """Stock Lava, netx's layers, torch."""
    expected = run_integer(network, points[:8000]).readout
    yield paced("stock Lava, one at a time", 0.5, n_slow, lambda n: run_stock_lava(network, points[:n], None), expected)
    some = points[: min(len(points), 8000) // 1000 * 1000]
    yield measured(
        "stock Lava with ports of 1000 samples",
        0.5,
        len(some),
        lambda: run_stock_lava(network, some, 1000),
        expected[: len(some)],
    )
    try:
        find_netx()
    except ImportError as error:
        print(f"  lava-dl's netx: skipped ({error}); `pip install --no-deps lava-dl` brings it")
    else:
        what = "lava-dl's netx, its integrate-and-fire layers"
        seconds = time_netx(WIDTHS, N_STEPS, N_SHORT, n_slow)
        if seconds is None:
            print(f"  {what}: no figure, its run failed or hung")
        else:
            n = n_slow - N_SHORT
            yield Row(what=what, activity=None, n_samples=n, seconds=seconds, core_seconds=np.nan, exact=None)
    steps, x = torch_steps(network.source), network.source.input_transform.apply(points[:8000])
    yield measured(f"torch, float32, {torch.get_num_threads()} threads", 0.5, len(x), lambda: steps(x), None)


def gemm_rates() -> dict[str, float]:
    """Measure how fast large matrices are multiplied, in GFLOP/s."""
    rates = numpy_gemm_rates()
    for kind in (torch.float64, torch.float32):
        a = torch.from_numpy(np.random.default_rng(0).random((GEMM_SIZE, GEMM_SIZE))).to(kind)
        name = f"torch {str(kind).removeprefix('torch.')}, {blas_kernel('torch')}"
        rates[name] = gemm_rate(lambda a=a: a @ a)
    return rates


def print_summary(rows: list[Row], rates: dict[str, float]) -> None:
    """Print all rows in terms of stock Lava, and of the roofline."""
    roof = max(rate for name, rate in rates.items() if "float64" in name) * 1e9 / (2 * n_macs())
    stock = next(row.rate for row in rows if row.what.startswith("stock Lava, one"))
    print("\nmatrix products, GFLOP/s:")
    for name, rate in rates.items():
        print(f"  {rate:6.0f}  {name}")
    print(f"roofline, best float64, dense: {roof:,.0f} samples/s\n")
    print(f"{'':72s} {'activity':>8s} {'samples/s':>11s} {'x stock':>9s} {'roofline':>8s} {'/core-s':>9s}")
    for row in rows:
        exact = {True: "=", False: "DIFFERS", None: ""}[row.exact]
        rates_of_row = f"{row.rate:11,.0f} {row.rate / stock:9,.1f} {row.rate / roof:8.1%} {row.core_rate:9,.0f}"
        activity = "" if row.activity is None else f"{row.activity:.0%}"
        print(f"{row.what:72s} {activity:>8s} {rates_of_row} {exact}")


def print_surroundings(network: QuantizedNetwork) -> None:
    """Say what the figures depend on besides the code."""
    told = {name: os.environ[name] for name in BLAS_VARIABLES if name in os.environ}
    loops = {IntegerKernel(layer).loops.__name__.rpartition(".")[2] for layer in network.populations}  # type: ignore[attr-defined]
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}, loops: {', '.join(loops)}")
    print("the environment tells OpenBLAS " + (", ".join(f"{k}={v}" for k, v in told.items()) or "nothing"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few samples, to see that everything runs")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    require_lava()
    n, n_slow, n_numpy = (4000, 6, 1000) if arguments.quick else (100_000, 50, 8000)
    points = np.random.default_rng(1).random((n, 2))
    half = make_network(0.5)
    print_surroundings(half)
    simulate_on_lava(half, points[:8])  # imports, and compiles
    start = start_seconds()
    print("seconds to import Lava {:.2f}, then to the first result {:.2f}, a second run {:.2f}".format(*start))
    rows = [*peer_rows(half, points, n_slow), *numpy_rows(0.5, n_numpy)]
    more_rows, more_rates = numpy_without_variables(n_numpy)
    rows += [*more_rows, *faithful_rows(half, 0.5, points, n_slow), *batched_rows(half, 0.5, points)]
    rows.append(probed_row(half, points))
    print("activity 2%", flush=True)
    rows += batched_rows(make_network(0.02), 0.02, points)
    rates = gemm_rates() | more_rates
    print_summary(rows, rates)
    if arguments.json:
        figures = {
            "rows": [asdict(row) for row in rows],
            "gemm_gflops": rates,
            "start_seconds": start,
            "load_average": os.getloadavg()[0],
        }
        write_text(arguments.json, json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
