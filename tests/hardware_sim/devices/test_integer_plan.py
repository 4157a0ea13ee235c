"""The integer plan, executed literally in Python's integers, which have no length: every proof is held to what happens.

`PlanRun` computes one sample number by number. It asserts that each product, sum and value of a payload table fits the bits
that the plan proves, and that where a `clips_*` is False the clip would change nothing. It emits what `run_integer` emits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

import builders
import neuropinn_lava as nl
from neuropinn_lava.app.lookup.networks import find_network
from neuropinn_lava.engine.host import encode_points
from neuropinn_lava.engine.reference import run_integer
from neuropinn_lava.engine.trace import Probe
from neuropinn_lava.hardware_sim.devices.integer_plan import (
    DENSE_ACTIVITY,
    IntegerPlan,
    PopulationPlan,
    ProductPlan,
    SumPlan,
    plan_integers,
)
from neuropinn_lava.network.nodes import Polarity
from neuropinn_lava.network.quantized import QuantizedNetwork
from neuropinn_lava.network.spec import Readout
from small_graphs import gated_network, with_connection

FAR = 1000.0
"""Factor by which points leave the box: every input word saturates, at either end."""


def held(value: int, bits: int) -> int:
    """Assert that a word of so many bits holds the value, the sign included."""
    assert -(1 << bits - 1) <= value < 1 << bits - 1, (value, bits)
    return value


def clipped(value: int, bits: int, clips: bool) -> int:
    highest = (1 << bits - 1) - 1
    assert clips or abs(value) <= highest, value
    return max(-highest, min(highest, value))


class PlanRun:
    """One sample through a plan; words are (n_steps, n_in)."""

    def __init__(self, plan: IntegerPlan, words: Sequence[Sequence[int]]) -> None:
        self.plan, self.words = plan, words
        self.sent: list[dict[str, list[int]]] = []
        self.membranes = {node.name: [0] * node.n_out for node in plan.populations}

    def read_out(self) -> list[int] | list[list[int]]:
        emitted = [self.step(t) for t in range(len(self.words))]
        if self.plan.output.readout is Readout.EVERY:
            return emitted
        return (
            emitted[-1]
            if self.plan.output.readout is Readout.LAST
            else [sum(each) for each in zip(*emitted, strict=True)]
        )

    def step(self, t: int) -> list[int]:
        now: dict[str, list[int]] = {}
        self.sent.append(now)
        row = iter(self.words[t])
        for given in self.plan.inputs:
            now[given.name] = [next(row) for _ in range(given.width)]
        for node in self.plan.nodes:
            product = isinstance(node, ProductPlan)
            now[node.name] = self.multiply(node, now) if product else self.fire(node, self.drive(node.affine, t))
        return self.drive(self.plan.output.affine, t)

    def multiply(self, node: ProductPlan, now: dict[str, list[int]]) -> list[int]:
        half = 1 << node.down - 1 if node.down else 0
        values = []
        for a, b in zip(now[node.left], now[node.right], strict=True):
            scaled = held(held(a * b, node.product_bits) << node.up, node.product_bits)
            shifted = held(scaled + half, node.product_bits) >> node.down
            values.append(clipped(shifted, node.sends.bits, node.clips_payload))
        return values

    def drive(self, affine: SumPlan, t: int) -> list[int]:
        total = affine.bias.tolist()
        for each in affine.connections:
            if t < each.delay:
                continue
            values, weight = self.sent[t - each.delay][each.source], each.weight.tolist()
            for j, (up, half, down) in enumerate(
                zip(each.up.tolist(), each.half.tolist(), each.down.tolist(), strict=True)
            ):
                p = 0
                for w, a in zip(weight[j], values, strict=True):
                    p = held(p + w * a, each.product_bits)
                total[j] = held(total[j] + (held((p << up) + half, affine.sum_bits) >> down), affine.sum_bits)
        return [clipped(z, affine.state.bits, affine.clips_drive) for z in total]

    def fire(self, node: PopulationPlan, drive: list[int]) -> list[int]:
        before, bits = self.membranes[node.name], node.affine.state.bits
        payloads = []
        for j, z in enumerate(drive):
            leaked = abs(before[j]) * int(node.beta[j]) >> 12
            kept = leaked if before[j] >= 0 else -leaked
            assert node.has_membrane or kept == 0, kept
            m = clipped(kept + z, bits, node.clips_membrane)
            fired = (abs(m) if node.is_two_sided else m) >= node.theta[j]
            before[j] = 0 if fired else m
            a = self.phi(node, z) if fired and z else 0
            payloads.append(clipped(a, node.sends.bits, node.clips_payload))
        return payloads

    def phi(self, node: PopulationPlan, z: int) -> int:
        """Evaluate the formula of `Phi`, not yet saturated."""
        phi = self.plan.tables[node.table]
        q = abs(z) & phi.mask
        cell = min(q >> phi.index_bits, phi.last_below if z < 0 else phi.last)
        entry, rise = (int(each) for each in phi.cells[cell + (phi.first_below if z < 0 else 0)])
        base = held(entry << phi.index_bits, node.phi_bits)
        p = held(base + held(rise * (q - (cell << phi.index_bits)), node.phi_bits), node.phi_bits)
        p = -p if z < 0 and phi.sign_below < 0 else p
        return held(p + phi.half, node.phi_bits) >> phi.shift


def assert_plan_holds(network: QuantizedNetwork, points: np.ndarray, plan: IntegerPlan | None = None) -> None:
    plan = plan_integers(network) if plan is None else plan
    trace = run_integer(network, points)
    x, _ = encode_points(network, points)
    words = x if x.ndim == 3 else np.repeat(x[:, None], trace.n_steps, axis=1)
    found = [PlanRun(plan, sample).read_out() for sample in words.tolist()]
    np.testing.assert_array_equal(found, trace.readout)


def spread(network: QuantizedNetwork, n: int, seed: int = 0) -> np.ndarray:
    """Return points of the box, points around it, and points at which all input words are extreme, of either sign."""
    points = builders.random_points(network, n, seed)
    centre = (network.source.lower + network.source.upper) / 2
    return np.concatenate([points, centre + 3 * (points - centre), centre + FAR * (points - centre)])


@pytest.mark.parametrize("n_steps", [1, 2, 8, None])
@pytest.mark.parametrize("seed", range(10))
def test_graphs(seed: int, n_steps: int | None) -> None:
    readouts = (Readout.MEAN, Readout.LAST, Readout.EVERY)
    readout = readouts[seed % (3 if n_steps is None else 2)]
    network = builders.random_graph(seed, n_inputs=1 + seed % 3, n_steps=n_steps, readout=readout)
    assert_plan_holds(network, spread(network, 2, seed))


@pytest.mark.parametrize("activation", [*builders.ACTIVATIONS, "gelu", "elu", "selu", "softplus", "exp", "square"])
@pytest.mark.parametrize("polarity", list(Polarity))
def test_every_table(activation: str, polarity: Polarity) -> None:
    network = builders.random_quantized(6, activation=activation, polarity=polarity)
    assert_plan_holds(network, spread(network, 3))


@pytest.mark.parametrize("n_steps", [1, 2, 8])
@pytest.mark.parametrize("activation", ["identity", "relu", "tanh", "z_tanh_z"])
def test_words_that_saturate(activation: str, n_steps: int) -> None:
    network = builders.saturating_quantized(n_steps, n_steps=n_steps, activation=activation)
    points = spread(network, 4)
    assert run_integer(network, points).n_saturated > 0
    assert_plan_holds(network, points)


@pytest.mark.parametrize("name", ["poisson", "laplace"])
def test_shipped_networks(name: str) -> None:
    network = nl.convert(find_network(name)).network
    assert_plan_holds(network, spread(network, 1))


@pytest.mark.slow  # 21 conversions
@pytest.mark.parametrize("name", builders.FIELD_MODELS)
def test_every_shipped_network(name: str) -> None:
    network = nl.convert(find_network(name)).network
    assert_plan_holds(network, spread(network, 4))


class TestExtremes:
    """Words that reach the bounds themselves: the proofs are no tighter than they may be, and a bit less would not do."""

    def network(self) -> QuantizedNetwork:
        """Return a chain whose first neuron has weights of one sign: its sum is at its bound where the inputs are extreme."""
        network = builders.random_quantized(3, widths=(2, 4, 1), n_steps=1, activation="tanh")
        weight = np.full((4, 2), 127)
        return builders.with_layer(network, 0, weight=weight, bias=np.zeros(4, np.int64))

    def test_products_reach_their_bits(self) -> None:
        network = self.network()
        (connection,) = plan_integers(network).populations[0].affine.connections
        highest = 2 * 127 * ((1 << 15) - 1)  # two weights of 127 times the highest input word
        assert connection.product_bits == highest.bit_length() + 1
        run = PlanRun(plan_integers(network), [[32767, 32767]])
        run.read_out()
        short = replace(connection, product_bits=connection.product_bits - 1)
        plan = plan_integers(network)
        node = plan.populations[0]
        plan = replace(plan, nodes=(replace(node, affine=replace(node.affine, connections=(short,))),))
        with pytest.raises(AssertionError):
            PlanRun(plan, [[32767, 32767]]).read_out()

    def test_all_signs_of_the_highest_words(self) -> None:
        """The words themselves, without points: the least and the highest of each input, and zero."""
        network = builders.random_quantized(
            9, widths=(2, 7, 5, 1), n_steps=2, activation="silu", polarity=Polarity.BOTH
        )
        plan, scale = plan_integers(network), 32767
        for a in (-scale, 0, scale):
            for b in (-scale, 0, scale):
                assert len(PlanRun(plan, [[a, b]] * 2).read_out()) == plan.output.n_out

    def test_a_clip_that_is_denied_is_seen(self) -> None:
        network = builders.saturating_quantized(1, n_steps=1)
        plan = plan_integers(network)
        assert plan.populations[0].affine.clips_drive
        node = plan.populations[0]
        denied = replace(node, affine=replace(node.affine, clips_drive=False))
        wrong = replace(plan, nodes=(denied, *plan.nodes[1:]))
        with pytest.raises(AssertionError):
            assert_plan_holds(network, spread(network, 4), wrong)

    def test_a_phi_bit_less_is_seen(self) -> None:
        """The line of leaky ReLU is largest at the end of the state word, which a drive that saturates reaches."""
        network = builders.random_quantized(
            0, widths=(2, 3, 1), n_steps=1, activation="leaky_relu(0.2)", state_range=-3, input_range=1
        )
        plan = plan_integers(network)
        points = spread(network, 20)
        assert run_integer(network, points).nodes[0].saturated_drive
        node = plan.populations[0]
        wrong = replace(plan, nodes=(replace(node, phi_bits=node.phi_bits - 1),))
        assert_plan_holds(network, points, plan)
        with pytest.raises(AssertionError):
            assert_plan_holds(network, points, wrong)


class TestDense:
    def test_counts_of_a_run_choose(self) -> None:
        network = builders.random_quantized(1, n_steps=1, widths=(2, 8, 8, 8, 1))
        points = builders.random_points(network, 200)
        for share in (0.05, 0.95):
            active = builders.with_activity(network, points, share)
            trace = run_integer(active, points)
            activity = {node.name: node.events.sum() / (200 * 8) for node in trace.nodes}
            plan = plan_integers(active, trace)
            for node in (*plan.populations, plan.output):
                for each in node.affine.connections:
                    assert each.is_dense == (each.source == "input" or activity[each.source] > DENSE_ACTIVITY)
            assert [each.affine.connections[0].is_dense for each in plan.populations[1:]] == [share > 0.5] * 2

    def test_without_a_run_inputs_are_dense_and_nodes_are_not(self) -> None:
        plan = plan_integers(gated_network())
        dense = {each.source: each.is_dense for node in plan.populations for each in node.affine.connections}
        assert dense == {name: name == "input" for name in dense}
        assert len(dense) > 3

    def test_a_run_of_steps_counts_all_of_them(self) -> None:
        """Activity is per sample and step: a network that is silent at one step of two is not dense."""
        network = builders.with_activity(
            builders.random_quantized(1, n_steps=2), builders.random_points(builders.random_quantized(1), 50), 0.9
        )
        points = builders.random_points(network, 50)
        trace = run_integer(network, points, Probe(n_samples=50))
        assert trace.probe is not None
        plan = plan_integers(network, trace)
        for node, probed in zip(plan.populations[1:], trace.probe.nodes, strict=False):
            (each,) = node.affine.connections
            assert each.source == probed.name
            assert each.is_dense == (float((probed.payload != 0).mean()) > DENSE_ACTIVITY)


class TestTables:
    def test_equal_tables_are_one(self) -> None:
        network = builders.random_quantized(2, widths=(2, 5, 5, 5, 1))
        plan = plan_integers(network)
        assert [node.table for node in plan.populations] == [0, 0, 0]
        assert len(plan.tables) == 1

    def test_others_are_not(self) -> None:
        first = builders.random_quantized(2, widths=(2, 5, 5, 5, 1))
        other = builders.random_quantized(2, widths=(2, 5, 5, 5, 1), activation="tanh", payload_range=3)
        mixed = builders.with_layer(first, 1, table=other.populations[1].table)
        mixed = replace(mixed, source=builders.float_twin(mixed.source, mixed.nodes, mixed.output))
        plan = plan_integers(mixed)
        assert [node.table for node in plan.populations] == [0, 1, 0]
        assert_plan_holds(mixed, spread(mixed, 2))


class TestShape:
    def test_delays_widths_and_digest(self) -> None:
        network = with_connection(gated_network(), "hidden0", source="hidden2", delay=3)
        plan = plan_integers(network)
        assert plan.lines == {"hidden0": 1, "hidden2": 3}
        assert plan.digest == network.digest()
        assert (plan.n_in, plan.n_steps, plan.name) == (2, 3, network.name)
        assert plan.widths == {"input": 2, "hidden0": 6, "hidden1": 6, "gate": 6, "hidden2": 6}
        known = set(plan.widths) - {node.name for node in plan.nodes}
        for node in plan.nodes:
            assert {source for source, delay in node.edges if not delay} <= known
            known.add(node.name)

    def test_membranes_are_where_there_is_something_to_keep(self) -> None:
        once, often = (plan_integers(builders.random_quantized(0, n_steps=n)) for n in (1, 2))
        assert not any(node.has_membrane for node in once.populations)
        assert all(node.has_membrane for node in often.populations)
        assert not plan_integers(gated_network()).populations[1].has_membrane  # a relay
