"""A report as records: sections that may be missing, made of plain records of earlier stages.

What cannot be computed (no problem, no Lava, no reference) is None here and null in report.json. `json_record.py` writes the
machine-readable form, `page.py` the readable one, `folder.py` both of them with the figures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ....base.arrays import Record
from ....conversion.quantize.report import QuantizationReport
from ....conversion.search.error_budget import ErrorBudget
from ....engine.trace import Backend
from ....network.quantized import Network, QuantizedNetwork
from ....network.spec import Provenance
from ...costs.activity import ActivitySection
from ...costs.dominance import Dominance, find_dominance
from ...costs.hardware_profile import HardwareProfile
from ...counts.operations import OperationCounts
from ...devices.device_result import DeviceResult
from ...fields.field_grid import FieldGrid
from ...fields.gradients import GradientSection
from ...fields.stresses import SolidSection
from ...parity.certificate import ParitySection
from .formats import format_count, format_joules, format_number, format_percent

SCHEMA = "neuropinn-lava/report/1"
"""Name and version of report.json's schema."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemSection(Record):
    """The problem that was solved."""

    name: str
    """Name on the command line."""
    title: str
    """One line that names the problem."""
    equation: str
    """The equation with its conditions, as text."""
    coordinates: tuple[str, ...]
    """One letter each, space first, time last."""
    unknowns: tuple[str, ...]
    """One name per output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSection(Record):
    """The network that was deployed."""

    name: str
    """Name of the network, as its file states it."""
    digest: str
    """Identity of the deployed network."""
    source_digest: str | None
    """Identity of the float network that it came from; None for a float network."""
    widths: tuple[int, ...]
    """(n_in, n_1, …, n_out), the nodes in order."""
    n_steps: int | None
    """Number of steps T of a sample; None where an input is a sequence."""
    is_chain: bool = True
    """Whether every node reads only the one before it."""
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
class QuantizationSection(Record):
    """The words of the deployed network and what they cost."""

    weight_bits: tuple[int, ...]
    """Longest word of the weights of each population, the output's last."""
    payload_bits: tuple[int, ...]
    """Word length of the payloads, one for each node."""
    state_bits: int
    """Longest word of membranes and drives."""
    input_bits: int
    """Longest word of the inputs."""
    saturations: int
    """Entries of any kind that a word could not hold in the run."""
    cost: QuantizationReport | None = None
    """What was clipped and which error each layer adds, on calibration points or on those of the report."""
    error_budget: ErrorBudget | None = None
    """What every cause in every layer adds alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendResult(Record):
    """How good and how fast one backend was on the evaluation points."""

    backend: Backend
    """Backend that ran."""
    relative_l2: float | None = None
    """|u - u_ref| / |u_ref| over the evaluation points."""
    max_abs_error: float | None = None
    """max |u - u_ref|, in the unit of u."""
    residual_rms: float | None = None
    """Residual of the equation on the network's own outputs, in units of the problem's scale."""
    boundary_rms: float | None = None
    """Error against the prescribed data, in the unit of u."""
    condition_rms: tuple[tuple[str, float], ...] = ()
    """Residual of each condition that is not built in, by its label, in units of its terms."""
    estimated_l2: float | None = None
    """Relative error estimated without a reference, by one Newton correction of the equations on a finer cloud."""
    seconds: float | None = None
    """Wall time of the run, start-up included."""
    samples_per_second: float | None = None
    """Evaluation points per second of wall time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendsSection(Record):
    """All backends that ran."""

    results: tuple[BackendResult, ...]
    """In the order of the report."""
    reference: str | None = None
    """What errors are measured against: the problem's solution and its source, or the user's own file."""
    residual_operator: str | None = None
    """How derivatives were taken."""
    reference_residual_rms: float | None = None
    """What the reference itself scores: the floor set by the operators."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReportContent(Record):
    """Everything that a report shows; sections that do not exist are None."""

    package_version: str
    """Version that made it."""
    n_points: int
    """How many evaluation points."""
    seed: int | None
    """Seed of the evaluation points; None for the user's own."""
    problem: ProblemSection | None = None
    """Problem that was solved."""
    network: NetworkSection | None = None
    """Network that was deployed."""
    quantization: QuantizationSection | None = None
    """Word lengths of the network and what they cost."""
    backends: BackendsSection | None = None
    """Accuracy and speed of every backend."""
    parity: ParitySection | None = None
    """Certificate that Lava equals the integer engine."""
    counts: OperationCounts | None = None
    """Spikes and operations of the deployed run."""
    activity: ActivitySection | None = None
    """Activity in time and neuron by neuron, for the figures; it is not part of report.json."""
    hardware: HardwareProfile | None = None
    """Energies, cores, latency, single samples."""
    devices: tuple[DeviceResult, ...] = ()
    """What the network takes on other hardware, beside the estimate of the target."""
    gradients: GradientSection | None = None
    """First derivatives of the deployed network's outputs."""
    solid: SolidSection | None = None
    """Stresses, where the problem is one of elasticity."""
    fields: FieldGrid | None = None
    """Outputs on a grid, for the maps; they are not part of report.json."""

    def result_of(self, *backends: Backend) -> BackendResult | None:
        """Return the result of the first of these backends that ran."""
        results = {result.backend: result for result in self.backends.results} if self.backends else {}
        return next((results[backend] for backend in backends if backend in results), None)

    @property
    def deployed_result(self) -> BackendResult | None:
        """The result of the integers, on Lava where it ran."""
        return self.result_of(Backend.LAVA, Backend.INTEGER)

    @property
    def float_result(self) -> BackendResult | None:
        """The result of the float reference, None where it did not run."""
        return self.result_of(Backend.FLOAT)

    @property
    def dominance(self) -> Dominance | None:
        """The energy of a sample's steps beside the sum of its operations; None where one of them was not estimated."""
        return find_dominance(self.hardware.energies) if self.hardware else None

    def summary_rows(self) -> Iterator[tuple[str, str]]:
        """Yield what a notebook shows: problem and network, errors, activity, operations, energy and parity."""
        if self.problem:
            yield "problem", self.problem.title
        if self.network:
            yield "network", f"{self.network.name}: {' – '.join(map(str, self.network.widths))}"
        for name, result in (("float", self.float_result), ("deployed", self.deployed_result)):
            if result:
                yield f"relative L2 error, {name}", format_percent(result.relative_l2)
        if self.counts:
            yield "spiking activity", format_percent(self.counts.total.spiking_activity)
            operations = format_number(self.counts.synaptic_operations_per_sample, 4)
            yield (
                "synaptic operations per sample",
                f"{operations}, of {format_count(self.counts.ann_macs)} MACs of a dense pass",
            )
        if self.dominance:
            yield "energy of the operations", format_joules(self.dominance.operations.dynamic_joules_per_sample)
        if self.parity:
            yield "values that differ from Lava's", format_count(self.parity.mismatches)
        yield "all of it", "report.save(folder) writes the page"

    @property
    def lee(self) -> float | None:
        """Return steps * relative L2 error in % * spiking activity in %: less is better; None without a reference or counts.

        Source: arXiv 2608.23987.
        """
        result = self.deployed_result or self.float_result
        if result is None or result.relative_l2 is None or self.counts is None:
            return None
        return self.counts.n_steps * 100.0 * result.relative_l2 * 100.0 * self.counts.total.spiking_activity


def describe_network(network: Network, ansatz_relative_l2: float | None = None) -> NetworkSection:
    """Build the section that describes a deployed network."""
    source = network.source if isinstance(network, QuantizedNetwork) else network
    return NetworkSection(
        name=source.name,
        digest=network.digest(),
        source_digest=source.digest() if isinstance(network, QuantizedNetwork) else None,
        widths=source.widths,
        n_steps=source.n_steps,
        is_chain=source.is_chain,
        activation=", ".join(dict.fromkeys(layer.activation for layer in source.populations)),
        polarity=", ".join(dict.fromkeys(layer.polarity.value for layer in source.populations)),
        readout=source.readout.value,
        ansatz_relative_l2=ansatz_relative_l2,
        provenance=source.provenance,
    )


def describe_quantization(
    network: QuantizedNetwork,
    saturations: int,
    cost: QuantizationReport | None = None,
    error_budget: ErrorBudget | None = None,
) -> QuantizationSection:
    """Build the section on a quantized network's words; `saturations` are those of the run that is reported."""
    return QuantizationSection(
        weight_bits=tuple(affine.weight_bits for affine in network.affines),
        payload_bits=tuple(node.sends.bits for node in network.nodes),
        state_bits=max(affine.state_bits for affine in network.affines),
        input_bits=max(word.bits for word in network.input_words),
        saturations=saturations,
        cost=cost,
        error_budget=error_budget,
    )
