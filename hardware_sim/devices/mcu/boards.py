"""Flash and RAM of common boards, and whether a network fits into them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ....base.arrays import Record
from ....base.checks import check_choice, raise_violations
from ....base.errors import HardwareRuleError, Violation

KB = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Board(Record):
    """A board that can be bought."""

    name: str
    """Name on the command line."""
    chip: str
    """Name of the microcontroller on it."""
    device: str
    """Name of the device that its processor is compiled for."""
    flash_bytes: int
    """Size of the memory that keeps program and constants."""
    ram_bytes: int
    """Size of the memory for data and stack."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryNeed(Record):
    """The memory that a compiled network takes."""

    network: str
    """Name of the network."""
    flash_bytes: int
    """Program, constants and initial values, in bytes."""
    ram_bytes: int
    """Data and the deepest stack seen, in bytes."""


BOARDS = tuple(
    Board(name=name, chip=chip, device=device, flash_bytes=flash * KB, ram_bytes=ram * KB)
    for name, chip, device, flash, ram in (
        ("stm32f030f4", "STM32F030F4", "cortex-m0", 16, 4),
        ("nucleo-l031k6", "STM32L031K6", "cortex-m0", 32, 8),
        ("nucleo-f072rb", "STM32F072RB", "cortex-m0", 128, 16),
        ("microbit-v1", "nRF51822", "cortex-m0", 256, 16),
        ("arduino-zero", "SAMD21G18", "cortex-m0", 256, 32),
        ("raspberry-pi-pico", "RP2040, its flash a chip of its own", "cortex-m0", 2048, 264),
        ("nucleo-l432kc", "STM32L432KC", "cortex-m4", 256, 64),
        ("nucleo-f401re", "STM32F401RE", "cortex-m4", 512, 96),
        ("microbit-v2", "nRF52833", "cortex-m4", 512, 128),
        ("nrf52840-dk", "nRF52840", "cortex-m4", 1024, 256),
        ("ch32v203c8", "CH32V203C8", "rv32", 64, 20),
        ("longan-nano", "GD32VF103CB", "rv32", 128, 32),
        ("esp32-c3-devkit", "ESP32-C3, its flash a chip of its own", "rv32", 4096, 400),
    )
)
"""Boards by device, from the smallest on. Sources: the data sheets of the chips named."""


def find_board(name: str) -> Board:
    """Find a board by name.

    Raises:
        SpecError: If there is none of that name; the nearest names are shown.
    """
    boards = {board.name: board for board in BOARDS}
    raise_violations(check_choice("board", name, boards))
    return boards[name]


def fitting_boards(need: MemoryNeed, device: str) -> tuple[Board, ...]:
    """Return the boards with a device whose flash and RAM hold a network, from the smallest on."""
    return tuple(each for each in BOARDS if each.device == device and not list(_missing(need, each)))


def check_board(need: MemoryNeed, board: Board) -> None:
    """Check that a network fits into a board.

    Raises:
        HardwareRuleError: If it doesn't; the memory, the bytes that are missing and the boards that hold it are named.
    """
    raise_violations(_missing(need, board), HardwareRuleError)


def check_any_board(need: MemoryNeed, device: str) -> None:
    """Check that a network fits into some board with a device.

    Raises:
        HardwareRuleError: If it fits into none; what the one with the largest flash lacks is named.
    """
    if not fitting_boards(need, device):
        check_board(need, max((each for each in BOARDS if each.device == device), key=lambda each: each.flash_bytes))


def _missing(need: MemoryNeed, board: Board) -> Iterator[Violation]:
    for memory in ("flash", "ram"):
        needed, there = (getattr(each, f"{memory}_bytes") for each in (need, board))
        if needed > there:
            holds = [b for b in BOARDS if b.device == board.device and getattr(b, f"{memory}_bytes") >= needed]
            names = ", ".join(f"{b.name} ({getattr(b, f'{memory}_bytes') // KB} KB)" for b in holds)
            repair = f"It fits {names}." if holds else "No board of this table with that processor holds it."
            name = {"flash": "flash", "ram": "RAM"}[memory]
            yield Violation(
                f"Network {need.network!r}",
                f"fit into the {there} bytes of {name} of {board.name}",
                f"{needed} bytes, {needed - there} too many",
                f"{repair} A narrower network, shorter weights or a smaller payload table takes less.",
            )
