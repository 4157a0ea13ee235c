"""What a network takes on one device: the same fields for a compiled, an emulated and a synthesised one, for reports."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ...base.arrays import Record


class Basis(str, Enum):
    """How the numbers of a device were found."""

    COMPILED = "compiled and run here"
    """Native code of this machine."""
    EMULATED = "emulated, instruction by instruction"
    """Code of another processor in an emulator; instructions are not cycles."""
    SYNTHESISED = "simulated and synthesised"
    """A core in Verilog: cycles from a simulation, resources and clock from synthesis; no board was run."""
    ESTIMATED = "estimated from counts"
    """Constants of others times the counts of a run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceResult(Record):
    """What a network takes on one device; what is not known is None."""

    name: str
    """Name of the device, as in `cortex-m4`."""
    basis: Basis
    """How the numbers were found."""
    n_samples: int | None = None
    """Number of samples that were run and compared with the integer engine."""
    mismatches: int | None = None
    """Number of values that differ from the integer engine's."""
    flash_bytes: int | None = None
    """Program and constants, in bytes."""
    ram_bytes: int | None = None
    """State, buffers and the deepest stack, in bytes."""
    logic: str | None = None
    """Resources of an FPGA in words, as in `1223 LUT4, 5 MULT18X18D, 8 DP16KD`."""
    instructions: float | None = None
    """Instructions per sample."""
    held_instructions: float | None = None
    """Those of them that only a sample with a new value of the held inputs takes; None where nothing is held."""
    cycles_low: float | None = None
    """Clock cycles per sample; the low end where they are estimated."""
    cycles_high: float | None = None
    """The high end; equal to the low one where they are counted."""
    clock_hz: float | None = None
    """Clock at which the times hold, in Hz."""
    seconds_low: float | None = None
    """Time of a sample in seconds, the low end."""
    seconds_high: float | None = None
    """The high end."""
    joules_low: float | None = None
    """Energy of a sample in joules, the low end; None where nothing citable is known."""
    joules_high: float | None = None
    """The high end."""
    source: str
    """Where the numbers come from: compiler, emulator, tool and its version, or publication."""
