"""A network in C99 on this machine as a row beside other devices: equal bits, and the processor time of a sample."""

from __future__ import annotations

import platform
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from ....base.arrays import FloatArray
from ....base.errors import SimulationError
from ....engine.host import encode_points
from ....engine.reference import run_integer
from ....engine.trace import RunTrace
from ....network.quantized import QuantizedNetwork
from ...parity.compare_traces import compare_traces
from ..device_result import Basis, DeviceResult
from ..integer_plan import plan_integers
from .build import FLAGS, build_program, find_compiler
from .code.filling import fill
from .code.memory import input_type
from .code.tables import SIZES
from .header import build_header
from .run import PREFIX, run_c99

N_SAMPLES = 1000
"""Largest number of samples that are compared and timed."""
N_ROUNDS = 5
"""Number of measurements, of which the shortest and the longest are shown."""
MIN_SECONDS = 0.05
"""Processor time of a measurement in seconds: clock() counts in steps of 1e-6 to 1e-2."""


def measure_c99(network: QuantizedNetwork, points: FloatArray, trace: RunTrace) -> DeviceResult:
    """Run and time a network in C99 on this machine.

    Args:
        network: The quantized network.
        points: Points that it ran on, physical, shape (n, n_in), of sequences (n, n_steps, n_in); the first of them are run.
        trace: The run, which says how many events each connection sees.

    Raises:
        MissingPackageError: If there is no C compiler.
        SimulationError: If the compiler or the program fails.
    """
    chosen = points[:N_SAMPLES]
    result = compare_traces(run_integer(network, chosen), run_c99(network, chosen), network=network)
    seconds = time_samples(network, chosen, trace)
    compiler = find_compiler()
    said = subprocess.run([*compiler, "--version"], capture_output=True, text=True, check=False).stdout.splitlines()
    return DeviceResult(
        name="c99",
        basis=Basis.COMPILED,
        n_samples=len(chosen),
        mismatches=result.mismatches,
        seconds_low=min(seconds),
        seconds_high=max(seconds),
        source=f"processor time on {platform.machine()}, {said[0] if said else compiler[0]} {' '.join(FLAGS)}",
    )


def time_samples(network: QuantizedNetwork, points: FloatArray, trace: RunTrace | None = None) -> list[float]:
    """Measure the processor time of a sample in seconds, some times.

    Args:
        network: The quantized network.
        points: Points in turn, physical, shape (n, n_in), of sequences (n, n_steps, n_in).
        trace: A run of it, whose counts say which connections get dense loops; None walks events.
    """
    plan = plan_integers(network, trace)
    built = build_header(plan)
    words, _ = encode_points(network, points)
    n_steps = network.n_steps or points.shape[1]
    steps = "(uint32_t)n_steps, " if plan.n_steps is None else ""
    holes = {
        "file": built.names.header,
        "prefix": built.names.prefix,
        "macro": built.names.macro,
        "n_rounds": str(N_ROUNDS),
        "min_seconds": str(MIN_SECONDS),
        "n_rows": "n_steps" if plan.n_steps is None else "1u",
        "run_call": f"{built.names.prefix}_run(&state, &words[i * n_x], {steps}sums)",
    }
    with tempfile.TemporaryDirectory(prefix=PREFIX) as name:
        folder = Path(name)
        (folder / built.names.header).write_text(built.text, encoding="utf-8")
        (folder / "timing.c").write_text(fill("timing.c", holes), encoding="utf-8")
        (folder / "words").write_bytes(words.astype(np.dtype(f"i{SIZES[input_type(plan)]}")).tobytes())
        build_program(folder / "timing.c", folder / "timing")
        command = [str(folder / "timing"), str(folder / "words"), str(len(words)), str(n_steps)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SimulationError(
            "the compiled network",
            "finish its run",
            f"exit code {done.returncode}",
            "Report it with the network's file.",
        )
    return [float(line) for line in done.stdout.split()]
