"""A network on other hardware by name: each device is built, run, compared with the integer engine, and measured.

The first samples of a run are run again on the device; how many depends on how fast the device is emulated or simulated.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from ...base.arrays import FloatArray
from ...base.checks import check_choice, raise_violations
from ...base.extras import import_extra
from ...engine.trace import RunTrace
from ...network.quantized import QuantizedNetwork

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...hardware_sim.costs.hardware_profile import HardwareProfile
    from ...hardware_sim.devices.device_result import DeviceResult

THIS_MACHINE = "c99"
"""Name of this machine, which runs the C99 of a network."""
MICROCONTROLLERS = ("cortex-m0", "cortex-m4", "rv32")
"""Names of the emulated microcontrollers."""
FPGAS = ("lfe5u-25", "lfe5u-45")
"""Names of the FPGAs that a core is synthesised for."""

NEEDED = {
    "rtl": ("rtl", ("amaranth",)),
    "onnx": ("onnx", ("onnx", "onnxruntime")),
    "qonnx": ("qonnx", ("qonnx", "onnx", "onnxruntime")),
    **dict.fromkeys(MICROCONTROLLERS, ("mcu", ("unicorn", "capstone", "elftools"))),
    **dict.fromkeys(FPGAS, ("rtl", ("amaranth",))),
}
"""Extra and packages that a device or a backend needs, by its name."""


def check_devices(names: Iterable[str], where: str) -> None:
    """Check the names of devices, and that what they need is installed.

    Raises:
        SpecError: If a name is unknown; the nearest ones are shown.
        MissingPackageError: If a package is missing.
    """
    known, asked = (THIS_MACHINE, *MICROCONTROLLERS, *FPGAS), list(names)
    raise_violations(violation for name in asked for violation in check_choice(where, name, known))
    check_tools(asked)


def check_tools(names: Iterable[str]) -> None:
    """Check that the packages of devices, or of backends, are installed, before work whose end would need them.

    Raises:
        MissingPackageError: If one is missing; the repair names the extra that brings it.
    """
    for name in names:
        extra, packages = NEEDED.get(name, ("", ()))
        for package in packages:
            import_extra(package, extra)


def measure_on(network: QuantizedNetwork, name: str, points: FloatArray, trace: RunTrace) -> DeviceResult:
    """Measure a network on a device.

    Args:
        network: The network.
        name: Name of the device.
        points: Points that it ran on, physical, shape (n, n_in), of sequences (n, n_steps, n_in).
        trace: The run, which says how many events each connection sees.

    Raises:
        SpecError: If the name is unknown.
        HardwareRuleError: If the network does not fit the device.
        MissingPackageError: If the compiler or the tools that the device needs are not installed.
        SimulationError: If a tool fails.
    """
    check_devices([name], "measure_on.name")
    return _find_measure(name)(network, points, trace)


def _find_measure(name: str) -> Callable[[QuantizedNetwork, FloatArray, RunTrace], DeviceResult]:
    """Return the function that measures a network on a device."""
    if name in MICROCONTROLLERS:
        from ...hardware_sim.devices.mcu.result import measure_microcontroller

        return partial(measure_microcontroller, name)
    if name in FPGAS:
        from ...hardware_sim.devices.rtl.measure_fpga import measure_fpga

        return partial(measure_fpga, device=name.upper())
    from ...hardware_sim.devices.c99.measure import measure_c99

    return measure_c99


def describe_target(profiled: HardwareProfile) -> DeviceResult:
    """Return the estimate of the hardware target, as a row beside the devices."""
    from ...hardware_sim.costs.dominance import find_dominance
    from ...hardware_sim.devices.device_result import Basis, DeviceResult

    assert profiled.placement is not None
    partition, latency = profiled.placement.partition, profiled.latency
    dominance = find_dominance(profiled.energies)
    steps = dominance.steps[0] if dominance else None
    sources = [each.source for each in (latency, steps) if each is not None]
    return DeviceResult(
        name=partition.target.name,
        basis=Basis.ESTIMATED,
        logic=f"{partition.n_cores} cores",
        seconds_low=latency.latency_seconds.low if latency else None,
        seconds_high=latency.latency_seconds.high if latency else None,
        joules_low=steps.low * steps.alone_factor if steps else None,
        joules_high=steps.high * steps.alone_factor if steps else None,
        source="; ".join(dict.fromkeys(sources)) or "no constants of time or energy are known",
    )
