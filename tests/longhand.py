"""Slow, literal versions of the contract, in Python integers and fractions: what everything faster is compared with.

They are written from the equations in the docstrings of `integers`, `phi_table`, `nodes` and `quantized_nodes`, one neuron, one
step and sample at a time, and share no arithmetic with the package: they only read its records. `import longhand`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from neuropinn_lava.base.arrays import FloatArray
from neuropinn_lava.network.nodes import OutputSpec, Polarity, PopulationSpec, ProductSpec
from neuropinn_lava.network.phi_table import PhiTable
from neuropinn_lava.network.quantized import QuantizedNetwork
from neuropinn_lava.network.quantized_nodes import QuantizedAffine, QuantizedProduct
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
    """phi of one z by the equations of `phi_table.py`, saturated, and whether that changed it."""
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
    """(node, sample, step) → m[t] after the reset, one per neuron."""
    fired: dict[tuple[str, int, int], list[bool]] = field(default_factory=dict)
    payload: dict[tuple[str, int, int], list[float]] = field(default_factory=dict)
    emitted: dict[tuple[int, int], list[float]] = field(default_factory=dict)
    """(sample, step) → z of the read-out."""
    outputs: list[Any] = field(default_factory=list)
    """u, physical, one row per sample, or one per sample and step."""
    nearest: float = math.inf
    """Smallest distance of a membrane from its threshold."""
    saturated: dict[str, int] = field(default_factory=dict)
    """`input`, `output`, `<node>.drive`, `<node>.membrane`, `<node>.payload` → how many."""

    def count(self, what: str, n: int) -> None:
        self.saturated[what] = self.saturated.get(what, 0) + n


def reaches(m: float, theta: float, polarity: Polarity) -> float:
    """By how much m reaches theta; it fires at zero and above."""
    return (abs(m) if polarity is Polarity.BOTH else m) - theta


def host_input(network: NetworkSpec, point: FloatArray) -> list[float]:
    """The normalised input of one point, the columns of all inputs."""
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


def rows_of(points: FloatArray, sample: int, step: int) -> FloatArray:
    """The coordinates of a sample at a step."""
    row: FloatArray = points[sample, step] if points.ndim == 3 else points[sample]
    return row


def split_inputs(network: NetworkSpec, x: list[Any]) -> dict[str, list[Any]]:
    """The components of every input by name."""
    parts, at = {}, 0
    for each in network.inputs:
        parts[each.name] = x[at : at + each.width]
        at += each.width
    return parts


def received(history: list[dict[str, list[Any]]], source: str, delay: int, width: int) -> list[Any]:
    """What a source sent `delay` steps before the last entry of the history, zeros before the first."""
    return history[-1 - delay][source] if delay < len(history) else [0] * width


def drive(affine: QuantizedAffine, j: int, a: list[list[int]]) -> tuple[int, bool]:
    """z of neuron j from what each connection receives: exact products, shifts, bias, saturate."""
    total = int(affine.bias[j])
    for each, values in zip(affine.connections, a, strict=True):
        product = sum(int(w) * value for w, value in zip(each.weight[j], values, strict=True))
        left = int(each.weight_exponent[j]) + each.input_exponent - affine.state_exponent
        total += half_up(product * power(left))
    return clipped(total, affine.state_bits)


def encoded(network: QuantizedNetwork, point: FloatArray, run: Run) -> list[int]:
    """The input integers of one point, each in the word of its input."""
    x = []
    values = iter(host_input(network.source, point))
    for each, word in zip(network.inputs, network.input_words, strict=True):
        for _ in range(each.width):
            held, over = clipped(half_up(Fraction(next(values)) / power(word.exponent)), word.bits)
            run.count("input", over)
            x.append(held)
    return x


def run_integer(network: QuantizedNetwork, points: FloatArray) -> Run:
    """Run a quantized network, one number at a time."""
    run, source, n_steps = Run(), network.source, network.n_steps or points.shape[1]
    widths = source.source_widths
    for i in range(len(points)):
        if points.ndim == 2:
            constant = encoded(network, points[i], run)
        states = {node.name: [0] * node.n_out for node in network.nodes}
        history: list[dict[str, list[Any]]] = []
        collected: list[list[int]] = []
        for t in range(n_steps):
            x = constant if points.ndim == 2 else encoded(network, points[i, t], run)
            history.append(split_inputs(source, x))
            for node in network.nodes:
                a = [received(history, name, delay, widths[name]) for name, delay in node.edges]
                m, s, sent = [], [], []
                for j in range(node.n_out):
                    if isinstance(node, QuantizedProduct):
                        shift = node.left_word.exponent + node.right_word.exponent - node.sends.exponent
                        aj, over = clipped(half_up(a[0][j] * a[1][j] * power(shift)), node.sends.bits)
                        mj, fires = 0, False
                    else:
                        z, over = drive(node.affine, j, a)
                        run.count(f"{node.name}.drive", over)
                        mj, over = clipped(leaked(states[node.name][j], int(node.beta[j])) + z, node.affine.state_bits)
                        run.count(f"{node.name}.membrane", over)
                        fires = reaches(mj, int(node.theta[j]), node.polarity) >= 0
                        aj, over = payload(node.table, z) if fires else (0, False)
                    run.count(f"{node.name}.payload", over)
                    m.append(0 if fires else mj)
                    s.append(fires)
                    sent.append(aj)
                states[node.name] = m
                run.membrane[node.name, i, t], run.fired[node.name, i, t] = m, s
                run.payload[node.name, i, t] = history[-1][node.name] = sent
            a = [received(history, name, delay, widths[name]) for name, delay in network.output.edges]
            emitted = []
            for j in range(network.n_out):
                z, over = drive(network.output.affine, j, a)
                run.count("output", over)
                emitted.append(z)
            run.emitted[i, t] = emitted
            collected.append(emitted)
        unit = power(network.output.affine.state_exponent)
        exact = [[v * unit for v in step] for step in collected]
        run.outputs.append(reduced(source, rows_of(points, i, 0), exact))
    return run


def reduced(network: NetworkSpec, point: FloatArray, steps: list[list[Any]]) -> Any:
    """The outputs of one sample, physical: of every step, of the last one, or their mean."""
    if network.readout is Readout.EVERY:
        return [host_output(network, point, [float(v) for v in step]) for step in steps]
    last = [float(v) for v in steps[-1]]
    if network.readout is Readout.LAST:
        return host_output(network, point, last)
    n = len(steps)
    exact = isinstance(steps[0][0], Fraction)
    mean = [
        float(sum(step[k] for step in steps) / n) if exact else math.fsum(step[k] for step in steps) / n
        for k in range(len(last))
    ]
    return host_output(network, point, mean)


def run_float(network: NetworkSpec, points: FloatArray) -> Run:
    """Run a float network, one number at a time, with exactly rounded sums."""
    run, n_steps, widths = Run(), network.n_steps or points.shape[1], network.source_widths
    for i in range(len(points)):
        states = {node.name: [0.0] * node.n_out for node in network.nodes}
        history: list[dict[str, list[Any]]] = []
        collected: list[list[float]] = []
        for t in range(n_steps):
            history.append(split_inputs(network, host_input(network, rows_of(points, i, t))))
            for node in network.nodes:
                a = [received(history, name, delay, widths[name]) for name, delay in node.edges]
                m, s, sent = [], [], []
                for j in range(node.n_out):
                    if isinstance(node, ProductSpec):
                        m.append(0.0)
                        s.append(False)
                        sent.append(a[0][j] * a[1][j])
                        continue
                    z = float_drive(node, j, a)
                    mj = float(node.beta[j]) * states[node.name][j] + z
                    over = reaches(mj, float(node.theta[j]), node.polarity)
                    run.nearest = min(run.nearest, abs(over))
                    m.append(0.0 if over >= 0 else mj)
                    s.append(over >= 0)
                    sent.append(PHI[node.activation](z) if over >= 0 else 0.0)
                states[node.name] = m
                run.membrane[node.name, i, t], run.fired[node.name, i, t] = m, s
                run.payload[node.name, i, t] = history[-1][node.name] = sent
            a = [received(history, name, delay, widths[name]) for name, delay in network.output.edges]
            emitted = [float_drive(network.output, j, a) for j in range(network.n_out)]
            run.emitted[i, t] = emitted
            collected.append(emitted)
        run.outputs.append(reduced(network, rows_of(points, i, 0), collected))
    return run


def float_drive(node: PopulationSpec | OutputSpec, j: int, a: list[list[float]]) -> float:
    """z of neuron j, its sum rounded once."""
    terms = [
        float(w) * v
        for each, values in zip(node.connections, a, strict=True)
        for w, v in zip(each.weight[j], values, strict=True)
    ]
    return math.fsum([*terms, float(node.bias[j])])
