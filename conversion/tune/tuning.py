"""Quantization-aware tuning: integers are trained to reproduce the float network through the integer engine's arithmetic.

    L = mean_n |du/dy (y_q - y)|**2 / mean_n |u|**2            y_q of the quantization-aware network, y of the float one

in physical units, linearised in y; or the loss of the network's equation (`equation_loss.py`), or both. The start is the best
that `quantize_network` gives; behind the last step of distillation alone, `descent.py` goes on from the best integers. What is
kept is the network with the lowest error on points held out from the training (the lowest loss, where the equation has a say),
the start included, so that tuning can only help. Without a time limit the result depends on network, scheme, points, settings
and seed alone. A start whose states are proved never to saturate gives way only to integers of which that is proved too.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ...base.arrays import FloatArray
from ...base.errors import SpecError
from ...base.metrics import relative_l2
from ...engine.host import divisor, encode_points
from ...engine.reference import run_float, run_integer
from ...network.given_points import checked_samples
from ...network.quantized import QuantizedNetwork
from ...network.spec import NetworkSpec
from ...training.optimize.adam import Adam
from ...training.optimize.parameters import FlatParameters
from ..calibrate.calibration import TUNING_POINTS, sample_box
from ..calibrate.intervals import states_are_proved
from ..calibrate.sensitivity import output_slope
from ..quantize.descent import descend_integers, moved_at_random
from ..quantize.post_training import Quantization, make_integers, prepare_network
from ..quantize.report import measure_quantization
from ..scheme import QuantizationScheme
from ..tuning_settings import TuningLoss, TuningReport, TuningSettings
from .quantization_aware import QuantizationAwareNetwork

HELD_OUT = 5
"""One point out of this many is held out."""

Objective = Callable[[QuantizationAwareNetwork], Tensor]
"""Maps the quantization-aware network to the equation's loss, a scalar."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _DistillationTarget:
    """Training points of distillation with the outputs of the float network, as tensors."""

    words: Tensor
    """Input words, shape (n, n_in), or (n, n_steps, n_in) of sequences."""
    wanted: Tensor
    """y of the float network, shape (n, n_out), or (n, n_steps, n_out) where every step is read."""
    slope: Tensor
    """du/dy over the root mean square of u, in the shape of `wanted`."""


def tune_network(
    network: NetworkSpec,
    scheme: QuantizationScheme | None = None,
    points: FloatArray | None = None,
    *,
    settings: TuningSettings | None = None,
    objective: Objective | None = None,
    seed: int = 0,
    time_limit: float | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Quantization:
    """Quantize a network and tune its integers.

    Args:
        network: The float network; the result embeds it as its source.
        scheme: Word lengths and rules; None is the default scheme.
        points: Points as of `quantize_network`, at least ten; every fifth is held out. None draws `TUNING_POINTS`
            from the network's box.
        settings: How to tune; None is `TuningSettings()`.
        objective: The equation's loss (`equation_objective`); due where the settings' loss is not distillation alone.
        seed: Seed of the batches and of drawn points.
        time_limit: Seconds after which the best so far is returned; the report says so.
        on_progress: Called with steps done and steps in all.

    Raises:
        SpecError: If scheme, points and network disagree, there are too few points, or settings and objective disagree.
        FixedPointError: If the words cannot hold the network.
    """
    start, settings = time.perf_counter(), settings or TuningSettings()
    _check_objective(settings, objective)
    learned, held_out = split_points(network, points, seed)
    prepared, calibration = prepare_network(network, scheme or QuantizationScheme(), learned)
    first = make_integers(prepared, scheme or QuantizationScheme(), calibration)
    with _one_thread():
        tuning = _Tuning(first, learned, held_out, settings, objective, seed)
        tuning.run(math.inf if time_limit is None else start + time_limit, on_progress)
    report = measure_quantization(tuning.best, calibration)
    summary = tuning.report(time.perf_counter() - start)
    return Quantization(network=tuning.best, report=replace(report, tuning=summary))


def _check_objective(settings: TuningSettings, objective: Objective | None) -> None:
    wanted = settings.loss is not TuningLoss.DISTILLATION
    if wanted != (objective is not None):
        rule = "come with an objective" if wanted else "come without an objective"
        repair = "Give `equation_objective(problem, network)` with the losses `equation` and `both` only."
        raise SpecError(f"tune_network: loss {settings.loss.value!r}", rule, "none" if wanted else "one", repair)


def split_points(network: NetworkSpec, points: FloatArray | None, seed: int) -> tuple[FloatArray, FloatArray]:
    """Split points into those for training and the held-out ones, every fifth.

    Raises:
        SpecError: If there are fewer than ten.
    """
    drawn = sample_box(network, TUNING_POINTS, seed) if points is None else points
    given = checked_samples(drawn, network, f"tune_network: points of network {network.name!r}")
    if len(given) < 2 * HELD_OUT:
        repair = "Give more points, or leave them out: a sample of the network's box is drawn then."
        raise SpecError("tune_network.points", f"hold at least {2 * HELD_OUT} points", len(given), repair)
    held_out = np.arange(len(given)) % HELD_OUT == HELD_OUT - 1
    return given[~held_out], given[held_out]


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Restrict torch to one thread: layers are small, and sums then have one order on every machine."""
    former = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(former)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Score:
    """Errors of quantized integers, by which they are compared."""

    change: float
    """Relative L2 of their output against the float network's, on the held-out points."""
    equation: float | None
    """The equation's loss; None for distillation alone."""
    loss: float
    """The value that is minimised."""


class _Tuning:
    """Parameters, optimizer and the best network so far."""

    def __init__(
        self,
        network: QuantizedNetwork,
        learned: FloatArray,
        held_out: FloatArray,
        settings: TuningSettings,
        objective: Objective | None,
        seed: int,
    ) -> None:
        self.settings, self.objective, self.seed, self.learned = settings, objective, seed, learned
        self.trained = QuantizationAwareNetwork(network)
        for spec, part in self.trained.pairs():
            part.theta.requires_grad_(settings.learn_neurons and not spec.is_relay)
            part.beta.requires_grad_(settings.learn_neurons and not spec.is_relay)
        self.target = _distillation_target(self.trained, learned)
        self.held_out, self.wanted = held_out, run_float(network.source, held_out).outputs
        self.generator, self.random_moves = torch.Generator().manual_seed(seed), np.random.default_rng(seed)
        self.parameters = FlatParameters(self.trained)
        self.optimizer = Adam(self.parameters.values)
        self.iteration = self.best_iteration = self.n_descents = 0
        self.n_descents_planned = settings.n_descents if objective is None else 0
        self.best, self.is_proved = network, states_are_proved(network)
        self.first = self.lowest = self._score(network)

    def run(self, deadline: float, on_progress: Callable[[int, int], None] | None) -> None:
        """Take all steps and descents, or stop behind the first one that ends past the deadline, a value of `perf_counter`."""
        n_planned = self.settings.n_iterations + self.n_descents_planned
        for done in range(n_planned):
            if done < self.settings.n_iterations:
                self.step()
            else:
                self.descend()
            if on_progress:
                on_progress(done + 1, n_planned)
            if time.perf_counter() > deadline:
                self.check()
                return

    def report(self, seconds: float) -> TuningReport:
        """Return the report of a tuning that took `seconds` of wall time."""
        return TuningReport(
            n_iterations=self.iteration,
            n_planned=self.settings.n_iterations,
            best_iteration=self.best_iteration,
            n_descents=self.n_descents,
            n_descents_planned=self.n_descents_planned,
            seed=self.seed,
            n_learned=len(self.learned),
            n_held_out=len(self.held_out),
            change_before=self.first.change,
            change_after=self.lowest.change,
            seconds=seconds,
            equation_before=self.first.equation,
            equation_after=self.lowest.equation,
        )

    def step(self) -> None:
        """Run one step of Adam, and score the integers every `check_every` steps."""
        self.parameters.gradient.zero_()
        loss = torch.zeros(())
        if self.settings.loss is not TuningLoss.EQUATION:
            loss = loss + self._distillation()
        if self.objective is not None:
            loss = loss + self.settings.objective_weight * self.objective(self.trained)
        loss.backward()
        self.optimizer.step(self.parameters, scheduled_rate(self.settings, self.iteration), self.iteration)
        self.iteration += 1
        if self.iteration % self.settings.check_every == 0 or self.iteration == self.settings.n_iterations:
            self.check()

    def descend(self) -> None:
        """Descend from the best integers so far; from the second descent on, some of them are moved at random before."""
        start = self.best if self.n_descents == 0 else moved_at_random(self.best, self.random_moves)
        self.keep_if_better(descend_integers(start, self.learned))
        self.n_descents += 1

    def _distillation(self) -> Tensor:
        target, size = self.target, len(self.target.words)
        batch = torch.randint(0, size, (min(self.settings.batch_size, size),), generator=self.generator)
        error = target.slope[batch] * (self.trained(target.words[batch]) - target.wanted[batch])
        return error.square().flatten(1).sum(dim=1).mean()

    def check(self) -> None:
        """Score the current integers, and keep them if they are the best."""
        if self.keep_if_better(self.trained.quantized()):
            self.best_iteration = self.iteration

    def keep_if_better(self, network: QuantizedNetwork) -> bool:
        """Keep integers if they are better than the best so far, and return whether they are."""
        found = self._score(network)
        is_better = found.loss < self.lowest.loss and (not self.is_proved or states_are_proved(network))
        if is_better:
            self.best, self.lowest = network, found
        return is_better

    def _score(self, network: QuantizedNetwork) -> _Score:
        """Compute the errors of `network`, the current integers, on the held-out points and in the equation."""
        outputs = run_integer(network, self.held_out).outputs
        change = relative_l2(outputs, self.wanted) if self.wanted.any() else float(np.abs(outputs).max())
        if self.objective is None:
            return _Score(change=change, equation=None, loss=change)
        with torch.no_grad():
            equation = float(self.objective(self.trained))
        distance = 0.0 if self.settings.loss is TuningLoss.EQUATION else change**2
        return _Score(change=change, equation=equation, loss=distance + self.settings.objective_weight * equation)


def scheduled_rate(settings: TuningSettings, iteration: int) -> float:
    """Return the learning rate of an iteration, counted from 0: linear warm-up, then cosine decay to zero."""
    if iteration < settings.n_warmup:
        return settings.learning_rate * (iteration + 1) / settings.n_warmup
    progress = (iteration - settings.n_warmup) / max(1, settings.n_iterations - settings.n_warmup)
    return settings.learning_rate * 0.5 * (1.0 + math.cos(math.pi * progress))


def _distillation_target(trained: QuantizationAwareNetwork, points: FloatArray) -> _DistillationTarget:
    network = trained.network
    trace = run_float(network.source, points)
    y = trace.readout / divisor(network.source, trace.n_steps)
    size = math.sqrt(float(np.square(trace.outputs).reshape(len(points), -1).sum(axis=1).mean())) or 1.0
    slope = output_slope(network.source, points, y) / size
    words, _ = encode_points(network, points)
    return _DistillationTarget(
        words=trained.words(words),
        wanted=torch.tensor(y, dtype=trained.dtype),
        slope=torch.tensor(slope, dtype=trained.dtype),
    )
