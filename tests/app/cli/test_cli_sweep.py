"""The command `sweep`: what it prints and refuses."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys

import pytest

from neuropinn_lava.app.cli.sweep import chosen_cluster
from neuropinn_lava.app.workers.dask_pool import ClusterChoice

TINY = (
    *("--layers", "8,6", "--iterations", "0.01", "--tune-iterations", "2", "--n-points", "100"),
    *("--no-lava", "--workers", "0"),
)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("poison",), "Did you mean poisson"),
        (("poisson", "--weight-bits", ""), "--weight-bits must be whole numbers, separated by commas"),
        (("poisson", "--weight-bits", "4,,8"), "--weight-bits must be whole numbers"),
        (("poisson", "--weight-bits", "40"), "--weight-bits must lie in [2, 16]; got 40"),
        (("poisson", "--payload-bits", "1"), "--payload-bits must lie in [2, 24]; got 1"),
        (("poisson", "--theta", "-1"), "--theta"),
        (("poisson", "--n-steps", "0"), "--n-steps"),
        (("poisson", "--activity", "2"), "--activity"),
        (("poisson", "--search", "0"), "--search"),
        (("poisson", "--error-factor", "0.1"), "--error-factor must be at least 1"),
        (("poisson", "--energy", "loihi9"), "energy model"),
        (("poisson", "--target", "loihi9"), "Did you mean loihi"),
        (("poisson", "--param", "mode_z=1"), "be one of mode_x, mode_y"),
        (("poisson", "--workers", "2", "--cluster", "tcp://a:1"), "--workers must be left out beside --cluster"),
        (
            ("poisson", "--cache", "/dev/null/cache"),
            "cache /dev/null/cache must be a folder that can be made and written",
        ),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_done(cli, tmp_path, arguments, message):
    cache = () if "--cache" in arguments else ("--cache", tmp_path / "cache")
    code, _, err = cli("sweep", *arguments, "--out", tmp_path / "out", *cache)
    assert code == 1
    assert message in err
    assert not list(tmp_path.rglob("*.h5"))


def test_a_cluster_that_cannot_be_reached_is_named(cli, tmp_path, monkeypatch):
    pytest.importorskip("distributed", reason="needs the extra `dask`")
    monkeypatch.setattr("neuropinn_lava.app.workers.dask_pool.CONNECT_SECONDS", 0.5)
    options = ("--cluster", "tcp://127.0.0.1:9", "--no-lava", "--cache", tmp_path / "c", "--out", tmp_path / "out")
    code, _, err = cli("sweep", "poisson", *options)
    assert code == 1
    assert "Dask cluster tcp://127.0.0.1:9 must have a scheduler that answers" in err


def test_a_sweep_prints_front_choice_and_energy_model(cli, tmp_path):
    options = (
        "--weight-bits",
        "4,8",
        "--payload-bits",
        "12",
        "--out",
        tmp_path / "out",
        "--cache",
        tmp_path / "c",
        *TINY,
    )
    code, out, err = cli("sweep", "poisson", *options)
    assert code == 0
    assert "on the front" in out
    assert "Chosen: w" in out
    assert "the least energy on the front" in out
    assert "45nm-int8 (estimated; Horowitz" in out
    assert "2 points computed and 0 found in the cache" in out
    assert "2 of 2: w" in err
    code, out, err = cli("sweep", "poisson", *options, "--json")
    held = json.loads(out)
    assert (code, held["n_points"], held["n_cached"]) == (0, 2, 2)
    assert "of 2:" not in err


def test_a_search_is_measured_and_found_again(cli, tmp_path):
    pytest.importorskip("optuna", reason="needs the extra `sweep`")
    options = ("--search", "4", "--out", tmp_path / "out", "--cache", tmp_path / "c", *TINY)
    first = json.loads(cli("sweep", "poisson", *options, "--json")[1])
    again = json.loads(cli("sweep", "poisson", *options, "--json")[1])
    assert (first["n_points"], first["n_cached"], again["n_cached"]) == (4, 0, 4)
    assert first["rows"] == again["rows"]
    assert any(" " in row["weight_bits"] for row in first["rows"])  # bits of each matrix


@pytest.mark.slow
def test_proposals_that_repeat_are_counted_once_and_told_of(cli, tmp_path):
    """Two words for each of three matrices and two for the payloads are 16 points: 20 proposals repeat some."""
    pytest.importorskip("optuna", reason="needs the extra `sweep`")
    ranges = ("--weight-bits", "4,5", "--payload-bits", "8,9")
    options = ("--search", "20", *ranges, "--out", tmp_path / "out", "--cache", tmp_path / "c", *TINY)
    code, out, err = cli("sweep", "poisson", *options)
    assert code == 0
    n_points = len(json.loads((tmp_path / "out" / "sweep.json").read_text())["rows"])
    assert n_points <= 16
    assert f"20 proposals, of which {20 - n_points} were of points proposed before: {n_points} points." in out
    assert f"{n_points} points computed and 0 found" in out
    assert err.splitlines()[-1].startswith(f"{n_points} of {n_points}: w")


def test_workers_are_as_many_as_cores_where_dask_is(monkeypatch):
    monkeypatch.setattr("neuropinn_lava.hardware_sim.lava.plan.usable_cores", lambda: 3)
    assert chosen_cluster(None, 0) == ClusterChoice()
    assert chosen_cluster("tcp://a:1", None) == ClusterChoice(address="tcp://a:1")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    assert chosen_cluster(None, None) == ClusterChoice(n_workers=3)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert chosen_cluster(None, None) == ClusterChoice()


@pytest.mark.slow  # workers import torch
def test_a_sweep_on_workers_says_what_it_did_and_nothing_else(tmp_path):
    pytest.importorskip("distributed", reason="needs the extra `dask`")
    options = ("--weight-bits", "4,8", "--payload-bits", "12", "--out", tmp_path / "out", "--cache", tmp_path / "c")
    command = [sys.executable, "-m", "neuropinn_lava", "sweep", "poisson", *map(str, options), *TINY[:-2]]
    done = subprocess.run([*command, "--workers", "2"], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0
    assert [line[:9] for line in done.stderr.splitlines()] == ["1 of 2: w", "2 of 2: w"]


@pytest.mark.slow  # workers import torch
def test_ctrl_c_ends_workers_and_keeps_what_is_finished(cli, tmp_path):
    pytest.importorskip("distributed", reason="needs the extra `dask`")
    options = ("--payload-bits", "8,12,16", "--out", tmp_path / "out", "--cache", tmp_path / "c", *TINY[:-2])
    command = [sys.executable, "-m", "neuropinn_lava", "sweep", "poisson", *map(str, options), "--workers", "2"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        while "of 9: w" not in process.stderr.readline():
            pass
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the whole group
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "What is finished is kept" in err
    assert "Traceback" not in err
    held = json.loads(cli("sweep", "poisson", *options, "--workers", "0", "--json")[1])
    assert held["n_points"] == 9
    assert 1 <= held["n_cached"] < 9
