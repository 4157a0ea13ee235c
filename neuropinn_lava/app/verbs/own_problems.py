"""What `train` trains on and how: a problem of the package or of a user's file, with its own recipe or another one."""

from __future__ import annotations

from ...base.checks import check_choice, raise_violations
from ...files.named_objects import find_own, is_own
from ...network.spec import ProblemParameter
from ...problems import find_problem, list_problems
from ...problems.problem import PdeProblem
from ...problems.recipe import TrainingRecipe


def pose_problem(name: str, parameters: tuple[ProblemParameter, ...]) -> PdeProblem:
    """Make a problem: one of the package by its name, a user's own as `file.py:name` or `package.module:name`.

    Raises:
        SpecError: If name or options are refused, or if the user's file raises or holds no problem of that name.
    """
    options = {option.name: option.value for option in parameters}
    return find_own("problem", name, PdeProblem, options) if is_own(name) else find_problem(name, **options)


def choose_recipe(name: str | None, problem: PdeProblem) -> TrainingRecipe:
    """Give the problem's own recipe, another problem's by its name, or a user's as `file.py:name`.

    Raises:
        SpecError: If there is no recipe of that name; the nearest names are shown.
    """
    if name is None:
        return problem.recipe
    if is_own(name):
        return find_own("recipe", name, TrainingRecipe, {})
    raise_violations(check_choice("train.recipe", name, list_problems()))
    return find_problem(name).recipe
