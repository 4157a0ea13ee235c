"""Kernels: compiled loops and numpy's against the reference engine, bit for bit; float kernels to rounding."""

from __future__ import annotations

import ast
import importlib
import os
import platform
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import builders
import longhand
from neuropinn_lava.engine.reference import integer_drive, step_float, step_integer
from neuropinn_lava.engine.walk import NodeStep
from neuropinn_lava.hardware_sim.kernels import compiled_loops, layer_kernel, layout, numpy_loops
from neuropinn_lava.hardware_sim.kernels.layer_kernel import FloatKernel, IntegerKernel, fastest_loops, make_kernel
from neuropinn_lava.hardware_sim.kernels.layout import EVENTS, FIRED, NARROW, sum_type
from neuropinn_lava.network.integers import IntFormat
from neuropinn_lava.network.nodes import Polarity, ProductSpec
from neuropinn_lava.network.phi_table import make_table
from neuropinn_lava.network.quantized_nodes import (
    QuantizedAffine,
    QuantizedConnection,
    QuantizedPopulation,
    QuantizedProduct,
    Word,
)

ALL_LOOPS = pytest.mark.parametrize("loops", [compiled_loops, numpy_loops], ids=["compiled", "numpy"])
ROUNDING = 1e-13
"""Of sums of at most a hundred terms in another order, relative to the largest."""
WORDS = (
    {},
    {"input_bits": 8, "payload_bits": 8},  # aligned to the left
    {"payload_bits": 24, "input_bits": 24},  # sums in int64
    {"state_bits": 32},
    {"state_bits": 16, "weight_bits": 4},
    {"weight_bits": 16, "density": 0.3},
)
"""Word lengths, and with them shifts, of `builders.random_quantized`."""


def random_inputs(layer: QuantizedPopulation, n_rows: int, n_steps: int, seed: int = 0) -> list[Any]:
    """Words of any size for each connection, a third of them zero, the word's ends among them."""
    rng = np.random.default_rng(seed)
    received = []
    for each in layer.affine.connections:
        highest = IntFormat(bits=each.input_bits).highest
        a = rng.integers(-highest, highest + 1, (n_rows, n_steps, each.n_source)) >> rng.integers(0, 24, (n_rows, 1, 1))
        a[rng.random(a.shape) < 1 / 3] = 0
        a[0] = highest
        a[1:2] = -highest
        received.append(a)
    return received


def reference_steps(step: Any, node: Any, received: list[Any]) -> list[NodeStep]:
    """Compute the steps of a node by the reference engine, from values (n_rows, n_steps, n_source) of each connection."""
    n_rows, n_steps, _ = received[0].shape
    steps: list[NodeStep] = []
    for t in range(n_steps):
        membrane = steps[-1].carried if steps else np.zeros((n_rows, node.n_out), received[0].dtype)
        steps.append(step(node, membrane, [a[:, t] for a in received]))
    return steps


def assert_equals_reference(layer: QuantizedPopulation, received: list[Any], loops: ModuleType) -> None:
    """Advance a population by both and compare everything that either knows."""
    n_rows, n_steps, _ = received[0].shape
    kernel = IntegerKernel(layer, loops)
    tally = kernel.tally(n_steps, n_rows)
    membrane = np.zeros((n_rows, layer.n_out), np.int32)
    payload = np.zeros((n_rows, n_steps, layer.n_out), np.int32)
    kernel.advance([a.astype(np.int32) for a in received], membrane, payload, tally)
    steps = reference_steps(step_integer, layer, received)
    for t, step in enumerate(steps):
        assert np.array_equal(tally.fired[:, t], step.fired)
        assert np.array_equal(tally.membrane[:, t], step.carried)
        assert np.array_equal(payload[:, t], step.payload)
        assert np.array_equal(tally.counts[t, FIRED], step.fired.sum(axis=0))
        assert np.array_equal(tally.counts[t, EVENTS], (step.payload != 0).sum(axis=0))
    assert np.array_equal(membrane, steps[-1].carried)
    assert np.array_equal(tally.saturated.sum(axis=1), np.sum([step.saturated for step in steps], axis=0))


@ALL_LOOPS
@pytest.mark.parametrize("activation", builders.ACTIVATIONS)
@pytest.mark.parametrize("polarity", builders.POLARITIES)
@pytest.mark.parametrize("words", WORDS, ids=str)
def test_layer_equals_reference(loops: ModuleType, activation: str, polarity: Polarity, words: dict[str, Any]) -> None:
    network = builders.random_quantized(3, widths=(5, 19, 9, 1), activation=activation, polarity=polarity, **words)
    for layer in network.populations:
        assert_equals_reference(layer, random_inputs(layer, 23, 5), loops)


@ALL_LOOPS
@pytest.mark.parametrize("activation", builders.ACTIVATIONS)
def test_saturating_layer_equals_reference(loops: ModuleType, activation: str) -> None:
    layer = builders.saturating_quantized(1, widths=(4, 17, 1), activation=activation).populations[0]
    assert_equals_reference(layer, random_inputs(layer, 40, 8), loops)


@ALL_LOOPS
@pytest.mark.parametrize("widths", [(129, 64, 1), (260, 112, 1), (64, 150, 1), (16, 16, 1), (1, 1, 1)], ids=str)
def test_layer_of_any_size_equals_reference(loops: ModuleType, widths: tuple[int, ...]) -> None:
    """More inputs than one mask has bits, more neurons than registers hold, and numbers that no vector divides."""
    layer = builders.random_quantized(7, widths=widths, input_bits=8, payload_bits=8).populations[0]
    assert_equals_reference(layer, random_inputs(layer, 9, 3), loops)


@ALL_LOOPS
@settings(max_examples=60)
@given(data=st.data())
def test_any_layer_equals_reference(loops: ModuleType, data: st.DataObject) -> None:
    words = {"input_bits": st.integers(2, 24), "payload_bits": st.integers(2, 24), "state_bits": st.integers(8, 32)}
    network = builders.random_quantized(
        data.draw(st.integers(0, 1 << 16)),
        widths=(data.draw(st.integers(1, 40)), data.draw(st.integers(1, 40)), 1),
        activation=data.draw(st.sampled_from(builders.ACTIVATIONS)),
        polarity=data.draw(st.sampled_from(builders.POLARITIES)),
        state_range=data.draw(st.integers(-3, 6)),
        **{name: data.draw(bits) for name, bits in words.items()},
    )
    assert_equals_reference(network.populations[0], random_inputs(network.populations[0], 9, 3), loops)


@ALL_LOOPS
def test_constant_drive_equals_reference(loops: ModuleType) -> None:
    """Product once, then `fire` for all steps: what the first layer of a network does."""
    layer = builders.random_quantized(5, widths=(3, 21, 1), n_steps=8).populations[0]
    (a,) = random_inputs(layer, 11, 1)
    kernel = IntegerKernel(layer, loops)
    z, membrane = (np.zeros((11, layer.n_out), np.int32) for _ in range(2))
    payload, tally = np.zeros((11, 8, layer.n_out), np.int32), kernel.tally(8)
    kernel.drive([np.ascontiguousarray(a[:, 0], np.int32)], z, tally)
    kernel.fire(z, membrane, payload, tally)
    assert np.array_equal(z, integer_drive(layer.affine, [a[:, 0]])[0])
    steps = reference_steps(step_integer, layer, [np.repeat(a, 8, axis=1)])
    assert all(np.array_equal(payload[:, t], step.payload) for t, step in enumerate(steps))


@ALL_LOOPS
@settings(max_examples=60)
@given(data=st.data())
def test_any_connections_equal_reference(loops: ModuleType, data: st.DataObject) -> None:
    """Each connection has its own payload word and shifts; one sum of all is saturated once."""
    state_bits, n_out = data.draw(st.integers(12, 32)), data.draw(st.integers(1, 20))
    base = builders.random_quantized(
        data.draw(st.integers(0, 1 << 16)),
        widths=(1, n_out, 1),
        state_bits=state_bits,
        state_range=data.draw(st.integers(-3, 6)),
        activation=data.draw(st.sampled_from(builders.ACTIVATIONS)),
        polarity=data.draw(st.sampled_from(builders.POLARITIES)),
    ).populations[0]
    rng, weight_bits = np.random.default_rng(data.draw(st.integers(0, 1 << 16))), data.draw(st.integers(2, 12))
    connections = tuple(
        replace(
            builders.random_affine(
                rng,
                data.draw(st.integers(1, 20)),
                n_out,
                input_exponent=data.draw(st.integers(-20, -4)),
                input_bits=data.draw(st.integers(2, 24)),
                weight_bits=weight_bits,
            ).connections[0],
            source=f"x{index}",
        )
        for index in range(data.draw(st.integers(2, 4)))
    )
    layer = replace(base, affine=replace(base.affine, connections=connections))
    assert_equals_reference(layer, random_inputs(layer, 9, 3), loops)


@ALL_LOOPS
def test_products_made_elsewhere_equal_reference(loops: ModuleType) -> None:
    """What Lava's Dense computes of each connection, aligned and added here."""
    layer = connected_population(2)
    received = [a[:, 0] for a in random_inputs(layer, 13, 1)]
    pairs = zip(layer.affine.connections, received, strict=True)
    products = [(a @ each.weight.T).astype(np.int32) for each, a in pairs]
    kernel, z = IntegerKernel(layer, loops), np.zeros((13, layer.n_out), np.int32)
    kernel.align(products, z, kernel.tally(1))
    assert np.array_equal(z, integer_drive(layer.affine, received)[0])


def connected_population(n: int) -> QuantizedPopulation:
    """Return a population of five neurons with n connections of 8-bit words and different shifts."""
    rng = np.random.default_rng(n)
    base = builders.random_quantized(4, widths=(1, 5, 1)).populations[0]
    connections = tuple(
        replace(
            builders.random_affine(rng, 3, 5, input_exponent=-7 - 3 * index, input_bits=8).connections[0],
            source=f"x{index}",
        )
        for index in range(n)
    )
    return replace(base, affine=replace(base.affine, connections=connections))


def test_sums_of_several_connections_are_int32_exactly_where_they_fit() -> None:
    """Two connections of one weight 1 at the state's scale: the bound is 2 * highest + |b|; a third one is shifted too far."""
    affine = builders.random_quantized(0, widths=(1, 1, 1), state_bits=31).populations[0].affine
    (only,) = affine.connections
    plain = replace(
        only,
        weight=np.array([[1]]),
        weight_exponent=np.array([affine.state_exponent - only.input_exponent + 15]),
        input_bits=16,
    )
    pair = tuple(replace(plain, source=name) for name in "ab")
    room = NARROW - 1 - 2 * 32767 * (1 << 15)
    assert 0 < room < IntFormat(bits=31).highest
    assert sum_type(replace(affine, connections=pair, bias=np.array([room]))) is np.int32
    assert sum_type(replace(affine, connections=pair, bias=np.array([-room - 1]))) is np.int64
    far = replace(plain, source="c", weight_exponent=plain.weight_exponent - 15 - 31)
    assert sum_type(replace(affine, connections=(*pair, far), bias=np.array([0]))) is np.int64


@pytest.mark.parametrize("shift", [-40, -17, -1, 0, 3])
def test_product_equals_reference(shift: int) -> None:
    """Every sign, ties of half a unit, and the ends of the words."""
    word = Word(bits=12, exponent=-10)
    node = QuantizedProduct(
        name="product", left="a", right="b", width=4, left_word=word, right_word=word,
        sends=Word(bits=14, exponent=-20 - shift),
    )  # fmt: skip
    rng = np.random.default_rng(3)
    left, right = (rng.integers(-2047, 2048, (50, 2, 4)) >> rng.integers(0, 12, (50, 1, 1)) for _ in range(2))
    left[0], right[0], right[1] = 2047, 2047, 0
    kernel = make_kernel(node)
    payload, tally = np.zeros((50, 2, 4), np.int32), kernel.tally(2, 50)
    kernel.advance([left.astype(np.int32), right.astype(np.int32)], np.zeros((50, 4), np.int32), payload, tally)
    steps = reference_steps(step_integer, node, [left, right])
    assert all(np.array_equal(payload[:, t], step.payload) for t, step in enumerate(steps))
    assert np.array_equal(tally.counts[:, EVENTS], [(step.payload != 0).sum(axis=0) for step in steps])
    assert np.array_equal(tally.counts[:, FIRED], ((left != 0) & (right != 0)).sum(axis=0))
    assert np.array_equal(tally.saturated.sum(axis=1), np.sum([step.saturated for step in steps], axis=0))


def test_float_product_equals_reference() -> None:
    a = np.random.default_rng(0).normal(size=(2, 6, 3, 4))
    kernel = make_kernel(ProductSpec(name="product", left="a", right="b", width=4))
    payload = np.zeros((6, 3, 4))
    kernel.advance(list(a), np.zeros((6, 4)), payload, kernel.tally(3))
    assert np.array_equal(payload, a[0] * a[1])


def flat_layer(table: Any, *, state_bits: int, beta: Any, theta: int, polarity: Polarity) -> QuantizedPopulation:
    """Neurons without synapses, for drives and membranes that a test chooses."""
    n = len(beta)
    affine = QuantizedAffine(
        connections=(
            QuantizedConnection(
                source="input",
                weight=np.zeros((n, 1), np.int64),
                weight_bits=8,
                weight_exponent=np.zeros(n, np.int64),
                input_exponent=0,
                input_bits=8,
            ),
        ),
        bias=np.zeros(n, np.int64),
        state_exponent=table.state_exponent,
        state_bits=state_bits,
    )
    thetas = np.full(n, theta)
    return QuantizedPopulation(name="flat", affine=affine, beta=beta, theta=thetas, polarity=polarity, table=table)


def edges(bits: int) -> Any:
    """All 2^k - 1, 2^k, 2^k + 1 of a word, both signs."""
    powers = [1 << k for k in range(bits)]
    near = {value for power in powers for value in (power - 1, power, power + 1)}
    positive = {value for value in near if value < 1 << (bits - 1)}
    return np.array(sorted(positive | {-value for value in positive}))


@ALL_LOOPS
@pytest.mark.parametrize("state_bits", [24, 31, 32])
def test_leak_equals_longhand_at_every_edge(loops: ModuleType, state_bits: int) -> None:
    betas, membranes = np.array([0, 1, 2, 2047, 2048, 2049, 4094, 4095, 4096]), edges(state_bits)
    table = make_table("relu", state_exponent=-8, state_bits=state_bits, payload_exponent=-8, payload_bits=16)
    unreachable = IntFormat(bits=state_bits).highest
    layer = flat_layer(table, state_bits=state_bits, beta=betas, theta=unreachable, polarity=Polarity.POSITIVE)
    kernel = IntegerKernel(layer, loops)
    membrane = np.repeat(membranes[membranes < unreachable, None], len(betas), axis=1).astype(np.int32)
    expected = [[longhand.leaked(int(m), int(beta)) for beta in betas] for m in membrane[:, 0]]
    kernel.fire(np.zeros_like(membrane), membrane, np.zeros((len(membrane), 1, len(betas)), np.int32), kernel.tally(1))
    assert membrane.tolist() == expected


@ALL_LOOPS
@pytest.mark.parametrize("activation", builders.ACTIVATIONS)
@pytest.mark.parametrize(("payload_exponent", "payload_bits"), [(-14, 16), (-22, 24), (-6, 8), (-2, 16)])
def test_payload_equals_longhand_at_every_edge(
    loops: ModuleType, activation: str, payload_exponent: int, payload_bits: int
) -> None:
    assert_payloads_equal_longhand(loops, activation, payload_exponent, payload_bits)


@ALL_LOOPS
@pytest.mark.parametrize("activation", ["identity", "relu"])
@pytest.mark.parametrize("payload_exponent", [-56, -50, -49, 14, 40, 44])
def test_scales_far_apart_leave_nothing_or_saturate(loops: ModuleType, activation: str, payload_exponent: int) -> None:
    assert_payloads_equal_longhand(loops, activation, payload_exponent, 24)


def assert_payloads_equal_longhand(
    loops: ModuleType, activation: str, payload_exponent: int, payload_bits: int
) -> None:
    table = make_table(
        activation, state_exponent=-18, state_bits=24, payload_exponent=payload_exponent, payload_bits=payload_bits
    )
    near = np.array([table.domain + k for k in range(-3, 4)])
    z = np.unique(np.concatenate([edges(24), near, -near])).astype(np.int32)
    layer = flat_layer(table, state_bits=24, beta=np.zeros(len(z), np.int64), theta=0, polarity=Polarity.BOTH)
    kernel = IntegerKernel(layer, loops)
    payload, tally = np.zeros((1, 1, len(z)), np.int32), kernel.tally(1)
    kernel.fire(z[None], np.zeros((1, len(z)), np.int32), payload, tally)
    expected = [longhand.payload(table, int(value)) for value in z]
    assert payload[0, 0].tolist() == [value for value, _ in expected]
    assert tally.saturated[layout.PAYLOAD].tolist() == [int(clipped) for _, clipped in expected]


def test_sums_are_int32_exactly_where_they_fit() -> None:
    """One neuron, one weight: the bound is |w| * highest * 2**left + |b|."""
    affine = builders.random_quantized(0, widths=(1, 1, 1)).populations[0].affine
    (only,) = affine.connections
    exponent = affine.state_exponent - only.input_exponent + 10
    shifted = replace(only, weight=np.array([[64]]), weight_exponent=np.array([exponent]))
    near = replace(affine, connections=(shifted,), bias=np.array([0]))
    room = NARROW - 1 - 64 * 32767 * 1024  # what a bias may take up; negative would not fit
    assert 0 < room < IntFormat(bits=24).highest
    assert sum_type(replace(near, bias=np.array([room]))) is np.int32
    assert sum_type(replace(near, bias=np.array([-room - 1]))) is np.int64


def test_state_of_32_bits_is_summed_in_int64() -> None:
    assert sum_type(builders.random_quantized(0, state_bits=32).populations[0].affine) is np.int64


@pytest.mark.parametrize("activation", builders.ACTIVATIONS)
@pytest.mark.parametrize("polarity", builders.POLARITIES)
def test_float_layer_equals_reference(activation: str, polarity: Polarity) -> None:
    layer = builders.random_spec(2, widths=(4, 15, 1), activation=activation, polarity=polarity).populations[0]
    a = np.random.default_rng(0).normal(size=(12, 5, 4))
    kernel = FloatKernel(layer)
    membrane, payload, tally = np.zeros((12, 15)), np.zeros((12, 5, 15)), kernel.tally(5, 12)
    kernel.advance([a], membrane, payload, tally)
    for t, step in enumerate(reference_steps(step_float, layer, [a])):
        assert np.array_equal(tally.fired[:, t], step.fired)
        assert np.abs(payload[:, t] - step.payload).max() < ROUNDING
        assert np.abs(tally.membrane[:, t] - step.carried).max() < ROUNDING


def test_loops_are_compiled_where_numba_is(monkeypatch: pytest.MonkeyPatch) -> None:
    fastest_loops.cache_clear()
    assert fastest_loops() is compiled_loops
    fastest_loops.cache_clear()
    monkeypatch.setitem(sys.modules, "numba", None)
    assert fastest_loops() is numpy_loops
    fastest_loops.cache_clear()
    monkeypatch.undo()
    monkeypatch.setattr(importlib.import_module("numba").config, "DISABLE_JIT", True)
    assert fastest_loops() is numpy_loops
    fastest_loops.cache_clear()


CHECK = """
import sys
sys.path[:0] = sys.argv[1:]
import builders
from test_layer_kernel import assert_equals_reference, random_inputs
from neuropinn_lava.hardware_sim.kernels import compiled_loops
layer = builders.random_quantized(7, widths=(70, 90, 1), input_bits=10).populations[0]
assert_equals_reference(layer, random_inputs(layer, 9, 3), compiled_loops)
print("equal")
"""


@pytest.mark.slow
@pytest.mark.parametrize("features", ["+avx2,+avx,+sse4.2", "+sse2"])
@pytest.mark.skipif(platform.machine() != "x86_64", reason="features of another processor")
def test_older_processors_get_the_same_bits(tmp_path: Path, features: str) -> None:
    """Compiled anew for a processor without AVX-512, and for one without AVX."""
    here = Path(__file__).parent
    environment = {
        **os.environ,
        "NUMBA_CACHE_DIR": str(tmp_path),
        "NUMBA_CPU_NAME": "x86-64",
        "NUMBA_CPU_FEATURES": features,
    }
    command = [sys.executable, "-c", CHECK, str(here), str(here.parents[1])]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("equal\n", 0), done.stderr


def test_kernels_share_no_arithmetic_with_what_they_are_compared_with() -> None:
    folder = Path(layer_kernel.__file__).parents[1]
    modules = [*(folder / "kernels").glob("*.py"), *(folder / "lava" / "processes").glob("*.py")]
    files = [*modules, folder / "steps" / "layer_runs.py"]
    assert len(files) > 8
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module in {
                "neuropinn_lava.network.integers",
                "neuropinn_lava.network.phi_table",
            }:
                assert all(alias.name[0].isupper() for alias in node.names), (
                    f"{file.name} imports a function of the core"
                )
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules = [*names, node.module or ""] if isinstance(node, ast.ImportFrom) else names
            assert not any("neuropinn_lava.engine.reference" in module for module in modules), file.name
