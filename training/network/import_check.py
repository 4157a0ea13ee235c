"""The check at the end of every import from torch: the record is compared with the module, and refused where the two differ.

    |y_record - y_module| <= 1e-9 max |y|        at 256 points of the network's box, both in float64, T steps from rest

A spike may flip where a membrane meets its threshold to within rounding, because sums are taken in another order. A point that
differs is excused where the membranes of the record come that close, but for at most half of the points. The check runs a copy
of the user's module in evaluation mode, not the module itself.
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
from ...network.nodes import OutputSpec, Polarity, PopulationSpec
from ...network.spec import NetworkSpec, Readout
from ..neuron.vsn import layer_type, successive_steps
from .network import VsnNetwork

N_POINTS = 256
"""Number of points of the box at which record and module are compared."""
TOLERANCE = 1e-9
"""Largest difference, relative to the largest output. float64 sums in another order reach 1e-12 in deep networks."""
AT_THRESHOLD = 1e-9
"""Distance from its threshold at which a membrane may fire in one order of summation and not in another, per max(1, |m|)."""
N_TRACED = 8
"""Number of points, of those that differ, at which the layers are compared one by one."""
BLOCK = 16
"""Number of points whose membranes are in memory at once."""
_HONOURED_HOOKS = ("WeightNorm", "SpectralNorm")
"""Names of the hooks of torch that compute a weight before each call."""


def evaluation_copy(module: nn.Module) -> nn.Module:
    """Copy a module to float64 on the CPU, in evaluation mode, with its neurons at rest and its weights computed.

    Parametrizations and the weight norms of torch are part of the copy. Other hooks are refused, because a record cannot hold
    them.

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
    """Iterate over the tensors of layers that are not parameters."""
    for layer in module.modules():
        yield from (
            value for value in (*vars(layer).values(), *layer.buffers(recurse=False)) if isinstance(value, Tensor)
        )


def _altered_layers(module: nn.Module) -> Iterator[Violation]:
    """Find layers with hooks, or with a forward pass that replaces the one of their class."""
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
        module: Module of the user; a copy of it is run.
        network: Record that was read from the module.

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


def _drives(layer: PopulationSpec | OutputSpec, payload: FloatArray) -> FloatArray:
    """Return z for payloads (n_samples, n_steps, n_in)."""
    return payload @ layer.weight.T + layer.bias


def _ties(network: NetworkSpec, points: FloatArray) -> BoolArray:
    """Find the points at which a membrane of the record lies at its threshold, to within rounding."""
    found = []
    for start in range(0, len(points), BLOCK):
        block = points[start : start + BLOCK]
        tie = np.zeros(len(block), dtype=np.bool_)
        x = network.input_transform.apply(block)
        payload = np.repeat(x[:, None], network.n_steps, axis=1)
        for layer, trace in zip(network.populations, _probed(network, block).layers, strict=True):
            before = np.concatenate([np.zeros_like(trace.membrane[:, :1]), trace.membrane[:, :-1]], axis=1)
            m = layer.beta * before + _drives(layer, payload)
            reached = np.abs(m) if layer.polarity is Polarity.BOTH else m
            tie |= (np.abs(reached - layer.theta) <= AT_THRESHOLD * np.maximum(1.0, np.abs(m))).any(axis=(1, 2))
            payload = np.asarray(trace.payload, dtype=np.float64)
        found.append(tie)
    return np.concatenate(found)


class _LayerValues(NamedTuple):
    """The input or the output of one call of a layer of the module."""

    name: str
    """Name and class of the layer."""
    is_output: bool
    """Whether the values are the output of the layer, not its input."""
    values: FloatArray
    """Values at the points that are traced, shape (n_traced, n)."""


def _record_values(held: nn.Module, rows: IntArray) -> list[_LayerValues]:
    """Record inputs and outputs of the layers of a module from now on, in the order of the calls."""
    recorded: list[_LayerValues] = []

    def record(name: str, is_output: bool, value: object) -> None:
        value = value[0] if isinstance(value, tuple) and value else value
        if isinstance(value, Tensor) and value.dim() == 2 and len(value) == N_POINTS:
            recorded.append(_LayerValues(name, is_output, value.detach().double().numpy()[rows].copy()))

    for name, layer in held.named_modules():
        if not name:
            continue
        text = f"layer {name!r} ({layer_type(layer).__name__})"
        layer.register_forward_pre_hook(lambda _, given, text=text: record(text, False, given))
        layer.register_forward_hook(lambda _, given, made, text=text: record(text, True, made))
    return recorded


def _first_difference(
    where: str, module: nn.Module, x: Tensor, network: NetworkSpec, points: FloatArray, rows: IntArray
) -> str:
    """Name the first layer of the record whose payloads the module does not compute, and the module's layer in its place."""
    held = evaluation_copy(module)
    recorded = _record_values(held, rows)
    _run_module(where, held, x, network)
    probe = _probed(network, points[rows])
    here = -1
    for t in range(network.n_steps):
        payload = network.input_transform.apply(points[rows])
        for layer, trace in zip(network.populations, probe.nodes, strict=True):
            drive, payload = _drives(layer, payload), np.asarray(trace.payload[:, t], dtype=np.float64)
            at_drive = _find(recorded, here, drive)
            found = _find(recorded, at_drive if at_drive is not None else here, payload)
            if found is None:
                culprit = _next_output(recorded, here if at_drive is None else at_drive)
                return f"in {culprit}, where the record has {layer.name!r}"
            here = found
    emitted = _find(recorded, here, _drives(network.output, payload))
    return f"in {_next_output(recorded, here if emitted is None else emitted)}, where the record has its read-out"


def _find(recorded: list[_LayerValues], start: int, wanted: FloatArray) -> int | None:
    """Find the index of values among the recorded ones, from `start` on; None if there are none."""
    reach = TOLERANCE * max(1.0, float(np.abs(wanted).max(initial=0.0)))
    for index in range(max(start, 0), len(recorded)):
        values = recorded[index].values
        if values.shape == wanted.shape and bool((np.abs(values - wanted) <= reach).all()):
            return index
    return None


def _next_output(recorded: list[_LayerValues], start: int) -> str:
    """Return the name of the layer with the next output."""
    return next((each.name for each in recorded[start + 1 :] if each.is_output), "the module's own forward pass")
