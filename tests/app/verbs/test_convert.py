"""The verbs as functions: what they pass on, what they refuse, and that a difference ends `verify` with exit code 1."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import builders
import neuropinn_lava as nl
from neuropinn_lava.app.verbs.profile import HardwareChoices
from neuropinn_lava.base.errors import FixedPointError, HardwareRuleError, SpecError
from neuropinn_lava.files.network_file import write_network

SMALL = builders.random_spec(2, widths=(2, 6, 5, 1))


def test_the_public_names_all_load():
    assert all(getattr(nl, name) is not None for name in nl.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        nl.nothing  # noqa: B018 - the access is the test


def test_a_quantized_network_is_not_converted_again():
    chip = nl.convert(SMALL).network
    with pytest.raises(SpecError, match="a float network; got a quantized one"):
        nl.convert(chip)


def test_convert_lists_what_a_target_cannot_hold():
    scheme = nl.QuantizationScheme(weight_bits=12)
    with pytest.raises(HardwareRuleError, match="weights of at most 8 bits"):
        nl.convert(SMALL, scheme)
    assert nl.convert(SMALL, scheme, target=None).network.affines[0].connections[0].weight_bits == 12


def test_word_lengths_out_of_range_are_refused():
    with pytest.raises(FixedPointError, match="weight_bits"):
        nl.QuantizationScheme(weight_bits=1)


def test_the_float_backend_runs_the_source_of_a_quantized_network():
    chip, points = nl.convert(SMALL).network, builders.random_points(SMALL, 20)
    assert (nl.run(chip, points, backend="float").outputs == nl.run(SMALL, points, backend="float").outputs).all()


def test_a_reference_of_the_wrong_shape_is_refused():
    points = builders.random_points(SMALL, 10)
    with pytest.raises(SpecError, match=r"profile\.reference"):
        nl.profile(nl.convert(SMALL).network, points=points, reference=np.zeros((9, 1)), with_lava=False)


def test_sanafe_is_refused_before_anything_runs():
    told = []
    with pytest.raises(SpecError, match="a quantized network; got a float network"):
        nl.profile(SMALL, n_points=50, with_lava=False, hardware=HardwareChoices(n_sanafe=3), on_stage=told.append)
    assert told == []


def test_a_profile_without_a_problem_or_lava_has_counts_and_no_errors():
    report = nl.profile(nl.convert(SMALL).network, n_points=50, with_lava=False)
    assert report.counts.n_samples == 50
    assert report.parity is None
    assert all(result.relative_l2 is None for result in report.backends.results)


@pytest.mark.lava
def test_a_difference_ends_verify_with_exit_code_one(cli, tmp_path, monkeypatch):
    from neuropinn_lava.hardware_sim.lava import simulate

    honest = simulate.simulate_on_lava

    def off_by_one(*arguments, **options):
        trace = honest(*arguments, **options)
        readout = trace.readout.copy()
        readout[7, 0] += 1
        return dataclasses.replace(trace, readout=readout)

    monkeypatch.setattr(simulate, "simulate_on_lava", off_by_one)
    write_network(nl.convert(SMALL).network, tmp_path / "chip.h5")
    code, out, _ = cli("verify", tmp_path / "chip.h5", "--n-points", "12")
    assert code == 1
    assert "First difference" in out
    assert "sample 7" in out


@pytest.mark.lava
def test_a_float_network_is_verified_within_rounding():
    parity = nl.verify(SMALL, n_points=40)
    assert parity.integer_vs_lava_mismatches == 0
    assert len(parity.modes) == 3  # Lava's Dense is compared in integers only


@pytest.mark.lava
def test_a_third_of_the_certificate_is_computed_by_lavas_own_dense():
    """As many samples as `demo` takes; what the other modes compare stays: 1000 and 64 samples in full, 2500 outputs."""
    chip = nl.convert(builders.random_spec(2, widths=(2, 30, 30, 30, 1), n_steps=1)).network
    parity = nl.verify(chip)
    assert parity.integer_vs_lava_mismatches == 0
    whole, fused, faithful, dense = parity.modes
    assert 3 * dense.values_compared >= parity.values_compared
    per_sample = 3 * 90 + 1  # membrane, fired and payload of each neuron, and the output
    assert min(whole.values_compared, fused.values_compared) >= 1000 * per_sample + 2 * 2500
    assert faithful.values_compared >= 64 * per_sample
