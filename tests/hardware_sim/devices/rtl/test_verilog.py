"""Which tool turns RTLIL into Verilog, and what is said where it fails or is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from neuropinn_lava.base.errors import SimulationError
from neuropinn_lava.base.extras import MissingPackageError
from neuropinn_lava.hardware_sim.devices.rtl import verilog
from neuropinn_lava.hardware_sim.devices.rtl.verilog import run_tool


def write_program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_an_environment_variable_names_the_tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_program(tmp_path / "mine", 'echo "$1"')
    monkeypatch.setenv("NEXTPNR_ECP5", str(tmp_path / "mine"))
    assert run_tool("nextpnr-ecp5", ["--version"], tmp_path) == "--version\n"


def test_a_failing_tool_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_program(tmp_path / "mine", "echo 'ERROR: no such cell' >&2; exit 1")
    monkeypatch.setenv("YOSYS", str(tmp_path / "mine"))
    with pytest.raises(SimulationError, match="The tool `yosys` must finish; got ERROR: no such cell"):
        run_tool("yosys", [], tmp_path)


def test_a_missing_tool_names_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verilog.shutil, "which", lambda name: None)
    with pytest.raises(MissingPackageError, match=r"neuropinn-lava\[rtl\]"):
        run_tool("nothing", [], tmp_path)
