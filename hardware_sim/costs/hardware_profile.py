"""Everything that the counts of one run say about hardware, gathered: energies, cores, latency, samples, NeuroBench's names.

Composition of this package's own stages: nothing is computed here. A network that does not fit a target has no cores there;
its energies then count one message per event.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ...base.arrays import BoolArray, FloatArray, Record
from ...base.errors import HardwareRuleError
from ...conversion.targets.hardware_rules import check_network
from ...conversion.targets.target import HardwareTarget, find_target
from ...conversion.targets.verdicts import TargetCheck
from ...engine.reference import run_integer
from ...engine.trace import Probe, RunTrace
from ...network.quantized import Network, QuantizedNetwork
from ...network.spec import NetworkSpec
from ..counts.accesses import NodeAccesses, count_accesses
from ..counts.counting import count_operations
from ..counts.neurobench import NeuroBenchCounts, neurobench_counts, neuromorphic_proxy
from ..counts.samples import SampleCounts, count_samples, spread_points
from ..counts.workload import Workload, deployed_workload
from ..fields.scattered import PlaneMap, map_scattered
from ..mapping.cores import Partition, partition_network
from ..mapping.traffic import Traffic, count_traffic, placed_workload
from .energy import EnergyEstimate, estimate_energy
from .energy_files import shipped_models
from .energy_model import EnergyModel
from .latency import SHIPPED, LatencyEstimate, TimingModel, estimate_latency, find_timing
from .sanafe_replay import SanafeReplay, check_replayable, replay_on_sanafe


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement(Record):
    """A network on the cores of a target, with the messages of a run."""

    partition: Partition
    """Which neurons lie where."""
    traffic: Traffic
    """What went between the cores."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HardwareProfile(Record):
    """What a run says about hardware."""

    accesses: tuple[NodeAccesses, ...]
    """Memory accesses and messages, one per row of the counts."""
    samples: SampleCounts
    """Single samples, for the map and the distribution."""
    sample_map: PlaneMap | None = None
    """Synaptic operations of a sample over the domain, interpolated between the samples; None beyond the plane."""
    neurobench: NeuroBenchCounts
    """The counts under NeuroBench's names."""
    neuromorphic_proxy: float
    """Synaptic operations + 10 * neuron updates, per sample."""
    energies: tuple[EnergyEstimate, ...]
    """One per model."""
    placement: Placement | None = None
    """On the chosen target; None for a float network."""
    does_not_fit: str | None = None
    """Why there is no placement, where a target was chosen and the network does not fit it."""
    check: TargetCheck | None = None
    """The verdict of every rule of the chosen target; None for a float network."""
    latency: LatencyEstimate | None = None
    """On the chosen target; None where it has no placement or no timing constants."""
    sanafe: SanafeReplay | None = None
    """What SANA-FE says about some of the samples; None where it was not asked."""


def profile_hardware(
    network: Network,
    trace: RunTrace,
    points: FloatArray,
    held: RunTrace | None = None,
    *,
    target: HardwareTarget | None = None,
    timing: TimingModel | None = None,
    models: Sequence[EnergyModel] | None = None,
    contains: Callable[[FloatArray], BoolArray] | None = None,
    n_sanafe: int = 0,
) -> HardwareProfile:
    """Profile a run.

    Args:
        network: The network that ran.
        trace: Its trace, of any backend.
        points: The points that it ran on, physical, shape (n_samples, n_in); sequences (n_samples, n_steps, n_in).
        held: Run of one of them for each held value (`run_held`); None counts everything for every sample.
        target: Whose cores; None takes Loihi 2.
        timing: Times of the target; None takes the shipped ones of that target, if there are any.
        models: Energy models; None takes all shipped ones.
        contains: Tells which points lie in the domain, for the map; None where no domain is known.
        n_sanafe: How many samples SANA-FE is to replay; 0 asks it nothing.

    Raises:
        SpecError: If the trace is of another network, or SANA-FE is asked for a network that it cannot hold.
        SimulationError: If SANA-FE is asked for and not installed.
    """
    counts = count_operations(network, trace, held)
    target = target or find_target("loihi2")
    if timing is None and target.name in SHIPPED:
        timing = find_timing(target.name)
    placement, problem = _place(network, target, trace, held)
    samples = count_samples(network, spread_points(points))
    return HardwareProfile(
        accesses=count_accesses(network, counts),
        samples=samples,
        sample_map=map_scattered(samples.points, samples.operations[:, None].astype(np.float64), contains),
        neurobench=neurobench_counts(network, counts, samples),
        neuromorphic_proxy=neuromorphic_proxy(counts),
        energies=tuple(
            estimate_energy(_workload_for(model, network, trace, held, deployed_workload(network, counts)), model)
            for model in (shipped_models() if models is None else models)
        ),
        sanafe=_replay(network, spread_points(points, n_sanafe)) if n_sanafe else None,
        placement=placement,
        does_not_fit=problem,
        latency=estimate_latency(placement.partition, placement.traffic, timing) if placement and timing else None,
        check=check_network(network, target) if isinstance(network, QuantizedNetwork) else None,
    )


def _replay(network: Network, points: FloatArray) -> SanafeReplay:
    """Follow some points in full through the integer engine, and have SANA-FE replay their spikes."""
    check_replayable(network)
    assert isinstance(network, QuantizedNetwork)
    return replay_on_sanafe(network, run_integer(network, points, Probe(n_samples=len(points))), points)


def _place(
    network: Network, target: HardwareTarget, trace: RunTrace, held: RunTrace | None
) -> tuple[Placement | None, str | None]:
    """Place a quantized network on a target, or say why it cannot be."""
    if isinstance(network, NetworkSpec):
        return None, None
    try:
        partition = partition_network(network, target)
    except HardwareRuleError as error:
        return None, str(error)
    return Placement(partition=partition, traffic=count_traffic(network, partition, trace, held)), None


def _workload_for(
    model: EnergyModel, network: Network, trace: RunTrace, held: RunTrace | None, load: Workload
) -> Workload:
    """Return the workload on the model's own target, with messages, hops and cores, if the network fits it."""
    placement = _place(network, find_target(model.target), trace, held)[0] if model.target else None
    if placement is None:
        return load
    return placed_workload(load, placement.partition, placement.traffic)
