"""The neuron's node in a NIR graph: one of its own, and on request the `LIF` that comes closest.

    VariableSpikingNeuron      m[t] = beta * m[t-1] + z[t]      s[t] = m[t] >= theta, or |m[t]| >= theta
                               a[t] = phi(z[t] * s[t])          m[t] = 0 where s[t]

NIR has no graded neuron. A node of a type that NIR does not know is refused by every tool that reads the file with `nir.read`,
so that none can take it for a binary neuron. A `LIF` has the same membrane,

    v' = v + dt / tau (v_leak - v + r I)      dt = 1, tau = r = 1 / (1 - beta), v_leak = v_reset = 0, v_threshold = theta

and loses the rest (`lost_as_lif`) for every tool but this one, which finds it in the node's metadata. Files of version 1.1 and
before hold such nodes.

Source: nir 1.0.8, `nir/ir/neuron.py` and `nir/ir/__init__.py`; neuroir.org.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...base.checks import as_member
from ...base.errors import SpecError
from ...base.extras import import_extra
from ...network.nodes import Polarity, PopulationSpec
from ...network.spec import NetworkSpec
from .affine_values import AffineValue
from .graph_builder import Neurons
from .nir_metadata import VSN_MARK, text_of

NODE_TYPE = "VariableSpikingNeuron"
"""Type of the node in a NIR file; no primitive of NIR has this name."""
PRODUCT_TYPE = "ElementwiseProduct"
"""Type of a product's node in a NIR file; no primitive of NIR has this name."""
LONGEST_TAU = 2.0**52
"""tau of a neuron that forgets nothing; its true beta stands in the metadata."""
_FIELDS = ("name", "activation", "polarity", "beta", "theta")


@functools.cache
def node_class() -> Any:
    """Return the class of the neuron's node, a subclass of NIR's own that `nir.write` can write."""
    base: Any = import_extra("nir", "nir").NIRNode

    @dataclass(eq=False)
    class VariableSpikingNeuron(base):  # type: ignore[misc]
        name: str
        activation: str
        polarity: str
        beta: Any
        theta: Any

        def __post_init__(self) -> None:
            shape = np.array(np.shape(self.theta))
            self.input_type, self.output_type = {"input": shape}, {"output": shape.copy()}

    return VariableSpikingNeuron


@functools.cache
def product_class() -> Any:
    """Return the class of a product's node, which multiplies what the two nodes that it names send."""
    base: Any = import_extra("nir", "nir").NIRNode

    @dataclass(eq=False)
    class ElementwiseProduct(base):  # type: ignore[misc]
        name: str
        left: str
        right: str
        width: Any

        def __post_init__(self) -> None:
            shape = np.array([int(self.width)])
            self.input_type, self.output_type = {"input": shape}, {"output": shape.copy()}

    return ElementwiseProduct


def make_neuron(layer: PopulationSpec) -> Any:
    """Build the node of a layer's neurons."""
    return node_class()(**_fields(layer))


def make_lif(layer: PopulationSpec) -> Any:
    """Build the LIF node with a layer's membrane; its metadata hold what a LIF cannot express."""
    tau = np.minimum(1.0 / np.maximum(1.0 - layer.beta, 1.0 / LONGEST_TAU), LONGEST_TAU)
    zeros, theta = np.zeros(layer.n_out), np.array(layer.theta)
    metadata = {VSN_MARK: "1", **_fields(layer)}
    return import_extra("nir", "nir").LIF(
        tau=tau, r=tau.copy(), v_leak=zeros, v_reset=zeros.copy(), v_threshold=theta, metadata=metadata
    )


def lost_as_lif(network: NetworkSpec) -> tuple[str, ...]:
    """List what other tools do not read of a network whose neurons are written as LIF nodes, a sentence each."""
    functions = sorted({layer.activation for layer in network.populations})
    lost = [f"The payload phi(z), with phi = {', '.join(functions)}: a LIF sends one bit."]
    if any(layer.polarity is Polarity.BOTH for layer in network.populations):
        lost.append("Spikes of negative membranes: a LIF fires at the upper threshold only.")
    lost.append("Spikes exactly at the threshold: most tools fire above it.")
    lost.append("The step dt = 1 of tau, which a tool with another step reads as another leak.")
    lost.append(
        f"The number of steps ({network.n_steps}), the read-out ({network.readout.value}) and the host's transforms."
    )
    return tuple(lost)


def _fields(layer: PopulationSpec) -> dict[str, Any]:
    return {
        "name": layer.name,
        "activation": layer.activation,
        "polarity": layer.polarity.value,
        "beta": np.array(layer.beta),
        "theta": np.array(layer.theta),
    }


def neuron_fields(node: Any) -> dict[str, Any] | None:
    """Return the fields of a node that is a layer of Variable Spiking Neurons, or None for another kind of node."""
    if type(node).__name__ == NODE_TYPE:
        return {key: getattr(node, key) for key in _FIELDS if hasattr(node, key)}
    metadata: dict[str, Any] = getattr(node, "metadata", None) or {}
    return metadata if VSN_MARK in metadata else None


def read_neuron(where: str, node: Any, fields: dict[str, Any], drive: AffineValue) -> Neurons:
    """Build the population of a node of Variable Spiking Neurons.

    Raises:
        SpecError: If a field is missing, numbers disagree, or a LIF contradicts its metadata.
    """
    repair = "Write the graph again with write_nir."
    missing = sorted(set(_FIELDS) - set(fields))
    if missing:
        raise SpecError(f"NIR graph: {where}", "hold all fields of a Variable Spiking Neuron", f"no {missing}", repair)
    is_lif = type(node).__name__ != NODE_TYPE
    if is_lif and not np.array_equal(np.asarray(node.v_threshold), np.asarray(fields["theta"])):
        rule = "equal theta in its metadata"
        raise SpecError(f"NIR graph: {where}.v_threshold", rule, "another", f"Change both. {repair}")
    for each in ("beta", "theta"):
        if np.shape(fields[each]) not in ((), (drive.n,)):
            place = f"NIR graph: {where}.{each}"
            raise SpecError(
                place, f"have {drive.n} entries, one for each component that arrives", np.shape(fields[each]), repair
            )
    return Neurons(
        drive=drive,
        name=text_of(fields["name"]),
        activation=text_of(fields["activation"]),
        polarity=as_member(Polarity, text_of(fields["polarity"]), f"NIR graph: {where}.polarity"),
        beta=np.asarray(fields["beta"]),
        theta=np.asarray(fields["theta"]),
    )
