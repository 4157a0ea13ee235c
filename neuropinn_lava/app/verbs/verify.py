"""The parity certificate: torch against the float engine, Lava against the reference engine, in every mode.

    torch    = float     to rounding, where no spike can flip
    Lava     = integer   bit for bit: membrane, fired, payload and output, every step and sample
    batched              all samples, one process a layer and the whole network in one: outputs and counts, and every value of
                         the first `N_PROBED`
    faithful             one sample at a time, `N_FAITHFUL` samples, every value
    dense                the graph of Lava's own Dense followed by the neurons, `N_DENSE` samples, every value

A float network is compared the same way, Lava's floats with the float engine's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ...base.arrays import FloatArray
from ...base.points import checked_points
from ...engine.reference import run_float, run_integer
from ...engine.spike_flips import samples_at_risk
from ...engine.trace import LavaMode, Probe, RunTrace
from ...network.quantized import Network, QuantizedNetwork
from .network_domain import draw_points
from .networks import float_network

if TYPE_CHECKING:
    from ...hardware_sim.parity.certificate import ModeParity, ParitySection, TorchParity
    from ...hardware_sim.parity.compare_traces import FirstDifference
    from ...hardware_sim.steps.choices import LayerModel

DEFAULT_POINTS = 2500
"""Points of a certificate where the user gives none."""
N_FAITHFUL = 64
"""Samples that go through Lava one at a time: 64 take some seconds, and each is compared in full."""
N_DENSE = 16
"""Samples through the graph of Lava's own Dense."""
N_PROBED = 1000
"""Samples of the batched run that are recorded in full."""

FLOAT_TOLERANCE = 1e-12
"""Largest difference of a float network on Lava that counts as none, relative to the largest value: sums in another order."""

Stage = Callable[[str], None]
"""Told what is about to happen, in words."""


def silent(stage: str) -> None:
    """Tell nobody."""


def verify(
    network: Network,
    points: FloatArray | None = None,
    *,
    n_points: int = DEFAULT_POINTS,
    seed: int = 0,
    on_stage: Stage = silent,
) -> ParitySection:
    """Compare all backends on the same points.

    Args:
        network: Float or quantized.
        points: Physical coordinates, shape (n, n_in); None draws `n_points` from the network's box.
        n_points: How many points to draw.
        seed: Seed of the drawn points.
        on_stage: Called with what is about to be compared.

    Returns:
        The certificate; it has no first difference and no mismatch in any mode where all is well.

    Raises:
        SpecError: If the points are not what the network takes.
        SimulationError: If Lava is not available or a run fails.
    """
    from ...hardware_sim.parity.certificate import ParitySection

    source = float_network(network)
    given = draw_points(network, n_points, seed) if points is None else points
    held = checked_points(given, source.n_in, f"verify: points of network {source.name!r}")
    on_stage("torch against the float engine")
    torch_parity = _compare_torch(network, held)
    on_stage(f"the reference engine, {len(held):,} samples")
    expected = _run_reference(network, held, Probe(n_samples=N_PROBED))
    compared = [_compare_mode(network, held, expected, *plan, on_stage) for plan in _plans(network)]
    return ParitySection(
        torch_vs_float=torch_parity,
        modes=tuple(parity for parity, _ in compared),
        first_difference=next((first for _, first in compared if first is not None), None),
    )


def _plans(network: Network) -> list[tuple[LavaMode, LayerModel, int | None]]:
    """List mode, kind of layer and number of samples (None for all); Lava's Dense is exact, and compared, in integers only."""
    from ...hardware_sim.steps.choices import LayerModel

    plans: list[tuple[LavaMode, LayerModel, int | None]] = [
        (LavaMode.BATCHED, LayerModel.WHOLE, None),
        (LavaMode.BATCHED, LayerModel.FUSED, None),
        (LavaMode.FAITHFUL, LayerModel.FUSED, N_FAITHFUL),
    ]
    if isinstance(network, QuantizedNetwork):
        plans.append((LavaMode.FAITHFUL, LayerModel.DENSE, N_DENSE))
    return plans


def _run_reference(network: Network, points: FloatArray, probe: Probe) -> RunTrace:
    """Run the engine that defines the network: integers for a quantized one, floats for a float one."""
    if isinstance(network, QuantizedNetwork):
        return run_integer(network, points, probe)
    return run_float(network, points, probe)


def _compare_torch(network: Network, points: FloatArray) -> TorchParity:
    """Compare torch in float64 with the float engine, where no spike can flip."""
    from ...hardware_sim.parity.certificate import TorchParity
    from ...training.network.rebuild import run_torch

    source = float_network(network)
    expected = run_float(source, points).outputs
    compared = ~samples_at_risk(source, points, np.float64)
    size = float(np.abs(expected).max()) or 1.0
    error = np.abs(run_torch(source, points) - expected)[compared]
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
    on_stage: Stage = silent,
) -> tuple[ModeParity, FirstDifference | None]:
    """Run the first samples on Lava in one mode and compare them with the reference's trace."""
    from ...hardware_sim.lava.simulate import simulate_on_lava
    from ...hardware_sim.parity.certificate import ModeParity
    from ...hardware_sim.parity.compare_traces import compare_traces

    n = len(points) if n_samples is None else min(n_samples, len(points))
    on_stage(f"Lava, {mode.value}, {model.value} layers, {n:,} samples")
    probe = Probe(n_samples=min(N_PROBED, n))
    actual = simulate_on_lava(network, points[:n], mode=mode, model=model, probe=probe)
    wanted = expected if n == len(points) else _run_reference(network, points[:n], probe)
    result = compare_traces(wanted, actual, 0.0 if isinstance(network, QuantizedNetwork) else FLOAT_TOLERANCE)
    parity = ModeParity(
        mode=mode,
        model=model,
        n_samples=result.n_samples,
        values_compared=result.values_compared,
        mismatches=result.mismatches,
    )
    return parity, result.first_difference
