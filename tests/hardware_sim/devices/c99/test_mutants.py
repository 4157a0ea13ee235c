"""The comparison has teeth: one changed number, shift or comparison in the C is found, and its place is named."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable

import numpy as np
import pytest

import builders
import c_programs
from neuropinn_lava.engine.reference import run_integer
from neuropinn_lava.engine.trace import Probe
from neuropinn_lava.hardware_sim.devices.c99 import run as run_module
from neuropinn_lava.hardware_sim.devices.c99.header import write_header
from neuropinn_lava.hardware_sim.parity.compare_traces import FirstDifference, compare_traces
from neuropinn_lava.network.quantized import QuantizedNetwork

N = 40


def first_difference(
    monkeypatch: pytest.MonkeyPatch, network: QuantizedNetwork, change: Callable[[str], str]
) -> FirstDifference:
    """Run a header that was changed, and return where the run goes wrong first."""
    c_programs.require_compiler()

    def write_changed(plan: object) -> str:
        text = write_header(plan)  # type: ignore[arg-type]
        changed = change(text)
        assert changed != text
        return changed

    monkeypatch.setattr(run_module, "_programs", OrderedDict())
    monkeypatch.setattr(run_module, "write_header", write_changed)
    points = builders.random_points(network, N)
    probe = Probe(n_samples=N)
    result = compare_traces(
        run_integer(network, points, probe), run_module.run_c99(network, points, probe), network=network
    )
    assert result.first_difference is not None
    return result.first_difference


def inside(text: str, function: str, old: str, new: str) -> str:
    """Replace a text once behind the head of a function or table."""
    head, found, rest = text.partition(function)
    assert found, function
    return head + found + rest.replace(old, new, 1)


def chain() -> QuantizedNetwork:
    network = builders.random_quantized(12, widths=(2, 9, 5, 1), n_steps=3)
    return builders.with_layer(network, 0, beta=np.full(9, 3001))


def test_one_weight(monkeypatch: pytest.MonkeyPatch) -> None:
    def change(text: str) -> str:
        head, found, rest = text.partition("_hidden1_weight0[9][5] = {\n    {\n        ")
        value = re.match(r"-?\d+", rest)
        assert value is not None
        return f"{head}{found}{int(value[0]) + 1}{rest[value.end() :]}"

    first = first_difference(monkeypatch, chain(), change)
    assert (first.layer, first.step, first.neuron) == ("hidden1", 0, 0)


def test_one_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    network = builders.random_quantized(11, widths=(2, 6, 5, 1), n_steps=2)
    network = builders.with_threshold_hits(network, builders.random_points(network, N))

    def change(text: str) -> str:
        return inside(text, "_node_hidden0(", "if (m >= ", "if (m > ")

    first = first_difference(monkeypatch, network, change)
    assert (first.layer, first.quantity, first.expected, first.found) == ("hidden0", "fired", 1.0, 0.0)


def test_one_shift(monkeypatch: pytest.MonkeyPatch) -> None:
    def change(text: str) -> str:
        return re.sub(
            r"(_hidden1_down0\[5\] = \{\n +)(\d+)u", lambda held: f"{held[1]}{int(held[2]) + 1}u", text, count=1
        )

    first = first_difference(monkeypatch, chain(), change)
    assert (first.layer, first.neuron) == ("hidden1", 0)


def test_the_rounding_of_the_leak(monkeypatch: pytest.MonkeyPatch) -> None:
    def change(text: str) -> str:
        return inside(text, "_leak(int32_t m", "? -(int32_t)kept", "? -(int32_t)kept - 1")

    first = first_difference(monkeypatch, chain(), change)
    assert (first.layer, first.quantity, first.step) == ("hidden0", "membrane", 1)
    assert first.expected - first.found == 1.0


def test_the_half_of_the_payload(monkeypatch: pytest.MonkeyPatch) -> None:
    def change(text: str) -> str:
        return re.sub(r"(_phi0\(int32_t z\)\n(?:.*\n)*?.*return .*\+ )(\d+)(, \d+u\);)", r"\g<1>0\g<3>", text, count=1)

    first = first_difference(monkeypatch, chain(), change)
    assert (first.layer, first.quantity, first.step) == ("hidden0", "payload", 0)


def test_a_delay_that_is_one_short(monkeypatch: pytest.MonkeyPatch) -> None:
    network = c_programs.draw_graph(7)

    def change(text: str) -> str:
        return re.sub(r"(s->at_\w+ >= )2u\) \? \((s->at_\w+) - 2u", r"\g<1>1u) ? (\g<2> - 1u", text, count=1)

    first = first_difference(monkeypatch, network, change)
    assert first.step is not None
    assert first.step > 0


def test_a_clip_that_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    network = builders.saturating_quantized(3, n_steps=2)

    def change(text: str) -> str:
        return inside(text, "_node_hidden0(", "z = -32767", "z = -32768")

    first = first_difference(monkeypatch, network, change)
    assert first.layer == "hidden0"


def test_a_count(monkeypatch: pytest.MonkeyPatch) -> None:
    network = builders.saturating_quantized(3, n_steps=2)

    def change(text: str) -> str:
        return inside(text, "_node_hidden1(", "COUNT(saturated_payload", "COUNT(saturated_drive")

    first = first_difference(monkeypatch, network, change)
    assert (first.layer, first.quantity) == ("hidden1", "saturated drives")
