"""Synthesize cores for two ECP5 devices, count their cycles in Verilator, and print the table of docs/devices.md.

    python benchmarks/rtl.py                   # all of them, an hour in the WebAssembly builds of the tools
    python benchmarks/rtl.py poisson:8         # one network with 8 multipliers in its busiest connection

Shipped networks, and architectures of `_architectures.py` with random weights: gates with products, and recurrent sequences.
Needs the extra `rtl`, Verilator and a C++ compiler. Synthesized and simulated: no board has run it.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import torch
from _architectures import ARCHITECTURES

import neuropinn_lava as nl
from neuropinn_lava.app.lookup.networks import find_network
from neuropinn_lava.base.arrays import FloatArray
from neuropinn_lava.hardware_sim.devices.rtl.run import build_core, simulate_points
from neuropinn_lava.hardware_sim.devices.rtl.synthesis import make_netlist, place_netlist
from neuropinn_lava.hardware_sim.devices.rtl.verilog import make_verilog
from neuropinn_lava.hardware_sim.parity.compare_traces import compare_traces
from neuropinn_lava.network.quantized import QuantizedNetwork

CASES = ("poisson:4", "poisson:8", "poisson:10", "burgers-shock:8", "elasticity3d:8", "modified mlp:4", "gru:4")
"""Networks and multipliers of the busiest connection."""
DEVICES = ("LFE5U-25", "LFE5U-45")
N_POINTS, LENGTH = 1000, 12
"""Points or sequences of a simulation, and steps of a sequence."""
COLUMNS = (
    "network", "lanes", "device", "LUT", "FF", "DSP", "BRAM", "fmax / MHz", "events a point", "cycles a point",
    "cycles an event", "points/s", "latency / us", "differing",
)  # fmt: skip


def make_network(name: str) -> tuple[QuantizedNetwork, FloatArray]:
    """Return a quantized network and points drawn uniformly from its box."""
    rng = np.random.default_rng(0)
    if name not in ARCHITECTURES:
        spec = find_network(name)
        return nl.convert(spec).network, rng.uniform(spec.lower, spec.upper, (N_POINTS, spec.n_in))
    torch.manual_seed(0)
    module = ARCHITECTURES[name]().double().eval()
    is_sequence = hasattr(module, "rnn")
    spec = nl.from_torch(module, sequence=is_sequence, name=name)
    steps = (LENGTH,) if is_sequence else ()
    points = rng.uniform(spec.lower, spec.upper, (N_POINTS, *steps, spec.n_in))
    return nl.convert(spec, points=points).network, points


def measure(case: str) -> None:
    """Synthesize one core, simulate it, and print a row for each device."""
    name, lanes = case.split(":")
    network, points = make_network(name)
    trace, count = simulate_points(network, points, lanes=int(lanes))
    differing = compare_traces(nl.run_integer(network, points), trace, network=network).mismatches
    start = time.perf_counter()
    netlist = make_netlist(make_verilog(build_core(network, int(lanes))))
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
