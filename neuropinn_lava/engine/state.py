"""State of a run between two parts of its sequences: what continues it without mask or reset.

    state = RunState.begin(network, n_samples)
    first = run_integer(network, points[:, :7], state=state)
    second = run_integer(network, points[:, 7:], state=first.state)      the steps from 7 on of the run of all points

It holds the membranes, and the last payloads of each source that is read with a delay.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base.arrays import ArrayRecord, freeze_arrays
from ..base.checks import check_finite, check_range, check_shape, check_whole, raise_violations
from ..base.errors import SpecError, Violation
from ..network.nodes import ProductSpec
from ..network.quantized import Network, QuantizedNetwork
from ..network.quantized_nodes import QuantizedProduct
from .walk import WalkState, longest_delays

MAX_STEP = 1 << 62
"""Largest number of steps that a state counts, far above use."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CarriedValues(ArrayRecord):
    """What one node or input carries into the next step, for every sample."""

    name: str
    """Name of the node or input."""
    values: NDArray[Any]
    """Membranes, shape (n_samples, n_neurons), or payloads, oldest first, shape (n_samples, n_kept, n_neurons); int64 or
    float64."""

    def __post_init__(self) -> None:
        is_whole = np.issubdtype(np.asarray(self.values).dtype, np.integer)
        freeze_arrays(self, values=np.int64 if is_whole else np.float64)
        raise_violations(check_finite(f"CarriedValues {self.name!r}.values", self.values))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RunState(ArrayRecord):
    """State after some steps of a run: membranes, payloads in flight, the step, the network."""

    network_digest: str
    """Digest of the network that ran."""
    n_samples: int
    """Number of samples of the run."""
    step: int = 0
    """Number of steps done, over all parts; 0 before the first one."""
    membranes: tuple[CarriedValues, ...]
    """Membranes of every population after their reset, in the network's order."""
    lines: tuple[CarriedValues, ...]
    """Last payloads of every source that is read with a delay, by name: as many as the longest delay, or as the steps done."""

    def __post_init__(self) -> None:
        found = [violation for name in ("n_samples", "step") for violation in self._whole(name)]
        raise_violations(found or self._violations())

    def _whole(self, name: str) -> Iterator[Violation]:
        value = getattr(self, name)
        yield from [*check_whole(f"RunState.{name}", value)] or check_range(f"RunState.{name}", value, 0, MAX_STEP)

    def _violations(self) -> Iterator[Violation]:
        for each in self.membranes:
            shape = (self.n_samples, None)
            yield from check_shape(
                f"RunState: membranes of {each.name!r}", each.values, shape, "(n_samples, n_neurons)"
            )
        for each in self.lines:
            if each.values.ndim != 3 or len(each.values) != self.n_samples:
                got, repair = each.values.shape, "Use the state that a run returned."
                rule = f"have the shape (n_samples, n_kept, n_neurons) for {self.n_samples} samples"
                yield Violation(f"RunState: payloads of {each.name!r}", rule, got, repair)

    @classmethod
    def begin(cls, network: Network, n_samples: int) -> RunState:
        """Return the state before the first step: membranes at zero, and nothing sent.

        Args:
            network: Float or quantized.
            n_samples: Number of samples that will run.

        Raises:
            SpecError: If the number is not at least 1.
        """
        raise_violations(
            [*check_whole("RunState.n_samples", n_samples)] or check_range("RunState.n_samples", n_samples, 1, MAX_STEP)
        )
        return cls.of(network, n_samples, WalkState())

    @classmethod
    def of(cls, network: Network, n_samples: int, walked: WalkState) -> RunState:
        """Return the state in which a walk has ended.

        Args:
            network: The network that was walked.
            n_samples: Number of samples.
            walked: Its state.
        """
        numbers = np.int64 if isinstance(network, QuantizedNetwork) else np.float64
        return cls(
            network_digest=network.digest(),
            n_samples=n_samples,
            step=walked.step,
            membranes=tuple(
                CarriedValues(name=name, values=walked.membranes.get(name, np.zeros((n_samples, width), numbers)))
                for name, width in _membrane_widths(network).items()
            ),
            lines=tuple(
                CarriedValues(name=name, values=_stacked(walked.lines.get(name, []), (n_samples, width), numbers))
                for name, width in _line_widths(network).items()
            ),
        )

    def walked(self, rows: slice) -> WalkState:
        """Return the state from which a walk of some samples continues."""
        return WalkState(
            step=self.step,
            membranes={each.name: each.values[rows] for each in self.membranes},
            lines={each.name: list(np.moveaxis(each.values[rows], 1, 0)) for each in self.lines},
        )

    def check(self, network: Network, n_samples: int, where: str, *, is_reordered: bool = False) -> None:
        """Check that the state is one of this network and of so many samples.

        Args:
            network: The network that is to run.
            n_samples: Number of samples that it is to run.
            where: The argument, for errors.
            is_reordered: Whether a probe chooses samples or steps by number, so that samples change their order.

        Raises:
            SpecError: If it is not, or if the order changes.
        """
        if is_reordered:
            repair = "Record the first samples by `Probe(n_samples=...)`."
            rule = "be left out where a probe chooses samples or steps by number"
            raise SpecError(where, rule, f"a state after {self.step} steps", repair)
        if self.network_digest != network.digest():
            repair = "Continue with the network that returned it, or begin anew by `RunState.begin`."
            raise SpecError(
                where,
                f"be a state of network {network.name!r}, of digest {network.digest()}",
                self.network_digest,
                repair,
            )
        if self.n_samples != n_samples:
            repair = "Give the same samples, in the same order, with their next steps."
            raise SpecError(where, f"be of as many samples as the points, {n_samples}", self.n_samples, repair)
        n_kept = {name: min(self.step, longest) for name, longest in longest_delays(network).items()}
        wanted = {name: (n_samples, width) for name, width in _membrane_widths(network).items()}
        delayed = {name: (n_samples, n_kept[name], width) for name, width in _line_widths(network).items()}
        for kind, shapes in (("membranes", wanted), ("lines", delayed)):
            held = {each.name: each.values.shape for each in getattr(self, kind)}
            if held != shapes:
                raise SpecError(
                    f"{where}.{kind}", f"have the shapes {shapes}", held, "Use the state that a run returned."
                )


def joined_states(states: Iterable[RunState]) -> RunState:
    """Join the states of consecutive samples of one run."""
    held = list(states)

    def joined(kind: str) -> tuple[CarriedValues, ...]:
        parts = zip(*(getattr(each, kind) for each in held), strict=True)
        return tuple(replace(same[0], values=np.concatenate([each.values for each in same])) for same in parts)

    return replace(
        held[0], n_samples=sum(each.n_samples for each in held), membranes=joined("membranes"), lines=joined("lines")
    )


def _membrane_widths(network: Network) -> dict[str, int]:
    """Return the number of neurons of each population."""
    return {node.name: node.n_out for node in network.nodes if not isinstance(node, (ProductSpec, QuantizedProduct))}


def _line_widths(network: Network) -> dict[str, int]:
    """Return the number of values of each source that is read with a delay, by name."""
    widths = {each.name: each.width for each in network.inputs} | {node.name: node.n_out for node in network.nodes}
    return {name: widths[name] for name in sorted(longest_delays(network))}


def _stacked(payloads: list[Any], shape: tuple[int, int], numbers: Any) -> NDArray[Any]:
    """Return payloads of several steps as one array (n_samples, n_kept, n_neurons)."""
    return np.stack(payloads, axis=1) if payloads else np.zeros((shape[0], 0, shape[1]), numbers)
