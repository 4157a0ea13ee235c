"""Writers that are killed at any moment: a reader finds the old file or the new one, never half; the next write succeeds.

Each writer is killed before every system call that changes a file, and at random times. A report folder keeps what a user had
put into it, too. Kills may leave temporary files (`.NAME.*`), which no later write trips over.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tracing import SUPPORTED
from writers import NAMES, NEEDS

CHILD = Path(__file__).with_name("kill_child.py")
N_RANDOM = 200
FEWEST_BOUNDARIES = 10
"""To make a file, write it, flush it and rename it takes more calls than that."""

pytestmark = pytest.mark.skipif(not SUPPORTED, reason="ptrace is used as Linux on x86-64 has it")


def torture(writer: str, n_random: int, folder: Path) -> dict[str, Any]:
    """Kill a writer in a process of its own."""
    needed = NEEDS.get(writer)
    if needed is not None and importlib.util.find_spec(needed) is None:
        pytest.skip(f"needs {needed}, of an extra")
    command = [sys.executable, str(CHILD), writer, str(n_random), str(folder / "work")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def assert_never_half(result: dict[str, Any], n_random: int) -> None:
    assert result["found"] == []
    assert result["boundaries"] >= FEWEST_BOUNDARIES
    assert result["old"] + result["new"] == result["boundaries"] + n_random


@pytest.mark.timeout(400)
@pytest.mark.slow
def test_a_writer_killed_a_few_times(tmp_path: Path) -> None:
    assert_never_half(torture("network", 5, tmp_path), 5)


@pytest.mark.torture
@pytest.mark.timeout(2000)
@pytest.mark.parametrize("writer", NAMES)
def test_killed_writers(writer: str, tmp_path: Path) -> None:
    result = torture(writer, N_RANDOM, tmp_path)
    print(writer, {key: value for key, value in result.items() if key != "found"})
    assert_never_half(result, N_RANDOM)
    assert result["old"] > 0
    assert result["new"] > 0
