"""A soft sensor of the signal at the end of a rod beside a GRU, a Kalman filter, and a window of samples without a state.

    python benchmarks/streams.py                     everything that is not in build/streams yet, and the table
    python benchmarks/streams.py sensor 0            one of sensor, gru16, gru32, pruned, window, with a seed
    python benchmarks/streams.py kalman
    python benchmarks/streams.py ship 0              the sensor of a seed in 8 bits, 10 000 steps through every engine

The rod, its sensors and the noise are those of `neuropinn_lava/problems/solvers/drawn/rod_signal.py`. All networks are
trained on the same 4 000 signals for the same number of steps, and compared on 100 unseen signals of 300 steps: the mean
over the signals of the relative L2 error. Operations are those of a step: synaptic operations of the sensor and the window,
which silent neurons save, and multiplications of the GRU and the Kalman filter.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _kalman import RodFilter, fitted_memory
from numpy.typing import NDArray
from torch import Tensor, nn

import neuropinn_lava as nl
from neuropinn_lava import VSN
from neuropinn_lava.problems.solvers.drawn.rod_signal import NOISE, SENSORS, random_signals, read_sensors, solve_rod
from neuropinn_lava.training.neuron.surrogates import spike
from neuropinn_lava.training.run.devices import limited_threads
from neuropinn_lava.training.soft_sensors.rod_sensor import N_SIGNALS, N_STEPS, RECIPE, SCALE, SHAPE
from neuropinn_lava.training.soft_sensors.sensor_trainer import fit_sequences, train_sensor
from neuropinn_lava.training.soft_sensors.soft_sensor import SoftSensor

FOLDER = Path("build/streams")
N_UNSEEN = 100
SEEDS = (0, 1, 2)
NETWORKS = ("sensor", "gru16", "gru32", "pruned", "window")
"""`pruned` is the GRU of 32 units, pruned as the sensor: the same share of its input and recurrent weights is zero."""
FILTERS = {"random walk": (1, (0.07, 0.1, 0.14)), "AR(4)": (4, (0.03, 0.04)), "AR(16)": (16, (0.015, 0.02, 0.03))}
"""Boundary models of the Kalman filter: numbers of coefficients, and drifts of which the best on training signals is used."""
N_CELLS = 10
"""Cells of its rod; twice as many change the error by less than 0.2 points."""
N_WINDOW = 32
"""Samples in the window."""
SHIPPED = Path("neuropinn_lava/data/rod-sensor.h5")
"""File of the shipped network."""
N_CALIBRATION, N_LONG = 20, 10_000
"""Sequences that the conversion is calibrated on, and steps of the long run."""


class Gru(nn.Module):
    """A GRU and a linear read-out."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.cell, self.head = nn.GRU(len(SENSORS), width, batch_first=True), nn.Linear(width, 1)

    @property
    def n_dense(self) -> float:
        """Multiplications by weights in a step; the 3 products of each unit and its activations are left out."""
        return float(sum(int((each != 0).sum()) for each in (*self.prunable, self.head.weight)))

    @property
    def prunable(self) -> tuple[nn.Parameter, ...]:
        return self.cell.weight_ih_l0, self.cell.weight_hh_l0

    def run(self, x: Tensor) -> tuple[Tensor, float]:
        return self.head(self.cell(x)[0])[..., 0], self.n_dense


class Window(nn.Module):
    """A T = 1 network of Variable Spiking Neurons on the last samples, without a state."""

    def __init__(self, widths: tuple[int, int] = (40, 24)) -> None:
        super().__init__()
        sizes = (N_WINDOW * len(SENSORS), *widths)
        self.linears = nn.ModuleList(nn.Linear(n, m) for n, m in itertools.pairwise(sizes))
        self.neurons = nn.ModuleList(VSN(n, activation="relu", beta=0.0, theta=SHAPE.theta) for n in widths)
        self.head = nn.Linear(widths[-1], 1)

    @property
    def n_dense(self) -> float:
        return float(sum(each.weight.numel() for each in (*self.linears, self.head)))

    @property
    def prunable(self) -> tuple[nn.Parameter, ...]:
        return ()

    def run(self, x: Tensor) -> tuple[Tensor, Tensor]:
        padded = torch.cat([x.new_zeros(len(x), N_WINDOW - 1, x.shape[2]), x], dim=1)
        a = padded.unfold(1, N_WINDOW, 1).flatten(2)
        n = torch.tensor(float(self.linears[0].weight.numel()))
        for linear, neurons, after in zip(self.linears, self.neurons, (*self.linears[1:], self.head), strict=True):
            drive = linear(a)
            a = neurons(drive)
            n = n + after.weight.shape[0] * spike(drive, neurons.theta).sum(dim=-1).mean()
        return self.head(a)[..., 0], n


def data() -> dict[str, NDArray[np.float64]]:
    """Return signals and readings without noise for training, and unseen ones with noise; made once."""
    path = FOLDER / "data.npz"
    if not path.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        signals = random_signals(N_SIGNALS, N_STEPS, np.random.default_rng(0))
        unseen = random_signals(N_UNSEEN, N_STEPS, np.random.default_rng(1))
        noise = NOISE * np.random.default_rng(123).standard_normal((N_UNSEEN, N_STEPS, len(SENSORS)))
        np.savez(
            path, signals=signals, readings=solve_rod(signals), unseen=unseen, unseen_readings=solve_rod(unseen) + noise
        )
    with np.load(path) as held:
        return dict(held)


def errors(found: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the relative L2 error of each signal."""
    return np.linalg.norm(found - wanted, axis=1) / np.linalg.norm(wanted, axis=1)


def train(name: str, seed: int) -> dict[str, Any]:
    """Train a network and measure it on the unseen signals."""
    held, begun = data(), time.process_time()
    readings, signals = SCALE * held["readings"], held["signals"]
    if name == "sensor":
        module: Any = train_sensor(readings, signals, SHAPE, RECIPE, seed)
    else:
        with limited_threads(1), torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            module = Window() if name == "window" else Gru(16 if name == "gru16" else 32)
            recipe = RECIPE if name == "pruned" else dataclasses.replace(RECIPE, pruned_share=0.0)
            fit_sequences(module, torch.tensor(readings).float(), torch.tensor(signals).float(), recipe)
    seconds = time.process_time() - begun
    torch.save(module.state_dict(), FOLDER / f"{name}-{seed}.pt")
    with torch.no_grad():
        found, n = module.run(torch.tensor(SCALE * held["unseen_readings"]).float())
    each = errors(found.double().numpy(), held["unseen"])
    return {"error": float(each.mean()), "worst": float(each.max()), "operations": float(n), "seconds": seconds}


def filtered(name: str) -> dict[str, Any]:
    """Choose the drift of a Kalman filter on training signals, and measure it on the unseen ones."""
    held, (p, drifts) = data(), FILTERS[name]
    memory = np.ones(1) if p == 1 else fitted_memory(held["signals"], p)
    tuned, noise = slice(0, 20), NOISE * np.random.default_rng(5).standard_normal((20, N_STEPS, len(SENSORS)))

    def tuning_error(drift: float) -> float:
        found = RodFilter(N_CELLS, memory, drift).estimate(held["readings"][tuned] + noise)
        return float(errors(found, held["signals"][tuned]).mean())

    chosen = RodFilter(N_CELLS, memory, min(drifts, key=tuning_error))
    each = errors(chosen.estimate(held["unseen_readings"]), held["unseen"])
    return {"error": float(each.mean()), "worst": float(each.max()), "operations": chosen.operations()}


def measured(key: str, *what: Any) -> dict[str, Any]:
    """Return a result from `build/streams`, or measure and keep it."""
    path = FOLDER / f"{key.replace(' ', '-')}.json"
    if not path.exists():
        result = filtered(*what) if key.startswith("kalman") else train(*what)
        path.write_text(json.dumps(result))
        print(key, result, flush=True)
    return dict(json.loads(path.read_text()))


def ship(seed: int) -> None:
    """Convert the sensor of a seed to 8 bits, write it as the shipped network, and run 10 000 steps through every engine."""
    held = data()
    measured(f"sensor-{seed}", "sensor", seed)
    sensor = SoftSensor(SHAPE)
    sensor.load_state_dict(torch.load(FOLDER / f"sensor-{seed}.pt", weights_only=True))
    told = nl.Provenance(seed=seed, package_version=nl.__version__, command=f"python benchmarks/streams.py ship {seed}")
    n_in = len(SENSORS)
    network = nl.from_torch(
        sensor,
        name="rod-sensor",
        sequence=["x"],
        inputs={"x": n_in},
        states=sensor.states,
        input_transform=nl.AffineTransform(scale=np.full(n_in, SCALE), offset=np.zeros(n_in)),
        lower=np.full(n_in, -1.0),
        upper=np.full(n_in, 1.0),
        provenance=told,
    )
    noise = NOISE * np.random.default_rng(4).standard_normal((N_CALIBRATION, *held["readings"].shape[1:]))
    chip = nl.convert(network, points=held["readings"][:N_CALIBRATION] + noise).network
    nl.write_network(chip, SHIPPED)
    print(f"wrote {SHIPPED}, {SHIPPED.stat().st_size:,} bytes")
    for name, each in (("float", network), ("8 bits", chip)):
        trace = nl.run(each, held["unseen_readings"], backend="float" if each is network else "integer")
        n = sum(row.synaptic_operations for row in nl.count_operations(each, trace).rows) / (N_UNSEEN * N_STEPS)
        print(f"{name}: error {errors(trace.outputs[..., 0], held['unseen']).mean():.2%}, {n:,.0f} operations a step")
    rng = np.random.default_rng(7)
    signal = random_signals(1, N_LONG, rng)
    readings = read_sensors(signal, rng)
    whole = nl.run(chip, readings, backend="integer")
    for name, trace in (("float", nl.run(network, readings, backend="float")), ("8 bits", whole)):
        last = trace.outputs[:, -1000:, 0]
        print(f"{name}: error over the last 1 000 of {N_LONG:,} steps {errors(last, signal[:, -1000:])[0]:.2%}")
    for mode in ("batched", "faithful"):
        found = nl.run(chip, readings, backend="lava", mode=mode)
        same = np.array_equal(found.readout, whole.readout)
        print(f"Lava, {mode}: {N_LONG:,} steps {'equal' if same else 'NOT EQUAL'} bit for bit in {found.seconds:.1f} s")


def main() -> None:
    """Measure what is asked for, or everything, and print the table."""
    data()
    if sys.argv[1:2] == ["ship"]:
        ship(int(sys.argv[2]))
        return
    if len(sys.argv) == 3:
        measured("-".join(sys.argv[1:]), sys.argv[1], int(sys.argv[2]))
        return
    filters = {name: measured(f"kalman {name}", name) for name in FILTERS}
    if sys.argv[1:] == ["kalman"]:
        return
    print("| estimate | error, median of seeds | of the worst signal | operations a step | training, CPU seconds |")
    print("|---|---|---|---|---|")
    for name in NETWORKS:
        runs = [measured(f"{name}-{seed}", name, seed) for seed in SEEDS]
        middle = {key: float(np.median([run[key] for run in runs])) for key in runs[0]}
        print(
            f"| {name} | {middle['error']:.1%} | {middle['worst']:.1%} | {middle['operations']:,.0f}"
            f" | {middle['seconds']:.0f} |"
        )
    for name, run in filters.items():
        print(f"| Kalman filter, {name} | {run['error']:.1%} | {run['worst']:.1%} | {run['operations']:,} | – |")


if __name__ == "__main__":
    main()
