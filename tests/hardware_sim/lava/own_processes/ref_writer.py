"""A process that writes a number into a variable of another one after every step."""

from __future__ import annotations

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyRefPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import RefPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol


class Writer(AbstractProcess):
    """Writes `value`."""

    def __init__(self, *, value: int) -> None:
        super().__init__(value=value)
        self.ref = RefPort(shape=(1,))


@implements(proc=Writer, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class WriterModel(PyLoihiProcessModel):
    """Writes in the management phase, as a Monitor reads."""

    ref = LavaPyType(PyRefPort.VEC_DENSE, int)

    def post_guard(self) -> bool:
        return True

    def run_post_mgmt(self) -> None:
        self.ref.write(np.full(1, self.proc_params["value"]))
