"""Runs of a network on an emulated microcontroller, with the record of every neuron: another driver for `c99/run.py`.

Each step of each sample is one call of the generated `step`, with a probe that writes what every neuron did, and counters of
what saturates. It is compiled for the device by the device's compiler, and executed instruction by instruction.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ....base.arrays import FloatArray, IntArray
from ....base.errors import SimulationError
from ....engine.state import RunState
from ....engine.trace import NO_PROBE, Probe, RunTrace
from ....network.quantized import QuantizedNetwork
from ....network.spec import Readout
from ..c99.code.memory import Field, lay_out_state
from ..c99.code.names import name_parts
from ..c99.driver import DriverResult, n_state
from ..c99.run import DriverCall, run_driver
from ..integer_plan import IntegerPlan, continued_plan, plan_integers
from .device import Device, find_device
from .emulator import Emulator
from .image import read_image
from .metering import RESET, SUMS, WORDS, Program
from .network_programs import RECORD, RECORDED, recorded_program
from .toolchain import ENTRY, compile_program, find_toolchain

N_COUNTS = 6
"""Rows of the counters behind the fields of the state; the last three are saturated drives, membranes and payloads."""


def run_on_device(
    network: QuantizedNetwork,
    points: FloatArray,
    device: str = "cortex-m4",
    probe: Probe = NO_PROBE,
    state: RunState | None = None,
) -> RunTrace:
    """Run a quantized network on points in C99, compiled for a microcontroller and executed in an emulator of it.

    Args:
        network: The quantized network.
        points: Physical coordinates, shape (n_samples, n_in), finite; (n_samples, n_steps, n_in) where an input is a sequence.
        device: Name of one of `DEVICES`.
        probe: What to record in full.
        state: Where an earlier part of the sequences has ended (`RunState.begin` before the first part), as for `run_integer`.

    Raises:
        SpecError: If the device is unknown, or the points or the state do not fit the network.
        MissingPackageError: If the extra `mcu` is not installed, or no compiler for the device.
        SimulationError: If the program does not compile, or does not return.
    """
    found = find_device(device)

    def prepare(held: QuantizedNetwork, is_continued: bool) -> tuple[IntegerPlan, DriverCall]:
        """Compile the program and load it."""
        plan = continued_plan(plan_integers(held)) if is_continued else plan_integers(held)
        return plan, _EmulatedDriver(found, plan)

    return run_driver(network, points, probe, state, "run_on_device", prepare)


class _EmulatedDriver:
    """The program on its device, called as `c99/run.py` calls a driver."""

    def __init__(self, device: Device, plan: IntegerPlan) -> None:
        self._plan = plan
        self._program: Program = recorded_program(plan)
        toolchain = find_toolchain(device)
        image = read_image(compile_program(toolchain, self._program.sources, self._program.defines))
        self._emulator = Emulator(device, image)
        self._memory = _StateMemory(self._emulator, plan)

    def __call__(self, x: IntArray, n_steps: int, n_probed: int, states: IntArray | None) -> DriverResult:
        """Run words through the program."""
        plan, n_values = self._plan, sum(node.n_out for node in (*self._plan.nodes, self._plan.output))
        fired, events = np.zeros((2, n_steps, n_values), np.int64)
        outputs = np.zeros((len(x), n_steps, plan.output.n_out), np.int64)
        saturated = np.zeros((len(plan.nodes) + 1, 3), np.int64)
        traces = np.zeros((n_probed, n_steps, n_values, len(RECORDED)), np.int64)
        after = np.zeros((0 if states is None else len(x), n_values + n_state(plan)), np.int64)
        for k, words in enumerate(x):
            self._call(RESET)
            if states is not None:
                self._memory.load(states[k])
            for t in range(n_steps):
                row = words[t] if x.ndim == 3 else words
                self._emulator.write_array(WORDS, row.astype(self._program.words))
                self._call(ENTRY)
                outputs[k, t] = self._emulator.read_array(SUMS, np.int32, (plan.output.n_out,))
                record = self._emulator.read_array("nl_emulated_record", RECORD, (n_values,))
                fired[t] += record["fired"]
                events[t] += record["payload"] != 0
                if k < n_probed:
                    traces[k, t] = np.stack([record[name] for name in RECORDED], axis=-1)
            saturated += self._memory.saturated()
            if states is not None:
                after[k] = np.concatenate([record["membrane"], self._memory.store()])
        sums = _read_out(plan.output.readout, outputs)
        return DriverResult(sums=sums, fired=fired, events=events, saturated=saturated, traces=traces, states=after)

    def _call(self, name: str) -> None:
        """Call a function of the program, which must succeed."""
        self._emulator.call(name)
        status = int(self._emulator.read_array("nl_emulated_status", np.int32, ())[()])
        if status:
            repair = "Report it with the network's file."
            raise SimulationError(f"the function {name} on the device", "return success", status, repair)


def _read_out(readout: Readout, outputs: IntArray) -> IntArray:
    """Return the sum of the outputs (n_samples, n_steps, n_out) over the steps, the last one, or all."""
    if readout is Readout.EVERY:
        return outputs
    total: IntArray = outputs[:, -1] if readout is Readout.LAST else outputs.sum(axis=1)
    return total


class _StateMemory:
    """The state's struct in the memory of the device, read and written field by field; its fields lie without gaps."""

    def __init__(self, emulator: Emulator, plan: IntegerPlan) -> None:
        self._emulator, self._plan = emulator, plan
        self._address = emulator.image.address("nl_emulated_state")
        names = name_parts(plan)
        self._offsets: dict[str, tuple[int, Field]] = {}
        end = 0
        for each in lay_out_state(plan, names).fields:
            self._offsets[each.name] = end, each
            end += each.n_bytes
        self._counts = -(-end // 4) * 4
        self._membranes = [f"membrane_{names.nodes[n.name]}" for n in plan.populations if n.has_membrane]
        self._lines = [names.nodes[source] for source in plan.lines]

    def load(self, values: IntArray) -> None:
        """Fill membranes and delay lines from a state in the driver's order."""
        first = 0
        for name in (*self._membranes, *(f"line_{part}" for part in self._lines)):
            n = int(np.prod(self._offsets[name][1].shape))
            self._write(name, values[first : first + n])
            first += n
        for part in self._lines:
            self._write(f"at_{part}", np.zeros(1, np.int64))

    def store(self) -> IntArray:
        """Return membranes and delay lines in the driver's order, the oldest payload of a line first."""
        parts = [self._read(name).ravel() for name in self._membranes]
        for part in self._lines:
            parts.append(np.roll(self._read(f"line_{part}"), -int(self._read(f"at_{part}")[()]), axis=0).ravel())
        return np.concatenate([np.zeros(0, np.int64), *parts])

    def saturated(self) -> IntArray:
        """Return the saturated drives, membranes and payloads of every node since the last reset, shape (n_nodes, 3)."""
        n_nodes = len(self._plan.nodes) + 1
        content = self._emulator.read(self._address + self._counts, N_COUNTS * n_nodes * 4)
        counts = np.frombuffer(content, np.uint32).reshape(N_COUNTS, n_nodes)
        return counts[-3:].T.astype(np.int64)

    def _write(self, name: str, values: NDArray[np.int64]) -> None:
        offset, field = self._offsets[name]
        self._emulator.write(self._address + offset, values.astype(field.c_type.removesuffix("_t")).tobytes())

    def _read(self, name: str) -> IntArray:
        offset, field = self._offsets[name]
        content = self._emulator.read(self._address + offset, field.n_bytes)
        return np.frombuffer(content, field.c_type.removesuffix("_t")).reshape(field.shape).astype(np.int64)
