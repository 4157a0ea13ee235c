"""QONNX graphs: thresholds at every sum, graphs by the interpreter of the tests, files and runs by qonnx where it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import builders
import neuropinn_lava as nl
from graph_interpreter import compute
from neuropinn_lava.app.lookup.networks import find_network
from neuropinn_lava.base.errors import HardwareRuleError, SpecError
from neuropinn_lava.base.extras import MissingPackageError
from neuropinn_lava.engine.host import encode_points
from neuropinn_lava.engine.reference import fires, run_integer
from neuropinn_lava.engine.state import RunState
from neuropinn_lava.engine.trace import Backend, Probe
from neuropinn_lava.hardware_sim.devices.integer_plan import plan_integers
from neuropinn_lava.hardware_sim.devices.onnx_graphs import qonnx_model
from neuropinn_lava.hardware_sim.devices.onnx_graphs.payload_lines import draw_lines
from neuropinn_lava.hardware_sim.devices.onnx_graphs.qonnx_model import run_qonnx, write_qonnx
from neuropinn_lava.hardware_sim.devices.onnx_graphs.qonnx_plan import lay_out_qonnx
from neuropinn_lava.hardware_sim.devices.onnx_graphs.thresholds import make_staircase
from neuropinn_lava.hardware_sim.parity.compare_traces import compare_traces
from neuropinn_lava.network.integers import IntFormat, saturate, shift_half_up
from neuropinn_lava.network.nodes import Polarity
from neuropinn_lava.network.phi_table import look_up
from neuropinn_lava.network.quantized import QuantizedNetwork
from neuropinn_lava.network.quantized_nodes import QuantizedProduct
from small_graphs import gated_network, with_connection

NEVER_FALL = ("identity", "relu", "tanh", "hardtanh", "leaky_relu(0.2)", "sigmoid", "elu", "selu", "softplus")
"""Activations that qualify with either polarity."""
RISE_ABOVE_ZERO = ("z_tanh_z", "tanh_squared", "silu", "gelu", "square")
"""Activations that qualify where only positive drives fire."""
BOTH, POSITIVE = Polarity.BOTH, Polarity.POSITIVE
QUALIFIED = [(name, polarity) for name in NEVER_FALL for polarity in (BOTH, POSITIVE)]
QUALIFIED += [(name, POSITIVE) for name in RISE_ABOVE_ZERO]


def short(
    activation: str = "tanh", polarity: Polarity = BOTH, payload_bits: int = 8, **options: Any
) -> QuantizedNetwork:
    """Draw a chain of one step with short payloads."""
    return builders.random_quantized(
        5, n_steps=1, activation=activation, polarity=polarity, payload_bits=payload_bits, **options
    )


@pytest.mark.parametrize(("activation", "polarity"), QUALIFIED)
def test_thresholds_are_the_payload_at_every_sum(activation: str, polarity: Polarity) -> None:
    """All sums W a of a small word, shifted to the left and to the right, against the equations of the reference."""
    network = short(activation, polarity, input_bits=7, weight_bits=4, state_bits=12, state_range=3, index_size=5)
    plan = plan_integers(network)
    for node, held in zip(plan.populations, network.populations, strict=True):
        stairs = make_staircase(node, draw_lines(plan.tables[node.table], node.affine.state.bits))
        (connection,), (left,) = held.affine.connections, held.affine.lefts
        bound = int(connection.product_bound().max())
        p = np.arange(-bound, bound + 1)[:, None]
        z, _ = saturate(shift_half_up(p, left) + held.affine.bias, IntFormat(bits=12))
        expected, _ = look_up(held.table, np.where(fires(z, held.theta, held.polarity), z, 0))
        count = np.stack([np.searchsorted(t, p[:, 0], side="right") for t in stairs.thresholds], axis=1)
        reachable = np.abs(p) <= connection.product_bound()
        np.testing.assert_array_equal((stairs.lowest + count)[reachable], expected[reachable])
        assert (np.diff(stairs.thresholds, axis=1) >= 0).all()
    assert any((left > 0).any() for each in network.populations for left in each.affine.lefts) or activation != "tanh"


@pytest.mark.parametrize(("activation", "polarity"), QUALIFIED)
@pytest.mark.parametrize("payload_bits", [8, 12])
def test_graphs(activation: str, polarity: Polarity, payload_bits: int) -> None:
    network = short(activation, polarity, payload_bits)
    points, plan = builders.random_points(network, 30), plan_integers(network)
    for moved in (points, 10 * (points - points.mean(axis=0))):
        (x,) = network.split_inputs(encode_points(network, moved)[0]).values()
        found = compute(lay_out_qonnx(plan, 30), {"input": x.astype(np.float32)})["output"]
        np.testing.assert_array_equal(found.astype(np.int64), run_integer(network, moved).readout)


def test_a_read_out_that_float32_holds_because_its_word_clips_it() -> None:
    """Sums shifted far to the left saturate the read-out's word; the product is clipped where that begins."""
    network = short("identity", payload_bits=12)
    (last,) = network.output.affine.connections
    strong = replace(last, weight_exponent=last.weight_exponent + 10)
    output = replace(network.output, affine=replace(network.output.affine, connections=(strong,)))
    network = replace(network, output=output, source=builders.float_twin(network.source, network.nodes, output))
    points = builders.random_points(network, 200)
    trace = run_integer(network, points)
    assert 0 < trace.saturated_output < 200
    graph = lay_out_qonnx(plan_integers(network), 200)
    assert {"Min", "Max"} <= {node.op for node in graph.nodes}
    found = compute(graph, {"input": encode_points(network, points)[0].astype(np.float32)})["output"]
    np.testing.assert_array_equal(found.astype(np.int64), trace.readout)


class TestRefusals:
    def refused(self, network: QuantizedNetwork) -> str:
        with pytest.raises(HardwareRuleError) as caught:
            lay_out_qonnx(plan_integers(network))
        return str(caught.value)

    def test_more_steps_than_one(self) -> None:
        assert "must have one step, T = 1" in self.refused(builders.random_quantized(0, n_steps=2, payload_bits=8))

    def test_sequences(self) -> None:
        assert "must have one step, T = 1: MultiThreshold has no membrane; got sequences" in self.refused(
            builders.random_graph(0, n_steps=None)
        )

    def test_products_and_several_connections(self) -> None:
        text = self.refused(gated_network(n_steps=1))
        assert "node 'gate' must be a population" in text
        assert "node 'hidden2' must have one connection" in text

    def test_a_delay(self) -> None:
        network = with_connection(short(), "hidden1", source="hidden0", delay=1)
        node = network.populations[1]
        late = tuple(each for each in node.affine.connections if each.delay)
        nodes = (network.nodes[0], replace(node, affine=replace(node.affine, connections=late)))
        source = builders.float_twin(network.source, nodes, network.output)
        order = {each.name: each for each in nodes}
        network = replace(network, nodes=tuple(order[each.name] for each in source.nodes), source=source)
        assert (
            "node 'hidden1' must receive what its source sends without delay; got a delay of 1 steps"
            in self.refused(network)
        )

    def test_payloads_longer_than_twelve_bits(self) -> None:
        text = self.refused(short(payload_bits=13))
        assert "node 'hidden0' must send payloads of at most 12 bits; got 13 bits, 8190 thresholds a neuron" in text

    @pytest.mark.parametrize(
        ("activation", "polarity"),
        [*((name, BOTH) for name in RISE_ABOVE_ZERO), ("sin_turns", POSITIVE), ("sin", POSITIVE)],
    )
    def test_payloads_that_fall(self, activation: str, polarity: Polarity) -> None:
        text = self.refused(short(activation, polarity))
        assert "node 'hidden0' must send payloads that never fall as the drive grows" in text

    def test_sums_beyond_float32(self) -> None:
        text = self.refused(short(widths=(2, 7, 5, 1), weight_bits=8, input_bits=24))
        assert "node 'hidden0' must keep its sums below 2**24, which float32 holds exactly" in text
        assert "hidden1" not in text

    @pytest.mark.parametrize("n_samples", [0, 1.5])
    def test_numbers_of_rows_that_are_none(self, n_samples: float) -> None:
        with pytest.raises(SpecError, match="n_samples must"):
            lay_out_qonnx(plan_integers(short()), n_samples)  # type: ignore[arg-type]

    def test_a_missing_package(self, monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
        def missing(name: str, extra: str) -> object:
            repair = f"Install it with `pip install 'neuropinn-lava[{extra}]'`."
            raise MissingPackageError(f"The package `{name}`", "be installed for this", "no such package", repair)

        monkeypatch.setattr(qonnx_model, "import_extra", missing)
        for call in (lambda: write_qonnx(short(), tmp_path / "q.onnx"), lambda: run_qonnx(short(), np.zeros((1, 2)))):
            with pytest.raises(MissingPackageError, match=r"qonnx.*neuropinn-lava\[qonnx\]"):
                call()


class TestByQonnx:
    @pytest.fixture(autouse=True)
    def needs_qonnx(self) -> None:
        pytest.importorskip("qonnx", reason="needs the extra qonnx")

    def assert_equal(self, network: QuantizedNetwork, points: np.ndarray) -> None:
        probe = Probe(n_samples=len(points))
        found = run_qonnx(network, points, probe)
        result = compare_traces(run_integer(network, points, probe), found, network=network)
        assert result.mismatches == 0, result.first_difference
        assert found.backend is Backend.QONNX

    @pytest.mark.filterwarnings("default")
    @pytest.mark.parametrize(("activation", "polarity"), QUALIFIED)
    def test_runs(self, activation: str, polarity: Polarity) -> None:
        network = short(activation, polarity, 12)
        self.assert_equal(network, builders.random_points(network, 70))

    @pytest.mark.filterwarnings("default")
    def test_words_that_saturate(self) -> None:
        network = builders.random_quantized(
            2, n_steps=1, activation="identity", polarity=BOTH, payload_bits=8, state_bits=16, state_range=-2,
            input_range=-1, payload_range=-6,
        )  # fmt: skip
        points = 3 * builders.random_points(network, 70) - 1
        trace = run_integer(network, points)
        assert min(trace.saturated_input, *(n.saturated_drive + n.saturated_payload for n in trace.nodes)) > 0
        self.assert_equal(network, points)

    @pytest.mark.slow  # 63 conversions, 2 s each
    @pytest.mark.filterwarnings("default")
    @pytest.mark.parametrize("payload_bits", [8, 10, 12])
    @pytest.mark.parametrize("name", builders.FIELD_MODELS)
    def test_shipped_networks(self, name: str, payload_bits: int) -> None:
        network = nl.convert(find_network(name), payload_bits=payload_bits).network
        if any(isinstance(node, QuantizedProduct) for node in network.nodes):
            with pytest.raises(HardwareRuleError):
                run_qonnx(network, builders.random_points(network, 2))
            return
        self.assert_equal(network, builders.random_points(network, 100))

    @pytest.mark.filterwarnings("default")
    def test_a_file_is_read_and_cleaned_up_by_qonnx(self, tmp_path) -> None:
        from qonnx.core.datatype import DataType
        from qonnx.core.modelwrapper import ModelWrapper
        from qonnx.core.onnx_exec import execute_onnx
        from qonnx.util.cleanup import cleanup_model

        network, path = short(payload_bits=10), tmp_path / "network.onnx"
        write_qonnx(network, path)
        read = ModelWrapper(str(path))
        assert read.get_metadata_prop("neuropinn_lava.digest") == network.digest()
        model = cleanup_model(read)
        assert [node.op_type for node in model.graph.node][:4] == ["MatMul", "MultiThreshold"] * 2
        (given,), (made,) = model.graph.input, model.graph.output
        assert model.get_tensor_datatype(given.name) == DataType["INT16"]
        point = builders.random_points(network, 1)
        words = encode_points(network, point)[0].astype(np.float32)
        found = execute_onnx(model, {given.name: words})[made.name]
        np.testing.assert_array_equal(found, run_integer(network, point).readout)

    def test_no_state(self) -> None:
        network = short()
        with pytest.raises(SpecError, match=r"run_qonnx.state must be left out"):
            run_qonnx(network, np.zeros((1, 2)), state=RunState.begin(network, 1))
