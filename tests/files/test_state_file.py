"""State files: they give back what was written, and refuse everything else with a FileFormatError."""

from __future__ import annotations

import hashlib
import os
import pickle
from pathlib import Path

import h5py
import numpy as np
import pytest

import builders
from disks import full_beyond
from neuropinn_lava.base.errors import FileFormatError, SpecError
from neuropinn_lava.engine.reference import run_float, run_integer
from neuropinn_lava.engine.state import RunState
from neuropinn_lava.files.network_file import write_network
from neuropinn_lava.files.sealed_file import HEADER_BYTES
from neuropinn_lava.files.state_file import SEAL, find_state, read_state, write_state
from neuropinn_lava.network.spec import Readout

NETWORK = builders.random_graph(4, n_inputs=2, n_nodes=7, n_steps=None, readout=Readout.EVERY)
POINTS = builders.random_points(NETWORK, 3)


def state_after(n_steps: int) -> RunState:
    if not n_steps:
        return RunState.begin(NETWORK, 3)
    state = run_integer(NETWORK, POINTS[:, :n_steps], state=RunState.begin(NETWORK, 3)).state
    assert state is not None
    return state


@pytest.mark.parametrize("n_steps", [0, 1, 4])
def test_a_run_goes_on_from_a_file(n_steps: int, tmp_path: Path) -> None:
    state = state_after(n_steps)
    write_state(state, tmp_path / "s.h5")
    again = read_state(tmp_path / "s.h5")
    assert pickle.dumps(again) == pickle.dumps(state)
    whole = run_integer(NETWORK, POINTS).readout
    assert np.array_equal(run_integer(NETWORK, POINTS[:, n_steps:], state=again).readout, whole[:, n_steps:])


def test_states_of_floats(tmp_path: Path) -> None:
    spec = NETWORK.source
    state = run_float(spec, POINTS[:, :2], state=RunState.begin(spec, 3)).state
    write_state(state, tmp_path / "s.h5")
    assert pickle.dumps(find_state(tmp_path / "s.h5")) == pickle.dumps(state)


def test_every_flipped_byte_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.h5"
    write_state(state_after(2), path)
    good, survived = path.read_bytes(), []
    for index in [*range(HEADER_BYTES), *range(HEADER_BYTES, len(good), 97)]:
        path.write_bytes(good[:index] + bytes([good[index] ^ (1 << index % 8)]) + good[index + 1 :])
        try:
            read_state(path)
            survived.append(index)
        except FileFormatError:
            pass
    assert not survived


def test_what_is_no_whole_state_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.h5"
    write_network(NETWORK, path)
    with pytest.raises(FileFormatError, match="must begin with 'neuropinn-lava state'; got 'neuropinn-lava network'"):
        read_state(path)
    write_state(state_after(2), path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(FileFormatError, match="it is damaged"):
        find_state(path)
    path.write_bytes(whole.replace(b"schema 1", b"schema 2", 1))
    with pytest.raises(FileFormatError, match=r"must have a schema out of 1; got 'schema 2'"):
        read_state(path)
    with pytest.raises(FileFormatError, match="a file that can be read"):
        find_state(tmp_path / "missing.h5")


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("step", -1, "RunState.step must lie in"),
        ("step", 5, "have the digest of its state"),
        ("more", 1, "only members"),
    ],
)
def test_changed_contents_under_a_header_that_fits_are_refused(
    name: str, value: int, rule: str, tmp_path: Path
) -> None:
    path = tmp_path / "s.h5"
    write_state(state_after(2), path)
    with h5py.File(path, "r+") as file:
        file["state"].attrs[name] = value
    body = path.read_bytes()[HEADER_BYTES:]
    path.write_bytes(SEAL.header(len(body), hashlib.sha256(body).hexdigest()) + body)
    with pytest.raises(FileFormatError, match=rule):
        read_state(path)


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"write_state.state must be a RunState; got NoneType"):
        write_state(run_integer(NETWORK, POINTS).state, tmp_path / "s.h5")
    with pytest.raises(SpecError, match=r"must be a name that ends in .h5"):
        write_state(state_after(1), tmp_path / "s.npy")
    write_state(state_after(1), tmp_path / "s.h5")
    before = (tmp_path / "s.h5").read_bytes()
    with full_beyond(1024), pytest.raises(SpecError, match="a disk with room for the whole file"):
        write_state(state_after(2), tmp_path / "s.h5")
    assert (tmp_path / "s.h5").read_bytes() == before
    assert os.listdir(tmp_path) == ["s.h5"]
