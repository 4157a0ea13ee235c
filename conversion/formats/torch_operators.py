"""The operators of torch (aten) that can be deployed, each as a function from signals to signals, and what replaces the others.

What only moves entries, and what is linear, is run by torch itself (`torch_signals.py`). Here stand the rest: products,
activations, and names.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NoReturn

import numpy as np
import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from ...network.nodes import Polarity
from ...network.spec import Readout
from .graph_builder import GraphBuilder, Neurons
from .torch_signals import (
    NotDeployableError,
    Signal,
    as_signal,
    broadcast_signals,
    map_linear,
    move_entries,
    reduction_of,
)

MOVES = frozenset(
    """alias atleast_2d broadcast_to cat chunk clone column_stack concat concatenate contiguous detach diagonal expand
    expand_as flatten flip gather hsplit hstack index index_select lift_fresh_copy mT moveaxis movedim narrow numpy_T permute
    ravel repeat repeat_interleave reshape roll select select_scatter slice slice_scatter split split_with_sizes squeeze stack
    swapaxes t tensor_split tile transpose unbind unflatten unsqueeze view view_as _unsafe_view""".split()  # noqa: SIM905
)
"""Operators that only move entries."""
LINEAR = frozenset(
    """addmm avg_pool1d avg_pool2d baddbmm batch_norm bmm conv1d conv2d conv3d convolution cumsum diff einsum linear matmul mean
    mm mv neg negative sum""".split()  # noqa: SIM905
)
"""Operators that are affine in their only argument that is no constant."""
NAMED = frozenset({"exp", "relu", "selu", "sigmoid", "silu", "sin", "tanh"})
"""Operators without options that are activations, of the same name in the core."""
_CHOICES = "Write the choice as a product with a smooth factor, or as relu(z)."
REPAIRS = dict.fromkeys(("eq", "ge", "gt", "item", "le", "lt", "ne", "sign", "where"), _CHOICES) | {
    "layer_norm": "Train without it: its mean and deviation of a sample are divisions, which neurons do not compute.",
    "softmax": "Use gates, sigmoid(z) * h, in the place of attention: a softmax divides by a sum.",
    "scaled_dot_product_attention": "Use gates, sigmoid(z) * h, in the place of attention: a softmax divides by a sum.",
    "abs": "Write |z| as relu(z) + relu(-z).",
    "max_pool2d": "Use an average, which is linear.",
    "div": "Divide by constants only, or multiply by what a branch of the network computes.",
}
"""What replaces an operator that cannot be deployed."""


def run_operator(builder: GraphBuilder, operator: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run an operator on arguments of which at least one is a signal.

    Returns:
        A signal, a constant tensor, or a list of them.

    Raises:
        NotDeployableError: If the operator, or its use here, cannot be deployed.
    """
    name = operator_name(operator)
    leaves, tree = pytree.tree_flatten((args, kwargs), is_leaf=lambda each: isinstance(each, Signal))
    at = [index for index, each in enumerate(leaves) if isinstance(each, Signal)]
    if name in MOVES:
        like = leaves[at[0]]
        is_number = [isinstance(each, Tensor) and each.is_floating_point() for each in leaves]
        leaves = [as_signal(x, x.shape, like) if number else x for x, number in zip(leaves, is_number, strict=True)]
        at = [index for index, each in enumerate(leaves) if isinstance(each, Signal)]

    def run(*tensors: Tensor) -> Any:
        filled = list(leaves)
        for index, tensor in zip(at, tensors, strict=True):
            filled[index] = tensor
        positional, named = pytree.tree_unflatten(filled, tree)
        return operator(*positional, **named)

    if name in HANDLERS:
        return HANDLERS[name](builder, *args, **kwargs)
    if name.endswith(("_like", "new_zeros", "new_ones", "new_full")) and "rand" not in name:
        return run(*(torch.zeros(leaves[index].shape, dtype=torch.float64) for index in at))
    over_steps = _over_steps(name, args, kwargs)
    if over_steps is not None:
        return over_steps
    if name in MOVES:
        return move_entries(run, [leaves[index] for index in at])
    if name in LINEAR and len(at) == 1:
        return map_linear(run, leaves[at[0]])
    if name in LINEAR and len(at) == 2:
        return _contracted(builder, name, args)
    if name in NAMED:
        return _activated(builder, name, args[0])
    repair = REPAIRS.get(name.strip("_"), "Write it with affine steps, products and activations, or leave it out.")
    raise NotDeployableError("use only operators that can be deployed", name, repair)


def operator_name(operator: Any) -> str:
    """Return the name of an operator without its name space, its overload and the sign of an operator in place."""
    if not isinstance(operator, torch._ops.OpOverload):
        return str(getattr(operator, "__name__", operator))
    name: str = operator.overloadpacket.__name__
    return name[:-1] if operator._schema.is_mutable else name


def _over_steps(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Signal | None:
    """Return the last step, or the mean over the steps, of a sequence if that is what the operator does."""
    x = args[0]
    if name not in ("select", "mean") or not isinstance(x, Signal) or len(x.axes) < 2 or len(args) < 2:
        return None
    dims = [int(each) % len(x.shape) for each in np.ravel(args[1])]
    if dims != [x.axes[1]]:
        return None
    n_steps = x.shape[dims[0]]
    if name == "select" and args[2] % n_steps != n_steps - 1:
        repair = (
            "Use the last step, the mean, or a step module forward(x_t, state) -> (y_t, state) in the place of a loop."
        )
        raise NotDeployableError("use every step of a sequence, or the last", f"step {args[2]} alone", repair)
    keeps = name == "mean" and (args[2] if len(args) > 2 else kwargs.get("keepdim", False))
    shape = tuple(1 if axis == dims[0] else n for axis, n in enumerate(x.shape) if keeps or axis != dims[0])
    reduced = Readout.MEAN if name == "mean" else Readout.LAST
    axis = x.axes[0] - (not keeps and dims[0] < x.axes[0])
    return Signal(value=x.value, shape=shape, axes=(axis,), reduced=reduced)


def _activated(builder: GraphBuilder, activation: str, x: Signal) -> Signal:
    _check_steps(x)
    return x.with_value(builder.activate(activation, x.value))


def _check_steps(*signals: Signal) -> None:
    """Refuse what is not affine behind the last step, or the mean, of a sequence."""
    if reduction_of(*signals) is not None:
        repair = "Apply it to every step, before the last one or the mean is taken."
        raise NotDeployableError(
            "be affine behind the last step or the mean of a sequence", "an activation or product", repair
        )


def _add(builder: GraphBuilder, left: Any, right: Any, *, alpha: float = 1.0) -> Signal:
    one, other = broadcast_signals(left, right)
    value = other.value if alpha == 1 else other.value.mapped(np.full(other.value.n, float(alpha)))
    made = builder.add(one.value, value)
    return Signal(value=made, shape=one.shape, axes=one.axes, reduced=reduction_of(one, other))


def _sub(builder: GraphBuilder, left: Any, right: Any, *, alpha: float = 1.0) -> Signal:
    return _add(builder, left, right, alpha=-alpha)


def _rsub(builder: GraphBuilder, left: Any, right: Any, alpha: float = 1.0) -> Signal:
    return _add(builder, right, left, alpha=-alpha)


def _mul(builder: GraphBuilder, left: Any, right: Any) -> Signal:
    for spikes, drive in ((left, right), (right, left)):
        if isinstance(spikes, Spikes):
            return spikes.graded(drive)
    one, other = broadcast_signals(left, right)
    if one.value.terms and other.value.terms:
        _check_steps(one, other)
    made = builder.multiply(one.value, other.value)
    return Signal(value=made, shape=one.shape, axes=one.axes, reduced=reduction_of(one, other))


def _div(builder: GraphBuilder, left: Any, right: Any, *, rounding_mode: str | None = None) -> Signal:
    if isinstance(right, Signal) or rounding_mode is not None:
        got = "a quotient of two computed values" if rounding_mode is None else f"one rounded by {rounding_mode!r}"
        raise NotDeployableError("be a quotient by a constant", got, REPAIRS["div"])
    by = torch.as_tensor(right, dtype=torch.float64)
    if not by.all():
        raise NotDeployableError("have a divisor other than zero", 0, REPAIRS["div"])
    return _mul(builder, left, 1.0 / by)


def _pow(builder: GraphBuilder, x: Any, exponent: Any) -> Signal:
    if not isinstance(x, Signal) or not isinstance(exponent, (int, float)) or exponent not in (1, 2, 3, 4):
        repair = "Use a power of 1 to 4, which is a product."
        got = exponent if isinstance(exponent, (int, float)) else "a tensor as exponent"
        raise NotDeployableError("be a whole power from 1 to 4", got, repair)
    power = x
    for _ in range(int(exponent) - 1):
        power = _mul(builder, power, x)
    return power


def _lerp(builder: GraphBuilder, start: Any, end: Any, weight: Any) -> Signal:
    return _add(builder, start, _mul(builder, weight, _add(builder, end, start, alpha=-1.0)))


def _addcmul(builder: GraphBuilder, x: Any, left: Any, right: Any, *, value: float = 1.0) -> Signal:
    return _add(builder, x, _mul(builder, left, right), alpha=value)


def _contracted(builder: GraphBuilder, name: str, args: tuple[Any, ...]) -> Signal:
    """Compute a matrix product or einsum of two signals as products and a sum."""
    operands = args[1] if name == "einsum" else args
    if name == "linear" or len(operands) != 2 or not all(isinstance(each, Signal) for each in operands):
        repair = "Write it as products and a sum."
        raise NotDeployableError("be a product of at most two computed values of a sample", name, repair)
    letters, kept = _axis_letters(args[0], operands) if name == "einsum" else _matmul_equation(*operands)
    every = kept + "".join(sorted(set(letters) - set(kept) - {","}))

    def spread(own: str, tensor: Tensor) -> Tensor:
        ordered = tensor.permute([own.index(each) for each in every if each in own])
        return ordered[tuple(slice(None) if each in own else None for each in every)]

    parts = [move_entries(partial(spread, own), [each]) for own, each in zip(letters.split(","), operands, strict=True)]
    product = _mul(builder, *parts)
    summed = tuple(range(len(kept), len(every)))
    return map_linear(lambda t: t.sum(summed), product) if summed else product


def _axis_letters(equation: str, operands: Sequence[Signal]) -> tuple[str, str]:
    """Return the letters of the axes of both operands, with a comma, and of the result; digits stand for "..."."""
    letters, arrow, kept = equation.replace(" ", "").partition("->")
    names = letters.split(",")
    n_more = [len(each.shape) - len(own.replace("...", "")) for own, each in zip(names, operands, strict=True)]
    digits = ["01234567"[8 - n :] for n in n_more]
    letters = ",".join(own.replace("...", more) for own, more in zip(names, digits, strict=True))
    if any(len(set(own)) < len(own) for own in letters.split(",")):
        repair = "Take the diagonal first, by torch.diagonal."
        raise NotDeployableError("name every axis of an operand once", f"einsum {equation!r}", repair)
    more = max(digits, key=len)
    alone = {each for each in letters if letters.count(each) == 1 or each.isdigit()} - {","}
    return letters, kept.replace("...", more) if arrow else "".join(sorted(alone))


def _matmul_equation(left: Signal, right: Signal) -> tuple[str, str]:
    batch = "abcd"[: max(len(left.shape), len(right.shape)) - 2]
    own = [batch[len(batch) - max(len(each.shape) - 2, 0) :] for each in (left, right)]
    vector = len(right.shape) == 1
    return f"{own[0]}ij,{'j' if vector else own[1] + 'jk'}", f"{batch}i{'' if vector else 'k'}"


def _gelu(builder: GraphBuilder, x: Signal, *, approximate: str = "none") -> Signal:
    return _activated(builder, "gelu" if approximate == "none" else "gelu_tanh", x)


def _elu(builder: GraphBuilder, x: Signal, alpha: float = 1, scale: float = 1, input_scale: float = 1) -> Signal:
    if (scale, input_scale) != (1, 1):
        raise NotDeployableError("use elu without other factors", (scale, input_scale), "Use elu, or selu.")
    return _activated(builder, "elu" if alpha == 1 else f"elu({float(alpha)!r})", x)


def _softplus(builder: GraphBuilder, x: Signal, beta: float = 1, threshold: float = 20) -> Signal:
    return _mul(builder, _activated(builder, "softplus", _mul(builder, x, float(beta))), 1.0 / beta)


def _leaky_relu(builder: GraphBuilder, x: Signal, negative_slope: float = 0.01) -> Signal:
    return _activated(builder, f"leaky_relu({float(negative_slope)!r})", x)


def _clamp(builder: GraphBuilder, x: Signal, low: Any = None, high: Any = None) -> Signal:
    """Compute relu(z - low) + low, high - relu(high - z), or c + r hardtanh((z - c) / r)."""
    if not all(each is None or isinstance(each, (int, float)) for each in (low, high)):
        raise NotDeployableError("use constant limits", "computed limits", "Give numbers.")
    low, high = (None if each in (-math.inf, math.inf) else each for each in (low, high))
    if low is None and high is None:
        return x
    if low is not None and high is not None and not low < high:
        repair = "Leave it out, or write the constant that it is."
        raise NotDeployableError("have a lower limit below its upper one", f"{low} and {high}", repair)
    if high is None:
        return _add(builder, _activated(builder, "relu", _add(builder, x, -low)), low)
    if low is None:
        return _rsub(builder, _activated(builder, "relu", _rsub(builder, x, high)), high)
    middle, radius = (low + high) / 2, (high - low) / 2
    within = _activated(builder, "hardtanh", _mul(builder, _add(builder, x, -middle), 1.0 / radius))
    return _add(builder, _mul(builder, within, radius), middle)


def _dropout(builder: GraphBuilder, x: Signal, p: float = 0.5, train: bool = True) -> Signal:
    if train and p:
        repair = "Call it with training=self.training, or as the layer nn.Dropout, and import the trained module."
        raise NotDeployableError("use no dropout in training mode", f"p = {p}", repair)
    return x


def _to(builder: GraphBuilder, x: Signal, *args: Any, **kwargs: Any) -> Signal:
    kinds = [each for each in (*args, *kwargs.values()) if isinstance(each, torch.dtype)]
    if any(each is not torch.float64 for each in kinds):
        repair = "Leave the conversion out, or write .to(x.dtype)."
        raise NotDeployableError("keep the type of its input", str(kinds[0]), repair)
    return x


def _batch_norm(builder: GraphBuilder, x: Signal, *args: Any) -> Signal:
    weight, bias, mean, variance, training = args[:5]
    if training or mean is None:
        repair = "Train with track_running_stats=True."
        raise NotDeployableError("have running statistics", "none", repair)
    return map_linear(lambda t: torch.batch_norm(t, weight, bias, mean, variance, False, 0.0, args[6], False), x)


def _vsn(builder: GraphBuilder, x: Signal, beta: Tensor, theta: Tensor, activation: str, polarity: str) -> Signal:
    _check_steps(x)
    betas, thetas = (each.detach().double().expand(x.features).reshape(-1).numpy().copy() for each in (beta, theta))
    neurons = Neurons(drive=x.value, activation=activation, polarity=Polarity(polarity), theta=thetas, beta=betas)
    return x.with_value(builder.fire(neurons))


class Spikes:
    """Binary spikes of a neuron of snnTorch, which count only in the product with its own drive; or its membrane."""

    def __init__(self, what: str, drive: Signal, sent: Signal | None = None) -> None:
        self.what, self.drive, self.sent = what, drive, sent

    def graded(self, drive: Any) -> Signal:
        """Return the graded product with the drive."""
        if self.sent is None or not isinstance(drive, Signal) or drive.value.key != self.drive.value.key:
            repair = "Multiply its spikes by what drives its membrane, a = spk * z: its input, of Synaptic its current."
            raise NotDeployableError("send graded spikes", self.what, repair)
        return self.sent


def _leaky(builder: GraphBuilder, x: Signal, beta: Tensor, theta: Tensor) -> Spikes:
    return Spikes("binary spikes", x, _vsn(builder, x, beta, theta, "identity", "positive"))


def _synapse(builder: GraphBuilder, x: Signal, alpha: Tensor) -> Signal:
    """Return the current of a Synaptic that keeps it itself, alpha I[t-1] + z[t]."""
    state = builder.state(f"\0synapse{len(builder.states)}", x.value.n)
    kept = state.mapped(alpha.expand(x.features).reshape(-1).numpy().copy())
    current = builder.relay(builder.add(x.value, kept))
    builder.set_state(next(iter(state.sources)), current)
    return x.with_value(current)


def _own_spikes(builder: GraphBuilder, x: Signal) -> NoReturn:
    repair = "Pass its payloads of the step before: spk, mem = layer(z, a, mem) and a = spk * (z + layer.recurrent(a))."
    raise NotDeployableError("receive the payloads of its step before", "binary spikes of its own", repair)


HANDLERS: dict[str, Callable[..., Any]] = {
    "add": _add,
    "sub": _sub,
    "subtract": _sub,
    "rsub": _rsub,
    "mul": _mul,
    "multiply": _mul,
    "div": _div,
    "divide": _div,
    "true_divide": _div,
    "pow": _pow,
    "square": lambda builder, x: _mul(builder, x, x),
    "lerp": _lerp,
    "addcmul": _addcmul,
    "cos": lambda builder, x: _activated(builder, "sin", _add(builder, x, math.pi / 2)),
    "log_sigmoid": lambda builder, x: _mul(builder, _softplus(builder, _mul(builder, x, -1.0)), -1.0),
    "gelu": _gelu,
    "elu": _elu,
    "softplus": _softplus,
    "leaky_relu": _leaky_relu,
    "hardtanh": lambda builder, x, low=-1.0, high=1.0: _clamp(builder, x, low, high),
    "relu6": lambda builder, x: _clamp(builder, x, 0.0, 6.0),
    "clamp": lambda builder, x, min=None, max=None: _clamp(builder, x, min, max),
    "clamp_min": lambda builder, x, low: _clamp(builder, x, low),
    "clamp_max": lambda builder, x, high: _clamp(builder, x, None, high),
    "copy": lambda builder, x, source, non_blocking=False: broadcast_signals(x, source)[1],
    "_assert_tensor_metadata": lambda builder, x, *args, **kwargs: None,
    "dropout": _dropout,
    "alpha_dropout": _dropout,
    "feature_dropout": _dropout,
    "to": _to,
    "_to_copy": _to,
    "type_as": lambda builder, x, other: x,
    "batch_norm": _batch_norm,
    "_native_batch_norm_legit_no_training": lambda builder, x, *args: [
        _batch_norm(builder, x, *args[:4], False, *args[4:])
    ],
    "vsn": _vsn,
    "leaky": _leaky,
    "membrane": lambda builder, x: Spikes("a membrane", x),
    "synapse": _synapse,
    "own_spikes": _own_spikes,
}
"""Operators with rules of their own."""
