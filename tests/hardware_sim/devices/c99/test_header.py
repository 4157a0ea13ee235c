"""The header compiles silently everywhere, and holds what it was proved to need and no more."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import builders
import c_programs
from neuropinn_lava.engine.host import encode_points
from neuropinn_lava.engine.reference import run_integer
from neuropinn_lava.hardware_sim.devices.c99.code.names import name_parts
from neuropinn_lava.hardware_sim.devices.c99.header import build_header, estimate_size, write_header
from neuropinn_lava.hardware_sim.devices.integer_plan import plan_integers
from neuropinn_lava.network.quantized import QuantizedNetwork
from small_graphs import gated_network

MAIN = '#include "network.h"\n{}\nint main(void)\n{{\n    return {};\n}}\n'


def header(network: QuantizedNetwork) -> str:
    return write_header(plan_integers(network))


@pytest.mark.parametrize("compiler", c_programs.COMPILERS)
@pytest.mark.parametrize("flags", [("-O0",), ("-O3", "-DNPL_COUNT")])
def test_compiles_silently(tmp_path: Path, compiler: str, flags: tuple[str, ...]) -> None:
    for network in (c_programs.draw_graph(7), c_programs.hard_networks()["sums beyond int32"], gated_network()):
        built = build_header(plan_integers(network))
        (tmp_path / "network.h").write_text(built.text)
        prefix = built.names.prefix
        text = MAIN.format(f"static {prefix}_state_t state;", f"(int){prefix}_init(&state)")
        done = c_programs.compile_text(tmp_path, text, compiler, *flags)
        assert (done.returncode, done.stderr) == (0, "")


def test_needs_nothing_but_stdint() -> None:
    for network in (c_programs.draw_graph(3), builders.random_quantized(1)):
        text = header(network)
        assert re.findall(r"#include (.*)", text) == ["<stdint.h>"]
        code = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
        assert not re.search(r"\b(malloc|free|float|double|static (?!const|inline))\b", code)


def test_payloads_share_their_room() -> None:
    """Chains of one step carry nothing, and share the room for their payloads."""
    network = builders.random_quantized(1, widths=(2, 7, 5, 6, 4, 1), n_steps=1)
    text = header(network)
    assert "membrane_" not in text
    assert re.findall(r"int16_t payload\d\[\d+\]", text) == ["int16_t payload0[7]", "int16_t payload1[5]"]


def test_words_are_as_narrow_as_proved() -> None:
    hard = c_programs.hard_networks()
    assert "int64_t products64" in header(hard["sums beyond int32"])
    assert "int64_t grown" in header(hard["states of 32 bits"])
    assert "int8_t payload0" in header(hard["states of 8 bits"])
    plain = header(builders.random_quantized(1, n_steps=2))
    assert "int64_t" not in plain[plain.index("/* Leak of") :]
    assert "static const int8_t npl_random1_hidden1_weight0[7][5]" in plain  # an event's weights lie side by side
    assert "static const int8_t npl_random1_hidden0_weight0[7][2]" in plain  # inputs are dense: a neuron's do


def test_sums_beyond_32_bits_are_announced() -> None:
    hard = c_programs.hard_networks()
    assert "Sums of hidden0, hidden1, output are proved to need 64 bits." in header(hard["sums beyond int32"])
    assert "All sums are proved to fit 32 bits." in header(builders.random_quantized(1))


def test_equal_entries_are_stored_once() -> None:
    """Two populations whose tables differ in the payload's word alone."""
    network = builders.random_quantized(1, activation="tanh")
    first, second = network.populations
    shorter = replace(second, table=replace(second.table, fraction_bits=second.table.fraction_bits + 1))
    text = header(replace(network, nodes=(first, shorter)))
    assert "_phi1(int32_t z)" in text
    assert len(re.findall(r"static const \w+ \w+_entries\[", text)) == 1


def test_dense_loops_follow_the_counts() -> None:
    network = builders.random_quantized(2, widths=(2, 7, 5, 1), n_steps=1)
    points = builders.random_points(network, 200)
    busy = builders.with_activity(network, points, 0.95)
    plan = plan_integers(busy, run_integer(busy, points))
    assert plan.populations[1].affine.connections[0].is_dense
    assert "_hidden1_weight0[5][7]" in write_header(plan)


def test_clips_that_are_proved_dead_are_left_out() -> None:
    assert "saturated_drive, NPL_RANDOM3" in header(builders.saturating_quantized(3))
    assert "saturated_drive, NPL_RANDOM1" not in header(builders.random_quantized(1))


def test_one_shift_for_all_is_a_constant() -> None:
    network = builders.random_quantized(1)
    alike = builders.with_layer(network, 0, weight_exponent=np.full(7, -9))
    assert "_hidden0_down0" in header(network)
    assert "_hidden0_down0" not in header(alike)


@pytest.mark.parametrize(
    ("name", "stem"),
    [("Poisson star", "poisson_star"), ("réseau", "r_seau"), ("∆", "net"), ("2d", "2d"), ("a" * 60, "a" * 24)],
)
def test_names_are_those_of_c(name: str, stem: str) -> None:
    network = builders.random_quantized(1)
    named = replace(network, source=replace(network.source, name=name))
    assert name_parts(plan_integers(named)).stem == stem


COUNTING = """
#include <stdio.h>
#define NPL_COUNT
#include "network.h"

int main(void)
{{
    static const {prefix}_input_t words[{n}][{macro}_N_IN] = {{ {words} }};
    static {prefix}_state_t state;
    {prefix}_sum_t sums[{macro}_N_OUT];
    uint32_t i;
    (void){prefix}_init(&state);
    for (i = 0u; i < {n}u; ++i) {{
        (void){prefix}_run(&state, words[i], sums);
    }}
    for (i = 0u; i <= (uint32_t){macro}_NODE_OUTPUT; ++i) {{
        (void)printf("%u %u %u\\n", state.counts.events[i], state.counts.fired[i], state.counts.operations[i]);
    }}
    return 0;
}}
"""


def test_counters_count(tmp_path: Path) -> None:
    """Inputs are dense: every weight is an operation; behind a population every event costs its fan-out; products, pairs."""
    compiler = c_programs.require_compiler()
    network, n = gated_network(), 25
    points = builders.random_points(network, n)
    words, _ = encode_points(network, points)
    built = build_header(plan_integers(network))
    (tmp_path / "network.h").write_text(built.text)
    rows = ", ".join("{ " + ", ".join(str(word) for word in row) + " }" for row in words.tolist())
    text = COUNTING.format(prefix=built.names.prefix, macro=built.names.macro, n=n, words=rows)
    done = c_programs.compile_text(tmp_path, text, compiler)
    assert done.returncode == 0, done.stderr
    lines = subprocess.run([tmp_path / "program"], capture_output=True, text=True, check=True).stdout.splitlines()
    found = {
        node.name: tuple(int(word) for word in line.split())
        for node, line in zip((*network.nodes, network.output), lines, strict=True)
    }
    trace = run_integer(network, points)
    events = {node.name: int(node.events.sum()) for node in trace.nodes}
    late = int(trace.nodes[0].events[:-1].sum())  # of hidden0, read a step later: those of the last step are not
    for node in trace.nodes:
        assert found[node.name][:2] == (events[node.name], int(node.fired.sum()))
    gate = next(node for node in trace.nodes if node.name == "gate")
    assert gate.multiplied is not None
    assert found["hidden0"][2] == n * 3 * 2 * 6
    assert found["hidden1"][2] == events["hidden0"] * 6
    assert found["gate"][2] == int(gate.multiplied.sum())
    assert found["hidden2"][2] == (events["gate"] + events["hidden1"] + late) * 6
    assert found["output"] == (0, 0, events["hidden2"])


def test_names_do_not_collide() -> None:
    network = builders.random_graph(1, n_nodes=3)
    plan = plan_integers(network)
    nodes = tuple(replace(node, name=name) for node, name in zip(plan.nodes, ("a-b", "a b", "a_b"), strict=True))
    found = name_parts(replace(plan, nodes=nodes)).nodes
    assert [found[node.name] for node in nodes] == ["a_b", "a_b_2", "a_b_3"]


def test_sizes_are_counted_by_hand() -> None:
    """2 -> 3 -> 1, T = 2: weights 6 + 3 bytes; biases, thresholds 4 each, leaks 2 each; one table of 257 entries."""
    network = builders.random_quantized(5, widths=(2, 3, 1), n_steps=2, activation="tanh")
    plan = plan_integers(network)
    (phi,) = plan.tables
    beta = 0 if len(set(network.populations[0].beta.tolist())) == 1 else 6
    shifts = sum(len(left) for affine in network.affines for left in affine.lefts if len(set(left.tolist())) > 1)
    bytes_of_entries = 4 if abs(phi.cells).max() >= 1 << 15 else 2
    size = estimate_size(plan)
    assert size.constants == 9 + 3 * 4 + 3 * 4 + beta + shifts + len(phi.cells) * bytes_of_entries
    assert size.state == 3 * 4 + 4 + 3 * 2 + 2  # membranes, one product, payloads, padding
    assert size.flash == size.constants + size.code


def test_a_size_is_what_the_compiler_sees(tmp_path: Path) -> None:
    compiler = c_programs.require_compiler()
    built = build_header(plan_integers(c_programs.draw_graph(3)))
    (tmp_path / "network.h").write_text(built.text)
    prefix = built.names.prefix
    text = MAIN.format("", f"(sizeof({prefix}_state_t) == {built.size.state}u) ? 0 : 1")
    assert c_programs.compile_text(tmp_path, text, compiler).returncode == 0
    assert subprocess.run([tmp_path / "program"], check=False).returncode == 0
