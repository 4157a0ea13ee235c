"""The command `train`: what it writes, what it refuses, and that it goes on where it was stopped."""

from __future__ import annotations

import dataclasses
import json
import math
import signal
import subprocess
import sys

import numpy as np
import pytest

from disks import full_beyond
from neuropinn_lava.app.verbs.train import RecipeChanges
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.base.metrics import relative_l2
from neuropinn_lava.engine.reference import run_float
from neuropinn_lava.files.network_file import read_network
from neuropinn_lava.problems import find_problem
from neuropinn_lava.problems.recipes.phases import Refinement
from neuropinn_lava.problems.residuals import evaluation_points
from neuropinn_lava.training.collocation.clouds import TensorBlock
from neuropinn_lava.training.run.trainer import N_SHOWN, SHOWN_SEED

FLOAT32 = 1e-4
"""Relative: the trainer's network is float32, the file float64, and an output's rounding counts more where errors are small."""
SHORT = ("--iterations", "0.01", "--layers", "8,8")


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
        (("heat", "--cells", "9,x"), "whole numbers of 1 or more, separated by commas; got '9,x'"),
        (("heat", "--cells", "9,0"), "whole numbers of 1 or more"),
        (("heat", "--cells", "9"), "Give one number for each axis"),
        (("elasticity3d", "--cells", "4,4,4"), "got 4 cells along the edge, 0.92 along it. Take n >= 6"),
        (("elasticity3d", "--param", "radius_2=0.1"), "not overlap inclusion 0"),
        (("heat", "--activation", "cos"), r"be an elementwise function"),
        (("heat", "--resume"), "Choose --checkpoint"),
        (("heat", "--history", "h.svg"), "end in .csv; got h.svg. Name it net.csv"),
        (("own.py:HEAT",), "a file that can be imported; got FileNotFoundError: own.py"),
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


@pytest.mark.slow
def test_ctrl_c_writes_the_best_network_and_the_rest_is_trained_later_to_the_same_bits(cli, tmp_path):
    """A signal to a process of its own, as a terminal sends it."""
    options = ["--iterations", "0.02", "--layers", "8,8"]
    files = ["--checkpoint", str(tmp_path / "c.safetensors"), "--history", str(tmp_path / "h.csv")]
    command = [
        sys.executable,
        "-m",
        "neuropinn_lava",
        "train",
        "advection-diffusion-star",
        "--out",
        str(tmp_path / "a.h5"),
    ]
    with subprocess.Popen(
        [*command, *options, *files], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        assert "phase 1 of 2, 0 of 100" in run.stderr.readline()
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=60)
    assert run.returncode == 130, err
    assert out.startswith("interrupted after")
    assert read_network(tmp_path / "a.h5").name == "advection-diffusion-star"
    assert len((tmp_path / "h.csv").read_text().splitlines()) >= 2
    assert "<svg" in (tmp_path / "h.svg").read_text()
    assert cli("train", "advection-diffusion-star", "--out", tmp_path / "a.h5", *options, *files, "--resume")[0] == 0
    whole = ("--out", tmp_path / "b.h5", *options, "--history", tmp_path / "b.csv")
    assert cli("train", "advection-diffusion-star", *whole)[0] == 0
    assert read_network(tmp_path / "a.h5").digest() == read_network(tmp_path / "b.h5").digest()
    assert (tmp_path / "h.csv").read_text() == (tmp_path / "b.csv").read_text()


def test_a_training_that_diverges_says_so_and_writes_the_best_network_before(cli, tmp_path, monkeypatch):
    calls, healthy = [], TensorBlock.scaled_rows

    def scaled_rows(block, values):
        calls.append(None)
        return healthy(block, values) * (math.nan if len(calls) > 40 else 1.0)

    monkeypatch.setattr(TensorBlock, "scaled_rows", scaled_rows)
    options = ("--out", tmp_path / "a.h5", "--history", tmp_path / "h.csv", *SHORT)
    code, out, err = cli("train", "advection-diffusion-star", *options)
    assert code == 1
    assert out.startswith("diverged after 38 iterations")
    assert "the best network before that was written" in err
    weights = [layer.weight for layer in read_network(tmp_path / "a.h5").populations]
    assert all(np.isfinite(weight).all() for weight in weights)
    assert len((tmp_path / "h.csv").read_text().splitlines()) == 4  # the header, both ends of phase 0, the start of 1


def test_a_full_disk_ends_the_training_with_the_former_checkpoint(cli, tmp_path):
    checkpoint = tmp_path / "c.safetensors"
    options = ("--out", tmp_path / "a.h5", *SHORT, "--checkpoint", checkpoint)
    assert cli("train", "heat", *options)[0] == 0
    before = checkpoint.read_bytes()
    with full_beyond(1000):
        code, _, err = cli("train", "heat", *options, "--seed", "1")
    assert code == 1
    assert "c.safetensors must be on a disk with room for the whole file" in err
    assert checkpoint.read_bytes() == before


def test_the_error_told_is_that_of_the_network_kept(cli, tmp_path):
    path = tmp_path / "net.h5"
    summary = json.loads(cli("train", "heat", "--out", path, *SHORT, "--json")[1])
    problem, network = find_problem("heat"), read_network(path)
    points = evaluation_points(problem, N_SHOWN, SHOWN_SEED)
    error = relative_l2(run_float(network, points).outputs, problem.reference.evaluate(points))
    assert summary["relative_l2"] == pytest.approx(error, rel=FLOAT32)


def test_changes_reach_the_recipe():
    recipe = find_problem("poisson").recipe
    changed = RecipeChanges(n_steps=4, theta=0.2, activity=0.3, iterations=0.5).applied(recipe)
    assert (changed.network.n_steps, changed.network.theta) == (4, 0.2)
    assert {phase.target_activity for phase in changed.phases if phase.activity_weight > 0} == {0.3}
    by_adam = find_problem("advection-diffusion-star").recipe
    laid = RecipeChanges(cells=(8, 9), batch_size=16).applied(by_adam).cloud
    assert (laid.n_per_axis, laid.batch_size, laid.operator) == ((8, 9), 16, by_adam.cloud.operator)
    assert changed.n_iterations == pytest.approx(recipe.n_iterations / 2, abs=len(recipe.phases))


def test_clouds_that_move_on_request():
    recipe = find_problem("advection-diffusion-star").recipe
    changed = RecipeChanges(refine=0.2, jitter=0.1, iterations=0.5).applied(recipe)
    assert changed.phases[0].refinement is None
    assert all(phase.refinement == Refinement(share=0.2) for phase in changed.phases[1:])
    assert [phase.jitter.every * 20 for phase in changed.phases] == [phase.n_iterations for phase in changed.phases]
    assert {phase.jitter.share for phase in changed.phases} == {0.1}
    single = dataclasses.replace(recipe, phases=recipe.phases[:1])
    with pytest.raises(SpecError, match=r"RecipeChanges.refine must be asked of a recipe of two phases or more; got 1"):
        RecipeChanges(refine=0.2).applied(single)


def test_without_sparsity_spikes_cost_nothing():
    recipe = find_problem("poisson").recipe
    dense = RecipeChanges(sparsity=False).applied(recipe)
    assert any(phase.activity_weight > 0 for phase in recipe.phases)
    assert [phase.activity_weight for phase in dense.phases] == [0.0] * len(recipe.phases)
    assert [phase.n_iterations for phase in dense.phases] == [phase.n_iterations for phase in recipe.phases]
    with pytest.raises(SpecError, match=r"RecipeChanges\.activity must be left out without sparsity; got 0\.2"):
        RecipeChanges(sparsity=False, activity=0.2).applied(recipe)
