"""The emulator runs what the compiler made: results, every instruction counted once, the stack, and faults."""

from __future__ import annotations

import sys
from collections import Counter

import numpy as np
import pytest

from neuropinn_lava.base.errors import SimulationError
from neuropinn_lava.base.extras import MissingPackageError
from neuropinn_lava.hardware_sim.devices.mcu.decoding import Decoder
from neuropinn_lava.hardware_sim.devices.mcu.device import find_device
from neuropinn_lava.hardware_sim.devices.mcu.emulator import Emulator
from neuropinn_lava.hardware_sim.devices.mcu.image import Image, read_image
from neuropinn_lava.hardware_sim.devices.mcu.toolchain import SourceFile, compile_program, find_toolchain

SORT = """
#include <stdint.h>
int32_t nl_emulated_words[8];
int64_t nl_emulated_sums[8];
__attribute__((noinline)) static void swap(int32_t *a, int32_t *b) { int32_t c = *a; *a = *b; *b = c; }
void nl_emulated_point(void)
{
    int32_t i, j;
    for (i = 0; i < 8; ++i) {
        for (j = i + 1; j < 8; ++j) {
            if (nl_emulated_words[j] < nl_emulated_words[i]) { swap(&nl_emulated_words[i], &nl_emulated_words[j]); }
        }
    }
    for (i = 0; i < 8; ++i) {
        const int32_t v = nl_emulated_words[i];
        nl_emulated_sums[i] = (int64_t)v * v * v;
    }
}
"""
DEEP = """
#include <stdint.h>
volatile int32_t nl_emulated_words[1];
void nl_emulated_point(void)
{
    volatile int32_t room[200];
    int32_t i;
    for (i = 0; i < 200; ++i) { room[i] = i; }
    nl_emulated_words[0] = room[7];
}
"""
LOST = "void nl_emulated_point(void) { *(volatile int *)0x60000000 = 1; }\n"


def load(device, text, functions=()):
    """Compile a program for a device and load it."""
    found = find_device(device)
    image = read_image(compile_program(find_toolchain(found), (SourceFile("program.c", text),)))
    places = {image.address(name): name for name in functions}
    return Emulator(found, image, places), Decoder(found, image), image


def test_a_program_computes_and_its_instructions_are_counted_by_function(device):
    emulator, decoder, image = load(device, SORT, functions=("swap",))
    values = np.array([5, -3, 1000, 2, -70000, 8, 8, 0], np.int32)
    emulator.write_array("nl_emulated_words", values)
    counted = decoder.count(emulator.call("nl_emulated_point"))
    expected = np.sort(values).astype(np.int64) ** 3
    assert emulator.read_array("nl_emulated_sums", np.int64, (8,)).tolist() == expected.tolist()
    n_swaps = _count_swaps(values)
    assert counted[image.address("swap")] % n_swaps == 0  # straight code: the same instructions at every call
    assert counted[0] > counted[image.address("swap")] > 0


def _count_swaps(values):
    values, n = values.tolist(), 0
    for i in range(8):
        for j in range(i + 1, 8):
            if values[j] < values[i]:
                values[i], values[j], n = values[j], values[i], n + 1
    return n


def test_blocks_hold_the_instructions_that_are_reported_one_by_one(device):
    emulator, decoder, _ = load(device, SORT)
    seen: Counter[int] = Counter()
    unicorn = pytest.importorskip("unicorn")
    emulator._machine.hook_add(unicorn.UC_HOOK_CODE, lambda machine, address, size, data: seen.update([address]))
    emulator.write_array("nl_emulated_words", np.array([3, 1, -2, 7, 7, 0, 5, -9], np.int32))
    passages = emulator.call("nl_emulated_point")
    counted = decoder.count(passages).total()
    skipped = _count_conditional(decoder, passages)
    assert seen.total() <= counted <= seen.total() + skipped
    assert skipped or counted == seen.total()


def _count_conditional(decoder, passages):
    """Count the instructions that a condition may have skipped: unicorn does not report those, and they take a cycle."""
    total = 0
    for passage, n in passages.items():
        names = [instruction.name for instruction in decoder.instructions(passage.block)]
        total += n * sum(len(name) - 1 for name in names if name.startswith("it"))
    return total


def test_the_stack_is_measured(device):
    emulator, _, _ = load(device, DEEP)
    assert emulator.stack_bytes() == 0
    emulator.call("nl_emulated_point")
    assert 800 <= emulator.stack_bytes() <= 860  # 200 numbers of four bytes, and saved registers


def test_a_program_that_leaves_its_memory_is_an_error(device):
    emulator, _, _ = load(device, LOST)
    with pytest.raises(SimulationError, match=r"nl_emulated_point on .* must return; got .*at address 0x0800"):
        emulator.call("nl_emulated_point")


def test_a_missing_extra_is_named(monkeypatch):
    image = Image(segments=(), symbols=(), text_bytes=0, constant_bytes=0, data_bytes=0, zero_bytes=0)
    monkeypatch.setitem(sys.modules, "unicorn", None)
    with pytest.raises(MissingPackageError, match=r"`unicorn` must be installed .*neuropinn-lava\[mcu\]"):
        Emulator(find_device("cortex-m4"), image)
