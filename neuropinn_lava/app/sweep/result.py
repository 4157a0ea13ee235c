"""The results of a sweep, as records: the row of a point, the progress, and all rows with the front and the chosen point.

The names of a row's fields are the columns of the table, and a contract; units stand in them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

from ...network.quantized import QuantizedNetwork
from .grid import SweepPoint
from .plan import SweepPlan

if TYPE_CHECKING:
    from ...hardware_sim.report.content.pareto import ParetoChoice

Cell = str | int | float | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepRow:
    """One measured point of a sweep; a number is None where the point failed, or where it does not exist."""

    name: str
    """Name of the point, as `w8 p12 T1 theta 0.02`."""
    problem: str
    """Name of the problem."""
    weight_bits: str
    """Word length of weights: one number, or one per matrix, separated by spaces."""
    payload_bits: int
    """Word length of payloads."""
    n_steps: int
    """Number of steps T of a sample."""
    theta: float
    """Threshold of every neuron."""
    target_activity: float | None = None
    """Activity that training aimed at."""
    relative_l2: float | None = None
    """Relative L2 error of the deployed integers against the reference solution."""
    relative_l2_float: float | None = None
    """Relative L2 error of the float network on the same points."""
    quantization_change: float | None = None
    """Relative L2 change that quantization made to the float network's output before any tuning."""
    spiking_activity: float | None = None
    """Events per neuron and step."""
    synaptic_operations: float | None = None
    """Synaptic operations per sample."""
    ann_macs: int | None = None
    """Multiplications of one pass of the dense network."""
    joules: float | None = None
    """Dynamic energy of a sample by the model named beside it."""
    joules_dense: float | None = None
    """Dynamic energy of one dense pass by the same model."""
    joules_total: float | None = None
    """Energy of a sample with the static power of the time that it takes, where the model has one."""
    joules_total_low: float | None = None
    """The same energy with all constants at their published low ends."""
    joules_total_high: float | None = None
    """The same energy with all constants at their published high ends."""
    energy_model: str
    """Name of the energy model."""
    energy_kind: str
    """Kind of the energy model: simulated, measured or estimated."""
    energy_source: str
    """Publication of the energy model's constants."""
    synaptic_bits: int | None = None
    """Bits of all stored weights."""
    n_cores: int | None = None
    """Cores of the target that the network takes."""
    n_saturated: int | None = None
    """Number of values that a word could not hold."""
    backend: str
    """Backend that computed the deployed outputs."""
    seed: int
    """Seed of training, tuning and evaluation points."""
    n_points: int
    """Number of evaluation points."""
    seconds: float | None = None
    """Wall time of conversion, tuning, run and profile."""
    training_seconds: float | None = None
    """Wall time of the training, which rows may share."""
    training_key: str
    """Identity of the training, 64 hex digits."""
    network_digest: str | None = None
    """Digest of the deployed network."""
    failure: str | None = None
    """Reason why there are no numbers."""
    network: QuantizedNetwork | None = field(default=None, repr=False, compare=False)
    """The deployed network, which is no column of the table; None where the point failed."""

    def cells(self) -> dict[str, Cell]:
        """Return the columns of the table."""
        return {column.name: getattr(self, column.name) for column in fields(self) if column.name != "network"}

    @property
    def costs(self) -> tuple[float, float, int] | None:
        """Error, dynamic joules and synaptic bits, by which rows are compared; None where one is missing."""
        if self.relative_l2 is None or self.joules is None or self.synaptic_bits is None:
            return None
        return self.relative_l2, self.joules, self.synaptic_bits


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepProgress:
    """The progress of a sweep."""

    n_trainings: int
    """Number of trainings, as far as they are known; a search adds to them."""
    n_trained: int
    """Number of trainings that have ended, in this call or an earlier one."""
    n_points: int
    """Number of points; it shrinks when a search proposes one again."""
    n_measured: int
    """Number of points that have ended."""
    n_cached: int
    """Number of points that an earlier call had measured."""
    latest: SweepRow | None = None
    """The row of the point that has just been measured."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sweep:
    """All points of a sweep with their rows, the front, and the chosen one."""

    plan: SweepPlan
    """The plan that all points share."""
    points: tuple[SweepPoint, ...]
    """The points, in the order of the grid, or of the search."""
    rows: tuple[SweepRow, ...]
    """The table: one row for each point, in the same order."""
    n_proposed: int
    """Number of points asked for: a search may propose a point again, which then stands here once."""
    choice: ParetoChoice
    """The front and the chosen one, among the rows that have numbers to compare."""
    n_cached: int
    """Number of points that an earlier call had measured."""
    seconds: float
    """Wall time of this call."""

    @property
    def comparable(self) -> tuple[int, ...]:
        """Indices of the rows that have numbers to compare."""
        return tuple(k for k, row in enumerate(self.rows) if row.costs is not None)

    @property
    def front(self) -> tuple[int, ...]:
        """Indices of the points that no other one beats, those of less energy first."""
        return tuple(self.comparable[k] for k in self.choice.front)

    @property
    def chosen(self) -> int | None:
        """Index of the chosen point; None where all failed."""
        return None if self.choice.chosen is None else self.comparable[self.choice.chosen]

    @property
    def chosen_network(self) -> QuantizedNetwork | None:
        """The deployed network of the chosen point."""
        return None if self.chosen is None else self.rows[self.chosen].network
