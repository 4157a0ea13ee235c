"""The choices that a Lava run offers, as enums, where modules that do not import Lava can name them."""

from __future__ import annotations

from enum import Enum

from ...engine.trace import LayerModel as LayerModel
from ...network.quantized import Network, QuantizedNetwork


class Numerics(str, Enum):
    """What the numbers of a network are."""

    FLOAT = "float"
    """float64 in every message."""
    INTEGER = "integer"
    """int32 words in every message."""

    @property
    def tag(self) -> str:
        """Lava's tag for process models of these numbers."""
        return "fixed_pt" if self is Numerics.INTEGER else "floating_pt"

    @classmethod
    def of(cls, network: Network) -> Numerics:
        """Tell the numbers of a network by its kind of record."""
        return cls.INTEGER if isinstance(network, QuantizedNetwork) else cls.FLOAT
