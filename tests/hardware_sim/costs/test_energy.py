"""Energies: by hand from the counts, break-even against a bisection, the VSN authors' formulas in longhand."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

import builders
from neuropinn_lava.engine.reference import run_float, run_integer
from neuropinn_lava.hardware_sim.costs.energy import (
    estimate_energy,
    find_break_even,
    measure_sensitivities,
    price_workload,
    total_joules,
)
from neuropinn_lava.hardware_sim.costs.energy_files import find_energy_model, shipped_models
from neuropinn_lava.hardware_sim.costs.energy_model import EnergyModel, Part
from neuropinn_lava.hardware_sim.costs.quantities import QUANTITIES
from neuropinn_lava.hardware_sim.counts.counting import RowKind, count_operations
from neuropinn_lava.hardware_sim.counts.workload import Workload, dense_workload, deployed_workload, workload_at
from neuropinn_lava.network.quantized import QuantizedNetwork
from neuropinn_lava.network.spec import NetworkSpec, Polarity

ROUNDING = 1e-12
"""Sums of a few products in another order."""

MODELS = shipped_models()


def load_of(network: QuantizedNetwork | NetworkSpec, n: int = 30) -> Workload:
    points = builders.random_points(network, n)
    trace = run_integer(network, points) if isinstance(network, QuantizedNetwork) else run_float(network, points)
    return deployed_workload(network, count_operations(network, trace))


@pytest.fixture(scope="module")
def load() -> Workload:
    return load_of(builders.random_quantized(0, widths=(2, 12, 9, 1), n_steps=3, density=0.8))


def terms_by_hand(model: str, load: Workload) -> dict[str, float]:
    return {term.name: term.joules for term in price_workload(load, find_energy_model(model))}


def test_davies_by_hand(load: Workload) -> None:
    rows = load.layers
    operations, fired = sum(row.synaptic_operations for row in rows), sum(row.fired for row in rows)
    updates = (12 + 9 + 1) * 3
    terms = terms_by_hand("loihi1-davies", load)
    assert terms["synapses"] == pytest.approx(operations * 23.6e-12, rel=ROUNDING)
    assert terms["active updates"] == pytest.approx(fired * 81e-12, rel=ROUNDING)
    assert terms["inactive updates"] == pytest.approx((updates - fired) * 52e-12, rel=ROUNDING)
    assert terms["spikes in tile"] == pytest.approx(sum(row.sent for row in rows) * 1.7e-12, rel=ROUNDING)
    assert terms["static power"] == pytest.approx(3 * 0.104 * 5.8e-6, rel=ROUNDING)
    assert terms["hops east-west"] == 0.0  # no placement


def test_dense_machines_pay_for_every_weight_at_every_step(load: Workload) -> None:
    n_weights = 2 * 12 + 12 * 9 + 9
    terms = terms_by_hand("keras-cpu", load)
    assert terms["synapses"] == pytest.approx(3 * n_weights * 8.6e-9, rel=ROUNDING)
    assert terms["neuron updates"] == pytest.approx(3 * 22 * 8.6e-9, rel=ROUNDING)
    dense = {term.name: term.joules for term in price_workload(dense_workload(load), find_energy_model("keras-cpu"))}
    assert dense["synapses"] == pytest.approx(n_weights * 8.6e-9, rel=ROUNDING)


def test_quantities_of_words(load: Workload) -> None:
    # 8-bit weights: one byte per operation; 24-bit states: three bytes, read and written at each of three steps.
    assert QUANTITIES["weight_bytes"](load) == pytest.approx(QUANTITIES["synaptic_operations"](load), rel=ROUNDING)
    assert QUANTITIES["state_bytes"](load) == 2 * 3 * 22 * 3
    assert QUANTITIES["neuron_messages"](load) == QUANTITIES["spikes"](load)
    floating = load_of(builders.random_spec(0))
    assert QUANTITIES["weight_bytes"](floating) == 4 * QUANTITIES["synaptic_operations"](floating)


def test_static_power_is_a_term_of_its_own(load: Workload) -> None:
    estimate = estimate_energy(load, find_energy_model("loihi1-davies"))
    static = [term for term in estimate.terms if term.part is Part.STATIC]
    assert [term.name for term in static] == ["static power"]
    assert estimate.static_joules_per_sample == static[0].joules
    together = estimate.dynamic_joules_per_sample + estimate.static_joules_per_sample
    assert estimate.joules_per_sample == pytest.approx(together, rel=ROUNDING)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_estimates_are_consistent(model: EnergyModel, load: Workload) -> None:
    estimate = estimate_energy(load, model)
    assert estimate.joules_per_sample == pytest.approx(sum(term.joules for term in estimate.terms), rel=ROUNDING)
    assert estimate.low <= estimate.joules_per_sample * (1 + ROUNDING)
    assert estimate.high >= estimate.joules_per_sample * (1 - ROUNDING)
    assert estimate.source
    assert estimate.leaves_out
    assert all(np.isfinite(term.joules) and term.joules >= 0 for term in estimate.terms)
    swings = [sensitivity.swing for sensitivity in estimate.sensitivities]
    assert swings == sorted(swings, reverse=True)
    assert {s.constant for s in estimate.sensitivities} == {constant.name for constant in model.constants}


def test_sensitivity_of_one_constant_by_hand(load: Workload) -> None:
    model = find_energy_model("keras-loihi")
    base = total_joules(price_workload(load, model))
    terms = terms_by_hand("keras-loihi", load)
    found = {s.constant: s for s in measure_sensitivities(load, model)}["synaptic_operation"]
    assert not found.is_published
    assert found.low == pytest.approx(base - terms["synapses"] / 2, rel=ROUNDING)
    assert found.high == pytest.approx(base + terms["synapses"], rel=ROUNDING)


# Break-even.


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
@pytest.mark.parametrize("n_steps", [1, 3])
def test_break_even_against_a_bisection(model: EnergyModel, n_steps: int) -> None:
    load = load_of(builders.random_quantized(0, widths=(2, 40, 40, 1), n_steps=n_steps))
    found = find_break_even(load, model).activity

    def excess(activity: float) -> float:
        spiking, dense = workload_at(load, activity, n_steps), dense_workload(load)
        return sum(
            sign * total_joules(price_workload(w, model), Part.DYNAMIC) for sign, w in ((1, spiking), (-1, dense))
        )

    if found is None:
        assert excess(0.0) == excess(1.0)
        return
    low, high = -5.0, 5.0
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) < 0 else (low, middle)
    assert found == pytest.approx(high, abs=1e-9)


def test_the_vsn_authors_parity_lies_near_ninety_percent() -> None:
    # SPINONet: parity with a dense network at about 90 % activity for T = 1 and about 40 neurons a layer. Many layers, so
    # that the input, which always sends, weighs little.
    load = load_of(builders.random_quantized(0, widths=(2, *[40] * 12, 1), n_steps=1), 2)
    activity = find_break_even(load, find_energy_model("vsn-authors")).activity
    assert activity is not None
    assert 0.8 < activity < 0.95


def test_full_activity_at_one_step_costs_the_synapses_of_a_dense_pass() -> None:
    network = builders.with_activity(
        builders.random_quantized(0, widths=(3, 8, 8, 1), n_steps=1, polarity=Polarity.BOTH),
        builders.random_points(builders.random_quantized(0, widths=(3, 8, 8, 1)), 20),
        1.0,
    )
    load = workload_at(load_of(network), 1.0, 1)
    assert QUANTITIES["spikes"](load) == 16
    n_zero = sum(row.n_weights - row.n_synapses for row in load.layers)
    assert QUANTITIES["synaptic_operations"](load) <= QUANTITIES["dense_synaptic_operations"](load) - n_zero + 1e-9


def test_a_silent_network_costs_its_updates_and_its_input(load: Workload) -> None:
    silent = workload_at(load, 0.0, 3)
    assert QUANTITIES["spikes"](silent) == QUANTITIES["active_updates"](silent) == 0
    first = silent.layers[1]
    assert QUANTITIES["synaptic_operations"](silent) == first.synaptic_operations > 0


def test_workload_at_the_measured_activity_is_near_the_measured_one() -> None:
    load = load_of(builders.random_quantized(0, widths=(2, 60, 1), n_steps=2), 200)
    hidden = load.layers[1]
    again = workload_at(load, hidden.sent / hidden.n_neurons / 2, 2)
    assert again.layers[1].sent == pytest.approx(hidden.sent)
    assert again.layers[1].synaptic_operations == pytest.approx(hidden.synaptic_operations)


def test_messages_scale_with_events(load: Workload) -> None:
    doubled = replace(load, layers=tuple(replace(row, messages=2 * row.messages) for row in load.layers))
    dense = dense_workload(doubled)
    for row in dense.layers:
        sends = row.kind is not RowKind.OUTPUT
        assert row.messages == pytest.approx(2 * row.n_neurons if sends else 0)


# The VSN authors' operations, in longhand.


def test_vsn_formulas_in_longhand(load: Workload) -> None:
    mac = acc = read = write = 0.0
    for before, row in zip(load.layers, load.layers[1:], strict=False):
        th, th_out, n_out, steps = before.sent, row.sent, row.n_neurons, 3
        mac += th * n_out + steps * n_out
        acc += 2 * steps * n_out + th * n_out
        read += th + (th + 1) * n_out + steps * n_out + 2 * n_out
        write += th_out + steps * n_out
    for name, expected in {"vsn_macs": mac, "vsn_accumulates": acc, "vsn_reads": read, "vsn_writes": write}.items():
        assert QUANTITIES[name](load) == pytest.approx(expected, rel=ROUNDING)
    dense = dense_workload(load)
    widths = [2, 12, 9, 1]
    mac = acc = read = write = 0
    for n_in, n_out in pairwise(widths):
        mac += n_in * n_out
        acc += n_out + n_in + n_out
        read += n_in + (n_in + 1) * n_out
        write += n_out
    found = [QUANTITIES[name](dense) for name in ("vsn_macs", "vsn_accumulates", "vsn_reads", "vsn_writes")]
    assert found == [mac, acc, read, write]
