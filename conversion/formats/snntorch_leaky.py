"""snnTorch's `Leaky` as a Variable Spiking Neuron, where the two are the same neuron.

    U[t] = beta * (1 - R[t]) * U[t-1] + I[t]      R[t] = U[t-1] > threshold         reset_mechanism "zero"
    spk  = U[t] > threshold                       a = phi(spk * I[t])               the graded product

It fires above its threshold, the VSN at it: theta is the next float64 above the threshold, so that U = threshold stays silent
and every larger float, of 32 bits too, fires. snnTorch itself is not imported: a Leaky is known by its class's name.

Source: snnTorch 1.0, `_neurons/leaky.py` and `_neurons/neurons.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from torch import nn

from ...base.arrays import FloatArray
from ...base.checks import raise_violations
from ...base.errors import Violation
from ...network.nodes import Polarity
from .step_records import NeuronStep


def is_leaky(module: nn.Module) -> bool:
    """Return whether a module is snnTorch's Leaky."""
    kind = type(module)
    return kind.__name__ == "Leaky" and kind.__module__.startswith("snntorch")


def is_snntorch(module: nn.Module) -> bool:
    """Return whether a module is one of snnTorch's own, which is read or refused as a whole."""
    return type(module).__module__.startswith("snntorch")


def leaky_step(where: str, module: Any) -> NeuronStep:
    """Return the neuron of a Leaky whose spike is multiplied by its input; phi is the identity until another one follows.

    Raises:
        SpecError: If it resets otherwise than to zero, or does what no VSN does; all of it is listed.
    """
    raise_violations(_leaky_violations(where, module))
    threshold = _numbers(module.threshold)
    return NeuronStep(
        where=where,
        activation="identity",
        polarity=Polarity.POSITIVE,
        theta=np.nextafter(threshold, np.inf),
        beta=np.clip(_numbers(module.beta), 0.0, 1.0),
    )


def _numbers(value: Any) -> FloatArray:
    array: FloatArray = value.detach().cpu().double().numpy()
    return array.reshape(()) if array.size == 1 else array


def _leaky_violations(where: str, module: Any) -> Iterator[Violation]:
    place = f"{where} (Leaky)"
    if module.reset_mechanism != "zero":
        mend = "Train with reset_mechanism='zero'."
        yield Violation(f"{place}.reset_mechanism", "be a reset to zero", repr(module.reset_mechanism), mend)
    if module.inhibition:
        yield Violation(f"{place}.inhibition", "be False", True, "Train without inhibition: neurons fire on their own.")
    if module.state_quant:
        yield Violation(f"{place}.state_quant", "be False", "set", "Leave it out: conversion quantizes states.")
    factor = _numbers(module.graded_spikes_factor)
    if (factor != 1.0).any():
        mend = "Put the factor into the Linear layer that follows."
        yield Violation(f"{place}.graded_spikes_factor", "be 1", float(factor.flat[0]), mend)
    if (_numbers(module.threshold) < 0).any():
        mend = "Use a threshold of zero or more; a bias moves the drive."
        yield Violation(f"{place}.threshold", "be 0 or more", float(_numbers(module.threshold).min()), mend)
