"""Every shipped network and 100 random graphs, by every compiler, at every optimization, under sanitizers: no differing bit."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

import builders
import c_programs
from neuropinn_lava.app.lookup.networks import find_network
from neuropinn_lava.app.verbs.convert import convert
from neuropinn_lava.engine.reference import run_integer
from neuropinn_lava.engine.trace import Probe
from neuropinn_lava.hardware_sim.devices.c99 import run as run_module
from neuropinn_lava.hardware_sim.devices.c99.build import FLAGS
from neuropinn_lava.hardware_sim.devices.c99.run import build_driver, run_c99
from neuropinn_lava.hardware_sim.parity.compare_traces import compare_traces
from neuropinn_lava.network.quantized import QuantizedNetwork

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
N, N_PROBED = 10_000, 100
SANITIZERS = {
    "gcc": ("-std=c99", "-g", "-fsanitize=undefined,address", "-fno-sanitize-recover=all"),
    "clang": (
        "-std=c99",
        "-g",
        "-fsanitize=undefined",
        "-fsanitize-trap=undefined",
    ),  # its runtime is a package of its own
}
Build = tuple[str, tuple[str, ...]]
BUILDS: list[Build] = [(name, (*FLAGS, f"-O{level}")) for name in c_programs.COMPILERS for level in range(4)]
BUILDS += [(name, SANITIZERS[name]) for name in c_programs.COMPILERS]


def count_compared(
    network: QuantizedNetwork, n: int, monkeypatch: pytest.MonkeyPatch, builds: list[Build] = BUILDS
) -> int:
    """Run a network in some builds, and return how many numbers were compared, all of them equal."""
    c_programs.require_compiler()
    points = builders.random_points(network, n, seed=1)
    points[: n // 20] += 0.5 * (points[: n // 20] - network.source.lower)  # some outside the box
    probe = Probe(n_samples=N_PROBED)
    expected, n_compared = run_integer(network, points, probe), 0
    for compiler, flags in builds:
        monkeypatch.setenv("CC", compiler)
        monkeypatch.setattr(run_module, "build_driver", partial(build_driver, flags=flags))
        result = compare_traces(expected, run_c99(network, points, probe), network=network)
        assert result.mismatches == 0, (compiler, flags, result.first_difference)
        n_compared += result.values_compared
    return n_compared


def quantized(name: str) -> QuantizedNetwork:
    network = find_network(name)
    assert not isinstance(network, QuantizedNetwork)
    return convert(network).network


@pytest.mark.parametrize("name", builders.FIELD_MODELS)
def test_shipped_networks(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    n_compared = count_compared(quantized(name), N, monkeypatch)
    print(f"{name}: {n_compared} numbers equal in {len(BUILDS)} builds")
    assert n_compared > len(BUILDS) * N * 2


@pytest.mark.parametrize("seed", range(100))
def test_random_graphs(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    builds = BUILDS[seed // 4 % 5 :: 5]  # every build has 20 graphs or more, of any number of steps
    n_compared = count_compared(c_programs.draw_graph(1000 + seed), N, monkeypatch, builds)
    print(f"graph {seed}: {n_compared} numbers equal in {len(builds)} builds")
    assert n_compared > len(builds) * N * 2


@pytest.mark.parametrize("name", c_programs.hard_networks())
def test_hard_networks(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    network = c_programs.hard_networks()[name]
    assert count_compared(network, 2000, monkeypatch) > 0
    assert np.abs(run_integer(network, builders.random_points(network, 10)).readout).max() > 0
