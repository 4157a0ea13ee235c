"""Tensors of an exported module as affine values, and the two ways in which an operator of torch changes them.

    moves entries    view, cat, slice, transpose …: the operator itself is run on the numbers of the entries
    is linear        linear, matmul, sum, convolution …: the operator itself is run on the columns of M, as if they were samples

Both keep samples apart, and the steps of a sequence, or are refused. No shape rule of torch is written again here.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...base.arrays import FloatArray, Record
from ...network.spec import Readout
from .affine_values import AffineValue, constant_value, joined_values

N_SAMPLES, N_STEPS = 11, 7
"""Sizes of the axes of samples and of steps with which a module is exported; 0 and 1 are special in torch,
and small ones are widths of constants."""


_OVER_FEATURES = "Compute sums, means, matrices and convolutions over the features of a sample."


class NotDeployableError(Exception):
    """An operator that cannot be deployed: rule, value found and repair, as the reader's error states them."""

    def __init__(self, rule: str, got: object, repair: str) -> None:
        super().__init__(rule, got, repair)
        self.rule, self.got, self.repair = rule, got, repair


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Signal(Record):
    """A tensor that depends on the inputs: for every sample, and every step of a sequence, an affine value."""

    value: AffineValue
    """Value of the entries of one sample and step, in the order of the other axes."""
    shape: tuple[int, ...]
    """Shape of the tensor, with the axes of samples and steps."""
    axes: tuple[int, ...]
    """Numbers of the axis of samples and, of a sequence, of that of steps."""
    reduced: Readout | None = None
    """How the steps of a sequence have become one, where they have: only affine steps may follow."""

    @property
    def features(self) -> tuple[int, ...]:
        """Shape without the axes of samples and steps."""
        return tuple(n for axis, n in enumerate(self.shape) if axis not in self.axes)

    def with_value(self, value: AffineValue) -> Signal:
        """Return a signal of the same shape."""
        return Signal(value=value, shape=self.shape, axes=self.axes, reduced=self.reduced)


def move_entries(operator: Callable[..., Any], signals: Sequence[Signal]) -> Any:
    """Run an operator that only moves entries on signals; return a signal, or a list where it returns several tensors.

    Raises:
        NotDeployableError: If it moves entries from one sample, or step, to another.
    """
    first = max(signals, key=lambda each: len(each.axes))
    sizes = tuple(first.shape[axis] for axis in first.axes)
    value, starts = joined_values([each.value for each in signals]), [0]
    for each in signals:
        starts.append(starts[-1] + each.value.n)
    tables = [_numbers(each, start, value.n, sizes) for each, start in zip(signals, starts, strict=False)]
    moved = operator(*tables)
    reduced = reduction_of(*signals)
    if isinstance(moved, Tensor):
        return _from_numbers(moved, value, sizes, reduced)
    return [_from_numbers(each, value, sizes, reduced) for each in moved]


def _numbers(signal: Signal, start: int, total: int, sizes: tuple[int, ...]) -> Tensor:
    """Number the entries of a signal: those of another sample or step differ by multiples of `total`."""
    numbers = torch.arange(start, start + signal.value.n).reshape(signal.features)
    for axis in sorted(signal.axes):
        numbers = numbers.unsqueeze(axis)
    for axis, size, stride in zip(signal.axes, sizes, _strides(total, sizes), strict=True):
        steps = torch.arange(size) * stride
        numbers = numbers + steps.reshape([size if each == axis else 1 for each in range(numbers.dim())])
    return numbers


def _strides(total: int, sizes: tuple[int, ...]) -> list[int]:
    return [total * int(np.prod(sizes[k + 1 :], dtype=np.int64)) for k in range(len(sizes))]


def _from_numbers(moved: Tensor, value: AffineValue, sizes: tuple[int, ...], reduced: Readout | None) -> Signal:
    axes: list[int] = []
    for size, stride in zip(sizes, _strides(value.n, sizes), strict=True):
        found = [
            axis
            for axis, n in enumerate(moved.shape)
            if n == size and bool((moved.select(axis, 1) - moved.select(axis, 0) == stride).all())
        ]
        axes += found[:1]
    rows = moved
    for axis in sorted(axes, reverse=True):
        rows = rows.select(axis, 0)
    if len(axes) == len(sizes):
        signal = Signal(value=value, shape=tuple(moved.shape), axes=tuple(axes), reduced=reduced)
        flat = rows.flatten().numpy()
        if not flat.size or (flat.min() >= 0 and flat.max() < value.n):
            placed = Signal(value=constant_value(np.zeros(flat.size)), shape=signal.shape, axes=signal.axes)
            again = _numbers(placed, 0, value.n, sizes) - torch.arange(flat.size).reshape(_inner(placed))
            if torch.equal(again + rows.reshape(_inner(placed)), moved):
                return signal.with_value(value.selected(flat))
    repair = "Keep the first axis for samples; a network sees one sample, and one step of a sequence, at a time."
    raise NotDeployableError("keep samples and steps apart", f"a result of the shape {tuple(moved.shape)}", repair)


def over_steps(signal: Signal, axis: int) -> Signal:
    """Return a constant that was repeated along an axis of steps as a signal of every step, or the signal itself."""
    repeats = (
        len(signal.axes) == 1 and 0 in signal.axes and 0 < axis < len(signal.shape) and signal.shape[axis] == N_STEPS
    )
    if not repeats or signal.reduced is not None:
        return signal
    rows = np.moveaxis(np.arange(signal.value.n).reshape(signal.features), axis - 1, 0).reshape(N_STEPS, -1)
    first, *others = (signal.value.selected(each) for each in rows)
    if any(each.key != first.key for each in others):
        return signal
    return Signal(value=first, shape=signal.shape, axes=(0, axis))


def _inner(signal: Signal) -> list[int]:
    return [1 if axis in signal.axes else n for axis, n in enumerate(signal.shape)]


def map_linear(operator: Callable[[Tensor], Tensor], signal: Signal) -> Signal:
    """Run an operator that is affine in its argument, and treats samples alike, on a signal.

    Raises:
        NotDeployableError: If it adds samples, or steps, up.
    """
    axes = _axes_after(operator, signal)
    _check_apart(operator, signal, axes)
    terms = list(signal.value.terms.items())
    columns = [np.zeros((signal.value.n, 1)), signal.value.offset[:, None], *(matrix for _, matrix in terms)]
    made = operator(_as_samples(np.hstack(columns), signal))
    made = made.movedim(axes[0], 0)
    rows = made.reshape(len(made), -1).numpy().T
    zero, offset, ends = rows[:, :1], rows[:, 1], np.cumsum([2, *(matrix.shape[1] for _, matrix in terms)])
    parts = {term: rows[:, a:b] - zero for (term, _), (a, b) in zip(terms, itertools.pairwise(ends), strict=True)}
    value = AffineValue(terms={term: part for term, part in parts.items() if part.any()}, offset=offset.copy())
    shape = list(made.shape[1:])
    shape.insert(axes[0], signal.shape[signal.axes[0]])
    for before, after in zip(signal.axes[1:], axes[1:], strict=True):
        shape[after] = signal.shape[before]
    return Signal(value=value, shape=tuple(shape), axes=axes, reduced=signal.reduced)


def _as_samples(columns: FloatArray, signal: Signal) -> Tensor:
    """Put columns, shape (n, n_columns), into the axis of samples of a tensor with one step."""
    tensor = torch.from_numpy(np.ascontiguousarray(columns.T)).reshape(-1, *signal.features)
    for axis in sorted(signal.axes[1:]):
        tensor = tensor.unsqueeze(axis + (axis < signal.axes[0]))
    return tensor.movedim(0, signal.axes[0])


def _axes_after(operator: Callable[[Tensor], Tensor], signal: Signal) -> tuple[int, ...]:
    """Return the axes of samples and steps of a result: those that grow with them."""
    shapes = []
    try:
        for grown in (None, *signal.axes):
            shape = [n + (axis == grown) for axis, n in enumerate(signal.shape)]
            shapes.append(operator(torch.zeros(shape, dtype=torch.float64)).shape)
        (plain, *others), axes = shapes, []
        for other in others:
            axes.append(next(axis for axis, (n, m) in enumerate(zip(plain, other, strict=True)) if m == n + 1))
    except (RuntimeError, StopIteration, ValueError) as error:
        raise NotDeployableError("keep samples and steps apart", f"a tensor {signal.shape}", _OVER_FEATURES) from error
    return tuple(axes)


def _check_apart(operator: Callable[[Tensor], Tensor], signal: Signal, axes: tuple[int, ...]) -> None:
    """Refuse an operator in which one sample, or step, changes the result of another."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(signal.shape, dtype=torch.float64, generator=generator)
    before = operator(x)
    for axis, after in zip(signal.axes, axes, strict=True):
        middle, moved = signal.shape[axis] // 2, x.clone()
        moved.select(axis, middle).mul_(0.5)
        same = torch.isclose(operator(moved), before, rtol=0.0, atol=0.0, equal_nan=True)
        changed = ~same.movedim(after, 0)
        if changed[:middle].any() or changed[middle + 1 :].any():
            raise NotDeployableError("keep samples and steps apart", f"a tensor {signal.shape}", _OVER_FEATURES)


def as_signal(constant: Tensor, shape: tuple[int, ...], like: Signal) -> Signal:
    """Return a constant as a signal of a shape, with the axes of another one.

    Raises:
        NotDeployableError: If it differs from sample to sample or from step to step.
    """
    full = constant.detach().double().expand(shape)
    rows = full
    for axis in sorted(like.axes, reverse=True):
        rows = rows.select(axis, 0)
    signal = Signal(value=constant_value(rows.flatten().numpy().copy()), shape=tuple(shape), axes=like.axes)
    if not torch.equal(full, rows.reshape(_inner(signal)).expand(shape)):
        repair = "Use the same numbers for every sample."
        raise NotDeployableError("use the same constant for every sample", "another one for each", repair)
    return signal


def broadcast_signals(left: Any, right: Any) -> tuple[Signal, Signal]:
    """Return two operands, at least one of which is a signal, as signals of one shape.

    Raises:
        NotDeployableError: If samples of one meet other samples of the other.
    """
    parts = [each if isinstance(each, Signal) else torch.as_tensor(each, dtype=torch.float64) for each in (left, right)]
    shape = torch.broadcast_shapes(*(tuple(each.shape) for each in parts))
    made = [
        move_entries(lambda numbers: numbers.expand(shape), [each]) if isinstance(each, Signal) else each
        for each in parts
    ]
    axes = max((each.axes for each in made if isinstance(each, Signal)), key=len)
    made = [over_steps(each, axes[-1]) if isinstance(each, Signal) and len(axes) > 1 else each for each in made]
    like = next(each for each in made if isinstance(each, Signal))
    one, other = (each if isinstance(each, Signal) else as_signal(each, tuple(shape), like) for each in made)
    if one.axes != other.axes:
        repair = "Give both as many rows as there are samples, one row for each."
        raise NotDeployableError(
            "keep samples and steps apart", f"samples along the axes {one.axes} and {other.axes}", repair
        )
    return one, other


def reduction_of(*signals: Signal) -> Readout | None:
    """Return how the steps of signals have become one.

    Raises:
        NotDeployableError: If that of one differs from that of another.
    """
    found = {each.reduced for each in signals if each.value.terms}
    if len(found) > 1:
        names = sorted("every step" if each is None else each.value for each in found)
        repair = "Reduce all of them in the same way, at the end."
        raise NotDeployableError("be reduced over the steps alike", ", ".join(names), repair)
    return next(iter(found), None)
