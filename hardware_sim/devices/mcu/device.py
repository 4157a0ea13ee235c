"""The microcontrollers that a network can be compiled for and emulated on, as data.

A device is a processor, with the compiler's flags and the emulator's name of it. Flash and RAM are those of a board, see
`boards.py`: the memory map here is larger than any board's, so that a network too large for one is measured all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ....base.arrays import Record
from ....base.checks import check_choice, raise_violations


class Architecture(str, Enum):
    """Instruction set of a device, as far as the emulator is concerned."""

    THUMB = "thumb"
    """Thumb and Thumb-2 of ARM's M profile."""
    RISCV = "riscv"
    """RISC-V with 32-bit registers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device(Record):
    """A processor that networks are compiled for."""

    name: str
    """Name on the command line."""
    title: str
    """Name in reports and errors."""
    architecture: Architecture
    """Instruction set family."""
    gcc: str
    """Command of its GNU cross compiler."""
    package: str
    """Debian's package of that compiler."""
    gcc_flags: tuple[str, ...]
    """Flags that choose the processor for GCC."""
    zig_flags: tuple[str, ...]
    """Flags that choose the processor for `zig cc`."""
    emulated_as: str
    """Name of unicorn's processor model, a constant of its module; empty for the default one."""
    has_fpu: bool
    """Whether it computes in float32 without a library."""
    dense_activity: float
    """Share of events above which a dense loop takes fewer instructions than a walk over the events, found by
    benchmarks/microcontrollers.py."""


COMMON_FLAGS = ("-std=c99", "-O2", "-ffreestanding", "-ffunction-sections", "-fdata-sections", "-ffp-contract=off")
"""Flags for every device and compiler: optimized, each function in a section of its own, so that unused ones are dropped."""

DEVICES = (
    Device(
        name="cortex-m0",
        title="Cortex-M0/M0+",
        architecture=Architecture.THUMB,
        gcc="arm-none-eabi-gcc",
        package="gcc-arm-none-eabi",
        gcc_flags=("-mcpu=cortex-m0", "-mthumb", "-mfloat-abi=soft"),
        zig_flags=("-target", "thumb-freestanding-eabi", "-mcpu=cortex_m0"),
        emulated_as="UC_CPU_ARM_CORTEX_M0",
        has_fpu=False,
        dense_activity=0.99,
    ),
    Device(
        name="cortex-m4",
        title="Cortex-M4F",
        architecture=Architecture.THUMB,
        gcc="arm-none-eabi-gcc",
        package="gcc-arm-none-eabi",
        gcc_flags=("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"),
        zig_flags=("-target", "thumb-freestanding-eabihf", "-mcpu=cortex_m4+vfp4d16sp"),
        emulated_as="UC_CPU_ARM_CORTEX_M4",
        has_fpu=True,
        dense_activity=0.8,
    ),
    Device(
        name="rv32",
        title="RV32IMC",
        architecture=Architecture.RISCV,
        gcc="riscv64-unknown-elf-gcc",
        package="gcc-riscv64-unknown-elf",
        gcc_flags=("-march=rv32imc", "-mabi=ilp32", "-mno-relax", "-Wl,--no-relax"),
        zig_flags=("-target", "riscv32-freestanding-none", "-mcpu=generic_rv32+m+c"),
        emulated_as="",
        has_fpu=False,
        dense_activity=0.8,
    ),
)
"""Devices, from the smallest on."""

FLASH_ORIGIN, FLASH_BYTES = 0x0800_0000, 16 << 20
"""Where the emulated flash begins, and its size; larger than any board's."""
RAM_ORIGIN, RAM_BYTES = 0x2000_0000, 4 << 20
"""Where the emulated RAM begins, and its size; the stack grows down from its end."""


def find_device(name: str) -> Device:
    """Find a device by name.

    Raises:
        SpecError: If there is none of that name; the nearest names are shown.
    """
    devices = {device.name: device for device in DEVICES}
    raise_violations(check_choice("device", name, devices))
    return devices[name]
