"""Float networks as records: every rule broken once, several at once, and what a record promises of its arrays."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

import builders
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.network.nodes import ConnectionSpec, InputSpec, OutputSpec, Polarity, PopulationSpec, ProductSpec
from neuropinn_lava.network.spec import NetworkSpec, Provenance, Readout
from neuropinn_lava.network.transforms import AffineTransform
from small_graphs import with_held


def make_layer(**changes: object) -> PopulationSpec:
    weight = changes.pop("weight", [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    good = {
        "name": "a",
        "connections": (ConnectionSpec(source="x", weight=weight),),  # type: ignore[arg-type]
        "bias": [0.1, 0.2],
        "beta": [0.0, 1.0],
        "theta": [0.0, 0.5],
        "activation": "tanh",
    }
    return PopulationSpec(**{**good, **changes})  # type: ignore[arg-type]


def make_output(**changes: object) -> OutputSpec:
    weight = changes.pop("weight", [[1.0, 2.0]])
    connections = (ConnectionSpec(source="a", weight=weight),)  # type: ignore[arg-type]
    return OutputSpec(**{"connections": connections, "bias": [0.5], **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"weight": [1.0, 2.0]},
            r"connection from 'x': weight must have the shape \(n_out, n_source\) = \(any, any\); got \(2,\)",
        ),
        ({"weight": np.zeros((2, 0))}, r"connection from 'x': weight must have the shape .* got \(2, 0\)"),
        (
            {"weight": [[1.0, np.nan], [0.0, 0.0]]},
            r"'x': weight must have only finite entries; got nan at index \(0, 1\)",
        ),
        ({"weight": [["a"]]}, r"ConnectionSpec.weight must be an array that fits float64; got"),
        (
            {"bias": [0.1]},
            r"weight of the connection from 'x' must have n_out = 1 rows; got 2. Give it one row",
        ),
        (
            {"bias": [0.1, np.inf]},
            r"PopulationSpec 'a'.bias must have only finite entries; got inf at index \(1,\) and 1 such",
        ),
        ({"beta": [0.5]}, r"PopulationSpec 'a'.beta must have the shape"),
        ({"beta": [-0.1, 0.5]}, r"PopulationSpec 'a'.beta must lie in \[0, 1\]; got -0.1. Choose a value"),
        ({"beta": [0.5, 1.0000001]}, r"PopulationSpec 'a'.beta must lie in \[0, 1\]; got 1.0000001"),
        ({"beta": [np.nan, 0.5]}, r"PopulationSpec 'a'.beta must lie in \[0, 1\]; got nan"),
        ({"theta": [0.1, 0.1, 0.1]}, r"PopulationSpec 'a'.theta must have the shape"),
        (
            {"theta": [0.1, -1e-9]},
            r"PopulationSpec 'a'.theta must satisfy theta >= 0; got -1e-09. Use a threshold of zero or more",
        ),
        ({"theta": [0.1, np.inf]}, r"PopulationSpec 'a'.theta must have only finite entries"),
        (
            {"activation": "cos"},
            r"PopulationSpec 'a'.activation must be an elementwise function .*; got 'cos'. Write cos\(z\) as sin",
        ),
        (
            {"activation": "z_tan_z"},
            r"PopulationSpec 'a'.activation must be one of .*; got 'z_tan_z'. Did you mean z_tanh_z",
        ),
        ({"polarity": "negative"}, r"PopulationSpec 'a'.polarity must be one of both, positive; got 'negative'"),
    ],
)
def test_layer_refuses(changes: dict[str, object], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        make_layer(**changes)


def test_layer_lists_all_that_is_wrong() -> None:
    with pytest.raises(SpecError) as caught:
        make_layer(bias=[1.0, np.nan], beta=[2.0, 0.0], theta=[-1.0, np.inf])
    where = [violation.where for violation in caught.value.violations]
    assert where == [f"PopulationSpec 'a'.{field}" for field in ("bias", "theta", "beta", "theta")]
    assert len(str(caught.value).splitlines()) == 4
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weight": [1.0]}, r"connection from 'a': weight must have the shape"),
        ({"bias": [0.5, 0.5]}, r"weight of the connection from 'a' must have n_out = 2 rows; got 1"),
        ({"bias": [[0.5]]}, r"OutputSpec 'output'.bias must have the shape \(n_out,\) = \(any\); got \(1, 1\)"),
        ({"connections": ()}, r"OutputSpec 'output'.connections must hold at least one connection; got 0"),
        ({"weight": [[np.inf, 0.0]]}, r"connection from 'a': weight must have only finite entries"),
        ({"bias": [np.nan], "name": "last"}, r"OutputSpec 'last'.bias must have only finite entries"),
    ],
)
def test_output_refuses(changes: dict[str, object], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        make_output(**changes)


def test_strings_name_members() -> None:
    layer = make_layer(polarity="both")
    assert layer.polarity is Polarity.BOTH
    assert (layer.n_in, layer.n_out) == (3, 2)
    network = replace(builders.random_spec(), readout="last")
    assert network.readout is Readout.LAST


NETWORK = builders.random_spec(0, widths=(2, 7, 5, 1))
"""Layers hidden0 (2 → 7), hidden1 (7 → 5) and output (5 → 1)."""


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"nodes": ()}, r"NetworkSpec 'random0'.nodes must hold at least one population; got 0. A network without"),
        ({"inputs": ()}, r"NetworkSpec 'random0'.inputs must hold at least one input; got 0"),
        (
            {"nodes": NETWORK.populations[:1]},
            r"NetworkSpec 'random0': source of 'output' must be one of .*; got 'hidden1'. Did you mean hidden0",
        ),
        (
            {"inputs": (InputSpec(width=3),)},
            r"weight of 'hidden0' from 'input' must have 3 columns; got 2. Give it as many columns as 'input' has",
        ),
        (
            {"output": replace(NETWORK.output, name="hidden1")},
            r"NetworkSpec 'random0'.output must have a name of its own; got hidden1. Rename it",
        ),
        (
            {"nodes": (NETWORK.populations[0], *NETWORK.populations)},
            r"NetworkSpec 'random0'.nodes must have different names; got \['hidden0'\]. Rename one of them",
        ),
        ({"n_steps": 0}, r"NetworkSpec 'random0'.n_steps must lie in \[1, 4096\]; got 0"),
        ({"n_steps": 4097}, r"NetworkSpec 'random0'.n_steps must lie in \[1, 4096\]; got 4097"),
        ({"n_steps": 2.5}, r"NetworkSpec 'random0'.n_steps must be a whole number; got 2.5. Use an int"),
        ({"readout": "median"}, r"NetworkSpec 'random0'.readout must be one of every, last, mean; got 'median'"),
        (
            {"input_transform": AffineTransform.identity(3)},
            r"NetworkSpec 'random0'.input_transform must have 2 components; got 3",
        ),
        (
            {"output_transform": AffineTransform.identity(2)},
            r"'random0'.output_transform must have 1 components; got 2",
        ),
        (
            {"ansatz": builders.unit_ansatz(3, 1)},
            r"'random0'.ansatz must have \(n_dim, n_out\) = \(2, 1\); got \(3, 1\)",
        ),
        (
            {"ansatz": builders.unit_ansatz(2, 2)},
            r"'random0'.ansatz must have \(n_dim, n_out\) = \(2, 1\); got \(2, 2\)",
        ),
        ({"lower": [0.0]}, r"NetworkSpec 'random0'.lower must have the shape \(n_in,\) = \(2\); got \(1,\)"),
        ({"upper": [1.0, np.inf]}, r"NetworkSpec 'random0'.upper must have only finite entries"),
        (
            {"upper": [1.0, 0.0]},
            r"NetworkSpec 'random0'.upper must lie above lower; got \[1. 0.\]. Give a box with an inside",
        ),
    ],
)
def test_network_refuses(changes: dict[str, object], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        replace(NETWORK, **changes)  # type: ignore[arg-type]


def test_held_inputs_are_refused_where_nothing_varies_or_t_is_free() -> None:
    with pytest.raises(SpecError, match=r"InputSpec 'f'.is_held must be False for a sequence; got True. Leave it out"):
        InputSpec(name="f", width=1, is_sequence=True, is_held=True)
    with pytest.raises(
        SpecError, match=r"'random0'.inputs must have one that is not held; got all of \['input'\] held"
    ):
        replace(NETWORK, inputs=(replace(NETWORK.inputs[0], is_held=True),))
    with pytest.raises(
        SpecError, match=r"inputs must have no held inputs where an input is a sequence.*; got \['x1'\] held"
    ):
        with_held(builders.random_graph(5, n_inputs=2, n_steps=None), "x1")


def test_network_lists_all_that_is_wrong() -> None:
    with pytest.raises(SpecError) as caught:
        replace(
            NETWORK,
            inputs=(InputSpec(width=3),),
            n_steps=0,
            output_transform=AffineTransform.identity(3),
            lower=[9.0] * 3,
            upper=[8.0] * 3,
        )
    assert len(caught.value.violations) == 5


def test_widths() -> None:
    assert NETWORK.widths == (2, 7, 5, 1)
    assert (NETWORK.n_in, NETWORK.n_out) == (2, 1)


def test_nodes_may_come_in_a_list_and_steps_from_numpy() -> None:
    network = replace(NETWORK, nodes=list(NETWORK.nodes), n_steps=np.int64(2))  # type: ignore[arg-type]
    assert isinstance(network.populations, tuple)
    assert network.digest() == NETWORK.digest()


def test_records_do_not_change() -> None:
    weight = np.ones((2, 3))
    layer = make_layer(weight=weight)
    weight[:] = 7.0
    assert layer.weight.tolist() == [[1.0] * 3] * 2
    with pytest.raises(ValueError, match="read-only"):
        layer.weight[0, 0] = 2.0
    with pytest.raises(FrozenInstanceError):
        layer.name = "b"  # type: ignore[misc]


def test_records_compare_by_identity_and_digest() -> None:
    again = builders.random_spec(0, widths=(2, 7, 5, 1))
    assert again != NETWORK
    assert again.digest() == NETWORK.digest()
    assert builders.random_spec(1).digest() != NETWORK.digest()
    assert pickle.loads(pickle.dumps(NETWORK)).digest() == NETWORK.digest()


@pytest.mark.parametrize(
    "change",
    [
        lambda n: replace(n, name="other"),
        lambda n: replace(n, n_steps=3),
        lambda n: replace(n, readout=Readout.LAST),
        lambda n: replace(n, ansatz=builders.unit_ansatz(2, 1)),
        lambda n: replace(n, upper=n.upper * 2),
        lambda n: builders.with_layer(n, 1, polarity=Polarity.BOTH),
        lambda n: builders.with_layer(n, 0, activation="tanh"),
        lambda n: builders.with_layer(n, 0, weight=np.nextafter(n.populations[0].weight, 9.0)),
    ],
)
def test_digest_sees_every_change(change) -> None:  # type: ignore[no-untyped-def]
    assert change(NETWORK).digest() != NETWORK.digest()


def test_digest_does_not_see_provenance() -> None:
    told = replace(NETWORK, provenance=Provenance(problem="heat", seed=3, command="neuropinn-lava train heat"))
    assert told.digest() == NETWORK.digest()


def test_restored_applies_transform_then_ansatz() -> None:
    network = replace(
        NETWORK, output_transform=AffineTransform(scale=[2.0], offset=[1.0]), ansatz=builders.unit_ansatz(2, 1)
    )
    points = np.array([[0.5, 0.0]])  # g = x = 0.5, d = x (1 - x) = 0.25
    assert network.restored(points, np.array([[3.0]])).tolist() == [[0.5 + 0.25 * 7.0]]
    assert replace(network, ansatz=None).restored(points, np.array([[3.0]])).tolist() == [[7.0]]


def test_smallest_network() -> None:
    one = ConnectionSpec(source="input", weight=[[1.0]])
    layer = PopulationSpec(name="only", connections=(one,), bias=[0.0], beta=[0.5], theta=[0.0], activation="relu")
    network = NetworkSpec(
        name="small",
        inputs=(InputSpec(width=1),),
        nodes=(layer,),
        output=OutputSpec(connections=(replace(one, source="only"),), bias=[0.0]),
        input_transform=AffineTransform.identity(1),
        output_transform=AffineTransform.identity(1),
        lower=[0.0],
        upper=[1.0],
    )
    assert (network.n_steps, network.readout, network.ansatz) == (1, Readout.MEAN, None)
    assert network.provenance == Provenance()


def graph(nodes: tuple[PopulationSpec | ProductSpec, ...], **changes: object) -> NetworkSpec:
    """Return a network of one column and the given nodes; the read-out reads the population `a`."""
    given = {
        "name": "g",
        "inputs": (InputSpec(name="x", width=1),),
        "nodes": nodes,
        "output": OutputSpec(connections=(ConnectionSpec(source="a", weight=[[1.0]]),), bias=[0.0]),
        "input_transform": AffineTransform.identity(1),
        "output_transform": AffineTransform.identity(1),
        "lower": [0.0],
        "upper": [1.0],
    }
    return NetworkSpec(**{**given, **changes})  # type: ignore[arg-type]


def neuron(name: str, *sources: tuple[str, int]) -> PopulationSpec:
    """Return one neuron that reads the given sources with the given delays."""
    connections = tuple(ConnectionSpec(source=source, delay=delay, weight=[[1.0]]) for source, delay in sources)
    one: dict[str, object] = {"bias": [0.0], "beta": [0.0], "theta": [0.0], "activation": "tanh"}
    return PopulationSpec(name=name, connections=connections, **one)  # type: ignore[arg-type]


def test_nodes_are_held_in_topological_order_ties_by_name() -> None:
    nodes = (neuron("a", ("z", 0), ("b", 0)), neuron("z", ("x", 0), ("a", 1)), neuron("b", ("x", 0)))
    assert [node.name for node in graph(nodes).nodes] == ["b", "z", "a"]
    assert graph(nodes[::-1]).digest() == graph(nodes).digest()


def test_connections_are_held_by_source_and_delay() -> None:
    swapped = neuron("a", ("x", 2), ("a", 1), ("x", 0))
    assert swapped.edges == (("a", 1), ("x", 0), ("x", 2))
    assert graph((swapped,)).digest() == graph((neuron("a", ("x", 0), ("x", 2), ("a", 1)),)).digest()


@pytest.mark.parametrize(
    ("nodes", "changes", "message"),
    [
        (
            (neuron("a", ("b", 0), ("x", 0)), neuron("b", ("c", 0)), neuron("c", ("a", 0))),
            {},
            r"'g'.nodes must have no cycle without a delay; got a -> c -> b -> a. Give one of these connections a delay",
        ),
        ((neuron("a", ("a", 0)),), {}, r"must have no cycle without a delay; got a -> a"),
        ((neuron("a", ("y", 0)),), {}, r"'g': source of 'a' must be one of .*; got 'y'"),
        (
            (neuron("a", ("x", 0)), ProductSpec(name="p", left="a", right="x", width=2)),
            {},
            r"factor 'a' of 'p' must have the width 2; got 1. Give both factors 2 elements",
        ),
        (
            (neuron("a", ("x", 0)),),
            {"inputs": (InputSpec(name="x", width=1, is_sequence=True),)},
            r"'g'.n_steps must be None where an input is a sequence; got 1",
        ),
        ((neuron("a", ("x", 0)),), {"n_steps": None}, r"'g'.n_steps must be a whole number; got None. Use an int.$"),
        ((neuron("a", ("x", 0)),), {"readout": "every"}, r"readout must be MEAN or LAST where no input is a sequence"),
        (
            (neuron("a", ("x", 0)),),
            {
                "ansatz": builders.unit_ansatz(1, 1),
                "n_steps": None,
                "inputs": (InputSpec(name="x", width=1, is_sequence=True),),
            },
            r"'g'.ansatz must be None where an input is a sequence",
        ),
    ],
)
def test_graph_refuses(nodes: tuple[PopulationSpec, ...], changes: dict[str, object], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        graph(nodes, **changes)


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ((("x", 0), ("x", 0)), r"'a'.connections must be unique by source and delay; got two from 'x' with delay 0"),
        ((("x", -1),), r"'a': delay of the connection from 'x' must lie in \[0, 4096\]; got -1"),
        ((("x", 0.5),), r"'a': delay of the connection from 'x' must be a whole number; got 0.5"),
    ],
)
def test_connections_refuse(sources: tuple[tuple[str, int], ...], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        neuron("a", *sources)


def test_what_depends_on_held_inputs_only_is_held() -> None:
    inputs = (InputSpec(name="f", width=1, is_held=True), InputSpec(name="x", width=1))

    def held(*nodes: PopulationSpec) -> NetworkSpec:
        host = {"lower": [0.0, 0.0], "upper": [1.0, 1.0], "input_transform": AffineTransform.identity(2)}
        return graph(nodes, inputs=inputs, **host)

    # b reads itself and a, a step late; c reads the varying input, d reads c a step late, and e reads d: these vary.
    network = held(
        neuron("a", ("f", 0)),
        neuron("b", ("a", 1), ("b", 1)),
        neuron("c", ("x", 0), ("b", 0)),
        neuron("d", ("f", 0), ("c", 1)),
        neuron("e", ("d", 0)),
    )
    assert network.held_sources == {"f", "a", "b"}
    assert network.replays == (("c", "b"), ("d", "f"), ("output", "a"))
    # A loop over two nodes varies as a whole where one of them reads what varies.
    looped = held(neuron("a", ("f", 0), ("b", 1)), neuron("b", ("a", 0), ("x", 0)))
    assert looped.held_sources == {"f"}
    assert looped.replays == (("a", "f"),)
    plain = replace(network, inputs=tuple(replace(each, is_held=False) for each in inputs))
    assert (plain.held_sources, plain.replays) == (frozenset(), ())
    assert plain.digest() != network.digest()


def test_is_chain() -> None:
    assert NETWORK.is_chain
    assert not graph((neuron("a", ("x", 0), ("x", 1)),)).is_chain
    assert not graph((neuron("a", ("x", 0)), neuron("b", ("a", 0)))).is_chain


def test_a_relay_passes_its_sum_on() -> None:
    relay = make_layer(activation="identity", polarity="both", beta=[0.0, 0.0], theta=[0.0, 0.0])
    assert relay.is_relay
    assert not make_layer().is_relay
