"""Names on the command line become objects here: problems and recipes. The verbs themselves take objects."""

from __future__ import annotations

from collections.abc import Iterable

from ...base.checks import check_choice, raise_violations
from ...base.errors import SpecError
from ...files.user_objects import find_object
from ...network.spec import ProblemParameter
from ...problems import find_problem, list_problems
from ...problems.default_recipe import recipe_of
from ...problems.problem import PdeProblem
from ...problems.recipes.recipe import TrainingRecipe


def resolve_problem(text: str, parameters: Iterable[ProblemParameter] = ()) -> PdeProblem:
    """Return the problem of a name, `file.py:NAME` or `package.module:NAME`, with its options.

    Raises:
        SpecError: If name or options are refused, or if the user's file raises or has no problem of that name.
    """
    options = {option.name: option.value for option in parameters}
    found = find_object(text, PdeProblem, "problem", options, find_problem)
    return found if found.options else found.with_options(**options)


def resolve_problem_option(text: str | None, parameters: list[ProblemParameter] | None) -> PdeProblem | None:
    """Return the problem of `--problem`, or None where the option is left out.

    Raises:
        SpecError: As `resolve_problem`, and if parameters are given without a problem.
    """
    if text is not None:
        return resolve_problem(text, parameters or ())
    if parameters:
        names = ", ".join(option.name for option in parameters)
        raise SpecError("--param", "be left out without --problem", names, "Give --problem, too.")
    return None


def resolve_recipe(text: str | None) -> TrainingRecipe | None:
    """Return the recipe of another problem by its name, or a user's as `file.py:NAME`; None where the option is left out.

    Raises:
        SpecError: If there is no recipe of that name; the nearest names are shown.
    """
    return None if text is None else find_object(text, TrainingRecipe, "recipe", by_name=_find_recipe)


def _find_recipe(name: str) -> TrainingRecipe:
    raise_violations(check_choice("--recipe", name, list_problems()))
    return recipe_of(find_problem(name))
