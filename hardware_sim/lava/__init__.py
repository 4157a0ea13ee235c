"""A network as a Lava graph: the plan of a run, its assembly, its simulation, and streams of points.

`from neuropinn_lava.hardware_sim.lava import VSN` is the Lava process of a population, for graphs built by hand; Lava is
imported with it, not before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .processes.vsn import VSN as VSN


def __getattr__(name: str) -> Any:
    if name != "VSN":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from ..runner.lava_guard import require_lava

    require_lava()
    from .processes.vsn import VSN

    return VSN
