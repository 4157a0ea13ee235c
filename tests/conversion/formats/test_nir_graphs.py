"""NIR graphs: exact round trips, graphs of other tools, and every graph that is no chain of deployable nodes.

The reader works on plain objects with NIR's names, so most of it is tested without the package; files need the extra `nir`.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import builders
from disks import full_beyond
from neuropinn_lava.base.errors import FileFormatError, SpecError
from neuropinn_lava.base.extras import MissingPackageError
from neuropinn_lava.conversion.formats.nir_graphs import (
    make_graph,
    order_nodes,
    parse_nir,
    read_graph,
    read_nir,
    write_nir,
)
from neuropinn_lava.conversion.formats.nir_metadata import NETWORK_MARK, VSN_MARK
from neuropinn_lava.conversion.formats.nir_neurons import NODE_TYPE, lost_as_lif
from neuropinn_lava.engine.reference import run_float
from neuropinn_lava.network.activations import ACTIVATIONS
from neuropinn_lava.network.nodes import ConnectionSpec, Polarity, ProductSpec
from neuropinn_lava.network.spec import NetworkSpec, Provenance, Readout
from small_graphs import operator_network

SUMS = 1e-13
"""float64 sums of some ten terms of size one, in another order."""


def node(kind: str, **fields: Any) -> Any:
    """Make an object of a class with NIR's name."""
    made = type(kind, (SimpleNamespace,), {})
    return made(**{"metadata": {}} | fields)


def affine(n_in: int, n_out: int, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    return node("Affine", weight=rng.normal(size=(n_out, n_in)), bias=rng.normal(size=n_out))


def convolution(shape: tuple[int, ...], sizes: Any, seed: int = 0, **changes: Any) -> Any:
    """Make a Conv1d or Conv2d node with a kernel of that shape, for images of these sizes."""
    rng = np.random.default_rng(seed)
    fields = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "bias": rng.normal(size=shape[0])} | changes
    return node(f"Conv{len(shape) - 2}d", weight=rng.normal(size=shape), input_shape=sizes, **fields)


def two_inputs() -> Any:
    return node("Input", input_type={"input": np.array([2])})


def own_neuron(n: int, **changes: Any) -> Any:
    fields = {
        "name": "mine",
        "activation": "tanh",
        "polarity": "both",
        "beta": np.full(n, 0.5),
        "theta": np.full(n, 0.1),
    }
    return node(NODE_TYPE, **{k: v for k, v in (fields | changes).items() if v is not None})


def neuron(n: int, **changes: Any) -> Any:
    """A LIF with metadata, as version 1.1 and before wrote it."""
    metadata = {
        VSN_MARK: "1",
        "name": b"mine",
        "activation": b"tanh",
        "polarity": b"both",
        "beta": np.full(n, 0.5),
        "theta": np.full(n, 0.1),
    }
    metadata = {k: v for k, v in (metadata | changes).items() if v is not None}
    return node("LIF", metadata=metadata, v_threshold=np.full(n, 0.1))


def graph(nodes: dict[str, Any], edges: list[tuple[str, str]] | None = None, metadata: Any = None) -> Any:
    names = list(nodes)
    chained = list(pairwise(names))
    return SimpleNamespace(nodes=nodes, edges=chained if edges is None else edges, metadata=metadata or {})


def plain_nodes() -> dict[str, Any]:
    return {"in": node("Input"), "a": affine(2, 3), "v": neuron(3), "b": affine(3, 1, 1), "out": node("Output")}


@pytest.mark.parametrize("make", [neuron, own_neuron])
def test_a_graph_of_another_tool_with_our_neurons(make: Any) -> None:
    spec = read_graph(graph(with_nodes(v=make(3))), name="theirs")
    assert (spec.name, spec.widths, spec.n_steps) == ("theirs", (2, 3, 1), 1)
    layer = spec.populations[0]
    assert (layer.name, layer.activation, layer.polarity) == ("mine", "tanh", Polarity.BOTH)
    np.testing.assert_array_equal(layer.weight, plain_nodes()["a"].weight)


def test_linear_scale_and_flatten_are_folded() -> None:
    nodes = {
        "in": node("Input"),
        "flat": node("Flatten"),
        "scale": node("Scale", scale=np.array([2.0, 3.0])),
        "lin": node("Linear", weight=np.array([[1.0, 1.0], [0.5, -1.0]])),
        "v": neuron(2),
        "b": affine(2, 1),
        "out": node("Output"),
    }
    layer = read_graph(graph(nodes)).populations[0]
    np.testing.assert_array_equal(layer.weight, [[2.0, 3.0], [1.0, -3.0]])
    np.testing.assert_array_equal(layer.bias, [0.0, 0.0])


CONVOLUTIONS = [
    convolution((2, 3, 3), 9),
    convolution((4, 2, 3), 9, stride=2, padding=2, dilation=2, groups=2),
    convolution((2, 3, 4), 9, padding="same", dilation=2),
    convolution((2, 1, 3, 2), (5, 6), padding="valid"),
    convolution((2, 3, 2, 3), (5, 6), padding="same"),
    convolution((6, 2, 3, 2), np.array([6, 7]), stride=(2, 1), padding=(0, 2), dilation=(1, 2), groups=3),
]


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")  # torch's own, on its memory
@pytest.mark.parametrize("conv", CONVOLUTIONS)
def test_convolutions_are_unfolded(conv: Any) -> None:
    """Against torch, on images that are flattened with the channels first; the zeros around the kernel stay zero."""
    torch = pytest.importorskip("torch")
    sizes, n_in = tuple(np.ravel(conv.input_shape)), conv.weight.shape[1] * conv.groups
    images = torch.tensor(np.random.default_rng(1).normal(size=(20, n_in, *sizes)))
    run = torch.nn.functional.conv1d if len(sizes) == 1 else torch.nn.functional.conv2d
    kernel, bias = torch.tensor(conv.weight), torch.tensor(conv.bias)
    wanted = run(images, kernel, bias, conv.stride, conv.padding, conv.dilation, conv.groups).flatten(1).numpy()
    n_out = wanted.shape[1]
    plain = own_neuron(n_out, activation="identity", beta=np.zeros(n_out), theta=np.zeros(n_out))
    nodes = {
        "in": node("Input"),
        "a": conv,
        "v": plain,
        "b": node("Linear", weight=np.eye(n_out)),
        "out": node("Output"),
    }
    spec = read_graph(graph(nodes))
    np.testing.assert_allclose(run_float(spec, images.flatten(1).numpy()).outputs, wanted, rtol=0, atol=SUMS)
    n_kernel = conv.weight[0].size
    assert np.count_nonzero(spec.nodes[0].weight, axis=1).max() <= n_kernel


@pytest.mark.parametrize("padding", [1, "same"])
def test_a_convolution_of_a_file_is_read(padding: Any, tmp_path) -> None:
    nir = pytest.importorskip("nir")
    like = convolution((2, 1, 3, 3), (4, 4), padding=padding)
    fields = {
        key: getattr(like, key) for key in ("input_shape", "weight", "stride", "padding", "dilation", "groups", "bias")
    }
    nodes = {
        "input": nir.Input(np.array([1, 4, 4])),
        "conv": nir.Conv2d(**fields),
        "flat": nir.Flatten(np.array([2, 4, 4]), 0),
    }
    end = {"affine": nir.Affine(weight=np.ones((1, 32)), bias=np.zeros(1)), "output": nir.Output(np.array([1]))}
    spec = builders.random_spec(0, widths=(16, 32, 1), n_steps=1)
    given = make_graph(spec)
    chained = nodes | {"vsn": given.nodes["vsn0"]} | end
    made = nir.NIRGraph(nodes=chained, edges=list(pairwise(chained)))
    nir.write(tmp_path / "conv.nir", made)
    back = read_nir(tmp_path / "conv.nir")
    assert back.digest() == replace(read_graph(made), name="conv").digest()
    assert back.widths == (16, 32, 1)


def with_nodes(**changes: Any) -> dict[str, Any]:
    return {key: value for key, value in (plain_nodes() | changes).items() if value is not None}


REFUSED = [
    (
        graph(with_nodes(v=node("LIF"))),
        r"node 'v' must send graded payloads.*got LIF, whose spikes are one bit\. Replace it by a Variable Spiking Neuron",
    ),
    (graph(with_nodes(v=node("CubaLIF"))), "node 'v' must send graded payloads.*got CubaLIF, whose spikes are one bit"),
    (graph(with_nodes(v=node("LI"))), r"node 'v' must be Affine, Linear, .*; got LI\. Write its steps"),
    (graph(with_nodes(a=node("AvgPool2d"))), r"got AvgPool2d\. Write it as an Affine or Conv2d node"),
    (
        graph(with_nodes(**{"in": two_inputs()}, a=convolution((2, 1, 3), 5))),
        r"node 'a'.weight must have 2 columns, .*; got 5",
    ),
    (graph(with_nodes(a=convolution((2, 1, 3), None))), r"node 'a' must have an input_shape; got none"),
    (
        graph(with_nodes(a=convolution((3, 1, 3), 5, groups=2))),
        r"node 'a'.weight must have the shape \(n_out, n_in / gr",
    ),
    (
        graph(with_nodes(a=convolution((2, 1, 3), 2))),
        r"node 'a' must have an unfolded matrix of 1 to 16777216 entries; got 0",
    ),
    (
        graph(with_nodes(a=convolution((8, 8, 3, 3), (64, 64)))),
        r"node 'a' must have an unfolded matrix of 1 to 16777216 entries; got 1007681536",
    ),
    (
        graph(
            plain_nodes() | {"d": node("Delay", delay=np.ones(3)), "w": affine(3, 3)},
            [("in", "a"), ("a", "v"), ("v", "d"), ("d", "w"), ("w", "v"), ("v", "b"), ("b", "out")],
        ),
        "must have a number of steps after which its states begin anew, as it has delays; got none, and the Delay 'd'",
    ),
    (graph(with_nodes(a=node("Wavelet"))), "node 'a'.*got Wavelet"),
    (graph(with_nodes(v=neuron(3, theta=None))), r"no \['theta'\]"),
    (
        graph(with_nodes(v=own_neuron(3, theta=None))),
        r"node 'v' must hold all fields of a Variable Spiking Neuron; got no \['theta'\]",
    ),
    (graph(with_nodes(v=own_neuron(4))), r"node 'v'\.beta must have 3 entries, one for each"),
    (graph(with_nodes(v=neuron(3, theta=np.full(3, 0.2)))), r"node 'v'\.v_threshold must equal theta"),
    (graph(with_nodes(v=neuron(4))), r"node 'v'\.beta must have 3 entries, one for each"),
    (graph(with_nodes(b=affine(4, 1))), r"node 'b'\.weight must have 3 columns, as many .*; got 4"),
    (graph(with_nodes(a=node("Linear", weight=np.zeros((1, 2, 3))))), r"the shape \(n_out, n_in\); got \(1, 2, 3\)"),
    (graph(with_nodes(out=None)), "one input, and one output; got 1 inputs and 0 outputs"),
    (
        graph(plain_nodes(), [("in", "a"), ("a", "v"), ("v", "a")]),
        "have a Delay in every loop; got the loop (v -> a -> v|a -> v -> a)",
    ),
    (
        graph(
            plain_nodes() | {"w": affine(3, 3)},
            [("in", "a"), ("a", "v"), ("v", "w"), ("w", "v"), ("v", "b"), ("b", "out")],
        ),
        r"have a Delay in every loop; got the loop (w -> v -> w|v -> w -> v)\. Put a Delay",
    ),
    (
        graph(with_nodes(v=node("NIRGraph", edges=[("in", "lif"), ("lif", "w"), ("w", "lif"), ("lif", "out")]))),
        "node 'v' must have a Delay in every loop; got the loop",
    ),
    (
        graph(with_nodes(v=node("NIRGraph", edges=[("in", "out")]))),
        "got NIRGraph. Write its nodes into the graph itself",
    ),
    (
        graph(plain_nodes(), [("in", "a"), ("a", "v")]),
        r"have every node between input and output; got \['b', 'out', 'v'\]",
    ),
    (
        graph(plain_nodes(), [("in", "a"), ("a", "v"), ("v", "b"), ("in", "b"), ("b", "out")]),
        r"node 'b' must receive signals of one width; got \[3, 2\]",
    ),
    (graph(plain_nodes(), [("in", "x")]), r"have edges between nodes of the graph only; got \('in', 'x'\)"),
    (
        graph(plain_nodes() | {"lost": affine(1, 1)}, [("in", "a"), ("a", "v"), ("v", "b"), ("b", "out")]),
        r"have every node between input and output; got \['lost'\]",
    ),
]


@pytest.mark.parametrize(("broken", "message"), REFUSED)
def test_what_is_no_chain_of_deployable_nodes_is_refused(broken: Any, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        read_graph(broken)


def branching_graph() -> Any:
    """What two edges bring to a node is added up; the second input is read twice."""
    nodes = {
        "in": node("Input"), "more": node("Input"), "a": affine(2, 3), "c": affine(1, 3, 4), "v": own_neuron(3),
        "w": own_neuron(3, name="other"), "b": affine(3, 1, 1), "out": node("Output"),
    }  # fmt: skip
    edges = [("in", "a"), ("a", "v"), ("more", "c"), ("c", "v"), ("v", "w"), ("c", "w"), ("w", "b"), ("v", "b")]
    return graph(nodes, [*edges, ("b", "out")])


def test_skips_and_several_inputs() -> None:
    given = branching_graph()
    spec = read_graph(given)
    assert [(each.name, each.width) for each in spec.inputs] == [("in", 2), ("more", 1)]
    assert [(each.name, each.edges) for each in spec.nodes] == [
        ("mine", (("in", 0), ("more", 0))),
        ("other", (("mine", 0), ("more", 0))),
    ]
    np.testing.assert_array_equal(spec.nodes[1].connections[1].weight, given.nodes["c"].weight)
    np.testing.assert_array_equal(spec.output.weight, np.hstack([given.nodes["b"].weight] * 2))


def test_graphs_go_there_and_back(tmp_path) -> None:
    pytest.importorskip("nir")
    spec = read_graph(branching_graph())
    write_nir(spec, tmp_path / "net.nir")
    assert read_nir(tmp_path / "net.nir").digest() == spec.digest()


def test_held_inputs_go_there_and_back_and_other_files_do_not_name_them(tmp_path) -> None:
    pytest.importorskip("nir")
    held = operator_network()
    write_nir(held, tmp_path / "net.nir")
    assert read_nir(tmp_path / "net.nir").digest() == held.digest()
    plain = replace(held, inputs=tuple(replace(each, is_held=False) for each in held.inputs))
    assert "input_is_held" not in make_graph(plain).metadata
    assert make_graph(held).metadata["input_is_held"].tolist() == [1, 0]


def read_names(spec: NetworkSpec) -> set[str]:
    """The names of all that the read-out depends on."""
    edges, found = {node.name: node.edges for node in spec.nodes}, set[str]()
    waiting = [source for source, _ in spec.output.edges]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [source for source, _ in edges.get(name, ())]
    return found


def read_nodes(spec: NetworkSpec) -> NetworkSpec:
    """Leave out the nodes that the read-out does not depend on."""
    return replace(spec, nodes=tuple(node for node in spec.nodes if node.name in read_names(spec)))


def test_random_graphs_go_there_and_back(tmp_path) -> None:
    """Skips, products, delays, loops, several inputs, sequences: the same record, or an input that no node reads is named."""
    pytest.importorskip("nir")
    n_written = 0
    for seed in range(30):
        options = {"n_steps": None, "readout": Readout.EVERY} if seed % 2 else {}
        drawn = builders.random_graph(seed, n_inputs=1 + seed % 3, n_nodes=7, **options).source
        if not read_names(drawn) & {each.name for each in drawn.populations}:
            continue
        spec = read_nodes(drawn)
        if {each.name for each in spec.inputs} - read_names(spec):
            with pytest.raises(SpecError, match="must reach the read-out, to be in a NIR graph; got no path"):
                make_graph(spec)
            continue
        write_nir(spec, tmp_path / "net.nir")
        back, points = parse_nir(tmp_path / "net.nir"), builders.random_points(spec, 10)
        assert back.inputs == spec.inputs
        assert {each.name: each.edges for each in back.nodes} == {each.name: each.edges for each in spec.nodes}
        np.testing.assert_array_equal(run_float(back, points).outputs, run_float(spec, points).outputs)
        n_written += 1
    assert n_written >= 10


def test_products_are_refused_as_lif_and_delays_that_are_no_steps() -> None:
    pytest.importorskip("nir")
    with pytest.raises(SpecError, match="have no products, to be read by other tools"):
        make_graph(read_nodes(builders.random_graph(2, n_nodes=8).source), as_lif=True)
    for delay in ([1.0, 2.0, 1.0], [0.5] * 3, [0.0] * 3):
        nodes = plain_nodes() | {"d": node("Delay", delay=np.array(delay))}
        edges = [("in", "a"), ("a", "v"), ("v", "d"), ("d", "b"), ("b", "out")]
        with pytest.raises(SpecError, match=r"node 'd'\.delay must be one whole number of steps"):
            read_graph(graph(nodes, edges))


def test_nodes_come_in_the_order_of_the_edges() -> None:
    nodes = plain_nodes()
    shuffled = {key: nodes[key] for key in ("b", "out", "v", "in", "a")}
    edges = [("v", "b"), ("b", "out"), ("in", "a"), ("a", "v")]
    assert [key for key, _ in order_nodes(graph(shuffled, edges))] == ["a", "v", "b"]


def spec_with_everything(seed: int, **options: Any) -> NetworkSpec:
    spec = builders.random_spec(seed, n_steps=3, readout=Readout.LAST, ansatz=True, **options)
    return replace(spec, provenance=Provenance(problem="poisson", seed=4))


@pytest.mark.parametrize("activation", builders.ACTIVATIONS)
@pytest.mark.parametrize("polarity", builders.POLARITIES)
@pytest.mark.parametrize("as_lif", [False, True])
def test_the_round_trip_through_a_file_is_exact(activation: str, polarity: Polarity, as_lif: bool, tmp_path) -> None:
    """LIF nodes are what version 1.1 and before wrote."""
    pytest.importorskip("nir")
    spec = spec_with_everything(1, activation=activation, polarity=polarity, widths=(2, 6, 5, 2))
    write_nir(spec, tmp_path / "net.nir", as_lif=as_lif)
    back = read_nir(tmp_path / "net.nir")
    assert back.digest() == spec.digest()
    assert back.provenance == spec.provenance
    points = builders.random_points(spec, 10)
    np.testing.assert_array_equal(run_float(back, points).outputs, run_float(spec, points).outputs)


@pytest.mark.parametrize("activation", [*ACTIVATIONS, "leaky_relu(0.2)"])
def test_phi_of_zero_is_in_the_bias_once(activation: str) -> None:
    """A population sends phi less phi(0); what reads it, a product too, has phi(0) in its bias already."""
    pytest.importorskip("nir")
    spec = builders.random_spec(4, activation=activation, widths=(2, 3, 3, 1))
    first, second = spec.nodes
    squared = ProductSpec(name="squared", left=first.name, right=second.name, width=3)
    more = ConnectionSpec(source="squared", weight=np.ones((1, 3)))
    output = replace(spec.output, connections=(*spec.output.connections, more))
    spec = replace(spec, nodes=(first, second, squared), output=output)
    assert read_graph(make_graph(spec)).digest() == spec.digest()


def test_the_membrane_of_the_lif_is_the_neurons_own() -> None:
    """Forward Euler with dt = 1: v' = (1 - 1/tau) v + r/tau I is beta v + I."""
    pytest.importorskip("nir")
    lif = make_graph(builders.random_spec(2, beta=0.75), as_lif=True).nodes["vsn0"]
    np.testing.assert_array_equal(1 - 1 / lif.tau, 0.75)
    np.testing.assert_array_equal(lif.r / lif.tau, 1.0)


FOREIGN = "import sys, nir; nir.read(sys.argv[1])"
"""What another tool does first."""


def read_elsewhere(path: Any) -> subprocess.CompletedProcess[str]:
    """Read a file by nir in a process that does not know this package."""
    return subprocess.run([sys.executable, "-c", FOREIGN, str(path)], capture_output=True, text=True, check=False)


def test_another_tool_refuses_the_file(tmp_path) -> None:
    """A LIF was read as a binary neuron; nir itself refuses a type that it does not know, in this process too."""
    nir = pytest.importorskip("nir")
    spec = builders.random_spec(2, widths=(2, 4, 1))
    write_nir(spec, tmp_path / "net.nir")
    assert read_elsewhere(tmp_path / "net.nir").returncode != 0
    with pytest.raises(AssertionError):
        nir.read(tmp_path / "net.nir")
    write_nir(spec, tmp_path / "lif.nir", as_lif=True)
    assert read_elsewhere(tmp_path / "lif.nir").returncode == 0


@pytest.mark.filterwarnings("ignore")  # snnTorch's and its dependencies'
def test_snntorch_refuses_the_graph_and_misreads_a_lif() -> None:
    """Its own importer, handed the graph in memory; with LIF nodes it gives numbers that are not the network's."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("nir")
    pytest.importorskip("nirtorch")
    importer = pytest.importorskip("snntorch.import_nir").import_from_nir
    spec = builders.random_spec(2, widths=(2, 4, 1), theta=0.2)
    with pytest.raises(Exception, match=NODE_TYPE):
        importer(make_graph(spec))
    foreign = importer(make_graph(spec, as_lif=True))
    points = builders.random_points(spec, 20)
    with torch.no_grad():
        outputs = foreign(torch.tensor(spec.input_transform.apply(points), dtype=torch.float32))
    theirs = outputs[0] if isinstance(outputs, tuple) else outputs
    wanted = run_float(spec, points).readout
    assert np.abs(theirs.numpy() - wanted).max() > 0.1 * np.abs(wanted).max()


def test_what_a_lif_loses_is_named() -> None:
    lost = lost_as_lif(builders.random_spec(1, polarity=Polarity.BOTH, activation="tanh", n_steps=3))
    assert "phi = tanh" in lost[0]
    assert "negative membranes" in lost[1]
    assert any("(3)" in each for each in lost)
    assert len(lost_as_lif(builders.random_spec(1, polarity=Polarity.POSITIVE))) == len(lost) - 1


@pytest.mark.parametrize("content", [b"", b"not a graph" * 20])
def test_damaged_files_are_refused(content: bytes, tmp_path) -> None:
    pytest.importorskip("nir")
    path = tmp_path / "bad.nir"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match="a whole NIR graph"):
        read_nir(path)


def test_a_file_that_claims_one_shape_and_holds_another_is_refused(tmp_path) -> None:
    pytest.importorskip("nir")
    import h5py

    path = tmp_path / "net.nir"
    write_nir(builders.random_spec(3), path)
    with h5py.File(path, "r+") as file:
        del file["node/nodes/affine1/weight"]
        file["node/nodes/affine1/weight"] = np.zeros((5, 6))
    with pytest.raises(FileFormatError, match=r"net.nir must be a whole NIR graph; got .*"):
        read_nir(path)


def test_another_version_of_the_metadata_is_refused() -> None:
    with pytest.raises(FileFormatError, match="version 1; got 2"):
        read_graph(graph(plain_nodes(), metadata={NETWORK_MARK: "2"}))


def test_a_full_disk_leaves_the_former_graph(tmp_path) -> None:
    pytest.importorskip("nir")
    path = tmp_path / "net.nir"
    path.write_bytes(b"former")
    with (
        full_beyond(2048),
        pytest.raises(SpecError, match=r"net.nir must be on a disk with room for .*; got File too large. Free"),
    ):
        write_nir(builders.random_spec(3), path)
    assert path.read_bytes() == b"former"
    assert list(tmp_path.iterdir()) == [path]


def test_without_the_extra_the_message_names_it(monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "nir", None)
    with pytest.raises(MissingPackageError, match=r"`nir`.*neuropinn-lava\[nir\]"):
        read_nir("any.nir")
