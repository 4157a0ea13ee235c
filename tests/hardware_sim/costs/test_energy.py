"""Energies: by hand from the counts, break-even against a bisection, the VSN authors' formulas in longhand."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

import builders
import neuropinn_lava as nl
from neuropinn_lava.engine.reference import run_float, run_integer
from neuropinn_lava.hardware_sim.costs.dominance import find_dominance
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
from neuropinn_lava.hardware_sim.counts.counting import count_operations
from neuropinn_lava.hardware_sim.counts.operations import RowKind
from neuropinn_lava.hardware_sim.counts.workload import Workload, dense_workload, deployed_workload, workload_at
from neuropinn_lava.network.nodes import Polarity
from neuropinn_lava.network.quantized import QuantizedNetwork
from neuropinn_lava.network.spec import NetworkSpec

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


def with_words(load: Workload, **words: int) -> Workload:
    """The same load with other words in every connection."""
    return replace(
        load,
        rows=tuple(
            replace(row, connections=tuple(replace(each, **words) for each in row.connections)) for row in load.rows
        ),
    )


def terms_by_hand(model: str, load: Workload) -> dict[str, float]:
    return {term.name: term.joules for term in price_workload(load, find_energy_model(model))}


def test_davies_by_hand(load: Workload) -> None:
    rows = load.rows
    operations, fired = sum(row.synaptic_operations for row in rows), sum(row.fired for row in rows)
    updates = (12 + 9 + 1) * 3
    terms = terms_by_hand("loihi1-davies", load)
    assert terms["synapses"] == pytest.approx(operations * 28.9e-12, rel=ROUNDING)
    assert terms["active updates"] == pytest.approx(fired * 81e-12, rel=ROUNDING)
    assert terms["inactive updates"] == pytest.approx((updates - fired) * 52e-12, rel=ROUNDING)
    assert terms["spikes in tile"] == pytest.approx(sum(row.sent for row in rows) * 1.7e-12, rel=ROUNDING)
    assert terms["static power, barrier"] == pytest.approx(3 * 0.104 * 229e-9, rel=ROUNDING)
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


def test_static_power_has_terms_of_its_own(load: Workload) -> None:
    estimate = estimate_energy(load, find_energy_model("loihi1-davies"))
    static = [term for term in estimate.terms if term.part is Part.STATIC]
    assert all(term.name.startswith("static power") for term in static)
    assert estimate.static_joules_per_sample == pytest.approx(sum(term.joules for term in static), rel=ROUNDING)
    together = estimate.dynamic_joules_per_sample + estimate.static_joules_per_sample
    assert estimate.joules_per_sample == pytest.approx(together, rel=ROUNDING)


def test_static_power_lasts_for_barrier_and_busiest_core(load: Workload) -> None:
    # The second layer reaches 12 * 9 weights and is the busiest one; on four cores its fullest holds 3 of its 9 neurons.
    busiest = load.rows[2]
    on_four = replace(load, rows=tuple(replace(row, n_cores=4) for row in load.rows))
    assert busiest.synaptic_operations > max(load.rows[1].synaptic_operations, load.rows[3].synaptic_operations)
    terms = terms_by_hand("loihi1-davies", load)
    assert terms["static power, synapses of the busiest core"] == pytest.approx(
        0.104 * 3.5e-9 * busiest.synaptic_operations, rel=ROUNDING
    )
    assert terms["static power, active updates of the busiest core"] == pytest.approx(
        0.104 * 8.4e-9 * busiest.fired, rel=ROUNDING
    )
    assert terms["static power, inactive updates of the busiest core"] == pytest.approx(
        0.104 * 5.3e-9 * (9 * 3 - busiest.fired), rel=ROUNDING
    )
    shared = terms_by_hand("loihi1-davies", on_four)["static power, synapses of the busiest core"]
    assert shared == pytest.approx(0.104 * 3.5e-9 * busiest.synaptic_operations * 3 / 9, rel=ROUNDING)


# The energy of a step, measured as a whole.


@pytest.mark.parametrize(
    ("model", "low", "value", "high"),
    [("loihi2-builtin-step", 0.8e-6, 0.94e-6, 1.1e-6), ("loihi2-microcoded-step", 1.7e-6, 2.5e-6, 3.7e-6)],
)
def test_a_sample_takes_t_steps_in_the_pipeline_and_more_alone(
    load: Workload, model: str, low: float, value: float, high: float
) -> None:
    estimate = estimate_energy(load, find_energy_model(model))
    assert (estimate.n_steps, estimate.n_steps_alone) == (3, 3 + 2)  # two spiking layers
    assert estimate.joules_per_step == pytest.approx(value, rel=ROUNDING)
    assert estimate.joules_per_sample == pytest.approx(3 * value, rel=ROUNDING)
    assert estimate.joules_per_sample * estimate.alone_factor == pytest.approx(5 * value, rel=ROUNDING)
    assert (estimate.low, estimate.high) == pytest.approx((3 * low, 3 * high), rel=ROUNDING)
    assert estimate.dynamic_joules_per_sample == estimate.static_joules_per_sample == 0.0
    assert estimate.prices_steps
    assert estimate.has_static_power


def test_steps_and_operations_are_set_side_by_side(load: Workload) -> None:
    estimates = [estimate_energy(load, model) for model in MODELS]
    dominance = find_dominance(estimates)
    assert dominance is not None
    assert [step.model for step in dominance.steps] == ["loihi2-builtin-step", "loihi2-microcoded-step"]
    assert dominance.operations.model == "loihi1-davies"
    joules = dominance.operations.dynamic_joules_per_sample
    assert dominance.factors == pytest.approx((3 * 0.94e-6 / joules, 3 * 2.5e-6 / joules), rel=ROUNDING)
    assert find_dominance(estimates[:2]) is None
    assert find_dominance(estimates[2:]) is None


# Words and the dense baseline.


def test_shorter_words_cost_less_by_a_model_that_sees_bits(load: Workload) -> None:
    def joules(model: str, **words: int) -> float:
        return estimate_energy(with_words(load, **words), find_energy_model(model)).dynamic_joules_per_sample

    full = joules("45nm-int8")
    assert joules("45nm-int8", weight_bits=4) < full
    assert joules("45nm-int8", payload_bits=8) < full
    assert joules("loihi1-davies", weight_bits=4, payload_bits=8) == joules("loihi1-davies")
    assert [model.name for model in MODELS if model.sees_bits] == ["45nm-int8"]


def test_a_multiplier_costs_what_the_table_says_at_both_word_lengths(load: Workload) -> None:
    # Horowitz: 0.2 pJ for 8 x 8 bits, 3.1 pJ for 32 x 32.
    operations = QUANTITIES["synaptic_operations"](load)
    constant = find_energy_model("45nm-int8").constant("multiply_bit")
    for bits, picojoules, per_bit in ((8, 0.2, constant.highest), (32, 3.1, constant.lowest)):
        words = with_words(load, weight_bits=bits, payload_bits=bits)
        assert QUANTITIES["multiplied_bits"](words) == pytest.approx(operations * bits**2, rel=ROUNDING)
        assert per_bit * bits**2 == pytest.approx(picojoules, rel=2e-3)  # the file has three digits


def test_a_dense_pass_pays_no_leak_and_no_threshold(load: Workload) -> None:
    model = find_energy_model("45nm-int8")
    dense = {term.name: term.joules for term in price_workload(dense_workload(load), model)}
    assert dense["leak"] == dense["threshold"] == 0.0
    assert dense["bias"] > 0.0
    assert terms_by_hand("45nm-int8", load)["leak"] == pytest.approx(3 * 22 * 3.1e-12, rel=ROUNDING)


def test_the_break_even_of_poisson_with_the_constants_of_int8_and_a_small_memory() -> None:
    # 0.953 where an operation costs 0.2 + 0.1 + 1.25 pJ, as for 8-bit words in 8 KB; 1.016 if the dense pass paid leaks.
    chip = nl.convert(nl.find_network("poisson")).network
    points = builders.random_points(chip, 50)
    load = deployed_workload(chip, count_operations(chip, run_integer(chip, points)))
    model = find_energy_model("45nm-int8").with_constants(multiply_bit=0.2 / (8 * 16), sram_byte=1.25)
    assert find_break_even(load, model).activity == pytest.approx(0.953, abs=5e-4)


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
    n_zero = sum(each.n_weights - each.n_synapses for row in load.rows for each in row.connections)
    assert QUANTITIES["synaptic_operations"](load) <= QUANTITIES["dense_synaptic_operations"](load) - n_zero + 1e-9


def test_a_silent_network_costs_its_updates_and_its_input(load: Workload) -> None:
    silent = workload_at(load, 0.0, 3)
    assert QUANTITIES["spikes"](silent) == QUANTITIES["active_updates"](silent) == 0
    first = silent.rows[1]
    assert QUANTITIES["synaptic_operations"](silent) == first.synaptic_operations > 0


def test_workload_at_the_measured_activity_is_near_the_measured_one() -> None:
    load = load_of(builders.random_quantized(0, widths=(2, 60, 1), n_steps=2), 200)
    hidden = load.rows[1]
    again = workload_at(load, hidden.sent / hidden.n_neurons / 2, 2)
    assert again.rows[1].sent == pytest.approx(hidden.sent)
    assert again.rows[1].synaptic_operations == pytest.approx(hidden.synaptic_operations)


def test_messages_scale_with_events(load: Workload) -> None:
    doubled = replace(load, rows=tuple(replace(row, messages=2 * row.messages) for row in load.rows))
    dense = dense_workload(doubled)
    for row in dense.rows:
        sends = row.kind is not RowKind.OUTPUT
        assert row.messages == pytest.approx(2 * row.n_neurons if sends else 0)


# The VSN authors' operations, in longhand.


def test_vsn_formulas_in_longhand(load: Workload) -> None:
    mac = acc = read = write = 0.0
    for before, row in zip(load.rows, load.rows[1:], strict=False):
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
