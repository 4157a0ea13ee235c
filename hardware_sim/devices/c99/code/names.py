"""Names in C: what functions, macros, tables and fields of a network are called, whatever the network and its nodes are called.

All of them begin with `npl_` or `NPL_`, so that no name is one of the language's, of a library's, or of another network.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from .....base.arrays import Record
from ...integer_plan import IntegerPlan

MAX_STEM = 24
"""Longest part of a name that comes from the network: C99 tells names of 63 characters apart."""
MAX_NODE = 20
"""Longest part of a name that comes from a node."""
DIGEST_DIGITS = 16
"""Hex digits of the digest that a header and its golden vectors compare: the preprocessor has 64 bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names(Record):
    """Names of one network in C."""

    stem: str
    """Name of the network as a part of a C name, in lower case."""
    nodes: dict[str, str]
    """Name of every input, node and read-out as a part of a C name, by its own."""

    @property
    def prefix(self) -> str:
        """Beginning of every function, type and table."""
        return f"npl_{self.stem}"

    @property
    def macro(self) -> str:
        """Beginning of every macro."""
        return self.prefix.upper()

    @property
    def header(self) -> str:
        """Name of the header's file."""
        return f"{self.stem}.h"

    @property
    def host(self) -> str:
        """Name of the file with transforms in floating point."""
        return f"{self.stem}_host.h"

    def node_macro(self, name: str) -> str:
        """Return the macro with the number of a node."""
        return f"{self.macro}_NODE_{self.nodes[name].upper()}"

    def table(self, name: str, what: str) -> str:
        """Return the name of a table of a node."""
        return f"{self.prefix}_{self.nodes[name]}_{what}"


def name_parts(plan: IntegerPlan) -> Names:
    """Choose the C names of a network and of all that is in it."""
    given = [each.name for each in (*plan.inputs, *plan.nodes, plan.output)]
    return Names(stem=_unique([plan.name], MAX_STEM)[plan.name], nodes=_unique(given, MAX_NODE))


def digest_number(digest: str) -> str:
    """Return the beginning of a digest as a number of the preprocessor."""
    return f"0x{digest[:DIGEST_DIGITS]}u"


def _unique(given: Iterable[str], longest: int) -> dict[str, str]:
    """Map names to different C names in lower case; those that would collide get a number."""
    chosen: dict[str, str] = {}
    for name in given:
        plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:longest].strip("_") or "net"
        candidate, k = plain, 2
        while candidate in chosen.values():
            candidate, k = f"{plain}_{k}", k + 1
        chosen[name] = candidate
    return chosen
