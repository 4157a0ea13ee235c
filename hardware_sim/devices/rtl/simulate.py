"""The core in Amaranth's own simulator: no compiler needed, some thousand cycles a second."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .recording import MAX_IDLE, Job, Recording, idle_error

if TYPE_CHECKING:
    from .core.network import Core

PERIOD = 1e-8
"""Of the simulated clock, in seconds; nothing depends on it."""


def simulate_core(core: Core, job: Job, pauses: float = 0.0, seed: int = 0) -> Recording:
    """Simulate a core, cycle by cycle.

    Args:
        core: The core.
        job: What it receives.
        pauses: Share of the cycles in which the sender, and that in which the receiver, is not ready; 0 to below 1.
        seed: Seed of the pauses.

    Raises:
        SimulationError: If the core stops.
    """
    from amaranth.sim import Simulator

    watch = _Watch(core, job, pauses, np.random.default_rng(seed))
    simulator = Simulator(core)
    simulator.add_clock(PERIOD)
    simulator.add_testbench(watch.run)
    simulator.run()
    return watch.recording()


class _Watch:
    """Both ends of the streams, and the records between."""

    def __init__(self, core: Core, job: Job, pauses: float, rng: np.random.Generator) -> None:
        self.core, self.job, self.pauses, self.rng = core, job, pauses, rng
        self.sent: list[int] = []
        self.records: list[list[tuple[int, ...]]] = [[] for _ in job.n_records]
        self.marks: list[int] = []
        """Cycles at which the first word was taken, the first sent, the last sent."""

    async def run(self, ctx: Any) -> None:
        """Step through the cycles until everything awaited has come."""
        core, at, idle, offers, takes = self.core, 0, 0, False, False
        signals = [
            core.s_axis_tready,
            core.m_axis_tvalid,
            core.output.data,
            *(s for r in core.records for s in r.signals),
        ]
        cycle = 0
        async for _, _, ready, valid, data, *values in ctx.tick().sample(*signals):
            idle += 1
            if offers and ready:
                at, idle = at + 1, 0
                self.marks = self.marks or [cycle]
            if takes and valid:
                self.sent.append(data)
                idle = 0
                self.marks = [*self.marks[:2], cycle] if len(self.marks) > 1 else [*self.marks, cycle]
            if self._keep(values):
                idle = 0
            if self._is_complete():
                return
            if idle > MAX_IDLE:
                raise idle_error(core.plan, len(self.sent))
            is_held = offers and not ready
            offers = at < len(self.job.words) and (is_held or self._is_awake())
            takes = self._is_awake()
            ctx.set(core.s_axis_tvalid, offers)
            ctx.set(core.m_axis_tready, takes)
            if offers:
                ctx.set(core.s_axis_tdata, int(self.job.words[at]) & ((1 << len(core.s_axis_tdata)) - 1))
                ctx.set(core.s_axis_tlast, int(self.job.lasts[at]))
            cycle += 1

    def _is_awake(self) -> bool:
        return not self.pauses or bool(self.rng.random() >= self.pauses)

    def _keep(self, values: list[int]) -> bool:
        """Keep the records of a cycle; return whether there was one."""
        seen = False
        for k, kept in enumerate(self.records):
            valid, *fields = values[4 * k : 4 * k + 4]
            if valid and len(kept) < self.job.n_records[k]:
                kept.append(tuple(fields))
                seen = True
        return seen

    def _is_complete(self) -> bool:
        return len(self.sent) == self.job.n_output and all(
            len(kept) == n for kept, n in zip(self.records, self.job.n_records, strict=True)
        )

    def recording(self) -> Recording:
        """Return what was seen."""
        start, first, last = self.marks[0], self.marks[1], self.marks[-1]
        return Recording(
            words=np.array(self.sent, np.int64),
            nodes=tuple(np.array(kept, np.int64).reshape(-1, 3) for kept in self.records),
            cycles=last - start + 1,
            first_output=first - start + 1,
        )
