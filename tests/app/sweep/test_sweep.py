"""Sweeps of tiny networks: their numbers, what is shared and kept, what fails, and the folder that they leave."""

from __future__ import annotations

import csv
import dataclasses
import json
import os
import signal

import numpy as np
import psutil
import pytest

from neuropinn_lava.app.sweep import run as sweep_run
from neuropinn_lava.app.sweep.cache import SweepCache
from neuropinn_lava.app.sweep.grid import SweepGrid
from neuropinn_lava.app.sweep.plan import plan_sweep
from neuropinn_lava.app.sweep.sweep import sweep
from neuropinn_lava.app.sweep.work import measure_point, train_for_sweep
from neuropinn_lava.app.verbs.network_domain import draw_points
from neuropinn_lava.app.verbs.train import RecipeChanges
from neuropinn_lava.app.workers.dask_pool import ClusterChoice
from neuropinn_lava.base.errors import SpecError, TrainingError
from neuropinn_lava.base.metrics import relative_l2
from neuropinn_lava.engine.reference import run_integer
from neuropinn_lava.files.network_file import read_network
from neuropinn_lava.hardware_sim.costs.energy_files import find_energy_model
from neuropinn_lava.hardware_sim.report.figures.pareto_figure import draw_pareto

PLAN = plan_sweep(
    "poisson",
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
    for measured in found.measured:
        row, network = measured.row, measured.network
        points = draw_points(network, 200, 0)
        truth = PLAN.posed().reference.evaluate(points)
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
    assert {measured.network.source.digest() for measured in found.measured[:4]} == {
        found.measured[0].network.source.digest()
    }


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


@pytest.mark.parametrize("damage", ["json", "nested", "h5", "other", "checksum"])
def test_damaged_entries_are_told_of_and_computed_again(tmp_path, counted, damage):
    grid = SweepGrid(weight_bits=(8,), payload_bits=(8, 12))
    first = sweep(PLAN, grid, cache=tmp_path)
    entry = next((tmp_path / "points").glob("*.json"))
    if damage == "h5":
        network = entry.with_suffix(".h5")
        network.write_bytes(network.read_bytes()[:-10])
    elif damage == "json":
        entry.write_text(entry.read_text()[:-30])
    elif damage == "nested":
        entry.write_text("[" * 100_000)
    elif damage == "checksum":
        entry.write_text(entry.read_text().replace('"poisson"', '"heat"'))
    else:
        other = next(path for path in (tmp_path / "points").glob("*.json") if path != entry)
        entry.write_text(other.read_text())
    notes = []
    again = sweep(PLAN, grid, cache=tmp_path, on_note=notes.append)
    (note,) = notes
    assert note.startswith(f"The cache's point {entry.stem[:12]} is damaged and is computed again: file ")
    assert counted == {"trained": 1, "measured": 3}
    assert [untimed(row) for row in again.rows] == [untimed(row) for row in first.rows]


def test_a_damaged_training_is_trained_again(tmp_path, counted):
    sweep(PLAN, SweepGrid(weight_bits=(8,), payload_bits=(8,)), cache=tmp_path)
    next((tmp_path / "trainings").glob("*.h5")).write_bytes(b"nothing")
    notes = []
    sweep(PLAN, SweepGrid(weight_bits=(4,), payload_bits=(8,)), cache=tmp_path, on_note=notes.append)
    assert "The cache's training" in notes[0]
    assert counted == {"trained": 2, "measured": 2}


def test_a_cache_that_cannot_be_made_is_refused_before_anything_is_trained(tmp_path, counted):
    (tmp_path / "file").write_text("")
    with pytest.raises(SpecError, match=r"cache .*file/cache must be a folder that can be made and written.*--cache"):
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
    store = SweepCache(tmp_path, pytest.fail)
    point, measured = found.points[0], found.measured[0]
    assert store.point("a" * 64, point) is None
    store.keep_point("a" * 64, measured)
    held = store.point("a" * 64, point)
    assert held.row == measured.row
    assert held.network.digest() == measured.network.digest()


@pytest.mark.lava
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
