"""The mesh of tiles that carries messages between cores: where a core lies, and how far it is to another.

Loihi 1 and Loihi 2 are both described in public as 8 by 4 tiles of four cores. Other targets with as many cores are given the
same, others a square of single cores; reports say which one was assumed.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import NamedTuple

from ...base.arrays import Record
from ...conversion.targets.target import HardwareTarget


class Place(NamedTuple):
    """A tile of the mesh, chips counted along the rows."""

    column: int
    row: int


HOST_PLACE = Place(0, 0)
"""Where input enters and output leaves: the corner tile of the first chip. Assumed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mesh(Record):
    """Tiles in columns and rows; further chips continue the rows."""

    columns: int
    """Tiles of a chip along a row."""
    rows: int
    """Tiles of a chip along a column."""
    cores_per_tile: int
    """Cores that share a tile: messages between them cross no boundary."""
    source: str
    """Where this is known from, or that it is assumed."""

    @property
    def cores_per_chip(self) -> int:
        """Places of one chip, whether they are used or not."""
        return self.columns * self.rows * self.cores_per_tile

    def place(self, core: int) -> Place:
        """Return the tile of a core; cores are numbered tile by tile along a snake, so that neighbours in number are near."""
        chip, within = divmod(core, self.cores_per_chip)
        row, position = divmod(within // self.cores_per_tile, self.columns)
        column = position if row % 2 == 0 else self.columns - 1 - position
        return Place(chip * self.columns + column, row)


LOIHI_MESH = Mesh(columns=8, rows=4, cores_per_tile=4, source="Loihi 1: SANA-FE, loihi.yaml")
"""128 cores in 32 tiles."""
SOURCES = {
    "loihi1": LOIHI_MESH.source,
    "loihi2": "Loihi 2: Timcheck, Pierro, Shrestha, arXiv 2601.10035; which core of a tile comes first is assumed",
}
"""Targets whose mesh is published, and where."""


def find_mesh(target: HardwareTarget) -> Mesh:
    """Return the mesh of a target, or the one that is assumed for it."""
    if target.cores_per_chip == LOIHI_MESH.cores_per_chip:
        source = SOURCES.get(target.name, "assumed to be Loihi's; none is published")
        return dataclasses.replace(LOIHI_MESH, source=source)
    columns = math.ceil(math.sqrt(target.cores_per_chip))
    rows = math.ceil(target.cores_per_chip / columns)
    return Mesh(columns=columns, rows=rows, cores_per_tile=1, source="assumed: a square of single cores")
