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

MESSAGE_VALUES = 1 << 18
"""Values of a message between layers, 1 MB of int32: half of it costs a quarter more time, twice as much gains 2 %."""
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
    n_lava_steps: int
    """Steps of Lava until the last sample has left the read-out."""
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
) -> LavaPlan:
    """Return the plan of a run; what the caller leaves open is chosen.

    Args:
        network: Float or quantized.
        n_samples: Number of samples, at least 1.
        mode: One sample at a time, or batches.
        model: Process models of the layers; None chooses the fastest.
        batch_size: Samples of a message; None chooses the fastest size.
        n_cores: Cores that may be used; None for all that this process may use.

    Raises:
        SpecError: If a number is out of range, or a batch size is given for one sample at a time.
    """
    _check(n_samples, network.n_steps, mode, batch_size, n_cores)
    chosen = model or LayerModel.WHOLE
    reasons = [] if model else ["The whole network in one process is the fastest: its layers need no messages."]
    if mode is LavaMode.FAITHFUL:
        return _faithful_plan(network, n_samples, chosen, reasons)
    if chosen is LayerModel.WHOLE:
        return _leaf_plan(n_samples, batch_size, n_cores or usable_cores(), reasons)
    return _layer_plan(network, n_samples, chosen, batch_size, reasons)


def _check(n_samples: int, n_steps: int, mode: LavaMode, batch_size: int | None, n_cores: int | None) -> None:
    for name, value in (("n_samples", n_samples), ("batch_size", batch_size), ("n_cores", n_cores)):
        if value is not None and value < 1:
            raise SpecError(f"plan_run.{name}", "be at least 1", value, "Choose a number in that range.")
    if n_samples * n_steps > MAX_PRESENTED:
        mend = "Run them in blocks."
        raise SpecError("plan_run.n_samples", f"be at most {MAX_PRESENTED // n_steps} in one run", n_samples, mend)
    if batch_size is not None and mode is LavaMode.FAITHFUL:
        mend = "Use LavaMode.BATCHED, or leave the batch size out."
        raise SpecError("plan_run.batch_size", "be 1 where samples are presented one at a time", batch_size, mend)


def _faithful_plan(network: Network, n_samples: int, model: LayerModel, reasons: list[str]) -> LavaPlan:
    """Return the plan for one sample at a time: a step of Lava is a step of the network."""
    n_layers = len(network.populations) + 1
    n_processes = {LayerModel.WHOLE: 1, LayerModel.FUSED: n_layers + 1, LayerModel.DENSE: 2 * n_layers + 1}[model]
    n_delays = {LayerModel.WHOLE: 0, LayerModel.FUSED: n_layers - 1, LayerModel.DENSE: n_layers}[model]
    return LavaPlan(
        mode=LavaMode.FAITHFUL,
        model=model,
        n_leaves=int(model is LayerModel.WHOLE),
        batch_size=None,
        channel_size=CHANNEL_SIZE,
        n_processes=n_processes,
        n_lava_steps=n_samples * network.n_steps + n_delays,
        reasons=(*reasons, "One sample at a time, as on the chip: Lava's steps set the pace, not the arithmetic."),
    )


def _leaf_plan(n_samples: int, batch_size: int | None, n_cores: int, reasons: list[str]) -> LavaPlan:
    """Return the plan for batches in leaves: a step of Lava is a presentation."""
    rows = batch_size or _even_rows(n_samples, n_cores * LEAF_ROWS)
    n_leaves = max(1, min(n_cores, rows // MIN_LEAF_ROWS))
    why = f"{n_leaves} of {n_cores} cores: a leaf pays from {MIN_LEAF_ROWS} samples a message on."
    size = f"{rows} samples a message" + ("." if batch_size is None else ", as given.")
    return LavaPlan(
        mode=LavaMode.BATCHED,
        model=LayerModel.WHOLE,
        n_leaves=n_leaves,
        batch_size=rows,
        channel_size=CHANNEL_SIZE,
        n_processes=n_leaves,
        n_lava_steps=-(-n_samples // rows),
        reasons=(*reasons, why, size),
    )


def _layer_plan(
    network: Network,
    n_samples: int,
    model: LayerModel,
    batch_size: int | None,
    reasons: list[str],
) -> LavaPlan:
    """Return the plan for batches through one process a layer: a step of Lava is a step of the network."""
    widest = max(network.widths)
    rows = batch_size or _even_rows(n_samples, max(64, MESSAGE_VALUES // widest))
    size = f"{rows} samples a message" + (
        f": {widest} values of each make a megabyte, more gains nothing." if batch_size is None else ", as given."
    )
    return LavaPlan(
        mode=LavaMode.BATCHED,
        model=model,
        n_leaves=0,
        batch_size=rows,
        channel_size=CHANNEL_SIZE,
        n_processes=len(network.populations) + 2,
        n_lava_steps=-(-n_samples // rows) * network.n_steps + len(network.populations),
        reasons=(*reasons, size),
    )


def _even_rows(n_samples: int, most: int) -> int:
    """Return a size of at most `most` samples for which all messages are about equally long."""
    n_messages = -(-n_samples // most)
    return -(-n_samples // n_messages)


def usable_cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
