"""Samples of functions: interpolation that is exact on what it reproduces, and every refusal."""

from __future__ import annotations

import numpy as np
import pytest

from neuropinn_lava import SpecError
from neuropinn_lava.geometry.function_samples import Interpolation, interpolate_samples

ROUNDING = 1e-12
"""Some ten terms of size one."""
AXIS = np.array([0.9, 0.0, 0.35, 1.0, 0.2, 0.6])
"""Sensors in no order."""
PLANE = np.stack(np.meshgrid([0.0, 0.4, 1.0], [0.0, 0.7, 1.0]), axis=-1).reshape(-1, 2)


def test_lines_and_cubics_along_an_axis_are_reproduced() -> None:
    places = np.linspace(0.0, 1.0, 33)
    cubic = lambda x: 1.0 - 2.0 * x + 3.0 * x**2 - x**3  # noqa: E731
    found = interpolate_samples(np.stack([cubic(AXIS), AXIS]), AXIS, places)
    assert np.abs(found - np.stack([cubic(places), places])).max() < ROUNDING
    linear = interpolate_samples(AXIS[None], AXIS, places, "linear")
    assert np.abs(linear[0] - places).max() < ROUNDING
    middle = interpolate_samples(cubic(AXIS)[None], AXIS, np.array([0.1]), Interpolation.LINEAR)[0, 0]
    assert middle == pytest.approx((cubic(0.0) + cubic(0.2)) / 2)


@pytest.mark.parametrize("kind", Interpolation)
def test_planes_over_the_plane_are_reproduced(kind: Interpolation) -> None:
    places = np.random.default_rng(0).random((20, 2))
    found = interpolate_samples((PLANE @ [2.0, -1.0])[None], PLANE, places, kind)
    assert np.abs(found[0] - places @ [2.0, -1.0]).max() < 1e-6  # Clough and Tocher's gradients are iterated to 1e-6


@pytest.mark.parametrize(
    ("values", "sensors", "places", "match"),
    [
        (np.ones((1, 5)), AXIS, [0.5], "functions must have as many samples as there are sensors, 6; got 5"),
        (
            np.ones((1, 6)),
            np.where(AXIS > 0.8, 0.9, AXIS),
            [0.5],
            "stand at different places; got 5 places for 6 sensors",
        ),
        (np.full((1, 6), np.nan), AXIS, [0.5], "functions must have only finite entries"),
        (np.ones((1, 3)), AXIS[:3], [0.5], "sensors must be at least 4; got 3"),
        (np.ones((1, 6)), AXIS, [0.5, 1.1], "surround every place .* got 1 of 2 places outside of 6 sensors"),
        (np.ones((1, 9)), PLANE, [[0.5, -0.1]], "surround every place .* got 1 of 1 places"),
        (
            np.ones((1, 6)),
            np.tile(AXIS[:, None], 3),
            np.zeros((1, 3)),
            "have one axis or two, as the places have; got 3",
        ),
        (np.ones((1, 6)), AXIS, [[0.5, 0.5]], "have one axis or two, as the places have; got 1 of the sensors and 2"),
    ],
)
def test_what_is_refused(values: object, sensors: object, places: object, match: str) -> None:
    with pytest.raises(SpecError, match=match):
        interpolate_samples(values, sensors, np.asarray(places))  # type: ignore[arg-type]
