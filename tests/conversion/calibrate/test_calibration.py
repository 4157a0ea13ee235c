"""Calibration: the ranges that a longhand run sees, and points that cannot be used."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import builders
import longhand
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.conversion import calibrate_network, quantize_network, sample_box
from neuropinn_lava.conversion.calibrate.calibration import DEFAULT_POINTS

SUM_ORDER = 1e-12
"""Float sums in another order differ by some units in the last place."""


@pytest.mark.parametrize("polarity", builders.POLARITIES)
@pytest.mark.parametrize("n_steps", builders.N_STEPS)
def test_ranges_equal_longhand(polarity: builders.Polarity, n_steps: int) -> None:
    network = builders.random_spec(1, widths=(2, 5, 4, 2), polarity=polarity, n_steps=n_steps)
    points = builders.random_points(network, 12)
    run = longhand.run_float(network, points)
    calibration = calibrate_network(network, points)
    assert [layer.name for layer in calibration.nodes] == ["hidden0", "hidden1", "output"]
    for layer, seen in zip(network.populations, calibration.nodes[:-1], strict=True):
        payloads = [values for where, values in run.payload.items() if where[0] == layer.name]
        np.testing.assert_allclose(seen.payload, np.abs(payloads).max(axis=0), rtol=0, atol=SUM_ORDER)
        drives = longhand_drives(network, run, layer.name, len(points))
        np.testing.assert_allclose(seen.drive, np.abs([z for z, _ in drives]).max(axis=0), rtol=0, atol=SUM_ORDER)
        np.testing.assert_allclose(seen.membrane, np.abs([m for _, m in drives]).max(axis=0), rtol=0, atol=SUM_ORDER)
        assert seen.state_peak == max(seen.drive.max(), seen.membrane.max())
    emitted = np.abs(list(run.emitted.values())).max(axis=0)
    np.testing.assert_allclose(calibration.nodes[-1].drive, emitted, rtol=0, atol=SUM_ORDER)
    assert not calibration.nodes[-1].membrane.any()


def longhand_drives(
    network: builders.NetworkSpec, run: longhand.Run, name: str, n_samples: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """z and m before its reset, of one layer, for every sample and step."""
    names = [layer.name for layer in network.populations]
    index = names.index(name)
    layer = network.populations[index]
    found = []
    x = network.input_transform.apply(builders.random_points(network, n_samples))
    for i in range(n_samples):
        held = np.zeros(layer.n_out)
        for t in range(network.n_steps):
            a = x[i] if index == 0 else np.array(run.payload[names[index - 1], i, t])
            z = layer.weight @ a + layer.bias
            found.append((z, layer.beta * held + z))
            held = np.array(run.membrane[name, i, t])
    return found


def test_input_peak_covers_the_box_and_the_points() -> None:
    network = builders.random_spec(2)
    assert calibrate_network(network, np.array([[0.5, 1.0]])).input_peaks == 1.0  # the corners
    assert calibrate_network(network, np.array([[3.0, 1.0]])).input_peaks == 5.0  # 2 * 3 - 1


def test_default_sample_lies_in_the_box_and_is_repeatable() -> None:
    network = builders.random_spec(3, widths=(3, 4, 1))
    points = calibrate_network(network).points
    assert points.shape == (DEFAULT_POINTS, 3)
    assert (points >= network.lower).all()
    assert (points <= network.upper).all()
    np.testing.assert_array_equal(points, sample_box(network))
    assert (sample_box(network, seed=1) != points).any()
    assert (np.ptp(points, axis=0) > 0.98 * (network.upper - network.lower)).all()


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.zeros((0, 2)), "hold at least one point; got 0"),
        (np.zeros((4, 3)), r"have the shape \(n, 2\); got \(4, 3\)"),
        (np.zeros(2), r"have the shape \(n, 2\); got \(2,\)"),
        (np.array([[0.0, np.nan]]), r"have only finite coordinates; got .* in row 0"),
        (np.array([[0.0, 0.0], [-np.inf, 0.0]]), r"have only finite coordinates; got .* in row 1"),
        ("points.npy", "be real numbers"),
    ],
)
def test_unusable_points(points: object, message: str) -> None:
    network = builders.random_spec(4)
    for use in (lambda: calibrate_network(network, points), lambda: quantize_network(network, points=points)):  # type: ignore[arg-type]
        with pytest.raises(SpecError, match=rf"calibrate_network: points of network 'random4' must ({message})"):
            use()


def test_a_network_that_overflows() -> None:
    network = builders.random_spec(5, activation="identity")
    for index in range(2):
        network = builders.with_layer(network, index, weight=network.populations[index].weight * 1e200)
    with pytest.raises(
        SpecError, match=r"calibrated drive of node 'hidden1' must have only finite entries; got (inf|nan)"
    ):
        calibrate_network(network)  # inf - inf is NaN, where the processor's BLAS adds in that order


def test_points_are_copied() -> None:
    network = builders.random_spec(6)
    points = builders.random_points(network, 3)
    calibration = calibrate_network(network, points)
    points[0, 0] = 99.0
    assert calibration.points[0, 0] != 99.0
    assert not replace(calibration, input_peaks=[2.0]).points.flags.writeable
