"""Operators on plane regions: `a + b` joins them, `a - b` cuts, `a & b` keeps what both share; `region.named("inlet")`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .ring_domain import RingDomain


class Combinable:
    """Base of what plane regions are combined of: boxes in the plane, polygons, discs, and combinations of them."""

    __slots__ = ()

    def __add__(self, other: Combinable) -> RingDomain:
        """Return the union of two plane regions."""
        from .plane_region import combine_regions

        return combine_regions(self, "+", other)

    def __sub__(self, other: Combinable) -> RingDomain:
        """Return what is left of a plane region without another."""
        from .plane_region import combine_regions

        return combine_regions(self, "-", other)

    def __and__(self, other: Combinable) -> RingDomain:
        """Return the intersection of two plane regions."""
        from .plane_region import combine_regions

        return combine_regions(self, "&", other)

    def named(self, name: str) -> RingDomain:
        """Return the plane region with a name for its whole boundary, which becomes a tag of what is combined with it."""
        from .plane_region import name_boundary

        return name_boundary(self, name)
