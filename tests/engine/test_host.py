"""What the host does for the chip: points to words, sums to physical units."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

import builders
import longhand
from neuropinn_lava.base.points import checked_points
from neuropinn_lava.engine.host import decode_floats, decode_integers, divisor, encode_points, held_rows
from neuropinn_lava.network.spec import Readout
from small_graphs import with_held


def test_encoding_equals_longhand() -> None:
    network = builders.random_quantized(0, input_bits=6)
    points = np.vstack([builders.random_points(network, 50), [[-3.0, 7.0], [0.0, 2.0], [1.0, 0.0]]])
    words, n_saturated = encode_points(network, points)
    expected = [
        [
            longhand.clipped(longhand.half_up(Fraction(x) / longhand.power(-4)), 6)
            for x in longhand.host_input(network.source, p)
        ]
        for p in points
    ]
    assert words.tolist() == [[word for word, _ in row] for row in expected]
    assert n_saturated == sum(over for row in expected for _, over in row) == 2


@pytest.mark.parametrize(("readout", "by"), [(Readout.MEAN, 3), (Readout.LAST, 1)])
def test_sums_are_divided_once(readout: Readout, by: int) -> None:
    network = builders.random_quantized(1, n_steps=3, readout=readout, ansatz=True)
    assert divisor(network.source) == by
    points = builders.random_points(network, 4)
    total = np.array([[10], [-7], [2**40 + 1], [0]])
    unit = 2.0**network.output.affine.state_exponent
    expected = network.source.restored(points, total * unit / by)
    np.testing.assert_array_equal(decode_integers(network, points, total), expected)
    np.testing.assert_array_equal(decode_floats(network.source, points, total * unit), expected)


def test_a_sum_of_the_longest_run_is_exact() -> None:
    # 4096 steps of a 32-bit state stay below 2^43: float64 holds them exactly
    network = builders.random_quantized(2, n_steps=4096, widths=(1, 2, 1))
    network = replace(network, source=replace(network.source, output_transform=builders.AffineTransform.identity(1)))
    total = np.array([[4096 * (2**31 - 1) - 1]])
    u = decode_integers(network, np.array([[0.5]]), total)
    assert Fraction(float(u[0, 0])) == Fraction(int(total[0, 0]), 4096) * longhand.power(
        network.output.affine.state_exponent
    )


@pytest.mark.parametrize(
    "points", [[[1, 2]], ((1.5, 2),), np.array([[1, 2]], dtype=np.float32), np.asfortranarray([[1, 2]])]
)
def test_points_of_any_kind_become_float64(points: object) -> None:
    array = checked_points(points, 2, "here")
    assert array.dtype == np.float64
    assert array.shape == (1, 2)


def test_held_rows_are_those_whose_words_differ_from_the_row_before() -> None:
    network = with_held(builders.random_graph(1, n_inputs=2), "x1")
    first, held = (each.width for each in network.inputs)
    unit = 2.0 ** network.input_words[1].exponent / network.source.input_transform.scale[first:]
    value = network.source.lower[first:] + 8 * unit
    # Rows 0 and 1 share a word although their floats differ; row 3 is the value of row 0 again, after another one.
    rows = [value, value + 0.25 * unit, value + 8 * unit, value, value]
    points = np.zeros((5, first + held))
    points[:, first:] = rows
    points[:, :first] = np.arange(5)[:, None]
    integers, _ = encode_points(network, points)
    assert (integers[0, first:] == integers[1, first:]).all()
    assert held_rows(network, points).tolist() == [0, 2, 3]
    assert held_rows(network.source, points).tolist() == [0, 1, 2, 3]
    assert held_rows(builders.random_graph(1, n_inputs=2), points).tolist() == []
