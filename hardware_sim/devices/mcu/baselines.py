"""What a spiking network is compared with on a microcontroller: dense networks of the same widths, in int8 and in float32.

    int8      sum = W x + b in int32;   y = table[clip(sum >> shift)]          tanh from a table of 256 entries
    float32   y = tanhf(W x + b)                                               as written, with the compiler's library

Both have the weights of the float network that the spiking one came from, and tanh in place of its neurons: they cost what a
dense network costs, and solve nothing. Their C is written plainly, like the generated one. On a Cortex-M4 int8 has a second
form, which multiplies with SIMD instructions as CMSIS-NN does: what a dense network costs with a tuned kernel.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....base.arrays import ArrayRecord, FloatArray
from ....base.errors import SpecError
from ....network.nodes import OutputSpec, PopulationSpec
from ....network.spec import NetworkSpec
from ..c99.code.filling import fill
from .metering import Program
from .toolchain import TEMPLATES, SourceFile

HIGHEST = 127
"""Largest int8 that has a negative one beside it."""
UNIT_BITS = 7
"""log2 of what stands for 1 in an int8 payload: 128."""
INDEX_BITS = 5
"""log2 of the table's entries for a unit of z: 256 entries reach from -4 to 4."""


class Int8Kernel(str, Enum):
    """How an int8 network multiplies, as the name of its template."""

    PLAIN = "int8_dense.c"
    """One weight after the other, in plain C."""
    SIMD = "int8_simd.c"
    """Two neurons and four weights at once, on a Cortex-M4."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DenseLayers(ArrayRecord):
    """A dense network: for each layer weights and biases, in the numbers that it computes in."""

    weights: tuple[NDArray[Any], ...]
    """Weights, shape (n_out, n_in) each."""
    biases: tuple[NDArray[Any], ...]
    """Biases, shape (n_out,) each, in units of the sums."""
    shifts: tuple[int, ...]
    """Shift of each hidden layer's sum to the right, which gives the table's index; empty of floats."""

    def __post_init__(self) -> None:
        for weight, bias in zip(self.weights, self.biases, strict=True):
            weight.setflags(write=False)
            bias.setflags(write=False)


def float_layers(network: NetworkSpec) -> DenseLayers:
    """Return the weights and biases of a chain in float32.

    Raises:
        SpecError: If the network is no chain of populations.
    """
    if not network.is_chain:
        repair = "Compare a chain, such as a shipped `poisson`."
        raise SpecError(
            f"Network {network.name!r}", "be a chain of populations to have a dense twin", "a graph", repair
        )
    affines: tuple[PopulationSpec | OutputSpec, ...] = (*network.populations, network.output)
    return DenseLayers(
        weights=tuple(each.connections[0].weight.astype(np.float32) for each in affines),
        biases=tuple(each.bias.astype(np.float32) for each in affines),
        shifts=(),
    )


def int8_layers(network: NetworkSpec) -> DenseLayers:
    """Return the weights and biases of a chain in int8 and int32, each layer with the finest power of two as its scale."""
    layers = float_layers(network)
    exponents = [int(np.ceil(np.log2(np.abs(weight).max() / HIGHEST))) for weight in layers.weights]
    scaled = zip(layers.weights, layers.biases, exponents, strict=True)
    pairs = [(np.rint(np.ldexp(w, -e)), np.rint(np.ldexp(b.astype(float), UNIT_BITS - e))) for w, b, e in scaled]
    return DenseLayers(
        weights=tuple(weight.astype(np.int8) for weight, _ in pairs),
        biases=tuple(bias.astype(np.int32) for _, bias in pairs),
        shifts=tuple(UNIT_BITS - INDEX_BITS - e for e in exponents[:-1]),
    )


def tanh_table() -> NDArray[np.int8]:
    """Return tanh in int8 at the middle of each of the 256 cells from -4 to 4."""
    z = np.ldexp(np.arange(-128, 128) + 0.5, -INDEX_BITS)
    table: NDArray[np.int8] = np.clip(np.rint(np.tanh(z) * (1 << UNIT_BITS)), -HIGHEST, HIGHEST).astype(np.int8)
    return table


def run_int8(layers: DenseLayers, words: NDArray[Any]) -> NDArray[np.int32]:
    """Compute the sums (n_points, n_out) of the int8 network from words (n_points, n_in), as its C does."""
    x, table = words.astype(np.int64), tanh_table().astype(np.int64)
    for weight, bias, shift in zip(layers.weights, layers.biases, layers.shifts, strict=False):
        z = (x @ weight.T.astype(np.int64) + bias) >> shift
        x = table[np.clip(z, -128, 127) + 128]
    sums: NDArray[np.int32] = (x @ layers.weights[-1].T.astype(np.int64) + layers.biases[-1]).astype(np.int32)
    return sums


def run_float32(layers: DenseLayers, words: FloatArray) -> FloatArray:
    """Compute the outputs (n_points, n_out) of the float network from inputs (n_points, n_in), in float64."""
    x = words.astype(np.float64)
    for weight, bias in zip(layers.weights[:-1], layers.biases[:-1], strict=True):
        x = np.tanh(x @ weight.T.astype(np.float64) + bias)
    outputs: FloatArray = x @ layers.weights[-1].T.astype(np.float64) + layers.biases[-1]
    return outputs


def int8_words(network: NetworkSpec, points: FloatArray) -> NDArray[np.int8]:
    """Convert physical points (n_points, n_in) to int8 inputs."""
    x = np.rint(np.ldexp(network.input_transform.apply(points), UNIT_BITS))
    words: NDArray[np.int8] = np.clip(x, -HIGHEST, HIGHEST).astype(np.int8)
    return words


def int8_program(layers: DenseLayers, kernel: Int8Kernel) -> Program:
    """Write the C of the int8 network, with one of its two kernels."""
    tables = [f"static const int8_t tanh_table[256] = {{{_numbers(tanh_table())}}};"]
    return _program(layers, kernel.value, tables, ("int8_t", "int32_t"), (np.int8, np.int32))


def float32_program(layers: DenseLayers) -> Program:
    """Write the C of the float network."""
    return _program(layers, "float_dense.c", [], ("float", "float"), (np.float32, np.float32))


def _program(
    layers: DenseLayers, template: str, tables: list[str], c_types: tuple[str, str], types: tuple[Any, Any]
) -> Program:
    """Fill a template with a network."""
    calls = []
    for k, (weight, bias) in enumerate(zip(layers.weights, layers.biases, strict=True)):
        for name, values, c_type in (("weight", weight, c_types[0]), ("bias", bias, c_types[1])):
            tables.append(f"static const {c_type} {name}{k}[{values.size}] = {{{_numbers(values)}}};")
        x = f"payload[{(k - 1) % 2}]" if k else "nl_emulated_words"
        shift = f" {layers.shifts[k]}u," if k < len(layers.shifts) else ""
        n_out, n_in = weight.shape
        calls.append(f"    layer(weight{k}, bias{k},{shift} {x}, payload[{k % 2}], {n_in}u, {n_out}u);")
    last = len(calls) - 1
    holes = {
        "tables": "\n".join(tables),
        "layers": "\n".join(calls[:-1]),
        "n_in": layers.weights[0].shape[1],
        "n_out": layers.weights[-1].shape[0],
        "widest": max(len(weight) for weight in layers.weights),
        "last": last,
        "n_last": layers.weights[-1].shape[1],
        "payload": f"payload[{(last - 1) % 2}]" if last else "nl_emulated_words",
    }
    source = fill(template, {name: str(value) for name, value in holes.items()}, TEMPLATES)
    return Program(
        sources=(SourceFile(template, source),),
        words=types[0],
        sums=types[1],
        n_out=layers.weights[-1].shape[0],
        parts={},
        needs_libm=types[0] is np.float32,
    )


def _numbers(values: NDArray[Any]) -> str:
    """Write numbers as C constants; floats with all their digits."""
    if np.issubdtype(values.dtype, np.floating):
        return ", ".join(f"{float(value):.9e}f" for value in values.ravel())
    return ", ".join(str(value) for value in values.ravel().tolist())
