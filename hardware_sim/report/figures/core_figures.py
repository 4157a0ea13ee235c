"""Figure of a placement: the tiles of the mesh, the cores in them, the nodes on the cores, and the messages between them."""

from __future__ import annotations

from typing import Any

from ...costs.hardware_profile import Placement
from ...mapping.mesh import HOST_PLACE, Place
from ...mapping.traffic import Traffic
from .figure import INK, SERIES, Figure, draw_figure


def draw_placement(placement: Placement) -> tuple[Figure, ...]:
    """Draw the part of the mesh that is used."""
    partition, traffic = placement.partition, placement.traffic
    mesh = partition.mesh
    n_columns = max(core.place.column for core in partition.cores) + 1
    n_rows = max(core.place.row for core in partition.cores) + 1
    colours = {node.name: SERIES[index % len(SERIES)] for index, node in enumerate(partition.nodes)}
    side = 2 if mesh.cores_per_tile > 1 else 1
    spots = {core.index: _spot(core.place, core.index % mesh.cores_per_tile, side) for core in partition.cores}

    def draw(canvas: Any) -> None:
        """Draw tiles, cores and the messages between cores."""
        axes = canvas.add_subplot()
        for column in range(n_columns):
            for row in range(n_rows):
                _square(axes, column, -row, 0.92, facecolor="none", edgecolor=INK, alpha=0.4)
        for core in partition.cores:
            x, y = spots[core.index]
            _square(axes, x, y, 0.8 / side * 0.9, facecolor=colours[core.node], edgecolor="none")
        _draw_messages(axes, traffic, spots)
        for name, colour in colours.items():
            axes.scatter([], [], marker="s", color=colour, label=name)
        axes.text(HOST_PLACE.column - 0.75, -HOST_PLACE.row, "host", ha="right", va="center")
        axes.set(xlim=(-1.3, n_columns - 0.4), ylim=(-n_rows + 0.4, 0.6), xticks=[], yticks=[])
        axes.set_aspect("equal")
        axes.legend(ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1.0))
        for spine in axes.spines.values():
            spine.set_visible(False)

    caption = (
        f"{partition.n_cores} of the {partition.target.cores_per_chip} cores of {partition.target.title}; outlined: tiles of "
        f"{mesh.cores_per_tile}. Arrows: messages, the thicker the more; {traffic.messages / traffic.n_samples:.4g} messages "
        f"per sample in all, input included. Mesh: {mesh.source}."
    )
    height = 1.2 + 0.9 * n_rows * min(1.0, 4.5 / (n_columns + 1.0))
    return (draw_figure("cores-placement", "Cores and messages", caption, draw, width=5.0, height=max(height, 2.2)),)


def _draw_messages(axes: Any, traffic: Traffic, spots: dict[int, tuple[float, float]]) -> None:
    """Draw an arrow for every pair of cores that exchanges messages, the thicker the more."""
    strongest = max((link.messages for link in traffic.links), default=1)
    for link in traffic.links:
        start = (HOST_PLACE.column - 0.7, -HOST_PLACE.row) if link.source is None else spots[link.source]
        width = 0.4 + 1.8 * link.messages / strongest
        style = {"arrowstyle": "->", "color": INK, "linewidth": width, "alpha": 0.6, "connectionstyle": "arc3,rad=0.15"}
        axes.annotate("", spots[link.destination], start, arrowprops=style)


def _spot(place: Place, index: int, side: int) -> tuple[float, float]:
    """Return the drawing's coordinates of a core within its tile."""
    if side == 1:
        return float(place.column), -float(place.row)
    down, right = divmod(index, side)
    return place.column + 0.4 * (right - 0.5), -place.row - 0.4 * (down - 0.5)


def _square(axes: Any, x: float, y: float, size: float, **style: Any) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((x - size / 2, y - size / 2), size, size, **style))
