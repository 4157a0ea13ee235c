"""Plans: what is chosen, what it costs in steps, and that the steps are those that the run takes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import builders
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.engine.trace import LavaMode, Probe
from neuropinn_lava.hardware_sim.lava.assembly import assemble_run
from neuropinn_lava.hardware_sim.lava.plan import LEAF_ROWS, MESSAGE_VALUES, MIN_LEAF_ROWS, plan_run, usable_cores
from neuropinn_lava.hardware_sim.runner.shared_arrays import SharedArray
from neuropinn_lava.hardware_sim.steps.choices import LayerModel

NETWORK = builders.random_quantized(1, widths=(2, 64, 64, 64, 1), n_steps=8)


def test_batches_go_to_a_leaf_for_each_core() -> None:
    plan = plan_run(NETWORK, 1_000_000, n_cores=2)
    assert (plan.mode, plan.model, plan.n_leaves, plan.n_processes) == (LavaMode.BATCHED, LayerModel.WHOLE, 2, 2)
    assert plan.n_lava_steps == 62  # 61.03 times 2 * 8192
    assert plan.batch_size == 16130  # a 62nd of the samples, so that the last message is about as full as the others
    assert any("2 of 2 cores" in reason for reason in plan.reasons)


def test_few_samples_get_one_leaf() -> None:
    assert plan_run(NETWORK, 2 * MIN_LEAF_ROWS - 1, n_cores=8).n_leaves == 1
    assert plan_run(NETWORK, 2 * MIN_LEAF_ROWS, n_cores=8).n_leaves == 2
    assert plan_run(NETWORK, 1, n_cores=8).batch_size == 1
    assert plan_run(NETWORK, 1_000_000, n_cores=1).batch_size <= LEAF_ROWS


def test_layers_of_their_own_get_messages_of_a_caches_size() -> None:
    plan = plan_run(NETWORK, 100_000, model=LayerModel.FUSED)
    assert (plan.n_leaves, plan.n_processes) == (0, 5)
    assert plan.batch_size is not None
    assert plan.batch_size * 64 <= MESSAGE_VALUES
    n_messages = -(-100_000 // plan.batch_size)
    assert plan.n_lava_steps == 8 * n_messages + 3


@pytest.mark.parametrize(
    ("model", "n_processes", "n_delays"), [(LayerModel.WHOLE, 1, 0), (LayerModel.FUSED, 5, 3), (LayerModel.DENSE, 9, 4)]
)
def test_one_sample_at_a_time(model: LayerModel, n_processes: int, n_delays: int) -> None:
    plan = plan_run(NETWORK, 10, mode=LavaMode.FAITHFUL, model=model)
    assert (plan.n_processes, plan.n_lava_steps, plan.batch_size) == (n_processes, 80 + n_delays, None)


@pytest.mark.lava
@pytest.mark.parametrize("n_steps", [3, None])
def test_processes_of_a_graph_are_those_that_lava_finds(n_steps: int | None) -> None:
    from lava.magma.compiler.compiler_graphs import ProcGroupDiGraphs

    network = builders.random_graph(4, n_inputs=2, n_nodes=7, n_steps=n_steps)  # with products and relays
    for model in (LayerModel.FUSED, LayerModel.DENSE):
        plan = plan_run(network, 5, mode=LavaMode.FAITHFUL, model=model, n_steps=None if n_steps else 3)
        words = SharedArray(np.zeros((5, network.n_in) if n_steps else (5, 3, network.n_in), np.int32))
        run = assemble_run(network, words, plan, Probe())
        groups = ProcGroupDiGraphs(run.processes[0], run.run_config).get_proc_groups()
        assert plan.n_processes == sum(len(group) for group in groups)


def test_reasons_are_sentences() -> None:
    plans = [plan_run(NETWORK, 10, model=model) for model in (None, LayerModel.FUSED)]
    for reason in (reason for plan in plans for reason in plan.reasons):
        assert reason[0].isupper(), reason
        assert reason.endswith(".")
    assert "A message holds 10 samples" in plans[0].reasons[-1]


def test_what_is_given_is_kept() -> None:
    plan = plan_run(NETWORK, 1000, batch_size=300, n_cores=2)
    assert plan.batch_size == 300
    assert any("as given" in reason for reason in plan.reasons)


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"n_samples": 0}, "plan_run.n_samples must be at least 1; got 0"),
        ({"batch_size": 0}, "plan_run.batch_size must be at least 1; got 0"),
        ({"n_samples": 1 << 28}, "at most 268435455 in one run; got 268435456. Run them in blocks"),
        ({"n_cores": 0}, "plan_run.n_cores must be at least 1; got 0"),
        ({"mode": LavaMode.FAITHFUL, "batch_size": 2}, "be 1 where samples are presented one at a time; got 2"),
    ],
)
def test_numbers_out_of_range(wrong: dict[str, Any], complaint: str) -> None:
    with pytest.raises(SpecError, match=complaint):
        plan_run(NETWORK, **{"n_samples": 10, **wrong})


def test_sequences_of_no_steps_are_refused() -> None:
    network = builders.random_graph(4, n_inputs=2, n_steps=None)
    with pytest.raises(SpecError, match=r"plan_run.n_steps must be at least 1; got 0"):
        plan_run(network, 10, n_steps=0)


def test_cores_are_counted() -> None:
    assert usable_cores() >= 1
