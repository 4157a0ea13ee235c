"""What dominates the energy of a sample: whole steps, or the operations in them.

    factor = joules of the steps of a sample / joules of its operations          above 1 the steps dominate

The two numbers come from different models, and that is the point: sums over operations leave out most of what a small network
costs on a chip.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ...base.arrays import Record
from .energy import EnergyEstimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Dominance(Record):
    """The energy of a sample's steps beside the sum of its operations."""

    steps: tuple[EnergyEstimate, ...]
    """Estimates of models that price whole steps, one or more."""
    operations: EnergyEstimate
    """The estimate that adds up operations; its dynamic terms are compared."""

    @property
    def factors(self) -> tuple[float, ...]:
        """Steps over operations for each estimate of steps, samples in the pipeline; infinite where nothing operates."""
        joules = self.operations.dynamic_joules_per_sample
        return tuple(step.joules_per_sample / joules if joules else float("inf") for step in self.steps)


def find_dominance(energies: Iterable[EnergyEstimate]) -> Dominance | None:
    """Set the energy of steps beside the first sum of operations.

    Args:
        energies: Estimates of one run, in the order of their models.

    Returns:
        None where the estimates lack one of the two.
    """
    held = tuple(energies)
    steps = tuple(energy for energy in held if energy.prices_steps)
    operations = next((energy for energy in held if not energy.prices_steps), None)
    return Dominance(steps=steps, operations=operations) if steps and operations else None
