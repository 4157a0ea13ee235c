"""Names on the command line: problems and recipes of the package and of a user's file, or the reason of a refusal."""

from __future__ import annotations

import textwrap

import pytest

from neuropinn_lava.app.cli.resolve import resolve_problem, resolve_recipe
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.network.spec import ProblemParameter
from neuropinn_lava.problems.recipes.phases import Optimizer

FILE = """
from neuropinn_lava.problems import find_problem

HEAT = find_problem("heat")
RECIPE = HEAT.recipe
NUMBER = 3

def make_heat(*, strength=0.5):
    return find_problem("heat", diffusivity=strength)

def make_nothing():
    return None

def make_trouble():
    raise RuntimeError("no such luck")
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    (tmp_path / "own_heat.py").write_text(textwrap.dedent(FILE))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "own_heat.py"


def option(name, value):
    return (ProblemParameter(name=name, value=value),)


def test_names_of_the_package_are_found_as_ever():
    assert "0.5 u_xx" in resolve_problem("heat", option("diffusivity", 0.5)).equation
    with pytest.raises(SpecError, match="Did you mean heat"):
        resolve_problem("heet", ())


def test_a_problem_of_a_file_by_its_path_and_by_its_module(place):
    for name in (f"{place}:HEAT", "own_heat.py:HEAT", "own_heat:HEAT"):
        assert resolve_problem(name, ()).name == "heat"


def test_a_function_takes_options(place):
    assert (
        resolve_problem(f"{place}:make_heat", option("strength", 0.25)).equation != resolve_problem("heat", ()).equation
    )


@pytest.mark.parametrize(
    ("member", "options", "message"),
    [
        (
            "HEET",
            (),
            r"name must be one of .*HEAT, make_heat, make_nothing, make_trouble; got 'HEET'. Did you mean HEAT",
        ),
        ("NUMBER", (), "a PdeProblem, or a function that returns one; got int"),
        ("make_nothing", (), "a PdeProblem, or a function that returns one; got NoneType"),
        ("make_trouble", (), "a function that can be called; got RuntimeError: no such luck"),
        ("HEAT", option("strength", 1.0), "no options for a problem that exists already; got strength. Build the"),
        (
            "make_heat",
            option("strenth", 1.0),
            "parameter must be one of strength; got 'strenth'. Did you mean strength",
        ),
        ("", (), r"file.py:NAME or package.module:NAME; got"),
    ],
)
def test_what_is_no_problem_is_refused(place, member, options, message):
    with pytest.raises(SpecError, match=message):
        resolve_problem(f"{place}:{member}", options)


def test_a_file_that_is_not_there_or_does_not_import(place):
    with pytest.raises(SpecError, match=r"a file that can be imported; got FileNotFoundError: .*none.py"):
        resolve_problem("none.py:HEAT", ())
    with pytest.raises(SpecError, match=r"a file that can be imported; got ModuleNotFoundError"):
        resolve_problem("no_such_module:HEAT", ())
    place.write_text("1 / 0")
    with pytest.raises(SpecError, match=r"a file that can be imported; got ZeroDivisionError"):
        resolve_problem(f"{place}:HEAT", ())


def test_a_file_without_a_name_is_refused_with_its_names(place):
    with pytest.raises(SpecError, match=r"problem 'own_heat.py' must have the form .*Write own_heat.py:HEAT or "):
        resolve_problem("own_heat.py")
    with pytest.raises(SpecError, match=r"recipe 'own_heat.py' .*Write own_heat.py:RECIPE or "):
        resolve_recipe("own_heat.py")


def test_a_rule_that_the_file_breaks_is_told_in_its_own_words(place):
    place.write_text("from neuropinn_lava.problems import find_problem\nHEAT = find_problem('heet')")
    with pytest.raises(SpecError, match="Did you mean heat"):
        resolve_problem(f"{place}:HEAT", ())


def test_a_recipe_is_the_problems_own_or_another_problems_or_the_users(place):
    heat, poisson = resolve_problem("heat", ()), resolve_problem("poisson", ())
    assert resolve_recipe(None) is None
    assert resolve_recipe("poisson") == poisson.recipe
    assert resolve_recipe(f"{place}:RECIPE") == heat.recipe


def test_a_recipe_of_the_users_may_end_with_l_bfgs(place):
    place.write_text(
        "from neuropinn_lava import Optimizer, PhaseRecipe, TrainingRecipe\n"
        "PHASES = (PhaseRecipe(n_iterations=50), PhaseRecipe(n_iterations=9, optimizer=Optimizer('l-bfgs')))\n"
        "RECIPE = TrainingRecipe(phases=PHASES)\n"
    )
    recipe = resolve_recipe(f"{place}:RECIPE")
    assert recipe.phases[-1].optimizer is Optimizer.L_BFGS


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("poison", "--recipe must be one of .* Did you mean poisson"),
        ("own_heat.py:RECIPES", "recipe 'own_heat.py:RECIPES': name must be one of RECIPE, .*Did you mean RECIPE"),
        ("own_heat.py:HEAT", "a TrainingRecipe, or a function that returns one; got PdeProblem"),
    ],
)
def test_what_is_no_recipe_is_refused(place, name, message):
    with pytest.raises(SpecError, match=message):
        resolve_recipe(name)
