"""The host header: words equal to those of the Python package, formulas of every kind of field, what C lacks named."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import builders
import c_programs
from neuropinn_lava.engine.host import encode_points
from neuropinn_lava.engine.reference import run_integer
from neuropinn_lava.geometry.fields.boundary_fields import PolygonFactor, RadialLevelSet
from neuropinn_lava.geometry.fields.expression_field import ExpressionField
from neuropinn_lava.geometry.fields.scalar_fields import Polynomial, Trigonometric
from neuropinn_lava.hardware_sim.devices.c99.header import build_header
from neuropinn_lava.hardware_sim.devices.c99.host_header import write_ansatz, write_host_header
from neuropinn_lava.hardware_sim.devices.integer_plan import plan_integers
from neuropinn_lava.network.quantized import QuantizedNetwork
from neuropinn_lava.network.transforms import Ansatz, Link

LIBM = 1e-13
"""Relative difference of outputs: numpy and the C library round powers, waves and logarithms differently in the last digits."""
DRIVER = """
#include <stdio.h>
#include "{host}"

int main(void)
{{
    static {prefix}_state_t state;
    double point[{macro}_N_IN];
    double u[{macro}_N_OUT];
    {prefix}_input_t x[{macro}_N_IN];
    (void){prefix}_init(&state);
    while (fread(point, sizeof point, 1u, stdin) == 1u) {{
        const int32_t n_saturated = {prefix}_encode(point, x);
        uint32_t i;
        double number = n_saturated;
        if ((n_saturated < 0) || ({prefix}_evaluate(&state, point, u) != {macro}_SUCCESS)) {{
            return 1;
        }}
        (void)fwrite(&number, sizeof number, 1u, stdout);
        for (i = 0u; i < {macro}_N_IN; ++i) {{
            number = x[i];
            (void)fwrite(&number, sizeof number, 1u, stdout);
        }}
        (void)fwrite(u, sizeof u, 1u, stdout);
    }}
    return 0;
}}
"""
LSHAPE = [[0.0, 0.0], [2.0, 0.0], [2.0, 1.0], [1.0, 1.0], [1.0, 2.0], [0.0, 2.0]]
EXPRESSION = (
    "where(x < 0.5, sin(x) * exp(-t), maximum(x, t) ** 3) + (x == 1) * sqrt(absolute(t)) + arctan2(t, x)"
    " + tanh(x / (1 + t ** 2)) + minimum(x, sign(t - 0.5)) + ((x >= 0.25) & ~(t > 0.75) | (t <= 0.1))"
)
FIELDS: dict[str, Any] = {
    "polynomial": Polynomial(exponents=[[1, 0], [2, 3], [0, 0]], coefficients=[1.5, -1.0, 0.1]),
    "waves": Trigonometric(
        coefficients=[0.3, 1.0],
        exponents=[[1, 0], [0, 2]],
        frequencies=[[3.0, 0.0], [1.0, 2.0]],
        phases=[[0.5, 0.0], [0.0, 1.5]],
    ),
    "polygon": PolygonFactor(vertices=LSHAPE, ring_sizes=[6], scale=2.0, corner_exponent=2 / 3),
    "curves": RadialLevelSet(centres=[[0.5, 1.0], [0.5, 1.0]], radii=[2.0, 0.2], amplitudes=[0.3, 0.0], petals=[5, 1]),
    "expression": ExpressionField(text=EXPRESSION, coordinates="x t"),
}


def run_host(folder: Path, network: QuantizedNetwork, points: np.ndarray) -> tuple[Any, Any, Any]:
    """Compile both headers, and return the saturated words, the words and the outputs of points."""
    compiler = c_programs.require_compiler()
    built = build_header(plan_integers(network))
    names = built.names
    (folder / names.header).write_text(built.text)
    (folder / names.host).write_text(write_host_header(network, names))
    text = DRIVER.format(host=names.host, prefix=names.prefix, macro=names.macro)
    done = c_programs.compile_text(folder, text, compiler, "-O2", "-ffp-contract=off")
    assert done.returncode == 0, done.stderr
    ran = subprocess.run([folder / "program"], input=points.tobytes(), capture_output=True, check=True)
    found = np.frombuffer(ran.stdout).reshape(len(points), 1 + network.n_in + network.n_out)
    return found[:, 0], found[:, 1 : 1 + network.n_in], found[:, 1 + network.n_in :]


def with_field(field: Any, link: Link = Link.IDENTITY) -> QuantizedNetwork:
    network = builders.random_quantized(1, widths=(2, 4, 1), n_steps=2)
    return replace(network, source=replace(network.source, ansatz=Ansatz(offset=(field,), factor=(field,), link=link)))


@pytest.mark.parametrize("kind", FIELDS)
def test_fields_have_their_formulas(tmp_path: Path, kind: str) -> None:
    network = with_field(FIELDS[kind], Link.SOFTPLUS if kind == "polynomial" else Link.IDENTITY)
    points = builders.random_points(network, 200)
    points[:3, 0] = 1.0
    _, words, outputs = run_host(tmp_path, network, points)
    np.testing.assert_array_equal(words, encode_points(network, points)[0])
    expected = run_integer(network, points).outputs
    np.testing.assert_allclose(outputs, expected, rtol=LIBM, atol=LIBM * np.abs(expected).max())


def test_words_have_the_same_bits_everywhere(tmp_path: Path) -> None:
    """Ties, saturation and points far outside included."""
    network = builders.random_quantized(2, widths=(3, 4, 2), n_steps=1)
    points = builders.random_points(network, 2000)
    points[:500] = points[:500] * 5 - 2
    points[0] = 1e300
    scale = network.source.input_transform.scale
    points[500:700] = ((np.arange(200)[:, None] + 0.5) * 2.0**-14 + 1.0) / scale  # ties
    saturated, words, outputs = run_host(tmp_path, network, points)
    expected, n_saturated = encode_points(network, points)
    np.testing.assert_array_equal(words, expected)
    assert saturated.sum() == n_saturated > 0
    np.testing.assert_array_equal(outputs, run_integer(network, points).outputs)


@dataclass(frozen=True)
class Stranger:
    """A field whose formula C lacks."""

    n_dim: int = 2

    def evaluate(self, points: Any) -> Any:
        return points[:, 0].erf()


def test_a_formula_that_c_lacks_is_left_out_and_named() -> None:
    network = with_field(Stranger())
    code = write_ansatz(network.source)
    assert code.missing == "the operation 'erf'"
    text = write_host_header(network, build_header(plan_integers(network)).names)
    assert "The ansatz is LEFT OUT, because it needs the operation 'erf'" in text
    assert "_HAS_ANSATZ 0" in text
