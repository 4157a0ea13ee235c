"""Energy models as data: the shipped ones, `neuropinn_lava/data/energy_*.toml`, and users' own files of the same form.

name, title, kind, source, leaves_out        texts; kind is simulated, measured or estimated
[constants.<name>]  value, unit, source      and low, high where a range is known
[[terms]]  name, quantity, constants         and part = "static" for what time costs
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ...base.checks import check_choice, raise_violations
from ...base.errors import FileFormatError, Violation
from ...files.toml_tables import Table, named_file, read_table
from .constant_files import key_violations, made_from_file, read_constants
from .energy_model import EnergyModel, Kind, Part, Term

SHIPPED = (
    "loihi1-davies",
    "loihi1-sanafe",
    "keras-loihi",
    "spinnaker",
    "spinnaker2",
    "45nm-int8",
    "vsn-authors",
    "45nm-fp32",
    "keras-cpu",
    "keras-gpu",
    "keras-arm",
)
"""Names of the models that come with the package: neuromorphic ones first, then logic, then machines that compute densely."""


def shipped_models() -> tuple[EnergyModel, ...]:
    """Load all shipped models."""
    return tuple(find_energy_model(name) for name in SHIPPED)


def find_energy_model(name: str | Path) -> EnergyModel:
    """Load a shipped model by name, or a user's own by the path of its TOML file.

    Raises:
        SpecError: If the name is unknown.
        FileFormatError: If the file cannot be read or breaks a rule; all broken rules are listed.
    """
    with named_file(
        name, {model: f"energy_{model.replace('-', '_')}.toml" for model in SHIPPED}, "energy model"
    ) as path:
        return read_energy_model(path)


def read_energy_model(path: Path) -> EnergyModel:
    """Read a model from a TOML file.

    Raises:
        FileFormatError: If the file cannot be read, has unknown or missing keys, a constant without unit or source, a negative
            number or NaN, an unknown quantity, or a term that is no energy.
    """
    table = read_table(path, "energy model")
    where = f"energy model {path.name}"
    raise_violations(_violations(table, where), FileFormatError)
    texts = {key: value for key, value in table.items() if key not in ("constants", "terms")}
    constants = read_constants(table, where)
    terms = tuple(_made_term(entry) for entry in table["terms"])
    model, broken = made_from_file(where, lambda: EnergyModel(**texts, constants=constants, terms=terms))
    raise_violations(broken, FileFormatError)
    assert model is not None
    return model


def _made_term(entry: Table) -> Term:
    return Term(**{**entry, "constants": tuple(entry["constants"]), "part": Part(entry.get("part", "dynamic"))})


def _violations(table: Table, where: str) -> Iterator[Violation]:
    texts = {key: value for key, value in table.items() if key not in ("constants", "terms")}
    yield from key_violations(EnergyModel, texts, where, left_out=("constants", "terms"))
    if isinstance(texts.get("kind"), str):
        yield from check_choice(f"{where}.kind", texts["kind"], [kind.value for kind in Kind])
    terms = table.get("terms")
    if not isinstance(terms, list) or not terms:
        yield Violation(f"{where}.terms", "one [[terms]] or more", repr(terms), "Say what the constants multiply.")
        return
    for index, entry in enumerate(terms):
        yield from key_violations(Term, entry, f"{where}: term {index + 1}")
        if isinstance(entry, dict) and isinstance(entry.get("part"), str):
            yield from check_choice(f"{where}: term {index + 1}.part", entry["part"], [part.value for part in Part])
