"""The recipe of the shipped soft sensor `rod-sensor`: sizes, training, and the signals of `solvers/rod_signal.py`."""

from __future__ import annotations

import numpy as np

from ...problems.solvers.rod_signal import NOISE, SENSORS, random_signals, solve_rod
from .sensor_trainer import SensorRecipe, train_sensor
from .soft_sensor import SensorShape, SoftSensor

SCALE = 2.0
"""What the host multiplies readings by, so that most of them lie within [-1, 1]."""
SHAPE = SensorShape(n_in=len(SENSORS), n_front=10, n_memory=16, widths=(40, 20), n_trace=4)
"""Sizes of the network."""
RECIPE = SensorRecipe(n_iterations=1800, n_together=24, noise=SCALE * NOISE, operations_weight=0.05)
"""How it is trained: a minute and a half on a free core."""
N_SIGNALS, N_STEPS = 1000, 300
"""Number and length of the training signals."""


def train_rod_sensor(seed: int = 0) -> SoftSensor:
    """Train the soft sensor of the rod on solved signals; it reads temperatures times `SCALE`.

    Args:
        seed: Seed of the training; the signals are always the same.
    """
    signals = random_signals(N_SIGNALS, N_STEPS, np.random.default_rng(0))
    return train_sensor(SCALE * solve_rod(signals), signals, SHAPE, RECIPE, seed)
