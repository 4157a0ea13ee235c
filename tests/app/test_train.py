"""The command `train`: what it writes, what it refuses, and that it goes on where it was stopped."""

from __future__ import annotations

import json

import pytest

from neuropinn_lava.app.cli_train import parse_parameters
from neuropinn_lava.app.train import RecipeChanges
from neuropinn_lava.errors import SpecError
from neuropinn_lava.files import read_network
from neuropinn_lava.problems import find_problem

SHORT = ("--iterations", "0.01", "--widths", "8,8")


def test_a_trained_network_says_where_it_comes_from(cli, tmp_path):
    path = tmp_path / "net.h5"
    code, out, _ = cli("train", "heat", "--out", path, *SHORT, "--seed", "3", "--param", "diffusivity=0.5", "--json")
    summary, network = json.loads(out), read_network(path)
    assert (code, summary["status"]) == (0, "finished")
    assert summary["digest"] == network.digest()
    provenance = network.provenance
    assert (provenance.problem, provenance.seed) == ("heat", 3)
    assert [(option.name, option.value) for option in provenance.parameters] == [("diffusivity", 0.5)]
    assert provenance.command.startswith("neuropinn-lava train heat")


def test_the_same_seed_gives_the_same_network_and_another_one_another(cli, tmp_path):
    digests = []
    for name, seed in (("a", "0"), ("b", "0"), ("c", "1")):
        _, out, _ = cli("train", "poisson", "--out", tmp_path / f"{name}.h5", *SHORT, "--seed", seed, "--json")
        digests.append(json.loads(out)["digest"])
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("poison",), "Did you mean poisson"),
        (("heat", "--param", "difusivity=1"), "Did you mean diffusivity"),
        (("heat", "--param", "diffusivity=-1"), "diffusivity"),
        (("heat", "--param", "diffusivity"), "NAME=VALUE"),
        (("heat", "--activation", "sigmoid"), r"phi(0) = 0"),
        (("heat", "--resume"), "Name one with --checkpoint"),
    ],
)
def test_wrong_arguments_are_refused_before_any_training(cli, tmp_path, arguments, message):
    path = tmp_path / "net.h5"
    code, _, err = cli("train", *arguments, "--out", path)
    assert code == 1
    assert message in err
    assert not path.exists()


def test_a_checkpoint_of_another_problem_is_refused(cli, tmp_path):
    checkpoint = tmp_path / "c.safetensors"
    assert cli("train", "heat", "--out", tmp_path / "a.h5", *SHORT, "--checkpoint", checkpoint)[0] == 0
    options = ("--checkpoint", checkpoint, "--resume")
    code, _, err = cli("train", "poisson", "--out", tmp_path / "b.h5", *SHORT, *options)
    assert code == 1
    assert "heat" in err


def test_changes_reach_the_recipe():
    recipe = find_problem("poisson").recipe
    changed = RecipeChanges(n_steps=4, theta=0.2, target_activity=0.3, iterations=0.5).applied(recipe)
    assert (changed.model.n_steps, changed.model.theta) == (4, 0.2)
    assert {phase.target_rate for phase in changed.phases if phase.rate_weight > 0} == {0.3}
    assert changed.n_iterations == pytest.approx(recipe.n_iterations / 2, abs=len(recipe.phases))


def test_parameters_are_names_and_numbers():
    assert [(p.name, p.value) for p in parse_parameters(["nu=0.01", "k=3"])] == [("nu", 0.01), ("k", 3.0)]
    with pytest.raises(SpecError, match="NAME=VALUE"):
        parse_parameters(["nu:0.01"])
