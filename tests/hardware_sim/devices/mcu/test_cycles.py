"""Estimated cycles are the sums of the manuals' numbers, and a jump that was not taken costs less."""

from __future__ import annotations

import pytest

from neuropinn_lava.hardware_sim.devices.mcu.cycles import CycleModel
from neuropinn_lava.hardware_sim.devices.mcu.decoding import Instruction
from neuropinn_lava.hardware_sim.devices.mcu.device import find_device
from neuropinn_lava.hardware_sim.devices.mcu.emulator import START, Block, Passage


class GivenInstructions:
    """A decoder of blocks that are written down here."""

    def __init__(self, **blocks):
        self._blocks = {int(address[1:]): instructions for address, instructions in blocks.items()}

    def instructions(self, block):
        return tuple(Instruction(*text.split(" ", 1)) for text in self._blocks[block.address])


def estimate(device, *instructions):
    """Estimate a block that is executed once."""
    model = CycleModel(find_device(device), GivenInstructions(b16=instructions))
    found = model.estimate({Passage(0, START, Block(16, 4)): 1})
    return found.lowest, found.highest


@pytest.mark.parametrize(
    ("instruction", "m0", "m4"),
    [
        ("adds r0, r0, r1", (1, 1), (1, 1)),
        ("muls r0, r1, r0", (1, 32), (1, 1)),
        ("ldr r0, [r1, #4]", (2, 2), (1, 2)),
        ("strh r0, [r1]", (2, 2), (1, 2)),
        ("push {r4, r5, lr}", (4, 4), (4, 4)),
        ("pop {r4, r5, pc}", (5, 7), (5, 7)),
        ("ldm r0!, {r1, r2, r3}", (4, 4), (4, 4)),
        ("b #0x10", (2, 3), (2, 4)),
        ("bl #0x10", (3, 4), (2, 4)),
        ("bx lr", (2, 3), (2, 4)),
        ("bne #0x10", (2, 3), (2, 4)),
    ],
)
def test_cycles_of_one_instruction(instruction, m0, m4):
    assert estimate("cortex-m0", instruction) == m0
    assert estimate("cortex-m4", instruction) == m4


@pytest.mark.parametrize(
    ("instruction", "expected"),
    [
        ("it eq", (0, 1)),
        ("cbz r0, #0x10", (2, 4)),
        ("sdiv r0, r1, r2", (2, 12)),
        ("smlabb r0, r1, r2, r3", (1, 1)),
        ("ldrd r0, r1, [r2]", (2, 3)),
        ("ldr.w pc, [sp], #4", (3, 5)),
        ("ldm.w sp!, {r4, r5, pc}", (5, 7)),
        ("tbb [pc, r0]", (3, 5)),
        ("vmul.f32 s0, s1, s2", (1, 2)),
        ("vfma.f32 s0, s1, s2", (3, 4)),
        ("vdiv.f32 s0, s1, s2", (14, 15)),
        ("vldr s0, [r0]", (1, 2)),
    ],
)
def test_cycles_of_instructions_that_only_the_m4_has(instruction, expected):
    assert estimate("cortex-m4", instruction) == expected


def test_a_jump_that_is_not_taken_costs_one_cycle():
    # A loop of two instructions at 16, three rounds: two jumps back, and one that falls through to the block at 20.
    decoder = GivenInstructions(b16=("subs r0, #1", "bne #0x10"), b20=("bx lr",))
    loop, behind = Block(16, 4), Block(20, 2)
    passages = {Passage(0, START, loop): 1, Passage(0, loop, loop): 2, Passage(0, loop, behind): 1}
    found = CycleModel(find_device("cortex-m0"), decoder).estimate(passages)
    assert (found.lowest, found.highest) == (3 * 1 + 2 * 2 + 1 + 2, 3 * 1 + 2 * 3 + 1 + 3)


def test_a_device_without_public_timings_has_no_estimate():
    model = CycleModel(find_device("rv32"), GivenInstructions(b16=("c.jr ra",)))
    assert not model.is_known
    assert model.estimate({Passage(0, START, Block(16, 2)): 1}) is None
