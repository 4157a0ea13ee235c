"""The check at the end of every import from torch: the record is compared with the module, and refused where the two differ.

    |y_record - y_module| <= 1e-9 max |y|        at 256 points of the network's box, both in float64, T steps from rest

A spike may flip where a membrane meets its threshold to within rounding, because sums are taken in another order. A point that
differs is excused where the membranes of the record come that close, but for at most half of the points. The check runs a copy
of the user's module in evaluation mode, not the module itself.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd
from torch.utils._pytree import tree_leaves

from ...base.arrays import BoolArray, FloatArray, IntArray
from ...base.checks import raise_violations
from ...base.errors import SpecError, Violation
from ...engine.reference import FloatArithmetic, constant_inputs, run_float
from ...engine.walk import NodeStep, walk
from ...network.given_networks import describe_given
from ...network.nodes import InputSpec, Polarity, PopulationSpec, ProductSpec
from ...network.spec import NetworkSpec, Readout
from ...network.transforms import AffineTransform
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
N_STEPS = 5
"""Number of steps of the sequences at which record and module are compared."""
_STATES = ("mem", "syn", "spk")
"""Names of the states that snnTorch's neurons keep from one step to the next."""
_HONOURED_HOOKS = ("WeightNorm", "SpectralNorm")
"""Names of the hooks of torch that compute a weight before each call."""


def plain_module(module: object) -> nn.Module:
    """Return the module itself that torch.compile or DataParallel has wrapped.

    Raises:
        SpecError: If it is no module, such as the `state_dict` of one.
    """
    if not isinstance(module, nn.Module):
        repair = "Give the module; weights are loaded into it first, by `module.load_state_dict(weights)`."
        raise SpecError("from_torch.module", "be a torch module", describe_given(module), repair)
    inner = getattr(module, "_orig_mod", None)
    if isinstance(inner, nn.Module):
        return plain_module(inner)
    return plain_module(module.module) if isinstance(module, nn.DataParallel) else module


def copied_module(module: nn.Module) -> nn.Module:
    """Copy a module, also one whose weights were computed in a forward pass, as the weight norms of torch do.

    Raises:
        SpecError: If it cannot be copied.
    """
    derived = {id(tensor): tensor.detach().clone() for tensor in _tensors(module) if tensor.grad_fn is not None}
    try:
        return copy.deepcopy(module, derived)  # torch copies no tensor that another one was computed into
    except Exception as error:  # whatever a user's module raises
        repair = "Take out of the module what cannot be copied, such as open files and locks."
        got = f"{type(error).__name__}: {error}"
        raise SpecError(f"module {type(module).__name__}", "be a module that can be copied", got, repair) from error


def evaluation_copy(module: nn.Module) -> nn.Module:
    """Copy a module to float64 on the CPU, in evaluation mode, with its neurons at rest and its weights computed.

    Parametrizations and the weight norms of torch are part of the copy. Other hooks are refused, because a record cannot hold
    them, and so are layers in training mode that compute something else there.

    Raises:
        SpecError: If the module cannot be copied, or if a layer has hooks or a forward pass of its own, or is dropout or batch
            norm in training mode; all of them are listed.
    """
    raise_violations(_altered_layers(module))
    held = copied_module(module).to(device="cpu", dtype=torch.float64).eval()
    for layer in held.modules():
        layer._compiled_call_impl = None
        for name, value in vars(layer).items():
            if isinstance(value, Tensor) and value.is_floating_point():
                setattr(layer, name, value.detach().double())
        if type(layer).__module__.startswith("snntorch"):
            kept = {name: getattr(layer, name, None) for name in _STATES}
            for name, state in kept.items():
                if isinstance(state, Tensor):
                    setattr(layer, name, torch.zeros_like(state))
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
    """Find layers with hooks, with a forward pass that replaces the one of their class, or with another one in training."""
    for name, layer in module.named_modules():
        place = f"layer {name!r} ({type(layer).__name__})" if name else f"module {type(layer).__name__}"
        hooks = [*layer._forward_hooks.values(), *layer._forward_pre_hooks.values()]
        foreign = [hook for hook in hooks if type(hook).__name__ not in _HONOURED_HOOKS]
        if foreign:
            names = ", ".join(getattr(hook, "__name__", type(hook).__name__) for hook in foreign)
            repair = "Remove it with the handle that registering it returned, or write what it does as a layer."
            yield Violation(place, "have no forward hooks, which a record cannot hold", names, repair)
        if "forward" in vars(layer):
            repair = "Define it in a class of its own."
            yield Violation(place, "have the forward pass of its class", "another one, set on the object", repair)
        drops = isinstance(layer, (_DropoutNd, nn.RNNBase)) and getattr(layer, "p", getattr(layer, "dropout", 0.0)) > 0
        if layer.training and (drops or isinstance(layer, _BatchNorm)):
            repair = "Call module.eval(): the network deployed is that of evaluation."
            yield Violation(
                place, "be in evaluation mode", "training mode, in which it computes something else", repair
            )


def check_import(
    module: nn.Module,
    network: NetworkSpec,
    *,
    transform: AffineTransform | None = None,
    states: Sequence[InputSpec] = (),
) -> None:
    """Compare a record with the module that it was read from.

    Args:
        module: Module of the user; a copy of it is run.
        network: Record that was read from the module.
        transform: What the host does before the module; None stands for the record's own input transform.
        states: States of a step module, which begin with zero.

    Raises:
        SpecError: If the module cannot be run in float64, or differs from the record; the first layer that differs is named.
    """
    where = f"module {type(module).__name__}"
    run = _ModuleRun(where, network, transform or network.input_transform, states)
    points = run.random_points()
    got = run.outputs(evaluation_copy(module), points)
    wanted = _run_record(network, points)
    if got.shape != wanted.shape:
        repair = "Return one tensor of the shape (n_samples, n_out)."
        raise SpecError(where, f"return an output of the shape {wanted.shape} at {N_POINTS} points", got.shape, repair)
    apart = np.abs(got - wanted).reshape(N_POINTS, -1).max(axis=1)
    distance = apart / max(float(np.abs(wanted).max()), np.finfo(float).tiny)
    differs = ~(distance <= TOLERANCE)
    if not differs.any():
        return
    excused = np.zeros_like(differs)
    if differs.sum() <= N_POINTS // 2:
        excused[differs] = _ties(network, points[differs])
    bad = np.flatnonzero(differs & ~excused)
    if bad.size:
        first = _first_difference(module, run, points, bad[:N_TRACED])
        got_text = f"{distance[bad].max():.1e} at {bad.size} of {N_POINTS} points, first {first}"
        repair = (
            "Write what it computes as Linear layers and activations, and create its tensors in the type of its input."
        )
        raise SpecError(where, f"equal its record within {TOLERANCE:.0e} of its largest output", got_text, repair)


def joined_outputs(result: object) -> Tensor:
    """Put all tensors that a forward pass returns side by side, shape (n_samples, n_out) or (n_samples, n_steps, n_out)."""
    tensors = [each for each in tree_leaves(result) if isinstance(each, Tensor)]
    if len(tensors) == 1 and tensors[0].dim() > 1:
        return tensors[0]
    return torch.cat(
        [each.reshape(*each.shape[:1] or (1,), -1) if each.dim() < 3 else each for each in tensors], dim=-1
    )


def _run_record(network: NetworkSpec, points: FloatArray) -> FloatArray:
    """Return the record's read-out before the host's transforms, as the module returns it."""
    trace = run_float(network, points)
    readout = np.asarray(trace.readout, dtype=np.float64)
    return readout / trace.n_steps if network.readout is Readout.MEAN else readout


class _ModuleRun(NamedTuple):
    """How a module is run to be compared with its record."""

    where: str
    """The module, for errors."""
    network: NetworkSpec
    """Record that was made of the module."""
    transform: AffineTransform
    """What the host does before the module."""
    states: Sequence[InputSpec]
    """States of a step module."""

    def random_points(self) -> FloatArray:
        """Draw points of the box, of sequences at every step, of other inputs beside them once."""
        network = self.network
        steps = (N_STEPS,) if network.has_sequences else ()
        points = np.random.default_rng(0).uniform(network.lower, network.upper, (N_POINTS, *steps, network.n_in))
        if steps:
            constant = np.concatenate([[not each.is_sequence] * each.width for each in network.inputs])
            points[..., constant] = points[:, :1, constant]
        return points

    def outputs(self, held: nn.Module, points: FloatArray) -> FloatArray:
        """Return the read-out of a module; a step module, and one that is no `VsnNetwork`, is called once for every step."""
        whole = self.network.has_sequences and not self.states
        n_steps = self.network.n_steps or int(points.shape[1])
        n_calls = 1 if whole or isinstance(held, VsnNetwork) else n_steps
        carried = successive_steps(held) if n_calls > 1 else contextlib.nullcontext()
        try:
            with torch.no_grad(), torch.random.fork_rng(devices=[]), carried:
                x = torch.from_numpy(self.transform.apply(points))
                steps = self._steps(held, x, n_calls)
        except Exception as error:  # whatever a user's forward raises
            repair = (
                "Leave conversions such as .float() out, and create tensors in the type and on the device of its input."
            )
            got = f"{type(error).__name__}: {error}"
            rule = "have a forward pass that runs in float64 at points of the box"
            raise SpecError(self.where, rule, got, repair) from error
        if n_calls > 1 and self.network.readout is Readout.EVERY:
            return torch.stack(steps, dim=1).double().numpy()
        last = n_calls == 1 or self.network.readout is Readout.LAST
        output: FloatArray = (steps[-1] if last else torch.stack(steps).mean(0)).double().numpy()
        return output

    def _steps(self, held: nn.Module, x: Tensor, n_calls: int) -> list[Tensor]:
        """Call a module step by step, with the states that it returned the step before."""
        widths = [each.width for each in self.network.inputs]
        states = [torch.zeros(len(x), each.width, dtype=x.dtype) for each in self.states]
        steps = []
        for t in range(n_calls):
            now = x[:, t] if x.dim() == 3 and self.states else x
            parts = zip(now.split(widths, dim=-1), self.network.inputs, strict=True)
            result = held(
                *(each[:, 0] if each.dim() == 3 and not spec.is_sequence else each.clone() for each, spec in parts),
                *states,
            )
            if states:
                leaves = tree_leaves(result)
                result, states = leaves[: -len(states)], leaves[-len(states) :]
            steps.append(joined_outputs(result))
        return steps


def _inputs_of(network: NetworkSpec, points: FloatArray) -> tuple[Callable[[int], Mapping[str, FloatArray]], int]:
    """Return the values of every input at a step, and the number of steps."""
    n_steps = network.n_steps or int(points.shape[1])
    return constant_inputs(network, network.input_transform.apply(points)), n_steps


def _ties(network: NetworkSpec, points: FloatArray) -> BoolArray:
    """Find the points at which a membrane of the record lies at its threshold, to within rounding."""
    tie = np.zeros(len(points), dtype=np.bool_)
    for start in range(0, len(points), BLOCK):
        here = slice(start, start + BLOCK)

        def see(t: int, node: object, step: NodeStep, here: slice = here) -> None:
            always = isinstance(node, PopulationSpec) and node.polarity is Polarity.BOTH and not node.theta.any()
            if isinstance(node, PopulationSpec) and not always:
                reached = np.abs(step.membrane) if node.polarity is Polarity.BOTH else step.membrane
                near = AT_THRESHOLD * np.maximum(1.0, np.abs(step.membrane))
                tie[here] |= (np.abs(reached - node.theta) <= near).any(axis=1)

        at, n_steps = _inputs_of(network, points[here])
        walk(network, at, n_steps, FloatArithmetic(len(points[here])), see)
    return tie


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


def _first_difference(module: nn.Module, run: _ModuleRun, points: FloatArray, rows: IntArray) -> str:
    """Name the first layer of the record whose payloads the module does not compute, and the module's layer in its place."""
    held, network = evaluation_copy(module), run.network
    recorded = _record_values(held, rows)
    run.outputs(held, points)
    seen: list[tuple[str, FloatArray, FloatArray]] = []

    def see(t: int, node: Any, step: NodeStep) -> None:
        if not isinstance(node, ProductSpec):
            seen.append((node.name, step.drive, step.payload))

    at, n_steps = _inputs_of(network, points[rows])
    walk(network, at, n_steps, FloatArithmetic(len(rows)), see)
    here = -1
    for name, drive, payload in seen:
        at_drive = _find(recorded, here, drive)
        if name == network.output.name:
            here = here if at_drive is None else at_drive
            continue
        found = _find(recorded, at_drive if at_drive is not None else here, payload)
        if found is None:
            culprit = _next_output(recorded, here if at_drive is None else at_drive)
            return f"in {culprit}, where the record has {name!r}"
        here = found
    return f"in {_next_output(recorded, here)}, where the record has its read-out"


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
