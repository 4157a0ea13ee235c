"""One sequence from a file into a file: the outputs of one run, whatever the blocks and the calls, and no gap passes."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import builders
from neuropinn_lava.app.stream import sequence
from neuropinn_lava.app.stream.arrays_io import read_points
from neuropinn_lava.app.stream.sequence import stream_sequence
from neuropinn_lava.app.verbs.run import RunChoices
from neuropinn_lava.base.errors import FileFormatError, SpecError
from neuropinn_lava.engine.reference import run_float, run_integer
from neuropinn_lava.engine.state import RunState
from neuropinn_lava.files.network_file import write_network
from neuropinn_lava.files.state_file import read_state
from neuropinn_lava.network.spec import Readout

NETWORK = builders.random_graph(4, n_inputs=1, n_nodes=7, n_steps=None, readout=Readout.EVERY)
N_STEPS = 23
STEPS = np.random.default_rng(1).uniform(NETWORK.source.lower, NETWORK.source.upper, (N_STEPS, NETWORK.n_in))
WHOLE = run_integer(NETWORK, STEPS[None])
INTEGER = RunChoices.of("run", "integer")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    np.save(tmp_path / "p.npy", STEPS)
    return tmp_path / "p.npy"


@pytest.mark.parametrize("name", ["u.npy", "u.csv", "u.h5"])
def test_rows_are_the_steps_of_one_run(name: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequence, "BLOCK_STEPS", 5)
    told: list[int] = []
    summary, state = stream_sequence(
        NETWORK, path, path.parent / name, INTEGER, on_progress=lambda each: told.append(each.n_done)
    )
    assert read_points(path.parent / name).tobytes() == WHOLE.outputs[0].tobytes()
    assert (summary.n_steps, summary.n_before, summary.n_saturated) == (N_STEPS, 0, WHOLE.n_saturated)
    assert told == [5, 10, 15, 20, 23]
    assert state is not None
    assert state.step == N_STEPS
    assert sorted(os.listdir(path.parent)) == sorted(["p.npy", name])


@pytest.mark.parametrize(
    ("backend", "options"),
    [
        ("integer", {}), ("float", {}), ("c99", {}),
        pytest.param("lava", {}, marks=pytest.mark.lava),
    ],
)  # fmt: skip
def test_two_calls_are_one(backend: str, options: dict[str, str], path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequence, "BLOCK_STEPS", 8)
    choices = RunChoices.of("run", backend, **options)  # type: ignore[arg-type]
    state, found = None, []
    for part in np.split(STEPS, [10]):
        np.save(path, part)
        summary, state = stream_sequence(NETWORK, path, path.parent / "u.npy", choices, state=state)
        found.append(np.load(path.parent / "u.npy"))
    assert summary.n_before == 10
    expected = run_float(NETWORK.source, STEPS[None]) if backend == "float" else WHOLE
    assert np.concatenate(found).tobytes() == expected.outputs[0].tobytes()


@pytest.mark.lava
def test_samples_one_at_a_time_are_one_block_and_keep_no_state(path: Path) -> None:
    faithful = RunChoices.of("run", "lava", "faithful")
    _, state = stream_sequence(NETWORK, path, path.parent / "u.npy", faithful)
    assert np.load(path.parent / "u.npy").tobytes() == WHOLE.outputs[0].tobytes()
    assert state is None
    with pytest.raises(SpecError, match=r"run.state must be left out where Lava's nodes are processes of their own"):
        stream_sequence(NETWORK, path, path.parent / "v.npy", faithful, state=RunState.begin(NETWORK, 1))


def refused(path: Path, **options: object) -> str:
    """Return the error of a run of a file; nothing is left of its outputs."""
    with pytest.raises((SpecError, FileFormatError)) as caught:
        stream_sequence(NETWORK, path, path.parent / "u.npy", INTEGER, **options)  # type: ignore[arg-type]
    assert not [name for name in os.listdir(path.parent) if name.startswith("u.")]
    return str(caught.value)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_missing_number_is_refused_with_its_step(value: float, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neuropinn_lava.app.stream.arrays_io.READ_ROWS", 6)  # the rows before have been run by then
    steps = STEPS.copy()
    steps[17, 1] = value
    np.save(path, steps)
    assert f"step 17 must have no gap: a finite number in every column; got {value} in column 1" in refused(path)


def test_a_blank_line_is_a_missing_row(path: Path) -> None:
    lines = ["a,b", *(",".join(map(repr, row)) for row in STEPS.tolist()), ""]
    (path.parent / "p.csv").write_text("\n".join(lines))
    stream_sequence(NETWORK, path.parent / "p.csv", path.parent / "v.npy", INTEGER)
    assert np.load(path.parent / "v.npy").tobytes() == WHOLE.outputs[0].tobytes()
    lines.insert(8, "")
    (path.parent / "p.csv").write_text("\n".join(lines))
    assert "line 9 must hold step 7, without a gap; got a blank line" in refused(path.parent / "p.csv")


def test_times_are_even(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neuropinn_lava.app.stream.arrays_io.READ_ROWS", 6)
    times = 1e6 + 0.25 * np.arange(N_STEPS)
    np.save(path, np.column_stack([times, STEPS]))
    stream_sequence(NETWORK, path, path.parent / "v.npy", INTEGER, has_times=True)
    assert np.load(path.parent / "v.npy").tobytes() == WHOLE.outputs[0].tobytes()
    assert "If the first column holds the times, add --times." in refused(path)
    for step in (1, 5, 6, 12, 22):
        np.save(path, np.column_stack([np.where(np.arange(N_STEPS) < step, times, times + 0.25), STEPS]))
        assert f"step {2 if step == 1 else step} must come one interval" in refused(path, has_times=True)
    np.save(path, np.column_stack([np.zeros(N_STEPS), STEPS]))
    assert "step 1 must come" in refused(path, has_times=True)


def test_states_of_other_networks_and_samples_are_refused(path: Path) -> None:
    other = builders.random_graph(5, n_inputs=1, n_nodes=7, n_steps=None, readout=Readout.EVERY)
    assert f"run.state must be a state of network {NETWORK.name!r}" in refused(path, state=RunState.begin(other, 1))
    assert "must be of as many samples as the points, 1; got 2" in refused(path, state=RunState.begin(NETWORK, 2))


def test_networks_and_backends_that_do_not_go_step_by_step_are_refused(path: Path) -> None:
    def error(network: object, choices: RunChoices = INTEGER) -> str:
        with pytest.raises(SpecError) as caught:
            stream_sequence(network, path, path.parent / "u.npy", choices)  # type: ignore[arg-type]
        return str(caught.value)

    assert "must have inputs that are sequences" in error(builders.random_quantized(1))
    last = builders.random_graph(4, n_inputs=1, n_nodes=7, n_steps=None, readout=Readout.LAST)
    assert "must have outputs at every step; got last" in error(last)
    assert "run.sequence must be on a backend out of" in error(NETWORK, RunChoices.of("run", "rtl"))
    np.save(path, STEPS[None])
    assert f"must have the shape (n_steps, {NETWORK.n_in}); got (1, 23" in error(NETWORK)


@pytest.mark.slow
def test_the_command_line_goes_on_where_it_ended(cli, path: Path) -> None:  # type: ignore[no-untyped-def]
    folder = path.parent
    write_network(NETWORK, folder / "n.h5")
    write_network(replace(NETWORK, source=replace(NETWORK.source, name="other")), folder / "o.h5")
    for name, part in zip("ab", np.split(STEPS, [10]), strict=True):
        np.save(folder / f"{name}.npy", part)
    how = ("run", folder / "n.h5", "--sequence", "--points")
    code, out, err = cli(*how, folder / "a.npy", "--out", folder / "ua.npy", "--save-state", folder / "s.h5")
    assert (code, "10 steps on integer in" in " ".join(out.split())) == (0, True), err
    assert read_state(folder / "s.h5").step == 10
    on = ("--state", folder / "s.h5", "--save-state", folder / "s.h5")
    code, out, _ = cli(*how, folder / "b.npy", "--out", folder / "ub.npy", *on)
    assert (code, "13 steps, behind 10 earlier ones, on integer" in " ".join(out.split())) == (0, True)
    assert read_state(folder / "s.h5").step == 23
    joined = np.concatenate([np.load(folder / "ua.npy"), np.load(folder / "ub.npy")])
    assert joined.tobytes() == WHOLE.outputs[0].tobytes()
    code, _, err = cli("run", folder / "o.h5", *how[2:], folder / "b.npy", "--out", folder / "uc.npy", *on)
    assert (code, "--state must be a state of network 'other'" in " ".join(err.split())) == (1, True)
    for option in (("--times",), ("--state", "s.h5"), ("--save-state", "s.h5")):
        code, _, err = cli("run", folder / "n.h5", "--points", folder / "a.npy", "--out", folder / "u.npy", *option)
        assert (code, f"{option[0]} must be left out without --sequence" in " ".join(err.split())) == (1, True)
    code, _, err = cli(*how, folder / "a.npy", "--out", folder / "u.npy", "--resume")
    assert (code, "--resume must be left out beside --sequence" in " ".join(err.split())) == (1, True)
    lava = ("--backend", "lava", "--mode", "faithful", "--save-state", folder / "s.h5")
    code, _, err = cli(*how, folder / "a.npy", "--out", folder / "u.npy", *lava)
    assert (code, "--save-state must be left out where Lava's nodes" in " ".join(err.split())) == (1, True)
