"""The README's figure: a solution from Lava beside its reference, the events that carried it, and what they cost.

One real run of a shipped network: Poisson's equation inside a star with a hole, 8-bit weights, 16-bit payloads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

import neuropinn_lava as nl
from neuropinn_lava.metrics import relative_l2

NAME = "poisson-star"
N_GRID = 220
"""Pixels along each axis of the maps."""
N_ALONG = 150
"""Points of the line along which events are shown."""
MODELS = ("45nm-int8", "loihi1-davies", "loihi1-sanafe", "spinnaker2")
"""Event-driven machines whose energies are shown; docs/energy.md has all models."""


def draw() -> Figure:
    """Run the network on Lava and draw what came out, what was sent, and what it cost."""
    chip, problem = nl.convert(nl.find_network(NAME)).network, nl.find_problem(NAME)
    figure = Figure(figsize=(11, 5.6), layout="constrained")
    upper, lower = figure.subfigures(2, 1, height_ratios=(1.1, 1))
    left, middle, right = upper.subplots(1, 3)
    events, operations, joules = lower.subplots(1, 3, width_ratios=(1.6, 0.7, 1))
    points, inside, axis = map_points(problem)
    u, exact = nl.run(chip, points, backend="lava").outputs[:, 0], problem.reference.evaluate(points)[:, 0]
    draw_map(left, inside, axis, u, "u from Lava, 8-bit weights", "viridis")
    draw_map(middle, inside, axis, exact, "u by finite elements", "viridis")
    title = f"difference; relative L2 {relative_l2(u, exact):.2%}"
    draw_map(right, inside, axis, u - exact, title, "RdBu_r")
    draw_events(events, chip, problem)
    report = nl.profile(chip, n_points=1000, with_lava=False)
    draw_operations(operations, report)
    draw_energies(joules, report)
    return figure


def map_points(problem: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lay a grid over the domain: the points inside, which of the grid they are, and its axis."""
    axis = np.linspace(-1, 1, N_GRID)
    points = np.stack([values.ravel() for values in np.meshgrid(axis, axis)], axis=1)
    inside = problem.domain.contains(points)
    return points[inside], inside.reshape(N_GRID, N_GRID), axis


def draw_map(axes: Any, inside: np.ndarray, axis: np.ndarray, values: np.ndarray, title: str, colours: str) -> None:
    """Draw values inside the domain as colours; a diverging map is centred on zero."""
    field = np.full(inside.shape, np.nan)
    field[inside] = values
    ends = {"vmin": -np.abs(values).max(), "vmax": np.abs(values).max()} if colours == "RdBu_r" else {}
    image = axes.pcolormesh(axis, axis, field, cmap=colours, rasterized=True, **ends)
    axes.set(title=title, aspect="equal")
    axes.axis("off")
    axes.figure.colorbar(image, ax=axes, shrink=0.8)


def draw_events(axes: Any, chip: nl.QuantizedNetwork, problem: Any) -> None:
    """Draw the payload of every neuron for points along y = 0.4."""
    x = np.linspace(-1, 1, N_ALONG)
    points = np.stack([x, np.full(N_ALONG, 0.4)], axis=1)
    points = points[problem.domain.contains(points)]
    probe = nl.run(chip, points, backend="lava", probe=nl.Probe(n_samples=len(points))).probe
    payloads = np.concatenate([layer.payload[:, 0] for layer in probe.layers], axis=1)
    scaled = np.ma.masked_equal(payloads / np.abs(payloads).max(), 0)
    axes.pcolormesh(points[:, 0], np.arange(payloads.shape[1]), scaled.T, cmap="magma_r", vmin=-0.3, rasterized=True)
    ends = np.cumsum([layer.n_out for layer in chip.layers])
    for end in ends[:-1]:
        axes.axhline(end - 0.5, color="gray", lw=0.6)
    axes.set_yticks(ends - chip.layers[0].n_out / 2, [layer.name for layer in chip.layers])
    share = np.mean(payloads != 0)
    axes.set(title=f"events along y = 0.4: {share:.0%} of the neurons send", xlabel="x")


def draw_operations(axes: Any, report: Any) -> None:
    """Draw synaptic operations of an evaluation beside one dense pass."""
    spiking, dense = report.counts.synaptic_operations_per_sample, report.counts.ann_macs
    axes.bar(("dense", "spiking"), (dense, spiking), color=("#b8b8b8", "#3f7fca"), width=0.6)
    for place, value in enumerate((dense, spiking)):
        axes.text(place, value, f"{value:,.0f}", ha="center", va="bottom")
    axes.set(title="synaptic operations per point", ylim=(0, 1.15 * dense))


def draw_energies(axes: Any, report: Any) -> None:
    """Draw the dynamic energy of an evaluation, by several models, as a share of a dense pass by the same model."""
    energies = {energy.model: energy for energy in report.hardware.energies}
    for row, name in enumerate(MODELS):
        spiking, dense = energies[name].dynamic_joules_per_sample, energies[name].dense_joules_per_sample
        axes.barh(row, 1, 0.7, color="#d8d8d8")
        axes.barh(row, spiking / dense, 0.7, color="#3f7fca")
        axes.text(0.98, row, f"{spiking * 1e9:,.1f} of {dense * 1e9:,.1f} nJ", ha="right", va="center")
    axes.set_yticks(range(len(MODELS)), [f"{name}\n({energies[name].kind.value})" for name in MODELS], fontsize=8)
    axes.xaxis.set_major_formatter("{x:.0%}")
    axes.set(title="dynamic energy against a dense pass", xlim=(0, 1))
