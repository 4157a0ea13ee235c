"""The verb `stream`: the bytes of one run, whatever the blocks, the file, and the interruptions."""

from __future__ import annotations

import numpy as np
import pytest

import builders
from neuropinn_lava.app.stream import row_files
from neuropinn_lava.app.stream.arrays_io import read_points
from neuropinn_lava.app.stream.row_files import part_path
from neuropinn_lava.app.stream.stream import stream
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.engine.reference import run_integer

NETWORK = builders.random_quantized(1)
POINTS = builders.random_points(NETWORK, 100)
EXPECTED = run_integer(NETWORK, POINTS)


def pieces(points=POINTS):
    """Give points as a generator does, in lengths of no plan."""
    yield from np.split(points, [1, 1, 30, 77])


@pytest.mark.parametrize("backend", ["integer", pytest.param("lava", marks=pytest.mark.lava)])
@pytest.mark.parametrize("name", ["u.npy", "u.csv", "u.h5"])
def test_a_stream_gives_the_bytes_of_one_run(tmp_path, backend, name):
    np.save(tmp_path / "p.npy", POINTS)
    told = []
    summary = stream(
        NETWORK, tmp_path / "p.npy", tmp_path / name, backend=backend, block_size=40, on_progress=told.append
    )
    assert read_points(tmp_path / name).tobytes() == EXPECTED.outputs.tobytes()
    assert (summary.n_samples, summary.n_resumed, summary.n_saturated) == (100, 0, EXPECTED.n_saturated)
    done = [progress.n_done for progress in told]
    assert done == sorted(done)
    assert {40, 80, 100} <= set(done)
    assert told[-1].n_points == 100
    assert told[-1].rate > 0


@pytest.mark.parametrize("points", [POINTS, list(pieces()), pieces()], ids=["array", "list", "generator"])
def test_points_come_from_anywhere(tmp_path, points):
    stream(NETWORK, points, tmp_path / "u.npy", backend="integer", block_size=7)
    assert np.load(tmp_path / "u.npy").tobytes() == EXPECTED.outputs.tobytes()


def interrupted(tmp_path, points, n_blocks=2, **options):
    """Interrupt a stream after some blocks."""

    def interrupt(progress):
        if (
            progress.n_done - progress.n_resumed == 15 * n_blocks
            and row_files.n_kept(tmp_path / "u.npy") == progress.n_done
        ):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stream(NETWORK, points, tmp_path / "u.npy", backend="integer", block_size=15, on_progress=interrupt, **options)


def test_an_interrupted_stream_goes_on(tmp_path):
    interrupted(tmp_path, POINTS)
    interrupted(tmp_path, POINTS, 1, resume=True)
    told = []
    summary = stream(
        NETWORK, POINTS, tmp_path / "u.npy", backend="integer", block_size=20, resume=True, on_progress=told.append
    )
    assert np.load(tmp_path / "u.npy").tobytes() == EXPECTED.outputs.tobytes()
    assert told[0].n_done == 45 + 20
    assert (summary.n_samples, summary.n_resumed, summary.n_saturated) == (100, 45, EXPECTED.n_saturated)


def test_a_generator_is_resumed_behind_what_was_done(tmp_path):
    interrupted(tmp_path, pieces())
    stream(NETWORK, pieces(), tmp_path / "u.npy", backend="integer", resume=True)
    assert np.load(tmp_path / "u.npy").tobytes() == EXPECTED.outputs.tobytes()


def test_nothing_to_resume_is_a_start(tmp_path):
    assert stream(NETWORK, POINTS, tmp_path / "u.npy", backend="integer", resume=True).n_resumed == 0


@pytest.mark.parametrize(
    ("change", "what"),
    [({"points": POINTS[:99]}, "points"), ({"network": builders.random_quantized(2)}, "network")],
)
def test_another_stream_is_not_resumed(tmp_path, change, what):
    interrupted(tmp_path, POINTS)
    given = {"network": NETWORK, "points": POINTS, **change}
    with pytest.raises(SpecError, match=f"have the {what} of this stream.*start again without resuming"):
        stream(**given, out=tmp_path / "u.npy", backend="integer", resume=True)
    assert part_path(tmp_path / "u.npy").exists()  # nothing is lost by a mistake


def test_a_bad_point_behind_good_blocks_is_named_and_they_are_kept(tmp_path):
    wrong = POINTS.copy()
    wrong[50, 1] = np.inf
    with pytest.raises(SpecError, match=r"from number 40 on must have only finite coordinates; got .* in row 10"):
        stream(NETWORK, np.split(wrong, 5), tmp_path / "u.npy", backend="integer", block_size=20)
    assert not (tmp_path / "u.npy").exists()
    stream(NETWORK, POINTS, tmp_path / "v.npy", backend="integer", block_size=20)
    stream(NETWORK, np.split(POINTS, 5), tmp_path / "u.npy", backend="integer", resume=True)
    assert (tmp_path / "u.npy").read_bytes() == (tmp_path / "v.npy").read_bytes()


def test_no_points_are_refused_and_leave_no_file(tmp_path):
    with pytest.raises(SpecError, match="at least one point; got 0"):
        stream(NETWORK, [], tmp_path / "u.npy", backend="integer")
    assert not list(tmp_path.iterdir())
