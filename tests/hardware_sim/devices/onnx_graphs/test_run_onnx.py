"""ONNX files and runs by ONNX Runtime: the whole record of the reference engine, bit by bit. Needs the extra onnx."""

from __future__ import annotations

import json

import numpy as np
import pytest

import builders
import neuropinn_lava as nl
from neuropinn_lava.app.lookup.networks import find_network
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.base.extras import MissingPackageError
from neuropinn_lava.engine.host import decode_integers, encode_points
from neuropinn_lava.engine.reference import run_integer
from neuropinn_lava.engine.state import RunState
from neuropinn_lava.engine.trace import Backend, Probe
from neuropinn_lava.hardware_sim.devices.integer_plan import plan_integers
from neuropinn_lava.hardware_sim.devices.onnx_graphs import run_onnx as module
from neuropinn_lava.hardware_sim.devices.onnx_graphs.onnx_model import PREFIX, describe_host, write_onnx
from neuropinn_lava.hardware_sim.devices.onnx_graphs.run_onnx import graph_inputs, run_onnx
from neuropinn_lava.hardware_sim.parity.compare_traces import compare_traces
from neuropinn_lava.network.quantized import QuantizedNetwork
from neuropinn_lava.network.spec import Readout
from small_graphs import gated_network

N_POINTS = 40


def assert_equal(network: QuantizedNetwork, points: np.ndarray, state: RunState | None = None) -> None:
    """Compare outputs, counts, saturations and every probed value."""
    probe = Probe(n_samples=len(points))
    expected, found = (run(network, points, probe, state) for run in (run_integer, run_onnx))
    result = compare_traces(expected, found, network=network)
    assert result.mismatches == 0, result.first_difference
    assert found.backend is Backend.ONNX
    if state is not None:
        assert expected.state is not None
        assert found.state is not None
        for kind in ("membranes", "lines"):
            for ours, theirs in zip(getattr(expected.state, kind), getattr(found.state, kind), strict=True):
                assert ours.name == theirs.name
                np.testing.assert_array_equal(ours.values, theirs.values)
        assert expected.state.step == found.state.step


class TestRuns:
    @pytest.fixture(autouse=True)
    def needs_onnx(self) -> None:
        pytest.importorskip("onnx", reason="needs the extra onnx")
        pytest.importorskip("onnxruntime", reason="needs the extra onnx")

    @pytest.mark.parametrize("seed", range(32))
    def test_graphs(self, seed: int) -> None:
        n_steps = (1, 2, 8, None)[seed % 4]
        readout = (Readout.MEAN, Readout.LAST, Readout.EVERY)[seed % (3 if n_steps is None else 2)]
        network = builders.random_graph(seed, n_inputs=1 + seed % 3, n_steps=n_steps, readout=readout)
        assert_equal(network, builders.random_points(network, N_POINTS, seed))

    @pytest.mark.parametrize("activation", builders.ACTIVATIONS)
    def test_every_table(self, activation: str) -> None:
        network = builders.random_quantized(4, activation=activation, index_size=10)
        assert_equal(network, builders.random_points(network, N_POINTS))

    @pytest.mark.parametrize("n_steps", [1, 2, 8])
    def test_words_that_saturate(self, n_steps: int) -> None:
        network = builders.saturating_quantized(n_steps, n_steps=n_steps)
        assert_equal(network, 3 * builders.random_points(network, N_POINTS) - 1)

    @pytest.mark.slow  # 21 conversions
    @pytest.mark.parametrize("name", builders.FIELD_MODELS)
    def test_shipped_networks(self, name: str) -> None:
        network = nl.convert(find_network(name)).network
        assert_equal(network, builders.random_points(network, 1000))

    def test_a_state_continues_a_run(self) -> None:
        network = builders.random_graph(11, n_steps=None, n_inputs=2)
        points = builders.random_points(network, 8)
        first = run_integer(network, points[:, :2], state=RunState.begin(network, 8))
        assert_equal(network, points[:, :2], RunState.begin(network, 8))
        assert_equal(network, points[:, 2:], first.state)

    def test_a_network_with_steps_of_its_own_continues_beyond_its_proofs(self) -> None:
        """Membranes of later runs exceed what two steps from zero can reach: a graph that continues has all clips."""
        network = builders.random_quantized(0, n_steps=2, state_range=6)
        never, no_leak = np.full(7, (1 << 23) - 1), np.full(7, 1 << 12)
        network = builders.with_layer(network, 0, theta=never, beta=no_leak)
        assert not plan_integers(network).populations[0].clips_membrane
        points, state = builders.random_points(network, 8), RunState.begin(network, 8)
        n_saturated = 0
        for _ in range(20):
            expected = run_integer(network, points, state=state)
            found = run_onnx(network, points, state=state)
            assert compare_traces(expected, found, network=network).mismatches == 0
            n_saturated += expected.nodes[0].saturated_membrane
            state = expected.state  # type: ignore[assignment]
        assert n_saturated > 0

    def test_blocks_and_chosen_samples(self, monkeypatch: pytest.MonkeyPatch) -> None:
        network = gated_network()
        points, probe = builders.random_points(network, 50), Probe(samples=(3, 44), steps=(1,))
        expected = run_integer(network, points, probe)
        monkeypatch.setattr(module, "MAX_VALUES", 1000)
        found = run_onnx(network, points, probe)
        assert compare_traces(expected, found, network=network).mismatches == 0
        assert found.probe is not None
        assert found.probe.samples.tolist() == [3, 44]

    def test_a_mapping_of_inputs(self) -> None:
        network = builders.random_graph(3, n_inputs=2, n_steps=None)
        points = builders.random_points(network, 5)
        parts = network.split_inputs(points)
        mapping = {name: part if name == "x0" else part[:, 0] for name, part in parts.items()}
        np.testing.assert_array_equal(run_onnx(network, mapping).readout, run_integer(network, points).readout)

    def test_a_wrong_weight_is_found(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The graph of a plan with one other weight differs, first in that neuron of that node."""
        network = builders.random_quantized(13, n_steps=3)
        weight = np.array(network.populations[1].affine.connections[0].weight)
        weight[2, 0] += 9 if weight[2, 0] < 0 else -9
        wrong = plan_integers(builders.with_layer(network, 1, weight=weight))
        monkeypatch.setattr(module, "plan_integers", lambda _: wrong)
        points, probe = builders.random_points(network, 20), Probe(n_samples=20)
        result = compare_traces(run_integer(network, points, probe), run_onnx(network, points, probe), network=network)
        first = result.first_difference
        assert first is not None
        assert (first.layer, first.neuron) == ("hidden1", 2)


class TestFiles:
    @pytest.mark.parametrize("n_steps", [2, None])
    def test_a_file_alone_computes_the_outputs(self, tmp_path, n_steps: int | None) -> None:
        """ONNX Runtime reads the file, the metadata make words of points, and outputs of its integers."""
        onnx, runtime = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
        network = builders.random_graph(9, n_inputs=2, n_steps=n_steps)
        points, path = builders.random_points(network, 20), tmp_path / "network.onnx"
        length = None if n_steps else points.shape[1]
        write_onnx(network, path, n_steps=length)
        onnx.checker.check_model(str(path), full_check=True)
        expected = run_integer(network, points)
        session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        inputs = graph_inputs(plan_integers(network), network, encode_points(network, points)[0])
        (found,) = session.run(None, inputs)
        assert found.dtype == np.int64
        np.testing.assert_array_equal(found, expected.readout)
        np.testing.assert_array_equal(decode_integers(network, points, found), expected.outputs)
        metadata = session.get_modelmeta().custom_metadata_map
        assert metadata[f"{PREFIX}digest"] == network.digest()
        assert metadata[f"{PREFIX}version"] == nl.__version__
        assert metadata[f"{PREFIX}n_steps"] == str(n_steps or length)

    def test_only_standard_operators(self, tmp_path) -> None:
        onnx = pytest.importorskip("onnx")
        write_onnx(gated_network(), tmp_path / "network.onnx")
        model = onnx.load(str(tmp_path / "network.onnx"))
        assert {node.domain for node in model.graph.node} == {""}
        assert [(each.domain, each.version) for each in model.opset_import] == [("", 17)]

    def test_a_path_that_is_a_directory(self, tmp_path) -> None:
        pytest.importorskip("onnx")
        with pytest.raises(SpecError, match="be the path of a file"):
            write_onnx(gated_network(), tmp_path)


def test_the_metadata_say_what_the_host_computes() -> None:
    network = builders.random_quantized(0, n_steps=2)
    points = builders.random_points(network, 30)
    described = describe_host(network, 2)
    (given,) = json.loads(described[f"{PREFIX}inputs"])
    scaled = points * given["scale"] + given["offset"]
    highest = 2 ** (given["bits"] - 1) - 1
    words = np.clip(np.floor(np.ldexp(scaled, -given["exponent"]) + 0.5), -highest, highest)
    np.testing.assert_array_equal(words, encode_points(network, points)[0])
    made, trace = json.loads(described[f"{PREFIX}output"]), run_integer(network, points)
    y = np.ldexp(trace.readout.astype(float), made["exponent"]) / made["divisor"]
    np.testing.assert_array_equal(y * made["scale"] + made["offset"], trace.outputs)
    assert (made["readout"], made["has_ansatz"]) == ("mean", False)


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_missing_packages_are_named_with_their_extra(package: str, monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    from neuropinn_lava.hardware_sim.devices.onnx_graphs import onnx_model

    def missing(name: str, extra: str) -> object:
        if name == package:
            repair = f"Install it with `pip install 'neuropinn-lava[{extra}]'`."
            raise MissingPackageError(f"The package `{name}`", "be installed for this", "no such package", repair)
        return None

    for each in (module, onnx_model):
        monkeypatch.setattr(each, "import_extra", missing)
    network = builders.random_quantized(0)
    with pytest.raises(MissingPackageError, match=rf"{package}.*neuropinn-lava\[onnx\]"):
        run_onnx(network, builders.random_points(network, 2))
    if package == "onnx":
        with pytest.raises(MissingPackageError, match=r"neuropinn-lava\[onnx\]"):
            write_onnx(network, tmp_path / "network.onnx")
