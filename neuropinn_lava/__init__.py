"""Deploy spiking physics-informed networks: quantize, run on Lava's CPU simulator, compare, count operations and energy.

    import neuropinn_lava as nl

    spec = nl.export_network(module, lower=[0, 0], upper=[1, 1])     # a torch module of Linear and VSN layers
    chip = nl.convert(spec).network                                  # integers and power-of-two scales
    trace = nl.run(chip, points, backend="lava")                     # the same bits as the integer reference

Names load what they need when they are first used: importing the package loads neither torch nor Lava nor h5py.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .app.cluster_streams import stream_on_cluster
    from .app.dask_pool import ClusterChoice
    from .app.demo import demo
    from .app.homogenize import homogenize
    from .app.models import find_network, list_models
    from .app.profile import profile
    from .app.streams import stream
    from .app.sweep import sweep
    from .app.sweep_grid import SweepGrid
    from .app.sweep_plan import plan_sweep
    from .app.train import train
    from .app.verbs import convert, run
    from .app.verify import verify
    from .conversion import Granularity, QuantizationScheme, check_network, find_target, quantize_network
    from .conversion.factories import load_module
    from .conversion.torch_modules import read_module
    from .errors import DomainWarning, NeuroPinnError
    from .files import read_network, write_network
    from .hardware_sim.costs.counting import count_operations
    from .hardware_sim.simulation.graph import to_lava
    from .network import LayerSpec, NetworkSpec, OutputSpec, Polarity, Readout
    from .problems import find_problem, list_problems
    from .quantized import QuantizedNetwork
    from .reference import run_float, run_integer
    from .traces import Backend, LavaMode, Probe, RunTrace
    from .training.export import export_network
    from .training.layers import VSN
    from .transforms import AffineTransform, Ansatz, Polynomial

__version__ = "1.1.0"

_HOME = {
    "stream_on_cluster": "app.cluster_streams",
    "ClusterChoice": "app.dask_pool",
    "demo": "app.demo",
    "homogenize": "app.homogenize",
    "find_network": "app.models",
    "list_models": "app.models",
    "profile": "app.profile",
    "sweep": "app.sweep",
    "SweepGrid": "app.sweep_grid",
    "plan_sweep": "app.sweep_plan",
    "train": "app.train",
    "stream": "app.streams",
    "convert": "app.verbs",
    "run": "app.verbs",
    "verify": "app.verify",
    "Granularity": "conversion",
    "QuantizationScheme": "conversion",
    "check_network": "conversion",
    "find_target": "conversion",
    "quantize_network": "conversion",
    "load_module": "conversion.factories",
    "read_module": "conversion.torch_modules",
    "DomainWarning": "errors",
    "NeuroPinnError": "errors",
    "read_network": "files",
    "write_network": "files",
    "count_operations": "hardware_sim.costs.counting",
    "to_lava": "hardware_sim.simulation.graph",
    "LayerSpec": "network",
    "NetworkSpec": "network",
    "OutputSpec": "network",
    "Polarity": "network",
    "Readout": "network",
    "find_problem": "problems",
    "list_problems": "problems",
    "QuantizedNetwork": "quantized",
    "run_float": "reference",
    "run_integer": "reference",
    "Backend": "traces",
    "LavaMode": "traces",
    "Probe": "traces",
    "RunTrace": "traces",
    "export_network": "training.export",
    "VSN": "training.layers",
    "AffineTransform": "transforms",
    "Ansatz": "transforms",
    "Polynomial": "transforms",
}
"""The public names and the module that each lives in."""

__all__ = [*_HOME, "__version__"]


def __getattr__(name: str) -> Any:
    """Load a public name from its module on first use."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
