"""Lava processes that fail on demand: a chain that counts, and one that runs without a clock of steps.

They lie in a folder of their own, because Lava's compiler executes every file beside a process's own.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires
from lava.magma.core.model.py.model import PyAsyncProcessModel, PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.async_protocol import AsyncProtocol
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

Fault = Callable[[Any], None]


class Link(AbstractProcess):
    """Sends what it receives, plus one. The `fault` is called with the model at the beginning of every step."""

    def __init__(self, *, name: str, fault: Fault | None = None, **parameters: Any) -> None:
        super().__init__(name=name, fault=fault, **parameters)
        self.a_in = InPort(shape=(4,))
        self.s_out = OutPort(shape=(4,))


@implements(proc=Link, protocol=LoihiProtocol)
@requires(CPU)
class PyLink(PyLoihiProcessModel):
    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int64)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int64)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self.proc_params = proc_params
        self.sends = True
        if proc_params.get("build_fault") is not None:
            proc_params["build_fault"](self)

    def run_spk(self) -> None:
        if self.proc_params["fault"] is not None:
            self.proc_params["fault"](self)
        received = self.a_in.recv()
        if self.proc_params.get("result") is not None:
            self.proc_params["result"].values[self.time_step - 1] = received
        if self.sends:
            self.s_out.send(received + 1)


class Sprinter(AbstractProcess):
    """Runs asynchronously: it counts to the number of steps by itself."""

    def __init__(self, *, name: str, result: Any) -> None:
        super().__init__(name=name, result=result)


@implements(proc=Sprinter, protocol=AsyncProtocol)
@requires(CPU)
class PySprinter(PyAsyncProcessModel):
    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self.result = proc_params["result"]

    def run_async(self) -> None:
        for _ in range(self.num_steps):
            self.result.values[0] += 1


class Unimplemented(AbstractProcess):
    """Has no process model."""


def chain(
    n_links: int, fault: Fault | None = None, at: int = 0, result: Any = None, build_fault: Fault | None = None
) -> Link:
    """Connect links in a row, the one with index `at` faulty; the last one records what it receives."""
    links = [
        Link(
            name=f"link{i}",
            fault=fault if i == at else None,
            build_fault=build_fault if i == at else None,
            result=result if i == n_links - 1 else None,
        )
        for i in range(n_links)
    ]
    for source, target in itertools.pairwise(links):
        source.s_out.connect(target.a_in)
    return links[0]
