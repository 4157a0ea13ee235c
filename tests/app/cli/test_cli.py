"""The command line: what each command prints, what it refuses, and its exit codes."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from neuropinn_lava import __version__
from neuropinn_lava.engine.reference import run_float, run_integer
from neuropinn_lava.files.network_file import read_network
from neuropinn_lava.network.quantized import QuantizedNetwork


@pytest.fixture
def chip_file(cli, float_file, tmp_path):
    """The quantized network, made by the command line."""
    path = tmp_path / "chip.h5"
    assert cli("convert", float_file, "--out", path)[0] == 0
    return path


def test_the_version_is_told(cli):
    code, out, _ = cli("--version")
    assert (code, out.strip()) == (0, f"neuropinn-lava {__version__}")


def test_problems_are_listed(cli):
    code, out, _ = cli("problems", "--json")
    assert code == 0
    assert {"heat", "poisson"} <= {problem["name"] for problem in json.loads(out)}


def test_inspect_tells_a_float_network(cli, float_file):
    code, out, _ = cli("inspect", float_file, "--json")
    summary = json.loads(out)
    assert code == 0
    assert (summary["kind"], summary["widths"], summary["n_steps"]) == ("float", [2, 12, 8, 1], 2)
    assert summary["digest"] == read_network(float_file).digest()


def test_inspect_tells_a_quantized_network(cli, chip_file):
    summary = json.loads(cli("inspect", chip_file, "--json")[1])
    assert summary["kind"] == "quantized"
    assert [layer["weight bits"] for layer in summary["layers"]] == [8, 8, 8]
    assert "weight scale" in cli("inspect", chip_file)[1]


def test_convert_takes_word_lengths_layer_by_layer(cli, float_file, tmp_path):
    path = tmp_path / "mixed.h5"
    code, out, _ = cli("convert", float_file, "--out", path, "--weight-bits", "8,6,4", "--payload-bits", "12", "--json")
    assert code == 0
    assert [layer["weight_bits"] for layer in json.loads(out)["layers"]] == [8, 6, 4]
    network = read_network(path)
    assert isinstance(network, QuantizedNetwork)
    assert [layer.table.payload_bits for layer in network.populations] == [12, 12]


def test_convert_refuses_what_a_target_cannot_hold_and_writes_nothing(cli, float_file, tmp_path):
    path = tmp_path / "chip.h5"
    code, _, err = cli("convert", float_file, "--out", path, "--weight-bits", "10")
    assert code == 1
    assert err.count("weights of at most 8 bits") == 3  # one line for each matrix
    assert not path.exists()


def test_convert_and_inspect_say_which_rules_fit_which_do_not_and_which_were_not_checked(cli, tmp_path):
    path = tmp_path / "chip.h5"
    code, out, _ = cli("convert", "poisson", "--out", path, "--rounding", "nearest", "--json")
    target = json.loads(out)["target"]
    assert (code, target["name"], target["verdict"]) == (0, "loihi2", "does not fit")
    verdicts = {rule["name"]: rule for rule in target["rules"]}
    assert {rule["verdict"] for rule in target["rules"]} == {"fits", "does not fit", "not checked"}
    sums = verdicts["sums fit their word"]
    assert (sums["verdict"], sums["found"], sums["limit"], sums["refuses"]) == ("does not fit", 25, 24, False)
    assert "lava-nc" in sums["reason"]
    assert "--payload-bits 15" in sums["violations"][0]
    assert json.loads(cli("inspect", path, "--json")[1])["target"] == target
    shown = cli("inspect", path)[1]
    assert "does not fit Loihi 2: it breaks the rule that sums fit their word. Loihi 2 only reports this" in " ".join(
        shown.split()
    )
    assert json.loads(cli("inspect", path, "--target", "loihi1", "--json")[1])["target"]["verdict"] == "does not fit"


def test_a_float_network_has_no_verdict(cli, float_file):
    assert json.loads(cli("inspect", float_file, "--json")[1])["target"] is None


def test_strictness_refuses_what_is_otherwise_reported(cli, tmp_path):
    path = tmp_path / "chip.h5"
    options = ("convert", "poisson", "--out", path, "--rounding", "nearest", "--strict")
    code, _, err = cli(*options)
    assert (code, path.exists()) == (1, False)
    assert "layer 'hidden2' must have sums of products of at most 24 bits; got 25" in err
    code, out, _ = cli(*options[:-1])
    assert (code, path.exists()) == (0, True)
    assert "layer 'hidden2' must have sums of products of at most 24 bits; got 25" in out
    assert "only reports this: a conversion is refused with --strict alone" in " ".join(out.split())
    assert cli(*options, "--payload-bits", "14")[0] == 0
    code, _, err = cli("convert", "poisson", "--out", path, "--target", "none", "--strict")
    assert code == 1
    assert "--strict must have a target to check against; got --target none" in err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--weight-bits", "8,8"), "one word length per population"),
        (("--weight-bits", "40"), "--weight-bits must lie in"),
        (("--tune", "--tune-on", "equation"), "a network whose problem is known"),
        (("--error-budget", "1.2"), "a network whose problem has a reference"),
        (("--upper", "1,1"), "must be left out but for a factory"),
        (("--target", "loihi3"), "Did you mean loihi"),
    ],
)
def test_convert_refuses_wrong_options(cli, float_file, tmp_path, options, message):
    code, _, err = cli("convert", float_file, "--out", tmp_path / "c.h5", *options)
    assert code == 1
    assert message in err


@pytest.mark.parametrize(
    ("command", "option", "repair"),
    [
        ("convert", ("--weight-bits", "eight"), "Write 8, or 4,6,8."),
        ("convert", ("--scales", "per-tenser"), "Did you mean per-tensor"),
        ("convert", ("--weight-range", "mean"), "Did you mean"),
        ("convert", ("--equalize", "alike"), "Choose one of them."),
        ("convert", ("--tune-on", "equations"), "Did you mean equation"),
        ("run", ("--backend", "Lavaa"), "Did you mean lava"),
        ("run", ("--cores", "0"), "Choose a value in that range."),
        ("demo", ("--seed", "-1"), "Choose a value in that range."),
    ],
)
def test_a_refused_option_is_named_with_its_rule_and_repair(cli, tmp_path, command, option, repair):
    code, _, err = cli(command, "poisson", "--out", tmp_path / "c.h5", *option)
    assert code == 1
    assert f"error: {option[0]} must be " in err
    assert f"; got '{option[1]}'. {repair}" in err
    assert list(tmp_path.iterdir()) == []


def test_convert_says_when_words_are_short(cli, tmp_path):
    code, _, err = cli("convert", "poisson", "--out", tmp_path / "short.h5", "--state-bits", "5")
    assert code == 0
    assert "The words are short for this network: more than 5%." in err
    code, _, err = cli("convert", "poisson", "--out", tmp_path / "fine.h5")
    assert (code, err) == (0, "")


def test_convert_tunes_and_says_what_it_brought(cli, float_file, tmp_path):
    options = ("--weight-bits", "3", "--tune", "--tune-iterations", "10", "--time-limit", "30", "--seed", "1")
    code, out, _ = cli("convert", float_file, "--out", tmp_path / "c.h5", *options)
    assert code == 0
    assert re.search(r"Tuning, 10 steps and 1 descent, \d+ s: on held-out points", out)


def test_convert_refuses_calibration_points_outside_the_domain(cli, float_file, tmp_path):
    np.save(tmp_path / "p.npy", np.array([[0.5, 0.5], [7.0, 0.5]]))
    code, _, err = cli("convert", float_file, "--out", tmp_path / "c.h5", "--points", tmp_path / "p.npy")
    assert code == 1
    assert "--points must lie inside the domain" in err
    assert "1 of 2 outside" in err


@pytest.mark.parametrize("name", ["net.pt", "net.pth", "net.safetensors"])
def test_weights_without_their_module_are_refused_with_a_factory(name, cli, tmp_path):
    (tmp_path / name).write_bytes(b"PK")
    code, _, err = cli("convert", tmp_path / name, "--out", tmp_path / "c.h5")
    assert code == 1
    assert "convert file.py:factory --weights" in err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--lower", "0,0", "--upper", "0,1"), "--upper must lie above lower"),
        (("--lower", "0,0", "--upper", "1"), "--upper must have the shape"),
        ((), "Give --problem, or --points, or --lower and --upper"),
        (("--points", "p3.npy"), "MODULE must run at points of 3 coordinates"),
    ],
)
def test_distill_names_its_options(options, message, cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("p3.npy", np.random.default_rng(0).random((60, 3)))
    factory = tmp_path / "pinn.py"
    factory.write_text("from torch import nn\n\ndef model():\n    return nn.Sequential(nn.Linear(2, 1))\n")
    code, _, err = cli("distill", f"{factory}:model", "--out", "net.h5", *options)
    assert code == 1
    assert message in err


def test_a_nir_graph_stands_for_its_network(cli, float_file, tmp_path):
    pytest.importorskip("nir")
    path = tmp_path / "net.nir"
    assert cli("export", float_file, "--out", path)[0] == 0
    digest = read_network(float_file).digest()
    assert json.loads(cli("inspect", path, "--json")[1])["digest"] == digest
    assert cli("convert", path, "--out", tmp_path / "c.h5")[0] == 0
    assert read_network(tmp_path / "c.h5").source.digest() == digest


def test_export_as_lif_names_what_is_lost(cli, float_file, tmp_path):
    pytest.importorskip("nir")
    path = tmp_path / "net.nir"
    assert "VariableSpikingNeuron nodes" in cli("export", float_file, "--out", path)[1]
    code, said, _ = cli("export", float_file, "--out", path, "--as-lif")
    assert code == 0
    assert "as LIF nodes" in said
    assert "The payload phi(z)" in said
    assert json.loads(cli("inspect", path, "--json")[1])["digest"] == read_network(float_file).digest()


def test_export_writes_the_source_of_a_quantized_network(cli, float_file, chip_file, tmp_path):
    pytest.importorskip("nir")
    assert cli("export", chip_file, "--out", tmp_path / "net.nir")[0] == 0
    digest = json.loads(cli("inspect", tmp_path / "net.nir", "--json")[1])["digest"]
    assert digest == read_network(float_file).digest()


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("net.txt", (), "--format must be one of nir, c99, verilog, onnx, qonnx"),
        ("net.txt", ("--format", "nir"), "end in .nir for format 'nir'"),
        ("net.onnx", (), "quantize"),
        ("folder", ("--format", "c99"), "quantize"),
        ("net.nir", ("--force",), "--force must be left out for format 'nir'"),
        ("folder", ("--format", "c99", "--as-lif"), "--as-lif must be left out for format 'c99'"),
    ],
)
def test_export_refuses_what_a_format_cannot_have(cli, float_file, tmp_path, name, options, message):
    code, _, err = cli("export", float_file, "--out", tmp_path / name, *options)
    assert code == 1
    assert message in err
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("command", ["inspect", "convert"])
def test_an_hdf5_file_of_another_tool_is_refused_in_words(cli, tmp_path, command):
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "theirs.net"
    with h5py.File(path, "w") as file:
        file["layer/0/type"] = np.bytes_("dense")
    out = ("--out", tmp_path / "c.h5") if command == "convert" else ()
    code, _, err = cli(command, path, *out)
    assert code == 1
    assert "theirs.net" in err
    assert "must begin with 'neuropinn-lava network'" in err


def test_a_factory_is_converted_from_the_command_line(cli, tmp_path, monkeypatch):
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    (tmp_path / "models_of_mine.py").write_text(
        "from torch import nn\n\ndef make():\n    return nn.Sequential(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 1))\n"
    )
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(2, 5), torch.nn.Tanh(), torch.nn.Linear(5, 1))
    save_file(net.state_dict(), "w.safetensors")
    options = ("--weights", "w.safetensors", "--lower", "0,0", "--upper", "1,2")
    assert cli("convert", "models_of_mine:make", "--out", "c.h5", *options)[0] == 0
    source = read_network("c.h5").source
    assert (source.populations[0].weight == net[0].weight.detach().double().numpy()).all()
    assert source.upper.tolist() == [1.0, 2.0]
    for bad, message in ((("--lower", "0,zero"), "numbers, separated by commas"), (("--lower", "0"), "lower")):
        code, _, err = cli("convert", "models_of_mine:make", "--out", "d.h5", *bad)
        assert code == 1
        assert message in err


def test_run_gives_what_the_engines_give(cli, chip_file, points_file, tmp_path):
    network, points = read_network(chip_file), np.load(points_file)
    for backend, expected in (("float", run_float(network.source, points)), ("integer", run_integer(network, points))):
        out = tmp_path / f"{backend}.npy"
        assert cli("run", chip_file, "--points", points_file, "--out", out, "--backend", backend)[0] == 0
        assert (np.load(out) == expected.outputs).all()


@pytest.mark.lava
@pytest.mark.parametrize("mode", ["batched", "faithful"])
def test_run_on_lava_gives_the_same_bits(cli, chip_file, points_file, tmp_path, mode):
    out = tmp_path / "u.csv"
    code, *_ = cli("run", chip_file, "--points", points_file, "--out", out, "--backend", "lava", "--mode", mode)
    assert code == 0
    expected = run_integer(read_network(chip_file), np.load(points_file)).outputs
    assert (np.loadtxt(out, delimiter=",", skiprows=1, ndmin=2) == expected).all()


def test_integers_are_refused_for_a_float_file(cli, float_file, points_file, tmp_path):
    code, _, err = cli("run", float_file, "--points", points_file, "--out", tmp_path / "u.npy")
    assert code == 1
    assert "neuropinn-lava convert" in err


def test_points_outside_the_domain_are_allowed_and_said(cli, float_file, tmp_path):
    np.save(tmp_path / "far.npy", np.array([[0.5, 0.5], [7.0, 0.5]]))
    options = ("--points", tmp_path / "far.npy", "--out", tmp_path / "u.npy", "--backend", "float")
    code, _, err = cli("run", float_file, *options)
    assert code == 0
    assert "1 of 2 points lie outside" in err


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.zeros((3, 3)), r"have the shape \(n, 2\)"),
        (np.zeros((0, 2)), "at least one point"),
        (np.array([[0.0, np.nan]]), "have only finite coordinates"),
    ],
)
def test_wrong_points_are_refused(cli, float_file, tmp_path, points, message):
    np.save(tmp_path / "p.npy", points)
    options = ("--points", tmp_path / "p.npy", "--out", tmp_path / "u.npy", "--backend", "float")
    code, _, err = cli("run", float_file, *options)
    assert code == 1
    assert re.search(message, err)
    assert not (tmp_path / "u.npy").exists()


def test_an_output_that_cannot_be_written_is_found_before_the_run(cli, float_file, tmp_path):
    out = tmp_path / "missing" / "u.npy"
    code, _, err = cli("run", float_file, "--points", tmp_path / "also-missing.npy", "--out", out)
    assert code == 1
    assert "a directory that takes new files" in err  # and not that the points are missing


def test_an_unknown_network_shows_the_shipped_ones(cli, tmp_path):
    code, _, err = cli("inspect", "poison")
    assert code == 1
    assert "poisson" in err


@pytest.mark.lava
def test_verify_finds_no_difference(cli, chip_file):
    code, out, _ = cli("verify", chip_file, "--n-points", 80, "--json")
    parity = json.loads(out)
    assert code == 0
    assert parity["integer_vs_lava_mismatches"] == 0
    assert parity["values_compared"] > 10_000
    assert parity["first_difference"] is None


@pytest.mark.lava
@pytest.mark.slow
def test_verify_bounds_the_estimated_error(cli, tmp_path):
    chip = tmp_path / "chip.h5"
    assert cli("convert", "poisson", "--out", chip)[0] == 0
    options = ("--n-points", 40, "--problem", "poisson")
    code, out, err = cli("verify", chip, *options, "--equation", 0.1)
    assert code == 0
    assert re.search(r"Estimated relative error by the equation: [\d.e-]+, at most the bound of 0\.1\.", out + err)
    code, out, err = cli("verify", chip, *options, "--equation", 1e-6)
    assert code == 1
    assert "above the bound of 1e-06" in out + err
    assert cli("verify", chip, "--equation", -1)[0] != 0


def test_a_bound_without_a_problem_is_refused_before_the_comparisons(cli, chip_file, monkeypatch):
    monkeypatch.setattr("neuropinn_lava.app.cli.verify.verify", lambda *_, **__: pytest.fail("it compared first"))
    code, _, err = cli("verify", chip_file, "--equation", 0.1)
    assert code == 1
    assert "problem must be given, or be named by the network" in " ".join(err.split())


@pytest.mark.lava
def test_profile_writes_a_report(cli, chip_file, tmp_path):
    folder = tmp_path / "report"
    code, *_ = cli("profile", chip_file, "--out", folder, "--n-points", 60)
    assert code == 0
    report = json.loads((folder / "report.json").read_text())
    assert report["schema"] == "neuropinn-lava/report/1"
    assert report["parity"]["integer_vs_lava_mismatches"] == 0
    assert (folder / "report.html").stat().st_size > 10_000


def test_a_folder_of_somebody_else_is_refused(cli, chip_file, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years of work")
    code, _, err = cli("profile", chip_file, "--out", tmp_path / "mine")
    assert code == 1
    assert "--force" in err


@pytest.mark.lava
def test_run_shows_its_plan_and_runs_nothing(cli, chip_file, points_file, tmp_path):
    code, out, _ = cli("run", chip_file, "--points", points_file, "--plan")
    assert code == 0
    assert "samples in a message" in out
    assert "The whole network in one process is the fastest" in out
    options = ("--model", "fused", "--batch-size", 10, "--block-size", 20, "--json")
    plan = json.loads(cli("run", chip_file, "--points", points_file, "--plan", *options)[1])
    assert (plan["batch_size"], plan["n_blocks"], plan["n_processes"]) == (10, 3, 4)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["chip.h5", "net.h5", "p.npy"]


def test_a_plan_refuses_points_of_another_network(cli, chip_file, tmp_path):
    np.save(tmp_path / "p.npy", np.zeros((4, 3)))
    code, _, err = cli("run", chip_file, "--points", tmp_path / "p.npy", "--plan")
    assert code == 1
    assert "--points: block of points from number 0 on must have the shape (n, 2)" in err


def test_run_needs_a_file_for_its_outputs(cli, chip_file, points_file):
    code, _, err = cli("run", chip_file, "--points", points_file)
    assert code == 1
    assert "Give --out, or --plan to run nothing" in err


def test_run_goes_on_with_an_interrupted_run(cli, chip_file, points_file, tmp_path, monkeypatch):
    from neuropinn_lava.app.stream import stream as streams

    honest, n_calls = streams.run_chosen, 0

    def interrupted(*args, **options):
        nonlocal n_calls
        n_calls += 1
        if n_calls == 3:
            raise KeyboardInterrupt
        return honest(*args, **options)

    monkeypatch.setattr(streams, "run_chosen", interrupted)
    options = ("--points", points_file, "--out", tmp_path / "u.npy", "--block-size", 20)
    code, _, err = cli("run", chip_file, *options)
    assert code == 130
    assert f"40 points are kept in {tmp_path / 'u.npy'}.part; --resume goes on behind them." in err
    code, out, _ = cli("run", chip_file, *options, "--resume")
    assert code == 0
    assert "50 points on integer, 40 of them by an earlier run" in out
    assert np.array_equal(
        np.load(tmp_path / "u.npy"), run_integer(read_network(chip_file), np.load(points_file)).outputs
    )


def test_train_shows_and_keeps_the_coefficients_that_it_found(cli, tmp_path):
    options = ["--iterations", "0.05", "--cells", "8,8"]
    code, shown, _ = cli("train", "burgers-inverse", "--out", tmp_path / "inverse.h5", *options)
    assert code == 0
    (held,) = read_network(tmp_path / "inverse.h5").provenance.parameters
    assert held.name == "nu"
    assert f"nu = {held.value:.6g} +- " in " ".join(shown.split())
