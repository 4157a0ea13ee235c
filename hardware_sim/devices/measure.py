"""A network on devices by name: each is built, run, compared with the integer engine, and measured.

    result = measure_on(chip, "cortex-m4", points, trace)

The first samples of a run are run again on the device; how many depends on how fast the device is emulated or simulated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ...base.arrays import FloatArray
from ...base.checks import check_choice, raise_violations
from ...engine.trace import RunTrace
from ...network.quantized import QuantizedNetwork
from ..costs.dominance import find_dominance
from ..costs.hardware_profile import HardwareProfile
from .device_result import Basis, DeviceResult


def check_devices(names: Iterable[str], where: str) -> None:
    """Check the names of devices.

    Raises:
        SpecError: If one is unknown; the nearest names are shown.
    """
    raise_violations(violation for name in names for violation in check_choice(where, name, list(DEVICES)))


def measure_on(network: QuantizedNetwork, name: str, points: FloatArray, trace: RunTrace) -> DeviceResult:
    """Measure a network on a device.

    Args:
        network: The network.
        name: Name of the device, one of `DEVICES`.
        points: Points that it ran on, physical, shape (n, n_in), of sequences (n, n_steps, n_in).
        trace: The run, which says how many events each connection sees.

    Raises:
        SpecError: If the name is unknown, or the network does not fit the device.
        SimulationError: If the compiler or the tools that the device needs are not installed.
    """
    check_devices([name], "measure_on.name")
    return DEVICES[name](network, points, trace)


def describe_target(profiled: HardwareProfile) -> DeviceResult:
    """Return the estimate of the hardware target, as a row beside the devices."""
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


DEVICES: dict[str, Callable[[QuantizedNetwork, FloatArray, RunTrace], DeviceResult]] = {}
"""Functions that measure a network, by device."""
