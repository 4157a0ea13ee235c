"""The page "Getting started" does what it says: its blocks are run in order, and print what it quotes.

A `bash` block is run, a `python` block whose first line names a file becomes that file, each line of a `text` block must be
in what the block before it printed. `console` blocks (installing, a training of minutes) are shown only.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "getting-started.md"
BLOCKS = re.findall(r"^```(bash|python|text)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)
MADE = ("report/report.html", "profile/report.json", "small/report.json", "quick.h5", "u.npy")
"""What the page leaves behind."""


def run_bash(script: str, folder: Path) -> str:
    """Run commands as a user would, this interpreter's first on the path."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.lava
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_page_does_what_it_says(tmp_path):
    printed = ""
    for kind, body in BLOCKS:
        if kind == "bash":
            printed = run_bash(body, tmp_path)
        elif kind == "python":
            name = re.match(r"# (\w+\.py)\n", body)
            assert name, f"the first line of a python block names its file:\n{body}"
            (tmp_path / name[1]).write_text(body, encoding="utf-8")
        else:
            assert [line for line in body.splitlines() if line not in printed] == []
    assert [name for name in MADE if not (tmp_path / name).exists()] == []
