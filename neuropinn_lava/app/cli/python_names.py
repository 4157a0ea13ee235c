"""Python arguments in the errors of the library, translated into the options of the command line; former options, too."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ...base.errors import NeuroPinnError, Violation

VERBS = frozenset(
    {"convert", "distill", "export", "export_vtk", "homogenize", "profile", "run", "stream", "sweep", "train", "verify"}
)
RECORDS = frozenset(
    {
        "Box",
        "HardwareChoices",
        "QuantizationScheme",
        "RecipeChanges",
        "SweepGrid",
        "SweepPlan",
        "TrainingFiles",
        "TuningSettings",
    }
)
"""Functions and records whose arguments and fields are options of a command; so are those of the network of a factory."""
OBJECTS = {
    "calibration points": "points",
    "error budget": "error_budget",
    "find_problem.name": "problem",
    "points file": "points",
}
"""Other objects of the library's errors that are values of options, by the names of the parameters."""
DIFFERENT = {
    "n_cores": "cores",
    "n_sanafe": "sanafe",
    "with_lava": "lava",
}
"""Python names whose option has another name."""

FORMER = {
    "train": {"--steps": "--n-steps", "--widths": "--layers", "--target-activity": "--activity"},
    "sweep": {"--steps": "--n-steps", "--widths": "--layers"},
}
"""Former options of each command and their successors, to which they are translated until version 3.0."""
REUSED = {"run": {"--layers": "--model"}}
"""Former options whose name means something else in other commands, and their successors, which the refusal names."""


def translate_error(error: NeuroPinnError, options: Mapping[str, str]) -> str:
    """Return the text of an error with options in the place of Python arguments.

    Args:
        error: An error of the library.
        options: The option of each parameter of the command, by the name of the parameter.
    """
    return "\n".join(str(_translate_violation(violation, options)) for violation in error.violations)


def _translate_violation(violation: Violation, options: Mapping[str, str]) -> Violation:
    where = _translate_where(violation.where, options)
    return violation._replace(where=where, repair=_translate_repair(violation.repair, options))


def _translate_where(where: str, options: Mapping[str, str]) -> str:
    """Translate the object of an error, with what follows its name, such as the input that is wrong."""
    for name, parameter in OBJECTS.items():
        if where.startswith(name) and parameter in options:
            return options[parameter] if where == name else f"{options[parameter]}: {where}"
    found = re.fullmatch(r"(\w+|NetworkSpec '.*')\.(\w+)(:.*)?", where)
    if found is None or not (found[1] in VERBS | RECORDS or found[1].startswith("NetworkSpec ")):
        return where
    option = options.get(DIFFERENT.get(found[2], found[2]))
    return where if option is None else f"{option}{found[3] or ''}"


def _translate_repair(repair: str, options: Mapping[str, str]) -> str:
    """Translate arguments in backquotes, such as `problem=`, into options."""

    def option_of(match: re.Match[str]) -> str:
        name, value = match.groups()
        option = options.get(DIFFERENT.get(name, name))
        if option is None:
            return match.group()
        return option.replace("--", "--no-", 1) if value == "False" else option

    return re.sub(r"`(\w+)=(\w*)`", option_of, repair)


def replace_former_options(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Replace former options of a command line by their successors.

    Args:
        words: The command and its arguments.

    Returns:
        The words with the new options, and a note about each that was replaced.
    """
    renamed = FORMER.get(words[0], {}) if words else {}
    replaced = list(words)
    notes = []
    for k, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in renamed:
            replaced[k] = renamed[name] + equals + value
            notes.append(f"{name} is now {renamed[name]}; the old name ends with version 3.0.")
    return replaced, notes
