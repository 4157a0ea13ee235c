"""Tuning: better on points that it never saw, the same every time, honest about limits; the source stays the source."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

import builders

torch = pytest.importorskip("torch")

from neuropinn_lava.base.errors import SpecError  # noqa: E402
from neuropinn_lava.base.metrics import relative_l2  # noqa: E402
from neuropinn_lava.conversion import QuantizationScheme, Rounding, TuningSettings, quantize_network  # noqa: E402
from neuropinn_lava.conversion.tune.quantization_aware import QuantizationAwareNetwork  # noqa: E402
from neuropinn_lava.conversion.tune.tuning import scheduled_rate, split_points, tune_network  # noqa: E402
from neuropinn_lava.engine.host import encode_points  # noqa: E402
from neuropinn_lava.engine.reference import run_float, run_integer  # noqa: E402
from neuropinn_lava.network.spec import Readout  # noqa: E402
from neuropinn_lava.network.turns import network_in_turns  # noqa: E402

NETWORK = builders.random_spec(3, widths=(2, 16, 12, 1), activation="tanh_squared", n_steps=2, theta=0.05, ansatz=True)
POINTS = builders.random_points(NETWORK, 2000)
UNSEEN = builders.random_points(NETWORK, 500, 77)
COARSE = QuantizationScheme(weight_bits=3, payload_bits=10, rounding=Rounding.COMPENSATED)
SHORT = TuningSettings(n_iterations=60, check_every=10, batch_size=256, n_descents=0)


def test_tuning_brings_coarse_weights_closer_on_unseen_points() -> None:
    wanted = run_float(NETWORK, UNSEEN).outputs
    before = quantize_network(NETWORK, COARSE, POINTS).network
    tuned = tune_network(NETWORK, COARSE, POINTS, settings=replace(SHORT, n_descents=1))
    errors = [relative_l2(run_integer(chip, UNSEEN).outputs, wanted) for chip in (before, tuned.network)]
    assert errors[1] < 0.9 * errors[0]
    assert tuned.report.tuning.change_after < tuned.report.tuning.change_before
    assert tuned.network.source is NETWORK
    for affine, other in zip(tuned.network.affines, before.affines, strict=True):
        assert affine.connections[0].weight_bits == other.connections[0].weight_bits == 3
        assert affine.state_exponent == other.state_exponent


def test_tuned_integers_are_what_the_quantization_aware_network_computes() -> None:
    chip = tune_network(NETWORK, COARSE, POINTS, settings=SHORT).network
    trained = QuantizationAwareNetwork(chip, torch.float64)
    with torch.no_grad():
        total = trained.total(trained.words(encode_points(chip, UNSEEN)[0]))
    np.testing.assert_array_equal(total.numpy(), run_integer(chip, UNSEEN).readout)


@pytest.mark.parametrize("seed", [1, 3])
def test_graphs_are_tuned_too(seed: int) -> None:
    """A loop over eight steps, and sequences of which every step is read."""
    n_steps, readout = ((8, Readout.MEAN), (None, Readout.EVERY))[seed // 2]
    network = builders.random_graph(seed, n_inputs=2, n_nodes=5, n_steps=n_steps, readout=readout).source
    points = builders.random_points(network, 400)
    tuned = tune_network(network, replace(COARSE, payload_bits=12), points, settings=SHORT)
    assert tuned.report.tuning.change_after < tuned.report.tuning.change_before
    assert tuned.network.source.digest() == network_in_turns(network).digest()


def test_a_seed_gives_the_same_integers_every_time() -> None:
    digests = [tune_network(NETWORK, COARSE, POINTS, settings=SHORT, seed=seed).network.digest() for seed in (1, 1, 2)]
    assert digests[0] == digests[1] != digests[2]


def test_nothing_is_lost_where_tuning_does_not_help() -> None:
    """A learning rate of one wrecks the weights; the start is kept."""
    wild = TuningSettings(n_iterations=5, check_every=1, learning_rate=1.0, n_warmup=0)
    tuned = tune_network(NETWORK, QuantizationScheme(), POINTS, settings=wild)
    learned, _ = split_points(NETWORK, POINTS, 0)
    assert tuned.report.tuning.best_iteration == 0
    assert tuned.network.digest() == quantize_network(NETWORK, QuantizationScheme(), learned).network.digest()


def test_progress_and_time_limit() -> None:
    seen: list[tuple[int, int]] = []
    tune_network(NETWORK, COARSE, POINTS, settings=SHORT, on_progress=lambda *done: seen.append(done))
    assert seen == [(i, 60) for i in range(1, 61)]
    report = tune_network(NETWORK, COARSE, POINTS, settings=SHORT, time_limit=0.0).report.tuning
    assert (report.n_iterations, report.n_planned) == (1, 60)
    cut = tune_network(NETWORK, COARSE, POINTS, settings=TuningSettings(n_iterations=0, n_descents=2), time_limit=0.0)
    assert (cut.report.tuning.n_descents, cut.report.tuning.n_descents_planned) == (1, 2)


@pytest.mark.slow
def test_more_descents_begin_elsewhere_and_keep_what_is_better() -> None:
    seen: list[tuple[int, int]] = []
    once, often = (
        tune_network(
            NETWORK,
            COARSE,
            POINTS[:700],
            settings=replace(SHORT, n_iterations=5, n_descents=n),
            on_progress=lambda *done: seen.append(done),
        )
        for n in (1, 4)
    )
    assert seen == [*((i, 6) for i in range(1, 7)), *((i, 9) for i in range(1, 10))]
    assert often.report.tuning.change_after < once.report.tuning.change_after
    assert often.report.tuning.change_before == once.report.tuning.change_before


def test_descents_follow_distillation_alone() -> None:
    with pytest.raises(
        SpecError, match=r"n_descents must be 0 or 1 where the loss has an equation; got 5\. Leave it out"
    ):
        TuningSettings(loss="equation", n_descents=5)


def test_thresholds_and_leaks_are_tuned_on_request_and_stay_in_range() -> None:
    settings = TuningSettings(n_iterations=30, check_every=1, learn_neurons=True, learning_rate=5e-3)
    chip = tune_network(NETWORK, COARSE, POINTS, settings=settings).network
    plain = quantize_network(NETWORK, COARSE, split_points(NETWORK, POINTS, 0)[0]).network
    assert any((a.theta != b.theta).any() for a, b in zip(chip.populations, plain.populations, strict=True))
    for layer in chip.populations:
        assert (layer.theta >= 0).all()
        assert ((layer.beta >= 0) & (layer.beta <= 4096)).all()


def test_an_objective_of_the_callers_own_is_made_small() -> None:
    """Here: the sum of the squares of the first layer's biases; distillation alone has no reason to shrink them."""

    def small_biases(trained: QuantizationAwareNetwork) -> torch.Tensor:
        return trained.populations[0].affine.bias.square().sum()

    settings = TuningSettings(loss="both", n_iterations=30, check_every=30, objective_weight=1e4, learning_rate=5e-3)
    seen: list[float] = []

    def watched(trained: QuantizationAwareNetwork) -> torch.Tensor:
        loss = small_biases(trained)
        seen.append(float(loss.detach()))
        return loss

    report = tune_network(NETWORK, COARSE, POINTS, settings=settings, objective=watched).report.tuning
    assert seen[-1] < seen[0]
    assert report.equation_after < report.equation_before


def test_the_rate_warms_up_and_decays() -> None:
    settings = TuningSettings(n_iterations=100, n_warmup=10, learning_rate=1.0)
    rates = [scheduled_rate(settings, i) for i in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == rates[9] == 1.0
    assert all(later <= sooner for sooner, later in itertools.pairwise(rates[9:]))
    assert rates[-1] < 1e-3


def test_every_fifth_point_is_held_out() -> None:
    learned, held_out = split_points(NETWORK, POINTS, 0)
    assert (len(learned), len(held_out)) == (1600, 400)
    np.testing.assert_array_equal(held_out[0], POINTS[4])
    drawn = split_points(NETWORK, None, 3)
    np.testing.assert_array_equal(drawn[0], split_points(NETWORK, None, 3)[0])


def test_bad_input_is_refused() -> None:
    with pytest.raises(SpecError, match="at least 10 points; got 9"):
        tune_network(NETWORK, COARSE, POINTS[:9])
    with pytest.raises(SpecError, match="loss 'equation' must come with an objective; got none"):
        tune_network(NETWORK, COARSE, POINTS, settings=TuningSettings(loss="equation"))
    with pytest.raises(SpecError, match="loss 'distillation' must come without an objective; got one"):
        tune_network(NETWORK, COARSE, POINTS, objective=lambda trained: trained.output.bias.sum())
    with pytest.raises(SpecError, match=r"TuningSettings\.batch_size"):
        TuningSettings(batch_size=0)
    with pytest.raises(SpecError, match=r"TuningSettings\.learning_rate"):
        TuningSettings(learning_rate=float("nan"))


def test_a_network_that_says_nothing_is_tuned_to_nothing() -> None:
    silent = builders.with_zero_layer(NETWORK, 1)
    silent = replace(
        silent,
        output=silent.output.with_weight(0 * silent.output.weight, bias=0 * silent.output.bias),
        ansatz=None,
        output_transform=type(silent.output_transform).identity(1),
    )
    tuned = tune_network(silent, QuantizationScheme(rounding=Rounding.NEAREST), POINTS, settings=SHORT)
    assert not run_integer(tuned.network, UNSEEN).outputs.any()
