"""The last gate of every import from torch: the record is run against the module, and refused where the two differ.

    |y_record - y_module| <= 1e-9 max |y|        at 256 points of the network's box, both in float64, T steps from rest

A spike may flip where a membrane meets its threshold to within rounding, because sums are taken in another order. A point that
differs is excused where the record's own membranes come that close, and no more than half of the points may be. Not the user's
module is run, but a copy in evaluation mode. This module knows torch modules and the float reference; it does not know how a
record was made.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ...base.arrays import BoolArray, FloatArray, IntArray
from ...base.checks import raise_violations
from ...base.errors import SpecError, Violation
from ...engine.reference import run_float
from ...engine.trace import Probe, ProbeTrace
from ...network.spec import LayerSpec, NetworkSpec, OutputSpec, Polarity, Readout
from ..neuron.vsn import layer_type, successive_steps
from .network import VsnNetwork

N_POINTS = 256
"""Points of the box at which record and module are compared."""
TOLERANCE = 1e-9
"""Largest difference, relative to the largest output. float64 sums in another order reach 1e-12 in deep networks."""
AT_THRESHOLD = 1e-9
"""Distance from its threshold at which a membrane may fire in one order of summation and not in another, per max(1, |m|)."""
N_TRACED = 8
"""Points that differ at which the layers are compared one by one."""
BLOCK = 16
"""Points whose membranes are held at once."""
_HONOURED_HOOKS = ("WeightNorm", "SpectralNorm")
"""torch's own hooks that compute a weight before each call."""


def evaluation_copy(module: nn.Module) -> nn.Module:
    """Copy a module into float64 on the CPU, in evaluation mode, its neurons at rest and its weights computed.

    Parametrizations and torch's own weight norms are part of the copy. Other hooks are refused: what they do is no layer.

    Raises:
        SpecError: If the module cannot be copied, or if a layer has hooks or a forward pass of its own; all of them are listed.
    """
    raise_violations(_altered_layers(module))
    derived = {id(tensor): tensor.detach().clone() for tensor in _tensors(module) if tensor.grad_fn is not None}
    try:
        held = copy.deepcopy(module, derived)  # torch copies no tensor that another one was computed into
        held = held.to(device="cpu", dtype=torch.float64).eval()
    except Exception as error:  # whatever a user's module raises
        mend = "Take out of the module what cannot be copied, such as open files and locks."
        got = f"{type(error).__name__}: {error}"
        raise SpecError(
            f"module {type(module).__name__}", "be a module that can be copied to float64", got, mend
        ) from error
    for layer in held.modules():
        for name, value in vars(layer).items():
            if isinstance(value, Tensor) and value.is_floating_point():
                setattr(layer, name, value.detach().double())
        membrane = getattr(layer, "mem", None)
        if type(layer).__module__.startswith("snntorch") and isinstance(membrane, Tensor):
            layer.mem = torch.zeros_like(membrane)
        for hook in layer._forward_pre_hooks.values():  # weight norms alone are left
            hook(layer, ())
    return held


def _tensors(module: nn.Module) -> Iterator[Tensor]:
    """Go through the tensors that layers hold besides their parameters."""
    for layer in module.modules():
        yield from (
            value for value in (*vars(layer).values(), *layer.buffers(recurse=False)) if isinstance(value, Tensor)
        )


def _altered_layers(module: nn.Module) -> Iterator[Violation]:
    """A layer computes what its class says: no hooks, no forward pass put in the place of its own."""
    for name, layer in module.named_modules():
        place = f"layer {name!r} ({type(layer).__name__})" if name else f"module {type(layer).__name__}"
        hooks = [*layer._forward_hooks.values(), *layer._forward_pre_hooks.values()]
        foreign = [hook for hook in hooks if type(hook).__name__ not in _HONOURED_HOOKS]
        if foreign:
            names = ", ".join(getattr(hook, "__name__", type(hook).__name__) for hook in foreign)
            mend = "Remove it with the handle that registering it returned, or write what it does as a layer."
            yield Violation(place, "have no forward hooks, which a record cannot hold", names, mend)
        if "forward" in vars(layer):
            mend = "Define it in a class of its own."
            yield Violation(place, "have the forward pass of its class", "another one, set on the object", mend)


def check_import(module: nn.Module, network: NetworkSpec) -> None:
    """Compare a record with the module that it was read from.

    Args:
        module: The user's module; a copy of it is run.
        network: The record.

    Raises:
        SpecError: If the module cannot be run in float64, or differs from the record; the first layer that differs is named.
    """
    where = f"module {type(module).__name__}"
    points = np.random.default_rng(0).uniform(network.lower, network.upper, (N_POINTS, network.n_in))
    x = torch.from_numpy(network.input_transform.apply(points))
    got = _run_module(where, evaluation_copy(module), x, network)
    wanted = _run_record(network, points)
    if got.shape != wanted.shape:
        mend = "Return one tensor of the shape (n_samples, n_out)."
        raise SpecError(where, f"return an output of the shape {wanted.shape} at {N_POINTS} points", got.shape, mend)
    distance = np.abs(got - wanted).max(axis=1) / max(float(np.abs(wanted).max()), np.finfo(float).tiny)
    differs = ~(distance <= TOLERANCE)
    if not differs.any():
        return
    excused = np.zeros_like(differs)
    if differs.sum() <= N_POINTS // 2:
        excused[differs] = _ties(network, points[differs])
    bad = np.flatnonzero(differs & ~excused)
    if bad.size:
        first = _first_difference(where, module, x, network, points, bad[:N_TRACED])
        got_text = f"{distance[bad].max():.1e} at {bad.size} of {N_POINTS} points, first {first}"
        mend = (
            "Write what it computes as Linear layers and activations, and create its tensors in the type of its input."
        )
        raise SpecError(where, f"equal its record within {TOLERANCE:.0e} of its largest output", got_text, mend)


def _run_record(network: NetworkSpec, points: FloatArray) -> FloatArray:
    """Return the record's read-out before the host's transforms, shape (n_samples, n_out)."""
    readout = np.asarray(run_float(network, points).readout, dtype=np.float64)
    return readout / network.n_steps if network.readout is Readout.MEAN else readout


def _run_module(where: str, held: nn.Module, x: Tensor, network: NetworkSpec) -> FloatArray:
    """Return the read-out of a module; one that is no `VsnNetwork` is called once for every step."""
    alone = isinstance(held, VsnNetwork)
    n_calls = 1 if alone else network.n_steps
    carried = successive_steps(held) if n_calls > 1 else contextlib.nullcontext()
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]), carried:
            steps = torch.stack([held(x.clone()) for _ in range(n_calls)])
    except Exception as error:  # whatever a user's forward raises
        mend = "Leave conversions such as .float() out, and create tensors in the type and on the device of its input."
        got = f"{type(error).__name__}: {error}"
        raise SpecError(where, "have a forward pass that runs in float64 at points of the box", got, mend) from error
    output: FloatArray = (steps[-1] if alone or network.readout is Readout.LAST else steps.mean(0)).double().numpy()
    return output


def _probed(network: NetworkSpec, points: FloatArray) -> ProbeTrace:
    probe = run_float(network, points, Probe(n_samples=len(points))).probe
    assert probe is not None
    return probe


def _drives(layer: LayerSpec | OutputSpec, payload: FloatArray) -> FloatArray:
    """Return z for payloads (n_samples, n_steps, n_in)."""
    return payload @ layer.weight.T + layer.bias


def _ties(network: NetworkSpec, points: FloatArray) -> BoolArray:
    """Tell at which points a membrane of the record lies at its threshold, to within rounding."""
    found = []
    for start in range(0, len(points), BLOCK):
        block = points[start : start + BLOCK]
        tie = np.zeros(len(block), dtype=np.bool_)
        x = network.input_transform.apply(block)
        payload = np.repeat(x[:, None], network.n_steps, axis=1)
        for layer, trace in zip(network.layers, _probed(network, block).layers, strict=True):
            before = np.concatenate([np.zeros_like(trace.membrane[:, :1]), trace.membrane[:, :-1]], axis=1)
            m = layer.beta * before + _drives(layer, payload)
            reached = np.abs(m) if layer.polarity is Polarity.BOTH else m
            tie |= (np.abs(reached - layer.theta) <= AT_THRESHOLD * np.maximum(1.0, np.abs(m))).any(axis=(1, 2))
            payload = np.asarray(trace.payload, dtype=np.float64)
        found.append(tie)
    return np.concatenate(found)


class _Seen(NamedTuple):
    """A value that went into or came out of a layer of the module."""

    name: str
    """The layer, with its class."""
    came_out: bool
    """Whether it came out."""
    values: FloatArray
    """The values at the points that are traced, shape (n_traced, n)."""


def _watch(held: nn.Module, rows: IntArray) -> list[_Seen]:
    """Record what goes through the layers of a module from now on, in the order of the calls."""
    seen: list[_Seen] = []

    def keep(name: str, came_out: bool, value: object) -> None:
        value = value[0] if isinstance(value, tuple) and value else value
        if isinstance(value, Tensor) and value.dim() == 2 and len(value) == N_POINTS:
            seen.append(_Seen(name, came_out, value.detach().double().numpy()[rows].copy()))

    for name, layer in held.named_modules():
        if not name:
            continue
        text = f"layer {name!r} ({layer_type(layer).__name__})"
        layer.register_forward_pre_hook(lambda _, given, text=text: keep(text, False, given))
        layer.register_forward_hook(lambda _, given, made, text=text: keep(text, True, made))
    return seen


def _first_difference(
    where: str, module: nn.Module, x: Tensor, network: NetworkSpec, points: FloatArray, rows: IntArray
) -> str:
    """Name the first layer of the record whose payloads the module does not have, and the module's layer that stands there."""
    held = evaluation_copy(module)
    seen = _watch(held, rows)
    _run_module(where, held, x, network)
    probe = _probed(network, points[rows])
    here = -1
    for t in range(network.n_steps):
        payload = network.input_transform.apply(points[rows])
        for layer, trace in zip(network.layers, probe.layers, strict=True):
            drive, payload = _drives(layer, payload), np.asarray(trace.payload[:, t], dtype=np.float64)
            at_drive = _find(seen, here, drive)
            found = _find(seen, at_drive if at_drive is not None else here, payload)
            if found is None:
                culprit = _next_output(seen, here if at_drive is None else at_drive)
                return f"in {culprit}, where the record has {layer.name!r}"
            here = found
    emitted = _find(seen, here, _drives(network.output, payload))
    return f"in {_next_output(seen, here if emitted is None else emitted)}, where the record has its read-out"


def _find(seen: list[_Seen], start: int, wanted: FloatArray) -> int | None:
    """Find values among those seen from `start` on."""
    reach = TOLERANCE * max(1.0, float(np.abs(wanted).max(initial=0.0)))
    for index in range(max(start, 0), len(seen)):
        values = seen[index].values
        if values.shape == wanted.shape and bool((np.abs(values - wanted) <= reach).all()):
            return index
    return None


def _next_output(seen: list[_Seen], start: int) -> str:
    """Name the layer that next gave something."""
    return next((each.name for each in seen[start + 1 :] if each.came_out), "the module's own forward pass")
