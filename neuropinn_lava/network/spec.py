"""Record of a network of Variable Spiking Neurons in float64 and physical units: a graph of the nodes of `nodes.py`.

A network has named inputs, nodes that read inputs and one another, and one read-out. A chain of layers is the graph in which
every node has one connection of delay 0, from the node before it. `engine/reference.py` runs this record; its integer
counterpart is in `quantized.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base.arrays import NOT_IN_DIGEST, ArrayRecord, FloatArray, Record, freeze_arrays, record_digest, split_columns
from ..base.checks import as_member, check_finite, check_range, check_shape, check_whole, raise_violations
from ..base.errors import SpecError, Violation
from .graph import check_sources, is_chain, ordered_nodes
from .nodes import InputSpec, NodeSpec, OutputSpec, PopulationSpec, ProductSpec
from .transforms import AffineTransform, Ansatz

MAX_STEPS = 4096
"""Largest number of steps that a sample is presented, far above use; it bounds the run time that a damaged file can cause."""


class Readout(str, Enum):
    """Reduction of the outputs of T steps."""

    MEAN = "mean"
    """Mean of the outputs of all steps."""
    LAST = "last"
    """Output of step T alone."""
    EVERY = "every"
    """Outputs of all steps, for sequences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemParameter(Record):
    """One option of a problem that was not left at its default, such as `viscosity` of `burgers`."""

    name: str
    """Name of the option."""
    value: float
    """Value of the option."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance(Record):
    """Origin of a network; not part of its identity."""

    problem: str | None = None
    """Name of the PDE problem that it was trained on."""
    parameters: tuple[ProblemParameter, ...] = ()
    """Options of the problem that were not left at their defaults, and the coefficients of its equations that were found."""
    seed: int | None = None
    """Seed of the training, a 64-bit integer."""
    package_version: str | None = None
    """Version of this package that wrote the network."""
    command: str | None = None
    """Command that produces the network again."""

    def __post_init__(self) -> None:
        if self.seed is not None:
            found = [*check_whole("Provenance.seed", self.seed)]
            raise_violations(found or check_range("Provenance.seed", self.seed, -(2**63), 2**63 - 1))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NetworkSpec(ArrayRecord):
    """A whole network with its host-side transforms: points (n_samples, n_in) in, physical outputs (n_samples, n_out) out.

    The columns of the points are those of the inputs, one input after the other.
    """

    name: str
    """Name of the network in reports."""
    inputs: tuple[InputSpec, ...]
    """Inputs in the order of their columns, at least one."""
    nodes: tuple[NodeSpec, ...]
    """Populations and products; held sorted so that each follows what it reads without delay, equal ones by name."""
    output: OutputSpec
    """The linear read-out."""
    n_steps: int | None = 1
    """Number T of steps that a sample is presented, 1 to `MAX_STEPS`; None where an input is a sequence, whose length it is."""
    readout: Readout = Readout.MEAN
    """Reduction of the outputs of T steps."""
    input_transform: AffineTransform
    """Transform of physical coordinates to the network's input, on the host."""
    output_transform: AffineTransform
    """Transform of the network's output to the units of the ansatz, on the host."""
    ansatz: Ansatz | None = None
    """Built-in conditions, on the host; None leaves the output unchanged."""
    lower: FloatArray
    """Lower corner of the box that the network was trained on, physical, shape (n_in,)."""
    upper: FloatArray
    """Upper corner of that box, shape (n_in,)."""
    provenance: Provenance = field(default_factory=Provenance, metadata=NOT_IN_DIGEST)
    """Origin of the network."""

    def __post_init__(self) -> None:
        where = f"NetworkSpec {self.name!r}"
        freeze_arrays(self, lower=np.float64, upper=np.float64)
        object.__setattr__(self, "readout", as_member(Readout, self.readout, f"{where}.readout"))
        object.__setattr__(self, "inputs", tuple(self.inputs))
        if not self.inputs:
            raise SpecError(f"{where}.inputs", "hold at least one input", 0, "Add an InputSpec.")
        names = [each.name for each in self.inputs]
        object.__setattr__(self, "nodes", ordered_nodes(where, tuple(self.nodes), names))
        if not self.populations:
            repair = "A network without spiking neurons is a matrix; add a population."
            raise SpecError(f"{where}.nodes", "hold at least one population", 0, repair)
        names += [node.name for node in self.nodes]
        if self.output.name in names:
            raise SpecError(f"{where}.output", "have a name of its own", self.output.name, "Rename it.")
        check_sources(where, self.output, names)
        raise_violations(self._violations())

    def _violations(self) -> Iterator[Violation]:
        where = f"NetworkSpec {self.name!r}"
        yield from self._width_violations(where)
        yield from self._step_violations(where)
        for name, n in (("input_transform", self.n_in), ("output_transform", self.n_out)):
            if getattr(self, name).n != n:
                yield Violation(
                    f"{where}.{name}", f"have {n} components", getattr(self, name).n, "Make the widths agree."
                )
        if self.ansatz and (self.ansatz.n_dim, self.ansatz.n_out) != (self.n_in, self.n_out):
            got = (self.ansatz.n_dim, self.ansatz.n_out)
            yield Violation(
                f"{where}.ansatz", f"have (n_dim, n_out) = {(self.n_in, self.n_out)}", got, "Make them agree."
            )
        for name in ("lower", "upper"):
            yield from check_shape(f"{where}.{name}", getattr(self, name), (self.n_in,), "(n_in,)")
            yield from check_finite(f"{where}.{name}", getattr(self, name))
        if self.lower.shape == self.upper.shape and not (self.lower < self.upper).all():
            yield Violation(f"{where}.upper", "lie above lower", self.upper, "Give a box with an inside.")

    def _width_violations(self, where: str) -> Iterator[Violation]:
        """Check that every connection and factor is as wide as its source."""
        width = self.source_widths
        for node in (*self.nodes, self.output):
            if isinstance(node, ProductSpec):
                for source, _ in node.edges:
                    if width[source] != node.width:
                        repair = f"Give both factors {node.width} elements."
                        place = f"{where}: factor {source!r} of {node.name!r}"
                        yield Violation(place, f"have the width {node.width}", width[source], repair)
                continue
            for each in node.connections:
                if each.n_source != width[each.source]:
                    repair = f"Give it as many columns as {each.source!r} has components."
                    place = f"{where}: weight of {node.name!r} from {each.source!r}"
                    yield Violation(place, f"have {width[each.source]} columns", each.n_source, repair)

    def _step_violations(self, where: str) -> Iterator[Violation]:
        """Check the number of steps, and what sequences and held inputs allow."""
        held = [each.name for each in self.inputs if each.is_held]
        if len(held) == len(self.inputs):
            repair = "Hold those that many samples share, and leave the others as they are."
            yield Violation(f"{where}.inputs", "have one that is not held", f"all of {held} held", repair)
        if self.has_sequences:
            if held:
                rule = "have no held inputs where an input is a sequence, whose payloads have no fixed number of steps"
                yield Violation(f"{where}.inputs", rule, f"{held} held", "Leave is_held out.")
            if self.n_steps is not None:
                repair = "Give None: a sample's steps are those of its sequence."
                yield Violation(f"{where}.n_steps", "be None where an input is a sequence", self.n_steps, repair)
            if self.ansatz is not None:
                repair = "Leave the ansatz out."
                yield Violation(f"{where}.ansatz", "be None where an input is a sequence", type(self.ansatz), repair)
            return
        found = [*check_whole(f"{where}.n_steps", self.n_steps)]
        yield from found or check_range(f"{where}.n_steps", self.n_steps or 0, 1, MAX_STEPS)
        if self.readout is Readout.EVERY:
            repair = "Use MEAN or LAST, or make an input a sequence."
            yield Violation(f"{where}.readout", "be MEAN or LAST where no input is a sequence", "every", repair)

    @property
    def populations(self) -> tuple[PopulationSpec, ...]:
        """The spiking nodes, in order."""
        return tuple(node for node in self.nodes if isinstance(node, PopulationSpec))

    @property
    def affines(self) -> tuple[PopulationSpec | OutputSpec, ...]:
        """The spiking nodes, in order, and the read-out last: all nodes with weights."""
        return (*self.populations, self.output)

    @property
    def has_sequences(self) -> bool:
        """Whether an input changes with the steps."""
        return any(each.is_sequence for each in self.inputs)

    @property
    def held_sources(self) -> frozenset[str]:
        """Names of the held inputs, and of the nodes that depend on held inputs only, by any delay or loop."""
        held = {each.name for each in self.inputs if each.is_held}
        if not held:
            return frozenset()
        held |= {node.name for node in self.nodes}
        while moving := {node.name for node in self.nodes if {source for source, _ in node.edges} - held} & held:
            held -= moving
        return frozenset(held)

    @property
    def replays(self) -> tuple[tuple[str, str], ...]:
        """Pairs (receiver, source) of what keeps the payloads of a held source and replays them for every sample."""
        held = self.held_sources
        return tuple(
            (node.name, source)
            for node in (*self.nodes, self.output)
            if node.name not in held
            for source in sorted({source for source, _ in node.edges} & held)
        )

    @property
    def source_widths(self) -> dict[str, int]:
        """Number of components of every input and node, by name."""
        widths = {each.name: each.width for each in self.inputs}
        return widths | {node.name: node.n_out for node in self.nodes}

    def split_inputs(self, values: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Split the columns (…, n_in) of all inputs into those of each input, by name."""
        names = [each.name for each in self.inputs]
        return dict(zip(names, split_columns(values, [each.width for each in self.inputs]), strict=True))

    @property
    def is_chain(self) -> bool:
        """Whether every node is a population with one connection, without delay, from the node before it."""
        return is_chain([each.name for each in self.inputs], (*self.nodes, self.output))

    @property
    def n_in(self) -> int:
        """Number of coordinates of a point: the columns of all inputs."""
        return sum(each.width for each in self.inputs)

    @property
    def n_out(self) -> int:
        """Number of outputs of the network."""
        return self.output.n_out

    @property
    def widths(self) -> tuple[int, ...]:
        """Numbers of coordinates, of elements of each node, and of outputs: (n_in, n_1, …, n_out)."""
        return (self.n_in, *(node.n_out for node in self.nodes), self.n_out)

    def summary_rows(self) -> Iterator[tuple[str, str]]:
        """Yield what a notebook shows: name, nodes, steps, activations, weights and origin."""
        yield "name", self.name
        yield "widths", " – ".join(map(str, self.widths)) + ("" if self.is_chain else ", a graph")
        yield "steps", "as many as a sequence has" if self.n_steps is None else str(self.n_steps)
        yield "activation", ", ".join(dict.fromkeys(node.activation for node in self.populations))
        yield "weights", f"{sum(each.weight.size for node in self.affines for each in node.connections):,}"
        yield "solves", self.provenance.problem or "a problem that is not known"

    def digest(self) -> str:
        """Return the SHA-256 of the network without its provenance, as 64 hex digits."""
        return record_digest(self)

    def restored(self, points: FloatArray, outputs: FloatArray) -> FloatArray:
        """Convert the read-out, (n_samples, n_out) or (n_samples, n_steps, n_out), to physical units."""
        scaled: FloatArray = self.output_transform.apply(outputs)
        return self.ansatz.apply(points, scaled) if self.ansatz else scaled
