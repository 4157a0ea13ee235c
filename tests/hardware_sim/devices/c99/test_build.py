"""Compilers are found in the documented order, and what goes wrong is said in full."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path

import pytest

import builders
import c_programs
from neuropinn_lava.base.errors import SimulationError
from neuropinn_lava.base.extras import MissingPackageError
from neuropinn_lava.hardware_sim.devices.c99.build import build_program, find_compiler
from neuropinn_lava.hardware_sim.devices.c99.run import run_c99


def with_commands(monkeypatch: pytest.MonkeyPatch, *names: str, ziglang: bool = False) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}" if name in names else None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object() if ziglang else None)


def test_compilers_are_found_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    with_commands(monkeypatch, "clang", "gcc", "cc")
    assert find_compiler() == ("cc",)
    with_commands(monkeypatch, "clang", "gcc")
    assert find_compiler() == ("gcc",)
    with_commands(monkeypatch, "clang", "tcc", ziglang=True)
    assert find_compiler() == ("clang",)
    monkeypatch.setenv("CC", "tcc -O1")
    assert find_compiler() == ("tcc", "-O1")
    with_commands(monkeypatch, ziglang=True)
    assert find_compiler() == (sys.executable, "-m", "ziglang", "cc")


def test_without_a_compiler_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with_commands(monkeypatch)
    network = builders.random_quantized(31, widths=(1, 2, 1))
    with pytest.raises(
        MissingPackageError, match=r"A C compiler must be installed for this; .*pip install 'neuropinn-lava\[c99\]'"
    ):
        run_c99(network, [[0.5]])  # type: ignore[arg-type]
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(MissingPackageError, match="The compiler that CC names must be an existing command"):
        find_compiler()


def test_a_compiler_that_refuses_is_quoted(tmp_path: Path) -> None:
    compiler = c_programs.require_compiler()
    (tmp_path / "wrong.c").write_text("int main(void) { return nothing; }\n")
    with pytest.raises(SimulationError, match=r"(?s)compile wrong\.c; got exit code 1:\n.*nothing"):
        build_program(tmp_path / "wrong.c", tmp_path / "wrong", (compiler,))
