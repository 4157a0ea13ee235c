"""What must hold of a user's graph when Lava compiles it: models of the right numbers, words at the input, the right latency.

Lava chooses process models by a tag, casts what a source holds to the source's own type, and knows nothing of presentations;
each of these gives wrong numbers in silence. The processes of `layers` ask here when the compiler asks them for their model,
so that it is refused where the graph is run, by this package's runner or by Lava's own. Lava is imported when it is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...base.arrays import Record
from ...base.checks import raise_violations
from ...base.errors import SpecError, Violation
from .choices import Numerics


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Record):
    """What a node knows of the messages that a user's graph sends to one of its ports."""

    latency: int | None
    """In which step of Lava the first message arrives, counted from 0; None where the user has not said it."""
    is_checked: bool
    """Whether each message is compared with the input word when it comes."""
    said_by: str = "input_latency"
    """Name of the argument by which the user has said the latency."""
    said_more: int = 0
    """By how much the argument exceeds the latency."""


def check_numerics(process: Any, numerics: Numerics, chosen: Any) -> None:
    """Refuse a process model of other numbers than the network's.

    Args:
        process: Lava's, made from a record.
        numerics: What the record's numbers are.
        chosen: The model that the run configuration chose; one without tags is somebody's own.

    Raises:
        SpecError: If the model has tags, and not that of the numbers.
    """
    if chosen.tags and numerics.tag not in chosen.tags:
        kind = "quantized" if numerics is Numerics.INTEGER else "float"
        raise SpecError(
            f"{type(process).__name__} {process.name!r}",
            f"run a {kind} network in process models tagged {numerics.tag!r}",
            f"{chosen.__name__}, tagged {', '.join(map(repr, chosen.tags))}",
            f"Run with `net.run_config()` of the network that `to_lava` made, or with Lava's"
            f" `Loihi2SimCfg(select_tag={numerics.tag!r})`; its default tag is 'floating_pt'.",
        )


def check_entry(where: str, port: Any, entry: Entry) -> None:
    """Refuse sources that hold what their type cannot, and a latency that is not the graph's.

    Args:
        where: The node, for errors.
        port: Its input port, connected.
        entry: What the user said of it.

    Raises:
        SpecError: If a source's variable would be cast with a loss, or the first message arrives in another step.
    """
    sources = [source.process for source in port.get_src_ports()]
    raise_violations([each for process in sources for each in _lost_values(process)])
    delays = _delays(port, frozenset())
    if entry.latency is None:
        _check_unsaid(where, delays)
    elif delays and None not in delays and entry.latency not in delays:
        found = ", ".join(map(str, sorted(each + entry.said_more for each in delays if each is not None)))
        rule = f"have the {entry.said_by} by which the processes before it delay, {found} in this graph"
        raise SpecError(where, rule, entry.latency + entry.said_more, f"Pass {entry.said_by}={found}.")


def _check_unsaid(where: str, delays: set[int | None]) -> None:
    """Without input_latency, everything before the network must be known to send at once."""
    if delays <= {0}:
        return
    rule = "have an input_latency that says by how many steps the processes before it delay"
    if None in delays:
        repair = "Pass input_latency: 0 if each of them receives before it sends, plus 1 for each that sends first."
        raise SpecError(where, rule, "a process before it whose delay is not known", repair)
    longest = max(each for each in delays if each is not None)
    raise SpecError(where, rule, f"none, and a delay of {longest} in this graph", f"Pass input_latency={longest}.")


def _lost_values(process: Any) -> Iterator[Violation]:
    """Yield the variables of a source, as Lava's RingBuffer, whose values its process model would cast with a loss."""
    if process.in_ports.members or process.model_class is None:
        return
    for variable in process.vars:
        kind = getattr(getattr(process.model_class, variable.name, None), "d_type", None)
        lost = lost_value(np.asarray(variable.init), kind)
        if lost is not None:
            repair = "Give it input words, as `neuropinn_lava.engine.host.encode_points` makes them of points."
            where = f"{type(process).__name__} {process.name!r}, variable {variable.name!r}"
            yield Violation(
                where, f"send values that fit the type of its process model, {np.dtype(kind)}", lost, repair
            )


def lost_value(values: Any, kind: Any) -> Any:
    """Return the first of some values that a cast to an integer type would change, None where there is none."""
    if kind is None or not np.issubdtype(kind, np.integer) or np.can_cast(values.dtype, kind, "safe"):
        return None
    with np.errstate(invalid="ignore"):
        differs = values != values.astype(kind)
    return values[differs].flat[0] if differs.any() else None


def _delays(port: Any, seen: frozenset[int]) -> set[int | None]:
    """Collect by how many steps the ways from a source to a port delay; None for a way that nobody knows."""
    found: set[int | None] = set()
    for process in (source.process for source in port.get_src_ports()):
        first_message = getattr(process, "first_message", None)
        if first_message is not None:  # a network of this package, whose own latency is checked at its own inputs
            found.add(first_message)
            continue
        inputs = process.in_ports.members
        own = 0 if not inputs else None if id(process) in seen else _own_delay(process)
        if not inputs or own is None:
            found.add(own)
            continue
        before = set().union(*(_delays(each, seen | {id(process)}) for each in inputs))
        found |= {None if each is None else each + own for each in before}
    return found


def _own_delay(process: Any) -> int | None:
    """Return by how many steps a process delays, where it is known: this package's and Lava's connections."""
    from lava.proc.conv.process import Conv
    from lava.proc.dense.process import Dense, LearningDense
    from lava.proc.sparse.process import LearningSparse, Sparse

    if type(process) in (Conv, Dense, LearningDense, Sparse, LearningSparse):
        return 1  # they send what they computed in the step before
    delay: int | None = getattr(process, "delay", None)
    return delay
