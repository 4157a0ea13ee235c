"""The integer phi table in torch: the same cells, the same interpolation, the same one rounding as `phi_table.look_up`.

The gradient is the slope of the smooth phi; the slope of a table itself is a step function that approximates it.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ...network.activations import Asymptote, Symmetry
from ...network.integers import IntFormat
from ...network.phi_table import PhiTable
from ...training.neuron.activations import fast_tanh, torch_activation
from .straight_through import half_up


class TableWithGradient:
    """phi from state units to payload units, integers held in floating point."""

    def __init__(self, table: PhiTable, dtype: torch.dtype) -> None:
        self.table = table
        self.highest = IntFormat(bits=table.payload_bits).highest
        self.state_unit = math.ldexp(1.0, table.state_exponent)
        self.payload_unit = math.ldexp(1.0, table.payload_exponent)
        self.low = torch.tensor(table.entries[:-1].tolist(), dtype=dtype)
        self.rise = torch.tensor((table.entries[1:] - table.entries[:-1]).tolist(), dtype=dtype)

    def look_up(self, drive: Tensor) -> Tensor:
        """Compute the payloads of the drives z, any shape, not yet saturated."""
        table = self.table
        if not table.rule.needs_table:
            passed = torch.clamp_min(drive, 0.0) if table.activation == "relu" else drive
            return half_up(passed * (self.state_unit / self.payload_unit))
        p = self._interpolated(torch.abs(drive))
        if table.rule.symmetry is Symmetry.ODD:
            p = p * torch.sign(drive)
        return half_up(p * math.ldexp(1.0, -(table.fraction_bits + table.index_bits)))

    def _interpolated(self, q: Tensor) -> Tensor:
        """Compute p of the table's equations for q = |z|."""
        table, width = self.table, math.ldexp(1.0, self.table.index_bits)
        cell = torch.floor(q * (1.0 / width)).clamp_max_(len(self.low) - 1)
        index = cell.long()
        inside = self.low[index] * width + self.rise[index] * (q - cell * width)
        if q.numel() == 0 or float(q.max()) < table.domain:
            return inside
        beyond = torch.full_like(q, float(table.entries[-1]) * width)
        if table.rule.asymptote is Asymptote.SLOPE_ONE:
            beyond += (q - table.domain) * math.ldexp(1.0, table.slope_exponent)
        return torch.where(q < table.domain, inside, beyond)

    def slope(self, drive: Tensor) -> Tensor:
        """Compute phi' at the drives, in payload units per state unit."""
        smooth = torch_activation(self.table.activation)
        z = drive * self.state_unit
        return smooth.slope(z, *smooth.value(z, fast_tanh)).mul_(self.state_unit / self.payload_unit)
