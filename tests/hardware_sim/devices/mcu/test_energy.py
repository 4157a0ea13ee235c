"""The energy of a point is current times voltage times time, and nothing that was not measured."""

from __future__ import annotations

import pytest

from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.hardware_sim.devices.mcu.energy import energy_from_measurement

GIVEN = {"current_ma": 12.0, "voltage": 3.0, "seconds": 2.0}


def test_energy_of_a_point():
    found = energy_from_measurement(**GIVEN, n_points=1000, idle_ma=2.0)
    assert found.joules == pytest.approx(10e-3 * 3.0 * 2.0 / 1000)
    assert found.seconds == pytest.approx(2e-3)
    assert "measured by the user: 12 mA at 3 V for 2 s, 1000 points, 2 mA of the idle board subtracted" in found.source


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"voltage": 0.0}, r"voltage must be a positive number; got 0\.0"),
        ({"seconds": float("nan")}, "seconds must be a positive number; got nan"),
        ({"n_points": 0}, "n_points must be at least 1; got 0"),
        ({"n_points": 1.5}, "n_points must be a whole number"),
        ({"idle_ma": 12.0}, r"idle_ma must lie in \[0, 12\); got 12"),
    ],
)
def test_what_cannot_have_been_measured_is_refused(change, rule):
    with pytest.raises(SpecError, match=f"energy_from_measurement.{rule}"):
        energy_from_measurement(**(GIVEN | change))
