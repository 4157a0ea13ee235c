"""Deploy spiking physics-informed networks: quantize, run on Lava's CPU simulator, compare, count operations and energy.

    import neuropinn_lava as nl

    spec = nl.from_torch(module, lower=[0, 0], upper=[1, 1])     # a torch module of Linear and VSN layers
    chip = nl.convert(spec).network                                  # integers and power-of-two scales
    trace = nl.run(chip, points, backend="lava")                     # the same bits as the integer reference

Names load what they need when they are first used: importing the package loads neither torch nor Lava nor h5py.
"""

from __future__ import annotations

import importlib
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .app.lookup.networks import find_network, list_models
    from .app.stream.grid import function_grid, run_grid
    from .app.stream.stream import StreamProgress, StreamSummary, stream
    from .app.sweep.grid import SweepGrid
    from .app.sweep.plan import SweepPlan, plan_sweep
    from .app.sweep.result import Sweep, SweepProgress
    from .app.sweep.sweep import sweep
    from .app.verbs.convert import convert
    from .app.verbs.demo import demo
    from .app.verbs.distill import distill
    from .app.verbs.estimate_error import estimate_error
    from .app.verbs.homogenize import Homogenization, homogenize
    from .app.verbs.profile import HardwareChoices, profile
    from .app.verbs.run import run
    from .app.verbs.train import RecipeChanges, TrainingFiles, train
    from .app.verbs.verify import verify
    from .app.workers.dask_pool import ClusterChoice
    from .base.errors import (
        DomainWarning,
        FileFormatError,
        FixedPointError,
        HardwareRuleError,
        NeuroPinnError,
        SimulationError,
        SpecError,
        TrainingError,
    )
    from .conversion import (
        Equalization,
        Granularity,
        HardwareTarget,
        LayerQuantization,
        Quantization,
        QuantizationReport,
        QuantizationScheme,
        RangeRule,
        Rounding,
        RuleVerdict,
        TargetCheck,
        TuningLoss,
        TuningReport,
        TuningSettings,
        Verdict,
        check_network,
        find_target,
        quantize_network,
        require_fit,
    )
    from .conversion.formats.factories import load_module
    from .conversion.formats.torch_modules import from_torch
    from .engine.folding import fold_at
    from .engine.reference import run_float, run_integer
    from .engine.state import RunState
    from .engine.trace import Backend, LavaMode, LayerModel, Probe, RunTrace
    from .files.mesh_file import read_mesh
    from .files.network_file import read_network, write_network
    from .files.state_file import read_state, write_state
    from .geometry.curved_domain import CurvedDomain
    from .geometry.domain import Box, Domain
    from .geometry.fields.scalar_fields import Polynomial, Trigonometric
    from .geometry.function_samples import Interpolation
    from .geometry.mesh_domain import MeshDomain
    from .geometry.parametric_domain import Range
    from .geometry.plane_region import Disc, PlaneRegion
    from .geometry.polygon import PolygonDomain
    from .geometry.space_time import SpaceTime
    from .hardware_sim.counts.counting import count_operations
    from .hardware_sim.counts.held import run_held
    from .hardware_sim.counts.operations import NodeOperations, OperationCounts
    from .hardware_sim.lava.graph import LavaNetwork, to_lava
    from .hardware_sim.parity.certificate import ModeParity, ParitySection, TorchParity
    from .hardware_sim.report.report import Report
    from .network.nodes import ConnectionSpec, InputSpec, OutputSpec, Polarity, PopulationSpec, ProductSpec
    from .network.quantized import QuantizedNetwork
    from .network.quantized_nodes import (
        QuantizedAffine,
        QuantizedConnection,
        QuantizedOutput,
        QuantizedPopulation,
        QuantizedProduct,
        Word,
    )
    from .network.spec import NetworkSpec, ProblemParameter, Provenance, Readout
    from .network.transforms import AffineTransform, Ansatz
    from .problems import find_problem, list_problems
    from .problems.built_in import vanishing_ansatz, vanishing_polynomial
    from .problems.coefficients import Coefficient
    from .problems.conditions import (
        Data,
        Dirichlet,
        Equation,
        Free,
        Initial,
        InitialDerivative,
        Interface,
        Mean,
        Neumann,
        Periodic,
        Robin,
        Smooth,
    )
    from .problems.problem import PdeProblem
    from .problems.recipes.phases import Jitter, Marching, Optimizer, PhaseRecipe, Refinement
    from .problems.recipes.recipe import (
        CloudRecipe,
        DiscreteTeacher,
        Embedding,
        NetworkRecipe,
        ResidualWeights,
        Skips,
        Surrogate,
        TeacherRecipe,
        TrainingRecipe,
        random_waves,
    )
    from .problems.reference_solution import ReferenceSolution
    from .training.network.network import VsnNetwork
    from .training.neuron.vsn import VSN
    from .training.run.history import TrainingHistory, TrainingProgress
    from .training.run.outcome import TrainingResult, TrainingStatus

__version__ = "2.0.0"

_HOME = {
    # A problem: geometry, equation, conditions, reference
    "find_problem": "problems",
    "list_problems": "problems",
    "PdeProblem": "problems.problem",
    "Coefficient": "problems.coefficients",
    "Range": "geometry.parametric_domain",
    "Data": "problems.conditions",
    "Dirichlet": "problems.conditions",
    "Equation": "problems.conditions",
    "Free": "problems.conditions",
    "Initial": "problems.conditions",
    "InitialDerivative": "problems.conditions",
    "Interface": "problems.conditions",
    "Mean": "problems.conditions",
    "Neumann": "problems.conditions",
    "Periodic": "problems.conditions",
    "Robin": "problems.conditions",
    "Smooth": "problems.conditions",
    "ReferenceSolution": "problems.reference_solution",
    "vanishing_ansatz": "problems.built_in",
    "vanishing_polynomial": "problems.built_in",
    "Box": "geometry.domain",
    "Domain": "geometry.domain",
    "PolygonDomain": "geometry.polygon",
    "CurvedDomain": "geometry.curved_domain",
    "Disc": "geometry.plane_region",
    "PlaneRegion": "geometry.plane_region",
    "SpaceTime": "geometry.space_time",
    "MeshDomain": "geometry.mesh_domain",
    "read_mesh": "files.mesh_file",
    "Polynomial": "geometry.fields.scalar_fields",
    "Trigonometric": "geometry.fields.scalar_fields",
    "ProblemParameter": "network.spec",
    "Ansatz": "network.transforms",
    # Training: the recipe, the verb, what it returns
    "RecipeChanges": "app.verbs.train",
    "TrainingFiles": "app.verbs.train",
    "train": "app.verbs.train",
    "distill": "app.verbs.distill",
    "FunctionSpace": "geometry.function_space",
    "GaussianField": "geometry.function_space",
    "SineSeries": "geometry.function_space",
    "OperatorRecipe": "problems.recipes.operator_recipe",
    "CloudRecipe": "problems.recipes.recipe",
    "Jitter": "problems.recipes.phases",
    "Marching": "problems.recipes.phases",
    "NetworkRecipe": "problems.recipes.recipe",
    "Optimizer": "problems.recipes.phases",
    "PhaseRecipe": "problems.recipes.phases",
    "Refinement": "problems.recipes.phases",
    "ResidualWeights": "problems.recipes.recipe",
    "Surrogate": "problems.recipes.recipe",
    "DiscreteTeacher": "problems.recipes.recipe",
    "Embedding": "problems.recipes.recipe",
    "Skips": "problems.recipes.recipe",
    "random_waves": "problems.recipes.recipe",
    "TeacherRecipe": "problems.recipes.recipe",
    "TrainingRecipe": "problems.recipes.recipe",
    "TrainingHistory": "training.run.history",
    "TrainingProgress": "training.run.history",
    "TrainingResult": "training.run.outcome",
    "TrainingStatus": "training.run.outcome",
    # A network of your own: from torch, by name, and its record
    "from_torch": "conversion.formats.torch_modules",
    "load_module": "conversion.formats.factories",
    "VSN": "training.neuron.vsn",
    "VsnNetwork": "training.network.network",
    "find_network": "app.lookup.networks",
    "list_models": "app.lookup.networks",
    "NetworkSpec": "network.spec",
    "InputSpec": "network.nodes",
    "ConnectionSpec": "network.nodes",
    "PopulationSpec": "network.nodes",
    "ProductSpec": "network.nodes",
    "OutputSpec": "network.nodes",
    "Polarity": "network.nodes",
    "Provenance": "network.spec",
    "Readout": "network.spec",
    "AffineTransform": "network.transforms",
    # Conversion: integers, and the hardware target that they fit
    "convert": "app.verbs.convert",
    "Equalization": "conversion",
    "Granularity": "conversion",
    "HardwareTarget": "conversion",
    "LayerQuantization": "conversion",
    "Quantization": "conversion",
    "QuantizationReport": "conversion",
    "QuantizationScheme": "conversion",
    "RangeRule": "conversion",
    "Rounding": "conversion",
    "RuleVerdict": "conversion",
    "TargetCheck": "conversion",
    "TuningLoss": "conversion",
    "TuningReport": "conversion",
    "TuningSettings": "conversion",
    "Verdict": "conversion",
    "check_network": "conversion",
    "find_target": "conversion",
    "quantize_network": "conversion",
    "require_fit": "conversion",
    "QuantizedNetwork": "network.quantized",
    "QuantizedConnection": "network.quantized_nodes",
    "QuantizedAffine": "network.quantized_nodes",
    "QuantizedPopulation": "network.quantized_nodes",
    "QuantizedProduct": "network.quantized_nodes",
    "QuantizedOutput": "network.quantized_nodes",
    "Word": "network.quantized_nodes",
    # Running a network, on any backend and any number of points
    "run": "app.verbs.run",
    "verify": "app.verbs.verify",
    "estimate_error": "app.verbs.estimate_error",
    "export": "app.verbs.export",
    "ExportFormat": "app.verbs.export",
    "StreamProgress": "app.stream.stream",
    "StreamSummary": "app.stream.stream",
    "stream": "app.stream.stream",
    "run_grid": "app.stream.grid",
    "function_grid": "app.stream.grid",
    "Interpolation": "geometry.function_samples",
    "ClusterChoice": "app.workers.dask_pool",
    "run_float": "engine.reference",
    "run_integer": "engine.reference",
    "Backend": "engine.trace",
    "LavaMode": "engine.trace",
    "LayerModel": "engine.trace",
    "Probe": "engine.trace",
    "RunTrace": "engine.trace",
    "RunState": "engine.state",
    "read_state": "files.state_file",
    "write_state": "files.state_file",
    "LavaNetwork": "hardware_sim.lava.graph",
    "to_lava": "hardware_sim.lava.graph",
    "DeviceParity": "hardware_sim.parity.certificate",
    "ModeParity": "hardware_sim.parity.certificate",
    "ParitySection": "hardware_sim.parity.certificate",
    "TorchParity": "hardware_sim.parity.certificate",
    # Counts, energy and reports
    "HardwareChoices": "app.verbs.profile",
    "profile": "app.verbs.profile",
    "demo": "app.verbs.demo",
    "Homogenization": "app.verbs.homogenize",
    "homogenize": "app.verbs.homogenize",
    "sweep": "app.sweep.sweep",
    "SweepGrid": "app.sweep.grid",
    "SweepPlan": "app.sweep.plan",
    "plan_sweep": "app.sweep.plan",
    "Sweep": "app.sweep.result",
    "SweepProgress": "app.sweep.result",
    "NodeOperations": "hardware_sim.counts.operations",
    "OperationCounts": "hardware_sim.counts.operations",
    "count_operations": "hardware_sim.counts.counting",
    "run_held": "hardware_sim.counts.held",
    "fold_at": "engine.folding",
    "Report": "hardware_sim.report.report",
    # Files and errors
    "read_network": "files.network_file",
    "write_network": "files.network_file",
    "DomainWarning": "base.errors",
    "FileFormatError": "base.errors",
    "FixedPointError": "base.errors",
    "HardwareRuleError": "base.errors",
    "NeuroPinnError": "base.errors",
    "SimulationError": "base.errors",
    "SpecError": "base.errors",
    "TrainingError": "base.errors",
}
"""The public names, grouped by what a user does, and the module of each."""

_RENAMED = {
    "export_network": "from_torch",
    "read_module": "from_torch",
    "stream_on_cluster": "stream",
    "LayerOperations": "NodeOperations",
}
"""Former public names and their successors, to which they forward until version 3.0."""
_REPLACED = {
    "LayerSpec": "PopulationSpec, which holds its weights in `connections=(ConnectionSpec(source=..., weight=...),)`"
}
"""Former public names that cannot forward, because what took their place is built in another way."""
_warned: set[str] = set()
"""Former names that were used, and warned of, in this process."""

__all__ = [*_HOME, "__version__"]


def __getattr__(name: str) -> Any:
    """Load a public name from its module on first use; a former name warns once and forwards to its successor."""
    if name in _RENAMED:
        if name not in _warned:
            _warned.add(name)
            text = f"neuropinn_lava.{name} is now neuropinn_lava.{_RENAMED[name]}; the old name ends with version 3.0"
            warnings.warn(text, DeprecationWarning, stacklevel=2)
        name = _RENAMED[name]
    if name in _REPLACED:
        raise AttributeError(
            f"neuropinn_lava.{name} is now {_REPLACED[name]}; docs/migration.md shows how a chain is written"
        )
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
