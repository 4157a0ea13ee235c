"""snnTorch's `Leaky`, `Synaptic` and `RLeaky` as a Variable Spiking Neuron, where the two are the same neuron.

    U[t] = beta * (1 - R[t]) * U[t-1] + I[t]      R[t] = U[t-1] > threshold         reset_mechanism "zero"
    spk  = U[t] > threshold                       a = phi(spk * I[t])               the graded product
    I[t] = z[t]                                   Leaky
    I[t] = alpha * I[t-1] + z[t]                  Synaptic: `syn`, a relay that reads itself one step before
    I[t] = z[t] + recurrent(a[t-1])               RLeaky, if payloads are passed to it in the place of spikes

With `reset_delay=True` Synaptic and RLeaky lose the drive of the step after a spike as well, which no VSN does.

It fires above its threshold, the VSN at it: theta is the next float64 above the threshold, so that U = threshold stays silent
and every larger float, of 32 bits too, fires. snnTorch itself is not imported: its neurons are known by their classes' names.

Source: snnTorch 1.0, `_neurons/leaky.py`, `synaptic.py`, `rleaky.py` and `neurons.py`.
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

READABLE = ("Leaky", "Synaptic", "RLeaky")
"""Names of the neurons that can be a VSN."""
_RECURRENT = "RecurrentOneToOne"
"""The name of the layer within an RLeaky that is no neuron, but a factor."""


def mark_leakies(module: nn.Module) -> None:
    """Let every neuron of snnTorch in a copied module be one operator, which the reader of exported modules knows.

    Raises:
        SpecError: If one does what no VSN does, or the module has other neurons of snnTorch; all of it is listed.
    """
    layers = [(name, each) for name, each in module.named_modules() if type(each).__module__.startswith("snntorch")]
    layers = [(name, each) for name, each in layers if type(each).__name__ != _RECURRENT]
    raise_violations(found for name, layer in layers for found in _violations(f"layer {name!r}", layer))
    for _, layer in layers:
        theta = torch.as_tensor(np.nextafter(_numbers(layer.threshold), np.inf))
        alpha, beta = (_share(layer, name) for name in ("alpha", "beta"))
        layer.forward = partial(_marked, layer, alpha, beta, theta)


def _marked(
    layer: Any, alpha: Tensor, beta: Tensor, theta: Tensor, drive: Tensor, *states: Tensor, **named: Tensor
) -> Tensor | tuple[Tensor, ...]:
    """Return spikes, and where the layer returns them its current, and a membrane that cannot be read."""
    kind, currents = type(layer).__name__, tuple[Tensor, ...]()
    before = named.get("syn" if kind == "Synaptic" else "spk", states[0] if states else None)
    if kind == "Synaptic":
        drive = torch.ops.neuropinn_lava.synapse(drive, alpha) if before is None else alpha * before + drive
        currents = (drive,)
    elif kind == "RLeaky":
        drive = drive + layer.recurrent(torch.ops.neuropinn_lava.own_spikes(drive) if before is None else before)
    spikes: Tensor = torch.ops.neuropinn_lava.leaky(drive, beta, theta)
    if getattr(layer, "init_hidden", False) and not getattr(layer, "output", False):
        return spikes
    return spikes, *currents, torch.ops.neuropinn_lava.membrane(drive)


@torch.library.custom_op("neuropinn_lava::leaky", mutates_args=())
def _leaky(drive: Tensor, beta: Tensor, theta: Tensor) -> Tensor:
    return (drive >= theta).to(drive)


@torch.library.custom_op("neuropinn_lava::membrane", mutates_args=())
def _membrane(drive: Tensor) -> Tensor:
    return drive.clone()


@torch.library.custom_op("neuropinn_lava::synapse", mutates_args=())
def _synapse(drive: Tensor, alpha: Tensor) -> Tensor:
    return drive.clone()


@torch.library.custom_op("neuropinn_lava::own_spikes", mutates_args=())
def _own_spikes(drive: Tensor) -> Tensor:
    return drive.clone()


_leaky.register_fake(lambda drive, beta, theta: torch.empty_like(drive))
_membrane.register_fake(torch.empty_like)
_own_spikes.register_fake(torch.empty_like)
_synapse.register_fake(lambda drive, alpha: torch.empty_like(drive))


def _share(layer: Any, name: str) -> Tensor:
    """Return a decay rate as snnTorch uses it; 0 where the layer has none."""
    return torch.as_tensor(np.clip(_numbers(getattr(layer, name, torch.zeros(()))), 0.0, 1.0))


def _numbers(value: Any) -> FloatArray:
    array: FloatArray = value.detach().cpu().double().numpy()
    return array.reshape(()) if array.size == 1 else array


def _violations(where: str, module: Any) -> Iterator[Violation]:
    name = type(module).__name__
    if name not in READABLE:
        repair = f"Replace it by {REPLACEMENTS.get(name, 'Leaky and its graded product')}."
        yield Violation(f"{where} ({name})", f"be a neuron that can be deployed: {', '.join(READABLE)}", name, repair)
        return
    place = f"{where} ({name})"
    if name != "Leaky" and module.reset_delay:
        repair = "Train with reset_delay=False: otherwise the drive of the step after a spike is lost as well."
        yield Violation(f"{place}.reset_delay", "be False", True, repair)
    if module.reset_mechanism != "zero":
        repair = "Train with reset_mechanism='zero'."
        yield Violation(f"{place}.reset_mechanism", "be a reset to zero", repr(module.reset_mechanism), repair)
    if module.inhibition:
        yield Violation(f"{place}.inhibition", "be False", True, "Train without inhibition: neurons fire on their own.")
    if module.state_quant:
        yield Violation(f"{place}.state_quant", "be False", "set", "Leave it out: conversion quantizes states.")
    factor = _numbers(module.graded_spikes_factor)
    if (factor != 1.0).any():
        repair = "Put the factor into the Linear layer that follows."
        yield Violation(f"{place}.graded_spikes_factor", "be 1", float(factor.flat[0]), repair)
    if (_numbers(module.threshold) < 0).any():
        repair = "Use a threshold of zero or more; a bias moves the drive."
        yield Violation(f"{place}.threshold", "be 0 or more", float(_numbers(module.threshold).min()), repair)
