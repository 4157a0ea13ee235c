"""The verb `convert`: a float network into integers, checked against a hardware target.

chip = nl.convert(nl.find_network("poisson"), weight_bits=4).network
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...base.arrays import FloatArray
from ...base.checks import check_choice, raise_violations
from ...base.errors import SpecError
from ...network.given_networks import checked_network, is_module
from ...network.quantized import Network, QuantizedNetwork
from ...network.spec import NetworkSpec
from ..lookup.calibration_points import calibration_points, search_within
from ..lookup.network_domain import known_problem

if TYPE_CHECKING:
    import torch

    from ...conversion import Quantization, QuantizationScheme, TuningSettings
    from ...conversion.tune.tuning import Objective
    from ...problems.problem import PdeProblem

DEFAULT_TARGET = "loihi2"
"""Hardware target that conversions are checked against."""


def convert(
    network: Network | torch.nn.Module,
    scheme: QuantizationScheme | None = None,
    *,
    problem: PdeProblem | None = None,
    points: FloatArray | None = None,
    target: str | Path | None = DEFAULT_TARGET,
    strict: bool = False,
    error_budget: float | None = None,
    tuning: TuningSettings | None = None,
    seed: int = 0,
    time_limit: float | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    on_stage: Callable[[str], None] | None = None,
    **words: Any,
) -> Quantization:
    """Quantize a float network and check it against a hardware target: `convert(network, weight_bits=4)`.

    Args:
        network: The float network; `from_torch` makes one of a torch module.
        scheme: Word lengths and rules; None is the default scheme.
        problem: The problem that the network solves; None looks up the one that its provenance names.
        points: Calibration points, physical, shape (n, n_in), inside the domain; None draws them from the network's problem,
            or from its box where it has none.
        target: Name of a target, path of a TOML file, or None to check nothing. The verdicts of all its rules are returned.
        strict: Refuse every broken rule of the target, also of the limits under `reported_only` in the target's file.
        error_budget: Largest error against the problem's reference in units of the float network's own; the weight bits with
            the fewest synaptic bits within it are searched. None does not search.
        tuning: How to tune the integers afterwards; None does not tune.
        seed: Seed of the points drawn and of tuning.
        time_limit: Seconds after which tuning ends with the best integers so far.
        on_progress: Called with the number of tuning steps that are done, and of all.
        on_stage: Called with a sentence about each trial of the search.
        words: Fields of the scheme by name, such as `weight_bits=4`; they replace those of `scheme`.

    Raises:
        SpecError: If the network is already quantized, or scheme, points and network disagree, if a search or the equation's
            loss needs a problem and none is known, or if an option would have no effect.
        FixedPointError: If the word lengths are too short for the network, or for the error budget.
        HardwareRuleError: If the result breaks rules of the target; all of them are listed.
    """
    from ...conversion import find_target, quantize_network, require_fit

    if time_limit is not None and tuning is None:
        repair = "Give `tuning=TuningSettings()`, or leave the limit out."
        raise SpecError("convert.time_limit", "be left out without tuning, which alone is limited", time_limit, repair)
    source = float_source(network)
    limits = find_target(target) if target is not None else None
    chosen = _chosen_scheme(scheme, source, words)
    known = known_problem(source, problem, "convert.problem")
    held = calibration_points(source, points, tuning is not None, seed, known)
    if error_budget is not None:
        chosen = search_within(source, chosen, error_budget, held, seed, known, on_stage)
    if tuning is None:
        quantization = quantize_network(source, chosen, held)
    else:
        quantization = _tuned(source, chosen, held, tuning, seed, known, time_limit, on_progress)
    if limits is None:
        return quantization
    return dataclasses.replace(quantization, check=require_fit(quantization.network, limits, strict=strict))


def _tuned(
    source: NetworkSpec,
    scheme: QuantizationScheme,
    points: FloatArray | None,
    settings: TuningSettings,
    seed: int,
    problem: PdeProblem | None,
    time_limit: float | None,
    on_progress: Callable[[int, int], None] | None,
) -> Quantization:
    """Quantize a network and tune its integers."""
    from ...conversion.tune.tuning import tune_network

    return tune_network(
        source,
        scheme,
        points,
        settings=settings,
        objective=_tuning_objective(source, settings, problem),
        seed=seed,
        time_limit=time_limit,
        on_progress=on_progress,
    )


def float_source(network: Network | torch.nn.Module) -> NetworkSpec:
    """Return the float network to convert; read a torch module, and refuse a quantized network."""
    if is_module(network):
        from ...conversion.formats.torch_modules import from_torch

        text = "convert(module) ends with version 3.0: write convert(from_torch(module))"
        warnings.warn(text, DeprecationWarning, stacklevel=3)
        return from_torch(network)  # type: ignore[arg-type]
    held = checked_network(network, "convert.network")
    if isinstance(held, QuantizedNetwork):
        repair = "Convert its source, `network.source`, or the float file that it was made from."
        raise SpecError(f"convert: network {held.name!r}", "be a float network", "a quantized one", repair)
    return held


def _chosen_scheme(
    scheme: QuantizationScheme | None, network: NetworkSpec, words: dict[str, Any]
) -> QuantizationScheme:
    """Return the scheme, with the fields replaced that are given as keywords.

    Raises:
        SpecError: If a keyword is none of the scheme's, or if no layer can be equalized where that is asked for.
    """
    from ...conversion import Equalization, QuantizationScheme
    from ...conversion.quantize.equalization import HOMOGENEOUS

    known = [each.name for each in dataclasses.fields(QuantizationScheme)]
    raise_violations(each for name in words for each in check_choice("convert: keyword", name, known))
    chosen = dataclasses.replace(scheme or QuantizationScheme(), **words)
    phis = sorted({layer.activation for layer in network.populations})
    if chosen.equalization is not Equalization.NONE and not set(phis) & set(HOMOGENEOUS):
        rule = f"be left out where no layer is {' or '.join(HOMOGENEOUS)}"
        repair = "Leave the equalization out: it would change nothing."
        raise SpecError("QuantizationScheme.equalization", rule, f"layers of {', '.join(phis)}", repair)
    return chosen


def _tuning_objective(network: NetworkSpec, tuning: TuningSettings, problem: PdeProblem | None) -> Objective | None:
    """Build the equation's loss where the settings ask for it.

    Raises:
        SpecError: If the network's problem is not known.
    """
    from ...conversion import TuningLoss

    if tuning.loss is TuningLoss.DISTILLATION:
        return None
    from ...conversion.tune.equation_loss import equation_objective

    if problem is None:
        repair = "Tune by distillation, or give `problem=`."
        where = f"tuning by {tuning.loss.value!r}: network {network.name!r}"
        raise SpecError(where, "get a network whose problem is known", network.provenance.problem, repair)
    return equation_objective(problem, network)
