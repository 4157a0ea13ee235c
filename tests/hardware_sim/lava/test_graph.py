"""A network's processes inside a user's own Lava graph, with Lava's own sources, sinks and run configurations."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import builders
from neuropinn_lava.base.errors import HardwareRuleError, SimulationError, SpecError
from neuropinn_lava.engine.host import decode_integers, encode_points
from neuropinn_lava.engine.reference import IntegerArithmetic, constant_inputs, run_float, run_integer
from neuropinn_lava.engine.trace import Probe
from neuropinn_lava.engine.walk import walk
from neuropinn_lava.hardware_sim.lava.graph import to_lava
from neuropinn_lava.hardware_sim.lava.simulate import simulate_on_lava
from neuropinn_lava.hardware_sim.parity.compare_traces import compare_traces
from neuropinn_lava.hardware_sim.runner import lava_guard
from neuropinn_lava.hardware_sim.runner.lava_guard import require_lava
from neuropinn_lava.hardware_sim.runner.run_graph import run_graph
from neuropinn_lava.hardware_sim.steps.choices import LayerModel
from neuropinn_lava.hardware_sim.steps.timing import time_network
from neuropinn_lava.network.quantized import QuantizedNetwork
from neuropinn_lava.network.spec import NetworkSpec
from small_graphs import with_hermit

sys.path.insert(0, str(Path(__file__).with_name("own_processes")))
pytestmark = pytest.mark.lava

N, T = 6, 2


def lava(module: str) -> Any:
    require_lava()
    return importlib.import_module(f"lava.{module}")


def presented(words: Any) -> Any:
    """Words (n_samples, n_in) as Lava's ring buffers take them: (n_in, time), each T times."""
    return np.repeat(words, T, axis=0).T


def run_in_own_graph(graph: Any, data: Any, run_config: Any) -> Any:
    """RingBuffer ──▶ network ──▶ RingBuffer, run by Lava itself; returns what was emitted, (n_samples, T, n_out)."""
    source = lava("proc.io.source").RingBuffer(data=data)
    n_lava_steps = N * T + graph.latency
    sink = lava("proc.io.sink").RingBuffer(shape=graph.y_out.shape, buffer=n_lava_steps)
    source.s_out.connect(graph.a_in)
    graph.y_out.connect(sink.a_in)
    try:
        source.run(condition=lava("magma.core.run_conditions").RunSteps(n_lava_steps), run_cfg=run_config)
        emitted = sink.data.get()
    finally:
        if source.runtime is not None:
            source.stop()
    return emitted[:, graph.latency :].T.reshape(N, T, -1)


@pytest.mark.parametrize("model", [LayerModel.FUSED, LayerModel.DENSE])
def test_integers_in_an_own_graph(model: LayerModel) -> None:
    network = builders.random_quantized(4, n_steps=T)
    points = builders.random_points(network, N)
    words, _ = encode_points(network, points)
    graph = to_lava(network, model=model, probe=Probe(n_samples=N))
    emitted = run_in_own_graph(graph, presented(words), graph.run_config())
    expected = run_integer(network, points, Probe(n_samples=N))
    assert np.array_equal(emitted, expected.probe.output)
    u = decode_integers(network, points, emitted.sum(axis=1).astype(np.int64))
    assert np.array_equal(u, expected.outputs)
    for recording, trace, counts in zip(graph.recordings, expected.probe.nodes, expected.nodes, strict=True):
        assert np.array_equal(recording.node_trace().membrane, trace.membrane)
        assert recording.node_counts().fired.sum() >= counts.fired.sum()  # and of the sample that begins after the last


def test_floats_in_an_own_graph() -> None:
    network = builders.random_spec(4, n_steps=T)
    points = builders.random_points(network, N)
    graph = to_lava(network)
    emitted = run_in_own_graph(graph, presented(network.input_transform.apply(points)), graph.run_config())
    expected = run_float(network, points, Probe(n_samples=N)).probe.output
    assert np.allclose(emitted, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dense", [False, True])
def test_lavas_own_run_configuration_chooses_by_tag(dense: bool) -> None:
    """Loihi2SimCfg searches the files of the processes' folder: no file there may fail, and each tag has one model."""
    network = builders.random_quantized(5, n_steps=T)
    points = builders.random_points(network, N)
    config = lava("magma.core.run_configs").Loihi2SimCfg(select_tag="fixed_pt", select_sub_proc_model=dense)
    emitted = run_in_own_graph(to_lava(network), presented(encode_points(network, points)[0]), config)
    assert np.array_equal(emitted, run_integer(network, points, Probe(n_samples=N)).probe.output)


def test_lavas_own_run_configuration_chooses_floats_by_tag() -> None:
    network = builders.random_spec(5, n_steps=T)
    points = builders.random_points(network, N)
    config = lava("magma.core.run_configs").Loihi2SimCfg(select_tag="floating_pt")
    emitted = run_in_own_graph(to_lava(network), presented(network.input_transform.apply(points)), config)
    assert np.allclose(emitted, run_float(network, points, Probe(n_samples=N)).probe.output, rtol=1e-12, atol=1e-12)


def test_an_input_that_changes_from_step_to_step() -> None:
    """A user's source need not repeat its input: the first layer multiplies at every step unless told otherwise."""
    network = builders.random_quantized(6, n_steps=T)
    rng = np.random.default_rng(0)
    data = rng.integers(-9000, 9000, (2, N * T))
    emitted = run_in_own_graph(to_lava(network), data, to_lava(network).run_config())
    words = data.T.reshape(N, T, 2).astype(np.int64)
    assert np.array_equal(emitted, walked_outputs(network, words))


def walked_outputs(network: QuantizedNetwork, words: Any) -> Any:
    """Outputs (n_samples, n_steps, n_out) of words (n_samples, n_steps, n_in), by the reference engine's walk."""
    steps: list[Any] = []

    def see(t: int, node: Any, step: Any) -> None:
        if node is network.output:
            steps.append(step.payload)

    n_samples, n_steps, _ = words.shape
    walk(network, constant_inputs(network, words), n_steps, IntegerArithmetic(n_samples), see)
    return np.stack(steps, axis=1)


def test_a_source_that_is_late() -> None:
    """Two networks in a row: the second one's first message, of 24 bits, comes when the first one's leaves."""
    first = builders.random_quantized(1, widths=(2, 5, 2), n_steps=T)
    second = builders.random_quantized(2, widths=(2, 5, 2), n_steps=T, input_bits=24)
    points = builders.random_points(first, N)
    words, _ = encode_points(first, points)
    front = to_lava(first)
    back = to_lava(second, input_latency=front.latency, probe=Probe(n_samples=N))
    front.y_out.connect(back.a_in)
    source = lava("proc.io.source").RingBuffer(data=presented(words))
    source.s_out.connect(front.a_in)
    run_graph(source, front.run_config(), N * T + front.latency + back.latency)
    between = run_integer(first, points, Probe(n_samples=N)).probe.output
    assert np.array_equal(back.emitted.output.values, walked_outputs(second, between))


def test_membranes_are_variables_that_lava_can_read() -> None:
    network = builders.random_quantized(4, widths=(2, 5, 1), n_steps=8)
    words, _ = encode_points(network, builders.random_points(network, 1))
    graph = to_lava(network)
    source = lava("proc.io.source").RingBuffer(data=words.T)
    source.s_out.connect(graph.a_in)
    try:
        source.run(condition=lava("magma.core.run_conditions").RunSteps(8), run_cfg=graph.run_config())
        membrane = graph.nodes[0].m.get()
    finally:
        source.stop()
    probe = run_integer(network, builders.random_points(network, 1), Probe(n_samples=1)).probe
    assert np.array_equal(membrane, probe.nodes[0].membrane[0, 7])


def test_ports_have_a_batch_axis_only_where_asked_for() -> None:
    network = builders.random_quantized(4, widths=(3, 5, 2))
    assert (to_lava(network).a_in.shape, to_lava(network).y_out.shape) == ((3,), (2,))
    batched = to_lava(network, batch_size=9)
    assert (batched.a_in.shape, batched.nodes[0].a_out.shape, batched.y_out.shape) == ((9, 3), (9, 5), (9, 2))


def test_wrong_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    network: QuantizedNetwork | NetworkSpec = builders.random_quantized(4)
    with pytest.raises(SpecError, match=r"Schedule.batch_size must be at least 1; got 0"):
        to_lava(network, batch_size=0)
    with pytest.raises(SpecError, match="a model of single layers; got whole"):
        to_lava(network, model=LayerModel.WHOLE)
    with pytest.raises(HardwareRuleError, match="no batch axis"):
        to_lava(network, batch_size=2, model=LayerModel.DENSE)
    monkeypatch.setattr(lava_guard.sys, "version_info", (3, 12, 1, "final", 0))
    with pytest.raises(SimulationError, match=r"got Python 3\.12\.1"):
        to_lava(network)


def source_of(kind: str, **arguments: Any) -> Any:
    require_lava()
    return getattr(importlib.import_module("wide_source"), kind)(**arguments)


@pytest.mark.parametrize("model", [LayerModel.FUSED, LayerModel.DENSE])
@pytest.mark.parametrize(
    ("kind", "word", "complaint"),
    [
        ("WideSource", 32768, r"input words within ±32767; got 32768"),
        ("WideSource", 1 << 40, "fit int32"),
        ("WideSource", -(1 << 31), "input words within ±32767; got -2147483648"),
        ("NarrowSource", 0.7, r"that fit its own type, int32; got 0\.7"),
        ("NarrowSource", 1 << 40, r"that fit its own type, int32; got 1099511627776"),
        ("NarrowSource", np.nan, r"that fit its own type, int32; got nan"),
    ],
)
def test_words_that_do_not_fit_end_the_run(kind: str, word: float, complaint: str, model: LayerModel) -> None:
    """A user's source may send anything; sums are wide enough for the input word only."""
    network = builders.random_quantized(4, n_steps=1)
    graph = to_lava(network, model=model)
    source = source_of(kind, value=word, shape=(2,))
    source.a_out.connect(graph.a_in)
    with pytest.raises(SimulationError, match=complaint):
        run_graph(source, graph.run_config(), 3)


@pytest.mark.parametrize("word", [0.7, float(1 << 40), np.nan])
def test_words_that_lavas_own_source_would_cast(word: float) -> None:
    """Points in the place of words: Lava's source makes zeros of them before it sends. Lava's own runtime refuses, too."""
    graph = to_lava(builders.random_quantized(4, n_steps=T))
    with pytest.raises(SpecError, match=rf"RingBuffer .*variable 'data' must send values that fit .*int32; got {word}"):
        run_in_own_graph(graph, np.full((2, N * T), word), graph.run_config())


@pytest.mark.parametrize("word", [np.nan, np.inf])
def test_floats_that_are_no_numbers_end_the_run(word: float) -> None:
    graph = to_lava(builders.random_spec(4, n_steps=1))
    source = lava("proc.io.source").RingBuffer(data=np.full((2, 3), word))
    source.s_out.connect(graph.a_in)
    with pytest.raises(SimulationError, match=f"input words within .*; got {word}"):
        run_graph(source, graph.run_config(), 3)


@pytest.mark.parametrize("model", [LayerModel.FUSED, LayerModel.DENSE])
@pytest.mark.parametrize(
    ("build", "tag", "kind"),
    [(builders.random_quantized, "floating_pt", "quantized"), (builders.random_spec, "fixed_pt", "float")],
)
def test_a_run_configuration_of_other_numbers_is_refused(build: Any, tag: str, kind: str, model: LayerModel) -> None:
    """Lava's default tag is "floating_pt": a quantized record there would compute with integers as if they were floats."""
    network = build(5, n_steps=T)
    config = lava("magma.core.run_configs").Loihi2SimCfg(
        select_tag=tag, select_sub_proc_model=model is LayerModel.DENSE
    )
    right = "fixed_pt" if kind == "quantized" else "floating_pt"
    with pytest.raises(SpecError, match=rf"run a {kind} network in process models tagged '{right}'; got .*'{tag}'"):
        run_in_own_graph(to_lava(network), np.zeros((2, N * T)), config)


def test_lavas_default_run_configuration_is_refused_by_the_runner() -> None:
    graph = to_lava(builders.random_quantized(5, n_steps=T))
    source = lava("proc.io.source").RingBuffer(data=np.zeros((2, N * T), np.int32))
    source.s_out.connect(graph.a_in)
    with pytest.raises(SimulationError, match=r"run a quantized network in .*net\.run_config\(\)"):
        run_graph(source, lava("magma.core.run_configs").Loihi2SimCfg(), 3)


def test_a_float_dense_inside_a_quantized_layer_is_refused() -> None:
    """A user's exception for all Dense would reach the network's own, whose integer weights are doubled."""
    graph = to_lava(builders.random_quantized(5, n_steps=T), model=LayerModel.DENSE)
    source = lava("proc.io.source").RingBuffer(data=np.ones((2, N * T), np.int32))
    source.s_out.connect(graph.a_in)
    config = graph.run_config({lava("proc.dense.process").Dense: lava("proc.dense.models").PyDenseModelFloat})
    with pytest.raises(SimulationError, match="products of type int32; got float64"):
        run_graph(source, config, 3)


def behind_a_dense(input_latency: int | None, model: LayerModel) -> Any:
    """Lava's own Dense, which delays by one step, before a network."""
    graph = to_lava(builders.random_quantized(4, n_steps=T), model=model, input_latency=input_latency)
    source = lava("proc.io.source").RingBuffer(data=np.ones((2, N * T), np.int32))
    dense = lava("proc.dense.process").Dense(weights=2 * np.eye(2, dtype=int), weight_exp=-1, num_message_bits=24)
    source.s_out.connect(dense.s_in)
    dense.a_out.connect(graph.a_in)
    return run_graph(source, graph.run_config(), 5)


@pytest.mark.parametrize("model", [LayerModel.FUSED, LayerModel.DENSE])
@pytest.mark.parametrize("said", [None, 0, 2])
def test_a_wrong_latency_is_refused(said: int | None, model: LayerModel) -> None:
    with pytest.raises(SimulationError, match=r"input_latency .*Pass input_latency=1\."):
        behind_a_dense(said, model)


@pytest.mark.parametrize("model", [LayerModel.FUSED, LayerModel.DENSE])
def test_the_right_latency_is_accepted(model: LayerModel) -> None:
    assert behind_a_dense(1, model) == ()


def test_a_delay_that_nobody_knows_must_be_said() -> None:
    for said, refused in ((None, True), (0, False)):
        graph = to_lava(builders.random_quantized(4, n_steps=T), input_latency=said)
        relay = source_of("Relay", shape=(2,))
        source = lava("proc.io.source").RingBuffer(data=np.ones((2, N * T), np.int32))
        source.s_out.connect(relay.a_in)
        relay.a_out.connect(graph.a_in)
        if refused:
            with pytest.raises(
                SimulationError, match=r"a process before it whose delay is not known\. Pass input_latency"
            ):
                run_graph(source, graph.run_config(), 5)
        else:
            run_graph(source, graph.run_config(), 5)


def run_graph_of_inputs(graph: Any, words: Any, n_steps: int) -> Any:
    """A RingBuffer for each input ──▶ network ──▶ RingBuffer, messages `graph.interval` steps apart; what was emitted."""
    n_samples, n_messages = len(words), len(words) * n_steps
    n_lava_steps = n_messages * graph.interval + graph.latency
    sources, begin = [], 0
    for name, ports in graph.inputs.items():
        width = ports[0].shape[0]
        data = np.full((width, n_lava_steps), 77)  # what arrives in between is ignored
        data[:, : n_messages * graph.interval : graph.interval] = words[..., begin : begin + width].reshape(-1, width).T
        sources.append(lava("proc.io.source").RingBuffer(data=data))
        sources[-1].s_out.connect(list(ports))
        begin += width
        assert name.startswith("x")
    sink = lava("proc.io.sink").RingBuffer(shape=graph.y_out.shape, buffer=n_lava_steps)
    graph.y_out.connect(sink.a_in)
    try:
        sources[0].run(condition=lava("magma.core.run_conditions").RunSteps(n_lava_steps), run_cfg=graph.run_config())
        emitted = sink.data.get()
    finally:
        if sources[0].runtime is not None:
            sources[0].stop()
    at = np.arange(n_messages) * graph.interval + graph.latency
    return emitted[:, at].T.reshape(n_samples, n_steps, -1)


@pytest.mark.parametrize("model", [LayerModel.FUSED, LayerModel.DENSE])
def test_a_graph_of_several_inputs_and_a_loop_in_an_own_graph(model: LayerModel) -> None:
    """Every port of an input gets its messages; a sequence's steps are as many as the user says."""
    network = builders.random_graph(18, n_inputs=3, n_steps=None)
    assert time_network(network).interval > 1
    points = builders.random_points(network, 2)
    graph = to_lava(network, model=model, n_steps=6)
    assert sorted(graph.inputs) == ["x0", "x1", "x2"]
    emitted = run_graph_of_inputs(graph, encode_points(network, points)[0], 6)
    assert np.array_equal(emitted, run_integer(network, points, Probe(n_samples=2)).probe.output)


def test_what_a_graph_needs_is_said() -> None:
    sequences = builders.random_graph(3, n_inputs=2, n_steps=None)
    with pytest.raises(SpecError, match=r"to_lava.n_steps must be a number where an input is a sequence; got None"):
        to_lava(sequences)
    with pytest.raises(SpecError, match=r"to_lava.n_steps must be that of the network, 2.*; got 3"):
        to_lava(builders.random_quantized(3, n_steps=2), n_steps=3)
    with pytest.raises(SpecError, match=r"a_in must be used where one input port is open; got .* of 'x0'"):
        _ = to_lava(sequences, n_steps=2).a_in


def test_a_node_that_no_input_reaches_is_refused() -> None:
    """The hermit reads itself alone, and nobody reads it: Lava would not find its process. In one process it is computed."""
    network = with_hermit(builders.random_quantized(3, widths=(2, 4, 4, 1), n_steps=2), "hermit")
    with pytest.raises(SpecError, match=r"reach every node from its inputs over connections; got 'hermit'"):
        to_lava(network)
    points = builders.random_points(network, 4)
    assert compare_traces(run_integer(network, points), simulate_on_lava(network, points)).mismatches == 0
