"""The guard against leaks finds a child, an orphan and a block of shared memory, and lets clean tests pass."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import psutil

CONFTEST = Path(__file__).with_name("conftest.py")

TESTS = """
import multiprocessing, subprocess, sys, time
from multiprocessing.shared_memory import SharedMemory

LEAK = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(61)'])"

def test_clean():
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    block = SharedMemory(create=True, size=64)
    block.close()
    block.unlink()

def test_child():
    multiprocessing.get_context("fork").Process(target=time.sleep, args=(61,)).start()

def test_orphan():
    subprocess.run([sys.executable, "-c", LEAK], check=True, start_new_session=True)

def test_memory():
    SharedMemory(create=True, size=64).close()

def test_clean_after_leaks():
    pass
"""


def test_guard_finds_every_kind_of_leak(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST.read_text().replace("GRACE_SECONDS = 3.0", "GRACE_SECONDS = 0.3"))
    (tmp_path / "test_inner.py").write_text(TESTS)
    before = set(psutil.pids())
    command = [sys.executable, "-m", "pytest", "-q", "-rE", "-p", "no:cacheprovider", "--rootdir", tmp_path, tmp_path]
    output = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=60).stdout

    assert set(re.findall(r"^ERROR test_inner.py::(\w+)", output, re.M)) == {"test_child", "test_orphan", "test_memory"}
    assert len(re.findall(r"^left behind:\n  process \d+: ", output, re.M)) == 2
    assert len(re.findall(r"^left behind:\n  shared memory /dev/shm/psm_", output, re.M)) == 1
    new = [process for process in psutil.process_iter(["cmdline"]) if process.pid not in before]
    assert not [process for process in new if "time.sleep(61)" in " ".join(process.info["cmdline"] or [])]
