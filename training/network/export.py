"""Export: the conversion of a trained torch module to the float record of the core.

    spec = export_network(torch.nn.Sequential(Linear(2, 50), VSN(50), Linear(50, 1)), n_steps=2)

Only Linear and VSN layers can be deployed; any other layer is refused, with what could replace it. The record is compared with
the module before it is returned (`import_check.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor, nn

from ...base.arrays import FloatArray
from ...base.errors import SpecError
from ...network.nodes import ConnectionSpec, InputSpec, OutputSpec, PopulationSpec
from ...network.spec import NetworkSpec, Provenance, Readout
from ...network.transforms import AffineTransform, Ansatz
from ..neuron.vsn import VSN
from .import_check import check_import, evaluation_copy
from .network import VsnNetwork


def export_network(
    module: nn.Module,
    *,
    name: str = "network",
    n_steps: int | None = None,
    readout: Readout | str | None = None,
    input_transform: AffineTransform | None = None,
    output_transform: AffineTransform | None = None,
    ansatz: Ansatz | None = None,
    lower: Sequence[float] | FloatArray | None = None,
    upper: Sequence[float] | FloatArray | None = None,
    provenance: Provenance | None = None,
) -> NetworkSpec:
    """Convert a torch module to a float64 record.

    Args:
        module: A `VsnNetwork`, or a `torch.nn.Sequential` of Linear, VSN, …, Linear.
        name: Name of the network in reports.
        n_steps: Number of steps T of a Sequential, 1 if not given; a `VsnNetwork` has its own.
        readout: Rule that combines the T outputs of a Sequential, the mean if not given; a `VsnNetwork` has its own.
        input_transform: Transform of the points that the host computes before the module; the identity if not given.
        output_transform: Transform of the outputs that the host computes after the module; the identity if not given.
        ansatz: Conditions that the host builds around the output.
        lower: Lower corner of the box of points that the network is for, shape (n_in,); if neither corner is given, the box
            that the input transform maps to [-1, 1]^n_in.
        upper: Upper corner of that box, shape (n_in,).
        provenance: Origin of the network.

    Raises:
        SpecError: If a layer cannot be deployed, widths disagree, a number is not finite or out of range, or T or read-out
            contradict those of a `VsnNetwork`; if a layer has hooks, or the module computes something else than the record.
    """
    given = _as_network(module, n_steps, readout)
    network = evaluation_copy(given)
    assert isinstance(network, VsnNetwork)
    *linears, output = network.linear_layers
    names = ["input", *(f"hidden{i}" for i in range(1, len(linears) + 1))]
    layers = zip(names[1:], names, linears, network.vsn_layers, strict=False)
    inputs = input_transform or AffineTransform.identity(linears[0].in_features)
    low, high = box_of(inputs, lower, upper)
    spec = NetworkSpec(
        name=name,
        inputs=(InputSpec(width=linears[0].in_features),),
        nodes=tuple(_population(*layer) for layer in layers),
        output=OutputSpec(connections=_connection(names[-1], output), bias=_bias(output)),
        n_steps=network.n_steps,
        readout=network.readout,
        input_transform=inputs,
        output_transform=output_transform or AffineTransform.identity(output.out_features),
        ansatz=ansatz,
        lower=low,
        upper=high,
        provenance=provenance or Provenance(),
    )
    check_import(given, spec)
    return spec


def _as_network(module: nn.Module, n_steps: int | None, readout: Readout | str | None) -> VsnNetwork:
    """Return a VsnNetwork as it is, or wrap a Sequential, which checks its layers."""
    if isinstance(module, VsnNetwork):
        for name, wanted, held in (("n_steps", n_steps, module.n_steps), ("readout", readout, module.readout)):
            if wanted is not None and wanted != held:
                repair = f"Leave {name} out, or build the VsnNetwork with it."
                raise SpecError(f"from_torch.{name}", f"be {held}, as the module has", wanted, repair)
        return module
    if not isinstance(module, nn.Sequential):
        repair = "Give the torch.nn.Sequential of its Linear and VSN layers."
        raise SpecError(
            "export_network.module", "be a VsnNetwork or a torch.nn.Sequential", type(module).__name__, repair
        )
    return VsnNetwork(module, n_steps or 1, readout or Readout.MEAN)


def box_of(
    inputs: AffineTransform, lower: Sequence[float] | FloatArray | None, upper: Sequence[float] | FloatArray | None
) -> tuple[FloatArray, FloatArray]:
    """Return the corners of the box of points that a user chose, or of the one that the host maps to [-1, 1]^n_in.

    Raises:
        SpecError: If one corner is given without the other.
    """
    if lower is not None and upper is not None:
        return np.asarray(lower, dtype=np.float64), np.asarray(upper, dtype=np.float64)
    if lower is not None or upper is not None:
        raise SpecError(
            "export_network", "get both corners of the box or neither", (lower, upper), "Give the other one too."
        )
    corners = np.stack([(-1.0 - inputs.offset) / inputs.scale, (1.0 - inputs.offset) / inputs.scale])
    return corners.min(axis=0), corners.max(axis=0)


def _connection(source: str, linear: nn.Linear) -> tuple[ConnectionSpec, ...]:
    return (ConnectionSpec(source=source, weight=_array(linear.weight)),)


def _population(name: str, source: str, linear: nn.Linear, vsn: VSN) -> PopulationSpec:
    return PopulationSpec(
        name=name,
        connections=_connection(source, linear),
        bias=_bias(linear),
        beta=_array(vsn.beta),
        theta=_array(vsn.theta),
        activation=vsn.rule.activation,
        polarity=vsn.rule.polarity,
    )


def _array(tensor: Tensor) -> FloatArray:
    array: FloatArray = tensor.detach().cpu().double().numpy()
    return array


def _bias(linear: nn.Linear) -> FloatArray:
    """Return the bias of a layer, or zeros for a layer without one."""
    bias: Tensor | None = linear.bias
    return np.zeros(linear.out_features) if bias is None else _array(bias)
