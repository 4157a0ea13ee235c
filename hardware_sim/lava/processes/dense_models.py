"""Layers as a chip's compiler sees them: Lava's own Dense for the synapses, and the neurons in a process behind it.

    a_in ──▶ (WordGate ──▶) Dense ──p──▶ VsnNeurons ──▶ a_out        p is W a_in of the step before, exact

Dense drops the lowest bit of a mixed-sign weight, so that w goes in as 2w, with weight_exp = -1. What it cannot hold is refused
by `dense_rules`.
"""

from __future__ import annotations

from typing import Any

from lava.magma.core.decorator import implements, tag
from lava.magma.core.model.sub.model import AbstractSubProcessModel
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from lava.proc.dense.process import Dense
from lava.utils.weightutils import SignMode

from neuropinn_lava.base.checks import raise_violations
from neuropinn_lava.base.errors import HardwareRuleError
from neuropinn_lava.hardware_sim.kernels.layer_kernel import AnyLayer
from neuropinn_lava.hardware_sim.lava.processes.layers import (
    ReadoutLayer,
    ReadoutNeurons,
    VsnLayer,
    VsnNeurons,
    WordGate,
)
from neuropinn_lava.hardware_sim.steps.dense_rules import dense_violations
from neuropinn_lava.hardware_sim.steps.schedule import Schedule
from neuropinn_lava.network.quantized_nodes import QuantizedOutput, QuantizedPopulation

GRADED = 24
"""Dense's num_message_bits: any positive number makes it multiply by the payload instead of testing it for zero."""


def _make_dense(layer: AnyLayer, schedule: Schedule) -> Dense:
    """Build the synapses of a layer.

    Raises:
        HardwareRuleError: If Dense would not compute them exactly.
    """
    raise_violations(dense_violations(layer, schedule), HardwareRuleError)
    name = f"{layer.name} synapses"
    if isinstance(layer, (QuantizedPopulation, QuantizedOutput)):
        doubled = 2 * layer.affine.weight
        return Dense(weights=doubled, weight_exp=-1, sign_mode=SignMode.MIXED, num_message_bits=GRADED, name=name)
    return Dense(weights=layer.weight.copy(), num_message_bits=GRADED, name=name)


@implements(proc=VsnLayer, protocol=LoihiProtocol)
@tag("floating_pt", "fixed_pt")
class DenseVsnLayerModel(AbstractSubProcessModel):
    """Dense and VsnNeurons; Dense's delay takes the place of the layer's own."""

    def __init__(self, proc: Any) -> None:
        given = proc.proc_params
        layer, schedule = given["layer"], given["schedule"]
        self.synapses = _make_dense(layer, schedule)
        self.neurons = VsnNeurons(layer=layer, schedule=schedule.delayed(1), recording=given["recording"])
        entry = given["entry"]
        if entry is not None and entry.is_checked:
            self.gate = WordGate(layer=layer, schedule=schedule, entry=entry)
            proc.in_ports.a_in.connect(self.gate.in_ports.a_in)
            self.gate.out_ports.a_out.connect(self.synapses.in_ports.s_in)
        else:
            proc.in_ports.a_in.connect(self.synapses.in_ports.s_in)
        self.synapses.out_ports.a_out.connect(self.neurons.in_ports.p_in)
        self.neurons.out_ports.a_out.connect(proc.out_ports.a_out)
        proc.vars.m.alias(self.neurons.vars.m)


@implements(proc=ReadoutLayer, protocol=LoihiProtocol)
@tag("floating_pt", "fixed_pt")
class DenseReadoutLayerModel(AbstractSubProcessModel):
    """Dense and ReadoutNeurons."""

    def __init__(self, proc: Any) -> None:
        given = proc.proc_params
        layer, schedule = given["layer"], given["schedule"]
        self.synapses = _make_dense(layer, schedule)
        self.neurons = ReadoutNeurons(layer=layer, schedule=schedule.delayed(1), recording=given["recording"])
        proc.in_ports.a_in.connect(self.synapses.in_ports.s_in)
        self.synapses.out_ports.a_out.connect(self.neurons.in_ports.p_in)
        self.neurons.out_ports.y_out.connect(proc.out_ports.y_out)
