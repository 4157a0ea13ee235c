"""The layers of lava-dl's netx at the widths of the speed benchmark: another neuron, the same graph.

netx has no Variable Spiking Neuron, so that its results mean something else; what it costs Lava to run its layers one sample at
a time can be compared. It is installed without its training half (`pip install --no-deps lava-dl`), of which it imports one
function that these layers never call: a stand-in takes its place.
"""

from __future__ import annotations

import importlib
import sys
from itertools import pairwise
from types import ModuleType
from typing import Any

import numpy as np

TRAINING_HALF = "lava.lib.dl.slayer"
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
