"""The counts under NeuroBench's names and definitions, so that they can stand beside other people's.

    Effective_MACs       non-zero weights reached by non-zero activations, per sample; graded events multiply, so none is an AC
                         (weights alone, as NeuroBench hooks layers with weights: an elementwise product is not in it)
    Effective_ACs        0, except in NeuroBench itself for a call whose non-zero inputs are all +-1
    Dense                weights times steps, zeros included, per sample
    ActivationSparsity   share of zeros in what the populations send
    ConnectionSparsity   share of zero weights, rounded to 4 decimals as NeuroBench does
    Footprint            bytes of parameters and buffers, here in the words of the deployed network, kept payloads included
    MembraneUpdates      per sample: every neuron at the first step, and those whose membrane changed at a later one
                         (what is counted once for each held value is once here, too, so that all numbers are of one run)

Relays are counted throughout as the populations that they are in the deployed network: NeuroBench hooks every layer of weights
and every neuron module. The activity of `OperationCounts` leaves them out.

NeuroBench finds membrane updates only in subclasses of snnTorch's SpikingNeuron; our adapter for it is in the tests, which
compare all of these with the package itself.

Source: NeuroBench 2.3, `metrics/workload` and `metrics/static`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ...base.arrays import Record
from ...base.errors import SpecError
from ...network.integers import LEAK_BITS
from ...network.quantized import Network, QuantizedNetwork
from ...network.spec import NetworkSpec
from .operations import OperationCounts, RowKind
from .samples import SampleCounts
from .workload import FLOAT_BITS

DECIMALS = 4
"""NeuroBench rounds connection sparsity to so many. Source: `metrics/static/connection_sparsity.py`."""
ENTRY_BITS = 32
"""Longest entry of a phi table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NeuroBenchCounts(Record):
    """See the module's table."""

    effective_macs: float
    """Multiply-accumulates that graded events cause, per sample."""
    effective_acs: float
    """Accumulates that binary events cause, per sample."""
    dense: float
    """Operations of all weights at all steps, per sample."""
    activation_sparsity: float
    """Share of activations that are zero, 0 to 1."""
    connection_sparsity: float
    """Share of weights that are zero, 0 to 1."""
    footprint: int
    """Memory of the deployed words in bytes."""
    membrane_updates: float | None
    """Updates of membranes per sample; None where no samples were followed in full."""


def neurobench_counts(
    network: Network, counts: OperationCounts, samples: SampleCounts | None = None
) -> NeuroBenchCounts:
    """Return the counts of a run under NeuroBench's names.

    Args:
        network: The network that ran.
        counts: Its counts.
        samples: Samples that were followed in full, for the membrane updates.

    Raises:
        SpecError: If the counts are of another network.
    """
    if counts.network_digest != network.digest():
        got = counts.network_digest[:12]
        raise SpecError(
            "neurobench_counts.counts", f"be counts of {network.name!r}", got, "Count this network's own run."
        )
    rows = [row for row in counts.rows if row.kind is not RowKind.PRODUCT]
    populations = [row for row in rows if row.kind.has_neurons]
    slots = sum(row.neuron_steps for row in populations)
    n_weights = sum(row.n_weights for row in rows)
    return NeuroBenchCounts(
        effective_macs=sum(row.synaptic_operations for row in rows) / counts.n_samples,
        effective_acs=0.0,
        dense=sum(row.dense_synaptic_operations for row in rows) / counts.n_samples,
        activation_sparsity=(slots - sum(row.spikes for row in populations)) / slots,
        connection_sparsity=round((n_weights - sum(row.n_synapses for row in rows)) / n_weights, DECIMALS),
        footprint=footprint_bytes(network),
        membrane_updates=None if samples is None else _membrane_updates(counts, samples),
    )


def _membrane_updates(counts: OperationCounts, samples: SampleCounts) -> float:
    """Return the mean updates of a sample, those of held rows weighted by how many samples they were computed for."""
    computed = np.array([row.n_samples for row in counts.rows])
    return float((samples.membrane_updates.sum(axis=0) * computed).sum() / (samples.n_samples * counts.n_samples))


def footprint_bytes(network: Network) -> int:
    """Return the bytes of weights, biases, leaks, thresholds, tables, and payloads of held sources, in the network's words."""
    source = network if isinstance(network, NetworkSpec) else network.source
    kept = [(name, source.source_widths[name] * (network.n_steps or 0)) for _, name in source.replays]
    if isinstance(network, NetworkSpec):
        return (count_parameters(network) + sum(n for _, n in kept)) * FLOAT_BITS // 8
    n_bits = sum(n * network.words[name].bits for name, n in kept)
    for affine in network.affines:
        n_bits += affine.n_out * affine.state_bits
        n_bits += sum(each.weight.size * each.weight_bits for each in affine.connections)
    for node in network.populations:
        n_bits += node.n_out * (node.affine.state_bits + LEAK_BITS + 1) + ENTRY_BITS * node.table.n_entries
    return math.ceil(n_bits / 8)


def count_parameters(network: Network) -> int:
    """Count weights, biases, leaks and thresholds: the parameters and buffers of the module that trains them."""
    spec = network.source if isinstance(network, QuantizedNetwork) else network
    in_populations = sum(node.weight.size + 3 * node.n_out for node in spec.populations)
    return in_populations + spec.output.weight.size + spec.output.n_out


def neuromorphic_proxy(counts: OperationCounts) -> float:
    """Return synaptic operations + 10 * neuron updates, per sample: a proxy that claims no joules.

    Source: Intel Neuromorphic Deep Noise Suppression Challenge, power proxy (there per second).
    """
    return (counts.total.synaptic_operations + 10 * counts.total.neuron_updates) / counts.n_samples
