"""Network files of schema 1, which version 1 wrote: chains of layers. They are read and become the graph that they are.

These classes have the names and fields of version 1's records, by which its files name their groups and compute their digest.
They check nothing: the records that are built from them do.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..base.arrays import NOT_IN_DIGEST, FloatArray, IntArray
from ..network import nodes, phi_table, quantized, quantized_nodes, spec
from ..network.nodes import Polarity
from ..network.spec import Provenance, Readout
from ..network.transforms import AffineTransform, Ansatz

INPUT = "input"
"""Name of the one input of a chain."""


@dataclass
class LayerSpec:
    """A spiking layer in float64."""

    name: str
    weight: FloatArray
    bias: FloatArray
    beta: FloatArray
    theta: FloatArray
    activation: str
    polarity: Polarity

    def upgraded(self, source: str) -> nodes.PopulationSpec:
        """Return the population that reads `source`."""
        return nodes.PopulationSpec(
            name=self.name,
            connections=(nodes.ConnectionSpec(source=source, weight=self.weight),),
            bias=self.bias,
            beta=self.beta,
            theta=self.theta,
            activation=self.activation,
            polarity=self.polarity,
        )


@dataclass
class OutputSpec:
    """The read-out in float64."""

    weight: FloatArray
    bias: FloatArray
    name: str


@dataclass
class NetworkSpec:
    """A chain in float64."""

    name: str
    layers: tuple[LayerSpec, ...]
    output: OutputSpec
    n_steps: int
    readout: Readout
    input_transform: AffineTransform
    output_transform: AffineTransform
    ansatz: Ansatz | None
    lower: FloatArray
    upper: FloatArray
    provenance: Provenance = field(default_factory=Provenance, metadata=NOT_IN_DIGEST)

    def upgraded(self) -> spec.NetworkSpec:
        """Return the network as a graph."""
        sources = [INPUT, *(layer.name for layer in self.layers)]
        last = nodes.ConnectionSpec(source=sources[-1], weight=self.output.weight)
        return spec.NetworkSpec(
            name=self.name,
            inputs=(nodes.InputSpec(name=INPUT, width=len(self.lower)),),
            nodes=tuple(layer.upgraded(source) for layer, source in zip(self.layers, sources, strict=False)),
            output=nodes.OutputSpec(name=self.output.name, connections=(last,), bias=self.output.bias),
            n_steps=self.n_steps,
            readout=self.readout,
            input_transform=self.input_transform,
            output_transform=self.output_transform,
            ansatz=self.ansatz,
            lower=self.lower,
            upper=self.upper,
            provenance=self.provenance,
        )


@dataclass
class QuantizedAffine:
    """Weights, bias and scales of a layer in integers."""

    weight: IntArray
    weight_bits: int
    weight_exponent: IntArray
    bias: IntArray
    input_exponent: int
    input_bits: int
    state_exponent: int
    state_bits: int

    def upgraded(self, source: str) -> quantized_nodes.QuantizedAffine:
        """Return the sum of one connection from `source`."""
        connection = quantized_nodes.QuantizedConnection(
            source=source,
            weight=self.weight,
            weight_bits=self.weight_bits,
            weight_exponent=self.weight_exponent,
            input_exponent=self.input_exponent,
            input_bits=self.input_bits,
        )
        return quantized_nodes.QuantizedAffine(
            connections=(connection,),
            bias=self.bias,
            state_exponent=self.state_exponent,
            state_bits=self.state_bits,
        )


@dataclass
class PhiTable:
    """A table of phi, odd or even."""

    activation: str
    state_exponent: int
    state_bits: int
    payload_exponent: int
    payload_bits: int
    index_bits: int
    fraction_bits: int
    entries: IntArray

    def upgraded(self) -> phi_table.PhiTable:
        """Return the same table."""
        return phi_table.PhiTable(**vars(self))


@dataclass
class QuantizedLayer:
    """A spiking layer in integers."""

    name: str
    affine: QuantizedAffine
    beta: IntArray
    theta: IntArray
    polarity: Polarity
    table: PhiTable


@dataclass
class QuantizedOutput:
    """The read-out in integers."""

    affine: QuantizedAffine
    name: str


@dataclass
class QuantizedNetwork:
    """A chain in integers."""

    source: NetworkSpec
    input_exponent: int
    input_bits: int
    layers: tuple[QuantizedLayer, ...]
    output: QuantizedOutput

    def upgraded(self) -> quantized.QuantizedNetwork:
        """Return the network as a graph."""
        sources = [INPUT, *(layer.name for layer in self.layers)]
        populations = tuple(
            quantized_nodes.QuantizedPopulation(
                name=layer.name,
                affine=layer.affine.upgraded(source),
                beta=layer.beta,
                theta=layer.theta,
                polarity=layer.polarity,
                table=layer.table.upgraded(),
            )
            for layer, source in zip(self.layers, sources, strict=False)
        )
        output = quantized_nodes.QuantizedOutput(affine=self.output.affine.upgraded(sources[-1]), name=self.output.name)
        return quantized.QuantizedNetwork(
            source=self.source.upgraded(),
            input_words=(quantized_nodes.Word(bits=self.input_bits, exponent=self.input_exponent),),
            nodes=populations,
            output=output,
        )
