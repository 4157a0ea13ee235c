"""Torch as a backend: the graph walked with torch's functions, by the equations that training uses.

The transforms of the host are computed in float64; everything between them in torch, in the type that is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from ...base.arrays import FloatArray
from ...engine.host import decode_floats
from ...engine.reference import run_arithmetic
from ...engine.trace import NO_PROBE, Backend, Probe, RunTrace
from ...engine.walk import NodeStep
from ...network.nodes import NodeSpec, OutputSpec, ProductSpec
from ...network.spec import NetworkSpec
from ..neuron.activations import torch_activation
from ..neuron.surrogates import fired_mask
from ..neuron.unrolled import integrate, reset


@torch.no_grad()
def run_torch(
    network: NetworkSpec, points: FloatArray, probe: Probe = NO_PROBE, dtype: torch.dtype = torch.float64
) -> RunTrace:
    """Run a float network by torch and record the run as every backend does.

    Args:
        network: The float network, any graph.
        points: Physical coordinates, shape (n_samples, n_in), finite; (n_samples, n_steps, n_in) where an input is a sequence.
        probe: What to record in full.
        dtype: Type of weights, states and sums; values are recorded in float64.

    Raises:
        SpecError: If the points do not fit the network.
    """
    affine = [node for node in (*network.nodes, network.output) if not isinstance(node, ProductSpec)]
    tensors = {node.name: [torch.as_tensor(array, dtype=dtype) for array in _arrays(node)] for node in affine}

    def encode(block: FloatArray) -> tuple[FloatArray, int]:
        return network.input_transform.apply(block), 0

    arithmetic = partial(TorchArithmetic, dtype, tensors)
    return run_arithmetic(network, points, probe, Backend.TORCH, encode, arithmetic, partial(decode_floats, network))


def _arrays(node: NodeSpec | OutputSpec) -> list[FloatArray]:
    """Return the bias of a node, leak and threshold where it has them, and the weights of its connections."""
    assert not isinstance(node, ProductSpec)
    states = [] if isinstance(node, OutputSpec) else [node.beta, node.theta]
    return [np.array(each) for each in (node.bias, *states, *(each.weight for each in node.connections))]


class TorchArithmetic:
    """Numbers of torch, for samples in rows; between the nodes they are arrays in float64, which hold them exactly."""

    def __init__(self, dtype: torch.dtype, tensors: Mapping[str, Sequence[Tensor]], n_samples: int) -> None:
        self.dtype, self.tensors, self.n_samples = dtype, tensors, n_samples

    def silence(self, width: int) -> FloatArray:
        """Return zeros of shape (n_samples, width)."""
        return np.zeros((self.n_samples, width))

    def step(self, node: NodeSpec | OutputSpec, membrane: FloatArray, received: Sequence[FloatArray]) -> NodeStep:
        """Compute one step of a node."""
        given = [torch.as_tensor(each, dtype=self.dtype) for each in received]
        if isinstance(node, ProductSpec):
            product = _array(given[0] * given[1])
            return NodeStep(received, product, product)
        bias, *rest = self.tensors[node.name]
        weights = rest if isinstance(node, OutputSpec) else rest[2:]
        z = nn.functional.linear(given[0], weights[0], bias)
        for weight, a in zip(weights[1:], given[1:], strict=True):
            z = z + nn.functional.linear(a, weight)
        if isinstance(node, OutputSpec):
            return NodeStep(received, _array(z), _array(z))
        beta, theta = rest[:2]
        m = integrate(z, torch.as_tensor(membrane, dtype=self.dtype), beta)
        s = fired_mask(m, theta, node.polarity)
        payload = torch_activation(node.activation).value(z, torch.tanh)[0] * s
        return NodeStep(received, _array(z), _array(payload), _array(m), _array(s) != 0.0, _array(reset(m, s)))


def _array(tensor: Tensor) -> FloatArray:
    array: FloatArray = tensor.double().numpy()
    return array
