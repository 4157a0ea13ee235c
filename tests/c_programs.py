"""C compilers for the tests of exported code, and networks that are hard to write in C."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import builders
from neuropinn_lava.network.quantized import QuantizedNetwork
from neuropinn_lava.network.spec import Readout

WARNINGS = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror", "-pedantic")
COMPILERS = tuple(name for name in ("gcc", "clang") if shutil.which(name))


def require_compiler() -> str:
    """Return the name of a C compiler, or skip the test."""
    if not COMPILERS:
        pytest.skip("no C compiler on this machine")
    return COMPILERS[0]


def compile_text(folder: Path, text: str, compiler: str, *flags: str) -> subprocess.CompletedProcess[str]:
    """Compile a text to `folder/program`, and return what the compiler says."""
    (folder / "program.c").write_text(text)
    command = [compiler, *WARNINGS, *flags, "program.c", "-o", "program", "-lm"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def draw_graph(seed: int) -> QuantizedNetwork:
    """Draw a graph of one to three inputs; every fourth one reads sequences and has any read-out."""
    n_steps = (1, 2, 8, None)[seed % 4]
    readouts = tuple(Readout)
    readout = readouts[seed // 4 % 3] if n_steps is None else readouts[seed % 2]
    return builders.random_graph(seed, n_inputs=1 + seed % 3, n_steps=n_steps, readout=readout)


def with_mixed_shifts(network: QuantizedNetwork) -> QuantizedNetwork:
    """Give the neurons of the first population shifts to the left, none, and to the right."""
    (only,) = network.populations[0].affine.connections
    turned = np.arange(len(only.weight_exponent)) % 5 - 2 - (only.input_exponent + only.weight_exponent)
    lefts = only.weight_exponent + turned + network.populations[0].affine.state_exponent
    return builders.with_layer(network, 0, weight_exponent=lefts)


def hard_networks() -> dict[str, QuantizedNetwork]:
    """Return networks at the edges of what the words allow, by what is hard about them."""
    wide = {"widths": (3, 9, 6, 2), "n_steps": 3}
    return {
        "shifts to the left": builders.random_quantized(1, input_bits=8, payload_bits=8, **wide),
        "shifts of mixed sign": with_mixed_shifts(builders.random_quantized(2, **wide)),
        "payloads of 20 bits": builders.random_quantized(3, payload_bits=20, activation="z_tanh_z", **wide),
        "payloads of 24 bits": builders.random_quantized(4, payload_bits=24, activation="silu", **wide),
        "states of 32 bits": builders.random_quantized(5, state_bits=32, **wide),
        "states of 8 bits": builders.random_quantized(6, state_bits=8, payload_bits=4, input_bits=4, **wide),
        "sums beyond int32": builders.random_quantized(7, weight_bits=16, payload_bits=20, input_bits=24, **wide),
        "short tables": builders.random_quantized(8, activation="tanh", index_size=1, **wide),
        "a period": builders.random_quantized(9, activation="sin_turns", **wide),
        "saturation": builders.saturating_quantized(10, widths=(3, 9, 6, 2), n_steps=3),
        "a silent layer": builders.with_zero_layer(builders.random_quantized(11, **wide)),
        "no step but one": replace_steps(builders.random_quantized(12, **wide), 1),
    }


def replace_steps(network: QuantizedNetwork, n_steps: int) -> QuantizedNetwork:
    """Return the network with another number of steps."""
    return replace(network, source=replace(network.source, n_steps=n_steps))
