"""State of a whole network's run in memory that its processes share: they begin with it, and leave that of the last step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ...base.arrays import Record
from ...engine.state import RunState
from ...engine.walk import WalkState, longest_delays
from ...network.quantized import Network
from ..kernels.layout import Array
from ..runner.shared_arrays import SharedArray
from .choices import Numerics


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SharedState(Record):
    """Membranes and payloads in flight of every sample; each process works on rows of its own."""

    network: Network
    """Network that runs, float or quantized."""
    step: int
    """Number of steps that were done before this run."""
    membranes: Mapping[str, SharedArray]
    """Membranes of each population, shape (n_samples, n_neurons)."""
    lines: Mapping[str, SharedArray]
    """Last payloads of each source that is read with a delay, shape (n_samples, longest delay, n_neurons), oldest first; zero
    before its first step."""

    @classmethod
    def of(cls, network: Network, state: RunState) -> SharedState:
        """Copy a state, which has been checked, into shared memory."""
        kind = Numerics.of(network).message_type
        shared = cls(
            network=network,
            step=state.step,
            membranes={each.name: SharedArray.zeros(each.values.shape, kind) for each in state.membranes},
            lines={
                each.name: SharedArray.zeros((state.n_samples, longest, each.values.shape[2]), kind)
                for each, longest in zip(state.lines, _longest(network).values(), strict=True)
            },
        )
        for each in state.membranes:
            shared.membranes[each.name].values[:] = each.values
        for each in state.lines:
            line = shared.lines[each.name].values
            line[:, line.shape[1] - each.values.shape[1] :] = each.values
        return shared

    def run_state(self, n_samples: int, n_steps: int) -> RunState:
        """Return the state after so many steps of this run."""
        step = self.step + n_steps
        lines = {name: line.values.astype(np.result_type(line.values, np.int64)) for name, line in self.lines.items()}
        walked = WalkState(
            step=step,
            membranes={name: membrane.values for name, membrane in self.membranes.items()},
            lines={name: list(np.moveaxis(line, 1, 0)[-step:]) for name, line in lines.items()},
        )
        return RunState.of(self.network, n_samples, walked)

    def earlier(self, source: str, rows: slice, step: int, n_steps: int) -> Array:
        """Return what a source sent at steps step, step + 1, … < 0 of this run, shape (n_rows, n_steps, width)."""
        line = self.lines[source].values[rows]
        begin = line.shape[1] + step
        return line[:, begin : begin + n_steps]

    def keep(self, rows: slice, membranes: Mapping[str, Array], sent: Mapping[str, Array]) -> None:
        """Keep the last membranes (n_rows, width), and what each source sent in this run (n_rows, n_steps, width)."""
        for name, membrane in self.membranes.items():
            membrane.values[rows] = membranes[name]
        for name, line in self.lines.items():
            own = line.values[rows]
            own[:] = np.concatenate([own, sent[name]], axis=1)[:, -own.shape[1] :]


def _longest(network: Network) -> dict[str, int]:
    """Return the longest delay of each source that is read with one, by name."""
    return dict(sorted(longest_delays(network).items()))
