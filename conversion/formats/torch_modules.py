"""The float record of a network from a torch module.

    spec = from_torch(module, lower=[0, 0], upper=[1, 1])

A copy of the module in float64 is read: its forward pass becomes a chain of steps (`module_trace.py`), the steps become layers
(`step_assembly.py`). The record computes what the module computes in evaluation mode, and is refused where it does not
(`training/network/import_check.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from torch import nn

from ...base.arrays import FloatArray
from ...base.checks import as_member
from ...network.spec import NetworkSpec, Provenance, Readout
from ...network.transforms import AffineTransform, Ansatz
from ...training.network.export import export_network
from ...training.network.import_check import check_import, evaluation_copy
from ...training.network.network import VsnNetwork
from .module_trace import trace_module
from .step_assembly import assemble_steps


def from_torch(
    module: nn.Module,
    *,
    name: str | None = None,
    n_steps: int | None = None,
    readout: Readout | str | None = None,
    input_transform: AffineTransform | None = None,
    output_transform: AffineTransform | None = None,
    ansatz: Ansatz | None = None,
    lower: Sequence[float] | FloatArray | None = None,
    upper: Sequence[float] | FloatArray | None = None,
    provenance: Provenance | None = None,
) -> NetworkSpec:
    """Return the float64 record of a torch module of Linear layers and activations.

    Args:
        module: Linear layers with VSN, Tanh, ReLU, sin, z tanh z, tanh^2 or snnTorch's Leaky with its graded product between
            them; Flatten, Dropout, Identity, BatchNorm1d. A `VsnNetwork` has its own T and read-out.
        name: Name in reports; the module's class if None.
        n_steps: T, how many steps a sample is presented; 1 if None.
        readout: How T outputs become one; the mean if None.
        input_transform: What the host does to points before the module; nothing if None.
        output_transform: What the host does to the module's output; nothing if None.
        ansatz: Conditions built around the output.
        lower: Lower corner of the box of points that the network is for, shape (n_in,); if None, that of the box that the
            input transform maps to [-1, 1]^n_in.
        upper: Its upper corner, likewise.
        provenance: Where the network comes from.

    Raises:
        SpecError: If a layer cannot be deployed or has hooks, widths disagree, a number is not finite or out of range, or the
            module computes something else than the record.
    """
    chosen = name or type(module).__name__
    if isinstance(module, VsnNetwork):
        export = partial(export_network, module, name=chosen, n_steps=n_steps, readout=readout, provenance=provenance)
        export = partial(export, input_transform=input_transform, output_transform=output_transform)
        return export(ansatz=ansatz, lower=lower, upper=upper)
    layers, output = assemble_steps(chosen, trace_module(evaluation_copy(module)))
    inputs = input_transform or AffineTransform.identity(layers[0].n_in)
    low, high = _default_box(inputs)
    spec = NetworkSpec(
        name=chosen,
        layers=layers,
        output=output,
        n_steps=1 if n_steps is None else n_steps,
        readout=as_member(Readout, readout or Readout.MEAN, "from_torch.readout"),
        input_transform=inputs,
        output_transform=output_transform or AffineTransform.identity(output.n_out),
        ansatz=ansatz,
        lower=low if lower is None else np.asarray(lower, dtype=np.float64),
        upper=high if upper is None else np.asarray(upper, dtype=np.float64),
        provenance=provenance or Provenance(),
    )
    check_import(module, spec)
    return spec


def _default_box(inputs: AffineTransform) -> tuple[FloatArray, FloatArray]:
    """Return the corners of the box that the input transform maps to [-1, 1]^n_in."""
    corners = np.stack([(-1.0 - inputs.offset) / inputs.scale, (1.0 - inputs.offset) / inputs.scale])
    return corners.min(axis=0), corners.max(axis=0)
