"""How long a sample takes on a chip, as a range of estimates: nothing here was measured on one.

    step       = max(barrier,
                     max over cores   active * t_act + inactive * t_inact          neuron updates
                     max over cores   synaptic operations * t_syn
                     max over cores   reads of the synaptic memory * t_read
                     max over links   (payload bits + header bits * messages) * t_bit)
    latency    = ((T - 1) * interval + start of the read-out + 1) * step      starts as in `engine/schedule.py`
    throughput = 1 / (T * interval * step)     the pipeline takes the next sample when the first nodes are free

The starts are counted from 0, so that the 1 is the read-out's own step: T + 2 steps for two populations in a row. A sample
occupies the chip for T * interval steps of its own.

Counts are means over samples, of what is held over held values, in the busiest step: with held inputs the times are those of a
sample that brings a new value. A step is as long as the largest of its terms: what does not overlap makes
it longer, so that this is a lower bound for the rates given. The rates themselves are assumptions with a range:
the low end of the estimate takes all of them at their low ends, the high end at their high ends.

Constants are data files of the same form as energy models, `neuropinn_lava/data/timing_*.toml`.

Source of the structure: Timcheck, Pierro, Shrestha, A Compute and Communication Runtime Model for Loihi 2, arXiv 2601.10035.
Theirs has one time for every neuron update, t_act = t_inact; the time of a spike is added here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from ...base.arrays import FloatArray, Record
from ...base.checks import raise_violations
from ...base.errors import FileFormatError, Violation
from ...files.toml_tables import named_file, read_table
from ..mapping.cores import Partition
from ..mapping.mesh_routes import load_links
from ..mapping.traffic import Traffic
from .constant_files import key_violations, made_from_file, read_constants
from .constants import SECOND, Constant, dimension_of

SHIPPED = ("loihi1", "loihi2")
"""Targets whose timing constants come with the package."""
NEEDED = ("synaptic_event", "active_update", "inactive_update", "step_floor")
"""Constants of every timing model, all of them times; the step floor is the time of the barrier."""
OPTIONAL = ("synaptic_read", "link_bit", "message_header")
"""Constants of terms that a model may leave out: two times, and the number of bits of a message's header."""
CORE_TERMS = ("neuron updates", "synaptic operations", "synaptic reads")
"""Names of the terms that one core is busy with."""
End = Literal["lowest", "highest"]
"""Which end of a constant's range, by the name of the property."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimingModel(Record):
    """Times of a target's operations, with their sources."""

    name: str
    """Name of the target."""
    title: str
    """Name in reports."""
    source: str
    """Where they are published."""
    leaves_out: str
    """What is not counted."""
    constants: tuple[Constant, ...]
    """Those of `NEEDED`, and any of `OPTIONAL`."""

    def __post_init__(self) -> None:
        raise_violations(self._violations())

    def _violations(self) -> Iterator[Violation]:
        where = f"TimingModel {self.name!r}.constants"
        names = sorted(constant.name for constant in self.constants)
        if sorted({*names} - {*OPTIONAL}) != sorted(NEEDED) or len({*names}) != len(names):
            rule = f"have exactly {', '.join(sorted(NEEDED))}, and perhaps {', '.join(OPTIONAL)}"
            yield Violation(where, rule, names, "Give each of them once.")
        if ("link_bit" in names) != ("message_header" in names):
            repair = "Give both, or leave both out."
            yield Violation(where, "have link_bit and message_header together", names, repair)
        for constant in self.constants:
            if constant.name == "message_header":
                if dimension_of([constant]) != {}:
                    yield Violation(f"{where}: {constant.name!r}.unit", "be a number", constant.unit, 'Use "1".')
            elif dimension_of([constant]) != SECOND:
                yield Violation(f"{where}: {constant.name!r}.unit", "be a time", constant.unit, "Use s, ms, us or ns.")

    def at(self, name: str, end: End) -> float:
        """Return a constant at its `lowest` or `highest` end, in seconds or bits; 0 where the model leaves it out."""
        constant = next((constant for constant in self.constants if constant.name == name), None)
        return 0.0 if constant is None else constant.at(getattr(constant, end)).si

    def has(self, name: str) -> bool:
        """Return whether the model has a constant."""
        return any(constant.name == name for constant in self.constants)


@dataclass(frozen=True, slots=True, kw_only=True)
class Range(Record):
    """A low and a high estimate, in the unit of the field that holds it."""

    low: float
    """With all constants at their low ends for a time, at their high ends for a rate."""
    high: float
    """The other way round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTerm(Record):
    """One of the times of which the largest makes the step."""

    name: str
    """What is counted: the barrier, neuron updates, synaptic operations, synaptic reads, or link bits."""
    place: str
    """The core or link that is busiest with it at the low ends, as in `core 3`; the chip for the barrier."""
    seconds: Range
    """The time of this term alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyEstimate(Record):
    """Time of a sample on a target; an estimate, not a measurement."""

    target: str
    """Name of the target."""
    title: str
    """Its name in reports."""
    source: str
    """Where the constants are from."""
    leaves_out: str
    """What is not counted."""
    busiest_core: int
    """The core that computes longest, at the low ends."""
    busy_seconds: Range
    """The largest term of a core: its updates, its operations or its reads."""
    terms: tuple[StepTerm, ...]
    """All terms, the barrier first; terms without a rate are left out."""
    largest_term: str
    """The name of the term that makes the step, at the low ends."""
    largest_term_high: str
    """The same at the high ends."""
    step_seconds: Range
    """One step, the largest of the terms."""
    latency_seconds: Range
    """From a sample's first step to its last output."""
    samples_per_second: Range
    """With the pipeline full."""
    point_seconds: Range | None = None
    """From the first step to the last output of a further sample of a held value; None where nothing is held."""


def find_timing(name: str | Path) -> TimingModel:
    """Load the timing constants of a shipped target by name, or a user's own by the path of a TOML file.

    Raises:
        SpecError: If the name is unknown.
        FileFormatError: If the file cannot be read or breaks a rule.
    """
    with named_file(name, {target: f"timing_{target}.toml" for target in SHIPPED}, "timing model") as path:
        return read_timing(path)


def read_timing(path: Path) -> TimingModel:
    """Read a timing model from a TOML file.

    Raises:
        FileFormatError: If the file cannot be read or breaks a rule; all broken rules are listed.
    """
    where = f"timing model {path.name}"
    table = read_table(path, "timing model")
    texts = {key: value for key, value in table.items() if key != "constants"}
    raise_violations(key_violations(TimingModel, texts, where, left_out=("constants",)), FileFormatError)
    constants = read_constants(table, where)
    model, broken = made_from_file(where, lambda: TimingModel(**texts, constants=constants))
    raise_violations(broken, FileFormatError)
    assert model is not None
    return model


def estimate_latency(partition: Partition, traffic: Traffic, timing: TimingModel) -> LatencyEstimate:
    """Estimate step, latency and throughput of a run on a partition.

    Args:
        partition: The network's cores on the mesh.
        traffic: The work of every core, and the messages between them.
        timing: Constants of the target.
    """
    terms = _step_terms(partition, traffic, timing)
    cores = [term for term in terms if term.name in CORE_TERMS]
    busiest = max(cores, key=lambda term: term.seconds.low)
    first, last = max(terms, key=lambda term: term.seconds.low), max(terms, key=lambda term: term.seconds.high)
    step = Range(low=first.seconds.low, high=last.seconds.high)
    n_alone, n_chip_steps = traffic.schedule.n_alone(traffic.n_steps), traffic.n_steps * traffic.schedule.interval
    n_point = traffic.schedule.n_replayed(traffic.n_steps)
    return LatencyEstimate(
        target=timing.name,
        title=timing.title,
        source=timing.source,
        leaves_out=timing.leaves_out,
        busiest_core=int(busiest.place.removeprefix("core ")),
        busy_seconds=Range(low=busiest.seconds.low, high=max(term.seconds.high for term in cores)),
        terms=terms,
        largest_term=first.name,
        largest_term_high=last.name,
        step_seconds=step,
        latency_seconds=Range(low=n_alone * step.low, high=n_alone * step.high),
        samples_per_second=Range(low=1 / (n_chip_steps * step.high), high=1 / (n_chip_steps * step.low)),
        point_seconds=None if n_point is None else Range(low=n_point * step.low, high=n_point * step.high),
    )


def _step_terms(partition: Partition, traffic: Traffic, timing: TimingModel) -> tuple[StepTerm, ...]:
    """Return the terms of a step; each names the core or link that is busiest with it at the low ends."""
    loads = traffic.loads
    cores = [f"core {load.core}" for load in loads]
    n_samples = np.array([load.n_samples for load in loads])[:, None]
    fired = np.stack([load.fired for load in loads]) / n_samples
    silent = np.array([load.n_neurons for load in loads])[:, None] - fired
    operations = np.stack([load.synaptic_operations for load in loads]) / n_samples
    reads = np.stack([load.synaptic_reads for load in loads]) / n_samples

    def updates(end: End) -> FloatArray:
        busy: FloatArray = fired * timing.at("active_update", end) + silent * timing.at("inactive_update", end)
        return busy

    terms = [
        _longest("barrier", ["chip"], lambda end: np.array([[timing.at("step_floor", end)]])),
        _longest(CORE_TERMS[0], cores, updates),
        _longest(CORE_TERMS[1], cores, lambda end: operations * timing.at("synaptic_event", end)),
    ]
    if timing.has("synaptic_read"):
        terms.append(_longest(CORE_TERMS[2], cores, lambda end: reads * timing.at("synaptic_read", end)))
    links = load_links(partition, traffic) if timing.has("link_bit") else ()
    if links:

        def busy_links(end: End) -> FloatArray:
            bits: FloatArray = np.stack([link.bits(timing.at("message_header", end)) for link in links])
            return bits * timing.at("link_bit", end)

        terms.append(_longest("link bits", [f"{link.start} to {link.end}" for link in links], busy_links))
    return tuple(terms)


def _longest(name: str, places: Sequence[str], times: Callable[[End], FloatArray]) -> StepTerm:
    """Return the longest time of all places and steps; `times` gives them for an end, in seconds, (n_places, n_steps)."""
    low, high = times("lowest"), times("highest")
    place = places[int(np.argmax(low.max(axis=1)))]
    return StepTerm(name=name, place=place, seconds=Range(low=float(low.max()), high=float(high.max())))
