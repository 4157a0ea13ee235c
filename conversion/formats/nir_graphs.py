"""Exchange with NIR, the Neuromorphic Intermediate Representation: networks as NIR graphs and back, exact both ways.

    Input ─ Affine ─ VariableSpikingNeuron ─ Affine ─ … ─ Affine ─ Output

A population with several connections is read through an Affine or Linear node for each of them, whose signals are added up.
NIR has no graded neuron: a layer of Variable Spiking Neurons is a node of a type of its own, which other tools must refuse, or
on request a `LIF` with the same membrane (`nir_neurons.py`). Steps, read-out, box and the host's transforms stand in the
graph's metadata. A connection with a delay passes through a Delay node, whose unit is a step; a product is a node of a type of
its own, too. Affine, Linear, Scale, Flatten and Delay nodes of other tools are read as well, and convolutions of small images,
unfolded. Their spiking nodes are binary and are refused; so are delays where nothing says after how many steps the states begin
anew. Needs the extra `nir`.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import numpy as np

from ...base.arrays import FloatArray
from ...base.checks import raise_violations
from ...base.errors import FileFormatError, NeuroPinnError, SpecError, Violation
from ...base.extras import import_extra
from ...files.atomic import write_bytes
from ...files.hdf5_links import check_self_contained
from ...files.parser_guard import try_parser
from ...network.nodes import InputSpec, OutputSpec, PopulationSpec, ProductSpec
from ...network.spec import NetworkSpec
from ...network.transforms import AffineTransform
from .affine_values import AffineValue
from .graph_builder import GraphBuilder
from .nir_convolutions import unfolded
from .nir_metadata import NETWORK_MARK, host_metadata, read_host, text_of
from .nir_neurons import (
    NODE_TYPE,
    PRODUCT_TYPE,
    make_lif,
    make_neuron,
    neuron_fields,
    node_class,
    product_class,
    read_neuron,
)

BINARY = ("CubaLIF", "IF", "LIF", "Threshold")
"""Nodes of NIR that send one bit; what a Variable Spiking Neuron sends, phi(z), depends on its drive."""


def write_nir(network: NetworkSpec, path: str | Path, *, as_lif: bool = False) -> None:
    """Write a float network as a NIR file, all of it or none.

    It is made in memory: on a full disk, libhdf5 would end the process when it closes the file.

    Args:
        network: The network.
        path: The file.
        as_lif: Write neurons as LIF nodes, which other tools read as binary neurons; `lost_as_lif` lists what that loses. By
            default they are nodes of a type of their own, which other tools refuse.

    Raises:
        SpecError: If the extra `nir` is missing, the directory refuses new files, or the disk is full.
    """
    nir, held = import_extra("nir", "nir"), io.BytesIO()
    nir.write(held, make_graph(network, as_lif=as_lif))
    write_bytes(path, held.getvalue())


def read_nir(path: str | Path) -> NetworkSpec:
    """Read a NIR file; a child process tries it first, because nothing proves such a file whole.

    Raises:
        FileFormatError: If it is no NIR file, leads to other files, hangs its parser, or contradicts itself.
        SpecError: If a loop has no Delay, or the graph holds a node that cannot be deployed.
    """
    import_extra("nir", "nir")
    try_parser(f"{__name__}:parse_nir", path, "NIR file")
    return parse_nir(path)


def parse_nir(path: str | Path) -> NetworkSpec:
    """Do what `read_nir` does, without trying it in a child process first.

    Raises:
        FileFormatError: If it is no NIR file, leads to other files, or contradicts itself.
        SpecError: If a loop has no Delay, or the graph holds a node that cannot be deployed.
    """
    import h5py

    where, nir = f"NIR file {path}", import_extra("nir", "nir")
    try:
        with h5py.File(path, "r") as file:
            check_self_contained(file, where)
            graph = _load_graph(nir, nir.serialization.hdf2dict(file["node"]))
        return read_graph(graph, name=Path(path).stem)
    except NeuroPinnError:
        raise
    except Exception as error:  # nir raises what its parser happens to raise, and its nodes hold what the file says
        got = f"{type(error).__name__}: {error}"
        raise FileFormatError(where, "be a whole NIR graph", got, "Write it again.") from error


def _load_graph(nir: Any, tree: dict[str, Any]) -> Any:
    """Build a graph from the tree of its file as `nir.read` does, including the neuron's node."""
    own = {NODE_TYPE: node_class, PRODUCT_TYPE: product_class}
    nodes = {
        key: own[text_of(node["type"])]().from_dict(node) if text_of(node["type"]) in own else nir.dict2NIRNode(node)
        for key, node in tree["nodes"].items()
    }
    edges = [(text_of(start), text_of(end)) for start, end in tree["edges"]]
    return nir.NIRGraph(nodes=nodes, edges=edges, metadata=tree.get("metadata", {}))


def make_graph(network: NetworkSpec, *, as_lif: bool = False) -> Any:
    """Build the NIR graph of a float network, its neurons as nodes of their own type or as LIF nodes.

    Raises:
        SpecError: If the read-out does not depend on an input or node, or neurons are to be LIF nodes and there are products.
    """
    raise_violations(_unread(network))
    nir = import_extra("nir", "nir")
    nodes: dict[str, Any] = {}
    edges: list[tuple[str, str]] = []
    keys = {each.name: f"input{index or ''}" for index, each in enumerate(network.inputs)}
    keys |= {each.name: f"vsn{index}" for index, each in enumerate(network.populations)}
    products = [each for each in network.nodes if isinstance(each, ProductSpec)]
    keys |= {each.name: f"product{index}" for index, each in enumerate(products)}
    if as_lif and products:
        where, repair = f"network {network.name!r}", "Write nodes of a type of their own, without as_lif."
        raise SpecError(where, "have no products, to be read by other tools", products[0].name, repair)

    def connect(kind: str, end: str, node: PopulationSpec | OutputSpec) -> None:
        """Add the nodes of all connections of one node, and their edges."""
        for k, each in enumerate(node.connections):
            key, weight = f"affine{kind}" if not k else f"affine{kind}_{k}", np.array(each.weight)
            start = keys[each.source]
            if each.delay:
                start = f"delay{kind}_{k}"
                nodes[start] = nir.Delay(delay=np.full(each.n_source, float(each.delay)))
                edges.append((keys[each.source], start))
            nodes[key] = nir.Linear(weight=weight) if k else nir.Affine(weight=weight, bias=np.array(node.bias))
            edges.extend([(start, key), (key, end)])

    for each in network.inputs:
        nodes[keys[each.name]] = nir.Input(input_type={"input": np.array([each.width])})
    for index, layer in enumerate(network.populations):
        connect(str(index), keys[layer.name], layer)
        nodes[keys[layer.name]] = make_lif(layer) if as_lif else make_neuron(layer)
    for product in products:
        factors = keys[product.left], keys[product.right]
        nodes[keys[product.name]] = product_class()(product.name, *factors, product.width)
        edges.extend((start, keys[product.name]) for start in dict.fromkeys(factors))
    connect("_out", "output", network.output)
    nodes["output"] = nir.Output(output_type={"output": np.array([network.n_out])})
    return nir.NIRGraph(nodes=nodes, edges=edges, metadata=host_metadata(network))


def _unread(network: NetworkSpec) -> Iterator[Violation]:
    """Find what the read-out does not depend on, which NIR would take for another output."""
    edges = {node.name: [source for source, _ in node.edges] for node in (*network.nodes, network.output)}
    found, waiting = set[str](), [network.output.name]
    while waiting:
        new = set(edges.get(waiting.pop(), ())) - found
        found |= new
        waiting += new
    for name in network.source_widths:
        if name not in found:
            where, repair = f"network {network.name!r}: {name!r}", "Leave it out."
            yield Violation(where, "reach the read-out, to be in a NIR graph", "no path", repair)


def read_graph(graph: Any, name: str = "nir") -> NetworkSpec:
    """Build the float network of a NIR graph: what several edges bring to a node is added up.

    Raises:
        SpecError: If a loop has no Delay, a node is not between input and output, or a node cannot be deployed.
    """
    builder = GraphBuilder(f"NIR graph {name!r}")
    ordered, metadata = order_nodes(graph), _metadata(graph)
    keys = [key for key, node in graph.nodes.items() if type(node).__name__ == "Input"]
    given = text_of(metadata["input_names"]).split("\n") if "input_names" in metadata else []
    names = given if len(given) == len(keys) else ["input"] if len(keys) == 1 else keys
    is_sequence, is_held = (
        np.ravel(metadata.get(mark, np.zeros(len(keys)))).astype(bool).tolist()
        for mark in ("input_is_sequence", "input_is_held")
    )
    inputs = [
        InputSpec(name=own, width=_input_width(graph, key), is_sequence=of_steps, is_held=held)
        for own, key, of_steps, held in zip(names, keys, is_sequence, is_held, strict=True)
    ]
    values = {key: builder.input(each.name, each.width) for key, each in zip(keys, inputs, strict=True)}
    delayed = {key: node for key, node in ordered if type(node).__name__ == "Delay"}
    values |= {key: builder.state(f"\0{key}", *_width_and_delay(key, node)) for key, node in delayed.items()}
    for key, node in ordered:
        if type(node).__name__ == PRODUCT_TYPE:
            left, right = (values[text_of(each)] for each in (node.left, node.right))
            values[key] = builder.multiply(left, right, text_of(node.name))
        elif key not in delayed:
            values[key] = _read_node(builder, key, node, _received(graph, values, key))
    for key in delayed:
        builder.set_state(f"\0{key}", _received(graph, values, key))
    (end,) = (key for key, node in graph.nodes.items() if type(node).__name__ == "Output")
    nodes, output = builder.finish(_received(graph, values, end))
    if NETWORK_MARK in metadata:
        return read_host(metadata, tuple(inputs), nodes, output)
    if delayed:
        rule = "have a number of steps after which its states begin anew, as it has delays"
        repair = "Write it with the metadata of write_nir: n_steps, or inputs that are sequences."
        raise SpecError(f"NIR graph {name!r}", rule, f"none, and the Delay {min(delayed)!r}", repair)
    n_in = sum(each.width for each in inputs)
    return NetworkSpec(  # without metadata of steps, box and transforms: one step on [-1, 1]^n
        name=name,
        inputs=tuple(inputs),
        nodes=nodes,
        output=output,
        input_transform=AffineTransform.identity(n_in),
        output_transform=AffineTransform.identity(output.n_out),
        lower=np.full(n_in, -1.0),
        upper=np.full(n_in, 1.0),
    )


def order_nodes(graph: Any) -> list[tuple[str, Any]]:
    """Return the nodes between inputs and output, each behind those that it reads.

    Raises:
        SpecError: If there is no input or not one output, an edge leads nowhere, a loop has no Delay, or a node is not
            between input and output.
    """
    where = "NIR graph"
    kinds = {key: type(node).__name__ for key, node in graph.nodes.items()}
    at_once = [(start, end) for start, end in graph.edges if kinds.get(end) != "Delay"]
    find_recurrence(at_once)
    n_ends = [list(kinds.values()).count(wanted) for wanted in ("Input", "Output")]
    if not n_ends[0] or n_ends[1] != 1:
        got = f"{n_ends[0]} inputs and {n_ends[1]} outputs"
        raise SpecError(where, "have at least one input, and one output", got, "Export one network.")
    order: TopologicalSorter[str] = TopologicalSorter(dict.fromkeys(kinds, ()))
    for start, end in graph.edges:
        if start not in kinds or end not in kinds:
            raise SpecError(where, "have edges between nodes of the graph only", (start, end), "Add the missing node.")
        if (start, end) in at_once:
            order.add(end, start)
    read, sent = {start for start, _ in graph.edges}, {end for _, end in graph.edges}
    lost = sorted(
        k for k, kind in kinds.items() if (k not in read and kind != "Output") or (k not in sent and kind != "Input")
    )
    if lost:
        raise SpecError(where, "have every node between input and output", lost, "Connect them, or remove them.")
    return [(key, graph.nodes[key]) for key in order.static_order() if kinds[key] not in ("Input", "Output")]


def find_recurrence(edges: Iterable[tuple[str, str]], where: str = "NIR graph") -> None:
    """Check that a graph has no loop, edges into Delay nodes left out.

    Raises:
        SpecError: If there is a loop; its nodes are named in their order.
    """
    order: TopologicalSorter[str] = TopologicalSorter()
    for start, end in edges:
        order.add(end, start)
    try:
        order.prepare()
    except CycleError as error:
        loop = " -> ".join(error.args[1])
        repair = "Put a Delay of one step or more where the loop begins again."
        raise SpecError(where, "have a Delay in every loop", f"the loop {loop}", repair) from error


def _metadata(node: Any) -> dict[str, Any]:
    found: dict[str, Any] = getattr(node, "metadata", None) or {}
    return found


def _input_width(graph: Any, key: str) -> int:
    """Return the number of components of an input: what its node says, or what those read that follow it."""
    shape = (getattr(graph.nodes[key], "input_type", None) or {}).get("input")
    waiting = [key]
    while waiting and shape is None:
        here = waiting.pop(0)
        waiting += [end for start, end in graph.edges if start == here]
        weight = getattr(graph.nodes[here], "weight", None)
        theirs = getattr(graph.nodes[here], "scale", getattr(graph.nodes[here], "theta", None))
        sizes = getattr(graph.nodes[here], "input_shape", None)
        if sizes is not None:
            shape = (graph.nodes[here].weight.shape[1] * graph.nodes[here].groups, *np.ravel(sizes))
        elif weight is not None:
            shape = np.shape(weight)[1:]
        elif theirs is not None:
            shape = np.shape(theirs)
    if shape is None:
        raise SpecError(f"NIR graph: node {key!r}", "have a width", "none", "Write an Input with its type.")
    return int(np.prod(np.asarray(shape, dtype=np.int64)))


def _width_and_delay(key: str, node: Any) -> tuple[int, int]:
    """Return the number of components of a Delay node and its delay in steps."""
    delays = np.ravel(node.delay)
    if not delays.size or len(set(delays.tolist())) > 1 or delays[0] < 1 or delays[0] % 1:
        repair = "Write a Delay for each number of steps."
        raise SpecError(f"NIR graph: node {key!r}.delay", "be one whole number of steps, 1 or more", node.delay, repair)
    return delays.size, int(delays[0])


def _received(graph: Any, values: Mapping[str, AffineValue], key: str) -> AffineValue:
    """Return the sum of what all edges bring to a node."""
    parts = [values[start] for start, end in graph.edges if end == key]
    if len({each.n for each in parts}) > 1:
        repair = "Make the widths agree."
        raise SpecError(f"NIR graph: node {key!r}", "receive signals of one width", [each.n for each in parts], repair)
    return functools.reduce(AffineValue.plus, parts)


def _read_node(builder: GraphBuilder, key: str, node: Any, received: AffineValue) -> AffineValue:
    """Return what a node makes of what it receives."""
    kind, where = type(node).__name__, f"node {key!r}"
    fields = neuron_fields(node)
    if fields is not None:
        return builder.fire(read_neuron(where, node, fields, received)).without_offset()  # biases of NIR hold phi(0)
    if kind in ("Affine", "Linear", "Conv1d", "Conv2d"):
        if kind in ("Conv1d", "Conv2d"):
            weight, bias = unfolded(f"NIR graph: {where}", node)
        else:
            weight, bias = _matrix(where, node.weight), np.ravel(node.bias) if kind == "Affine" else np.zeros(1)
        if weight.shape[1] != received.n:
            rule = f"have {received.n} columns, as many components as the node receives"
            raise SpecError(f"NIR graph: {where}.weight", rule, weight.shape[1], "Make the widths agree.")
        return received.mapped(weight, bias)
    if kind == "Scale":
        return received.mapped(np.ravel(node.scale))
    if kind == "Flatten":
        return received
    repair = "Replace it by a Variable Spiking Neuron: phi(z) sent where m >= theta."
    if kind in BINARY:
        rule = "send graded payloads, as a Variable Spiking Neuron and a LIF with the metadata of one do"
        raise SpecError(f"NIR graph: {where}", rule, f"{kind}, whose spikes are one bit", repair)
    if kind in ("SumPool2d", "AvgPool2d"):
        repair = "Write it as an Affine or Conv2d node."
    if kind in ("I", "LI", "CubaLI"):
        repair = (
            "Write its steps: a Variable Spiking Neuron with phi = identity and theta = 0 that reads itself by a Delay."
        )
    if kind == "NIRGraph":
        find_recurrence(node.edges, f"NIR graph: {where}")
        repair = "Write its nodes into the graph itself."
    rule = f"be Affine, Linear, Conv1d, Conv2d, Scale, Flatten, Delay, {NODE_TYPE}, or a LIF with the metadata of one"
    raise SpecError(f"NIR graph: {where}", rule, kind, repair)


def _matrix(where: str, weight: Any) -> FloatArray:
    array: FloatArray = np.asarray(weight, dtype=np.float64)
    if array.ndim != 2:
        raise SpecError(
            f"NIR graph: {where}.weight", "have the shape (n_out, n_in)", array.shape, "Flatten the signal first."
        )
    return array
