"""Exchange with NIR, the Neuromorphic Intermediate Representation: networks as NIR graphs and back, exact both ways.

    Input ─ Affine ─ VariableSpikingNeuron ─ Affine ─ … ─ Affine ─ Output

NIR has no graded neuron: a layer of Variable Spiking Neurons is a node of a type of its own, which other tools must refuse, or
on request a `LIF` with the same membrane (`nir_neurons.py`). Steps, read-out, box and the host's transforms stand in the
graph's metadata. Affine, Linear, Scale and Flatten nodes of other tools are read too. Their spiking nodes are binary and are
refused, as is recurrence. Needs the extra `nir`.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from ...base.arrays import FloatArray
from ...base.errors import FileFormatError, NeuroPinnError, SpecError
from ...base.extras import import_extra
from ...files.atomic import write_bytes
from ...files.hdf5_links import check_self_contained
from ...files.parser_guard import try_parser
from ...network.nodes import OutputSpec, PopulationSpec
from ...network.spec import NetworkSpec
from ...network.transforms import AffineTransform
from .nir_metadata import NETWORK_MARK, host_metadata, read_host, text_of
from .nir_neurons import NODE_TYPE, make_lif, make_neuron, neuron_fields, node_class, read_neuron
from .step_assembly import assemble_steps
from .step_records import AffineStep, Step


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
        SpecError: If the graph is no chain, or holds a node that cannot be deployed.
    """
    import_extra("nir", "nir")
    try_parser(f"{__name__}:parse_nir", path, "NIR file")
    return parse_nir(path)


def parse_nir(path: str | Path) -> NetworkSpec:
    """Do what `read_nir` does, without trying it in a child process first.

    Raises:
        FileFormatError: If it is no NIR file, leads to other files, or contradicts itself.
        SpecError: If the graph is no chain, or holds a node that cannot be deployed.
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
    nodes = {
        key: node_class().from_dict(node) if node["type"] == NODE_TYPE else nir.dict2NIRNode(node)
        for key, node in tree["nodes"].items()
    }
    edges = [(text_of(start), text_of(end)) for start, end in tree["edges"]]
    find_recurrence(edges)
    return nir.NIRGraph(nodes=nodes, edges=edges, metadata=tree.get("metadata", {}))


def make_graph(network: NetworkSpec, *, as_lif: bool = False) -> Any:
    """Build the NIR graph of a float network, its neurons as nodes of their own type or as LIF nodes."""
    nir = import_extra("nir", "nir")
    nodes: dict[str, Any] = {"input": nir.Input(input_type={"input": np.array([network.n_in])})}
    for index, layer in enumerate(network.populations):
        nodes[f"affine{index}"] = nir.Affine(weight=np.array(layer.weight), bias=np.array(layer.bias))
        nodes[f"vsn{index}"] = make_lif(layer) if as_lif else make_neuron(layer)
    output = network.output
    nodes["affine_out"] = nir.Affine(weight=np.array(output.weight), bias=np.array(output.bias))
    nodes["output"] = nir.Output(output_type={"output": np.array([network.n_out])})
    names = list(nodes)
    edges = list(pairwise(names))
    return nir.NIRGraph(nodes=nodes, edges=edges, metadata=host_metadata(network))


def read_graph(graph: Any, name: str = "nir") -> NetworkSpec:
    """Build the float network of a NIR graph.

    Raises:
        SpecError: If it is no chain from one input to one output, or holds a node that cannot be deployed.
    """
    chain = order_nodes(graph)
    layers, output = assemble_steps(f"NIR graph {name!r}", [step for node in chain for step in _read_node(*node)])
    found = [fields for _, node in chain if (fields := neuron_fields(node)) is not None]
    own_names = [text_of(fields["name"]) for fields in found]
    if len(own_names) == len(layers):
        layers = tuple(replace(layer, name=own) for layer, own in zip(layers, own_names, strict=True))
    metadata = _metadata(graph)
    if NETWORK_MARK in metadata:
        return read_host(metadata, layers, output)
    return _without_host(name, layers, output)


def order_nodes(graph: Any) -> list[tuple[str, Any]]:
    """Return the nodes between input and output in their order.

    Raises:
        SpecError: If there is not one input and one output, an edge leads nowhere, or the graph is recurrent, branches or ends
            early.
    """
    where = "NIR graph"
    find_recurrence(graph.edges)
    kinds = {key: type(node).__name__ for key, node in graph.nodes.items()}
    ends = [[key for key, kind in kinds.items() if kind == wanted] for wanted in ("Input", "Output")]
    if [len(end) for end in ends] != [1, 1]:
        got = f"{len(ends[0])} inputs and {len(ends[1])} outputs"
        raise SpecError(where, "have one input and one output", got, "Export one network.")
    after: dict[str, list[str]] = {key: [] for key in kinds}
    for start, end in graph.edges:
        if start not in kinds or end not in kinds:
            raise SpecError(where, "have edges between nodes of the graph only", (start, end), "Add the missing node.")
        after[start].append(end)
    chain: list[tuple[str, Any]] = []
    here, visited = ends[0][0], set[str]()
    while here != ends[1][0]:
        visited.add(here)
        if len(after[here]) != 1:
            got = f"{here!r} leads to {after[here] or 'nothing'}"
            raise SpecError(
                where,
                "be a chain in which every node leads to one other",
                got,
                "Connect the nodes one after the other.",
            )
        here = after[here][0]
        chain.append((here, graph.nodes[here]))
    unused = sorted(set(kinds) - visited - {here})
    if unused:
        mend = "Connect them, or remove them."
        raise SpecError(where, "have every node between input and output", unused, mend)
    return chain[:-1]


def find_recurrence(edges: Iterable[tuple[str, str]], where: str = "NIR graph") -> None:
    """Check that a graph has no recurrence.

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
        mend = "Recurrent networks are not supported yet. Train it without the connection that leads back."
        raise SpecError(where, "be a feed-forward graph, without recurrence", f"the loop {loop}", mend) from error


def _metadata(node: Any) -> dict[str, Any]:
    found: dict[str, Any] = getattr(node, "metadata", None) or {}
    return found


def _read_node(key: str, node: Any) -> list[Step]:
    """Return the steps of a node: one, or none for one without effect."""
    kind, where = type(node).__name__, f"node {key!r}"
    fields = neuron_fields(node)
    if fields is not None:
        return [read_neuron(where, node, fields)]
    if kind == "Affine":
        return [AffineStep(where=where, weight=_matrix(where, node.weight), bias=node.bias)]
    if kind == "Linear":
        weight = _matrix(where, node.weight)
        return [AffineStep(where=where, weight=weight, bias=np.zeros(len(weight)))]
    if kind == "Scale":
        return [AffineStep(where=where, weight=np.ravel(node.scale), bias=np.zeros(np.size(node.scale)))]
    if kind == "Flatten":
        return []
    mend = "Replace it by a Variable Spiking Neuron: phi(z) sent where m >= theta."
    if kind in ("Conv1d", "Conv2d", "SumPool2d", "AvgPool2d", "Delay"):
        mend = "Write it as an Affine node."
    if kind == "NIRGraph":
        find_recurrence(node.edges, f"NIR graph: {where}")
        mend = "Write its nodes into the graph itself."
    rule = f"be Affine, Linear, Scale, Flatten, {NODE_TYPE}, or a LIF with the metadata of one"
    raise SpecError(f"NIR graph: {where}", rule, kind, mend)


def _matrix(where: str, weight: Any) -> FloatArray:
    array: FloatArray = np.asarray(weight, dtype=np.float64)
    if array.ndim != 2:
        raise SpecError(
            f"NIR graph: {where}.weight", "have the shape (n_out, n_in)", array.shape, "Flatten the signal first."
        )
    return array


def _without_host(name: str, layers: tuple[PopulationSpec, ...], output: OutputSpec) -> NetworkSpec:
    """Build the network of a graph without metadata of steps, box and transforms: one step on [-1, 1]^n."""
    n_in = layers[0].n_in
    return NetworkSpec(
        name=name,
        layers=layers,
        output=output,
        input_transform=AffineTransform.identity(n_in),
        output_transform=AffineTransform.identity(output.n_out),
        lower=np.full(n_in, -1.0),
        upper=np.full(n_in, 1.0),
    )
