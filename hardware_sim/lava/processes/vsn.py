"""A population of Variable Spiking Neurons with its synapses: the process that `to_lava` connects, and a Lava user builds.

    z[t] = sum over connections c of W_c a_c[t - d_c]  + bias
    m[t] = beta * m[t-1] + z[t]                             zero before the first step of a presentation
    s[t] = m[t] >= theta                                    or |m[t]| >= theta
    a[t] = phi(z[t] * s[t]),   m[t] = 0  where s[t]         `a_out` sends a[t] in the next step

In integers, words and rounding are those of `neuropinn_lava.network.quantized_nodes`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from lava.magma.core.process.ports.ports import OutPort
from lava.magma.core.process.process import LogConfig

from neuropinn_lava.base.checks import check_range, raise_violations
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.hardware_sim.kernels.layer_kernel import message_widths
from neuropinn_lava.hardware_sim.lava.processes.layers import NodeProcess
from neuropinn_lava.hardware_sim.lava.processes.variables import membrane_variable
from neuropinn_lava.hardware_sim.steps.choices import Numerics
from neuropinn_lava.hardware_sim.steps.compile_checks import Entry
from neuropinn_lava.hardware_sim.steps.holding import Holding
from neuropinn_lava.hardware_sim.steps.parameters import make_population
from neuropinn_lava.hardware_sim.steps.recording import NodeRecording
from neuropinn_lava.hardware_sim.steps.schedule import Schedule
from neuropinn_lava.hardware_sim.steps.timing import DelayLine, NodeTiming
from neuropinn_lava.network.nodes import Polarity, PopulationSpec
from neuropinn_lava.network.phi_table import PhiTable
from neuropinn_lava.network.quantized_nodes import QuantizedPopulation

_numbers = count(1)
"""Numbers for processes without a name."""


class VSN(NodeProcess):
    """A population of Variable Spiking Neurons.

    Ports: `a_in`, or `a_in_0`, `a_in_1`, … where it has several connections; `a_out`. Variables: `weights`, or `weights_0`, …;
    `bias`, `beta`, `theta` and the membranes `m`, all of which can be read and set between runs. `recording.node_counts()`
    returns what has been counted.

    Args:
        shape: Of a message that it sends: (n,), or (batch, n) for several samples in a message.
        weights: A matrix (n, n_source), or a list of one for each input port. A `ConnectionSpec` or
            `QuantizedConnection` in the place of a matrix has a delay and, in integers, scales; a plain matrix of integers
            multiplies payloads into units of the state.
        bias: Biases, a number or (n,).
        beta: Leaks, a number or (n,), 0 to 1; in integers in units of 2**-12.
        theta: Thresholds, a number or (n,).
        phi: Name of the activation, for float64; its table (`PhiTable`), for integers.
        polarity: "positive" or "both".
        reset_interval: Number of steps of a presentation, after which membranes return to zero.
        reset_offset: In which step of Lava the first presentation begins, counted from 0: the number of processes before
            it that delay by a step. Checked when the graph is compiled.
        step_interval: Steps of Lava that a step takes; more than 1 where a loop has more nodes than delays.
        waits: For each input port, the steps of Lava that a message waits before it is used, where ways of different
            length meet; None for no step at all.
        name: As errors and Lava's monitors call it.
        log_config: Lava's configuration of its messages.
        n_samples: How many presentations there will be; None for as many as come.
        recording: Where counts and probed values go; None for counts of its own.
        constant_input: All messages are the same at all steps of a presentation, and are multiplied once.
        entries: What is known of the messages at some ports; None checks the messages of all ports.
        holding: Held values of the samples, and who sends each of them only once; None where everything is sent anew.
    """

    called = "VSN"

    def __init__(
        self,
        *,
        shape: tuple[int, ...],
        weights: Any,
        bias: Any = 0,
        beta: Any = 0,
        theta: Any = 0,
        phi: str | PhiTable,
        polarity: Polarity | str = Polarity.POSITIVE,
        reset_interval: int = 1,
        reset_offset: int = 0,
        step_interval: int = 1,
        waits: Sequence[int] | None = None,
        name: str | None = None,
        log_config: LogConfig | None = None,
        n_samples: int | None = None,
        recording: NodeRecording | None = None,
        constant_input: bool = False,
        entries: Mapping[int, Entry] | None = None,
        holding: Holding | None = None,
    ) -> None:
        """Build a population; the last five arguments are what `to_lava` knows of a whole network.

        Raises:
            SpecError: If an argument is out of range.
            FixedPointError: If an integer does not fit its word.
        """
        name = name or f"vsn{next(_numbers)}"
        if len(shape) not in (1, 2):
            repair = "Write (n,), or (batch, n) where a message carries several samples."
            raise SpecError(f"VSN {name!r}.shape", "have one axis, or two", shape, repair)
        _check_steps(name, reset_interval=reset_interval, reset_offset=reset_offset, step_interval=step_interval)
        layer = make_population(
            name, shape[-1], weights=weights, bias=bias, beta=beta, theta=theta, phi=phi, polarity=polarity
        )
        schedule = Schedule(
            n_steps=reset_interval,
            latency=reset_offset,
            interval=step_interval,
            batch_size=shape[0] if len(shape) == 2 else None,
            n_samples=n_samples,
        )
        timing = _timing(layer, schedule, waits)
        super().__init__(
            layer=layer,
            schedule=schedule,
            timing=timing,
            recording=recording or NodeRecording.empty(layer, reset_interval, 0, Numerics.of_node(layer).message_type),
            constant_input=constant_input,
            entries=_entries(schedule, timing) if entries is None else entries,
            holding=holding,
            log_config=log_config,
        )
        self.recording = self.proc_params["recording"]
        self.a_out = OutPort(shape=shape)
        self.m = membrane_variable(layer, shape)


def _check_steps(name: str, **steps: int) -> None:
    """Check the arguments that are numbers of steps; only the offset may be 0."""
    raise_violations(
        each
        for argument, value in steps.items()
        for each in check_range(f"VSN {name!r}.{argument}", value, argument != "reset_offset", 1 << 31)
    )


def _timing(layer: PopulationSpec | QuantizedPopulation, schedule: Schedule, waits: Sequence[int] | None) -> NodeTiming:
    """Return the delay lines of a population from how long its messages wait.

    Raises:
        SpecError: If there are not as many waits as connections, or a message would have to be sent before the first step.
    """
    where, lengths = f"VSN {layer.name!r}.waits", [0] * len(layer.edges) if waits is None else list(waits)
    if len(lengths) != len(layer.edges):
        repair = "Give a number for each input port."
        raise SpecError(where, f"have {len(layer.edges)} numbers, one for each connection", lengths, repair)
    for (_, delay), length in zip(layer.edges, lengths, strict=True):
        raise_violations(check_range(where, length, 0, schedule.latency + delay * schedule.interval))
    edges = zip(layer.edges, message_widths(layer), lengths, strict=True)
    lines = tuple(
        DelayLine(source=source, delay=delay, width=width, length=length) for (source, delay), width, length in edges
    )
    return NodeTiming(name=layer.name, start=schedule.latency, lines=lines)


def _entries(schedule: Schedule, timing: NodeTiming) -> Mapping[int, Entry]:
    """Return when the first message of each port arrives, as the arguments of a population say."""
    later = [line.length - line.delay * schedule.interval for line in timing.lines]
    return {
        index: Entry(latency=schedule.latency - each, is_checked=True, said_by="reset_offset", said_more=each)
        for index, each in enumerate(later)
    }
