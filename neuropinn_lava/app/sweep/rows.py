"""What a sweep finds at a point, as one flat record: the row of its table. Names are a contract; units stand in them."""

from __future__ import annotations

from dataclasses import dataclass, fields

from ...base.arrays import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepRow(Record):
    """One point of a sweep; None where it failed, or where a thing does not exist."""

    problem: str
    """Name of the problem."""
    weight_bits: str
    """Word length of weights: one number, or one per matrix, separated by spaces."""
    payload_bits: int
    """Word length of payloads."""
    n_steps: int
    """T."""
    theta: float
    """Threshold of every neuron."""
    target_activity: float | None = None
    """Activity that training aimed at."""
    relative_l2: float | None = None
    """Error of the deployed integers against the reference solution."""
    relative_l2_float: float | None = None
    """Error of the float network on the same points."""
    quantization_change: float | None = None
    """Relative L2 change that quantization made to the float network's output before any tuning."""
    spiking_activity: float | None = None
    """Events per neuron and step."""
    synaptic_operations: float | None = None
    """Per sample."""
    ann_macs: int | None = None
    """Multiplications of one pass of the dense network."""
    joules: float | None = None
    """Dynamic energy of a sample by the model named beside it."""
    joules_dense: float | None = None
    """Dynamic energy of one dense pass by the same model."""
    joules_total: float | None = None
    """With the static power of the time that a sample takes, where the model has one."""
    joules_total_low: float | None = None
    """The same with all constants at their published low ends."""
    joules_total_high: float | None = None
    """At their high ends."""
    energy_model: str
    """Name of the model."""
    energy_kind: str
    """Simulated, measured or estimated."""
    energy_source: str
    """Where its constants are published."""
    synaptic_bits: int | None = None
    """Bits of all stored weights."""
    n_cores: int | None = None
    """Cores of the target that it takes."""
    n_saturated: int | None = None
    """Values that a word could not hold."""
    backend: str
    """Who computed the deployed outputs."""
    seed: int
    """Of training, tuning and evaluation points."""
    n_points: int
    """Evaluation points."""
    seconds: float | None = None
    """Wall time of conversion, tuning, run and profile."""
    training_seconds: float | None = None
    """Wall time of the training, shared with other rows."""
    training_key: str
    """Identity of the training."""
    network_digest: str | None = None
    """Identity of the deployed network."""
    failure: str | None = None
    """Why there are no numbers."""

    @property
    def costs(self) -> tuple[float, float, int] | None:
        """Error, dynamic joules and synaptic bits: what rows are compared by; None where one is missing."""
        if self.relative_l2 is None or self.joules is None or self.synaptic_bits is None:
            return None
        return self.relative_l2, self.joules, self.synaptic_bits


COLUMNS = tuple(field.name for field in fields(SweepRow))
"""Columns of the table, without those that compare rows."""
