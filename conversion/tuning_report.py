"""What a tuning did, as a record of its own: reports read it without torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningReport:
    """How a tuning went; changes are relative L2 of the integer network's output against the float network's."""

    n_iterations: int
    """Steps that were done."""
    n_planned: int
    """Steps that were asked for; more than those done where the time limit ended the tuning."""
    best_iteration: int
    """Step whose integers were kept; 0 keeps the start."""
    seed: int
    """Seed of the batches."""
    n_learned: int
    """Points learned from."""
    n_held_out: int
    """Points that chose what was kept."""
    change_before: float
    """On the held-out points, without tuning."""
    change_after: float
    """On the held-out points, of what was kept."""
    seconds: float
    """Wall time, calibration included."""
