"""The soft sensor: whole sequences are its steps, its memory is exact in 8 bits, its operations are those that are counted."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.conversion.formats.torch_modules import from_torch
from neuropinn_lava.engine.reference import run_float
from neuropinn_lava.hardware_sim.counts.counting import count_operations
from neuropinn_lava.network.spec import Readout
from neuropinn_lava.training.soft_sensors.sensor_trainer import SensorRecipe, train_sensor
from neuropinn_lava.training.soft_sensors.soft_sensor import SensorShape, SoftSensor

SHAPE = SensorShape(n_in=2, n_front=4, n_memory=6, widths=(7, 5), n_trace=2)
SAME = 1e-12
"""Largest difference of two orders of the same float64 sums, for outputs of about one."""


@pytest.fixture
def sensor() -> SoftSensor:
    torch.manual_seed(3)
    return SoftSensor(SHAPE).double()


def readings(n_steps: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).uniform(-1.0, 1.0, (5, n_steps, 2)))


def test_a_sequence_is_its_steps(sensor: SoftSensor) -> None:
    x = readings(40)
    states, found = [torch.zeros(5, n, dtype=torch.float64) for n in sensor.states.values()], []
    for t in range(40):
        y, *states = sensor(x[:, t], *states)
        found.append(y)
    assert torch.allclose(torch.cat(found, dim=1), sensor.run(x)[0], rtol=0.0, atol=SAME)


def test_blocks_are_held_exactly_by_8_bits_and_forget(sensor: SoftSensor) -> None:
    with torch.no_grad():
        sensor.memory.real.mul_(3.0)  # as a step of the optimizer may leave it
    for part in sensor.memory.blocks():
        assert torch.equal(part * 128, torch.round(part * 128))
    a, b = sensor.memory.blocks()
    assert (torch.sqrt(a**2 + b**2) < 1.0).all()


def test_the_record_computes_and_counts_the_same(sensor: SoftSensor) -> None:
    with torch.no_grad():  # no neuron whose silence would reach a memory, and no pair that does not turn
        sensor.front[0].bias += 3.0
        sensor.first[0].bias += 3.0
        sensor.memory.imaginary += 0.1
        sensor.trace.imaginary += 0.1
        sensor.first[0].weight[:, 0] = 0.0  # no operations
    network = from_torch(
        sensor, sequence=["x"], inputs={"x": 2}, states=sensor.states, lower=[-1.0, -1.0], upper=[1.0, 1.0]
    )
    assert network.readout is Readout.EVERY
    assert sum(node.is_relay for node in network.populations) == 2
    x = readings(30)
    with torch.no_grad():
        expected, n_operations = sensor.run(x)
    trace = run_float(network, x.numpy())
    assert np.abs(trace.outputs[..., 0] - expected.numpy()).max() < SAME
    rows = count_operations(network, trace).rows
    n_pairs, n_states = (SHAPE.n_memory + SHAPE.n_trace) // 2, SHAPE.n_memory + SHAPE.n_trace
    # the step before the first is silent, and so are the second halves of the pairs then
    at_rest = 2 * n_states + 2 * n_pairs
    # at the first step nothing reads these halves, either
    first, second = SHAPE.widths
    unread = SHAPE.n_memory // 2 * (first + second + 1) + SHAPE.n_trace // 2 * (second + 1)
    assert sum(row.synaptic_operations for row in rows) == round(5 * 30 * float(n_operations)) - 5 * (at_rest + unread)


def test_training_uses_the_memory() -> None:
    """The mean of the past, by a leak of 0.9, of white noise: 0.9 is the least error of a network without memory."""
    x = np.random.default_rng(1).standard_normal((60, 60, 2))
    signals = np.stack([0.9 ** np.arange(t, -1, -1) @ x[:, : t + 1, 0].T for t in range(60)], axis=1) / 2.3
    recipe = SensorRecipe(n_iterations=300, n_together=20, n_steps=60, learning_rate=0.01)
    sensor = train_sensor(x, signals, SHAPE, recipe, seed=0)
    with torch.no_grad():
        y, _ = sensor.run(torch.from_numpy(x).float())
    error = float(np.linalg.norm(y.numpy() - signals) / np.linalg.norm(signals))
    assert error < 0.6
    sparse = dataclasses.replace(recipe, operations_weight=1.0, dense_share=0.0)
    saving = train_sensor(x, signals, SHAPE, sparse, seed=0)
    with torch.no_grad():
        fewer, more = (float(each.run(torch.from_numpy(x).float())[1]) for each in (saving, sensor))
    assert fewer < more


def test_training_prunes_a_share_of_the_weights() -> None:
    x = np.random.default_rng(1).standard_normal((20, 30, 2))
    recipe = SensorRecipe(n_iterations=60, n_together=10, n_steps=30, pruned_share=0.5)
    for weight in train_sensor(x, x[..., 0], SHAPE, recipe).prunable:
        assert abs(float((weight == 0).float().mean()) - 0.5) <= 1 / weight.numel()


def test_shapes_must_agree() -> None:
    with pytest.raises(SpecError, match=r"train_sensor.readings must have the shape \(3, 9, 2\); got \(3, 9, 1\)"):
        train_sensor(np.zeros((3, 9, 1)), np.zeros((3, 9)), SHAPE, SensorRecipe())
