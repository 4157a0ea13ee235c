"""Synthesize cores for two ECP5 devices, count their cycles in Verilator, and print the table of docs/devices.md.

    python benchmarks/rtl.py                   # all of them, an hour in the WebAssembly builds of the tools
    python benchmarks/rtl.py poisson:8         # one network with 8 multipliers in its busiest connection

Needs the extra `rtl`, Verilator and a C++ compiler. Synthesized and simulated: no board has run it.
"""

from __future__ import annotations

import sys
import time

import numpy as np

import neuropinn_lava as nl
from neuropinn_lava.app.verbs.networks import find_network
from neuropinn_lava.base.arrays import FloatArray
from neuropinn_lava.hardware_sim.devices.rtl.run import build_core, simulate_points
from neuropinn_lava.hardware_sim.devices.rtl.synthesis import make_netlist, place_netlist
from neuropinn_lava.hardware_sim.devices.rtl.verilog import write_verilog
from neuropinn_lava.hardware_sim.parity.compare_traces import compare_traces
from neuropinn_lava.network.quantized import QuantizedNetwork

CASES = ("poisson:4", "poisson:8", "poisson:10", "burgers-shock:8", "elasticity3d:8")
"""Networks and multipliers of the busiest connection."""
DEVICES = ("LFE5U-25", "LFE5U-45")
N_POINTS = 1000
COLUMNS = (
    "network", "lanes", "device", "LUT", "FF", "DSP", "BRAM", "fmax / MHz", "events a point", "cycles a point",
    "cycles an event", "points/s", "latency / us", "differing",
)  # fmt: skip


def draw_points(network: QuantizedNetwork) -> FloatArray:
    """Draw points uniformly from the network's box."""
    source = network.source
    return source.lower + (source.upper - source.lower) * np.random.default_rng(0).random((N_POINTS, source.n_in))


def measure(case: str) -> None:
    """Synthesize one core, simulate it, and print a row for each device."""
    name, lanes = case.split(":")
    network = nl.convert(find_network(name)).network
    points = draw_points(network)
    trace, count = simulate_points(network, points, lanes=int(lanes))
    differing = compare_traces(nl.run_integer(network, points), trace, network=network).mismatches
    start = time.perf_counter()
    netlist = make_netlist(write_verilog(build_core(network, int(lanes))))
    print(f"<!-- {case}: Yosys {time.perf_counter() - start:.0f} s -->", flush=True)
    for device in DEVICES:
        try:
            report = place_netlist(netlist, device)
        except nl.SpecError as error:
            print(f"<!-- {error} -->", flush=True)
            continue
        cells = (
            name, lanes, device, report.luts, report.flip_flops, report.multipliers, report.block_rams,
            f"{report.fmax_mhz:.1f}", f"{count.n_events / count.n_samples:.1f}", f"{count.per_point:.1f}",
            f"{count.per_event:.2f}", f"{report.points_per_second(count):,.0f}",
            f"{1e6 * report.latency_seconds(count):.2f}", differing,
        )  # fmt: skip
        print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def main() -> None:
    """Print the table."""
    print("| " + " | ".join(COLUMNS) + " |\n" + "|---" * len(COLUMNS) + "|", flush=True)
    for case in sys.argv[1:] or CASES:
        measure(case)


if __name__ == "__main__":
    main()
