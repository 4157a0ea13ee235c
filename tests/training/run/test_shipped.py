"""The trained networks that ship: as accurate and as sparse as stated, on points not trained on."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import c_programs
from neuropinn_lava.app.lookup.networks import find_network
from neuropinn_lava.app.verbs.run import run
from neuropinn_lava.base.metrics import relative_l2
from neuropinn_lava.engine.reference import run_float, run_integer
from neuropinn_lava.engine.spike_flips import samples_at_risk
from neuropinn_lava.engine.state import RunState
from neuropinn_lava.engine.trace import LavaMode, RunTrace
from neuropinn_lava.hardware_sim.counts.counting import count_operations
from neuropinn_lava.network.quantized import QuantizedNetwork
from neuropinn_lava.network.spec import NetworkSpec
from neuropinn_lava.problems import find_problem
from neuropinn_lava.problems.residuals import evaluation_points
from neuropinn_lava.problems.solvers.drawn.rod_signal import random_signals, read_sensors
from neuropinn_lava.training.network.trace import run_torch

BOUNDS = {
    "heat": (0.003, 0.15),
    "laplace": (0.003, 0.15),
    "poisson": (0.003, 0.15),
    "burgers": (0.005, 0.20),
    "burgers-shock": (0.001, 0.30),
    "allen-cahn": (0.003, 0.31),
    "poisson-steep": (0.001, 0.30),
    "poisson-lshape": (0.0015, 0.20),
    "poisson-star": (0.01, 0.30),
    "advection-diffusion-star": (0.015, 0.30),
    "eikonal": (0.04, 0.40),
    "poisson-mixed": (0.001, 0.30),
    "poisson-holes": (0.012, 0.30),
    "kovasznay": (0.001, 0.30),
    "cavity": (0.036, 0.30),
    "kuramoto-sivashinsky": (0.003, 0.30),
    "burgers-family": (0.003, 0.30),
    "poisson-moving": (0.005, 0.30),
    "burgers-inverse": (0.005, 0.30),
    "diffusion-inverse": (0.005, 0.30),
    "helmholtz": (0.003, 0.30),
    "advection": (0.003, 0.30),
    "interface": (0.0005, 0.30),
    "wave": (0.005, 0.30),
    "heat-robin": (0.001, 0.30),
    "wave2d": (0.01, 0.30),
    "reaction-diffusion": (0.005, 0.30),
    "conductivity-inverse": (0.1, 0.30),
}
"""Highest relative L2 error and highest share of spiking neurons that send an event, as the project states them."""
OPERATORS = {
    "heat-operator": (0.01, 0.20),
    "poisson-operator": (0.02, 0.20),
    "burgers-operator": (0.03, 0.20),
    "diffusion-operator": (0.02, 0.20),
}
"""The same of networks that take functions: the error is the mean over 100 functions of the relative L2 of each."""
PARITY_NAMES = ("poisson", "heat")
"""Networks on which torch is compared with the float engine; the others differ in weights only."""
PARITY = {torch.float64: 1e-12, torch.float32: 1e-6}
"""Largest difference of torch from the float engine over max|u|, where no spike can flip."""
AT_RISK = {torch.float64: 0.0, torch.float32: 1e-3}
"""Largest share of samples in which rounding could flip one."""


def shipped(name: str) -> NetworkSpec:
    network = find_network(name)
    assert isinstance(network, NetworkSpec)
    return network


@pytest.mark.parametrize("name", list(BOUNDS))
def test_accuracy_and_activity(name: str) -> None:
    problem, (highest_error, highest_activity) = find_problem(name), BOUNDS[name]
    points = evaluation_points(problem, 5000, 99)
    run = run_float(shipped(name), points)
    exact = problem.aligned(problem.reference.evaluate(points), run.outputs)
    assert relative_l2(run.outputs, exact) <= highest_error
    assert spiking_share(shipped(name), run) <= highest_activity


def spiking_share(network: NetworkSpec, run: RunTrace) -> float:
    """Return the share of spiking neurons that send an event."""
    spiking = {node.name for node in network.populations if not node.is_relay}
    counts = [node.events for node in run.nodes if node.name in spiking]
    return sum(int(each.sum()) for each in counts) / sum(each.size * len(run.outputs) for each in counts)


@pytest.mark.parametrize("name", list(OPERATORS))
def test_unseen_functions_are_solved(name: str) -> None:
    problem, (highest_error, highest_activity) = find_problem(name), OPERATORS[name]
    rng = np.random.default_rng(99)
    functions, at = problem.domain.draw(100, rng), problem.region.sample(50, rng)
    points = np.hstack([np.tile(at, (100, 1)), np.repeat(functions, 50, axis=0)])
    run = run_float(shipped(name), points)
    found, exact = run.outputs.reshape(100, 50), problem.reference.evaluate(points).reshape(100, 50)
    errors = [relative_l2(one[:, None], other[:, None]) for one, other in zip(found, exact, strict=True)]
    assert np.mean(errors) <= highest_error
    assert spiking_share(shipped(name), run) <= highest_activity


@pytest.mark.parametrize(("name", "exact"), [("burgers-inverse", 0.1), ("diffusion-inverse", 0.2)])
def test_the_coefficient_that_was_found_is_within_a_percent(name: str, exact: float) -> None:
    """From 100 measurements with 1 % noise, and a start ten times off."""
    (found,) = shipped(name).provenance.parameters
    assert found.value == pytest.approx(exact, rel=0.01)


def test_the_conductivity_that_was_found_is_within_five_percent() -> None:
    """A field, from 100 measurements with 1 % noise: k = exp(q) by the second output."""
    points = evaluation_points(find_problem("conductivity-inverse"), 5000, 99)
    found = run_float(shipped("conductivity-inverse"), points).outputs[:, 1]
    exact = find_problem("conductivity-inverse").exact(points)[:, 1]
    assert relative_l2(np.exp(found), np.exp(exact)) <= 0.05


@pytest.mark.parametrize(
    ("name", "median", "worst"), [("burgers-family", 2e-3, 1e-2), ("poisson-moving", 5e-3, 1.5e-2)]
)
def test_every_member_of_a_family_is_solved(name: str, median: float, worst: float) -> None:
    problem, errors = find_problem(name), []
    ((parameter, held),) = problem.parameters.items()
    at = problem.region.sample(1000, np.random.default_rng(5))
    for column in np.random.default_rng(6).uniform(held.lower[0], held.upper[0], 20):
        points = problem.points_at(at, **{parameter: np.exp(column) if held.logarithmic else column})
        errors.append(relative_l2(run_float(shipped(name), points).outputs, problem.reference.evaluate(points)))
    assert np.median(errors) <= median
    assert max(errors) <= worst


@pytest.mark.parametrize("name", [*BOUNDS, *OPERATORS])
def test_provenance_says_how_to_make_it_again(name: str) -> None:
    provenance = shipped(name).provenance
    assert (provenance.problem, provenance.seed) == (name, 0)
    assert provenance.command is not None
    assert provenance.command.startswith(f"neuropinn-lava train {name} --out neuropinn_lava/data/{name}.h5")


@pytest.mark.parametrize("dtype", list(PARITY))
@pytest.mark.parametrize("name", PARITY_NAMES)
def test_torch_equals_the_float_engine(name: str, dtype: torch.dtype) -> None:
    network = shipped(name)
    points = evaluation_points(find_problem(name), 20_000, 3)
    at_risk = samples_at_risk(network, points, np.float64 if dtype is torch.float64 else np.float32)
    assert at_risk.mean() <= AT_RISK[dtype]
    expected = run_float(network, points).outputs
    difference = np.abs(run_torch(network, points, dtype=dtype).outputs - expected)[~at_risk]
    assert difference.max() <= PARITY[dtype] * np.abs(expected).max()


SENSOR = (0.11, 1750)
"""Highest mean relative L2 error of the soft sensor in integers on unseen signals, and most synaptic operations of a step."""
LONG, LAST, DRIFT = 10_000, 1000, 1.5
"""Steps of a long run, those at its end that count, and the largest error of the integers there in units of the float's."""


def sensor() -> QuantizedNetwork:
    network = find_network("rod-sensor")
    assert isinstance(network, QuantizedNetwork)
    return network


def relative_errors(found: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    errors: np.ndarray = np.linalg.norm(found[..., 0] - wanted, axis=1) / np.linalg.norm(wanted, axis=1)
    return errors


def test_the_soft_sensor_on_unseen_signals() -> None:
    rng = np.random.default_rng(21)
    signals = random_signals(20, 200, rng)
    trace = run_integer(sensor(), read_sensors(signals, rng))
    assert relative_errors(trace.outputs, signals).mean() <= SENSOR[0]
    rows = count_operations(sensor(), trace).rows
    assert sum(row.synaptic_operations for row in rows) / signals.size <= SENSOR[1]
    assert trace.n_saturated == 0


@pytest.mark.slow
@pytest.mark.lava
@pytest.mark.timeout(900)
def test_the_soft_sensor_after_10_000_steps() -> None:
    """Rounding does not add up in the memory, and Lava has the integers' bits to the end, in both modes."""
    rng = np.random.default_rng(22)
    signals = random_signals(1, LONG, rng)
    readings, network = read_sensors(signals, rng), sensor()
    exact, whole = run_float(network.source, readings), run_integer(network, readings)
    own, rounded = (relative_errors(each.outputs[:, -LAST:], signals[:, -LAST:]) for each in (exact, whole))
    assert (rounded <= DRIFT * own).all()
    for mode in LavaMode:
        assert np.array_equal(run(network, readings, backend="lava", mode=mode).readout, whole.readout)


def test_the_soft_sensor_goes_on_from_a_state_in_c() -> None:
    c_programs.require_compiler()
    rng = np.random.default_rng(23)
    readings, network = read_sensors(random_signals(3, 60, rng), rng), sensor()
    whole, state = run_integer(network, readings), RunState.begin(network, 3)
    for part in (slice(0, 25), slice(25, 60)):
        trace = run(network, readings[:, part], backend="c99", state=state)
        assert np.array_equal(trace.readout, whole.readout[:, part])
        assert trace.state is not None
        state = trace.state
