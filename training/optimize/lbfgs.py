"""L-BFGS of torch on all parameters as one vector, one iteration a step, with a line search by the strong Wolfe conditions.

    d = -H g            H: from the last pairs of s = change of w and y = change of g, the inverse of the curvature along them
    w = w + t d         t: searched so that L and its slope along d have fallen far enough

g treats every spike as a constant, as Gauss-Newton does, and so leaves leaks and thresholds unchanged. L along d then follows
its slope, but for jumps of about theta^2 where a spike flips, and those jumps end a descent. The surrogate of the recipe was
tried in place of this: it is the slope of another function, for which no line search is made, and it ends at about the same
loss (docs/results/training.md). Weights of the centres that depend on u count as constants, too.

A search that finds nothing lower leaves the network where it is and forgets the pairs. Where the gradient itself leads to
nothing lower either, the phase has stalled, and its further steps are skipped.

Source: Nocedal and Wright, Numerical Optimization, 2006, algorithms 7.4 and 3.5; `torch.optim.LBFGS`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from ...base.arrays import Record
from ...problems.recipes.phases import Optimizer
from ..loss.losses import evaluate_loss, weighted_loss
from ..neuron.vsn import constant_spikes
from .phase_optimizer import Packed, StepTask, read_number, read_tensor

HISTORY_SIZE = 50
"""Largest number of pairs that are kept: two vectors of all parameters each, 4 MB for three layers of 50 neurons."""
MAX_TRIALS = 20
"""Largest number of trials of one line search."""
LOSS_SCALE = 2.0**30
"""Factor on the loss, a power of two, so that nothing rounds: torch drops pairs of s . y < 1e-10, as small losses have."""


class LBfgs:
    """L-BFGS for one phase: torch's optimizer, and the point that its last step led to."""

    kind: ClassVar[Optimizer] = Optimizer.L_BFGS

    def __init__(self, values: Tensor) -> None:
        """Start without pairs; `values` are those of the parameters that will be moved."""
        self.stalled = False
        """Whether nothing lower was found along the gradient itself."""
        self._vector = values.detach()
        self._last: _Point | None = None  # lest the point be evaluated twice
        self._torch = torch.optim.LBFGS(
            [self._vector],
            max_iter=1,
            max_eval=MAX_TRIALS + 1,
            tolerance_grad=0.0,
            tolerance_change=0.0,
            history_size=HISTORY_SIZE,
            line_search_fn="strong_wolfe",
        )

    @property
    def memory(self) -> dict[str, Any]:
        """What torch's optimizer remembers of the steps since the pairs were last forgotten, by its own names."""
        memory: dict[str, Any] = self._torch.state[self._vector]
        return memory

    def advance(self, task: StepTask) -> None:
        """Move the network by one step, or leave it where the line search finds nothing lower; the activity has no weight."""
        if self.stalled:
            return
        search = _LineSearch(task=task, points=[])
        follows_gradient = self.memory.get("n_iter", 0) == 0
        self._vector.grad = task.parameters.gradient
        with constant_spikes(task.network):
            self._torch.step(lambda: search.evaluate() if search.points else search.start(self._last))
        self._last = search.reached()
        if self._last is None:
            task.parameters.values.copy_(search.points[0].values)
            self.memory.clear()
            self.stalled = follows_gradient

    def begin_draw(self) -> None:
        """Forget the pairs and the stall."""
        self.stalled, self._last = False, None
        self.memory.clear()

    def pack(self) -> Packed:
        """Return torch's memory with its pairs as rows, and whether the phase has stalled."""
        memory = self.memory
        packed: Packed = {"stalled": self.stalled, "n_steps": memory.get("n_iter", 0)}
        if packed["n_steps"] > 0:
            none = self._vector[None][:0]
            packed |= {"length": float(memory["t"]), "scale": float(memory["H_diag"])}
            packed |= {name: memory[key] for name, key in _VECTORS.items()}
            packed |= {name: torch.stack(memory[key]) if memory[key] else none for name, key in _PAIRS.items()}
            packed["inverses"] = torch.tensor([float(ro) for ro in memory["ro"]], dtype=torch.float64)
        return packed

    def unpack(self, packed: Packed) -> None:
        """Restore torch's memory, and whether the phase has stalled."""
        memory: dict[str, Any] = {}
        n_steps = read_number(packed, "n_steps", int)
        if n_steps > 0:
            memory = {name: read_number(packed, key) for name, key in (("t", "length"), ("H_diag", "scale"))}
            memory |= {key: read_tensor(packed, name, self._vector) for name, key in _VECTORS.items()}
            memory |= {key: [*read_tensor(packed, name, self._vector[None][:0])] for name, key in _PAIRS.items()}
            memory["ro"] = read_tensor(packed, "inverses", torch.empty(0, dtype=torch.float64)).tolist()
            lengths = [len(memory[key]) for key in ("ro", *_PAIRS.values())]
            if max(lengths) != min(lengths) or max(lengths) > HISTORY_SIZE:
                raise ValueError(f"pairs of {lengths} rows in the place of at most {HISTORY_SIZE}, alike")
            memory |= {"n_iter": n_steps, "func_evals": 0}
        self.stalled = read_number(packed, "stalled", bool)
        self.memory.update(memory)


_VECTORS = {"direction": "d", "former_gradient": "prev_flat_grad"}
"""Vectors of torch's memory by their names in a checkpoint: d of the last step, and g before it, times `LOSS_SCALE`."""
_PAIRS = {"pair_moves": "old_stps", "pair_changes": "old_dirs"}
"""Lists of vectors of torch's memory by their names in a checkpoint: s and y of every pair, the oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Point(Record):
    """A point of the line search."""

    values: Tensor
    loss: float
    """Loss times `LOSS_SCALE`; infinite where it is not a number."""
    gradient: Tensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _LineSearch(Record):
    """The loss along a line; the first point is where the network is before the step."""

    task: StepTask
    points: list[_Point]

    def evaluate(self) -> float:
        """Compute the loss at the present parameters, and its gradient into theirs."""
        task, parameters = self.task, self.task.parameters
        parameters.gradient.zero_()
        terms = evaluate_loss(task.cloud, task.network, task.distillation_target)._replace(causal=None)
        loss = LOSS_SCALE * weighted_loss(terms, task.phase, 0.0)
        loss.backward()
        number = loss.item() if math.isfinite(loss.item()) else math.inf
        self.points.append(_Point(values=parameters.values.clone(), loss=number, gradient=parameters.gradient.clone()))
        return number

    def start(self, last: _Point | None) -> float:
        """Return the loss where the network is, from memory if that is where the last step led."""
        if last is None or not torch.equal(last.values, self.task.parameters.values):
            return self.evaluate()
        self.task.parameters.gradient.copy_(last.gradient)
        self.points.append(last)
        return last.loss

    def reached(self) -> _Point | None:
        """Return the point where the network is, if the loss is lower there than at the first; otherwise None."""
        at = [point for point in self.points if torch.equal(point.values, self.task.parameters.values)]
        return at[0] if at and at[0].loss < self.points[0].loss else None
