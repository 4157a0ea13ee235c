"""A microcontroller's row in a report says what was measured, and where the numbers come from."""

from __future__ import annotations

import pytest

import builders
from neuropinn_lava.base.errors import HardwareRuleError
from neuropinn_lava.engine.reference import run_integer
from neuropinn_lava.hardware_sim.devices.device_result import Basis
from neuropinn_lava.hardware_sim.devices.mcu import result as module
from neuropinn_lava.hardware_sim.devices.mcu.boards import MemoryNeed
from neuropinn_lava.hardware_sim.devices.mcu.measurement import measure_device
from neuropinn_lava.hardware_sim.devices.mcu.result import measure_microcontroller


def test_a_device_becomes_a_row(device):
    network = builders.random_quantized(1)
    points = builders.random_points(network, 60)
    found = measure_microcontroller(device, network, points, run_integer(network, points))
    assert (found.name, found.basis, found.n_samples, found.mismatches) == (device, Basis.EMULATED, 50, 0)
    assert found.instructions == measure_device(network, device, points[:50]).instructions_mean
    assert (found.cycles_low is None) == (device == "rv32")
    assert found.joules_low is None
    for words in ("instructions are not cycles", "unicorn", "smallest board that holds it"):
        assert words in found.source


def test_a_network_that_no_board_holds_is_refused(m4, monkeypatch):
    network = builders.random_quantized(1)
    points = builders.random_points(network, 2)
    monkeypatch.setattr(module, "measure_device", lambda *given, **named: _Huge())
    with pytest.raises(HardwareRuleError, match="must fit into"):
        measure_microcontroller(m4, network, points, run_integer(network, points))


class _Huge:
    need = MemoryNeed(network="huge", flash_bytes=1 << 30, ram_bytes=0)
