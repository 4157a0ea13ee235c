"""Options without an effect are refused, files and names that are nearly right are told; on the command line."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from neuropinn_lava.base.errors import SimulationError


@pytest.fixture
def chip_file(cli, float_file, tmp_path):
    """The quantized network, made by the command line."""
    path = tmp_path / "chip.h5"
    assert cli("convert", float_file, "--out", path)[0] == 0
    return path


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--n-steps", 4), ("--n-steps",)),
        (("--n-steps", 1), ("--n-steps",)),
        (("--weights", "w.safetensors", "--lower", "0,0"), ("--weights", "--lower")),
        (("--tune-on", "distillation"), ("--tune-on",)),
        (("--tune-iterations", 5, "--time-limit", 2), ("--tune-iterations", "--time-limit")),
    ],
)
def test_convert_refuses_options_without_an_effect(options, named, cli, tmp_path):
    code, _, err = cli("convert", "poisson", "--out", tmp_path / "chip.h5", *options)
    assert code == 1
    assert all(f"{name} must " in err for name in named)
    assert not (tmp_path / "chip.h5").exists()


@pytest.mark.parametrize(
    "option", [("--mode", "faithful"), ("--model", "fused"), ("--batch-size", 5), ("--cores", 1), ("--time-limit", 9)]
)
def test_run_refuses_options_of_lava_on_other_backends(option, cli, chip_file, points_file, tmp_path):
    code, _, err = cli("run", chip_file, "--points", points_file, "--out", tmp_path / "u.npy", *option)
    assert code == 1
    assert f"{option[0]} must " in err
    assert "--backend lava" in err


@pytest.mark.parametrize(
    "option",
    [
        ("--out", "u.npy"),
        ("--backend", "float"),
        ("--resume",),
        ("--time-limit", 9),
        ("--probe", "0:3"),
        ("--probe-layers", "hidden1"),
        ("--probe-out", "probe"),
        ("--workers", 2),
        ("--vtk", "u.vtu"),
    ],
)
def test_a_plan_refuses_options_of_a_run(option, cli, chip_file, points_file):
    code, _, err = cli("run", chip_file, "--points", points_file, "--plan", *option)
    assert code == 1
    assert f"{option[0]} must " in err


def test_a_plan_of_a_lava_run_may_name_lava(cli, chip_file, points_file):
    assert cli("run", chip_file, "--points", points_file, "--plan", "--backend", "lava", "--mode", "faithful")[0] == 0


@pytest.mark.parametrize("command", ["verify", "profile"])
def test_points_and_their_number_are_not_both_given(command, cli, chip_file, points_file, tmp_path):
    out = ("--out", tmp_path / "report") if command == "profile" else ()
    code, _, err = cli(command, chip_file, "--points", points_file, "--n-points", 9, *out)
    assert code == 1
    assert "--n-points must " in err


def test_homogenize_has_no_backend_without_networks(cli):
    code, _, err = cli("homogenize", "--backend", "torch", "--cells", 2)
    assert code == 1
    assert "--backend must " in err


def test_run_takes_the_torch_backend(cli, float_file, points_file, tmp_path):
    pytest.importorskip("torch")
    for backend in ("torch", "float"):
        code = cli(
            "run", float_file, "--points", points_file, "--out", tmp_path / f"{backend}.npy", "--backend", backend
        )
        assert code[0] == 0
    by_torch, by_numpy = (np.load(tmp_path / f"{backend}.npy") for backend in ("torch", "float"))
    assert by_torch == pytest.approx(by_numpy, rel=1e-12)
    assert "torch" in cli("run", "--help")[1]


def test_an_option_of_another_command_is_named(cli, tmp_path):
    code, _, err = cli("train", "poisson", "--out", tmp_path / "net.h5", "--weights", "w.pt")
    assert code == 2
    assert "`convert`" in err


def test_a_former_option_whose_name_means_something_else_is_refused_with_its_successor(cli):
    code, _, err = cli("run", "poisson", "--points", "p.npy", "--layers", "dense")
    assert code == 2
    assert "No such option: --layers" in err
    assert "in `run` it is --model" in " ".join(err.replace("│", " ").split())


def test_weights_of_torch_save_say_how_to_write_them(cli, tmp_path, monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    Path("mine_with_weights.py").write_text("import torch\n\ndef make():\n    return torch.nn.Linear(2, 1)\n")
    torch.save(torch.nn.Linear(2, 1).state_dict(), "w.pt")
    code, _, err = cli("convert", "mine_with_weights:make", "--out", "chip.h5", "--weights", "w.pt")
    assert code == 1
    assert "safetensors.torch.save_file(module.state_dict(), path)" in err


def test_an_error_in_a_users_file_names_its_line(cli, tmp_path):
    for name, text, line in (
        ("raises.py", "import math\n\n\nx = math.sqrt(-1)\n", 4),
        ("deep.py", "def f():\n    return undefined\n\n\nf()\n", 2),
        ("syntax.py", "x = 1\nif x\n", 2),
        ("missing.py", "import os\nimport no_such_module_at_all\n", 2),
    ):
        path = tmp_path / name
        path.write_text(text)
        code, _, err = cli("train", f"{path}:problem", "--out", tmp_path / "net.h5")
        assert code == 1
        assert f"{name}, line {line}" in err


def test_an_error_in_a_users_function_names_its_line(cli, tmp_path):
    path = tmp_path / "made.py"
    path.write_text("def problem():\n    a = 1\n    return a / 0\n")
    assert "made.py, line 3" in cli("train", f"{path}:problem", "--out", tmp_path / "net.h5")[2]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("0.1;0.2\n0.3;0.4\n", "semicolons"),
        ("x;y\n0.1;0.2\n", "semicolons"),
        ("0,1;0,2\n", "semicolons"),
        ("0.1 0.2\n0.3 0.4\n", "spaces"),
        ("0.1\t0.2\n0.3\t0.4\n", "tabs"),
        ("0.1,zwei\n0.3,0.4\n", "line 1"),
        ("x,y\n0.1,0.2\n0.3,\n", "line 3"),
    ],
)
def test_a_csv_file_that_is_not_separated_by_commas_says_so(text, named, cli, chip_file, tmp_path):
    path = tmp_path / "p.csv"
    path.write_text(text)
    code, _, err = cli("run", chip_file, "--points", path, "--out", tmp_path / "u.npy")
    assert code == 1
    assert named in err


@pytest.mark.parametrize("command", ["convert", "train"])
def test_a_network_that_would_not_be_an_h5_file_is_refused_before_the_work(command, cli, tmp_path):
    code, _, err = cli(command, "poisson", "--out", tmp_path / "net.pt")
    assert code == 1
    assert ".h5" in err


def test_points_outside_are_told_as_a_note(cli, chip_file, tmp_path):
    np.save(tmp_path / "far.npy", np.full((3, 2), 99.0))
    code, _, err = cli(
        "profile", chip_file, "--points", tmp_path / "far.npy", "--no-lava", "--out", tmp_path / "report"
    )
    assert code == 0
    assert err.count("3 of 3 points lie outside") == 1
    assert "DomainWarning" not in err


@pytest.fixture
def without_lava(monkeypatch):
    """A machine on which Lava does not run."""

    def refuse():
        raise SimulationError("Lava backend", "Lava 0.10 needs Python 3.10", "Python 3.12.1", "Use Python 3.10.")

    for name in ("neuropinn_lava.hardware_sim.runner.lava_guard", "neuropinn_lava.hardware_sim.lava.simulate"):
        __import__(name)
        monkeypatch.setattr(sys.modules[name], "require_lava", refuse)


@pytest.mark.parametrize("command", ["demo", "profile"])
def test_a_missing_lava_is_told_before_any_work(command, without_lava, cli, tmp_path):
    arguments = ("poisson",) if command == "demo" else ("poisson", "--n-points", 50)
    code, _, err = cli(command, *arguments, "--out", tmp_path / "report")
    assert code == 1
    assert "Python 3.10" in err
    assert "--no-lava" in err
    assert "quantizing" not in err
    assert "points" not in err
    assert not (tmp_path / "report").exists()


@pytest.mark.slow
def test_the_demo_does_without_lava(without_lava, cli, tmp_path):
    code, _, err = cli("demo", "poisson", "--no-lava", "--out", tmp_path / "report")
    assert code == 0
    assert "the integer engine stands for" in err
    assert (tmp_path / "report" / "report.html").exists()


@pytest.mark.parametrize("suffix", [".h5", ".npy"])
def test_network_and_points_are_parsed_once_a_run(suffix, cli, chip_file, points_file, tmp_path, monkeypatch):
    import h5py

    import neuropinn_lava.files.parser_guard as guard

    points = tmp_path / f"points{suffix}"
    if suffix == ".h5":
        with h5py.File(points, "w") as file:
            file["points"] = np.load(points_file)
    else:
        points.write_bytes(points_file.read_bytes())
    children = []
    original = guard.subprocess.run
    monkeypatch.setattr(guard.subprocess, "run", lambda *a, **k: children.append(a[0][3:]) or original(*a, **k))
    code = cli(
        "run",
        chip_file,
        "--points",
        points,
        "--out",
        tmp_path / "u.npy",
        "--probe",
        "0:4",
        "--probe-out",
        tmp_path / "pr",
    )
    assert code[0] == 0
    assert len(children) == (2 if suffix == ".h5" else 1)
