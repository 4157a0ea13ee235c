"""A compiler is found or named, and what it refuses becomes an error that says what is wrong."""

from __future__ import annotations

import importlib.util
import shutil

import pytest

from neuropinn_lava.base.errors import HardwareRuleError, SimulationError
from neuropinn_lava.base.extras import MissingPackageError
from neuropinn_lava.hardware_sim.devices.mcu import toolchain as module
from neuropinn_lava.hardware_sim.devices.mcu.device import find_device
from neuropinn_lava.hardware_sim.devices.mcu.toolchain import SourceFile, compile_program, find_toolchain

EMPTY = "void nl_emulated_point(void) {}\n"


@pytest.fixture
def nothing_installed(monkeypatch):
    """A machine without cross compilers and without ziglang."""
    monkeypatch.setattr(module.shutil, "which", lambda name: None)
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)


@pytest.mark.parametrize(
    ("device", "package"), [("cortex-m0", "gcc-arm-none-eabi"), ("rv32", "gcc-riscv64-unknown-elf")]
)
def test_no_compiler_names_the_package(nothing_installed, device, package):
    with pytest.raises(
        MissingPackageError, match=rf"must be installed; .*apt install {package}.*neuropinn-lava\[mcu\]"
    ):
        find_toolchain(find_device(device))


def test_no_mathematical_library_is_told(nothing_installed):
    with pytest.raises(MissingPackageError, match="be installed with a mathematical library"):
        find_toolchain(find_device("cortex-m4"), needs_libm=True)


def test_zig_stands_in_for_gcc(monkeypatch):
    monkeypatch.setattr(module.shutil, "which", lambda name: None)
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: object())
    assert find_toolchain(find_device("cortex-m0")).command[1:] == ("-m", "ziglang", "cc")
    with pytest.raises(MissingPackageError, match="mathematical library"):
        find_toolchain(find_device("cortex-m0"), needs_libm=True)


def test_what_the_compiler_refuses_is_shown(device):
    with pytest.raises(SimulationError, match=r"must compile; got .*error"):
        compile_program(find_toolchain(find_device(device)), (SourceFile("wrong.c", "int x = ;\n"),))


def test_a_program_beyond_the_emulated_memory_is_refused(device):
    program = EMPTY.replace("{}", "{ nl_emulated_room[0] = 1; }")
    huge = SourceFile("huge.c", "char nl_emulated_room[8388608];\n" + program)
    with pytest.raises(HardwareRuleError, match=r"must fit into 4 MB of RAM; got \d+ bytes too many"):
        compile_program(find_toolchain(find_device(device)), (huge,))


@pytest.mark.slow
@pytest.mark.skipif(not importlib.util.find_spec("ziglang"), reason="needs the extra mcu")
def test_zig_compiles_for_every_device(device, monkeypatch):
    monkeypatch.setattr(module.shutil, "which", lambda name: None if "gcc" in name else shutil.which(name))
    found = find_toolchain(find_device(device))
    assert found.version().startswith("zig cc")
    assert compile_program(found, (SourceFile("empty.c", EMPTY),))[:4] == b"\x7fELF"
