"""torch's recurrent layers and cells as nodes of a graph: each state is a connection with delay 1.

    RNN    h = phi(W x + b + U h[t-1] + c)                                                      phi = tanh or relu
    GRU    r, z = sigmoid(W x + b + U h[t-1] + c)     n = tanh(W x + b + r (U h[t-1] + c))      h = n + z (h[t-1] - n)
    LSTM   i, f, g, o of W x + b + U h[t-1] + c       c = f c[t-1] + i g                         h = o tanh(c)

States begin with zero. Source: torch, `nn/modules/rnn.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from torch import Tensor

from ...network.spec import Readout
from .affine_values import AffineValue, joined_values
from .graph_builder import GraphBuilder
from .torch_signals import NotDeployableError, Signal

States = list[AffineValue]
Cell = Callable[[GraphBuilder, AffineValue, States, Sequence[Tensor]], States]
"""Function (builder, x, states before, weights) -> states, the first of which is the output."""


def _sums(x: AffineValue, h: AffineValue, weights: Sequence[Tensor]) -> tuple[AffineValue, AffineValue]:
    """Return W x + b and U h + c, for weights (W, U, b, c) or (W, U)."""
    w, u, *biases = (each.detach().double().numpy() for each in weights)
    b, c = biases if biases else (0.0, 0.0)
    return x.mapped(w, b), h.mapped(u, c)


def _parts(value: AffineValue, n_parts: int) -> list[AffineValue]:
    return [value.selected(rows) for rows in np.split(np.arange(value.n), n_parts)]


def _rnn(activation: str, builder: GraphBuilder, x: AffineValue, states: States, weights: Sequence[Tensor]) -> States:
    from_x, from_h = _sums(x, states[0], weights)
    return [builder.activate(activation, from_x.plus(from_h))]


def _gru(builder: GraphBuilder, x: AffineValue, states: States, weights: Sequence[Tensor]) -> States:
    from_x, from_h = (_parts(each, 3) for each in _sums(x, states[0], weights))
    r, z = (builder.activate("sigmoid", a.plus(b)) for a, b in zip(from_x[:2], from_h[:2], strict=True))
    n = builder.activate("tanh", from_x[2].plus(builder.multiply(r, from_h[2])))
    return [builder.add(n, builder.multiply(z, states[0].plus(n.mapped(-np.ones(n.n)))))]


def _lstm(builder: GraphBuilder, x: AffineValue, states: States, weights: Sequence[Tensor]) -> States:
    from_x, from_h = _sums(x, states[0], weights)
    gates = _parts(from_x.plus(from_h), 4)
    i, f, g, o = (builder.activate("tanh" if k == 2 else "sigmoid", gate) for k, gate in enumerate(gates))
    c = builder.relay(builder.add(builder.multiply(f, states[1]), builder.multiply(i, g)))
    return [builder.multiply(o, builder.activate("tanh", c)), c]


CELLS: dict[str, Cell] = {
    "rnn_tanh": partial(_rnn, "tanh"),
    "rnn_relu": partial(_rnn, "relu"),
    "gru": _gru,
    "lstm": _lstm,
}
"""Cells by the name of torch's operator."""


def run_cell(name: str, builder: GraphBuilder, x: Signal, before: Any, *weights: Tensor) -> Any:
    """Run a cell on one step, within a step module: states are signals."""
    held = before if isinstance(before, (list, tuple)) else [before]
    if not all(isinstance(each, Signal) for each in held):
        repair = "Pass the states to forward and return them, forward(x_t, state) -> (y_t, state)."
        raise NotDeployableError("get its states from the step before", "constants", repair)
    made = CELLS[name](builder, x.value, [each.value for each in held], weights)
    states = [each.with_value(value) for each, value in zip(held, made, strict=True)]
    return states if len(states) > 1 else states[0]


def run_layers(name: str, builder: GraphBuilder, *args: Any) -> list[Signal]:
    """Run a recurrent layer, or several on each other, over a sequence: outputs of every step, and states after the last.

    Raises:
        NotDeployableError: If its argument is no sequence, its states do not begin with zero, or it runs backwards.
    """
    x, before, params, has_biases, n_layers, _, _, is_bidirectional, is_batch_first = args
    if not isinstance(x, Signal) or len(x.axes) < 2:
        repair = "Say from_torch(..., sequence=True): a sample of the network is a sequence, (n_steps, n_in)."
        raise NotDeployableError(
            "get a sequence that is an input of the network", "a tensor made of one sample", repair
        )
    if x.axes[1] != int(is_batch_first):
        repair = "Build it with batch_first=True: a sequence of the network is (n_samples, n_steps, n_in)."
        raise NotDeployableError("run over the steps, not the samples", f"batch_first={is_batch_first}", repair)
    initial = before if isinstance(before, (list, tuple)) else [before]
    if any(isinstance(each, Signal) or bool(each.any()) for each in initial):
        raise NotDeployableError("begin with states of zero", "other states", "Leave the initial states out.")
    n_weights = 4 if has_biases else 2
    if is_bidirectional or len(params) != n_weights * n_layers:
        repair = "Use one direction, and no projection."
        raise NotDeployableError("run forwards in time, without projection", "bidirectional or projected", repair)
    value, last = x.value, list[States]()
    for layer in range(n_layers):
        weights = params[layer * n_weights : (layer + 1) * n_weights]
        width = weights[1].shape[1]
        names = [f"\0{name}{len(builder.states)}.{layer}.{k}" for k in range(len(initial))]
        held = [builder.state(each, width) for each in names]
        states = CELLS[name](builder, value, held, weights)
        for each, state in zip(names, states, strict=True):
            builder.set_state(each, state)
        last.append(states)
        value = states[0]
    (feature,) = (axis for axis in range(len(x.shape)) if axis not in x.axes)
    shape = tuple(value.n if axis == feature else n for axis, n in enumerate(x.shape))
    outputs = [Signal(value=value, shape=shape, axes=x.axes)]
    for k in range(len(initial)):
        after = joined_values([states[k] for states in last])
        shape = (n_layers, x.shape[x.axes[0]], value.n)
        outputs.append(Signal(value=after, shape=shape, axes=(1,), reduced=Readout.LAST))
    return outputs


HANDLERS = {name: partial(run_layers, name) for name in CELLS} | {
    f"{name}_cell": partial(run_cell, name) for name in CELLS
}
"""Handlers of torch's recurrent operators, by name."""
