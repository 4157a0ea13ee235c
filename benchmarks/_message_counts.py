"""What a network converted to another spiking code gives and sends: outputs, and messages counted neuron by neuron.

    synaptic operations = sum over layers and neurons i of messages[i] * fan_out[i]

fan_out[i] counts the weights that are not zero, as `hardware_sim.counting` does; a message of a rate code is a bit, so that its
operations are additions, one of a delta code is a number and multiplies. This module knows the core's records only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuropinn_lava.base.arrays import ArrayRecord, FloatArray, IntArray, freeze_arrays
from neuropinn_lava.base.checks import check_shape, raise_violations
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.network.spec import NetworkSpec


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MessageCounts(ArrayRecord):
    """What one layer, or the input, sent in a run."""

    name: str
    """The layer's name, or "input"."""
    messages: IntArray
    """Messages of each neuron over all samples and steps, shape (n_neurons,)."""
    fan_out: IntArray
    """Weights that are not zero and wait for each neuron's messages, shape (n_neurons,)."""

    def __post_init__(self) -> None:
        freeze_arrays(self, messages=np.int64, fan_out=np.int64)
        where = f"MessageCounts {self.name!r}.fan_out"
        raise_violations(check_shape(where, self.fan_out, self.messages.shape, "(n_neurons,)"))

    @property
    def synaptic_operations(self) -> int:
        """Weights that the messages reached, over all samples and steps."""
        return int(self.messages @ self.fan_out)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CodedRun(ArrayRecord):
    """Outputs and counts of a run in another spiking code."""

    outputs: FloatArray
    """Physical units, shape (n_samples, n_out)."""
    n_steps: int
    """Steps a sample takes."""
    layers: tuple[MessageCounts, ...]
    """The input's row, then one for each spiking layer."""

    def __post_init__(self) -> None:
        freeze_arrays(self, outputs=np.float64)

    @property
    def n_samples(self) -> int:
        """Samples that were run."""
        return int(self.outputs.shape[0])

    @property
    def synaptic_operations_per_sample(self) -> float:
        """All layers' and the input's."""
        return sum(layer.synaptic_operations for layer in self.layers) / self.n_samples

    @property
    def messages_per_neuron(self) -> tuple[float, ...]:
        """Mean messages a sample of each spiking layer's neurons; above one where a sample takes many steps."""
        return tuple(float(layer.messages.mean()) / self.n_samples for layer in self.layers[1:])


def fan_outs(network: NetworkSpec) -> tuple[IntArray, ...]:
    """Count the weights that wait for each input and each neuron of a chain, layer by layer, the input's first.

    Raises:
        SpecError: If the network is no chain.
    """
    if not network.is_chain:
        repair = "Count a network of Variable Spiking Neurons with `neuropinn_lava.count_operations`."
        raise SpecError(f"network {network.name!r}", "be a chain of layers", f"{len(network.nodes)} nodes", repair)
    return tuple(np.count_nonzero(node.weight, axis=0) for node in (*network.nodes, network.output))
