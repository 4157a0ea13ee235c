"""The wheel holds every module and every data file, whichever folder of the checkout it comes from."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import neuropinn_lava

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = {
    "neuropinn_lava": "neuropinn_lava",
    "training": "neuropinn_lava/training",
    "conversion": "neuropinn_lava/conversion",
    "hardware_sim": "neuropinn_lava/hardware_sim",
}
"""Folder of the checkout → place in an installation, as in pyproject.toml."""
CODE = "from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"


def installed_name(path: Path) -> str:
    folder, *rest = path.relative_to(ROOT).parts
    return "/".join([FOLDERS[folder], *rest])


def is_source(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts and path.suffix not in {".md", ".swp"}


@pytest.fixture(scope="module")
def wheel_names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names in a wheel built from a copy, so that no `build/` of an earlier time gets in."""
    copy, out = tmp_path_factory.mktemp("copy"), tmp_path_factory.mktemp("wheel")
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    command = [sys.executable, "-c", f"import sys; {CODE}", str(out)]
    subprocess.run(command, cwd=copy, check=True, capture_output=True, timeout=100)
    (wheel,) = out.glob("*.whl")
    return set(zipfile.ZipFile(wheel).namelist())


def test_every_package_is_named_in_pyproject() -> None:
    named = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    found = {
        installed_name(init.parent).replace("/", ".")
        for folder in FOLDERS
        for init in (ROOT / folder).rglob("__init__.py")
    }
    assert named == found


def test_wheel_holds_every_file(wheel_names: set[str]) -> None:
    expected = {installed_name(path) for folder in FOLDERS for path in (ROOT / folder).rglob("*") if is_source(path)}
    assert expected - wheel_names == set()
    assert "neuropinn_lava/py.typed" in wheel_names


def test_wheel_adds_one_name_only(wheel_names: set[str]) -> None:
    tops = {name.partition("/")[0] for name in wheel_names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"neuropinn_lava"}


@pytest.mark.parametrize(
    ("file", "line"),
    [("CHANGES.md", r"^## (\S+)$"), ("CITATION.cff", r"^version: (\S+)$"), ("pyproject.toml", r'^version = "(\S+)"$')],
)
def test_the_version_is_the_same_everywhere(file: str, line: str) -> None:
    """The newest entry of CHANGES.md comes first."""
    found = re.search(line, (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    assert found[1] == neuropinn_lava.__version__
