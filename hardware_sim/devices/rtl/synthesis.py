"""Synthesis for ECP5 devices by Yosys and nextpnr: how large the core is, and how fast its clock may be.

The core is placed and routed out of context, without pins; no board has run it. Nothing here is an energy.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ....base.arrays import Record
from ....base.errors import SimulationError, SpecError
from .run import CycleCount
from .verilog import TOP, make_verilog, run_tool

if TYPE_CHECKING:
    from .core.network import Core

FREQUENCY_MHZ = 140
"""Clock that place and route aims at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device(Record):
    """An FPGA of the ECP5 family, and what it holds."""

    name: str
    """Name of its family member, as in LFE5U-25."""
    option: str
    """Option of nextpnr-ecp5 that chooses it."""
    luts: int
    """Number of four-input look-up tables."""
    flip_flops: int
    """Number of flip-flops."""
    multipliers: int
    """Number of 18-bit multipliers, MULT18X18D."""
    block_rams: int
    """Number of block RAMs of 18 Kbit, DP16KD."""


DEVICES = (
    Device(name="LFE5U-25", option="25k", luts=24288, flip_flops=24288, multipliers=28, block_rams=56),
    Device(name="LFE5U-45", option="45k", luts=43848, flip_flops=43848, multipliers=72, block_rams=108),
    Device(name="LFE5U-85", option="85k", luts=83640, flip_flops=83640, multipliers=156, block_rams=208),
)
"""Source: what nextpnr-ecp5 reports as available; Lattice FPGA-DS-02012, table 1.1."""
CELLS = {
    "luts": ("LUT4", "CCU2C", "TRELLIS_DPR16X4"),
    "flip_flops": ("TRELLIS_FF",),
    "multipliers": ("MULT18X18D",),
    "block_rams": ("DP16KD",),
}
"""Cells of Yosys that take a resource."""
LUTS_OF = {"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 6}
"""Look-up tables that a cell takes; a distributed RAM takes four, and two more for its address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SynthesisReport(Record):
    """Size and clock of a core on a device, after place and route."""

    device: str
    """Name of the device."""
    luts: int
    """Number of look-up tables, carry chains and distributed RAM included."""
    flip_flops: int
    """Number of flip-flops."""
    multipliers: int
    """Number of 18-bit multipliers."""
    block_rams: int
    """Number of block RAMs of 18 Kbit."""
    fmax_mhz: float
    """Highest clock frequency in MHz that the timing analysis allows."""

    def points_per_second(self, count: CycleCount) -> float:
        """Return the points per second at the highest clock, one behind the other."""
        return self.fmax_mhz * 1e6 / count.per_point

    def latency_seconds(self, count: CycleCount) -> float:
        """Return the time from a point's first word to its first output, in seconds, in an idle core."""
        return count.latency / (self.fmax_mhz * 1e6)


def find_device(name: str) -> Device:
    """Return a device by name.

    Raises:
        SpecError: If there is none of that name.
    """
    for device in DEVICES:
        if device.name == name:
            return device
    names = ", ".join(device.name for device in DEVICES)
    raise SpecError("find_device.name", f"be one of {names}", name, "Choose one of them.")


def synthesize_core(core: Core, device: str = "LFE5U-25", seed: int = 1) -> SynthesisReport:
    """Synthesize, place and route a core; minutes in the WebAssembly builds of the tools.

    Args:
        core: The core.
        device: Name of the device.
        seed: Seed of the placement, on which the clock depends by some percent.

    Raises:
        SpecError: If the device is unknown or too small.
        MissingPackageError: If the tools are not installed.
        SimulationError: If a tool fails.
    """
    find_device(device)
    return place_netlist(make_netlist(make_verilog(core)), device, seed)


def make_netlist(verilog: str) -> str:
    """Synthesize Verilog for ECP5 by Yosys; return its netlist in JSON."""
    with tempfile.TemporaryDirectory(prefix="neuropinn-rtl-") as name:
        folder = Path(name)
        (folder / "core.v").write_text(verilog)
        run_tool("yosys", ["-q", "-p", f"read_verilog core.v; synth_ecp5 -top {TOP} -json core.json"], folder)
        return (folder / "core.json").read_text()


def place_netlist(netlist: str, device: str, seed: int = 1) -> SynthesisReport:
    """Place and route a netlist by nextpnr, out of context; return what it reports.

    Raises:
        SpecError: If the device is unknown or too small.
    """
    chosen = find_device(device)
    check_fits(count_cells(netlist), chosen)
    with tempfile.TemporaryDirectory(prefix="neuropinn-rtl-") as name:
        folder = Path(name)
        (folder / "core.json").write_text(netlist)
        arguments = f"--{chosen.option} --json core.json --out-of-context --timing-allow-fail --report report.json -q"
        run_tool("nextpnr-ecp5", [*arguments.split(), "--freq", str(FREQUENCY_MHZ), "--seed", str(seed)], folder)
        return read_report((folder / "report.json").read_text(), chosen)


def count_cells(netlist: str) -> Counter[str]:
    """Count the cells of the top module in Yosys's JSON, by type."""
    cells = json.loads(netlist)["modules"][TOP]["cells"]
    return Counter(cell["type"] for cell in cells.values())


def check_fits(cells: Counter[str], device: Device) -> None:
    """Check that a netlist fits a device.

    Raises:
        SpecError: If a resource is missing; the smallest device that has enough is named.
    """
    needed = {
        resource: sum(cells[kind] * (LUTS_OF[kind] if resource == "luts" else 1) for kind in kinds)
        for resource, kinds in CELLS.items()
    }
    for resource, n in needed.items():
        if n > getattr(device, resource):
            fits = [each.name for each in DEVICES if all(getattr(each, r) >= k for r, k in needed.items())]
            where = f"The core on {device.name}"
            rule = f"need at most {getattr(device, resource)} {resource.replace('_', ' ')}"
            repair = f"Use {fits[0]}, or fewer lanes." if fits else "Use fewer lanes, or a smaller network."
            raise SpecError(where, rule, n, repair)


def read_report(text: str, device: Device) -> SynthesisReport:
    """Read the report of nextpnr.

    Raises:
        SimulationError: If it holds no clock.
    """
    held = json.loads(text)
    used = {name: each["used"] for name, each in held["utilization"].items()}
    clocks = [each["achieved"] for each in held["fmax"].values()]
    if not clocks:
        repair = "Report the network."
        raise SimulationError("The report of nextpnr-ecp5", "hold the frequency of a clock", "none", repair)
    return SynthesisReport(
        device=device.name,
        luts=used["TRELLIS_COMB"],
        flip_flops=used["TRELLIS_FF"],
        multipliers=used["MULT18X18D"],
        block_rams=used["DP16KD"],
        fmax_mhz=min(clocks),
    )
