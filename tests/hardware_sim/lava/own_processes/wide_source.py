"""A user's own source, which sends 64-bit integers."""

from __future__ import annotations

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol


class WideSource(AbstractProcess):
    """Sends one value, again and again."""

    def __init__(self, *, value: int, shape: tuple[int, ...]) -> None:
        super().__init__(value=value, shape=shape)
        self.a_out = OutPort(shape=shape)


@implements(proc=WideSource, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class WideSourceModel(PyLoihiProcessModel):
    a_out = LavaPyType(PyOutPort.VEC_DENSE, np.int64)

    def run_spk(self) -> None:
        self.a_out.send(np.full(self.proc_params["shape"], self.proc_params["value"], np.int64))
