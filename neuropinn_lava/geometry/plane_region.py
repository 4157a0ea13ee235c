"""Plane regions combined of boxes, polygons and discs by shapely, with arcs that stay round and parts that keep their names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ..base.arrays import ArrayRecord, BoolArray, FloatArray, IntArray, Record, freeze_arrays, frozen_array
from ..base.checks import check_finite, check_range, check_shape, raise_violations
from ..base.errors import SpecError, Violation
from .combination import Combinable
from .domain import ON_FACE, Box
from .edges import N_CIRCLE, Edges
from .polygon import PolygonDomain
from .ring_domain import RingDomain, check_rings, oriented

PLACES = (0.31, 0.73)
"""Shares of an edge at which it is compared with those that it may be a piece of."""
StrArray = NDArray[np.str_]

OPERATIONS = {"+": "union", "-": "difference", "&": "intersection"}
"""shapely's functions by the operators that call them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part(Record):
    """What edges of a region have in common: the name of their part, and the circle that they stand for."""

    name: str = ""
    """Tag of the edges; "" for none."""
    circle: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Centre and radius; radius 0 for straight edges."""

    def __post_init__(self) -> None:
        raise_violations(_name_violations("Part.name", self.name))


def _name_violations(where: str, name: str) -> Iterator[Violation]:
    if name and (not name.isidentifier() or name == "start"):
        repair = "`start` is the tag of initial time; choose a name such as `inlet`."
        yield Violation(where, "be a word of letters, digits and underscores other than `start`", repr(name), repair)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlaneRegion(ArrayRecord, RingDomain):
    """A plane region that was combined of others: `Box([0, 0], [2, 1]) - Disc([0.5, 0.5], 0.2, name="cylinder")`.

    Arcs are kept as chords with their circles: boundary points and normals are exact, membership is to 5e-6 of the radius.
    """

    exterior: FloatArray
    """Vertices of the outline, counterclockwise, shape (n_vertices, 2)."""
    holes: tuple[FloatArray, ...] = ()
    """Vertices of each hole, clockwise, shape (n_vertices, 2) each."""
    parts: tuple[Part, ...]
    """The different parts that edges belong to."""
    edge_parts: IntArray
    """Index of the part of each edge, ring after ring in the order of the vertices, shape (n_edges,)."""

    def __post_init__(self) -> None:
        freeze_arrays(self, exterior=np.float64, edge_parts=np.int64)
        object.__setattr__(self, "holes", tuple(frozen_array(hole, np.float64) for hole in self.holes))
        check_rings(self, self.rings)
        n_edges = sum(len(ring) for ring in self.rings)
        raise_violations(check_shape("PlaneRegion.edge_parts", self.edge_parts, (n_edges,), "(n_edges,)"))
        raise_violations(check_range("PlaneRegion.edge_parts", self.edge_parts, 0, len(self.parts) - 1))

    @property
    def rings(self) -> tuple[FloatArray, ...]:
        """The outline counterclockwise, followed by the holes clockwise: the inside lies to the left of every edge."""
        return (self.exterior, *self.holes)

    def edges(self) -> Edges:
        """Build the edges of all rings, in the order of `rings`."""
        circles = np.array([part.circle for part in self.parts])
        return Edges.of_rings(self.rings, circles[self.edge_parts])

    def edge_names(self) -> tuple[str, ...]:
        """Return the names of the parts that the edges belong to, "" for no name, in the order of `rings`."""
        return tuple(self.parts[part].name for part in self.edge_parts)


@dataclass(frozen=True, slots=True, eq=False)
class Disc(ArrayRecord, RingDomain):
    """The inside of a circle: `Disc([0.5, 0.5], 0.2, name="hole")`, a domain of its own and a part of others."""

    centre: FloatArray
    """Middle of the disc, shape (2,)."""
    radius: float
    """Radius, positive, in the unit of the coordinates."""
    name: str = ""
    """Tag of the circle in the regions that the disc is combined to; "" for none."""

    def __post_init__(self) -> None:
        freeze_arrays(self, centre=np.float64)
        raise_violations(check_shape("Disc.centre", self.centre, (2,), "(2,)"))
        found = [*check_finite("Disc.centre", self.centre), *check_range("Disc.radius", self.radius, 1e-30, 1e30)]
        raise_violations([*found, *_name_violations("Disc.name", self.name)])

    @property
    def rings(self) -> tuple[FloatArray, ...]:
        """The circle as a counterclockwise path of chords, shape (N_CIRCLE, 2)."""
        angles = np.arange(N_CIRCLE) * (2 * np.pi / N_CIRCLE)
        return (self.centre + self.radius * np.stack([np.cos(angles), np.sin(angles)], axis=1),)

    def edges(self) -> Edges:
        """Build the chords of the circle."""
        return Edges.of_rings(self.rings, np.tile([*self.centre, self.radius], (N_CIRCLE, 1)))

    def edge_names(self) -> tuple[str, ...]:
        """Return the name of the disc for each chord."""
        return (self.name,) * N_CIRCLE


def combine_regions(left: Combinable, symbol: str, right: Combinable) -> RingDomain:
    """Combine two plane regions by `+` (union), `-` (difference) or `&` (intersection).

    Returns:
        A polygon if all edges are straight and without names, else a region.

    Raises:
        SpecError: If one of them is no plane region, or what results is empty or not connected.
    """
    import shapely

    where = f"{type(left).__name__} {symbol} {type(right).__name__}"
    first, second = _as_region(left, where), _as_region(right, where)
    shape = getattr(shapely, OPERATIONS[symbol])(first.polygon(), second.polygon())
    pieces = [piece for piece in shapely.get_parts(shape) if piece.area > 0]
    if len(pieces) != 1:
        repair = "Check centres and sizes; solve on separate pieces one after the other."
        raise SpecError(where, "be one connected region", f"{len(pieces)} pieces", repair)
    exterior, *holes = (
        frozen_array(np.asarray(ring.coords)[:-1], np.float64) for ring in (pieces[0].exterior, *pieces[0].interiors)
    )
    holes = sorted((oriented(hole, -1.0) for hole in holes), key=lambda hole: tuple(hole.min(axis=0)))
    rings = [oriented(exterior, 1.0), *holes]
    rings, circles, names = _cleaned(rings, *_origins(rings, first, second))
    raise_violations(_touching_violations(where, rings))
    return _region(rings, circles, names)


def _touching_violations(where: str, rings: Sequence[FloatArray]) -> Iterator[Violation]:
    """Yield that parts of a boundary meet in a point, as tangent circles do: there the region hangs together by nothing."""
    from shapely import Polygon
    from shapely.validation import explain_validity

    vertices, polygon = np.concatenate(rings), Polygon(rings[0], rings[1:])
    pairs = cKDTree(vertices).query_pairs(ON_FACE * float(np.ptp(vertices, axis=0).max()))
    if pairs or not polygon.is_valid:
        place = vertices[min(pairs)[0]] if pairs else explain_validity(polygon)
        repair = "Move or resize a part so that they overlap or keep apart."
        yield Violation(where, "be one connected region", f"one that touches itself at {place}", repair)


def name_boundary(region: Combinable, name: str) -> RingDomain:
    """Return a plane region all of whose boundary has a name.

    Raises:
        SpecError: If it is no plane region, or the name cannot be a tag.
    """
    raise_violations(_name_violations("named: name", name))
    plane = _as_region(region, f"{type(region).__name__}.named")
    return _region(plane.rings, plane.edges().circles, [name] * len(plane.edge_names()))


def _as_region(given: object, where: str) -> RingDomain:
    if isinstance(given, RingDomain):
        return given
    if isinstance(given, Box) and given.n_dim == 2 and len(given.closed_faces) == 4:
        (x0, y0), (x1, y1) = given.lower, given.upper
        return PolygonDomain(exterior=np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]))
    got = f"a {type(given).__name__}" + (f" in {given.n_dim} coordinates" if isinstance(given, Box) else "")
    repair = "Combine regions in space first, and extend them in time by `SpaceTime` afterwards."
    raise SpecError(
        where, "be made of closed boxes in the plane, polygons, discs and combinations of them", got, repair
    )


def _origins(rings: Sequence[FloatArray], first: RingDomain, second: RingDomain) -> tuple[FloatArray, list[str]]:
    """Find which edge of two regions each edge of their combination is a piece of: return its circle and its name."""
    made = Edges.of_rings(rings)
    index, distance = _nearest_edges(made, first.edges())
    other, other_distance = _nearest_edges(made, second.edges())
    names, other_names = (np.array(region.edge_names())[k] for region, k in ((first, index), (second, other)))
    tie = ON_FACE * float(np.ptp(made.starts, axis=0).max())
    better = (other_distance < distance - tie) | ((other_distance <= distance + tie) & (names == ""))
    circles = np.where(better[:, None], second.edges().circles[other], first.edges().circles[index])
    return circles, np.where(better, other_names, names).tolist()


def _nearest_edges(made: Edges, source: Edges) -> tuple[IntArray, FloatArray]:
    """Return the edge that each new edge lies on, and how far it is off it, from two places of each: one may be a crossing."""
    found = [source.nearest(made.starts + share * (made.ends - made.starts)) for share in PLACES]
    return found[0][0], np.maximum(*(distance for _, distance in found))


def _cleaned(
    rings: Sequence[FloatArray], circles: FloatArray, names: Sequence[str]
) -> tuple[list[FloatArray], FloatArray, list[str]]:
    """Move vertices between arcs and lines to where these cross, and leave out those within lines or doubled by rounding."""
    rings, circles, labels = _without_short_edges(rings, circles, np.array(names))
    edges = Edges.of_rings(rings, circles)
    round_here = (circles[:, 2] > 0) | (circles[edges.before, 2] > 0)
    needed: BoolArray = edges.corners() | round_here | (labels != labels[edges.before])
    rings, circles, labels = _kept(rings, needed), circles[needed], labels[needed]
    exact = Edges.of_rings(rings, circles).exact_starts()
    rings = np.split(exact, np.cumsum([len(ring) for ring in rings])[:-1])
    rings, circles, labels = _without_short_edges(rings, circles, labels)
    return rings, circles, labels.tolist()


def _without_short_edges(
    rings: Sequence[FloatArray], circles: FloatArray, labels: StrArray
) -> tuple[list[FloatArray], FloatArray, StrArray]:
    """Leave out the starts of edges whose ends are one point but for rounding."""
    edges = Edges.of_rings(rings)
    long: BoolArray = np.linalg.norm(edges.ends - edges.starts, axis=1) > ON_FACE * float(
        np.ptp(edges.starts, axis=0).max()
    )
    return _kept(rings, long), circles[long], labels[long]


def _kept(rings: Sequence[FloatArray], which: BoolArray) -> list[FloatArray]:
    splits = np.cumsum([len(ring) for ring in rings])[:-1]
    return [ring[mask] for ring, mask in zip(rings, np.split(which, splits), strict=True)]


def _region(rings: Sequence[FloatArray], circles: FloatArray, names: Sequence[str]) -> RingDomain:
    if not (circles[:, 2].any() or any(names)):
        return PolygonDomain(exterior=rings[0], holes=tuple(rings[1:]))
    owners = [(name, tuple(circle)) for name, circle in zip(names, circles.tolist(), strict=True)]
    places = {owner: k for k, owner in enumerate(dict.fromkeys(owners))}
    return PlaneRegion(
        exterior=rings[0],
        holes=tuple(rings[1:]),
        parts=tuple(Part(name=name, circle=circle) for name, circle in places),
        edge_parts=np.array([places[owner] for owner in owners]),
    )
