"""A problem of the user's own, from training to the report: its title, unknowns, errors and residuals are shown."""

from __future__ import annotations

import dataclasses
import textwrap

import numpy as np
import pytest

import neuropinn_lava as nl
from neuropinn_lava.app.verbs.train import RecipeChanges
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.problems import find_problem

SHORT = RecipeChanges(iterations=0.01, layers=(8, 8))
OWN = dataclasses.replace(
    find_problem("poisson"), name="own", title="A problem of one's own", text="-lap v = f", options=()
)
FILE = """
import dataclasses
from neuropinn_lava.problems import find_problem

OWN = dataclasses.replace(find_problem("poisson"), name="own", title="A problem of one's own")
"""


@pytest.fixture(scope="module")
def network():
    return nl.train(OWN, changes=SHORT).network


@pytest.mark.slow
def test_a_report_knows_the_users_problem(network, tmp_path):
    report = nl.profile(network, OWN, n_points=200, with_lava=False)
    assert report.problem.title == OWN.title
    assert report.backends.results[0].relative_l2 > 0
    assert report.backends.results[0].residual_rms > 0
    assert report.fields.unknowns == ("u",)
    assert OWN.title in (report.save(tmp_path / "report") / "report.json").read_text()
    assert nl.profile(network, n_points=200, with_lava=False).problem is None


def test_calibration_and_budget_use_the_users_problem(network):
    with pytest.raises(SpecError, match="error budget must be asked of a network whose problem has a reference"):
        nl.convert(network, error_budget=2.0)
    bits = nl.convert(network, problem=OWN, error_budget=2.0, target=None).network.affines[0].weight_bits
    assert 2 <= bits <= 8


@pytest.mark.slow
def test_the_command_line_takes_it_by_its_file(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(textwrap.dedent(FILE))
    code, _, err = cli("train", "own.py", "--out", "net.h5")
    assert code == 1
    assert "Write own.py:OWN." in err
    assert cli("train", "own.py:OWN", "--out", "net.h5", "--iterations", "0.01", "--layers", "8,8")[0] == 0
    options = ("--problem", "own.py:OWN")
    assert cli("convert", "net.h5", "--out", "chip.h5", *options)[0] == 0
    code, out, err = cli("profile", "chip.h5", "--out", "unknown", "--no-lava", "--n-points", "50")
    assert (code, "The network's problem is not known" in " ".join((out + err).split())) == (0, True)
    code, out, _ = cli("profile", "chip.h5", "--out", "report", *options, "--no-lava", "--n-points", "200", "--json")
    assert code == 0
    assert "A problem of one's own" in out


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda net: nl.train("poisson"),
            r"train.problem must be a PdeProblem; got 'poisson'. Build it: .*find_problem",
        ),
        (lambda net: nl.train(OWN, "poisson"), r"train.recipe must be a TrainingRecipe; got 'poisson'"),
        (lambda net: nl.profile(net, np.zeros((3, 2))), "profile.problem must be a PdeProblem; got an object of type"),
        (lambda net: nl.convert(net, problem="poisson"), "convert.problem must be a PdeProblem; got 'poisson'"),
        (lambda net: nl.verify(net, problem=find_problem("elasticity3d")), "verify.problem must have 2 coordinates"),
        (
            lambda net: nl.train(dataclasses.replace(OWN, name="heat")),
            "train.problem must have a name that no other problem has; got 'heat'",
        ),
    ],
)
def test_what_is_no_problem_is_refused(network, call, message):
    with pytest.raises(SpecError, match=message):
        call(network)
