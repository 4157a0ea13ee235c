"""Populations that a Lava user builds by hand: constructor, ports, Monitor, variables read and set between runs.

What they compute is compared with the reference engine's own membranes and payloads, in integers bit for bit. A graph by hand
runs in Lava's own runtime, with Lava's own run configuration.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import builders
from neuropinn_lava.base.errors import FixedPointError, NeuroPinnError, SimulationError, SpecError
from neuropinn_lava.engine.host import encode_points
from neuropinn_lava.engine.reference import run_float, run_integer
from neuropinn_lava.engine.trace import Probe, ProbeTrace
from neuropinn_lava.hardware_sim import lava as own_lava
from neuropinn_lava.hardware_sim.lava.graph import to_lava
from neuropinn_lava.hardware_sim.runner.lava_guard import require_lava
from neuropinn_lava.hardware_sim.runner.run_graph import run_graph
from neuropinn_lava.hardware_sim.steps.choices import LayerModel
from neuropinn_lava.network.nodes import ConnectionSpec, Polarity
from neuropinn_lava.network.phi_table import make_table
from neuropinn_lava.network.quantized import QuantizedNetwork

sys.path.insert(0, str(Path(__file__).with_name("own_processes")))
pytestmark = pytest.mark.lava

N, T = 3, 4


def lava(module: str, name: str) -> Any:
    require_lava()
    return getattr(importlib.import_module(f"lava.{module}"), name)


def by_hand(network: Any, **changes: Any) -> list[Any]:
    """The populations of a chain as a user writes them, one step apart, connected; each reads the one before."""
    built: list[Any] = []
    for index, node in enumerate(network.populations):
        is_quantized = isinstance(network, QuantizedNetwork)
        affine = node.affine if is_quantized else node
        process = own_lava.VSN(
            shape=(node.n_out,),
            weights=affine.connections[0] if is_quantized else affine.weight,
            bias=affine.bias,
            beta=node.beta,
            theta=node.theta,
            phi=node.table if is_quantized else node.activation,
            polarity=node.polarity,
            reset_interval=T,
            reset_offset=index,
            name=node.name,
            **changes,
        )
        if built:
            built[-1].a_out.connect(process.a_in)
        built.append(process)
    return built


def presented(words: Any) -> Any:
    """Words (n_samples, n_in) as Lava's ring buffers take them, (n_in, time), each T times."""
    return np.repeat(words, T, axis=0).T


def source_before(process: Any, data: Any) -> Any:
    source = lava("proc.io.source", "RingBuffer")(data=data)
    source.s_out.connect(process.a_in)
    return source


def config(network: Any, **options: Any) -> Any:
    """Lava's own run configuration, by the tag of the numbers."""
    tag = "fixed_pt" if isinstance(network, QuantizedNetwork) else "floating_pt"
    return lava("magma.core.run_configs", "Loihi2SimCfg")(select_tag=tag, **options)


@contextmanager
def running(process: Any, run_config: Any) -> Iterator[Callable[[int], None]]:
    """Give a function that runs so many steps more, and stop Lava's runtime in the end."""
    run_steps = lava("magma.core.run_conditions", "RunSteps")
    try:
        yield lambda n: process.run(condition=run_steps(num_steps=n), run_cfg=run_config)
    finally:
        if process.runtime is not None:
            process.stop()


def chain(seed: int, **options: Any) -> tuple[Any, Any, Any]:
    """A quantized chain of two populations, its points and their words."""
    network = builders.random_quantized(seed, widths=(2, 6, 5, 1), n_steps=T, **options)
    points = builders.random_points(network, N)
    return network, points, encode_points(network, points)[0]


def probed(network: Any, points: Any) -> ProbeTrace:
    run = run_integer if isinstance(network, QuantizedNetwork) else run_float
    trace = run(network, points, Probe(n_samples=len(points))).probe
    assert trace is not None
    return trace


@pytest.mark.parametrize("polarity", ["positive", "both"])
def test_a_monitor_sees_the_engines_own_membranes_and_payloads(polarity: str) -> None:
    network, points, words = chain(3, polarity=Polarity(polarity))
    first, second = by_hand(network)
    monitors = []
    for process in (first, second):
        for target in (process.m, process.a_out):
            monitors.append((process, target, lava("proc.monitor.process", "Monitor")()))
            monitors[-1][2].probe(target, N * T + 2)
    source = source_before(first, presented(words))
    with running(source, config(network)) as run:
        run(N * T + 2)
        seen = [monitor.get_data()[process.name][target.name] for process, target, monitor in monitors]
    expected = probed(network, points)
    for index in range(2):
        membrane, payload = seen[2 * index : 2 * index + 2]
        trace = expected.nodes[index]
        assert trace.fired.any()
        assert trace.membrane.any()
        assert np.array_equal(membrane[index : index + N * T].reshape(trace.membrane.shape), trace.membrane)
        late = payload[index + 1 : index + 1 + N * T]  # it sends in the step after
        assert np.array_equal(late.reshape(trace.payload.shape), trace.payload)


def test_floats_by_hand() -> None:
    network = builders.random_spec(5, widths=(2, 6, 5, 1), n_steps=T)
    points = builders.random_points(network, N)
    first, second = by_hand(network)
    source = source_before(first, presented(network.input_transform.apply(points)))
    (membrane,) = run_graph(source, config(network), N * T + 1, read=(second.m,))
    assert np.allclose(membrane, probed(network, points).nodes[1].membrane[-1, -1], rtol=1e-12, atol=1e-12)
    counts = first.recording.node_counts()
    assert (
        counts.fired.sum() >= probed(network, points).nodes[0].fired.sum() > 0
    )  # and of the step after the last sample


@pytest.mark.parametrize("model", [LayerModel.FUSED, LayerModel.DENSE])
@pytest.mark.parametrize("build", [builders.random_quantized, builders.random_spec])
def test_parameters_are_read_and_set_between_runs(build: Any, model: LayerModel) -> None:
    """What is set is what a network with these parameters computes, from the next step on; sums, leaks and thresholds too."""
    network = build(4, widths=(2, 6, 1), n_steps=T)
    is_quantized = isinstance(network, QuantizedNetwork)
    points = builders.random_points(network, N)
    words = encode_points(network, points)[0] if is_quantized else network.input_transform.apply(points)
    graph = to_lava(network, model=model)
    process, (node,) = graph.nodes[0], network.populations
    affine = node.affine if is_quantized else node
    changed = {
        "weights": -affine.weight,
        "bias": affine.bias[::-1],
        "beta": node.beta[::-1],
        "theta": node.theta // 2 if is_quantized else node.theta / 2,
    }
    source = lava("proc.io.source", "RingBuffer")(data=presented(words))
    source.s_out.connect(graph.a_in)
    renamed = {"weight" if name == "weights" else name: value for name, value in changed.items()}
    after = probed(builders.with_layer(network, 0, **renamed), points).nodes[0].membrane
    exact = np.array_equal if is_quantized else np.allclose
    with running(source, graph.run_config()) as run:
        run(T + (model is LayerModel.DENSE))  # Dense has delayed by a step
        assert exact(process.m.get(), probed(network, points).nodes[0].membrane[0, -1])
        for name, value in (
            ("weights", affine.weight),
            ("bias", affine.bias),
            ("beta", node.beta),
            ("theta", node.theta),
        ):
            read = getattr(process, name).get()
            assert read.dtype == value.dtype
            assert np.array_equal(read, value)
        if model is LayerModel.DENSE:
            run(T - 1)  # of the second sample, of which Dense holds the last step
        for name, value in changed.items():
            getattr(process, name).set(value)
            assert np.array_equal(getattr(process, name).get(), value)
        run(T if model is LayerModel.FUSED else T + 1)
        sample = 1 if model is LayerModel.FUSED else 2
        assert exact(process.m.get(), after[sample, -1])
    assert not exact(after[1, -1], probed(network, points).nodes[0].membrane[1, -1])


def test_membranes_are_set_within_a_presentation() -> None:
    """m at step 2 is set to 0: with no leak what follows is what the drives of steps 3 and 4 add up to."""
    network, points, words = chain(4)
    silent = builders.with_layer(network, 0, theta=np.full(6, (1 << 23) - 1), beta=np.full(6, 1 << 12))
    first, _ = by_hand(silent)
    source = source_before(first, presented(words))
    with running(source, config(network)) as run:
        run(2)
        assert np.array_equal(first.m.get(), probed(silent, points).nodes[0].membrane[0, 1])
        first.m.set(0)
        run(2)
        assert np.array_equal(first.m.get(), probed(silent, points).nodes[0].membrane[0, 1])


def test_a_constant_drive_is_computed_anew_when_a_parameter_is_set() -> None:
    network, points, words = chain(4)
    silent = builders.with_layer(network, 0, theta=np.full(6, (1 << 23) - 1), beta=np.full(6, 1 << 12))
    graph = to_lava(silent, constant_input=True)
    node = graph.nodes[0]
    source = source_before(graph, presented(words))
    with running(source, graph.run_config()) as run:
        run(2)
        node.weights.set(0)
        node.bias.set(7)
        run(2)
        found = node.m.get()
    assert np.array_equal(found, probed(silent, points).nodes[0].membrane[0, 1] + 14)


def test_several_connections_delays_and_waits() -> None:
    """A skip around the first population, and a loop: the ports of the second one wait for what comes sooner."""
    network = builders.random_quantized(6, widths=(2, 6, 5, 1), n_steps=T)
    first, second = network.populations
    (forward,) = second.affine.connections
    skip = replace(first.affine.connections[0], weight=first.affine.weight[:5], weight_exponent=forward.weight_exponent)
    own = {"source": second.name, "delay": 1, "input_exponent": second.sends.exponent}
    loop = replace(forward, weight=np.rot90(forward.weight)[:5, :5], **own)
    affine = replace(second.affine, connections=(forward, loop, skip))
    whole = replace(
        network,
        source=builders.float_twin(network.source, (first, replace(second, affine=affine)), network.output),
        nodes=(first, replace(second, affine=affine)),
    )
    points = builders.random_points(whole, N)
    words, _ = encode_points(whole, points)
    node = whole.populations[1]
    (front, _), order = by_hand(network), [source for source, _ in node.edges]
    back = own_lava.VSN(
        shape=(5,),
        weights=node.affine.connections,
        bias=node.affine.bias,
        beta=node.beta,
        theta=node.theta,
        phi=node.table,
        polarity=node.polarity,
        reset_interval=T,
        reset_offset=1,
        waits=[1 if source == "input" else 0 for source in order],
        name="back",
    )
    source = source_before(front, presented(words))
    for name, port in zip(order, back.ports, strict=True):
        {"input": source.s_out, first.name: front.a_out, second.name: back.a_out}[name].connect(port)
    (membrane,) = run_graph(source, config(network), N * T + 1, read=(back.m,))
    expected = probed(whole, points).nodes[1].membrane
    assert expected[-1, -1].any()
    assert np.array_equal(membrane, expected[-1, -1])


def test_plain_integers_multiply_into_units_of_the_state() -> None:
    """3 * 2 + 1 = 7 in two steps without leak: 14 reaches theta = 14, and the identity sends z = 7."""
    table = make_table("identity", state_exponent=0, state_bits=24, payload_exponent=0, payload_bits=16)
    neuron = own_lava.VSN(
        shape=(1,), weights=[[3]], bias=1, beta=1 << 12, theta=14, phi=table, reset_interval=2, name="neuron"
    )
    source = source_before(neuron, np.full((1, 4), 2))
    sink = lava("proc.io.sink", "RingBuffer")(shape=(1,), buffer=6)
    neuron.a_out.connect(sink.a_in)
    (sent,) = run_graph(
        source, lava("magma.core.run_configs", "Loihi2SimCfg")(select_tag="fixed_pt"), 5, read=(sink.data,)
    )
    assert sent[0, :5].tolist() == [0, 0, 7, 0, 7]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"shape": (2, 3, 4)}, r"VSN 'v'\.shape must have one axis, or two; got \(2, 3, 4\)"),
        ({"reset_interval": 0}, r"VSN 'v'\.reset_interval must lie in .*; got 0"),
        ({"reset_offset": -1}, r"VSN 'v'\.reset_offset must lie in .*; got -1"),
        ({"weights": np.ones((3, 2))}, r"have n_out = 4 rows; got 3"),
        ({"weights": np.full((4, 2), np.nan)}, r"finite"),
        ({"bias": np.zeros(3)}, r"rows; got 4|bias"),
        ({"theta": -1.0}, r"theta must satisfy theta >= 0; got -1"),
        ({"beta": 1.5}, r"beta must lie in \[0, 1\]; got 1\.5"),
        ({"phi": "tanhh"}, r"activation must be one of .* Did you mean tanh"),
        ({"polarity": "negative"}, r"polarity must be one of both, positive; got 'negative'"),
        ({"waits": [0, 0]}, r"waits must have 1 numbers, one for each connection; got \[0, 0\]"),
        ({"waits": [1]}, r"VSN 'v'\.waits must lie in \[0, 0\]; got 1"),
        (
            {"weights": [ConnectionSpec(source=name, weight=np.ones((4, 2))) for name in "ba"]},
            r"VSN 'v'\.weights must be in the order of source and delay",
        ),
    ],
)
def test_wrong_arguments_are_refused(changes: dict[str, Any], complaint: str) -> None:
    given = {"shape": (4,), "weights": np.ones((4, 2)), "phi": "tanh", "name": "v"} | changes
    with pytest.raises(NeuroPinnError, match=complaint):
        own_lava.VSN(**given)


@pytest.mark.parametrize(
    ("name", "value", "error", "complaint"),
    [
        ("weights", 128, FixedPointError, r"weight must lie in \[-127, 127\]; got 128"),
        ("weights", np.zeros(3), SpecError, r"hidden0\.weights must have the shape \(6, 2\); got \(3,\)"),
        ("bias", 0.5, SpecError, r"hidden0\.bias must be whole numbers; got 0\.5"),
        ("bias", np.nan, SpecError, r"hidden0\.bias must be whole numbers; got nan"),
        ("beta", 4097, SpecError, r"beta must lie in \[0, 4096\]; got 4097"),
        ("theta", -1, SpecError, r"theta must lie in .*; got -1"),
        ("m", 1 << 23, SpecError, r"hidden0\.m must lie in .*; got 8388608"),
    ],
)
def test_what_the_record_cannot_hold_is_refused_before_it_is_sent(
    name: str, value: Any, error: type[Exception], complaint: str
) -> None:
    first, _ = by_hand(chain(4)[0])
    with pytest.raises(error, match=complaint):
        getattr(first, name).set(value)
    with pytest.raises(SpecError, match=r"variable 'm' must be set as a whole"):
        first.m.set(np.zeros(2), idx=[0, 1])


@pytest.mark.parametrize("model", [LayerModel.FUSED, LayerModel.DENSE])
def test_the_runner_reads_parameters(model: LayerModel) -> None:
    """Lava's Dense has twice the weights; who reads them gets those of the record."""
    network, _, words = chain(4)
    graph = to_lava(network, model=model)
    source = source_before(graph, presented(words))
    read = [each for process in (*graph.nodes, graph.readout) for each in (process.weights, process.bias)]
    found = run_graph(source, graph.run_config(), 2, read=read)
    holders = (*(node.affine for node in network.nodes), network.output.affine)
    expected = [values for affine in holders for values in (affine.weight, affine.bias)]
    assert all(map(np.array_equal, found, expected))


def test_a_process_that_writes_over_a_ref_port() -> None:
    """It sets m to 5 after every step: the membrane that the next step leaks and adds to."""
    table = make_table("identity", state_exponent=0, state_bits=24, payload_exponent=0, payload_bits=16)
    neuron = own_lava.VSN(shape=(1,), weights=[[3]], beta=1 << 12, theta=1000, phi=table, reset_interval=9)
    writer = importlib.import_module("ref_writer").Writer(value=5)
    writer.ref.connect_var(neuron.m)
    source = source_before(neuron, np.full((1, 4), 2))
    tagged = lava("magma.core.run_configs", "Loihi2SimCfg")(select_tag="fixed_pt")
    with running(source, tagged) as run:
        run(1)
        assert neuron.m.get().tolist() == [5]
        neuron.theta.set(11)
        run(1)  # 5 + 6 reaches 11, and is reset; then 5 is written again
        assert neuron.recording.node_counts().fired.sum() == 1


def test_an_offset_that_is_not_the_graphs_is_refused() -> None:
    network, _, words = chain(4)
    first, second = by_hand(network)
    late = own_lava.VSN(shape=(1,), weights=np.ones((1, 5), int), phi=network.populations[0].table, reset_offset=1)
    second.a_out.connect(late.a_in)
    with pytest.raises(SimulationError, match=r"VSN 'vsn\d+' must have the reset_offset .* 2 in this graph; got 1"):
        run_graph(source_before(first, presented(words)), config(network), 3)


def test_lavas_default_tag_is_refused_for_integers() -> None:
    network, _, words = chain(4)
    first, _ = by_hand(network)
    with pytest.raises(SimulationError, match=r"VSN 'hidden[01]' must run a quantized network in .*'fixed_pt'"):
        run_graph(source_before(first, presented(words)), lava("magma.core.run_configs", "Loihi2SimCfg")(), 3)


def test_words_beyond_their_port_end_the_run() -> None:
    network, _, _ = chain(4)
    first, _ = by_hand(network)
    with pytest.raises(SimulationError, match=r"'hidden0' must receive input words within ±32767; got 32768"):
        run_graph(source_before(first, np.full((2, 9), 32768)), config(network), 3)


def test_to_lava_connects_these_processes() -> None:
    network, _, _ = chain(4)
    assert [type(process) for process in to_lava(network).nodes] == [own_lava.VSN] * 2


def test_precision_and_log_configuration() -> None:
    """Types name the longest word of each variable; a log configuration reaches Lava's process."""
    models = importlib.import_module("neuropinn_lava.hardware_sim.lava.processes.layer_models")
    model = models.IntegerVsnModel
    found = {
        name: getattr(model, name).precision
        for name in ("a_in", "a_in_3", "a_out", "weights", "bias", "beta", "theta", "m")
    }
    assert found == {"a_in": 24, "a_in_3": 24, "a_out": 24, "weights": 16, "bias": 32, "beta": 13, "theta": 32, "m": 32}
    quiet = lava("magma.core.process.process", "LogConfig")("own.log")
    process = own_lava.VSN(shape=(1,), weights=np.ones((1, 1)), phi="tanh", log_config=quiet)
    assert process._log_config is quiet
