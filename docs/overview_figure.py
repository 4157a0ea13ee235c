"""The figure of the README: the stages of one run, and its results.

The figure shows a run of a shipped network: Poisson's equation inside a star with a hole, 8-bit weights, 16-bit payloads. The
top row shows the stages, the middle row the solution on Lava and its reference, the bottom row events, operations and energy.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

import neuropinn_lava as nl
from neuropinn_lava.base.metrics import relative_l2
from neuropinn_lava.hardware_sim.report.content.sentences import format_basis_label
from neuropinn_lava.hardware_sim.report.report import Report

NAME = "poisson-star"
N_GRID = 220
"""Pixels along each axis of the maps."""
N_ALONG = 150
"""Points of the line along which events are shown."""
BLUE = "#3f7fca"
MODELS = ("45nm-int8", "loihi1-davies", "loihi1-sanafe", "spinnaker2")
"""Event-driven machines whose energies are shown; docs/energy.md has all models."""


def draw() -> Figure:
    """Run the network on Lava and draw what came out, what was sent, and what it cost."""
    chip, problem = nl.convert(nl.find_network(NAME)).network, nl.find_problem(NAME)
    report = nl.profile(chip, n_points=1000)
    figure = Figure(figsize=(11, 7), layout="constrained")
    top, upper, lower = figure.subfigures(3, 1, height_ratios=(0.4, 1.1, 1))
    draw_stages(top.subplots(), report)
    left, middle, right = upper.subplots(1, 3)
    events, operations, joules = lower.subplots(1, 3, width_ratios=(1.6, 0.7, 1))
    points, inside, axis = map_points(problem)
    u, exact = nl.run(chip, points, backend="lava").outputs[:, 0], problem.reference.evaluate(points)[:, 0]
    draw_map(left, inside, axis, u, "u from Lava, 8-bit weights", "viridis")
    draw_map(middle, inside, axis, exact, "u by finite elements", "viridis")
    title = f"difference; relative L2 {relative_l2(u, exact):.2%}"
    draw_map(right, inside, axis, u - exact, title, "RdBu_r")
    draw_events(events, chip, problem)
    draw_operations(operations, report)
    draw_energies(joules, report)
    return figure


def draw_stages(axes: Any, report: Report) -> None:
    """Draw the stages as a row of boxes, each with what this run says of it."""
    axes.set(xlim=(0, 4), ylim=(0, 1))
    axes.axis("off")
    for place, (name, found) in enumerate(describe_stages(report).items()):
        axes.text(place + 0.47, 0.76, name, ha="center", weight="bold", size=11)
        axes.text(place + 0.47, 0.66, found, ha="center", va="top", size=8.4, linespacing=1.4)
        box = FancyBboxPatch(
            (place + 0.03, 0.04), 0.88, 0.9, boxstyle="round,pad=0,rounding_size=0.06", fc="#eef3fa", ec=BLUE
        )
        axes.add_patch(box)
        if place < 3:
            axes.annotate("", (place + 1.03, 0.5), (place + 0.91, 0.5), arrowprops={"arrowstyle": "-|>", "color": BLUE})


def describe_stages(report: Report) -> dict[str, str]:
    """Return three lines of text for each stage of this run."""
    words, parity, counts = report.quantization, report.parity, report.counts
    hidden = report.network.widths[1:-1]
    return {
        "train": f"{report.problem.title}\n{len(hidden)} × {hidden[0]} Variable Spiking Neurons\n"
        f"float64: error {report.float_result.relative_l2:.2%}",
        "quantize": f"{words.weight_bits[0]}-bit weights, {words.payload_bits[0]}-bit payloads\n"
        f"within Loihi 2's limits\nerror {report.deployed_result.relative_l2:.2%}",
        "run on Lava": f"equal to the integer reference:\n{parity.values_compared:,} values compared,\n"
        f"{parity.integer_vs_lava_mismatches} differ",
        "profile": f"{counts.total.spiking_activity:.0%} of the neurons send\n"
        f"{counts.synaptic_operations_per_sample:,.0f} operations, dense {counts.ann_macs:,}\nenergy by named models",
    }


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
    payloads = np.concatenate([layer.payload[:, 0] for layer in probe.nodes], axis=1)
    scaled = np.ma.masked_equal(payloads / np.abs(payloads).max(), 0)
    axes.pcolormesh(points[:, 0], np.arange(payloads.shape[1]), scaled.T, cmap="magma_r", vmin=-0.3, rasterized=True)
    ends = np.cumsum([layer.n_out for layer in chip.populations])
    for end in ends[:-1]:
        axes.axhline(end - 0.5, color="gray", lw=0.8, ls="--")
    axes.set_yticks(ends - chip.populations[0].n_out / 2, [layer.name for layer in chip.populations])
    share = np.mean(payloads != 0)
    axes.set(title=f"events along y = 0.4: {share:.0%} of the neurons send", xlabel="x")


def draw_operations(axes: Any, report: Report) -> None:
    """Draw synaptic operations of an evaluation beside one dense pass."""
    spiking, dense = report.counts.synaptic_operations_per_sample, report.counts.ann_macs
    axes.bar(("dense", "spiking"), (dense, spiking), color=("#b8b8b8", BLUE), width=0.6)
    for place, value in enumerate((dense, spiking)):
        axes.text(place, value, f"{value:,.0f}", ha="center", va="bottom")
    axes.set(title="synaptic operations per point", ylim=(0, 1.15 * dense))


def draw_energies(axes: Any, report: Report) -> None:
    """Draw the dynamic energy of an evaluation, by several models, as a share of a dense pass by the same model."""
    energies = {energy.model: energy for energy in report.hardware.energies}
    for row, name in enumerate(MODELS):
        spiking, dense = energies[name].dynamic_joules_per_sample, energies[name].dense_joules_per_sample
        axes.barh(row, 1, 0.7, color="#d8d8d8")
        axes.barh(row, spiking / dense, 0.7, color=BLUE)
        axes.text(0.98, row, f"{spiking * 1e9:,.1f} of {dense * 1e9:,.1f} nJ", ha="right", va="center")
    axes.set_yticks(range(len(MODELS)), [format_basis_label(energies[name]) for name in MODELS], fontsize=8)
    axes.xaxis.set_major_formatter("{x:.0%}")
    axes.set(title="dynamic energy against a dense pass", xlim=(0, 1))
