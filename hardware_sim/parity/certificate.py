"""The parity certificate as records: which engines were compared, over how many values, and what differed first."""

from __future__ import annotations

from dataclasses import dataclass

from ...base.arrays import Record
from ...engine.trace import Backend, LavaMode
from ..steps.choices import LayerModel
from .compare_traces import FirstDifference


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchParity(Record):
    """torch against the float engine, where no spike can flip."""

    max_error_over_max_u: float
    """Largest |u_torch - u_float| / max|u_float|."""
    n_compared: int
    """Number of samples compared."""
    n_excluded: int
    """Samples left out because a membrane lies within the rounding bound of a threshold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeParity(Record):
    """Lava against the integer engine in one mode, with one kind of layer."""

    mode: LavaMode
    """How samples went through Lava."""
    model: LayerModel = LayerModel.FUSED
    """What a layer was made of."""
    interval: int = 1
    """Steps of Lava that a step of the network took: more than 1 where nodes have processes and a loop has more nodes than
    delays."""
    n_samples: int
    """Number of samples compared."""
    values_compared: int
    """Membranes, fired, payloads and outputs compared."""
    mismatches: int
    """How many of them differ."""

    @property
    def name(self) -> str:
        """Key in report.json: `faithful`, `batched`, or `faithful_dense` with Lava's own Dense."""
        return self.mode.value if self.model is LayerModel.FUSED else f"{self.mode.value}_{self.model.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceParity(Record):
    """Other hardware against the integer engine."""

    backend: Backend
    """What ran: C99, RTL, ONNX or QONNX."""
    n_samples: int
    """Number of samples compared."""
    values_compared: int
    """Payloads, counts and outputs compared."""
    mismatches: int
    """How many of them differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParitySection(Record):
    """The certificate: which engines were compared, over how many values, and what differed."""

    torch_vs_float: TorchParity | None = None
    """None where no torch module took part."""
    modes: tuple[ModeParity, ...] = ()
    """Lava's modes that were compared; empty without Lava."""
    devices: tuple[DeviceParity, ...] = ()
    """Other hardware that was compared."""
    first_difference: FirstDifference | None = None
    """None where nothing differs."""

    @property
    def _compared(self) -> list[ModeParity | DeviceParity]:
        return [*self.modes, *self.devices]

    @property
    def values_compared(self) -> int:
        """Values compared, over all of Lava's modes and all other hardware."""
        return sum(each.values_compared for each in self._compared)

    @property
    def mismatches(self) -> int:
        """Number of values that differ from the integer engine's, anywhere."""
        return sum(each.mismatches for each in self._compared)

    @property
    def integer_vs_lava_mismatches(self) -> int | None:
        """None where Lava did not run."""
        return sum(mode.mismatches for mode in self.modes) if self.modes else None
