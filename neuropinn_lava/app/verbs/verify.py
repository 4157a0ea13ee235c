"""The parity certificate: torch against the float engine, Lava in every mode and other hardware against the reference engine.

    torch    = float     to rounding, where no spike can flip
    Lava     = integer   bit for bit: membrane, fired, payload and output, every step and sample
    batched              all samples, one process a node and the whole network in one: outputs and counts, and every value of
                         the first `N_PROBED`
    faithful             one sample at a time, at most `N_FAITHFUL` samples, every value
    dense                the graph of Lava's own Dense followed by the neurons, one at a time, at most `N_DENSE` samples, every
                         value: a third of all values at T = 1

    C99, RTL, ONNX, QONNX    the samples of `N_ON_DEVICE`, every value of the first `N_PROBED`, where they are asked for

A float network is compared the same way, Lava's floats with the float engine's; other hardware has no floats.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...base.arrays import FloatArray
from ...base.checks import check_choice, raise_violations
from ...base.errors import SimulationError, SpecError
from ...engine.reference import run_float, run_integer
from ...engine.schedule import schedule_network
from ...engine.spike_flips import samples_at_risk
from ...engine.trace import Backend, LavaMode, LayerModel, Probe, RunTrace
from ...network.given_networks import checked_network
from ...network.given_points import checked_samples
from ...network.quantized import Network, QuantizedNetwork
from ..lookup.devices import check_tools
from ..lookup.network_domain import draw_points, known_problem, warn_outside
from ..lookup.networks import float_network, quantized_network
from .run import RunChoices, run_chosen

if TYPE_CHECKING:
    from ...hardware_sim.parity.certificate import DeviceParity, ModeParity, ParitySection, TorchParity
    from ...hardware_sim.parity.compare_traces import FirstDifference
    from ...problems.problem import PdeProblem

DEFAULT_POINTS = 2500
"""Points of a certificate where the user gives none."""
N_FAITHFUL = 64
"""Most samples that go through Lava one at a time, each compared in full; they run for some seconds."""
N_DENSE = 1100
"""Most samples through the graph of Lava's own Dense, all recorded: for a network of 3 x 50 neurons 35 % of all values."""
N_DENSE_STEPS = 9 * 4 * N_DENSE
"""Steps of single processes, of which such a network has nine, that a certificate spends on Dense at most: 0.2 ms each."""
N_FAITHFUL_STEPS = 10_000
"""The same for one process a node; long sequences, large graphs and loops get fewer samples than `N_FAITHFUL`."""
N_PROBED = 1000
"""Samples of the batched runs that are recorded in full."""

N_ON_DEVICE = {Backend.C99: None, Backend.ONNX: None, Backend.QONNX: 500, Backend.RTL: 1000}
"""Most samples that go through other hardware, by backend; None for all. QONNX's reference and a simulated core are slow."""
N_INTERPRETED = 20
"""Most samples that go through a core where Verilator is not installed: its simulator takes half a second for each."""

FLOAT_TOLERANCE = 1e-12
"""Largest difference of a float network on Lava that counts as none, relative to the largest value: sums in another order."""

OnStage = Callable[[str], None] | None
"""Function that is called with a description of each step when it begins; None calls nothing."""


def announce(on_stage: OnStage, stage: str) -> None:
    """Call the function with the description of a step, if there is one."""
    if on_stage is not None:
        on_stage(stage)


def verify(
    network: Network,
    points: FloatArray | None = None,
    *,
    problem: PdeProblem | None = None,
    n_points: int | None = None,
    seed: int = 0,
    backends: Sequence[Backend | str] = (Backend.LAVA,),
    on_stage: OnStage = None,
) -> ParitySection:
    """Compare backends with the reference engine on the same points.

    Args:
        network: Float or quantized.
        points: Physical coordinates, shape (n, n_in); None draws `n_points` from the problem's domain, or from the
            network's box where there is no problem.
        problem: The problem that the network solves; None looks up the one that its provenance names.
        n_points: Number of points to draw, where none are given; None is `DEFAULT_POINTS`.
        seed: Seed of the drawn points.
        backends: What is compared: `lava`, `c99`, `rtl`, `onnx`, `qonnx`, any number of them.
        on_stage: Called with a description of each comparison when it begins.

    Returns:
        The certificate. Without a mismatch anywhere, its first difference is None.

    Raises:
        SpecError: If points or problem do not fit the network, points are given together with their number, a backend is
            unknown or the reference itself, or a float network is asked for on hardware that has only integers.
        SimulationError: If Lava is not available or a run fails.
    """
    found = checked_network(network, "verify.network")
    known = known_problem(found, problem, "verify.problem")
    chosen = _checked_backends(backends)
    held = given_or_drawn(found, points, n_points, seed, "verify", known)
    if Backend.LAVA in chosen:
        others = ", ".join(repr(each.value) for each in N_ON_DEVICE)
        check_lava("verify", f"Or compare other hardware, by backends: {others}.")
    return compare_backends(found, held, on_stage, chosen)


def _checked_backends(backends: Sequence[Backend | str]) -> tuple[Backend, ...]:
    """Return the backends that are to be compared with the reference, each once."""
    known = [each.value for each in (Backend.LAVA, *N_ON_DEVICE)]
    names = [backends] if isinstance(backends, str) else list(backends)
    texts = [each.value if isinstance(each, Backend) else each for each in names]
    raise_violations(violation for text in texts for violation in check_choice("verify.backends", text, known))
    if not texts:
        raise SpecError("verify.backends", "name at least one backend", texts, f"Choose some of {', '.join(known)}.")
    check_tools(texts)
    return tuple(dict.fromkeys(Backend(text) for text in texts))


def given_or_drawn(
    network: Network,
    points: FloatArray | None,
    n_points: int | None,
    seed: int,
    where: str,
    problem: PdeProblem | None,
) -> FloatArray:
    """Check the user's points and warn of those outside the domain, or draw points of the domain.

    Raises:
        SpecError: If the points are not what the network takes, or are given together with their number.
    """
    if points is None:
        return draw_points(network, DEFAULT_POINTS if n_points is None else n_points, seed, problem)
    if n_points is not None:
        rule = "be left out beside points, which are as many as they are"
        raise SpecError(f"{where}.n_points", rule, n_points, "Leave it out, or leave the points out.")
    held = checked_samples(points, network, f"{where}: points of network {float_network(network).name!r}")
    warn_outside(network, held, where, problem, stacklevel=4)
    return held


def check_lava(where: str, repair: str) -> None:
    """Raise an error where Lava does not run, before work that needs it.

    Args:
        where: The verb, for the error.
        repair: The repair besides using another Python.

    Raises:
        SimulationError: If Lava does not run here.
    """
    from ...hardware_sim.runner import lava_guard

    try:
        lava_guard.require_lava()
    except SimulationError as error:
        cause = error.violations[0]
        raise SimulationError(where, cause.rule, cause.got, f"Use Python 3.10 on Linux or macOS. {repair}") from error


def compare_backends(
    network: Network, held: FloatArray, on_stage: OnStage = None, backends: Sequence[Backend] = (Backend.LAVA,)
) -> ParitySection:
    """Compare backends on checked points, without a warning of points outside the domain."""
    from ...hardware_sim.parity.certificate import ParitySection

    announce(on_stage, "torch against the float engine")
    torch_parity = _compare_torch(network, held)
    announce(on_stage, f"the reference engine, {len(held):,} samples")
    expected = _run_reference(network, held, Probe(n_samples=N_PROBED))
    plans = _plans(network, expected.n_steps) if Backend.LAVA in backends else []
    modes = [_compare_mode(network, held, expected, *plan, on_stage) for plan in plans]
    others = [each for each in backends if each is not Backend.LAVA]
    devices = [_compare_device(network, held, expected, each, on_stage) for each in others]
    firsts = [first for _, first in (*modes, *devices) if first is not None]
    return ParitySection(
        torch_vs_float=torch_parity,
        modes=tuple(parity for parity, _ in modes),
        devices=tuple(parity for parity, _ in devices),
        first_difference=firsts[0] if firsts else None,
    )


def _most_samples(backend: Backend) -> int | None:
    """Return the most samples that go through other hardware; None for all."""
    if backend is Backend.RTL:
        from ...hardware_sim.devices.rtl.verilator import has_verilator

        return N_ON_DEVICE[backend] if has_verilator() else N_INTERPRETED
    return N_ON_DEVICE[backend]


def _compare_device(
    network: Network, points: FloatArray, expected: RunTrace, backend: Backend, on_stage: OnStage
) -> tuple[DeviceParity, FirstDifference | None]:
    """Run the first samples on other hardware and compare them with the reference's trace."""
    from ...hardware_sim.parity.certificate import DeviceParity
    from ...hardware_sim.parity.compare_traces import compare_traces

    held = quantized_network(network, f"verify: backend `{backend.value}`")
    n = min(_most_samples(backend) or len(points), len(points))
    announce(on_stage, f"{backend.value}, {n:,} samples")
    probe = Probe(n_samples=min(N_PROBED, n))
    actual = run_chosen(held, points[:n], RunChoices(backend=backend), probe)
    wanted = expected if n == len(points) else _run_reference(held, points[:n], probe)
    result = compare_traces(wanted, actual, network=held)
    parity = DeviceParity(
        backend=backend,
        n_samples=result.n_samples,
        values_compared=result.values_compared,
        mismatches=result.mismatches,
    )
    return parity, result.first_difference


def _plans(network: Network, n_steps: int) -> list[tuple[LavaMode, LayerModel, int | None]]:
    """List mode, kind of layer and number of samples (None for all); Lava's Dense is exact, and compared, in integers only."""
    n_faithful = _affordable(network, n_steps, LayerModel.FUSED, N_FAITHFUL, N_FAITHFUL_STEPS)
    plans: list[tuple[LavaMode, LayerModel, int | None]] = [
        (LavaMode.BATCHED, LayerModel.WHOLE, None),
        (LavaMode.BATCHED, LayerModel.FUSED, None),
        (LavaMode.FAITHFUL, LayerModel.FUSED, n_faithful),
    ]
    if isinstance(network, QuantizedNetwork):
        n_dense = _affordable(network, n_steps, LayerModel.DENSE, N_DENSE, N_DENSE_STEPS)
        plans.append((LavaMode.FAITHFUL, LayerModel.DENSE, n_dense))
    return plans


def _affordable(network: Network, n_steps: int, model: LayerModel, most: int, n_process_steps: int) -> int:
    """Count the samples, one to `most`, whose steps of all processes together are at most so many."""
    from ...hardware_sim.lava.plan import plan_run

    plan = plan_run(network, 1, mode=LavaMode.FAITHFUL, model=model, n_steps=n_steps)
    return min(most, max(1, n_process_steps // (plan.n_processes * n_steps * plan.interval)))


def _run_reference(network: Network, points: FloatArray, probe: Probe) -> RunTrace:
    """Run the engine that defines the network: integers for a quantized one, floats for a float one."""
    if isinstance(network, QuantizedNetwork):
        return run_integer(network, points, probe)
    return run_float(network, points, probe)


def _compare_torch(network: Network, points: FloatArray) -> TorchParity:
    """Compare torch in float64 with the float engine, where no spike can flip."""
    from ...hardware_sim.parity.certificate import TorchParity
    from ...training.network.trace import run_torch

    source = float_network(network)
    expected = run_float(source, points).outputs
    compared = ~samples_at_risk(source, points, np.float64)
    size = float(np.abs(expected).max()) or 1.0
    error = np.abs(run_torch(source, points).outputs - expected)[compared]
    return TorchParity(
        max_error_over_max_u=float(error.max()) / size if error.size else 0.0,
        n_compared=int(compared.sum()),
        n_excluded=int((~compared).sum()),
    )


def _compare_mode(
    network: Network,
    points: FloatArray,
    expected: RunTrace,
    mode: LavaMode,
    model: LayerModel,
    n_samples: int | None,
    on_stage: OnStage = None,
) -> tuple[ModeParity, FirstDifference | None]:
    """Run the first samples on Lava in one mode and compare them with the reference's trace."""
    from ...hardware_sim.lava.simulate import simulate_on_lava
    from ...hardware_sim.parity.certificate import ModeParity
    from ...hardware_sim.parity.compare_traces import compare_traces

    n = len(points) if n_samples is None else min(n_samples, len(points))
    announce(on_stage, f"Lava, {mode.value}, {model.value} layers, {n:,} samples")
    probe = Probe(n_samples=n if mode is LavaMode.FAITHFUL else min(N_PROBED, n))
    actual = simulate_on_lava(network, points[:n], mode=mode, model=model, probe=probe)
    is_recorded = n == len(points) and probe.n_samples <= N_PROBED
    wanted = expected if is_recorded else _run_reference(network, points[:n], probe)
    tolerance = 0.0 if isinstance(network, QuantizedNetwork) else FLOAT_TOLERANCE
    result = compare_traces(wanted, actual, tolerance, network)
    parity = ModeParity(
        mode=mode,
        model=model,
        interval=1 if model is LayerModel.WHOLE else schedule_network(network).interval,
        n_samples=result.n_samples,
        values_compared=result.values_compared,
        mismatches=result.mismatches,
    )
    return parity, result.first_difference
