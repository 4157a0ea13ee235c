"""Moves chosen together: against exhaustion, and where no single move helps."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import builders
from neuropinn_lava.base.metrics import relative_l2
from neuropinn_lava.conversion import QuantizationScheme, quantize_network
from neuropinn_lava.conversion.quantize import descent
from neuropinn_lava.conversion.quantize.pairs import choose_together
from neuropinn_lava.engine.reference import run_float, run_integer

ROUNDING = 1e-12


def left(effects: np.ndarray, residual: np.ndarray, chosen: list[int]) -> float:
    return float(np.square(residual + effects[:, chosen].sum(axis=1)).sum())


@pytest.mark.parametrize("seed", range(5))
def test_no_single_move_and_no_pair_helps_where_the_search_ends(seed: int) -> None:
    """Every choice that differs from the found one in one or two moves leaves at least as much."""
    generator = np.random.default_rng(seed)
    effects = generator.normal(size=(30, 12))
    residual = generator.normal(size=30) - effects[:, 2:9].sum(axis=1)
    chosen = choose_together(effects, residual, n_most=12)
    least = left(effects, residual, chosen)
    assert least < float(residual @ residual)
    assert len(set(chosen)) == len(chosen)
    for flipped in (*itertools.combinations(range(12), 1), *itertools.combinations(range(12), 2)):
        other = sorted({*chosen} ^ {*flipped})
        assert left(effects, residual, other) >= least * (1 - 1e-5)


def test_the_best_choice_of_few_moves_is_found_where_pairs_suffice() -> None:
    """Two moves that cancel each other but for the residual, among eight that only harm."""
    generator = np.random.default_rng(7)
    large, residual = generator.normal(size=40), 0.05 * generator.normal(size=40)
    harmful = 3.0 * generator.normal(size=(40, 8))
    effects = np.column_stack([harmful[:, :5], large, harmful[:, 5:], -large - residual])
    assert sorted(choose_together(effects, residual, n_most=5)) == [5, 9]
    assert left(effects, residual, [5, 9]) == pytest.approx(0.0, abs=ROUNDING)
    assert all(left(effects, residual, [k]) > float(residual @ residual) for k in range(10))


def test_it_ends_with_the_wanted_number() -> None:
    effects, residual = -np.eye(9), np.ones(9)
    assert len(choose_together(effects, residual, n_most=3)) in (3, 4)
    assert len(choose_together(effects, residual, n_most=20)) == 9
    assert choose_together(effects, np.zeros(9), n_most=3) == []


def test_integers_moved_at_random_stay_within_their_words_and_pruned_weights_stay_zero() -> None:
    network = builders.random_spec(8, widths=(2, 40, 40, 1), n_steps=1)
    hidden = network.populations[1].weight.copy()
    hidden[:, ::2] = 0.0
    network = builders.with_layer(network, 1, weight=hidden)
    chip = quantize_network(network, QuantizationScheme(weight_bits=3, rounding="nearest")).network
    moved = descent.moved_at_random(chip, np.random.default_rng(0))
    changes = [new.weight - old.weight for new, old in zip(moved.affines, chip.affines, strict=True)]
    assert {int(each) for change in changes for each in np.unique(change)} == {-1, 0, 1}
    assert 4 < sum(np.count_nonzero(change) for change in changes) < 20  # a hundredth of 920 that may move
    assert not moved.affines[1].weight[:, ::2].any()
    assert all(np.abs(affine.weight).max() <= 3 for affine in moved.affines)
    assert [affine.bias.tolist() for affine in moved.affines] == [affine.bias.tolist() for affine in chip.affines]


def test_pairs_go_on_where_single_moves_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights of four bits: on unseen points, pairs take a tenth of the change away that single moves leave."""
    network = builders.random_spec(6, widths=(2, 16, 12, 1), n_steps=1, theta=0.01)
    points, unseen = builders.random_points(network, 1500), builders.random_points(network, 900, 7)

    def change(bits: int) -> float:
        chip = quantize_network(network, QuantizationScheme(weight_bits=bits), points).network
        return relative_l2(run_integer(chip, unseen).outputs, run_float(network, unseen).outputs)

    with_pairs, long_words = change(4), change(8)
    monkeypatch.setattr(descent, "PAIR_BITS", 0)
    assert with_pairs < 0.9 * change(4)
    assert long_words == change(8)
