"""The layers of lava-dl's netx at the widths of the speed benchmark: another neuron, the same graph.

netx has no Variable Spiking Neuron, so that its results mean something else; what it costs Lava to run its layers one sample at
a time can be compared. It is installed without its training half (`pip install --no-deps lava-dl`), of which it imports one
function that these layers never call: a stand-in takes its place.
"""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

TRAINING_HALF = "lava.lib.dl.slayer"
HANG_SECONDS = 100.0
"""Ten times what it takes where nothing else runs."""
THRESHOLD = 16
"""Low enough for spikes in every layer."""


def find_netx() -> Any:
    """Import netx's layers.

    Raises:
        ImportError: If lava-dl is not installed.
    """
    importlib.import_module("lava.lib.dl")
    for name in (TRAINING_HALF, f"{TRAINING_HALF}.neuron", f"{TRAINING_HALF}.neuron.rf"):
        stand_in = ModuleType(name)
        stand_in.__path__ = []  # type: ignore[attr-defined]
        stand_in.neuron_params = None  # type: ignore[attr-defined]
        sys.modules.setdefault(name, stand_in)
    return importlib.import_module("lava.lib.dl.netx")


def time_netx(widths: tuple[int, ...], n_steps: int, n_short: int, n_long: int) -> float | None:
    """Time what n_long samples take beyond n_short, in a process of its own, because Lava's own run may hang.

    Returns:
        Seconds, or None if it did not end in time; then its processes have been killed.
    """
    call = f"print(seconds_beyond({widths}, {n_steps}, {n_short}, {n_long}))"
    script = f"from _netx_layers import seconds_beyond; {call}"
    options = {"cwd": Path(__file__).parent, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    with subprocess.Popen([sys.executable, "-c", script], start_new_session=True, **options) as running:
        try:
            found, _ = running.communicate(timeout=HANG_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            return None
    return float(found.split()[-1]) if running.returncode == 0 else None


def seconds_beyond(widths: tuple[int, ...], n_steps: int, n_short: int, n_long: int) -> float:
    """Run both numbers of samples and subtract; the first run, which imports, does not count."""
    importlib.import_module("neuropinn_lava.hardware_sim.runner.lava_guard").require_lava()
    points, seconds = np.random.default_rng(1).random((n_long, widths[0])), []
    for n in (n_short, n_short, n_long):
        start = time.perf_counter()
        run_netx(widths, n_steps, points[:n])
        seconds.append(time.perf_counter() - start)
    return seconds[2] - seconds[1]


def run_netx(widths: tuple[int, ...], n_steps: int, points: np.ndarray) -> np.ndarray:
    """Run dense layers of resetting integrate-and-fire neurons, one sample at a time; return the spikes of the last one."""
    from lava.magma.core.run_conditions import RunSteps
    from lava.magma.core.run_configs import Loihi2SimCfg
    from lava.proc.io.sink import RingBuffer as Sink
    from lava.proc.io.source import RingBuffer as Source
    from lava.proc.lif.process import LIFReset

    dense = find_netx().blocks.process.Dense
    data = np.repeat((255 * points).astype(np.int32), n_steps, axis=0).T
    n_lava_steps = data.shape[1] + len(widths) - 1
    source = Source(data=data)
    rng, sent, layers = np.random.default_rng(0), source.s_out, []
    for index, (n_in, n_out) in enumerate(pairwise(widths)):
        neuron = {
            "neuron_proc": LIFReset,
            "bias_key": "bias_mant",
            "vth": THRESHOLD,
            "du": 4095,
            "dv": 0,
            "bias_exp": 6,
            "num_message_bits": 0,
            "reset_interval": n_steps,
            "reset_offset": index + 1,
        }
        weight = 2 * rng.integers(-64, 64, (n_out, n_in))
        layer = dense(shape=(n_out,), neuron_params=neuron, weight=weight, input_message_bits=0 if index else 16)
        sent.connect(layer.inp)
        sent = layer.out
        layers.append(layer)
    sink = Sink(shape=(widths[-1],), buffer=n_lava_steps)
    sent.connect(sink.a_in)
    try:
        source.run(condition=RunSteps(n_lava_steps), run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))
        return np.asarray(sink.data.get())
    finally:
        source.stop()
