"""The choices that a Lava run offers, as enums, where modules that do not import Lava can name them."""

from __future__ import annotations

from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ...engine.trace import LayerModel as LayerModel
from ...network.nodes import NodeSpec, OutputSpec
from ...network.quantized import Network, QuantizedNetwork
from ...network.quantized_nodes import QuantizedNode, QuantizedOutput, QuantizedPopulation, QuantizedProduct


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

    @property
    def message_type(self) -> Any:
        """Numpy's type of messages and membranes."""
        return np.int32 if self is Numerics.INTEGER else np.float64

    @classmethod
    def of(cls, network: Network) -> Numerics:
        """Return the kind of numbers of a network by its kind of record."""
        return cls.INTEGER if isinstance(network, QuantizedNetwork) else cls.FLOAT

    @classmethod
    def of_node(cls, node: NodeSpec | OutputSpec | QuantizedNode | QuantizedOutput) -> Numerics:
        """Return the kind of numbers of a node or read-out by its kind of record."""
        kinds = (QuantizedPopulation, QuantizedProduct, QuantizedOutput)
        return cls.INTEGER if isinstance(node, kinds) else cls.FLOAT

    @classmethod
    def of_type(cls, dtype: DTypeLike) -> Numerics:
        """Return the kind of numbers of messages by their numpy type."""
        return cls.INTEGER if np.issubdtype(dtype, np.integer) else cls.FLOAT
