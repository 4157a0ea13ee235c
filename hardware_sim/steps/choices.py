"""The choices that a Lava run offers, as enums, where modules that do not import Lava can name them."""

from __future__ import annotations

from enum import Enum

from ...network.quantized import Network, QuantizedNetwork


class LayerModel(str, Enum):
    """What the layers are made of on Lava."""

    FUSED = "fused"
    """One process a layer: synapses and neurons in one compiled loop."""
    DENSE = "dense"
    """Two processes a layer: Lava's own Dense, and neurons behind it. Faithful mode only."""
    WHOLE = "whole"
    """The whole network in one process, or one such process for each core: the fastest, and not the chip's graph."""


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
