"""The API reference: one page for the public names, and one for each package, module by module, from the docstrings."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {
    "core": ("The core", "neuropinn_lava", "neuropinn_lava"),
    "problems": ("Problems", "neuropinn_lava/problems", "neuropinn_lava.problems"),
    "micromechanics": ("Micromechanics", "neuropinn_lava/micromechanics", "neuropinn_lava.micromechanics"),
    "training": ("Training", "training", "neuropinn_lava.training"),
    "conversion": ("Conversion", "conversion", "neuropinn_lava.conversion"),
    "hardware_sim": ("Hardware simulation", "hardware_sim", "neuropinn_lava.hardware_sim"),
    "app": ("Verbs and command line", "neuropinn_lava/app", "neuropinn_lava.app"),
}
"""Page → title, folder of the checkout, package."""


def api_pages() -> dict[str, str]:
    """Return all pages of the reference by their path."""
    pages = {f"api/{page}.md": package_page(*entry) for page, entry in PACKAGES.items()}
    return {"api/index.md": public_names_page()} | pages


def package_page(title: str, folder: str, package: str) -> str:
    """List the modules of a package and of its folders; the site generator fills in their docstrings."""
    inner = {ROOT / other for _, other, _ in PACKAGES.values() if other.startswith(f"{folder}/")}
    files = sorted(file for file in (ROOT / folder).rglob("*.py") if not inner & set(file.parents))
    sections = [module_section(file, ROOT / folder, package) for file in files]
    return f"# {title}\n\n" + "\n\n".join(section for section in sections if section) + "\n"


def module_section(file: Path, folder: Path, package: str) -> str | None:
    """Return the section of a module; for an `__init__.py` only what it defines itself, None if it defines nothing."""
    parts = file.relative_to(folder).with_suffix("").parts
    if file.name == "__init__.py":
        name = ".".join((package, *parts[:-1]))
        own = members_of(file)
        return f"## {name}\n\n{directive(name, *own)}" if own else None
    if file.stem.startswith("__"):
        return None
    return f"## {'.'.join(parts)}\n\n{directive('.'.join((package, *parts)))}"


def members_of(file: Path) -> list[str]:
    """Name the public functions and classes that a file defines itself."""
    body = ast.parse(file.read_text(encoding="utf-8")).body
    return [n.name for n in body if isinstance(n, (ast.FunctionDef, ast.ClassDef)) and not n.name.startswith("_")]


def directive(module: str, *members: str) -> str:
    """Ask the generator for a module's documentation, whole or of some members."""
    chosen = f"\n      members: [{', '.join(members)}]" if members else ""
    return f"::: {module}\n    options:\n      show_root_heading: false{chosen}"


def public_names_page() -> str:
    """List the public names, each with the first sentence of its docstring and a link to its documentation."""
    package = import_module("neuropinn_lava")
    rows = [f"| {link(package, name)} | {first_sentence(getattr(package, name))} |" for name in package.__all__]
    head = "# Public names\n\nThese are the names of `import neuropinn_lava as nl`. Each name loads its module on first use.\n"
    return "\n".join([head, "| name | description |", "|---|---|", *rows, ""])


def link(package: object, name: str) -> str:
    """Return a link to the documentation of a name; the version has no other documentation."""
    value = getattr(package, name)
    if not hasattr(value, "__module__"):
        return f"`{name}`"
    return f"[`{name}`][{value.__module__}.{value.__qualname__}]"


def first_sentence(value: object) -> str:
    """Return the first sentence of a docstring; a string is returned unchanged."""
    if isinstance(value, str):
        return f"version of the package: {value}"
    return (value.__doc__ or "").strip().split("\n\n")[0].replace("\n", " ").replace("|", "\\|")
