"""A report as records: sections that may be missing, made of plain records of earlier stages.

What cannot be computed (no problem, no Lava, no reference) is None here and null in report.json. `report_json.py` writes the
machine-readable form, `report_html.py` the readable one, `report_folder.py` both of them with the figures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..arrays import FloatArray, IntArray, freeze_arrays
from ..checks import check_finite, check_shape, raise_violations
from ..conversion.report import QuantizationReport
from ..errors import Violation
from ..network import NetworkSpec, Provenance
from ..quantized import QuantizedNetwork
from ..traces import Backend, LavaMode
from .counting import OperationCounts

SCHEMA = "neuropinn-lava/report/1"
"""Name and version of report.json's schema."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemSection:
    """The problem that was solved."""

    name: str
    """Name on the command line."""
    title: str
    """One line."""
    equation: str
    """The equation with its conditions, as text."""
    coordinates: tuple[str, ...]
    """One letter each, space first, time last."""
    unknowns: tuple[str, ...]
    """One name per output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSection:
    """The network that was deployed."""

    name: str
    """Its name."""
    digest: str
    """Identity of the deployed network."""
    source_digest: str | None
    """Identity of the float network that it came from; None for a float network."""
    widths: tuple[int, ...]
    """(n_in, n_1, …, n_out)."""
    n_steps: int
    """T."""
    activation: str
    """phi; the names of all layers, separated by commas, where they differ."""
    polarity: str
    """Which membranes fire; of all layers, separated by commas, where they differ."""
    readout: str
    """How the outputs of the steps become one."""
    ansatz_relative_l2: float | None = None
    """Error of the ansatz with the network replaced by its best constant."""
    provenance: Provenance
    """Where the float network comes from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantizationSection:
    """The words of the deployed network and what they cost."""

    weight_bits: tuple[int, ...]
    """Word length of the weights, one per layer, the output's last."""
    payload_bits: tuple[int, ...]
    """Word length of the payloads, one per spiking layer."""
    state_bits: int
    """Longest word of membranes and drives."""
    input_bits: int
    """Word length of the input."""
    saturations: int
    """Entries of any kind that a word could not hold in the run."""
    cost: QuantizationReport | None = None
    """What was clipped and which error each layer adds, as `convert` measured it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendResult:
    """How good and how fast one backend was on the evaluation points."""

    backend: Backend
    """Which one."""
    relative_l2: float | None = None
    """|u - u_ref| / |u_ref| over the evaluation points."""
    max_abs_error: float | None = None
    """max |u - u_ref|, in the unit of u."""
    residual_rms: float | None = None
    """Residual of the equation on the network's own outputs, in units of the problem's scale."""
    boundary_rms: float | None = None
    """Error against the prescribed data, in the unit of u."""
    seconds: float | None = None
    """Wall time of the run, start-up included."""
    samples_per_second: float | None = None
    """Evaluation points per second of wall time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendsSection:
    """All backends that ran."""

    results: tuple[BackendResult, ...]
    """In the order of the report."""
    residual_operator: str | None = None
    """How derivatives were taken."""
    reference_residual_rms: float | None = None
    """What the reference itself scores: the floor set by the operators."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchParity:
    """torch against the float engine, where no spike can flip."""

    max_error_over_max_u: float
    """Largest |u_torch - u_float| / max|u_float|."""
    n_compared: int
    """Samples compared."""
    n_excluded: int
    """Samples left out because a membrane lies within the rounding bound of a threshold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeParity:
    """Lava against the integer engine in one mode."""

    mode: LavaMode
    """How samples went through Lava."""
    n_samples: int
    """Samples compared."""
    values_compared: int
    """Membranes, fired, payloads and outputs compared."""
    mismatches: int
    """How many of them differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstDifference:
    """The first place where Lava and the integer engine differ."""

    layer: str
    """Name of the layer, or of the output."""
    step: int | None
    """Which step, 0 … T - 1."""
    sample: int
    """Which sample of the run."""
    neuron: int
    """Which neuron."""
    quantity: str
    """membrane, fired, payload or output."""
    expected: float
    """What the integer engine has."""
    found: float
    """What Lava has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParitySection:
    """The certificate: which engines were compared, over how many values, and what differed."""

    torch_vs_float: TorchParity | None = None
    """None where no torch module took part."""
    modes: tuple[ModeParity, ...] = ()
    """Lava's modes that were compared; empty without Lava."""
    first_difference: FirstDifference | None = None
    """None where nothing differs."""

    @property
    def values_compared(self) -> int:
        return sum(mode.values_compared for mode in self.modes)

    @property
    def integer_vs_lava_mismatches(self) -> int | None:
        """None where Lava did not run."""
        return sum(mode.mismatches for mode in self.modes) if self.modes else None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FieldSection:
    """Outputs at the evaluation points, for the maps."""

    coordinates: tuple[str, ...]
    """One letter per column of `points`."""
    unknowns: tuple[str, ...]
    """One name per output."""
    points: FloatArray
    """Physical coordinates, shape (n, n_dim)."""
    float_outputs: FloatArray
    """u of the float reference network, shape (n, n_out)."""
    deployed_outputs: FloatArray
    """u of the deployed network, shape (n, n_out)."""
    reference_outputs: FloatArray | None = None
    """The problem's reference solution, or the user's own, shape (n, n_out)."""
    triangles: IntArray | None = None
    """Corners of the triangles that are drawn in two dimensions, shape (n_triangles, 3); see `triangulate_points`."""

    def __post_init__(self) -> None:
        freeze_arrays(self, points=np.float64, float_outputs=np.float64, deployed_outputs=np.float64)
        if self.reference_outputs is not None:
            freeze_arrays(self, reference_outputs=np.float64)
        if self.triangles is not None:
            freeze_arrays(self, triangles=np.int64)
        raise_violations(self._violations())

    def _violations(self) -> Iterator[Violation]:
        n = len(self.points)
        yield from check_shape("FieldSection.points", self.points, (n, len(self.coordinates)), "(n, n_dim)")
        outputs = {"float_outputs": self.float_outputs, "deployed_outputs": self.deployed_outputs}
        if self.reference_outputs is not None:
            outputs["reference_outputs"] = self.reference_outputs
        for name, values in outputs.items():
            yield from check_shape(f"FieldSection.{name}", values, (n, len(self.unknowns)), "(n, n_out)")
            yield from check_finite(f"FieldSection.{name}", values)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Report:
    """Everything a report shows; sections that do not exist are None."""

    package_version: str
    """Version that made it."""
    n_points: int
    """How many evaluation points."""
    seed: int | None
    """Seed of the evaluation points; None for the user's own."""
    problem: ProblemSection | None = None
    """What was solved."""
    network: NetworkSection | None = None
    """What was deployed."""
    quantization: QuantizationSection | None = None
    """Its words and their cost."""
    backends: BackendsSection | None = None
    """Accuracy and speed."""
    parity: ParitySection | None = None
    """The certificate."""
    counts: OperationCounts | None = None
    """What it did."""
    fields: FieldSection | None = None
    """Outputs for the maps; they are not part of report.json."""

    def result_of(self, *backends: Backend) -> BackendResult | None:
        """Give the result of the first of these backends that ran."""
        results = {result.backend: result for result in self.backends.results} if self.backends else {}
        return next((results[backend] for backend in backends if backend in results), None)

    @property
    def deployed_result(self) -> BackendResult | None:
        """The result of the integers, on Lava where it ran."""
        return self.result_of(Backend.LAVA, Backend.INTEGER)

    @property
    def float_result(self) -> BackendResult | None:
        return self.result_of(Backend.FLOAT)


def describe_network(
    network: QuantizedNetwork | NetworkSpec, ansatz_relative_l2: float | None = None
) -> NetworkSection:
    """Make the section that describes a deployed network."""
    source = network.source if isinstance(network, QuantizedNetwork) else network
    return NetworkSection(
        name=source.name,
        digest=network.digest(),
        source_digest=source.digest() if isinstance(network, QuantizedNetwork) else None,
        widths=source.widths,
        n_steps=source.n_steps,
        activation=", ".join(dict.fromkeys(layer.activation for layer in source.layers)),
        polarity=", ".join(dict.fromkeys(layer.polarity.value for layer in source.layers)),
        readout=source.readout.value,
        ansatz_relative_l2=ansatz_relative_l2,
        provenance=source.provenance,
    )


def describe_quantization(
    network: QuantizedNetwork, saturations: int, cost: QuantizationReport | None = None
) -> QuantizationSection:
    """Make the section on a quantized network's words; `saturations` are those of the run that is reported."""
    return QuantizationSection(
        weight_bits=tuple(affine.weight_bits for affine in network.affines),
        payload_bits=tuple(layer.table.payload_bits for layer in network.layers),
        state_bits=max(affine.state_bits for affine in network.affines),
        input_bits=network.input_bits,
        saturations=saturations,
        cost=cost,
    )
