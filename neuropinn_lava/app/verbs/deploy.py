"""The verbs of the package as functions: convert, run. `verify`, `profile`, `train_problem` and `demo` have files of their own.

import neuropinn_lava as nl
chip = nl.convert(nl.find_network("poisson")).network
trace = nl.run(chip, points, backend="lava")
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ...base.arrays import FloatArray
from ...base.errors import SpecError
from ...engine.reference import run_float, run_integer
from ...engine.trace import NO_PROBE, Backend, LavaMode, Probe, RunTrace
from ...network.quantized import Network, QuantizedNetwork
from ...network.spec import NetworkSpec
from .calibration_points import calibration_points, search_within
from .modules import is_module
from .network_domain import known_problem
from .networks import float_network, quantized_network

if TYPE_CHECKING:
    import torch

    from ...conversion import Quantization, QuantizationScheme, TuningSettings
    from ...conversion.tune.tuning import Objective
    from ...hardware_sim.steps.choices import LayerModel

DEFAULT_TARGET = "loihi2"
"""Hardware target that conversions are checked against."""


def convert(
    network: Network | torch.nn.Module,
    scheme: QuantizationScheme | None = None,
    *,
    points: FloatArray | None = None,
    target: str | Path | None = DEFAULT_TARGET,
    error_budget: float | None = None,
    tuning: TuningSettings | None = None,
    seed: int = 0,
    time_limit: float | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    on_stage: Callable[[str], None] | None = None,
) -> Quantization:
    """Quantize a float network and check it against a hardware target.

    Args:
        network: The float network, or a torch module of Linear layers and activations on [-1, 1]^n (`read_module` takes
            other boxes, transforms and built-in conditions).
        scheme: Word lengths and rules; None is the default scheme.
        points: Calibration points, physical, shape (n, n_in), inside the domain; None draws them from the network's problem,
            or from its box where it has none.
        target: Name of a target, path of a TOML file, or None to check nothing.
        error_budget: Largest error allowed, as a multiple of the float network's own against its problem's reference; the
            weight bits with the fewest synaptic bits within it are searched.
        tuning: How to tune the integers afterwards; None does not tune.
        seed: Seed of the points drawn and of tuning.
        time_limit: Seconds after which tuning gives the best it has.
        on_progress: Called with steps done and steps in all of tuning.
        on_stage: Called, in words, with each choice of weight bits that the search tries.

    Raises:
        SpecError: If the network is already quantized, or scheme, points and network disagree, or if a search or the
            equation's loss needs a problem and none is known.
        FixedPointError: If the words cannot hold the network, or not within the error budget.
        HardwareRuleError: If the result breaks rules of the target; all of them are listed.
    """
    from ...conversion import QuantizationScheme, check_network, find_target, quantize_network

    source = _float_source(network)
    limits = find_target(target) if target is not None else None
    chosen = scheme or QuantizationScheme()
    held = calibration_points(source, points, tuning is not None, seed)
    if error_budget is not None:
        chosen = search_within(source, chosen, error_budget, held, seed, on_stage)
    if tuning is None:
        quantization = quantize_network(source, chosen, held)
    else:
        quantization = _tuned(source, chosen, held, tuning, seed, time_limit, on_progress)
    if limits is not None:
        check_network(quantization.network, limits)
    return quantization


def _tuned(
    source: NetworkSpec,
    scheme: QuantizationScheme,
    points: FloatArray | None,
    settings: TuningSettings,
    seed: int,
    time_limit: float | None,
    on_progress: Callable[[int, int], None] | None,
) -> Quantization:
    """Quantize and tune; torch is loaded for it."""
    from ...conversion.tune.tuning import tune_network

    return tune_network(
        source,
        scheme,
        points,
        settings=settings,
        objective=_tuning_objective(source, settings),
        seed=seed,
        time_limit=time_limit,
        on_progress=on_progress,
    )


def _float_source(network: Network | torch.nn.Module) -> NetworkSpec:
    """Give the float network to convert; read a torch module, refuse what is quantized already."""
    if isinstance(network, QuantizedNetwork):
        mend = "Convert its source, `network.source`, or the float file that it was made from."
        raise SpecError(f"convert: network {network.name!r}", "a float network", "a quantized one", mend)
    if isinstance(network, NetworkSpec):
        return network
    if not is_module(network):
        mend = "Give a NetworkSpec, or a torch module of Linear layers and activations."
        raise SpecError("convert.network", "a float network or a torch module", type(network).__name__, mend)
    from ...conversion.formats.torch_modules import read_module

    return read_module(network)


def _tuning_objective(network: NetworkSpec, tuning: TuningSettings) -> Objective | None:
    """Make the equation's loss where the settings ask for it.

    Raises:
        SpecError: If the network's problem is not known.
    """
    from ...conversion import TuningLoss

    if tuning.loss is TuningLoss.DISTILLATION:
        return None
    from ...conversion.tune.equation_loss import equation_objective

    problem = known_problem(network)
    if problem is None:
        mend = "Tune by distillation, or export the network with the name of its problem in `provenance`."
        where = f"tuning by {tuning.loss.value!r}: network {network.name!r}"
        raise SpecError(where, "a network whose problem is known", network.provenance.problem, mend)
    return equation_objective(problem, network)


def run(
    network: Network,
    points: FloatArray,
    *,
    backend: Backend | str = Backend.INTEGER,
    mode: LavaMode | str = LavaMode.BATCHED,
    probe: Probe = NO_PROBE,
    on_progress: Callable[[int, int], None] | None = None,
    time_limit: float | None = None,
    model: LayerModel | str | None = None,
    batch_size: int | None = None,
    n_cores: int | None = None,
) -> RunTrace:
    """Evaluate a network at points on one of the backends.

    Args:
        network: Float or quantized.
        points: Physical coordinates, shape (n, n_in), space first, time last; points outside the domain are allowed.
        backend: `float` runs the float network, or the one that a quantized network came from; `integer` the integer
            reference; `lava` Lava's CPU simulator, with integers for a quantized network and floats for a float one.
        mode: How samples go through Lava.
        probe: What to record in full.
        on_progress: Called with samples done and samples in all; only Lava runs report.
        time_limit: Seconds after which a Lava run is ended with an error.
        model: What layers are made of on Lava; None chooses, as for the next two: `plan_run` tells what and why.
        batch_size: Samples in a message on Lava.
        n_cores: Cores that a Lava run may use.

    Raises:
        SpecError: If points and network disagree, or if integers are asked of a float network.
        SimulationError: If Lava is not available or a run fails.
    """
    chosen = Backend(backend)
    if chosen is Backend.LAVA:
        from ...hardware_sim.lava.simulate import LayerModel, simulate_on_lava

        return simulate_on_lava(
            network,
            points,
            mode=LavaMode(mode),
            probe=probe,
            model=None if model is None else LayerModel(model),
            batch_size=batch_size,
            n_cores=n_cores,
            on_progress=on_progress,
            time_limit=time_limit,
        )
    if chosen is Backend.INTEGER:
        return run_integer(quantized_network(network, "run: backend `integer`"), points, probe)
    return run_float(float_network(network), points, probe)
