"""The recipe of the shipped soft sensor `rod-sensor`, which `benchmarks/streams.py` trains on solved signals of the rod."""

from __future__ import annotations

from ...problems.solvers.drawn.rod_signal import NOISE, SENSORS
from .sensor_trainer import SensorRecipe
from .soft_sensor import SensorShape

SCALE = 2.0
"""What the host multiplies readings by, so that most of them lie within [-1, 1]."""
SHAPE = SensorShape(n_in=len(SENSORS), n_front=10, n_memory=16, widths=(40, 20), n_trace=4)
"""Sizes of the network."""
RECIPE = SensorRecipe(n_iterations=1800, n_together=24, noise=SCALE * NOISE, operations_weight=0.05)
"""How it is trained: a minute and a half on a free core."""
N_SIGNALS, N_STEPS = 1000, 300
"""Number and length of the training signals."""
