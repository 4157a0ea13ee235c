"""Figures of probed samples: a raster of events over the steps, and the membranes of a layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....engine.trace import NodeTrace, ProbeTrace
from .figure import INK, SERIES, Figure, draw_figure

MAX_SAMPLES = 16
"""Samples in a raster, one after the other; more would be a grey surface."""
MAX_NEURONS = 12
"""Membranes in a figure: the layer's most active neurons."""


def draw_probe(probe: ProbeTrace, labels: tuple[str, ...] = ()) -> tuple[Figure, ...]:
    """Draw a raster of all probed layers, and the membranes of each of them.

    Args:
        probe: The recorded samples.
        labels: What the samples are called; empty for their numbers.
    """
    names = labels or tuple(str(sample) for sample in probe.samples)
    return (_draw_raster(probe, names), *(_draw_membranes(probe, layer, names[0]) for layer in probe.nodes))


def _steps(probe: ProbeTrace, layer: NodeTrace) -> Any:
    return np.arange(layer.fired.shape[1]) if probe.steps is None else probe.steps


def _draw_raster(probe: ProbeTrace, names: tuple[str, ...]) -> Figure:
    """One row for each neuron, layers above each other; samples side by side, their steps from left to right."""
    shown = probe.samples[:MAX_SAMPLES]
    n_steps = probe.output.shape[1]

    def draw(canvas: Any) -> None:
        """Draw a mark for every event."""
        axes, base, ticks = canvas.add_subplot(), 0, []
        for k, layer in enumerate(probe.nodes):
            sample, step, neuron = np.nonzero(layer.payload[: len(shown)])
            axes.scatter(
                sample * n_steps + step, base + neuron, s=6, marker="|", color=SERIES[k % len(SERIES)], rasterized=True
            )
            n_neurons = layer.fired.shape[2]
            ticks.append((base + (n_neurons - 1) / 2, layer.name))
            base += n_neurons
            axes.axhline(base - 0.5, color=INK, linewidth=0.4)
        for k in range(1, len(shown)):
            axes.axvline(k * n_steps - 0.5, color=INK, linewidth=0.4, linestyle=":")
        axes.set(xlim=(-0.5, len(shown) * n_steps - 0.5), ylim=(-0.5, base - 0.5), xlabel="sample")
        axes.set_yticks([at for at, _ in ticks], [name for _, name in ticks])
        axes.set_xticks(
            (np.arange(len(shown)) + 0.5) * n_steps - 0.5, [name.replace(" (", "\n(") for name in names[: len(shown)]]
        )

    caption = (
        f"Events of {len(shown)} of {len(probe.samples)} probed samples, {n_steps} step{'s' if n_steps > 1 else ''} each,"
        " from left to right; one row for each neuron, a mark where its payload is not zero, no unit."
    )
    return draw_figure("probe-raster", "Events", caption, draw, width=7.6, height=4.2)


def _draw_membranes(probe: ProbeTrace, layer: NodeTrace, name: str) -> Figure:
    """The membranes of the first probed sample, and where they fired."""
    membrane, fired = layer.membrane[0], layer.fired[0]
    busy = np.argsort(-np.abs(membrane).max(axis=0) - fired.sum(axis=0), kind="stable")[:MAX_NEURONS]
    steps = _steps(probe, layer)

    def draw(canvas: Any) -> None:
        """Draw the membranes and where they fired."""
        axes = canvas.add_subplot()
        for k, neuron in enumerate(np.sort(busy)):
            colour = SERIES[k % len(SERIES)]
            axes.plot(steps, membrane[:, neuron], color=colour, linewidth=1.0, marker=".", markersize=3)
            at = fired[:, neuron]
            axes.plot(steps[at], membrane[at, neuron], linestyle="none", marker="v", markersize=5, color=colour)
        axes.set(xlabel="step", ylabel="membrane after the reset")
        axes.set_xticks(steps[:: max(1, len(steps) // 8)])

    caption = (
        f"Membranes of layer {layer.name} in sample {name}, the {len(busy)} largest of {membrane.shape[1]}"
        " neurons, in units of the state word; a triangle where the neuron fired, and was reset to zero."
    )
    return draw_figure(f"probe-membrane-{layer.name}", f"Membranes of {layer.name}", caption, draw, width=5.0)
