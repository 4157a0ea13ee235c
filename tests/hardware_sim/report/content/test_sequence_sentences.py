"""What a report says about one step of a sequence, beside the figures that are those of a whole sample."""

from __future__ import annotations

from dataclasses import replace

import pytest

import builders
from neuropinn_lava.app.verbs.profile import profile
from neuropinn_lava.hardware_sim.report.content.markdown import report_markdown
from neuropinn_lava.hardware_sim.report.content.sentences import sequence_sentences
from neuropinn_lava.hardware_sim.report.report import Report
from neuropinn_lava.network.spec import Readout

N_STEPS = 6


@pytest.fixture(scope="module")
def report() -> Report:
    network = builders.random_graph(4, n_inputs=1, n_nodes=7, n_steps=None, readout=Readout.EVERY)
    return profile(network, points=builders.random_points(network, 5)[:, :N_STEPS], with_lava=False)


def test_one_step_is_a_share_of_the_sample(report: Report) -> None:
    counts = report.counts
    assert counts is not None
    n_steps = counts.n_steps
    operations, energy, reading = sequence_sentences(report)
    assert (
        f"One step of a sequence costs {counts.synaptic_operations_per_sample / n_steps:.5g} synaptic op" in operations
    )
    assert report.hardware is not None
    assert all(each.model in energy for each in report.hardware.energies)
    assert "takes a reading every" in reading
    assert all(sentence in report_markdown(report) for sentence in (operations, energy, reading))


def test_points_have_no_such_sentences(report: Report) -> None:
    assert report.network is not None
    still = replace(report, network=replace(report.network, n_steps=2))
    assert sequence_sentences(still) == ()
