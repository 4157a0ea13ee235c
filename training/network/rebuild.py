"""The inverse of export: a torch module from the record of a float network, for parity and for further training."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from ...base.arrays import FloatArray
from ...base.errors import SpecError
from ...base.points import checked_points
from ...network.nodes import OutputSpec, PopulationSpec
from ...network.spec import NetworkSpec
from ..neuron.vsn import VSN
from .network import VsnNetwork


def rebuild_network(network: NetworkSpec, dtype: torch.dtype = torch.float64) -> VsnNetwork:
    """Build the torch module of a chain of populations; exporting it returns the same record, to the rounding of `dtype`.

    Raises:
        SpecError: If the network is no chain, or reads sequences.
    """
    if not network.is_chain or network.n_steps is None:
        mend = "Keep the module that it was read from."
        got = "sequences" if network.is_chain else "a graph"
        raise SpecError(f"rebuild_network: network {network.name!r}", "be a chain of populations", got, mend)
    layers: list[nn.Module] = []
    for layer in network.populations:
        layers += [_linear(layer, dtype), _vsn(layer, dtype)]
    layers.append(_linear(network.output, dtype))
    return VsnNetwork(nn.Sequential(*layers), network.n_steps, network.readout)


def run_torch(network: NetworkSpec, points: FloatArray, dtype: torch.dtype = torch.float64) -> FloatArray:
    """Evaluate a float network by torch in `dtype`; the host's transforms stay in float64.

    Args:
        network: Record of a float network.
        points: Physical coordinates, shape (n_samples, n_in).
        dtype: Type of weights, states and sums.

    Returns:
        u in physical units, shape (n_samples, n_out), float64.
    """
    held = checked_points(points, network.n_in, f"run_torch: points of network {network.name!r}")
    module = rebuild_network(network, dtype)
    with torch.no_grad():
        output = module(torch.as_tensor(network.input_transform.apply(held), dtype=dtype))
    return network.restored(held, output.numpy().astype(np.float64))


def _linear(layer: PopulationSpec | OutputSpec, dtype: torch.dtype) -> nn.Linear:
    linear = nn.utils.skip_init(nn.Linear, layer.n_in, layer.n_out, dtype=dtype)
    with torch.no_grad():
        linear.weight.copy_(torch.tensor(layer.weight))
        linear.bias.copy_(torch.tensor(layer.bias))
    return linear


def _vsn(layer: PopulationSpec, dtype: torch.dtype) -> VSN:
    return VSN(
        layer.n_out,
        activation=layer.activation,
        beta=torch.tensor(layer.beta),
        theta=torch.tensor(layer.theta),
        polarity=layer.polarity,
        dtype=dtype,
    )
