"""Which model runs which process of a VSN graph: Lava's own rules (a tag, sub-process models or not), and exceptions by class.

`Loihi2SimCfg(select_tag="fixed_pt")` of Lava chooses the same models. For the processes of this package it executes every file
of their folder once per process; this configuration knows their models, and spares that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.dense.models import PyDenseModelBitAcc, PyDenseModelFloat
from lava.proc.dense.process import Dense

from neuropinn_lava.hardware_sim.lava.processes import dense_models, layer_models, leaves
from neuropinn_lava.hardware_sim.lava.processes.layers import (
    PointSource,
    ProductLayer,
    ReadoutLayer,
    ReadoutNeurons,
    VsnNeurons,
    WordGate,
)
from neuropinn_lava.hardware_sim.lava.processes.vsn import VSN
from neuropinn_lava.hardware_sim.steps.choices import LayerModel, Numerics

LEAVES: dict[type, dict[Numerics, type]] = {
    PointSource: {
        Numerics.FLOAT: layer_models.FloatPointSourceModel,
        Numerics.INTEGER: layer_models.IntegerPointSourceModel,
    },
    VSN: {Numerics.FLOAT: layer_models.FloatVsnModel, Numerics.INTEGER: layer_models.IntegerVsnModel},
    ProductLayer: {
        Numerics.FLOAT: layer_models.FloatProductLayerModel,
        Numerics.INTEGER: layer_models.IntegerProductLayerModel,
    },
    WordGate: {Numerics.FLOAT: layer_models.FloatWordGateModel, Numerics.INTEGER: layer_models.IntegerWordGateModel},
    VsnNeurons: {
        Numerics.FLOAT: layer_models.FloatVsnNeuronsModel,
        Numerics.INTEGER: layer_models.IntegerVsnNeuronsModel,
    },
    ReadoutLayer: {
        Numerics.FLOAT: layer_models.FloatReadoutLayerModel,
        Numerics.INTEGER: layer_models.IntegerReadoutLayerModel,
    },
    ReadoutNeurons: {
        Numerics.FLOAT: layer_models.FloatReadoutNeuronsModel,
        Numerics.INTEGER: layer_models.IntegerReadoutNeuronsModel,
    },
    leaves.NetworkLeaf: dict.fromkeys(Numerics, leaves.NetworkLeafModel),
    Dense: {Numerics.FLOAT: PyDenseModelFloat, Numerics.INTEGER: PyDenseModelBitAcc},
}
"""The leaf models of each process, as their tags say."""
DENSE: dict[type, type] = {
    VSN: dense_models.DenseVsnModel,
    ReadoutLayer: dense_models.DenseReadoutLayerModel,
}
"""The sub-process models."""


class ModelsByClass(Mapping[Any, type]):
    """Lava's map of exceptions, asked with a process or its class; the class answers."""

    def __init__(self, models: Mapping[type, type]) -> None:
        self._models = dict(models)

    def __getitem__(self, process: Any) -> type:
        return self._models[process if isinstance(process, type) else type(process)]

    def __iter__(self) -> Iterator[type]:
        return iter(self._models)

    def __len__(self) -> int:
        return len(self._models)


class VsnRunConfig(Loihi2SimCfg):
    """Chooses float, integer or Dense models; whatever else the graph holds is chosen by Lava's rules for the same tag."""

    def __init__(
        self,
        numerics: Numerics,
        model: LayerModel = LayerModel.FUSED,
        models: Mapping[type, type] | None = None,
        **options: Any,
    ) -> None:
        """Build a run configuration.

        Args:
            numerics: What the network's numbers are.
            model: Sub-process models of Dense and neurons, or one Lava process for each process.
            models: Further models by class of process; they come first.
            options: Those of Lava's `Loihi2SimCfg`.
        """
        chosen = {process: models_of[numerics] for process, models_of in LEAVES.items()}
        if model is LayerModel.DENSE:
            chosen.update(DENSE)
        super().__init__(
            select_tag=numerics.tag,
            select_sub_proc_model=model is LayerModel.DENSE,
            exception_proc_model_map=ModelsByClass({**chosen, **(models or {})}),
            **options,
        )
