"""Devices and boards are found by name, and a network that is too large for a board is refused with what would hold it."""

from __future__ import annotations

import pytest

from neuropinn_lava.base.errors import HardwareRuleError, SpecError
from neuropinn_lava.hardware_sim.devices.mcu.boards import (
    BOARDS,
    MemoryNeed,
    check_any_board,
    check_board,
    find_board,
    fitting_boards,
)
from neuropinn_lava.hardware_sim.devices.mcu.device import DEVICES, FLASH_BYTES, RAM_BYTES, find_device


def test_a_device_is_found_and_an_unknown_one_refused_with_the_nearest_names():
    assert [find_device(device.name) for device in DEVICES] == list(DEVICES)
    with pytest.raises(SpecError, match=r"device must be one of .*; got 'cortex-m7'\. Did you mean .*cortex-m4"):
        find_device("cortex-m7")


def test_an_unknown_board_is_refused_with_the_nearest_names():
    assert find_board("microbit-v2").device == "cortex-m4"
    with pytest.raises(SpecError, match=r"board must be one of .*Did you mean .*microbit-v2"):
        find_board("microbit-v3")


def test_every_board_has_a_device_and_fits_into_the_emulated_memory():
    for board in BOARDS:
        assert find_device(board.device)
        assert board.flash_bytes <= FLASH_BYTES
        assert board.ram_bytes <= RAM_BYTES


def test_a_network_that_is_too_large_names_the_memory_what_is_missing_and_what_would_fit():
    need = MemoryNeed(network="wide", flash_bytes=20 * 1024, ram_bytes=5 * 1024)
    with pytest.raises(HardwareRuleError) as error:
        check_board(need, find_board("stm32f030f4"))  # 16 KB of flash, 4 KB of RAM
    flash, ram = error.value.violations
    assert (
        "Network 'wide' must fit into the 16384 bytes of flash of stm32f030f4; got 20480 bytes, 4096 too many"
        in str(flash)
    )
    assert "nucleo-l031k6 (32 KB)" in flash.repair
    assert "RAM" in ram.rule
    assert "nucleo-l031k6 (8 KB)" in ram.repair
    assert fitting_boards(need, "cortex-m0")[0].name == "nucleo-l031k6"


def test_a_network_that_no_board_holds_says_so():
    need = MemoryNeed(network="huge", flash_bytes=1 << 30, ram_bytes=0)
    with pytest.raises(HardwareRuleError, match="No board of this table"):
        check_board(need, find_board("microbit-v2"))
    assert fitting_boards(need, "cortex-m4") == ()
    with pytest.raises(HardwareRuleError, match="of flash of nrf52840-dk; got 1073741824 bytes"):
        check_any_board(need, "cortex-m4")


def test_a_network_of_exactly_the_size_of_a_board_fits():
    board = find_board("stm32f030f4")
    need = MemoryNeed(network="tight", flash_bytes=board.flash_bytes, ram_bytes=board.ram_bytes)
    check_board(need, board)
    assert board in fitting_boards(need, board.device)
