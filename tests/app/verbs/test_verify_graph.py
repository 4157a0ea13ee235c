"""The certificate of a graph: a loop's interval is in it, and sequences are taken."""

from __future__ import annotations

import pytest

import builders
from neuropinn_lava.app.verbs import verify as verify_module
from neuropinn_lava.app.verbs.verify import _compare_mode, _run_reference
from neuropinn_lava.engine.trace import LavaMode, LayerModel, Probe
from small_graphs import with_connection

pytestmark = pytest.mark.lava


@pytest.mark.parametrize(
    ("mode", "model", "interval"),
    [(LavaMode.BATCHED, LayerModel.WHOLE, 1), (LavaMode.FAITHFUL, LayerModel.FUSED, 2)],
)
def test_the_interval_of_a_loop_is_in_the_certificate(mode: LavaMode, model: LayerModel, interval: int) -> None:
    chain = builders.random_quantized(5, widths=(2, 4, 4, 1), n_steps=3)
    network = with_connection(chain, "hidden0", source="hidden1", delay=1)
    points = builders.random_points(network, 4)
    expected = _run_reference(network, points, Probe(n_samples=verify_module.N_PROBED))
    parity, first = _compare_mode(network, points, expected, mode, model, None)
    assert (parity.interval, parity.mismatches, first) == (interval, 0, None)


def test_a_certificate_takes_sequences() -> None:
    network = builders.random_graph(3, n_inputs=2, n_steps=None)
    points = builders.random_points(network, 2)
    expected = _run_reference(network, points, Probe(n_samples=2))
    parity, _ = _compare_mode(network, points, expected, LavaMode.FAITHFUL, LayerModel.DENSE, 2)
    assert parity.mismatches == 0


def test_long_sequences_graphs_and_loops_get_fewer_samples_one_at_a_time() -> None:
    """A source, two nodes, the read-out: 4 processes; Dense has 3 more, for its connections, and a 4th for the loop's.

    The loop takes two of Lava's steps for one: 3 * 2 * 8 = 48 steps of processes a sample of Dense, of which 39600 may be.
    """
    chain = builders.random_quantized(5, widths=(2, 4, 4, 1), n_steps=3)
    looped = with_connection(chain, "hidden0", source="hidden1", delay=1)
    assert [n for *_, n in verify_module._plans(chain, 3)[2:]] == [64, 1100]
    assert [n for *_, n in verify_module._plans(looped, 3)[2:]] == [64, 39600 // 48]
    sequences = builders.random_graph(3, n_inputs=2, n_steps=None)
    n_faithful, n_dense = (n for *_, n in verify_module._plans(sequences, 600)[2:])
    assert 1 <= n_faithful <= 10_000 // (600 * (len(sequences.nodes) + 2))
    assert 1 <= n_dense <= 3
