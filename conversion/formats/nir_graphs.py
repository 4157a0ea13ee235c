"""Exchange with NIR, the Neuromorphic Intermediate Representation: networks as NIR graphs and back, exact both ways.

    Input ─ Affine ─ LIF ─ Affine ─ … ─ Affine ─ Output

NIR has no graded neuron. A layer of Variable Spiking Neurons is written as a `LIF` with the same membrane,

    v' = v + dt / tau (v_leak - v + r I)      dt = 1, tau = r = 1 / (1 - beta), v_leak = v_reset = 0, v_threshold = theta

and its metadata say what LIF cannot: that the spike carries phi(z), and beta, theta and the polarity to the last bit. Steps,
read-out, box and the host's transforms stand in the graph's metadata. Affine, Linear, Scale and Flatten nodes of other tools
are read too; their spiking nodes are binary and are refused. Needs the extra `nir`.

Source: nir 1.0.8, `nir/ir/neuron.py`; neuroir.org.
"""

from __future__ import annotations

import importlib
import io
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from ...base.arrays import FloatArray
from ...base.errors import FileFormatError, NeuroPinnError, SpecError
from ...files.atomic import write_bytes
from ...files.hdf5_links import check_self_contained
from ...files.parser_guard import try_parser
from ...network.spec import LayerSpec, NetworkSpec, OutputSpec, Polarity
from ...network.transforms import AffineTransform
from .nir_metadata import NETWORK_MARK, VSN_MARK, host_metadata, read_host, text_of
from .step_assembly import assemble_steps
from .step_records import AffineStep, NeuronStep, Step

LONGEST_TAU = 2.0**52
"""tau of a neuron that forgets nothing; its true beta stands in the metadata."""


def load_nir() -> Any:
    """Import nir, or say how to get it."""
    try:
        return importlib.import_module("nir")
    except ImportError as error:
        mend = "Install the extra: pip install 'neuropinn-lava[nir]'."
        raise SpecError("NIR", "the package nir", "not installed", mend) from error


def write_nir(network: NetworkSpec, path: str | Path) -> None:
    """Write a float network as a NIR file, all of it or none.

    It is made in memory: on a full disk, libhdf5 would end the process when it closes the file.

    Raises:
        SpecError: If the extra `nir` is missing, the directory refuses new files, or the disk is full.
    """
    nir, held = load_nir(), io.BytesIO()
    nir.write(held, make_graph(network))
    write_bytes(path, held.getvalue())


def read_nir(path: str | Path) -> NetworkSpec:
    """Read a NIR file; a child process tries it first, because nothing proves such a file whole.

    Raises:
        FileFormatError: If it is no NIR file, leads to other files, hangs its parser, or contradicts itself.
        SpecError: If the graph is no chain, or holds a node that cannot be deployed.
    """
    load_nir()
    try_parser(f"{__name__}:parse_nir", path, "NIR file")
    return parse_nir(path)


def parse_nir(path: str | Path) -> NetworkSpec:
    """Do what `read_nir` does, without trying it in a child process first.

    Raises:
        FileFormatError: If it is no NIR file, leads to other files, or contradicts itself.
        SpecError: If the graph is no chain, or holds a node that cannot be deployed.
    """
    import h5py

    where, nir = f"NIR file {path}", load_nir()
    try:
        with h5py.File(path, "r") as file:
            check_self_contained(file, where)
        graph = nir.read(str(path))
        return read_graph(graph, name=Path(path).stem)
    except NeuroPinnError:
        raise
    except Exception as error:  # nir raises what its parser happens to raise, and its nodes hold what the file says
        got = f"{type(error).__name__}: {error}"
        raise FileFormatError(where, "a whole NIR graph", got, "Write it again.") from error


def make_graph(network: NetworkSpec) -> Any:
    """Make the NIR graph of a float network."""
    nir = load_nir()
    nodes: dict[str, Any] = {"input": nir.Input(input_type={"input": np.array([network.n_in])})}
    for index, layer in enumerate(network.layers):
        nodes[f"affine{index}"] = nir.Affine(weight=np.array(layer.weight), bias=np.array(layer.bias))
        nodes[f"vsn{index}"] = _make_neuron(nir, layer)
    output = network.output
    nodes["affine_out"] = nir.Affine(weight=np.array(output.weight), bias=np.array(output.bias))
    nodes["output"] = nir.Output(output_type={"output": np.array([network.n_out])})
    names = list(nodes)
    edges = list(pairwise(names))
    return nir.NIRGraph(nodes=nodes, edges=edges, metadata=host_metadata(network))


def _make_neuron(nir: Any, layer: LayerSpec) -> Any:
    tau = np.minimum(1.0 / np.maximum(1.0 - layer.beta, 1.0 / LONGEST_TAU), LONGEST_TAU)
    zeros = np.zeros(layer.n_out)
    metadata = {
        VSN_MARK: "1",
        "name": layer.name,
        "activation": layer.activation,
        "polarity": layer.polarity.value,
        "beta": np.array(layer.beta),
        "theta": np.array(layer.theta),
    }
    theta = np.array(layer.theta)
    return nir.LIF(tau=tau, r=tau.copy(), v_leak=zeros, v_reset=zeros.copy(), v_threshold=theta, metadata=metadata)


def read_graph(graph: Any, name: str = "nir") -> NetworkSpec:
    """Make the float network of a NIR graph.

    Raises:
        SpecError: If it is no chain from one input to one output, or holds a node that cannot be deployed.
    """
    chain = order_nodes(graph)
    layers, output = assemble_steps(f"NIR graph {name!r}", [step for node in chain for step in _read_node(*node)])
    neurons = [node for _, node in chain if VSN_MARK in _metadata(node)]
    own_names = [text_of(_metadata(node)["name"]) for node in neurons]
    if len(own_names) == len(layers):
        layers = tuple(replace(layer, name=own) for layer, own in zip(layers, own_names, strict=True))
    metadata = _metadata(graph)
    if NETWORK_MARK in metadata:
        return read_host(metadata, layers, output)
    return _without_host(name, layers, output)


def order_nodes(graph: Any) -> list[tuple[str, Any]]:
    """Give the nodes between input and output in their order.

    Raises:
        SpecError: If there is not one input and one output, an edge leads nowhere, or the graph branches, ends early or cycles.
    """
    where = "NIR graph"
    kinds = {key: type(node).__name__ for key, node in graph.nodes.items()}
    ends = [[key for key, kind in kinds.items() if kind == wanted] for wanted in ("Input", "Output")]
    if [len(end) for end in ends] != [1, 1]:
        got = f"{len(ends[0])} inputs and {len(ends[1])} outputs"
        raise SpecError(where, "one input and one output", got, "Export one network.")
    after: dict[str, list[str]] = {key: [] for key in kinds}
    for start, end in graph.edges:
        if start not in kinds or end not in kinds:
            raise SpecError(where, "edges between nodes of the graph", (start, end), "Add the missing node.")
        after[start].append(end)
    chain: list[tuple[str, Any]] = []
    here, visited = ends[0][0], set[str]()
    while here != ends[1][0]:
        if here in visited:
            mend = "A recurrent network cannot be deployed; unroll it."
            raise SpecError(where, "no cycles", f"one through {here!r}", mend)
        visited.add(here)
        if len(after[here]) != 1:
            got = f"{here!r} leads to {after[here] or 'nothing'}"
            raise SpecError(
                where, "a chain: every node leads to one other", got, "Connect the nodes one after the other."
            )
        here = after[here][0]
        chain.append((here, graph.nodes[here]))
    unused = sorted(set(kinds) - visited - {here})
    if unused:
        mend = "Connect them, or remove them."
        raise SpecError(where, "every node lies between input and output", unused, mend)
    return chain[:-1]


def _metadata(node: Any) -> dict[str, Any]:
    found: dict[str, Any] = getattr(node, "metadata", None) or {}
    return found


def _read_node(key: str, node: Any) -> list[Step]:
    """Give the steps of a node: one, or none for one without effect."""
    kind, where = type(node).__name__, f"node {key!r}"
    if VSN_MARK in _metadata(node):
        return [_read_neuron(where, node)]
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
    if kind in ("Conv1d", "Conv2d", "SumPool2d", "AvgPool2d", "Delay", "NIRGraph"):
        mend = "Write it as an Affine node."
    rule = "Affine, Linear, Scale, Flatten, or a LIF with the metadata of a Variable Spiking Neuron"
    raise SpecError(f"NIR graph: {where}", rule, kind, mend)


def _matrix(where: str, weight: Any) -> FloatArray:
    array: FloatArray = np.asarray(weight, dtype=np.float64)
    if array.ndim != 2:
        raise SpecError(
            f"NIR graph: {where}.weight", "the shape (n_out, n_in)", array.shape, "Flatten the signal first."
        )
    return array


def _read_neuron(where: str, node: Any) -> NeuronStep:
    metadata = _metadata(node)
    missing = {"name", "activation", "polarity", "beta", "theta"} - set(metadata)
    if missing:
        mend = "Write the graph again with write_nir."
        raise SpecError(
            f"NIR graph: {where}.metadata", "all of a Variable Spiking Neuron", f"no {sorted(missing)}", mend
        )
    if not np.array_equal(np.asarray(node.v_threshold), np.asarray(metadata["theta"])):
        rule = "a threshold that equals theta in its metadata"
        mend = "Change both, or write the graph again with write_nir."
        raise SpecError(f"NIR graph: {where}.v_threshold", rule, "another", mend)
    return NeuronStep(
        where=where,
        activation=text_of(metadata["activation"]),
        polarity=Polarity(text_of(metadata["polarity"])),
        beta=metadata["beta"],
        theta=metadata["theta"],
    )


def _without_host(name: str, layers: tuple[LayerSpec, ...], output: OutputSpec) -> NetworkSpec:
    """Make a network of a graph that says nothing of steps, box and transforms: one step, [-1, 1]^n."""
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
