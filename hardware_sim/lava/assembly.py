"""Assemble a run: a source of words, the network behind it as its plan states, and the recordings.

A run is a graph that has not been started, with what starting it and reading its results need. Lava is imported when a run is
assembled, not before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ...base.arrays import Record
from ...engine.trace import LavaMode, NodeCounts, Probe, ProbeTrace
from ...network.quantized import Network
from ..kernels.layer_kernel import make_kernel
from ..runner.lava_globals import unchanged_logging
from ..runner.lava_guard import require_lava
from ..runner.shared_arrays import SharedArray
from ..steps.choices import LayerModel, Numerics
from ..steps.holding import Holding
from ..steps.recording import NodeRecording, ReadoutRecording, joined_counts, make_recordings, widened
from ..steps.schedule import Schedule
from ..steps.shared_state import SharedState
from .graph import to_lava
from .plan import LavaPlan


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LavaRun(Record):
    """A graph ready to run."""

    processes: tuple[Any, ...]
    """Lava processes, all connected; the first one holds the inputs."""
    run_config: Any
    """Run configuration that chooses the process models."""
    last: Schedule
    """Schedule of the process that finishes a sample last, whose progress is that of the run."""
    recordings: tuple[tuple[NodeRecording, ...], ...]
    """For each node, the recordings of the processes that work on it."""
    emitted: tuple[ReadoutRecording, ...]
    """Recordings of the processes that work on the read-out; they share reduced outputs and probes."""

    @property
    def totals(self) -> Any:
        """Emitted outputs reduced over the steps, int64 or float64, shape (n_samples, n_out), or all of them."""
        return self.emitted[0].total.values

    @property
    def n_saturated_outputs(self) -> int:
        """Emitted outputs that the state word could not hold, over all processes of the read-out."""
        return sum(emitted.n_saturated for emitted in self.emitted)

    def node_counts(self) -> tuple[NodeCounts, ...]:
        """Return the counts of all nodes."""
        return tuple(joined_counts(recordings) for recordings in self.recordings)

    def probe_trace(self) -> ProbeTrace | None:
        """Return the samples and nodes that were recorded in full; None if there are none."""
        output = self.emitted[0].output.values
        if not len(output):
            return None
        probed = [recordings[0] for recordings in self.recordings if len(recordings[0].fired.values)]
        return ProbeTrace(
            samples=np.arange(len(output)),
            nodes=tuple(recording.node_trace() for recording in probed),
            output=widened(output),
        )


def assemble_run(
    network: Network,
    words: SharedArray,
    plan: LavaPlan,
    probe: Probe,
    models: Mapping[type, type] | None = None,
    state: SharedState | None = None,
) -> LavaRun:
    """Build a run's graph.

    Args:
        network: Float or quantized.
        words: The network's inputs, int32 or float64, shape (n_samples, n_in), of sequences (n_samples, n_steps, n_in).
        plan: How the run goes through Lava.
        probe: Samples and nodes to record in full.
        models: Process models to use instead of this package's, by class of process.
        state: Where an earlier run has ended, for whole networks in batches; it becomes that of this run.

    Raises:
        SimulationError: If Lava does not run here.
        HardwareRuleError: If Lava's Dense cannot hold a connection.
        SpecError: If the probe names a node that is not there.
    """
    require_lava()
    if plan.model is LayerModel.WHOLE:
        return _assemble_leaves(network, words, plan, probe, models, state)
    return _assemble_layers(network, words, plan, probe, models)


def _assemble_layers(
    network: Network,
    words: SharedArray,
    plan: LavaPlan,
    probe: Probe,
    models: Mapping[type, type] | None,
) -> LavaRun:
    from .processes.layers import PointSource

    holding = None if plan.model is LayerModel.DENSE else Holding.of(network, words.values)
    graph = to_lava(
        network,
        model=plan.model,
        batch_size=plan.batch_size,
        n_samples=len(words.values),
        n_steps=plan.n_steps,
        probe=probe,
        constant_input=words.values.ndim == 2,
        holding=holding,
    )
    with unchanged_logging():
        source = PointSource(
            words=words,
            schedule=graph.schedule,
            widths=tuple(each.width for each in network.inputs),
            holding=holding,
            held=tuple(each.is_held for each in network.inputs),
        )
    for port, ports in zip(source.ports, graph.inputs.values(), strict=True):
        for reader in ports:
            port.connect(reader)
    return LavaRun(
        processes=(source, *graph.nodes, graph.readout),
        run_config=graph.run_config(models),
        last=graph.schedule.delayed(plan.n_delays),
        recordings=tuple((recording,) for recording in graph.recordings),
        emitted=(graph.emitted,),
    )


def _assemble_leaves(
    network: Network,
    words: SharedArray,
    plan: LavaPlan,
    probe: Probe,
    models: Mapping[type, type] | None,
    state: SharedState | None,
) -> LavaRun:
    from .processes.leaves import NetworkLeaf
    from .processes.run_config import VsnRunConfig

    probe.check_names([node.name for node in network.nodes])
    n_samples, n_rows = len(words.values), plan.batch_size or 1
    for node in (*network.nodes, network.output):
        make_kernel(node, n_samples).warm_up()
    n_steps = plan.n_steps if plan.mode is LavaMode.FAITHFUL else 1
    schedule = Schedule(n_steps=n_steps, batch_size=plan.batch_size, n_samples=n_samples)
    first, emitted = make_recordings(network, probe, plan.n_steps, n_samples)
    recordings = [first] + [tuple(each.with_own_counts() for each in first) for _ in range(plan.n_leaves - 1)]
    all_emitted = [emitted] + [emitted.with_own_counts() for _ in range(plan.n_leaves - 1)]
    holding = Holding.of(network, words.values) if state is None else None
    with unchanged_logging():
        leaves = [
            NetworkLeaf(
                network=network,
                words=words,
                schedule=schedule,
                rows=(leaf * n_rows // plan.n_leaves, (leaf + 1) * n_rows // plan.n_leaves),
                n_steps=plan.n_steps,
                recordings=recordings[leaf],
                emitted=all_emitted[leaf],
                state=state,
                holding=holding,
            )
            for leaf in range(plan.n_leaves)
        ]
    for before, after in pairwise(leaves):
        before.turn_out.connect(after.turn_in)
    return LavaRun(
        processes=tuple(leaves),
        run_config=VsnRunConfig(Numerics.of(network), plan.model, models),
        last=schedule,
        recordings=tuple(zip(*recordings, strict=True)),
        emitted=tuple(all_emitted),
    )
