"""Memory accesses and messages: by hand, and in proportion to the counts that they follow from."""

from __future__ import annotations

import pytest

import builders
from neuropinn_lava.engine.reference import run_float, run_integer
from neuropinn_lava.hardware_sim.counts.accesses import count_accesses
from neuropinn_lava.hardware_sim.counts.counting import count_operations
from neuropinn_lava.hardware_sim.counts.operations import RowKind


def test_by_hand() -> None:
    # 2-3-1, one step, four samples: 12 updates of spiking neurons and 4 of the output, whatever fires.
    network = builders.random_quantized(0, widths=(2, 3, 1), n_steps=1, activation="tanh")
    counts = count_operations(network, run_integer(network, builders.random_points(network, 4)))
    first, hidden, output = count_accesses(network, counts)
    row, last = counts.rows[1:]
    assert (first.weight_reads, first.state_reads, first.messages) == (0, 0, counts.rows[0].spikes)
    assert (hidden.state_reads, hidden.state_writes, hidden.parameter_reads) == (12, 12, 36)
    assert (hidden.weight_reads, hidden.accumulator_writes) == (row.synaptic_operations,) * 2
    assert hidden.accumulator_reads == row.synaptic_operations + 12
    assert (hidden.table_reads, hidden.messages) == (2 * row.fired, row.spikes)
    assert (output.state_reads, output.parameter_reads, output.messages) == (0, 4, 0)
    assert output.accumulator_reads == last.synaptic_operations + 4


@pytest.mark.parametrize(("activation", "reads_table"), [("relu", False), ("identity", False), ("tanh_squared", True)])
def test_only_activations_with_a_table_read_one(activation: str, reads_table: bool) -> None:
    network = builders.random_quantized(1, activation=activation)
    counts = count_operations(network, run_integer(network, builders.random_points(network, 20)))
    assert any(row.table_reads for row in count_accesses(network, counts)) is reads_table


def test_a_float_network_has_no_tables() -> None:
    network = builders.random_spec(1, activation="tanh")
    counts = count_operations(network, run_float(network, builders.random_points(network, 20)))
    assert not any(row.table_reads for row in count_accesses(network, counts))


def test_a_product_reads_its_factors_and_no_weight() -> None:
    network = next(g for g in map(builders.random_graph, range(20)) if len(g.populations) < len(g.nodes))
    counts = count_operations(network, run_integer(network, builders.random_points(network, 4)))
    rows = {row.name: row for row in counts.rows}
    found = {each.name: each for each in count_accesses(network, counts)}
    assert [*found] == [*rows]
    product = next(row for row in counts.rows if row.kind is RowKind.PRODUCT)
    held = found[product.name]
    assert (held.weight_reads, held.state_reads, held.parameter_reads, held.table_reads) == (0, 0, 0, 0)
    assert (held.accumulator_writes, held.accumulator_reads) == (
        product.synaptic_operations,
        2 * product.neuron_updates,
    )
    assert held.messages == product.spikes > 0
