"""A phi table as a function of real numbers: its interpolation without the roundings of z and of the payload.

This separates what the table costs from what the words around it cost. This module knows tables, no networks.
"""

from __future__ import annotations

import math

import numpy as np

from ...base.arrays import FloatArray
from ...network.activations import Asymptote, Symmetry
from ...network.phi_table import PhiTable


def interpolate(table: PhiTable, drive: FloatArray) -> FloatArray:
    """Give what the table stands for at drives z in physical units, any shape; phi itself where there is no table.

    The equations are those of `tables.py`, without the last rounding and without saturation.
    """
    if not table.rule.needs_table:
        return table.rule.phi(drive)
    q = np.abs(drive) * math.ldexp(1.0, -table.state_exponent)
    corners = np.ldexp(np.arange(len(table.entries), dtype=np.float64), table.index_bits)
    entry_exponent = table.payload_exponent - table.fraction_bits
    value: FloatArray = np.interp(q, corners, np.ldexp(table.entries.astype(np.float64), entry_exponent))
    if table.rule.asymptote is Asymptote.SLOPE_ONE:
        value = value + np.maximum(q - table.domain, 0.0) * math.ldexp(1.0, table.state_exponent)
    signs = np.where(drive < 0, -1.0, 1.0) if table.rule.symmetry is Symmetry.ODD else np.ones_like(drive)
    signed: FloatArray = signs * value
    return signed
