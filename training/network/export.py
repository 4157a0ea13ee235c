"""Export: the conversion of a trained network of a recipe to the float record of the core.

    spec = export_network(torch.nn.Sequential(Linear(2, 50), VSN(50), Linear(50, 1)), n_steps=2)

    h = sum over sources of M a_source         what a layer reads: the layer before it; with skips, all layers before it; the
                                               first one the input, or chosen coordinates and sines of them
    W h = sum over sources of (W M) a_source   so every source has a connection of its own

Only Linear and VSN layers can be deployed; any other layer is refused, with what could replace it. The record is compared with
the module before it is returned (`import_check.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from torch import Tensor, nn

from ...base.arrays import FloatArray
from ...base.checks import as_member
from ...base.errors import SpecError
from ...network.nodes import ConnectionSpec, InputSpec, OutputSpec, Polarity, PopulationSpec
from ...network.spec import NetworkSpec, Provenance, Readout
from ...network.transforms import AffineTransform, Ansatz
from ..neuron.vsn import VSN
from .import_check import check_import, evaluation_copy
from .network import VsnNetwork
from .recipe_network import RecipeModule, Waves


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
        module: A `VsnNetwork`, a `RecipeModule`, or a `torch.nn.Sequential` of Linear, VSN, …, Linear.
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
    given = module if isinstance(module, RecipeModule) else _as_network(module, n_steps, readout)
    copied = evaluation_copy(given)
    if isinstance(copied, VsnNetwork):
        n_steps, readout = copied.n_steps, copied.readout
    assert isinstance(copied, (VsnNetwork, RecipeModule))
    nodes, output = _graph(copied)
    n_in = nodes[0].connections[0].weight.shape[1]
    inputs = input_transform or AffineTransform.identity(n_in)
    low, high = box_of(inputs, lower, upper)
    spec = NetworkSpec(
        name=name,
        inputs=(InputSpec(width=n_in),),
        nodes=nodes,
        output=output,
        n_steps=n_steps or 1,
        readout=as_member(Readout, readout or Readout.MEAN, "export_network.readout"),
        input_transform=inputs,
        output_transform=output_transform or AffineTransform.identity(output.n_out),
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


def _graph(network: VsnNetwork | RecipeModule) -> tuple[tuple[PopulationSpec, ...], OutputSpec]:
    """Return populations and read-out of layers of neurons, with the skips and sines of a `RecipeModule`."""
    *hidden, output = network.layers
    waves, factors = (network.embedding, network.factors) if isinstance(network, RecipeModule) else (None, None)
    assert isinstance(output, nn.Linear)
    nodes: list[PopulationSpec] = []
    if waves is None:
        assert isinstance(hidden[0], nn.Linear)
        read = {"input": np.eye(hidden[0].in_features)}
    else:
        assert isinstance(waves, Waves)
        nodes.append(_sines(waves))
        eye = np.eye(len(waves.passed) + len(waves.phases))
        direct = np.zeros((len(eye), waves.slopes.shape[1]))
        direct[range(len(waves.passed)), waves.passed] = 1.0
        read = {"input": direct, "waves": eye[:, len(waves.passed) :]}
    for index, (linear, neurons) in enumerate(zip(hidden[::2], hidden[1::2], strict=True)):
        assert isinstance(linear, nn.Linear) and isinstance(neurons, VSN)  # noqa: PT018
        name = f"hidden{index + 1}"
        nodes.append(_population(name, _connections(read, linear), linear, neurons))
        if factors is None or not index:
            read = {name: np.eye(neurons.n_neurons)}
        else:
            read = {**read, name: float(factors[index - 1].detach()) * np.eye(neurons.n_neurons)}
    return tuple(nodes), OutputSpec(connections=_connections(read, output), bias=_bias(output))


def _sines(waves: Waves) -> PopulationSpec:
    """Return the population that computes the sines of an embedding, and always sends them."""
    n_waves = len(waves.phases)
    return PopulationSpec(
        name="waves",
        connections=(ConnectionSpec(source="input", weight=_array(waves.slopes)),),
        bias=_array(waves.phases),
        beta=np.zeros(n_waves),
        theta=np.zeros(n_waves),
        activation="sin",
        polarity=Polarity.BOTH,
    )


def _connections(read: Mapping[str, FloatArray], linear: nn.Linear) -> tuple[ConnectionSpec, ...]:
    """Return the connections of a layer from the matrices of what it reads; sources that it does not read are left out."""
    weight = _array(linear.weight)
    return tuple(ConnectionSpec(source=name, weight=weight @ matrix) for name, matrix in read.items() if matrix.any())


def _population(name: str, connections: tuple[ConnectionSpec, ...], linear: nn.Linear, vsn: VSN) -> PopulationSpec:
    return PopulationSpec(
        name=name,
        connections=connections,
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
