"""Values as users give them: points, networks, records, files; what fits is taken, what does not is refused in words."""

from __future__ import annotations

import numpy as np
import pytest

import builders
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.base.points import checked_points
from neuropinn_lava.engine.reference import run_float, run_integer
from neuropinn_lava.engine.trace import Probe
from neuropinn_lava.files.network_file import read_network, write_network
from neuropinn_lava.geometry.domain import Box, End, Face
from neuropinn_lava.problems.recipes.phases import Optimizer, PhaseRecipe
from neuropinn_lava.problems.recipes.recipe import CloudRecipe, NetworkRecipe, OperatorKind

SMALL = builders.random_spec(2, widths=(2, 6, 5, 1))


def test_tensors_that_require_a_gradient_are_points():
    torch = pytest.importorskip("torch")
    points = torch.rand(5, 2, requires_grad=True)
    assert checked_points(points, 2, "points").tolist() == points.detach().double().tolist()


@pytest.mark.parametrize("values", [np.ones((3, 2)) * 1j, np.array([["0", "1"]]), np.zeros((2, 2), "datetime64[s]")])
def test_points_are_real_numbers(values):
    with pytest.raises(SpecError, match="real numbers"):
        checked_points(values, 2, "points")


def test_complex_tensors_are_no_points():
    torch = pytest.importorskip("torch")
    with pytest.raises(SpecError, match="real numbers"):
        checked_points(torch.ones(2, 2, dtype=torch.complex128, requires_grad=True), 2, "points")


def test_swapped_arguments_of_write_network_are_named(tmp_path):
    with pytest.raises(SpecError, match=r"write_network\(network, path\)"):
        write_network(tmp_path / "net.h5", SMALL)
    with pytest.raises(SpecError, match=r"write_network\.network"):
        write_network({"weight": 1}, tmp_path / "net.h5")


@pytest.mark.parametrize("name", ["x.pt", "x", "x.nir", "x.safetensors"])
def test_a_network_file_ends_in_h5(name, tmp_path):
    with pytest.raises(SpecError, match=r"\.h5"):
        write_network(SMALL, tmp_path / name)
    assert not list(tmp_path.iterdir())
    write_network(SMALL, tmp_path / "x.H5")
    assert read_network(tmp_path / "x.H5").digest() == SMALL.digest()


def test_the_engines_name_what_they_take():
    with pytest.raises(SpecError, match=r"find_network\('poisson'\)"):
        run_float("poisson", np.zeros((1, 2)))
    with pytest.raises(SpecError, match=r"find_network\('poisson'\)"):
        run_integer("poisson", np.zeros((1, 2)))
    with pytest.raises(SpecError, match=r"\.source"):
        run_float(builders.random_quantized(1), np.zeros((1, 2)))


def test_a_box_takes_its_corners_in_order():
    box = Box([0, 0], [1, 2])
    assert (box.lower.tolist(), box.upper.tolist()) == ([0.0, 0.0], [1.0, 2.0])
    with pytest.raises(TypeError):
        Box([0], [1], (Face(0, End.LOWER),))


def test_a_face_knows_its_end_by_name():
    box = Box(lower=[0, 0], upper=[1, 2], open_faces=(Face(1, "lower"),))
    assert box.closed_faces == (Face(0, End.LOWER), Face(0, End.UPPER), Face(1, End.UPPER))
    assert box.face_coordinate(Face(1, "lower")) == 0.0
    with pytest.raises(SpecError, match=r"Face\.end must be one of lower, upper"):
        Face(1, "top")


def test_lists_stand_for_tuples_in_records():
    assert NetworkRecipe(widths=[5, 6]) == NetworkRecipe(widths=(5, 6))
    assert CloudRecipe(n_per_axis=[4, 4]) == CloudRecipe(n_per_axis=(4, 4))
    assert Probe(samples=[1, 2], nodes=["a"], steps=[0]) == Probe(samples=(1, 2), nodes=("a",), steps=(0,))
    assert Probe(samples=np.arange(3)) == Probe(samples=(0, 1, 2))


def test_names_stand_for_choices_in_recipes():
    assert PhaseRecipe(n_iterations=9, n_warmup=2, optimizer="adam").optimizer is Optimizer.ADAM
    assert CloudRecipe(operator="quartic").operator is OperatorKind.QUARTIC
    with pytest.raises(SpecError, match=r"PhaseRecipe\.optimizer must be one of"):
        PhaseRecipe(n_iterations=9, optimizer="adams")
    for field in ("polarity", "surrogate"):
        with pytest.raises(SpecError, match=rf"NetworkRecipe\.{field} must be one of"):
            NetworkRecipe(**{field: "none"})
    with pytest.raises(SpecError, match=r"CloudRecipe\.operator must be one of"):
        CloudRecipe(operator="cubic")
