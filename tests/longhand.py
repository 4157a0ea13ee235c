"""Slow, literal versions of the contract, in Python integers and fractions: what everything faster is compared with.

They are written from the equations in the docstrings of `integers`, `tables`, `network` and `quantized`, one neuron, step and
sample at a time, and share no arithmetic with the package: they only read its records. `import longhand`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from neuropinn_lava.base.arrays import FloatArray
from neuropinn_lava.network.nodes import Polarity
from neuropinn_lava.network.phi_table import PhiTable
from neuropinn_lava.network.quantized import QuantizedNetwork
from neuropinn_lava.network.quantized_nodes import QuantizedAffine
from neuropinn_lava.network.spec import NetworkSpec, Readout

PHI = {
    "identity": lambda z: z,
    "relu": lambda z: max(z, 0.0),
    "tanh": math.tanh,
    "sin": math.sin,
    "z_tanh_z": lambda z: z * math.tanh(z),
    "tanh_squared": lambda z: math.tanh(z) ** 2,
    "sin_turns": lambda z: math.sin(2 * math.pi * math.remainder(z, 1.0)),
    "leaky_relu": lambda z: max(z, 0.0) + 0.01 * min(z, 0.0),
    "leaky_relu(0.2)": lambda z: max(z, 0.0) + 0.2 * min(z, 0.0),
    "hardtanh": lambda z: min(max(z, -1.0), 1.0),
    "sigmoid": lambda z: math.tanh(z / 2) / 2,
    "silu": lambda z: z * math.exp(min(z, 0.0)) / (1 + math.exp(-abs(z))),
    "gelu": lambda z: z * math.erfc(-z / math.sqrt(2)) / 2,
    "gelu_tanh": lambda z: z * (1 + math.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3))) / 2,
    "elu": lambda z: max(z, 0.0) + math.expm1(min(z, 0.0)),
    "elu(0.5)": lambda z: max(z, 0.0) + 0.5 * math.expm1(min(z, 0.0)),
    "selu": lambda z: 1.0507009873554805 * (max(z, 0.0) + 1.6732632423543772 * math.expm1(min(z, 0.0))),
    "softplus": lambda z: max(z, 0.0) + math.log1p(math.expm1(-abs(z)) / 2),
    "exp": math.expm1,
    "square": lambda z: z * z,
}
"""phi in Python floats, less its value at zero."""
ODD = ("tanh", "sin", "sin_turns", "hardtanh", "sigmoid")
SLOPES = {
    "z_tanh_z": (1.0, -1.0),
    "leaky_relu": (1.0, 0.01),
    "leaky_relu(0.2)": (1.0, 0.2),
    "silu": (1.0, 0.0),
    "gelu": (1.0, 0.0),
    "gelu_tanh": (1.0, 0.0),
    "elu": (1.0, 0.0),
    "elu(0.5)": (1.0, 0.0),
    "selu": (1.0507009873554805, 0.0),
    "softplus": (1.0, 0.0),
}
"""Slopes of phi beyond the table, above and below zero; zero for all others."""


def half_up(x: Fraction | float | int) -> int:
    """floor(x + 1/2), exactly."""
    return math.floor(Fraction(x) + Fraction(1, 2))


def power(exponent: int) -> Fraction:
    """2**exponent, exactly."""
    return Fraction(2) ** exponent


def highest(bits: int) -> int:
    """Largest number of a symmetric word."""
    return 2 ** (bits - 1) - 1


def clipped(value: int, bits: int) -> tuple[int, bool]:
    """The value saturated to a word, and whether that changed it."""
    held = max(-highest(bits), min(highest(bits), value))
    return held, held != value


def leaked(m: int, beta: int) -> int:
    """sign(m) * floor(|m| * beta / 4096)."""
    return (1 if m >= 0 else -1) * (abs(m) * beta // 4096)


def payload(table: PhiTable, z: int) -> tuple[int, bool]:
    """phi of one z by the equations of `tables.py`, saturated, and whether that changed it."""
    if table.activation in ("identity", "relu"):
        passed = max(z, 0) if table.activation == "relu" else z
        return clipped(half_up(passed * power(table.state_exponent - table.payload_exponent)), table.payload_bits)
    q, width = abs(z), 2**table.index_bits
    if table.activation == "sin_turns":
        q %= max(1, 2**-table.state_exponent)
    own_side = z < 0 and table.entries_below is not None
    entries = [int(entry) for entry in (table.entries_below if own_side else table.entries)]
    n_cells = len(entries) - 1
    if q < n_cells * width:
        cell, remainder = divmod(q, width)
        p = Fraction(entries[cell]) + Fraction((entries[cell + 1] - entries[cell]) * remainder, width)
    else:
        above, below = SLOPES.get(table.activation, (0.0, 0.0))
        unit = power(table.state_exponent - table.payload_exponent + table.fraction_bits + table.index_bits)
        p = entries[-1] + Fraction(half_up(Fraction(-below if z < 0 else above) * unit) * (q - n_cells * width), width)
    sign = -1 if table.activation in ODD and z < 0 else 1
    return clipped(half_up(sign * p / 2**table.fraction_bits), table.payload_bits)


@dataclass
class Run:
    """Everything that a run computed, as nested lists and plain numbers."""

    membrane: dict[tuple[str, int, int], list[float]] = field(default_factory=dict)
    """(layer, sample, step) → m[t] after the reset, one per neuron."""
    fired: dict[tuple[str, int, int], list[bool]] = field(default_factory=dict)
    payload: dict[tuple[str, int, int], list[float]] = field(default_factory=dict)
    emitted: dict[tuple[int, int], list[float]] = field(default_factory=dict)
    """(sample, step) → z of the read-out."""
    outputs: list[list[float]] = field(default_factory=list)
    """u, physical, one row per sample."""
    nearest: float = math.inf
    """Smallest distance of a membrane from its threshold."""
    saturated: dict[str, int] = field(default_factory=dict)
    """`input`, `output`, `<layer>.drive`, `<layer>.membrane`, `<layer>.payload` → how many."""

    def count(self, what: str, n: int) -> None:
        self.saturated[what] = self.saturated.get(what, 0) + n


def reaches(m: float, theta: float, polarity: Polarity) -> float:
    """By how much m reaches theta; it fires at zero and above."""
    return (abs(m) if polarity is Polarity.BOTH else m) - theta


def host_input(network: NetworkSpec, point: FloatArray) -> list[float]:
    """The normalised input of one point."""
    transform = network.input_transform
    return [float(s) * float(x) + float(o) for s, x, o in zip(transform.scale, point, transform.offset, strict=True)]


def host_output(network: NetworkSpec, point: FloatArray, readout: list[float]) -> list[float]:
    """u of one point from the read-out's mean or last output; fields of the ansatz are evaluated by themselves."""
    transform = network.output_transform
    y = [float(s) * v + float(o) for s, v, o in zip(transform.scale, readout, transform.offset, strict=True)]
    if network.ansatz is None:
        return y
    at = np.array([point])
    g = [float(f.evaluate(at)[0]) for f in network.ansatz.offset]
    d = [float(f.evaluate(at)[0]) for f in network.ansatz.factor]
    return [g[k] + d[k] * y[k] for k in range(len(y))]


def drive(affine: QuantizedAffine, j: int, a: list[int]) -> tuple[int, bool]:
    """z of neuron j: exact product, shift, bias, saturate."""
    product = sum(int(w) * value for w, value in zip(affine.weight[j], a, strict=True))
    left = int(affine.weight_exponent[j]) + affine.input_exponent - affine.state_exponent
    return clipped(half_up(product * power(left)) + int(affine.bias[j]), affine.state_bits)


def run_integer(network: QuantizedNetwork, points: FloatArray) -> Run:
    """Run a quantized network, one number at a time."""
    run, source = Run(), network.source
    for i, point in enumerate(points):
        x = []
        for value in host_input(source, point):
            word, over = clipped(half_up(Fraction(value) / power(network.input_exponent)), network.input_bits)
            run.count("input", over)
            x.append(word)
        states = {layer.name: [0] * layer.n_out for layer in network.populations}
        total = [0] * network.n_out
        for t in range(network.n_steps):
            a = x
            for layer in network.populations:
                m, s, sent = [], [], []
                for j in range(layer.n_out):
                    z, over = drive(layer.affine, j, a)
                    run.count(f"{layer.name}.drive", over)
                    mj, over = clipped(leaked(states[layer.name][j], int(layer.beta[j])) + z, layer.affine.state_bits)
                    run.count(f"{layer.name}.membrane", over)
                    fires = reaches(mj, int(layer.theta[j]), layer.polarity) >= 0
                    aj, over = payload(layer.table, z) if fires else (0, False)
                    run.count(f"{layer.name}.payload", over)
                    m.append(0 if fires else mj)
                    s.append(fires)
                    sent.append(aj)
                states[layer.name] = m
                run.membrane[layer.name, i, t], run.fired[layer.name, i, t] = m, s
                run.payload[layer.name, i, t], a = sent, sent
            emitted = []
            for j in range(network.n_out):
                z, over = drive(network.output.affine, j, a)
                run.count("output", over)
                emitted.append(z)
            run.emitted[i, t] = emitted
            total = emitted if network.readout is Readout.LAST else [b + c for b, c in zip(total, emitted, strict=True)]
        divisor = 1 if network.readout is Readout.LAST else network.n_steps
        unit = power(network.output.affine.state_exponent)
        run.outputs.append(host_output(source, point, [float(v * unit / divisor) for v in total]))
    return run


def run_float(network: NetworkSpec, points: FloatArray) -> Run:
    """Run a float network, one number at a time, with exactly rounded sums."""
    run = Run()
    for i, point in enumerate(points):
        x = host_input(network, point)
        states = {layer.name: [0.0] * layer.n_out for layer in network.populations}
        collected: list[list[float]] = []
        for t in range(network.n_steps):
            a = x
            for layer in network.populations:
                m, s, sent = [], [], []
                for j in range(layer.n_out):
                    terms = [float(w) * v for w, v in zip(layer.weight[j], a, strict=True)]
                    z = math.fsum([*terms, float(layer.bias[j])])
                    mj = float(layer.beta[j]) * states[layer.name][j] + z
                    over = reaches(mj, float(layer.theta[j]), layer.polarity)
                    run.nearest = min(run.nearest, abs(over))
                    m.append(0.0 if over >= 0 else mj)
                    s.append(over >= 0)
                    sent.append(PHI[layer.activation](z) if over >= 0 else 0.0)
                states[layer.name] = m
                run.membrane[layer.name, i, t], run.fired[layer.name, i, t] = m, s
                run.payload[layer.name, i, t], a = sent, sent
            rows = zip(network.output.weight, network.output.bias, strict=True)
            emitted = [math.fsum([*(float(w) * v for w, v in zip(row, a, strict=True)), float(b)]) for row, b in rows]
            run.emitted[i, t] = emitted
            collected.append(emitted)
        last = collected[-1]
        mean = [math.fsum(step[k] for step in collected) / network.n_steps for k in range(network.n_out)]
        run.outputs.append(host_output(network, point, last if network.readout is Readout.LAST else mean))
    return run
