"""A linked program as the emulator needs it: bytes at their addresses, symbols, and how large its parts are."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field

from ....base.arrays import Record
from ....base.extras import import_extra

EXTRA = "mcu"
"""Extra that brings the reader of ELF files, the emulator and the disassembler."""

SHF_ALLOC = 2
"""Flag of a section that takes memory in the running program. Source: the ELF specification, figure 1-11."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment(Record):
    """A run of bytes at an address."""

    address: int
    """Address of the first byte."""
    content: bytes = field(repr=False)
    """The bytes that the loader puts there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol(Record):
    """A function or variable of the program."""

    name: str
    """Name in the source."""
    address: int
    """Address of its first byte, without the bit that marks Thumb code."""
    size: int
    """Number of its bytes; 0 where the assembler did not say."""
    is_function: bool
    """Whether it is code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image(Record):
    """A linked program."""

    segments: tuple[Segment, ...]
    """What is loaded."""
    symbols: tuple[Symbol, ...]
    """Functions and variables, by address."""
    text_bytes: int
    """Size of the instructions, with the constants that lie among them."""
    constant_bytes: int
    """Size of the constants in flash."""
    data_bytes: int
    """Size of the initialised data, which takes flash and RAM."""
    zero_bytes: int
    """Size of the data that begins at zero, which takes RAM only."""

    @property
    def flash_bytes(self) -> int:
        """Size of text, constants and initial values."""
        return self.text_bytes + self.constant_bytes + self.data_bytes

    @property
    def ram_bytes(self) -> int:
        """Size of data, without the stack."""
        return self.data_bytes + self.zero_bytes

    def symbol(self, name: str) -> Symbol:
        """Return a symbol, which must exist."""
        return next(each for each in self.symbols if each.name == name)

    def address(self, name: str) -> int:
        """Return the address of a symbol, which must exist."""
        return self.symbol(name).address

    def has(self, name: str) -> bool:
        """Return whether there is a symbol of that name."""
        return any(each.name == name for each in self.symbols)


def read_image(content: bytes) -> Image:
    """Read an ELF image.

    Raises:
        MissingPackageError: If the extra is not installed.
    """
    elf = import_extra("elftools.elf.elffile", EXTRA).ELFFile(io.BytesIO(content))
    sizes = {section.name: section["sh_size"] for section in elf.iter_sections() if section["sh_flags"] & SHF_ALLOC}
    return Image(
        segments=tuple(
            Segment(address=each["sh_addr"], content=each.data())
            for each in elf.iter_sections()
            if each["sh_flags"] & SHF_ALLOC and each["sh_type"] != "SHT_NOBITS" and each["sh_size"]
        ),
        symbols=tuple(sorted(_symbols(elf), key=lambda symbol: symbol.address)),
        text_bytes=sizes.pop(".text", 0),
        data_bytes=sizes.pop(".data", 0),
        zero_bytes=sizes.pop(".bss", 0),
        constant_bytes=sum(sizes.values()),
    )


def _symbols(elf: object) -> Iterator[Symbol]:
    """Return the named functions and variables of the symbol table."""
    table = elf.get_section_by_name(".symtab")  # type: ignore[attr-defined]
    for each in table.iter_symbols():
        kind = each["st_info"]["type"]
        if each.name and kind in ("STT_FUNC", "STT_OBJECT"):
            is_function = kind == "STT_FUNC"
            address = each["st_value"] & ~1 if is_function else each["st_value"]
            yield Symbol(name=each.name, address=address, size=each["st_size"], is_function=is_function)
