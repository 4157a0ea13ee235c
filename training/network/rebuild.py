"""The inverse of export: a torch module from the record of a float network, for further training."""

from __future__ import annotations

import torch
from torch import nn

from ...base.errors import SpecError
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
        repair = "Keep the module that it was read from."
        got = "sequences" if network.is_chain else "a graph"
        raise SpecError(f"rebuild_network: network {network.name!r}", "be a chain of populations", got, repair)
    layers: list[nn.Module] = []
    for layer in network.populations:
        layers += [_linear(layer, dtype), _vsn(layer, dtype)]
    layers.append(_linear(network.output, dtype))
    return VsnNetwork(nn.Sequential(*layers), network.n_steps, network.readout)


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
