"""Process models of `layers`, in float and in integers: one Lava process a node, in numpy or compiled loops.

A model gives Lava's steps to a run of `layer_runs`, which does the work. A node sends before it receives, so that nodes are
one step apart, and a loop of nodes does not wait for itself; neurons behind a Dense receive before they send, because Dense
already delays by a step. Lava's usual tags choose between the models: "floating_pt" and "fixed_pt".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count, takewhile
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from neuropinn_lava.hardware_sim.kernels.layer_kernel import make_kernel
from neuropinn_lava.hardware_sim.lava.processes.layers import (
    PointSource,
    ProductLayer,
    ReadoutLayer,
    ReadoutNeurons,
    VsnNeurons,
    WordGate,
)
from neuropinn_lava.hardware_sim.lava.processes.ports import MessagePort, NumberedPorts, ProductPort
from neuropinn_lava.hardware_sim.lava.processes.vsn import VSN
from neuropinn_lava.hardware_sim.steps.compile_checks import Entry
from neuropinn_lava.hardware_sim.steps.inbox import check_words
from neuropinn_lava.hardware_sim.steps.layer_runs import (
    ConstantRun,
    HeldRun,
    NeuronRun,
    NodeRun,
    PointRun,
    ReadoutNeuronRun,
    ReadoutRun,
)
from neuropinn_lava.hardware_sim.steps.parameters import with_parameters

FLOATS_IN, FLOATS_OUT = LavaPyType(MessagePort, np.float64), LavaPyType(PyOutPort.VEC_DENSE, np.float64)
WORDS_IN, WORDS_OUT = LavaPyType(MessagePort, np.int32, 24), LavaPyType(PyOutPort.VEC_DENSE, np.int32, 24)
STATES_OUT = LavaPyType(PyOutPort.VEC_DENSE, np.int32, 32)
FLOAT_PRODUCTS_IN, WORD_PRODUCTS_IN = LavaPyType(ProductPort, np.float64), LavaPyType(ProductPort, np.int32, 32)
FLOAT_STATE, WORD_STATE = LavaPyType(np.ndarray, np.float64), LavaPyType(np.ndarray, np.int32, 32)
WEIGHTS, LEAKS = LavaPyType(np.ndarray, np.int16, 16), LavaPyType(np.ndarray, np.int32, 13)
"""Types with their precision, the longest word that a record may choose: Lava documents by it, and enforces nothing."""


_Model = TypeVar("_Model", bound=type)


def in_floats(proc: type) -> Callable[[_Model], _Model]:
    """Return a decorator that marks a model as that of a process in float64."""
    return _model_of(proc, "floating_pt")


def in_integers(proc: type) -> Callable[[_Model], _Model]:
    """Return a decorator that marks a model as that of a process in integers."""
    return _model_of(proc, "fixed_pt")


def _model_of(proc: type, numbers: str) -> Callable[[_Model], _Model]:
    def mark(model: _Model) -> _Model:
        """Give a model what Lava's compiler chooses by: process, protocol, resource and tag."""
        marked: _Model = implements(proc=proc, protocol=LoihiProtocol)(requires(CPU)(tag(numbers)(model)))
        return marked

    return mark


class RunModel(PyLoihiProcessModel, metaclass=NumberedPorts):
    """A model whose work is done by a run, made in the process itself before its first step."""

    numbered: Mapping[str, LavaPyType] = MappingProxyType({})
    """Types of the ports and variables that the process has any number of."""
    work: Any = None
    """The run, None before the first step."""

    def make_work(self) -> Any:
        """Build the run from the process's parameters and the model's variables."""
        raise NotImplementedError

    def make_kernel(self) -> Any:
        """Build the arithmetic with the parameters as they are now; a model with another arithmetic overrides this."""
        node = with_parameters(self.proc_params["layer"], self.__dict__)
        return make_kernel(node, self.proc_params["schedule"].n_samples)

    def ports(self, kind: str) -> list[Any]:
        """Return the ports of one kind, in order: the only one, or those with numbers."""
        numbered = takewhile(lambda name: name in self.__dict__, (f"{kind}_{index}" for index in count()))
        return [self.__dict__[name] for name in ([kind] if kind in self.__dict__ else numbered)]

    def on_var_update(self) -> None:
        """Compute with new parameters from now on, when one of them has been set."""
        if self.work is not None:
            self.work.renew(self.make_kernel())

    def _handle_var_port(self, var_port: Any) -> None:
        """Keep the memory of a variable that another process writes over a RefPort: the run works on it."""
        name = var_port.var_name
        own = self.__dict__[name]
        super()._handle_var_port(var_port)
        if self.__dict__[name] is not own:
            own[...] = self.__dict__[name]
            self.__dict__[name] = own
            self.on_var_update()

    def run_spk(self) -> None:
        """Do one step of Lava."""
        if self.work is None:
            self.work = self.make_work()
        self.step()

    def step(self) -> None:
        """Receive and send the messages of one step of Lava; called after `make_work`."""
        raise NotImplementedError


class PointSourceModel(RunModel):
    """Sends a message of each input at every step and receives none."""

    def make_work(self) -> PointRun:
        """Build the run from the shared words."""
        self._out = self.ports("a_out")
        given = self.proc_params
        return PointRun(given["words"].values, given["schedule"], given["widths"], given["holding"], given["held"])

    def step(self) -> None:
        """Prepare this step's messages and send them."""
        self.work.prepare(self.time_step)
        for port, message in zip(self._out, self.work.outgoing, strict=True):
            port.send(message)


@in_floats(PointSource)
class FloatPointSourceModel(PointSourceModel):
    """Sends coordinates as the network takes them."""

    numbered = MappingProxyType({"a_out": FLOATS_OUT})


@in_integers(PointSource)
class IntegerPointSourceModel(PointSourceModel):
    """Sends input words."""

    numbered = MappingProxyType({"a_out": WORDS_OUT})


class NodeModel(RunModel):
    """Sends what it computed in the step before, then receives: nodes are one step apart, and loops do not block."""

    def limits(self, kernel: Any) -> dict[int, float]:
        """Return the largest magnitudes of the connections whose messages are checked."""
        entries: Mapping[int, Entry] = self.proc_params["entries"]
        return {index: kernel.highest_inputs[index] for index, entry in entries.items() if entry.is_checked}

    def run_of(self, kind: type, *state: Any) -> Any:
        """Build the run of a node, with the memory of its membranes where it has any."""
        given, kernel = self.proc_params, self.make_kernel()
        self._in = self.ports("a_in")
        schedule, timing, recording = given["schedule"], given["timing"], given["recording"]
        known = {"limits": self.limits(kernel), "holding": given["holding"]}
        return kind(kernel, schedule, timing, recording, *state, **known)

    def kind_of(self, kind: type) -> type:
        """Return the kind of run of a node: another one for a node that depends on held inputs only."""
        holding = self.proc_params["holding"]
        return HeldRun if holding and self.proc_params["layer"].name in holding.sources else kind

    def step(self) -> None:
        """Send the payloads of the step before, and compute with what comes in."""
        self.a_out.send(self.work.outgoing)
        self.work.advance(self.time_step, [port.recv() for port in self._in])


class VsnModel(NodeModel):
    """A population with its synapses, on Lava's own variable m."""

    def make_work(self) -> NodeRun:
        """Build the run of synapses and neurons."""
        kind = ConstantRun if self.proc_params["constant_input"] else NodeRun
        run: NodeRun = self.run_of(self.kind_of(kind), self.m)
        return run


@in_floats(VSN)
class FloatVsnModel(VsnModel):
    """A population in float64."""

    numbered = MappingProxyType({"a_in": FLOATS_IN, "weights": FLOAT_STATE})
    a_out, m = FLOATS_OUT, FLOAT_STATE
    bias, beta, theta = FLOAT_STATE, FLOAT_STATE, FLOAT_STATE


@in_integers(VSN)
class IntegerVsnModel(VsnModel):
    """A population in integers."""

    numbered = MappingProxyType({"a_in": WORDS_IN, "weights": WEIGHTS})
    a_out, m = WORDS_OUT, WORD_STATE
    bias, beta, theta = WORD_STATE, LEAKS, WORD_STATE


class ProductLayerModel(NodeModel):
    """A product of two sources."""

    def make_work(self) -> NodeRun:
        """Build the run of the product."""
        run: NodeRun = self.run_of(self.kind_of(NodeRun))
        return run


@in_floats(ProductLayer)
class FloatProductLayerModel(ProductLayerModel):
    """A product in float64."""

    numbered = MappingProxyType({"a_in": FLOATS_IN})
    a_out = FLOATS_OUT


@in_integers(ProductLayer)
class IntegerProductLayerModel(ProductLayerModel):
    """A product in integers."""

    numbered = MappingProxyType({"a_in": WORDS_IN})
    a_out = WORDS_OUT


class WordGateModel(RunModel):
    """Receives, compares with the input word, and sends in the same step."""

    def make_work(self) -> float:
        """Return the longest input of the connection behind it."""
        highest: float = make_kernel(self.proc_params["layer"], 0).highest_inputs[self.proc_params["index"]]
        return highest

    def step(self) -> None:
        """Pass a message on."""
        message = self.a_in.recv()
        check_words(self.proc_params["layer"].name, message, self.work)
        self.a_out.send(message)


@in_floats(WordGate)
class FloatWordGateModel(WordGateModel):
    """A gate for coordinates as the network takes them."""

    a_in, a_out = FLOATS_IN, FLOATS_OUT


@in_integers(WordGate)
class IntegerWordGateModel(WordGateModel):
    """A gate for input words."""

    a_in, a_out = WORDS_IN, WORDS_OUT


class VsnNeuronsModel(RunModel):
    """Receives before it sends: the Dense before it already delays by a step."""

    def make_work(self) -> NeuronRun:
        """Build the run of the neurons alone on Lava's own variable m."""
        given = self.proc_params
        self._in = self.ports("p_in")
        return NeuronRun(self.make_kernel(), given["schedule"], given["timing"], given["recording"], self.m)

    def step(self) -> None:
        """Compute with the products that come in, and send the payloads at once."""
        self.work.advance(self.time_step, [port.recv() for port in self._in])
        self.a_out.send(self.work.outgoing)


@in_floats(VsnNeurons)
class FloatVsnNeuronsModel(VsnNeuronsModel):
    """Neurons in float64."""

    numbered = MappingProxyType({"p_in": FLOAT_PRODUCTS_IN})
    a_out, m = FLOATS_OUT, FLOAT_STATE
    bias, beta, theta = FLOAT_STATE, FLOAT_STATE, FLOAT_STATE


@in_integers(VsnNeurons)
class IntegerVsnNeuronsModel(VsnNeuronsModel):
    """Neurons in integers: they align each product to the state word, as Dense cannot."""

    numbered = MappingProxyType({"p_in": WORD_PRODUCTS_IN})
    a_out, m = WORDS_OUT, WORD_STATE
    bias, beta, theta = WORD_STATE, LEAKS, WORD_STATE


class ReadoutLayerModel(NodeModel):
    """Sends the outputs of the step before, then receives; reduces them in its recording."""

    def make_work(self) -> ReadoutRun:
        """Build the run of synapses and sums."""
        run: ReadoutRun = self.run_of(ReadoutRun)
        return run

    def step(self) -> None:
        """Send the outputs of the step before, and compute with what comes in."""
        self.y_out.send(self.work.outgoing)
        self.work.advance(self.time_step, [port.recv() for port in self._in])


@in_floats(ReadoutLayer)
class FloatReadoutLayerModel(ReadoutLayerModel):
    """A read-out in float64."""

    numbered = MappingProxyType({"a_in": FLOATS_IN, "weights": FLOAT_STATE})
    y_out, bias = FLOATS_OUT, FLOAT_STATE


@in_integers(ReadoutLayer)
class IntegerReadoutLayerModel(ReadoutLayerModel):
    """A read-out in integers."""

    numbered = MappingProxyType({"a_in": WORDS_IN, "weights": WEIGHTS})
    y_out, bias = STATES_OUT, WORD_STATE


class ReadoutNeuronsModel(RunModel):
    """Receives products before it sends: the Dense before it already delays by a step."""

    def make_work(self) -> ReadoutNeuronRun:
        """Build the run of alignment and sums."""
        given = self.proc_params
        self._in = self.ports("p_in")
        return ReadoutNeuronRun(self.make_kernel(), given["schedule"], given["timing"], given["recording"])

    def step(self) -> None:
        """Compute with the products that come in, and send the outputs at once."""
        self.work.advance(self.time_step, [port.recv() for port in self._in])
        self.y_out.send(self.work.outgoing)


@in_floats(ReadoutNeurons)
class FloatReadoutNeuronsModel(ReadoutNeuronsModel):
    """A read-out behind Dense, in float64."""

    numbered = MappingProxyType({"p_in": FLOAT_PRODUCTS_IN})
    y_out, bias = FLOATS_OUT, FLOAT_STATE


@in_integers(ReadoutNeurons)
class IntegerReadoutNeuronsModel(ReadoutNeuronsModel):
    """A read-out behind Dense, in integers."""

    numbered = MappingProxyType({"p_in": WORD_PRODUCTS_IN})
    y_out, bias = STATES_OUT, WORD_STATE
