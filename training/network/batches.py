"""A network on any number of points in bounded memory: it is run batch after batch, in the forward and in the backward pass.

    forward pass     u of every batch is kept, and nothing else
    backward pass    each batch is run again and adds its share to the gradient; then its graph is freed

The operators of a residual or of an energy reach across batches, so u is needed at all points at once, but only u: three
numbers a point, where the graph of a network with three layers of 64 neurons keeps a thousand. The gradient is that of all
points, to the rounding of its sums. A step takes a third longer because of the second run.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .module_network import TrainedNetwork
from .network import NetworkRun


def run_batches(network: TrainedNetwork, inputs: Tensor, batch_size: int | None) -> NetworkRun:
    """Run a network on points, shape (n_points, n_in), at most `batch_size` of them at once; None runs all at once."""
    if batch_size is None or len(inputs) <= batch_size:
        return network.run(inputs)
    parameters = [p for p in network.parameters() if p.requires_grad]
    return NetworkRun(*_BatchedRun.apply(network, inputs, batch_size, *parameters))


class _BatchedRun(torch.autograd.Function):
    """Output, activities and activity at all points; only the parameters are kept for the backward pass."""

    @staticmethod
    def forward(
        ctx: Any, network: TrainedNetwork, inputs: Tensor, batch_size: int, *parameters: Tensor
    ) -> tuple[Tensor, ...]:
        """Run one batch after the other, and join their results."""
        ctx.network, ctx.inputs, ctx.batch_size, ctx.parameters = network, inputs, batch_size, parameters
        runs = [network.run(batch) for batch in inputs.split(batch_size)]
        sizes = [len(run.output) for run in runs]
        shares = torch.tensor(sizes, dtype=inputs.dtype, device=inputs.device) / len(inputs)
        by_batch = torch.stack([run.activities for run in runs]), torch.stack([run.activity for run in runs])
        return (torch.cat([run.output for run in runs]), *(shares @ values for values in by_batch))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Run each batch again, with its graph, and sum the gradients of the parameters."""
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
