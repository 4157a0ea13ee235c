"""Bias correction: every bias takes back the mean error that rounding makes in its drive.

    b[j] += mean_n (z[n] - z_q[n])        z the float network's drive, z_q the integer one

Source: Nagel et al. 2019, Data-free quantization through weight equalization and bias correction, section 4.2 (empirical).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...base.arrays import IntArray
from ...engine.reference import integer_drive
from ...network.integers import IntFormat, dequantize_array, quantize_array, saturate
from ...network.quantized import QuantizedAffine
from ...network.spec import LayerSpec, OutputSpec
from ..calibrate.sensitivity import LayerSignals


def correct_bias(
    affine: QuantizedAffine, exact: LayerSpec | OutputSpec, received: list[IntArray], signal: LayerSignals
) -> QuantizedAffine:
    """Correct the bias of one matrix; a bias that would leave the state word saturates at its end.

    Args:
        affine: The matrix.
        exact: The float layer; its drive stands in `signal`.
        received: What the layer receives in integers, (n_samples, n_in) per step.
        signal: The float network's drive.
    """
    drive, _ = integer_drive(affine, np.concatenate(received))
    error = signal.drive - dequantize_array(drive, affine.state_exponent)
    change = quantize_array(error.mean(axis=0), affine.state_exponent)
    bias, _ = saturate(affine.bias + change, IntFormat(bits=affine.state_bits))
    return replace(affine, bias=bias)
