"""`import neuropinn_lava` costs little: it loads none of the heavy libraries."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("torch", "lava", "h5py", "matplotlib", "numba", "shapely", "skfem", "typer", "rich", "jinja2")


def modules_loaded_by(statement: str) -> set[str]:
    """Run a statement in a fresh, isolated interpreter: the checkout itself is not on its path."""
    code = f"import sys\n{statement}\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return set(done.stdout.split())


def test_import_of_the_package_is_lean() -> None:
    loaded = modules_loaded_by("import neuropinn_lava")
    assert "neuropinn_lava" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_import_of_hardware_sim_loads_no_torch() -> None:
    assert "torch" not in modules_loaded_by("import neuropinn_lava.hardware_sim")


def test_import_of_the_command_line_loads_neither_torch_nor_lava() -> None:
    loaded = modules_loaded_by("import neuropinn_lava.app.cli.main")
    assert "typer" in loaded
    assert loaded.isdisjoint({"torch", "lava", "matplotlib", "numba"})
