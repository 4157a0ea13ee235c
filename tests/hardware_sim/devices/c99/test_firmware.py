"""The export folder tests itself, guards its golden vectors, and obeys the rules of result folders."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import builders
import c_programs
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.conversion.quantize.post_training import quantize_network
from neuropinn_lava.hardware_sim.devices.c99.firmware import write_firmware
from neuropinn_lava.network.quantized import QuantizedNetwork
from neuropinn_lava.network.spec import Readout
from small_graphs import operator_network

NAMES = {"Makefile", "README.md", "firmware.json", "golden.h", "selftest.c"}


def small() -> QuantizedNetwork:
    return builders.random_quantized(1, widths=(2, 3, 1), ansatz=True)


def sequences(readout: Readout) -> QuantizedNetwork:
    return builders.random_graph(3, n_inputs=2, n_steps=None, readout=readout)


def operator() -> QuantizedNetwork:
    """Return a network that takes a function, whose branch is held."""
    return quantize_network(operator_network(n_steps=1)).network


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def make(folder: Path, *targets: str) -> subprocess.CompletedProcess[str]:
    c_programs.require_compiler()
    if shutil.which("make") is None:
        pytest.skip("no make on this machine")
    command = ["make", "-s", f"CC={c_programs.COMPILERS[0]}", *targets]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "network",
    [small(), sequences(Readout.MEAN), sequences(Readout.EVERY), operator()],
    ids=["constant", "mean", "every", "held"],
)
def test_the_folder_tests_itself(tmp_path: Path, network: QuantizedNetwork) -> None:
    folder = write_firmware(network, tmp_path / "firmware", n_golden=5)
    stem = json.loads((folder / "firmware.json").read_text())["header"].removesuffix(".h")
    assert names(folder) == NAMES | {f"{stem}.h", f"{stem}_host.h"}
    done = make(folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{stem}: 5 vectors, 0 wrong numbers\n" * 2


def test_the_self_test_finds_a_wrong_number(tmp_path: Path) -> None:
    folder = write_firmware(small(), tmp_path / "firmware", n_golden=5)
    text = (folder / "random1.h").read_text()
    assert "_output_bias" not in text  # one output: its bias is a constant
    changed = re.sub(r"total = \(?-?\d+\)?", "total = 12345", text[text.index("_node_output(") :], count=1)
    (folder / "random1.h").write_text(text[: text.index("_node_output(")] + changed)
    done = make(folder, "selftest")
    assert done.returncode == 0, done.stderr
    assert subprocess.run([folder / "selftest"], capture_output=True, check=False).returncode == 1


def test_the_self_test_finds_a_held_payload_that_is_overwritten(tmp_path: Path) -> None:
    folder = write_firmware(operator(), tmp_path / "firmware", n_golden=5)
    text = (folder / "operator.h").read_text()
    assert "| `npl_operator_run_held(state, words, sums)` |" in (folder / "README.md").read_text()
    call = "    npl_operator_node_trunk(s, x);\n"
    before, after = text.split("npl_operator_run_held(", 1)[0], text.split("npl_operator_run_held(", 1)[1]
    assert call in after
    changed = after.replace(call, call + "    s->payload0[0] = 0;\n", 1)
    (folder / "operator.h").write_text(f"{before}npl_operator_run_held({changed}")
    assert make(folder, "selftest").returncode == 0
    assert subprocess.run([folder / "selftest"], capture_output=True, check=False).returncode == 1


def test_golden_vectors_of_another_network_do_not_compile(tmp_path: Path) -> None:
    ours = write_firmware(small(), tmp_path / "ours")
    theirs = write_firmware(builders.with_zero_layer(small()), tmp_path / "theirs")
    shutil.copy(theirs / "golden.h", ours / "golden.h")
    done = make(ours)
    assert done.returncode != 0
    assert "golden.h belongs to another network or another version than random1.h" in done.stderr


def test_the_record_says_what_is_there(tmp_path: Path) -> None:
    network = small()
    folder = write_firmware(network, tmp_path / "firmware")
    record = json.loads((folder / "firmware.json").read_text())
    assert record["schema"] == "neuropinn-lava/firmware/1"
    assert record["digest"] == network.digest()
    assert set(record["files"]) == names(folder)
    assert network.digest() in (folder / "README.md").read_text()
    assert "@{" not in "".join(path.read_text() for path in folder.iterdir())


def test_an_earlier_export_is_replaced_and_notes_stay(tmp_path: Path) -> None:
    folder = write_firmware(small(), tmp_path / "firmware")
    (folder / "notes.txt").write_text("keep")
    (folder / "selftest").write_text("built")
    other = replace(small(), source=replace(small().source, name="other"))
    assert write_firmware(other, folder) == folder
    assert names(folder) == NAMES | {"other.h", "other_host.h", "notes.txt"}
    assert (folder / "notes.txt").read_text() == "keep"
    assert names(tmp_path) == {"firmware"}


def test_other_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(SpecError, match=r"firmware directory .* an empty folder, a new one, or an earlier firmware"):
        write_firmware(small(), tmp_path)
    write_firmware(small(), tmp_path, force=True)
    assert names(tmp_path) == NAMES | {"random1.h", "random1_host.h", "notes.txt"}
    with pytest.raises(SpecError, match="be a folder; got a file"):
        write_firmware(small(), tmp_path / "notes.txt")
    with pytest.raises(SpecError, match="a place that takes new folders"):
        write_firmware(small(), tmp_path / "missing" / "firmware")


def test_wrong_arguments_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="be a quantized network; got NetworkSpec"):
        write_firmware(small().source, tmp_path / "a")  # type: ignore[arg-type]
    for number, rule in ((1, "lie in"), (2.5, "be a whole number"), (np.inf, "be a whole number")):
        with pytest.raises(SpecError, match=rf"write_firmware\.n_golden must {rule}"):
            write_firmware(small(), tmp_path / "a", n_golden=number)  # type: ignore[arg-type]
    assert not names(tmp_path)
