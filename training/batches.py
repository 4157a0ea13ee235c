"""A network on any number of points in bounded memory: batch after batch, forwards and again on the way back.

    forwards     u of every batch, nothing else is kept
    backwards    each batch is run again and gives its share of the gradient; then it is forgotten

Operators of a residual or of an energy reach across batches, so all of u is needed at once, but u is all that is needed:
three numbers a point where a network of three layers of 64 keeps a thousand. The gradient is that of all points, to the
rounding of its sums; no step is noisier for it. A step takes a third longer, for the second run.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from .network import NetworkRun, VsnNetwork


def run_batches(network: VsnNetwork, inputs: Tensor, batch_size: int | None) -> NetworkRun:
    """Run a network on points, shape (n_points, n_in), at most `batch_size` at once; None runs all at once."""
    if batch_size is None or len(inputs) <= batch_size:
        return network.run(inputs)
    batches = inputs.split(batch_size)
    runs = [checkpoint(network.run, batch, use_reentrant=False, preserve_rng_state=False) for batch in batches]
    shares = torch.tensor([len(batch) / len(inputs) for batch in batches], dtype=inputs.dtype, device=inputs.device)
    rates = shares @ torch.stack([run.rates for run in runs])
    rate = torch.dot(shares, torch.stack([run.rate for run in runs]))
    return NetworkRun(output=torch.cat([run.output for run in runs]), rates=rates, rate=rate)
