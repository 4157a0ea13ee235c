"""Probes from the command line: what is recorded, written and refused."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from disks import full_beyond
from neuropinn_lava.app.stream.probes import probe, write_probe
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.engine.reference import run_float
from neuropinn_lava.engine.trace import Probe
from neuropinn_lava.files.network_file import read_network


def test_chosen_points_of_a_file_are_recorded_and_drawn(cli, float_file, points_file, tmp_path):
    folder = tmp_path / "probe"
    options = ("--points", points_file, "--out", tmp_path / "u.npy", "--backend", "float")
    chosen = ("--probe", "3,40:42", "--probe-layers", "hidden1", "--probe-steps", "1", "--probe-out", folder)
    code, out, _ = cli("run", float_file, *options, *chosen)
    assert code == 0
    assert "Probed 3 samples, 1 nodes, 1 steps" in out
    full = run_float(read_network(float_file), np.load(points_file), Probe(n_samples=50)).probe
    with h5py.File(folder / "probe.h5") as held:
        assert held["samples"][:].tolist() == [3, 40, 41]
        assert held["steps"][:].tolist() == [1]
        assert np.array_equal(held["layers/hidden1/fired"][:], full.nodes[1].fired[[3, 40, 41]][:, [1]])
    assert {file.name for file in folder.iterdir()} == {"probe.h5", "probe-raster.svg", "probe-membrane-hidden1.svg"}


def test_points_in_later_blocks_are_found(float_file, points_file, monkeypatch):
    from neuropinn_lava.app.stream import arrays_io

    monkeypatch.setattr(arrays_io, "READ_ROWS", 7)
    network, points = read_network(float_file), np.load(points_file)
    chosen = Probe(samples=(6, 7, 33))
    from_file = probe(network, points_file, chosen, backend="float").trace
    from_array = probe(network, points, chosen, backend="float").trace
    assert from_file.samples.tolist() == [6, 7, 33]
    assert np.array_equal(from_file.output, from_array.output)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--probe", "x"), "whole numbers and ranges; got 'x'"),
        (("--probe", "99"), "numbers below 50; got 99"),
        (("--probe", "1", "--probe-layers", "hiden0"), "Did you mean hidden0"),
        (("--probe", "1", "--probe-steps", "7"), "numbers below 2; got 7"),
        ((), "samples, and a folder"),
    ],
)
def test_probes_that_cannot_be_are_refused(cli, float_file, points_file, tmp_path, options, message):
    out = ("--points", points_file, "--out", tmp_path / "u.npy", "--backend", "float")
    code, _, err = cli("run", float_file, *out, *options, "--probe-out", tmp_path / "probe")
    assert code == 1
    assert message in err


def test_no_samples_are_no_probe(float_file, points_file):
    with pytest.raises(SpecError, match="at least one sample; got 0"):
        probe(read_network(float_file), points_file, Probe())


def test_a_full_disk_leaves_the_former_probe(float_file, points_file, tmp_path):
    recorded = probe(read_network(float_file), points_file, Probe(samples=(3,)), backend="float").trace
    folder = tmp_path / "probe"
    folder.mkdir()
    (folder / "probe.h5").write_bytes(b"former")
    with (
        full_beyond(2048),
        pytest.raises(SpecError, match=r"probe.h5 must be on a disk with room for .*; got File too large. Free"),
    ):
        write_probe(recorded, folder)
    assert [file.read_bytes() for file in folder.iterdir()] == [b"former"]
