"""How a network is to be quantized, as one record; every choice that changes an integer stands here.

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
    """Each on its own, half up."""
    BIAS_CORRECTED = "bias-corrected"
    """Nearest; then every bias takes back the mean error of its drive."""
    COMPENSATED = "compensated"
    """One after the other, the rest making up for each error (`compensation.py`)."""
    DESCENDED = "descended"
    """That, then single weights move while the network's own output comes closer (`descent.py`)."""


class RangeRule(str, Enum):
    """What a word has to hold; the scale is the finest power of two that does."""

    MIN_MAX = "min-max"
    """Every value seen: nothing saturates."""
    PERCENTILE = "percentile"
    """All but the largest thousandth."""
    MSE = "mse"
    """What makes the mean squared error least, counting what saturates."""


class StateRange(str, Enum):
    """What the state word has to hold."""

    CALIBRATED = "calibrated"
    """The headroom over what was seen on the calibration points."""
    PROVED = "proved"
    """That, and all that interval arithmetic cannot exclude anywhere in the network's box, if eight bits are enough."""


class Equalization(str, Enum):
    """Whether neurons are scaled before quantization, so that those of a layer have equal ranges."""

    NONE = "none"
    """As trained."""
    ACROSS_LAYERS = "across-layers"
    """By powers of two, undone in the layer after; where phi allows it, which is identity and relu."""


class Granularity(str, Enum):
    """How many weights share a scale."""

    PER_NEURON = "per-neuron"
    """One power of two per output neuron."""
    PER_TENSOR = "per-tensor"
    """One power of two per layer."""


_CHOICES: dict[str, type[Enum]] = {
    "granularity": Granularity,
    "rounding": Rounding,
    "weight_range": RangeRule,
    "payload_range": RangeRule,
    "state_range": StateRange,
    "equalization": Equalization,
}
"""The scheme's fields that are names, with what they can be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantizationScheme(Record):
    """Word lengths and rules of a quantization."""

    weight_bits: int | tuple[int, ...] = 8
    """Word length of weights, 2 to 16: one for all layers, or one per matrix, the read-out's last."""
    payload_bits: int | tuple[int, ...] = 16
    """Word length of payloads, 2 to 24: one for all, or one per spiking layer."""
    input_bits: int = 16
    """Word length of the network's input, 2 to 24. Of its own, because coordinates need more than payloads do."""
    state_bits: int = 24
    """Word length of z, m, bias and theta, 4 to 32."""
    granularity: Granularity = Granularity.PER_NEURON
    """How many weights share a scale."""
    rounding: Rounding = Rounding.DESCENDED
    """How weights become integers."""
    weight_range: RangeRule = RangeRule.MSE
    """What weight words hold."""
    payload_range: RangeRule = RangeRule.MIN_MAX
    """What payload words hold."""
    state_range: StateRange = StateRange.PROVED
    """What state words hold."""
    equalization: Equalization = Equalization.NONE
    """Whether neurons are scaled first."""
    index_size: int = DEFAULT_INDEX_SIZE
    """log2 of the cells of a phi table."""
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

    def weight_bits_of(self, n_layers: int) -> tuple[int, ...]:
        """Give the weight word of each of the `n_layers` spiking layers and of the read-out.

        Raises:
            SpecError: If the scheme lists another number of them.
        """
        return _one_each(self.weight_bits, n_layers + 1, "weight_bits", "matrix, the read-out's last")

    def payload_bits_of(self, n_layers: int) -> tuple[int, ...]:
        """Give the payload word of each of the `n_layers` spiking layers.

        Raises:
            SpecError: If the scheme lists another number of them.
        """
        return _one_each(self.payload_bits, n_layers, "payload_bits", "spiking layer")


def _one_each(bits: int | tuple[int, ...], n: int, name: str, meaning: str) -> tuple[int, ...]:
    listed = bits if isinstance(bits, tuple) else (bits,) * n
    if len(listed) != n:
        mend = f"Give one number for all, or {n} of them."
        raise SpecError(f"QuantizationScheme.{name}", f"hold one word length per {meaning}: {n}", len(listed), mend)
    return listed
