"""How much memory a run of any number of points takes: the peak over all its processes, at 10⁶ points and at 10⁷.

    python benchmarks/stream_memory.py [--points 1000000 10000000] [--folder build/stream_memory]

Points are drawn into an .npy file, `neuropinn-lava run --backend lava` evaluates them into another one, and meanwhile the
proportional set size (PSS, Linux: pages that processes share are divided among them) of the command and all its descendants is
added up. The network is that of `lava_speed.py` at half activity. Outputs are compared with the integer engine at points from
all over the file.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
from _speed_networks import make_network
from numpy.lib.format import open_memmap

from neuropinn_lava.engine.reference import run_integer
from neuropinn_lava.files.network_file import write_network
from neuropinn_lava.network.quantized import QuantizedNetwork

WATCH_SECONDS = 0.2
"""Between two looks at the processes."""
DRAWN_ROWS = 1 << 20
N_COMPARED = 2000


def draw_points(path: Path, n: int) -> None:
    """Write n points of the unit square, a million at a time."""
    rng = np.random.default_rng(1)
    points = open_memmap(path, mode="w+", dtype=np.float64, shape=(n, 2))
    for first in range(0, n, DRAWN_ROWS):
        points[first : first + DRAWN_ROWS] = rng.random((min(DRAWN_ROWS, n - first), 2))
    points.flush()


def pss_bytes(process: psutil.Process) -> int:
    """Add up the proportional set sizes of a process and its descendants, as far as they still live."""
    total = 0
    for each in [process, *process.children(recursive=True)]:
        try:
            lines = Path(f"/proc/{each.pid}/smaps_rollup").read_text().splitlines()
        except (OSError, psutil.Error):
            continue
        total += sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total


def watch(command: list[str]) -> tuple[float, float]:
    """Run a command; give its seconds, and the peak of its memory in MB."""
    start, peak = time.perf_counter(), 0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as running:
        process = psutil.Process(running.pid)
        while running.poll() is None:
            try:
                peak = max(peak, pss_bytes(process))
            except psutil.Error:
                break
            time.sleep(WATCH_SECONDS)
    if running.returncode:
        raise SystemExit(f"{command} ended with {running.returncode}")
    return time.perf_counter() - start, peak / 1e6


def compare(network: QuantizedNetwork, points: Path, outputs: Path) -> None:
    """Hold outputs from all over the file against the integer engine."""
    given, found = np.load(points, mmap_mode="r"), np.load(outputs, mmap_mode="r")
    chosen = np.unique(np.linspace(0, len(given) - 1, N_COMPARED).astype(np.int64))
    if len(found) != len(given) or not np.array_equal(run_integer(network, given[chosen]).outputs, found[chosen]):
        raise SystemExit(f"{outputs} differs from the integer engine")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--folder", type=Path, default=Path("build/stream_memory"), help="for points and outputs")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    chip, points, out = (arguments.folder / name for name in ("chip.h5", "points.npy", "outputs.npy"))
    network = make_network(0.5)
    write_network(network, chip)
    command = [sys.executable, "-m", "neuropinn_lava", "run", str(chip), "--backend", "lava"]
    command += ["--points", str(points), "--out", str(out)]
    print(f"{len(os.sched_getaffinity(0))} cores, load average {os.getloadavg()[0]:.1f}")
    for n in arguments.points:
        draw_points(points, n)
        seconds, peak = watch(command)
        compare(network, points, out)
        print(f"{n:11,} points: {seconds:7.1f} s, {n / seconds:9,.0f} points/s, peak {peak:5.0f} MB over all processes")
        points.unlink()
        out.unlink()


if __name__ == "__main__":
    main()
