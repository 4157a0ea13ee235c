"""The fewest synaptic bits within a bound of the error: a search over word lengths, one per population.

    1. uniform: lower all populations together, bit by bit, while the error stays within the limit
    2. one by one: lower single populations by a bit, the one that saves most first, until none can be lowered
    3. the other way: from one uniform bit below, raise single populations, the one that helps most first, until it is within;
       the cheaper end of 2 and 3 is taken

The error is the caller's to define: values to compare with, and a limit. A synaptic bit is a bit of a stored weight, whether
or not the weight is zero.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ...base.arrays import ArrayRecord, FloatArray, Record, freeze_arrays
from ...base.checks import check_range, raise_violations
from ...base.errors import FixedPointError
from ...base.metrics import relative_l2
from ...engine.reference import run_integer
from ...network.spec import NetworkSpec
from ..quantize.post_training import make_integers, prepare_network
from ..scheme import QuantizationScheme

FEWEST_BITS = 2
"""Length of the shortest weight word, which holds -1, 0 and 1."""
MOST_BITS = 16
"""Length of the longest weight word."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ErrorLimit(ArrayRecord):
    """Points and values against which an error is measured, and the largest error allowed."""

    points: FloatArray
    """Points of the measurement, physical, as of `calibrate_network`; other points than those of the calibration."""
    wanted: FloatArray
    """Wanted values at the points, of the shape of a run's outputs: a reference solution, or the float network's output."""
    relative_l2: float
    """The largest relative L2 error allowed."""

    def __post_init__(self) -> None:
        freeze_arrays(self, points=np.float64, wanted=np.float64)
        raise_violations(check_range("ErrorLimit.relative_l2", self.relative_l2, 0.0, 1e6))


@dataclass(frozen=True, slots=True, kw_only=True)
class BitTrial(Record):
    """One choice of word lengths that was tried."""

    weight_bits: tuple[int, ...]
    """Word length per population, the read-out's last."""
    synaptic_bits: int
    """Number of bits of all weights together."""
    error: float
    """Relative L2 error against the wanted values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BitSearch(Record):
    """The result of a search over word lengths."""

    chosen: BitTrial
    """The choice with the fewest synaptic bits within the limit."""
    limit: float
    """The largest relative L2 error allowed."""
    trials: tuple[BitTrial, ...]
    """All choices that were tried, in order."""


def synaptic_bits(network: NetworkSpec, weight_bits: tuple[int, ...]) -> int:
    """Count the bits of all weights."""
    return sum(node.weight.size * bits for node, bits in zip(network.affines, weight_bits, strict=True))


def search_bits(
    network: NetworkSpec,
    scheme: QuantizationScheme,
    limit: ErrorLimit,
    points: FloatArray | None = None,
    on_trial: Callable[[BitTrial], None] | None = None,
) -> BitSearch:
    """Find the fewest synaptic bits whose error is within the limit.

    Args:
        network: The float network.
        scheme: All but the weight bits; those that it names are where the search starts.
        limit: The error allowed.
        points: Calibration points; None draws a sample of the network's box.
        on_trial: Called with every choice that was tried.

    Raises:
        FixedPointError: If even the longest weights are not within the limit; the message says how close they come.
    """
    search = _Search(network, scheme, limit, points, on_trial)
    top = search.first_within(scheme.weight_bits_of(len(network.populations)))
    uniform = search.lowered_together(top)
    ends = [search.lowered_singly(uniform), search.raised_singly(uniform)]
    chosen = min(ends, key=lambda trial: (trial.synaptic_bits, trial.error))
    return BitSearch(chosen=chosen, limit=limit.relative_l2, trials=tuple(search.trials.values()))


class _Search:
    """Trials of word lengths, each choice once."""

    def __init__(
        self,
        network: NetworkSpec,
        scheme: QuantizationScheme,
        limit: ErrorLimit,
        points: FloatArray | None,
        on_trial: Callable[[BitTrial], None] | None,
    ) -> None:
        self.network, self.scheme, self.limit, self.on_trial = network, scheme, limit, on_trial
        self.prepared, self.calibration = prepare_network(network, scheme, points)
        self.trials: dict[tuple[int, ...], BitTrial] = {}

    def try_bits(self, bits: tuple[int, ...]) -> BitTrial:
        """Quantize with these word lengths and measure the error."""
        if bits not in self.trials:
            scheme = replace(self.scheme, weight_bits=bits)
            chip = make_integers(self.prepared, scheme, self.calibration)
            error = relative_l2(run_integer(chip, self.limit.points).outputs, self.limit.wanted)
            trial = BitTrial(weight_bits=bits, synaptic_bits=synaptic_bits(self.network, bits), error=error)
            self.trials[bits] = trial
            if self.on_trial:
                self.on_trial(trial)
        return self.trials[bits]

    def within(self, bits: tuple[int, ...]) -> bool:
        """Return whether the error with these word lengths is within the limit."""
        return self.try_bits(bits).error <= self.limit.relative_l2

    def first_within(self, bits: tuple[int, ...]) -> tuple[int, ...]:
        """Return `bits`, or the longest words where `bits` are not within the limit."""
        for tried in (bits, (MOST_BITS,) * len(bits)):
            if self.within(tried):
                return tried
        closest = min(self.trials.values(), key=lambda trial: trial.error)
        rule = f"reach a relative L2 error of at most {self.limit.relative_l2:.3g}"
        repair = "Allow a larger error, or give payloads and state more bits: weights are not what limits it."
        raise FixedPointError(f"search_bits: network {self.network.name!r}", rule, f"{closest.error:.3g}", repair)

    def lowered_together(self, bits: tuple[int, ...]) -> tuple[int, ...]:
        """Lower all populations by a bit while that keeps the limit."""
        while (lower := tuple(max(b - 1, FEWEST_BITS) for b in bits)) != bits and self.within(lower):
            bits = lower
        return bits

    def lowered_singly(self, bits: tuple[int, ...]) -> BitTrial:
        """Lower single populations, the largest first, until none can be lowered."""
        while True:
            lower = [changed(bits, k, -1) for k in range(len(bits)) if bits[k] > FEWEST_BITS]
            lower.sort(key=lambda tried: synaptic_bits(self.network, tried))
            found = next((tried for tried in lower if self.within(tried)), None)
            if found is None:
                return self.try_bits(bits)
            bits = found

    def raised_singly(self, bits: tuple[int, ...]) -> BitTrial:
        """Start one bit below and raise the population that helps most, until the limit is kept; `bits` keep it."""
        dearest = synaptic_bits(self.network, bits)
        low = tuple(max(b - 1, FEWEST_BITS) for b in bits)
        while not self.within(low):
            higher = [changed(low, k, 1) for k in range(len(low))]
            higher = [tried for tried in higher if synaptic_bits(self.network, tried) < dearest]
            if not higher:
                return self.try_bits(bits)
            low = min(higher, key=lambda tried: self.try_bits(tried).error)
        return self.try_bits(low)


def changed(bits: tuple[int, ...], index: int, by: int) -> tuple[int, ...]:
    """Return word lengths with one of them changed."""
    return (*bits[:index], bits[index] + by, *bits[index + 1 :])
