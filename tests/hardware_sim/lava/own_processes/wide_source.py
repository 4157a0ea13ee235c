"""A user's own sources, of 64-bit integers and of what a 32-bit port casts, and a user's own relay."""

from __future__ import annotations

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol


class WideSource(AbstractProcess):
    """Sends one value, again and again."""

    def __init__(self, *, value: float, shape: tuple[int, ...]) -> None:
        super().__init__(value=value, shape=shape)
        self.a_out = OutPort(shape=shape)


@implements(proc=WideSource, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class WideSourceModel(PyLoihiProcessModel):
    a_out = LavaPyType(PyOutPort.VEC_DENSE, np.int64)

    def run_spk(self) -> None:
        self.a_out.send(np.full(self.proc_params["shape"], self.proc_params["value"], np.int64))


class NarrowSource(WideSource):
    """Sends one value of any type through a port of 32 bits, which casts it."""


@implements(proc=NarrowSource, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class NarrowSourceModel(PyLoihiProcessModel):
    a_out = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def run_spk(self) -> None:
        self.a_out.send(np.full(self.proc_params["shape"], self.proc_params["value"]))


class Relay(AbstractProcess):
    """Passes messages on; nobody can tell from outside whether it delays them."""

    def __init__(self, *, shape: tuple[int, ...]) -> None:
        super().__init__(shape=shape)
        self.a_in = InPort(shape=shape)
        self.a_out = OutPort(shape=shape)


@implements(proc=Relay, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class RelayModel(PyLoihiProcessModel):
    a_in = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    a_out = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def run_spk(self) -> None:
        self.a_out.send(self.a_in.recv())
