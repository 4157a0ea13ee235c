"""What a point costs on emulated microcontrollers: the network by events, dense loops over the same integers, dense networks.

    python benchmarks/microcontrollers.py [network ...]

Needs the extra `mcu` and `apt install gcc-arm-none-eabi gcc-riscv64-unknown-elf`. Instructions are not cycles: the cycles
beside them are an estimate from ARM's instruction timings, without wait states of the flash. The second table drives the same
network at other activities, up to those where a walk over events loses and counts choose dense loops.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

import neuropinn_lava as nl
from neuropinn_lava.base.arrays import FloatArray
from neuropinn_lava.engine.host import encode_points
from neuropinn_lava.engine.reference import integer_drive, run_integer, step_integer
from neuropinn_lava.hardware_sim.devices.mcu.baselines import Int8Kernel
from neuropinn_lava.hardware_sim.devices.mcu.device import DEVICES, Device
from neuropinn_lava.hardware_sim.devices.mcu.measurement import (
    DeviceMeasurement,
    Loops,
    measure_device,
    measure_float32,
    measure_int8,
)
from neuropinn_lava.network.nodes import Polarity
from neuropinn_lava.network.quantized import QuantizedNetwork

NETWORKS = ("poisson", "burgers-shock")
N_POINTS = 50
N_SLOW_POINTS = 5
"""Points of float32 on a device without a floating-point unit: some million instructions each."""
ACTIVITIES = (0.1, 0.3, 0.5, 0.7, 0.9, 0.98)
HEAD = ("", "device", "instructions", "min", "max", "cycles (estimate)", "text", "constants", "RAM", "stack", "wrong")


def row(label: str, found: DeviceMeasurement) -> tuple[str, ...]:
    """Format a measurement."""
    cycles = "-" if found.cycles is None else f"{found.cycles.lowest} to {found.cycles.highest}"
    counts = (f"{found.instructions_mean:.0f}", found.instructions_min, found.instructions_max, cycles)
    memory = (found.text_bytes, found.constant_bytes, found.ram_bytes, found.stack_bytes, found.mismatches)
    return tuple(str(value) for value in (label, found.device, *counts, *memory))


def rows_of(network: QuantizedNetwork, device: Device, points: FloatArray) -> Iterator[tuple[str, ...]]:
    """Measure a network and its dense twins on a device."""
    yield row("events", measure_device(network, device.name, points))
    yield row("dense, same integers", measure_device(network, device.name, points, Loops.DENSE))
    yield row("int8 dense, tanh table", measure_int8(network.source, device.name, points))
    if device.has_fpu:
        found = measure_int8(network.source, device.name, points, Int8Kernel.SIMD)
        yield row("int8 dense, SIMD as in CMSIS-NN", found)
    if device.gcc.startswith("arm-"):
        some = points if device.has_fpu else points[:N_SLOW_POINTS]
        yield row("float32 dense, tanhf", measure_float32(network.source, device.name, some))


def with_activity(network: QuantizedNetwork, points: FloatArray, share: float) -> QuantizedNetwork:
    """Lower or raise the thresholds of a chain of one step so that about a share of every population fires; |m| is compared."""
    payload, _ = encode_points(network, points)
    nodes = []
    for node in network.populations:
        z, _ = integer_drive(node.affine, [payload])
        quantile = np.quantile(np.abs(z), 1.0 - share, axis=0).astype(np.int64)
        nodes.append(replace(node, theta=quantile, polarity=Polarity.BOTH))
        payload = step_integer(nodes[-1], np.zeros_like(z), [payload]).payload
    source = replace(
        network.source, nodes=tuple(replace(each, polarity=Polarity.BOTH) for each in network.source.populations)
    )
    return replace(network, source=source, nodes=tuple(nodes))


def show(rows: Iterator[tuple[str, ...]]) -> None:
    """Print rows as a table in Markdown."""
    print("| " + " | ".join(HEAD) + " |")
    print("|" + "---|" * len(HEAD))
    for each in rows:
        print("| " + " | ".join(each) + " |", flush=True)


def activity_rows(network: QuantizedNetwork, points: FloatArray) -> Iterator[tuple[str, ...]]:
    """Measure the network at several activities on a Cortex-M4, walked in each way."""
    for share in ACTIVITIES:
        driven = with_activity(network, points, share)
        trace = run_integer(driven, points)
        found = np.mean([node.events.mean() / len(points) for node in trace.nodes])
        for loops in Loops:
            yield row(f"activity {found:.2f}, {loops.value}", measure_device(driven, "cortex-m4", points, loops))


def main() -> None:
    for name in sys.argv[1:] or NETWORKS:
        network = nl.convert(nl.find_network(name)).network
        lower, upper = network.source.lower, network.source.upper
        points = lower + (upper - lower) * np.random.default_rng(0).random((N_POINTS, network.n_in))
        print(f"\n{name}, widths {network.source.widths}, {N_POINTS} points")
        show(each for device in DEVICES for each in rows_of(network, device, points))
        print(f"\n{name} driven to other activities")
        show(activity_rows(network, points))


if __name__ == "__main__":
    main()
