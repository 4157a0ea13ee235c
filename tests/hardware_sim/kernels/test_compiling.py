"""Compiled loops: kept where a folder can be written, and made anew where none can."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

from neuropinn_lava.hardware_sim.kernels import compiling

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


EDITED = """
    import sys
    import neuropinn_lava.hardware_sim as parent
    parent.__path__.insert(0, sys.argv[1])
    from neuropinn_lava.hardware_sim.kernels import loops
    assert loops.__file__.startswith(sys.argv[1])
    print(loops.fires(5, 5), sum(loops.fires.stats.cache_hits.values()))
"""
CALLER = """
    from .compiling import compiled
    from .threshold import reached

    @compiled
    def fires(m, theta):
        return reached(m, theta)
"""
CALLED = """
    from .compiling import inlined

    @inlined
    def reached(m, theta):
        return m >= theta
"""


def test_an_edited_file_that_a_loop_calls_takes_effect(tmp_path: Path) -> None:
    """The caller's file stays as it is; only the file with the threshold changes, and with it the key of the kept code."""
    folder = tmp_path / "kernels"
    shutil.copytree(Path(compiling.__file__).parent, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "loops.py").write_text(textwrap.dedent(CALLER))
    (folder / "threshold.py").write_text(textwrap.dedent(CALLED))
    command = [sys.executable, "-B", "-c", textwrap.dedent(EDITED), str(tmp_path)]
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}

    def run() -> str:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    assert run() == "True 0"
    assert run() == "True 1"
    (folder / "threshold.py").write_text(textwrap.dedent(CALLED).replace(">=", ">"))
    assert run() == "False 0"
