"""The scene by pyvista: an extra that is left out where it is missing, and that breaks nothing where it fails."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from neuropinn_lava.hardware_sim.fields.stresses import SolidSection, SolidView
from neuropinn_lava.hardware_sim.report.figures import solid_scene
from neuropinn_lava.micromechanics.stresses import StressErrors

N = 5


@pytest.fixture
def section() -> SolidSection:
    """A grid of 5 cubes a side that is not deformed, with a stress that grows along x."""
    along_x = np.broadcast_to(np.arange(1.0, N + 1)[:, None, None], (N, N, N))
    views = [
        SolidView(name=name, corners=np.zeros((N + 1, N + 1, N + 1, 3)), von_mises=factor * along_x)
        for name, factor in (("deployed", 1.0), ("reference", 0.9))
    ]
    errors = StressErrors(relative_l2=0.1, von_mises_relative_l2=0.1)
    return SolidSection(results=(), floor=errors, operator="quadratic", deployed=views[0], reference=views[1])


def test_without_pyvista_there_is_no_scene(section: SolidSection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solid_scene.importlib.util, "find_spec", lambda name: None)
    assert solid_scene.draw_scene(section) == ()


def test_a_process_that_dies_costs_the_scene_only(section: SolidSection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solid_scene.importlib.util, "find_spec", lambda name: object())
    run = subprocess.run

    def dying(command: list[str], **options: Any) -> Any:
        return run([sys.executable, "-c", "import os; os.abort()"], **options)

    monkeypatch.setattr(solid_scene.subprocess, "run", dying)
    with pytest.warns(UserWarning, match=r"could not draw the deformed cube .*SIGABRT.* goes without"):
        assert solid_scene.draw_scene(section) == ()


def test_the_picture_is_in_the_figure(section: SolidSection) -> None:
    pytest.importorskip("pyvista")
    (figure,) = solid_scene.draw_scene(section)
    assert (figure.name, figure.group) == ("stress-scene", "stress")
    assert 'href="data:image/png;base64,iVBOR' in figure.svg  # how every PNG begins


def test_the_octant_before_the_eye_is_cut_away() -> None:
    """Of 5^3 cubes those with x, y below and z above the middle are 2 * 2 * 2."""
    pyvista = pytest.importorskip("pyvista")
    stress = np.arange(125.0).reshape(5, 5, 5)
    solid = solid_scene.open_cube(pyvista, np.zeros((6, 6, 6, 3)), stress)
    assert solid.n_cells == 125 - 8
    centres = solid.cell_centers().points
    index = np.rint(centres * 5 - 0.5).astype(int)
    np.testing.assert_array_equal(solid.cell_data["stress"], stress[tuple(index.T)])
