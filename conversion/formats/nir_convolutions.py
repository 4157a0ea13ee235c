"""Convolutions of a NIR graph as matrices: each row holds the kernel where it reads the image, and zeros elsewhere.

    y[c, o] = b[c] + sum over c', k of  w[c, c', k] x[c', o * stride + k * dilation - padding]

Signals are flattened with the channels first, as NIR's Flatten does. The zeros cost no synaptic operation.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...base.arrays import FloatArray
from ...base.errors import SpecError

MAX_ENTRIES = 1 << 24
"""Largest number of entries of an unfolded matrix, 128 MB."""


def unfolded(where: str, node: Any) -> tuple[FloatArray, FloatArray]:
    """Return matrix and bias of a Conv1d or Conv2d node.

    Args:
        where: The node, for errors.
        node: Object with the fields of NIR's node.

    Raises:
        SpecError: If its shapes disagree, it has no input_shape, or the matrix would be too large.
    """
    if node.input_shape is None:
        raise SpecError(where, "have an input_shape", "none", "Write the size of the image into the node.")
    sizes, kernel = tuple(int(n) for n in np.ravel(node.input_shape)), np.asarray(node.weight, dtype=np.float64)
    if kernel.ndim != 2 + len(sizes) or len(kernel) % int(node.groups):
        rule = f"have the shape (n_out, n_in / groups, {len(sizes)} sizes), n_out a multiple of groups"
        raise SpecError(f"{where}.weight", rule, kernel.shape, "Make the shapes agree.")
    kernel = _without_groups(kernel, int(node.groups))
    n_out, n_in = kernel.shape[:2]
    strides, dilations = (np.broadcast_to(np.ravel(each), len(sizes)) for each in (node.stride, node.dilation))
    reach = [int(d) * (k - 1) for d, k in zip(dilations, kernel.shape[2:], strict=True)]
    before, total = _padding(node.padding, reach)
    made = tuple((n + p - r - 1) // int(s) + 1 for n, p, r, s in zip(sizes, total, reach, strides, strict=True))
    n_entries = n_out * math.prod(made) * n_in * math.prod(sizes)
    if min(made) < 1 or n_entries > MAX_ENTRIES:
        repair = "Use smaller images, or fewer channels."
        raise SpecError(where, f"have an unfolded matrix of 1 to {MAX_ENTRIES} entries", n_entries, repair)
    matrix = np.zeros((n_out, math.prod(made), n_in, math.prod(sizes)))
    for number, tap in enumerate(np.ndindex(kernel.shape[2:])):
        rows, columns = [], []
        for axis, k in enumerate(tap):
            at = np.arange(made[axis]) * int(strides[axis]) + k * int(dilations[axis]) - before[axis]
            inside = (at >= 0) & (at < sizes[axis])
            rows.append(np.flatnonzero(inside))
            columns.append(at[inside])
        row = np.ravel_multi_index(np.meshgrid(*rows, indexing="ij"), made).ravel()
        column = np.ravel_multi_index(np.meshgrid(*columns, indexing="ij"), sizes).ravel()
        matrix[:, row, :, column] = kernel.reshape(n_out, n_in, -1)[:, :, number]
    bias = np.repeat(np.ravel(node.bias).astype(np.float64), math.prod(made))
    return matrix.reshape(n_out * math.prod(made), -1), bias


def _without_groups(kernel: FloatArray, n_groups: int) -> FloatArray:
    """Return the kernel over all channels, zero where a group does not read them."""
    n_out, n_in = kernel.shape[:2]
    whole = np.zeros((n_out, n_in * n_groups, *kernel.shape[2:]))
    for c in range(n_out):
        first = c // (n_out // n_groups) * n_in
        whole[c, first : first + n_in] = kernel[c]
    return whole


def _padding(padding: Any, reach: list[int]) -> tuple[list[int], list[int]]:
    """Return the zeros before an image along each axis, and those on both sides together."""
    if isinstance(padding, (str, bytes)):
        total = reach if padding in ("same", b"same") else [0] * len(reach)
        return [each // 2 for each in total], total
    given = [int(each) for each in np.broadcast_to(np.ravel(padding), len(reach))]
    return given, [2 * each for each in given]
