"""A torch module as a graph of operators: exported by `torch.export`, and run on affine values instead of numbers.

Functions, methods, loops over lists, subclasses and parametrizations all look alike there. What depends on no input is computed
by torch itself; a `VSN` is one operator.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import logging
import operator
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import torch
from torch import fx, nn
from torch.export.graph_signature import InputKind, OutputKind
from torch.utils import _pytree as pytree

from ...base.arrays import Record
from ...base.errors import NeuroPinnError, SpecError
from ...network.nodes import InputSpec
from ...network.transforms import AffineTransform
from . import recurrent_cells
from .affine_values import joined_values
from .graph_builder import GraphBuilder
from .torch_inputs import failing_layer, failure_text
from .torch_operators import LINEAR, Spikes, operator_name, run_operator
from .torch_signals import N_SAMPLES, N_STEPS, NotDeployableError, Signal, over_steps, reduction_of

_READS = {InputKind.PARAMETER, InputKind.BUFFER, InputKind.CONSTANT_TENSOR}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReadModule(Record):
    """A module as a graph under construction."""

    builder: GraphBuilder
    """Nodes of the graph."""
    output: Signal
    """All outputs side by side."""
    front: AffineTransform
    """Transform of all inputs in front of everything, which the host can compute."""


def read_module(module: nn.Module, inputs: Sequence[InputSpec], states: Sequence[InputSpec] = ()) -> ReadModule:
    """Read a module whose forward takes the inputs, then the states, and returns its outputs, then the new states.

    Args:
        module: Module in float64 and in evaluation mode (`evaluation_copy`).
        inputs: Inputs of the network; one that is no sequence is constant over the steps of the others.
        states: States of a step module, as inputs by name.

    Raises:
        SpecError: If it cannot be exported, or holds what cannot be deployed.
    """
    program = _exported(module, inputs, states)
    return _Reader(module, program, inputs, states).read()


def _exported(module: nn.Module, inputs: Sequence[InputSpec], states: Sequence[InputSpec]) -> Any:
    where = f"module {type(module).__name__}"
    examples = tuple(torch.zeros(_shape(each), dtype=torch.float64) for each in (*inputs, *states))
    try:
        with warnings.catch_warnings(), torch.random.fork_rng(devices=[]), _quiet("torch.fx.experimental"):
            warnings.simplefilter("ignore")  # torch's own, about attributes that are assigned while it traces
            with contextlib.redirect_stderr(io.StringIO()):  # where it fails, torch prints the graph so far
                program = torch.export.export(module, examples, strict=False)
            if any(_changes_others(node) for node in program.graph.nodes):
                program = program.run_decompositions({})
    except Exception as error:  # whatever a user's forward raises on symbolic values
        repair = "Take out of its forward pass what depends on values: if, loops and conversions to numbers."
        rule = "have a forward pass that torch.export can read"
        raise SpecError(failing_layer(module, error), rule, failure_text(error), repair) from error
    changed = [each.target for each in program.graph_signature.output_specs if each.kind is OutputKind.BUFFER_MUTATION]
    if changed:
        repair = "Leave what changes from call to call out of the trained module."
        raise SpecError(where, "keep its buffers as they are", f"another {', '.join(changed)} after a call", repair)
    return program


def _shape(each: InputSpec) -> tuple[int, ...]:
    return (N_SAMPLES, N_STEPS, each.width) if each.is_sequence else (N_SAMPLES, each.width)


def _changes_others(node: fx.Node) -> bool:
    """Return whether an operator in place changes more than its own argument: a view, a base of views, a buffer, an input."""
    if not _writes_and_views(node)[0]:
        return False
    changed = node.args[0]
    assert isinstance(changed, fx.Node)
    views = any(_writes_and_views(user)[1] for user in changed.users)
    return changed.op == "placeholder" or _writes_and_views(changed)[1] or views


def _writes_and_views(node: fx.Node) -> tuple[bool, bool]:
    """Return whether an operator writes into its argument, and whether its result is a view of it."""
    if not isinstance(node.target, torch._ops.OpOverload):
        return False, node.target is operator.getitem
    aliases = [each.alias_info for each in node.target._schema.arguments if each.alias_info is not None]
    return any(each.is_write for each in aliases), any(not each.is_write for each in aliases)


@contextlib.contextmanager
def _quiet(*names: str) -> Iterator[None]:
    """Silence loggers of torch, which write what an error says again, and the graph so far."""
    logger = [logging.getLogger(name) for name in (*logging.root.manager.loggerDict, *names) if name.startswith(names)]
    before = [each.disabled for each in logger]
    for each in logger:
        each.disabled = True
    try:
        yield
    finally:
        for each, was in zip(logger, before, strict=True):
            each.disabled = was


class _Reader:
    """Runs the operators of an exported module one after the other."""

    def __init__(
        self, module: nn.Module, program: Any, inputs: Sequence[InputSpec], states: Sequence[InputSpec]
    ) -> None:
        self.module, self.program, self.states = module, program, states
        self.builder, self.values = GraphBuilder(f"module {type(module).__name__}"), dict[fx.Node, Any]()
        self.whole = {each.name: self.builder.input(each.name, each.width) for each in inputs}
        n_in = sum(each.width for each in inputs)
        self.front = AffineTransform.identity(n_in)
        self.arguments = [*inputs, *states]
        self.repeats = len({each.is_sequence for each in inputs}) > 1

    def read(self) -> ReadModule:
        """Run all of them."""
        specs = {each.arg.name: each for each in self.program.graph_signature.input_specs}
        arguments, seen = iter(self.arguments), list[fx.Node]()
        for node in self.program.graph.nodes:
            if node.op == "placeholder":
                spec = specs[node.name]
                if spec.kind in _READS:
                    held = self.program.constants if spec.target in self.program.constants else self.program.state_dict
                    self.values[node] = held[spec.target].detach()
                else:
                    self.values[node] = self._argument(next(arguments))
                    seen.append(node)
            elif node.op == "output":
                return self._finished(node)
            else:
                made = self._run(node)
                self.values[node] = over_steps(made, 1) if self.repeats and isinstance(made, Signal) else made
                if self._depends(node):
                    seen.append(node)
                    self._move_to_host(node, seen)
        raise AssertionError("an exported graph ends with its output")

    def _argument(self, each: InputSpec) -> Signal:
        is_state = any(each is state for state in self.states)
        value = self.builder.state(each.name, each.width) if is_state else self.whole[each.name]
        return Signal(value=value, shape=_shape(each), axes=(0, 1) if each.is_sequence else (0,))

    def _depends(self, node: fx.Node) -> bool:
        leaves = pytree.tree_leaves(self.values[node], is_leaf=lambda each: isinstance(each, Signal))
        return any(isinstance(each, (Signal, Spikes)) for each in leaves)

    def _run(self, node: fx.Node) -> Any:
        given: Any = fx.node.map_arg((node.args, node.kwargs), lambda each: self.values[each])
        args, kwargs = given
        leaves = pytree.tree_leaves((args, kwargs), is_leaf=lambda each: isinstance(each, Signal))
        target: Any = node.target
        try:
            if target is operator.getitem:
                return target(*args)
            for each in leaves:
                if isinstance(each, Spikes) and operator_name(target) != "mul":
                    each.graded(None)
            if any(isinstance(each, (Signal, Spikes)) for each in leaves):
                recurrent = recurrent_cells.HANDLERS.get(operator_name(target))
                if recurrent is not None:
                    return recurrent(self.builder, *args, **kwargs)
                return self._relayed(node, run_operator(self.builder, target, tuple(args), dict(kwargs)))
            if torch.Tag.nondeterministic_seeded in getattr(target, "tags", ()):
                repair = "Draw it once, when the module is made, and keep it as a buffer."
                raise NotDeployableError("return the same at every call", operator_name(target), repair)
            with torch.no_grad():
                return target(*args, **kwargs)
        except NotDeployableError as cause:
            raise SpecError(f"{self._where(node)}", cause.rule, f"{cause.got}{_line(node)}", cause.repair) from cause
        except NeuroPinnError:
            raise
        except Exception as error:  # an operator, or its use here, that no handler has been written for
            got = f"{operator_name(target)}, {failure_text(error)}{_line(node)}"
            rule, repair = "use operators in a way that can be deployed", "Write it with affine steps and products."
            raise SpecError(self._where(node), rule, got, repair) from error

    def _relayed(self, node: fx.Node, made: Any) -> Any:
        """Pass a sum on by a relay where several operators read it, and it costs more columns than it has components."""
        apart = [user for user in node.users if not any(user in other.users for other in node.users)]  # z tanh z is one
        n_apart = sum(operator_name(user.target) != "membrane" for user in apart)
        if not isinstance(made, Signal) or n_apart < 2 or made.reduced is not None:
            return made
        inner = {source for source in made.value.sources if source not in self.whole}
        n_columns = sum(matrix.shape[1] for matrix in made.value.terms.values())
        if len(made.value.terms) < 2 or not inner or n_columns <= made.value.n:
            return made
        return made.with_value(self.builder.relay(made.value))

    def _move_to_host(self, node: fx.Node, seen: list[fx.Node]) -> None:
        """Leave an elementwise affine step to the host, if all that follows depends on the inputs through it alone."""
        made = self.values[node]
        n_in = self.front.n
        if self.states or not isinstance(made, Signal) or operator_name(node.target) in LINEAR - {"batch_norm"}:
            return
        known = self.builder.neurons or self.builder.products or made.value.n != n_in or made.reduced is not None
        if known or made.axes != tuple(range(len(made.axes))) or len(made.shape) != len(made.axes) + 1:
            return
        matrices = [made.value.terms.get((name, 0), np.zeros((n_in, each.n))) for name, each in self.whole.items()]
        whole = np.hstack(matrices)
        factors = np.diag(whole)
        if not factors.all() or np.count_nonzero(whole) != n_in:
            return
        if any(user not in seen for each in seen if each is not node for user in each.users):
            return
        front = self.front
        self.front = AffineTransform(scale=factors * front.scale, offset=factors * front.offset + made.value.offset)
        self.values[node] = made.with_value(joined_values(list(self.whole.values())))

    def _finished(self, node: fx.Node) -> ReadModule:
        specs, ends = self.program.graph_signature.output_specs, list[Any](node.args)[0]
        ends = [each for spec, each in zip(specs, ends, strict=True) if spec.kind is OutputKind.USER_OUTPUT]
        values = [self.values.get(each) if isinstance(each, fx.Node) else each for each in ends]
        n_outputs = len(values) - len(self.states)
        if n_outputs < 1:
            self._refuse_output("its outputs, and then its states", f"{len(values)} tensors")
        try:
            for state, value in zip(self.states, values[n_outputs:], strict=True):
                if isinstance(value, Spikes) and value.sent is None:
                    continue  # a membrane that a step module passes on is the population's own
                held = self._checked(value).value
                if held.n != state.width:
                    self._refuse_output(f"a state {state.name!r} of the width {state.width}", held.n)
                self.builder.set_state(state.name, held)
            output = _joined([self._checked(value) for value in values[:n_outputs]])
        except NotDeployableError as cause:
            raise SpecError(f"module {type(self.module).__name__}", cause.rule, cause.got, cause.repair) from cause
        return ReadModule(builder=self.builder, output=output, front=self.front)

    def _checked(self, value: Any) -> Signal:
        if isinstance(value, Spikes):
            value.graded(None)
        if not isinstance(value, Signal):
            self._refuse_output("tensors that depend on its input", type(value).__name__)
        return value

    def _refuse_output(self, wanted: str, got: object) -> NoReturn:
        where = f"module {type(self.module).__name__}"
        raise SpecError(where, f"return {wanted}", got, "Return the outputs, as tensors, alone.")

    def _where(self, node: fx.Node) -> str:
        """Name the layer that an operator belongs to."""
        where = f"module {type(self.module).__name__}"
        stack = [path for path, _ in (node.meta.get("nn_module_stack") or {}).values() if path]
        if not stack:
            return where
        return f"{where}: layer {stack[-1]!r} ({type(self.module.get_submodule(stack[-1])).__name__})"


def _joined(outputs: Sequence[Signal]) -> Signal:
    """Put outputs side by side, all features of each in their order."""
    reduced, axes = reduction_of(*outputs), outputs[0].axes
    if any(each.axes != tuple(range(len(axes))) for each in outputs):
        got = f"samples along the axes {[each.axes for each in outputs]}"
        raise NotDeployableError("return one row for each sample", got, "Give the first axis to the samples.")
    value = joined_values([each.value for each in outputs])
    sizes = tuple(outputs[0].shape[axis] for axis in axes)
    return Signal(value=value, shape=(*sizes, value.n), axes=axes, reduced=reduced)


def _line(node: fx.Node) -> str:
    """Return the line of the user's file from which an operator comes, where torch knows it."""
    lines = (node.meta.get("stack_trace") or "").splitlines()
    own = [
        (each.split('"'), code.strip())
        for each, code in itertools.pairwise(lines)
        if each.strip().startswith("File") and "/torch/" not in each
    ]
    if not own:
        return ""
    place, code = own[-1]
    return f" in{place[2].split(', in')[0].lstrip(',')} of {place[1].rpartition('/')[2]}: {code}"
