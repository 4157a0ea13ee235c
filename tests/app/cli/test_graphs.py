"""Graphs on the command line: points of several inputs and of sequences, `inspect`, `run --probe`, `profile`, and refusals."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest

import builders
from neuropinn_lava.app.stream.grid import run_grid
from neuropinn_lava.conversion.quantize.post_training import quantize_network
from neuropinn_lava.engine.reference import run_integer
from neuropinn_lava.engine.trace import Probe
from neuropinn_lava.files.network_file import write_network
from neuropinn_lava.network.spec import Readout
from small_graphs import operator_network

GRAPH = builders.random_graph(4, n_inputs=2, n_nodes=7, n_steps=3)
SEQUENCES = builders.random_graph(4, n_inputs=2, n_nodes=7, n_steps=None)
"""Its first input is a sequence, its second one constant."""
WIDTH = GRAPH.inputs[0].width


def arrays_of(points: np.ndarray) -> dict[str, np.ndarray]:
    """The array of each input, as `numpy.savez` takes them."""
    return {"x0": points[..., :WIDTH], "x1": points[:, 0, WIDTH:] if points.ndim == 3 else points[:, WIDTH:]}


@pytest.fixture(params=["graph", "sequences"])
def case(request, tmp_path):
    network = GRAPH if request.param == "graph" else SEQUENCES
    points = builders.random_points(network, 12)
    write_network(network, tmp_path / "g.h5")
    np.save(tmp_path / "p.npy", points)
    np.savez(tmp_path / "p.npz", **arrays_of(points))
    return network, points, tmp_path


@pytest.mark.parametrize("name", ["p.npy", "p.npz"])
def test_run_takes_all_columns_or_an_array_for_each_input(cli, case, name) -> None:
    network, points, folder = case
    code, _, err = cli("run", folder / "g.h5", "--points", folder / name, "--out", folder / "u.npy", "--block-size", 5)
    assert (code, "Traceback" in err) == (0, False)
    assert np.array_equal(np.load(folder / "u.npy"), run_integer(network, points).outputs)


def test_run_probes_populations_and_products(cli, case) -> None:
    network, points, folder = case
    files = ("--points", folder / "p.npz", "--out", folder / "u.npy", "--probe", "1,4", "--probe-out", folder / "probe")
    assert cli("run", folder / "g.h5", *files, "--probe-layers", "n02,n03")[0] == 0
    full = run_integer(network, points, Probe(n_samples=12)).probe
    assert full is not None
    held = {node.name: node for node in full.nodes}
    with h5py.File(folder / "probe" / "probe.h5") as file:
        assert sorted(file["layers"]) == ["n02", "n03"]
        for name in ("n02", "n03"):
            assert np.array_equal(file[f"layers/{name}/payload"][:], held[name].payload[[1, 4]])


def test_inspect_says_what_every_node_is_and_reads(cli, case) -> None:
    network, _, folder = case
    rows = json.loads(cli("inspect", folder / "g.h5", "--json")[1])["layers"]
    assert [row["node"] for row in rows] == [*(node.name for node in network.nodes), "output"]
    assert {row["kind"] for row in rows} == {"population", "relay", "product", "read-out"}
    for row, node in zip(rows, (*network.nodes, network.output), strict=True):
        reads = row["reads"].split(", ")
        assert [each.split(" ")[0] for each in reads] == [source for source, _ in node.edges]
        assert [int(each.split(" ")[1]) if " " in each else 0 for each in reads] == [delay for _, delay in node.edges]
        assert row["neurons"] == node.n_out
    shown = cli("inspect", folder / "g.h5")[1]
    assert "product" in shown
    assert "1 step late" in shown


def test_profile_reports_connections(cli, case) -> None:
    _, _, folder = case
    chosen = ("--points", folder / "p.npz", "--no-lava", "--markdown", folder / "r.md")
    code, _, err = cli("profile", folder / "g.h5", "--out", folder / "report", *chosen)
    assert (code, "Traceback" in err) == (0, False)
    counts = json.loads((folder / "report" / "report.json").read_text())["counts"]
    product = next(row for row in counts["layers"] if row["kind"] == "product")
    assert len(product["connections"]) == 2
    assert product["multiplications"] <= product["synaptic_operations"]
    assert "### Connections" in (folder / "r.md").read_text()


def test_what_is_not_understood_is_refused(cli, case) -> None:
    network, points, folder = case
    arrays = arrays_of(points)

    def refusal(**given: np.ndarray) -> str:
        np.savez(folder / "bad.npz", **given)
        code, _, err = cli("run", folder / "g.h5", "--points", folder / "bad.npz", "--out", folder / "v.npy")
        assert code == 1
        return " ".join(err.split())

    assert "must hold every input of x0, x1; got none for x1" in refusal(x0=arrays["x0"])
    assert "Did you mean x1" in refusal(**arrays, x11=arrays["x1"])
    assert "must have as many samples in every input" in refusal(x0=arrays["x0"][:3], x1=arrays["x1"])
    (folder / "broken.npz").write_bytes(b"PK no archive")
    code, _, err = cli("run", folder / "g.h5", "--points", folder / "broken.npz", "--out", folder / "v.npy")
    assert code == 1
    assert "must hold an array of numbers for each input" in " ".join(err.split())
    wrong = folder / "wrong.npy"
    np.save(wrong, points[..., :-1])
    code, _, err = cli("run", folder / "g.h5", "--points", wrong, "--out", folder / "v.npy")
    assert code == 1
    assert f"must have the shape (n, {'n_steps, ' if network is SEQUENCES else ''}{network.n_in})" in " ".join(
        err.split()
    )


def test_a_csv_file_has_no_sequences(cli, tmp_path) -> None:
    write_network(SEQUENCES, tmp_path / "g.h5")
    np.savetxt(tmp_path / "p.csv", builders.random_points(SEQUENCES, 5)[:, 0], delimiter=",")
    code, _, err = cli("run", tmp_path / "g.h5", "--points", tmp_path / "p.csv", "--out", tmp_path / "u.npy")
    assert code == 1
    assert "must have the shape (n, n_steps," in " ".join(err.split())


def test_points_of_sequences_are_not_drawn(cli, tmp_path) -> None:
    write_network(SEQUENCES, tmp_path / "g.h5")
    code, _, err = cli("profile", tmp_path / "g.h5", "--no-lava", "--out", tmp_path / "report")
    assert code == 1
    assert "must be given where an input is a sequence" in " ".join(err.split())


def test_outputs_of_every_step_are_no_rows(cli, tmp_path) -> None:
    every = builders.random_graph(4, n_inputs=2, n_nodes=7, n_steps=None, readout=Readout.EVERY)
    write_network(every, tmp_path / "g.h5")
    np.save(tmp_path / "p.npy", builders.random_points(every, 5))
    probed = ("--probe", "0:2", "--probe-out", tmp_path / "probe")
    for how in (("--out", tmp_path / "u.npy", *probed), ("--plan",)):
        code, _, err = cli("run", tmp_path / "g.h5", "--points", tmp_path / "p.npy", *how)
        assert code == 1
        assert "must be MEAN or LAST, one row of outputs a sample; got every" in " ".join(err.split())
        assert "Add --sequence for one sequence whose rows are steps" in " ".join(err.split())
    assert not (tmp_path / "probe").exists()  # refused before anything ran


def test_a_plan_knows_the_length_of_sequences(cli, tmp_path) -> None:
    write_network(SEQUENCES, tmp_path / "g.h5")
    np.save(tmp_path / "p.npy", builders.random_points(SEQUENCES, 5)[:, :4])
    code, out, _ = cli("run", tmp_path / "g.h5", "--points", tmp_path / "p.npy", "--plan", "--json")
    assert (code, json.loads(out)["n_steps"]) == (0, 4)


def test_a_held_input_is_shown_given_once_and_counted_once(cli, tmp_path) -> None:
    network = quantize_network(operator_network()).network
    write_network(network, tmp_path / "o.h5")
    assert json.loads(cli("inspect", tmp_path / "o.h5", "--json")[1])["inputs"] == ["function (1, held)", "point (1)"]
    np.savez(tmp_path / "p.npz", function=[[1.0]], point=np.linspace(-1, 1, 9)[:, None])
    code, out, _ = cli(
        "profile", tmp_path / "o.h5", "--points", tmp_path / "p.npz", "--no-lava", "--out", tmp_path / "report"
    )
    assert code == 0
    assert "A new held value costs 4 synaptic operations" in " ".join(out.split())
    counts = json.loads((tmp_path / "report" / "report.json").read_text())["counts"]
    assert counts["held"]["n_values"] == 1
    assert {row["name"]: row["n_samples"] for row in counts["layers"] if row["is_held"]} == {"function": 1, "branch": 1}


def test_a_run_of_functions_and_points_is_a_grid(cli, tmp_path) -> None:
    network = quantize_network(operator_network()).network
    write_network(network, tmp_path / "o.h5")
    functions, points = np.array([[0.5], [1.0]]), np.linspace(-1, 1, 9)[:, None]
    np.save(tmp_path / "f.npy", functions)
    np.save(tmp_path / "p.npy", points)
    np.savez(tmp_path / "p.npz", point=points)
    np.save(tmp_path / "s.npy", np.zeros(1))  # places on a line, as the pages show them
    np.save(tmp_path / "wide.npy", np.zeros((2, 3)))
    expected = run_grid(network, functions, points)
    run = ("run", tmp_path / "o.h5", "--functions", tmp_path / "f.npy", "--out", tmp_path / "u.npy")
    for name in ("p.npy", "p.npz"):
        code, out, _ = cli(*run, "--points", tmp_path / name, "--json")
        assert (code, json.loads(out)["n_samples"]) == (0, 18)
        assert np.load(tmp_path / "u.npy").tobytes() == expected.tobytes()
    run = (*run, "--points", tmp_path / "p.npy")
    for more, match in (
        (("--probe", "0", "--probe-out", tmp_path / "probe"), "--probe must be left out beside --functions"),
        (("--interpolate", "cubic"), "--sensors must be given where functions are interpolated"),
        (("--sensors", tmp_path / "s.npy"), "--trained-sensors must be given where the network's problem"),
        (
            ("--functions", tmp_path / "wide.npy"),
            "got (2, 3). Give one row a function and 1 columns; samples of functions",
        ),
    ):
        code, _, err = cli(*run, *more)
        assert (code, match in " ".join(err.split())) == (1, True)
    code, _, err = cli("run", tmp_path / "o.h5", "--points", tmp_path / "p.npz", "--sensors", tmp_path / "s.npy")
    assert (code, "--sensors must be left out without --functions" in " ".join(err.split())) == (1, True)
