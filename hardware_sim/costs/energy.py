"""Joules per sample by named models: terms, range, sensitivity, and where the advantage over a dense pass ends.

    joules = sum over terms of quantity(workload) * constants            nothing is added across models
    joules = steps * energy of a step                                    a model that was measured step by step

Every estimate carries its model's name, kind and source: a bare number would say less than it seems to. The dense figure is
one conventional pass of the same network priced by the same model; break-even is the activity at which the dynamic terms of
both are equal. For Loihi 2 the energy of a step was measured, on another network; the energy of an operation is not published.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

from ...base.arrays import Record
from ..counts.workload import Workload, dense_workload, workload_at
from .energy_model import EnergyModel, Kind, Part
from .quantities import QUANTITIES, WHOLE_QUANTITIES

ASSUMED_FACTOR = 2.0
"""Where a constant has no published range, its influence is shown for half and twice its value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyTerm(Record):
    """One term of an estimate, per sample."""

    name: str
    """As in the model."""
    part: Part
    """Dynamic, static, or a whole step."""
    quantity: str
    """Name of the quantity that was counted, one of `QUANTITIES`."""
    count: float
    """Amount of the quantity per sample."""
    joules: float
    """Energy of that amount in joules per sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity(Record):
    """How far one constant moves the answer while the others stay."""

    constant: str
    """Name of the constant that varies."""
    low: float
    """Joules per sample with the constant at its low end."""
    high: float
    """Joules per sample at its high end."""
    is_published: bool
    """Whether the range is a published one; otherwise half and twice the value."""

    @property
    def swing(self) -> float:
        """Joules per sample between the two ends."""
        return self.high - self.low


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakEven(Record):
    """Where the dynamic energy of the spiking run equals that of one dense pass, by the same model.

    fixed + per_activity * activity = dense          activity: events per neuron and step, the same in every node
    """

    n_steps: int
    """T of the run."""
    fixed: float
    """Joules per sample of a run in which no neuron sends."""
    per_activity: float
    """What full activity adds."""
    dense: float
    """Joules per sample of one dense pass."""

    @property
    def activity(self) -> float | None:
        """The activity at which both cost the same; below 0 the dense pass always wins, above 1 the spiking run does.

        None where activity has no influence.
        """
        return (self.dense - self.fixed) / self.per_activity if self.per_activity > 0 else None

    @property
    def activity_times_steps(self) -> float | None:
        """The same as events per neuron and sample, which compares runs of other T; None where activity has no influence."""
        return None if self.activity is None else self.activity * self.n_steps


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldEnergy(Record):
    """Energy of the operations, dynamic terms only, apart by what is computed once for each held value."""

    joules_per_value: float
    """What a new held value costs."""
    joules_per_point: float
    """What each point costs, replayed payloads included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyEstimate(Record):
    """What a run costs per sample by one model."""

    model: str
    """Name of the model."""
    title: str
    """Its name in reports."""
    kind: Kind
    """How its numbers were found."""
    measured_on: str | None = None
    """What they were measured on, where the model says so."""
    source: str
    """Where they are published."""
    leaves_out: str
    """What is not counted."""
    n_steps: int
    """Steps of the chip that a sample takes where samples follow one another in the pipeline, T * interval."""
    n_steps_alone: int
    """Steps of the chip that a sample takes alone; of a chain T + spiking layers."""
    terms: tuple[EnergyTerm, ...]
    """Terms of the deployed run."""
    dense_terms: tuple[EnergyTerm, ...]
    """Terms of one dense pass of the same network."""
    low: float
    """Joules per sample with all constants at their published low ends."""
    high: float
    """The same at their high ends."""
    sensitivities: tuple[Sensitivity, ...]
    """One per constant, the strongest first."""
    break_even: BreakEven
    """Where the advantage ends."""
    held: HeldEnergy | None = None
    """What a held value and a point cost; None where every sample was counted anew, or dynamic terms belong to no node."""

    @property
    def joules_per_sample(self) -> float:
        """All terms, static ones included, of a sample in the pipeline."""
        return total_joules(self.terms)

    @property
    def prices_steps(self) -> bool:
        """Whether this is the energy of whole steps and not a sum over operations."""
        return any(term.part is Part.STEP for term in self.terms)

    @property
    def has_static_power(self) -> bool:
        """Whether the energy of the passing of time is in the terms, so that a whole machine may be compared with it."""
        return any(term.part is not Part.DYNAMIC for term in self.terms)

    @property
    def alone_factor(self) -> float:
        """Steps of a sample alone over those of a sample in the pipeline: what whole steps cost more where nothing follows."""
        return self.n_steps_alone / self.n_steps

    @property
    def joules_per_step(self) -> float:
        """All terms of a sample in the pipeline, divided by its steps."""
        return self.joules_per_sample / self.n_steps

    @property
    def dynamic_joules_per_sample(self) -> float:
        """Terms that operations cost."""
        return total_joules(self.terms, Part.DYNAMIC)

    @property
    def static_joules_per_sample(self) -> float:
        """Terms that the passing of time costs."""
        return total_joules(self.terms, Part.STATIC)

    @property
    def dense_joules_per_sample(self) -> float:
        """One dense pass, dynamic terms."""
        return total_joules(self.dense_terms, Part.DYNAMIC)


def total_joules(terms: Iterable[EnergyTerm], part: Part | None = None) -> float:
    """Sum the terms of one part, or of both."""
    return sum(term.joules for term in terms if part in (None, term.part))


def price_workload(load: Workload, model: EnergyModel) -> tuple[EnergyTerm, ...]:
    """Multiply what a sample asks for with the constants of a model."""
    terms = []
    for term in model.terms:
        count = QUANTITIES[term.quantity](load)
        joules = count * model.price(term)
        terms.append(EnergyTerm(name=term.name, part=term.part, quantity=term.quantity, count=count, joules=joules))
    return tuple(terms)


def estimate_energy(load: Workload, model: EnergyModel) -> EnergyEstimate:
    """Estimate what one sample of a deployed run costs by one model.

    Args:
        load: From `deployed_workload`, with messages and hops where cores are known.
        model: The constants.
    """
    lowest = model.with_constants(**{constant.name: constant.lowest for constant in model.constants})
    highest = model.with_constants(**{constant.name: constant.highest for constant in model.constants})
    return EnergyEstimate(
        model=model.name,
        title=model.title,
        kind=model.kind,
        measured_on=model.measured_on,
        source=model.source,
        leaves_out=model.leaves_out,
        n_steps=load.n_steps * load.interval,
        n_steps_alone=load.n_steps_alone,
        terms=price_workload(load, model),
        dense_terms=price_workload(dense_workload(load), model),
        low=total_joules(price_workload(load, lowest)),
        high=total_joules(price_workload(load, highest)),
        sensitivities=measure_sensitivities(load, model),
        break_even=find_break_even(load, model),
        held=split_energy(load, model),
    )


def split_energy(load: Workload, model: EnergyModel) -> HeldEnergy | None:
    """Price what is computed once for each held value, and what every sample computes.

    Returns:
        None where nothing is held, the model prices whole steps, or a dynamic term counts what belongs to no single node.
    """
    share = next((row.held_share for row in load.rows if row.held_share is not None), None)
    terms = tuple(term for term in model.terms if term.part is Part.DYNAMIC)
    if share is None or not terms or any(term.quantity in WHOLE_QUANTITIES for term in terms):
        return None

    def priced(*, held: bool) -> float:
        """Return the joules per sample of the rows that are held, or of the others."""
        part = dataclasses.replace(load, rows=tuple(row for row in load.rows if (row.held_share is not None) == held))
        return sum(QUANTITIES[term.quantity](part) * model.price(term) for term in terms)

    return HeldEnergy(joules_per_value=priced(held=True) / share, joules_per_point=priced(held=False))


def measure_sensitivities(load: Workload, model: EnergyModel) -> tuple[Sensitivity, ...]:
    """Vary one constant after the other over its range; the strongest first."""
    found = []
    for constant in model.constants:
        published = constant.low is not None or constant.high is not None
        low = constant.lowest if published else constant.value / ASSUMED_FACTOR
        high = constant.highest if published else constant.value * ASSUMED_FACTOR
        ends = (model.with_constants(**{constant.name: value}) for value in (low, high))
        joules = [total_joules(price_workload(load, end)) for end in ends]
        found.append(Sensitivity(constant=constant.name, low=joules[0], high=joules[1], is_published=published))
    return tuple(sorted(found, key=lambda sensitivity: -sensitivity.swing))


def find_break_even(load: Workload, model: EnergyModel) -> BreakEven:
    """Find the activity at which a run of as many steps costs as much as one dense pass, dynamic terms only."""
    silent, full = (
        total_joules(price_workload(workload_at(load, activity, load.n_steps), model), Part.DYNAMIC)
        for activity in (0.0, 1.0)
    )
    dense = total_joules(price_workload(dense_workload(load), model), Part.DYNAMIC)
    return BreakEven(n_steps=load.n_steps, fixed=silent, per_activity=full - silent, dense=dense)
