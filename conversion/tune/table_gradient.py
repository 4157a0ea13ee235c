"""The integer phi table in torch: the same cells, the same interpolation, the same one rounding as `phi_table.look_up`.

The gradient is the slope of the smooth phi; the slope of a table itself is a step function that approximates it.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from ...network.integers import IntFormat
from ...network.phi_table import PhiTable, Side
from ...training.neuron.activations import fast_tanh, torch_activation
from .straight_through import half_up


class TableWithGradient:
    """phi from state units to payload units, integers held in floating point."""

    def __init__(self, table: PhiTable, dtype: torch.dtype) -> None:
        self.table = table
        self.highest = IntFormat(bits=table.payload_bits).highest
        self.state_unit = math.ldexp(1.0, table.state_exponent)
        self.payload_unit = math.ldexp(1.0, table.payload_exponent)
        self.corners = [torch.tensor(np.append(side.entries, side.entries[-1]), dtype=dtype) for side in table.sides]

    def look_up(self, drive: Tensor) -> Tensor:
        """Compute the payloads of the drives z, any shape, not yet saturated."""
        above, below = self.table.sides
        q, period = torch.abs(drive), self.table.period_mask + 1
        if period > 0:
            q = torch.remainder(q, float(period))
        p = self._interpolated(above, self.corners[0], q)
        is_mirrored = below.entries is above.entries and below.slope == above.slope
        p_below = p if is_mirrored else self._interpolated(below, self.corners[1], q)
        p = torch.where(drive < 0, below.sign * p_below, p)
        return half_up(p * math.ldexp(1.0, self.table.left))

    def _interpolated(self, side: Side, corners: Tensor, q: Tensor) -> Tensor:
        """Compute p of the table's equations for q = |z| on one side, without its sign."""
        width = math.ldexp(1.0, self.table.index_bits)
        cell = torch.floor(q * (1.0 / width)).clamp_max_(len(corners) - 2)
        index = cell.long()
        low = corners[index]
        inside = low * width + (corners[index + 1] - low) * (q - cell * width)
        if q.numel() == 0 or float(q.max()) < side.domain:
            return inside
        beyond = float(side.entries[-1]) * width + (q - side.domain) * side.slope
        return torch.where(q < side.domain, inside, beyond)

    def slope(self, drive: Tensor) -> Tensor:
        """Compute phi' at the drives, in payload units per state unit."""
        smooth = torch_activation(self.table.activation)
        z = drive * self.state_unit
        return smooth.slope(z, *smooth.value(z, fast_tanh)).mul_(self.state_unit / self.payload_unit)
