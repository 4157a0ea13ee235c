"""How long a sample takes on a chip, as a range of estimates: nothing here was measured on one.

    busy[t]   = max over cores (synaptic operations * t_syn + active * t_act + inactive * t_inact)      means over samples
    step      = max(floor, busy)   with constants at their low ends,   floor + busy   at their high ends
    latency   = (T + depth - 1) * step         layers one step apart, the read-out included; depth: spiking layers + 1
    throughput = 1 / (T * step)                the pipeline takes the next sample when the first layer is free

Constants are data files of the same form as energy models, `neuropinn_lava/data/timing_*.toml`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from ...base.arrays import FloatArray
from ...base.checks import raise_violations
from ...base.errors import FileFormatError, Violation
from ...files.toml_tables import named_file, read_table
from ..mapping.traffic import Traffic
from .constant_files import key_violations, made_from_file, read_constants
from .constants import SECOND, Constant, dimension_of

SHIPPED = ("loihi1", "loihi2")
"""Targets whose timing constants come with the package."""
NEEDED = ("synaptic_event", "active_update", "inactive_update", "step_floor")
"""Constants of a timing model, all of them times."""
End = Literal["lowest", "highest"]
"""Which end of a constant's range, by the name of the property."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimingModel:
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
    """Those of `NEEDED`."""

    def __post_init__(self) -> None:
        raise_violations(self._violations())

    def _violations(self) -> Iterator[Violation]:
        where = f"TimingModel {self.name!r}.constants"
        names = sorted(constant.name for constant in self.constants)
        if names != sorted(NEEDED):
            yield Violation(where, f"exactly {', '.join(sorted(NEEDED))}", names, "Give each of them once.")
        for constant in self.constants:
            if dimension_of([constant]) != SECOND:
                yield Violation(f"{where}: {constant.name!r}.unit", "a time", constant.unit, "Use s, ms, us or ns.")

    def seconds(self, name: str, end: End) -> float:
        """Give a constant at its `lowest` or `highest` end, in seconds."""
        constant = next(constant for constant in self.constants if constant.name == name)
        return constant.at(getattr(constant, end)).si


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A low and a high estimate, in the unit of the field that holds it."""

    low: float
    """With all constants at their low ends for a time, at their high ends for a rate."""
    high: float
    """The other way round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyEstimate:
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
    """The core that sets the step, at the low ends."""
    busy_seconds: Range
    """What that core needs for one step."""
    step_seconds: Range
    """One step."""
    latency_seconds: Range
    """From a sample's first step to its last output."""
    samples_per_second: Range
    """With the pipeline full."""


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


def estimate_latency(traffic: Traffic, n_layers: int, timing: TimingModel) -> LatencyEstimate:
    """Estimate step, latency and throughput of a run on a partition.

    Args:
        traffic: The work of every core.
        n_layers: Spiking layers.
        timing: Constants of the target.
    """
    fast, slow = _busy_times(traffic, timing, "lowest"), _busy_times(traffic, timing, "highest")
    low_step = max(timing.seconds("step_floor", "lowest"), float(fast.max()))
    high_step = timing.seconds("step_floor", "highest") + float(slow.max())
    n_steps = traffic.n_steps + n_layers
    return LatencyEstimate(
        target=timing.name,
        title=timing.title,
        source=timing.source,
        leaves_out=timing.leaves_out,
        busiest_core=traffic.loads[int(np.argmax(fast.max(axis=1)))].core,
        busy_seconds=Range(low=float(fast.max()), high=float(slow.max())),
        step_seconds=Range(low=low_step, high=high_step),
        latency_seconds=Range(low=n_steps * low_step, high=n_steps * high_step),
        samples_per_second=Range(low=1 / (traffic.n_steps * high_step), high=1 / (traffic.n_steps * low_step)),
    )


def _busy_times(traffic: Traffic, timing: TimingModel, end: End) -> FloatArray:
    """Give what every core needs for every step, in seconds, mean over samples, shape (n_cores, n_steps)."""
    synaptic, active, inactive = (timing.seconds(name, end) for name in NEEDED[:3])
    rows = []
    for load in traffic.loads:
        fired = load.fired / traffic.n_samples
        operations = load.synaptic_operations / traffic.n_samples
        rows.append(operations * synaptic + fired * active + (load.n_neurons - fired) * inactive)
    return np.stack(rows)
