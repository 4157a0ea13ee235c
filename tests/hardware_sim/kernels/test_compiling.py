"""Compiled loops: kept where a folder can be written, and made anew where none can."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

SCRIPT = """
    import sys
    sys.path.insert(0, sys.argv[1])
    import loops
    print(loops.double(21), sum(loops.double.stats.cache_hits.values()))
"""
LOOPS = """
    from neuropinn_lava.hardware_sim.kernels.compiling import compiled

    @compiled
    def double(n):
        return 2 * n
"""


def run_script(folder: Path, home: Path) -> str:
    """Compile in a fresh process whose user has the given home."""
    hidden = {"NUMBA_CACHE_DIR", "XDG_CACHE_HOME"}
    environment = {name: value for name, value in os.environ.items() if name not in hidden} | {"HOME": str(home)}
    command = [sys.executable, "-c", textwrap.dedent(SCRIPT), str(folder)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def test_machine_code_is_kept(tmp_path: Path) -> None:
    (tmp_path / "loops.py").write_text(textwrap.dedent(LOOPS))
    assert run_script(tmp_path, tmp_path) == "42 0"
    assert run_script(tmp_path, tmp_path) == "42 1"


def test_without_a_folder_to_write_to_it_still_runs(tmp_path: Path) -> None:
    (tmp_path / "loops.py").write_text(textwrap.dedent(LOOPS))
    (tmp_path / "__pycache__").write_text("not a folder")  # not even root can put a file into it
    nowhere = tmp_path / "no home"
    nowhere.write_text("not a folder either")
    assert run_script(tmp_path, nowhere) == "42 0"
