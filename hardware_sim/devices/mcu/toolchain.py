"""Cross compilation: a C99 program for a device, by the GNU compiler of that processor or by `zig cc`.

`ziglang` of the extra `mcu` takes the same linker script and needs no package of the system; it is used where the GNU compiler is
missing. Its code is another: instruction counts are those of the compiler that a measurement names.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ....base.arrays import Record
from ....base.errors import SimulationError, SpecError
from .device import COMMON_FLAGS, FLASH_BYTES, FLASH_ORIGIN, RAM_BYTES, RAM_ORIGIN, Device

ENTRY = "nl_emulated_point"
"""Function that is called for each point; what it does not reach is dropped by the linker."""
COMPILE_SECONDS = 300
"""Longest time that a compiler may take."""
SHOWN = 2000
"""Number of characters of a compiler's messages that an error shows."""


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
        SpecError: If there is none; the package that brings it is named.
    """
    has_newlib = device.gcc.startswith("arm-")
    if shutil.which(device.gcc) and (has_newlib or not needs_libm):
        flags = (*device.gcc_flags, *COMMON_FLAGS, "-nostartfiles", *(() if has_newlib else ("-nostdlib",)))
        libraries = ("-lm", "-lc", "-lgcc") if has_newlib else ("-lgcc",)
        return Toolchain(
            device=device, command=(device.gcc,), flags=flags, libraries=libraries, has_libm=has_newlib
        )
    if importlib.util.find_spec("ziglang") and not needs_libm:
        flags = (*device.zig_flags, *COMMON_FLAGS, "-fno-sanitize=all", "-g0")
        command = (sys.executable, "-m", "ziglang", "cc")
        return Toolchain(device=device, command=command, flags=flags, libraries=(), has_libm=False)
    other = "" if needs_libm else ", or `pip install 'neuropinn-lava[mcu]'` for zig's compiler"
    raise SpecError(
        f"The compiler {device.gcc} of {device.title}",
        "be installed" + (" with a mathematical library" if needs_libm else ""),
        "no such command" if not shutil.which(device.gcc) else "a compiler without that library",
        f"Install it with `apt install {device.package}`{other}.",
    )


def compile_program(toolchain: Toolchain, sources: dict[str, str], defines: tuple[str, ...] = ()) -> bytes:
    """Compile and link C99 files to an ELF image.

    Args:
        toolchain: The compiler.
        sources: Text of each file by its name; the `.c` ones are compiled, headers are found beside them.
        defines: Macros, as in `NL_COUNT=1`.

    Raises:
        SimulationError: If the compiler refuses them; its messages are shown.
    """
    with tempfile.TemporaryDirectory(prefix="neuropinn-mcu-") as name:
        folder = Path(name)
        for file, text in {**sources, "memory.ld": _memory_script()}.items():
            (folder / file).write_text(text, encoding="utf-8")
        image = folder / "image.elf"
        command = (
            *toolchain.command, *toolchain.flags, *(f"-D{each}" for each in defines),
            "-T", str(folder / "memory.ld"), "-Wl,--gc-sections", f"-Wl,-e,{ENTRY}",
            *(str(folder / file) for file in sources if file.endswith(".c")),
            *toolchain.libraries, "-o", str(image),
        )  # fmt: skip
        done = _run(command, toolchain.command[0])
        if done.returncode or not image.exists():
            what = f"The C99 program for {toolchain.device.title}"
            mend = "Please report it, with the network."
            raise SimulationError(what, "compile", (done.stderr or done.stdout)[-SHOWN:].strip(), mend)
        return image.read_bytes()


def _memory_script() -> str:
    text = (Path(__file__).parent / "templates" / "memory.ld").read_text(encoding="utf-8")
    places = {"FLASH_ORIGIN": FLASH_ORIGIN, "FLASH_BYTES": FLASH_BYTES, "RAM_ORIGIN": RAM_ORIGIN, "RAM_BYTES": RAM_BYTES}
    for key, value in places.items():
        text = text.replace(f"@{key}@", f"0x{value:08x}")
    return text


def _run(command: tuple[str, ...], name: str) -> subprocess.CompletedProcess[str]:
    """Run a compiler.

    Raises:
        SimulationError: If it doesn't start, or doesn't end in time.
    """
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=COMPILE_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        mend = "Try the command by itself."
        raise SimulationError(f"The compiler {name}", f"start, and end in {COMPILE_SECONDS} s", error, mend) from error
