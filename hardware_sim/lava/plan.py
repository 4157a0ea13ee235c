"""Plan of a run on Lava: the number of processes and of samples in a message, chosen or given by the caller, with reasons.

What a run costs, measured on two cores (docs/performance.md): Lava 0.2 ms per process and step, whatever the messages hold; a
start 0.2 s; a synaptic event some 0.05 ns per neuron that it reaches.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from ...base.arrays import Record
from ...base.errors import SpecError
from ...engine.trace import LavaMode
from ...network.quantized import Network
from ..steps.choices import LayerModel
from ..steps.schedule import Schedule
from ..steps.timing import time_network

MESSAGE_VALUES = 1 << 18
"""Values of a message between layers, 1 MB of int32: half of it costs a quarter more time, twice as much gains 2 %."""
LINE_VALUES = 1 << 26
"""Values in the delay lines of all nodes, 256 MB of int32: longer lines get messages of fewer samples."""
LEAF_ROWS = 8192
"""Most samples of one leaf in a message: some 100 ms of work beside 0.2 ms of Lava, and progress is told ten times a second."""
MIN_LEAF_ROWS = 2048
"""Least samples for which a second leaf pays: it costs some 10 ms to start."""
MAX_PRESENTED = (1 << 31) - 1
"""Samples times steps of one run: counters have 32 bits."""
CHANNEL_SIZE = 2
"""Messages that a channel holds: one is read while the next one is written. Lava's default, 64, costs memory only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LavaPlan(Record):
    """How one run goes through Lava."""

    mode: LavaMode
    """One sample at a time, or batches."""
    model: LayerModel
    """Process models that the layers are built of."""
    n_leaves: int
    """Processes that hold the whole network; 0 where layers have processes of their own."""
    batch_size: int | None
    """Samples of a message; None for one, without a batch axis. With leaves, all of theirs together."""
    channel_size: int
    """Messages that a channel holds."""
    n_processes: int
    """Lava processes in all, the source's with them; a leaf has its own source."""
    n_steps: int
    """Number T of steps of the network for a sample."""
    interval: int
    """Steps of Lava that a step of the network takes; more than 1 where a loop has more nodes than delays. Whole networks
    need 1: in batches, a step of theirs is a whole presentation."""
    n_delays: int
    """Steps of Lava from the first message to the first step of the node that begins last, as the read-out of a chain."""
    longest_line: int
    """Steps of Lava that the longest delay line of a node keeps its messages; 0 where no node has lines."""
    n_lava_steps: int
    """Steps of Lava until all nodes have finished the last sample."""
    reasons: tuple[str, ...]
    """Reasons for the choice, as sentences."""


def plan_run(
    network: Network,
    n_samples: int,
    *,
    mode: LavaMode = LavaMode.BATCHED,
    model: LayerModel | None = None,
    batch_size: int | None = None,
    n_cores: int | None = None,
    n_steps: int | None = None,
) -> LavaPlan:
    """Return the plan of a run; what the caller leaves open is chosen.

    Args:
        network: Float or quantized.
        n_samples: Number of samples, at least 1.
        mode: One sample at a time, or batches.
        model: Process models of the layers; None chooses the fastest.
        batch_size: Samples of a message; None chooses the fastest size.
        n_cores: Cores that may be used; None for all that this process may use.
        n_steps: Number of steps of every sample, where an input is a sequence and the network has none of its own.

    Raises:
        SpecError: If a number is out of range, or a batch size is given for one sample at a time.
    """
    steps = known_steps(network, n_steps, "plan_run.n_steps")
    _check(n_samples, steps, mode, batch_size, n_cores)
    chosen = model or LayerModel.WHOLE
    reasons = [] if model else ["The whole network in one process is the fastest: its nodes need no messages."]
    if mode is LavaMode.FAITHFUL:
        return _faithful_plan(network, steps, n_samples, chosen, reasons)
    if chosen is LayerModel.WHOLE:
        return _leaf_plan(steps, n_samples, batch_size, n_cores or usable_cores(), reasons)
    return _layer_plan(network, steps, n_samples, chosen, batch_size, reasons)


def known_steps(network: Network, n_steps: int | None, where: str) -> int:
    """Return the number of steps of a sample: the network's own, or that of its sequences.

    Args:
        network: Float or quantized.
        n_steps: Number of steps that the caller knows of.
        where: The argument, for errors.

    Raises:
        SpecError: If there is none, one below 1, or one that is not the network's.
    """
    own = network.n_steps
    steps = n_steps if own is None else own
    if steps is None:
        repair = "Give the length of the sequences."
        raise SpecError(where, "be a number where an input is a sequence", None, repair)
    if steps < 1:
        raise SpecError(where, "be at least 1", steps, "Choose a number in that range.")
    if n_steps not in (None, steps):
        raise SpecError(where, f"be that of the network, {own}, where no input is a sequence", n_steps, "Leave it out.")
    return steps


def _check(n_samples: int, n_steps: int, mode: LavaMode, batch_size: int | None, n_cores: int | None) -> None:
    for name, value in (("n_samples", n_samples), ("batch_size", batch_size), ("n_cores", n_cores)):
        if value is not None and value < 1:
            raise SpecError(f"plan_run.{name}", "be at least 1", value, "Choose a number in that range.")
    if n_samples * n_steps > MAX_PRESENTED:
        repair = "Run them in blocks."
        raise SpecError("plan_run.n_samples", f"be at most {MAX_PRESENTED // n_steps} in one run", n_samples, repair)
    if batch_size is not None and mode is LavaMode.FAITHFUL:
        repair = "Use LavaMode.BATCHED, or leave the batch size out."
        raise SpecError("plan_run.batch_size", "be 1 where samples are presented one at a time", batch_size, repair)


def _faithful_plan(network: Network, n_steps: int, n_samples: int, model: LayerModel, reasons: list[str]) -> LavaPlan:
    """Return the plan for one sample at a time: an interval of Lava's steps is a step of the network."""
    why = "Samples go one at a time, as on the chip: Lava's steps set the pace, not the arithmetic."
    if model is LayerModel.WHOLE:
        return LavaPlan(
            mode=LavaMode.FAITHFUL,
            model=model,
            n_leaves=1,
            batch_size=None,
            channel_size=CHANNEL_SIZE,
            n_processes=1,
            n_steps=n_steps,
            interval=1,
            n_delays=0,
            longest_line=0,
            n_lava_steps=n_samples * n_steps,
            reasons=(*reasons, why),
        )
    return _node_plan(network, n_steps, n_samples, model, None, (*reasons, why))


def _node_plan(
    network: Network,
    n_steps: int,
    n_samples: int,
    model: LayerModel,
    batch_size: int | None,
    reasons: tuple[str, ...],
) -> LavaPlan:
    """Return the plan for processes of their own for each node."""
    timing = time_network(network)
    is_dense = model is LayerModel.DENSE
    n_delays = timing.last_start + is_dense
    schedule = Schedule(
        n_steps=n_steps,
        latency=n_delays,
        interval=timing.interval,
        batch_size=batch_size,
        n_samples=n_samples,
    )
    loops = f"A step of the network takes {timing.interval} of Lava's: a loop has more nodes than delays."
    return LavaPlan(
        mode=LavaMode.FAITHFUL if batch_size is None else LavaMode.BATCHED,
        model=model,
        n_leaves=0,
        batch_size=batch_size,
        channel_size=CHANNEL_SIZE,
        n_processes=len(network.nodes) + 2 + (_count_dense(network) if is_dense else 0),
        n_steps=n_steps,
        interval=timing.interval,
        n_delays=n_delays,
        longest_line=timing.longest_line,
        n_lava_steps=schedule.n_lava_steps(),
        reasons=(*reasons, loops) if timing.interval > 1 else reasons,
    )


def _count_dense(network: Network) -> int:
    """Count the processes of synapses, one for each connection, and the gates that check the words of sequences."""
    edges = [source for node in (*network.populations, network.output) for source, _ in node.edges]
    inputs = {each.name for each in network.inputs}
    return len(edges) + (sum(source in inputs for source in edges) if network.n_steps is None else 0)


def _leaf_plan(n_steps: int, n_samples: int, batch_size: int | None, n_cores: int, reasons: list[str]) -> LavaPlan:
    """Return the plan for batches in leaves: a step of Lava is a presentation."""
    rows = batch_size or _even_rows(n_samples, n_cores * LEAF_ROWS)
    n_leaves = max(1, min(n_cores, rows // MIN_LEAF_ROWS))
    why = f"The network runs on {n_leaves} of {n_cores} cores: one more pays from {MIN_LEAF_ROWS} samples a message on."
    size = f"A message holds {rows} samples" + ("." if batch_size is None else ", as given.")
    return LavaPlan(
        mode=LavaMode.BATCHED,
        model=LayerModel.WHOLE,
        n_leaves=n_leaves,
        batch_size=rows,
        channel_size=CHANNEL_SIZE,
        n_processes=n_leaves,
        n_steps=n_steps,
        interval=1,
        n_delays=0,
        longest_line=0,
        n_lava_steps=-(-n_samples // rows),
        reasons=(*reasons, why, size),
    )


def _layer_plan(
    network: Network,
    n_steps: int,
    n_samples: int,
    model: LayerModel,
    batch_size: int | None,
    reasons: list[str],
) -> LavaPlan:
    """Return the plan for batches through one process a node."""
    widest = max(network.widths)
    waiting = sum(line.length * line.width for node in time_network(network).nodes for line in node.lines)
    most = min(max(64, MESSAGE_VALUES // widest), max(1, LINE_VALUES // max(1, waiting)))
    rows = batch_size or _even_rows(n_samples, most)
    size = f"A message holds {rows} samples" + (", as given." if batch_size else ": longer ones would gain nothing.")
    return _node_plan(network, n_steps, n_samples, model, rows, (*reasons, size))


def _even_rows(n_samples: int, most: int) -> int:
    """Return a size of at most `most` samples for which all messages are about equally long."""
    n_messages = -(-n_samples // most)
    return -(-n_samples // n_messages)


def usable_cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
