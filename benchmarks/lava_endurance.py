"""Many runs of Lava in a row, a third of them failing in a random way: what is left of them.

    python benchmarks/lava_endurance.py [--runs 1000] [--seed 0]

Each run is a network of three layers on Lava, a process a layer. Two thirds end well and equal the integer engine; the others
fail in one of ten ways: an exception, an exit, kill -9 of a layer by itself, kill -9 of any process of the run from outside, a
hang, an endless loop, a wrong shape, a message not sent, Ctrl-C, memory that is refused. After every run this process must have
the children, threads, open files and blocks of /dev/shm that it had before; its memory is shown as it goes.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import resource
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil

from neuropinn_lava.base.errors import SimulationError
from neuropinn_lava.conversion import quantize_network
from neuropinn_lava.engine.reference import run_integer
from neuropinn_lava.hardware_sim.lava.simulate import simulate_on_lava
from neuropinn_lava.hardware_sim.runner.lava_guard import require_lava
from neuropinn_lava.hardware_sim.steps.choices import LayerModel
from neuropinn_lava.network.nodes import ConnectionSpec, InputSpec, OutputSpec, PopulationSpec
from neuropinn_lava.network.quantized import QuantizedNetwork
from neuropinn_lava.network.spec import NetworkSpec
from neuropinn_lava.network.transforms import AffineTransform

FAULTS = (
    "exception",
    "exit",
    "kill -9",
    "kill -9 from outside",
    "hang",
    "endless loop",
    "wrong shape",
    "no send",
    "Ctrl-C",
    "out of memory",
)
FAILING_SHARE = 1 / 3
TIME_LIMIT = 2.0
"""Seconds: it ends what hangs; runs that do not take a quarter of a second."""
WARM_RUNS = 30
"""After so many, what is loaded once is loaded, and memory is compared from there."""
N_POINTS = 12


def make_network() -> QuantizedNetwork:
    """Draw a small network."""
    rng = np.random.default_rng(0)
    layers = tuple(
        PopulationSpec(
            name=f"hidden{k}",
            connections=(ConnectionSpec(source=source, weight=rng.normal(size=(8, n_in))),),
            bias=rng.normal(size=8),
            beta=np.full(8, 0.5),
            theta=np.full(8, 0.1),
            activation="tanh_squared",
        )
        for k, (source, n_in) in enumerate((("input", 2), ("hidden0", 8)))
    )
    spec = NetworkSpec(
        name="endurance",
        inputs=(InputSpec(width=2),),
        nodes=layers,
        output=OutputSpec(
            connections=(ConnectionSpec(source="hidden1", weight=rng.normal(size=(1, 8))),), bias=np.zeros(1)
        ),
        n_steps=3,
        input_transform=AffineTransform.to_unit_box(np.zeros(2), np.ones(2)),
        output_transform=AffineTransform.identity(1),
        lower=np.zeros(2),
        upper=np.ones(2),
    )
    return quantize_network(spec, points=rng.random((100, 2))).network


def holdings() -> dict[str, list[str]]:
    """List what a run could leave behind."""
    return {
        "processes": sorted(f"{child.pid} {child.status()}" for child in psutil.Process().children(recursive=True)),
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "files": sorted(os.listdir("/proc/self/fd")),
        "shared memory": sorted(name for name in os.listdir("/dev/shm") if is_ours(name)),
    }


def is_ours(name: str) -> bool:
    """Tell whether no process outside this one's family has a block of shared memory mapped."""
    family = {os.getpid(), *(child.pid for child in psutil.Process().children(recursive=True))}
    for process in psutil.process_iter():
        with contextlib.suppress(OSError):
            if process.pid not in family and f"/dev/shm/{name}" in Path(f"/proc/{process.pid}/maps").read_text():
                return False
    return True


@contextlib.contextmanager
def refused_memory(kind: str) -> Iterator[None]:
    """Let this process map hardly any more memory, if that is the fault."""
    limits = resource.getrlimit(resource.RLIMIT_AS)
    if kind == "out of memory":
        resource.setrlimit(resource.RLIMIT_AS, (psutil.Process().memory_info().vms + (1 << 20), limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)


def run_once(network: QuantizedNetwork, points: np.ndarray, kind: str, rng: random.Random) -> str:
    """Run, with or without a fault; say how it ended."""
    import faulty_models

    from neuropinn_lava.hardware_sim.lava.processes.vsn import VSN

    faulty_models.fault.update(kind=kind, step=rng.randint(1, 20))
    elder = {child.pid for child in psutil.Process().children(recursive=True)}

    def disturb(n_done: int, n_all: int) -> None:
        if kind == "Ctrl-C":
            os.kill(os.getpid(), signal.SIGINT)
        if kind == "kill -9 from outside":
            with contextlib.suppress(psutil.Error, IndexError):  # it has just ended
                found = [child for child in psutil.Process().children(recursive=True) if child.pid not in elder]
                rng.choice(found).kill()

    many = np.tile(points, (500, 1)) if kind in {"Ctrl-C", "kill -9 from outside"} else points
    try:
        with refused_memory(kind):
            trace = simulate_on_lava(
                network,
                many,
                model=LayerModel.FUSED,
                batch_size=2,
                on_progress=disturb,
                time_limit=TIME_LIMIT,
                models={VSN: faulty_models.FaultyVsnModel},
            )
    except SimulationError:
        return "SimulationError"
    except KeyboardInterrupt:
        return "KeyboardInterrupt"
    except MemoryError:
        return "MemoryError"
    expected = run_integer(network, many).outputs
    return "finished" if np.array_equal(trace.outputs, expected) else "WRONG OUTPUTS"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    require_lava()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job would ignore Ctrl-C
    sys.path.insert(0, str(Path(__file__).with_name("_faulty")))
    network, rng = make_network(), random.Random(arguments.seed)
    points = np.random.default_rng(0).random((N_POINTS, 2))
    ends: Counter[str] = Counter()
    start, warm = time.perf_counter(), 0
    run_once(network, points, "fine", rng)
    before = holdings()
    for index in range(arguments.runs):
        kind = rng.choice(FAULTS) if rng.random() < FAILING_SHARE else "fine"
        ends[f"{kind}: {run_once(network, points, kind, rng)}"] += 1
        if (after := holdings()) != before:
            raise SystemExit(f"run {index}, {kind}, left {after} where there was {before}")
        rss = psutil.Process().memory_info().rss
        warm = rss if index == min(WARM_RUNS, arguments.runs - 1) else warm
        if (index + 1) % 100 == 0:
            print(f"{index + 1} runs, {time.perf_counter() - start:.0f} s, {rss / 1e6:.1f} MB", flush=True)
    for end, n in sorted(ends.items()):
        print(f"{n:5d}  {end}")
    n_bytes = (psutil.Process().memory_info().rss - warm) / max(1, arguments.runs - WARM_RUNS)
    print(
        f"{arguments.runs} runs: no process, thread, open file or shared memory left; {n_bytes:.0f} bytes of memory a run"
    )


if __name__ == "__main__":
    main()
