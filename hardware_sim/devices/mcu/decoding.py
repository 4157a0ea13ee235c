"""The instructions of executed blocks: how many there are, and which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from ....base.extras import import_extra
from .device import Architecture, Device
from .emulator import Block, Passage
from .image import EXTRA, Image


class Instruction(NamedTuple):
    """A machine instruction in the assembler's words."""

    name: str
    """Its mnemonic, such as `ldr` or `b.ne`."""
    operands: str
    """Its operands, as a disassembler writes them."""


class Decoder:
    """Disassembles the blocks of a program, each once."""

    def __init__(self, device: Device, image: Image) -> None:
        """Prepare the disassembler.

        Args:
            device: The processor.
            image: The program.

        Raises:
            MissingPackageError: If the extra is not installed.
        """
        cs = import_extra("capstone", EXTRA)
        if device.architecture is Architecture.RISCV:
            self._disassembler = cs.Cs(cs.CS_ARCH_RISCV, cs.CS_MODE_RISCV32 | cs.CS_MODE_RISCVC)
        else:
            self._disassembler = cs.Cs(cs.CS_ARCH_ARM, cs.CS_MODE_THUMB | cs.CS_MODE_MCLASS)
        self._image = image
        self._known: dict[Block, tuple[Instruction, ...]] = {}

    def instructions(self, block: Block) -> tuple[Instruction, ...]:
        """Return the instructions of a block, in order."""
        if block not in self._known:
            found = list(self._disassembler.disasm_lite(self._content(block), block.address))
            assert sum(size for _, size, _, _ in found) == block.size, (
                "the disassembler knows every instruction executed"
            )
            self._known[block] = tuple(Instruction(name, operands) for _, _, name, operands in found)
        return self._known[block]

    def count(self, passages: Mapping[Passage, int]) -> Counter[int]:
        """Count the instructions that were executed, by the place in which they were."""
        found: Counter[int] = Counter()
        for passage, n in passages.items():
            found[passage.place] += n * len(self.instructions(passage.block))
        return found

    def _content(self, block: Block) -> bytes:
        """Return the bytes of a block, which lies within one segment of the program; none of a block of no size."""
        for each in self._image.segments:
            if each.address <= block.address < each.address + len(each.content):
                start = block.address - each.address
                return each.content[start : start + block.size]
        return b""
