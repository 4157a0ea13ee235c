"""A network on an FPGA: simulated, compared with the integer engine, synthesized, and measured in cycles and resources."""

from __future__ import annotations

from functools import partial

from ....base.arrays import FloatArray
from ....engine.reference import run_integer
from ....engine.trace import RunTrace
from ....network.quantized import QuantizedNetwork
from ...parity.compare_traces import compare_traces
from ..device_result import Basis, DeviceResult
from .run import build_core, simulate_points
from .synthesis import DEVICES, SynthesisReport, synthesize_core
from .verilator import has_verilator

N_COMPILED, N_INTERPRETED = 1000, 2
"""Number of samples that are simulated in Verilator, and in Amaranth's simulator where Verilator is not installed."""
SOURCE = "cycles by simulation, resources and clock by Yosys and nextpnr-ecp5, out of context; no board was run"


def measure_fpga(
    network: QuantizedNetwork, points: FloatArray, trace: RunTrace, device: str = "LFE5U-25", lanes: int | None = None
) -> DeviceResult:
    """Simulate, compare and synthesize a network; minutes.

    Args:
        network: The network.
        points: Points that it ran on, physical, shape (n, n_in), of sequences (n, n_steps, n_in).
        trace: A run, unused: the core walks the events of every connection.
        device: Name of the device.
        lanes: Multipliers of the busiest connection; None for the default.

    Raises:
        SpecError: If the device is unknown or too small.
        MissingPackageError: If Amaranth or the tools of synthesis are not installed.
        SimulationError: If a tool fails.
    """
    some = points[: N_COMPILED if has_verilator() else N_INTERPRETED]
    found, count = simulate_points(network, some, lanes=lanes)
    report = synthesize_core(build_core(network, lanes), device)
    seconds = 1 / report.points_per_second(count)
    return DeviceResult(
        name=device.lower(),
        basis=Basis.SYNTHESISED,
        n_samples=len(some),
        mismatches=compare_traces(run_integer(network, some), found, network=network).mismatches,
        logic=describe_logic(report),
        cycles_low=count.per_point,
        cycles_high=count.per_point,
        clock_hz=report.fmax_mhz * 1e6,
        seconds_low=seconds,
        seconds_high=seconds,
        source=SOURCE,
    )


def describe_logic(report: SynthesisReport) -> str:
    """Return the resources of a core in words."""
    return f"{report.luts} LUT4, {report.flip_flops} flip-flops, {report.multipliers} MULT18X18D, {report.block_rams} DP16KD"


FPGAS = {device.name.lower(): partial(measure_fpga, device=device.name) for device in DEVICES}
"""Functions that measure a network on an FPGA, by its name in lower case."""
