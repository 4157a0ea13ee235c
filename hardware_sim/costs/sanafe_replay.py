"""SANA-FE replays the recorded spikes of a run on its Loihi model, with our mapping; its energies stand beside ours.

SANA-FE has no Variable Spiking Neuron, and its `input` somas refuse synaptic current. So every neuron is a leaky
integrate-and-fire soma that is updated at every step (`force_update`) and driven one to one by an input neuron on the same
core, which holds the recorded train; the real synapses carry negligible weights. What the drivers cost is taken off again:

    synapse = run - run without real synapses         soma = run - one silent step (a driven spike comes one step late)
    network = run - run without real synapses

SANA-FE is an optional dependency (`pip install neuropinn-lava[sanafe]`, GPL-3): it is called, nothing of it is copied. It
prints its progress, which is kept off the standard output.

Source: SANA-FE 2.2, `examples/loihi.yaml`; Boyle et al., IEEE TCAD 2025.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...base.arrays import BoolArray, FloatArray, Record
from ...base.checks import check_shape, raise_violations
from ...base.errors import SpecError
from ...base.extras import import_extra
from ...conversion.targets.target import HardwareTarget, find_target
from ...engine.host import encode_points
from ...engine.trace import ProbeTrace, RunTrace
from ...network.quantized import Network, QuantizedNetwork
from ...network.quantized_nodes import AnyQuantizedNode, QuantizedProduct
from ...network.spec import NetworkSpec
from ..mapping.cores import Core, Partition, partition_network
from ..mapping.mesh import HOST_PLACE, LOIHI_MESH, Place

DRIVEN_NEURONS = 480
"""Neurons that a core holds here: SANA-FE's cores hold 1024, and every neuron has a driver beside it."""
MAX_INPUTS = 64
"""Input words that fit the host's corner core beside its drivers."""
DRIVE, NEGLIGIBLE = 2.0, 1e-9
"""Weights: above the threshold of one, and far below anything that thousands of them could add up to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SanafeReplay(Record):
    """What SANA-FE says about a run, per sample."""

    n_samples: int
    """Number of samples that were replayed."""
    n_steps: int
    """Number of steps T of a sample."""
    synapse_joules: float
    """Energy of the synaptic operations in joules."""
    soma_joules: float
    """Energy of accesses, updates and spikes of the neurons in joules; the input's somas cost nothing there."""
    network_joules: float
    """Energy of messages and hops in joules."""
    seconds: float
    """Simulated time of a sample, one after the other; the drivers' own messages make it an upper bound."""
    version: str
    """Version of SANA-FE that replayed them."""

    @property
    def joules(self) -> float:
        """All three parts together."""
        return self.synapse_joules + self.soma_joules + self.network_joules


def sanafe_target(neurons_per_core: int = DRIVEN_NEURONS) -> HardwareTarget:
    """Return Loihi 1 with cores of at most so many neurons; more than `DRIVEN_NEURONS` leave their drivers no place."""
    return dataclasses.replace(find_target("loihi1"), max_neurons_per_core=min(neurons_per_core, DRIVEN_NEURONS))


def check_replayable(network: Network) -> None:
    """Refuse what SANA-FE cannot replay, before anything has run.

    Raises:
        SpecError: If the network is not quantized, or does not fit SANA-FE's Loihi.
        SimulationError: If SANA-FE is not installed.
    """
    if isinstance(network, NetworkSpec):
        repair = "Quantize it first: `neuropinn-lava convert`."
        raise SpecError(f"SANA-FE: network {network.name!r}", "be a quantized network", "a float network", repair)
    _check_graph(network)
    import_extra("sanafe", "sanafe")
    _partition(network, DRIVEN_NEURONS)


def _check_graph(network: QuantizedNetwork) -> None:
    """Refuse delays, whose events would be in flight where the next sample begins, sequences, likewise, and held inputs.

    Raises:
        SpecError: If a connection has a delay, or an input is a sequence or held.
    """
    where = f"replay_on_sanafe: network {network.name!r}"
    late = [node.name for node in (*network.nodes, network.output) if any(delay for _, delay in node.edges)]
    if late or network.n_steps is None or network.held_sources:
        got = f"delays into {', '.join(late)}" if late else "held inputs" if network.held_sources else "sequences"
        repair = "Leave the replay out: counts, cores and energies of our own models need none."
        raise SpecError(where, "have no delays, no sequences and no held inputs", got, repair)


def _partition(network: QuantizedNetwork, neurons_per_core: int) -> Partition:
    """Place a network on SANA-FE's Loihi."""
    partition = partition_network(network, sanafe_target(neurons_per_core))
    if partition.n_chips > 1 or network.n_in > MAX_INPUTS:
        got = f"{partition.n_cores} cores and {network.n_in} inputs"
        rule = f"need at most {LOIHI_MESH.cores_per_chip} cores and {MAX_INPUTS} inputs"
        raise SpecError(f"replay_on_sanafe: network {network.name!r}", rule, got, "Replay a smaller network.")
    return partition


def replay_on_sanafe(
    network: QuantizedNetwork, trace: RunTrace, points: FloatArray, neurons_per_core: int = DRIVEN_NEURONS
) -> SanafeReplay:
    """Replay a run whose samples were all recorded in full.

    Args:
        network: The network that ran.
        trace: Its trace; every sample and node was probed.
        points: The points that it ran on, shape (n_samples, n_in).
        neurons_per_core: At most so many neurons on a core.

    Raises:
        SpecError: If a sample was not recorded, a connection has a delay, an input is a sequence or held, or the network does
            not fit SANA-FE's Loihi.
        SimulationError: If SANA-FE is not installed.
    """
    _check_graph(network)
    sanafe = import_extra("sanafe", "sanafe")
    spikes = _recorded_spikes(network, trace, points)
    partition = _partition(network, neurons_per_core)
    n = trace.n_samples * trace.n_steps
    whole = _simulate(sanafe, network, partition, spikes, n + 1, with_synapses=True)
    drivers = _simulate(sanafe, network, partition, spikes, n + 1, with_synapses=False)
    silent = {name: np.zeros_like(train) for name, train in spikes.items()}
    idle = _simulate(sanafe, network, partition, silent, 1, with_synapses=True)
    energy, without, still = (run["energy"] for run in (whole, drivers, idle))
    return SanafeReplay(
        n_samples=trace.n_samples,
        n_steps=trace.n_steps,
        synapse_joules=(energy["synapse"] - without["synapse"]) / trace.n_samples,
        soma_joules=(energy["soma"] - still["soma"]) / trace.n_samples,
        network_joules=(energy["network"] - without["network"]) / trace.n_samples,
        seconds=whole["sim_time"] / trace.n_samples,
        version=_version(),
    )


def _version() -> str:
    from importlib.metadata import version

    return version("sanafe")


def _recorded_spikes(network: QuantizedNetwork, trace: RunTrace, points: FloatArray) -> dict[str, BoolArray]:
    """Return the events of every input and node by name, each (n_samples * n_steps, n_neurons)."""
    where = f"replay_on_sanafe: trace of network {network.name!r}"
    if trace.network_digest != network.digest():
        raise SpecError(where, "be a trace of this network", trace.network_digest[:12], "Replay the network that ran.")
    raise_violations(check_shape(f"{where}, points", points, (trace.n_samples, network.n_in), "(n_samples, n_in)"))
    probe = trace.probe
    if probe is None or len(probe.samples) != trace.n_samples or len(probe.nodes) != len(network.nodes):
        repair = "Run few samples, with Probe(n_samples) for all of them."
        raise SpecError(where, "have every sample and node recorded in full", _recorded(probe), repair)
    words, _ = encode_points(network, points)
    payloads = network.split_inputs(np.repeat(words[:, None, :], trace.n_steps, axis=1))
    payloads |= {node.name: node.payload for node in probe.nodes}
    return {name: (payload != 0).reshape(-1, payload.shape[2]) for name, payload in payloads.items()}


def _recorded(probe: ProbeTrace | None) -> str:
    return "nothing" if probe is None else f"{len(probe.samples)} samples, {len(probe.nodes)} nodes"


def _simulate(
    sanafe: Any,
    network: QuantizedNetwork,
    partition: Partition,
    spikes: dict[str, BoolArray],
    n_steps: int,
    with_synapses: bool,
) -> Any:
    """Build network and drivers on a fresh chip and simulate it; gives SANA-FE's own table of results."""
    chip_plan = sanafe.load_loihi()
    net = sanafe.Network()
    groups, n_inputs = {}, 0
    for each in network.inputs:
        groups[each.name] = _add_input(net, chip_plan, f"input {each.name}", spikes[each.name], n_inputs)
        n_inputs += each.width
    for node in (*network.nodes, network.output):
        trains = spikes.get(node.name, np.zeros((len(spikes[network.inputs[0].name]), node.n_out), dtype=np.bool_))
        groups[node.name] = _add_node(net, chip_plan, partition.cores_of(node.name), node.name, trains)
    for node in (*network.nodes, network.output) if with_synapses else ():
        for source, pairs in _synapses(node):
            groups[source].connect_neurons_sparse(groups[node.name], {"weight": [NEGLIGIBLE] * len(pairs)}, pairs)
    chip = sanafe.SpikingChip(chip_plan)
    chip.load(net)
    with contextlib.redirect_stdout(io.StringIO()):
        return chip.sim(n_steps)


def _synapses(node: AnyQuantizedNode) -> Iterator[tuple[str, list[tuple[int, int]]]]:
    """Yield each source of a node, and the pairs of a component and a neuron that reads it; a factor goes one to one."""
    if isinstance(node, QuantizedProduct):
        for source in (node.left, node.right):
            yield source, [(index, index) for index in range(node.width)]
        return
    for each in node.affine.connections:
        yield each.source, [(int(i), int(j)) for j, i in np.argwhere(each.weight != 0)]


def _add_input(net: Any, chip_plan: Any, name: str, trains: BoolArray, first: int) -> Any:
    """Add the neurons of an input, which replay their trains from the host's corner of the mesh, behind `first` others."""
    group = net.create_neuron_group(name, trains.shape[1])
    corner = _sanafe_core(chip_plan, HOST_PLACE, 0)
    for index in range(trains.shape[1]):
        _replay_train(group[index], DRIVEN_NEURONS + first + index, trains[:, index], corner)
    return group


def _add_node(net: Any, chip_plan: Any, cores: tuple[Core, ...], name: str, trains: BoolArray) -> Any:
    """Add the neurons of a node, and beside each one a driver that makes it spike as recorded."""
    attributes = {"threshold": 1.0, "reset": 0.0, "leak_decay": 0.0, "force_update": True}
    group = net.create_neuron_group(name, trains.shape[1], model_attributes=attributes, soma_hw_name="loihi_lif")
    drivers = net.create_neuron_group(f"drivers of {name}", trains.shape[1])
    for core in cores:
        place = _sanafe_core(chip_plan, core.place, core.index)
        for offset in range(core.n_neurons):
            index = core.first + offset
            group[index].map_to_core(place)
            _replay_train(drivers[index], offset, trains[:, index], place)
            drivers[index].connect_to_neuron(group[index], {"weight": DRIVE})
    return group


def _replay_train(neuron: Any, unit: int, train: BoolArray, place: Any) -> None:
    """Turn a neuron into an input that spikes as recorded."""
    neuron.set_attributes(soma_hw_name=f"loihi_inputs[{unit}]", model_attributes={"spikes": train.tolist()})
    neuron.map_to_core(place)


def _sanafe_core(chip_plan: Any, place: Place, core: int) -> Any:
    """Find a core in SANA-FE's Loihi, whose tiles are numbered column by column."""
    tile = chip_plan.tiles[place.column * LOIHI_MESH.rows + place.row]
    return tile.cores[core % LOIHI_MESH.cores_per_tile]
