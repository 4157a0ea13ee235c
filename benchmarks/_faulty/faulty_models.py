"""A spiking layer that fails on demand, in the ways in which process models fail.

The folder is its own, because Lava's compiler executes every file beside a process. What is to happen is set before a run,
whose processes are forked and so know it.
"""

from __future__ import annotations

import os
import signal
import time

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from neuropinn_lava.hardware_sim.lava.processes.layer_models import IntegerVsnModel
from neuropinn_lava.hardware_sim.lava.processes.vsn import VSN

fault = {"kind": "fine", "step": 0}


@implements(proc=VSN, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class FaultyVsnModel(IntegerVsnModel):
    """The integer layer, until the step of the fault."""

    def step(self):
        if self.time_step == fault["step"]:
            kind = fault["kind"]
            if kind == "exception":
                raise ValueError("broken on purpose")
            if kind == "exit":
                os._exit(3)
            if kind == "kill -9":
                os.kill(os.getpid(), signal.SIGKILL)
            if kind == "hang":
                time.sleep(3600)
            if kind == "endless loop":
                while True:
                    pass
            if kind == "wrong shape":
                self.a_out.send(np.zeros(7, np.int32))
                return
            if kind == "no send":
                return
        super().step()
