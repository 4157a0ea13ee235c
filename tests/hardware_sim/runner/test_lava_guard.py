"""The guard of Lava: on every Python, whoever asks for Lava where it cannot run is told why and what to do."""

from __future__ import annotations

import importlib
import os
import sys

import pytest

from neuropinn_lava.base.errors import SimulationError
from neuropinn_lava.hardware_sim.runner.lava_guard import require_children, require_lava


def test_python_too_new(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 12, 1))
    with pytest.raises(SimulationError, match=r"Lava 0\.10 needs Python 3\.10; got Python 3\.12\.1\. Use Python 3\.10"):
        require_lava()


def test_lava_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> None:
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(sys, "version_info", (3, 10, 13))
    monkeypatch.setattr(importlib, "import_module", fail)
    with pytest.raises(SimulationError, match=r"Lava can be imported; got ImportError: No module named 'lava\.magma"):
        require_lava()


def test_no_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 13))
    monkeypatch.delattr(os, "fork")
    with pytest.raises(SimulationError, match="its processes are forked; got no fork on"):
        require_lava()


@pytest.mark.lava
def test_lava_is_there() -> None:
    require_lava()
    require_children()
    assert "lava.magma.compiler.compiler" in sys.modules
