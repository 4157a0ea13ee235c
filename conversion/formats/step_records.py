"""The steps of a user's torch module: affine maps and neurons. Records only; no torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...base.arrays import ArrayRecord, FloatArray, freeze_arrays
from ...network.nodes import Polarity


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AffineStep(ArrayRecord):
    """y = W x + b; scalings and batch norms are diagonal ones."""

    where: str
    """Name of the step in the module."""
    weight: FloatArray
    """W, shape (n_out, n_in), or (n,) for a diagonal, or () for one factor for all."""
    bias: FloatArray
    """b, shape (n_out,), or () for one number for all."""

    def __post_init__(self) -> None:
        freeze_arrays(self, weight=np.float64, bias=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NeuronStep(ArrayRecord):
    """a = phi(z s), with s from the membrane; an ordinary activation fires always (theta = 0) and forgets all (beta = 0)."""

    where: str
    """Name of the step in the module."""
    activation: str
    """Name of the activation phi."""
    polarity: Polarity
    """The signs of membrane that fire."""
    theta: FloatArray
    """Threshold, shape (n,) or ()."""
    beta: FloatArray
    """Leak, shape (n,) or ()."""

    def __post_init__(self) -> None:
        freeze_arrays(self, theta=np.float64, beta=np.float64)


Step = AffineStep | NeuronStep


def ordinary_neuron(where: str, activation: str) -> NeuronStep:
    """Return the VSN that equals an ordinary activation at every T.

    phi(z) for all z:   polarity "both", theta = 0: |m| >= 0 holds always
    relu:               polarity "positive", theta = 0, beta = 0: m = z, and z >= 0 sends z
    """
    polarity = Polarity.POSITIVE if activation == "relu" else Polarity.BOTH
    return NeuronStep(where=where, activation=activation, polarity=polarity, theta=np.zeros(()), beta=np.zeros(()))
