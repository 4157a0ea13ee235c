"""Post-training quantization in its order: equalise, calibrate, round to the nearest, prove the state, round again, measure.

    NetworkSpec ── equalize_network ── calibrate_network ── quantize_with ── proving_bits ── round_network ──▶ QuantizedNetwork

Each stage is a pure function of its own file; the scheme says which of them do something. Tuning (`tuning.py`) starts here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import numpy as np
from threadpoolctl import threadpool_limits

from ...base.arrays import FloatArray, Record
from ...engine.reference import run_float, run_integer
from ...network.quantized import QuantizedNetwork
from ...network.spec import NetworkSpec
from ...network.turns import network_in_turns
from ..calibrate.calibration import Calibration, calibrate_network
from ..calibrate.intervals import bound_network
from ..scheme import Equalization, QuantizationScheme, Rounding, StateRange
from ..targets.verdicts import TargetCheck
from .compensation import compensate_affine
from .descent import descend_integers
from .equalization import equalize_network
from .layerwise import adjust_network, correct_bias
from .liveness import check_words
from .nearest import finest_state, n_finer_scales, quantize_with
from .relays import round_relays
from .report import QuantizationReport, measure_quantization

PROOF_MARGIN = 1.1
"""The state word holds this multiple of the proved bound of the nearest integers: rounding again moves the bound."""
MAX_PROOFS = 3
"""Largest number of times that states are made coarser; a second time is rare, a third was never seen."""
KEPT_STATE_BITS = 16
"""Bits of the state that stay for its calibrated range; with as many, no measured result changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantization(Record):
    """The result of quantization: the quantized network and its report."""

    network: QuantizedNetwork
    """The quantized network, which embeds its float source."""
    report: QuantizationReport
    """Clipping, saturation and added error of each node."""
    check: TargetCheck | None = None
    """The verdicts of the hardware target that the conversion was for; None where there was none."""


def round_network(network: QuantizedNetwork, scheme: QuantizationScheme, points: FloatArray) -> QuantizedNetwork:
    """Round the weights of a network that was rounded to the nearest, by the rule of the scheme.

    Relays that are not exact come first, and descent last. Compensation is kept only if it brings the output closer on these
    points: with very few of them it need not.

    Args:
        network: Rounded to the nearest.
        scheme: The rules.
        points: Calibration points, as of `calibrate_network`.
    """
    if scheme.rounding is Rounding.NEAREST:
        return network
    if scheme.rounding is Rounding.BIAS_CORRECTED:
        return adjust_network(network, points, correct_bias)
    start = round_relays(network, points)
    compensated = adjust_network(start, points, partial(compensate_affine, n_finer=n_finer_scales(scheme)))
    wanted = run_float(network.source, points).outputs
    errors = [float(np.linalg.norm(run_integer(n, points).outputs - wanted)) for n in (compensated, start)]
    kept = compensated if errors[0] <= errors[1] else start
    return descend_integers(kept, points) if scheme.rounding is Rounding.DESCENDED else kept


def proving_bits(
    network: QuantizedNetwork,
    scheme: QuantizationScheme,
    calibration: Calibration,
    taken: tuple[int, ...],
    margin: float = 1.0,
) -> tuple[int, ...]:
    """Compute by how many bits each state has to be coarser for interval arithmetic to exclude saturation in the whole box.

    A word of 24 bits has eight to spare for this; where they are not enough, the state stays as calibrated (0), and the report
    says that it is not proved.

    Args:
        network: Integers whose states are coarser by `taken` bits, the read-out's last.
        scheme: The rules.
        calibration: Ranges of its source.
        taken: See `network`.
        margin: Multiple of the proved bound that has to fit.
    """
    if scheme.state_range is StateRange.CALIBRATED:
        return taken
    spare = max(scheme.state_bits - KEPT_STATE_BITS, 0)
    wanted = []
    pairs = zip(network.source.affines, network.affines, strict=True)
    for (node, affine), bound, former in zip(pairs, bound_network(network), taken, strict=True):
        excess = margin * max(bound.drive, bound.membrane) / bound.state_highest
        bits = former
        if excess > 1.0:
            finest = finest_state(node, calibration.range_of(node.name), scheme)
            bits = affine.state_exponent - finest + math.ceil(math.log2(excess))
        wanted.append(bits if bits <= spare else 0)
    return tuple(wanted)


def quantize_network(
    network: NetworkSpec, scheme: QuantizationScheme | None = None, points: FloatArray | None = None
) -> Quantization:
    """Quantize a float network and measure what it costs.

    Args:
        network: The float network.
        scheme: Word lengths and rules; None is `QuantizationScheme()`.
        points: Calibration points, physical, shape (n_samples, n_in), or sequences (n_samples, n_steps, n_in); None draws a
            sample of the network's box.

    Raises:
        SpecError: If scheme and network disagree, or if the calibration points are not usable.
        FixedPointError: If the words cannot hold the network.
    """
    chosen = scheme or QuantizationScheme()
    prepared, calibration = prepare_network(network, chosen, points)
    chip = make_integers(prepared, chosen, calibration)
    return Quantization(network=chip, report=measure_quantization(chip, calibration))


def prepare_network(
    network: NetworkSpec, scheme: QuantizationScheme, points: FloatArray | None
) -> tuple[NetworkSpec, Calibration]:
    """Put sines in turns, equalise the network if the scheme says so, and calibrate it.

    The network computes the same: to rounding where it has sines, else to the last bit.
    """
    turned = network_in_turns(network)
    calibration = calibrate_network(turned, points)
    if scheme.equalization is Equalization.NONE:
        return turned, calibration
    equalized = equalize_network(turned, calibration)
    return equalized, calibrate_network(equalized, calibration.points)


def make_integers(network: NetworkSpec, scheme: QuantizationScheme, calibration: Calibration) -> QuantizedNetwork:
    """Quantize without measuring.

    The nearest integers tell, cheaply, how coarse states have to be; should rounding anew move a bound out of its word, the
    state gives way once more.

    Args:
        network: The float network, prepared (`prepare_network`); the result embeds it.
        scheme: Word lengths and rules.
        calibration: Its ranges.

    Raises:
        FixedPointError: If the words cannot hold the network, or a node falls silent in them.
    """
    coarser = (0,) * (len(network.populations) + 1)
    nearest = quantize_with(network, scheme, calibration)
    check_words(nearest, scheme, calibration)
    # Hundreds of matrices of one layer's size: where a machine has other work, threads of BLAS wait for each other twenty
    # times as long as they compute.
    with threadpool_limits(1, user_api="blas"):
        wanted = proving_bits(nearest, scheme, calibration, coarser, PROOF_MARGIN)
        for _ in range(MAX_PROOFS):
            if wanted != coarser:
                nearest, coarser = quantize_with(network, scheme, calibration, wanted), wanted
            chip = round_network(nearest, scheme, calibration.points)
            wanted = proving_bits(chip, scheme, calibration, coarser)
            if wanted == coarser:
                break
    return chip
