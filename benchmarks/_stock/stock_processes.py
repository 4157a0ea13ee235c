"""A VSN network as a Lava user would write it: Lava's own Dense, neurons in plain numpy, ring buffers as source and sink.

The folder is its own, because Lava's compiler executes every file beside a process. `BatchedSynapses` stands for a Dense
with a batch axis, which Lava does not have.
"""

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

from neuropinn_lava.network.integers import IntFormat, leaked, saturate, shift_half_up
from neuropinn_lava.network.phi_table import look_up


class BatchedSynapses(AbstractProcess):
    """p = W a, for messages (batch, n)."""

    def __init__(self, *, weights, batch_size):
        super().__init__(weights=weights)
        self.s_in = InPort(shape=(batch_size, weights.shape[1]))
        self.a_out = OutPort(shape=(batch_size, weights.shape[0]))


@implements(proc=BatchedSynapses, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class BatchedSynapsesModel(PyLoihiProcessModel):
    """Integers held in float64, which BLAS multiplies exactly; sent one step later, as Dense does."""

    s_in = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    a_out = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params):
        super().__init__(proc_params)
        self.transposed = proc_params["weights"].T.astype(np.float64)
        self.product = None

    def run_spk(self):
        if self.product is None:
            self.product = np.zeros(self.a_out.shape, np.int32)
        self.a_out.send(self.product)
        self.product = (self.s_in.recv().astype(np.float64) @ self.transposed).astype(np.int32)


class StockNeurons(AbstractProcess):
    """Alignment, membranes, threshold, payload; resets every `n_steps` steps. The read-out has no neurons, only drives."""

    def __init__(self, *, layer, n_steps, latency, shape):
        super().__init__(layer=layer, n_steps=n_steps, latency=latency, shape=shape)
        self.a_in = InPort(shape=shape)
        self.s_out = OutPort(shape=shape)


@implements(proc=StockNeurons, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class StockNeuronsModel(PyLoihiProcessModel):
    """The integer contract, line by line, in numpy."""

    a_in = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    s_out = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def run_spk(self):
        layer, affine = self.proc_params["layer"], self.proc_params["layer"].affine
        word = IntFormat(bits=affine.state_bits)
        z, _ = saturate(shift_half_up(self.a_in.recv(), affine.lefts[0]) + affine.bias, word)
        if not hasattr(layer, "table"):
            self.s_out.send(z)
            return
        if (self.time_step - 1 - self.proc_params["latency"]) % self.proc_params["n_steps"] == 0:
            self.membrane = np.zeros(z.shape, np.int64)
        elif not hasattr(self, "membrane"):
            self.s_out.send(np.zeros(z.shape, np.int32))  # nothing has arrived yet
            return
        m, _ = saturate(leaked(self.membrane, layer.beta) + z, word)
        fired = m >= layer.theta
        payload, _ = look_up(layer.table, np.where(fired, z, 0))
        self.membrane = np.where(fired, 0, m)
        self.s_out.send(payload)
