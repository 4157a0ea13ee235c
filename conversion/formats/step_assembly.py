"""From steps to layers: affine maps in a row become one matrix, an activation becomes the neuron that equals it.

Batch norms and scalings are folded in this way.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...base.checks import as_member
from ...base.errors import SpecError
from ...network.nodes import OutputSpec, Polarity, PopulationSpec
from .step_records import AffineStep, NeuronStep, Step


def assemble_steps(name: str, steps: list[Step]) -> tuple[tuple[PopulationSpec, ...], OutputSpec]:
    """Build layers and read-out from steps.

    Raises:
        SpecError: If there is no matrix or no neuron, or if two neurons follow each other that are not one.
    """
    where = f"module {name}"
    if not any(isinstance(step, AffineStep) and step.weight.ndim == 2 for step in steps):
        raise SpecError(where, "have at least one Linear layer", "none", "Give a network with layers.")
    layers: list[PopulationSpec] = []
    affine: AffineStep | None = None
    for step in _merged_neurons(where, steps):
        if isinstance(step, AffineStep):
            affine = step if affine is None else _composed(where, affine, step)
        else:
            layers.append(_layer(where, f"hidden{len(layers) + 1}", affine, step))
            affine = None
    if not layers:
        mend = "A network without activations is a matrix; it needs no spikes."
        raise SpecError(where, "have at least one activation or VSN", "none", mend)
    if affine is None or affine.weight.ndim < 2:
        scaled = affine or AffineStep(where="output", weight=np.ones(()), bias=np.zeros(()))
        affine = _as_matrix(scaled, layers[-1].n_out)
    return tuple(layers), OutputSpec(weight=affine.weight, bias=affine.bias)


def _merged_neurons(where: str, steps: list[Step]) -> list[Step]:
    """Merge a neuron with phi = identity and the ordinary activation right after it: phi(z s) is one neuron."""
    merged: list[Step] = []
    for step in steps:
        last = merged[-1] if merged else None
        if isinstance(step, NeuronStep) and isinstance(last, NeuronStep):
            ordinary = not step.theta.any() and not step.beta.any()
            if last.activation != "identity" or not ordinary:
                mend = "Put a Linear layer between them."
                raise SpecError(
                    f"{where}: {step.where}", "be the only activation between two Linear layers", "two", mend
                )
            merged[-1] = replace(last, activation=step.activation)
        else:
            merged.append(step)
    return merged


def _composed(where: str, first: AffineStep, then: AffineStep) -> AffineStep:
    """Compose two affine maps in a row into one: W2 (W1 x + b1) + b2.

    Raises:
        SpecError: If their widths disagree.
    """
    a, b = first, then
    if a.weight.ndim < 2 and b.weight.ndim == 2:
        a = _as_matrix(a, b.weight.shape[1])
    if a.weight.ndim == b.weight.ndim == 2 and a.weight.shape[0] != b.weight.shape[1]:
        rule = f"have as many inputs as {first.where} has outputs, {a.weight.shape[0]}"
        raise SpecError(f"{where}: {then.where}", rule, b.weight.shape[1], "Make the widths agree.")
    if b.weight.ndim == 2:
        return AffineStep(where=then.where, weight=b.weight @ a.weight, bias=b.weight @ a.bias + b.bias)
    factor = b.weight[:, None] if b.weight.ndim == 1 and a.weight.ndim == 2 else b.weight
    return AffineStep(where=then.where, weight=factor * a.weight, bias=b.weight * a.bias + b.bias)


def _as_matrix(step: AffineStep, n: int) -> AffineStep:
    """Write a diagonal map as a matrix of n columns."""
    weight = np.diag(np.broadcast_to(step.weight, (n,)))
    return AffineStep(where=step.where, weight=weight, bias=np.broadcast_to(step.bias, (n,)))


def _layer(where: str, name: str, affine: AffineStep | None, neuron: NeuronStep) -> PopulationSpec:
    """Build a layer from a matrix and a neuron.

    Raises:
        SpecError: If there is no matrix before the first activation, or thresholds and width disagree.
    """
    if affine is None or affine.weight.ndim < 2:
        mend = "Begin with a Linear layer; the identity will do."
        raise SpecError(f"{where}: {neuron.where}", "follow a Linear layer", "none", mend)
    n = affine.weight.shape[0]
    if {neuron.theta.shape, neuron.beta.shape} - {(), (n,)}:
        got = max(neuron.theta.shape, neuron.beta.shape)
        mend = "Give the Linear layer before it as many outputs as it has neurons."
        raise SpecError(
            f"{where}: {neuron.where}", f"have {n} neurons, as many as {affine.where} has outputs", got, mend
        )
    return PopulationSpec(
        name=name,
        weight=affine.weight,
        bias=affine.bias,
        beta=np.broadcast_to(neuron.beta, (n,)),
        theta=np.broadcast_to(neuron.theta, (n,)),
        activation=neuron.activation,
        polarity=as_member(Polarity, neuron.polarity, f"{where}: {neuron.where}.polarity"),
    )
