"""The emulator of a device: calls a function of a program, and counts the instructions that it executes.

unicorn reports each basic block that it enters, which costs a tenth of a report for each instruction. A block is a run of
instructions without a jump inside, so that blocks and their lengths give the instructions exactly; the successor of a block
says whether its last jump was taken. An instruction that a condition skips is counted: it is fetched, and takes a cycle.

Two properties of unicorn 2 shape this module: hooks that are added after the first run never fire, and hooks on memory writes
hang on the Cortex-M4. So all hooks are added first, and the stack's depth is read off a pattern that the program overwrites.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ....base.errors import SimulationError
from ....base.extras import import_extra
from .device import FLASH_BYTES, FLASH_ORIGIN, RAM_BYTES, RAM_ORIGIN, Architecture, Device
from .image import EXTRA, Image

STOP = 0x0001_0000
"""Address to which a called function returns; nothing is there."""
STACK_BYTES = 64 << 10
"""Size of the region at the end of RAM whose pattern shows how deep the stack has been."""
PATTERN = 0xA5
"""Byte of that pattern."""
COPROCESSOR_ACCESS = 0xF << 20
"""Full access to the floating-point unit. Source: CPACR, Armv7-M Architecture Reference Manual, B3.2.20."""
CALL_SECONDS = 120
"""Longest time that one call may take in the emulator."""


class Block(NamedTuple):
    """A basic block as the emulator enters it."""

    address: int
    """Address of its first instruction."""
    size: int
    """Number of its bytes."""


class Passage(NamedTuple):
    """A block executed in a place of the program, after another."""

    place: int
    """Address of the function that was entered last, of those that are told apart; 0 in the function that was called."""
    before: Block
    """Block that was executed before; (0, 0) at the beginning of a call."""
    block: Block
    """Block that was executed."""


START = Block(0, 0)


class Emulator:
    """A device with a program in its memory, whose functions can be called."""

    def __init__(self, device: Device, image: Image, places: Mapping[int, str] | None = None) -> None:
        """Load a program.

        Args:
            device: The processor.
            image: The program.
            places: Addresses of functions whose instructions are to be told apart, with their names.

        Raises:
            MissingPackageError: If the extra is not installed.
        """
        self.image = image
        self._places = frozenset(places or ())
        self._device = device
        self._unicorn = import_extra("unicorn", EXTRA)
        self._machine = self._new_machine()
        self.passages: Counter[Passage] = Counter()
        self._place, self._before = 0, START
        self._outside = 0, 0
        for segment in image.segments:
            self.write(segment.address, segment.content)
        self.write(RAM_ORIGIN + RAM_BYTES - STACK_BYTES, bytes([PATTERN]) * STACK_BYTES)
        self._machine.hook_add(self._unicorn.UC_HOOK_BLOCK, self._enter)

    def _new_machine(self) -> Any:
        """Make the processor, with flash and RAM."""
        uc = self._unicorn
        if self._device.architecture is Architecture.RISCV:
            machine = uc.Uc(uc.UC_ARCH_RISCV, uc.UC_MODE_RISCV32)
        else:
            arm = import_extra("unicorn.arm_const", EXTRA)
            machine = uc.Uc(uc.UC_ARCH_ARM, uc.UC_MODE_THUMB | uc.UC_MODE_MCLASS)
            machine.ctl_set_cpu_model(getattr(arm, self._device.emulated_as))
            if self._device.has_fpu:
                machine.reg_write(arm.UC_ARM_REG_C1_C0_2, COPROCESSOR_ACCESS)
        machine.mem_map(FLASH_ORIGIN, FLASH_BYTES)
        machine.mem_map(RAM_ORIGIN, RAM_BYTES)
        return machine

    def _enter(self, _machine: Any, address: int, size: int, _data: Any) -> None:
        """Count a block. It is called for every block that is executed, and does as little as it can."""
        if address in self._places:
            self._place = address
        elif self._outside[0] <= address < self._outside[1]:
            self._place = 0
        block = Block(address, size)
        self.passages[Passage(self._place, self._before, block)] += 1
        self._before = block

    def write(self, address: int, content: bytes) -> None:
        """Write bytes into the memory."""
        self._machine.mem_write(address, content)

    def read(self, address: int, size: int) -> bytes:
        """Read bytes from the memory."""
        return bytes(self._machine.mem_read(address, size))

    def write_array(self, name: str, values: NDArray[Any]) -> None:
        """Write numbers into a variable, in their own type; both processors and this machine are little-endian."""
        self.write(self.image.address(name), values.tobytes())

    def read_array(self, name: str, dtype: DTypeLike, shape: tuple[int, ...]) -> NDArray[Any]:
        """Read a variable as an array."""
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        return np.frombuffer(self.read(self.image.address(name), size), dtype).reshape(shape)

    def call(self, name: str) -> Counter[Passage]:
        """Call a function without arguments, and return the blocks that it executed.

        Raises:
            SimulationError: If the program reaches for memory that is not there, or does not return.
        """
        self.passages, self._place, self._before = Counter(), 0, START
        called = self.image.symbol(name)
        self._outside = called.address, called.address + called.size
        start, top = called.address, RAM_ORIGIN + RAM_BYTES
        if self._device.architecture is Architecture.RISCV:
            registers = import_extra("unicorn.riscv_const", EXTRA)
            stack, link, counter = (getattr(registers, f"UC_RISCV_REG_{each}") for each in ("SP", "RA", "PC"))
            self._machine.reg_write(link, STOP)
        else:
            registers = import_extra("unicorn.arm_const", EXTRA)
            stack, link, counter = (getattr(registers, f"UC_ARM_REG_{each}") for each in ("SP", "LR", "PC"))
            self._machine.reg_write(link, STOP | 1)
            start |= 1
        self._machine.reg_write(stack, top)
        fault: object = f"no end within {CALL_SECONDS} s"
        try:
            self._machine.emu_start(start, STOP, timeout=CALL_SECONDS * 1_000_000)
        except self._unicorn.UcError as error:
            fault = error
        at = self._machine.reg_read(counter)
        if at != STOP:
            got = f"{fault}, at address 0x{at:08x}"
            repair = "Please report it, with the network."
            raise SimulationError(f"The function {name} on {self._device.title}", "return", got, repair)
        return self.passages

    def stack_bytes(self) -> int:
        """Return the greatest depth of the stack in all calls so far, in bytes."""
        held = self.read(RAM_ORIGIN + RAM_BYTES - STACK_BYTES, STACK_BYTES)
        return len(held.lstrip(bytes([PATTERN])))
