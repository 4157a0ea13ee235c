"""A network on an emulated microcontroller as a row of a report's table of devices."""

from __future__ import annotations

import importlib.metadata

from ....base.arrays import FloatArray
from ....engine.trace import RunTrace
from ....network.quantized import QuantizedNetwork
from ..device_result import Basis, DeviceResult
from .boards import KB, check_any_board, fitting_boards
from .measurement import measure_device

N_EMULATED = 50
"""Number of points that are run on the emulated device: some seconds."""


def measure_microcontroller(
    device: str, network: QuantizedNetwork, points: FloatArray, trace: RunTrace
) -> DeviceResult:
    """Measure a network on an emulated microcontroller, on the first points.

    Args:
        device: Name of one of `DEVICES`.
        network: The quantized network.
        points: Physical coordinates, shape (n_samples, n_in), or (n_samples, n_steps, n_in) where an input is a sequence.
        trace: A run of the network, whose counts choose the loops.

    Raises:
        SpecError: If the device is unknown, or the points do not fit.
        HardwareRuleError: If no board with that processor holds the network.
        MissingPackageError: If the extra `mcu` is not installed, or no compiler for the device.
        SimulationError: If the program does not compile, or does not return.
    """
    found = measure_device(network, device, points[:N_EMULATED], trace=trace)
    check_any_board(found.need, device)
    smallest = fitting_boards(found.need, device)[0]
    emulator = f"unicorn {importlib.metadata.version('unicorn')}"
    timings = "" if found.cycles is None else "; cycles by ARM's instruction timings, without wait states of the flash"
    board = f"{smallest.name} ({smallest.flash_bytes // KB} KB flash, {smallest.ram_bytes // KB} KB RAM)"
    return DeviceResult(
        name=device,
        basis=Basis.EMULATED,
        n_samples=found.n_points,
        mismatches=found.mismatches,
        flash_bytes=found.flash_bytes,
        ram_bytes=found.need.ram_bytes,
        instructions=found.instructions_mean,
        held_instructions=found.held_mean,
        cycles_low=None if found.cycles is None else float(found.cycles.lowest),
        cycles_high=None if found.cycles is None else float(found.cycles.highest),
        source=f"{found.compiler}, {emulator}; instructions are not cycles{timings}; smallest board that holds it: {board}",
    )
