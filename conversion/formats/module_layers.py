"""Single torch layers as steps: Linear, VSN, Tanh, ReLU, BatchNorm1d, and those without effect after training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from torch import Tensor, nn

from ...base.arrays import FloatArray
from ...base.errors import SpecError
from ...training.network.network import REPLACEMENTS
from ...training.neuron.vsn import VSN, layer_type
from .step_records import AffineStep, NeuronStep, Step, ordinary_neuron

WITHOUT_EFFECT = (nn.Identity, nn.Dropout, nn.AlphaDropout, nn.Flatten)
"""Layers that change nothing of (n_samples, n) values after training."""


def layer_step(where: str, layer: nn.Module) -> Step | None:
    """Return the step of a layer, or None for one without effect.

    Raises:
        SpecError: If it cannot be deployed; the message says what could take its place.
    """
    kind = layer_type(layer)
    if kind in WITHOUT_EFFECT:
        return None
    if kind in DEPLOYED:
        return DEPLOYED[kind](where, layer)
    name = kind.__name__
    base = next((known.__name__ for known in (*DEPLOYED, *WITHOUT_EFFECT) if isinstance(layer, known)), None)
    if base is not None:
        mend = f"Hold a {base} in a module and write out what is done besides, as in torch.sin(self.linear(x))."
        raise SpecError(
            f"{where} ({name})", f"be exactly {base}, whose forward pass is known", f"a subclass, {name}", mend
        )
    mend = f"Replace it by {REPLACEMENTS.get(name, 'Linear layers and Tanh, ReLU or VSN')}."
    known = ", ".join(sorted(kind.__name__ for kind in (*DEPLOYED, *WITHOUT_EFFECT)))
    raise SpecError(f"{where} ({name})", f"be a layer that can be deployed: {known}", name, mend)


def _linear(where: str, layer: nn.Linear) -> AffineStep:
    bias: Tensor | None = layer.bias
    weight = _array(layer.weight)
    return AffineStep(where=where, weight=weight, bias=np.zeros(len(weight)) if bias is None else _array(bias))


def _batch_norm(where: str, layer: nn.BatchNorm1d) -> AffineStep:
    """y = (x - mean) / sqrt(var + eps) * gamma + beta, with the running statistics."""
    mean, variance = layer.running_mean, layer.running_var
    if mean is None or variance is None:
        mend = "Train with track_running_stats=True."
        raise SpecError(f"{where} (BatchNorm1d)", "have running statistics", "none", mend)
    ones = np.ones(layer.num_features)
    gamma, beta = (_array(layer.weight), _array(layer.bias)) if layer.affine else (ones, 0 * ones)
    scale = gamma / np.sqrt(_array(variance) + layer.eps)
    return AffineStep(where=where, weight=scale, bias=beta - _array(mean) * scale)


def _vsn(where: str, layer: VSN) -> NeuronStep:
    return NeuronStep(
        where=where,
        activation=layer.rule.activation,
        polarity=layer.rule.polarity,
        theta=_array(layer.theta),
        beta=_array(layer.beta),
    )


def _array(tensor: Tensor) -> FloatArray:
    array: FloatArray = tensor.detach().cpu().double().numpy()
    return array


DEPLOYED: dict[type[nn.Module], Callable[[str, Any], Step]] = {
    nn.Linear: _linear,
    nn.BatchNorm1d: _batch_norm,
    nn.Tanh: lambda where, _: ordinary_neuron(where, "tanh"),
    nn.ReLU: lambda where, _: ordinary_neuron(where, "relu"),
    VSN: _vsn,
}
"""Layers that can be deployed, with the function that builds their step."""
