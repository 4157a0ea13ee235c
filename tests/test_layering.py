"""Imports point one way: every import statement of every package obeys the table of CONTRIBUTING.md.

A rule lists what a package must not import at all, and what it may import only inside a function, so that importing the
package stays cheap. An import that stands under `if TYPE_CHECKING:` runs never and is judged as if it stood inside a
function.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TRAINING, CONVERSION, HARDWARE_SIM, APP = (
    f"neuropinn_lava.{name}" for name in ("training", "conversion", "hardware_sim", "app")
)
PACKAGES = {
    "neuropinn_lava": "neuropinn_lava",
    "training": TRAINING,
    "conversion": CONVERSION,
    "hardware_sim": HARDWARE_SIM,
}
"""Folder of the checkout → package."""

LAVA_MODULES = ("lava", "runner", "steps")
"""The parts of hardware_sim that may import Lava."""
KERNELS = "neuropinn_lava.hardware_sim.kernels"
"""Fast kernels: compared with the reference engines, as the process models are."""


@dataclass(frozen=True, kw_only=True)
class Import:
    """One imported module, or name of a module."""

    name: str
    """Absolute dotted name; `from a import b` gives `a.b`."""
    lazy: bool
    """Whether it stands inside a function or under TYPE_CHECKING."""
    line: int


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What a module must not import."""

    never: tuple[str, ...]
    lazily: tuple[str, ...] = ()
    """Allowed inside functions only."""
    anywhere: tuple[str, ...] = ()
    """Parts of `lazily` that are allowed outside functions too."""
    outside: tuple[str, ...] | None = None
    """If given, the only top-level names beyond the standard library and this package."""


CORE = Rule(
    never=("torch", "lava", TRAINING, CONVERSION, HARDWARE_SIM, APP),
    lazily=("h5py", "shapely", "skfem"),
    outside=("numpy", "scipy", "h5py", "shapely", "skfem", "tomli", "tomllib"),
)
FRONT_DOOR = Rule(never=("torch", "lava"), lazily=(TRAINING, CONVERSION, HARDWARE_SIM, APP), outside=("numpy",))
CHOICES = (f"{CONVERSION}.scheme", f"{CONVERSION}.tuning_settings")
"""Records whose enums are options of the command line; typer reads annotations when it is imported. They need numpy only."""
APPLICATION = Rule(
    never=(), lazily=("torch", "lava", "matplotlib", TRAINING, CONVERSION, HARDWARE_SIM), anywhere=CHOICES
)
RULES = {
    TRAINING: Rule(never=("lava", CONVERSION, HARDWARE_SIM, APP)),
    CONVERSION: Rule(never=("lava", HARDWARE_SIM, APP)),
    HARDWARE_SIM: Rule(never=("torch", "lava", TRAINING, APP)),
}
LAVA_SIDE = Rule(never=("torch", TRAINING, APP))
MODELS = Rule(never=("torch", TRAINING, APP, "neuropinn_lava.engine.reference"))
LAVA_FREE_MODELS = Rule(never=("torch", "lava", TRAINING, APP, "neuropinn_lava.engine.reference"))


def is_within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def rule_of(module: str) -> Rule:
    """Find the rule for a module by its dotted name."""
    if module == "neuropinn_lava":
        return FRONT_DOOR
    if is_within(module, APP) or module == "neuropinn_lava.__main__":
        return APPLICATION
    if is_within(module, f"{HARDWARE_SIM}.lava.processes"):
        return MODELS
    if is_within(module, KERNELS):
        return LAVA_FREE_MODELS
    if any(is_within(module, f"{HARDWARE_SIM}.{name}") for name in LAVA_MODULES):
        return LAVA_SIDE
    return next((rule for package, rule in RULES.items() if is_within(module, package)), CORE)


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def imports_of(tree: ast.AST, package: str, lazy: bool = False) -> Iterator[Import]:
    """Walk a syntax tree; `package` is the one that relative imports start from."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (Import(name=alias.name, lazy=lazy, line=node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = absolute(node, package)
            yield from (Import(name=f"{base}.{alias.name}", lazy=lazy, line=node.lineno) for alias in node.names)
        else:
            deferred = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or is_type_checking(node)
            yield from imports_of(node, package, lazy or deferred)


def absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parts = package.split(".")[: len(package.split(".")) - node.level + 1]
    return ".".join([*parts, node.module] if node.module else parts)


def broken(found: Import, rule: Rule) -> str | None:
    """Say how an import breaks a rule, or None."""
    top = found.name.partition(".")[0]
    if any(is_within(found.name, name) for name in rule.never):
        return "is never imported here"
    eager = not found.lazy and not any(is_within(found.name, name) for name in rule.anywhere)
    if eager and any(is_within(found.name, name) for name in rule.lazily):
        return "is imported only inside the functions that need it"
    if rule.outside is not None and top not in {*sys.stdlib_module_names, "neuropinn_lava", *rule.outside}:
        return f"is not among {', '.join(rule.outside)}"
    return None


def module_name(path: Path) -> str:
    folder, *rest = path.relative_to(ROOT).with_suffix("").parts
    return ".".join([PACKAGES[folder], *rest]).removesuffix(".__init__")


def violations(source: str, module: str, is_package: bool = False) -> list[str]:
    package = module if is_package else module.rpartition(".")[0]
    rule = rule_of(module)
    return [
        f"{module}, line {found.line}: {found.name} {why}"
        for found in imports_of(ast.parse(source), package)
        if (why := broken(found, rule))
    ]


def sources() -> list[Path]:
    return sorted(path for folder in PACKAGES for path in (ROOT / folder).rglob("*.py"))


def test_every_import_obeys_its_layer() -> None:
    found = [
        line
        for path in sources()
        for line in violations(path.read_text(encoding="utf-8"), module_name(path), path.name == "__init__.py")
    ]
    assert not found, "\n" + "\n".join(found)


def rooms_of(path: Path, rooms: set[str]) -> tuple[str, set[str]]:
    """Return the room (folder) of a module and the rooms that it imports from, names under TYPE_CHECKING included."""
    package = module_name(path.parent / "__init__.py")
    imported = set()
    for found in imports_of(ast.parse(path.read_text(encoding="utf-8")), package):
        name = found.name
        while name and name not in rooms:
            name = name.rpartition(".")[0]
        imported.add(name)
    return package, imported - {package, "", "neuropinn_lava"}


def test_rooms_stand_in_an_order() -> None:
    """No room imports from one that imports from it, by any detour; the front doors (`__init__.py`) may look anywhere."""
    graph: dict[str, set[str]] = {}
    rooms = {module_name(folder / "__init__.py") for folder in {file.parent for file in sources()}}
    for path in sources():
        if path.name not in ("__init__.py", "__main__.py"):
            room, imported = rooms_of(path, rooms)
            graph.setdefault(room, set()).update(imported)
    order = tuple(TopologicalSorter(graph).static_order())  # raises CycleError, which names the circle
    assert order[0] == "neuropinn_lava.base"


def test_a_room_can_be_taken_in_at_a_glance() -> None:
    """Every folder says in a sentence what it is for, and holds few modules."""
    for folder in {file.parent for file in sources()}:
        modules = [item for item in folder.glob("*.py") if item.name not in ("__init__.py", "__main__.py")]
        assert len(modules) <= 18, f"{folder.relative_to(ROOT)} holds {len(modules)} modules"
        doc = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8")))
        assert doc is not None, folder
        assert len(doc.split()) > 3, folder


def test_every_package_is_read() -> None:
    assert {module_name(path).split(".")[1] for path in sources() if "." in module_name(path)} >= {
        "app",
        "conversion",
        "hardware_sim",
        "problems",
        "training",
    }


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("neuropinn_lava.network.spec", "import torch"),
        ("neuropinn_lava.network.spec", "def f():\n    from lava.proc import dense"),
        ("neuropinn_lava.files.network_file", "import h5py"),
        ("neuropinn_lava.files.network_file", "import pandas"),
        ("neuropinn_lava.problems.catalogue.evolution.heat", "from ....training import trainer"),
        ("neuropinn_lava", "from neuropinn_lava import training"),
        ("neuropinn_lava.training.layer", "import neuropinn_lava.conversion.quantize.post_training"),
        ("neuropinn_lava.conversion.quantize.post_training", "from lava.magma import core"),
        ("neuropinn_lava.conversion.quantize.post_training", "from neuropinn_lava import hardware_sim"),
        ("neuropinn_lava.hardware_sim.counts.counting", "import lava"),
        ("neuropinn_lava.hardware_sim.runner.run_graph", "import torch.nn"),
        (
            "neuropinn_lava.hardware_sim.lava.processes.models",
            "from neuropinn_lava.engine.reference import simulate_integer",
        ),
        ("neuropinn_lava.hardware_sim.lava.processes.models", "from ....engine.reference import simulate_integer"),
        ("neuropinn_lava.hardware_sim.kernels", "from neuropinn_lava.engine import reference"),
        ("neuropinn_lava.app.cli.main", "import torch"),
        ("neuropinn_lava.app.cli.main", "from ...conversion import QuantizationScheme"),
    ],
)
def test_forbidden_import_is_found(module: str, source: str) -> None:
    assert violations(source, module)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("neuropinn_lava.files.network_file", "def read():\n    import h5py"),
        ("neuropinn_lava.network.spec", "from .errors import SpecError\nimport numpy as np\nimport json"),
        ("neuropinn_lava", "def __getattr__(name):\n    from neuropinn_lava import app"),
        ("neuropinn_lava", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .app import verbs"),
        ("neuropinn_lava.conversion.quantize.post_training", "import torch\nfrom neuropinn_lava.training import layer"),
        ("neuropinn_lava.hardware_sim.lava.processes.models", "from lava.magma.core import decorator"),
        (
            "neuropinn_lava.hardware_sim.parity.compare_traces",
            "from neuropinn_lava.engine.reference import simulate_integer",
        ),
        ("neuropinn_lava.app.cli.main", "from ...conversion.scheme import Rounding"),
        ("neuropinn_lava.app.cli.main", "import typer\ndef run():\n    import torch"),
    ],
)
def test_allowed_import_passes(module: str, source: str) -> None:
    assert not violations(source, module, is_package=module == "neuropinn_lava")
