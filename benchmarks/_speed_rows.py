"""How the rows of the speed benchmark are timed, and what stands around them: matrix products, BLAS kernels, start-up."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import threadpoolctl
from _speed_networks import make_network

from neuropinn_lava.engine.host import encode_points
from neuropinn_lava.engine.reference import run_integer
from neuropinn_lava.engine.trace import NO_PROBE
from neuropinn_lava.hardware_sim.kernels import numpy_loops
from neuropinn_lava.hardware_sim.kernels.layer_kernel import IntegerKernel
from neuropinn_lava.hardware_sim.steps.network_runs import NetworkRun
from neuropinn_lava.hardware_sim.steps.recording import ReadoutRecording, make_recordings
from neuropinn_lava.network.quantized import QuantizedNetwork

GEMM_SIZE = 1536
"""Large enough for the full rate, small enough for half a second."""
N_SHORT = 2
"""Samples of the short run that is subtracted from a long one."""
REPEATS = 3
"""The best of so many runs counts: other work on the machine only slows down."""
BLAS_VARIABLES = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
"""What this environment may tell OpenBLAS; numpy is measured without them too."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table."""

    what: str
    activity: float | None
    n_samples: int
    seconds: float
    core_seconds: float
    """Processor time of all processes of the best run, which other work on the machine hardly changes."""
    exact: bool | None
    """Whether all outputs equal the integer engine's; None for floats and other neurons."""

    @property
    def rate(self) -> float:
        return self.n_samples / self.seconds

    @property
    def core_rate(self) -> float:
        """Samples for a second of one core."""
        return self.n_samples / self.core_seconds


def measured(what: str, activity: float, n: int, run: Callable[[], np.ndarray], expected: np.ndarray | None) -> Row:
    """Time a run, best of some, and compare its sums of outputs; points repeat as often as the outputs are longer."""
    best, least, exact = np.inf, np.inf, None
    for _ in range(REPEATS):
        start, used = time.perf_counter(), core_seconds()
        found = run()
        best, least = min(best, time.perf_counter() - start), min(least, core_seconds() - used)
    if expected is not None:
        exact = bool(np.array_equal(found, np.resize(expected, (len(found), *expected.shape[1:]))))
    row = Row(what=what, activity=activity, n_samples=n, seconds=float(best), core_seconds=least, exact=exact)
    mark = {True: "=", False: "DIFFERS", None: ""}[exact]
    print(f"  {what:64s} {row.rate:12,.0f} /s {row.core_rate:12,.0f} /core-s {mark}", flush=True)
    return row


def paced(what: str, activity: float, n: int, run: Callable[[int], np.ndarray], expected: np.ndarray | None) -> Row:
    """Time what n samples take beyond the first few, so that the start of a run does not count."""
    short = measured(f"{what}, {N_SHORT} samples and the start", activity, N_SHORT, lambda: run(N_SHORT), expected)
    long = measured(f"{what}, {n} samples and the start", activity, n, lambda: run(n), expected)
    beyond = long.seconds - short.seconds
    seconds = beyond if beyond > 0 else long.seconds  # a busy machine: no figure at all would be better than this one
    cores = max(long.core_seconds - short.core_seconds, 1e-9)
    exact = None if expected is None else bool(short.exact and long.exact)
    return Row(what=what, activity=activity, n_samples=n - N_SHORT, seconds=seconds, core_seconds=cores, exact=exact)


def core_seconds() -> float:
    """Give the processor time of this process and of all its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def run_loops(network: QuantizedNetwork, points: np.ndarray, n_threads: int) -> np.ndarray:
    """Call the compiled loops from threads; they do not hold Python's lock."""
    words = encode_points(network, points)[0].astype(np.int32)
    parts = np.array_split(np.arange(len(points)), n_threads)
    with ThreadPoolExecutor(n_threads) as pool:
        return np.concatenate(list(pool.map(lambda part: run_tiles(network, words[part], None), parts)))


def run_tiles(network: QuantizedNetwork, words: np.ndarray, loops: Any) -> np.ndarray:
    """Run input words through all layers, with the fastest loops or with those that are given."""
    run, emitted = make_run(network, len(words), loops)
    run.advance(0, words)
    return emitted.total.values


def make_run(network: QuantizedNetwork, n_samples: int, loops: Any) -> tuple[NetworkRun, ReadoutRecording]:
    """Build the run of a chain in one process, and the recording of its read-out."""
    recordings, emitted = make_recordings(network, NO_PROBE, network.n_steps, n_samples)
    *kernels, readout = (IntegerKernel(layer, loops) for layer in (*network.populations, network.output))
    return NetworkRun(network, kernels, readout, network.n_steps, recordings, emitted), emitted


def numpy_rows(activity: float, n: int) -> list[Row]:
    """Time numpy: the integer engine, and the same layers with products in float64 BLAS."""
    network = make_network(activity)
    points = np.random.default_rng(1).random((n, 2))
    expected = run_integer(network, points).readout
    words = encode_points(network, points)[0].astype(np.int32)
    kernel = blas_kernel("numpy")
    return [
        measured("numpy, int64 (the engine)", activity, n, lambda: run_integer(network, points).readout, expected),
        measured(
            f"numpy, integers held in float64, {kernel}",
            activity,
            n,
            lambda: run_tiles(network, words, numpy_loops),
            expected,
        ),
    ]


def blas_kernel(library: str) -> str:
    """Name numpy's or torch's BLAS, the kernel that it chose, and its threads."""
    for pool in threadpoolctl.threadpool_info():
        if library in pool["filepath"] or (library == "torch" and pool["user_api"] == "openmp"):
            name = pool.get("architecture") or pool["internal_api"]
            return f"{pool['internal_api']} {pool['version'] or ''} {name}, {pool['num_threads']} threads"
    return "no BLAS found"


def gemm_rate(multiply: Callable[[], object]) -> float:
    """Measure how fast two matrices of `GEMM_SIZE` are multiplied, in GFLOP/s."""
    best = np.inf
    for _ in range(2 * REPEATS):
        start = time.perf_counter()
        multiply()
        best = min(best, time.perf_counter() - start)
    return float(2 * GEMM_SIZE**3 / best / 1e9)


def numpy_gemm_rates() -> dict[str, float]:
    """Measure numpy's matrix products."""
    rates = {}
    for kind in ("float64", "float32"):
        a = np.random.default_rng(0).random((GEMM_SIZE, GEMM_SIZE)).astype(kind)
        rates[f"numpy {kind}, {blas_kernel('numpy')}"] = gemm_rate(lambda a=a: a @ a)
    return rates


def numpy_without_variables(n: int) -> tuple[list[Row], dict[str, float]]:
    """Measure numpy in a process without the variables that this environment gives OpenBLAS."""
    environment = {name: value for name, value in os.environ.items() if name not in BLAS_VARIABLES}
    script = "import json, sys; from dataclasses import asdict; import _speed_rows as s; n = int(sys.argv[1]); "
    script += "r = s.numpy_rows(0.5, n); print(json.dumps([[asdict(x) for x in r], s.numpy_gemm_rates()]))"
    done = subprocess.run(
        [sys.executable, "-c", script, str(n)],
        env=environment,
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=True,
    )
    rows, rates = json.loads(done.stdout.splitlines()[-1])
    renamed = [Row(**{**row, "what": f"{row['what']}, no OPENBLAS_*"}) for row in rows]
    return renamed, {f"{name}, no OPENBLAS_*": rate for name, rate in rates.items()}


START = """
import time
begin = time.perf_counter()
from neuropinn_lava.hardware_sim.runner.lava_guard import require_lava
require_lava()
imported = time.perf_counter()
import numpy as np
from neuropinn_lava.app.lookup.networks import find_network
from neuropinn_lava.app.verbs.convert import convert
from neuropinn_lava.app.verbs.run import run
network = convert(find_network("poisson")).network
point = np.full((1, 2), 0.5)
ready = time.perf_counter()
run(network, point, backend="lava")
first = time.perf_counter()
run(network, point, backend="lava")
print(imported - begin, first - ready, time.perf_counter() - first)
"""


def start_seconds() -> tuple[float, float, float]:
    """Time, in a new interpreter with kernels cached: Lava's import, the first run of one point, and the second.

    Byte code is cached, too, as an installer leaves it: in a folder of its own, because it may be switched off here.
    """
    best = (np.inf,) * 3
    folder = str(Path("build/byte_code").resolve())
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": folder}
    for _ in range(REPEATS):
        done = subprocess.run(
            [sys.executable, "-c", START], env=environment, capture_output=True, text=True, check=True
        )
        found = tuple(float(word) for word in done.stdout.split()[-3:])
        best = tuple(min(pair) for pair in zip(best, found, strict=True))
    return best
