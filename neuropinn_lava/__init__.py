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
    from .app.stream.cluster_streams import stream_on_cluster
    from .app.stream.stream import stream
    from .app.sweep.grid import SweepGrid
    from .app.sweep.plan import plan_sweep
    from .app.sweep.sweep import sweep
    from .app.verbs.demo import demo
    from .app.verbs.deploy import convert, run
    from .app.verbs.homogenize import homogenize
    from .app.verbs.networks import find_network, list_models
    from .app.verbs.profile import profile
    from .app.verbs.train import train
    from .app.verbs.verify import verify
    from .app.workers.dask_pool import ClusterChoice
    from .base.errors import DomainWarning, NeuroPinnError
    from .conversion import Granularity, QuantizationScheme, check_network, find_target, quantize_network, require_fit
    from .conversion.formats.factories import load_module
    from .conversion.formats.torch_modules import read_module
    from .engine.reference import run_float, run_integer
    from .engine.trace import Backend, LavaMode, Probe, RunTrace
    from .files.network_file import read_network, write_network
    from .geometry.scalar_fields import Polynomial
    from .hardware_sim.counts.counting import count_operations
    from .hardware_sim.lava.graph import to_lava
    from .network.quantized import QuantizedNetwork
    from .network.spec import LayerSpec, NetworkSpec, OutputSpec, Polarity, Readout
    from .network.transforms import AffineTransform, Ansatz
    from .problems import find_problem, list_problems
    from .training.network.export import export_network
    from .training.neuron.vsn import VSN

__version__ = "2.0.0.dev0"

_HOME = {
    "stream_on_cluster": "app.stream.cluster_streams",
    "ClusterChoice": "app.workers.dask_pool",
    "demo": "app.verbs.demo",
    "homogenize": "app.verbs.homogenize",
    "find_network": "app.verbs.networks",
    "list_models": "app.verbs.networks",
    "profile": "app.verbs.profile",
    "sweep": "app.sweep.sweep",
    "SweepGrid": "app.sweep.grid",
    "plan_sweep": "app.sweep.plan",
    "train": "app.verbs.train",
    "stream": "app.stream.stream",
    "convert": "app.verbs.deploy",
    "run": "app.verbs.deploy",
    "verify": "app.verbs.verify",
    "Granularity": "conversion",
    "QuantizationScheme": "conversion",
    "check_network": "conversion",
    "find_target": "conversion",
    "quantize_network": "conversion",
    "require_fit": "conversion",
    "load_module": "conversion.formats.factories",
    "read_module": "conversion.formats.torch_modules",
    "DomainWarning": "base.errors",
    "NeuroPinnError": "base.errors",
    "read_network": "files.network_file",
    "write_network": "files.network_file",
    "count_operations": "hardware_sim.counts.counting",
    "to_lava": "hardware_sim.lava.graph",
    "LayerSpec": "network.spec",
    "NetworkSpec": "network.spec",
    "OutputSpec": "network.spec",
    "Polarity": "network.spec",
    "Readout": "network.spec",
    "find_problem": "problems",
    "list_problems": "problems",
    "QuantizedNetwork": "network.quantized",
    "run_float": "engine.reference",
    "run_integer": "engine.reference",
    "Backend": "engine.trace",
    "LavaMode": "engine.trace",
    "Probe": "engine.trace",
    "RunTrace": "engine.trace",
    "export_network": "training.network.export",
    "VSN": "training.neuron.vsn",
    "AffineTransform": "network.transforms",
    "Ansatz": "network.transforms",
    "Polynomial": "geometry.scalar_fields",
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
