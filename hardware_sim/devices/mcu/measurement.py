"""Measurement of a network on an emulated microcontroller: instructions, memory, and whether its bits are the reference's.

Instructions are not cycles. A Cortex-M0 takes one to three cycles for most, and a chip's flash adds waiting; `cycles.py`
estimates a range. What is exact: the instructions of this compiler's code, the sizes, the depth of the stack, the bits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....base.arrays import FloatArray, IntArray, Record
from ....base.checks import as_member
from ....engine.host import encode_points
from ....engine.reference import run_integer
from ....engine.trace import RunTrace
from ....network.given_points import checked_samples
from ....network.quantized import QuantizedNetwork
from ....network.spec import NetworkSpec, Readout
from ..integer_plan import IntegerPlan, OutputPlan, PopulationPlan, SumPlan, plan_integers
from .baselines import (
    DenseLayers,
    Int8Kernel,
    float32_program,
    float_layers,
    int8_layers,
    int8_program,
    int8_words,
    run_float32,
    run_int8,
)
from .boards import MemoryNeed
from .cycles import CycleEstimate
from .device import Device, find_device
from .metering import Metered, Program, meter_program
from .network_programs import measured_program
from .toolchain import find_toolchain

FLOAT32_ERROR = 1e-5
"""Largest error of a float32 network beside float64, as a fraction of its largest output: some hundred roundings of 6e-8."""


class Loops(str, Enum):
    """How the connections of a network are walked."""

    COUNTED = "counted"
    """Each as the counts of a run on the measured points say: event by event, or dense."""
    EVENTS = "events"
    """All between nodes event by event."""
    DENSE = "dense"
    """All of them dense."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartInstructions(Record):
    """Instructions of a part of a program."""

    name: str
    """Name of the node, or `others` for what lies outside of the nodes."""
    mean: float
    """Mean number of instructions a point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceMeasurement(Record):
    """What a network takes on an emulated device; instructions are not cycles."""

    network: str
    """Name of the network, or of what it is compared with."""
    device: str
    """Name of the device."""
    compiler: str
    """Name and version of the compiler."""
    flags: str
    """Flags that it was given."""
    n_points: int
    """Number of points that were computed."""
    mismatches: int
    """Number of results that differ from the reference; of float32, that differ by more than rounding."""
    instructions_mean: float
    """Mean number of instructions a point."""
    instructions_min: int
    """Smallest number of instructions of a point."""
    instructions_max: int
    """Largest number of instructions of a point."""
    held_mean: float | None
    """Mean number of instructions a point that compute what is held, once for all points of a held value; these are among
    `instructions_mean`. None where nothing is held."""
    parts: tuple[PartInstructions, ...]
    """Instructions of each node and outside of them; of a network that is compared with, none."""
    cycles: CycleEstimate | None
    """Estimated cycles of a mean point without wait states of the flash; None for a device without public timings."""
    text_bytes: int
    """Size of the instructions in flash, in bytes."""
    constant_bytes: int
    """Size of weights, tables and initial values in flash, in bytes."""
    ram_bytes: int
    """Size of state, inputs and outputs in RAM, in bytes."""
    stack_bytes: int
    """Greatest depth of the stack, in bytes."""

    @property
    def flash_bytes(self) -> int:
        """Size of program and constants, in bytes."""
        return self.text_bytes + self.constant_bytes

    @property
    def need(self) -> MemoryNeed:
        """Memory that a board must have."""
        return MemoryNeed(
            network=self.network, flash_bytes=self.flash_bytes, ram_bytes=self.ram_bytes + self.stack_bytes
        )


def measure_device(
    network: QuantizedNetwork,
    device: str,
    points: FloatArray,
    loops: Loops = Loops.COUNTED,
    trace: RunTrace | None = None,
) -> DeviceMeasurement:
    """Measure a network on an emulated device; instructions are not cycles.

    Args:
        network: The quantized network.
        device: Name of one of `DEVICES`.
        points: Physical coordinates, shape (n_samples, n_in), or (n_samples, n_steps, n_in) where an input is a sequence.
        loops: How its connections are walked.
        trace: A run of the network whose counts choose the loops; None counts on the points.

    Raises:
        SpecError: If the device is unknown, or the points do not fit.
        MissingPackageError: If the extra `mcu` is not installed, or no compiler for the device.
        SimulationError: If the program does not compile, or does not return.
    """
    found, loops = find_device(device), as_member(Loops, loops, "measure_device.loops")
    toolchain = find_toolchain(found)
    points = checked_samples(points, network, f"measure_device: points of network {network.name!r}")
    expected = run_integer(network, points)
    plan = plan_loops(network, expected if trace is None else trace, loops, found)
    program = measured_program(plan)
    words, _ = encode_points(network, points)
    metered = meter_program(found, toolchain, program, words if words.ndim == 3 else words[:, None])
    mismatches = int(np.count_nonzero(_read_out(plan, metered.sums) != expected.readout))
    names = [node.name for node in (*plan.nodes, plan.output)]
    return _measurement(network.name, found, metered, mismatches, names, holds=bool(plan.held))


def plan_loops(network: QuantizedNetwork, trace: RunTrace, loops: Loops, device: Device) -> IntegerPlan:
    """Return the integer plan of a network with its connections walked in a given way.

    Args:
        network: The network.
        trace: A run of it, which is counted.
        loops: How the connections are walked; inputs are dense in any case.
        device: The device, which says from what activity on a dense loop is cheaper.
    """
    plan = plan_integers(network, trace if loops is Loops.COUNTED else None, device.dense_activity)
    if loops is not Loops.DENSE:
        return plan
    nodes = tuple(
        replace(node, affine=_dense(node.affine)) if isinstance(node, PopulationPlan) else node for node in plan.nodes
    )
    output: OutputPlan = replace(plan.output, affine=_dense(plan.output.affine))
    return replace(plan, nodes=nodes, output=output)


def _dense(affine: SumPlan) -> SumPlan:
    return replace(affine, connections=tuple(replace(each, is_dense=True) for each in affine.connections))


def _read_out(plan: IntegerPlan, sums: NDArray[Any]) -> IntArray:
    """Return the read-out from the results of every call: a sample's, or each step's of a sequence."""
    held: IntArray = sums.astype(np.int64)
    if plan.n_steps is not None:
        return held[:, 0]
    if plan.output.readout is Readout.EVERY:
        return held
    total: IntArray = held[:, -1] if plan.output.readout is Readout.LAST else held.sum(axis=1)
    return total


def measure_int8(
    network: NetworkSpec, device: str, points: FloatArray, kernel: Int8Kernel = Int8Kernel.PLAIN
) -> DeviceMeasurement:
    """Measure a dense int8 network of the same widths, with tanh from a table; see `baselines.py`.

    Args:
        network: The float network, a chain, whose widths and weights it takes.
        device: Name of one of `DEVICES`.
        points: Physical coordinates, shape (n_samples, n_in).
        kernel: How it multiplies; SIMD needs a Cortex-M4.

    Raises:
        SpecError: If the device is unknown, or the network is no chain.
        MissingPackageError: If the extra `mcu` is not installed, or no compiler for the device.
    """
    layers, words = int8_layers(network), int8_words(network, points)
    program = int8_program(layers, kernel)
    return _measure_dense(f"{network.name}, int8 dense", device, program, words, run_int8(layers, words), 0)


def measure_float32(network: NetworkSpec, device: str, points: FloatArray) -> DeviceMeasurement:
    """Measure a dense float32 network of the same widths, with tanh of the mathematical library; see `baselines.py`.

    Args:
        network: The float network, a chain, whose widths and weights it takes.
        device: Name of one of `DEVICES`; its compiler must bring a mathematical library.
        points: Physical coordinates, shape (n_samples, n_in).

    Raises:
        SpecError: If the device is unknown, or the network is no chain.
        MissingPackageError: If the extra `mcu` is not installed, or no compiler for the device.
    """
    layers: DenseLayers = float_layers(network)
    words = network.input_transform.apply(points).astype(np.float32)
    expected = run_float32(layers, words)
    tolerance = FLOAT32_ERROR * float(np.abs(expected).max())
    return _measure_dense(f"{network.name}, float32", device, float32_program(layers), words, expected, tolerance)


def _measure_dense(
    name: str, device: str, program: Program, words: NDArray[Any], expected: NDArray[Any], tolerance: float
) -> DeviceMeasurement:
    found = find_device(device)
    metered = meter_program(found, find_toolchain(found, needs_libm=program.needs_libm), program, words[:, None])
    wrong = np.abs(metered.sums[:, 0].astype(np.float64) - expected) > tolerance
    return _measurement(name, found, metered, int(np.count_nonzero(wrong)), [])


def _measurement(
    name: str, device: Device, metered: Metered, mismatches: int, nodes: list[str], *, holds: bool = False
) -> DeviceMeasurement:
    means = metered.by_part.mean(axis=0).tolist()
    cycles = None if metered.cycles is None else np.rint(metered.cycles.mean(axis=0)).astype(int).tolist()
    image, counts = metered.image, metered.instructions
    return DeviceMeasurement(
        network=name,
        device=device.name,
        compiler=metered.toolchain.version(),
        flags=" ".join(metered.toolchain.flags),
        n_points=len(counts),
        mismatches=mismatches,
        instructions_mean=float(counts.mean()),
        instructions_min=int(counts.min()),
        instructions_max=int(counts.max()),
        held_mean=float(metered.prepared.mean()) if holds else None,
        parts=tuple(PartInstructions(name=n, mean=m) for n, m in zip([*nodes, "others"], means, strict=True))
        if nodes
        else (),
        cycles=None if cycles is None else CycleEstimate(lowest=cycles[0], highest=cycles[1]),
        text_bytes=image.text_bytes,
        constant_bytes=image.constant_bytes + image.data_bytes,
        ram_bytes=image.ram_bytes,
        stack_bytes=metered.stack_bytes,
    )
