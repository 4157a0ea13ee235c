"""Record of a network in integers: the nodes of `quantized_nodes.py`, and the float network that they came from.

The embedded float network determines transforms, steps and read-out, and is what the float backend runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from ..base.arrays import Record, record_digest
from ..base.checks import check_range, raise_violations
from ..base.errors import Violation
from .graph import ProductNode
from .nodes import InputSpec, NodeSpec, OutputSpec
from .quantized_nodes import (
    EXPONENT_RANGE,
    AnyQuantizedNode,
    QuantizedAffine,
    QuantizedNode,
    QuantizedOutput,
    QuantizedPopulation,
    QuantizedProduct,
    Word,
)
from .spec import NetworkSpec, Readout


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QuantizedNetwork(Record):
    """A whole network in integers, with the float network that it came from."""

    source: NetworkSpec
    """Float network, whose transforms, steps and read-out hold for this one, too."""
    input_words: tuple[Word, ...]
    """Words of the normalised inputs, in the order of the source's inputs."""
    nodes: tuple[QuantizedNode, ...]
    """Populations and products, in the order of the source's nodes."""
    output: QuantizedOutput
    """The linear read-out."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "nodes", tuple(self.nodes))
        object.__setattr__(self, "input_words", tuple(self.input_words))
        raise_violations(self._violations())

    def _violations(self) -> Iterator[Violation]:
        where = f"QuantizedNetwork {self.name!r}"
        if len(self.input_words) != len(self.source.inputs):
            got = len(self.input_words)
            repair = "Give one word for each input of the source."
            yield Violation(f"{where}.input_words", f"be {len(self.source.inputs)} words", got, repair)
            return
        for word in self.input_words:
            yield from check_range(f"{where}.input_words", word.bits, 2, 24)
            yield from check_range(f"{where}.input_words", word.exponent, *EXPONENT_RANGE)
        found = [_shape(node) for node in (*self.nodes, self.output)]
        wanted = [_shape(node) for node in (*self.source.nodes, self.source.output)]
        if found != wanted:
            differing: list[object] = [have for have, want in zip(found, wanted, strict=False) if have != want]
            repair = "Quantize the whole network, node by node."
            rule = "have the names, kinds, widths, sources and delays of the source's nodes"
            yield Violation(f"{where}.nodes", rule, (differing or [len(found)])[0], repair)
            return
        yield from self._word_violations(where)

    def _word_violations(self, where: str) -> Iterator[Violation]:
        """Check that every connection and factor has the word that its source sends."""
        words = self.words
        for node in (*self.nodes, self.output):
            if isinstance(node, QuantizedProduct):
                received = [(node.left, node.left_word), (node.right, node.right_word)]
            else:
                received = [
                    (each.source, Word(bits=each.input_bits, exponent=each.input_exponent))
                    for each in node.affine.connections
                ]
            for source, word in received:
                if word != words[source]:
                    repair = f"Give it the word that {source!r} sends."
                    place = f"{where}: {node.name!r} from {source!r}"
                    rule = f"receive words (bits, exponent) = {(words[source].bits, words[source].exponent)}"
                    yield Violation(place, rule, (word.bits, word.exponent), repair)

    @property
    def words(self) -> dict[str, Word]:
        """The word that every input and node sends, by name."""
        words = {each.name: word for each, word in zip(self.source.inputs, self.input_words, strict=True)}
        return words | {node.name: node.sends for node in self.nodes}

    @property
    def populations(self) -> tuple[QuantizedPopulation, ...]:
        """The spiking nodes, in order."""
        return tuple(node for node in self.nodes if isinstance(node, QuantizedPopulation))

    @property
    def inputs(self) -> tuple[InputSpec, ...]:
        """Inputs of the source."""
        return self.source.inputs

    @property
    def held_sources(self) -> frozenset[str]:
        """Names of what is computed once for each held value, as in the source."""
        return self.source.held_sources

    def split_inputs(self, values: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Split the columns (…, n_in) of all inputs into those of each input, by name."""
        return self.source.split_inputs(values)

    @property
    def name(self) -> str:
        """Name of the source."""
        return self.source.name

    @property
    def n_in(self) -> int:
        """Number of coordinates of a point."""
        return self.source.n_in

    @property
    def n_out(self) -> int:
        """Number of outputs of the network."""
        return self.output.n_out

    @property
    def n_steps(self) -> int | None:
        """Number T of steps of the source; None where an input is a sequence."""
        return self.source.n_steps

    @property
    def readout(self) -> Readout:
        """Reduction of the outputs of the steps to one, as in the source."""
        return self.source.readout

    @property
    def widths(self) -> tuple[int, ...]:
        """Numbers of coordinates, of elements of each node, and of outputs: (n_in, n_1, …, n_out)."""
        return self.source.widths

    @property
    def affines(self) -> tuple[QuantizedAffine, ...]:
        """The sums of all populations in order, the read-out's last."""
        return (*(node.affine for node in self.populations), self.output.affine)

    def summary_rows(self) -> Iterator[tuple[str, str]]:
        """Yield what a notebook shows: the rows of the source, and the words of the integers."""
        yield from self.source.summary_rows()
        yield "weight bits", ", ".join(map(str, dict.fromkeys(affine.weight_bits for affine in self.affines)))
        yield "payload bits", ", ".join(map(str, dict.fromkeys(node.sends.bits for node in self.nodes)))
        yield "state bits", str(max(affine.state_bits for affine in self.affines))

    def digest(self) -> str:
        """Return the SHA-256 of the integers and the source, as 64 hex digits."""
        return record_digest(self)


def _shape(node: Any) -> tuple[object, ...]:
    """Return name, kind, width and connections of a node of either kind of numbers."""
    if isinstance(node, ProductNode):
        return node.name, "product", node.n_out, node.edges
    connections = getattr(node, "affine", node).connections
    return node.name, "sum", node.n_out, node.edges, tuple(each.n_source for each in connections)


AnyNode = NodeSpec | OutputSpec | AnyQuantizedNode
"""A node or the read-out of a network of either kind."""
Network = NetworkSpec | QuantizedNetwork
"""A network of either kind, float or quantized."""
