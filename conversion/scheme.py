"""The quantization scheme: one record of all choices that change an integer.

`QuantizationScheme()` is the default of the command line: 8-bit weights with one scale per output neuron, rounded so that the
network's output moves least, 16-bit input and payload, 24-bit state. `QuantizationScheme(weight_bits=(8, 6, 6, 4),
payload_bits=12)` mixes word lengths.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from ..base.arrays import Record
from ..base.checks import as_member, as_tuple, check_range, check_whole, raise_violations
from ..base.errors import FixedPointError, SpecError, Violation
from ..network.phi_table import DEFAULT_INDEX_SIZE, MAX_INDEX_SIZE


class Rounding(str, Enum):
    """How real weights become integers."""

    NEAREST = "nearest"
    """Every weight is rounded to the nearest integer by itself, ties upward."""
    BIAS_CORRECTED = "bias-corrected"
    """Nearest rounding; then every bias is corrected by the mean error of its drive (`layerwise.py`)."""
    COMPENSATED = "compensated"
    """Weights are rounded in order, and the remaining ones compensate each error (`compensation.py`, `relays.py`)."""
    DESCENDED = "descended"
    """Compensated rounding; then single weights move as long as the network's output improves (`descent.py`)."""


class RangeRule(str, Enum):
    """The range that a word has to hold; the scale is the finest power of two that holds it."""

    MIN_MAX = "min-max"
    """The range of all values seen, so that none of them saturates."""
    PERCENTILE = "percentile"
    """The range of all values but the largest thousandth."""
    MSE = "mse"
    """The range with the least mean squared error, saturated values included."""


class StateRange(str, Enum):
    """The range that the state word has to hold."""

    CALIBRATED = "calibrated"
    """The largest state on the calibration points, times the headroom."""
    PROVED = "proved"
    """The calibrated range, widened by at most eight bits to the bound proved over the network's box."""


class Equalization(str, Enum):
    """Whether neurons are scaled before quantization, so that those of a layer have equal ranges."""

    NONE = "none"
    """Weights and thresholds stay as they were trained."""
    ACROSS_LAYERS = "across-layers"
    """Neurons are scaled by powers of two, and the next layer undoes it; for the activations identity and relu."""


class Granularity(str, Enum):
    """How many weights share a scale."""

    PER_NEURON = "per-neuron"
    """There is one power of two per output neuron and connection."""
    PER_TENSOR = "per-tensor"
    """There is one power of two per connection."""


_CHOICES: dict[str, type[Enum]] = {
    "granularity": Granularity,
    "rounding": Rounding,
    "weight_range": RangeRule,
    "payload_range": RangeRule,
    "state_range": StateRange,
    "equalization": Equalization,
}
"""The fields of a scheme that are enums, with their types."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantizationScheme(Record):
    """Word lengths and rules of a quantization."""

    weight_bits: int | tuple[int, ...] = 8
    """Word length of weights, 2 to 16: one for all, or one per population, for all of its connections, the read-out's last."""
    payload_bits: int | tuple[int, ...] = 16
    """Word length of payloads, 2 to 24: one for all, or one per population and product."""
    input_bits: int = 16
    """Word length of the network's input, 2 to 24; separate, because coordinates need more bits than payloads."""
    state_bits: int = 24
    """Word length of z, m, bias and theta, 4 to 32."""
    granularity: Granularity = Granularity.PER_NEURON
    """How many weights share a scale."""
    rounding: Rounding = Rounding.DESCENDED
    """The rule by which weights become integers."""
    weight_range: RangeRule = RangeRule.MSE
    """The range that weight words hold."""
    payload_range: RangeRule = RangeRule.MIN_MAX
    """The range that payload words hold."""
    state_range: StateRange = StateRange.PROVED
    """The range that state words hold."""
    equalization: Equalization = Equalization.NONE
    """Whether neurons are scaled before quantization."""
    index_size: int = DEFAULT_INDEX_SIZE
    """log2 of the number of cells of a phi table."""
    payload_headroom: float = 1.05
    """A payload word holds this multiple of the largest calibrated payload, or phi's own bound where that is less."""
    state_headroom: float = 2.0
    """The state word holds at least this multiple of the largest calibrated |z|, |m| and |b|: a bit to spare."""

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            chosen = as_member(choices, getattr(self, name), f"QuantizationScheme.{name}")
            object.__setattr__(self, name, chosen)
        for name in ("weight_bits", "payload_bits"):
            object.__setattr__(self, name, as_tuple(getattr(self, name)))
        raise_violations(self._whole_violations())
        raise_violations(self._violations(), FixedPointError)

    def _whole_violations(self) -> Iterator[Violation]:
        for name in ("weight_bits", "payload_bits", "input_bits", "state_bits", "index_size"):
            value = getattr(self, name)
            for one in value if isinstance(value, tuple) else (value,):
                yield from check_whole(f"QuantizationScheme.{name}", one)

    def _violations(self) -> Iterator[Violation]:
        mine = "QuantizationScheme"
        yield from check_range(f"{mine}.weight_bits", self.weight_bits, 2, 16)
        yield from check_range(f"{mine}.payload_bits", self.payload_bits, 2, 24)
        yield from check_range(f"{mine}.input_bits", self.input_bits, 2, 24)
        yield from check_range(f"{mine}.state_bits", self.state_bits, 4, 32)
        yield from check_range(f"{mine}.index_size", self.index_size, 1, MAX_INDEX_SIZE)
        yield from check_range(f"{mine}.payload_headroom", self.payload_headroom, 1.0, 1024.0)
        yield from check_range(f"{mine}.state_headroom", self.state_headroom, 1.0, 1024.0)

    def weight_bits_of(self, n_populations: int) -> tuple[int, ...]:
        """Return the weight word length of each of the populations, in the network's order, and of the read-out.

        Raises:
            SpecError: If the scheme lists another number of them.
        """
        return _one_each(self.weight_bits, n_populations + 1, "weight_bits", "population, and the read-out's last")

    def payload_bits_of(self, n_nodes: int) -> tuple[int, ...]:
        """Return the payload word length of each population and product, in the network's order.

        Raises:
            SpecError: If the scheme lists another number of them.
        """
        return _one_each(self.payload_bits, n_nodes, "payload_bits", "population and product")


def _one_each(bits: int | tuple[int, ...], n: int, name: str, meaning: str) -> tuple[int, ...]:
    listed = bits if isinstance(bits, tuple) else (bits,) * n
    if len(listed) != n:
        repair = f"Give one number for all, or {n} of them."
        raise SpecError(f"QuantizationScheme.{name}", f"hold one word length per {meaning}: {n}", len(listed), repair)
    return listed
