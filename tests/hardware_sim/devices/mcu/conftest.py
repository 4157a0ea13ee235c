"""What the tests of emulated microcontrollers need: the extra `mcu` and a compiler; without them they are skipped."""

from __future__ import annotations

import importlib.util
import shutil

import pytest

from neuropinn_lava.hardware_sim.devices.mcu.device import DEVICES, find_device

PACKAGES = ("unicorn", "capstone", "elftools")


def can_emulate(device: str) -> bool:
    """Return whether a device's compiler and the emulator are here."""
    has_extra = all(importlib.util.find_spec(name) for name in PACKAGES)
    has_compiler = shutil.which(find_device(device).gcc) or importlib.util.find_spec("ziglang")
    return bool(has_extra and has_compiler)


@pytest.fixture(params=[device.name for device in DEVICES])
def device(request):
    """Name of a device that can be emulated here."""
    if not can_emulate(request.param):
        pytest.skip(f"{request.param} needs the extra mcu and {find_device(request.param).gcc}")
    return request.param


@pytest.fixture
def m4():
    """Name of the Cortex-M4, if GCC for it is here: sizes and counts are that compiler's."""
    if not can_emulate("cortex-m4") or not shutil.which("arm-none-eabi-gcc"):
        pytest.skip("cortex-m4 needs the extra mcu and arm-none-eabi-gcc")
    return "cortex-m4"
