"""Runs of a program on an emulated device: what it computes, and what that costs.

A program has a function `nl_emulated_point`, which reads the variable `nl_emulated_words` and leaves results in
`nl_emulated_sums`. A sample is one call, or one for each of its steps; before the first of them, `nl_emulated_reset` is called
where the program has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....base.arrays import ArrayRecord, IntArray, Record, freeze_arrays
from .cycles import CycleModel
from .decoding import Decoder
from .device import Device
from .emulator import Emulator
from .image import Image, read_image
from .toolchain import ENTRY, SourceFile, Toolchain, compile_program

RESET, WORDS, SUMS = "nl_emulated_reset", "nl_emulated_words", "nl_emulated_sums"
"""Names of a program's function and variables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program(Record):
    """A C99 program to be measured."""

    sources: tuple[SourceFile, ...]
    """Files in C."""
    defines: tuple[str, ...] = ()
    """Macros that are defined for all of them."""
    words: Any
    """Type of an element of `nl_emulated_words`, as numpy names it."""
    sums: Any
    """Type of an element of `nl_emulated_sums`."""
    n_out: int
    """Number of elements of `nl_emulated_sums`."""
    parts: Mapping[str, str]
    """Names of the parts whose instructions are told apart, by the function in C that each begins with."""
    needs_libm: bool = False
    """Whether it calls the mathematical library."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Metered(ArrayRecord):
    """What a program computed, and what it took."""

    toolchain: Toolchain
    """Compiler that built the program."""
    image: Image
    """The linked program."""
    sums: NDArray[Any]
    """Results of every call, shape (n_points, n_calls, n_out), in the program's type."""
    instructions: IntArray
    """Instructions of every point, shape (n_points,)."""
    prepared: IntArray
    """Instructions of every point before its first call, of `nl_emulated_reset`, shape (n_points,)."""
    by_part: IntArray
    """Instructions of every point in each part and, last, outside of them, shape (n_points, n_parts + 1)."""
    cycles: NDArray[np.int64] | None
    """Estimated cycles of every point, lowest and highest, shape (n_points, 2); None without a model."""
    stack_bytes: int
    """Greatest depth of the stack, in bytes."""

    def __post_init__(self) -> None:
        freeze_arrays(self, sums=self.sums.dtype, **dict.fromkeys(("instructions", "prepared", "by_part"), np.int64))
        if self.cycles is not None:
            freeze_arrays(self, cycles=np.int64)


def meter_program(device: Device, toolchain: Toolchain, program: Program, words: NDArray[Any]) -> Metered:
    """Compile a program, run it on an emulated device, and count.

    Args:
        device: The device.
        toolchain: Its compiler.
        program: The program.
        words: Inputs of every call, shape (n_points, n_calls, n_in).

    Raises:
        MissingPackageError: If the extra is not installed.
        SimulationError: If the program does not compile, or does not return.
    """
    image = read_image(compile_program(toolchain, program.sources, program.defines))
    places = find_parts(image, program)
    emulator = Emulator(device, image, places)
    decoder = Decoder(device, image)
    model = CycleModel(device, decoder)
    columns = {place: list(program.parts.values()).index(part) for place, part in places.items()}
    by_part = np.zeros((len(words), len(program.parts) + 1), np.int64)
    cycles, prepared = np.zeros((len(words), 2), np.int64), np.zeros(len(words), np.int64)
    sums = np.zeros((*words.shape[:2], program.n_out), program.sums)
    for point, calls in enumerate(words.astype(program.words)):
        names = [RESET] if image.has(RESET) else []
        for step, row in enumerate(calls):
            emulator.write_array(WORDS, row)
            for name in (*names, ENTRY):
                passages = emulator.call(name)
                for place, n in decoder.count(passages).items():
                    by_part[point, columns.get(place, -1)] += n
                    prepared[point] += n if name == RESET else 0
                estimate = model.estimate(passages)
                if estimate is not None:
                    cycles[point] += estimate.lowest, estimate.highest
            names = []
            sums[point, step] = emulator.read_array(SUMS, program.sums, (program.n_out,))
    return Metered(
        toolchain=toolchain,
        image=image,
        sums=sums,
        instructions=by_part.sum(axis=1),
        prepared=prepared,
        by_part=by_part,
        cycles=cycles if model.is_known else None,
        stack_bytes=emulator.stack_bytes(),
    )


def find_parts(image: Image, program: Program) -> dict[int, str]:
    """Find the parts of a program by the addresses of their functions; the compiler may have made variants, `name.part.0`."""
    found = {}
    for symbol in image.symbols:
        name = symbol.name.partition(".")[0]
        if symbol.is_function and name in program.parts:
            found[symbol.address] = program.parts[name]
    return found
