"""Fixtures of the command line's tests: a small network on disk, and a way to call the command line in this process."""

from __future__ import annotations

import numpy as np
import pytest

import builders
from neuropinn_lava.files.network_file import write_network


@pytest.fixture
def float_file(tmp_path):
    """A float network, two coordinates to one output."""
    path = tmp_path / "net.h5"
    write_network(builders.random_spec(5, widths=(2, 12, 8, 1), ansatz=True), path)
    return path


@pytest.fixture
def points_file(tmp_path):
    """Fifty points of that network's box."""
    path = tmp_path / "p.npy"
    np.save(path, builders.random_points(builders.random_spec(5), 50))
    return path


@pytest.fixture
def cli(monkeypatch, capsys):
    """Call the command line; gives exit code, standard output and standard error."""

    def call(*arguments):
        from neuropinn_lava.app.cli.main import main

        monkeypatch.setattr("sys.argv", ["neuropinn-lava", *map(str, arguments)])
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = stop.code or 0
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call
