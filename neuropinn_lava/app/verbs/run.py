"""The verb `run`, and the engines behind it that all verbs share: float, integer, torch, Lava, and those of other hardware.

    trace = nl.run(chip, points, backend="lava")

Options of Lava are refused on other backends, where they would have no effect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from ...base.arrays import FloatArray, Record
from ...base.checks import as_member, raise_violations
from ...base.errors import SpecError, Violation
from ...engine.reference import run_float, run_integer
from ...engine.state import RunState
from ...engine.trace import NO_PROBE, Backend, LavaMode, LayerModel, Probe, RunTrace
from ...network.given_networks import checked_network
from ...network.given_points import checked_samples
from ...network.quantized import Network
from ..lookup.network_domain import known_problem, warn_outside
from ..lookup.networks import float_network, quantized_network

if TYPE_CHECKING:
    from ...problems.problem import PdeProblem

Progress = Callable[[int, int], None]
"""Called with samples done and samples in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunChoices(Record):
    """A backend with its options; None leaves an option to the plan of the run."""

    backend: Backend
    """Engine that computes the outputs."""
    mode: LavaMode | None = None
    """Whether samples go through Lava in batches or one at a time; None is batched."""
    model: LayerModel | None = None
    """Processes that a layer is made of on Lava."""
    batch_size: int | None = None
    """Number of samples in a message on Lava."""
    n_cores: int | None = None
    """Number of cores that a run on Lava may use."""
    time_limit: float | None = None
    """Seconds after which a run on Lava is ended with an error."""
    device: str | None = None
    """Microcontroller that is emulated to run C99; None compiles it for this machine."""

    @classmethod
    def of(
        cls,
        where: str,
        backend: Backend | str,
        mode: LavaMode | str | None = None,
        model: LayerModel | str | None = None,
        batch_size: int | None = None,
        n_cores: int | None = None,
        time_limit: float | None = None,
        device: str | None = None,
    ) -> RunChoices:
        """Build the record from a verb's arguments; `where` names the verb in errors.

        Raises:
            SpecError: If a name is unknown, or a choice would have no effect.
        """
        chosen = cls(
            backend=as_member(Backend, backend, f"{where}.backend"),
            mode=None if mode is None else as_member(LavaMode, mode, f"{where}.mode"),
            model=None if model is None else as_member(LayerModel, model, f"{where}.model"),
            batch_size=batch_size,
            n_cores=n_cores,
            time_limit=time_limit,
            device=device,
        )
        raise_violations(chosen._idle(where))
        return chosen

    @property
    def lava_mode(self) -> LavaMode:
        """The mode of a run on Lava, with its default."""
        return self.mode or LavaMode.BATCHED

    def _idle(self, where: str) -> Iterator[Violation]:
        """List the choices that would have no effect."""
        if self.device is not None and self.backend is not Backend.C99:
            rule = f"be left out on backend {self.backend.value!r}, where it would have no effect"
            yield Violation(f"{where}.device", rule, self.device, "Leave it out, or give backend='c99'.")
        names = ("mode", "model", "batch_size", "n_cores", "time_limit")
        given = [name for name in names if getattr(self, name) is not None]
        if self.backend is not Backend.LAVA:
            for name in given:
                rule = f"be left out on backend {self.backend.value!r}, where it would have no effect"
                value = getattr(self, name)
                got = repr(value.value) if isinstance(value, Enum) else value
                yield Violation(f"{where}.{name}", rule, got, "Leave it out, or give backend='lava'.")
        elif self.n_cores is not None and not self.shares_cores:
            rule = "be left out where every layer is one process, or samples go one at a time: the graph fixes the processes"
            repair = "Leave it out, or leave mode and model out."
            yield Violation(f"{where}.n_cores", rule, self.n_cores, repair)

    @property
    def shares_cores(self) -> bool:
        """Whether the number of cores changes a run, as it does for whole networks in batches on Lava."""
        whole = self.model in (None, LayerModel.WHOLE)
        return self.backend is Backend.LAVA and whole and self.lava_mode is LavaMode.BATCHED


def run(
    network: Network,
    points: FloatArray | Mapping[str, FloatArray],
    *,
    backend: Backend | str = Backend.INTEGER,
    mode: LavaMode | str | None = None,
    probe: Probe = NO_PROBE,
    on_progress: Callable[[int, int], None] | None = None,
    time_limit: float | None = None,
    problem: PdeProblem | None = None,
    model: LayerModel | str | None = None,
    batch_size: int | None = None,
    n_cores: int | None = None,
    state: RunState | None = None,
    device: str | None = None,
) -> RunTrace:
    """Evaluate a network at points on one of the backends.

    Points outside the domain that the network was trained on are evaluated, with one `DomainWarning` for all of them.

    Args:
        network: Float or quantized.
        points: Physical coordinates, shape (n, n_in), space first, time last; an array, or a torch tensor. Of sequences
            (n, n_steps, n_in). Or a mapping from the name of each input to its own array, of which a held input's may have one
            row for all points.
        backend: `float` runs the float network, or the one that a quantized network came from, in numpy, and `torch` in torch;
            `integer` the integer reference; `lava` Lava's CPU simulator, with integers for a quantized network and floats for
            a float one. `c99` compiles the network's C99 for this machine, `rtl` simulates its Verilog, `onnx` and `qonnx` run
            its graphs; each needs the extra of its name or a compiler, and a quantized network.
        mode: Whether samples go through Lava in batches (`batched`, also for None) or one at a time (`faithful`). `mode`,
            `model`, `batch_size`, `n_cores` and `time_limit` are options of the backend `lava`.
        probe: What to record in full.
        on_progress: Called with samples done and samples in all: by Lava now and then, by the others at the end.
        time_limit: Seconds after which a Lava run is ended with an error; None is no limit.
        problem: The problem that the network solves, for the check of points; None looks up the one that its provenance names.
        model: Processes that a layer is made of on Lava; None lets the plan of the run choose, as for `batch_size` and
            `n_cores`.
        batch_size: Number of samples in a message on Lava.
        n_cores: Number of cores that a Lava run may use where the whole network is one process.
        state: Where an earlier part of the sequences has ended; the trace's `state` continues it. On Lava for
            whole networks in batches; not for `torch`.
        device: Microcontroller on which the backend `c99` is emulated, instruction by instruction: `cortex-m0`, `cortex-m4` or
            `rv32`; None compiles for this machine.

    Raises:
        SpecError: If points and network disagree, if integers are asked of a float network, or if an option would have no
            effect on this backend.
        SimulationError: If Lava is not available or a run fails.
    """
    held = checked_network(network, "run.network")
    found = checked_samples(points, held, f"run: points of network {held.name!r}")
    choices = RunChoices.of("run", backend, mode, model, batch_size, n_cores, time_limit, device)
    known = known_problem(held, problem, "run.problem")
    trace = run_chosen(held, found, choices, probe, on_progress, state)
    warn_outside(held, found, "run", known)
    return trace


def run_on(network: Network, points: FloatArray, backend: Backend) -> RunTrace:
    """Evaluate a network at points on a backend, without options and without a warning of points outside the domain."""
    return run_chosen(network, points, RunChoices(backend=backend))


def run_chosen(
    network: Network,
    points: FloatArray,
    choices: RunChoices,
    probe: Probe = NO_PROBE,
    on_progress: Progress | None = None,
    state: RunState | None = None,
) -> RunTrace:
    """Evaluate a network at checked points, without a warning of points outside the domain.

    Raises:
        SpecError: If points and network disagree, or if integers are asked of a float network.
        SimulationError: If Lava is not available or a run fails.
    """
    if state is not None and choices.backend is Backend.TORCH:
        rule = "be left out on backend 'torch', which begins every run anew"
        repair = "Run the whole sequence at once, or use backend 'integer' or 'float'."
        raise SpecError("run.state", rule, f"a state after {state.step} steps", repair)
    if choices.backend is Backend.LAVA:
        return _run_lava(network, points, choices, probe, on_progress, state)
    trace = (
        _run_emulated(network, points, choices.device, probe, state)
        if choices.device is not None
        else _ENGINES[choices.backend](network, points, probe, state)
    )
    if on_progress is not None:
        on_progress(trace.n_samples, trace.n_samples)
    return trace


def _run_lava(
    network: Network,
    points: FloatArray,
    choices: RunChoices,
    probe: Probe,
    on_progress: Progress | None,
    state: RunState | None,
) -> RunTrace:
    from ...hardware_sim.lava.simulate import simulate_on_lava

    return simulate_on_lava(
        network,
        points,
        mode=choices.lava_mode,
        probe=probe,
        model=choices.model,
        batch_size=choices.batch_size,
        n_cores=choices.n_cores,
        on_progress=on_progress,
        time_limit=choices.time_limit,
        state=state,
    )


def _run_integer(network: Network, points: FloatArray, probe: Probe, state: RunState | None) -> RunTrace:
    return run_integer(quantized_network(network, "run: backend `integer`"), points, probe, state)


def _run_float(network: Network, points: FloatArray, probe: Probe, state: RunState | None) -> RunTrace:
    return run_float(float_network(network), points, probe, state)


def _run_torch(network: Network, points: FloatArray, probe: Probe, state: RunState | None) -> RunTrace:
    """Run the float network by torch, in float64, from the first step on."""
    from ...training.network.trace import run_torch

    return run_torch(float_network(network), points, probe)


def _run_c99(network: Network, points: FloatArray, probe: Probe, state: RunState | None) -> RunTrace:
    from ...hardware_sim.devices.c99.run import run_c99

    return run_c99(quantized_network(network, "run: backend `c99`"), points, probe, state)


def _run_emulated(network: Network, points: FloatArray, device: str, probe: Probe, state: RunState | None) -> RunTrace:
    """Run the C99 of a network on an emulated microcontroller."""
    from ...hardware_sim.devices.mcu.run import run_on_device

    return run_on_device(quantized_network(network, "run: backend `c99`"), points, device, probe, state)


def _run_rtl(network: Network, points: FloatArray, probe: Probe, state: RunState | None) -> RunTrace:
    from ...hardware_sim.devices.rtl.run import run_rtl

    return run_rtl(quantized_network(network, "run: backend `rtl`"), points, probe, state)


def _run_onnx(network: Network, points: FloatArray, probe: Probe, state: RunState | None) -> RunTrace:
    from ...hardware_sim.devices.onnx_graphs.run_onnx import run_onnx

    return run_onnx(quantized_network(network, "run: backend `onnx`"), points, probe, state)


def _run_qonnx(network: Network, points: FloatArray, probe: Probe, state: RunState | None) -> RunTrace:
    from ...hardware_sim.devices.onnx_graphs.qonnx_model import run_qonnx

    return run_qonnx(quantized_network(network, "run: backend `qonnx`"), points, probe, state)


_ENGINES: dict[Backend, Callable[[Network, FloatArray, Probe, RunState | None], RunTrace]] = {
    Backend.FLOAT: _run_float,
    Backend.INTEGER: _run_integer,
    Backend.TORCH: _run_torch,
    Backend.C99: _run_c99,
    Backend.RTL: _run_rtl,
    Backend.ONNX: _run_onnx,
    Backend.QONNX: _run_qonnx,
}
"""Functions that evaluate a network on all backends but Lava, by backend."""
