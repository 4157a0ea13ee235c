"""The one walk of a graph: step by step, node by node, over any kind of numbers, with an observer that sees every value.

    for each step t, for each node in order:
        received = payloads of its sources, d steps before; zero at the steps t <= d of a fresh walk
        step     = arithmetic(node, membrane, received)
        see(t, node, step)

The reference engines, calibration, sensitivities, interval bounds and the error budget are uses of this walk with arithmetics
of their own. The compiled kernels and Lava do not use it, so that their equality with it is evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from ..network.nodes import InputSpec, PopulationSpec
from ..network.quantized_nodes import QuantizedPopulation


class NodeStep(NamedTuple):
    """All values of a node at one time step, each of shape (n_samples, n_out), in the numbers of the arithmetic."""

    received: Sequence[Any]
    """What came in over each connection, or the two factors, shape (n_samples, n_source) each."""
    drive: Any
    """Weighted sum z[t] with the bias; of a product, its value before rounding."""
    payload: Any
    """Payload a[t] of the neurons that fired, 0 of the others; of a read-out, its output y[t]."""
    membrane: Any = None
    """Membrane m[t] before its reset; None where there is no membrane."""
    fired: Any = None
    """Spikes s[t]; None where nothing fires."""
    carried: Any = None
    """Membrane after the reset, which leaks into the next step; None where there is no membrane."""
    saturated: tuple[int, int, int] = (0, 0, 0)
    """Numbers of entries of z, m and a that their integer words could not hold."""


class Graph(Protocol):
    """A network of any kind, as far as the walk is concerned."""

    @property
    def inputs(self) -> tuple[InputSpec, ...]:
        """Named inputs with their widths."""

    @property
    def nodes(self) -> tuple[Any, ...]:
        """Populations and products, each behind what it reads without delay."""

    @property
    def output(self) -> Any:
        """Read-out of the network."""


class Arithmetic(Protocol):
    """Kind of numbers that a walk computes with."""

    def silence(self, width: int) -> Any:
        """Return the zeros that a source of that width has sent before its first step, and a membrane before its own."""

    def step(self, node: Any, membrane: Any, received: Sequence[Any]) -> NodeStep:
        """Compute one step of a node from its carried membrane, None of a node without one, and what it receives."""


Observer = Callable[[int, Any, NodeStep], None]
"""Called with step, node and values, in the order of the walk, for every node and the read-out."""


@dataclass(slots=True)
class WalkState:
    """What a walk carries from one step to the next; a walk that continues one begins with it."""

    step: int = 0
    """Number of steps done."""
    membranes: dict[str, Any] = field(default_factory=dict)
    """Carried membrane of each population, by name."""
    lines: dict[str, list[Any]] = field(default_factory=dict)
    """Last payloads of each source that is read with a delay, the newest last, as many as the longest delay."""


def longest_delays(network: Graph) -> dict[str, int]:
    """Return the longest delay with which each source is read, for the sources that are read with one."""
    longest: dict[str, int] = {}
    for node in (*network.nodes, network.output):
        for source, delay in node.edges:
            if delay:
                longest[source] = max(delay, longest.get(source, 0))
    return longest


def walk(
    network: Graph,
    inputs: Callable[[int], Mapping[str, Any]],
    n_steps: int,
    arithmetic: Arithmetic,
    see: Observer,
    state: WalkState | None = None,
) -> WalkState:
    """Walk a network for a number of steps.

    Args:
        network: Float or quantized.
        inputs: Returns the values of every input by name, (n_samples, width) each, for a step of this walk from 0 on.
        n_steps: Number of steps.
        arithmetic: Computes the nodes.
        see: Sees every node of every step.
        state: State that an earlier walk of the same samples returned; it is changed. None begins anew.

    Returns:
        The state after the last step.
    """
    state = WalkState() if state is None else state
    longest = longest_delays(network)
    widths = {each.name: each.width for each in network.inputs} | {node.name: node.n_out for node in network.nodes}
    for source in longest:
        state.lines.setdefault(source, [])
    for t in range(n_steps):
        sent: dict[str, Any] = dict(inputs(t))
        for node in (*network.nodes, network.output):
            received = []
            for source, delay in node.edges:
                line = state.lines.get(source, [])
                silent = delay > len(line)
                received.append(
                    sent[source] if not delay else arithmetic.silence(widths[source]) if silent else line[-delay]
                )
            membrane = state.membranes.get(node.name)
            if membrane is None and isinstance(node, (PopulationSpec, QuantizedPopulation)):
                membrane = arithmetic.silence(node.n_out)
            step = arithmetic.step(node, membrane, received)
            if step.carried is not None:
                state.membranes[node.name] = step.carried
            sent[node.name] = step.payload
            see(t, node, step)
        for source, n_kept in longest.items():
            state.lines[source] = [*state.lines[source], sent[source]][-n_kept:]
        state.step += 1
    return state
