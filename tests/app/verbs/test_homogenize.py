"""Homogenization as a verb and a command: networks that say nothing but the mean strain, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from neuropinn_lava.app.verbs.homogenize import homogenize
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.conversion import quantize_network
from neuropinn_lava.engine.trace import Backend
from neuropinn_lava.files.network_file import write_network
from neuropinn_lava.micromechanics.bounds import is_within_bounds
from neuropinn_lava.micromechanics.cells import sphere_cell
from neuropinn_lava.network.spec import NetworkSpec, ProblemParameter, Provenance
from neuropinn_lava.problems import find_problem
from neuropinn_lava.problems.recipes.recipe import NetworkRecipe
from neuropinn_lava.training.network.export import export_network
from neuropinn_lava.training.network.network import build_network

N = 6
"""A coarse mesh, on which six load cases take a second."""
ROUNDING = 1e-9
"""Linear displacements are exact on every mesh; positions are rounded to 1e-12 of the cube in the mesh's file."""


def silent_network(**options: float) -> NetworkSpec:
    """A network whose output is zero: its displacements are the lift, E x."""
    problem = find_problem("elasticity3d", **options)
    module = build_network(NetworkRecipe(widths=(4,)), 3, 3, seed=0)
    module.linear_layers[-1].weight.data.zero_()
    parameters = tuple(ProblemParameter(name=name, value=value) for name, value in options.items())
    return export_network(
        module,
        name="elasticity3d",
        ansatz=problem.ansatz,
        lower=problem.domain.lower,
        upper=problem.domain.upper,
        provenance=Provenance(problem="elasticity3d", parameters=parameters),
    )


def test_the_lift_alone_gives_voigt_s_bound() -> None:
    found = homogenize([silent_network(strain_xx=0.1), silent_network(strain_yz=-0.2)], n=N)
    assert found.network is not None
    np.testing.assert_allclose(found.network, found.voigt, rtol=0, atol=ROUNDING)
    assert (found.backend, found.within_bounds) == (Backend.FLOAT, False)  # Hashin and Shtrikman's bound is tighter
    C, voigt = found.finite_elements[0, 0], found.voigt[0, 0]
    assert found.largest_error is not None
    assert found.largest_error >= voigt / C - 1 > 0.5


def test_finite_elements_alone_keep_the_bounds() -> None:
    found = homogenize(parameters=(ProblemParameter(name="contrast", value=0.1),), n=N)
    assert (found.network, found.backend, found.largest_error) == (None, None, None)
    assert found.within_bounds
    assert is_within_bounds(found.finite_elements, sphere_cell(radius=0.27, contrast=0.1), slack=2e-4)


def test_quantized_networks_speak_for_themselves() -> None:
    chips = [quantize_network(silent_network(**{name: 0.1})).network for name in ("strain_xx", "strain_xy")]
    assert homogenize(chips, n=N).backend is Backend.INTEGER
    assert homogenize(chips, n=N, backend="float").backend is Backend.FLOAT


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([{"strain_xx": 0.1}], r"none for yz, xz, xy\. Add a network"),
        ([{"compression": 0.1}], r"a cell under a mean strain; got 'elasticity3d', trained on .* compression=0\.1"),
        ([{"strain_xx": 0.1}, {"strain_xy": 0.1, "contrast": 9.0}], "one and the same cell; got network 1 differs"),
        ([{"strain_xx": 0.1, "strain_yy": 0.1}, {"strain_xy": 0.1}], "one component of strain each"),
    ],
)
def test_networks_that_do_not_fit_are_refused(options: list[dict[str, float]], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        homogenize([silent_network(**held) for held in options], n=N)


def test_options_that_are_not_of_the_cell_are_refused() -> None:
    both = (ProblemParameter(name="contrast", value=3.0),)
    with pytest.raises(
        SpecError, match=r"networks or options of a cell, not both; got contrast\. Leave the options out"
    ):
        homogenize([silent_network(strain_xx=0.1)], parameters=both, n=N)
    loads = tuple(ProblemParameter(name=name, value=0.1) for name in ("shear", "radius", "strain_xy"))
    with pytest.raises(SpecError, match="be options of the cell, not of the load; got shear, strain_xy"):
        homogenize(parameters=loads, n=N)


def test_the_command_prints_a_table_and_json(cli, tmp_path: Path) -> None:
    files = [tmp_path / f"{name}.h5" for name in ("xx", "xy")]
    for file in files:
        write_network(silent_network(**{f"strain_{file.stem}": 0.1}), file)
    code, out, _ = cli("homogenize", *files, "--cells", N)
    assert code == 0
    assert "C xx,xx" in out
    assert "C xy,xy" in out
    assert "They do not all hold." in out
    code, out, _ = cli("homogenize", "--cells", N, "--param", "contrast=2", "--json")
    held = json.loads(out)
    assert (code, held["network"], held["within_bounds"], held["cells"]) == (0, None, True, N)
    assert np.shape(held["finite_elements"]) == (6, 6)
    code, _, err = cli("homogenize", "poisson")
    assert code == 1
    assert "networks of a cell under a mean strain; got 'poisson'" in err
