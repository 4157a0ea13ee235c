"""Process models of `layers`, in float and in integers: one Lava process a layer, in numpy or compiled loops.

A model gives Lava's steps to a run of `layer_runs`, which does the work. A layer sends before it receives, so that layers are
one step apart; neurons behind a Dense receive before they send, because Dense already delays by a step. Lava's usual tags
choose between the models: "floating_pt" and "fixed_pt".
"""

from __future__ import annotations

from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from neuropinn_lava.hardware_sim.kernels.layer_kernel import Kernel, make_kernel
from neuropinn_lava.hardware_sim.lava.processes.layers import (
    PointSource,
    ReadoutLayer,
    ReadoutNeurons,
    VsnLayer,
    VsnNeurons,
    WordGate,
)
from neuropinn_lava.hardware_sim.lava.processes.ports import MessagePort, ProductPort
from neuropinn_lava.hardware_sim.steps.layer_runs import (
    LayerRun,
    NeuronRun,
    PointRun,
    ReadoutNeuronRun,
    ReadoutRun,
    check_words,
)

FLOATS_IN, FLOATS_OUT = LavaPyType(MessagePort, np.float64), LavaPyType(PyOutPort.VEC_DENSE, np.float64)
WORDS_IN, WORDS_OUT = LavaPyType(MessagePort, np.int32), LavaPyType(PyOutPort.VEC_DENSE, np.int32)
FLOAT_PRODUCTS_IN, WORD_PRODUCTS_IN = LavaPyType(ProductPort, np.float64), LavaPyType(ProductPort, np.int32)
FLOAT_STATE, WORD_STATE = LavaPyType(np.ndarray, np.float64), LavaPyType(np.ndarray, np.int32)


class RunModel(PyLoihiProcessModel):
    """A model whose work is done by a run, made in the process itself before its first step."""

    work: Any = None
    """The run, None before the first step."""

    def make_work(self) -> Any:
        """Build the run from the process's parameters and the model's variables."""
        raise NotImplementedError

    def make_kernel(self) -> Kernel:
        """Build the arithmetic; a model with another arithmetic overrides this."""
        return make_kernel(self.proc_params["layer"], self.proc_params["schedule"].n_samples)

    def run_spk(self) -> None:
        """Do one step of Lava."""
        if self.work is None:
            self.work = self.make_work()
        self.step()

    def step(self) -> None:
        """Receive and send the messages of one step of Lava; called after `make_work`."""
        raise NotImplementedError


class PointSourceModel(RunModel):
    """Sends a message at every step and receives none."""

    def make_work(self) -> PointRun:
        """Build the run from the shared words."""
        return PointRun(self.proc_params["words"].values, self.proc_params["schedule"])

    def step(self) -> None:
        """Prepare this step's message and send it."""
        self.work.prepare(self.time_step)
        self.a_out.send(self.work.outgoing)


@implements(proc=PointSource, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class FloatPointSourceModel(PointSourceModel):
    """Sends coordinates as the network takes them."""

    a_out = FLOATS_OUT


@implements(proc=PointSource, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class IntegerPointSourceModel(PointSourceModel):
    """Sends input words."""

    a_out = WORDS_OUT


class VsnLayerModel(RunModel):
    """Sends what it computed in the step before, then receives: layers are one step apart."""

    def make_work(self) -> LayerRun:
        """Build the run of synapses and neurons on Lava's own variable m."""
        given = self.proc_params
        return LayerRun(
            self.make_kernel(),
            given["schedule"],
            given["recording"],
            self.m,
            constant_input=given["constant_input"],
            checked_input=given["entry"] is not None and given["entry"].is_checked,
        )

    def step(self) -> None:
        """Send the payloads of the step before, and compute with what comes in."""
        self.a_out.send(self.work.outgoing)
        self.work.advance(self.time_step, self.a_in.recv())


@implements(proc=VsnLayer, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class FloatVsnLayerModel(VsnLayerModel):
    """A layer in float64."""

    a_in, a_out, m = FLOATS_IN, FLOATS_OUT, FLOAT_STATE


@implements(proc=VsnLayer, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class IntegerVsnLayerModel(VsnLayerModel):
    """A layer in integers."""

    a_in, a_out, m = WORDS_IN, WORDS_OUT, WORD_STATE


class WordGateModel(RunModel):
    """Receives, compares with the input word, and sends in the same step."""

    def make_work(self) -> Kernel:
        """Build the kernel of the layer behind it, which knows the longest input."""
        layer = self.proc_params["layer"]
        return make_kernel(layer, 0)

    def step(self) -> None:
        """Pass a message on."""
        message = self.a_in.recv()
        check_words(self.proc_params["layer"].name, message, self.work.highest_input)
        self.a_out.send(message)


@implements(proc=WordGate, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class FloatWordGateModel(WordGateModel):
    """A gate for coordinates as the network takes them."""

    a_in, a_out = FLOATS_IN, FLOATS_OUT


@implements(proc=WordGate, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class IntegerWordGateModel(WordGateModel):
    """A gate for input words."""

    a_in, a_out = WORDS_IN, WORDS_OUT


class VsnNeuronsModel(RunModel):
    """Receives before it sends: the Dense before it already delays by a step."""

    def make_work(self) -> NeuronRun:
        """Build the run of the neurons alone on Lava's own variable m."""
        given = self.proc_params
        return NeuronRun(self.make_kernel(), given["schedule"], given["recording"], self.m)

    def step(self) -> None:
        """Compute with the products that come in, and send the payloads at once."""
        self.work.advance(self.time_step, self.p_in.recv())
        self.a_out.send(self.work.outgoing)


@implements(proc=VsnNeurons, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class FloatVsnNeuronsModel(VsnNeuronsModel):
    """Neurons in float64."""

    p_in, a_out, m = FLOAT_PRODUCTS_IN, FLOATS_OUT, FLOAT_STATE


@implements(proc=VsnNeurons, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class IntegerVsnNeuronsModel(VsnNeuronsModel):
    """Neurons in integers: they align each product to the state word, as Dense cannot."""

    p_in, a_out, m = WORD_PRODUCTS_IN, WORDS_OUT, WORD_STATE


class ReadoutLayerModel(RunModel):
    """Sends the outputs of the step before, then receives; sums them up in its recording."""

    def make_work(self) -> ReadoutRun:
        """Build the run of synapses and sums."""
        return ReadoutRun(self.make_kernel(), self.proc_params["schedule"], self.proc_params["recording"])

    def step(self) -> None:
        """Send the outputs of the step before, and compute with what comes in."""
        self.y_out.send(self.work.outgoing)
        self.work.advance(self.time_step, self.a_in.recv())


@implements(proc=ReadoutLayer, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class FloatReadoutLayerModel(ReadoutLayerModel):
    """A read-out in float64."""

    a_in, y_out = FLOATS_IN, FLOATS_OUT


@implements(proc=ReadoutLayer, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class IntegerReadoutLayerModel(ReadoutLayerModel):
    """A read-out in integers."""

    a_in, y_out = WORDS_IN, WORDS_OUT


class ReadoutNeuronsModel(RunModel):
    """Receives products before it sends: the Dense before it already delays by a step."""

    def make_work(self) -> ReadoutNeuronRun:
        """Build the run of alignment and sums."""
        return ReadoutNeuronRun(self.make_kernel(), self.proc_params["schedule"], self.proc_params["recording"])

    def step(self) -> None:
        """Compute with the products that come in, and send the outputs at once."""
        self.work.advance(self.time_step, self.p_in.recv())
        self.y_out.send(self.work.outgoing)


@implements(proc=ReadoutNeurons, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class FloatReadoutNeuronsModel(ReadoutNeuronsModel):
    """A read-out behind Dense, in float64."""

    p_in, y_out = FLOAT_PRODUCTS_IN, FLOATS_OUT


@implements(proc=ReadoutNeurons, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class IntegerReadoutNeuronsModel(ReadoutNeuronsModel):
    """A read-out behind Dense, in integers."""

    p_in, y_out = WORD_PRODUCTS_IN, WORDS_OUT
