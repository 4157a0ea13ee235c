"""The recipe of the shipped soft sensor `rod-sensor`, which `benchmarks/streams.py` trains on solved signals of the rod."""

from __future__ import annotations

from ...problems.solvers.drawn.rod_signal import NOISE, SENSORS
from .sensor_trainer import SensorRecipe
from .soft_sensor import SensorShape

SCALE = 2.0
"""What the host multiplies readings by, so that most of them lie within [-1, 1]."""
SHAPE = SensorShape(n_in=len(SENSORS), n_front=8, n_memory=32, widths=(32, 24), n_trace=24, radii=(0.88, 0.98))
"""Sizes of the network."""
RECIPE = SensorRecipe(
    n_iterations=2500, learning_rate=0.01, noise=SCALE * NOISE, operations_weight=0.002, pruned_share=0.5
)
"""How it is trained: a minute and a half of CPU time."""
N_SIGNALS, N_STEPS = 4000, 300
"""Number and length of the training signals."""
