"""Run a network on Lava's simulator: encode, build the graph, run it, decode; the same trace as of the reference engines.

Points become input words on the host, go through Lava's processes one sample at a time (faithful: the chip's schedule) or in
batches, and come back as sums of outputs. What the chip computes does not depend on the mode, the model or the batch size.
Lava itself is imported when a run starts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from ...base.arrays import FloatArray
from ...base.errors import SpecError
from ...engine.host import decode_floats, decode_integers, encode_points
from ...engine.probe import run_probed
from ...engine.state import RunState
from ...engine.trace import NO_PROBE, Backend, LavaMode, NumberArray, Probe, RunTrace
from ...network.given_points import checked_samples
from ...network.quantized import Network, QuantizedNetwork
from ..runner.lava_globals import forget_processes
from ..runner.lava_guard import require_lava
from ..runner.run_graph import run_graph
from ..runner.shared_arrays import SharedArray
from ..steps.choices import LayerModel
from ..steps.schedule import Schedule
from ..steps.shared_state import SharedState
from .assembly import assemble_run
from .plan import LavaPlan, plan_run

__all__ = ["LayerModel", "simulate_on_lava"]


def simulate_on_lava(
    network: Network,
    points: FloatArray,
    *,
    mode: LavaMode = LavaMode.BATCHED,
    probe: Probe = NO_PROBE,
    model: LayerModel | None = None,
    batch_size: int | None = None,
    n_cores: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    time_limit: float | None = None,
    models: Mapping[type, type] | None = None,
    state: RunState | None = None,
) -> RunTrace:
    """Run a network on Lava.

    Args:
        network: A quantized network runs in integers, a float one in float64.
        points: Physical coordinates, shape (n_samples, n_in), finite; (n_samples, n_steps, n_in) where an input is a
            sequence; or a mapping from the name of each input to its array.
        mode: One sample at a time, or batches in the ports' shape.
        probe: Samples and nodes to record in full.
        model: Process models of the nodes; None chooses the fastest. `LayerModel.DENSE` in faithful mode only.
        batch_size: Samples in a message, for batched mode; None chooses the fastest size.
        n_cores: Cores that may be used; None for all.
        on_progress: Called now and then with the number of finished samples and the number of all.
        time_limit: Seconds after which the run is given up; None for never. Without progress it is given up anyway.
        models: Process models to use instead of this package's, by class of process.
        state: Where an earlier part of the sequences has ended, for whole networks in batches; the trace's continues it.

    Returns:
        The trace; `readout`, counts and probed values are int64 where the network is quantized.

    Raises:
        SpecError: If the points are not what the network takes, or a number is out of range.
        HardwareRuleError: If Lava's Dense cannot hold a connection.
        SimulationError: If Lava does not run here, or the run failed; nothing of it is left.
    """
    points = checked_samples(points, network, f"simulate_on_lava: points of network {network.name!r}")
    n_steps = network.n_steps or points.shape[1]
    if state is not None:
        state.check(network, len(points), "simulate_on_lava.state", is_reordered=probe.is_chosen)
        _check_continues(mode, model)
    simulate = partial(
        _simulate,
        network,
        plan=partial(
            plan_run, network, mode=mode, model=model, batch_size=batch_size, n_cores=n_cores, n_steps=n_steps
        ),
        on_progress=on_progress,
        time_limit=time_limit,
        models=models,
        state=state,
    )
    if probe.is_chosen:
        return run_probed(simulate, points, probe, n_steps)
    return simulate(points, probe)


def _check_continues(mode: LavaMode, model: LayerModel | None) -> None:
    """Check that a run is one of whole networks in batches, whose membranes and lines are in reach."""
    if mode is not LavaMode.BATCHED or model not in (None, LayerModel.WHOLE):
        rule = "be left out where every node is a process of its own, or samples go one at a time: those begin anew"
        got = f"a state in mode {mode.value!r}" + (f" and model {model.value!r}" if model else "")
        repair = "Leave mode and model out, or use backend 'integer' or 'float'."
        raise SpecError("simulate_on_lava.state", rule, got, repair)


def _simulate(
    network: Network,
    points: FloatArray,
    probe: Probe,
    *,
    plan: Callable[[int], LavaPlan],
    on_progress: Callable[[int, int], None] | None,
    time_limit: float | None,
    models: Mapping[type, type] | None,
    state: RunState | None,
) -> RunTrace:
    """Run checked points in one go; `plan` makes the plan for so many samples, the probe records the first ones."""
    start = time.perf_counter()
    chosen = plan(len(points))
    require_lava()
    inputs = _encoded(network, points)
    shared = None if state is None else SharedState.of(network, state)
    run = assemble_run(network, inputs.words, chosen, probe, models, shared)
    try:
        run_graph(
            run.processes[0],
            run.run_config,
            chosen.n_lava_steps,
            compile_config={"pypy_channel_size": chosen.channel_size},
            on_progress=_in_samples(on_progress, run.last, len(points)),
            time_limit=time_limit,
        )
    finally:
        forget_processes(run.processes)
    events = (inputs.words.values != 0).sum(axis=0)
    return RunTrace(
        network_digest=network.digest(),
        backend=Backend.LAVA,
        mode=chosen.mode,
        n_steps=chosen.n_steps,
        outputs=_decoded(network, points, run.totals),
        readout=run.totals,
        input_events=np.tile(events, (chosen.n_steps, 1)) if events.ndim == 1 else events,
        saturated_input=inputs.n_saturated,
        saturated_output=run.n_saturated_outputs,
        nodes=run.node_counts(),
        probe=run.probe_trace(),
        seconds=time.perf_counter() - start,
        state=None if shared is None else shared.run_state(len(points), chosen.n_steps),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Inputs:
    """Points encoded as the inputs of a network."""

    words: SharedArray
    """int32 words or float64 coordinates, in the shape of the points."""
    n_saturated: int
    """Number of words that could not hold their value."""


def _encoded(network: Network, points: FloatArray) -> _Inputs:
    if isinstance(network, QuantizedNetwork):
        words, n_saturated = encode_points(network, points)
        shared = SharedArray.zeros(words.shape, np.int32)  # a word has at most 24 bits
        shared.values[:] = words
        return _Inputs(words=shared, n_saturated=n_saturated)
    shared = SharedArray.zeros(points.shape, np.float64)
    shared.values[:] = network.input_transform.apply(points)
    return _Inputs(words=shared, n_saturated=0)


def _in_samples(
    on_progress: Callable[[int, int], None] | None, last: Schedule, n_samples: int
) -> Callable[[int], None] | None:
    """Turn steps of Lava into samples that have left the read-out, whose schedule is `last`."""
    if on_progress is None:
        return None
    report = on_progress
    return lambda n_lava_steps: report(last.n_finished(n_lava_steps), n_samples)


def _decoded(network: Network, points: FloatArray, total: NumberArray) -> FloatArray:
    if isinstance(network, QuantizedNetwork):
        return decode_integers(network, points, total)
    return decode_floats(network, points, total)
