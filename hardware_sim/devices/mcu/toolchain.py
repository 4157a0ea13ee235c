"""Cross compilation: a C99 program for a device, by the GNU compiler of that processor or by `zig cc`.

`ziglang` of the extra `mcu` takes the same linker script and needs no package of the system; it is used where the GNU compiler
is missing. Its code is another: instruction counts are those of the compiler that a measurement names.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from ....base.arrays import Record
from ....base.errors import HardwareRuleError, NeuroPinnError, SimulationError
from ....base.extras import MissingPackageError
from ..c99.code.filling import fill
from .device import COMMON_FLAGS, FLASH_BYTES, FLASH_ORIGIN, RAM_BYTES, RAM_ORIGIN, Device

TEMPLATES = Path(__file__).parent / "templates"
"""Folder of the texts in C, and of the linker's script."""
ENTRY = "nl_emulated_point"
"""Function that is called for each point; what it does not reach is dropped by the linker."""
COMPILE_SECONDS = 300
"""Longest time that a compiler may take."""
KEPT = 8
"""Number of images that are kept for the next run of the same program."""
SHOWN = 2000
"""Number of characters of a compiler's messages that an error shows."""


class SourceFile(NamedTuple):
    """A file in C."""

    name: str
    """Name of the file, which includes of other files use."""
    text: str
    """What it holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolchain(Record):
    """A cross compiler for one device."""

    device: Device
    """Device that it compiles for."""
    command: tuple[str, ...]
    """Command of the compiler, before its flags."""
    flags: tuple[str, ...]
    """Flags that choose the processor and the optimization."""
    libraries: tuple[str, ...]
    """Libraries that are linked last: the compiler's own arithmetic."""
    has_libm: bool
    """Whether it links the mathematical library, which float networks need."""

    def version(self) -> str:
        """Return the compiler's name and version in one line."""
        text = _run((*self.command, "--version"), self.command[0]).stdout.splitlines()[0]
        return f"zig cc, {text}" if len(self.command) > 1 else text


def find_toolchain(device: Device, *, needs_libm: bool = False) -> Toolchain:
    """Find a cross compiler for a device: GCC, else `zig cc`.

    Args:
        device: The device.
        needs_libm: Whether the program calls the mathematical library, which only ARM's newlib brings.

    Raises:
        MissingPackageError: If there is none; the package that brings it is named.
    """
    has_newlib = device.gcc.startswith("arm-")
    if shutil.which(device.gcc) and (has_newlib or not needs_libm):
        flags = (*device.gcc_flags, *COMMON_FLAGS, "-nostartfiles", *(() if has_newlib else ("-nostdlib",)))
        libraries = ("-lm", "-lc", "-lgcc") if has_newlib else ("-lgcc",)
        return Toolchain(device=device, command=(device.gcc,), flags=flags, libraries=libraries, has_libm=has_newlib)
    if importlib.util.find_spec("ziglang") and not needs_libm:
        flags = (*device.zig_flags, *COMMON_FLAGS, "-fno-sanitize=all", "-g0")
        command = (sys.executable, "-m", "ziglang", "cc")
        return Toolchain(device=device, command=command, flags=flags, libraries=(), has_libm=False)
    other = "" if needs_libm else ", or `pip install 'neuropinn-lava[mcu]'` for zig's compiler"
    raise MissingPackageError(
        f"The compiler {device.gcc} of {device.title}",
        "be installed" + (" with a mathematical library" if needs_libm else ""),
        "no such command" if not shutil.which(device.gcc) else "a compiler without that library",
        f"Install it with `apt install {device.package}`{other}.",
    )


@lru_cache(maxsize=KEPT)
def compile_program(toolchain: Toolchain, sources: tuple[SourceFile, ...], defines: tuple[str, ...] = ()) -> bytes:
    """Compile and link C99 files to an ELF image, or return the one that an earlier call made of the same files.

    Args:
        toolchain: The compiler.
        sources: Files; the `.c` ones are compiled, headers are found beside them.
        defines: Macros, as in `NPL_COUNT=1`.

    Raises:
        HardwareRuleError: If the program is larger than the emulated memory, which is larger than any board's.
        SimulationError: If the compiler refuses it; its messages are shown.
    """
    with tempfile.TemporaryDirectory(prefix="neuropinn-mcu-") as name:
        folder = Path(name)
        for file, text in (*sources, SourceFile("memory.ld", _memory_script())):
            (folder / file).write_text(text, encoding="utf-8")
        image = folder / "image.elf"
        command = (
            *toolchain.command, *toolchain.flags, *(f"-D{each}" for each in defines),
            "-T", str(folder / "memory.ld"), "-Wl,--gc-sections", f"-Wl,-e,{ENTRY}",
            *(str(folder / file) for file, _ in sources if file.endswith(".c")),
            *toolchain.libraries, "-o", str(image),
        )  # fmt: skip
        done = _run(command, toolchain.command[0])
        if done.returncode or not image.exists():
            raise _link_error(toolchain.device, (done.stderr or done.stdout).strip())
        return image.read_bytes()


def _link_error(device: Device, messages: str) -> NeuroPinnError:
    """Return the error of a compiler's messages: a memory that is too small, or anything else."""
    overflow = re.search(r"region [`']?(FLASH|RAM)'? overflowed(?: by|:) (\d+)", messages)
    what, repair = f"The C99 program for {device.title}", "Report it with the network's file."
    if overflow is None:
        return SimulationError(what, "compile", messages[-SHOWN:], repair)
    memory, missing = overflow[1], int(overflow[2])
    size = FLASH_BYTES if memory == "FLASH" else RAM_BYTES
    repair = "No board of `BOARDS` holds it. A narrower network, shorter weights or a smaller payload table takes less."
    rule = f"fit into {size >> 20} MB of {'flash' if memory == 'FLASH' else 'RAM'}"
    return HardwareRuleError(what, rule, f"{missing} bytes too many", repair)


def _memory_script() -> str:
    places = {"flash": FLASH_ORIGIN, "flash_bytes": FLASH_BYTES, "ram": RAM_ORIGIN, "ram_bytes": RAM_BYTES}
    return fill("memory.ld", {name: f"0x{value:08x}" for name, value in places.items()}, TEMPLATES)


def _run(command: tuple[str, ...], name: str) -> subprocess.CompletedProcess[str]:
    """Run a compiler.

    Raises:
        SimulationError: If it doesn't start, or doesn't end in time.
    """
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=COMPILE_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        repair = "Try the command by itself."
        raise SimulationError(
            f"The compiler {name}", f"start and end within {COMPILE_SECONDS} s", error, repair
        ) from error
