"""A measured FPGA is one record: equal bits, cycles of the simulation, clock and resources of the synthesis."""

from __future__ import annotations

import pytest

import builders
from neuropinn_lava.engine.reference import run_integer
from neuropinn_lava.hardware_sim.devices.rtl import measure_fpga
from neuropinn_lava.hardware_sim.devices.rtl.measure_fpga import FPGAS
from neuropinn_lava.hardware_sim.devices.rtl.synthesis import SynthesisReport


def test_cycles_and_clock_give_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("amaranth", reason="the extra `rtl` is not installed")
    report = SynthesisReport(device="LFE5U-45", luts=10, flip_flops=20, multipliers=3, block_rams=4, fmax_mhz=50.0)
    monkeypatch.setattr(measure_fpga, "has_verilator", lambda: False)
    monkeypatch.setattr(measure_fpga, "build_core", lambda network, lanes: None)
    monkeypatch.setattr(measure_fpga, "synthesize_core", lambda core, device: report)
    network = builders.random_quantized(0, widths=(1, 2, 1), n_steps=1, index_size=3)
    points = builders.random_points(network, 5)
    found = FPGAS["lfe5u-45"](network, points, run_integer(network, points))
    assert (found.name, found.n_samples, found.mismatches) == ("lfe5u-45", 2, 0)
    assert found.logic == "10 LUT4, 20 flip-flops, 3 MULT18X18D, 4 DP16KD"
    assert found.cycles_low is not None
    assert found.seconds_low == pytest.approx(found.cycles_low / 50e6)
    assert found.joules_low is None
