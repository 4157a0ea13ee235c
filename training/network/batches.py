"""A network on any number of points in bounded memory: batch after batch, forwards and again on the way back.

    forwards     u of every batch, nothing else is kept
    backwards    each batch is run again and gives its share of the gradient; then it is forgotten

Operators of a residual or of an energy reach across batches, so all of u is needed at once, but u is all that is needed:
three numbers a point where a network of three layers of 64 keeps a thousand. The gradient is that of all points, to the
rounding of its sums; no step is noisier for it. A step takes a third longer, for the second run.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .network import NetworkRun, VsnNetwork


def run_batches(network: VsnNetwork, inputs: Tensor, batch_size: int | None) -> NetworkRun:
    """Run a network on points, shape (n_points, n_in), at most `batch_size` at once; None runs all at once."""
    if batch_size is None or len(inputs) <= batch_size:
        return network.run(inputs)
    parameters = [p for p in network.parameters() if p.requires_grad]
    return NetworkRun(*_BatchedRun.apply(network, inputs, batch_size, *parameters))


class _BatchedRun(torch.autograd.Function):
    """output, activities and activity of all points, of which nothing but the parameters is kept for the way back."""

    @staticmethod
    def forward(
        ctx: Any, network: VsnNetwork, inputs: Tensor, batch_size: int, *parameters: Tensor
    ) -> tuple[Tensor, ...]:
        ctx.network, ctx.inputs, ctx.batch_size, ctx.parameters = network, inputs, batch_size, parameters
        runs = [network.run(batch) for batch in inputs.split(batch_size)]
        sizes = [len(run.output) for run in runs]
        shares = torch.tensor(sizes, dtype=inputs.dtype, device=inputs.device) / len(inputs)
        by_batch = torch.stack([run.activities for run in runs]), torch.stack([run.activity for run in runs])
        return (torch.cat([run.output for run in runs]), *(shares @ values for values in by_batch))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        by_output, by_activities, by_activity = gradients
        total = [torch.zeros_like(p) for p in ctx.parameters]
        for batch, above in zip(ctx.inputs.split(ctx.batch_size), by_output.split(ctx.batch_size), strict=True):
            share = len(batch) / len(ctx.inputs)
            with torch.enable_grad():
                run = ctx.network.run(batch)
            above_all = (above, share * by_activities, share * by_activity)
            found = torch.autograd.grad(run, ctx.parameters, above_all, allow_unused=True)
            for held, part in zip(total, found, strict=True):
                if part is not None:
                    held.add_(part)
        return None, None, None, *total
