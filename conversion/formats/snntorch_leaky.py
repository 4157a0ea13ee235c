"""snnTorch's `Leaky` as a Variable Spiking Neuron, where the two are the same neuron.

    U[t] = beta * (1 - R[t]) * U[t-1] + I[t]      R[t] = U[t-1] > threshold         reset_mechanism "zero"
    spk  = U[t] > threshold                       a = phi(spk * I[t])               the graded product

It fires above its threshold, the VSN at it: theta is the next float64 above the threshold, so that U = threshold stays silent
and every larger float, of 32 bits too, fires. snnTorch itself is not imported: a Leaky is known by its class's name.

Source: snnTorch 1.0, `_neurons/leaky.py` and `_neurons/neurons.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...base.arrays import FloatArray
from ...base.checks import raise_violations
from ...base.errors import Violation
from ...training.network.network import REPLACEMENTS


def mark_leakies(module: nn.Module) -> None:
    """Let every Leaky of a copied module be one operator, which the reader of exported modules knows.

    Raises:
        SpecError: If a Leaky does what no VSN does, or the module has other neurons of snnTorch; all of it is listed.
    """
    layers = [(name, each) for name, each in module.named_modules() if type(each).__module__.startswith("snntorch")]
    raise_violations(found for name, layer in layers for found in _violations(f"layer {name!r}", layer))
    for _, layer in layers:
        theta = torch.as_tensor(np.nextafter(_numbers(layer.threshold), np.inf))
        beta = torch.as_tensor(np.clip(_numbers(layer.beta), 0.0, 1.0))
        layer.forward = partial(_marked, layer, beta, theta)


def _marked(
    layer: Any, beta: Tensor, theta: Tensor, drive: Tensor, mem: Tensor | None = None
) -> Tensor | tuple[Tensor, Tensor]:
    """Return spikes, and where the layer returns it a membrane that cannot be read."""
    if getattr(layer, "init_hidden", False) and not getattr(layer, "output", False):
        spikes: Tensor = torch.ops.neuropinn_lava.leaky(drive, beta, theta)
        return spikes
    return torch.ops.neuropinn_lava.leaky(drive, beta, theta), torch.ops.neuropinn_lava.membrane(drive)


@torch.library.custom_op("neuropinn_lava::leaky", mutates_args=())
def _leaky(drive: Tensor, beta: Tensor, theta: Tensor) -> Tensor:
    return (drive >= theta).to(drive)


@torch.library.custom_op("neuropinn_lava::membrane", mutates_args=())
def _membrane(drive: Tensor) -> Tensor:
    return drive.clone()


_leaky.register_fake(lambda drive, beta, theta: torch.empty_like(drive))
_membrane.register_fake(torch.empty_like)


def _numbers(value: Any) -> FloatArray:
    array: FloatArray = value.detach().cpu().double().numpy()
    return array.reshape(()) if array.size == 1 else array


def _violations(where: str, module: Any) -> Iterator[Violation]:
    name = type(module).__name__
    if name != "Leaky":
        mend = f"Replace it by {REPLACEMENTS.get(name, 'Leaky and its graded product')}."
        yield Violation(
            f"{where} ({name})", "be a layer that can be deployed: Leaky, with its graded product", name, mend
        )
        return
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
