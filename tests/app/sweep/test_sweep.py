"""Sweeps of tiny networks: their numbers, what is shared and kept, what fails, and the folder that they leave."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import itertools
import json
import multiprocessing
import os
import signal
import sqlite3

import numpy as np
import psutil
import pytest

from disks import full_beyond
from neuropinn_lava.app.lookup.network_domain import draw_points
from neuropinn_lava.app.sweep import run as sweep_run
from neuropinn_lava.app.sweep.cache import DATABASE_NAME, SweepCache
from neuropinn_lava.app.sweep.grid import SweepGrid
from neuropinn_lava.app.sweep.plan import plan_sweep
from neuropinn_lava.app.sweep.sweep import sweep
from neuropinn_lava.app.sweep.work import measure_point, train_for_sweep
from neuropinn_lava.app.verbs.train import RecipeChanges
from neuropinn_lava.app.workers.dask_pool import ClusterChoice
from neuropinn_lava.base.errors import SpecError, TrainingError
from neuropinn_lava.base.metrics import relative_l2
from neuropinn_lava.engine.reference import run_integer
from neuropinn_lava.files.network_file import read_network
from neuropinn_lava.hardware_sim.costs.energy_files import find_energy_model
from neuropinn_lava.hardware_sim.report.figures.pareto_figure import draw_pareto
from neuropinn_lava.problems import find_problem
from neuropinn_lava.problems.conditions import Dirichlet

PLAN = plan_sweep(
    find_problem("poisson"),
    changes=RecipeChanges(layers=(8, 6), iterations=0.01),
    n_points=200,
    tune_iterations=5,
    with_lava=False,
)
GRID = SweepGrid(weight_bits=(4, 8), payload_bits=(8, 12), theta=(0.02, 0.05))
"""Eight points, two trainings."""
TIMES = ("seconds", "training_seconds")


def untimed(row):
    """Give a row without its wall times."""
    return dataclasses.replace(row, **dict.fromkeys(TIMES))


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """A cache that the first test fills and the others read."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def found(cache):
    """The sweep, computed once."""
    return sweep(PLAN, GRID, cache=cache)


@pytest.fixture
def counted(monkeypatch):
    """Count what is trained and measured."""
    done = {"trained": 0, "measured": 0}

    def train(plan, point):
        done["trained"] += 1
        return train_for_sweep(plan, point)

    def measure(plan, point, trained):
        done["measured"] += 1
        return measure_point(plan, point, trained)

    monkeypatch.setattr(sweep_run, "train_for_sweep", train)
    monkeypatch.setattr(sweep_run, "measure_point", measure)
    return done


def test_rows_are_what_the_deployed_networks_do(found):
    assert len(found.rows) == 8
    for row in found.rows:
        network = row.network
        points = draw_points(network, 200, 0)
        truth = PLAN.problem.reference.evaluate(points)
        assert row.relative_l2 == relative_l2(run_integer(network, points).outputs, truth)
        assert row.network_digest == network.digest()
        assert row.synaptic_bits == int(row.weight_bits) * (2 * 8 + 8 * 6 + 6 * 1)
        assert row.ann_macs == 2 * 8 + 8 * 6 + 6 * 1
        assert 0 < row.joules == row.joules_total  # no static power in this model
        assert row.joules_total_low <= row.joules_total <= row.joules_total_high
        assert (row.energy_model, row.energy_kind) == ("45nm-int8", "estimated")
        assert "Horowitz" in row.energy_source


def test_points_that_differ_in_bits_share_a_training(found):
    assert len({row.training_key for row in found.rows}) == 2
    assert {row.network.source.digest() for row in found.rows[:4]} == {found.rows[0].network.source.digest()}


def test_the_chosen_one_follows_its_rule(found):
    rows, lowest = found.rows, min(row.relative_l2 for row in found.rows)
    allowed = [row.joules for row in rows if row.relative_l2 <= 2.0 * lowest]
    assert rows[found.chosen].joules == min(allowed)
    assert found.chosen in found.front


def test_a_second_call_computes_nothing(found, cache, counted):
    again = sweep(PLAN, GRID, cache=cache)
    assert counted == {"trained": 0, "measured": 0}
    assert again.n_cached == 8
    assert again.rows == found.rows


def test_a_larger_grid_computes_what_is_missing(found, cache, counted):
    grid = SweepGrid(weight_bits=(4, 6, 8), payload_bits=(8, 12), theta=(0.02,))
    assert sweep(PLAN, grid, cache=cache).n_cached == 4
    assert counted == {"trained": 0, "measured": 2}


def test_the_same_sweep_elsewhere_gives_the_same_rows(found, tmp_path):
    grid = SweepGrid(weight_bits=(8,), payload_bits=(12,), theta=(0.05,))
    (row,) = sweep(PLAN, grid, cache=tmp_path).rows
    assert untimed(row) in [untimed(other) for other in found.rows]


@pytest.mark.slow
def test_what_ended_before_an_interrupt_is_kept(tmp_path, counted):
    def interrupt(progress):
        if progress.n_measured == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(PLAN, GRID, cache=tmp_path, on_progress=interrupt)
    before = dict(counted)
    assert before["measured"] == 3
    assert sweep(PLAN, GRID, cache=tmp_path).n_cached == 3
    assert counted == {"trained": 2, "measured": 8}


def change_entry(cache, statement, *values):
    """Change the database of a cache behind its back."""
    with contextlib.closing(sqlite3.connect(cache / DATABASE_NAME)) as connection, connection:
        assert connection.execute(statement, values).rowcount == 1


@pytest.mark.parametrize("column", ["contents", "network", "sha256"])
def test_damaged_entries_are_told_of_and_computed_again(tmp_path, counted, column):
    grid = SweepGrid(weight_bits=(8,), payload_bits=(8, 12))
    first = sweep(PLAN, grid, cache=tmp_path)
    key = PLAN.point_key(grid.points[0])
    change_entry(tmp_path, f"UPDATE points SET {column} = substr({column}, 1, 30) WHERE key = ?", key)
    notes = []
    again = sweep(PLAN, grid, cache=tmp_path, on_note=notes.append)
    assert notes == [f"The entry {key[:12]} of the cache's points is damaged; it is computed again."]
    assert counted == {"trained": 1, "measured": 3}
    assert [untimed(row) for row in again.rows] == [untimed(row) for row in first.rows]


def test_a_damaged_training_is_trained_again(tmp_path, counted):
    sweep(PLAN, SweepGrid(weight_bits=(8,), payload_bits=(8,)), cache=tmp_path)
    change_entry(tmp_path, "UPDATE trainings SET network = NULL")
    notes = []
    sweep(PLAN, SweepGrid(weight_bits=(4,), payload_bits=(8,)), cache=tmp_path, on_note=notes.append)
    assert "of the cache's trainings is damaged" in notes[0]
    assert counted == {"trained": 2, "measured": 2}


@pytest.mark.parametrize("contents", [b"no database", None], ids=["foreign", "torn"])
def test_a_damaged_database_is_told_of_once_and_set_aside(tmp_path, counted, contents):
    grid = SweepGrid(weight_bits=(8,), payload_bits=(8,))
    sweep(PLAN, grid, cache=tmp_path)
    file = tmp_path / DATABASE_NAME
    whole = file.read_bytes()
    file.write_bytes(contents or whole[:4096] + bytes(len(whole) - 4096))
    notes = []
    sweep(PLAN, grid, cache=tmp_path, on_note=notes.append)
    (note,) = notes
    assert note.startswith(f"The cache {file} is damaged (")
    assert counted == {"trained": 2, "measured": 2}
    assert {path.name for path in tmp_path.iterdir()} == {DATABASE_NAME, f"{DATABASE_NAME}.damaged"}
    assert sweep(PLAN, grid, cache=tmp_path, on_note=pytest.fail).n_cached == 1


def test_a_cache_on_a_full_disk_says_so(found, tmp_path):
    store = SweepCache(tmp_path, pytest.fail)
    with full_beyond(20_000), pytest.raises(SpecError, match=f"{DATABASE_NAME} must be a database that can be .*Free"):
        store.write_point("a" * 64, dataclasses.replace(found.rows[0], failure="x" * 100_000))
    assert store.read_point("a" * 64) is None
    store.write_point("a" * 64, found.rows[0])
    assert store.read_point("a" * 64) == found.rows[0]


def fill_cache(folder, process, rows):
    """Store rows, one entry each, under keys of one process."""
    store = SweepCache(folder, pytest.fail)
    for k, row in enumerate(rows):
        store.write_point(f"{process} {k}", row)


def test_processes_share_a_cache(found, tmp_path):
    fork = multiprocessing.get_context("fork")
    processes = [fork.Process(target=fill_cache, args=(tmp_path, k, found.rows)) for k in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    store = SweepCache(tmp_path, pytest.fail)
    for process, k in itertools.product(range(2), range(len(found.rows))):
        assert store.read_point(f"{process} {k}") == found.rows[k]


def test_a_cache_that_cannot_be_made_is_refused_before_anything_is_trained(tmp_path, counted):
    (tmp_path / "file").write_text("")
    with pytest.raises(SpecError, match=r"cache .*file/cache must be a folder that can be made and written"):
        sweep(PLAN, GRID, cache=tmp_path / "file" / "cache")
    assert counted["trained"] == 0


def test_words_that_the_target_does_not_hold_are_rows_without_numbers(cache, found):
    grid = SweepGrid(weight_bits=(8, 10), payload_bits=(8,), theta=(0.02,))
    good, bad = sweep(PLAN, grid, cache=cache).rows
    assert good.failure is None
    assert "weights of at most 8 bits" in bad.failure
    assert (bad.relative_l2, bad.joules, bad.network_digest) == (None, None, None)
    assert sweep(PLAN, grid, cache=cache).n_cached == 2


def test_a_sweep_in_which_all_fail_says_why(cache):
    with pytest.raises(TrainingError, match=r"at least one point with numbers; got 1 that failed.*at most 8 bits"):
        sweep(PLAN, SweepGrid(weight_bits=(10,), payload_bits=(8,), theta=(0.02,)), cache=cache)


def diverge(plan, point):
    if point.theta == 0.05:
        raise TrainingError("training", "a finite loss to the end", "divergence", "Try another seed.")
    return train_for_sweep(plan, point)


def test_a_training_that_diverges_takes_its_points_with_it_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(sweep_run, "train_for_sweep", diverge)
    rows = sweep(PLAN, GRID, cache=tmp_path).rows
    assert [row.failure is None for row in rows] == [True] * 4 + [False] * 4
    assert "divergence" in rows[-1].failure
    assert sweep(PLAN, GRID, cache=tmp_path).n_cached == 8


def test_the_folder_holds_table_figure_and_chosen_network(found, cache, tmp_path):
    folder = tmp_path / "out"
    sweep(PLAN, GRID, cache=cache, out=folder)
    with (folder / "table.csv").open() as lines:
        table = list(csv.DictReader(lines))
    assert [float(line["relative_l2"]) for line in table] == [row.relative_l2 for row in found.rows]
    assert [line["chosen"] for line in table].count("True") == 1
    chosen = read_network(folder / "chosen.h5")
    assert chosen.digest() == found.chosen_network.digest()
    assert "<svg" in (folder / "pareto.svg").read_text()
    held = json.loads((folder / "sweep.json").read_text())
    assert held["chosen"] == found.points[found.chosen].name
    assert held["energy"]["source"] == found.rows[0].energy_source
    assert "the least energy on the front" in held["rule"]
    sweep(PLAN, GRID, cache=cache, out=folder)  # an earlier sweep may be replaced


def test_the_figure_says_where_its_energy_does_not_see_bits(tmp_path, monkeypatch):
    captions = []

    def caught(choice, words):
        captions.append(words)
        return draw_pareto(choice, words)

    monkeypatch.setattr("neuropinn_lava.hardware_sim.report.figures.pareto_figure.draw_pareto", caught)
    grid = SweepGrid(weight_bits=(4, 8), payload_bits=(8,), theta=(0.02,))
    for name in ("45nm-int8", "loihi1-davies"):
        plan = dataclasses.replace(PLAN, energy=find_energy_model(name))
        sweep(plan, grid, cache=tmp_path / "cache", out=tmp_path / name)
        assert json.loads((tmp_path / name / "sweep.json").read_text())["energy"]["sees_bits"] == plan.energy.sees_bits
    assert "prices words of any length alike" not in captions[0]
    assert captions[1] == "Loihi 1, after Davies et al. 2018, which prices words of any length alike"


def test_the_table_is_parquet_too_where_pyarrow_is(found, cache, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs pyarrow")
    sweep(PLAN, GRID, cache=cache, out=tmp_path / "out")
    table = parquet.read_table(tmp_path / "out" / "table.parquet").to_pydict()
    assert np.array_equal(table["joules"], [row.joules for row in found.rows])
    assert table["name"] == [point.name for point in found.points]


def test_a_folder_of_somebody_else_is_refused_before_anything_is_trained(tmp_path, counted):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years of work")
    with pytest.raises(SpecError, match=r"an empty folder, a new one, or an earlier sweep.*--force"):
        sweep(PLAN, GRID, cache=tmp_path / "cache", out=tmp_path / "mine")
    with pytest.raises(SpecError, match="a place that takes new folders"):
        sweep(PLAN, GRID, cache=tmp_path / "cache", out=tmp_path / "missing" / "out")
    assert counted["trained"] == 0


def test_an_error_factor_below_one_is_refused(tmp_path):
    with pytest.raises(SpecError, match=r"sweep\.error_factor must be at least 1; got 0\.5"):
        sweep(PLAN, GRID, cache=tmp_path, error_factor=0.5)


def test_a_cache_gives_back_what_it_was_given(found, tmp_path):
    store, row = SweepCache(tmp_path, pytest.fail), found.rows[0]
    assert store.read_point("a" * 64) is None
    store.write_point("a" * 64, row)
    held = store.read_point("a" * 64)
    assert held == row
    assert held.network.digest() == row.network.digest()


def test_a_problem_of_one_s_own_is_swept(tmp_path):
    def source(points):
        return np.sin(points[:, 0])

    mine = dataclasses.replace(
        PLAN.problem, name="mine", fields={"s": source}, equations=lambda f: -(f.u_xx + f.u_yy) - f.s
    )
    own = dataclasses.replace(PLAN, problem=mine)
    grid = SweepGrid(weight_bits=(8,), payload_bits=(12,))
    found = sweep(own, grid, cache=tmp_path)
    assert found.rows[0].problem == "mine"
    assert found.chosen_network.source.provenance.problem == "mine"
    assert sweep(own, grid, cache=tmp_path).n_cached == 1
    other = dataclasses.replace(own, problem=dataclasses.replace(mine, fields={"s": lambda points: points[:, 1]}))
    assert own.training_key(grid.points[0]) != other.training_key(grid.points[0])


def test_a_plan_with_a_problem_of_one_s_own_reaches_workers():
    pickle = pytest.importorskip("distributed.protocol.pickle", reason="needs the extra `dask`")
    fields, slope = {"s": lambda points: points[:, 1]}, Dirichlet(lambda p: 0.0 * p.x)
    mine = dataclasses.replace(
        PLAN.problem, fields=fields, equations=lambda f: -(f.u_xx + f.u_yy) - f.s, conditions=[slope]
    )
    own = dataclasses.replace(PLAN, problem=mine)
    point = GRID.points[0]
    assert pickle.loads(pickle.dumps(own)).training_key(point) == own.training_key(point) != PLAN.training_key(point)


@pytest.mark.lava
@pytest.mark.slow
def test_points_are_deployed_on_lava_with_the_same_numbers(found, tmp_path):
    plan = dataclasses.replace(PLAN, with_lava=True)
    grid = SweepGrid(weight_bits=(8,), payload_bits=(12,), theta=(0.02,))
    (row,) = sweep(plan, grid, cache=tmp_path).rows
    assert row.backend == "lava"
    assert untimed(dataclasses.replace(row, backend="integer")) in [untimed(other) for other in found.rows]


@pytest.mark.slow  # workers import torch, one of them twice
def test_two_workers_of_which_one_is_killed_give_the_rows_of_one_process(found, tmp_path):
    pytest.importorskip("distributed", reason="needs the extra `dask`")
    killed = []

    def kill_one(progress):
        if progress.n_measured == 2 and not killed:
            children = psutil.Process().children(recursive=True)
            killed.extend(p.pid for p in children if "neuropinn_lava.app.workers.dask_worker" in p.cmdline())
            os.kill(killed[0], signal.SIGKILL)

    again = sweep(PLAN, GRID, cache=tmp_path, cluster=ClusterChoice(n_workers=2), on_progress=kill_one)
    assert killed
    assert [untimed(row) for row in again.rows] == [untimed(row) for row in found.rows]
