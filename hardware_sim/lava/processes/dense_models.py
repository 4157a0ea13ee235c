"""Nodes as a chip's compiler sees them: Lava's own Dense for each connection, and the neurons in a process behind them.

    a_in_0 ──▶ (WordGate ──▶) Dense ──p_in_0──▶ VsnNeurons ──▶ a_out        p is W a of the step before, exact
    a_in_1 ──▶ (WordGate ──▶) Dense ──p_in_1──▶

Dense drops the lowest bit of a mixed-sign weight, so that w goes in as 2w, with weight_exp = -1. What it cannot hold is refused
by `dense_rules`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, tag
from lava.magma.core.model.sub.model import AbstractSubProcessModel
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from lava.proc.dense.process import Dense
from lava.utils.weightutils import SignMode

from neuropinn_lava.base.checks import raise_violations
from neuropinn_lava.base.errors import HardwareRuleError
from neuropinn_lava.hardware_sim.lava.processes.layers import (
    ReadoutLayer,
    ReadoutNeurons,
    VsnNeurons,
    WordGate,
)
from neuropinn_lava.hardware_sim.lava.processes.vsn import VSN
from neuropinn_lava.hardware_sim.steps.dense_rules import dense_violations
from neuropinn_lava.hardware_sim.steps.parameters import parameters

GRADED = 24
"""Dense's num_message_bits: any positive number makes it multiply by the payload instead of testing it for zero."""


class DenseModel(AbstractSubProcessModel):
    """A Dense for each connection, and the neurons; Dense's delay takes the place of the node's own."""

    neurons: Any

    def __init__(self, proc: Any) -> None:
        given = proc.proc_params
        layer, schedule, entries = given["layer"], given["schedule"], given["entries"]
        raise_violations(dense_violations(layer, schedule), HardwareRuleError)
        self.neurons = self.make_neurons(
            layer=layer, schedule=schedule.delayed(1), timing=given["timing"], recording=given["recording"]
        )
        weights = {name: values for name, values in parameters(layer).items() if name.startswith("weights")}
        for index, (name, weight) in enumerate(weights.items()):
            source, synapses = proc.ports[index], _make_dense(weight, f"{layer.name} synapses {index}")
            setattr(self, f"synapses_{index}", synapses)
            getattr(proc, name).alias(synapses.weights, 2 if np.issubdtype(weight.dtype, np.integer) else 1)
            if index in entries and entries[index].is_checked:
                gate = WordGate(layer=layer, index=index, schedule=schedule, entry=entries[index])
                setattr(self, f"gate_{index}", gate)
                source.connect(gate.a_in)
                gate.a_out.connect(synapses.s_in)
            else:
                source.connect(synapses.s_in)
            synapses.a_out.connect(self.neurons.ports[index])
        for variable in self.neurons.vars:
            getattr(proc, variable.name).alias(variable)

    def make_neurons(self, **given: Any) -> Any:
        """Build the process behind the synapses."""
        raise NotImplementedError


def _make_dense(weight: Any, name: str) -> Dense:
    """Build the synapses of a connection, which has been checked by `dense_rules`."""
    if np.issubdtype(weight.dtype, np.integer):
        return Dense(weights=2 * weight, weight_exp=-1, sign_mode=SignMode.MIXED, num_message_bits=GRADED, name=name)
    return Dense(weights=weight.copy(), num_message_bits=GRADED, name=name)


@implements(proc=VSN, protocol=LoihiProtocol)
@tag("floating_pt", "fixed_pt")
class DenseVsnModel(DenseModel):
    """Dense and VsnNeurons."""

    def __init__(self, proc: Any) -> None:
        super().__init__(proc)
        self.neurons.a_out.connect(proc.out_ports.a_out)

    def make_neurons(self, **given: Any) -> VsnNeurons:
        """Build the neurons of a population."""
        return VsnNeurons(**given)


@implements(proc=ReadoutLayer, protocol=LoihiProtocol)
@tag("floating_pt", "fixed_pt")
class DenseReadoutLayerModel(DenseModel):
    """Dense and ReadoutNeurons."""

    def __init__(self, proc: Any) -> None:
        super().__init__(proc)
        self.neurons.y_out.connect(proc.out_ports.y_out)

    def make_neurons(self, **given: Any) -> ReadoutNeurons:
        """Build the neurons of a read-out."""
        return ReadoutNeurons(**given)
