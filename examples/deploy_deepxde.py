"""Deploy an ordinary tanh PINN, trained with DeepXDE, on Lava, and measure what bits and sparsity cost.

The weights come from `train_deepxde.py`; DeepXDE itself is not needed here. Every tanh becomes a neuron that fires on |m| >= 0,
which computes exactly the same. Thresholds above zero then reduce the activity and increase the error.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure

import neuropinn_lava as nl
from neuropinn_lava.base.metrics import relative_l2
from neuropinn_lava.conversion.search.bit_search import ErrorLimit
from neuropinn_lava.conversion.search.sparsify import Sparsification, sparsify_network

HERE = Path(__file__).parent
POINTS = np.random.default_rng(0).random((2000, 2))
ALLOWED = (1e-3, 3e-3, 1e-2, 3e-2)
"""Relative L2 errors that are allowed for a lower activity."""


class Network(torch.nn.Module):
    """The network of DeepXDE's FNN: layers with the same names, and tanh between them."""

    def __init__(self) -> None:
        super().__init__()
        widths = (2, 50, 50, 50, 1)
        self.linears = torch.nn.ModuleList(torch.nn.Linear(a, b) for a, b in itertools.pairwise(widths))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for linear in self.linears[:-1]:
            x = torch.tanh(linear(x))
        return self.linears[-1](x)


def make_network() -> Network:
    """Build the network without its weights; this is the factory that `package.module:factory` names."""
    return Network()


def built_in_condition() -> nl.Ansatz:
    """Build the ansatz u = 16 x (1 - x) y (1 - y) net(x, y)."""
    x = nl.Polynomial(exponents=np.array([[1, 0], [2, 0]]), coefficients=np.array([4.0, -4.0]))
    y = nl.Polynomial(exponents=np.array([[0, 1], [0, 2]]), coefficients=np.array([4.0, -4.0]))
    return nl.Ansatz(offset=(nl.Polynomial.constant(0.0, 2),), factor=(x.times(y),))


def solution(points: np.ndarray) -> np.ndarray:
    """Compute the exact solution sin(pi x) sin(2 pi y)."""
    return np.sin(np.pi * points[:, :1]) * np.sin(2 * np.pi * points[:, 1:])


def read_pinn() -> tuple[nl.NetworkSpec, torch.nn.Module]:
    """Read the PINN from its factory and its safetensors file, with its box and its built-in condition."""
    module = nl.load_module(f"{Path(__file__).stem}:make_network", HERE / "deepxde_poisson.safetensors")
    return nl.from_torch(module, lower=[0, 0], upper=[1, 1], ansatz=built_in_condition()), module


def deploy() -> tuple[nl.NetworkSpec, torch.nn.Module, nl.RunTrace]:
    """Run the PINN on Lava; together with `read_pinn` these are five lines."""
    spec, module = read_pinn()
    chip = nl.convert(spec, nl.QuantizationScheme(weight_bits=8, payload_bits=12)).network
    trace = nl.run(chip, POINTS, backend="lava")
    return spec, module, trace


def torch_solution(module: torch.nn.Module) -> np.ndarray:
    """Evaluate the module itself, in float64."""
    with torch.no_grad():
        outputs = module.double()(torch.tensor(POINTS)).numpy()
    _, d = built_in_condition().evaluate(POINTS)
    return d * outputs


def error_of_bits(spec: nl.NetworkSpec, weight_bits: int, payload_bits: int) -> float:
    """Compute the relative L2 error of the integer network."""
    chip = nl.convert(spec, nl.QuantizationScheme(weight_bits=weight_bits, payload_bits=payload_bits)).network
    return relative_l2(nl.run_integer(chip, POINTS).outputs, solution(POINTS))


def sparsify(spec: nl.NetworkSpec, allowed: float) -> Sparsification:
    """Raise the thresholds while the error on separate points is at most `allowed`."""
    rng = np.random.default_rng(1)
    judged = rng.random((2000, 2))
    limit = ErrorLimit(points=judged, wanted=solution(judged), relative_l2=allowed)
    return sparsify_network(spec, limit, rng.random((2000, 2)))


def main() -> float:
    """Deploy, print the tables, and return the difference between the module and the float backend over max |u|."""
    spec, module, trace = deploy()
    exact = nl.run(spec, POINTS, backend="float").outputs
    difference = float(np.abs(torch_solution(module) - exact).max() / np.abs(exact).max())
    print(f"float backend against the module: {difference:.1e} of max |u|")
    print(f"relative L2 error: module {relative_l2(exact, solution(POINTS)):.2e}", end=", ")
    print(f"Lava (8-bit weights, 12-bit payloads) {relative_l2(trace.outputs, solution(POINTS)):.2e}")
    for weight_bits, payload_bits in itertools.product((8, 6, 4), (16, 12, 8)):
        error = error_of_bits(spec, weight_bits, payload_bits)
        print(f"weights {weight_bits:2d} bits, payloads {payload_bits:2d} bits: {error:.2e}")
    for allowed in ALLOWED:
        print(f"error up to {allowed:.0e}: activity {sparsify(spec, allowed).after.activity:.3f}")
    return difference


def draw() -> Figure:
    """Draw the error over the bits of the weights, and the activity over the allowed error."""
    spec, _ = read_pinn()
    figure = Figure(figsize=(7.5, 3), layout="constrained")
    bits, curve = figure.subplots(1, 2)
    for payload_bits in (8, 12, 16):
        errors = [error_of_bits(spec, weight_bits, payload_bits) for weight_bits in range(3, 9)]
        bits.plot(range(3, 9), errors, "o-", label=f"{payload_bits}-bit payloads")
    exact = relative_l2(nl.run_float(spec, POINTS).outputs, solution(POINTS))
    bits.axhline(exact, color="gray", lw=0.8, label="the tanh PINN, float")
    bits.set(yscale="log", ylim=(1e-5, 0.5), xlabel="bits of the weights", ylabel="relative L2 error")
    bits.legend()
    found = [sparsify(spec, allowed).after for allowed in (1e-4, 3e-4, *ALLOWED, 1e-1)]
    curve.plot([point.activity for point in found], [point.error for point in found], "o-")
    curve.set(yscale="log", xlabel="share of neurons that fire", ylabel="relative L2 error, float")
    return figure


if __name__ == "__main__":
    main()
