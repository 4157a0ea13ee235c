"""The two numpy engines that define what a network computes: float64, and integers.

They follow the equations of `network/nodes.py` and `network/quantized_nodes.py` literally, through the walk of `walk.py`. All
faster implementations are compared with them, integers bit for bit. Samples are processed in blocks, which bounds the memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from ..base.arrays import BoolArray, FloatArray, IntArray, Record
from ..base.errors import SpecError
from ..network.activations import find_activation
from ..network.given_networks import checked_network
from ..network.integers import IntFormat, leaked, saturate, shift_half_up
from ..network.nodes import NodeSpec, OutputSpec, Polarity, PopulationSpec, ProductSpec
from ..network.phi_table import look_up
from ..network.quantized import Network, QuantizedNetwork
from ..network.quantized_nodes import (
    QuantizedAffine,
    QuantizedNode,
    QuantizedOutput,
    QuantizedProduct,
)
from ..network.spec import NetworkSpec
from .host import decode_floats, decode_integers, encode_points
from .recording import run_observed
from .state import RunState
from .trace import NO_PROBE, Backend, NumberArray, Probe, RunTrace
from .walk import Arithmetic, NodeStep, Observer, WalkState, walk


def float_drive(node: PopulationSpec | OutputSpec, received: Sequence[FloatArray]) -> FloatArray:
    """Compute z = sum of W_c a_c + b, shape (n_samples, n_out)."""
    total: FloatArray = node.bias
    for each, a in zip(node.connections, received, strict=True):
        total = a @ each.weight.T + total
    return total


def step_float(node: NodeSpec | OutputSpec, membrane: FloatArray, received: Sequence[FloatArray]) -> NodeStep:
    """Compute one time step of a float node: the equations of `network/nodes.py`.

    Args:
        node: The node with its parameters.
        membrane: m[t-1] after its reset, shape (n_samples, n_out); None for products and read-outs.
        received: Payloads of each connection, or both factors, shape (n_samples, n_source) each.
    """
    if isinstance(node, ProductSpec):
        product = received[0] * received[1]
        return NodeStep(received, product, product)
    z = float_drive(node, received)
    if isinstance(node, OutputSpec):
        return NodeStep(received, z, z)
    m = node.beta * membrane + z
    fired = fires(m, node.theta, node.polarity)
    payload = find_activation(node.activation).phi(np.where(fired, z, 0.0))
    return NodeStep(received, z, payload, m, fired, np.where(fired, 0.0, m))


def step_integer(node: QuantizedNode | QuantizedOutput, membrane: IntArray, received: Sequence[IntArray]) -> NodeStep:
    """Compute one time step of an integer node: the equations of `network/quantized_nodes.py`.

    Args:
        node: The node with its parameters.
        membrane: m[t-1] after its reset, shape (n_samples, n_out); None for products and read-outs.
        received: Payloads of each connection, or both factors, shape (n_samples, n_source) each.
    """
    if isinstance(node, QuantizedProduct):
        product = received[0] * received[1]
        payload, n_payload = saturate(shift_half_up(product, node.shift), IntFormat(bits=node.sends.bits))
        return NodeStep(received, product, payload, saturated=(0, 0, n_payload))
    z, n_drive = integer_drive(node.affine, received)
    if isinstance(node, QuantizedOutput):
        return NodeStep(received, z, z, saturated=(n_drive, 0, 0))
    m, n_membrane = saturate(leaked(membrane, node.beta) + z, IntFormat(bits=node.affine.state_bits))
    fired = fires(m, node.theta, node.polarity)
    payload, n_payload = look_up(node.table, np.where(fired, z, 0))
    return NodeStep(received, z, payload, m, fired, np.where(fired, 0, m), (n_drive, n_membrane, n_payload))


def fires(membrane: NumberArray, theta: NumberArray, polarity: Polarity) -> BoolArray:
    """Return which membranes fire: those at the threshold, too."""
    reached = np.abs(membrane) if polarity is Polarity.BOTH else membrane
    return np.asarray(reached >= theta)


def integer_drive(affine: QuantizedAffine, received: Sequence[IntArray]) -> tuple[IntArray, int]:
    """Compute z = saturate(sum of shift(W_c a_c, left_c) + bias), (n_samples, n_out), and the number of saturated entries."""
    total = affine.bias
    for each, left, a in zip(affine.connections, affine.lefts, received, strict=True):
        total = shift_half_up(a @ each.weight.T, left) + total
    return saturate(total, IntFormat(bits=affine.state_bits))


@dataclass(frozen=True, slots=True)
class FloatArithmetic(Record):
    """Numbers of the float engine, for samples in rows."""

    n_samples: int
    """Number of samples, the rows of all arrays."""

    def silence(self, width: int) -> FloatArray:
        """Return zeros of shape (n_samples, width)."""
        return np.zeros((self.n_samples, width))

    def step(self, node: NodeSpec | OutputSpec, membrane: FloatArray, received: Sequence[FloatArray]) -> NodeStep:
        """Compute one step of a node.

        A BLAS may add in another order where rows do not follow each other in memory, as those of a step within a sequence:
        then a sequence in parts would differ from the whole in the last bit.
        """
        return step_float(node, membrane, [np.ascontiguousarray(a) for a in received])


@dataclass(frozen=True, slots=True)
class IntegerArithmetic(Record):
    """Numbers of the integer engine, for samples in rows."""

    n_samples: int
    """Number of samples, the rows of all arrays."""

    def silence(self, width: int) -> IntArray:
        """Return zeros of shape (n_samples, width)."""
        return np.zeros((self.n_samples, width), dtype=np.int64)

    def step(self, node: QuantizedNode | QuantizedOutput, membrane: IntArray, received: Sequence[IntArray]) -> NodeStep:
        """Compute one step of a node."""
        return step_integer(node, membrane, received)


def constant_inputs(network: Network, x: NumberArray) -> Callable[[int], Mapping[str, NumberArray]]:
    """Return the values of every input by name, for each step.

    Args:
        network: Float or quantized.
        x: Values in the network's own numbers, (n_samples, n_in) or, with a row for each step, (n_samples, n_steps, n_in).
    """
    parts = network.split_inputs(x)
    return lambda t: {name: part[:, t] if part.ndim == 3 else part for name, part in parts.items()}


def run_float(
    network: NetworkSpec, points: FloatArray, probe: Probe = NO_PROBE, state: RunState | None = None
) -> RunTrace:
    """Run a float network on points.

    Args:
        network: The float network.
        points: Physical coordinates, shape (n_samples, n_in), finite; (n_samples, n_steps, n_in) where an input is a sequence.
        probe: What to record in full.
        state: Where an earlier part of the sequences has ended (`RunState.begin` before the first part). The run continues
            there, without mask or reset, and its trace has the state in which it ends; outputs and their mean are those of
            this part. None begins anew.

    Raises:
        SpecError: If the points or the state do not fit the network, or if the network is a quantized one.
    """
    held = checked_network(network, "run_float.network")
    if isinstance(held, QuantizedNetwork):
        repair = "Run its source, `network.source`, or the integers by `run_integer`."
        raise SpecError("run_float.network", "be a float network", type(held).__name__, repair)

    def encode(block: FloatArray) -> tuple[NumberArray, int]:
        return network.input_transform.apply(block), 0

    decode = partial(decode_floats, network)
    return run_arithmetic(network, points, probe, Backend.FLOAT, encode, FloatArithmetic, decode, state)


def run_integer(
    network: Network, points: FloatArray, probe: Probe = NO_PROBE, state: RunState | None = None
) -> RunTrace:
    """Run a quantized network on points, in integers.

    Args:
        network: The quantized network.
        points: Physical coordinates, shape (n_samples, n_in), finite; (n_samples, n_steps, n_in) where an input is a sequence.
        probe: What to record in full.
        state: Where an earlier part of the sequences has ended (`RunState.begin` before the first part). The run continues
            there, without mask or reset, and its trace has the state in which it ends; outputs and their mean are those of
            this part. None begins anew.

    Raises:
        SpecError: If the points or the state do not fit the network, or if it is a float network.
    """
    held = checked_network(network, "run_integer.network")
    if not isinstance(held, QuantizedNetwork):
        repair = "Quantize it first: `neuropinn-lava convert`, or `neuropinn_lava.convert`."
        raise SpecError("run_integer.network", "be a quantized network", type(held).__name__, repair)
    encode, decode = partial(encode_points, held), partial(decode_integers, held)
    return run_arithmetic(held, points, probe, Backend.INTEGER, encode, IntegerArithmetic, decode, state)


def run_arithmetic(
    network: Network,
    points: FloatArray,
    probe: Probe,
    backend: Backend,
    encode: Callable[[FloatArray], tuple[NumberArray, int]],
    arithmetic: Callable[[int], Arithmetic],
    decode: Callable[[FloatArray, NumberArray], FloatArray],
    state: RunState | None = None,
) -> RunTrace:
    """Walk a network block by block in any arithmetic; the first block is long enough to hold all probed samples.

    Args:
        network: Float or quantized.
        points: Physical coordinates, unchecked.
        probe: What to record in full.
        backend: Name of the run.
        encode: Function from points to the network's own numbers, and how many of them saturated.
        arithmetic: Function from a number of samples to the arithmetic.
        decode: Function from points and read-out to physical outputs.
        state: Where an earlier part of the sequences has ended; None begins anew and keeps none.
    """

    def advance(x: NumberArray, n_steps: int, see: Observer, before: WalkState) -> WalkState:
        """Walk one block from its inputs in the network's own numbers."""
        return walk(network, constant_inputs(network, x), n_steps, arithmetic(len(x)), see, before)

    return run_observed(network, points, probe, backend, encode, advance, decode, state)
