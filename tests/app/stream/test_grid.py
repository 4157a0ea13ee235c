"""The verb `run_grid`: the bits of single runs, blocks and files, functions by samples, and what is refused or warned of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import builders
from neuropinn_lava import (
    Box,
    Dirichlet,
    DomainWarning,
    PdeProblem,
    SineSeries,
    SpecError,
    function_grid,
    run_grid,
    stream,
)
from neuropinn_lava.app.stream import row_files
from neuropinn_lava.engine.reference import run_float, run_integer
from small_graphs import operator_network, with_held

WAVES = SineSeries(n_waves=3)
NETWORK = with_held(builders.random_graph(18, n_inputs=2, n_steps=2), "x0")
"""Its held input, of three columns, stands first; three of its populations read nothing else."""
N_POINTS, N_FUNCTIONS = 7, 3
WIDTHS = {each.name: each.width for each in NETWORK.inputs}
ROWS = builders.random_points(NETWORK, N_POINTS)
FUNCTIONS, POINTS = ROWS[:N_FUNCTIONS, : WIDTHS["x0"]], ROWS[:, WIDTHS["x0"] :]
EXPECTED = run_integer(NETWORK, np.hstack([np.repeat(FUNCTIONS, N_POINTS, axis=0), np.tile(POINTS, (N_FUNCTIONS, 1))]))
SHAPE = (N_FUNCTIONS, N_POINTS, NETWORK.n_out)


@pytest.mark.parametrize("block_size", [None, 1, 5, 7, 100])
def test_a_grid_has_the_bits_of_its_rows(block_size: int | None) -> None:
    found = run_grid(NETWORK, FUNCTIONS, POINTS, block_size=block_size)
    assert found.tobytes() == EXPECTED.outputs.reshape(SHAPE).tobytes()
    assert found.shape == SHAPE


def test_inputs_are_given_by_name_too() -> None:
    found = run_grid(NETWORK, {"x0": FUNCTIONS}, {"x1": POINTS})
    assert np.array_equal(found.reshape(-1, NETWORK.n_out), EXPECTED.outputs)
    for functions, points, match in (
        ({"x1": FUNCTIONS}, POINTS, "run_grid.functions: input must be one of"),
        ({}, POINTS, "functions must hold x0; got none for x0"),
        (FUNCTIONS, {"x1": POINTS, "x0": FUNCTIONS}, "run_grid.points: input must be"),
    ):
        with pytest.raises(SpecError, match=match):
            run_grid(NETWORK, functions, points)


@pytest.mark.parametrize("suffix", [".npy", ".csv", ".h5"])
def test_a_file_holds_the_same_and_is_resumed(tmp_path, monkeypatch, suffix: str) -> None:
    if suffix == ".npy":
        np.save(tmp_path / "p.npy", POINTS)
    elif suffix == ".csv":
        np.savetxt(tmp_path / "p.csv", POINTS, delimiter=",", fmt="%r")
    else:
        h5py = pytest.importorskip("h5py")
        with h5py.File(tmp_path / "p.h5", "w") as file:
            file["points"] = POINTS

    def interrupt(progress):
        if row_files.n_kept(tmp_path / "u.npy") == 10:
            raise KeyboardInterrupt

    def grid(functions):
        return function_grid(NETWORK, functions, tmp_path / f"p{suffix}")

    given = {"out": tmp_path / "u.npy", "block_size": 5}
    with pytest.raises(KeyboardInterrupt):
        stream(NETWORK, grid(FUNCTIONS), on_progress=interrupt, **given)
    with pytest.raises(SpecError, match="have the points of this stream"):
        stream(NETWORK, grid(0.9 * FUNCTIONS), resume=True, **given)
    summary = stream(NETWORK, grid(FUNCTIONS), resume=True, **given)
    assert (summary.n_samples, summary.n_resumed) == (N_FUNCTIONS * N_POINTS, 10)
    assert np.load(tmp_path / "u.npy").tobytes() == EXPECTED.outputs.reshape(SHAPE).tobytes()
    found = run_grid(NETWORK, FUNCTIONS, tmp_path / f"p{suffix}", **given)
    assert isinstance(found, np.memmap)
    assert (found.shape, found.tobytes()) == (SHAPE, EXPECTED.outputs.tobytes())


def test_a_float_network_runs_too() -> None:
    network = operator_network()
    f, x = np.array([[0.5], [1.0]]), np.linspace(-1, 1, 5)[:, None]
    rows = np.hstack([np.repeat(f, 5, axis=0), np.tile(x, (2, 1))])
    assert np.array_equal(
        run_grid(network, f, x, backend="float")[..., 0].ravel(), run_float(network, rows).outputs[:, 0]
    )


def test_what_a_grid_refuses(tmp_path) -> None:
    plain = builders.random_graph(18, n_inputs=2, n_steps=2)
    for given, match in (
        ({"network": plain}, "take a function, a held input; got no held input"),
        ({"functions": FUNCTIONS[:, 1:]}, rf"run_grid.functions must have the shape \(n, {WIDTHS['x0']}\)"),
        ({"points": POINTS[:, 1:]}, rf"run_grid.points must have the shape \(n, {WIDTHS['x1']}\)"),
        ({"out": tmp_path / "u.csv"}, "end in .npy for a grid"),
        ({"interpolate": "cubic"}, "run_grid.sensors must be given where functions are interpolated"),
        ({"interpolate": "quintic", "sensors": [0.0]}, "run_grid.interpolate must be"),
        (
            {"sensors": np.arange(WIDTHS["x0"])},
            "trained_sensors must be given where the network's problem does not say",
        ),
    ):
        with pytest.raises(SpecError, match=match):
            run_grid(**({"network": NETWORK, "functions": FUNCTIONS, "points": POINTS} | given))


PROBLEM = PdeProblem(
    domain=Box([0.0, 0.0], [1.0, 1.0]),
    equations=lambda f: f.u_xx + f.u_yy - f.load,
    parameters={"load": WAVES},
    conditions=(Dirichlet(0.0),),
)
TAKES_WAVES = replace(
    NETWORK, source=replace(NETWORK.source, lower=[-5.0, -5.0, -5.0, 0.0, 0.0], upper=[5.0, 5.0, 5.0, 1.0, 1.0])
)
DRAWN = WAVES.draw(3, np.random.default_rng(0))
AT = np.array([[0.5, 0.5], [0.1, 0.9]])


def test_samples_become_coefficients_wherever_they_were_taken() -> None:
    x = np.linspace(0.0, 1.0, 3 * WAVES.n) ** 1.3
    expected = run_grid(TAKES_WAVES, DRAWN, AT, problem=PROBLEM)
    found = run_grid(TAKES_WAVES, WAVES.values(DRAWN, x), AT, sensors=x, problem=PROBLEM)
    assert np.array_equal(found, expected)  # words of 16 bits hide the rounding of the fit


def test_too_few_samples_are_interpolated_only_when_asked() -> None:
    x = np.linspace(0.0, 1.0, WAVES.n - 1)
    given = {"functions": WAVES.values(DRAWN, x), "points": AT, "sensors": x, "problem": PROBLEM}
    with pytest.raises(SpecError, match=rf"sensors must be at least {WAVES.n}.* got {WAVES.n - 1} from 0 to 1"):
        run_grid(TAKES_WAVES, **given)
    with pytest.warns(DomainWarning, match="of their samples outside of the span"):
        run_grid(TAKES_WAVES, interpolate="linear", **given)
    with pytest.raises(SpecError, match="surround every place"):
        run_grid(TAKES_WAVES, **given | {"sensors": 0.9 * x}, interpolate="linear")
    dense = 0.2 * np.linspace(0.0, 1.0, 3 * WAVES.n)
    with pytest.raises(SpecError, match="tell the waves apart"):
        run_grid(TAKES_WAVES, WAVES.values(DRAWN, dense), AT, sensors=dense, problem=PROBLEM)
    with pytest.raises(SpecError, match="have the coordinates x of the function; got 2 columns"):
        run_grid(TAKES_WAVES, **given | {"sensors": np.stack([x, x], axis=1)})


def test_a_network_of_samples_reads_its_own_sensors() -> None:
    n = WIDTHS["x0"]
    trained, dense = np.linspace(0.0, 1.0, n), np.linspace(0.0, 1.0, 4 * n)
    line = FUNCTIONS[:, :1] + FUNCTIONS[:, 1:2] * trained
    own = run_grid(NETWORK, line, POINTS, sensors=trained, trained_sensors=trained)
    assert np.array_equal(own, run_grid(NETWORK, line, POINTS))
    given = {
        "functions": FUNCTIONS[:, :1] + FUNCTIONS[:, 1:2] * dense,
        "points": POINTS,
        "sensors": dense,
        "trained_sensors": trained,
    }
    with pytest.raises(
        SpecError, match=f"sensors must be those of the training, {n} from 0 to 1; got {4 * n} from 0 to 1"
    ):
        run_grid(NETWORK, **given)
    assert np.array_equal(run_grid(NETWORK, interpolate="linear", **given), own)
    with pytest.raises(SpecError, match=f"trained_sensors must be {n}, the width of the held input"):
        run_grid(NETWORK, **given | {"trained_sensors": dense}, interpolate="linear")


def test_functions_outside_of_the_distribution_are_told_with_how_far() -> None:
    with pytest.warns(DomainWarning, match=r"of 3 functions, 1 lie up to 4 times as far from the mean"):
        run_grid(TAKES_WAVES, np.stack([np.full(WAVES.n, 4.0), DRAWN[0], DRAWN[1]]), AT, problem=PROBLEM)
    x = np.linspace(0.0, 1.0, 40)
    with pytest.warns(DomainWarning, match=r"1 have up to \d+\.\d% of their samples outside of the span") as warned:
        run_grid(TAKES_WAVES, np.sin(40 * x)[None], AT, sensors=x, problem=PROBLEM)
    assert warned[0].filename == __file__
    edge = NETWORK.source.upper[: WIDTHS["x0"]]
    center = (edge + NETWORK.source.lower[: WIDTHS["x0"]]) / 2
    with pytest.warns(DomainWarning, match="have columns up to 3 times as far out as the range of the training"):
        run_grid(NETWORK, (center + 3 * (edge - center))[None], POINTS)


def test_points_without_their_functions_are_told_of_grids() -> None:
    with pytest.raises(SpecError, match=r"also those of x0; got .* columns\. .* `run_grid"):
        run_integer(NETWORK, POINTS)
    with pytest.raises(SpecError, match="be real numbers"):
        run_integer(NETWORK, [[0.5], [0.1, 0.2]])
